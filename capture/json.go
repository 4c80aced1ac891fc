package capture

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep the values of unknown keys may nest.
const maxDepth = 64

// jsonScanner is a cursor over one JSON text. Its first error stays: afterwards every read yields nothing, so it
// is checked once, at the end. Strings are unescaped, and base64 decoded, where they lie: neither ever grows.
type jsonScanner struct {
	b      []byte
	i      int
	reason string // of the first error; empty while there is none
	msg    string
	at     int // where the offending part begins
}

func (s *jsonScanner) fail(reason, msg string, at int) {
	if s.reason == "" {
		s.reason, s.msg, s.at = reason, msg, min(at, len(s.b))
		s.i = len(s.b)
	}
}

func (s *jsonScanner) failed() bool { return s.reason != "" }

// err is the first error, or nil. The part it shows lies in the text.
func (s *jsonScanner) err() error {
	if s.reason == "" {
		return nil
	}
	part := s.b[s.at:]
	return &SyntaxError{s.reason, part[:min(len(part), 120)], s.msg}
}

// peek skips white space and gives the byte after it, 0 at the end.
func (s *jsonScanner) peek() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
		s.i++
	}
	return 0
}

// expect reads c, white space before it allowed.
func (s *jsonScanner) expect(c byte, msg string) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	if s.peek() != c || s.failed() {
		s.fail(ReasonBadJSON, msg, s.i)
		return false
	}
	s.i++
	return true
}

// next moves to the next element of an array or object that is closed by end. first says whether none was read
// yet. It reports false once end has been read.
func (s *jsonScanner) next(end byte, first bool) bool {
	c := s.peek()
	switch {
	case s.failed():
		return false
	case c == end:
		s.i++
		return false
	case first:
		return true
	case c != ',':
		s.fail(ReasonBadJSON, "want a comma or the end of the list", s.i)
		return false
	}
	s.i++
	if s.peek() == end {
		s.fail(ReasonBadJSON, "comma before the end of the list", s.i)
		return false
	}
	return true
}

// key reads an object's key and the colon.
func (s *jsonScanner) key() []byte {
	k := s.str()
	s.expect(':', "want a colon")
	return k
}

// null reads null if it comes next.
func (s *jsonScanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

func (s *jsonScanner) literal(word string) {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		s.fail(ReasonBadJSON, "not a value", s.i)
		return
	}
	s.i += len(word)
}

// str reads a string. What it gives lies in the text, unescaped in place.
func (s *jsonScanner) str() []byte {
	if !s.expect('"', "want a string") {
		return nil
	}
	start := s.i
	s.skipPlain()
	if s.i < len(s.b) && s.b[s.i] == '"' {
		s.i++
		return s.b[start : s.i-1 : s.i-1]
	}
	w := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:w:w]
		case c < 0x20:
			s.fail(ReasonBadJSON, "control character in a string", s.i)
			return nil
		case c == '\\':
			w = s.escape(w)
		default:
			from := s.i
			s.skipPlain()
			w += copy(s.b[w:], s.b[from:s.i])
		}
	}
	s.fail(ReasonBadJSON, "string without an end", start-1)
	return nil
}

// skipPlain moves to the next quote, backslash or control character.
func (s *jsonScanner) skipPlain() {
	b, i := s.b, s.i
	for ; len(b)-i >= 8; i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			s.i = i + bits.TrailingZeros64(m)/8
			return
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	s.i = i
}

// escape reads one escape sequence and writes what it stands for at w. It gives the new w.
func (s *jsonScanner) escape(w int) int {
	if s.i+1 >= len(s.b) {
		s.fail(ReasonBadJSON, "string without an end", s.i)
		return w
	}
	c := s.b[s.i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.escapedRune(w)
	default:
		s.fail(ReasonBadJSON, "unknown escape", s.i)
		return w
	}
	s.b[w] = c
	s.i += 2
	return w + 1
}

// escapedRune reads \uXXXX, or two of them that form a pair, and writes its UTF-8 at w. Half a pair becomes U+FFFD.
func (s *jsonScanner) escapedRune(w int) int {
	r := s.hex4(s.i)
	if r < 0 {
		s.fail(ReasonBadJSON, "want four hexadecimal digits", s.i)
		return w
	}
	s.i += 6
	if utf16.IsSurrogate(r) {
		pair := utf16.DecodeRune(r, s.hex4(s.i))
		if pair != utf8.RuneError {
			s.i += 6
		}
		r = pair
	}
	return w + utf8.EncodeRune(s.b[w:], r)
}

// hex4 is the rune of the \uXXXX at i, or -1.
func (s *jsonScanner) hex4(i int) rune {
	if len(s.b)-i < 6 || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// integer reads an integer between least and most.
func (s *jsonScanner) integer(least, most int64) int64 {
	s.peek()
	start := s.i
	neg := s.i < len(s.b) && s.b[s.i] == '-'
	if neg {
		s.i++
	}
	digits := s.i
	var n uint64
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		d := uint64(s.b[s.i] - '0')
		if n > (1<<63-d)/10 {
			s.fail(ReasonBadNumber, "out of range", start)
			return 0
		}
		n = n*10 + d
		s.i++
	}
	switch {
	case s.i == digits || s.b[digits] == '0' && s.i > digits+1:
		s.fail(ReasonBadJSON, "want a number", start)
	case s.i < len(s.b) && (s.b[s.i] == '.' || s.b[s.i]|0x20 == 'e'):
		s.fail(ReasonBadNumber, "want an integer", start)
	}
	v := int64(n) // 1<<63 becomes the least int64, which is right when it is negated
	if neg {
		v = -v
	}
	if v < least || v > most || !neg && n == 1<<63 {
		s.fail(ReasonBadNumber, "out of range", start)
		return 0
	}
	return v
}

// skip reads a value of any kind and checks its syntax.
func (s *jsonScanner) skip(depth int) {
	if depth > maxDepth {
		s.fail(ReasonBadJSON, "nested too deeply", s.i)
		return
	}
	switch c := s.peek(); c {
	case '"':
		s.str()
	case '{':
		s.i++
		for first := true; s.next('}', first); first = false {
			s.key()
			s.skip(depth + 1)
		}
	case '[':
		s.i++
		for first := true; s.next(']', first); first = false {
			s.skip(depth + 1)
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.skipNumber()
	}
}

func (s *jsonScanner) skipNumber() {
	start := s.i
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	zero := s.i < len(s.b) && s.b[s.i] == '0'
	n := s.digits()
	ok := n == 1 || n > 1 && !zero
	if ok && s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		ok = s.digits() > 0
	}
	if ok && s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		ok = s.digits() > 0
	}
	if !ok {
		s.fail(ReasonBadJSON, "not a value", start)
	}
}

func (s *jsonScanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i - start
}
