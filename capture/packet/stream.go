package packet

// conn is a connection: two halves, each the stream of bytes that one end sends.
type conn struct {
	key   connKey
	half  [2]half // in the order of the key's ends
	sink  Sink    // nil until there is something to hand over
	links [connLists]connLink

	firstAt, firstFrame   int64
	last                  int64 // capture time of its latest segment
	soonSince, laterSince int64 // when it began to wait, or closed
	pages                 int32 // held by both halves
	client                int8  // the half that is side 0; -1: not decided

	basis    Basis
	entering bool // the capture found it in the middle, and its first bytes are being collected
	calm     bool // nothing waits: the fast path may be taken
	closed   bool
	touched  bool // since the last eviction
}

// half is one direction of a connection. Positions are sequence numbers that do not wrap: their low 32 bits are
// the number in the packet.
type half struct {
	next   int64 // position of the next byte to hand over
	acked  int64 // what the other side acknowledged
	waived int64 // missing bytes before this position are not waited for
	cutTo  int64 // missing bytes before this position were cut off by the capture
	end    int64 // position after the last byte; unset while not known

	endAt    int64
	endNeed  int64 // what must be handed over of the other half before End
	endOrder int64

	soonMark, laterMark int64 // acked and top when the connection began to wait
	gapFrom, gapTo      int64 // the last gap

	head, tail *page // segments that wait, in order and without overlap
	isn        uint32
	stray      uint32 // where a segment far from the stream ended

	known   bool // next means something
	seen    bool // the capture holds a packet of this half
	syn     bool // isn is known
	exact   bool // the first byte's position is known for certain
	started bool // bytes, a gap or the end were handed over, so that next moves on only
	ended   bool
	reset   bool
	strayed bool
}

// at gives the position of a sequence number, near to what is known.
func (h *half) at(seq uint32) int64 {
	ref := max(h.next, h.acked)
	return ref + int64(int32(seq-uint32(ref)))
}

// know sets the position of a half of which nothing was known.
func (h *half) know(seq uint32) {
	if !h.known {
		h.known = true
		h.next = 1<<32 | int64(seq) // room below for bytes that come later though they were sent earlier
		h.acked, h.waived, h.cutTo = 0, 0, 0
	}
}

// top is the end of what is known to have been sent.
func (h *half) top() int64 {
	top := max(h.next, h.acked)
	if h.tail != nil {
		top = max(top, h.tail.stop())
	}
	if h.end != unset {
		top = max(top, h.end)
	}
	return top
}

// far reports whether a position cannot belong to this stream.
func (h *half) far(pos int64) bool {
	return h.known && (pos > h.top()+reach || pos < h.next-reach)
}

// stale reports whether a segment shows that the connection is over and another one has taken its ports.
func (c *conn) stale(d int, s *Segment) bool {
	h, o := &c.half[d], &c.half[1-d]
	switch {
	case s.Flags&RST != 0:
		return false
	case s.Flags&SYN != 0 && h.syn:
		return h.isn != s.Seq
	case s.Flags&SYN != 0:
		return h.known && !h.begins(h.at(s.Seq+1))
	case !h.known || !h.seen:
		return false
	}
	pos := h.at(s.Seq)
	if c.closed {
		past := pos > h.next || pos < h.next-reach
		ack := o.at(s.Ack)
		return past && len(s.Payload) > 0 && s.Flags&ACK != 0 && (ack > o.next || ack < o.next-reach)
	}
	if !h.far(pos) {
		return false
	}
	if s.Flags&ACK != 0 && o.known && o.seen {
		return o.far(o.at(s.Ack)) // both sides are elsewhere
	}
	return h.strayed && s.Len > 0 && s.Seq == h.stray // the second segment in a row
}

// begins reports whether a SYN that comes after other segments of its side can still be theirs.
func (h *half) begins(pos int64) bool {
	switch {
	case h.started:
		return pos <= h.next && pos > h.next-reach
	case h.head != nil:
		return pos <= h.head.pos && pos > h.head.pos-reach
	}
	return !h.far(pos)
}

// take takes a segment of an open connection.
func (a *Assembler) take(c *conn, d int, s *Segment) skip {
	h := &c.half[d]
	seq, opens := s.Seq, false
	if s.Flags&SYN != 0 {
		opens = c.begin(d, s)
		seq++
	}
	c.entering = c.entering || !h.seen && !h.exact // its bytes may be out of order, too
	h.know(seq)
	pos := h.at(seq)
	goesOn := h.strayed && seq == h.stray && s.Len > 0 && pos > h.next // the second segment in a row: the hole is as long as that
	if h.far(pos) && !goesOn {
		h.stray, h.strayed = seq+uint32(s.Len), true
		return a.refuse(s, skipOutOfWindow)
	}
	h.seen, h.strayed = true, false
	need := c.acknowledge(d, s)
	n := max(s.Len, len(s.Payload))
	if s.Flags&(SYN|FIN) == 0 && n <= 1 && n == len(s.Payload) && c.probes(h, pos, s.Payload) {
		return a.refuse(s, skipKeepAlive)
	}
	why := segmentUsed
	if n > 0 {
		why = a.receive(c, d, pos, need, s)
	} else if s.Flags&SYN != 0 && !opens {
		why = skipRetransmitted
	}
	if s.Flags&FIN != 0 {
		if closes := h.close(pos+int64(n), need, s.At, a.count.segments); closes {
			why = segmentUsed
		} else if n == 0 {
			why = skipRetransmitted
		}
	}
	if opens {
		why = segmentUsed
	}
	return why
}

