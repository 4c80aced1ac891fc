package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// scriptStep is the size of one segment in a script: connection and side, flags, sequence number and
// acknowledgement relative to what the side has sent, length, cut bytes, milliseconds.
const scriptStep = 10

// script turns a byte string into segments. The byte of a stream at a sequence number is a function of the number,
// the connection and the side, so that any byte tells whether it is in its place.
func script(b []byte) []Segment {
	var segs []Segment
	var sent [4][2]uint32
	at := int64(0)
	for ; len(b) >= scriptStep; b = b[scriptStep:] {
		conn, side := int(b[0]>>1&3), int(b[0]&1)
		s := Segment{Frame: int64(len(segs) + 1), Flags: Flags(b[1])}
		s.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(conn)}), uint16(80+1000*conn))
		s.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 9}), 80)
		if side == 1 {
			s.Src, s.Dst = s.Dst, s.Src
		}
		s.Seq = sent[conn][side] + offset(b[2:4])
		s.Ack = sent[conn][1-side] + offset(b[4:6])
		n := int(b[6]) * (1 + int(b[7]&15)*20)
		s.Payload = make([]byte, n)
		for i := range s.Payload {
			seq := s.Seq + uint32(i)
			if s.Flags&SYN != 0 {
				seq++
			}
			s.Payload[i] = placed(conn, side, seq)
		}
		s.Len = n + int(b[7]>>4)*int(b[8])
		if b[0]&0x80 != 0 {
			s.Len = int(int8(b[8])) << 20 // nonsense
		}
		at += 1 + int64(int8(b[9]))*1_000_000
		if b[0]&0x40 == 0 {
			sent[conn][side] = s.Seq + uint32(n)
		}
		s.At = at<<12 | int64(len(segs)) // each its own
		segs = append(segs, s)
	}
	return segs
}

// offset gives mostly small numbers: the low bits of the first byte are the power of 16 that the second counts.
func offset(b []byte) uint32 {
	return uint32(int32(int8(b[1]))) << (b[0] & 7 * 4)
}

func placed(conn, side int, seq uint32) byte {
	x := (uint64(seq)<<3 | uint64(conn)<<1 | uint64(side)) * 0x9E3779B97F4A7C15
	return byte((x ^ x>>32) * 0xBF58476D1CE4E5B9 >> 56)
}

// judge is a Sink that checks each call against the segments.
type judge struct {
	t     *testing.T
	by    map[int64]*Segment
	sides [2]struct {
		at    []uint32 // where the next byte may be; empty before the first
		begun bool
		ended int
	}
	total *judged
}

type judged struct{ delivered, missing int64 }

func (j *judge) Data(side int, at int64, b []byte) {
	s := &j.sides[side]
	p := j.by[at]
	if len(b) == 0 || s.ended > 0 || p == nil {
		j.t.Fatalf("side %d: %d bytes at %d, ended %d, packet %v", side, len(b), at, s.ended, p)
	}
	first := p.Seq
	if p.Flags&SYN != 0 {
		first++
	}
	var next []uint32
	for i := 0; i+len(b) <= len(p.Payload); i++ {
		from := first + uint32(i)
		known := !s.begun
		for _, x := range s.at {
			known = known || x == from
		}
		if known && bytes.Equal(p.Payload[i:i+len(b)], b) {
			next = append(next, from+uint32(len(b)))
		}
	}
	if len(next) == 0 {
		j.t.Fatalf("side %d: %d bytes at %d are not those of their packet (%d, %d bytes) at %v", side, len(b), at, p.Seq, len(p.Payload), s.at)
	}
	s.at, s.begun = next, true
	j.total.delivered += int64(len(b))
}

func (j *judge) Gap(side int, _, n int64, reason string) {
	s := &j.sides[side]
	if n <= 0 || s.ended > 0 || reason == "" {
		j.t.Fatalf("side %d: gap of %d %q, ended %d", side, n, reason, s.ended)
	}
	for i := range s.at {
		s.at[i] += uint32(n)
	}
	j.total.missing += n
}

