package wire

import (
	"bytes"

	"trafficreplay/capture"
)

// message takes a whole head. It returns why it is none, or inMessage.
func (h *http1) message(s *half, side int, at int64, text []byte) reason {
	if s.strict && !isPerfect(text) {
		return s.bad()
	}
	if kindOf(text) == kindResponse {
		return h.response(s, side, at, text)
	}
	return h.request(s, side, at, text)
}

func (h *http1) request(s *half, side int, at int64, text []byte) reason {
	e := h.c.d.exchange()
	if why := e.parseRequest(h.c, text, s.strict); why != inMessage {
		h.c.d.recycle(e)
		return why
	}
	e.at, e.frame = s.at, s.frame
	e.calls[0].begin(e.asks.content, 'c')
	h.recognise(s, side, roleClient)
	h.c.tally.count(e.to, len(text))
	s.e, s.to = e, e.to
	h.ask(e)
	if string(e.line.method) == "CONNECT" || len(e.asks.upgrade) > 0 {
		s.await = e
	}
	how, n := e.asks.request(e.line.proto)
	h.begin(s, at, &e.body, how, n)
	return inMessage
}

// parseRequest reads the head of a request into e.
func (e *exchange) parseRequest(c *Conn, text []byte, strict bool) reason {
	if !e.req.set(&c.d.pool, text) {
		return noMemory
	}
	n := bytes.IndexByte(text, '\n')
	if !e.line.parse(e.req.b[:n], strict) {
		if e.line.bare {
			return http09
		}
		return badRequest
	}
	e.asks.length = noLength
	c.tally.Odd += int64(e.req.parse(n+1, &e.asks))
	e.line.split()
	if len(e.line.target) > capture.MaxTarget || e.req.tooLong() {
		e.to = tooLong
	}
	return inMessage
}

func (h *http1) response(s *half, side int, at int64, text []byte) reason {
	n := bytes.IndexByte(text, '\n')
	status, ok := statusLine(text[:n], s.strict)
	if !ok {
		return badResponse
	}
	h.recognise(s, side, roleServer)
	if status < 200 && status != 101 {
		h.c.tally.Interim++
		to := responseAlone
		if h.first != nil {
			to = h.first.to
		}
		h.c.tally.count(to, len(text))
		return inMessage
	}
	methods := h.overdue > 0 && !h.headless // of the requests that it may belong to are known, and none is HEAD
	e := h.match(s.at)
	if e == nil {
		e = h.c.d.exchange()
		e.alone, e.asked, e.to = true, true, responseAlone
		h.c.tally.Alone++
	} else if e.to == inMessage {
		h.c.tally.Responses++
	}
	e.parseResponse(h.c, text, n+1)
	if !e.alone {
		e.calls[1].begin(e.answers.content, 's')
	}
	e.status, e.firstAt, e.lastAt, e.answering = status, s.at, at, true
	e.wire = int64(len(text))
	s.e, s.to = e, e.to
	h.c.tally.count(e.to, len(text))
	if h.switches(e) {
		return inMessage
	}
	method := string(e.line.method)
	none := status == 101 || status == 204 || status == 304 || method == "HEAD"
	how, length := e.answers.response(none)
	e.adrift = e.alone && !methods && (how != byLength || length > 0)
	h.begin(s, at, &e.respBody, how, length)
	return inMessage
}

// parseResponse reads the fields of a response into e. Where there is no memory, or one field too many, they stay out.
func (e *exchange) parseResponse(c *Conn, text []byte, from int) {
	e.answers = framing{length: noLength}
	if !e.resp.set(&c.d.pool, text) {
		e.resp.b = nil
		c.tally.Unkept++
		h := head{b: bytes.Clone(text)}
		h.parse(from, &e.answers)
		return
	}
	c.tally.Odd += int64(e.resp.parse(from, &e.answers))
	if e.resp.tooLong() {
		e.resp.fields = e.resp.fields[:0]
		c.tally.Unkept++
	}
}

// switches hands the connection over where a response makes another one of it.
func (h *http1) switches(e *exchange) bool {
	client := &h.half[h.client]
	connect := string(e.line.method) == "CONNECT" && e.status/100 == 2
	if !connect && e.status != 101 || e.alone || client.await != e && e.status != 101 {
		return false
	}
	asked := client.await == e
	client.await = nil
	to := e.answers.upgrade
	if len(to) == 0 {
		to = e.asks.upgrade
	}
	e.answered = true
	for h.first != nil { // none waits where the client waited
		h.giveUp()
	}
	h.leave(client, e)
	switch {
	case connect:
		h.become(&rest{c: h.c, why: inTunnel}, protoTunnel)
	case asked && is(to, "websocket"):
		h.become(newWebSocket(h.c, h.client, e), protoWebSocket)
		return true
	case asked && is(to, "h2c"):
		h.become(newHTTP2(h.c, h.client, e), protoHTTP2)
		return true
	default:
		h.become(&rest{c: h.c, why: upgraded}, protoUpgrade)
	}
	e.asked = true
	h.done(e)
	return true
}

// leave ends the request that the client is sending while a response, that of e, makes another connection of this one.
func (h *http1) leave(client *half, e *exchange) {
	switch client.e {
	case nil:
	case e:
		h.c.unkept(&e.body)
	default:
		h.endBody(client, false)
	}
}

// rest is what follows on a connection that is read no further.
type rest struct {
	c   *Conn
	why reason
}

func (r *rest) data(_ int, _ int64, b []byte) int {
	r.c.tally.count(r.why, len(b))
	return len(b)
}

func (r *rest) gap(int, int64, int64) {}
func (r *rest) end(int, int64, bool)  {}
func (r *rest) close()                {}
