package packet

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAssemblerLimits(t *testing.T) {
	client := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 40000)
	}
	server := netip.MustParseAddrPort("10.255.0.1:80")
	early := func(a *Assembler, i, n int) { // n bytes behind a hole
		at := int64(1e6)
		a.Add(&Segment{At: at, Src: client(i), Dst: server, Seq: 100, Flags: SYN})
		a.Add(&Segment{At: at, Src: client(i), Dst: server, Seq: 111, Flags: PSH, Payload: make([]byte, n), Len: n})
	}

	t.Run("a connection's memory", func(t *testing.T) {
		n := &counter{}
		a := NewAssembler(Options{New: n.both, MaxConnBytes: 8 * pageSize})
		early(a, 1, 5*pageData)
		if n.bytes != 0 {
			t.Fatalf("%d bytes came before the hole was given up", n.bytes)
		}
		a.Add(&Segment{At: 2e6, Src: client(1), Dst: server, Seq: 111 + 5*pageData + 7, Flags: PSH, Payload: make([]byte, 2*pageData), Len: 2 * pageData})
		if s := a.Stats(); n.bytes != 5*pageData || s.MissingBytes["evicted"] != 10 || s.WaitingBytes != 2*pageData {
			t.Errorf("%d bytes, %+v; want %d, the hole of 10 given up, and %d waiting", n.bytes, s, 5*pageData, 2*pageData)
		}
	})
	t.Run("all memory: who has held longest goes first", func(t *testing.T) {
		n := &counter{}
		a := NewAssembler(Options{New: n.both, MaxBytes: 16 * pageSize})
		early(a, 1, 5*pageData)
		early(a, 2, 5*pageData+1)
		early(a, 3, 5*pageData+2)
		if s := a.Stats(); n.bytes != 5*pageData || s.PeakBytes > 16*pageSize {
			t.Errorf("%d bytes came, peak %d; want the first connection's %d, limit %d", n.bytes, s.PeakBytes, 5*pageData, 16*pageSize)
		}
		a.Flush()
		if s := a.Stats(); s.DeliveredBytes != 15*pageData+3 || s.WaitingBytes != 0 || n.ends != 6 {
			t.Errorf("after Flush %+v, %d ends; want all %d bytes and 6 ends", s, n.ends, 15*pageData+3)
		}
	})
	t.Run("a segment larger than the room", func(t *testing.T) {
		n := &counter{}
		a := NewAssembler(Options{New: n.both, MaxConnBytes: 4 * pageSize})
		early(a, 1, 10*pageData)
		a.Flush()
		s := a.Stats()
		if s.DeliveredBytes != 4*pageData || s.SkippedBytes["no-room"] != 6*pageData {
			t.Errorf("delivered %d, skipped %v; want %d and the rest without room", s.DeliveredBytes, s.SkippedBytes, 4*pageData)
		}
	})
	t.Run("connections: closed ones go first, then idle ones", func(t *testing.T) {
		var lines []string
		a := NewAssembler(Options{MaxConn: 3, New: func(f Flow) Sink {
			return diary{name: f.Client.Addr().String()[len("10.0.0."):] + ":", lines: &lines}
		}})
		talk := func(i int, seq uint32, f Flags) {
			a.Add(&Segment{At: 1e6, Src: client(i), Dst: server, Seq: seq, Flags: f, Payload: []byte("GET "), Len: 4})
		}
		for i := 1; i <= 3; i++ {
			talk(i, 100, SYN)
		}
		a.Add(&Segment{At: 2e6, Src: server, Dst: client(2), Seq: 1, Ack: 105, Flags: RST | ACK}) // 2 is closed
		talk(4, 100, SYN)
		talk(1, 105, 0)
		talk(5, 100, SYN)
		talk(3, 105, 0)
		talk(4, 105, 0)
		talk(6, 100, SYN)
		got := strings.Join(lines, " ")
		want := "1:0@1 GET  2:0@1 GET  3:0@1 GET  2:0@2 reset 2:1@2 reset 4:0@1 GET  1:0@1 GET "
		if !strings.HasPrefix(got, want) {
			t.Errorf("told %q, want it to begin with %q", got, want)
		}
		if s := a.Stats(); s.Evicted != 2 || s.Connections < 6 || len(a.conns) != 3 {
			t.Errorf("%+v, %d in the table; want 2 evicted of at least 6, 3 in the table", s, len(a.conns))
		}
	})
	t.Run("a flood of SYNs makes no Sink", func(t *testing.T) {
		a := NewAssembler(Options{MaxConn: 1000, New: func(Flow) Sink { t.Error("a Sink was made"); return &counter{} }})
		for i := range 5000 {
			a.Add(&Segment{At: int64(i), Src: client(i), Dst: server, Seq: 100, Flags: SYN})
		}
		a.Flush()
		if s := a.Stats(); s.Evicted != 4000 || s.Used != 5000 {
			t.Errorf("%+v, want 5000 used and 4000 evicted", s)
		}
	})
	t.Run("lengths that lie", func(t *testing.T) {
		n := &counter{}
		a := NewAssembler(Options{New: n.both})
		early(a, 1, 1)
		for _, length := range []int{-1, maxSegment + 1, 1 << 62} {
			a.Add(&Segment{At: 3e6, Src: client(1), Dst: server, Seq: 101, Flags: PSH, Payload: make([]byte, 2), Len: length})
		}
		if s := a.Stats(); s.Ignored["out-of-window"] != 3 || s.SkippedBytes["out-of-window"] != 6 {
			t.Errorf("%+v, want 3 segments with 6 bytes out of the window", s)
		}
	})
}

// TestAssemblerForgets checks that a closed connection is remembered for its stragglers, but not for ever.
func TestAssemblerForgets(t *testing.T) {
	n := &counter{}
	a := NewAssembler(Options{New: n.both})
	e := newExchanges(2 * maxClosed)
	e.open(a)
	for i := range e.ends {
		e.add(a, i, 0, FIN, nil)
		e.pos[i][0]++
		e.add(a, i, 1, FIN, nil)
	}
	if len(a.conns) > maxClosed+2 {
		t.Errorf("%d closed connections remembered, want at most %d", len(a.conns), maxClosed+2)
	}
	e.at += closedWait
	a.tick(e.at)
	if len(a.conns) != 0 {
		t.Errorf("%d connections remembered after %v, want none", len(a.conns), closedWait)
	}
}
