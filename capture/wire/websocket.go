package wire

import (
	"encoding/binary"

	"trafficreplay/capture"
)

// webSocket reads both sides of a connection behind its handshake (RFC 6455). Its messages belong to the request
// that was the handshake, which is handed over when the connection ends.
type webSocket struct {
	c      *Conn
	client int
	e      *exchange
	side   [2]frames
}

// frames is one side of it.
type frames struct {
	from byte   // 'c' or 's'
	lost reason // where the next frame begins is not known, and why; inMessage: it is

	head []byte // what is there of a frame's head
	room [maxFrameHead]byte
	at   int64 // of its first byte
	op   byte
	fin  bool
	mask [4]byte
	pos  int   // of the next payload byte in the mask
	need int64 // payload bytes left

	msg     message
	control message // between the frames of msg

	deflate  bool // permessage-deflate was agreed on
	takeover bool // and messages refer to those before them
	window   []byte
	unread   bool // what they refer to is not known

	packed, inflated int64 // bytes of compressed messages, and what they became
}

// message is a message while its frames come.
type message struct {
	op     byte // of its first frame; 0: none has begun
	packed bool // it is compressed
	cut    bool // a gap took some of it, or it is above a limit
	at     int64
	b      []byte
}

// Opcodes (RFC 6455, section 5.2).
const (
	opMore   = 0
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
	opGRPC   = 16 // a message of gRPC, which is no frame
)

const (
	maxFrameHead = 14
	maxControl   = 125
	maxMessages  = 16 << 10 // kept of one connection
	maxKept      = 2 << 20  // bytes of them
	maxMessage   = capture.MaxBody
)

func newWebSocket(c *Conn, client int, e *exchange) *webSocket {
	w := &webSocket{c: c, client: client, e: e}
	w.side[client].from, w.side[client^1].from = 'c', 's'
	agreed := parseDeflate(e.answers.extensions)
	for i := range w.side {
		f := &w.side[i]
		f.deflate, f.takeover = agreed.on, !agreed.fresh[i^client]
	}
	switch asked := &c.http.half[client]; { // where its frames begin has to be certain
	case asked.e != nil:
		w.lose(&w.side[client], badFraming)
	case asked.strict:
		w.lose(&w.side[client], asked.why)
	}
	return w
}

func (w *webSocket) data(side int, at int64, b []byte) int {
	f := &w.side[side]
	for n := 0; n < len(b); {
		if f.lost != inMessage {
			w.c.tally.count(f.lost, len(b)-n)
			break
		}
		if f.need == 0 {
			n += w.frameHead(f, at, b[n:])
			continue
		}
		part := b[n:][:min(int64(len(b)-n), f.need)]
		w.payload(f, part)
		n += len(part)
	}
	return len(b)
}

// frameHead reads a part of a frame's head, or all of it.
func (w *webSocket) frameHead(f *frames, at int64, b []byte) int {
	if len(f.head) == 0 {
		f.head, f.at = f.room[:0], at
	}
	n := 0
	for size := 2; n < len(b); {
		f.head = append(f.head, b[n])
		n++
		if len(f.head) >= 2 {
			size = frameHeadSize(f.head[1])
		}
		if len(f.head) == size {
			if !w.open(f) {
				w.c.tally.count(badFraming, size)
				f.head = nil
				w.lose(f, badFraming)
				return n
			}
			w.c.tally.Frames++
			w.c.tally.count(inMessage, size)
			f.head = nil
			if f.need == 0 {
				w.closeFrame(f)
			}
			return n
		}
	}
	return n
}

func frameHeadSize(b byte) int {
	size := 2
	switch b & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if b&0x80 != 0 {
		size += 4
	}
	return size
}

// open begins the frame whose head is whole, and reports whether there can be such a one.
func (w *webSocket) open(f *frames) bool {
	h := f.head
	f.fin, f.op = h[0]&0x80 != 0, h[0]&15
	rest := h[2:]
	switch n := h[1] & 0x7f; n {
	case 126:
		f.need, rest = int64(binary.BigEndian.Uint16(rest)), rest[2:]
	case 127:
		f.need, rest = int64(binary.BigEndian.Uint64(rest)), rest[8:]
	default:
		f.need = int64(n)
	}
	f.mask, f.pos = [4]byte{}, 0
	copy(f.mask[:], rest)
	packed := h[0]&0x40 != 0
	control := f.op >= opClose
	switch {
	case f.need < 0 || h[0]&0x30 != 0 || packed && (!f.deflate || control || f.op == opMore):
		return false
	case control:
		if f.op > opPong || !f.fin || f.need > maxControl {
			return false
		}
		f.control = message{op: f.op, at: f.at, b: f.control.b[:0]}
	case f.op == opMore:
		return f.msg.op != 0
	case f.op > opBinary || f.msg.op != 0:
		return false
	default:
		f.msg = message{op: f.op, packed: packed, at: f.at, b: f.msg.b[:0]}
	}
	return true
}

// present is the message that the present frame belongs to.
func (f *frames) present() *message {
	if f.op >= opClose {
		return &f.control
	}
	return &f.msg
}

