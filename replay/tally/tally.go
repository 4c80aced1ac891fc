// Package tally takes one sample for every shot of a run and gives what they add up to: counts, latency
// percentiles and statuses per endpoint, exact counters for each threshold, figures over time, and the
// interval log.
//
// Each worker of an engine fills a [Tally] of its own; at the end they are merged. Merging adds integers
// only, so that any partition of the samples, merged in any order, gives the same summary.
package tally

import (
	"errors"
	"fmt"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"trafficreplay/replay/threshold"
)

// Outcome is how a shot ended, once its status has been judged.
type Outcome uint8

// The outcomes: planned = sent + dropped + cancelled, sent = ok + failed.
const (
	OK             Outcome = iota
	Failed                 // sent, but no complete response or one that counts as a failure
	DroppedCeiling         // never begun: the target held every slot
	DroppedLate            // never begun: our own fault
	Cancelled              // never begun: the run was stopped
)

// Sample is one shot. Times are nanoseconds; Intended counts from the begin of the run.
type Sample struct {
	Endpoint uint32
	Intended int64
	Latency  int64 // done − intended; of sent shots
	Service  int64 // done − sent; of sent shots
	Lag      int64 // sent − intended; of sent shots
	Connect  int64 // time to open its connection; of those with NewConn
	BytesIn  int64
	Status   uint16 // 0: no complete response
	Outcome  Outcome
	Err      uint8 // why it failed, a number below MaxErrs; 0: it did not, or its status says why
	Warmup   bool
	NewConn  bool
	Ours     bool // it failed through our own fault; implied by DroppedLate
}

// Rule is a threshold on one endpoint, or on the whole run.
type Rule struct {
	Threshold *threshold.Threshold
	Endpoint  int // index, or Whole
}

// Whole as the endpoint of a [Rule] stands for the whole run.
const Whole = -1

// Config is what a Tally must know of the run beforehand. Tallies are merged only under equal ones.
type Config struct {
	Endpoints int           // number of endpoints, at most MaxEndpoints
	Plan      time.Duration // length of the plan; later instants count towards its last interval
	Warmup    time.Duration // begin of the judged part
	Rules     []Rule        // at most MaxRules
}

// Ceilings, so that a tally is of bounded size whatever it is fed.
const (
	MaxEndpoints = 1024
	MaxRules     = 8192
	MaxErrs      = 16
)

// The histograms: microseconds, 1 µs to 1 h, three digits.
const (
	maxUS  = 3_600_000_000
	digits = 3
)

const late = int64(10 * time.Millisecond)

// Counts are numbers of shots, warm-up included.
type Counts struct {
	Planned, Sent, OK, Failed, DroppedCeiling, DroppedLate, Cancelled int64

	Warmup  int64 // of the planned ones
	Late    int64 // sent more than 10 ms after they were due
	Opened  int64 // connections
	BytesIn int64
}

// Dropped is the number of shots that were never begun though the run went on.
func (c *Counts) Dropped() int64 { return c.DroppedCeiling + c.DroppedLate }

func (c *Counts) add(o *Counts) {
	c.Planned += o.Planned
	c.Sent += o.Sent
	c.OK += o.OK
	c.Failed += o.Failed
	c.DroppedCeiling += o.DroppedCeiling
	c.DroppedLate += o.DroppedLate
	c.Cancelled += o.Cancelled
	c.Warmup += o.Warmup
	c.Late += o.Late
	c.Opened += o.Opened
	c.BytesIn += o.BytesIn
}

func (c *Counts) count(s *Sample) {
	c.Planned++
	if s.Warmup {
		c.Warmup++
	}
	switch s.Outcome {
	case OK:
		c.OK++
	case Failed:
		c.Failed++
	case DroppedCeiling:
		c.DroppedCeiling++
	case DroppedLate:
		c.DroppedLate++
	default:
		c.Cancelled++
	}
	if s.Outcome > Failed {
		return
	}
	c.Sent++
	c.BytesIn += s.BytesIn
	if s.Lag > late {
		c.Late++
	}
	if s.NewConn {
		c.Opened++
	}
}

