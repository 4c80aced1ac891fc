package redact

import "bytes"

// multipart redacts the parts of a multipart body, files that are text included, and parts within parts.
func (m *Masker) multipart(v view, contentType []byte) {
	boundary := boundaryOf(v.b, contentType)
	start := bytes.Index(v.b, boundary)
	if len(boundary) == 0 || start < 0 {
		m.body(v, nil)
		return
	}
	m.text(v.sub(0, start), context{}) // what nobody reads
	for s := start + len(boundary); s < len(v.b); {
		n := bytes.Index(v.b[s:], boundary)
		if n < 0 {
			n = len(v.b) - s
		}
		m.part(v.sub(s, s+n))
		s += n + len(boundary)
	}
}

// maxBoundary is more than the 70 characters that a boundary may have (RFC 2046, section 5.1.1), since some have more.
const maxBoundary = 200

// boundaryOf is what parts the parts, with the two dashes before it: what the content type says if the body has it, or
// what the body begins with. It is empty where there is none.
func boundaryOf(b, contentType []byte) []byte {
	if said := parameterOf(contentType, "boundary"); len(said) > 0 && len(said) <= maxBoundary {
		if boundary := append([]byte("--"), said...); bytes.Contains(b, boundary) {
			return boundary
		}
	}
	start := bytes.Index(b, []byte("--"))
	if start < 0 {
		return nil
	}
	eol := bytes.IndexByte(b[start:min(len(b), start+maxBoundary+2)], '\n')
	if eol < 3 {
		return nil
	}
	return bytes.TrimRight(b[start:start+eol], "\r \t")
}

// part redacts one part: its head, an empty line, its content.
func (m *Masker) part(v view) {
	head, sep := bytes.Index(v.b, []byte("\r\n\r\n")), 4
	if lf := bytes.Index(v.b[:until(v.b, "\r\n\r\n")], []byte("\n\n")); lf >= 0 {
		head, sep = lf, 2
	}
	if head < 0 {
		m.text(v, context{}) // the end, what stands behind it, or no part
		return
	}
	end := max(len(bytes.TrimRight(v.b, "\r\n-")), head+sep)
	header, value := v.sub(0, head), v.sub(head+sep, end)
	m.text(header, context{structure: true})
	name := parameterOf(fieldOf(header.b, "content-disposition"), "name")
	kind := m.sortOf(Form, name)
	if kind == kept {
		m.spare(value, Form, name)
		return
	}
	m.transferred(value, fieldOf(header.b, "content-transfer-encoding"), func(d view) {
		if kind.condemned(d.b) && !isBinary(d.b) {
			m.named(d)
			return
		}
		m.body(d, fieldOf(header.b, "content-type"))
	})
}

// transferred gives redact a part as it was before its transfer encoding (RFC 2045, section 6).
func (m *Masker) transferred(v view, encoding []byte, redact func(v view)) {
	depth := m.depth
	defer func() { m.depth = depth }()
	switch {
	case containsFold(encoding, "quoted-printable"):
		v, _ = m.decode(v, '=', quotedUnit)
	case containsFold(encoding, "base64") && m.nest < maxNest:
		m.inBase64(v, redact)
		return
	}
	redact(v)
}

// fieldOf is the value of a field in the head of a part, folded lines included; name is in small letters.
func fieldOf(head []byte, name string) []byte {
	for s := 0; s < len(head); {
		e := s + lineEnd(head[s:])
		for e+1 < len(head) && (head[e+1] == ' ' || head[e+1] == '\t') {
			e += 1 + lineEnd(head[e+1:])
		}
		line := head[s:min(e, len(head))]
		if len(line) > len(name) && line[len(name)] == ':' && equalFold(line, name) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
		s = e + 1
	}
	return nil
}

// parameterOf is a parameter of a structured field: form-data; name="x". It is nil where there is none.
func parameterOf(field []byte, name string) []byte {
	for {
		semi := 0
		for semi < len(field) && field[semi] != ';' {
			if field[semi] == '"' {
				semi = stringEnd(field, semi+1)
			}
			semi++
		}
		if semi >= len(field) {
			return nil
		}
		field = bytes.TrimLeft(field[semi+1:], " \t\r\n")
		if len(field) <= len(name) || !equalFold(field, name) {
			continue
		}
		rest := bytes.TrimLeft(field[len(name):], " ")
		if hasPrefix(rest, "*=UTF-8''") || hasPrefix(rest, "*=utf-8''") { // RFC 8187
			rest = rest[len("*=UTF-8'"):]
		} else if len(rest) == 0 || rest[0] != '=' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " ")
		if len(rest) > 0 && rest[0] == '"' {
			return rest[1:max(1, stringEnd(rest, 1))]
		}
		if end := bytes.IndexAny(rest, "; \t\r\n"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
}
