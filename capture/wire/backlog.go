package wire

// backlog is calls that one side of a connection has to wait with, in order.
type backlog struct {
	calls []call
	next  int    // of calls
	bytes []byte // of all Data calls from next on
	taken int    // of bytes
}

// call is a call of a method of Conn.
type call struct {
	kind  callKind
	reset bool
	at    int64
	n     int64 // bytes of Data, or the gap's
	frame int64
}

type callKind uint8

const (
	callData callKind = iota
	callGap
	callEnd
)

// A side waits with at most so much before it goes on without what it waited for.
const (
	maxHeld      = 64 << 10 // bytes
	maxHeldCalls = 128
)

// hold puts a call behind those that a side waits with. Where there is no room they are all made now.
func (c *Conn) hold(side int, k call, b []byte) {
	h := c.held[side]
	if h == nil {
		h = &backlog{}
		c.held[side] = h
	}
	room, ok := c.d.pool.grow(h.bytes, len(b))
	h.bytes = room
	if !ok || len(h.bytes)+len(b) > maxHeld || len(h.calls) == maxHeldCalls {
		c.http.impatient = true
		if h.next == len(h.calls) {
			c.d.pool.put(h.bytes)
			c.held[side] = nil
		}
		for c.held[side] != nil {
			c.force(side)
		}
		c.now(side, k, b)
		return
	}
	k.n = max(k.n, int64(len(b)))
	h.calls, h.bytes = append(h.calls, k), append(h.bytes, b...)
}

// now makes a call without waiting.
func (c *Conn) now(side int, k call, b []byte) {
	switch k.kind {
	case callGap:
		c.proto.gap(side, k.at, k.n)
	case callEnd:
		c.proto.end(side, k.at, k.reset)
	default:
		frame := c.Frame
		c.Frame = k.frame
		c.http.half[side].force = true
		n := c.feed(side, k.at, b)
		c.http.half[side].force = false
		c.tally.count(incomplete, len(b)-n) // none, as long as a protocol does not wait when it is forced
		c.Frame = frame
	}
}

// settle makes the calls that need not wait any more.
func (c *Conn) settle() {
	for again := c.held[0] != nil || c.held[1] != nil; again; {
		again = false
		for side := range c.held {
			for c.held[side] != nil && c.retry(side) {
				again = true
			}
		}
	}
}

// retry makes the first call that a side waits with, or a part of it, and reports whether that went.
func (c *Conn) retry(side int) bool {
	h := c.held[side]
	k := &h.calls[h.next]
	if k.kind != callData {
		c.now(side, c.shift(side), nil)
		return true
	}
	frame := c.Frame
	c.Frame = k.frame
	n := c.feed(side, k.at, h.bytes[h.taken:h.taken+int(k.n)])
	c.Frame = frame
	h.taken += n
	if k.n -= int64(n); k.n == 0 {
		c.shift(side)
	}
	return n > 0
}

// force makes the first call that a side waits with.
func (c *Conn) force(side int) {
	h := c.held[side]
	k := h.calls[h.next]
	var b []byte
	if k.kind == callData {
		b = h.bytes[h.taken : h.taken+int(k.n)]
		h.taken += len(b)
	}
	c.now(side, k, b)
	c.shift(side)
}

// shift takes the first call away, and the backlog with the last.
func (c *Conn) shift(side int) call {
	h := c.held[side]
	k := h.calls[h.next]
	if h.next++; h.next == len(h.calls) {
		c.d.pool.put(h.bytes)
		c.held[side] = nil
	}
	return k
}
