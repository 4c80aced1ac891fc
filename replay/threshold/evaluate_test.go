package threshold

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestNeeded(t *testing.T) {
	for in, want := range map[string]int64{
		"p50 < 1s": 5, "p90 < 1s": 29, "p95 < 1s": 59, "p99 < 1s": 299, "p999 < 1s": 2995, "max < 1s": 1,
		"service_p99 < 1s": 299, "error_rate < 1%": 299, "error_rate < 0.1%": 2995, "error_rate <= 0%": 1,
		"rate >= 99%": 299, "rate > 100%": 1, "status:5xx < 5%": 59, "error_rate <= 100%": 1,
	} {
		if got := mustParse(t, in).Needed(); got != want {
			t.Errorf("Needed of %q = %d, want %d", in, got, want)
		}
	}
}

func TestEvaluate(t *testing.T) {
	for _, tt := range []struct {
		name, in       string
		n, x, noLag    int64
		want, wantLags Verdict
	}{
		{"none beyond", "p99 < 1s", 299, 0, 0, Pass, Pass},
		{"one too few", "p99 < 1s", 298, 0, 0, Undecided, Undecided},
		{"no samples", "p99 < 1s", 0, 0, 0, Undecided, Undecided},
		{"just allowed", "p99 < 1s", 1000, 10, 10, Pass, Pass},
		{"one over", "p99 < 1s", 1000, 11, 10, Fail, Pass},
		{"few but clear", "p99 < 1s", 20, 20, 20, Fail, Fail},
		{"few and unclear", "p99 < 1s", 20, 1, 1, Undecided, Undecided},
		{"max", "max < 1s", 1, 0, 0, Pass, Pass},
		{"max broken", "max < 1s", 1000000, 1, 0, Fail, Pass},
		{"strict share", "error_rate < 1%", 1000, 10, 10, Fail, Fail},
		{"share at most", "error_rate <= 1%", 1000, 10, 10, Pass, Pass},
		{"no errors at all", "error_rate <= 0%", 10, 0, 0, Pass, Pass},
		{"one error", "error_rate <= 0%", 10, 1, 1, Fail, Fail},
		{"rate reached", "rate >= 99%", 1000, 10, 0, Pass, Pass},
		{"rate missed", "rate >= 99%", 1000, 11, 0, Fail, Pass},
		{"rate strict", "rate > 99%", 1000, 10, 0, Fail, Pass},
		{"at least this slow", "p50 > 1s", 10, 6, 6, Pass, Pass},
		{"not so slow", "p50 > 1s", 10, 5, 5, Fail, Fail},
		{"at least as many", "status:404 >= 50%", 10, 5, 5, Pass, Pass},
		{"few but clearly too small", "status:404 > 1%", 298, 0, 0, Undecided, Undecided},
		{"huge counts", "error_rate < 0.1%", 4e18, 4e15 - 1, 0, Pass, Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := mustParse(t, tt.in).Evaluate([]Block{{tt.n / 2, tt.x / 2, tt.noLag / 2},
				{tt.n - tt.n/2, tt.x - tt.x/2, tt.noLag - tt.noLag/2}}, 0)
			if r.Verdict != tt.want || r.WithLag != tt.wantLags || r.N != tt.n {
				t.Errorf("%s with %d of %d = %s, with lag %s, want %s, %s", tt.in, tt.x, tt.n, r.Verdict, r.WithLag, tt.want, tt.wantLags)
			}
		})
	}
}

func TestEvaluateFigures(t *testing.T) {
	r := mustParse(t, "GET /a: p99 < 1s").Evaluate([]Block{{1000, 10, 9}}, 987.5)
	if r.Expr != "p99 < 1s" || r.Scope != "GET /a" || r.Unit != "ms" || r.Observed != 987.5 || r.Needed != 299 {
		t.Errorf("result %+v", r)
	}
	// The interval of 10 in 1000 from the tables of Clopper and Pearson: 0.48% to 1.83%.
	if e := r.Exceed; e.P != 0.01 || math.Abs(e.Lo-0.004805) > 1e-6 || math.Abs(e.Hi-0.018314) > 1e-6 || e.Limit != 0.01 {
		t.Errorf("exceed %+v, want 0.01 [0.004805, 0.018314] of 0.01", e)
	}
	r = mustParse(t, "rate >= 99%").Evaluate([]Block{{1000, 5, 0}}, 0)
	if r.Observed != 0.995 || r.Unit != "ratio" || r.Exceed.P != 0.005 {
		t.Errorf("rate: %+v, want observed 0.995", r)
	}
	r = mustParse(t, "error_rate < 1%").Evaluate(nil, 0)
	if b, err := json.Marshal(r.Observed); err != nil || string(b) != "null" {
		t.Errorf("observed without samples is %s, %v, want null", b, err)
	}
}

