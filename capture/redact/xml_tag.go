package redact

import "bytes"

// start reads a start tag whose name begins at i, and gives where it ends.
func (x *xmlScan) start(i int) int {
	b := x.v.b
	s := i
	for i < len(b) && !isSpace(b[i]) && b[i] != '>' && b[i] != '/' && b[i] != '<' {
		i++
	}
	name, from := b[s:i], i
	own, fromName, end := x.named(name, from)
	above := plain
	if x.depth > 0 {
		above = x.open[x.depth-1].below
	}
	if own != kept && above == secret {
		own, fromName = secret, true
	}
	x.attributes(from, end, own, name)
	x.next, x.text = plain, view{}
	if end > 0 && b[end-1] == '/' || end == len(b) {
		return min(end+1, len(b))
	}
	if void(name) && !x.closedNext(end+1, name) {
		return end + 1
	}
	if x.depth == maxDepth {
		x.depth-- // deeper ones replace the innermost
	}
	x.open[x.depth] = element{name: name, kind: own}
	if own == secret && fromName {
		x.open[x.depth].below = secret
	}
	x.depth++
	if raw(name) {
		return x.script(end+1, name)
	}
	return end + 1
}

// named says what the names of a tag say about its value: its own name, else that which an attribute gives it, else
// what the element before it announced. strong: about all that is within it too. end is where the tag's > is.
func (x *xmlScan) named(name []byte, from int) (kind sort, strong bool, end int) {
	m := x.m
	kind, strong = m.sortAnywhere(localName(name)), true
	said := kind != plain && kind != identifier
	for i := from; ; {
		a, next, ok := nextAttribute(x.v.b, i)
		if i = next; !ok {
			end = next
			break
		}
		value := x.v.b[a.valueStart:a.valueEnd]
		if said || len(value) > maxName {
			continue
		}
		switch byName := names(x.v.b[a.nameStart:a.nameEnd]); {
		case byName, describes(x.v.b[a.nameStart:a.nameEnd]):
			if k := m.sortAnywhere(value); k != plain && k != identifier && k != version {
				kind, strong, said = k, byName, true
			}
		}
	}
	if !said && x.next != plain {
		kind, strong = x.next, true
	}
	return kind, strong, end
}

// describes reports whether an attribute says what an element is for, though less surely than a name does.
func describes(name []byte) bool { return equalsFold(name, "id") || equalsFold(name, "type") }

func equalsFold(b []byte, s string) bool { return len(b) == len(s) && equalFold(b, s) }

// attributes redacts the values of a tag's attributes. own is the sort of its element.
func (x *xmlScan) attributes(from, end int, own sort, element []byte) {
	m := x.m
	for i := from; i < end; {
		a, next, ok := nextAttribute(x.v.b, i)
		if i = next; !ok {
			return
		}
		if a.valueStart == a.valueEnd {
			if n := x.v.sub(a.nameStart, a.nameEnd); suspicious(n.b) {
				m.detect(n, context{structure: true})
			}
			continue
		}
		name := x.v.b[a.nameStart:a.nameEnd]
		kind, by := m.sortAnywhere(localName(name)), name
		if own != plain && holdsValue(name) {
			kind, by = own, element
		}
		depth := m.depth
		d, _ := m.decode(x.v.sub(a.valueStart, a.valueEnd), '&', entityUnit)
		m.underName(d, kind, by)
		m.depth = depth
	}
}

// holdsValue reports whether an attribute is the value of its element.
func holdsValue(name []byte) bool {
	var buf [maxName]byte
	switch string(fold(localName(name), &buf)) {
	case "value", "content", "val", "data", "default", "text", "string":
		return true
	}
	return false
}

// attribute is where the name and the value of an attribute are.
type attribute struct{ nameStart, nameEnd, valueStart, valueEnd int }

// nextAttribute reads the attribute behind i, and gives where it ends. Where there is none next is the tag's end.
func nextAttribute(b []byte, i int) (a attribute, next int, ok bool) {
	for i < len(b) && (isSpace(b[i]) || b[i] == '/' && (i+1 >= len(b) || b[i+1] != '>')) {
		i++
	}
	if i < len(b) && b[i] == '/' {
		i++
	}
	if i >= len(b) || b[i] == '>' {
		return a, i, false
	}
	a.nameStart = i
	for i++; i < len(b) && !isSpace(b[i]) && b[i] != '=' && b[i] != '>' && b[i] != '/'; i++ {
	}
	a.nameEnd, a.valueStart, a.valueEnd = i, i, i
	j := i
	for j < len(b) && isSpace(b[j]) {
		j++
	}
	if j >= len(b) || b[j] != '=' {
		return a, i, true
	}
	for j++; j < len(b) && isSpace(b[j]); j++ {
	}
	if j < len(b) && (b[j] == '"' || b[j] == '\'') {
		a.valueStart = j + 1
		a.valueEnd = a.valueStart + until(b[a.valueStart:], string(b[j:j+1]))
		return a, min(a.valueEnd+1, len(b)), true
	}
	a.valueStart = j
	for j < len(b) && !isSpace(b[j]) && b[j] != '>' {
		j++
	}
	a.valueEnd = j
	return a, j, true
}

// void reports whether an element of HTML has no end tag.
func void(name []byte) bool {
	var buf [maxName]byte
	switch string(fold(name, &buf)) {
	case "input", "meta", "link", "br", "hr", "img", "area", "base", "col", "embed", "source", "track", "wbr":
		return true
	}
	return false
}

// maxVoidText is how far the end tag of an element that needs none is looked for.
const maxVoidText = 4096

// closedNext reports whether the next tag behind i ends the element.
func (x *xmlScan) closedNext(i int, name []byte) bool {
	rest := x.v.b[min(i, len(x.v.b)):min(i+maxVoidText, len(x.v.b))]
	n := bytes.IndexByte(rest, '<')
	return n >= 0 && hasPrefix(rest[n:], "</") && len(rest) >= n+2+len(name) && bytes.EqualFold(rest[n+2:n+2+len(name)], name)
}

// raw reports whether an element of HTML holds no markup.
func raw(name []byte) bool { return equalsFold(name, "script") || equalsFold(name, "style") }

// script reads the text of an element that holds no markup, up to its end tag.
func (x *xmlScan) script(i int, name []byte) int {
	b := x.v.b
	end := i
	for end < len(b) {
		end += until(b[end:], "</")
		if rest := b[min(end+2, len(b)):]; len(rest) >= len(name) && bytes.EqualFold(rest[:len(name)], name) {
			break
		}
		end = min(end+2, len(b))
	}
	x.value(x.v.sub(min(i, len(b)), end))
	return end
}
