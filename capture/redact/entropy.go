package redact

import "math"

// context says where a value stands, as far as that changes what may be one.
type context struct {
	agent     bool // a User-Agent: product versions look like addresses, + is a space
	path      bool // a path segment: ids and file names are targets
	version   bool // version=: four numbers are a version
	id        bool // id=: ids in the usual lengths stay
	structure bool // ETag, Content-Type and the like: random by nature, and nobody's secret
	query     bool // + may stand for a space
	lines     bool // a text of lines: a name at the beginning of one and a colon behind it are no prose
}

const (
	minRandom  = 20
	minBits    = 4.0
	slackBits  = 0.6 // n characters hold at most log2(n) bits each, and random ones about 0.3 less
	shareWordy = 2   // a value is made of words if they hold more than one part in this many
)

// random reports whether b looks like a generated credential: at least 20 characters of at least 4 bits
// each (Shannon entropy over b itself; from 20 to 24 characters what they can hold), lower case, upper case and digits among them, and not made of words.
func random(b []byte, c context) bool {
	if len(b) < minRandom || c.structure {
		return false
	}
	var count [256]uint16
	var seen uint8
	for _, x := range b[:min(len(b), 1024)] {
		count[x]++
		seen |= kinds[x]
	}
	if seen&alnum != alnum {
		return false
	}
	if (c.path || c.id) && knownID(b) {
		return false
	}
	n := min(len(b), 1024)
	return entropy(&count, n) >= min(minBits, math.Log2(float64(n))-slackBits) && !wordy(b) && !isToken(b, false)
}

func entropy(count *[256]uint16, n int) float64 {
	var sum float64
	for _, c := range count {
		if c > 1 {
			sum += float64(c) * math.Log2(float64(c))
		}
	}
	return math.Log2(float64(n)) - sum/float64(n)
}

// knownID reports whether b has the form of an id that applications give to records: 128 bits in
// base 62 (22 characters), or a KSUID (27, and its first is a digit of the time).
func knownID(b []byte) bool {
	for _, c := range b {
		if kinds[c]&alnum == 0 {
			return false
		}
	}
	return len(b) == 22 || len(b) == 27 && b[0] >= '0' && b[0] <= '3'
}

// isHexID reports whether b is a UUID or a hexadecimal id.
func isHexID(b []byte) bool {
	n := 0
	for _, c := range b {
		if unhex(c) < 0 && c != '-' {
			return false
		}
		n++
	}
	return n >= 8
}

// wordy reports whether more than half of b are words: an optional capital and lower-case letters, four
// or more in all, with a vowel among them. Random letters are so to about a tenth.
func wordy(b []byte) bool {
	if slug(b) {
		return true
	}
	inWords := 0
	for i := 0; i < len(b); {
		s := i
		if kinds[b[i]] == upper {
			i++
		}
		vowel := false
		for i < len(b) && kinds[b[i]] == lower {
			switch b[i] {
			case 'a', 'e', 'i', 'o', 'u', 'y':
				vowel = true
			}
			i++
		}
		if i == s {
			i++
			continue
		}
		if i-s >= 4 && vowel {
			inWords += i - s
		}
	}
	return inWords*shareWordy > len(b)
}

// slug reports whether b is made of three or more parts between separators, each a number, a word, a Word
// or a WORD: titles in paths are so (Fix_A_Lamp_2024), random values are not.
func slug(b []byte) bool {
	parts := 0
	for s := 0; s <= len(b); {
		e := s
		var seen, tail uint8
		for e < len(b) && kinds[b[e]]&alnum != 0 {
			seen |= kinds[b[e]]
			if e > s {
				tail |= kinds[b[e]]
			}
			e++
		}
		if seen&(seen-1) != 0 && (tail != lower || kinds[b[s]] != upper) {
			return false
		}
		if e > s {
			parts++
		}
		s = e + 1
	}
	return parts >= 3
}
