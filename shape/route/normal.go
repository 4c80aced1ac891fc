package route

import "bytes"

const (
	maxDepth   = 24  // segments of a path that are looked at
	maxSegment = 100 // bytes of a segment that are kept; a longer one is its first and its last half
	halfSeg    = maxSegment / 2
	bufSize    = maxDepth * maxSegment
)

// starSegment is what the target "*" of OPTIONS becomes; no path holds a raw zero byte.
const starSegment = "*\x00"

// path is a normalised target. Its segments are kept as positions, in the target or in buf, so that a path
// on the stack stays there.
type path struct {
	target []byte
	query  []byte // as captured
	n      int
	spans  [maxDepth]span
	used   int
	buf    [bufSize]byte // segments that had to be rewritten
}

type span struct {
	from, to  int
	rewritten bool
}

func (p *path) segment(i int) []byte {
	s := p.spans[i]
	if s.rewritten {
		return p.buf[s.from:s.to]
	}
	return p.target[s.from:s.to]
}

// push appends a segment that is normal already.
func (p *path) push(segment string) {
	to := p.used + copy(p.buf[p.used:], segment)
	p.spans[p.n] = span{p.used, to, true}
	p.used = to
	p.n++
}

// pop takes back the last push.
func (p *path) pop() {
	p.n--
	p.used = p.spans[p.n].from
}

// split normalises target: scheme and authority are cut off, empty segments (double and trailing slashes)
// dropped, ;name=value parameters cut, unreserved %XX decoded and everything that a template could not show
// literally encoded.
func (p *path) split(target []byte) {
	p.n, p.used, p.query = 0, 0, nil
	t := target
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		t, p.query = t[:i], t[i+1:]
	}
	if len(t) == 1 && t[0] == '*' {
		p.push(starSegment)
		return
	}
	if len(t) > 0 && t[0] != '/' {
		t = cutAuthority(t)
	}
	if i := bytes.IndexByte(t, '#'); i >= 0 {
		t = t[:i]
	}
	p.target = t
	for at := 0; at < len(t) && p.n < maxDepth; {
		end := len(t)
		if i := bytes.IndexByte(t[at:], '/'); i >= 0 {
			end = at + i
		}
		if s := cutParams(t[at:end]); len(s) > 0 {
			if plain(s) && len(s) <= maxSegment {
				p.spans[p.n] = span{at, at + len(s), false}
			} else {
				to := p.used + rewrite(p.buf[p.used:p.used+maxSegment], s)
				p.spans[p.n] = span{p.used, to, true}
				p.used = to
			}
			p.n++
		}
		at = end + 1
	}
}

// cutAuthority turns the absolute form of a target into the origin form.
func cutAuthority(t []byte) []byte {
	i := bytes.Index(t, []byte("://"))
	if i < 1 || bytes.IndexByte(t[:i], '/') >= 0 {
		return t
	}
	t = t[i+3:]
	if i = bytes.IndexByte(t, '/'); i < 0 {
		return nil
	}
	return t[i:]
}

// cutParams cuts ;name=value from a segment; a lone ";" stays.
func cutParams(s []byte) []byte {
	if i := bytes.IndexByte(s, ';'); i > 0 && bytes.IndexByte(s[i:], '=') > 1 {
		return s[:i]
	}
	return s
}

// Classes of a byte in a segment.
const (
	asIs   = iota // shown and kept
	hidden        // kept as %XX
	escape        // the percent sign
)

var byteClass = func() (c [256]uint8) {
	for i := range c {
		switch {
		case i <= ' ' || i >= 0x7f || bytes.IndexByte([]byte("{}\"<>\\^`|?#/"), byte(i)) >= 0:
			c[i] = hidden
		case i == '%':
			c[i] = escape
		}
	}
	return c
}()

func plain(s []byte) bool {
	for _, c := range s {
		if byteClass[c] != asIs {
			return false
		}
	}
	return true
}

// rewrite puts the normal form of a segment into dst, which has room for maxSegment bytes, and returns its length.
func rewrite(dst, s []byte) int {
	var cut [6 * halfSeg]byte
	if len(s) > len(cut) { // what lies between cannot reach the result
		n := copy(cut[:3*halfSeg], s)
		copy(cut[n:], s[len(s)-3*halfSeg:])
		s = cut[:]
	}
	var full [3 * len(cut)]byte
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if byteClass[c] == escape && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			if c == ';' { // must not begin a parameter the next time
				n += copy(full[n:], "%3B")
				continue
			}
		}
		if byteClass[c] == asIs {
			full[n] = c
			n++
			continue
		}
		full[n], full[n+1], full[n+2] = '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]
		n += 3
	}
	if n > maxSegment {
		return copy(dst, full[:halfSeg]) + copy(dst[halfSeg:], full[n-halfSeg:n])
	}
	return copy(dst, full[:n])
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
