package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"trafficreplay/capture"
)

// log is the reading of one input's lines into the sorter.
type log struct {
	s      *Set
	in     *input
	add    func(*capture.Request) error // takes a request; a [*capture.SyntaxError] says that it did not
	ledger capture.Ledger
	before int64   // lines in earlier ledgers of the same input
	number int64   // of the line or entry at hand, in the input
	parts  *joiner // nil: its lines are whole
	base   string  // of the input's name
	src    []byte
	newest int64 // arrival so far
	top    int64 // number of a connection so far
	unit   int64 // resolution of NDJSON stamps, ns
}

// checkAfter is how many lines a log must have before too many skipped ones end its reading early.
const checkAfter = 10_000

// loadLog reads the lines of an input into the sorter and keeps their ledger.
func (s *Set) loadLog(in *input) error {
	if in.stream == nil {
		st, err := in.open(s.o.Stdin)
		if err != nil {
			return err
		}
		in.stream = st
		if err := st.unpack(); err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
	if in.info != nil && in.info.Mode().IsRegular() { // a pipe would keep the goroutine waiting
		in.stream.readAhead()
	}
	l := s.newLog(in, s.sorter.Add)
	if err := l.read(); err != nil {
		return err
	}
	return l.finish()
}

// finish closes the account of an input that was read to its end.
func (l *log) finish() error {
	l.describe()
	l.s.bytes += l.ledger.Bytes
	l.s.conns += l.top
	l.s.ledger = append(l.s.ledger, l.ledger)
	if err := l.ledger.Balance(); err != nil {
		return err
	}
	return l.judge()
}

// newLog makes the reading of an input whose requests go to add.
func (s *Set) newLog(in *input, add func(*capture.Request) error) *log {
	l := &log{s: s, in: in, add: add, unit: int64(time.Second), base: filepath.Base(in.name)}
	l.ledger = capture.Ledger{Name: in.name, Skipped: map[string]int64{}}
	if in.split != nil {
		l.parts = &joiner{docker: in.split.docker}
	}
	return l
}

// read reads all lines.
func (l *log) read() error {
	lines := l.in.stream.lines
	var q capture.Request
	for {
		line, err := lines.next()
		if err == io.EOF {
			return l.end(&q)
		}
		if err != nil && err != errLong {
			return fmt.Errorf("%s: line %d: %w (byte %d of the file; %d lines were read)",
				l.in.name, lines.lines+1, ended(err), l.in.stream.offset(), lines.lines)
		}
		if err := l.next(line, err, &q); err != nil {
			return err
		}
		if l.ledger.Lines%progressEvery == 0 {
			if err := l.s.tick(l.in.stream.offset()); err != nil {
				return err
			}
			if l.ledger.Lines >= checkAfter && l.tooMany() {
				return l.tooManyErr()
			}
		}
	}
}

// next accounts for one line, or for one that was too long. An error is not about the line.
func (l *log) next(line []byte, bad error, q *capture.Request) error {
	l.ledger.Lines++
	l.s.lines++
	l.number = l.before + l.ledger.Lines
	if bad == nil && l.parts != nil {
		if line, bad = l.parts.join(line, l.number); line == nil && bad == nil {
			l.ledger.Skip(capture.ReasonContinued, "", "")
			return nil
		}
	}
	if bad != nil {
		l.skip(capture.ReasonTooLong, nil)
		return nil
	}
	if err := l.take(line, q); err != nil {
		return fmt.Errorf("%s: line %d: %w", l.in.name, l.number, err)
	}
	return nil
}

// end accounts for lines whose last part never came. Their parts were counted as continued; the last of them, where it
// is in this ledger, now counts for itself.
func (l *log) end(q *capture.Request) error {
	if l.parts == nil {
		return nil
	}
	for _, rest := range l.parts.left() {
		if l.ledger.Skipped[capture.ReasonContinued] == 0 {
			continue
		}
		if l.ledger.Skipped[capture.ReasonContinued]--; l.ledger.Skipped[capture.ReasonContinued] == 0 {
			delete(l.ledger.Skipped, capture.ReasonContinued)
		}
		l.number = rest.number
		switch {
		case rest.long:
			l.skip(capture.ReasonTooLong, nil)
		case !l.parts.docker:
			l.skip(reasonPartial, nil)
		default: // the last words of a program, without a line end
			if err := l.take(append(rest.line, rest.tail...), q); err != nil {
				return fmt.Errorf("%s: line %d: %w", l.in.name, l.number, err)
			}
		}
	}
	return nil
}

// ended says it in words when a compressed file breaks off.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends in the middle: %w", err)
	}
	return err
}

