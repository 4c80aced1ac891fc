package wire

// stream is a stream of HTTP/2 that a client opened: a request and its response. Of its pairs the first is the client's,
// the second the server's.
type stream struct {
	next, prev *stream // in the order in which they came up
	id         uint32
	e          *exchange
	asked      bool // the head of the request is known
	ended      [2]bool
	reset      [2]bool
	lost       [2]bool   // a gap may have swallowed its end
	why        [2]reason // that the head is not known
	bytes      [2]int64  // of its frames
	interim    int
	alone      bool // it is over, but for the request, which may be handed over later

	// What came from a side on trial.
	onTrial [2]bool
	tried   [2]int64 // bytes
	newHead [2]bool  // the head
	newEnd  [2]bool  // the end
	newStop [2]bool  // the reset
}

// http2Streams is the streams of a connection that are open.
type http2Streams struct {
	first, last *stream
	byID        map[uint32]*stream
	number      int
	alone       int // of them those that are over, but for the request
}

const (
	maxStreams  = 1 << 10
	maxAlone    = 16      // responses that wait for a request which may be handed over later
	freeStreams = 1       // that there may be when memory is short
	streamCost  = 1 << 10 // bytes of one, buffers not counted
)

func (s *http2Streams) find(id uint32) *stream {
	if s.last != nil && s.last.id == id {
		return s.last
	}
	return s.byID[id]
}

// open adds a stream. Where there are too many the oldest ends.
func (h *http2) open(id uint32) *stream {
	s := &h.streams
	p := &h.c.d.pool
	for s.number >= maxStreams || s.number >= freeStreams && p.crowded() {
		h.giveUp(s.first)
	}
	p.small += streamCost
	d := h.c.d
	st := d.streams
	if st == nil {
		st = &stream{}
	} else {
		d.streams = st.next
	}
	*st = stream{id: id, e: d.exchange(), prev: s.last}
	if s.byID == nil {
		s.byID = map[uint32]*stream{}
	}
	if s.last == nil {
		s.first = st
	} else {
		s.last.next = st
	}
	s.last = st
	s.byID[id] = st
	s.number++
	return st
}

// giveUp ends a stream of which more may come.
func (h *http2) giveUp(st *stream) {
	for role := range st.onTrial {
		if st.onTrial[role] || !h.sure {
			st.convict(h.c, role)
		}
	}
	h.finish(st)
}

// remove takes a stream out.
func (h *http2) remove(st *stream) {
	s := &h.streams
	if st.prev == nil {
		s.first = st.next
	} else {
		st.prev.next = st.next
	}
	if st.next == nil {
		s.last = st.prev
	} else {
		st.next.prev = st.prev
	}
	for side := range h.half {
		if f := &h.half[side]; f.stream == st { // the rest of its frame is too late
			f.stream, f.to = nil, http2Stray
		}
	}
	delete(s.byID, st.id)
	s.number--
	if st.alone {
		s.alone--
	}
	d := h.c.d
	d.pool.small -= streamCost
	*st = stream{next: d.streams}
	d.streams = st
}

// continueFrom makes a stream of a request whose response comes as HTTP/2.
func (st *stream) continueFrom(c *Conn, from *exchange) {
	c.d.recycle(st.e)
	st.e, st.asked, st.ended[0] = from, true, true
	from.asked, from.answered, from.answering, from.status, from.wire = true, false, false, 0, 0
	from.resp.free(&c.d.pool)
	from.respBody = body{}
}

func (st *stream) half(role int) *body {
	if role == 0 {
		return &st.e.body
	}
	return &st.e.respBody
}

// headed reports whether the head of a message is known.
func (st *stream) headed(role int) bool {
	if role == 0 {
		return st.asked
	}
	return st.e.answering
}

// took counts bytes of frames.
func (st *stream) took(role int, at int64, n int, trial bool) {
	if trial {
		st.onTrial[role] = true
		st.tried[role] += int64(n)
	} else {
		st.bytes[role] += int64(n)
	}
	if role == 1 {
		st.e.wire += int64(n)
		st.e.lastAt = max(st.e.lastAt, at)
	}
}

// body takes bytes of a body.
func (st *stream) body(c *Conn, role int, at int64, b []byte) {
	if !st.headed(role) || len(b) == 0 {
		return
	}
	st.half(role).add(c, b, int64(len(b)))
	st.e.calls[role].data(c, st.e, at, b)
}

// missing goes on behind a gap of n bytes, of which data are of a body.
func (st *stream) missing(c *Conn, role int, at int64, n, data int) {
	if role == 1 {
		st.e.wire += int64(n)
		st.e.lastAt = max(st.e.lastAt, at)
	}
	if st.headed(role) && data > 0 {
		st.half(role).skip(c, int64(data))
		st.e.calls[role].gap(c, st.e, int64(data))
	}
}

