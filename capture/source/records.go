package source

import (
	"bufio"
	"bytes"
	"io"
)

// lists names the lists in which the records of a JSON document lie, and for each the lists within its members;
// nil: its members are the records.
type lists map[string]lists

// documents are the exports that hold many records in one value: Azure's, and OTLP's JSON as the OpenTelemetry
// Collector's file exporter writes it, in its older spelling too. The name is that of the first member.
var documents = lists{
	"records":       nil,
	"resourceSpans": {"scopeSpans": {"spans": nil}, "instrumentationLibrarySpans": {"spans": nil}},
	"resourceLogs":  {"scopeLogs": {"logRecords": nil}, "instrumentationLibraryLogs": {"logs": nil, "logRecords": nil}},
}

// maxMember bounds the names of members that are looked at, bytes.
const maxMember = 32

// asRecords gives the records of JSON documents a line each: an export such as Azure's {"records":[…]}, gcloud's
// [{…},…] or OTLP's {"resourceSpans":[…]} is one value, on one line or over many. Any other stream it gives as it is.
// Ledgers count records, then.
func asRecords(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 4<<10) // small, so that larger reads pass it by
	head, err := b.Peek(sniffSize)
	if err != nil && err != io.EOF { // which the buffer tells only once
		return io.MultiReader(bytes.NewReader(head), failed{err})
	}
	return splitRecords(b, head)
}

// splitRecords is asRecords of a stream that begins with head.
func splitRecords(r io.Reader, head []byte) io.Reader {
	if !isArray(head) {
		return r
	}
	return &records{r: r, in: make([]byte, 32<<10)}
}

