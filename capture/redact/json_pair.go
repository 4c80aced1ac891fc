package redact

// pair is what an object says that names a value beside the name: {"name":"password","value":"x"}, in either order.
type pair struct {
	role       role  // of the last key
	said       sort  // what the name says
	start, end int32 // of the value where it came before the name
}

// role is what a key of a pair stands before.
type role uint8

const (
	noRole role = iota
	naming
	holding
)

func roleOf(key []byte) role {
	switch string(key) {
	case "name", "Name", "key", "Key", "field", "Field", "param", "property", "header":
		return naming
	case "value", "Value", "val", "values":
		return holding
	}
	return noRole
}

// key notes a key of the object and gives the sort of what comes next.
func (p *pair) key(key []byte, kind sort) sort {
	p.role = roleOf(key)
	if p.role == holding && kind == plain {
		return p.said
	}
	return kind
}

// text notes a string of the object, v.b[s:e], which the Masker has been over. A name behind a value decides on that.
func (p *pair) text(m *Masker, v view, s, e int) {
	switch {
	case p.role == holding && p.said == plain:
		p.start, p.end = int32(s), int32(e)
	case p.role == naming && e-s <= maxName:
		if kind := m.sortOf(JSON, v.b[s:e]); kind == secret || kind == person || kind == detail {
			p.said = kind
		}
		if p.said != plain && p.start < p.end {
			m.jsonString(v.sub(int(p.start), int(p.end)), p.said)
		}
	}
	p.role = noRole
}
