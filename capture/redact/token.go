package redact

import (
	"crypto/sha256"
	"encoding/binary"
)

// numberer gives each secret its ordinal of first appearance. It keeps a keyed hash of a secret, never
// the secret. Two secrets share an ordinal with probability 2^-64.
type numberer struct {
	key      [sha256.Size]byte
	ordinals map[uint64]uint32
	buf      []byte
	overflow int64 // secrets that came after the table was full
}

// maxSecrets bounds the table. Past it a token depends on the key, so that equal secrets still get equal
// tokens, but another capture of the same input gives others.
const maxSecrets = 1 << 18

func (n *numberer) init(key []byte) {
	n.key = sha256.Sum256(append([]byte("replay redaction ordinals\x00"), key...))
	n.ordinals = make(map[uint64]uint32)
}

func (n *numberer) number(secret []byte) uint64 {
	n.buf = append(append(n.buf[:0], n.key[:]...), secret...)
	sum := sha256.Sum256(n.buf)
	clear(n.buf)
	h := binary.LittleEndian.Uint64(sum[:])
	if o, ok := n.ordinals[h]; ok {
		return uint64(o)
	}
	if len(n.ordinals) >= maxSecrets {
		n.overflow++
		return h | 1<<63
	}
	o := uint32(len(n.ordinals))
	n.ordinals[h] = o
	return uint64(o)
}

// The alphabets of tokens. Fifteen symbols hold at most 3.91 bits each, so that no token looks random to
// the entropy detector; none is a hexadecimal letter, begins the key of a known issuer, or makes up a
// country code; no card or phone number begins with 0.
const (
	tokenLower = "qxzjv"
	tokenUpper = "QXZJV"
	tokenDigit = "01789"
	coded      = 8      // characters that spell the ordinal
	codes      = 390625 // 5^coded, more than maxSecrets, so that different secrets of 8 characters get different tokens
)

// tokenStream yields the symbols of one token.
type tokenStream struct {
	state, code uint64
	left        int // letters and digits still to come
}

func newTokenStream(ordinal uint64, n int) tokenStream {
	// The multiplier has no factor 5, so this is a permutation of the codes.
	return tokenStream{state: ordinal*0x9E3779B97F4A7C15 + 0x1405, code: (ordinal%codes*2654435761 + 97531) % codes, left: n}
}

// next is the next symbol as an index into the alphabets.
func (t *tokenStream) next() int {
	t.left--
	if t.left < coded {
		i := int(t.code % 5)
		t.code /= 5
		return i
	}
	// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
	t.state += 0x9E3779B97F4A7C15
	z := t.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) % 5)
}

// symbol is the token's byte in the place of c; beyond ASCII a fixed letter of the same length (ź, 人, an emoji).
func symbol(c byte, i int) byte {
	switch k := kinds[c]; {
	case k == lower:
		return tokenLower[i]
	case k == upper:
		return tokenUpper[i]
	case k == digit:
		return tokenDigit[i]
	case c < 0x80:
		return c
	case c < 0xC0:
		return 0xBA + byte(i)%5
	case c < 0xE0:
		return 0xC5
	case c < 0xF0:
		return 0xE4
	case c < 0xF5:
		return 0xF0
	}
	return 0xFF
}

// substitute overwrites in out what became v.b[s:e] with the token of ordinal.
func substitute(out []byte, v view, s, e int, class Class, ordinal uint64) {
	n := 0
	for _, c := range v.b[s:e] {
		if kinds[c]&alnum != 0 || c >= 0x80 {
			n++
		}
	}
	t := newTokenStream(ordinal, n)
	first := true
	for i := s; i < e; i++ {
		c := v.b[i]
		if kinds[c]&alnum == 0 && c < 0x80 {
			continue
		}
		r := symbol(c, t.next())
		if first && kinds[c] == digit && class.leadsWithDigit() {
			r = '0' // no card, phone number or address begins so: the token is not found again
		}
		first = false
		put(out[v.pos(i):v.pos(i+1)], c, r)
	}
	if class == ClassEmail {
		reserve(out, v, s, e)
	}
}

func (c Class) leadsWithDigit() bool { return c == ClassCard || c == ClassPhone || c == ClassIP }

// put writes r, the symbol for c, in the encoding that unit has now.
func put(unit []byte, c, r byte) {
	const digits = "0123456789abcdef"
	switch {
	case len(unit) == 0: // not the last byte of an escaped code point
	case len(unit) == 1:
		unit[0] = r
	case unit[0] == '%' && len(unit) == 3:
		unit[1], unit[2] = digits[r>>4], digits[r&15]
	case unit[0] == '%' && len(unit) == 5 && unit[1] == '2' && unit[2] == '5':
		unit[3], unit[4] = digits[r>>4], digits[r&15]
	case len(unit) == 2 && unit[0] == 0: // UTF-16
		unit[1] = r
	case len(unit) == 2 && unit[1] == 0:
		unit[0] = r
	case unit[0] == '=' && len(unit) >= 3 && unhex(unit[1]) >= 0: // quoted-printable, perhaps with a line's end behind it
		unit[1], unit[2] = digits[r>>4]&^0x20|digits[r>>4]&0x10, digits[r&15]&^0x20|digits[r&15]&0x10
	case unit[0] == c && len(unit) > 2 && unit[1] == '=':
		unit[0] = r
	case unit[0] == '\\' && len(unit) == 6 && c < 0x80:
		copy(unit[2:], []byte{'0', '0', digits[r>>4], digits[r&15]})
	case unit[0] == '\\' && len(unit) == 6:
		copy(unit[2:], "017a")
	case unit[0] == '\\' && len(unit) == 12:
		copy(unit[2:], `d83d\ude00`)
	default:
		for i := range unit { // encoded in a way that nobody writes: the letters go, the length stays
			unit[i] = tokenLower[i%5]
		}
	}
}

// reserved ends domains that nobody can have (RFC 2606).
const reserved = ".invalid"

// reserve ends the domain of an e-mail token in it, if it is long enough for that.
func reserve(out []byte, v view, s, e int) {
	at := e - 1
	for at > s && v.b[at] != '@' {
		at--
	}
	from := e - len(reserved)
	if from <= at+1 || v.pos(e)-v.pos(from) != len(reserved) {
		return
	}
	copy(out[v.pos(from):v.pos(e)], reserved)
	if p := out[v.pos(from-1):v.pos(from)]; len(p) == 1 && kinds[p[0]]&alnum == 0 {
		p[0] = 'x'
	}
}

// isToken reports whether b can only be a token, so that it is not taken for a secret again. What a name
// condemns has no look of its own, so there the letters and digits alone decide.
func isToken(b []byte, named bool) bool {
	if hasSuffix(b, reserved) {
		b = b[:len(b)-len(reserved)]
	}
	n, letters := 0, 0
	for _, c := range b {
		switch k := kinds[c]; {
		case k&alnum == 0:
			continue
		case k == lower && !inAlphabet(tokenLower, c), k == upper && !inAlphabet(tokenUpper, c), k == digit && !inAlphabet(tokenDigit, c):
			return false
		case k != digit:
			letters++
		}
		n++
	}
	return named || n >= 6 && letters > 0
}

func inAlphabet(alphabet string, c byte) bool {
	for i := range len(alphabet) {
		if alphabet[i] == c {
			return true
		}
	}
	return false
}
