package plan

import (
	"fmt"
	"testing"

	"trafficreplay/shape/stat"
)

const second = int64(1e9)

// traffic is a fixed population: sessions of a few requests, one request in ten unsendable, in order of arrival.
func traffic(sessions int) []heldItem {
	var q queue
	for s := range uint64(sessions) {
		at := int64(stat.Below(stat.Random(7, 1, s), uint64(600*second)))
		n := 1 + stat.Below(stat.Random(7, 2, s), 6)
		for i := range n {
			r := &Request{Method: "GET", Path: fmt.Sprintf("/%d/%d", s, i)}
			if stat.Below(stat.Random(7, 3+i, s), 10) == 0 {
				r = nil
			}
			q.push(item{at: at, ord: s<<8 | i, client: s, endpoint: uint32(i), req: r})
			at += int64(stat.Below(stat.Random(7, 100+i, s), uint64(20*second)))
		}
	}
	var out []heldItem
	for len(q) > 0 {
		it := q.pop()
		out = append(out, heldItem{it.ord >> 8, it})
	}
	return out
}

// cloned pushes the traffic through a cloner of the given scale.
func cloned(t *testing.T, in []heldItem, scale float64) []item {
	t.Helper()
	c := newCloner(1, scale, 60*second, 2*second, 3600*second)
	var out []item
	emit := func(it item) bool {
		if n := len(out); n > 0 && it.at < out[n-1].at {
			t.Fatalf("scale %g: item %d at %d comes after one at %d", scale, n, it.at, out[n-1].at)
		}
		out = append(out, it)
		return true
	}
	seen := map[uint64]bool{}
	for _, h := range in {
		c.push(h.session, !seen[h.session], h.it, emit)
		seen[h.session] = true
	}
	c.flush(emit)
	if len(c.held) > 0 || len(c.out) > 0 {
		t.Fatalf("scale %g: %d items held, %d queued after flush", scale, len(c.held), len(c.out))
	}
	return out
}

func byPath(items []item) map[string]int {
	m := map[string]int{}
	for _, it := range items {
		m[it.req.Path]++
	}
	return m
}

func sendable(in []heldItem) int {
	n := 0
	for _, h := range in {
		if h.it.req != nil {
			n++
		}
	}
	return n
}

func TestClonesAreExactMultiples(t *testing.T) {
	in := traffic(500)
	for _, k := range []int{1, 2, 3, 7} {
		got := cloned(t, in, float64(k))
		if want := k * sendable(in); len(got) != want {
			t.Errorf("scale %d: %d items, want %d", k, len(got), want)
		}
		for path, n := range byPath(got) {
			if n != k {
				t.Errorf("scale %d: %s appears %d times", k, path, n)
			}
		}
	}
}

func TestScaleOneChangesNothing(t *testing.T) {
	in := traffic(100)
	got := cloned(t, in, 1)
	i := 0
	for _, h := range in {
		if h.it.req == nil {
			continue
		}
		if got[i] != h.it {
			t.Fatalf("item %d = %+v, want %+v", i, got[i], h.it)
		}
		i++
	}
}

func TestFractionalScalesAreNested(t *testing.T) {
	in := traffic(500)
	for _, pair := range [][2]float64{{0.3, 0.5}, {1.2, 1.7}, {2.2, 2.3}} {
		small, large := cloned(t, in, pair[0]), cloned(t, in, pair[1])
		have := map[string]bool{}
		key := func(it item) string { return fmt.Sprint(it.at, it.client, it.req.Path) }
		for _, it := range large {
			have[key(it)] = true
		}
		for _, it := range small {
			if !have[key(it)] {
				t.Fatalf("scale %g holds %s, scale %g does not", pair[0], key(it), pair[1])
			}
		}
		mean := float64(sendable(in)) * pair[0]
		if n := float64(len(small)); n < 0.85*mean || n > 1.15*mean {
			t.Errorf("scale %g: %g items, want about %g", pair[0], n, mean)
		}
	}
}

func TestClonesKeepWhatHappensInsideASession(t *testing.T) {
	in := traffic(200)
	offsets := func(items []item) map[uint64]map[string]int64 {
		m := map[uint64]map[string]int64{}
		first := map[uint64]int64{}
		for _, it := range items {
			if _, ok := first[it.client]; !ok {
				first[it.client] = it.at
				m[it.client] = map[string]int64{}
			}
			m[it.client][it.req.Path] = it.at - first[it.client]
		}
		return m
	}
	base := offsets(cloned(t, in, 1))
	byFirst := map[string]map[string]int64{}
	for _, paths := range base {
		for p, off := range paths {
			if off == 0 {
				byFirst[p] = paths
			}
		}
	}
	for client, paths := range offsets(cloned(t, in, 3)) {
		for p, off := range paths {
			if off != 0 {
				continue
			}
			for q, want := range byFirst[p] {
				if got := paths[q]; got != want {
					t.Fatalf("client %x: %s at offset %d, want %d", client, q, got, want)
				}
			}
		}
	}
}

func TestClonesAreNotSynchronous(t *testing.T) {
	in := traffic(300)
	at := map[string]bool{}
	same := 0
	for _, it := range cloned(t, in, 4) {
		k := fmt.Sprint(it.at, it.req.Path)
		if at[k] {
			same++
		}
		at[k] = true
	}
	if same > 0 {
		t.Errorf("%d clones send the same request at the same instant as another", same)
	}
}

func TestForgottenSessionsStillLeave(t *testing.T) {
	c := newCloner(1, 2, 60*second, 2*second, 100*second)
	var n int
	emit := func(item) bool { n++; return true }
	for i := range int64(50) {
		c.push(uint64(i), true, item{at: i * 120 * second, ord: uint64(i), req: &Request{}}, emit)
	}
	c.flush(emit)
	if n != 100 {
		t.Errorf("%d items left, want 100", n)
	}
	if len(c.live) > 3 {
		t.Errorf("%d sessions are still remembered", len(c.live))
	}
}

func BenchmarkCloner(b *testing.B) {
	in := traffic(2000)
	b.ReportAllocs()
	for b.Loop() {
		c := newCloner(1, 3, 60*second, 2*second, 3600*second)
		seen := map[uint64]bool{}
		emit := func(item) bool { return true }
		for _, h := range in {
			c.push(h.session, !seen[h.session], h.it, emit)
			seen[h.session] = true
		}
		c.flush(emit)
	}
}
