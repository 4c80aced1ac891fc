package wire

import (
	"bytes"

	"trafficreplay/capture"
)

// http1 reads a connection of HTTP/1, and one of which nothing is known yet.
type http1 struct {
	c      *Conn
	half   [2]half
	known  bool // something was recognised
	client int  // the side that sends requests, once known

	first, last *exchange // requests whose response has not begun, in order
	waiting     int       // how many
	overdue     int       // responses that will come to requests that wait no more
	headless    bool      // one of these may be to a HEAD

	lost      bool  // a gap may have swallowed responses
	lostAt    int64 // when it ended
	owed      int   // responses that may come to requests that were given up
	owedAt    int64 // when the first of these requests came
	unsure    bool  // and requests
	pairedAt  int64 // when the response to the last request that waits no more began; 0: it was given up
	asked     int   // requests
	heard     bool  // the server has sent something since the last
	heardAt   int64
	waiter    bool // the client has waited for one before its next request
	pipelined bool // it does not always
	doubt     bool // which response belongs to which request cannot be told any more
	impatient bool // a side waited in vain: the other is not in the capture, or far behind
}

// half is one side of it.
type half struct {
	role   role
	state  state
	strict bool   // what comes may be the middle of something: a message begins only at the start of a Data, with a perfect line
	force  bool   // do not wait for the other side
	lined  bool   // the first line of buf is whole and good
	early  bool   // a whole head of a response is held, and waits for its request
	gapped bool   // there was a gap before anything was recognised
	why    reason // what bytes count as that belong to no message
	to     reason // what those of the present message count as

	at, frame int64  // of the first byte of buf
	buf       []byte // what is there of a head or a line
	scanned   int    // of buf

	begun   bool      // a message was recognised on this side
	over    bool      // no more comes
	e       *exchange // whose message it is
	need    int64     // bytes left of a body or a chunk
	read    int       // bytes of chunk lines and trailers
	unknown int64     // bytes before the side was recognised
	await   *exchange // of a client: the connection may become another one with the response to it
}

type role uint8

const (
	roleNone role = iota
	roleClient
	roleServer
)

type state uint8

const (
	stateHead  state = iota // between messages, and in a head
	stateBody               // of known length
	stateClose              // a body up to the end of the connection
	stateSize               // the line before a chunk
	stateChunk
	stateChunkEnd
	stateTrailer
)

// maxWaiting bounds the requests of a connection that wait for a response.
const maxWaiting = 1024

func (h *http1) data(side int, at int64, b []byte) int {
	s := &h.half[side]
	h.hear(s, at)
	taken := 0
	for taken < len(b) && h.c.proto == h {
		n := h.step(s, side, at, b[taken:])
		if n == 0 {
			break
		}
		taken += n
	}
	return taken
}

// step reads a part of b. It returns how much, 0 where it has to wait or another protocol takes over.
func (h *http1) step(s *half, side int, at int64, b []byte) int {
	switch s.state {
	case stateBody:
		return h.body(s, at, b)
	case stateClose:
		h.bodyBytes(s, at, b)
		return len(b)
	case stateSize, stateChunkEnd, stateTrailer:
		return h.chunkLine(s, at, b)
	case stateChunk:
		return h.chunk(s, at, b)
	}
	return h.head(s, side, at, b)
}

// head reads a part of a head, or all of it.
func (h *http1) head(s *half, side int, at int64, b []byte) int {
	if s.early && h.early(s, side) {
		return 0
	}
	s.early = false
	before := len(s.buf)
	if before == 0 {
		if n := blankLines(b); n > 0 && !s.strict {
			h.c.tally.count(blankLine, n)
			return n
		}
		if h.waits(s, side, b) {
			return 0
		}
		if n, ok := h.entersHTTP2(s, b); ok {
			return n
		}
		s.at, s.frame, s.scanned, s.lined = at, h.c.Frame, 0, false
	}
	text := b
	if before > 0 {
		var ok bool
		if s.buf, ok = h.c.d.pool.grow(s.buf, len(b)); !ok {
			return h.reject(s, at, b, noMemory)
		}
		text = append(s.buf, b...)
	}
	end, next := headEnd(text, s.scanned)
	if why := h.refusal(s, text, end); why != inMessage {
		return h.retry(s, side, at, b, why)
	}
	switch k := kindOf(text); {
	case k == kindTLS:
		return h.become(&tls{c: h.c}, protoTLS)
	case k == kindHTTP2:
		s.role, h.client, h.known = roleClient, side, true
		return h.become(newHTTP2(h.c, side, nil), protoHTTP2)
	case end == 0:
		return h.keep(s, at, b, next)
	case k == kindResponse && h.early(s, side):
		s.early = true
		return 0
	}
	buf := s.buf
	s.buf = nil // the message may hand the connection over, and is no part of what is handed over then
	if why := h.message(s, side, at, text[:end]); why != inMessage {
		s.buf = buf
		return h.retry(s, side, at, b, why)
	}
	h.c.d.pool.put(buf)
	return end - before
}

// retry rejects a head. Where it was not certain that one had begun, b may begin one itself.
func (h *http1) retry(s *half, side int, at int64, b []byte, why reason) int {
	if len(s.buf) == 0 || !s.strict && s.begun {
		return h.reject(s, at, b, why)
	}
	h.reject(s, at, nil, why)
	return h.head(s, side, at, b)
}