func TestEvaluateWindows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		blocks []Block
		want   Verdict
		worst  int
	}{
		{"none full", nil, Undecided, 0},
		{"all hold", []Block{{300, 0, 0}, {300, 3, 3}, {300, 1, 1}}, Pass, 2},
		{"one breaks", []Block{{300, 0, 0}, {300, 3, 3}, {300, 4, 0}}, Fail, 3},
		{"one is empty", []Block{{300, 3, 3}, {0, 0, 0}, {300, 0, 0}}, Undecided, 2},
		{"a failure outranks an empty one", []Block{{0, 0, 0}, {300, 9, 9}, {20, 20, 20}}, Fail, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := mustParse(t, "p99 < 1s over 30s").Evaluate(tt.blocks, 12)
			if r.Verdict != tt.want || r.Worst != tt.worst {
				t.Errorf("verdict %s, worst window %d, want %s, %d", r.Verdict, r.Worst, tt.want, tt.worst)
			}
			if !math.IsNaN(float64(r.Observed)) {
				t.Errorf("observed %v, want none for a window", r.Observed)
			}
		})
	}
}

// The integer verdict on "p99 < L" and the order statistic must never disagree.
func TestEvaluateAgreesWithOrderStatistic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, op := range []string{"<", "<=", ">", ">="} {
		for _, q := range []struct {
			name string
			p    int
		}{{"p50", 500}, {"p90", 900}, {"p99", 990}, {"max", 1000}} {
			th := mustParse(t, q.name+" "+op+" 50us")
			for range 200 {
				n := 300 + r.IntN(700)
				values := make([]int64, n)
				var b Block
				for i := range values {
					values[i] = int64(r.IntN(100)) * 1000
					if r.IntN(3) > 0 {
						values[i] = int64(48+r.IntN(4)) * 1000
					}
					if _, x, _ := th.Count(&Sample{Latency: values[i]}); x {
						b.X++
					}
					b.N++
				}
				slices.Sort(values)
				v := values[(n*q.p+999)/1000-1]
				want := map[string]bool{"<": v < 50e3, "<=": v <= 50e3, ">": v > 50e3, ">=": v >= 50e3}[op]
				if got := th.Evaluate([]Block{b}, 0).Verdict; (got == Pass) != want {
					t.Fatalf("%s: %d of %d beyond, order statistic %d: %s, want pass %v", th, b.X, b.N, v, got, want)
				}
			}
		}
	}
}

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		name, in           string
		s                  Sample
		judged, x, xWithLg bool
	}{
		{"in time", "p99 < 1us", Sample{Latency: 999, Service: 999}, true, false, false},
		{"at the limit", "p99 < 1us", Sample{Latency: 1000, Service: 999}, true, true, false},
		{"at most", "p99 <= 1us", Sample{Latency: 1000, Service: 1000}, true, false, false},
		{"failed", "p99 < 1us", Sample{Failed: true}, true, true, true},
		{"failed by us", "p99 < 1us", Sample{Failed: true, Ours: true}, true, true, false},
		{"dropped late", "p99 < 1us", Sample{Dropped: true, Ours: true}, true, true, false},
		{"cancelled", "p99 < 1us", Sample{Cancelled: true}, false, false, false},
		{"service ignores lag", "service_p99 < 1us", Sample{Latency: 5000, Service: 10}, true, false, false},
		{"error", "error_rate < 1%", Sample{Failed: true}, true, true, true},
		{"no error", "error_rate < 1%", Sample{Latency: 1e9}, true, false, false},
		{"class", "status:5xx < 1%", Sample{Failed: true, Status: 503}, true, true, true},
		{"other class", "status:5xx < 1%", Sample{Status: 404}, true, false, false},
		{"code", "status:404 < 1%", Sample{Status: 404}, true, true, true},
		{"sent", "rate > 99%", Sample{Failed: true}, true, false, false},
		{"not sent", "rate > 99%", Sample{Dropped: true}, true, true, true},
		{"never begun", "rate > 99%", Sample{Cancelled: true}, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, x, lag := mustParse(t, tt.in).Count(&tt.s)
			if n != tt.judged || x != tt.x || lag != tt.xWithLg {
				t.Errorf("Count = %v, %v, %v, want %v, %v, %v", n, x, lag, tt.judged, tt.x, tt.xWithLg)
			}
		})
	}
}

func TestCountAllocates(t *testing.T) {
	th, s := mustParse(t, "p99 < 1ms"), Sample{Latency: 5}
	if n := testing.AllocsPerRun(100, func() { th.Count(&s) }); n != 0 {
		t.Errorf("Count allocates %v times, want 0", n)
	}
}

