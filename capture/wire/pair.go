package wire

// waits reports whether a side has to wait before it reads on: a client whose connection may become another one, until
// the server has answered; the first bytes of a connection that say nothing, until the other side says more.
func (h *http1) waits(s *half, side int, b []byte) bool {
	switch {
	case s.force || h.impatient:
		return false
	case s.await != nil:
		return true
	case h.known || s.strict || kindOf(b) != kindOther:
		return false
	}
	other := &h.half[side^1]
	held := h.c.held[side]
	return h.c.held[side^1] == nil && other.unknown == 0 && !other.over && (held == nil || len(held.bytes) < smallBuffer)
}

// early reports whether a response has to wait for its request, which reassembly may hand over later although it was
// sent before. Those whose responses a gap may have swallowed are given up.
func (h *http1) early(s *half, side int) bool {
	for h.lost && h.first != nil && h.first.at <= h.lostAt {
		if h.owed++; h.owed == 1 {
			h.owedAt = h.first.at
		}
		h.giveUp()
	}
	return h.first == nil && h.overdue == 0 && !h.doubt && !s.force && !h.impatient && !h.half[side^1].over
}

// late is told that a side gets bytes while the other waits: a response that came before them needs not wait for
// the request that they are.
func (h *http1) late(side int, at int64) {
	s := &h.half[side]
	other := &h.half[side^1]
	for h.c.proto == h && s.state == stateHead && len(s.buf) == 0 && h.c.held[side] == nil &&
		h.c.held[side^1] != nil && h.isEarly(other, side^1) && other.at < at {
		h.c.force(side ^ 1)
		for h.c.held[side^1] != nil && h.c.retry(side^1) {
		}
	}
}

// isEarly reports whether what a side waits with is a response.
func (h *http1) isEarly(s *half, side int) bool {
	held := h.c.held[side]
	return s.await == nil && s.state == stateHead && held.calls[held.next].kind == callData &&
		(len(s.buf) > 0 || kindOf(held.bytes[held.taken:]) == kindResponse)
}

// ask puts a request behind those that wait for a response.
func (h *http1) ask(e *exchange) {
	e.unsure, h.unsure = h.unsure, false
	h.sawWaiting(e)
	if h.last != nil && h.last.at == e.at {
		h.pipelined = true
	}
	if h.doubt {
		e.answered = true
		return
	}
	if h.waiting == maxWaiting || h.waiting > 0 && h.c.d.pool.crowded() {
		h.overdue++
		h.headless = h.headless || string(h.first.line.method) == "HEAD"
		h.giveUp()
	}
	if h.first == nil {
		h.first = e
	} else {
		h.last.next = e
	}
	h.last = e
	h.waiting++
}

// sawWaiting looks for what tells that the client waits for each response: with this request it waited until the response to
// each other had begun; or it is the second one, and the server spoke after the first.
func (h *http1) sawWaiting(e *exchange) {
	alone := h.first == nil && h.pairedAt > 0 && h.pairedAt <= e.at || h.asked == 1 && h.heard && h.heardAt <= e.at
	h.waiter = h.waiter || alone && !e.unsure
	h.pipelined = h.pipelined || e.at < h.pairedAt
	h.asked, h.heard = h.asked+1, false
	if e.unsure { // then the first that was seen need not be the first
		h.asked = 2
	}
}

// hear notes when a server spoke for the first time since the last request, also what a gap swallowed of it.
func (h *http1) hear(s *half, at int64) {
	if !h.heard && s.role == roleServer {
		h.heard, h.heardAt = true, at
	}
}

// match is the request that a response belongs to, which waits no more; nil: none, or nobody can tell.
//
// Responses come in the order of the requests, and a response that began before a request is not its own. Where a gap
// may have swallowed responses, those to requests from before its end may be among them; where it may have swallowed
// requests, the next response may belong to one of them. Then only of a client that is known to wait for each
// response the next pair is certain. The body of a response whose request is not known may be no body but responses: HEAD
// was asked then.
func (h *http1) match(at int64) *exchange {
	if h.overdue > 0 {
		h.overdue--
		return nil
	}
	e := h.first
	if e == nil || (h.lost || h.owed > 0 || e.unsure) && e.at > at {
		if h.owed > 0 {
			if at >= h.owedAt {
				h.owed--
			}
		} else if h.impatient && e == nil { // its request may be handed over yet
			h.lost, h.lostAt = true, max(h.lostAt, at)
		}
		return nil
	}
	h.lost = false
	if e.next != nil && e.next.at <= at {
		h.pipelined = true
	}
	if (h.owed > 0 || e.unsure) && (h.pipelined || !h.waiter) {
		h.giveUp()
		h.distrust()
		return nil
	}
	h.pairedAt, h.owed = at, 0
	return h.take()
}

// take takes the first request that waits.
func (h *http1) take() *exchange {
	e := h.first
	h.first, e.next = e.next, nil
	if h.first == nil {
		h.last = nil
	}
	h.waiting--
	return e
}

// distrust stops pairing for good where the client is known not to wait.
func (h *http1) distrust() {
	h.doubt = h.pipelined
	for h.doubt && h.first != nil {
		h.giveUp()
	}
}

// giveUp says that the response to the first request that waits will not be known.
func (h *http1) giveUp() {
	e := h.take()
	e.answered, h.pairedAt = true, 0
	h.done(e)
}

// done hands over an exchange once both its messages are over.
func (h *http1) done(e *exchange) {
	if client := &h.half[h.client]; e.answered && client.await == e {
		client.await = nil
	}
	if e.asked && e.answered {
		h.c.d.emit(h.c, e)
	}
}