// payload takes bytes of a frame.
func (w *webSocket) payload(f *frames, b []byte) {
	w.c.tally.count(inMessage, len(b))
	f.need -= int64(len(b))
	m := f.present()
	if kept, ok := w.c.d.pool.keep(m.b, len(b)); ok && !m.cut && len(m.b)+len(b) <= maxMessage {
		start := len(kept)
		m.b = append(kept, b...)
		f.unmask(m.b[start:])
	} else {
		if ok {
			m.b = kept
		}
		m.cut = true
		f.pos += len(b)
	}
	if f.need == 0 {
		w.closeFrame(f)
	}
}

// unmask takes the mask off b.
func (f *frames) unmask(b []byte) {
	if f.mask == [4]byte{} {
		return
	}
	var key [8]byte
	for i := range key {
		key[i] = f.mask[(f.pos+i)&3]
	}
	wide := binary.LittleEndian.Uint64(key[:])
	f.pos += len(b)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= key[i]
	}
}

// closeFrame ends a frame, and its message with the last one.
func (w *webSocket) closeFrame(f *frames) {
	if !f.fin {
		return
	}
	m := f.present()
	w.c.tally.Messages++
	b, ok := m.b, !m.cut
	if m.packed {
		b, ok = w.unpack(f, m)
	}
	if !ok || !w.e.keepMessage(w.c, m, f.from, b) {
		w.c.tally.Unkept++
	}
	m.op = 0
	w.c.d.pool.put(m.b)
	m.b = nil
}

// unpack inflates a message.
func (w *webSocket) unpack(f *frames, m *message) ([]byte, bool) {
	if m.cut && f.takeover {
		f.unread = true
	}
	if m.cut || f.unread {
		w.c.tally.Unread++
		return nil, false
	}
	b, whole, ok := w.c.d.inflate(&w.c.d.pool, f, m.b)
	if !ok {
		w.c.tally.Unread++
		f.unread = f.takeover
	}
	return b, ok && whole
}

// gap goes on behind a gap if that lies within a frame's payload. Otherwise nothing tells where a frame begins.
func (w *webSocket) gap(side int, _, n int64) {
	f := &w.side[side]
	switch {
	case f.lost != inMessage:
		return
	case f.need == 0 || n <= 0 || n > f.need:
		w.c.tally.count(afterGap, len(f.head))
		f.head = nil
		w.lose(f, afterGap)
		return
	}
	f.present().cut = true
	f.pos += int(n)
	if f.need -= n; f.need == 0 {
		w.closeFrame(f)
	}
}

// lose gives up a side.
func (w *webSocket) lose(f *frames, why reason) {
	if f.msg.op != 0 || f.need > 0 {
		w.c.tally.Unkept++
	}
	f.lost = why
	w.release(f)
}

func (w *webSocket) release(f *frames) {
	p := &w.c.d.pool
	p.put(f.msg.b)
	p.put(f.control.b)
	p.put(f.window)
	f.msg.b, f.control.b, f.window, f.msg.op = nil, nil, nil, 0
}

func (w *webSocket) end(side int, _ int64, _ bool) {
	f := &w.side[side]
	if f.lost == inMessage {
		w.c.tally.count(incomplete, len(f.head))
		f.head = nil
		w.lose(f, incomplete)
	}
}

func (w *webSocket) close() {
	for side := range w.side {
		w.end(side, 0, false)
	}
	w.e.asked = true
	w.c.d.emit(w.c, w.e)
}

// keptHead is what stands before each message in exchange.messages: its instant in nanoseconds, its
// length, op and direction.
const keptHead = 8 + 4 + 2

// keepMessage adds a message. It is false where there is no room.
func (e *exchange) keepMessage(c *Conn, m *message, from byte, b []byte) bool {
	if c.d.o.NoBodies {
		b = nil
	}
	if e.kept == maxMessages || len(e.messages)+keptHead+len(b) > maxKept {
		return false
	}
	to, ok := c.d.pool.keep(e.messages, keptHead+len(b))
	e.messages = to
	if !ok {
		return false
	}
	to = binary.LittleEndian.AppendUint64(to, uint64(m.at))
	to = binary.LittleEndian.AppendUint32(to, uint32(len(b)))
	e.messages = append(append(to, m.op, from), b...)
	e.kept++
	return true
}

// appendMessages appends the messages to ms. Their data lie in e.
func (e *exchange) appendMessages(ms []capture.Message) []capture.Message {
	for b := e.messages; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[8:])
		m := capture.Message{US: (int64(binary.LittleEndian.Uint64(b)) - e.at) / 1000, Dir: b[13], Op: opName(b[12])}
		b = b[keptHead:]
		m.Data, b = b[:n:n], b[n:]
		ms = append(ms, m)
	}
	return ms
}

func opName(op byte) string {
	switch op {
	case opText:
		return "text"
	case opClose:
		return "close"
	case opPing:
		return "ping"
	case opPong:
		return "pong"
	case opGRPC:
		return "grpc"
	}
	return "binary"
}