// loseBody says that nobody knows how long a body is.
func (st *stream) loseBody(c *Conn, role int) {
	if st.headed(role) {
		st.half(role).lose(c)
		st.e.calls[role].lose(c)
	}
}

// loseRest says that frames of the side may be missing.
func (st *stream) loseRest(c *Conn, role int) {
	if st.ended[role] || st.reset[role] {
		return
	}
	st.lost[role] = true
	st.loseBody(c, role)
	if !st.headed(role) {
		st.why[role] = afterGap
	}
}

// acquit accepts what a side on trial said.
func (st *stream) acquit(role int) {
	st.bytes[role] += st.tried[role]
	st.onTrial[role], st.tried[role] = false, 0
	st.newHead[role], st.newEnd[role], st.newStop[role] = false, false, false
}

// convict forgets what a side on trial said.
func (st *stream) convict(c *Conn, role int) {
	if !st.onTrial[role] {
		return
	}
	c.tally.count(afterGap, int(st.tried[role]))
	st.ended[role] = st.ended[role] && !st.newEnd[role]
	st.reset[role] = st.reset[role] && !st.newStop[role]
	e := st.e
	if st.newHead[role] {
		st.why[role] = afterGap
		c.d.pool.put(st.half(role).kept)
		*st.half(role) = body{}
		if role == 0 {
			st.asked = false
		} else {
			e.status, e.answering, e.wire = 0, false, 0
		}
	} else {
		st.loseRest(c, role)
	}
	if role == 1 {
		e.trail.free(&c.d.pool)
	}
	e.calls[role].lose(c)
	e.dropMessages(c)
	st.onTrial[role], st.tried[role] = false, 0
	st.newHead[role], st.newEnd[role], st.newStop[role] = false, false, false
}

// endStream ends the message of a side; reset: and the stream.
func (h *http2) endStream(st *stream, side int, reset bool) {
	role := h.role(side)
	trial := h.half[side].trial.on
	st.onTrial[role] = st.onTrial[role] || trial
	if reset {
		st.newStop[role] = trial && !st.reset[role]
		st.reset[role] = true
	} else {
		st.newEnd[role] = trial && !st.ended[role]
		st.ended[role] = true
	}
	h.settle(st)
}

// settle hands over the request of a stream that is over, unless it is still on trial.
func (h *http2) settle(st *stream) {
	reset := st.reset[0] || st.reset[1]
	switch {
	case st.onTrial[0] || st.onTrial[1] || !h.sure:
	case st.asked:
		if reset || st.ended[0] && st.ended[1] {
			h.finish(st)
		}
	case !reset && !st.ended[1]:
	case st.id <= h.latest || h.half[h.client].over:
		h.finish(st)
	case !st.alone:
		h.wait(st)
	}
}

// wait keeps a response whose request may be handed over later, though it was sent before.
func (h *http2) wait(st *stream) {
	s := &h.streams
	st.alone = true
	if s.alone++; s.alone <= maxAlone {
		return
	}
	for old := s.first; old != nil; old = old.next {
		if old.alone {
			h.finish(old)
			return
		}
	}
}

// finish hands over the request of a stream, and says what became of its bytes.
func (h *http2) finish(st *stream) {
	c, e := h.c, st.e
	for role := range st.onTrial {
		st.acquit(role)
		e.calls[role].end(c)
		if headed, cut := st.headed(role), !st.ended[role] && !st.lost[role]; headed && cut {
			c.unkept(st.half(role)) // the size is what was sent
		}
	}
	if !st.asked {
		st.finishAlone(c)
		e.dropMessages(c)
		h.remove(st)
		c.d.recycle(e)
		return
	}
	c.tally.count(e.to, int(st.bytes[0]))
	to := e.to
	if !e.answering {
		to = st.why[1]
	} else {
		if e.to == inMessage {
			c.tally.Responses++
		}
		e.unending = st.lost[1] && !st.ended[1]
	}
	c.tally.count(to, int(st.bytes[1]))
	c.tally.Interim += int64(st.interim)
	h.remove(st)
	c.d.emit(c, e)
}

// finishAlone counts the bytes of a stream whose request is not known.
func (st *stream) finishAlone(c *Conn) {
	why := st.why[0]
	if why == inMessage {
		why = http2Stray
	}
	c.tally.count(why, int(st.bytes[0]))
	c.tally.count(responseAlone, int(st.bytes[1]))
	if st.e.answering {
		c.tally.Alone++
	}
}
