package redact

import "bytes"

// maxEncoded bounds the base64 that is looked into.
const maxEncoded = 8 << 10

// encoded reports whether run is base64 (either alphabet) of a text, and whether there is a find in that text.
func (m *Masker) encoded(run []byte) (text, hit bool) {
	for len(run) > 0 && run[len(run)-1] == '=' {
		run = run[:len(run)-1]
	}
	if len(run) < 16 || len(run) > maxEncoded || len(run)%4 == 1 || m.depth == maxViews {
		return false, false
	}
	buf := &m.scratch[m.depth]
	buf.b = buf.b[:0]
	var acc uint32
	for i, c := range run {
		x := base64Value(c)
		if x < 0 {
			return false, false
		}
		acc = acc<<6 | uint32(x)
		if i%4 == 0 {
			continue
		}
		t := byte(acc >> (2 * (3 - i%4)))
		if t < ' ' && t != '\n' && t != '\r' && t != '\t' || t >= 0x7f {
			return false, false
		}
		buf.b = append(buf.b, t)
	}
	m.depth++
	m.probing = true
	found := m.found
	m.found = ClassNone
	m.body(view{b: buf.b}, nil)
	hit = m.found != ClassNone || credentials(buf.b)
	m.found, m.probing = found, false
	m.depth--
	return true, hit
}

func base64Value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

// globalID reports whether b is the name of a type and an id, as servers of GraphQL give records one id for all types
// (Product:42), or a place in a list.
func globalID(b []byte) bool {
	name, id, ok := bytes.Cut(b, []byte(":"))
	if !ok || len(name) == 0 || !allDigits(id) && !isHexID(id) {
		return false
	}
	for _, c := range name {
		if kinds[c]&(lower|upper) == 0 {
			return false
		}
	}
	return kinds[name[0]] == upper || string(name) == "arrayconnection"
}

// credentials reports whether b is user:password, as Basic has it.
func credentials(b []byte) bool {
	if globalID(b) {
		return false
	}
	colons := 0
	for i, c := range b {
		if c == ' ' || c == '/' || c == '{' || c == '\n' {
			return false
		}
		if c == ':' {
			if i == 0 || i == len(b)-1 {
				return false
			}
			colons++
		}
	}
	return colons == 1
}
