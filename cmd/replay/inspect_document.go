package main

import (
	"cmp"
	"context"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"trafficreplay/capture"
	"trafficreplay/replay/plan"
	"trafficreplay/shape/route"
	"trafficreplay/shape/stat"
)

// inspectDocument is what inspect --json prints; the text is a view of it.
type inspectDocument struct {
	Schema    string           `json:"schema"`
	Kind      string           `json:"kind"`  // capture or source
	File      string           `json:"file"`  // of several sources: their names, as typed
	Whole     bool             `json:"whole"` // false: torn, or still being written; the figures are of what is sound
	Requests  int64            `json:"requests"`
	First     string           `json:"first"` // arrival, empty without requests
	Last      string           `json:"last"`
	SpanS     float64          `json:"span_s"`
	Rate      rateDocument     `json:"rate"`
	Endpoints []routeCount     `json:"endpoints"` // the most frequent first
	Methods   map[string]int64 `json:"methods"`
	Status    map[string]int64 `json:"status"` // "unknown" for requests without one
	Clients   clientCount      `json:"clients"`
	Hosts     []string         `json:"hosts"`
	HostsMore bool             `json:"hosts_overflow"`     // there are more than those
	Hostless  int64            `json:"hostless"`           // requests that name no host
	Redaction string           `json:"redaction"`          // rules that were applied; "none": secrets were kept; empty: unknown
	Redacted  map[string]int64 `json:"redacted,omitempty"` // of a source: values by class that a capture would redact
	Tool      string           `json:"tool"`
	Sources   []capture.Ledger `json:"sources"`
	Missing   []missingField   `json:"missing"`
	ToLog     []logAdvice      `json:"to_log"`

	RedactedBefore []string `json:"redacted_before,omitempty"` // other rules that went over some requests when they were captured first
}

type rateDocument struct {
	Mean    float64   `json:"mean_per_s"`
	Peak    int64     `json:"peak_in_a_second"`
	PeakAt  string    `json:"peak_at"`
	ColumnS float64   `json:"column_s"`      // seconds that one column stands for
	Columns []float64 `json:"per_s"`         // rate in each column
	Gap     float64   `json:"longest_gap_s"` // without a single request
	GapFrom string    `json:"longest_gap_from"`
}

type routeCount struct {
	ID       string  `json:"id"`
	Requests int64   `json:"requests"`
	Share    float64 `json:"share"`
}

type clientCount struct {
	Distinct int64 `json:"distinct"`
	Exact    bool  `json:"exact"`   // false: an estimate, right to about 2%
	Unknown  int64 `json:"unknown"` // requests without a client
}

// survey gathers what the document says in one pass, in bounded memory.
type survey struct {
	routes  *route.Learner
	rate    rateSeries
	methods map[string]int64
	status  [1000]int64
	clients distinct
	hosts   capture.HostSet
	have    coverage
	kept    bodyless
}

// coverage is how many requests have each field.
type coverage struct {
	requests, duration, client, host, query, agent, encoding, status, size, wire, conn int64
	subsecond                                                                          bool
}

func newSurvey() *survey {
	return &survey{routes: route.NewLearner(route.Options{}), methods: map[string]int64{}, clients: newDistinct(), kept: newBodyless()}
}

// maxMethods bounds the methods that are told apart.
const maxMethods = 32

func (s *survey) add(q *capture.Request) {
	s.routes.Add(q.Method, q.Target, q.Status, max(q.RespSize, 0))
	s.rate.add(q.At)
	if _, ok := s.methods[string(q.Method)]; ok || len(s.methods) < maxMethods && len(q.Method) <= 32 {
		s.methods[string(q.Method)]++
	} else {
		s.methods["other"]++
	}
	if q.Status >= 0 && q.Status < len(s.status) {
		s.status[q.Status]++
	}
	s.hosts.Add(q.Host)
	s.cover(q)
	if r := plan.Unsendable(q); r == plan.ReasonNoBody || r == plan.ReasonCutBody {
		s.kept.add(q)
	}
}

