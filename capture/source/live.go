package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// Live reads the lines of a log while it is being written: standard input that is a pipe, with tail -F at its other
// end. Its requests come in the order of the lines. It is not safe for concurrent use.
type Live struct {
	set    *Set
	stream *patient
	in     *input
	log    *log
	read   int64 // bytes of the stream in earlier ledgers
	whole  bool  // there was no earlier ledger
}

// Sink takes what a Live reads.
type Sink interface {
	// Write takes a request. A [*capture.SyntaxError] says that it did not, and why; any other error ends the reading.
	Write(q *capture.Request) error
	// Tick is called between two lines, at least once a second. An error ends the reading.
	Tick(now time.Time) error
}

// NewLive begins to read a stream. The goroutine that reads it ends when ctx does and its Read has returned.
func NewLive(ctx context.Context, stream io.Reader, o Options) (*Live, error) {
	if o.Redactor == nil {
		var err error
		if o.Redactor, err = capture.NewRedactor(capture.RedactOptions{}); err != nil {
			return nil, err
		}
	}
	s := &Set{ctx: ctx, o: o, host: []byte(o.Accesslog.Host)}
	l := &Live{set: s, stream: newPatient(ctx, stream), whole: true}
	l.in = &input{found: found{path: "-", named: true}, name: "stdin"}
	st, err := l.in.open(l.stream)
	l.in.stream = st
	return l, err
}

// liveHead is how much of a stream is waited for to tell what it is; every line that is a request is longer.
const liveHead = 24

// sniffRecording is how much tells another tool's document from a log with such keys.
const sniffRecording = 256

// IsLines waits for the beginning of the stream and reports whether it is plain lines. What is compressed, or another
// capture, has an end: the Live is then an io.Reader, from the beginning, for an import.
func (l *Live) IsLines() (bool, error) {
	head, err := l.in.stream.buffer.Peek(liveHead)
	if err != nil && err != io.EOF {
		return false, err
	}
	if mayBeRecording(head) {
		l.stream.hurry(time.Second) // a document is longer, a log's line may not be
		head, _ = l.in.stream.buffer.Peek(sniffRecording)
		l.stream.eager, l.stream.patience = 0, nil
		if recordingOf(head) != nil {
			return false, nil
		}
	}
	return compression(head) == "" && !capture.IsCaptureFile(head) && bytes.IndexByte(head, 0) < 0 &&
		!bytes.HasPrefix(head, []byte("\xff\xfe")) && !bytes.HasPrefix(head, []byte("\xfe\xff")), nil
}

// mayBeRecording reports whether what begins with head is worth waiting for more of it.
func mayBeRecording(head []byte) bool {
	switch head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")); {
	case bytes.HasPrefix(head, []byte("{")):
		for _, key := range []string{`"log"`, `"attack"`, `"method"`, `"url"`} {
			if bytes.Contains(head, []byte(key)) {
				return true
			}
		}
		return false
	case len(head) > 1 && head[0] >= '1' && head[0] <= '3' && head[1] == ' ': // GoReplay's payload type
		return true
	}
	return bytes.Contains(head, []byte(" http://")) || bytes.Contains(head, []byte(" https://"))
}

// Read reads the stream instead of Recognise and Copy.
func (l *Live) Read(b []byte) (int, error) { return l.in.stream.buffer.Read(b) }

// Recognise finds out what writes the lines: once a second from what came so far, until it is known, or 64 KiB or 200
// lines are there. waiting is told, once, that what came so far is no log that is known. The error is
// [accesslog.ErrUnknown] where it stays so.
func (l *Live) Recognise(waiting func(cause error)) error {
	st := l.in.stream
	st.plain = io.NopCloser(st.buffer)
	head, err := st.buffer.Peek(liveHead) // is there: IsLines waited for it
	if err != nil && err != io.EOF {
		return fmt.Errorf("stdin: %w", err)
	}
	st.lines = newLineReader(splitRecords(&bombGuard{r: st.plain, raw: st.raw}, head))
	for told := false; ; told = true {
		l.stream.hurry(time.Second)
		head, _ := st.lines.peek(sampleBytes)
		more := errors.Is(st.lines.err, errQuiet)
		if st.lines.err != nil && st.lines.err != io.EOF && !more {
			return fmt.Errorf("stdin: %w", st.lines.err)
		}
		if more {
			st.lines.err = nil
		}
		lines := wholeLines(head, st.lines.err == io.EOF)
		more = more && len(lines) < sampleLines
		if len(lines) == 0 && more {
			continue
		}
		if len(lines) == 0 {
			lines = wholeLines(head, true) // a line above 64 KiB
		}
		err := l.look(lines)
		if err == nil || !more || !errors.Is(err, accesslog.ErrUnknown) {
			l.stream.eager, l.stream.patience = 0, nil
			return err
		}
		if !told {
			waiting(err)
		}
	}
}

