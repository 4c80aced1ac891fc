package render

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// shopIntervals of five seconds make the synthetic run of five minutes.
const shopIntervals = 60

// shopEndpoint is one row of the synthetic run.
type shopEndpoint struct {
	id         string
	share, p50 float64
	spread     float64 // p99 ÷ p50
	failing    float64
	thresholds []string
}

var shopEndpoints = []shopEndpoint{
	{"GET /", 0.17, 8.4, 5, 0, []string{"p99 < 250ms"}},
	{"GET /api/items", 0.14, 14, 6, 0.0001, []string{"p99 < 250ms"}},
	{"GET /api/items/{id}", 0.26, 6.1, 7, 0.0002, []string{"p99 < 250ms", "p50 < 20ms"}},
	{"GET /api/items/{id}/reviews", 0.07, 22, 5, 0, []string{"p99 < 250ms"}},
	{"GET /api/search", 0.12, 41, 4.6, 0.0004, []string{"p99 < 250ms", "p999 < 1s"}},
	{"GET /api/users/{user}/cart", 0.08, 11.2, 9, 0.0003, []string{"p99 < 250ms"}},
	{"POST /api/users/{user}/cart", 0.03, 19, 6, 0.001, []string{"p99 < 250ms"}},
	{"POST /api/orders", 0.012, 88, 6.4, 0.021, []string{"p99 < 300ms", "error_rate < 1%"}},
	{"GET /api/orders/{id}", 0.011, 13, 8, 0, []string{"p99 < 250ms"}},
	{"GET /static/**", 0.1, 1.3, 4, 0, nil},
	{"DELETE /api/users/{user}/cart/{id}", 0.00012, 16, 5, 0, []string{"p99 < 250ms"}},
	{"GET /\x1b[2J<script>alert(1)</script>\u202e|`](http://evil.example)", 0.0004, 9, 3, 0, []string{"p99 < 250ms"}},
}

// shop is a made-up run of a shop: one endpoint breaks its thresholds, one has too few requests, one has a
// hostile name.
func shop(t testing.TB) *replay.Document {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 11))
	d := &replay.Document{
		Schema: replay.SchemaRun, Tool: "0.1.0", Name: "20261124-093000-shop", RunID: "r7f3k2", Started: "2026-11-24T09:30:00Z",
		Input: "shop.workload.yaml", Targets: []string{"http://staging.shop.test:8080"}, Undecided: 2,
		Seed: 7, PlanSHA256: "9b74c9897bac770ffc029102a200c5de11d2f0b1a0c3d4e5f60718293a4b5c6d", Scale: 2, Speed: 1,
		Captured: 302_118, Unsendable: 1_204, Withheld: 6_118,
		UnsendableWhy: map[string]int64{"body not captured": 1_190, "unsafe target": 14},
		WithheldWhy:   map[string]int64{"PUT": 5_004, "DELETE": 1_114},
		PlannedS:      300, DurationS: 301.4, Rate: replay.RateSummary{Planned: 1999.9, Achieved: 1999.6},
		LagUS: replay.LagSummary{P50: 74, P99: 412, Max: 9204}, Late10MS: 0, LagGateMS: 5, CPU: 21.4,
		Conns: replay.Connections{Opened: 18_204, Reused: 581_700, ConnectP50MS: 0.31, ConnectP99MS: 2.2},
		Options: replay.RunOptions{Warmup: "30s", Duration: "5m0s", Timeout: "30s", MaxInFlight: 10_000, Connections: "captured",
			Thresholds: []string{"p99 < 250ms", "POST /api/orders: p99 < 300ms"}, AllowWrites: []string{"POST /api/**"}},
		Fidelity: &replay.Fidelity{Score: 97.2, Worst: "burst", Parts: []replay.FidelityPart{{Name: "mix", Distance: 0.004, Floor: 0.003, Score: 99.1}, {Name: "burst", Distance: 0.031, Floor: 0.012, Score: 95.0}}},
		Out:      "runs/20261124-093000-shop",
	}
	for _, e := range shopEndpoints {
		d.Endpoints = append(d.Endpoints, shopResult(t, rng, e))
	}
	shopTotals(t, d)
	shopSeries(d, rng)
	d.Verdict, d.ExitCode, d.Reasons = replay.Judge(d, false)
	return d
}

// load is the shape of the traffic over the run, with a rush in its second half.
func load(i int) float64 {
	x := float64(i) / shopIntervals
	return 1 + 0.25*math.Sin(x*9) + 0.7*math.Exp(-math.Pow((x-0.68)/0.07, 2))
}

