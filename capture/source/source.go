// Package source opens whatever holds captured requests (access logs, capture files, lines of our own NDJSON, other
// tools' recordings, compressed or not, one file or a rotated set from many hosts) and gives its requests in one order of
// arrival, redacted, with a ledger for each source.
//
// What a source is follows from its content, never from its name. Logs are read whole before the first
// request comes out, since a line is written when its request ends and some take hours; a [capture.Sorter]
// bounds the memory. A capture file alone is in order already and passes straight through.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
	"trafficreplay/capture/tlskeys"
)

// Options settle how sources are read; the zero value reads them whole.
type Options struct {
	Accesslog  accesslog.Options
	Redactor   *capture.Redactor // nil: the default rules with a random key
	Filter     *capture.Filter   // applied to what the source says, before redaction; nil keeps all
	Dedupe     bool              // leave out lines that another log holds as often, see twins
	MaxSkipped *float64          // share of a log's lines; more skipped ones are an error; nil: no limit
	Stdin      io.Reader         // what the name "-" means; nil: it means nothing
	TempDir    string            // for what does not fit in memory; empty: os.TempDir
	Keys       *tlskeys.Keys     // of TLS in packet captures, beside those that the captures hold; nil: none

	// Progress, if not nil, is told now and then how much was read so far: bytes of files, before
	// decompression, and lines.
	Progress func(bytes, lines int64)
}

// ErrEmpty means that no request came out. Its error says what was seen instead.
var ErrEmpty = errors.New("no requests")

// ReorderWindow is how far an arrival may step back within a source before its ledger counts it as late. It
// bounds nothing: late requests are kept and sorted like all others.
const ReorderWindow = time.Minute

// Set is the requests of one or more sources. It is not safe for concurrent use.
type Set struct {
	ctx    context.Context
	o      Options
	inputs []*input // in the order in which they are read
	notes  []string
	warned []string
	host   []byte // of requests that name none

	alone      *archive // the single capture file, which needs no sorting
	sorter     *capture.Sorter
	loaded     bool
	ledger     []capture.Ledger
	redacted   []string // rules that went over capture files among the sources
	given      int64    // requests that came out
	conns      int64    // connections of the inputs read so far
	twins      twins
	packets    *packets // being read: the next input may go on with its connections
	series     string   // of the input at hand
	seriesFrom int64    // connections before its first file
	bytes      int64    // for Progress: of the inputs read so far
	lines      int64
	err        error // sticky, of Next
}

// Open recognises the sources that names mean: files, globs, folders and "-" for Options.Stdin. It reads no more
// than their beginnings.
func Open(ctx context.Context, names []string, o Options) (*Set, error) {
	if o.Redactor == nil {
		var err error
		if o.Redactor, err = capture.NewRedactor(capture.RedactOptions{}); err != nil {
			return nil, err
		}
	}
	s := &Set{ctx: ctx, o: o, host: []byte(o.Accesslog.Host)}
	found, notes, err := expand(names)
	if err != nil {
		return nil, err
	}
	s.notes = notes
	for i := range found {
		in, err := s.recognise(&found[i], len(found) == 1)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if in != nil {
			s.inputs = append(s.inputs, in)
		}
	}
	if len(s.inputs) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrEmpty, strings.Join(append(names, s.notes...), "; "))
	}
	slices.SortStableFunc(s.inputs, byAge)
	s.inputs = joinSeries(s.inputs)
	if len(s.inputs) == 1 && s.inputs[0].archive != nil && s.inputs[0].archive.ordered {
		s.alone = s.inputs[0].archive
		if err := s.inputs[0].reopen(); err != nil {
			return nil, err
		}
	} else {
		s.sorter = capture.NewSorter(capture.SorterOptions{TempDir: o.TempDir, Budget: s.sorterBudget()})
	}
	return s, nil
}

// sorterBudget leaves a packet capture's connections their share of the memory.
func (s *Set) sorterBudget() int {
	if slices.ContainsFunc(s.inputs, func(in *input) bool { return in.packets }) {
		return packetsMemory + packetsMemory/2
	}
	return 0
}

