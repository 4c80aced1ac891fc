package wire

// http2 reads a connection of HTTP/2 (RFC 9113).
//
// Where a side begins in the middle, or goes on behind a gap, the first bytes that can be the head of a frame are
// tried: the frames that follow each other from there on have to be flawless. Until enough did, what they said is
// withheld; where one is not, it is as if nothing had been said (see http2_trial.go).
//
// Settings are not read. The size of a header table is told again in the header blocks, and frames need no memory for
// their length.
type http2 struct {
	c       *Conn
	half    [2]http2Half
	streams http2Streams
	known   bool // which side is the client
	sure    bool // and not merely from a side on trial, which is
	from    int
	client  int
	latest  uint32 // highest stream of the client
	proved  bool   // it is HTTP/2
}

// http2Half is one side of it.
type http2Half struct {
	state http2State
	why   reason // what bytes count as while a frame is looked for
	table hpackTable
	trial trial
	fresh bool // the next byte is the first of a Data
	over  bool

	n         int     // bytes in head
	head      [9]byte // of the present frame
	at, frame int64   // of its first byte
	kind      frameKind
	flags     byte
	id        uint32
	length    int
	need      int // bytes of the payload left
	pad       int // of them at the end padding; unpadded: the byte that says how many is still to come
	stream    *stream
	to        reason // what DATA without a stream counts as

	block headerBlock
}

type http2State uint8

const (
	http2Head http2State = iota
	http2Payload
	http2Preface
	http2Settings // the head of a server's first frame
	http2Seek
)

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// newHTTP2 begins to read HTTP/2: the client's preface comes first, or behind an upgrade (from) the server's settings.
// What an upgraded request asked for comes on stream 1.
func newHTTP2(c *Conn, client int, from *exchange) protocol {
	h := &http2{c: c, known: true, sure: true, proved: true, client: client}
	c.http.client = client
	for i := range h.half {
		h.half[i].table.max = hpackDefault
	}
	h.half[client].state = http2Preface
	h.half[client^1].state = http2Settings
	if server := &c.http.half[client^1]; from == nil && (server.gapped || server.unknown > 0) {
		h.seek(client^1, afterGap)
	}
	if from != nil {
		if c.tally.Interim++; from.to == inMessage {
			c.tally.Responses-- // the 101 was none
		}
		h.latest = 1
		h.open(1).continueFrom(c, from)
	}
	return h
}

// enterHTTP2 begins to read HTTP/2 in the middle.
func enterHTTP2(c *Conn) protocol {
	h := &http2{c: c}
	for side := range h.half {
		h.seek(side, midStream)
	}
	return h
}

func (h *http2) data(side int, at int64, b []byte) int {
	f := &h.half[side]
	f.fresh = true
	if f.trial.on && f.trial.starts < 2 && f.state == http2Payload && areFrames(b) {
		h.misframed(side) // a false head swallows what is true
	}
	f.trial.split = f.trial.split || f.n > 0 || f.state == http2Payload && f.length < shortFrame
	for rest := b; len(rest) > 0; {
		var n int
		switch f.state {
		case http2Preface:
			n = h.preface(side, rest)
		case http2Seek:
			n = h.find(f, at, rest)
		case http2Payload:
			n = h.payload(side, at, rest)
		default:
			n = h.frameHead(side, at, rest)
		}
		rest = rest[n:]
		f.fresh = f.fresh && n == 0
	}
	return len(b)
}

// preface reads a part of the client's preface.
func (h *http2) preface(side int, b []byte) int {
	f := &h.half[side]
	n := min(len(b), len(clientPreface)-f.length)
	if string(b[:n]) != clientPreface[f.length:f.length+n] {
		h.seek(side, badFraming)
		return 0
	}
	h.c.tally.count(http2Control, n)
	if f.length += n; f.length == len(clientPreface) {
		f.state = http2Head
	}
	return n
}

// frameHead reads a part of a frame's head, or all of it.
func (h *http2) frameHead(side int, at int64, b []byte) int {
	f := &h.half[side]
	if f.n == 0 {
		f.at, f.frame = at, h.c.Frame
		h.atStart(side, f.fresh)
	}
	n := copy(f.head[f.n:], b)
	if f.n += n; f.n < len(f.head) {
		return n
	}
	f.n = 0
	if !h.begin(side) { // then another may begin within what was taken for a head
		h.misframed(side)
		h.c.tally.count(f.why, 1)
		f.n = copy(f.head[:], f.head[1:])
		return n
	}
	if f.need == 0 {
		h.endFrame(side, at)
	}
	return n
}

// begin begins the frame whose head is whole, and reports whether there can be such a one.
func (h *http2) begin(side int) bool {
	f := &h.half[side]
	f.kind, f.flags, f.id, f.length = parseFrameHead(f.head[:])
	f.need, f.pad, f.stream = f.length, 0, nil
	server := h.known && side != h.client
	switch {
	case f.state == http2Settings && (f.kind != frameSettings || f.flags&flagAck != 0):
		return false
	case f.trial.on && !isFlawless(f.head[:], f.block.open):
		return false
	case f.block.open != (f.kind == frameContinuation), f.block.open && f.id != f.block.id:
		return false
	case !isSound(f.kind, f.flags, f.id, f.length), f.kind == framePush && h.known && !server:
		return false
	}
	if f.trial.on && f.trial.long() {
		h.acquit(side)
	}
	f.state = http2Payload
	switch f.kind {
	case frameData:
		if f.flags&flagPadded != 0 {
			f.pad = unpadded
		}
		f.stream, f.to = h.target(side)
		h.took(side, f.at, len(f.head))
	case frameHeaders, framePush, frameContinuation:
		f.block.begin(f)
	default:
		h.c.tally.count(http2Control, len(f.head))
	}
	return true
}

