package packet

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// sent is a packet of a talk: a Segment and what is true of it.
type sent struct {
	seg   Segment
	side  int
	off   int // of its first payload byte in the side's stream
	whole int // payload bytes on the wire
	needs int // bytes of the other side that it acknowledges
}

// talk is a connection whose bytes are known.
type talk struct {
	r       *rand.Rand
	ends    [2]netip.AddrPort
	isn     [2]uint32
	stream  [2][]byte
	fin     [2]bool // sent
	acked   [2]int  // by the other side, without SYN and FIN
	finAck  [2]bool
	packets []sent
	needs   [2][]int // by byte: the least that a packet which holds it acknowledges
}

// shape says what kind of talk to make, and what the capture does to it.
type shape struct {
	exchanges        int
	mss              int
	message          int // bytes of a message at most
	port             uint16
	handshake, reset bool
	noEnd            bool
	repeat, probe    float64 // chance after a packet that bytes are sent again, or a keep-alive

	drop, double, snap, shuffle float64
	skipFirst                   int // packets before the capture began
	oneSide                     int // 1 or 2: only packets of side 0 or 1 are captured
}

func newTalk(r *rand.Rand, s shape) *talk {
	t := &talk{r: r}
	t.ends[0] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + r.IntN(200))}), s.port)
	t.ends[1] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(1 + r.IntN(200))}), 80)
	for d := range t.isn {
		t.isn[d] = r.Uint32()
		if r.IntN(3) == 0 {
			t.isn[d] = -uint32(r.IntN(4 * s.message)) // wraps within the talk
		}
	}
	t.emit(0, SYN, 0, 0)
	t.emit(1, SYN|ACK, 0, 0)
	t.emit(0, ACK, 0, 0)
	for range s.exchanges {
		t.send(0, s)
		for r.IntN(4) == 0 {
			t.send(r.IntN(2), s) // pipelined, or an early answer
		}
		t.send(1, s)
	}
	t.finish(s)
	return t
}

func (t *talk) emit(side int, f Flags, off, n int) {
	p := sent{side: side, off: off, whole: n, needs: t.acked[1-side]}
	seq := t.isn[side] + 1 + uint32(off)
	if f&SYN != 0 {
		seq--
	}
	if f&ACK != 0 {
		p.seg.Ack = t.isn[1-side] + 1 + uint32(t.acked[1-side])
		if t.finAck[1-side] {
			p.seg.Ack++
		}
	}
	p.seg.Src, p.seg.Dst, p.seg.Seq, p.seg.Flags, p.seg.Len = t.ends[side], t.ends[1-side], seq, f, n
	p.seg.Payload = t.stream[side][off : off+n]
	t.packets = append(t.packets, p)
}

// send sends a message, which the other side acknowledges in parts.
func (t *talk) send(side int, s shape) {
	n := 1 + t.r.IntN(s.message)
	from := len(t.stream[side])
	for i := range n {
		x := (uint64(from+i)*2 + uint64(side) + 1) * 0x9E3779B97F4A7C15
		x = (x ^ x>>31) * 0xBF58476D1CE4E5B9
		t.stream[side] = append(t.stream[side], byte(x>>56)|1)
	}
	for off := from; off < from+n; {
		m := min(1+t.r.IntN(s.mss), from+n-off)
		t.emit(side, ACK|PSH, off, m)
		off += m
		if t.r.IntN(3) == 0 {
			t.acked[side] = off
			t.emit(1-side, ACK, len(t.stream[1-side]), 0)
		}
		if t.r.Float64() < s.repeat { // any earlier bytes, cut anew
			lo := t.r.IntN(off)
			lo = max(lo, off-4*s.mss)
			t.emit(side, ACK, lo, 1+t.r.IntN(min(off-lo, 4*s.mss)))
		}
		if t.r.Float64() < s.probe && t.acked[side] == off {
			t.emit(side, ACK, off-1, t.r.IntN(2))
			t.emit(1-side, ACK, len(t.stream[1-side]), 0)
		}
	}
	t.acked[side] = from + n // the answer acknowledges the question
}

func (t *talk) finish(s shape) {
	switch {
	case s.noEnd:
	case s.reset:
		t.emit(t.r.IntN(2)*0, RST|ACK, len(t.stream[0]), 0)
	default:
		d := t.r.IntN(2)
		for _, side := range []int{d, 1 - d} {
			t.emit(side, FIN|ACK, len(t.stream[side]), 0)
			t.fin[side], t.finAck[side] = true, true
		}
		// the number after the FIN
		t.emit(d, ACK, len(t.stream[d]), 0)
		t.packets[len(t.packets)-1].seg.Seq++
	}
}

// capture gives the packets as the capture holds them.
func (t *talk) capture(s shape) []sent {
	ps := slices.Clone(t.packets)
	if !s.handshake {
		ps = ps[3:]
	}
	ps = ps[min(s.skipFirst, len(ps)):]
	var out []sent
	for _, p := range ps {
		if s.oneSide != 0 && p.side != s.oneSide-1 || t.r.Float64() < s.drop {
			continue
		}
		if t.r.Float64() < s.snap {
			p.seg.Payload = p.seg.Payload[:t.r.IntN(len(p.seg.Payload)+1)]
		}
		out = append(out, p)
		if t.r.Float64() < s.double {
			out = append(out, p)
		}
	}
	for i := range out {
		if t.r.Float64() < s.shuffle {
			j := min(len(out)-1, i+t.r.IntN(6))
			out[i], out[j] = out[j], out[i]
		}
	}
	for d := range t.needs {
		t.needs[d] = slices.Repeat([]int{math.MaxInt}, len(t.stream[d]))
	}
	for _, p := range out {
		for i := range p.seg.Payload {
			t.needs[p.side][p.off+i] = min(t.needs[p.side][p.off+i], p.needs)
		}
	}
	return out
}

