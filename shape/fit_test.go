package shape

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/arrival"
	"trafficreplay/shape/stat"
)

// memory is a source in memory.
type memory struct {
	requests []capture.Request
	ledgers  []capture.Ledger
}

type memoryStream struct {
	m *memory
	i int
}

func (m *memory) Open() (capture.Stream, error) { return &memoryStream{m: m}, nil }
func (m *memory) Ledgers() []capture.Ledger     { return m.ledgers }

func (s *memoryStream) Next(q *capture.Request) error {
	if s.i == len(s.m.requests) {
		return io.EOF
	}
	*q = s.m.requests[s.i]
	s.i++
	return nil
}

const second = int64(time.Second)

// synthetic makes a capture of sessions that start in a two-state Poisson process, each with a few
// requests some seconds apart.
type synthetic struct {
	seed       uint64
	window     int64
	busy, calm float64 // session starts per second
	flip       float64 // switches of the state per second; 0: always busy
	length     int     // mean requests in a session
	think      float64 // mean seconds between them
	users      int     // 0: everyone comes once
	prefix     string  // of the pseudonyms
}

var templates = []struct {
	method, path string
	weight       int
	ms           int64
}{
	{"GET", "/", 20, 5}, {"GET", "/api/items/%d", 40, 12}, {"GET", "/api/items/%d/reviews", 15, 30},
	{"POST", "/api/cart", 10, 20}, {"GET", "/search?q=%d", 14, 80}, {"DELETE", "/api/cart/%d", 1, 9},
}

func (s synthetic) make() *memory {
	rng := rand.New(rand.NewPCG(s.seed, 77))
	m := &memory{ledgers: []capture.Ledger{{Name: "a.log", Format: "ndjson", Basis: capture.BasisStart, Resolution: "1µs"}}}
	began := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC).UnixNano()
	t, end := 0.0, arrival.Seconds(s.window)
	busy, until := true, math.Inf(1)
	if s.flip > 0 {
		until = rng.ExpFloat64() / s.flip
	}
	for n := 0; ; {
		rate := s.calm
		if busy {
			rate = s.busy
		}
		next := t + rng.ExpFloat64()/rate
		if next > until {
			t, busy = until, !busy
			until += rng.ExpFloat64() / s.flip
			continue
		}
		if t = next; t >= end {
			break
		}
		who := n
		if s.users > 0 {
			who = rng.IntN(s.users)
		}
		n++
		s.visit(m, rng, began, t, who)
	}
	slices.SortStableFunc(m.requests, func(a, b capture.Request) int { return int(max(min(a.At-b.At, 1), -1)) })
	for i := range m.requests {
		m.requests[i].Src = fmt.Appendf(nil, "a.log:%d", i+1)
	}
	m.ledgers[0].Lines, m.ledgers[0].Requests = int64(len(m.requests)), int64(len(m.requests))
	return m
}

func (s synthetic) visit(m *memory, rng *rand.Rand, began int64, t float64, who int) {
	for i := 0; i == 0 || rng.IntN(s.length) > 0; i++ {
		if i > 0 {
			t += rng.ExpFloat64() * s.think
		}
		if t >= arrival.Seconds(s.window) {
			return
		}
		k := rng.IntN(100)
		j := 0
		for ; k >= templates[j].weight; j++ {
			k -= templates[j].weight
		}
		var q capture.Request
		q.Reset()
		q.At = began + int64(t*1e9)/1000*1000
		q.Method, q.Host, q.Proto = []byte(templates[j].method), []byte("shop.example"), []byte("HTTP/1.1")
		q.Target = []byte(templates[j].path)
		if bytes.Contains(q.Target, []byte("%d")) {
			q.Target = fmt.Appendf(nil, templates[j].path, rng.IntN(500)+1000)
		}
		q.Client = fmt.Appendf(nil, "%s%d", s.prefix, who)
		q.Headers = []capture.Header{{Name: []byte("User-Agent"), Value: []byte("Mozilla/5.0")}}
		q.Status, q.RespSize = 200, int64(rng.IntN(5000))
		if rng.IntN(50) == 0 {
			q.Status = 404
		}
		q.DurUS = int64(float64(templates[j].ms) * 1000 * math.Exp(rng.NormFloat64()*0.4))
		if templates[j].method == "POST" {
			q.Body, q.BodySize = []byte(`{"item":1}`), 10
		}
		m.requests = append(m.requests, q)
	}
}

