package accesslog

import "unicode/utf8"

// unescape appends v to dst with its escapes undone: \xHH (nginx, Apache), \" \\ \/ \b \f \n \r \t \v
// (Apache, JSON), \] (HAProxy) and \uXXXX (JSON). One reader serves all writers, since each of them escapes the backslash
// itself; a backslash that begins no escape stays. The result is never longer than v.
func unescape(dst, v []byte) []byte { return unescapeAs(dst, v, false) }

// unescapeAs is unescape; with latin \u00e9 is one byte, as Tomcat writes those that are not ASCII.
func unescapeAs(dst, v []byte, latin bool) []byte {
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c != '\\' || i+1 == len(v) {
			dst = append(dst, c)
			continue
		}
		if r, n := unicodeEscape(v[i:]); n > 0 {
			if latin && r < 0x100 {
				dst = append(dst, byte(r))
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			i += n - 1
		} else if b, n := byteEscape(v[i:]); n > 0 {
			dst = append(dst, b)
			i += n - 1
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// byteEscape reads \xHH and the one-letter escapes; n is 0 where v begins with neither.
func byteEscape(v []byte) (b byte, n int) {
	switch v[1] {
	case 'x':
		if x, ok := hex(v[2:], 2); ok {
			return byte(x), 4
		}
		return 0, 0
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'v':
		return '\v', 2
	case '"', '\\', '/', ']':
		return v[1], 2
	}
	return 0, 0
}

// unicodeEscape reads \uXXXX, two of them where they are a surrogate pair; a lone surrogate becomes U+FFFD.
func unicodeEscape(v []byte) (r rune, n int) {
	hi, ok := codeUnit(v)
	if !ok {
		return 0, 0
	}
	if hi < 0xD800 || hi > 0xDFFF {
		return hi, 6
	}
	if lo, ok := codeUnit(v[6:]); ok && hi < 0xDC00 && lo >= 0xDC00 && lo <= 0xDFFF {
		return (hi-0xD800)<<10 + (lo - 0xDC00) + 0x10000, 12
	}
	return utf8.RuneError, 6
}

func codeUnit(v []byte) (rune, bool) {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0, false
	}
	return hex(v[2:], 4)
}

func hex(v []byte, digits int) (r rune, ok bool) {
	if len(v) < digits {
		return 0, false
	}
	for _, c := range v[:digits] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
