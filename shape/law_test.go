package shape

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/arrival"
)

// crowd is traffic of many independent users under common bursts: sessions of five requests, their rate
// three times as high while a common cause lasts (the truth test of the scale law, at reduced size).
func crowd(seed uint64, window int64, users float64) *memory {
	rng := rand.New(rand.NewPCG(seed, 11))
	cause := rand.New(rand.NewPCG(seed, 12))
	m := &memory{ledgers: []capture.Ledger{{Name: "a.log", Basis: capture.BasisStart, Resolution: "1µs"}}}
	t, end, high, until := 0.0, arrival.Seconds(window), false, 0.0
	for n := 0; ; {
		for t >= until {
			high = !high
			mean := 40.0
			if high {
				mean = 8
			}
			until += cause.ExpFloat64() * mean
		}
		rate := users / 1000
		if high {
			rate *= 3
		}
		next := t + rng.ExpFloat64()/rate
		if next >= until {
			t = until
			continue
		}
		if t = next; t >= end {
			break
		}
		at := t
		for range 5 {
			var q capture.Request
			q.Reset()
			q.At, q.Client, q.Method, q.Target = int64(at*1e9), fmt.Appendf(nil, "u%d", n), []byte("GET"), []byte("/")
			if at < end {
				m.requests = append(m.requests, q)
			}
			at += rng.ExpFloat64() * 2
		}
		n++
	}
	slices.SortStableFunc(m.requests, func(a, b capture.Request) int { return int(max(min(a.At-b.At, 1), -1)) })
	return m
}

// Experiment 20, reduced: what four times the users do follows from a fit of one.
func TestScaleLaw(t *testing.T) {
	if testing.Short() {
		t.Skip("fits seven captures of half an hour")
	}
	window := 1800 * second
	runs := 2
	if os.Getenv("REPLAY_EXPERIMENTS") != "" {
		runs = 6
	}
	truth, law, model := map[time.Duration]float64{}, map[time.Duration]float64{}, map[time.Duration]float64{}
	for seed := range uint64(runs) {
		f := fit(t, crowd(seed, window, 10000), FitOptions{})
		for _, r := range f.Workload.Arrivals.ScaleLaw {
			law[r.T] += (r.Independent + 4*r.Common) / float64(runs)
		}
		c := arrival.NewCascade(scaled(f.curve, 4))
		for d := range f.Workload.Draw(f.Pool, seed, 4) {
			c.Add(d.At, -1)
		}
		for _, s := range c.Scales(0) {
			model[time.Duration(s.T)] += s.IDC / float64(runs)
		}
		for _, r := range fit(t, crowd(seed+100, window, 40000), FitOptions{}).Workload.Arrivals.IDC {
			truth[r.T] += r.Capture / float64(runs)
		}
	}
	for _, at := range []time.Duration{10e6, 100e6, 1e9, 10e9} {
		t.Logf("%6v truth %.3f law %.3f drawn at scale 4 %.3f", at, truth[at], law[at], model[at])
		if r := math.Abs(math.Log(law[at] / truth[at])); r > math.Log(1.25) {
			t.Errorf("law at %v: %v, four times the users have %v", at, law[at], truth[at])
		}
		if r := math.Abs(math.Log(model[at] / truth[at])); r > math.Log(1.4) {
			t.Errorf("drawn at scale 4, %v: %v, four times the users have %v", at, model[at], truth[at])
		}
	}
}

func scaled(c arrival.Curve, k float64) arrival.Curve {
	out := slices.Clone(c)
	for i := range out {
		out[i].Rate *= k
	}
	return out
}
