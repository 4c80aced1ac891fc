package tally

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"trafficreplay/replay/threshold"
)

func parse(t testing.TB, s string) *threshold.Threshold {
	t.Helper()
	th, err := threshold.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func config(t testing.TB) Config {
	return Config{Endpoints: 3, Plan: time.Minute, Warmup: 10 * time.Second, Rules: []Rule{
		{parse(t, "p99 < 250ms"), 0}, {parse(t, "p99 < 250ms"), 1}, {parse(t, "service_p90 <= 90ms over 5s"), 2},
		{parse(t, "error_rate < 1%"), Whole}, {parse(t, "rate >= 99%"), Whole}, {parse(t, "status:404 < 2%"), 1},
	}}
}

func fresh(t testing.TB, c Config) *Tally {
	t.Helper()
	y, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// traffic is n random shots over the configured minute, every outcome among them.
func traffic(n int, seed uint64) []Sample {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]Sample, n)
	for i := range out {
		s := &out[i]
		s.Endpoint = uint32(r.IntN(3))
		s.Intended = r.Int64N(int64(time.Minute))
		s.Warmup = s.Intended < int64(10*time.Second)
		switch k := r.IntN(100); {
		case k < 90:
			s.Outcome, s.Status = OK, 200
		case k < 94:
			s.Outcome, s.Status = Failed, 503
		case k < 96:
			s.Outcome, s.Err = Failed, 3
		case k < 98:
			s.Outcome = DroppedCeiling
		case k < 99:
			s.Outcome = DroppedLate
		default:
			s.Outcome = Cancelled
		}
		if s.Outcome <= Failed {
			s.Lag = int64(r.ExpFloat64() * 1e6)
			s.Service = int64(math.Exp(r.NormFloat64()) * 20e6)
			s.Latency = s.Service + s.Lag
			s.NewConn, s.Connect, s.BytesIn = r.IntN(10) == 0, r.Int64N(1e6), r.Int64N(5000)
		}
	}
	return out
}

func record(y *Tally, samples []Sample) *Tally {
	for i := range samples {
		y.Record(&samples[i])
	}
	return y
}

// print is everything a tally can say, as bytes.
func print(t *testing.T, y *Tally) []byte {
	t.Helper()
	b, err := json.Marshal(y.Summary())
	if err != nil {
		t.Fatal(err)
	}
	w := bytes.NewBuffer(b)
	if err := y.WriteHlog(w, time.Unix(1_795_500_000, 0), []string{"GET /a", "GET /b", "GET /c"}); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func TestMergeIsExact(t *testing.T) {
	c, samples := config(t), traffic(6000, 1)
	want := print(t, record(fresh(t, c), samples))
	r := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		parts := make([]*Tally, 1+r.IntN(8))
		for i := range parts {
			parts[i] = fresh(t, c)
		}
		for _, i := range r.Perm(len(samples)) {
			parts[r.IntN(len(parts))].Record(&samples[i])
		}
		// Merge random neighbours until one is left: any order, any bracketing.
		for len(parts) > 1 {
			i, j := r.IntN(len(parts)), r.IntN(len(parts)-1)
			if j >= i {
				j++
			}
			if err := parts[i].Merge(parts[j]); err != nil {
				t.Fatal(err)
			}
			parts = slices.Delete(parts, j, j+1)
		}
		if got := print(t, parts[0]); !bytes.Equal(got, want) {
			t.Fatal("the merged parts say something else than one tally of all samples")
		}
	}
}

