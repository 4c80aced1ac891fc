package source

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
	"trafficreplay/capture/packet"
)

// input is one source of a set: a log, or a capture file.
type input struct {
	found
	name  string // as ledgers and errors have it
	first int64  // arrival of its first request, or 0

	series string // of which it is a part; empty: none
	part   int    // place there

	split   *joiner           // of a log whose lines may be split; nil: they are whole
	archive *archive          // of a capture file
	parser  *accesslog.Parser // of an access log; with none of them, lines are our own NDJSON

	recording *recording // another tool's file
	packets   bool       // a packet capture
	stream    *stream    // open from the start where it cannot be opened twice
}

// stream is an open file down to its lines.
type stream struct {
	file   io.Closer // nil: not ours to close
	raw    *rawReader
	buffer *bufio.Reader // of raw
	plain  io.ReadCloser // decompressed
	packed string        // gzip, zstd, …; empty: not compressed
	bytes  *bufio.Reader // of plain, with a ceiling
	lines  *lineReader   // of bytes; nil for a packet capture
	ahead  *readAhead    // nil: lines are read when they are asked for
}

// rawReader counts and digests what is read of a file.
type rawReader struct {
	r io.Reader
	h hash.Hash
	n int64
}

func (r *rawReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.h.Write(b[:n])
	r.n += int64(n)
	return n, err
}

// open opens what the name means, without a look at its content.
func (f *found) open(stdin io.Reader) (*stream, error) {
	st := &stream{raw: &rawReader{h: sha256.New()}}
	if f.path == "-" {
		if stdin == nil {
			return nil, errors.New("-: there is no standard input")
		}
		st.raw.r = stdin
	} else {
		file, err := os.Open(f.path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, cause(err))
		}
		info, err := file.Stat()
		if err == nil && !os.SameFile(info, f.info) {
			err = fmt.Errorf("%s: another file took its place while it was read", f.path)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		st.file, st.raw.r = file, file
	}
	st.buffer = bufio.NewReaderSize(st.raw, 64<<10)
	return st, nil
}

// unpack opens the content of a stream: its lines, unless it is a packet capture.
func (st *stream) unpack() error {
	head, err := st.buffer.Peek(sniffSize)
	if err != nil && err != io.EOF {
		return err
	}
	st.packed = compression(head)
	if st.plain, err = decompress(st.packed, st.buffer); err != nil {
		return fmt.Errorf("%s: %w", st.packed, err)
	}
	st.bytes = bufio.NewReaderSize(&bombGuard{r: st.plain, raw: st.raw, packed: st.packed}, 64<<10)
	if head, err = st.bytes.Peek(packetsHead); err != nil && err != io.EOF { // which the buffer tells only once
		st.bytes = bufio.NewReader(io.MultiReader(bytes.NewReader(head), failed{err}))
	}
	if !packet.Recognise(head) {
		st.lines = newLineReader(asRecords(asUTF8(st.bytes)))
	}
	return nil
}

// readAhead makes the reading of lines a goroutine's, where one could run beside this one.
func (st *stream) readAhead() {
	if runtime.GOMAXPROCS(0) > 1 && st.lines.err == nil {
		st.ahead = newReadAhead(st.lines.r, func() int64 { return st.raw.n })
		st.lines.r = st.ahead
	}
}

// offset is how many bytes of the file were read for the lines so far.
func (st *stream) offset() int64 {
	if st.ahead != nil {
		return st.ahead.offset
	}
	return st.raw.n
}

func (st *stream) close() error {
	if st.ahead != nil {
		st.ahead.close()
	}
	var errs []error
	if st.plain != nil {
		errs = append(errs, st.plain.Close())
	}
	if st.file != nil {
		errs = append(errs, st.file.Close())
	}
	return errors.Join(errs...)
}

// digest is the SHA-256 of what was read.
func (st *stream) digest() string { return hex.EncodeToString(st.raw.h.Sum(nil)) }

// close closes what is open.
func (in *input) close() error {
	var err error
	if in.archive != nil && in.archive.r != nil {
		err = in.archive.r.Close()
		in.archive.r = nil
	}
	if in.stream != nil {
		err = errors.Join(err, in.stream.close())
		in.stream = nil
	}
	return err
}