// hearer is a Sink that compares what it hears with what was said.
type hearer struct {
	t       *testing.T
	talk    *talk
	by      map[int64]sent // packets by capture time
	flow    Flow
	swapped int // 1 where side 0 is the talk's side 1
	causal  bool
	placed  [2]bool
	pos     [2]int
	before  [2]int // gaps before the first bytes
	first   [2]int // position of the first byte
	got     [2]int64
	gaps    map[string]int64
	held    [2][]span // gaps
	ends    [2]int
	torn    [2]bool
}

type span struct{ from, to int }

func (h *hearer) Data(side int, at int64, b []byte) {
	d := side ^ h.swapped
	if h.ends[d] > 0 {
		h.t.Fatalf("side %d: %d bytes after End", d, len(b))
	}
	p, ok := h.by[at]
	if !ok || p.side != d {
		h.t.Fatalf("side %d: bytes at %d, which is no packet of this side", d, at)
	}
	if !h.placed[d] {
		i := bytes.Index(p.seg.Payload, b)
		h.placed[d], h.pos[d] = true, p.off+i
		h.first[d] = h.pos[d] - h.before[d]
	}
	from := h.pos[d]
	to := from + len(b)
	if from < p.off || to > p.off+len(p.seg.Payload) {
		h.t.Fatalf("side %d: bytes %d to %d at the time of a packet that held %d to %d", d, from, to, p.off, p.off+len(p.seg.Payload))
	}
	if !bytes.Equal(b, h.talk.stream[d][from:to]) {
		h.t.Fatalf("side %d: bytes %d to %d differ from those sent", d, from, to)
	}
	if needs := h.talk.needs[d][from]; h.causal && h.placed[1-d] && needs > h.pos[1-d] {
		h.t.Fatalf("side %d: bytes %d to %d came before what they answer: the other side is at %d, acknowledged is %d", d, from, to, h.pos[1-d], needs)
	}
	h.pos[d] = to
	h.got[d] += int64(len(b))
}

func (h *hearer) Gap(side int, at, n int64, reason string) {
	d := side ^ h.swapped
	if n <= 0 || h.ends[d] > 0 {
		h.t.Fatalf("side %d: gap of %d (%s), ended %d", d, n, reason, h.ends[d])
	}
	h.gaps[reason] += n
	if h.placed[d] {
		h.held[d] = append(h.held[d], span{h.pos[d], h.pos[d] + int(n)})
		h.pos[d] += int(n)
	} else {
		h.before[d] += int(n)
	}
}

func (h *hearer) End(side int, at int64, reset bool) {
	d := side ^ h.swapped
	h.ends[d]++
	h.torn[d] = reset
}

// listen assembles the packets of some talks and gives what was heard, in the order of the talks.
func listen(t *testing.T, o Options, step int64, causal bool, caught [][]sent, talks []*talk, r *rand.Rand) (Stats, map[netip.AddrPort][]*hearer) {
	t.Helper()
	by := map[int64]sent{}
	heard := map[netip.AddrPort][]*hearer{}
	o.New = func(f Flow) Sink {
		h := &hearer{t: t, by: by, flow: f, causal: causal, gaps: map[string]int64{}}
		client := f.Client
		if client.Port() == 80 {
			client, h.swapped = f.Server, 1
		}
		for i := range talks {
			if talks[i].ends[0] == client && len(heard[client]) <= i {
				h.talk = talks[i]
			}
		}
		heard[client] = append(heard[client], h)
		return h
	}
	a := NewAssembler(o)
	at := int64(1_700_000_000_000_000_000)
	next := make([]int, len(caught))
	buf := []byte{}
	for {
		open := []int{}
		for i := range caught {
			if next[i] < len(caught[i]) {
				open = append(open, i)
			}
		}
		if len(open) == 0 {
			break
		}
		i := open[r.IntN(len(open))]
		p := caught[i][next[i]]
		next[i]++
		at += 1 + r.Int64N(step)
		p.seg.At = at
		by[at] = p
		seg := p.seg
		buf = append(buf[:0], seg.Payload...)
		seg.Payload = buf
		a.Add(&seg)
		clear(buf) // the packet's memory is valid until Add returns
	}
	a.Flush()
	return a.Stats(), heard
}

// checkLaws checks what holds after any Flush.
func checkLaws(t *testing.T, s Stats, o Options, packets int, payload int64) {
	t.Helper()
	ignored, skipped := int64(0), int64(0)
	for _, n := range s.Ignored {
		ignored += n
	}
	for _, n := range s.SkippedBytes {
		skipped += n
	}
	if s.Segments != int64(packets) || s.Segments != s.Used+ignored {
		t.Errorf("%d packets: %d segments, %d used + %v ignored", packets, s.Segments, s.Used, s.Ignored)
	}
	if s.PayloadBytes != payload || s.PayloadBytes != s.DeliveredBytes+skipped || s.WaitingBytes != 0 {
		t.Errorf("payload %d: seen %d, delivered %d + skipped %v, waiting %d", payload, s.PayloadBytes, s.DeliveredBytes, s.SkippedBytes, s.WaitingBytes)
	}
	if limit := int64(orDefault(o.MaxBytes, 32<<20)); s.PeakBytes > limit {
		t.Errorf("waiting segments took %d bytes, limit %d", s.PeakBytes, limit)
	}
}

func (h *hearer) String() string {
	return fmt.Sprintf("client %v basis %v: at %v, first %v, gaps %v %v, ends %v torn %v", h.flow.Client, h.flow.Basis, h.pos, h.first, h.gaps, h.held, h.ends, h.torn)
}
