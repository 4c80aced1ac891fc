// Package analyze turns the record of a run into a report: in goes run.json, out comes the one model that
// every rendering is a view of. Each threshold is judged again from its exact counts on the way in, so that
// a report cannot say anything else than the run did.
package analyze

import (
	"cmp"
	"math"
	"slices"

	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// Schema names the version of the document that [Report.JSON] returns.
const Schema = "replay.analyze/1"

// Report is a run with what its renderings share. It is read-only once made, so any number of goroutines may
// render it.
type Report struct {
	Document  *replay.Document // with every threshold recomputed
	Dir       string           // the run folder, as the caller or the document names it; empty: unknown
	Endpoints []Endpoint       // most trouble first
	Checks    []Check          // every threshold of every endpoint and of the whole run, most trouble first
	Verdicts  Tally            // over Checks
}

// Endpoint is an endpoint's result with figures derived from it.
type Endpoint struct {
	*replay.EndpointResult
	ErrorRate float64 // (failed + dropped) / (sent + dropped); NaN: nothing was sent
	SentShare float64 // of what was sent; NaN: nothing was
	Verdicts  Tally
	strain    float64 // of the threshold nearest to its limit
}

// Check is one threshold on one endpoint, or on the whole run.
type Check struct {
	Endpoint string // id; empty: the whole run
	threshold.Result
}

// Tally counts verdicts on thresholds.
type Tally struct {
	Passed, Failed, Undecided int
}

// Total is the number of thresholds counted.
func (t Tally) Total() int { return t.Passed + t.Failed + t.Undecided }

func (t *Tally) add(v threshold.Verdict) {
	switch v {
	case threshold.Fail:
		t.Failed++
	case threshold.Pass:
		t.Passed++
	default:
		t.Undecided++
	}
}

// New makes the report of a document, which it does not change. A threshold whose counts give another verdict
// than the recorded one is a [*MismatchError].
func New(d *replay.Document) (*Report, error) {
	doc, err := rejudge(d)
	if err != nil {
		return nil, err
	}
	r := &Report{Document: doc, Dir: doc.Out}
	var sent int64
	for i := range doc.Endpoints {
		sent += doc.Endpoints[i].Sent
	}
	for i := range doc.Endpoints {
		r.addEndpoint(&doc.Endpoints[i], sent)
	}
	for _, t := range doc.Thresholds {
		r.addCheck("", t)
	}
	slices.SortStableFunc(r.Endpoints, byTrouble)
	slices.SortStableFunc(r.Checks, func(a, b Check) int {
		return cmp.Or(cmp.Compare(rank(a.Verdict), rank(b.Verdict)), cmp.Compare(b.Strain(), a.Strain()))
	})
	return r, nil
}

func (r *Report) addEndpoint(e *replay.EndpointResult, sent int64) {
	out := Endpoint{
		EndpointResult: e,
		ErrorRate:      share(e.Failed+e.Dropped, e.Sent+e.Dropped),
		SentShare:      share(e.Sent, sent),
	}
	for _, t := range e.Thresholds {
		out.Verdicts.add(t.Verdict)
		out.strain = max(out.strain, r.addCheck(e.ID, t).Strain())
	}
	r.Endpoints = append(r.Endpoints, out)
}

func (r *Report) addCheck(id string, t threshold.Result) Check {
	c := Check{id, t}
	r.Verdicts.add(t.Verdict)
	r.Checks = append(r.Checks, c)
	return c
}

// byTrouble puts endpoints with a failed threshold first, then those with more errors, then those nearer to a
// limit, then the busier ones.
func byTrouble(a, b Endpoint) int {
	return cmp.Or(
		-cmp.Compare(min(a.Verdicts.Failed, 1), min(b.Verdicts.Failed, 1)),
		cmp.Compare(known(b.ErrorRate), known(a.ErrorRate)),
		cmp.Compare(b.strain, a.strain),
		cmp.Compare(b.Judged, a.Judged),
		cmp.Compare(a.ID, b.ID),
	)
}

func rank(v threshold.Verdict) int {
	switch v {
	case threshold.Fail:
		return 0
	case threshold.Undecided:
		return 1
	default:
		return 2
	}
}

// Strain is how much of what the threshold allows was used: 1 is at the limit. Where nothing is allowed, any
// sample beyond the limit is +Inf.
func (c Check) Strain() float64 {
	if c.Exceed.P == 0 || c.N == 0 {
		return 0
	}
	return c.Exceed.P / c.Exceed.Limit
}

// Beyond is the number of samples beyond the limit among N.
func (c Check) Beyond() int64 { return int64(math.Round(c.Exceed.P * float64(c.N))) }

// LagSound reports whether our own lag kept within its gate.
func (r *Report) LagSound() bool { return r.Document.LagUS.P99 <= r.Document.LagGateMS*1000 }

// ErrorRate is (failed + dropped) / (sent + dropped) over the whole run, NaN where nothing was sent.
func (r *Report) ErrorRate() float64 {
	d := r.Document
	return share(d.Failed+d.Dropped, d.Sent+d.Dropped)
}

// JSON is the document of analyze --json: run.json with every threshold recomputed and the schema's name
// replaced. It shares memory with the report.
func (r *Report) JSON() replay.Document {
	d := *r.Document
	d.Schema = Schema
	return d
}

// share is NaN over nothing.
func share(n, of int64) float64 {
	if of <= 0 {
		return math.NaN()
	}
	return float64(n) / float64(of)
}

// known replaces the absent by zero.
func known(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return f
}