// isArray reports whether head begins an array of objects, or an object whose first member is one of documents, an array.
func isArray(head []byte) bool {
	v := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if rest, ok := bytes.CutPrefix(v, []byte("{")); ok {
		if rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"`)); !ok {
			return false
		}
		name, rest, _ := bytes.Cut(rest, []byte(`"`))
		if _, ok = documents[string(name)]; !ok {
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

// records splits documents into lines as it reads. It keeps nothing but its place. What is no record is not lost: a
// document of another kind is a line as it is, and so is text around documents; of a document whose list of records
// cannot be found, or that breaks off outside of them, a line with its name remains. A line end within a string, or
// before a brace that nothing announces, means that the document broke off there, as when its writer was killed.
type records struct {
	r       io.Reader
	in, out []byte // out: what is still to be given, in memory of buf
	buf     []byte
	err     error

	place  place
	depth  int     // of objects and arrays around the records
	within int     // of those within the record
	names  []lists // for each list around the place: the lists within its members
	quoted bool    // within a string
	hidden bool    // behind a backslash there
	named  bool    // name is that of the value that comes now
	name   []byte  // the last string outside records
	first  []byte  // the document's name
	found  bool    // it has a list of records
	last   byte    // of the bytes that are no blanks
	fresh  bool    // a line ended since
}

// place is where in the stream the next byte lies.
type place uint8

const (
	between place = iota // outside documents
	opened               // behind the brace of a document, before or in its first name
	outside              // in a document, around its records
	amid                 // in a list of records, between two
	inside               // in a record, or in a document that is a line as it is
	scalar               // in a member of the list that is a number or the like
	text                 // in a line that is no document
)

func (s *records) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if err := s.err; err != nil {
			if err != io.EOF {
				s.err = nil // a live stream that was only silent goes on
			}
			return 0, err
		}
		n, err := s.r.Read(s.in)
		s.err = err
		s.buf = s.buf[:0]
		for b := s.in[:n]; len(b) > 0; {
			if run := s.plain(b); run > 0 {
				s.buf, b = append(s.buf, b[:run]...), b[run:]
				continue
			}
			s.take(b[0])
			b = b[1:]
		}
		if err == io.EOF {
			s.end()
		}
		s.out = s.buf
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// plain is how many bytes of b are to be copied as they are: those of a string in a record.
func (s *records) plain(b []byte) (n int) {
	if s.place != inside || !s.quoted || s.hidden {
		return 0
	}
	for n < len(b) && b[n] >= ' ' && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// take takes the next byte.
func (s *records) take(c byte) {
	if c == '{' && s.fresh && (s.place == inside || s.place == outside) && !s.quoted && s.last != ':' && s.last != ',' && s.last != '[' {
		s.torn()
	}
	if s.fresh = s.fresh && isBlank(c) || c == '\n'; !isBlank(c) {
		s.last = c
	}
	switch s.place {
	case between:
		s.begin(c)
	case opened:
		s.open(c)
	case outside:
		s.search(c)
	case amid:
		s.next(c)
	case inside:
		s.record(c)
	case scalar:
		if c == ',' || c == ']' || c == '\n' {
			s.buf, s.place = append(s.buf, '\n'), amid
			s.next(c)
			return
		}
		s.buf = append(s.buf, c)
	case text:
		if s.buf = append(s.buf, c); c == '\n' {
			s.place = between
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// begin looks for the beginning of a document.
func (s *records) begin(c byte) {
	s.depth, s.within, s.names, s.quoted, s.hidden, s.named, s.found = 0, 0, s.names[:0], false, false, false, false
	s.name, s.first = s.name[:0], s.first[:0]
	switch {
	case c == '{':
		s.place, s.depth = opened, 1
	case c == '[':
		s.place, s.depth = amid, 1
	case isBlank(c) || c == ',' || c == '\xef' || c == '\xbb' || c == '\xbf': // a byte order mark
	default:
		s.buf, s.place = append(s.buf, c), text
	}
}

// open reads the name of a document's first member, which says what the document is.
func (s *records) open(c byte) {
	switch {
	case !s.quoted && isBlank(c):
	case !s.quoted && c == '"':
		s.quoted = true
	case s.quoted && c != '"' && c != '\\' && c >= ' ' && len(s.first) < maxMember:
		s.first = append(s.first, c)
	default:
		if _, ours := documents[string(s.first)]; ours && c == '"' {
			s.place, s.quoted, s.name = outside, false, append(s.name, s.first...)
			return
		}
		s.buf = s.head(s.buf)
		s.place, s.depth, s.within = inside, 0, 1
		s.record(c)
	}
}

// head appends what was read of an opened document.
func (s *records) head(dst []byte) []byte {
	dst = append(dst, '{')
	if s.quoted {
		dst = append(append(dst, '"'), s.first...)
	}
	return dst
}

// search goes on in a document, outside of its records.
func (s *records) search(c byte) {
	named := s.named
	switch {
	case s.hidden:
		s.hidden = false
	case s.quoted && c == '\n':
		s.torn()
	case s.quoted && c != '"':
		if s.hidden = c == '\\'; len(s.name) <= maxMember {
			s.name = append(s.name, c)
		}
	case isBlank(c):
		return
	case c == '"':
		if s.quoted = !s.quoted; s.quoted {
			s.name = s.name[:0]
		}
	case c == '{':
		s.depth++
	case c == '[':
		s.depth++
		s.enter(named)
	case c == '}' || c == ']':
		s.leave()
	}
	s.named = c == ':' && !s.quoted
}

// enter looks whether the list that begins here holds records, or leads to them.
func (s *records) enter(named bool) {
	level := len(s.names)
	if !named || s.depth != 2*level+2 {
		return
	}
	of := documents
	if level > 0 {
		of = s.names[level-1]
	}
	switch inner, ok := of[string(s.name)]; {
	case !ok:
	case inner == nil:
		s.place, s.found = amid, true
	default:
		s.names = append(s.names, inner)
	}
}

// leave closes an object or a list around the records.
func (s *records) leave() {
	if s.depth--; s.depth < 2*len(s.names) {
		s.names = s.names[:len(s.names)-1]
	}
	if s.depth > 0 {
		return
	}
	if !s.found {
		s.remains()
		s.buf = append(s.buf, "null}\n"...)
	}
	s.place = between
}

// remains writes the name of a document of which no record was found.
func (s *records) remains() { s.buf = append(append(append(s.buf, `{"`...), s.first...), `":`...) }

// next goes on in a list of records, between two of them.
func (s *records) next(c byte) {
	switch {
	case isBlank(c) || c == ',':
	case c == ']':
		if s.place = outside; s.depth == 1 {
			s.place = between
		}
		s.depth--
	case c == '{' || c == '[' || c == '"':
		s.place = inside
		s.record(c)
	default:
		s.buf, s.place = append(s.buf, c), scalar
	}
}

// record writes c, and a line end behind the record.
func (s *records) record(c byte) {
	switch {
	case s.hidden:
		s.hidden = false
	case s.quoted && c == '\n':
		s.torn()
		return
	case s.quoted:
		s.hidden, s.quoted = c == '\\', c != '"'
	case c == '"':
		s.quoted = true
	case c == '{' || c == '[':
		s.within++
	case c == '}' || c == ']':
		s.within--
	}
	if c == '\n' || c == '\r' || c == '\t' {
		c = ' '
	}
	if s.buf = append(s.buf, c); s.within > 0 || s.quoted {
		return
	}
	s.buf = append(s.buf, '\n')
	if s.place = amid; s.depth == 0 {
		s.place = between
	}
}

// torn ends a document that broke off.
func (s *records) torn() {
	if s.place == outside {
		s.remains()
	}
	s.buf, s.place = append(s.buf, '\n'), between
	s.quoted, s.hidden = false, false
}

// end ends what the end of the stream cut off.
func (s *records) end() {
	switch s.place {
	case opened:
		s.buf = append(s.head(s.buf), '\n')
	case outside:
		s.torn()
	}
	s.place = between
}
