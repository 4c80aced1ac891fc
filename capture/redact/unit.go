package redact

import "bytes"

// quotedUnit reads one escape of quoted-printable (RFC 2045, section 6.7): a byte, or the end of a line that goes on.
func quotedUnit(b []byte) (rune, int) {
	switch {
	case hasPrefix(b, "=\r\n"):
		return -1, 3
	case hasPrefix(b, "=\n"):
		return -1, 2
	case len(b) < 3 || unhex(b[1]) < 0 || unhex(b[2]) < 0:
		return 0, 0
	}
	return rune(unhex(b[1])<<4 | unhex(b[2])), 3
}

// maxEntity is the length of &#x10FFFF; with a zero or two.
const maxEntity = 12

// entityUnit reads one reference of XML or HTML: a number, or one of the five names that XML has, or &nbsp;. Code points
// from 0x80 to 0xff come out as two bytes, as jsonUnit has it.
func entityUnit(b []byte) (rune, int) {
	end := bytes.IndexByte(b[:min(len(b), maxEntity)], ';')
	if end < 2 {
		return 0, 0
	}
	switch name := b[1:end]; string(name) {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	case "nbsp":
		return ' ', end + 1
	default:
		r, ok := reference(name)
		if !ok {
			return 0, 0
		}
		return r, end + 1
	}
}

// reference is the code point of #65 or #x41.
func reference(name []byte) (r rune, ok bool) {
	if name[0] != '#' || len(name) < 2 {
		return 0, false
	}
	digits, base := name[1:], rune(10)
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	for _, c := range digits {
		d := rune(unhex(c))
		if d < 0 || d >= base {
			return 0, false
		}
		r = r*base + d
	}
	if r >= 0x80 && r < 0x100 {
		r += 0x100
	}
	return r, len(digits) > 0 && r > 0 && r <= 0x10FFFF
}

// wide redacts text in UTF-16, and reports whether v is such.
func (m *Masker) wide(v view, contentType []byte) bool {
	low, ok := wideOrder(v.b, contentType)
	if !ok || m.depth == maxViews || len(m.raw) > 1<<30 {
		return false
	}
	buf := &m.scratch[m.depth]
	m.depth++
	defer func() { m.depth-- }()
	buf.b, buf.at = buf.b[:0], buf.at[:0]
	for i := 0; i+1 < len(v.b); i += 2 {
		r := rune(v.b[i+low]) | rune(v.b[i+1-low])<<8
		if r >= 0x80 && r < 0x100 {
			r += 0x100
		}
		buf.add(r, int32(v.pos(i)))
	}
	buf.at = append(buf.at, int32(v.pos(len(v.b)&^1)))
	text := view{b: buf.b, at: buf.at}
	if hasPrefix(text.b, "\ufeff") {
		text = text.sub(len("\ufeff"), len(text.b))
	}
	m.body(text, nil)
	return true
}

// wideOrder reports whether b is UTF-16, and where in each pair the low byte is: it begins with a byte order mark, or
// most of its first characters are ASCII, or the content type says so.
func wideOrder(b, contentType []byte) (low int, ok bool) {
	var zero [2]int
	head := b[:min(len(b), 64)&^1]
	for i, c := range head {
		if c == 0 {
			zero[i&1]++
		}
	}
	switch half := len(head) / 2; {
	case len(b) < 4:
		return 0, false
	case b[0] == 0xff && b[1] == 0xfe, zero[0] == 0 && zero[1]*4 >= half*3:
		return 0, true
	case b[0] == 0xfe && b[1] == 0xff, zero[1] == 0 && zero[0]*4 >= half*3:
		return 1, true
	}
	if formatOf(contentType) >= formatText && (b[0] == 0) != (b[1] == 0) { // no text has a zero, and it begins with ASCII
		return lowByte(b[0] == 0), true
	}
	return lowByte(zero[0] > zero[1]), zero[0]+zero[1] > 0 && containsFold(parameterOf(contentType, "charset"), "utf-16")
}

// lowByte is where the low byte of a pair is.
func lowByte(bigEndian bool) int {
	if bigEndian {
		return 1
	}
	return 0
}

// inBase64 gives redact what v holds in base64, and puts what becomes of it back in the same letters. What is no base64
// is looked at as it stands.
func (m *Masker) inBase64(v view, redact func(v view)) {
	plain := make([]byte, 0, len(v.b)/4*3+3)
	acc, n := uint32(0), 0
	for _, c := range v.b {
		x := base64Value(c)
		if x < 0 {
			if c == '=' || c == '\r' || c == '\n' || c == ' ' || c == '\t' {
				continue
			}
			redact(v)
			return
		}
		acc = acc<<6 | uint32(x)
		if n++; n%4 != 1 {
			plain = append(plain, byte(acc>>(2*(3-(n-1)%4))))
		}
	}
	m.nest++
	changed := m.within(plain, redact)
	if m.nest--; changed == nil {
		return
	}
	m.copyOnce()
	alphabet := base64Letters
	if bytes.ContainsAny(v.b, "-_") {
		alphabet = base64URLLetters
	}
	k := 0
	for i, c := range v.b {
		if base64Value(c) < 0 {
			continue
		}
		if p := m.out[v.pos(i):v.pos(i+1)]; len(p) == 1 {
			p[0] = alphabet[sextet(changed, k)]
		}
		k++
	}
}

const (
	base64Letters    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	base64URLLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// sextet is the k-th group of six bits of b, zeros behind its end.
func sextet(b []byte, k int) byte {
	var pair uint16
	for i := 6 * k / 8; i < 6*k/8+2; i++ {
		pair <<= 8
		if i < len(b) {
			pair |= uint16(b[i])
		}
	}
	return byte(pair >> (10 - 6*k%8) & 63)
}
