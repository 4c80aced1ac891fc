// Package fidelity takes two traffics of one window (a capture and a plan of it, a plan and what was sent) and says how far the
// second is from the first: part by part, each against the noise that the first shows by itself.
//
// A [Meter] sums up one traffic in bounded memory; [Compare] judges two that were metered alike. The distances, their levels
// and weights are in docs/statistics.md; the noise floor of a part is the distance between halves of the first traffic, made of
// stretches of time that take turns.
package fidelity

import (
	"trafficreplay/shape/arrival"
	"trafficreplay/shape/stat"
)

// Event is one request of a traffic.
type Event struct {
	At       int64  // nanoseconds since the window began; never falls from one event to the next
	Session  uint64 // names the session
	Endpoint int    // its index, the busiest first; negative: none that is known
	Target   uint64 // stands for what was asked of the endpoint: equal for equal targets
	Size     int64  // bytes of the request's body; negative: not known
	Status   int    // of the response, captured or expected; 0: not known
}

// Options say what is metered. Those of two traffics that are compared are the first one's.
type Options struct {
	Curve      arrival.Curve // the rate of requests, around which bursts are measured; its end is that of the window
	Endpoints  int           // how many there are
	Resolution int64         // of the coarsest stamps, nanoseconds: nothing is said about what is finer
	Timeout    int64         // of sessions, nanoseconds of silence
}

const (
	groups     = 8 // of stretches of time, which take turns
	topGaps    = 20
	classes    = 6       // of statuses: unknown, 1xx … 5xx
	maxTargets = 1 << 17 // that are counted at once
	maxPairs   = 1 << 16 // of endpoints that follow each other
	maxOpen    = 1 << 18 // sessions at once
	second     = int64(1e9)
	minute     = 60 * second
)

// Meter sums up one traffic. It is not safe for concurrent use. It takes some 80 MB at most.
type Meter struct {
	o      Options
	window int64
	cell   int64 // length of a stretch
	width  int64 // of the windows of mixAt
	rates  []float64

	all     int64
	mix     tally
	mixAt   []tally
	status  tally
	span    int64   // of the stretches of bins: a minute, or less where that is too long for its dispersion to be known
	bins    []int64 // requests in each
	cascade *arrival.Cascade
	scales  []arrival.Scale
	closed  bool
	floors  map[string]float64 // of its parts, as far as they were asked for

	last   int64 // arrival
	lastOf [topGaps]int64
	gaps   [1 + topGaps]spread // of all, and of the busiest endpoints

	targets  map[uint64]*target
	sampling uint64 // targets are counted whose hash is not above it
	sizes    spread

	open            map[uint64]*visit
	swept           int64
	lengths, thinks spread
	pairs           map[uint64]*[groups]int64
}

// tally is counts of one kind by group.
type tally [groups][]int64

// spread is a histogram by group.
type spread [groups]stat.Histogram

type target struct {
	endpoint int32
	n        [groups]int64
}

// visit is a session under way.
type visit struct {
	last     int64
	requests int64
	endpoint int32
	group    int
}

// NewMeter makes a meter.
func NewMeter(o Options) *Meter {
	m := &Meter{
		o: o, window: o.Curve.Window(), mix: newTally(1 + o.Endpoints), status: newTally(classes),
		targets: map[uint64]*target{}, sampling: ^uint64(0), open: map[uint64]*visit{}, pairs: map[uint64]*[groups]int64{},
		cascade: arrival.NewCascade(o.Curve), last: -1,
	}
	m.cell = min(max(m.window/(10*groups), second/100), minute)
	m.width = max(5*minute, m.window/48)
	for range m.window / m.width {
		m.mixAt = append(m.mixAt, newTally(1+o.Endpoints))
	}
	if m.span = minute; m.window < 30*minute {
		m.span = arrival.Longest(m.window)
	}
	if m.span > 0 {
		m.bins = make([]int64, m.window/m.span)
	}
	m.rates = o.Curve.Rates(int(min(max(m.window/second, 1), 100_000)))
	for i := range m.lastOf {
		m.lastOf[i] = -1
	}
	return m
}

func newTally(n int) (t tally) {
	for g := range t {
		t[g] = make([]int64, n)
	}
	return t
}

