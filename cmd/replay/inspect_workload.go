package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficreplay/replay/guard"
	"trafficreplay/replay/plan"
	"trafficreplay/shape"
)

// workloadDocument is what inspect --json prints of a workload file; the text is a view of it.
type workloadDocument struct {
	Schema     string             `json:"schema"`
	File       string             `json:"file"`
	Name       string             `json:"name"`
	Extends    string             `json:"extends,omitempty"`
	Seed       uint64             `json:"seed"`
	From       string             `json:"from"`
	To         string             `json:"to"`
	WindowS    float64            `json:"window_s"`
	Requests   int64              `json:"requests"`
	Resolution float64            `json:"resolution_s"`
	Sources    []string           `json:"sources"`
	Rate       workloadRate       `json:"rate"`
	Bursts     workloadBursts     `json:"bursts"`
	Sessions   workloadSessions   `json:"sessions"`
	Methods    map[string]float64 `json:"methods"` // shares of the requests
	Status     map[string]float64 `json:"status"`  // shares of those whose status was recorded
	Endpoints  []workloadEndpoint `json:"endpoints"`
	Thresholds []string           `json:"thresholds"` // over the whole run, or with a scope of their own
	Safety     workloadSafety     `json:"safety"`
}

type workloadRate struct {
	Mean      float64   `json:"mean_per_s"`
	Peak      float64   `json:"busiest_minute_per_s"`
	Starts    float64   `json:"sessions_per_s"`
	ColumnS   float64   `json:"column_s"`
	SessionsS []float64 `json:"sessions_per_s_by_column"`
}

// workloadBursts compares the counts of requests in windows of one length with those of a Poisson process.
type workloadBursts struct {
	Family  string  `json:"family"`
	WindowS float64 `json:"window_s"`    // 0: the capture was too short to measure any
	Capture float64 `json:"idc_capture"` // 1 is Poisson
	Model   float64 `json:"idc_model"`
}

type workloadSessions struct {
	Count      int64   `json:"count"`
	MeanLength float64 `json:"mean_length"`
	TimeoutS   float64 `json:"timeout_s"`
	Pool       string  `json:"pool"`
	Kept       int     `json:"pool_sessions"`
	Requests   int     `json:"pool_requests"`
	PoolError  string  `json:"pool_error,omitempty"` // why a run could not use the pool
}

type workloadEndpoint struct {
	ID         string   `json:"id"`
	Share      float64  `json:"share"`
	Requests   int64    `json:"requests"`
	P50        float64  `json:"observed_p50_ms,omitempty"`
	P99        float64  `json:"observed_p99_ms,omitempty"`
	Thresholds []string `json:"thresholds"`
	Expect     []int    `json:"expect,omitempty"`
}

// workloadSafety counts in the pool, which is all sessions or a sample of them.
type workloadSafety struct {
	CapturedHosts []string         `json:"captured_hosts"`
	HostsUnknown  bool             `json:"hosts_unknown"`
	AllowWrites   []string         `json:"allow_writes"`
	Unsendable    map[string]int64 `json:"unsendable_in_pool"`
	Withheld      map[string]int64 `json:"withheld_in_pool"`
}

// inspectWorkload explains a workload file. One whose pool is missing or another's is explained too, with a warning.
func (a *app) inspectWorkload(ctx context.Context, path string) error {
	w, err := shape.Read(path)
	if err != nil {
		return usage(err)
	}
	d := newWorkloadDocument(path, w)
	pool, err := w.ReadPool()
	if err != nil {
		d.Sessions.PoolError = err.Error()
		a.term.warnf("%s; a run needs it", err)
	} else if err := d.Safety.count(ctx, w, pool); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(d)
	}
	return writeWorkloadText(a.term, d)
}

