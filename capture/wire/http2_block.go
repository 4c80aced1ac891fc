package wire

import (
	"bytes"

	"trafficreplay/capture"
)

// headerBlock is the fields of a message while the frames come that carry them.
type headerBlock struct {
	open      bool // more of it comes
	kind      frameKind
	flags     byte
	id        uint32
	at, frame int64  // of its first byte
	buf       []byte // what is there of it
	part      int    // of buf, where the payload of the present frame begins
	whole     []byte // that payload where it needs no copy: it lies in what was handed over, and is all
	wire      int    // bytes of the frames that are not counted yet
	broken    reason // why it cannot be read
}

const (
	maxBlock    = capture.MaxHeaders + capture.MaxTarget
	maxUnpacked = 4 * maxBlock // bytes of fields that a block may stand for: two bytes may stand for an entry of the table
)

// begin begins a frame of the block.
func (b *headerBlock) begin(f *http2Half) {
	if f.kind != frameContinuation {
		*b = headerBlock{kind: f.kind, flags: f.flags, id: f.id, at: f.at, frame: f.frame}
	}
	b.open = true
	b.wire += frameHeadBytes
	b.part = len(b.buf)
}

// add takes a part of a frame's payload.
func (b *headerBlock) add(p *pool, f *http2Half, text []byte) {
	b.wire += len(text)
	switch {
	case b.broken != inMessage:
		return
	case len(text) == f.length && len(b.buf) == 0 && f.flags&flagEndHeaders != 0:
		b.whole = text
		return
	case len(b.buf)+len(text) > maxBlock:
		b.breakOff(p, tooLong)
		return
	}
	buf, ok := p.grow(b.buf, len(text))
	if b.buf = buf; !ok {
		b.breakOff(p, noMemory)
		return
	}
	b.buf = append(buf, text...)
}

// breakOff says that the block cannot be read.
func (b *headerBlock) breakOff(p *pool, why reason) {
	p.put(b.buf)
	b.buf, b.broken = nil, why
}

// take is how many bytes are to be counted, which counts them.
func (b *headerBlock) take() int {
	n := b.wire
	b.wire = 0
	return n
}

// drop gives the block up. It returns how many bytes are to be counted.
func (b *headerBlock) drop(p *pool) int {
	p.put(b.buf)
	b.buf, b.whole, b.open = nil, nil, false
	return b.take()
}

// end ends a frame of the block. It returns the fields if that was the last one; ok is false where the frame is not one.
func (b *headerBlock) end(f *http2Half) (text []byte, last, ok bool) {
	last = f.flags&flagEndHeaders != 0
	b.open = !last
	if b.broken != inMessage {
		return nil, last, true
	}
	if b.whole != nil {
		text, ok = fragment(f.kind, f.flags, b.whole)
		return text, true, ok
	}
	text, ok = fragment(f.kind, f.flags, b.buf[b.part:])
	b.buf = b.buf[:b.part+copy(b.buf[b.part:], text)]
	return b.buf, last, ok
}

// fragment is what of a payload is a part of a block. It is false where padding is longer than the payload.
func fragment(kind frameKind, flags byte, b []byte) ([]byte, bool) {
	if kind == frameContinuation {
		return b, true
	}
	pad, skip := 0, 0
	if flags&flagPadded != 0 {
		pad, skip = int(b[0]), 1
	}
	switch {
	case kind == framePush:
		skip += 4
	case flags&flagPriority != 0:
		skip += 5
	}
	if skip+pad > len(b) {
		return nil, false
	}
	return b[skip : len(b)-pad], true
}

// endFragment ends a frame of a header block, and reads the block with the last. It is false where the frames cannot be such.
func (h *http2) endFragment(side int, at int64) bool {
	f := &h.half[side]
	text, last, ok := f.block.end(f)
	if !ok || !last {
		return ok
	}
	broken := f.block.broken
	list := &h.c.d.list
	if broken == inMessage {
		broken = list.decode(&h.c.d.pool, &f.table, text)
	}
	ok = true
	switch {
	case broken == inMessage:
		ok = h.message(side, at, list)
	case broken == badFraming && f.trial.on:
		return false
	default:
		f.table.lose()
		h.unread(side, broken)
	}
	if ok {
		why := badRequest
		if h.known && side != h.client {
			why = badResponse
		}
		h.c.tally.count(why, f.block.drop(&h.c.d.pool)) // nothing, unless it was no message
	}
	return ok
}

// headerList is the fields of a block. Only one is read at a time, so that all connections share its memory.
type headerList struct {
	text    []byte
	fields  []field
	size    int // of the fields as a capture file counts them
	pseudo  [pseudos]span
	cookies int
	unread  int // fields that the table does not hold
	odd     int // whose name is not in lower case
	tooLong bool
	bad     bool // a peer has to refuse them: a pseudo-field out of place, a name that is no token, a value with a line break
	scratch []byte
}

