package tally

import (
	"math"
	"strconv"
	"strings"

	"trafficreplay/replay/threshold"
)

// Number is a figure that may be infinite or absent; see [threshold.Number].
type Number = threshold.Number

// Percentiles of a time in milliseconds. One that failures reach is +Inf, and NaN stands where nothing was
// judged. The q-quantile of n samples is the ceil(q·n)-th smallest.
type Percentiles struct {
	P50, P90, P95, P99, P999, Max Number
}

// Summary is what a run adds up to. The memory belongs to the caller.
type Summary struct {
	Counts
	Endpoints  []Endpoint
	Thresholds []threshold.Result // one per Rule of the Config, in the same order
	LagUS      Lag
	ConnectMS  Percentiles // of new connections
	Series     Series
}

// Lag is sent − intended over all sent shots in microseconds; zero where none was sent.
type Lag struct{ P50, P99, Max float64 }

// Endpoint is the summary of one endpoint. Counts, Status and Errors include the warm-up, the rest does not.
type Endpoint struct {
	Counts
	Judged      int64 // ok + failed + dropped: the n of the percentiles
	LatencyMS   Percentiles
	ServiceMS   Percentiles
	OKLatencyMS Percentiles // over ok alone
	Status      map[string]int64
	Errors      [MaxErrs]int64 // by Sample.Err
	Spark       []Number       // p99 latency per interval of Series
}

// Series are figures over time by intended instant, one value per interval, warm-up included. They have the
// fields of replay.Series, into which they convert.
type Series struct {
	IntervalS float64
	Planned   []int64
	Sent      []int64 // by the instant of sending
	OK        []int64
	Failed    []int64
	Dropped   []int64
	P50       []Number // milliseconds
	P90       []Number
	P99       []Number
	LagP99US  []Number
	InFlight  []int64 // at the end of the interval
	WarmupS   float64
}

// Summary adds everything up. It takes milliseconds per endpoint and is meant for the end of a run.
func (t *Tally) Summary() *Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Summary{Counts: t.counts, ConnectMS: t.connect.percentiles(0), Series: t.summarise()}
	if lag := t.lag.percentiles(0); t.lag.h != nil {
		s.LagUS = Lag{P50: 1000 * float64(lag.P50), P99: 1000 * float64(lag.P99), Max: float64(t.lag.max) / 1e3}
	}
	for i := range t.endpoints {
		s.Endpoints = append(s.Endpoints, t.endpoints[i].summary(&t.clock))
	}
	for i, r := range t.rules {
		blocks := append([]threshold.Block{}, r.blocks...)
		observed := Number(math.NaN())
		if e := t.c.Rules[i].Endpoint; e != Whole {
			observed = s.Endpoints[e].named(r.t.Metric)
		}
		s.Thresholds = append(s.Thresholds, r.t.Evaluate(blocks, observed))
	}
	return s
}

func (e *endpoint) summary(c *clock) Endpoint {
	s := Endpoint{
		Counts: e.counts, Judged: e.latency.count() + e.lost, Errors: e.errs, Status: map[string]int64{},
		LatencyMS: e.latency.percentiles(e.lost), ServiceMS: e.service.percentiles(e.lost), OKLatencyMS: e.latency.percentiles(0),
	}
	if e.status != nil {
		for code, n := range e.status {
			if n > 0 {
				s.Status[strconv.Itoa(code)] = n
			}
		}
	}
	for i := range c.intervals {
		var d distribution
		e.gather(c, i, &d)
		s.Spark = append(s.Spark, d.quantile(990))
	}
	return s
}

// gather adds the endpoint's latencies of interval i to d.
func (e *endpoint) gather(c *clock, i int, d *distribution) {
	for _, slots := range [][]slot{e.warm, e.slots} {
		if slots == nil {
			continue
		}
		for k := i * c.perInterval; k < (i+1)*c.perInterval; k++ {
			d.tables = append(d.tables, &slots[k].ok)
			d.lost += slots[k].lost
		}
	}
}

