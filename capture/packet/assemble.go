package packet

import (
	"math"
	"time"
)

// Options settle what an Assembler hands its bytes to and what it may use.
type Options struct {
	New func(Flow) Sink // makes the Sink of a connection when its first bytes or gap are there; never nil

	MaxConn      int // connections remembered at once; 0 means 200,000
	MaxConnBytes int // memory for the segments one connection waits with; 0 means 4 MiB
	MaxBytes     int // memory for the waiting segments of all connections; 0 means 32 MiB
}

const (
	// grace is how long, in capture time, a hole may still be filled once the other side has acknowledged it:
	// the bytes did arrive, so they were lost by the capture or lie behind in another queue of the card.
	grace = int64(100 * time.Millisecond)
	// holeWait is the same for a hole that nobody acknowledged: the sender will repeat it.
	holeWait = int64(10 * time.Second)
	// closedWait is how long a closed connection is remembered, so that its stragglers open no new one.
	closedWait = int64(30 * time.Second)
	maxClosed  = 16 << 10 // closed connections remembered

	reach      = 16 << 20 // bytes; what lies further from the known part of a stream is not of it
	maxSegment = 1 << 20  // payload bytes; no segment is longer
	unset      = math.MaxInt64
)

// Assembler puts the segments of TCP connections in order. It is not safe for concurrent use.
//
// Bytes go to the Sink at once where they come in order, and point into the packet. Segments that come early are
// copied and wait until the bytes before them are there, or until these are given up and reported as a gap:
//
//   - "lost": the other side acknowledged them, yet they did not come within 100 ms of capture time, or 200 ms
//     behind another such hole; or nobody did within 10 s, or 20 s; or the connection ended;
//   - "cut": the capture holds only the beginning of the packet;
//   - "evicted": as "lost", but given up early so that memory stays bounded;
//   - "start": before the first captured bytes of a connection whose handshake is not in the capture;
//   - "unseen": acknowledged bytes of a side of which the capture holds no packet at all.
//
// The first bytes of a connection that the capture entered in the middle wait for 100 ms too, since only then it is
// known which come first. Bytes that are the last of their side and not to be told from a lost FIN are no gap.
//
// Between the two sides the order is that of cause and effect: a segment is handed over after all bytes that it
// acknowledges, so no response overtakes its request, however the packets were shuffled. Urgent bytes are
// ordinary bytes here. Capture time may jump in either direction: it only decides how long to wait.
type Assembler struct {
	o     Options
	conns map[connKey]*conn
	free  *conn // linked by age
	pages *page // free ones
	count counts

	open, closed connList // by age
	soon, later  connList // by the time at which what they wait for is given up
	holding      connList // those that hold pages, by the time of their first

	inUse        int // pages
	connPages    int // ceilings
	totalPages   int
	now          int64 // a clock that follows the capture's but never goes back
	base         int64 // capture time at which now was zero
	begun        bool
	givingUpRoom bool // gaps are due to the ceilings
}

