package source

import (
	"bytes"
	"errors"
	"io"

	"trafficreplay/capture"
)

// errLong means that a line was longer than capture.MaxLine; it was skipped whole.
var errLong = errors.New("line too long")

const (
	readSize   = 128 << 10                      // bytes asked for at once: larger reads leave the cache
	bufferSize = capture.MaxLine + readSize + 2 // the longest line, its end, and what is read behind it
)

// lineReader splits a stream into lines. Lines end in LF or CRLF, the last one also at the end of the stream.
type lineReader struct {
	r          io.Reader
	buf        []byte
	start, end int   // what is buffered
	err        error // of r, once it has one
	lines      int64 // given so far, too long ones too
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: r, buf: make([]byte, bufferSize)} }

// next gives the next line without its end; it stays valid until the next call. io.EOF at the end; errLong
// for a line that is too long, after which the next one follows. A line that an error of the stream cuts off is not
// given.
func (l *lineReader) next() ([]byte, error) {
	scanned := 0
	for {
		if i := bytes.IndexByte(l.buf[l.start+scanned:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : l.start+scanned+i]
			l.start += scanned + i + 1
			return l.give(line)
		}
		scanned = l.end - l.start
		if l.err != nil {
			break
		}
		if scanned > capture.MaxLine+1 {
			return l.skipLong()
		}
		l.fill()
	}
	if scanned == 0 || l.err != io.EOF {
		return nil, l.err
	}
	line := l.buf[l.start:l.end]
	l.start = l.end
	return l.give(line)
}

func (l *lineReader) give(line []byte) ([]byte, error) {
	l.lines++
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > capture.MaxLine {
		return nil, errLong
	}
	return line, nil
}

// skipLong drops the rest of a line that is too long.
func (l *lineReader) skipLong() ([]byte, error) {
	for l.err == nil {
		l.start = l.end
		l.fill()
		if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
			l.start += i + 1
			l.lines++
			return nil, errLong
		}
	}
	l.start = l.end
	if l.err != io.EOF {
		return nil, l.err
	}
	l.lines++
	return nil, errLong
}

// fill reads once. There is room: more than the longest line is never kept.
func (l *lineReader) fill() {
	if l.start > 0 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	for range maxEmptyReads {
		n, err := l.r.Read(l.buf[l.end : l.end+readSize])
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

const maxEmptyReads = 100

// peek gives up to n bytes of what comes next, and whether the stream ends there.
func (l *lineReader) peek(n int) (head []byte, whole bool) {
	for l.end-l.start < n && l.err == nil {
		l.fill()
	}
	if l.end-l.start > n {
		return l.buf[l.start : l.start+n], false
	}
	return l.buf[l.start:l.end], l.err != nil
}

// rest gives what was not read as lines yet as a stream, and leaves nothing.
func (l *lineReader) rest() io.Reader {
	head := l.buf[l.start:l.end]
	l.start = l.end
	if l.err != nil {
		return io.MultiReader(bytes.NewReader(head), failed{l.err})
	}
	return io.MultiReader(bytes.NewReader(head), l.r)
}

// cut splits head behind its first line end. found is false where there is none.
func cut(head []byte) (line, rest []byte, found bool) {
	line, rest, found = bytes.Cut(head, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), rest, found
}