// byAge orders inputs by their first arrival, so that requests of one instant come out in the order of their
// lines although a rotation parted them, in whatever order the files were named.
func byAge(a, b *input) int {
	switch {
	case a.first != b.first && a.first < b.first:
		return -1
	case a.first != b.first:
		return 1
	}
	return strings.Compare(a.name, b.name)
}

// Next reads the next request into q, in order of arrival, redacted. Its slices stay valid until the next call.
// It returns io.EOF at the end. An error of the input names it and the line.
func (s *Set) Next(q *capture.Request) error {
	if s.err != nil {
		return s.err
	}
	s.err = s.next(q)
	return s.err
}

func (s *Set) next(q *capture.Request) error {
	if s.alone != nil {
		return s.nextAlone(q)
	}
	if err := s.load(); err != nil {
		return err
	}
	if s.o.Dedupe {
		return s.nextUnique(q)
	}
	return s.sorter.Next(q)
}

// CopyTo writes all requests to w, as Next and w.Write would, but without taking apart what is in w's form already.
// Afterwards Next returns io.EOF, or the error that CopyTo returned.
func (s *Set) CopyTo(w *capture.Writer) error {
	if s.alone != nil || s.o.Dedupe {
		return s.copyEach(w)
	}
	if s.err == nil {
		s.err = s.load()
	}
	if s.err == nil {
		s.err = s.sorter.CopyTo(s.ctx, w)
	}
	if s.err != nil {
		return s.err
	}
	s.err = io.EOF
	return nil
}

// copyEach copies one request after the other.
func (s *Set) copyEach(w *capture.Writer) error {
	var q capture.Request
	for {
		switch err := s.Next(&q); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if s.err = w.Write(&q); s.err != nil {
			return s.err
		}
	}
}

// nextAlone reads from the single capture file.
func (s *Set) nextAlone(q *capture.Request) error {
	for {
		if s.lines%progressEvery == 0 {
			if err := s.tick(0); err != nil {
				return err
			}
		}
		err := s.alone.next(q)
		if err == io.EOF {
			s.ledger = s.alone.ledgers(s.o.Redactor)
			s.redacted = s.alone.r.Redactions()
			s.warn(s.alone.warning())
			if s.given == 0 {
				return s.empty()
			}
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.alone.name, err)
		}
		s.lines++
		s.nameHost(q)
		if !s.o.Filter.Keep(q) {
			s.alone.drop(q, s.o.Filter.Why(q))
			continue
		}
		s.o.Redactor.Ensure(q)
		s.given++
		return nil
	}
}

// progressEvery is how many lines pass between two looks at the context and calls of Progress.
const progressEvery = 4096

// tick looks whether to go on and tells of the progress; read is the bytes of the input at hand.
func (s *Set) tick(read int64) error {
	if s.o.Progress != nil {
		s.o.Progress(s.bytes+read, s.lines)
	}
	return context.Cause(s.ctx)
}

// load reads every input into the sorter, once.
func (s *Set) load() error {
	if s.loaded {
		return nil
	}
	s.loaded = true
	digests := map[string]string{}
	for _, in := range s.inputs {
		before := len(s.ledger)
		if err := s.loadInput(in); err != nil {
			return err
		}
		for i := range s.ledger[before:] {
			l := &s.ledger[before+i]
			if l.SHA256 == "" || l.Requests == 0 {
				continue
			}
			if other, ok := digests[l.SHA256]; ok && !s.o.Dedupe {
				s.note("%s and %s hold the same bytes: their requests are in twice", other, l.Name)
			}
			digests[l.SHA256] = l.Name
		}
	}
	if err := s.endPackets(); err != nil {
		return err
	}
	if err := s.tick(0); err != nil {
		return err
	}
	if s.sorter.Len() == 0 {
		return s.empty()
	}
	return nil
}

