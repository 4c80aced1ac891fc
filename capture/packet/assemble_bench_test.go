package packet

import (
	"net/netip"
	"testing"
)

// counter is a Sink that only counts.
type counter struct{ bytes, gaps, ends int64 }

func (c *counter) Data(_ int, _ int64, b []byte)   { c.bytes += int64(len(b)) }
func (c *counter) Gap(_ int, _, n int64, _ string) { c.gaps += n }
func (c *counter) End(_ int, _ int64, _ bool)      { c.ends++ }
func (c *counter) both(Flow) Sink                  { return c }

// exchanges gives the packets of keep-alive connections: each round, a request of 300 bytes and an answer of 700 on
// each, acknowledged.
type exchanges struct {
	ends []netip.AddrPort
	pos  [][2]uint32
	seg  Segment
	at   int64
}

func newExchanges(conns int) *exchanges {
	e := &exchanges{pos: make([][2]uint32, conns)}
	for i := range conns {
		a := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		e.ends = append(e.ends, netip.AddrPortFrom(a, uint16(40000+i%20000)))
	}
	return e
}

var benchServer = netip.MustParseAddrPort("10.2.0.1:80")

func (e *exchanges) add(a *Assembler, i, side int, f Flags, b []byte) {
	e.at += 1000
	s := &e.seg
	s.Src, s.Dst = e.ends[i], benchServer
	if side == 1 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	s.At, s.Flags, s.Payload, s.Len = e.at, f, b, len(b)
	s.Seq, s.Ack = e.pos[i][side], e.pos[i][1-side]
	e.pos[i][side] += uint32(len(b))
	if f&SYN != 0 {
		e.pos[i][side]++
	}
	a.Add(s)
}

func (e *exchanges) open(a *Assembler) {
	for i := range e.ends {
		e.add(a, i, 0, SYN, nil)
		e.add(a, i, 1, SYN|ACK, nil)
		e.add(a, i, 0, ACK, nil)
	}
}

var request, response [700]byte

// round is four segments a connection, one of them without payload.
func (e *exchanges) round(a *Assembler) {
	for i := range e.ends {
		e.add(a, i, 0, ACK|PSH, request[:300])
		e.add(a, i, 1, ACK, response[:500])
		e.add(a, i, 1, ACK|PSH, response[:200])
		e.add(a, i, 0, ACK, nil)
	}
}

// shuffledRound has the answer come before its request, and its second half first.
func (e *exchanges) shuffledRound(a *Assembler) {
	for i := range e.ends {
		e.pos[i][0] += 300
		e.pos[i][1] += 500
		e.add(a, i, 1, ACK|PSH, response[:200])
		e.pos[i][1] -= 700
		e.add(a, i, 1, ACK, response[:500])
		e.pos[i][0], e.pos[i][1] = e.pos[i][0]-300, e.pos[i][1]-500
		e.add(a, i, 0, ACK|PSH, request[:300])
		e.pos[i][1] += 700
		e.add(a, i, 0, ACK, nil)
	}
}

func BenchmarkAssembler(b *testing.B) {
	for _, bench := range []struct {
		name  string
		conns int
		round func(*exchanges, *Assembler)
	}{
		{"one connection", 1, (*exchanges).round},
		{"100 connections", 100, (*exchanges).round},
		{"10000 connections", 10_000, (*exchanges).round},
		{"100 connections shuffled", 100, (*exchanges).shuffledRound},
	} {
		b.Run(bench.name, func(b *testing.B) {
			n := &counter{}
			a := NewAssembler(Options{New: n.both})
			e := newExchanges(bench.conns)
			e.open(a)
			bench.round(e, a)
			b.SetBytes(1000 * int64(bench.conns))
			b.ReportAllocs()
			for b.Loop() {
				bench.round(e, a)
			}
			segments := float64(b.N) * 4 * float64(bench.conns)
			b.ReportMetric(b.Elapsed().Seconds()*1e9/segments, "ns/segment")
		})
	}
}

func TestAssemblerAllocates(t *testing.T) {
	for _, test := range []struct {
		name  string
		round func(*exchanges, *Assembler)
	}{
		{"in order", (*exchanges).round},
		{"shuffled", (*exchanges).shuffledRound},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &counter{}
			a := NewAssembler(Options{New: n.both})
			e := newExchanges(50)
			e.open(a)
			test.round(e, a)
			n.bytes = 0
			if got := testing.AllocsPerRun(10, func() { test.round(e, a) }); got != 0 {
				t.Errorf("a round of 200 segments allocates %v times, want 0", got)
			}
			if want := int64(11 * 50 * 1000); n.bytes != want || n.gaps != 0 {
				t.Errorf("%d bytes and %d missing, want %d and none", n.bytes, n.gaps, want)
			}
		})
	}
}