// keep collects a part of a head.
func (h *http1) keep(s *half, at int64, b []byte, next int) int {
	buf, ok := h.c.d.pool.grow(s.buf, len(b))
	if !ok {
		return h.reject(s, at, b, noMemory)
	}
	s.buf, s.scanned = append(buf, b...), next
	return len(b)
}

// blankLines is how many bytes of empty lines b begins with.
func blankLines(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == '\n' || b[n] == '\r') {
		n++
	}
	return n
}

// refusal looks at what is there of a head, of which end bytes are one (0: it is not whole), so that garbage is not
// collected.
func (h *http1) refusal(s *half, text []byte, end int) reason {
	k := kindOf(text)
	switch {
	case k == kindMore && (s.strict || !s.begun) && !maybeKnown(text):
		return s.bad()
	case k == kindMore, (k == kindTLS || k == kindHTTP2) && !h.known:
	case k == kindRequest && s.role != roleServer, k == kindResponse && s.role != roleClient:
		if end == 0 && !s.lined {
			return h.firstLine(s, k, text)
		}
	default:
		return s.bad()
	}
	if end == 0 {
		end = len(text)
	}
	if end > capture.MaxHeaders {
		return tooLong
	}
	return inMessage
}

// firstLine checks the first line of a head as soon as it is whole.
func (h *http1) firstLine(s *half, k kind, text []byte) reason {
	from := min(s.scanned, len(text))
	n := bytes.IndexByte(text[from:], '\n')
	if n < 0 {
		if len(text) > maxFirstLine {
			return tooLong
		}
		return inMessage
	}
	s.lined = true
	if k == kindResponse {
		if _, ok := statusLine(text[:from+n], s.strict); !ok {
			return badResponse
		}
		return inMessage
	}
	var line requestLine
	if !line.parse(text[:from+n], s.strict) {
		if line.bare {
			return http09
		}
		return badRequest
	}
	return inMessage
}

// bad is the reason for a message that is none.
func (s *half) bad() reason {
	if s.role == roleServer {
		return badResponse
	}
	return badRequest
}

// reject skips b and what was collected before it. A message is looked for from the next Data on.
func (h *http1) reject(s *half, at int64, b []byte, why reason) int {
	n := len(s.buf) + len(b)
	h.c.d.pool.put(s.buf)
	s.buf = nil
	switch {
	case !h.known && (why == badRequest || why == badResponse || s.strict):
		s.unknown += int64(n)
	case s.strict:
		h.c.tally.count(s.why, n)
		h.missed(s, at)
	default:
		if !s.begun && (why == badRequest || why == badResponse) {
			why = midStream
		}
		h.c.tally.count(why, n)
		s.why = why
		h.seek(s, at, why)
	}
	s.strict = true
	return len(b)
}

// seek looks for the next certain message; what comes before it counts under a reason.
func (h *http1) seek(s *half, at int64, why reason) {
	s.strict, s.why, s.state, s.e = true, why, stateHead, nil
	h.missed(s, at)
}

// missed says that messages of a side may have gone by unread up to an instant.
func (h *http1) missed(s *half, at int64) {
	switch s.role {
	case roleServer:
		h.lost, h.lostAt = true, max(h.lostAt, at)
	case roleClient:
		h.unsure = true
	default:
		s.gapped, h.lostAt = true, at
	}
}

// recognise settles who is the client.
func (h *http1) recognise(s *half, side int, as role) {
	if h.known {
		s.begun, s.strict = true, false
		return
	}
	h.known, h.client, h.c.name = true, side, protoHTTP1
	if as == roleServer {
		h.client = side ^ 1
	}
	h.unsure, h.lost = h.half[h.client].gapped, h.half[h.client^1].gapped
	h.half[h.client].role, h.half[h.client^1].role = roleClient, roleServer
	h.settleUnknown(midStream)
	s.begun, s.strict = true, false
}

// settleUnknown says what the bytes were before anything was recognised.
func (h *http1) settleUnknown(why reason) {
	for i := range h.half {
		s := &h.half[i]
		h.c.tally.skipped[why] += s.unknown
		if s.unknown > 0 {
			s.why = why
		}
		s.unknown = 0
	}
}

// become hands the connection over to another protocol, with what was collected of heads.
func (h *http1) become(p protocol, name protocolName) int {
	h.settleUnknown(midStream)
	h.c.become(p, name)
	for side := range h.half {
		s := &h.half[side]
		if len(s.buf) > 0 {
			p.data(side, s.at, s.buf)
		}
		h.c.d.pool.put(s.buf)
		s.buf = nil
	}
	return 0
}

// gap goes on behind a gap.
func (h *http1) gap(side int, at, n int64) {
	s := &h.half[side]
	h.hear(s, at)
	switch {
	case s.state == stateHead:
		if len(s.buf) > 0 {
			h.reject(s, at, nil, afterGap)
		}
	case h.bodyGap(s, at, n):
		return
	}
	if h.known && !s.strict {
		h.seek(s, at, afterGap)
		return
	}
	s.strict = true
	h.missed(s, at)
}

// end settles what a side has begun.
func (h *http1) end(side int, at int64, reset bool) {
	s := &h.half[side]
	if s.over {
		return
	}
	s.over = true
	if s.state != stateHead {
		h.endBody(s, reset)
	} else if len(s.buf) > 0 {
		h.reject(s, at, nil, incomplete)
	}
}

// close hands over the requests that still wait.
func (h *http1) close() {
	for side := range h.half {
		h.end(side, 0, false)
	}
	for h.first != nil {
		h.giveUp()
	}
	h.settleUnknown(notHTTP)
}
