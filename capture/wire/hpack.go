package wire

// hpackTable is the dynamic table of the header compression of one side (RFC 7541), as far as it is known. It is kept
// by hand, since a connection that is entered in the middle, or lost bytes, has a table of which only the newest part
// is known. An index counts from the newest entry, so that those that were seen coming are certain whatever came before.
type hpackTable struct {
	text    []byte // names and values of the entries, one after the other
	entries []hpackEntry
	first   int  // of entries, which is the oldest
	size    int  // as the limit counts
	max     int  // the limit
	partial bool // there may be older entries than these
}

// hpackEntry is where an entry lies in text. value is hpackUnread for one of which only the place is known.
type hpackEntry struct{ at, name, value uint32 }

const (
	hpackUnread   = 1<<32 - 1
	hpackOverhead = 32       // of an entry beside name and value
	hpackDefault  = 4 << 10  // limit until an encoder says otherwise
	hpackLimit    = 64 << 10 // of what is kept; of a larger table the newest part
	hpackFree     = 2 << 10  // bytes that a table may have when memory is short

	hpackEntrySize = 12
	hpackNumber    = 1<<32 - 1
)

// hpackField is a header field. Name and value are valid until the next one is read.
type hpackField struct {
	name, value []byte
	kind        hpackKind
}

type hpackKind uint8

const (
	hpackKnown      hpackKind = iota
	hpackUnresolved           // refers to what the table held before it was entered
	hpackNone                 // no field: a change of the limit
)

// lose says that entries may have come that were not seen.
func (t *hpackTable) lose() {
	t.clear()
	t.partial, t.max = true, hpackLimit
}

func (t *hpackTable) clear() {
	t.text, t.entries, t.first, t.size = t.text[:0], t.entries[:0], 0, 0
}

// next reads one representation of a field from b, which is a part of a whole block. It returns how long that is; ok is false where it
// is none. scratch is where decoded text goes.
func (t *hpackTable) next(p *pool, scratch *[]byte, b []byte, f *hpackField) (n int, ok bool) {
	*scratch = (*scratch)[:0]
	f.kind = hpackKnown
	switch c := b[0]; {
	case c&0x80 != 0:
		i, n := hpackInt(b, 7)
		return n, n > 0 && i > 0 && t.lookup(i, f)
	case c&0xc0 == 0x40:
		return t.literal(p, scratch, b, 6, f)
	case c&0xe0 == 0x20:
		size, n := hpackInt(b, 5)
		f.kind = hpackNone
		if n > 0 {
			t.resize(int(size))
		}
		return n, n > 0
	}
	return t.literal(p, scratch, b, 4, f)
}

// literal reads a field that has its value with it, and perhaps its name. One with a prefix of 6 bits becomes an entry.
func (t *hpackTable) literal(p *pool, scratch *[]byte, b []byte, prefix int, f *hpackField) (n int, ok bool) {
	i, n := hpackInt(b, prefix)
	if n == 0 {
		return 0, false
	}
	if i > 0 {
		if !t.lookup(i, f) {
			return 0, false
		}
		*scratch = append(*scratch, f.name...) // the entry may have to go before this one comes
		f.name = *scratch
	} else {
		var m int
		if f.name, m = hpackString(scratch, b[n:]); m == 0 {
			return 0, false
		}
		n += m
	}
	var m int
	if f.value, m = hpackString(scratch, b[n:]); m == 0 {
		return 0, false
	}
	if prefix == 6 {
		t.insert(p, f)
	}
	return n + m, true
}

// lookup finds the field of an index. It is false where there is none.
func (t *hpackTable) lookup(i uint64, f *hpackField) bool {
	f.name, f.value = nil, nil
	if i < uint64(len(hpackStatic)) {
		f.name, f.value = hpackStatic[i].name, hpackStatic[i].value
		return true
	}
	i -= uint64(len(hpackStatic)) // 0 is the newest
	if i >= uint64(len(t.entries)-t.first) {
		f.kind = hpackUnresolved
		return t.partial
	}
	e := t.entries[len(t.entries)-1-int(i)]
	if e.value == hpackUnread {
		f.kind = hpackUnresolved
		return true
	}
	text := t.text[e.at:]
	f.name, f.value = text[:e.name], text[e.name:e.name+e.value]
	return true
}