// Tally counts samples. Its methods may be called concurrently, though it is meant for one recording
// goroutine, beside which another may take snapshots. Make one with [New].
type Tally struct {
	mu        sync.Mutex
	c         Config
	clock     clock
	counts    Counts
	endpoints []endpoint
	rules     []rule
	whole     []int // indices of the rules over the whole run
	lag       histogram
	connect   histogram
	series    series
}

// endpoint is what is kept for each of them; histograms and tables come with the first sample that needs them.
type endpoint struct {
	counts           Counts
	lost             int64     // failed and dropped after the warm-up
	latency, service histogram // of ok after the warm-up
	status           *[600]int64
	errs             [MaxErrs]int64
	rules            []int
	slots            []slot // latencies over time, after the warm-up
	warm             []slot // and in it
}

// slot is one stretch of time at one endpoint.
type slot struct {
	ok   sparse
	lost int64
}

type rule struct {
	t      *threshold.Threshold
	width  int64
	blocks []threshold.Block
	total  threshold.Block // what blocks add up to, and what lies past the last full window
}

// New makes an empty tally.
func New(c Config) (*Tally, error) {
	switch {
	case c.Endpoints < 1 || c.Endpoints > MaxEndpoints:
		return nil, fmt.Errorf("tally: %d endpoints, want 1 to %d", c.Endpoints, MaxEndpoints)
	case len(c.Rules) > MaxRules:
		return nil, fmt.Errorf("tally: %d thresholds times endpoints, limit %d", len(c.Rules), MaxRules)
	}
	t := &Tally{c: c, clock: newClock(c.Plan), endpoints: make([]endpoint, c.Endpoints)}
	t.series.init(t.clock.intervals)
	for i, r := range c.Rules {
		if r.Endpoint < Whole || r.Endpoint >= c.Endpoints {
			return nil, fmt.Errorf("tally: threshold %q is on endpoint %d of %d", r.Threshold, r.Endpoint, c.Endpoints)
		}
		width, n, err := r.Threshold.Layout(c.Plan - c.Warmup)
		if err != nil {
			return nil, err
		}
		t.rules = append(t.rules, rule{t: r.Threshold, width: int64(width), blocks: make([]threshold.Block, n)})
		if r.Endpoint == Whole {
			t.whole = append(t.whole, i)
		} else {
			t.endpoints[r.Endpoint].rules = append(t.endpoints[r.Endpoint].rules, i)
		}
	}
	return t, nil
}

// Record counts one shot. It does not keep s. It allocates only when an endpoint or an interval of time is
// seen for the first time and when a table of latencies doubles.
func (t *Tally) Record(s *Sample) {
	t.mu.Lock()
	e := &t.endpoints[s.Endpoint]
	t.counts.count(s)
	e.counts.count(s)
	e.explain(s)
	t.series.count(&t.clock, s)
	if s.Outcome <= Failed {
		t.lag.record(s.Lag)
		if s.NewConn {
			t.connect.record(s.Connect)
		}
	}
	e.time(&t.clock, s)
	if !s.Warmup {
		t.judge(e, s)
	}
	t.mu.Unlock()
}

// explain counts the status and the error.
func (e *endpoint) explain(s *Sample) {
	if s.Status > 0 {
		if e.status == nil {
			e.status = new([600]int64)
		}
		e.status[min(int(s.Status), len(e.status)-1)]++
	}
	if s.Err > 0 {
		e.errs[min(s.Err, MaxErrs-1)]++
	}
}

// time records when and how long.
func (e *endpoint) time(c *clock, s *Sample) {
	if s.Outcome == Cancelled {
		return
	}
	slots := &e.slots
	if s.Warmup {
		slots = &e.warm
	}
	if *slots == nil {
		*slots = make([]slot, c.slots)
	}
	k := &(*slots)[c.slot(s.Intended)]
	if s.Outcome != OK {
		k.lost++
		return
	}
	k.ok.add(bucketOf(micros(s.Latency)), 1)
}