func shopResult(t testing.TB, rng *rand.Rand, e shopEndpoint) replay.EndpointResult {
	planned := int64(e.share * 600_000)
	failed := int64(float64(planned) * e.failing)
	r := replay.EndpointResult{
		ID: e.id, Planned: planned, Sent: planned, Failed: failed, OK: planned - failed, Judged: planned * 9 / 10, CapturedShare: e.share * 0.98,
		Status: map[string]int64{"200": planned - failed - planned/40, "304": planned / 40}, Errors: map[string]int64{}, BytesIn: planned * 4100,
	}
	if failed > 0 {
		r.Status["503"], r.Errors["timeout"] = failed-failed/3, failed/3
	}
	p := func(q float64) threshold.Number {
		if e.failing > 1-q {
			return threshold.Number(math.Inf(1))
		}
		return threshold.Number(math.Round(100*e.p50*math.Pow(e.spread, math.Log(q/(1-q))/math.Log(99))) / 100)
	}
	r.LatencyMS = replay.Percentiles{P50: p(0.5), P90: p(0.9), P95: p(0.95), P99: p(0.99), P999: p(0.999), Max: p(0.99999)}
	r.ServiceMS, r.OKLatencyMS = r.LatencyMS, r.LatencyMS
	for i := range shopIntervals {
		v := threshold.Number(math.Round(10*e.p50*e.spread*math.Pow(load(i), 1.4)*(0.9+0.2*rng.Float64())) / 10)
		switch {
		case planned < 200 && i%7 > 1:
			v = threshold.Number(math.NaN())
		case e.failing > 0.01 && load(i) > 1.45:
			v = threshold.Number(math.Inf(1))
		}
		r.Spark = append(r.Spark, v)
	}
	for _, expr := range e.thresholds {
		r.Thresholds = append(r.Thresholds, shopThreshold(t, rng, expr, &r, e))
	}
	return r
}

// shopThreshold spreads a plausible number of samples beyond the limit over the blocks.
func shopThreshold(t testing.TB, rng *rand.Rand, expr string, r *replay.EndpointResult, e shopEndpoint) threshold.Result {
	t.Helper()
	th, err := threshold.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	past := 0.002 + e.failing*1.9
	if th.Metric == "error_rate" || th.Metric == "p999" {
		past = e.failing
	}
	blocks := make([]threshold.Block, threshold.Blocks)
	for i := range blocks {
		n := r.Judged / threshold.Blocks
		x := min(n, int64(float64(n)*past*(0.5+rng.Float64())+0.5))
		blocks[i] = threshold.Block{N: n, X: x, XNoLag: x}
	}
	value := map[string]threshold.Number{"p50": r.LatencyMS.P50, "p99": r.LatencyMS.P99, "p999": r.LatencyMS.P999}[th.Metric]
	return th.Evaluate(blocks, value)
}

func shopTotals(t testing.TB, d *replay.Document) {
	t.Helper()
	for i := range d.Endpoints {
		e := &d.Endpoints[i]
		if e.ID == "POST /api/orders" {
			e.Dropped, e.Sent, e.OK = 31, e.Sent-31, e.OK-31
		}
		d.Planned, d.Sent, d.OK, d.Failed, d.Dropped = d.Planned+e.Planned, d.Sent+e.Sent, d.OK+e.OK, d.Failed+e.Failed, d.Dropped+e.Dropped
	}
	d.DroppedCeiling, d.Warmup = d.Dropped, d.Planned/10
	th, err := threshold.Parse("error_rate < 1%")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make([]threshold.Block, threshold.Blocks)
	for i := range blocks {
		x := (d.Failed + d.Dropped) / threshold.Blocks
		blocks[i] = threshold.Block{N: d.Planned * 9 / 10 / threshold.Blocks, X: x, XNoLag: x}
	}
	d.Thresholds = []threshold.Result{th.Evaluate(blocks, 0)}
}

func shopSeries(d *replay.Document, rng *rand.Rand) {
	s := &d.Series
	s.IntervalS, s.WarmupS = 5, 30
	var sum float64
	for i := range shopIntervals {
		sum += load(i)
	}
	for i := range shopIntervals {
		l := load(i)
		n := int64(float64(d.Planned) * l / sum * (0.97 + 0.06*rng.Float64()))
		lost := int64(math.Max(0, l-1.2) * 60 * rng.Float64())
		s.Planned, s.Sent = append(s.Planned, n), append(s.Sent, n-lost/8)
		s.Failed, s.Dropped = append(s.Failed, lost), append(s.Dropped, lost/8)
		s.OK = append(s.OK, n-lost-lost/8)
		at := func(base, bend float64) threshold.Number {
			return threshold.Number(math.Round(100*base*math.Pow(l, bend)*(0.93+0.14*rng.Float64())) / 100)
		}
		p99 := at(96, 1.9)
		if l > 1.62 {
			p99 = threshold.Number(math.Inf(1))
		}
		s.P50, s.P90, s.P99 = append(s.P50, at(8.4, 0.4)), append(s.P90, at(38, 1)), append(s.P99, p99)
		s.LagP99US, s.InFlight = append(s.LagP99US, at(390, 0.6)), append(s.InFlight, int64(21*math.Pow(l, 2.2)+6*rng.Float64()))
	}
}

func shopReport(t testing.TB) *analyze.Report {
	t.Helper()
	r, err := analyze.New(shop(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// many is the synthetic run with n more endpoints.
func many(t testing.TB, n int) *analyze.Report {
	t.Helper()
	d := shop(t)
	for i := range n {
		d.Endpoints = append(d.Endpoints, replay.EndpointResult{ID: fmt.Sprintf("GET /extra/%d", i), Planned: 1, Sent: 1, OK: 1})
	}
	r, err := analyze.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