func TestMergeRefusesAnotherRun(t *testing.T) {
	a := fresh(t, config(t))
	for _, change := range []func(*Config){
		func(c *Config) { c.Endpoints = 4 },
		func(c *Config) { c.Plan = time.Hour },
		func(c *Config) { c.Rules = c.Rules[:5] },
		func(c *Config) { c.Rules[0].Threshold = parse(t, "p99 < 251ms") },
	} {
		c := config(t)
		change(&c)
		if err := a.Merge(fresh(t, c)); !errors.Is(err, ErrConfig) {
			t.Errorf("Merge = %v, want ErrConfig", err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Config
		want string
	}{
		{"no endpoints", Config{}, "0 endpoints"},
		{"too many", Config{Endpoints: 2000}, "2000 endpoints"},
		{"rule off the table", Config{Endpoints: 1, Rules: []Rule{{parse(t, "max < 1s"), 1}}}, "endpoint 1 of 1"},
		{"rules", Config{Endpoints: 1, Rules: make([]Rule, 9000)}, "limit 8192"},
		{"windows", Config{Endpoints: 1, Plan: 2 * time.Hour, Rules: []Rule{{parse(t, "max < 1s over 1s"), 0}}}, "7200 windows"},
	} {
		if _, err := New(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestCountsBalance(t *testing.T) {
	s := record(fresh(t, config(t)), traffic(5000, 2)).Summary()
	check := func(name string, c *Counts) {
		if c.Planned != c.Sent+c.Dropped()+c.Cancelled || c.Sent != c.OK+c.Failed {
			t.Errorf("%s does not balance: %+v", name, c)
		}
	}
	check("run", &s.Counts)
	var sum Counts
	for i := range s.Endpoints {
		check(fmt.Sprint("endpoint ", i), &s.Endpoints[i].Counts)
		sum.add(&s.Endpoints[i].Counts)
	}
	if sum != s.Counts || s.Planned != 5000 {
		t.Errorf("endpoints add up to %+v, run %+v", sum, s.Counts)
	}
	for name, want := range map[string]int64{"planned": s.Planned, "ok": s.OK, "failed": s.Failed, "dropped": s.Dropped(), "sent": s.Sent} {
		var got int64
		for _, n := range map[string][]int64{"planned": s.Series.Planned, "ok": s.Series.OK, "failed": s.Series.Failed,
			"dropped": s.Series.Dropped, "sent": s.Series.Sent}[name] {
			got += n
		}
		if got != want {
			t.Errorf("series %s adds up to %d, want %d", name, got, want)
		}
	}
}

// Percentiles of the summary against the sorted samples.
func TestPercentiles(t *testing.T) {
	samples := traffic(9000, 3)
	s := record(fresh(t, config(t)), samples).Summary()
	for e := range 3 {
		var latencies []float64
		for _, x := range samples {
			switch {
			case x.Warmup || x.Outcome == Cancelled || int(x.Endpoint) != e:
			case x.Outcome == OK:
				latencies = append(latencies, float64(x.Latency)/1e6)
			default:
				latencies = append(latencies, math.Inf(1))
			}
		}
		slices.Sort(latencies)
		n := len(latencies)
		if s.Endpoints[e].Judged != int64(n) {
			t.Errorf("endpoint %d: %d judged, want %d", e, s.Endpoints[e].Judged, n)
		}
		p := s.Endpoints[e].LatencyMS
		for _, q := range []struct {
			name     string
			got      Number
			perMille int
		}{{"p50", p.P50, 500}, {"p90", p.P90, 900}, {"p95", p.P95, 950}, {"p99", p.P99, 990}, {"max", p.Max, 1000}} {
			want := latencies[(n*q.perMille+999)/1000-1]
			if got := float64(q.got); got != want && math.Abs(got-want) > 0.0011*want+0.001 {
				t.Errorf("endpoint %d: %s = %v, want %v within 0.1%%", e, q.name, got, want)
			}
		}
	}
}

// A target that answers fast and fails often must look worse, not better.
func TestFailuresNeverImprovePercentiles(t *testing.T) {
	c := Config{Endpoints: 1, Plan: time.Minute}
	base := make([]Sample, 1000)
	for i := range base {
		base[i] = Sample{Intended: int64(i) * 59e6, Latency: int64(i+1) * 1e6, Service: int64(i+1) * 1e6, Status: 200}
	}
	before := record(fresh(t, c), base).Summary().Endpoints[0].LatencyMS
	if math.Abs(float64(before.P99)-990) > 1 || before.Max != 1000 {
		t.Fatalf("p99 %v, max %v, want 990, 1000", before.P99, before.Max)
	}
	for _, kind := range []struct {
		name string
		s    Sample
	}{
		{"fast 503", Sample{Outcome: Failed, Status: 503, Latency: 1000, Service: 1000}},
		{"timeout", Sample{Outcome: Failed, Err: 3, Latency: 30e9, Service: 30e9}},
		{"dropped at the ceiling", Sample{Outcome: DroppedCeiling}},
		{"dropped late", Sample{Outcome: DroppedLate}},
	} {
		y, last := record(fresh(t, c), base), before
		for range 20 {
			for range 100 {
				y.Record(&kind.s)
			}
			p := y.Summary().Endpoints[0].LatencyMS
			if p.P50 < last.P50 || p.P90 < last.P90 || p.P99 < last.P99 || p.P999 < last.P999 || p.Max < last.Max {
				t.Fatalf("%s: percentiles fell from %+v to %+v", kind.name, last, p)
			}
			last = p
		}
		s := y.Summary().Endpoints[0]
		if !math.IsInf(float64(s.LatencyMS.P50), 1) || !math.IsInf(float64(s.ServiceMS.P99), 1) {
			t.Errorf("%s: p50 with two thirds of failures is %v, want +Inf", kind.name, s.LatencyMS.P50)
		}
		if s.OKLatencyMS != before {
			t.Errorf("%s: the percentiles over ok alone changed to %+v", kind.name, s.OKLatencyMS)
		}
	}
}

func TestThresholds(t *testing.T) {
	c, samples := config(t), traffic(9000, 4)
	got := record(fresh(t, c), samples).Summary().Thresholds
	for i, r := range c.Rules {
		var want threshold.Block
		for _, x := range samples {
			if x.Warmup || r.Endpoint != Whole && int(x.Endpoint) != r.Endpoint {
				continue
			}
			j, b, n := r.Threshold.Count(&threshold.Sample{Latency: x.Latency, Service: x.Service, Status: x.Status,
				Failed: x.Outcome == Failed, Dropped: x.Outcome == DroppedCeiling || x.Outcome == DroppedLate,
				Cancelled: x.Outcome == Cancelled, Ours: x.Outcome == DroppedLate})
			if j {
				want.Add(b, n)
			}
		}
		var sum threshold.Block
		for _, b := range got[i].Blocks {
			sum.Merge(b)
		}
		if sum != want {
			t.Errorf("%s: counted %+v, want %+v", r.Threshold, sum, want)
		}
	}
	if n := len(got[2].Blocks); n != 10 {
		t.Errorf("%d windows of 5 s in 50 s, want 10", n)
	}
	if got[0].Observed <= 0 || got[3].Unit != "ratio" {
		t.Errorf("results %+v, %+v", got[0].Observed, got[3])
	}
}

// Samples past the last full window are seen live but belong to no window.
func TestPartialWindow(t *testing.T) {
	y := fresh(t, Config{Endpoints: 1, Plan: 12 * time.Second, Rules: []Rule{{parse(t, "max < 1ms over 5s"), 0}}})
	for i := range int64(12) {
		y.Record(&Sample{Intended: i * 1e9, Latency: 5})
	}
	y.Record(&Sample{Intended: 11e9, Latency: 5e6})
	r := y.Summary().Thresholds[0]
	if r.Verdict != threshold.Pass || len(r.Blocks) != 2 || r.Blocks[0].N != 5 || r.Blocks[1].N != 5 {
		t.Errorf("%s over %+v, want pass over two windows of 5", r.Verdict, r.Blocks)
	}
	if s := Snap(y); s.Rules[0] != (threshold.Block{N: 13, X: 1}) {
		t.Errorf("live total %+v, want 13 with 1 beyond", s.Rules[0])
	}
}

func TestSeries(t *testing.T) {
	y := fresh(t, Config{Endpoints: 2, Plan: 4 * time.Minute, Warmup: 2 * time.Second})
	y.Record(&Sample{Intended: 0.5e9, Latency: 10e6, Warmup: true})
	y.Record(&Sample{Intended: 3e9, Latency: 20e6, Lag: 5e6})
	y.Record(&Sample{Intended: 3e9, Lag: 1500e6, Latency: 9e9, Endpoint: 1}) // sent in interval 2, done in 6
	y.Record(&Sample{Intended: 5e9, Outcome: DroppedCeiling})
	y.Record(&Sample{Intended: 999e9, Latency: 1e6}) // past the plan
	s := y.Summary().Series
	if s.IntervalS != 2 || len(s.Planned) != 120 || s.WarmupS != 2 {
		t.Fatalf("interval %v, %d of them, warm-up %v", s.IntervalS, len(s.Planned), s.WarmupS)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"planned", fmt.Sprint(s.Planned[:4], s.Planned[119]), "[1 2 1 0] 1"},
		{"sent", fmt.Sprint(s.Sent[:4], s.Sent[119]), "[1 1 1 0] 1"},
		{"dropped", fmt.Sprint(s.Dropped[:4]), "[0 0 1 0]"},
		{"in flight", fmt.Sprint(s.InFlight[:8]), "[0 0 1 1 1 1 0 0]"},
		{"p50", fmt.Sprint(s.P50[:4]), "[10.007 20.015 +Inf NaN]"},
		{"lag p99", fmt.Sprint(s.LagP99US[:4]), "[0 1.500159e+06 NaN NaN]"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if spark := y.Summary().Endpoints[1].Spark; fmt.Sprint(spark[:3]) != "[NaN 9003.007 NaN]" {
		t.Errorf("spark of the second endpoint %v", spark[:3])
	}
}

func TestClock(t *testing.T) {
	for _, plan := range []time.Duration{0, 1, time.Second, 59 * time.Second, 61 * time.Second, 10 * time.Minute, 19 * time.Minute,
		2 * time.Hour, 2*time.Hour + 1, 24 * time.Hour, 30 * 24 * time.Hour, 3000 * 24 * time.Hour} {
		c := newClock(plan)
		if c.intervals < 1 || c.intervals > 121 || c.slots > 720 || int64(c.perInterval)*c.width != c.interval {
			t.Errorf("plan %v: %+v", plan, c)
		}
		if c.slot(1<<62) != c.slots-1 || c.slot(-5) != 0 {
			t.Errorf("plan %v: instants outside it fall outside the slots", plan)
		}
		if plan <= finePlans && plan >= 10*time.Second && int64(c.perRecord)*c.width != int64(logWidth) {
			t.Errorf("plan %v: log records of %d slots of %d ns", plan, c.perRecord, c.width)
		}
	}
}

func TestHlog(t *testing.T) {
	for _, plan := range []time.Duration{9 * time.Second, 35 * time.Second, time.Minute, 25 * time.Minute, 3 * time.Hour} {
		y := fresh(t, Config{Endpoints: 2, Plan: plan, Warmup: plan / 10})
		r := rand.New(rand.NewPCG(5, 5))
		want := []*hdr.Histogram{hdr.New(1, maxUS, digits), hdr.New(1, maxUS, digits)}
		for range 3000 {
			s := Sample{Intended: r.Int64N(int64(plan)), Endpoint: uint32(r.IntN(2)), Latency: int64(math.Exp(5*r.NormFloat64()) * 1e6)}
			s.Warmup = s.Intended < int64(plan/10)
			y.Record(&s)
			if !s.Warmup {
				_ = want[s.Endpoint].RecordValue(micros(s.Latency))
			}
		}
		var b bytes.Buffer
		start := time.UnixMilli(1_795_500_000_250)
		if err := y.WriteHlog(&b, start, []string{"GET /a,b", "POST /ü%"}); err != nil {
			t.Fatal(err)
		}
		got := map[string]*hdr.Histogram{"GET%20/a%2Cb": hdr.New(1, maxUS, digits), "POST%20/%C3%BC%25": hdr.New(1, maxUS, digits)}
		last := int64(0)
		for reader := hdr.NewHistogramLogReader(&b); ; {
			h, err := reader.NextIntervalHistogram()
			if err != nil {
				t.Fatal(err)
			}
			if h == nil {
				break
			}
			if got[h.Tag()] == nil {
				t.Fatalf("unexpected tag %q", h.Tag())
			}
			got[h.Tag()].Merge(h)
			if h.StartTimeMs() < last || h.StartTimeMs() < start.UnixMilli()-1 || h.EndTimeMs()-h.StartTimeMs() > 200_000 {
				t.Errorf("record from %d to %d after %d", h.StartTimeMs(), h.EndTimeMs(), last)
			}
			last = h.StartTimeMs()
		}
		if !got["GET%20/a%2Cb"].Equals(want[0]) || !got["POST%20/%C3%BC%25"].Equals(want[1]) {
			t.Errorf("plan %v: the log's records do not add up to what was recorded", plan)
		}
	}
}

// The sparse buckets must be the library's, or the log would shift values.
func TestBuckets(t *testing.T) {
	h := hdr.New(1, maxUS, digits)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 20_000 {
		v := int64(i)
		if i > 5000 {
			v = r.Int64N(int64(1) << (11 + r.IntN(21)))
		}
		v = min(v, maxUS)
		if u := upper(bucketOf(v)); u < v || !h.ValuesAreEquivalent(u, v) || h.ValuesAreEquivalent(u+1, v) {
			t.Fatalf("%d falls in the bucket up to %d, which is not the library's", v, u)
		}
	}
	if b := bucketOf(maxUS); b == math.MaxUint16 {
		t.Error("the last bucket collides with the mark of a free place")
	}
}

func TestSparse(t *testing.T) {
	var s sparse
	want := map[uint16]int64{}
	r := rand.New(rand.NewPCG(8, 8))
	for range 100_000 {
		b := uint16(r.IntN(23552))
		s.add(b, 2)
		want[b] += 2
	}
	got := sorted(&s)
	if len(got) != len(want) || len(got) != s.used {
		t.Fatalf("%d buckets, want %d", len(got), len(want))
	}
	for _, b := range got {
		if want[b.b] != b.n {
			t.Fatalf("bucket %d holds %d, want %d", b.b, b.n, want[b.b])
		}
	}
}

func TestSnapWhileRecording(t *testing.T) {
	c := config(t)
	workers := []*Tally{fresh(t, c), fresh(t, c)}
	samples := traffic(4000, 9)
	var wg sync.WaitGroup
	for i, y := range workers {
		wg.Go(func() { record(y, samples[i*2000:(i+1)*2000]) })
	}
	for range 50 {
		if s := Snap(workers...); s.Planned != s.Sent+s.Dropped()+s.Cancelled {
			t.Errorf("snapshot does not balance: %+v", s.Counts)
		}
	}
	wg.Wait()
	s, whole := Snap(workers...), record(fresh(t, c), samples)
	if want := Snap(whole); s.Counts != want.Counts || s.LagP99US != want.LagP99US || !slices.Equal(s.Rules, want.Rules) {
		t.Errorf("snapshot of two %+v, want %+v", s, want)
	}
	if sum := whole.Summary(); sum.LagUS.P99 != s.LagP99US {
		t.Errorf("lag p99 live %v, in the end %v", s.LagP99US, sum.LagUS.P99)
	}
}

func TestRecordAllocates(t *testing.T) {
	y, samples := fresh(t, config(t)), traffic(50_000, 10)
	record(y, samples)
	i := 0
	if n := testing.AllocsPerRun(20_000, func() { y.Record(&samples[i%len(samples)]); i++ }); n != 0 {
		t.Errorf("Record allocates %v times per sample, want 0 (BenchmarkRecord)", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	y, samples := fresh(b, config(b)), traffic(1<<16, 11)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		y.Record(&samples[i&(1<<16-1)])
		i++
	}
}

func BenchmarkHlog(b *testing.B) {
	y := record(fresh(b, config(b)), traffic(1<<16, 12))
	b.ReportAllocs()
	for b.Loop() {
		_ = y.WriteHlog(bytes.NewBuffer(nil), time.Unix(0, 0), []string{"a", "b", "c"})
	}
}

func BenchmarkSnap(b *testing.B) {
	y := record(fresh(b, config(b)), traffic(1<<16, 13))
	for b.Loop() {
		Snap(y, y)
	}
}