// NewAssembler makes an Assembler.
func NewAssembler(o Options) *Assembler {
	o.MaxConn = orDefault(o.MaxConn, 200_000)
	a := &Assembler{
		o:          o,
		conns:      make(map[connKey]*conn),
		connPages:  max(1, orDefault(o.MaxConnBytes, 4<<20)/pageSize),
		totalPages: max(1, orDefault(o.MaxBytes, 32<<20)/pageSize),
	}
	a.soon.link, a.later.link, a.holding.link = bySoon, byLater, byHolding
	return a
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Add takes the next segment of the capture. It keeps nothing of s.
func (a *Assembler) Add(s *Segment) {
	a.tick(s.At)
	a.count.segments++
	a.count.payload += int64(len(s.Payload))
	k, d := keyOf(s.Src, s.Dst)
	c := a.conns[k]
	if c != nil && c.calm && a.inOrder(c, d, s) {
		a.count.used++
		return
	}
	if why := a.add(c, k, d, s); why == segmentUsed {
		a.count.used++
	} else {
		a.count.ignored[why]++
	}
}

// inOrder is the fast path: nothing of the connection waits, and the segment is the next one of its side.
// It reports whether it took the segment.
func (a *Assembler) inOrder(c *conn, d int, s *Segment) bool {
	h, o := &c.half[d], &c.half[1-d]
	if s.Flags&(SYN|FIN|RST|ACK) != ACK || s.Seq != uint32(h.next) || s.Len != len(s.Payload) || !h.seen || !o.seen {
		return false
	}
	ahead := int64(int32(s.Ack - uint32(o.next)))
	if ahead > 0 || ahead < -reach || s.Len > 0 && (h.ended || s.Len > maxSegment) {
		return false
	}
	o.acked = max(o.acked, o.next+ahead)
	c.last, c.touched = s.At, true
	if s.Len > 0 {
		a.data(c, d, s.At, s.Payload)
	}
	return true
}

// add takes a segment that the fast path left.
func (a *Assembler) add(c *conn, k connKey, d int, s *Segment) skip {
	if s.Len > maxSegment || len(s.Payload) > maxSegment || s.Len < 0 {
		return a.refuse(s, skipOutOfWindow)
	}
	if c == nil {
		if s.Flags&RST != 0 {
			return a.refuse(s, skipNoConnection)
		}
		c = a.remember(k, s)
	}
	a.makeRoom(c, len(s.Payload)) // first of all, since it may hand over all that c waits with
	if c.stale(d, s) {
		a.finish(c)
		a.forget(c)
		c = a.remember(k, s)
		a.count.replaced++
	}
	c.touched = true
	if c.closed {
		if len(s.Payload) == 0 && s.Flags&(SYN|FIN|RST) == 0 {
			return segmentUsed // the last acknowledgement
		}
		return a.refuse(s, skipAfterClose)
	}
	c.last = s.At
	var why skip
	if s.Flags&RST != 0 {
		why = a.reset(c, d, s)
	} else {
		why = a.take(c, d, s)
	}
	a.drain(c)
	a.arm(c)
	return why
}

// refuse counts the payload of a segment that is not used at all.
func (a *Assembler) refuse(s *Segment, why skip) skip {
	a.count.skipped[why] += int64(len(s.Payload))
	return why
}

// Advance tells a live capture's Assembler what time it is while no packet comes, so that what waits is given up when it
// is due.
func (a *Assembler) Advance(at int64) {
	if a.begun {
		a.tick(at)
	}
}

// Flush ends all connections: the capture is over. The Assembler can be used again afterwards.
func (a *Assembler) Flush() {
	for a.open.head != nil {
		a.finish(a.open.head)
	}
	for a.closed.head != nil {
		a.forget(a.closed.head)
	}
}

// tick moves the clock to the time of a packet and does what is due. Small steps back are packets out of order;
// a larger one is a clock that was set, and time goes on from there.
func (a *Assembler) tick(at int64) {
	if !a.begun {
		a.begun, a.base = true, at
	}
	if t := at - a.base; t > a.now {
		a.now = t
	} else if t < a.now-holeWait {
		a.base = at - a.now
	}
	for c := a.soon.head; c != nil && a.now-c.soonSince >= grace; c = a.soon.head {
		a.soon.remove(c)
		a.giveUpSoon(c)
	}
	for c := a.later.head; c != nil && a.now-c.laterSince >= holeWait; c = a.later.head {
		a.later.remove(c)
		a.giveUpLater(c)
	}
	for c := a.closed.head; c != nil && (a.now-c.soonSince >= closedWait || a.closed.n > maxClosed); c = a.closed.head {
		a.forget(c)
	}
}

// giveUpSoon stops waiting for what had been acknowledged when the connection began to wait.
func (a *Assembler) giveUpSoon(c *conn) {
	c.entering = false
	for d := range c.half {
		h := &c.half[d]
		h.waived = max(h.waived, h.soonMark)
	}
	a.drain(c)
	a.arm(c)
}

// giveUpLater stops waiting for what is missing before all that was there when the connection began to wait.
func (a *Assembler) giveUpLater(c *conn) {
	c.entering = false
	for d := range c.half {
		h := &c.half[d]
		h.waived = max(h.waived, h.laterMark)
	}
	a.drain(c)
	a.arm(c)
}

// arm notes what a connection waits for after a change.
func (a *Assembler) arm(c *conn) {
	if c.closed {
		return
	}
	soon, later := c.entering && c.pages > 0, c.pages > 0
	soonOld, laterOld := c.entering, false // what it has been waiting for is still missing
	for d := range c.half {
		h := &c.half[d]
		soon = soon || h.seen && min(h.acked, h.end) > max(h.next, h.waived)
		soonOld = soonOld || h.soonMark > max(h.next, h.waived)
		later = later || h.end != unset && !h.ended
		laterOld = laterOld || h.laterMark > max(h.next, h.waived)
	}
	if a.soon.wait(c, soon, soonOld) {
		c.soonSince = a.now
		for d := range c.half {
			c.half[d].soonMark = c.half[d].acked
		}
	}
	if a.later.wait(c, later, laterOld) {
		c.laterSince = a.now
		for d := range c.half {
			c.half[d].laterMark = c.half[d].top()
		}
	}
	c.calm = !soon && !later && !c.entering
}