// reopen opens the capture file again if it was closed after it was recognised.
func (in *input) reopen() error {
	if in.archive.r != nil {
		return nil
	}
	var err error
	in.archive.r, err = capture.Open(in.path)
	return err
}

// recognise finds out what a file is. It gives nil for a file that only lay in a folder and is nothing that we
// read. only says that there is no other, so that it may stay open.
func (s *Set) recognise(f *found, only bool) (*input, error) {
	in := &input{found: *f, name: f.path}
	if f.path == "-" {
		in.name = "stdin"
	}
	st, err := f.open(s.o.Stdin)
	if err != nil {
		return nil, err
	}
	in.stream = st
	err = s.look(in)
	if err != nil && !f.named && errors.Is(err, accesslog.ErrUnknown) {
		s.note("%s: left out: %v", in.name, err)
		return nil, in.close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", in.name, err), in.close())
	}
	if f.info != nil && f.info.Mode().IsRegular() && !only {
		return in, in.close()
	}
	return in, nil
}

// look reads the beginning of an input.
func (s *Set) look(in *input) error {
	head, err := in.stream.buffer.Peek(sniffSize)
	if err != nil && err != io.EOF {
		return err
	}
	if capture.IsCaptureFile(head) {
		return s.lookAtArchive(in)
	}
	if err := in.stream.unpack(); err != nil {
		return err
	}
	if in.stream.lines == nil {
		s.lookAtPackets(in)
		return nil
	}
	return s.lookAtLines(in)
}

// lookAtArchive opens a capture file by its name, since only then its metadata can be read in advance, or from
// the stream that it is.
func (s *Set) lookAtArchive(in *input) (err error) {
	a := &archive{name: in.name, unit: int64(time.Second)}
	if in.info == nil || !in.info.Mode().IsRegular() {
		a.r, err = capture.NewReader(in.stream.buffer)
		in.archive = a
		return err
	}
	if err := in.close(); err != nil {
		return err
	}
	if a.r, err = capture.Open(in.path); err != nil {
		return err
	}
	a.ordered = true
	if m, ok := a.r.Meta(); ok {
		in.first = m.First
	}
	in.series, in.part = a.r.Series()
	in.archive = a
	return nil
}

// sampleLines and sampleBytes bound the beginning of a log by which it is recognised.
const (
	sampleLines = 200
	sampleBytes = 64 << 10
)

// lookAtLines finds out what writes such lines.
func (s *Set) lookAtLines(in *input) error {
	if s.lookAtRecording(in) {
		return nil
	}
	lines, err := in.sample()
	if err != nil || len(lines) == 0 {
		return err
	}
	return s.lookAtSample(in, lines)
}

// lookAtSample finds out what writes lines, of which there is one at least.
func (s *Set) lookAtSample(in *input, lines [][]byte) error {
	var q capture.Request
	if s.o.Accesslog.Format == "" && s.o.Accesslog.LogFormat == "" && len(s.o.Accesslog.Fields) == 0 {
		for _, line := range lines {
			if capture.ParseJSON(append([]byte(nil), line...), &q) == nil && len(q.Target) > 0 {
				in.first = q.At
				return nil
			}
		}
	}
	o := s.o.Accesslog
	if in.info != nil && in.info.Mode().IsRegular() {
		o.Newest = in.info.ModTime()
	}
	in.split, lines = whole(lines)
	parser, note, err := accesslog.Detect(lines, o)
	if err != nil {
		return fmt.Errorf("%w; it begins with \"%s\"", err, s.o.Redactor.Example(lines[0]))
	}
	in.parser = parser
	if note != "" {
		s.note("%s: %s: %s", in.name, parser.Name(), note)
	}
	for _, line := range lines {
		if parser.Parse(line, &q) == nil {
			in.first = q.At
			break
		}
	}
	parser.Rewind()
	return nil
}

// sample gives the whole lines among the first ones, without those that are blank. They stay valid until the
// next line is read.
func (in *input) sample() ([][]byte, error) {
	head, whole := in.stream.lines.peek(sampleBytes)
	if len(head) == 0 && in.stream.lines.err != io.EOF {
		return nil, in.stream.lines.err
	}
	var lines [][]byte
	for len(head) > 0 && len(lines) < sampleLines {
		line, rest, found := cut(head)
		if !found && !whole && len(lines) > 0 {
			break
		}
		if head = rest; len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
