package packet

import (
	"encoding/binary"
	"net/netip"
)

// connKey names a connection by its two ends, the lower one first, so that both directions find it.
// Without padding, the map hashes it in one go.
type connKey struct {
	aHi, aLo, bHi, bLo uint64
	ports              uint64
}

// keyOf gives the key of a segment and which end sent it.
func keyOf(src, dst netip.AddrPort) (connKey, int) {
	s, d := src.Addr().As16(), dst.Addr().As16()
	sHi, sLo := binary.BigEndian.Uint64(s[:8]), binary.BigEndian.Uint64(s[8:])
	dHi, dLo := binary.BigEndian.Uint64(d[:8]), binary.BigEndian.Uint64(d[8:])
	sp, dp := uint64(src.Port()), uint64(dst.Port())
	if sHi < dHi || sHi == dHi && (sLo < dLo || sLo == dLo && sp <= dp) {
		return connKey{sHi, sLo, dHi, dLo, sp<<16 | dp}, 0
	}
	return connKey{dHi, dLo, sHi, sLo, dp<<16 | sp}, 1
}

// end gives one of the two ends back.
func (k connKey) end(d int) netip.AddrPort {
	var b [16]byte
	if d == 0 {
		binary.BigEndian.PutUint64(b[:8], k.aHi)
		binary.BigEndian.PutUint64(b[8:], k.aLo)
		return netip.AddrPortFrom(netip.AddrFrom16(b).Unmap(), uint16(k.ports>>16))
	}
	binary.BigEndian.PutUint64(b[:8], k.bHi)
	binary.BigEndian.PutUint64(b[8:], k.bLo)
	return netip.AddrPortFrom(netip.AddrFrom16(b).Unmap(), uint16(k.ports))
}

// The lists a connection can be in. It is in one by age always: among the open ones or the closed ones.
const (
	byAge = iota
	bySoon
	byLater
	byHolding
	connLists
)

type connLink struct {
	prev, next *conn
	in         bool
}

// connList is an intrusive list of connections.
type connList struct {
	link       int
	head, tail *conn
	n          int
}

func (l *connList) push(c *conn) {
	k := &c.links[l.link]
	k.prev, k.next, k.in = l.tail, nil, true
	if l.tail != nil {
		l.tail.links[l.link].next = c
	} else {
		l.head = c
	}
	l.tail = c
	l.n++
}

// remove takes c out, if it is in.
func (l *connList) remove(c *conn) {
	k := &c.links[l.link]
	if !k.in {
		return
	}
	if k.prev != nil {
		k.prev.links[l.link].next = k.next
	} else {
		l.head = k.next
	}
	if k.next != nil {
		k.next.links[l.link].prev = k.prev
	} else {
		l.tail = k.prev
	}
	*k = connLink{}
	l.n--
}

// wait keeps c in the list while it has to wait. It reports whether a new wait began: the last one is over
// unless old says that it goes on.
func (l *connList) wait(c *conn, must, old bool) bool {
	if must && old && c.links[l.link].in {
		return false
	}
	l.remove(c)
	if must {
		l.push(c)
	}
	return must
}

// remember makes the connection of a segment that belongs to none.
func (a *Assembler) remember(k connKey, s *Segment) *conn {
	for len(a.conns) >= a.o.MaxConn {
		a.evict()
	}
	c := a.free
	if c == nil {
		c = new(conn)
	} else {
		a.free = c.links[byAge].next
		*c = conn{}
	}
	c.key, c.client = k, -1
	c.firstAt, c.firstFrame = s.At, s.Frame
	c.entering = s.Flags&SYN == 0
	for d := range c.half {
		c.half[d].end = unset
	}
	a.conns[k] = c
	a.open.push(c)
	a.count.conns++
	return c
}

// forget removes a closed connection.
func (a *Assembler) forget(c *conn) {
	a.closed.remove(c)
	delete(a.conns, c.key)
	c.links[byAge].next = a.free
	a.free = c
}

// evict makes room in the table: the connection that closed first goes, else the one that was idle longest, more
// or less: those used since the last look get a second chance.
func (a *Assembler) evict() {
	if a.closed.head != nil {
		a.forget(a.closed.head)
		return
	}
	c := a.open.head
	for c.touched {
		c.touched = false
		a.open.remove(c)
		a.open.push(c)
		c = a.open.head
	}
	a.finish(c)
	a.forget(c)
	a.count.evicted++
}
