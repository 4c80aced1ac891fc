package redact

import "encoding/binary"

const (
	minText      = 12 // bytes of a text between binary data that is looked at: random bytes hold shorter addresses
	minCounted   = 6  // the same where its length stands before it
	maxProtoNest = 16 // messages in messages that are read as such
)

// binary redacts binary data: the strings of protobuf, messages within messages included, or the texts between other
// bytes. Lengths stay, so that whatever counts them stays right.
func (m *Masker) binary(v view) {
	if len(v.b) > 1 && eachField(v.b, nil) {
		m.protobuf(v, 0)
		m.runs(m.rest(v), context{structure: true})
		return
	}
	m.runs(v, context{})
}

// media looks for credentials of known forms alone, since pictures hold any bytes, and people's names in places.
func (m *Masker) media(v view) {
	eachText(v.b, func(s, e int) {
		for i := s; i < e; i++ {
			if kinds[v.b[i]]&alnum == 0 && v.b[i] != '-' || i > s && kinds[v.b[i-1]]&alnum != 0 {
				continue
			}
			end, class := keyAt(v.b[:e], i)
			if end == 0 && hasPrefix(v.b[i:e], "-----BEGIN") {
				end, class = i+pemEnd(v.b[i:e], 0), ClassPEM
			}
			if end > i {
				m.replace(v, i, end, class)
				i = end - 1
			}
		}
	})
}

// runs redacts the texts between other bytes.
func (m *Masker) runs(v view, c context) {
	eachText(v.b, func(s, e int) {
		text := v.sub(s, e)
		if !suspicious(text.b) {
			return
		}
		// Many formats put the length before a string, and a length may look like a letter.
		if n := int(v.b[s]); n >= ' ' && n < e-s {
			m.detect(text.sub(1, 1+n), c)
			text = m.rest(text)
		}
		m.detect(text, c)
	})
}

// eachText finds the texts of b that are long enough to be some.
func eachText(b []byte, look func(s, e int)) {
	s := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && (b[i] >= ' ' && b[i] < 0x7f || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
			continue
		}
		if i-s >= minText || i-s >= minCounted && counts(b[:s], i-s) {
			look(s, i)
		}
		s = i + 1
	}
}

// counts reports whether the byte at the end of b is the length n of what comes next, as CBOR, MessagePack, Thrift and
// most formats of one's own write it.
func counts(b []byte, n int) bool {
	if len(b) == 0 {
		return false
	}
	c := int(b[len(b)-1])
	return c == n || n < 32 && (c == 0xa0|n || c == 0x60|n)
}

// looksProtobuf reports whether b is fields of protobuf to its last byte, and holds bytes that a text does not.
func looksProtobuf(b []byte) bool {
	return len(b) > 1 && (b[0] == '\n' || hasControl(b)) && eachField(b, nil)
}

func hasControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return true
		}
	}
	return false
}

// eachField calls look with the place of each length-delimited field of a protobuf message (Protocol Buffers
// Documentation, "Encoding"). It is false where b is no such message.
func eachField(b []byte, look func(s, e int)) bool {
	for i := 0; i < len(b); {
		tag, n := binary.Uvarint(b[i:])
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return false
		}
		i += n
		size := uint64(0)
		switch tag & 7 {
		case 0:
			_, n = binary.Uvarint(b[i:])
			if n <= 0 {
				return false
			}
			size = uint64(n)
		case 1:
			size = 8
		case 2:
			if size, n = binary.Uvarint(b[i:]); n <= 0 {
				return false
			}
			i += n
		case 5:
			size = 4
		default:
			return false
		}
		if size > uint64(len(b)-i) {
			return false
		}
		if tag&7 == 2 && look != nil {
			look(i, i+int(size))
		}
		i += int(size)
	}
	return true
}

// entry is what the name in an entry of a map, which is a message of a name and a value, says about the value, and
// where that is. value is 0 where b is no such message.
func (m *Masker) entry(b []byte) (kind sort, value int) {
	if len(b) < 2 || b[0] != 1<<3|2 || int(b[1]) > min(maxName, len(b)-4) {
		return plain, 0
	}
	name := b[2 : 2+b[1]]
	rest := b[2+b[1]:]
	size, n := binary.Uvarint(rest[1:])
	if rest[0] != 2<<3|2 || n <= 0 || size != uint64(len(rest)-1-n) {
		return plain, 0
	}
	return m.sortOf(JSON, name), len(b) - int(size)
}

// protobuf redacts the strings of a message.
func (m *Masker) protobuf(v view, depth int) {
	kind, value := m.entry(v.b)
	eachField(v.b, func(s, e int) {
		f := v.sub(s, e)
		if s == value && kind.condemned(f.b) && !isBinary(f.b) {
			m.named(f)
			return
		}
		if depth < maxProtoNest && len(f.b) > 1 && eachField(f.b, nil) {
			m.protobuf(f, depth+1)
			f = m.rest(f) // a text may look like a message
		}
		if isBinary(f.b) {
			m.runs(f, context{})
			return
		}
		m.value(f, plain, context{})
	})
}