// take makes a request of a line, or accounts for it otherwise. An error is not about the line.
func (l *log) take(line []byte, q *capture.Request) error {
	var known lineDigest
	if l.s.o.Dedupe {
		known = digest(line)
	}
	if err := l.parse(line, q); err != nil {
		return l.bad(err)
	}
	return l.keep(q, known)
}

// keep takes a request of the input. known is the digest of its line where duplicates are left out.
func (l *log) keep(q *capture.Request, known lineDigest) error {
	if !l.s.o.Filter.Keep(q) {
		l.ledger.Filter(l.s.o.Filter.Why(q))
		return nil
	}
	if len(q.Src) == 0 {
		l.src = append(append(l.src[:0], l.base...), ':')
		l.src = strconv.AppendInt(l.src, l.number, 10)
		q.Src = l.src
	}
	l.top = max(l.top, l.s.renumber(q))
	l.s.o.Redactor.Ensure(q)
	if l.s.o.Dedupe && l.s.sorter != nil {
		q.Src = l.s.twins.marked(q, known, len(l.s.ledger))
	}
	if err := l.add(q); err != nil {
		return l.bad(err)
	}
	l.ledger.Requests++
	if q.At < l.newest-int64(ReorderWindow) && l.ledger.Requests > 1 {
		l.ledger.Late++
	}
	if q.At > l.newest || l.ledger.Requests == 1 {
		l.newest = q.At
	}
	return nil
}

func (l *log) parse(line []byte, q *capture.Request) error {
	if l.in.parser != nil {
		return l.in.parser.Parse(line, q)
	}
	if len(bytes.TrimLeft(line, " \t")) == 0 {
		return &capture.SyntaxError{Reason: capture.ReasonBlank}
	}
	if err := capture.ParseJSON(line, q); err != nil {
		return err
	}
	l.s.nameHost(q)
	l.resolve(q)
	return nil
}

// resolve learns the resolution of the stamps where nobody states it.
func (l *log) resolve(q *capture.Request) {
	for q.At%l.unit != 0 {
		l.unit /= 10
	}
}

// bad skips the line that err is about; any other error is given back.
func (l *log) bad(err error) error {
	bad, ok := errors.AsType[*capture.SyntaxError](err)
	if !ok {
		return err
	}
	l.skip(bad.Reason, bad.Part)
	return nil
}

func (l *log) skip(reason string, part []byte) {
	if l.ledger.Skipped[reason] >= 3 || reason == capture.ReasonBlank || reason == capture.ReasonComment {
		l.ledger.Skip(reason, "", "")
		return
	}
	src := l.base + ":" + strconv.FormatInt(l.number, 10)
	l.ledger.Skip(reason, src, l.s.o.Redactor.Example(part))
}

// describe fills in what is known at the end.
func (l *log) describe() {
	l.account()
	if l.in.parser == nil {
		return
	}
	for _, n := range l.in.parser.Notes() {
		l.s.note("%s: %s", l.in.name, n)
	}
}

// account fills in what the ledger says of the input so far.
func (l *log) account() {
	l.ledger.Bytes, l.ledger.SHA256 = l.in.stream.offset(), l.in.stream.digest()
	if p := l.in.parser; p != nil {
		l.ledger.Format, l.ledger.Basis, l.ledger.Resolution = p.Name(), p.Basis(), p.Resolution().String()
		return
	}
	l.ledger.Format = "ndjson"
	if l.in.recording != nil {
		l.ledger.Format = l.in.recording.format
	} else if l.ledger.Lines == 0 {
		l.ledger.Format = "empty"
	}
	l.ledger.Basis, l.ledger.Resolution = capture.BasisStart, time.Duration(l.unit).String()
}

// judge says whether the log is one to go on with.
func (l *log) judge() error {
	if l.tooMany() {
		return l.tooManyErr()
	}
	if l.ledger.Requests == 0 && l.ledger.Filtered == 0 && l.ledger.Bad() > 0 {
		return fmt.Errorf("%w: %s", ErrEmpty, describe(&l.ledger))
	}
	if l.ledger.Lines == 0 {
		l.s.note("%s: empty", l.in.name)
	}
	return nil
}

func (l *log) tooMany() bool {
	limit := l.s.o.MaxSkipped
	return limit != nil && float64(l.ledger.Bad()) > *limit*float64(l.ledger.Counted())
}

func (l *log) tooManyErr() error {
	return fmt.Errorf("%.3g%% of %d lines skipped, limit %.3g%%: %s",
		100*float64(l.ledger.Bad())/float64(l.ledger.Counted()), l.ledger.Counted(), 100**l.s.o.MaxSkipped, describe(&l.ledger))
}
