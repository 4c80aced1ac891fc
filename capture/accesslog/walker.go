package accesslog

import (
	"bytes"
	"strconv"
)

// maxDepth bounds nested objects; what lies deeper is passed over.
const maxDepth = 8

// walker goes over the scalars of one JSON object. It is more lenient than JSON where servers are: a bare
// value may be anything up to the next comma or brace (an empty nginx variable, "-", "0.1, 0.2"), and
// strings may hold \xHH. The values come as they stand in the line.
type walker struct {
	rest  []byte
	path  []byte // of the current value: keys joined by points
	marks [maxDepth]int
	index [maxDepth]int // of the next member of the list at this depth, from 1; 0: an object
	depth int
	bad   bool // not an object, or it ends too early
	str   bool // the current value is a string

	enter map[string]bool // the objects to enter; nil: all
	lists map[string]bool // the lists to enter: of .a the first member is .a, the others .a[1], .a[2], …
}

func (w *walker) start(line []byte) {
	w.rest, w.path, w.depth, w.bad = trimLeft(line), w.path[:0], 0, false
	if len(w.rest) == 0 || w.rest[0] != '{' {
		w.bad = true
		return
	}
	w.rest = w.rest[1:]
	w.marks[0], w.index[0] = 0, 0
}

// next yields the path of the next scalar and its text. It is done at the end of the object, or where w.bad.
// The path stays valid until the next call.
func (w *walker) next() (path, v []byte, more bool) {
	for !w.bad {
		w.rest = trimLeft(w.rest)
		if len(w.rest) == 0 {
			break
		}
		c := w.rest[0]
		if w.index[w.depth] > 0 && c != ',' && c != ']' {
			if v, scalar := w.member(); scalar {
				return w.path, v, true
			}
			continue
		}
		w.rest = w.rest[1:]
		switch c {
		case ',':
		case ']':
			if w.index[w.depth] == 0 {
				w.bad = true
				break
			}
			w.depth--
		case '}':
			if w.depth == 0 {
				w.bad = len(trimLeft(w.rest)) != 0
				return nil, nil, false
			}
			w.depth--
		case '"':
			if !w.key() {
				break
			}
			if v, scalar := w.value(); scalar {
				return w.path, v, true
			}
		default:
			w.bad = true
		}
	}
	w.bad = true
	return nil, nil, false
}

// key reads a key and its colon and puts it on the path.
func (w *walker) key() bool {
	k, ok := w.quoted()
	if !ok {
		return false
	}
	w.path = w.path[:w.marks[w.depth]]
	if len(w.path) > 0 {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, k...)
	w.rest = trimLeft(w.rest)
	if len(w.rest) == 0 || w.rest[0] != ':' {
		w.bad = true
		return false
	}
	w.rest = trimLeft(w.rest[1:])
	return true
}

// value reads a scalar, or enters an object; of an array it takes the first member.
func (w *walker) value() (v []byte, scalar bool) {
	w.str = false
	if len(w.rest) == 0 {
		w.bad = true
		return nil, false
	}
	switch w.rest[0] {
	case '"':
		w.str = true
		w.rest = w.rest[1:]
		return w.quoted()
	case '{':
		if w.depth+1 == maxDepth || w.enter != nil && !w.enter[string(w.path)] && !w.inList() {
			w.pass()
			return nil, false
		}
		w.open(0)
		return nil, false
	case '[':
		if w.lists != nil && w.depth+1 < maxDepth && (w.lists[string(w.path)] || w.inList()) {
			w.open(1)
			return nil, false
		}
		return w.array()
	}
	v = w.bare()
	return v, !w.bad
}

// open enters an object, or with index 1 a list.
func (w *walker) open(index int) {
	w.rest = w.rest[1:]
	w.depth++
	w.marks[w.depth], w.index[w.depth] = len(w.path), index
}

// inList reports whether the walker is somewhere inside a list that it entered.
func (w *walker) inList() bool { return w.lists != nil && bytes.IndexByte(w.path, '[') >= 0 }

// maxMembers bounds the members of a list that are looked at.
const maxMembers = 1000

// member reads the next member of a list.
func (w *walker) member() (v []byte, scalar bool) {
	n := w.index[w.depth] - 1
	w.path = w.path[:w.marks[w.depth]]
	c := w.rest[0]
	if n > 0 || c == '{' || c == '[' {
		w.path = append(w.path, '[')
		w.path = strconv.AppendInt(w.path, int64(n), 10)
		w.path = append(w.path, ']')
	}
	if w.index[w.depth]++; n >= maxMembers {
		w.bad = true
		return nil, false
	}
	if c == '{' || c == '[' || c == '"' {
		return w.value()
	}
	if n = bytes.IndexAny(w.rest, ",]"); n < 0 {
		w.bad = true
		return nil, false
	}
	w.str = false
	v = bytes.TrimRight(w.rest[:n], " \t")
	w.rest = w.rest[n:]
	return v, true
}

// quoted reads a string whose opening quote has been read, up to and with its closing quote.
func (w *walker) quoted() (v []byte, ok bool) {
	for i := 0; ; i++ {
		j := bytes.IndexByte(w.rest[i:], '"')
		if j < 0 {
			w.bad = true
			return nil, false
		}
		if i += j; !hidden(w.rest, i) {
			v, w.rest = w.rest[:i], w.rest[i+1:]
			return v, true
		}
	}
}

// bare reads up to the brace or the comma before the next key.
func (w *walker) bare() []byte {
	for i := 0; i < len(w.rest); i++ {
		switch w.rest[i] {
		case '$': // only in a log_format: ${name}
			name := w.rest[i:min(i+maxName, len(w.rest))]
			if j := bytes.IndexByte(name, '}'); j > 0 && name[1] == '{' {
				i += j
			}
		case ',':
			if next := trimLeft(w.rest[i+1:]); len(next) > 0 && next[0] != '"' && next[0] != '}' {
				continue
			}
			return w.cut(i)
		case '}':
			return w.cut(i)
		}
	}
	w.bad = true
	return nil
}

func (w *walker) cut(i int) []byte {
	v := w.rest[:i]
	w.rest = w.rest[i:]
	for len(v) > 0 && space(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}

// array yields the first member if it is a string or bare, and passes over the others.
func (w *walker) array() (v []byte, scalar bool) {
	in := trimLeft(w.rest[1:])
	switch {
	case len(in) == 0 || in[0] == '{' || in[0] == '[' || in[0] == ']':
	case in[0] == '"':
		first := walker{rest: in[1:]}
		v, scalar = first.quoted()
		w.str = true
	default:
		n := bytes.IndexAny(in, ",] ")
		if scalar = n >= 0; scalar {
			v = in[:n]
		}
	}
	w.pass()
	return v, scalar && !w.bad
}

// pass skips the object or array that w.rest begins with.
func (w *walker) pass() {
	depth := 0
	for i := 0; i < len(w.rest); i++ {
		switch w.rest[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				w.rest = w.rest[i+1:]
				return
			}
		case '"':
			s := walker{rest: w.rest[i+1:]}
			v, ok := s.quoted()
			if !ok {
				w.bad = true
				return
			}
			i += len(v) + 1
		}
	}
	w.bad = true
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trimLeft(v []byte) []byte {
	for len(v) > 0 && space(v[0]) {
		v = v[1:]
	}
	return v
}
