package route

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// prng is a fixed sequence of numbers.
type prng uint64

func (r *prng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *prng) below(n int) int { return int(r.next() % uint64(n)) }

// zipf draws from 0..n-1 with a heavy head.
func (r *prng) zipf(n int) int {
	u := float64(r.next()>>11) / (1 << 53)
	return min(n-1, int(float64(n)*u*u*u))
}

// hostile appends a target that was never seen before: flat, deep, huge, or many at one place.
func hostile(b []byte, r *prng, i int) []byte {
	word := func() { b = strconv.AppendUint(b, r.next(), 36) }
	switch i % 5 {
	case 0:
		b = append(b, '/')
		word()
	case 1:
		for range 2 + r.below(28) {
			b = append(b, '/')
			word()
		}
	case 2:
		b = append(b, "/api/items/"...)
		b = strconv.AppendUint(b, r.next()>>20, 10)
		b = append(b, '/')
		word()
		b = append(b, "?x="...)
		word()
	case 3:
		b = append(b, "/f/"...)
		for range 10 {
			word()
		}
	default:
		b = append(b, "/a/"...)
		b = append(b, byte('a'+r.below(26)), '/', byte('a'+r.below(26)), byte('a'+r.below(26)), '/')
		word()
		b = append(b, "/%e2%82%ac"...)
		word()
	}
	return b
}

// TestHostileMemory streams paths that are all different. ROUTE_LINES sets how many; 10000000 is the experiment.
func TestHostileMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("streams a million paths")
	}
	lines := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("ROUTE_LINES")); err == nil {
		lines = n
	}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	l := NewLearner(Options{})
	r := prng(1)
	var buf []byte
	peak := uint64(0)
	start := time.Now()
	get := []byte("GET")
	for i := range lines {
		buf = hostile(buf[:0], &r, i)
		l.Add(get, buf, 200, int64(i%9000))
		if i%4 == 0 {
			l.Add(get, []byte("/static/app.js"), 200, 7000)
		}
		if i%100_000 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
		}
	}
	added := time.Since(start)
	if n := len(l.good.nodes); n > maxNodes+maxDepth {
		t.Errorf("%d nodes, limit %d", n, maxNodes)
	}
	tb := l.Learn()
	runtime.ReadMemStats(&now)
	peak = max(peak, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
	total := int64(0)
	for _, e := range tb.Endpoints() {
		total += e.Requests
	}
	if want := int64(lines + (lines+3)/4); total != want {
		t.Errorf("endpoints hold %d requests, want %d", total, want)
	}
	if peak > 256<<20 {
		t.Errorf("heap grew to %d MB, want at most 256", peak>>20)
	}
	e := tb.Endpoints()[tb.Match(get, []byte("/static/app.js"))]
	if e.ID != "GET /static/app.js" {
		t.Errorf("the one common path falls to %q", e.ID)
	}
	var b strings.Builder
	for _, e := range tb.Endpoints() {
		if e.Requests > total/1000 {
			fmt.Fprintf(&b, "\n%9d %s", e.Requests, e.ID)
		}
	}
	t.Logf("%d lines in %v (%.0f a second), learnt in %v, heap %d MB, system %d MB, %d endpoints%s", total, added.Round(time.Millisecond),
		float64(total)/added.Seconds(), (time.Since(start) - added).Round(time.Millisecond), peak>>20, now.Sys>>20, len(tb.Endpoints()), b.String())
}