// target is the stream that DATA of a side belong to; nil: what they count as.
func (h *http2) target(side int) (*stream, reason) {
	f := &h.half[side]
	switch {
	case !h.known:
		return nil, midStream
	case f.id&1 == 0:
		return nil, http2Push
	}
	if st := h.streams.find(f.id); st != nil && !st.ended[h.role(side)] {
		return st, inMessage
	}
	return nil, http2Stray
}

// payload reads a part of a frame's payload, or all of it.
func (h *http2) payload(side int, at int64, b []byte) int {
	f := &h.half[side]
	b = b[:min(len(b), f.need)]
	f.need -= len(b)
	switch f.kind {
	case frameData:
		h.dataPayload(side, at, b)
	case frameHeaders, framePush, frameContinuation:
		f.block.add(&h.c.d.pool, f, b)
	default:
		h.c.tally.count(http2Control, len(b))
	}
	if f.need == 0 {
		h.endFrame(side, at)
	}
	return len(b)
}

// dataPayload takes bytes of a DATA frame, after which f.need are left.
func (h *http2) dataPayload(side int, at int64, b []byte) {
	f := &h.half[side]
	h.took(side, at, len(b))
	if f.pad == unpadded {
		f.pad = min(int(b[0]), f.need+len(b)-1) // more is an error of the sender's, and no data either
		b = b[1:]
	}
	if st := f.stream; st != nil {
		b = b[:max(len(b)-max(f.pad-f.need, 0), 0)]
		st.body(h.c, h.role(side), at, b)
	}
}

// took counts bytes of DATA.
func (h *http2) took(side int, at int64, n int) {
	f := &h.half[side]
	if f.stream == nil {
		h.c.tally.count(f.to, n)
		return
	}
	f.stream.took(h.role(side), at, n, f.trial.on)
}

// endFrame ends a frame, and with it perhaps a header block, a message, a stream.
func (h *http2) endFrame(side int, at int64) {
	f := &h.half[side]
	f.state = http2Head
	switch f.kind {
	case frameData:
		if st := f.stream; st != nil && f.flags&flagEndStream != 0 {
			h.endStream(st, side, false)
		}
	case frameHeaders, framePush, frameContinuation:
		if !h.endFragment(side, at) {
			h.misframed(side)
			return
		}
	case frameReset:
		if st := h.streams.find(f.id); st != nil && h.known {
			h.endStream(st, side, true)
		}
	}
	if f.trial.on {
		if f.trial.count(len(f.head) + f.length); f.trial.aligned(3) {
			h.acquit(side)
		}
	}
}

// role is 0 for the client's side and 1 for the server's.
func (h *http2) role(side int) int { return side ^ h.client }

// gap goes on behind a gap if that lies within a frame. Otherwise the next one has to be found.
func (h *http2) gap(side int, at, n int64) {
	f := &h.half[side]
	if f.state != http2Payload || n <= 0 || n > int64(f.need) {
		h.seek(side, afterGap)
		return
	}
	f.need -= int(n)
	switch f.kind {
	case frameData:
		h.dataGap(side, at, int(n))
	case frameHeaders, framePush, frameContinuation:
		f.block.breakOff(&h.c.d.pool, afterGap)
	}
	if f.need == 0 {
		h.endFrame(side, at)
	}
}

// dataGap goes on behind a gap of n bytes in a DATA frame, of which f.need are left.
func (h *http2) dataGap(side int, at int64, n int) {
	f := &h.half[side]
	st := f.stream
	if st == nil {
		return
	}
	if f.pad == unpadded {
		f.pad = 0
		st.loseBody(h.c, h.role(side))
		return
	}
	st.missing(h.c, h.role(side), at, n, max(n-max(f.pad-f.need, 0), 0))
}

// seek looks for the next frame. What comes before it counts under a reason.
func (h *http2) seek(side int, why reason) {
	f := &h.half[side]
	if f.trial.on {
		h.endTrial(side)
	}
	h.c.tally.count(why, f.n+f.block.drop(&h.c.d.pool))
	f.state, f.why, f.n, f.stream = http2Seek, why, 0, nil
	f.table.lose()
	for st := h.streams.first; st != nil; st = st.next {
		st.loseRest(h.c, h.role(side))
	}
}

// misframed looks for the next frame where one cannot be what it was taken for.
func (h *http2) misframed(side int) {
	f := &h.half[side]
	why := badFraming
	switch {
	case f.trial.on:
		why = f.why
		h.convict(side)
	case f.state == http2Settings:
		why = midStream
	}
	h.seek(side, why)
}

func (h *http2) end(side int, _ int64, _ bool) {
	f := &h.half[side]
	if f.over {
		return
	}
	f.over = true
	if f.trial.on {
		h.endTrial(side)
	}
	why := incomplete
	if f.state == http2Seek {
		why = f.why
	}
	h.c.tally.count(why, f.n+f.block.drop(&h.c.d.pool))
	f.n = 0
	f.table.free(&h.c.d.pool)
}

// close hands over the requests whose streams are still open.
func (h *http2) close() {
	for side := range h.half {
		h.end(side, 0, false)
	}
	for h.streams.first != nil {
		h.finish(h.streams.first)
	}
	if !h.proved {
		h.c.name = protoOther
	}
}

// entersHTTP2 hands a connection of which nothing is known over if b holds frames of HTTP/2, and returns where they begin.
func (h *http1) entersHTTP2(s *half, b []byte) (n int, ok bool) {
	if h.known || kindOf(b) != kindOther {
		return 0, false
	}
	if n, ok = findFrames(b); ok {
		s.unknown += int64(n)
		h.become(enterHTTP2(h.c), protoHTTP2)
	}
	return n, ok
}