func fit(t *testing.T, m *memory, o FitOptions) *Fitted {
	t.Helper()
	f, err := Fit(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// regenerated is what a plan of the fitted workload would send.
func regenerated(f *Fitted, seed uint64) *memory {
	m := &memory{ledgers: []capture.Ledger{{Name: "plan", Resolution: "1ns"}}}
	for d := range f.Workload.Draw(f.Pool, seed, 1) {
		q := *d.Session.Requests[d.Index].Request
		q.At = f.Workload.BeganNS() + d.At
		q.Client = fmt.Appendf(nil, "g%d-%d", d.Session.Client, d.ordinal)
		q.Src = fmt.Appendf(nil, "plan:%d", len(m.requests)+1)
		m.requests = append(m.requests, q)
	}
	return m
}

// What a fitted workload generates, fitted again, is the same workload.
func TestFitOfGeneratedIsTheFit(t *testing.T) {
	for _, c := range []struct {
		name string
		s    synthetic
	}{
		{"poisson", synthetic{window: 600 * second, busy: 20, length: 1, think: 1}},
		{"bursts", synthetic{window: 600 * second, busy: 120, calm: 20, flip: 1, length: 1, think: 1}},
		{"sessions", synthetic{window: 600 * second, busy: 10, length: 6, think: 0.5}},
		{"bursts of sessions", synthetic{window: 600 * second, busy: 40, calm: 5, flip: 0.5, length: 5, think: 0.7, users: 50000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.seed = 5
			m := c.s.make()
			f := fit(t, m, FitOptions{Name: "x"})
			t.Logf("%d requests, %d sessions, %s %v, %d knots", len(m.requests), f.Workload.Sessions.Count, f.Workload.Arrivals.Family, f.Workload.Arrivals.Terms, len(f.Workload.Arrivals.Curve))
			for _, r := range f.Workload.Arrivals.IDC {
				t.Logf("%6v capture %.3f model %.3f se %.2g", r.T, r.Capture, r.Model, r.SE)
			}
			again := regenerated(f, 99)
			g := fit(t, again, FitOptions{Name: "x"})
			compare(t, f, g, 1.5)
		})
	}
}

func compare(t *testing.T, f, g *Fitted, within float64) {
	t.Helper()
	share := map[string][2]float64{}
	for i, w := range []*Workload{f.Workload, g.Workload} {
		for _, e := range w.Endpoints {
			s := share[e.ID]
			s[i] = float64(e.Requests)
			share[e.ID] = s
		}
	}
	var p, q []float64
	for _, s := range share {
		p, q = append(p, s[0]), append(q, s[1])
	}
	if d := stat.TotalVariation(p, q); d > 0.05 {
		t.Errorf("mix differs by %v, want at most 0.05", d)
	}
	n, k := float64(f.Workload.Provenance.Requests), float64(g.Workload.Provenance.Requests)
	idc := f.Workload.Arrivals.IDC
	sd := math.Sqrt(n * idc[len(idc)-1].Capture)
	if math.Abs(n-k) > 3*sd {
		t.Errorf("%v requests generated from %v, more than 3 x %v apart", k, n, sd)
	}
	for _, r := range idc {
		if r.T != time.Second && r.T != 10*time.Second {
			continue
		}
		i := slices.IndexFunc(g.Workload.Arrivals.IDC, func(x IDC) bool { return x.T == r.T })
		got := g.Workload.Arrivals.IDC[i].Capture
		if x := got / r.Capture; x > within || x < 1/within {
			t.Errorf("IDC at %v is %v, want %v within %v times", r.T, got, r.Capture, within)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	s := synthetic{seed: 3, window: 300 * second, busy: 30, calm: 5, flip: 0.3, length: 4, think: 2, users: 300, prefix: "a"}
	save := func(m *memory) (yaml, pool []byte) {
		f := fit(t, m, FitOptions{Name: "shop", PoolSessions: 500})
		path := filepath.Join(t.TempDir(), "shop.workload.yaml")
		if err := f.Workload.Save(path, f.Pool); err != nil {
			t.Fatal(err)
		}
		yaml, _ = os.ReadFile(path)
		pool, _ = os.ReadFile(filepath.Join(filepath.Dir(path), "shop.pool.zst"))
		return yaml, pool
	}
	y1, p1 := save(s.make())
	y2, p2 := save(s.make())
	s.prefix = "another-pseudonym-"
	y3, p3 := save(s.make())
	if !bytes.Equal(y1, y2) || !bytes.Equal(p1, p2) {
		t.Error("the same capture gave different bytes")
	}
	if !bytes.Equal(y1, y3) || !bytes.Equal(p1, p3) {
		t.Error("the same capture under other pseudonyms gave different bytes")
	}
	if len(y1) > 200<<10 {
		t.Errorf("workload file has %d bytes", len(y1))
	}
	t.Logf("%d bytes of YAML, %d of pool\n%s", len(y1), len(p1), y1)
}

func TestSaveAndLoadGiveTheSame(t *testing.T) {
	f := fit(t, synthetic{seed: 4, window: 400 * second, busy: 50, calm: 5, flip: 0.3, length: 4, think: 2}.make(), FitOptions{Name: "shop"})
	path := filepath.Join(t.TempDir(), "shop.workload.yaml")
	if err := f.Workload.Save(path, f.Pool); err != nil {
		t.Fatal(err)
	}
	w, pool, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(pool, f.Pool) {
		t.Errorf("pool of %d sessions read back differs from that of %d", len(pool.Sessions), len(f.Pool.Sessions))
	}
	w.seedGiven = f.Workload.seedGiven
	if !reflect.DeepEqual(w, f.Workload) {
		t.Errorf("workload read back differs:\n%+v\n%+v", w, f.Workload)
	}
}

func TestPoolIsBounded(t *testing.T) {
	m := synthetic{seed: 6, window: 300 * second, busy: 40, length: 5, think: 1}.make()
	f := fit(t, m, FitOptions{PoolSessions: 1000})
	if n := len(f.Pool.Sessions); n != 1000 {
		t.Errorf("%d sessions, want 1000 of %d", n, f.Workload.Sessions.Count)
	}
	f = fit(t, m, FitOptions{PoolRequests: 2000})
	if n := f.Pool.Requests(); n < 1700 || n > 2300 {
		t.Errorf("%d requests, want about 2000", n)
	}
	f = fit(t, m, FitOptions{})
	if n := f.Pool.Requests(); n != len(m.requests) {
		t.Errorf("%d requests in a pool that holds all %d", n, len(m.requests))
	}
	if _, err := Fit(t.Context(), &memory{}, FitOptions{}); err == nil {
		t.Error("a workload fitted to nothing")
	}
	one := &memory{requests: m.requests[:1]}
	if f := fit(t, one, FitOptions{}); f.Workload.Arrivals.Family != "poisson" || len(f.Pool.Sessions) != 1 {
		t.Errorf("one request gave %+v", f.Workload.Arrivals)
	}
}
