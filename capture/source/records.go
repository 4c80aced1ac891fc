package source

import (
	"bufio"
	"bytes"
	"io"
)

// asRecords gives the members of a JSON array a line each: an export such as Azure's {"records":[…]} or gcloud's
// [{…},…] is one value, on one line or over many. Any other stream it gives as it is. Ledgers count members, then.
func asRecords(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 4<<10) // small, so that larger reads pass it by
	head, err := b.Peek(sniffSize)
	if err != nil && err != io.EOF { // which the buffer tells only once
		return io.MultiReader(bytes.NewReader(head), failed{err})
	}
	if !isArray(head) {
		return b
	}
	return &records{r: b, in: make([]byte, 32<<10)}
}

// isArray reports whether head begins an array of objects, or an object whose first member is "records", an array.
func isArray(head []byte) bool {
	v := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if rest, ok := bytes.CutPrefix(v, []byte("{")); ok {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if rest, ok = bytes.CutPrefix(rest, []byte(`"records"`)); !ok {
			return false
		}
		if v, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":")); !ok {
			return false
		}
		v = bytes.TrimLeft(v, " \t\r\n")
	}
	rest, ok := bytes.CutPrefix(v, []byte("["))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return ok && (len(rest) == 0 && len(head) == sniffSize || len(rest) > 0 && rest[0] == '{')
}

// records splits arrays into lines as it reads. It keeps nothing but its place.
type records struct {
	r       io.Reader
	in, out []byte // out: what is still to be given, in memory of buf
	buf     []byte
	err     error

	array  bool // inside an array, between or within its members
	depth  int  // of objects and arrays within a member
	quoted bool // within a string
	hidden bool // behind a backslash there
}

func (s *records) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		n, err := s.r.Read(s.in)
		s.err = err
		s.buf = s.buf[:0]
		for _, c := range s.in[:n] {
			s.take(c)
		}
		s.out = s.buf
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// take writes c where it is part of a member, and a line end behind the member.
func (s *records) take(c byte) {
	within := s.depth > 0
	switch {
	case s.hidden:
		s.hidden = false
	case s.quoted:
		s.hidden, s.quoted = c == '\\', c != '"'
	case c == '"':
		s.quoted = true
	case !s.array:
		s.array = c == '['
		return
	case c == '{' || c == '[':
		s.depth++
	case (c == '}' || c == ']') && within:
		s.depth--
	case c == ']':
		s.array = false
	}
	if !within && s.depth == 0 {
		return
	}
	if c == '\n' || c == '\r' || c == '\t' {
		c = ' '
	}
	if s.buf = append(s.buf, c); s.depth == 0 {
		s.buf = append(s.buf, '\n')
	}
}
