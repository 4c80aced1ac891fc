package redact

import "bytes"

// xmlScan is one document of XML or HTML on its way through a Masker. It takes what is cut off or not well formed as it
// comes, and never reads a byte more than a few times.
type xmlScan struct {
	m     *Masker
	v     view
	open  [maxDepth]element
	depth int
	text  view // what stood before the last end tag
	next  sort // what <key>password</key> says about the element behind it
}

// element is an open element.
type element struct {
	name  []byte
	kind  sort
	below sort // of elements within it
}

// looksXML reports whether b begins like XML or HTML.
func looksXML(b []byte) bool {
	b = trimSpace(b)
	return len(b) > 2 && b[0] == '<' && (kinds[b[1]]&(lower|upper) != 0 || b[1] == '?' || b[1] == '!')
}

// xml redacts XML and HTML in place: elements and attributes by their names, or by the names that attributes such as
// name="password" give them, the rest by detectors. References such as &#65; are undone, CDATA is read.
func (m *Masker) xml(v view) {
	x := xmlScan{m: m, v: v}
	b := v.b
	for i := 0; i < len(b); {
		if b[i] != '<' {
			end := i + 1 + until(b[i+1:], "<")
			x.content(i, end)
			i = end
			continue
		}
		i = x.markup(i)
	}
}

// until is the offset of end in b, or len(b).
func until(b []byte, end string) int {
	if n := bytes.Index(b, []byte(end)); n >= 0 {
		return n
	}
	return len(b)
}

// markup reads what begins with the < at i, and gives where it ends.
func (x *xmlScan) markup(i int) int {
	b := x.v.b
	rest := b[i:]
	switch {
	case hasPrefix(rest, "<!--"):
		end := i + 4 + until(rest[4:], "-->")
		x.m.text(x.v.sub(i+4, end), context{})
		return end
	case hasPrefix(rest, "<![CDATA["):
		end := i + 9 + until(rest[9:], "]]>")
		x.value(x.v.sub(i+9, end))
		return min(end+3, len(b))
	case hasPrefix(rest, "<!"), hasPrefix(rest, "<?"):
		end := i + until(rest, ">")
		x.m.detect(x.v.sub(i, end), context{structure: true})
		return end
	case hasPrefix(rest, "</"):
		end := i + until(rest, ">")
		x.close(bytes.TrimSpace(b[i+2 : end]))
		return min(end+1, len(b))
	case len(rest) > 1 && (kinds[rest[1]]&(lower|upper) != 0 || rest[1] == '_' || rest[1] >= 0x80):
		return x.start(i + 1)
	}
	end := i + 1 + until(rest[1:], "<")
	x.content(i, end)
	return end
}

// content redacts the text between two tags.
func (x *xmlScan) content(s, e int) {
	b := x.v.b
	for s < e && isSpace(b[s]) {
		s++
	}
	for e > s && isSpace(b[e-1]) {
		e--
	}
	if s == e {
		return
	}
	x.text = x.v.sub(s, e)
	depth := x.m.depth
	d, _ := x.m.decode(x.text, '&', entityUnit)
	x.value(d)
	x.m.depth = depth
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// value redacts a text of the innermost element.
func (x *xmlScan) value(v view) {
	kind, name := plain, []byte(nil)
	if x.depth > 0 {
		e := &x.open[x.depth-1]
		kind, name = e.kind, e.name
	}
	x.m.underName(v, kind, name)
}

// underName redacts a value that has the name of an element or of an attribute.
func (m *Masker) underName(v view, kind sort, name []byte) {
	if kind == kept {
		m.spareAnywhere(v, name)
		return
	}
	m.value(v, kind, context{version: kind == version, id: kind == identifier})
}

// close ends an element and those within it that were not ended.
func (x *xmlScan) close(name []byte) {
	x.next = plain
	for i := x.depth - 1; i >= 0; i-- {
		if !bytes.EqualFold(x.open[i].name, name) {
			continue
		}
		x.depth = i
		if names(name) && len(x.text.b) <= maxName {
			x.next = x.m.sortAnywhere(x.text.b)
		}
		break
	}
	x.text = view{}
}

// names reports whether an element (or an attribute) holds the name of what comes next (or beside it).
func names(name []byte) bool {
	var buf [maxName]byte
	switch string(fold(localName(name), &buf)) {
	case "name", "key", "property", "param", "field":
		return true
	}
	return false
}

// localName is a name without its prefix.
func localName(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }
