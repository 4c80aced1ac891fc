package wire

import "bytes"

// message takes the fields of a whole block. It is false where they are not what they have to be on a side that is on
// trial. What was not counted of the block afterwards is of no message.
func (h *http2) message(side int, at int64, l *headerList) bool {
	f := &h.half[side]
	b := &f.block
	h.c.tally.Unresolved += int64(l.unread)
	if l.bad || l.asks() && l.answers() || f.trial.on && l.odd > 0 {
		return !f.trial.on
	}
	if !h.known && !h.recognise(side, l) {
		h.c.tally.count(midStream, b.take())
		return true
	}
	switch server := side != h.client; {
	case b.kind == framePush:
		if !server {
			return !f.trial.on
		}
		h.c.tally.Pushed++
		h.c.tally.count(http2Push, b.take())
		return true
	case server && b.id&1 == 0:
		h.c.tally.count(http2Push, b.take())
		return true
	case server != l.answers() && (l.asks() || l.answers()), b.id&1 == 0:
		return !f.trial.on
	case l.asks() || l.answers():
		h.agree(side)
	}
	if side != h.client {
		return h.fromServer(side, at, l) || !f.trial.on
	}
	return h.fromClient(side, at, l) || !f.trial.on
}

// recognise settles from a message who is the client.
func (h *http2) recognise(side int, l *headerList) bool {
	push := h.half[side].block.kind == framePush
	if !l.asks() && !l.answers() && !push {
		return false
	}
	h.known, h.sure, h.from, h.client = true, !h.half[side].trial.on, side, side
	if l.answers() || push {
		h.client = side ^ 1
	}
	h.c.http.client = h.client
	return true
}

// fromClient takes the head of a request, or trailers.
func (h *http2) fromClient(side int, at int64, l *headerList) bool {
	f := &h.half[side]
	b := &f.block
	st := h.streams.find(b.id)
	switch {
	case st != nil && st.asked && l.asks(), st == nil && l.asks() && b.id <= h.latest:
		return false
	case st == nil && b.id <= h.latest || !l.asks() && l.unread == 0 && (st == nil || !st.asked):
		h.c.tally.count(http2Stray, b.take())
		return true
	case st == nil:
		st = h.open(b.id)
	}
	h.latest = max(h.latest, b.id)
	if !st.asked && st.why[0] == inMessage {
		why := h.request(st, l)
		if why == badRequest && f.trial.on {
			return false
		}
		st.asked, st.why[0], st.newHead[0] = why == inMessage, why, f.trial.on
		st.e.at, st.e.frame = b.at, b.frame
		if st.alone {
			st.alone = false
			h.streams.alone--
		}
	}
	st.took(0, at, b.take(), f.trial.on)
	if b.flags&flagEndStream != 0 {
		h.endStream(st, side, false)
	} else {
		h.settle(st)
	}
	return true
}

// request reads the head of a request. It returns why it is none that can be told.
func (h *http2) request(st *stream, l *headerList) reason {
	e := st.e
	e.to = inMessage
	l.joinCookies()
	connect := false
	switch p := &l.pseudo; {
	case l.tooLong:
		e.to = tooLong
	case !p[pseudoMethod].there:
		return l.unknown()
	default:
		m := p[pseudoMethod]
		connect = string(l.text[m.from:m.to]) == "CONNECT" && !p[pseudoProtocol].there && l.unread == 0
	}
	if !connect && !l.pseudo[pseudoPath].there && !l.tooLong {
		return l.unknown()
	}
	if !l.store(&h.c.d.pool, &e.req) {
		return noMemory
	}
	r := &e.line
	r.method, r.target = l.of(&e.req, pseudoMethod), l.of(&e.req, pseudoPath)
	r.scheme, r.host, r.proto = l.of(&e.req, pseudoScheme), l.of(&e.req, pseudoAuthority), http2Proto
	if connect {
		r.target = r.host
	}
	r.host = r.host[bytes.LastIndexByte(r.host, '@')+1:]
	sound := isToken(r.method) && len(r.method) <= maxMethod && isVisible(r.target) && isVisible(r.host) && r.formed() && (len(r.scheme) == 0 || isToken(r.scheme))
	if !sound && !l.tooLong {
		return badRequest
	}
	h.c.tally.Odd += int64(l.odd)
	e.asks = framing{length: noLength}
	e.req.show(&e.asks)
	e.calls[0].begin(e.asks.content, 'c')
	return inMessage
}

var http2Proto = []byte("HTTP/2.0")

// unknown is why a field is missing that has to be there.
func (l *headerList) unknown() reason {
	if l.unread > 0 {
		return hpackUnknown
	}
	return badRequest
}

// show shows the fields to f.
func (h *head) show(f *framing) {
	for _, x := range h.fields {
		f.see(h.b[x.name:x.nameEnd], h.b[x.value:x.valueEnd])
	}
}

// fromServer takes the head of a response, or trailers.
func (h *http2) fromServer(side int, at int64, l *headerList) bool {
	f := &h.half[side]
	b := &f.block
	st := h.streams.find(b.id)
	if st == nil {
		if !l.answers() {
			h.c.tally.count(http2Stray, b.take())
			return true
		}
		if b.id <= h.latest || h.half[h.client].over {
			h.c.tally.count(responseAlone, b.take())
			return true
		}
		st = h.open(b.id)
	}
	if st.ended[1] {
		return false
	}
	if !h.answer(st, f, l) {
		return false
	}
	st.took(1, at, b.take(), f.trial.on)
	if b.flags&flagEndStream != 0 {
		h.endStream(st, side, false)
	} else {
		h.settle(st)
	}
	return true
}

// answer reads the fields of a response, which may be interim, or its trailers.
func (h *http2) answer(st *stream, f *http2Half, l *headerList) bool {
	e := st.e
	p := &h.c.d.pool
	if !l.answers() {
		switch {
		case e.answering:
			if !l.tooLong && l.store(p, &e.trail) {
				h.c.tally.Odd += int64(l.odd)
			} else {
				h.c.tally.Unkept++
			}
		case l.unread > 0:
			st.why[1] = hpackUnknown
		}
		return true
	}
	text := l.text[l.pseudo[pseudoStatus].from:l.pseudo[pseudoStatus].to]
	status, ok := decimal(text)
	switch {
	case !ok || len(text) != 3 || status < 100 || e.answering:
		return false
	case status < 200:
		st.interim++
		return true
	}
	e.answering, e.status, e.firstAt = true, int(status), f.block.at
	st.lost[1], st.why[1], st.newHead[1] = false, inMessage, f.trial.on
	e.wire = 0
	if l.tooLong || !l.store(p, &e.resp) {
		h.c.tally.Unkept++
		return true
	}
	h.c.tally.Odd += int64(l.odd)
	e.answers = framing{length: noLength}
	e.resp.show(&e.answers)
	e.calls[1].begin(e.answers.content, 's')
	return true
}

// unread takes a block whose fields cannot be read, and why.
func (h *http2) unread(side int, why reason) {
	f := &h.half[side]
	b := &f.block
	n := b.take()
	if !h.known || b.id&1 == 0 || b.kind == framePush {
		h.c.tally.count(why, n)
		return
	}
	role := h.role(side)
	h.c.tally.count(why, n)
	st := h.streams.find(b.id)
	if st == nil && role == 0 && b.id > h.latest {
		st = h.open(b.id)
		h.latest = b.id
	}
	if st == nil {
		return
	}
	if !st.headed(role) {
		st.why[role] = why
	}
	if b.flags&flagEndStream != 0 {
		h.endStream(st, side, false)
	}
}
