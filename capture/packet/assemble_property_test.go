package packet

import (
	"math/rand/v2"
	"testing"
)

// conservationCases is how many seeds each kind of capture gets.
const conservationCases = 300

// TestConservation builds connections whose bytes are known, damages their packets at random, and checks that what
// comes out is what was sent, at its place, or is missing by name and exact count.
func TestConservation(t *testing.T) {
	whole := shape{handshake: true}
	kinds := []struct {
		name     string
		shape    shape
		complete bool // all bytes in the capture, from the first that it holds, must come out, and no gap
		room     int
	}{
		{"whole", whole, true, 0},
		{"shuffled", shape{handshake: true, shuffle: .3}, true, 0},
		{"repeated", shape{handshake: true, repeat: .3, double: .2, probe: .2}, true, 0},
		{"shuffled and repeated", shape{handshake: true, shuffle: .5, repeat: .3, double: .3}, true, 0},
		{"reset", shape{handshake: true, reset: true, shuffle: .2}, true, 0},
		{"no end", shape{handshake: true, noEnd: true, shuffle: .2, double: .2}, true, 0},
		{"no handshake", shape{shuffle: .2, repeat: .2}, true, 0},
		{"entered in the middle", shape{skipFirst: 25, shuffle: .2, double: .1}, true, 0},
		{"client only", shape{handshake: true, oneSide: 1, shuffle: .3, repeat: .2}, true, 0},
		{"server only", shape{handshake: true, oneSide: 2, shuffle: .3, repeat: .2}, true, 0},
		{"lossy", shape{handshake: true, drop: .05, repeat: .2}, false, 0},
		{"very lossy", shape{handshake: true, drop: .4, shuffle: .2, repeat: .3, double: .1}, false, 0},
		{"cut", shape{handshake: true, snap: .3, shuffle: .2, repeat: .2}, false, 0},
		{"lossy, no handshake", shape{skipFirst: 10, drop: .1, shuffle: .2, repeat: .2}, false, 0},
		{"all at once", shape{skipFirst: 3, drop: .1, shuffle: .3, repeat: .2, double: .2, snap: .1, probe: .1}, false, 0},
		{"little room", shape{handshake: true, drop: .1, shuffle: .4, repeat: .2, snap: .1}, false, 8 << 10},
		{"one side, lossy", shape{handshake: true, oneSide: 1, drop: .1, shuffle: .3, repeat: .2}, false, 0},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			cases := conservationCases
			if testing.Short() {
				cases /= 5
			}
			for seed := range uint64(cases) {
				conserve(t, k.shape, k.complete, k.room, seed)
				if t.Failed() {
					return
				}
			}
		})
	}
}

func conserve(t *testing.T, s shape, complete bool, room int, seed uint64) {
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	r := rand.New(rand.NewPCG(seed, 4))
	s.exchanges = 1 + r.IntN(4)
	s.mss = []int{2, 40, 536, 1460, 9000}[r.IntN(5)]
	s.message = min(12*s.mss, 15000)
	o := Options{MaxBytes: 4 * room, MaxConnBytes: room}
	var talks []*talk
	var caught [][]sent
	packets, payload := 0, int64(0)
	for i := range 1 + r.IntN(3) {
		s.port = uint16(40000 + i)
		talks = append(talks, newTalk(r, s))
		caught = append(caught, talks[i].capture(s))
		packets += len(caught[i])
		for _, p := range caught[i] {
			payload += int64(len(p.seg.Payload))
		}
	}
	stats, heard := listen(t, o, 200_000, complete, caught, talks, r)
	checkLaws(t, stats, o, packets, payload)
	missing := int64(0)
	for i, k := range talks {
		all := heard[k.ends[0]]
		if len(all) > 1 {
			t.Errorf("one connection became %d", len(all))
		}
		for _, h := range all {
			missing += h.check(s, complete, room, caught[i])
		}
	}
	named := int64(0)
	for _, n := range stats.MissingBytes {
		named += n
	}
	if missing != named {
		t.Errorf("gaps of %d bytes, counted are %v", missing, stats.MissingBytes)
	}
}

// check compares what was heard with the packets that the capture holds. It gives the bytes that are missing.
func (h *hearer) check(s shape, complete bool, room int, caught []sent) (missing int64) {
	for _, n := range h.gaps {
		missing += n
	}
	for d := range 2 {
		if h.ends[d] != 1 {
			h.t.Errorf("side %d ended %d times", d, h.ends[d])
		}
		first, last, fin, syn := -1, 0, false, false
		have := make([]bool, len(h.talk.stream[d])+1)
		for _, p := range caught {
			if p.side != d {
				continue
			}
			fin, syn = fin || p.seg.Flags&FIN != 0, syn || p.seg.Flags&SYN != 0
			if n := len(p.seg.Payload); n > 0 {
				if first < 0 {
					first = p.off
				}
				last = max(last, p.off+n)
				for i := range n {
					have[p.off+i] = true
				}
			}
		}
		if syn && h.placed[d] && h.first[d] != 0 && room == 0 { // else what came before the SYN may be out
			h.t.Errorf("side %d: the first byte is at %d though the SYN is there", d, h.first[d])
		}
		limit := len(h.talk.stream[d])
		if !fin {
			limit++ // a FIN that the capture lost cannot be told from a byte
		}
		if h.placed[d] && (h.pos[d] < last || h.pos[d] > limit) {
			h.t.Errorf("side %d: ends at %d, the capture holds bytes up to %d, sent were %d", d, h.pos[d], last, len(h.talk.stream[d]))
		}
		if complete && first >= 0 {
			if len(h.gaps) > 0 && s.oneSide == 0 {
				h.t.Errorf("side %d: gaps %v though all packets are there", d, h.gaps)
			}
			if h.placed[d] && h.first[d] > first && s.mss > 2 {
				h.t.Errorf("side %d: starts at %d, the capture at %d", d, h.first[d], first)
			}
			if fin == h.torn[d] {
				h.t.Errorf("side %d: reset is %v, FIN in the capture: %v", d, h.torn[d], fin)
			}
		}
		if s.repeat == 0 && s.double == 0 { // else the bytes may have come too late
			for _, g := range h.held[d] {
				for i := g.from; i < min(g.to, len(have)); i++ {
					if have[i] && s.snap == 0 && h.gaps["evicted"] == 0 {
						h.t.Fatalf("side %d: byte %d is in the capture, yet in a gap", d, i)
					}
				}
			}
		}
	}
	return missing
}
