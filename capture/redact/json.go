package redact

import (
	"bytes"
	"encoding/json"
)

// maxDepth bounds the nesting that is followed; below it what a name says about a container is lost.
const maxDepth = 128

// jsonScan is one document on its way through a Masker.
type jsonScan struct {
	m       *Masker
	v       view
	open    [maxDepth]container
	depth   int  // of the innermost open container; that at 0 is the document
	pending sort // what is known of the next value by its name
	key     view // the last one that was read
}

// container is an open object or list.
type container struct {
	below sort // what its name says about what is in it
	pair  pair
}

// json redacts the strings and numbers of JSON in place: fields by their names, the rest by detectors. It
// takes what is cut off, concatenated or not quite JSON as it comes; what it cannot place is looked at as text.
func (m *Masker) json(v view) {
	x := jsonScan{m: m, v: v}
	odd := false // there is something that JSON has not
	b := v.b
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '{' || c == '[':
			x.begin(c)
			i++
		case c == '}' || c == ']':
			x.depth = max(x.depth-1, 0)
			x.pending = plain
			i++
		case c == ',':
			x.pending = x.within().below
			i++
		case c == '"':
			end := stringEnd(b, i+1)
			x.str(i+1, end, isKey(b, end))
			i = end + 1
		case c == '-' || kinds[c] == digit:
			end := i + 1
			for end < len(b) && (kinds[b[end]]&(digit|dot) != 0 || b[end]|0x20 == 'e' || b[end] == '+' || b[end] == '-') {
				end++
			}
			m.jsonNumber(v, i, end, x.pending)
			i = end
		case c <= ' ' || c == ':':
			i++
		default:
			n, name := bare(b[i:])
			if name > 0 {
				x.str(i, i+name, true)
			}
			odd = odd || n == 0 || name > 0
			if i += n; n == 0 {
				i = wordEnd(b, i)
			}
		}
	}
	if odd {
		m.text(m.rest(v), context{lines: true})
	}
}

// within is the innermost container; those that are too deep share one.
func (x *jsonScan) within() *container { return &x.open[min(x.depth, maxDepth-1)] }

func (x *jsonScan) begin(c byte) {
	x.depth++
	*x.within() = container{below: inherited(c, x.pending)}
	if x.pending = plain; c == '[' {
		x.pending = x.within().below
	}
}

// str redacts a string or a name without quotes.
func (x *jsonScan) str(s, e int, isKey bool) {
	text, in := x.v.sub(s, e), x.within()
	switch {
	case isKey:
		x.key = text
		x.pending = in.pair.key(text.b, x.m.jsonKey(text, in.below))
	case x.pending == kept:
		x.m.spare(text, JSON, x.key.b)
	default:
		x.m.jsonString(text, x.pending)
		if in.pair.role != noRole {
			in.pair.text(x.m, x.v, s, e)
		}
	}
}

// bare is the length of what stands without quotes at the start of b: true, false or null, or a name with the colon
// behind it, as JavaScript has it, whose own length is name. 0: nothing of the kind.
func bare(b []byte) (n, name int) {
	for n < len(b) && n < maxName && (kinds[b[n]]&word != 0 || b[n] == '$') {
		n++
	}
	switch string(b[:n]) {
	case "true", "false", "null":
		return n, 0
	}
	for name = n; n > 0 && n < len(b) && n < name+4 && b[n] == ' '; {
		n++
	}
	if name == 0 || n >= len(b) || b[n] != ':' {
		return 0, 0
	}
	return n + 1, name
}

// wordEnd is behind the word that begins at b[i], or behind the one byte that begins none. What is no name as a whole is
// not looked at letter by letter, so that long words cost no more than short ones.
func wordEnd(b []byte, i int) int {
	end := i
	for end < len(b) && (kinds[b[end]]&word != 0 || b[end] == '$') {
		end++
	}
	return max(end, i+1)
}

// inherited is what the name of a container says about its content: all below a credential is one.
func inherited(open byte, kind sort) sort {
	if kind == secret || open == '[' {
		return kind
	}
	return plain
}

// stringEnd is the offset of the quote that ends the string beginning at b[i], or len(b).
func stringEnd(b []byte, i int) int {
	for i < len(b) && b[i] != '"' {
		if b[i] == '\\' {
			i++
		}
		i++
	}
	return min(i, len(b))
}

func isKey(b []byte, end int) bool {
	for i := end + 1; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\r', '\n':
		case ':':
			return true
		default:
			return false
		}
	}
	return false
}

func (m *Masker) jsonKey(name view, above sort) sort {
	depth := m.depth
	defer func() { m.depth = depth }()
	d, _ := m.decode(name, '\\', jsonUnit)
	kind := m.sortOf(JSON, d.b)
	if kind == plain && suspicious(d.b) {
		m.detect(d, context{})
	}
	if kind != secret && kind != kept && above == secret {
		return secret
	}
	return kind
}

func (m *Masker) jsonString(v view, kind sort) {
	depth := m.depth
	defer func() { m.depth = depth }()
	d, _ := m.decode(v, '\\', jsonUnit)
	if kind == plain && !suspicious(d.b) || len(d.b) == 0 {
		return
	}
	// JSON inside a string of JSON is read as such once; deeper it is text. More scratch views are in
	// use then, which is how the depth is known.
	if depth > maxViews/2 && !kind.condemned(d.b) {
		m.text(d, context{})
		return
	}
	if kind.condemned(d.b) {
		m.named(d)
		return
	}
	m.value(m.unescape(d), plain, context{version: kind == version, id: kind == identifier})
}

// jsonNumber replaces the digits of a number that is a secret: it stays a number of the same length.
func (m *Masker) jsonNumber(v view, s, e int, kind sort) {
	num := v.b[s:e]
	class := ClassNone
	switch {
	case kind == kept:
		return
	case (kind == secret || kind == detail) && kind.condemned(num):
		class = ClassNamed
	case len(num) >= 13 && cardAt(v.b, s, context{}) == e:
		class = ClassCard
	default:
		return
	}
	before := len(m.seen)
	m.replace(v, s, e, class)
	if len(m.seen) == before {
		return // auditing
	}
	first := s
	for first < e && kinds[v.b[first]] != digit {
		first++
	}
	for i := s; i < e; i++ {
		p := m.out[v.pos(i):v.pos(i+1)]
		if kinds[v.b[i]]&alnum != digit && len(p) == 1 {
			p[0] = v.b[i] // the e of an exponent
		}
	}
	if first+1 < e {
		if p := m.out[v.pos(first):v.pos(first+1)]; len(p) == 1 && p[0] == '0' {
			p[0] = '1'
		}
	}
}

// looksJSON reports whether b begins like a JSON document.
func looksJSON(b []byte) bool {
	b = trimSpace(b)
	return len(b) > 0 && (b[0] == '{' || b[0] == '[' || b[0] == '"')
}

// isNumber reports whether b is one number of JSON.
func isNumber(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && (b[0] == '-' || kinds[b[0]] == digit) && json.Valid(b)
}

// trimSpace is b without white space and a byte order mark before it.
func trimSpace(b []byte) []byte {
	if hasPrefix(b, "\ufeff") {
		b = b[len("\ufeff"):]
	}
	return bytes.TrimLeft(b, " \t\r\n")
}
