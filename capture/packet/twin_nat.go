package packet

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

const (
	maxAliases = 1 << 14 // connections that were captured on both sides of a translation
	openSlots  = 1 << 10 // packets that open a connection, of which copies are looked for
)

// aliases knows connections that were captured on both sides of an address translation, such as the published
// port of a container: the host's interface sees them to the host, the bridge sees them to the container. The
// packets of the side that was seen later get the addresses of the first, and then are twins.
//
// Two openings are one when they agree in their random sequence number, window, options and IP identification,
// lie within twinWindow, and one end is the same while the hop limit is not: translators forward.
type aliases struct {
	opened []opening // by digest
	first  map[tuple]alias
	queue  []tuple // keys of first, one for both directions; a ring once it is full
	next   int
}

type tuple struct{ src, dst netip.AddrPort }

func (t tuple) reversed() tuple { return tuple{t.dst, t.src} }

// alias is a direction of a connection as it was seen first.
type alias struct {
	tuple
	pair uint64
}

func aliasOf(t tuple) alias { return alias{t, pairOf(t.src.Addr(), t.dst.Addr())} }

type opening struct {
	key uint64
	at  int64
	ttl uint8
	tuple
}

// rename gives s and d the addresses under which the connection was seen first.
func (a *aliases) rename(d *Decoder, s *Segment, b []byte) {
	t := tuple{s.Src, s.Dst}
	if s.Flags&(SYN|ACK) == SYN {
		a.open(d, s, b, t)
	}
	if len(a.first) == 0 {
		return
	}
	if other, ok := a.first[t]; ok {
		s.Src, s.Dst, d.pair = other.src, other.dst, other.pair
	}
}

// open notes a connection, or that it is a known one behind a translation.
func (a *aliases) open(d *Decoder, s *Segment, b []byte, t tuple) {
	if a.opened == nil {
		a.opened = make([]opening, openSlots)
	}
	key := mix(uint64(s.Seq)<<32|uint64(d.id), uint64(crc32.Checksum(b[20:], castagnoli))<<16|uint64(binary.BigEndian.Uint16(b[14:])))
	slot := &a.opened[key%openSlots]
	near := slot.key == key && max(s.At-slot.at, slot.at-s.At) <= twinWindow
	switch {
	case near && slot.tuple == t:
	case near && slot.ttl != d.ttl && (slot.src == t.src) != (slot.dst == t.dst):
		a.add(t, slot.tuple)
	default:
		a.forget(t)
		*slot = opening{key, s.At, d.ttl, t}
	}
}

// add notes that t is how another point sees the connection first.
func (a *aliases) add(t, first tuple) {
	if a.first == nil {
		a.first = map[tuple]alias{}
	}
	if _, ok := a.first[t]; !ok {
		if len(a.queue) < maxAliases {
			a.queue = append(a.queue, t)
		} else {
			a.forget(a.queue[a.next])
			a.queue[a.next] = t
			a.next = (a.next + 1) % maxAliases
		}
	}
	a.first[t], a.first[t.reversed()] = aliasOf(first), aliasOf(first.reversed())
}

// forget notes that t is a connection of its own.
func (a *aliases) forget(t tuple) {
	if len(a.first) > 0 {
		delete(a.first, t)
		delete(a.first, t.reversed())
	}
}
