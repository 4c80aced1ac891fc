package packet

const (
	pageSize = 2048
	pageData = pageSize - 48
)

// page is a piece of a segment that waits, or, with n zero, the mark of the bytes that were cut off its end.
type page struct {
	next  *page
	pos   int64
	need  int64 // what must be handed over of the other half first
	at    int64 // capture time of its packet
	order int64 // number of its segment
	n     int32
	cut   int32 // bytes after it that the capture does not hold
	buf   [pageData]byte
}

func (p *page) stop() int64 { return p.pos + int64(p.n) }

// newPage gives a page, or nil where the ceilings are reached.
func (a *Assembler) newPage(c *conn) *page {
	if int(c.pages) >= a.connPages || a.inUse >= a.totalPages {
		return nil
	}
	p := a.pages
	if p == nil {
		p = new(page)
	} else {
		a.pages = p.next
	}
	if c.pages++; c.pages == 1 {
		a.holding.push(c)
	}
	a.inUse++
	a.count.peakPages = max(a.count.peakPages, a.inUse)
	return p
}

func (a *Assembler) freePage(c *conn, p *page) {
	p.next, a.pages = a.pages, p
	if c.pages--; c.pages == 0 {
		a.holding.remove(c)
	}
	a.inUse--
}

// makeRoom sees to it that n bytes can be held: the connection's oldest hole is given up, then those of the
// connections that have held bytes longest.
func (a *Assembler) makeRoom(c *conn, n int) {
	want := n/pageData + 3 // a piece may be split, and have a mark
	if int(c.pages)+want <= a.connPages && a.inUse+want <= a.totalPages {
		return
	}
	a.givingUpRoom = true
	for c.pages > 0 && int(c.pages)+want > a.connPages {
		a.push(c)
	}
	a.arm(c)
	for a.inUse > 0 && a.inUse+want > a.totalPages {
		victim := a.holding.head
		for victim.pages > 0 {
			a.push(victim)
		}
		a.arm(victim)
	}
	a.givingUpRoom = false
}

// push hands over at least one page of a connection, and gives up what it was waiting for.
func (a *Assembler) push(c *conn) {
	c.entering = false
	before := c.pages
	a.drain(c)
	if c.pages != before {
		return
	}
	d := 0
	if h, o := c.half[0].head, c.half[1].head; h == nil || o != nil && o.order < h.order {
		d = 1
	}
	h, o := &c.half[d], &c.half[1-d]
	h.waived = max(h.waived, h.head.pos)
	o.waived = max(o.waived, h.head.need)
	a.drain(c)
}

// hold copies what is new of b at pos into pages, and marks n bytes after it as cut. It returns how many bytes
// were there before and how many found no room.
func (a *Assembler) hold(c *conn, h *half, pos int64, b []byte, n int, like page) (old, over int) {
	var prev *page
	p := h.head
	if h.tail != nil && pos >= h.tail.stop() {
		prev, p = h.tail, nil
	}
	end := pos + int64(len(b))
	for len(b) > 0 {
		for p != nil && p.stop() <= pos {
			prev, p = p, p.next
		}
		free := end
		if p != nil {
			free = max(pos, min(end, p.pos))
		}
		for pos < free {
			m := min(int(free-pos), pageData)
			q := a.newPage(c)
			if q == nil {
				return old, over + len(b)
			}
			q.pos, q.need, q.at, q.order = pos, like.need, like.at, like.order
			q.n, q.cut = int32(copy(q.buf[:m], b)), 0
			h.insert(prev, q)
			prev = q
			pos, b = pos+int64(m), b[m:]
		}
		if p != nil && len(b) > 0 {
			m := int(min(end, p.stop()) - pos)
			p.need = min(p.need, like.need) // a repeated segment acknowledges more than it did at first
			pos, b, old = pos+int64(m), b[m:], old+m
		}
	}
	if n > 0 {
		a.mark(c, h, end, n, like)
	}
	return old, over
}

// mark notes that n bytes from pos on were cut off, but for those that other segments held.
func (a *Assembler) mark(c *conn, h *half, pos int64, n int, like page) {
	var prev *page
	end := pos + int64(n)
	for p := h.head; p != nil && p.pos <= pos; p = p.next {
		prev, pos = p, max(pos, p.stop())
	}
	if end <= pos {
		return
	}
	if q := a.newPage(c); q != nil {
		q.pos, q.need, q.at, q.order = pos, like.need, like.at, like.order
		q.n, q.cut = 0, int32(end-pos)
		h.insert(prev, q)
	}
}

// insert links q after prev, or first.
func (h *half) insert(prev, q *page) {
	if prev == nil {
		q.next, h.head = h.head, q
	} else {
		q.next, prev.next = prev.next, q
	}
	if q.next == nil {
		h.tail = q
	}
}
