package packet

// receive takes the bytes of a segment: at once where they are next, into pages where they are early.
func (a *Assembler) receive(c *conn, d int, pos, need int64, s *Segment) skip {
	h, o := &c.half[d], &c.half[1-d]
	if !h.started && !h.exact && pos < h.next {
		h.next = pos
	}
	b, wire := s.Payload, pos+int64(max(s.Len, len(s.Payload)))
	behind := min(int64(len(b)), max(0, h.next-pos))
	tardy := min(behind, max(0, min(pos+behind, h.gapTo)-max(pos, h.gapFrom)))
	b, pos = b[behind:], pos+behind
	beyond := min(int64(len(b)), max(0, pos+int64(len(b))-h.end))
	b, wire = b[:int64(len(b))-beyond], min(wire, h.end)

	old, over := behind-tardy, 0
	cut := int(max(0, wire-max(h.next, pos+int64(len(b)))))
	if h.ended {
		cut = 0
	}
	fresh := len(b) > 0 || cut > 0
	if fresh && pos == h.next && !c.entering && (h.head == nil || h.head.pos >= wire) && o.reached(need, false) {
		if len(b) > 0 {
			a.data(c, d, s.At, b)
		}
		h.cutTo = max(h.cutTo, wire)
	} else if fresh {
		held, lost := a.hold(c, h, pos, b, cut, page{need: need, at: s.At, order: a.count.segments})
		old, over = old+int64(held), lost
		fresh = held+lost < len(b) || cut > 0
	}
	n := &a.count.skipped
	n[skipLate] += tardy
	n[skipAfterClose] += beyond
	n[skipNoRoom] += int64(over)
	switch {
	case fresh:
		n[skipOverlap] += old
		return segmentUsed
	case over > 0:
		n[skipOverlap] += old
		return skipNoRoom
	}
	n[skipRetransmitted] += old
	switch {
	case beyond > 0:
		return skipAfterClose
	case tardy > 0:
		return skipLate
	}
	return skipRetransmitted
}

// reached reports whether all before need was handed over, or is not waited for any more. loose also accepts what
// is there but waits itself, which happens where each side's next segment acknowledges the other's.
func (h *half) reached(need int64, loose bool) bool {
	return !h.seen || need <= h.next || h.ended || loose && need <= h.waived
}

// move is the next thing a half can do.
type move uint8

const (
	nothing move = iota
	handPage
	handGap
	handEnd
)

// next gives the move of a half and its place in the order of capture.
func (c *conn) next(d int, loose bool) (move, int64) {
	h, o := &c.half[d], &c.half[1-d]
	switch {
	case h.ended:
	case h.head != nil && h.head.pos <= h.next:
		if o.reached(h.head.need, loose) {
			return handPage, h.head.order
		}
	case h.gapEnd() > h.next:
		return handGap, 0
	case h.over() && o.reached(h.endNeed, loose):
		return handEnd, h.endOrder
	}
	return nothing, 0
}

// gapEnd is where the missing bytes end that are not waited for. A single one at the very end may be a FIN that
// the capture lost, and is none until bytes follow.
func (h *half) gapEnd() int64 {
	end := min(h.end, max(h.cutTo, h.waived))
	if h.head != nil {
		return min(end, h.head.pos)
	}
	if end == h.next+1 && (h.end == unset || h.reset) && h.cutTo < end {
		return h.next
	}
	return end
}

// over reports whether all bytes of a half were handed over or reported as missing.
func (h *half) over() bool {
	return h.next >= h.end || h.reset && h.end == h.next+1 && h.waived >= h.end
}

// drain hands over all that need not wait.
func (a *Assembler) drain(c *conn) {
	for !c.entering && !c.closed {
		m, d := c.choose(false)
		if m == nothing {
			m, d = c.choose(true)
		}
		switch m {
		case nothing:
			return
		case handPage:
			a.handPage(c, d)
		case handGap:
			a.handGap(c, d)
		case handEnd:
			a.end(c, d, c.half[d].endAt, c.half[d].reset)
		}
	}
}

// choose gives the move of the half whose packet was captured first, or of the client.
func (c *conn) choose(loose bool) (move, int) {
	d := c.clientFirst()
	m, order := c.next(d, loose)
	other, otherOrder := c.next(1-d, loose)
	if m == nothing || other != nothing && otherOrder < order {
		return other, 1 - d
	}
	return m, d
}

// clientFirst gives the client's half, where it is known.
func (c *conn) clientFirst() int { return max(0, int(c.client)) }

func (a *Assembler) handPage(c *conn, d int) {
	h := &c.half[d]
	p := h.head
	h.head = p.next
	if h.head == nil {
		h.tail = nil
	}
	if p.n > 0 {
		a.data(c, d, p.at, p.buf[:p.n])
	}
	if p.cut > 0 {
		h.cutTo = max(h.cutTo, p.stop()+int64(p.cut))
	}
	a.freePage(c, p)
}

func (a *Assembler) handGap(c *conn, d int) {
	h := &c.half[d]
	end, why := h.gapEnd(), gapLost
	switch {
	case h.cutTo > h.next:
		end, why = min(end, h.cutTo), gapCut
	case !h.seen:
		why = gapUnseen
	case !h.started && !h.exact:
		why = gapStart
	case a.givingUpRoom:
		why = gapEvicted
	}
	at := c.last
	if h.head != nil {
		at = h.head.at
	}
	if c.sink == nil {
		a.begin(c, d, nil)
	}
	n := end - h.next
	c.sink.Gap(d^int(c.client), at, n, gapNames[why])
	h.gapFrom, h.gapTo = h.next, end
	h.next, h.started = end, true
	a.count.missing[why] += n
}

// data hands over bytes that are next.
func (a *Assembler) data(c *conn, d int, at int64, b []byte) {
	if c.sink == nil {
		a.begin(c, d, b)
	}
	h := &c.half[d]
	c.sink.Data(d^int(c.client), at, b)
	h.next += int64(len(b))
	h.started = true
	a.count.delivered += int64(len(b))
}

// end ends a half. A connection of which nothing was handed over has no Sink to be told.
func (a *Assembler) end(c *conn, d int, at int64, reset bool) {
	h := &c.half[d]
	h.ended, h.started = true, true
	if !reset {
		h.next++ // the FIN
	}
	if c.sink != nil {
		c.sink.End(d^int(c.client), at, reset)
	}
	if c.half[0].ended && c.half[1].ended {
		c.closed, c.calm, c.sink = true, false, nil
		c.soonSince = a.now
		a.soon.remove(c)
		a.later.remove(c)
		a.open.remove(c)
		a.closed.push(c)
	}
}

// finish ends a connection as it stands, waiting for nothing.
func (a *Assembler) finish(c *conn) {
	if c.closed {
		return
	}
	for c.pages > 0 {
		a.push(c)
	}
	c.entering = false
	for d := range c.half {
		h := &c.half[d]
		h.waived = max(h.waived, h.top())
	}
	a.drain(c)
	first := c.clientFirst()
	for _, d := range [2]int{first, 1 - first} {
		if h := &c.half[d]; !h.ended {
			lostFIN := h.seen && h.acked == h.next+1
			a.end(c, d, c.last, !lostFIN)
		}
	}
}
