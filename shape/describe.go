package shape

import (
	"fmt"
	"math"
	"time"

	"trafficreplay/shape/arrival"
	"trafficreplay/shape/mix"
	"trafficreplay/shape/stat"
)

// describe turns what the passes found into the workload. Numbers are rounded here, to what they are
// written with, so that a workload read back is the one that was fitted.
func (f *fitter) describe() {
	w := f.result.Workload
	seconds := arrival.Seconds(f.window)
	w.Provenance = f.provenance()
	w.Sessions = Sessions{
		Count: f.sessions, Timeout: f.result.Rules.Timeout, Semantics: "timed",
		MeanLength:   stat.Significant(float64(f.requests)/float64(f.sessions), 4),
		PoolSessions: len(f.result.Pool.Sessions), PoolRequests: f.result.Pool.Requests(),
	}
	// No log holds how long connections stay open when idle; a minute is between nginx's 75 s and common clients.
	w.Connections.IdleTimeout = time.Minute
	w.Safety = Safety{CapturedHosts: f.hosts.sorted(), HostsUnknown: f.hosts.unknown}
	w.Thresholds = []string{"error_rate < 1%"}

	a := &w.Arrivals
	a.Rate = stat.Significant(float64(f.requests)/seconds, 5)
	a.Peak = stat.Significant(f.peak(), 4)
	a.Starts = stat.Significant(float64(f.sessions)/seconds, 5)
	a.Terms = tidyTerms(arrival.FitTerms(f.startScales, f.resolution()))
	a.Family = family(a.Terms)
	f.burstTable(a)
	f.result.Fidelity = f.likeness()
	for i := range w.Endpoints {
		f.propose(&w.Endpoints[i])
	}
}

func (f *fitter) provenance() Provenance {
	p := Provenance{
		From: time.Unix(0, f.began).UTC(), To: time.Unix(0, f.began+f.window).UTC(),
		Requests: f.requests, Resolution: time.Duration(f.resolution()),
	}
	for _, l := range f.src.Ledgers() {
		var skipped int64
		for _, n := range l.Skipped {
			skipped += n
		}
		p.Sources = append(p.Sources, SourceAccount{
			Name: l.Name, SHA256: l.SHA256, Format: l.Format, Basis: l.Basis, Resolution: l.Resolution,
			Lines: l.Lines, Packets: l.Packets, Requests: l.Requests, Skipped: skipped, Filtered: l.Filtered,
		})
	}
	return p
}

// peak is the rate of the busiest minute, or of the whole window where that is shorter.
func (f *fitter) peak() float64 {
	counts := f.arrivals.Counts
	n := int(min(max(1, int64(time.Minute)/f.arrivals.Width), int64(len(counts))))
	var sum, best int64
	for i, c := range counts {
		if sum += c; i >= n {
			sum -= counts[i-n]
		}
		if i >= n-1 {
			best = max(best, sum)
		}
	}
	return float64(best) / arrival.Seconds(min(int64(n)*f.arrivals.Width, f.window))
}

func family(terms []arrival.Term) string {
	switch len(terms) {
	case 0:
		return "poisson"
	case 1:
		return "mmpp2"
	}
	return "multiscale"
}

func tidyTerms(terms []arrival.Term) []arrival.Term {
	for i := range terms {
		t := &terms[i]
		t.A, t.S, t.On = stat.Significant(t.A, 3), stat.Significant(t.S, 3), stat.Significant(t.On, 3)
	}
	return terms
}

func tidyCurve(c arrival.Curve) arrival.Curve {
	for i := range c {
		c[i].Rate = stat.Significant(c[i].Rate, 6)
		if i < len(c)-1 {
			c[i].At = c[i].At / int64(time.Millisecond) * int64(time.Millisecond)
		}
	}
	return c
}

