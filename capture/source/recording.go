package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"trafficreplay/capture"
	"trafficreplay/capture/gor"
	"trafficreplay/capture/har"
	"trafficreplay/capture/vegeta"
)

// recording is the format of a file in which another tool keeps requests. Its ledger counts entries as lines.
type recording struct {
	format    string
	recognise func(head []byte) bool
	open      func(r io.Reader, name string) entries
}

// entries gives the requests of a recording. A [*capture.SyntaxError] is about one entry; io.EOF is the end; any
// other error names the file.
type entries interface {
	Next(q *capture.Request) error
}

// What some of them know besides.
type (
	// numbered gives the place in the file of the entry that Next was about, where it is no count of the calls.
	numbered interface{ Number() int64 }
	// answered counts the responses so far.
	answered interface{ Responses() int64 }
	// doubtful says what is doubtful about what was read.
	doubtful interface{ Notes() []string }
)

var recordings = []recording{
	{"har", har.Recognise, func(r io.Reader, name string) entries { return har.NewReader(r, name) }},
	{"gor", gor.Recognise, func(r io.Reader, name string) entries { return gor.NewReader(r, name) }},
	{"vegeta", vegeta.Recognise, func(r io.Reader, name string) entries { return vegeta.NewReader(r, name) }},
}

// recordingOf is the format of a file that begins with head; nil: it is no recording that we read.
func recordingOf(head []byte) *recording {
	for i := range recordings {
		if recordings[i].recognise(head) {
			return &recordings[i]
		}
	}
	return nil
}

// lookAtRecording reports whether the input is a recording. A format that the user named is a log's.
func (s *Set) lookAtRecording(in *input) bool {
	if o := s.o.Accesslog; o.Format != "" || o.LogFormat != "" || len(o.Fields) > 0 {
		return false
	}
	head, _ := in.stream.lines.peek(sampleBytes)
	in.recording = recordingOf(head)
	if in.recording == nil {
		return false
	}
	var q capture.Request
	if in.recording.open(bytes.NewReader(head), in.name).Next(&q) == nil {
		in.first = q.At
	}
	return true
}

// loadRecording reads the entries of a recording into the sorter and keeps their ledger.
func (s *Set) loadRecording(in *input) error {
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
	l := s.newLog(in, s.sorter.Add)
	from := in.recording.open(in.stream.lines.rest(), in.name)
	if err := l.readEntries(from); err != nil {
		return err
	}
	if from, ok := from.(answered); ok {
		l.ledger.Responses = from.Responses()
	}
	if from, ok := from.(doubtful); ok && l.ledger.Lines > 0 {
		for _, n := range from.Notes() {
			s.note("%s: %s", in.name, n)
		}
	}
	return l.finish()
}

func (l *log) readEntries(from entries) error {
	numbers, _ := from.(numbered)
	var q capture.Request
	for {
		err := from.Next(&q)
		if err == io.EOF {
			return nil
		}
		bad, skipped := errors.AsType[*capture.SyntaxError](err)
		if err != nil && !skipped {
			return err
		}
		l.ledger.Lines++
		l.s.lines++
		l.number = l.ledger.Lines
		if numbers != nil {
			l.number = numbers.Number()
		}
		if skipped {
			l.skip(bad.Reason, bad.Part)
		} else if err := l.keepEntry(&q); err != nil {
			return fmt.Errorf("%s: entry %d: %w", l.in.name, l.ledger.Lines, err)
		}
		if l.ledger.Lines%progressEvery == 0 {
			if err := l.s.tick(l.in.stream.offset()); err != nil {
				return err
			}
		}
	}
}

func (l *log) keepEntry(q *capture.Request) error {
	l.s.nameHost(q)
	l.resolve(q)
	var known lineDigest
	if l.s.o.Dedupe {
		src := q.Src
		q.Src = nil // two copies of a file are twins
		known = digest(q.AppendJSON(nil))
		q.Src = src
	}
	return l.keep(q, known)
}