func (j *judge) End(side int, _ int64, _ bool) { j.sides[side].ended++ }

func FuzzAssembler(f *testing.F) {
	seed := func(steps ...[scriptStep]byte) {
		f.Add(bytes.Join(func() (all [][]byte) {
			for _, s := range steps {
				all = append(all, s[:])
			}
			return
		}(), nil))
	}
	const ack = byte(ACK)
	seed([...]byte{0, byte(SYN), 7, 1, 0, 0, 0, 0, 0, 1}, [...]byte{1, byte(SYN) | ack, 7, 9, 0, 1, 0, 0, 0, 1}, [...]byte{0, ack, 0, 1, 0, 1, 9, 0, 0, 1}, [...]byte{1, ack, 0, 1, 0, 0, 200, 9, 0, 1}, [...]byte{0, ack | byte(FIN), 0, 0, 0, 0, 0, 0, 0, 1})
	seed([...]byte{0, ack, 0, 9, 0, 0, 9, 0, 0, 1}, [...]byte{1, ack, 0, 50, 0, 0, 9, 0, 0, 1}, [...]byte{0, ack, 0, 200, 0, 0, 20, 3, 0, 120}, [...]byte{1, ack | byte(RST), 0, 0, 0, 0, 0, 0, 0, 1})
	seed([...]byte{0, byte(SYN), 7, 1, 0, 0, 30, 9, 0, 1}, [...]byte{0x40, ack, 1, 8, 0, 0, 30, 0x39, 20, 1}, [...]byte{0x40, ack, 0, 8, 0, 0, 90, 9, 0, 1}, [...]byte{0x80, ack, 0, 8, 0, 0, 90, 9, 200, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 400*scriptStep {
			return
		}
		segs := script(b)
		by := map[int64]*Segment{}
		payload := int64(0)
		for i := range segs {
			by[segs[i].At] = &segs[i]
			payload += int64(len(segs[i].Payload))
		}
		var judges []*judge
		total := &judged{}
		o := Options{MaxConn: 3, MaxConnBytes: 16 << 10, MaxBytes: 32 << 10, New: func(Flow) Sink {
			judges = append(judges, &judge{t: t, by: by, total: total})
			return judges[len(judges)-1]
		}}
		a := NewAssembler(o)
		var mem []byte
		for _, s := range segs {
			mem = append(mem[:0], s.Payload...)
			s.Payload = mem
			a.Add(&s)
			clear(mem)
		}
		a.Flush()
		stats := a.Stats()
		checkLaws(t, stats, o, len(segs), payload)
		missing := int64(0)
		for _, n := range stats.MissingBytes {
			missing += n
		}
		if stats.DeliveredBytes != total.delivered || missing != total.missing {
			t.Errorf("counted %d delivered and %d missing, told %+v", stats.DeliveredBytes, missing, *total)
		}
		for i, j := range judges {
			if j.sides[0].ended != 1 || j.sides[1].ended != 1 {
				t.Errorf("connection %d: sides ended %d and %d times", i, j.sides[0].ended, j.sides[1].ended)
			}
		}
		if len(a.conns) != 0 || a.inUse != 0 || a.open.n+a.closed.n+a.soon.n+a.later.n+a.holding.n != 0 {
			t.Errorf("after Flush: %d connections, %d pages, lists %d %d %d %d %d", len(a.conns), a.inUse, a.open.n, a.closed.n, a.soon.n, a.later.n, a.holding.n)
		}
	})
}

// TestScript keeps the fuzz target's language honest: the first seed is a whole connection.
func TestScript(t *testing.T) {
	b := []byte{3, byte(ACK), 0, 1, 0, 2, 5, 0, 0, 1}
	segs := script(append(b, b...))
	if len(segs) != 2 || segs[0].Seq != 1 || segs[1].Seq != 1+5+1 || segs[0].Src.Port() != 80 || len(segs[0].Payload) != 5 {
		t.Errorf("script gives %+v", segs)
	}
	if binary.Size(b) != scriptStep {
		t.Errorf("a step has %d bytes, want %d", len(b), scriptStep)
	}
}