// burstTable compares the IDC of the captured requests with that of requests drawn from the model.
func (f *fitter) burstTable(a *Arrivals) {
	model := f.modelIDC()
	for i, s := range f.requestScales {
		if s.IDC <= 0 {
			continue
		}
		t := time.Duration(s.T)
		a.IDC = append(a.IDC, IDC{t, stat.Significant(s.IDC, 4), stat.Significant(model[i], 4), stat.Significant(s.SE, 2)})
		a.ScaleLaw = append(a.ScaleLaw, Law{t, stat.Significant(s.Independent, 4), stat.Significant(s.Common, 4)})
	}
}

// modelIDC is the mean IDC over a few plans drawn from the model and the pool, at the measured scales: so
// many plans that they have about a million requests, between one and ten.
func (f *fitter) modelIDC() []float64 {
	n := int(min(max(1e6/max(f.requests, 1), 1), 10))
	mean := make([]float64, len(f.requestScales))
	for i := range n {
		c := arrival.NewCascade(f.result.curve)
		for at := range f.result.Workload.Draw(f.result.Pool, stat.Hash(f.o.Seed, streamModel, uint64(i)), 1) {
			c.Add(at.At, -1)
		}
		for j, s := range c.Scales(f.resolution()) {
			mean[j] += s.IDC / float64(n)
		}
	}
	return mean
}

const streamModel = 0x6d6f64656c

func (f *fitter) describeEndpoint(id string, m *mix.Endpoint) Endpoint {
	method, path := splitID(id)
	e := Endpoint{
		ID: id, Method: method, Route: path, Requests: m.Requests,
		Share: stat.Significant(float64(m.Requests)/float64(f.requests), 4),
	}
	if l := &m.Latency; l.N > 0 {
		us := func(p float64) time.Duration {
			return time.Duration(math.Round(stat.Significant(l.Quantile(p), 3))) * time.Microsecond
		}
		e.Latency = Latency{l.N, us(0.5), us(0.9), us(0.99)}
	}
	if s := &m.Size; s.N > 0 {
		size := func(p float64) int64 { return int64(stat.Significant(s.Quantile(p), 3)) }
		e.Size = Size{s.N, size(0.5), size(0.9), size(0.99)}
	}
	var known int64
	for _, s := range m.Statuses() {
		known += s.N
	}
	for _, s := range m.Statuses() {
		e.Status = append(e.Status, StatusShare{s.Code, stat.Significant(float64(s.N)/float64(known), 4)})
	}
	return e
}

// Requests that a quantile needs before a run of this length can decide it: at least five beyond it for
// an effective sample a quarter as large.
const (
	decideP99 = 2000
	decideP90 = 200
)

// slack is the least that a proposed threshold leaves above what was observed: less than that and a pause of the
// machine decides the verdict, not the service.
const slack = 20 * time.Millisecond

// propose gives an endpoint a latency threshold of one and a half times what was observed, or slack more, where
// a run as long as the capture can decide it.
func (f *fitter) propose(e *Endpoint) {
	name, observed := "p99", e.Latency.P99
	switch {
	case e.Latency.N >= decideP99:
	case e.Latency.N >= decideP90:
		name, observed = "p90", e.Latency.P90
	default:
		return
	}
	t := name + " < " + nice(observed+max(observed/2, slack)).String()
	e.Thresholds = []string{t}
	if f.result.Workload.notes == nil {
		f.result.Workload.notes = map[string]string{}
	}
	f.result.Workload.notes[noteKey(e.ID, t)] = fmt.Sprintf("proposed: 1.5 x the observed %s of %v, at least %v more; n = %d", name, observed, slack, e.Latency.N)
}

// nice is the next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten at or above d, which is slack or more.
func nice(d time.Duration) time.Duration {
	for unit := time.Millisecond; ; unit *= 10 {
		for _, m := range []time.Duration{10, 12, 15, 20, 25, 30, 40, 50, 60, 80} {
			if v := m * unit; v >= d {
				return v
			}
		}
	}
}
