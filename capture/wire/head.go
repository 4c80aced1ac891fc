package wire

import (
	"bytes"

	"trafficreplay/capture"
)

// head is the head of a message, or the trailers behind a body: the bytes as they were sent, and where the fields
// lie in them.
type head struct {
	b      []byte
	fields []field
	size   int // bytes of the fields as a capture file counts them
}

// field is where a header field lies: offsets of its name and of its value.
type field struct{ name, nameEnd, value, valueEnd uint32 }

const (
	maxFields     = 512
	fieldOverhead = 4 // of a field beside name and value, as in a capture file's limit
)

// headEnd is where the head that b begins with ends, behind its empty line; 0: b does not hold all of it, and the
// search may go on at next when there is more.
func headEnd(b []byte, from int) (end, next int) {
	for i := from; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0, len(b)
		}
		i += n + 1
		switch rest := b[i:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 1, 0
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2, 0
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
			return 0, i - 1
		}
	}
}

// set copies b, which is a whole head, into h. It is false where there is no memory.
func (h *head) set(p *pool, b []byte) bool {
	var ok bool
	if h.b, ok = p.grow(h.b[:0], len(b)); ok {
		h.b = append(h.b, b...)
	}
	return ok
}

// parse finds the fields behind the first line, which ends at from. It returns how many lines were no field; they
// are left out, but for those that merely have an odd name. The good ones are shown to f.
func (h *head) parse(from int, f *framing) (odd int) {
	h.fields, h.size = h.fields[:0], 0
	b := h.b
	for i := from; i < len(b); {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			n = len(b) - i
		}
		start, end := i, i+n
		i = end + 1
		for i < len(b) && (b[i] == ' ' || b[i] == '\t') && end > start+1 { // obs-fold
			n = max(bytes.IndexByte(b[i:], '\n'), 0)
			b[end] = ' '
			if b[end-1] == '\r' {
				b[end-1] = ' '
			}
			end = i + n
			i = end + 1
		}
		for end > start && (b[end-1] == '\r' || b[end-1] == ' ' || b[end-1] == '\t') {
			end--
		}
		if end > start && !h.field(start, end, f) {
			odd++
		}
	}
	return odd
}

// field adds the field of one line.
func (h *head) field(start, end int, f *framing) bool {
	line := h.b[start:end]
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return false
	}
	name := line[:colon]
	value := colon + 1
	for value < len(line) && (line[value] == ' ' || line[value] == '\t') {
		value++
	}
	named := isToken(name)
	if named {
		f.see(name, line[value:])
	}
	h.fields = append(h.fields, field{uint32(start), uint32(start + len(name)), uint32(start + value), uint32(end)})
	h.size += len(name) + len(line) - value + fieldOverhead
	return named
}

// appendTo appends the fields to hs. They lie in h.
func (h *head) appendTo(hs []capture.Header) []capture.Header {
	for _, f := range h.fields {
		hs = append(hs, capture.Header{Name: h.b[f.name:f.nameEnd:f.nameEnd], Value: h.b[f.value:f.valueEnd:f.valueEnd]})
	}
	return hs
}

// tooLong reports whether the fields are above a limit.
func (h *head) tooLong() bool { return len(h.fields) > maxFields || h.size > capture.MaxHeaders }

// free gives the memory back.
func (h *head) free(p *pool) {
	p.put(h.b)
	if cap(h.fields) > 64 {
		h.fields = nil
	}
	h.b, h.fields, h.size = nil, h.fields[:0], 0
}

// isPerfect reports whether all lines behind the first of a head are fields, and whether there is a Host where a request
// of HTTP/1.1 must have one. A line in the middle of something may look like a request, a whole head hardly.
func isPerfect(text []byte) bool {
	line, rest, _ := bytes.Cut(text, []byte("\r\n"))
	named := !bytes.HasSuffix(line, []byte(" HTTP/1.1"))
	for len(rest) > 2 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isToken(name) {
			return false
		}
		named = named || is(name, "host")
	}
	return named && string(rest) == "\r\n"
}

// tokenByte says which bytes a token may hold (RFC 9110, section 5.6.2).
var tokenByte = func() (is [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		is[c] = true
	}
	return is
}()

func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenByte[c] {
			return false
		}
	}
	return len(b) > 0
}

// is compares b with a lower-case word without regard to case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