// begin notes a SYN. It reports whether it is the first of its side.
func (c *conn) begin(d int, s *Segment) bool {
	h, o := &c.half[d], &c.half[1-d]
	if h.syn {
		return false
	}
	h.know(s.Seq + 1)
	if !h.started {
		h.next, h.exact = h.at(s.Seq+1), true
	}
	h.syn, h.isn = true, s.Seq
	answers := s.Flags&ACK != 0
	if answers && !o.started && !o.exact {
		o.know(s.Ack)
		if p := o.at(s.Ack); o.begins(p) {
			o.next, o.exact = p, true
		}
	}
	if h.exact && o.exact {
		c.entering = false
	}
	if c.client < 0 {
		c.client, c.basis = int8(d), BasisHandshake
		if answers {
			c.client = int8(1 - d)
		}
	}
	return true
}

// acknowledge notes what a segment acknowledges. It gives the position up to which the other half must be handed
// over before the segment.
func (c *conn) acknowledge(d int, s *Segment) int64 {
	o := &c.half[1-d]
	if s.Flags&ACK == 0 {
		return 0
	}
	o.know(s.Ack)
	pos := o.at(s.Ack)
	if o.far(pos) {
		return 0
	}
	if c.entering && !o.exact && !o.started {
		o.next = min(o.next, pos)
	}
	if pos == o.next+1 && o.seen && !o.started && !o.exact && o.head == nil {
		o.next = pos // the capture begins with a keep-alive; should the byte come after all, it is taken
	}
	o.acked = max(o.acked, pos)
	return pos
}

// probes reports whether a segment of at most one byte at pos asks whether the other side is still there: such
// probes repeat the last byte, or a zero in its place. In the first bytes of a connection that the capture entered
// in the middle only the zero tells.
func (c *conn) probes(h *half, pos int64, b []byte) bool {
	if pos == h.next-1 && (h.started || h.exact || len(b) == 0) {
		return true
	}
	if len(b) == 0 || b[0] != 0 || h.started || h.exact || h.head != nil {
		return false
	}
	if pos == h.next {
		h.next++
	}
	return pos == h.next-1
}

// close notes a FIN before position end. It reports whether that is news: the first one stands, and one before
// bytes that are there is not believed.
func (h *half) close(end, need, at, order int64) bool {
	if h.end != unset || end < h.next || h.tail != nil && end < h.tail.stop() {
		return false
	}
	h.end, h.endNeed, h.endAt, h.endOrder = end, need, at, order
	return true
}

// reset takes a RST. Both sides end: the sender's at its number, the other's at what it acknowledges, so that
// bytes which come late still find their place. A number outside the window is not believed.
func (a *Assembler) reset(c *conn, d int, s *Segment) skip {
	h, o := &c.half[d], &c.half[1-d]
	pos, bad := h.at(s.Seq), false
	switch {
	case h.seen:
		lowest := h.next - 1<<16
		if h.acked != 0 {
			lowest = min(h.acked, h.next)
		}
		bad = h.far(pos) || pos < lowest && !c.entering
	case s.Flags&ACK != 0 && o.exact && !o.started:
		bad = o.at(s.Ack) < o.next // refuses another SYN than the one that was sent
	default:
		bad = h.far(pos)
	}
	if bad {
		return a.refuse(s, skipOutOfWindow)
	}
	h.know(s.Seq)
	pos = h.at(s.Seq)
	h.seen = true
	h.tear(pos, s.At)
	ack := int64(0)
	if s.Flags&ACK != 0 {
		o.know(s.Ack)
		if p := o.at(s.Ack); !o.far(p) {
			ack = p
		}
	}
	o.tear(ack, s.At)
	if c.pages == 0 {
		c.entering = false
	}
	a.count.skipped[skipAfterClose] += int64(len(s.Payload))
	return segmentUsed
}

// tear ends a half at pos, or at the end of what is there where that is later.
func (h *half) tear(pos, at int64) {
	if h.end == unset {
		h.end, h.endAt, h.reset = max(pos, h.next), at, true
		if h.tail != nil {
			h.end = max(h.end, h.tail.stop())
		}
	}
	h.acked = max(h.acked, h.end)
}
