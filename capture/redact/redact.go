// Package redact takes names and values of requests and gives back the same values without secrets and
// personal data: what a deny-listed name holds, and what looks like a credential or a person, becomes a
// token of the same shape.
//
// A token has the length of what it stands for. A digit stays a digit, a lower-case letter a lower-case
// letter, an upper-case letter an upper-case letter, every other ASCII byte (also in its encoded forms
// %40, %2540, \n) stays itself; a letter beyond ASCII becomes a fixed one of the same encoded length.
//
//	/reset/9fK2…?email=jane.doe%40example.com  ->  /reset/7qX8…?email=zxjq.vqx%40qz.invalid
//
// Nothing of the secret but its shape is kept: which token a secret gets depends only on how many
// different secrets were seen before it. The same input therefore gives the same output, byte for byte,
// whatever the key, and equal secrets of one input stay equal.
//
// Two nets hang under each other: names ([Masker.Header], query parameters, form fields, JSON fields,
// cookies, XML elements and attributes) and detectors on every value that the names let pass. Neither is
// complete: free text, images, compressed bodies and home-made encodings are not understood.
package redact

import "bytes"

// Masker replaces secrets in values. It is not safe for concurrent use. Slices that it returns are either
// the argument itself, when there was nothing to replace, or memory of the Masker that stays valid until
// the next Reset. Arguments are never written to.
type Masker struct {
	tokens   numberer
	rules    *Rules // the user's; may be nil
	spared   map[string]int64
	hits     [numClasses + maxPatterns]int64
	caches   [numCaches]map[string]cached
	sorts    map[string]sort   // of names that were met
	recent   [numCaches]cached // the last value of each cache
	plainURL []byte            // the last URL that was not worth a closer look
	arena    []byte
	scratch  [maxViews]viewBuf
	depth    int // scratch buffers in use
	nest     int // documents in documents at hand, see maxNest

	// The value at hand.
	raw, out []byte // out: the copy that is being rewritten; nil while nothing was found
	probing  bool   // only ask whether something is there, for text inside base64
	auditing bool   // report instead of replacing, and pass over what is a token already
	found    Class  // the first class found while probing or auditing
	form     bool   // the parameters at hand are a form's, not a query's
	seen     []Class
	sink     func(class Class, value []byte) // while auditing, is told of every find
}

// cached is what became of a value that is likely to come again.
type cached struct {
	in   string
	out  []byte // nil: nothing to replace
	seen []Class
}

// Caches of whole values, by the way they are read.
const (
	cacheText = iota
	cacheAgent
	cacheURL
	numCaches

	maxCached      = 4096 // values of each kind
	maxCachedValue = 512  // bytes of one value
	minArena       = 16 << 10
)

// New makes a Masker. key hides which secrets it has seen (it is no part of any token) and should be random.
func New(key []byte) *Masker {
	m := &Masker{arena: make([]byte, 0, minArena)}
	m.tokens.init(key)
	return m
}

// Reset takes back the memory of all values returned so far. What is known of secrets, and so their tokens, stays.
func (m *Masker) Reset() { m.arena = m.arena[:0] }

// Hits is how many values were replaced since New, by class. The map belongs to the caller.
func (m *Masker) Hits() map[string]int64 {
	h := map[string]int64{}
	for c, n := range m.hits {
		if n > 0 {
			h[m.rules.className(Class(c))] += n
		}
	}
	if m.tokens.overflow > 0 {
		h["unnumbered"] = m.tokens.overflow
	}
	return h
}

// Text redacts a value of no known structure.
func (m *Masker) Text(b []byte) []byte {
	if !suspicious(b) {
		return b
	}
	m.begin(b)
	m.text(m.whole(b), context{})
	return m.end(b)
}

// Target redacts a request target: path segments, matrix parameters, query. The userinfo of an
// absolute target is removed.
func (m *Masker) Target(b []byte) []byte {
	if len(b) == 0 || b[0] != '/' {
		if !suspicious(b) {
			return m.targetByRule(b)
		}
		userinfo := 0
		if i := authority(b); i > 0 {
			b = m.dropUserinfo(b, i)
		} else {
			_, userinfo = userinfoAt(b, 0) // CONNECT jane:hunter2@proxy:443
		}
		m.begin(b)
		m.replace(m.whole(b), 0, userinfo, ClassUserinfo)
		m.url(m.whole(b).sub(userinfo, len(b)), true)
		return m.targetByRule(m.end(b))
	}
	path := bytes.IndexByte(b, '?')
	if path < 0 {
		path = len(b)
	}
	m.begin(b)
	if suspicious(b[:path]) {
		m.path(m.whole(b).sub(0, path))
	}
	if path+1 < len(b) {
		m.queryAndFragment(m.whole(b).sub(path+1, len(b)))
	}
	return m.targetByRule(m.end(b))
}