func (s *Set) loadInput(in *input) (err error) {
	defer func() {
		if closing := in.close(); err == nil { // a torn stream complains once more when it is closed
			err = closing
		}
	}()
	if in.archive != nil {
		return s.loadArchive(in)
	}
	if in.packets {
		return s.loadPackets(in)
	}
	if err := s.endPackets(); err != nil {
		return err
	}
	if in.recording != nil {
		return s.loadRecording(in)
	}
	return s.loadLog(in)
}

// nameHost gives a request without a host the one that the options name, as the parser of an access log does.
func (s *Set) nameHost(q *capture.Request) {
	if len(q.Host) == 0 {
		q.Host = s.host
	}
}

// renumber gives q's connection a number that no other input has, and returns the one it had. A connection's
// number counts within its source.
func (s *Set) renumber(q *capture.Request) int64 {
	had := q.Conn
	if had > 0 {
		q.Conn += s.conns
	}
	return had
}

// empty is the error of a set out of which nothing came.
func (s *Set) empty() error {
	var seen []string
	for i := range s.ledger {
		seen = append(seen, describe(&s.ledger[i]))
	}
	return fmt.Errorf("%w: %s", ErrEmpty, strings.Join(seen, "; "))
}

// describe says what a source held instead of requests.
func describe(l *capture.Ledger) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d lines", l.Name, l.Lines)
	if l.Packets > 0 {
		b.Reset()
		fmt.Fprintf(&b, "%s: %d packets of %d TCP connections, %d payload bytes", l.Name, l.Packets, l.Streams, l.PayloadBytes)
	}
	reasons := make([]string, 0, len(l.Skipped))
	for r := range l.Skipped {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		fmt.Fprintf(&b, ", %d %s", l.Skipped[r], r)
	}
	if l.Filtered > 0 {
		fmt.Fprintf(&b, ", %d filtered out", l.Filtered)
	}
	for _, e := range l.Examples[:min(len(l.Examples), 3)] {
		fmt.Fprintf(&b, " (%s: %s: \"%s\")", e.Src, e.Reason, e.Part)
	}
	return b.String()
}

func (s *Set) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// Ledgers are the accounts of the sources, in the order in which they were read; whole once Next has returned
// io.EOF. A capture file passes on those that are recorded in it. A filter then moves what it excludes from
// Requests to Filtered in the ledger that the request's Src names (where two have that name, or none has, in the
// first that has requests left), so that each ledger still balances and the sums stay exact.
func (s *Set) Ledgers() []capture.Ledger { return s.ledger }

// RedactedBefore are the rules that went over the capture files among the sources when these were written, for
// [capture.Writer.SetRedactedBefore]; whole once Next has returned io.EOF.
func (s *Set) RedactedBefore() []string { return s.redacted }

func (s *Set) warn(text string) {
	if text != "" {
		s.warned = append(s.warned, text)
	}
}

// Warnings says what is wrong with the sources although they could be read: a capture file that is torn. They are
// whole once Next has returned io.EOF.
func (s *Set) Warnings() []string { return s.warned }

// Size is how many bytes Progress will count in all, as the files are now. It is not known where one of them is a
// stream, or a capture file, whose bytes are not counted.
func (s *Set) Size() (bytes int64, known bool) {
	for _, in := range s.inputs {
		if in.archive != nil || in.info == nil || !in.info.Mode().IsRegular() {
			return 0, false
		}
		bytes += in.info.Size()
	}
	return bytes, true
}

// Notes says how the formats were recognised and what is doubtful.
func (s *Set) Notes() []string { return s.notes }

// Reads reports whether the file that info is of is one of the sources.
func (s *Set) Reads(info os.FileInfo) bool {
	return slices.ContainsFunc(s.inputs, func(in *input) bool { return in.info != nil && os.SameFile(in.info, info) })
}

// Close closes the inputs and removes temporary files.
func (s *Set) Close() error {
	var errs []error
	for _, in := range s.inputs {
		errs = append(errs, in.close())
	}
	if s.sorter != nil {
		errs = append(errs, s.sorter.Close())
	}
	s.err = errClosed
	return errors.Join(errs...)
}

var errClosed = errors.New("sources were closed")