func newWorkloadDocument(path string, w *shape.Workload) *workloadDocument {
	p := &w.Provenance
	d := &workloadDocument{
		Schema: "replay.inspect-workload/1", File: path, Name: w.Name, Extends: w.Extends, Seed: w.Seed,
		From: stamp(p.From.UnixNano()), To: stamp(p.To.UnixNano()), WindowS: p.To.Sub(p.From).Seconds(),
		Requests: p.Requests, Resolution: p.Resolution.Seconds(), Sources: []string{},
		Rate: workloadRate{Mean: w.Arrivals.Rate, Peak: w.Arrivals.Peak, Starts: w.Arrivals.Starts},
		Sessions: workloadSessions{
			Count: w.Sessions.Count, MeanLength: w.Sessions.MeanLength, TimeoutS: w.Sessions.Timeout.Seconds(),
			Pool: w.Sessions.Pool, Kept: w.Sessions.PoolSessions, Requests: w.Sessions.PoolRequests,
		},
		Methods: map[string]float64{}, Status: map[string]float64{}, Endpoints: []workloadEndpoint{}, Thresholds: notNil(w.Thresholds),
		Safety: workloadSafety{
			CapturedHosts: notNil(w.Safety.CapturedHosts), HostsUnknown: w.Safety.HostsUnknown, AllowWrites: notNil(w.Safety.AllowWrites),
			Unsendable: map[string]int64{}, Withheld: map[string]int64{},
		},
	}
	for i := range p.Sources {
		d.Sources = append(d.Sources, p.Sources[i].Name)
	}
	d.Rate.SessionsS = notNil(w.Arrivals.Curve.Rates(sparkWidth))
	d.Rate.ColumnS = d.WindowS / sparkWidth
	d.Bursts = burstsOf(&w.Arrivals)
	d.addEndpoints(w.Endpoints)
	return d
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// telling is the window whose burstiness is told: what a target with a short queue feels.
const telling = time.Second

func burstsOf(a *shape.Arrivals) workloadBursts {
	b := workloadBursts{Family: a.Family}
	for i := range a.IDC { // in order of the windows: the last one that is not longer, else the shortest
		if i == 0 || a.IDC[i].T <= telling {
			b.WindowS, b.Capture, b.Model = a.IDC[i].T.Seconds(), a.IDC[i].Capture, a.IDC[i].Model
		}
	}
	return b
}

func (d *workloadDocument) addEndpoints(es []shape.Endpoint) {
	known := 0.0
	for i := range es {
		e := &es[i]
		d.Endpoints = append(d.Endpoints, workloadEndpoint{
			ID: e.ID, Share: e.Share, Requests: e.Requests, Thresholds: notNil(e.Thresholds), Expect: e.Expect,
			P50: milliseconds(e.Latency.P50), P99: milliseconds(e.Latency.P99),
		})
		d.Methods[cmp.Or(e.Method, e.ID)] += e.Share
		for _, s := range e.Status {
			d.Status[strconv.Itoa(s.Code)] += s.Share * e.Share
			known += s.Share * e.Share
		}
	}
	for code := range d.Status {
		d.Status[code] /= known
	}
	slices.SortStableFunc(d.Endpoints, func(a, b workloadEndpoint) int { return cmp.Compare(b.Share, a.Share) })
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// count asks of every request in the pool what would become of it in a run against loopback.
func (s *workloadSafety) count(ctx context.Context, w *shape.Workload, pool *shape.Pool) error {
	target, err := url.Parse(planOnlyTarget)
	if err != nil {
		return err
	}
	g, err := guard.Resolve(ctx, guard.Policy{Targets: []*url.URL{target}, AllowWrites: w.Safety.AllowWrites}, net.DefaultResolver)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", w.Path, err))
	}
	for i := range pool.Sessions {
		for _, r := range pool.Sessions[i].Requests {
			if reason := plan.Unsendable(r.Request); reason != "" {
				s.Unsendable[reason]++
			} else if reason, held := g.Withhold(r.Request.Method, r.Request.Target, w.Endpoints[r.Endpoint].ID); held {
				s.Withheld[reason]++
			}
		}
	}
	return nil
}

// sharesText lists shares, the largest first.
func sharesText(m map[string]float64) string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b)) })
	var parts []string
	rest := 0.0
	for i, n := range names {
		if i >= shownCounts {
			rest += m[n]
			continue
		}
		parts = append(parts, clipped(n)+" "+percentText(m[n]))
	}
	if rest > 0 {
		parts = append(parts, "others "+percentText(rest))
	}
	return strings.Join(parts, ", ")
}