// judge counts what the verdicts look at.
func (t *Tally) judge(e *endpoint, s *Sample) {
	j := threshold.Sample{
		Latency: s.Latency, Service: s.Service, Status: s.Status,
		Failed:    s.Outcome == Failed,
		Dropped:   s.Outcome == DroppedCeiling || s.Outcome == DroppedLate,
		Cancelled: s.Outcome == Cancelled,
		Ours:      s.Ours || s.Outcome == DroppedLate,
	}
	switch {
	case s.Outcome == OK:
		e.latency.record(s.Latency)
		e.service.record(s.Service)
	case !j.Cancelled:
		e.lost++
	}
	at := s.Intended - int64(t.c.Warmup)
	for _, i := range e.rules {
		t.rules[i].count(&j, at)
	}
	for _, i := range t.whole {
		t.rules[i].count(&j, at)
	}
}

func (r *rule) count(s *threshold.Sample, at int64) {
	judged, beyond, noLag := r.t.Count(s)
	if !judged {
		return
	}
	r.total.Add(beyond, noLag)
	i := max(0, at/r.width)
	if n := int64(len(r.blocks)); i >= n {
		if r.t.Window > 0 {
			return
		}
		i = n - 1
	}
	r.blocks[i].Add(beyond, noLag)
}

// ErrConfig says that two tallies of different runs were to be merged.
var ErrConfig = errors.New("tally: the tallies are of different runs")

// Merge adds what o counted to t and leaves o as it is. Nothing may be recorded into o meanwhile.
func (t *Tally) Merge(o *Tally) error {
	if !t.c.equal(&o.c) {
		return ErrConfig
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.add(&o.counts)
	t.lag.merge(&o.lag)
	t.connect.merge(&o.connect)
	t.series.merge(&o.series)
	for i := range t.endpoints {
		t.endpoints[i].merge(&o.endpoints[i])
	}
	for i := range t.rules {
		a, b := &t.rules[i], &o.rules[i]
		a.total.Merge(b.total)
		for j := range a.blocks {
			a.blocks[j].Merge(b.blocks[j])
		}
	}
	return nil
}

func (c *Config) equal(o *Config) bool {
	if c.Endpoints != o.Endpoints || c.Plan != o.Plan || c.Warmup != o.Warmup || len(c.Rules) != len(o.Rules) {
		return false
	}
	for i, r := range c.Rules {
		if r.Endpoint != o.Rules[i].Endpoint || *r.Threshold != *o.Rules[i].Threshold {
			return false
		}
	}
	return true
}

func (e *endpoint) merge(o *endpoint) {
	e.counts.add(&o.counts)
	e.lost += o.lost
	e.latency.merge(&o.latency)
	e.service.merge(&o.service)
	if o.status != nil {
		if e.status == nil {
			e.status = new([600]int64)
		}
		for i, n := range o.status {
			e.status[i] += n
		}
	}
	for i, n := range o.errs {
		e.errs[i] += n
	}
	mergeSlots(&e.slots, o.slots)
	mergeSlots(&e.warm, o.warm)
}

func mergeSlots(dst *[]slot, src []slot) {
	if src == nil {
		return
	}
	if *dst == nil {
		*dst = make([]slot, len(src))
	}
	for i := range src {
		(*dst)[i].lost += src[i].lost
		(*dst)[i].ok.merge(&src[i].ok)
	}
}

// histogram is an HDR histogram that takes no memory until its first value, with the exact maximum beside it.
type histogram struct {
	h   *hdr.Histogram
	max int64 // nanoseconds
}

func (h *histogram) record(ns int64) {
	if h.h == nil {
		h.h = hdr.New(1, maxUS, digits)
	}
	h.max = max(h.max, ns)
	// The value is clamped to the histogram's range, which leaves no error to return.
	_ = h.h.RecordValue(micros(ns))
}

func (h *histogram) merge(o *histogram) {
	if o.h == nil {
		return
	}
	if h.h == nil {
		h.h = hdr.New(1, maxUS, digits)
	}
	h.max = max(h.max, o.max)
	h.h.Merge(o.h)
}

func (h *histogram) count() int64 {
	if h.h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// micros rounds to the nearest microsecond within the range of the histograms.
func micros(ns int64) int64 { return min(max(0, (ns+500)/1000), maxUS) }
