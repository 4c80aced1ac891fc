package wire

import "net/netip"

// Conn takes the bytes of one connection. Its methods are those of a sink of reassembled TCP, so that it can stand
// behind one, or behind a decryptor that stands behind one.
type Conn struct {
	Frame  int64 // number of the packet that the next Data came from, for Src; 0 unknown
	Secure bool  // the bytes were decrypted, so that the scheme is https

	d      *Decoder
	ends   [2]netip.AddrPort
	number int64
	proto  protocol
	http   http1 // the protocol until another is recognised
	held   [2]*backlog
	ended  [2]bool
	closed bool
	name   protocolName
	tally  Tally
}

// protocol reads both sides of a connection.
type protocol interface {
	// data takes the next bytes of a side. It returns how many it took: fewer where it waits for something of the other
	// side, or where the connection has gone over to another protocol. Those left are given again, to the protocol that
	// is then in charge.
	data(side int, at int64, b []byte) int
	// gap says that n bytes are missing; n below 1: nobody knows how many.
	gap(side int, at, n int64)
	// end says that a side is over, close that both are.
	end(side int, at int64, reset bool)
	close()
}

// Data takes the next bytes of a side, captured at the instant at (nanoseconds since the Unix epoch). b is not kept.
func (c *Conn) Data(side int, at int64, b []byte) {
	side &= 1
	if len(b) == 0 || c.ended[side] {
		return
	}
	c.tally.Payload += int64(len(b))
	if c.held[side^1] != nil {
		c.http.late(side, at)
	}
	if c.held[side] != nil {
		c.hold(side, call{kind: callData, at: at, frame: c.Frame}, b)
	} else if n := c.feed(side, at, b); n < len(b) {
		c.hold(side, call{kind: callData, at: at, frame: c.Frame}, b[n:])
	}
	c.settle()
}

// Gap says that n bytes of a side are not in the capture (n below 1: an unknown number), and why.
func (c *Conn) Gap(side int, at, n int64, reason string) {
	side &= 1
	if c.ended[side] {
		return
	}
	c.tally.Gaps += max(n, 0)
	if c.held[side] != nil {
		c.hold(side, call{kind: callGap, at: at, n: n}, nil)
	} else {
		c.proto.gap(side, at, n)
	}
	c.settle()
}

// End says that no more bytes of a side will come. reset: it did not close, so that what it was sending may be
// incomplete. Once both sides have ended, all of the connection's requests were handed over and its Tally is complete.
func (c *Conn) End(side int, at int64, reset bool) {
	side &= 1
	if c.ended[side] {
		return
	}
	c.ended[side] = true
	if c.held[side] != nil {
		c.hold(side, call{kind: callEnd, at: at, reset: reset}, nil)
	} else {
		c.proto.end(side, at, reset)
	}
	c.settle()
	if c.ended[0] && c.ended[1] && !c.closed {
		c.close()
	}
}

// Tally is what became of the bytes of the connection so far. What is still held counts in Payload alone.
func (c *Conn) Tally() *Tally { return &c.tally }

func (c *Conn) close() {
	c.closed = true
	for c.held[0] != nil || c.held[1] != nil {
		for side := range c.held {
			if c.held[side] != nil {
				c.force(side)
			}
		}
	}
	c.proto.close()
	if c.tally.Payload > 0 && c.name == protoNone {
		c.name = protoOther
	}
	c.tally.streams[c.name]++
	c.d.tally.Add(&c.tally)
}

// feed gives bytes to the protocol in charge, and to the next one where it changes. It returns how many were taken.
func (c *Conn) feed(side int, at int64, b []byte) int {
	taken := 0
	for taken < len(b) {
		p := c.proto
		taken += p.data(side, at, b[taken:])
		if c.proto == p {
			break
		}
	}
	return taken
}

// become puts another protocol in charge.
func (c *Conn) become(p protocol, name protocolName) { c.proto, c.name = p, name }

// Idle reports whether nothing is known to be under way: no message has begun, no request waits for its response.
func (c *Conn) Idle() bool {
	p, ok := c.proto.(interface{ idle() bool })
	return ok && c.held[0] == nil && c.held[1] == nil && p.idle()
}

func (h *http1) idle() bool { return h.first == nil && h.half[0].between() && h.half[1].between() }

func (h *http2) idle() bool { return h.streams.number == 0 && h.half[0].n == 0 && h.half[1].n == 0 }

// between reports whether a side is between two messages.
func (s *half) between() bool { return s.state == stateHead && len(s.buf) == 0 }