func (t *Tally) summarise() Series {
	x := &t.series
	s := Series{
		IntervalS: float64(t.clock.interval) / 1e9, WarmupS: t.c.Warmup.Seconds(),
		Planned: clone(x.planned), Sent: clone(x.sent), OK: clone(x.ok), Failed: clone(x.failed), Dropped: clone(x.dropped),
	}
	var inFlight int64
	for i := range t.clock.intervals {
		var d distribution
		for j := range t.endpoints {
			t.endpoints[j].gather(&t.clock, i, &d)
		}
		s.P50 = append(s.P50, d.quantile(500))
		s.P90 = append(s.P90, d.quantile(900))
		s.P99 = append(s.P99, d.quantile(990))
		lag := distribution{tables: []*sparse{&x.lag[i]}}
		s.LagP99US = append(s.LagP99US, 1000*lag.quantile(990))
		inFlight += x.begun[i] - x.ended[i]
		s.InFlight = append(s.InFlight, inFlight)
	}
	return s
}

func clone(s []int64) []int64 { return append([]int64{}, s...) }

// distribution is what was seen of a time in some interval.
type distribution struct {
	tables  []*sparse
	lost    int64
	buckets []bucket // of tables, sorted; made by the first quantile
	ok      int64
}

// quantile is the q/1000 quantile in milliseconds.
func (d *distribution) quantile(q int64) Number {
	if d.buckets == nil {
		d.buckets = sorted(d.tables...)
		for _, b := range d.buckets {
			d.ok += b.n
		}
	}
	rank, where := rankOf(q, d.ok, d.lost)
	if where != within {
		return where.number()
	}
	for _, b := range d.buckets {
		if rank -= b.n; rank <= 0 {
			return Number(upper(b.b)) / 1000
		}
	}
	return Number(math.NaN())
}

// place says where a quantile lies.
type place uint8

const (
	nowhere place = iota // nothing was judged
	within               // among the ok
	beyond               // among those that never got an answer
)

func (p place) number() Number {
	if p == beyond {
		return Number(math.Inf(1))
	}
	return Number(math.NaN())
}

// rankOf is the rank, from 1, of the q/1000 quantile among ok finite samples and lost infinite ones. This is
// what keeps failures from improving a percentile: they stand at the far end of the order, not outside it.
func rankOf(q, ok, lost int64) (int64, place) {
	n := ok + lost
	if n == 0 {
		return 0, nowhere
	}
	rank := max(1, n/1000*q+(n%1000*q+999)/1000)
	if rank > ok {
		return rank, beyond
	}
	return rank, within
}

// percentiles of h with lost samples at +inf beside those it holds.
func (h *histogram) percentiles(lost int64) Percentiles {
	p := Percentiles{P50: h.quantile(500, lost), P90: h.quantile(900, lost), P95: h.quantile(950, lost),
		P99: h.quantile(990, lost), P999: h.quantile(999, lost), Max: h.quantile(1000, lost)}
	return p
}

func (h *histogram) quantile(q, lost int64) Number {
	ok := h.count()
	rank, where := rankOf(q, ok, lost)
	if where != within {
		return where.number()
	}
	highest := Number(h.max) / 1e6
	if rank == ok {
		return highest
	}
	// The library rounds percentile·n/100 to the nearest rank: aimed at the rank itself, no rounding of
	// floating point can move it to a neighbour.
	us := h.h.ValueAtPercentile(100 * float64(rank) / float64(ok))
	return min(Number(us)/1000, highest)
}

// named is the percentile that a threshold's metric means; NaN for a share.
func (e *Endpoint) named(metric string) Number {
	p := &e.LatencyMS
	if m, ok := strings.CutPrefix(metric, "service_"); ok {
		p, metric = &e.ServiceMS, m
	}
	switch metric {
	case "p50":
		return p.P50
	case "p90":
		return p.P90
	case "p95":
		return p.P95
	case "p99":
		return p.P99
	case "p999":
		return p.P999
	case "max":
		return p.Max
	}
	return Number(math.NaN())
}