// resize changes the limit. With a limit of 0 nothing is left, known or not.
func (t *hpackTable) resize(max int) {
	t.max = max
	t.evict(0)
	if max == 0 {
		t.partial = false
	}
}

// evict makes room for an entry: the oldest go.
func (t *hpackTable) evict(size int) {
	for t.first < len(t.entries) && t.size+size > min(t.max, hpackLimit) {
		t.partial = t.partial || t.size+size <= t.max
		e := t.entries[t.first]
		t.size -= hpackOverhead
		if e.value != hpackUnread {
			t.size -= int(e.name + e.value)
		}
		t.first++
	}
	if t.first == len(t.entries) {
		t.clear()
	}
}

// insert makes an entry of a field.
func (t *hpackTable) insert(p *pool, f *hpackField) {
	n := len(f.name) + len(f.value)
	if f.kind == hpackUnresolved {
		n = 0
	}
	t.evict(n + hpackOverhead)
	if n+hpackOverhead > min(t.max, hpackLimit) {
		t.partial = t.partial || n+hpackOverhead <= t.max
		return
	}
	if !t.room(p, n) {
		t.clear()
		t.partial = true
		return
	}
	e := hpackEntry{at: uint32(len(t.text)), name: uint32(len(f.name)), value: uint32(len(f.value))}
	if f.kind == hpackUnresolved {
		e.name, e.value = 0, hpackUnread
	} else {
		t.text = append(append(t.text, f.name...), f.value...)
	}
	t.size += n + hpackOverhead
	t.entries = append(t.entries, e)
}

// room makes room for n bytes of text and one entry, where possible in place of entries that are gone.
func (t *hpackTable) room(p *pool, n int) bool {
	if len(t.entries) == cap(t.entries) && !t.roomForEntry(p) {
		return false
	}
	if cap(t.text)-len(t.text) >= n {
		return true
	}
	if t.first < len(t.entries) {
		gone := t.entries[t.first].at
		t.text = t.text[:copy(t.text, t.text[gone:])]
		for i := t.first; i < len(t.entries); i++ {
			t.entries[i].at -= gone
		}
	}
	if len(t.text)+n <= cap(t.text)/4*3 {
		return true
	}
	if size := cap(t.text) * 2; size <= hpackFree || !p.crowded() {
		t.text, _ = p.grow(t.text, max(n, size-len(t.text)))
	}
	return len(t.text)+n <= cap(t.text)
}

// roomForEntry makes room for an entry where there is none.
func (t *hpackTable) roomForEntry(p *pool) bool {
	if t.first > len(t.entries)/2 {
		t.entries = t.entries[:copy(t.entries, t.entries[t.first:])]
		t.first = 0
		return true
	}
	if len(t.entries) >= hpackFree/hpackOverhead && p.crowded() {
		return false
	}
	more := max(len(t.entries), 8)
	p.small += more * hpackEntrySize
	t.entries = append(make([]hpackEntry, 0, len(t.entries)+more), t.entries...)
	return true
}

// free gives the memory back.
func (t *hpackTable) free(p *pool) {
	p.small -= cap(t.entries) * hpackEntrySize
	p.put(t.text)
	*t = hpackTable{partial: true}
}

// hpackInt reads a number whose first byte has prefix bits of it (RFC 7541, section 5.1). n is 0 where there is none.
func hpackInt(b []byte, prefix int) (v uint64, n int) {
	v = uint64(b[0]) & (1<<prefix - 1)
	if v < 1<<prefix-1 {
		return v, 1
	}
	for n = 1; n < len(b) && n < 10; n++ {
		v += uint64(b[n]&0x7f) << (7 * (n - 1))
		if b[n]&0x80 == 0 {
			if v > hpackNumber {
				return 0, 0
			}
			return v, n + 1
		}
	}
	return 0, 0
}

// hpackString reads a string (RFC 7541, section 5.2). n is 0 where there is none.
func hpackString(scratch *[]byte, b []byte) (s []byte, n int) {
	if len(b) == 0 {
		return nil, 0
	}
	size, n := hpackInt(b, 7)
	if n == 0 || size > uint64(len(b)-n) {
		return nil, 0
	}
	s = b[n : n+int(size)]
	if b[0]&0x80 != 0 {
		start := len(*scratch)
		text, ok := appendHuffman(*scratch, s)
		if !ok {
			return nil, 0
		}
		*scratch = text
		s = text[start:]
	}
	return s, n + int(size)
}