// Add counts one request. Of those outside of the window only that they came.
func (m *Meter) Add(e *Event) {
	m.all++
	if e.At < 0 || e.At >= m.window {
		return
	}
	g := m.group(e.At)
	place := max(e.Endpoint, -1) + 1
	if place > m.o.Endpoints {
		place = 0
	}
	m.mix[g][place]++
	if w := int(e.At / m.width); w < len(m.mixAt) {
		m.mixAt[w][g][place]++
	}
	if m.span > 0 && e.At/m.span < int64(len(m.bins)) {
		m.bins[e.At/m.span]++
	}
	m.status[g][class(e.Status)]++
	m.cascade.Add(e.At, -1)
	m.gap(e.At, place-1, g)
	m.target(e, g)
	m.visit(e, g)
	if e.Size >= 0 {
		m.sizes[g].Add(e.Size)
	}
}

// group is that of an instant: stretches of time take turns, in another order each round, so that no group has what comes once in
// so many minutes.
func (m *Meter) group(at int64) int {
	stretch := uint64(at / m.cell)
	return int((stretch + stat.Hash(stretch/groups)) % groups)
}

func class(status int) int {
	if c := status / 100; c >= 1 && c < classes {
		return c
	}
	return 0
}

// gap counts the time since the last request, and since the last of the endpoint, in millionths of what is usual at the rate.
func (m *Meter) gap(at int64, endpoint, g int) {
	rate := m.rates[int(min(at/max(m.window/int64(len(m.rates)), 1), int64(len(m.rates)-1)))]
	count := func(h *spread, last *int64) {
		if *last >= 0 {
			h[g].Add(int64(float64(at-*last) / 1e3 * rate))
		}
		*last = at
	}
	count(&m.gaps[0], &m.last)
	if endpoint >= 0 && endpoint < topGaps {
		count(&m.gaps[1+endpoint], &m.lastOf[endpoint])
	}
}

// target counts what was asked for: all targets, or once there are too many of them those of an even sample of them
// (Waldspurger, Park, Garthwaite and Ahmad 2015, SHARDS with a fixed size).
func (m *Meter) target(e *Event, g int) {
	h := stat.Hash(e.Target)
	if e.Endpoint < 0 || h > m.sampling {
		return
	}
	t := m.targets[e.Target]
	if t == nil {
		t = &target{endpoint: int32(e.Endpoint)}
		m.targets[e.Target] = t
	}
	t.n[g]++
	if len(m.targets) > maxTargets {
		m.sample(m.sampling / 2)
	}
}

// sample forgets the targets whose hash is above the limit.
func (m *Meter) sample(limit uint64) {
	m.sampling, m.floors = limit, nil
	for name := range m.targets {
		if stat.Hash(name) > limit {
			delete(m.targets, name)
		}
	}
}

// A session's first request follows begins, after never milliseconds; others stands for all pairs for which there is no room.
const (
	begins = -2
	never  = 1 << 40
	others = ^uint64(0)
)

// visit counts a request in its session.
func (m *Meter) visit(e *Event, g int) {
	if e.At-m.swept > m.o.Timeout/4 || len(m.open) >= maxOpen {
		m.sweep(e.At)
	}
	v := m.open[e.Session]
	if v == nil {
		v = &visit{endpoint: begins, group: g}
		m.open[e.Session] = v
		m.thinks[g].Add(never)
	} else {
		m.thinks[g].Add((e.At - v.last) / 1e6)
	}
	pair := uint64(uint32(v.endpoint))<<32 | uint64(uint32(e.Endpoint))
	n := m.pairs[pair]
	if n == nil {
		if len(m.pairs) >= maxPairs {
			pair = others
		}
		if n = m.pairs[pair]; n == nil {
			n = new([groups]int64)
			m.pairs[pair] = n
		}
	}
	n[g]++
	v.last, v.endpoint = e.At, int32(e.Endpoint)
	v.requests++
}

// sweep ends the sessions that were silent for so long that they are over; where there are too many all of them.
func (m *Meter) sweep(now int64) {
	crowded := len(m.open) >= maxOpen
	for name, v := range m.open {
		if crowded || now-v.last > m.o.Timeout {
			m.lengths[v.group].Add(v.requests)
			delete(m.open, name)
		}
	}
	m.swept = now
}

// close ends the sessions and the counts.
func (m *Meter) close() {
	if m.closed {
		return
	}
	m.closed = true
	for _, v := range m.open {
		m.lengths[v.group].Add(v.requests)
	}
	m.open = nil
	m.scales = m.cascade.Scales(m.o.Resolution)
}
