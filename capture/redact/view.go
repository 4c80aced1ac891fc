package redact

import (
	"bytes"
	"unicode/utf8"
)

// view is a decoded form of a stretch of the value at hand that knows where each of its bytes came from,
// so that what is found in the decoded form can be replaced in the encoded one.
type view struct {
	b  []byte
	at []int32 // at[i]: offset in the value of what became b[i], len(b)+1 of them; nil: b is a plain stretch
	of int     // with at nil: offset of b[0]
}

func (v view) pos(i int) int {
	if v.at == nil {
		return v.of + i
	}
	return int(v.at[i])
}

func (v view) sub(s, e int) view {
	if v.at == nil {
		return view{b: v.b[s:e], of: v.of + s}
	}
	return view{b: v.b[s:e], at: v.at[s : e+1]}
}

// viewBuf is the memory of one decoded view.
type viewBuf struct {
	b  []byte
	at []int32
}

// add appends what stands for r and was at an offset of the value.
func (d *viewBuf) add(r rune, at int32) {
	l := len(d.b)
	switch {
	case r < 0:
	case r < 0x100:
		d.b = append(d.b, byte(r))
	default:
		d.b = utf8.AppendRune(d.b, r)
	}
	for ; l < len(d.b); l++ {
		d.at = append(d.at, at)
	}
}

// maxViews is how deep decodings may nest: JSON in a query (2), a string in it (1), a URL in that (2), …
const maxViews = 12

// unescape undoes percent-encoding twice and gives back v itself if there is none.
func (m *Masker) unescape(v view) view {
	for range 2 {
		d, ok := m.decode(v, '%', percentUnit)
		if !ok {
			break
		}
		v = d
	}
	return v
}

// decode undoes one kind of escapes that begin with mark. unit reads one escape at the start of b: n
// bytes that stand for r (below 0x100 a byte, else a code point; negative: nothing); n 0: no escape.
func (m *Masker) decode(v view, mark byte, unit func(b []byte) (r rune, n int)) (view, bool) {
	first := bytes.IndexByte(v.b, mark)
	for first >= 0 {
		if _, n := unit(v.b[first:]); n > 0 {
			break
		}
		next := bytes.IndexByte(v.b[first+1:], mark)
		if first += 1 + next; next < 0 {
			first = -1
		}
	}
	if first < 0 || m.depth == maxViews || len(m.raw) > 1<<30 {
		return v, false
	}
	buf := &m.scratch[m.depth]
	m.depth++
	buf.b, buf.at = buf.b[:0], buf.at[:0]
	for i := 0; i < len(v.b); {
		at := int32(v.pos(i))
		if v.b[i] == mark && i >= first {
			if r, n := unit(v.b[i:]); n > 0 {
				buf.add(r, at)
				i += n
				continue
			}
		}
		buf.b, buf.at = append(buf.b, v.b[i]), append(buf.at, at)
		i++
	}
	buf.at = append(buf.at, int32(v.pos(len(v.b))))
	return view{b: buf.b, at: buf.at}, true
}

func percentUnit(b []byte) (rune, int) {
	if len(b) < 3 {
		return 0, 0
	}
	h, l := unhex(b[1]), unhex(b[2])
	if h < 0 || l < 0 {
		return 0, 0
	}
	return rune(h<<4 | l), 3
}

// jsonUnit reads one escape of a JSON string. Code points from 0x80 to 0xff come out as U+0100 and
// more would: two bytes of UTF-8; which two does not matter, since they are no part of any pattern.
func jsonUnit(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case 'n', 'r', 't', 'b', 'f':
		return ' ', 2
	case 'u':
		r := hex4(b[2:])
		if r < 0 {
			return 0, 0
		}
		if r >= 0xD800 && r < 0xDC00 && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if lo := hex4(b[8:]); lo >= 0xDC00 && lo < 0xE000 {
				return 0x10000 + (r-0xD800)<<10 + (lo - 0xDC00), 12
			}
		}
		if r >= 0x80 && r < 0x100 {
			r += 0x100
		}
		return r, 6
	default:
		return rune(b[1]), 2
	}
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		d := unhex(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