// URL redacts a URL that is a value: a Referer, a Location.
func (m *Masker) URL(b []byte) []byte {
	if len(b) > 0 && bytes.Equal(b, m.plainURL) {
		return b
	}
	if !suspicious(trimScheme(b)) {
		m.plainURL = append(m.plainURL[:0], b...)
		return b
	}
	return m.cachedValue(cacheURL, b, func() { m.url(m.whole(b), false) })
}

// begin starts on one value, end gives its redacted form.
func (m *Masker) begin(b []byte) {
	m.raw, m.out, m.depth, m.nest, m.seen = b, nil, 0, 0, m.seen[:0]
}

func (m *Masker) end(b []byte) []byte {
	if m.out != nil {
		b = m.out
	}
	m.raw, m.out = nil, nil
	return b
}

func (m *Masker) whole(b []byte) view { return view{b: b} }

// cachedValue runs redact over b unless the same value was met before.
func (m *Masker) cachedValue(kind int, b []byte, redact func()) []byte {
	if !m.auditing {
		c, ok := m.recent[kind], string(b) == m.recent[kind].in // one client asks again and again
		if !ok {
			c, ok = m.caches[kind][string(b)]
		}
		if ok {
			return m.again(kind, c, b)
		}
	}
	m.begin(b)
	redact()
	out := m.end(b)
	if len(b) > maxCachedValue || m.auditing {
		return out
	}
	if m.caches[kind] == nil || len(m.caches[kind]) >= maxCached {
		m.caches[kind] = make(map[string]cached)
	}
	c := cached{in: string(b), seen: append([]Class(nil), m.seen...)}
	if len(m.seen) > 0 {
		c.out = bytes.Clone(out)
	}
	m.caches[kind][c.in] = c
	return out
}

// again gives what became of b when it was met before.
func (m *Masker) again(kind int, c cached, b []byte) []byte {
	m.recent[kind] = c
	for _, class := range c.seen {
		m.hits[class]++
	}
	if c.out != nil {
		return c.out
	}
	return b
}

// replace puts a token in the place of v.b[s:e].
func (m *Masker) replace(v view, s, e int, class Class) {
	if s >= e {
		return
	}
	if m.auditing || m.probing {
		m.notice(v.b[s:e], class)
		return
	}
	m.copyOnce()
	m.hits[class]++
	m.seen = append(m.seen, class)
	substitute(m.out, v, s, e, m.rules.shape(class), m.tokens.number(v.b[s:e]))
}

// copyOnce makes the copy of the value that tokens are written to.
func (m *Masker) copyOnce() {
	if m.out == nil {
		m.out = m.alloc(len(m.raw))
		copy(m.out, m.raw)
	}
}

// within redacts a value that was decoded out of the one at hand, and gives its redacted form, or nil if there was
// nothing to replace.
func (m *Masker) within(b []byte, redact func(v view)) []byte {
	raw, out := m.raw, m.out
	m.raw, m.out = b, nil
	redact(m.whole(b))
	b = m.out
	m.raw, m.out = raw, out
	return b
}

// rest is v as it is by now: tokens stand in it already, so that a second look finds what the first one missed.
func (m *Masker) rest(v view) view {
	if m.out == nil || v.at != nil || m.probing {
		return v
	}
	return view{b: m.out[v.of : v.of+len(v.b)], of: v.of}
}

// alloc takes n bytes from the arena. When the arena is full a larger one takes its place; what was
// handed out before stays where it is.
func (m *Masker) alloc(n int) []byte {
	if cap(m.arena)-len(m.arena) < n {
		m.arena = make([]byte, 0, max(2*cap(m.arena), n, minArena))
	}
	l := len(m.arena)
	m.arena = m.arena[:l+n]
	return m.arena[l : l+n : l+n]
}