func (s *survey) cover(q *capture.Request) {
	c := &s.have
	c.requests++
	c.subsecond = c.subsecond || q.At%int64(time.Second) != 0
	c.duration += one(q.DurUS != capture.Unknown)
	c.host += one(len(q.Host) > 0)
	c.status += one(q.Status != 0)
	c.size += one(q.RespSize != capture.Unknown)
	c.conn += one(q.Conn != 0)
	for _, b := range q.Target {
		if b == '?' {
			c.query++
			break
		}
	}
	for i := range q.Headers {
		switch len(q.Headers[i].Name) {
		case len("User-Agent"):
			c.agent += one(equalFold(q.Headers[i].Name, "User-Agent"))
		case len("Accept-Encoding"):
			c.encoding += one(equalFold(q.Headers[i].Name, "Accept-Encoding"))
		}
	}
	c.wire += one(q.RespWire != capture.Unknown)
	if len(q.Client) > 0 {
		c.client++
		s.clients.add(q.Client)
	}
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func equalFold(b []byte, s string) bool {
	for i := range b {
		if b[i]|0x20 != s[i]|0x20 {
			return false
		}
	}
	return len(b) == len(s)
}

// read surveys a whole stream. The error is that of the stream; what came before it is in the survey.
func (s *survey) read(ctx context.Context, r capture.Stream, progress func(n int64)) error {
	var q capture.Request
	for n := int64(1); ; n++ {
		if n&(1<<16-1) == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			progress(n)
		}
		if err := r.Next(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		s.add(&q)
	}
}

// document puts together what was gathered and what the file knows about itself.
func (s *survey) document(kind, file string, m *capture.Meta) *inspectDocument {
	d := &inspectDocument{
		Schema: "replay.inspect/1", Kind: kind, File: file, Requests: s.have.requests, Rate: s.rate.document(),
		Methods: s.methods, Status: map[string]int64{},
		Hosts: s.hosts.Names(), HostsMore: s.hosts.Overflow, Hostless: s.hosts.Hostless,
		Redaction: m.Redaction, RedactedBefore: m.RedactedBefore, Tool: m.Tool, Sources: m.Sources,
		Endpoints: []routeCount{}, Missing: []missingField{}, ToLog: []logAdvice{},
	}
	if d.Requests > 0 {
		d.First, d.Last = stamp(s.rate.first), stamp(s.rate.last)
		d.SpanS = float64(uint64(s.rate.last)-uint64(s.rate.first)) / 1e9
	}
	for code, n := range s.status {
		if n > 0 && code == 0 {
			d.Status["unknown"] = n
		} else if n > 0 {
			d.Status[strconv.Itoa(code)] = n
		}
	}
	d.Clients.Distinct, d.Clients.Exact = s.clients.count()
	d.Clients.Unknown = s.have.requests - s.have.client
	t := s.routes.Learn()
	for _, e := range t.Endpoints() {
		if e.Requests > 0 {
			d.Endpoints = append(d.Endpoints, routeCount{e.ID, e.Requests, share(e.Requests, d.Requests)})
		}
	}
	slices.SortStableFunc(d.Endpoints, func(a, b routeCount) int { return cmp.Compare(b.Requests, a.Requests) })
	d.Missing = append(d.Missing, s.missing(t, m)...)
	if len(d.Missing) > 0 {
		d.ToLog = append(d.ToLog, adviceFor(m.Sources, d.Missing)...)
	}
	return d
}

func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// distinct counts different values: exactly up to a bound, above it by HyperLogLog (Flajolet, Fusy, Gandouet and
// Meunier 2007) with 2^14 registers, whose standard error is 0.8%.
type distinct struct {
	seen      map[uint64]struct{}
	registers []uint8
	hash      hash.Hash64
}

const (
	maxDistinct  = 1 << 14
	registerBits = 14
)

func newDistinct() distinct {
	return distinct{map[uint64]struct{}{}, make([]uint8, 1<<registerBits), fnv.New64a()}
}

func (d *distinct) add(value []byte) {
	d.hash.Reset()
	_, _ = d.hash.Write(value) // never fails
	h := stat.Hash(d.hash.Sum64())
	if len(d.seen) <= maxDistinct {
		d.seen[h] = struct{}{}
	}
	rank := uint8(1)
	for rest := h << registerBits; rest>>63 == 0 && rank <= 64-registerBits; rest <<= 1 {
		rank++
	}
	if r := &d.registers[h>>(64-registerBits)]; *r < rank {
		*r = rank
	}
}

func (d *distinct) count() (n int64, exact bool) {
	if len(d.seen) <= maxDistinct {
		return int64(len(d.seen)), true
	}
	var sum float64
	for _, r := range d.registers {
		sum += math.Ldexp(1, -int(r))
	}
	m := float64(len(d.registers))
	return int64(0.7213 / (1 + 1.079/m) * m * m / sum), false
}

// spanText is a length of time as people say it: 2 days 3 h, 8 min 20 s.
func spanText(seconds float64) string {
	s := int64(math.Round(seconds))
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.3g s", seconds)
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	case s < 2*86400:
		return fmt.Sprintf("1 day %d h", s/3600%24)
	}
	return fmt.Sprintf("%s days %d h", thousands(s/86400), s/3600%24)
}