type span struct {
	from, to uint32
	there    bool
}

// Pseudo-fields (RFC 9113, section 8.3; RFC 8441).
const (
	pseudoMethod = iota
	pseudoScheme
	pseudoAuthority
	pseudoPath
	pseudoProtocol
	pseudoStatus
	pseudos
)

var pseudoNames = [pseudos]string{":method", ":scheme", ":authority", ":path", ":protocol", ":status"}

// decode reads a block. It returns why it cannot; the table is of no use then.
func (l *headerList) decode(p *pool, t *hpackTable, block []byte) reason {
	*l = headerList{text: l.text[:0], fields: l.fields[:0], scratch: l.scratch}
	var f hpackField
	read := 0
	for begun := false; len(block) > 0; {
		n, ok := t.next(p, &l.scratch, block, &f)
		if !ok || f.kind == hpackNone && begun {
			return badFraming
		}
		if read += len(f.name) + len(f.value); read > maxUnpacked {
			return tooLong
		}
		block = block[n:]
		switch f.kind {
		case hpackUnresolved:
			l.unread++
		case hpackKnown:
			l.add(f.name, f.value)
		}
		begun = begun || f.kind != hpackNone
	}
	return inMessage
}

// add adds a field.
func (l *headerList) add(name, value []byte) {
	if l.tooLong {
		return
	}
	l.bad = l.bad || bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0 || bytes.IndexByte(value, 0) >= 0
	if len(name) > 0 && name[0] == ':' {
		l.addPseudo(name, value)
		return
	}
	l.bad = l.bad || !isToken(name)
	l.size += len(name) + len(value) + fieldOverhead
	if l.size > capture.MaxHeaders || len(l.fields) == maxFields {
		l.tooLong = true
		return
	}
	if !isLower(name) {
		l.odd++
	}
	if string(name) == "cookie" {
		l.cookies++
	}
	from := uint32(len(l.text))
	l.text = append(append(l.text, name...), value...)
	end := from + uint32(len(name))
	l.fields = append(l.fields, field{from, end, end, uint32(len(l.text))})
}

func (l *headerList) addPseudo(name, value []byte) {
	for i, known := range pseudoNames {
		if string(name) != known {
			continue
		}
		if l.pseudo[i].there || len(l.fields) > 0 {
			break
		}
		from := uint32(len(l.text))
		if len(value) > capture.MaxTarget {
			l.tooLong = true
			value = nil
		}
		l.text = append(l.text, value...)
		l.pseudo[i] = span{from, uint32(len(l.text)), true}
		return
	}
	l.bad = true
}

func isLower(b []byte) bool {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// asks reports whether the fields are of a request, answers whether of a response. Those of trailers are neither.
func (l *headerList) asks() bool {
	return l.pseudo[pseudoMethod].there || l.pseudo[pseudoPath].there || l.pseudo[pseudoScheme].there || l.pseudo[pseudoAuthority].there || l.pseudo[pseudoProtocol].there
}

func (l *headerList) answers() bool { return l.pseudo[pseudoStatus].there }

// joinCookies makes one field of those that a client split its cookies into (RFC 9113, section 8.2.3). Where a field of the
// block is not known it may be one of them, and none is kept.
func (l *headerList) joinCookies() {
	if l.cookies == 0 || l.cookies == 1 && l.unread == 0 {
		return
	}
	from := uint32(len(l.text))
	first := -1
	kept := l.fields[:0]
	for _, f := range l.fields {
		if string(l.text[f.name:f.nameEnd]) != "cookie" {
			kept = append(kept, f)
			continue
		}
		l.size -= int(f.nameEnd-f.name+f.valueEnd-f.value) + fieldOverhead
		if l.unread > 0 {
			continue
		}
		if first < 0 {
			first = len(kept)
			kept = append(kept, f)
		} else {
			l.text = append(l.text, "; "...)
		}
		l.text = append(l.text, l.text[f.value:f.valueEnd]...)
	}
	l.fields = kept
	if first >= 0 {
		f := &l.fields[first]
		f.value, f.valueEnd = from, uint32(len(l.text))
		l.size += int(f.nameEnd-f.name+f.valueEnd-f.value) + fieldOverhead
	}
}

// store copies the fields to h. It is false where there is no memory.
func (l *headerList) store(p *pool, h *head) bool {
	if !h.set(p, l.text) {
		return false
	}
	h.fields, h.size = append(h.fields[:0], l.fields...), l.size
	return true
}

// of is a pseudo-field in what the fields were copied to.
func (l *headerList) of(h *head, pseudo int) []byte {
	s := l.pseudo[pseudo]
	return h.b[s.from:s.to:s.to]
}