// wholeLines are the first lines of head that are not blank.
func wholeLines(head []byte, ended bool) (lines [][]byte) {
	for len(head) > 0 && len(lines) < sampleLines {
		line, rest, found := cut(head)
		if !found && !ended {
			break
		}
		if head = rest; len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *Live) look(lines [][]byte) error {
	if len(lines) == 0 {
		return nil
	}
	if err := l.set.lookAtSample(l.in, lines); err != nil {
		return fmt.Errorf("stdin: %w", err)
	}
	return nil
}

// Copy gives every line to out as a request, or accounts for it otherwise, until the stream ends. When the context
// ends, the lines that were read so far are given first, and the error is the context's cause.
func (l *Live) Copy(out Sink) error {
	defer func() { l.log.describe() }() // for its notes
	l.log = l.set.newLog(l.in, out.Write)
	l.stream.tick = out.Tick
	lines := l.in.stream.lines
	var q capture.Request
	for {
		line, err := lines.next()
		if err == io.EOF {
			if err := l.log.end(&q); err != nil || !l.whole {
				return err
			}
			return l.log.judge()
		}
		if err != nil && err != errLong {
			return errors.Join(fmt.Errorf("stdin: line %d: %w", lines.lines+1, err), l.log.end(&q))
		}
		if err := l.log.next(line, err, &q); err != nil {
			return err
		}
		if l.log.ledger.Lines%progressEvery != 0 {
			continue
		}
		if l.set.o.Progress != nil {
			l.set.o.Progress(l.in.stream.raw.n, l.set.lines)
		}
		if l.log.ledger.Lines >= checkAfter && l.log.tooMany() {
			return l.log.tooManyErr()
		}
	}
}

// Ledger accounts for the lines since the last Cut. It balances between two lines, so in Tick and after Copy.
func (l *Live) Ledger() capture.Ledger {
	if l.log == nil {
		l.log = l.set.newLog(l.in, nil)
	}
	l.log.account()
	c := l.log.ledger
	c.Skipped, c.FilteredBy = maps.Clone(c.Skipped), maps.Clone(c.FilteredBy)
	c.Bytes -= l.read
	if !l.whole {
		c.SHA256 = ""
	}
	return c
}

// Cut begins another ledger, for another file. Neither has a digest of the stream then.
func (l *Live) Cut() {
	l.read, l.whole = l.in.stream.raw.n, false
	l.log.before += l.log.ledger.Lines
	l.log.ledger = capture.Ledger{Name: l.in.name, Skipped: map[string]int64{}}
}

// Notes says how the format was recognised and what is doubtful.
func (l *Live) Notes() []string { return l.set.notes }

// Empty is the error of a stream out of which no request came.
func (l *Live) Empty() error {
	c := l.Ledger()
	return fmt.Errorf("%w: %s", ErrEmpty, describe(&c))
}

// patient reads a stream that may be silent for hours: it can be told to give up, calls tick all the while, and ends
// with its context.
type patient struct {
	ctx      context.Context
	tick     func(now time.Time) error // nil: none
	ticker   *time.Ticker
	patience <-chan time.Time // when errQuiet is due; nil: never
	eager    time.Duration    // patience to have once something has come

	full  chan gulp
	empty chan []byte
	rest  []byte // of the piece at hand
	piece []byte
	err   error
}

// gulp is what one Read of the stream gave.
type gulp struct {
	b   []byte
	err error
}

// errQuiet means that nothing has come for as long as was waited.
var errQuiet = errors.New("nothing has come yet")

func newPatient(ctx context.Context, r io.Reader) *patient {
	p := &patient{ctx: ctx, ticker: time.NewTicker(time.Second), full: make(chan gulp), empty: make(chan []byte, 2)}
	p.empty <- make([]byte, readSize)
	p.empty <- make([]byte, readSize)
	go p.pump(r) // nobody can wait for it: a Read of standard input cannot be interrupted
	return p
}

// pump reads the stream until its end or that of the context.
func (p *patient) pump(r io.Reader) {
	for {
		select {
		case b := <-p.empty:
			n, err := r.Read(b)
			select {
			case p.full <- gulp{b[:n], err}:
			case <-p.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// hurry makes Read give errQuiet some time after there is something to read.
func (p *patient) hurry(d time.Duration) {
	p.eager, p.patience = d, nil
	if p.piece != nil {
		p.patience = time.After(d)
	}
}

// Read gives what has come, or waits for it.
func (p *patient) Read(b []byte) (int, error) {
	if p.tick != nil {
		if err := p.tick(time.Now()); err != nil {
			return 0, err
		}
	}
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		if err := p.wait(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// wait waits for the next piece.
func (p *patient) wait() error {
	if p.piece != nil {
		p.empty <- p.piece[:cap(p.piece)]
		p.piece = nil
	}
	select {
	case next := <-p.full:
		if p.patience == nil && p.eager > 0 {
			p.patience = time.After(p.eager)
		}
		p.piece, p.rest, p.err = next.b, next.b, next.err
	case now := <-p.ticker.C:
		if p.tick != nil {
			return p.tick(now)
		}
	case <-p.patience:
		return errQuiet
	case <-p.ctx.Done():
		p.err = context.Cause(p.ctx)
		p.ticker.Stop()
	}
	return nil
}