func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		in     string
		judged time.Duration
		width  time.Duration
		count  int
		fails  bool
	}{
		{"p99 < 1s", time.Minute, 3 * time.Second, 20, false},
		{"p99 < 1s", 7, 1, 20, false},
		{"p99 < 1s", 0, 1, 20, false},
		{"p99 < 1s over 30s", 100 * time.Second, 30 * time.Second, 3, false},
		{"p99 < 1s over 30s", 10 * time.Second, 30 * time.Second, 0, false},
		{"p99 < 1s over 1s", time.Hour, time.Second, 3600, false},
		{"p99 < 1s over 1s", time.Hour + time.Second, 0, 0, true},
	} {
		w, n, err := mustParse(t, tt.in).Layout(tt.judged)
		if w != tt.width || n != tt.count || (err != nil) != tt.fails {
			t.Errorf("Layout of %q over %v = %v, %d, %v, want %v, %d", tt.in, tt.judged, w, n, err, tt.width, tt.count)
		}
	}
}

// The interval's ends against the closed forms: none of n gives 1 − 0.025^(1/n) as the upper one, n of n
// gives 0.025^(1/n) as the lower one. Package stat has the rest.
func TestInterval(t *testing.T) {
	for _, n := range []int64{1, 5, 299, 3000, 1_000_000} {
		end := math.Pow(0.025, 1/float64(n))
		if lo, hi := interval(n, 0); lo != 0 || math.Abs(hi-(1-end)) > 1e-9 {
			t.Errorf("0 of %d: %v to %v, want 0 to %v", n, lo, hi, 1-end)
		}
		if lo, hi := interval(n, n); hi != 1 || math.Abs(lo-end) > 1e-9 {
			t.Errorf("%d of %d: %v to %v, want %v to 1", n, n, lo, hi, end)
		}
	}
	if lo, hi := interval(1_000_000_000, 10_000_000); lo > 0.01 || hi < 0.01 || hi-lo > 2e-5 {
		t.Errorf("1e7 of 1e9: %v to %v, want a narrow interval around 0.01", lo, hi)
	}
}

func TestWatch(t *testing.T) {
	type step struct {
		at    int // seconds
		total Block
		want  bool
	}
	for _, tt := range []struct {
		name, in string
		steps    []step
	}{
		{"healthy", "error_rate < 1% abort after 2s", []step{{1, Block{500, 0, 0}, false}, {5, Block{2500, 1, 1}, false}}},
		{"breach lasts", "error_rate < 1% abort after 2s", []step{{1, Block{500, 50, 50}, false}, {2, Block{1000, 90, 90}, false}, {3, Block{1500, 200, 200}, true}}},
		{"breach ends in time", "error_rate < 1% abort after 2s", []step{{1, Block{500, 50, 50}, false}, {2, Block{50000, 50, 50}, false}, {3, Block{50001, 5000, 5000}, false}}},
		{"our own lag", "p99 < 1s abort after 1s", []step{{1, Block{500, 500, 0}, false}, {9, Block{5000, 5000, 0}, false}}},
		{"window forgets", "error_rate < 1% over 2s abort after 1s", []step{{1, Block{500, 100, 100}, false}, {3, Block{1500, 100, 100}, false}, {4, Block{2000, 100, 100}, false}}},
		{"window sees", "error_rate < 1% over 2s abort after 1s", []step{{10, Block{100000, 0, 0}, false}, {12, Block{101000, 100, 100}, false}, {13, Block{101500, 200, 200}, true}}},
		{"too few to tell", "error_rate < 1% abort after 1s", []step{{1, Block{3, 1, 1}, false}, {9, Block{5, 1, 1}, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := NewWatch(mustParse(t, tt.in))
			for _, s := range tt.steps {
				if got := w.Observe(int64(s.at)*1e9, s.total); got != s.want {
					t.Errorf("at %d s with %+v: stop %v, want %v", s.at, s.total, got, s.want)
				}
			}
		})
	}
}

func TestWatchBoundsMemory(t *testing.T) {
	w := NewWatch(mustParse(t, "error_rate < 1% over 24h abort after 1s"))
	for i := range int64(100_000) {
		w.Observe(i*1e9, Block{N: i})
	}
	if n := len(w.past); n > 2*maxTicks {
		t.Errorf("%d ticks kept, want at most %d", n, 2*maxTicks)
	}
}

func TestNumberJSON(t *testing.T) {
	for _, f := range []float64{0, 1.5, math.Inf(1), math.NaN()} {
		b, err := json.Marshal(Number(f))
		if err != nil {
			t.Fatal(err)
		}
		var got Number
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if float64(got) != f && !math.IsNaN(f) {
			t.Errorf("%v became %s became %v", f, b, got)
		}
	}
	var n Number
	if err := json.Unmarshal([]byte(`"infinite"`), &n); err == nil {
		t.Error(`"infinite" was read as a number`)
	}
}
