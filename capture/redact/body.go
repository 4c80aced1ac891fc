package redact

import (
	"bytes"
	"unicode/utf8"
)

// Body redacts a body by its content type, or by its looks where that is missing or wrong: JSON, a
// form, multipart fields, and otherwise any text. What is not text is returned as it is.
func (m *Masker) Body(b, contentType []byte) []byte {
	if len(b) == 0 {
		return b
	}
	m.begin(b)
	m.body(m.whole(b), contentType)
	return m.matched(m.end(b), Bodies)
}

func (m *Masker) body(v view, contentType []byte) {
	switch {
	case containsFold(contentType, "multipart/"):
		m.multipart(v)
	case isBinary(v.b):
	case containsFold(contentType, "json"), looksJSON(v.b):
		m.json(v)
	case containsFold(contentType, "x-www-form-urlencoded"), len(contentType) == 0 && looksForm(v.b):
		m.form = true
		m.query(v)
		m.form = false
	default:
		m.text(v, context{})
	}
}

// multipart redacts the fields of a multipart body, files that are text included. The boundary is what
// the body begins with.
func (m *Masker) multipart(v view) {
	start := bytes.Index(v.b, []byte("--"))
	eol := -1
	if start >= 0 {
		eol = bytes.IndexByte(v.b[start:], '\n')
	}
	if eol < 3 || eol > 200 {
		if !isBinary(v.b) {
			m.text(v, context{})
		}
		return
	}
	boundary := bytes.TrimRight(v.b[start:start+eol], "\r")
	for s := start + eol + 1; s < len(v.b); {
		n := bytes.Index(v.b[s:], boundary)
		if n < 0 {
			n = len(v.b) - s
		}
		m.part(v.sub(s, s+n))
		s += n + len(boundary)
	}
}

func (m *Masker) part(v view) {
	head, sep := bytes.Index(v.b, []byte("\r\n\r\n")), 4
	if head < 0 {
		if head, sep = bytes.Index(v.b, []byte("\n\n")), 2; head < 0 {
			return
		}
	}
	end := max(len(bytes.TrimRight(v.b, "\r\n-")), head+sep)
	header, value := v.sub(0, head), v.sub(head+sep, end)
	m.detect(header, context{structure: true})
	if isBinary(value.b) {
		return
	}
	name := disposition(header.b)
	kind := m.sortOf(Form, name)
	if kind == kept {
		m.spare(value, Form, name)
		return
	}
	if kind.condemned(value.b) {
		m.named(value)
		return
	}
	m.body(value, nil)
}

// disposition is the name of a part: name="…".
func disposition(header []byte) []byte {
	i := bytes.Index(header, []byte(` name="`))
	if i < 0 {
		if i = bytes.Index(header, []byte(`;name="`)); i < 0 {
			return nil
		}
	}
	name := header[i+len(` name="`):]
	if e := bytes.IndexByte(name, '"'); e >= 0 {
		return name[:e]
	}
	return nil
}

// isBinary reports whether b is not text: it holds control bytes, or is not UTF-8 in more than a few places.
func isBinary(b []byte) bool {
	bad := 0
	for i := 0; i < len(b); {
		c := b[i]
		if c < 0x80 {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
				bad++
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		i += n
	}
	return bad*20 > len(b)
}

// looksForm reports whether b is one line of name=value pairs.
func looksForm(b []byte) bool {
	eq := bytes.IndexByte(b, '=')
	return eq > 0 && eq < maxName && !bytes.ContainsAny(b, " \n\r\t<{")
}

func containsFold(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		j := 0
		for j < len(s) && (b[i+j] == s[j] || b[i+j]|0x20 == s[j]) {
			j++
		}
		if j == len(s) {
			return true
		}
	}
	return false
}
