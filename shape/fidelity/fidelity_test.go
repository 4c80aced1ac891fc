package fidelity

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"trafficreplay/shape/arrival"
	"trafficreplay/shape/stat"
)

// site is the traffic of a made-up site: sessions of three requests, ten endpoints, popular and rare targets, bursts.
type site struct {
	seed      uint64
	window    int64
	curve     arrival.Curve
	terms     []arrival.Term
	extra     float64 // of the requests that go to endpoint 3 instead
	requests  int     // in a session
	alike     bool    // every target is as popular as any other
	size, err float64 // factor of the sizes; share of the statuses that are 500
	think     float64 // seconds between the requests of a session, on average
}

func aSite(seed uint64) site {
	window := 1800 * second
	return site{seed: seed, window: window, curve: arrival.Curve{{At: 0, Rate: 15}, {At: window / 2, Rate: 25}, {At: window, Rate: 15}},
		terms: []arrival.Term{{A: 12, S: 0.5}, {A: 6, S: 20}}, requests: 3, size: 1, think: 4}
}

const endpoints = 10

// events are the requests of a site in order.
func (s site) events() []Event {
	var out []Event
	model := arrival.Model{Curve: s.curve, Terms: s.terms}
	session := uint64(0)
	for at := range arrival.Starts(model, s.seed, 1, s.window) {
		draw := func(i uint64) float64 { return stat.Uniform(stat.Random(s.seed, session, i)) }
		when := at
		for i := range uint64(s.requests) {
			e := Event{At: when, Session: session, Status: 200}
			e.Endpoint = int(endpoints * math.Pow(draw(10*i), 2))
			if draw(10*i+1) < s.extra {
				e.Endpoint = 3
			}
			rank := math.Exp(draw(10*i+2) * math.Log(5000)) // Zipf with exponent 1
			if s.alike {
				rank = draw(10*i+2) * 5000
			}
			e.Target = stat.Hash(uint64(e.Endpoint), uint64(rank))
			e.Size = int64(s.size * 500 * (1 + stat.Exponential(stat.Random(s.seed, session, 10*i+3))))
			if draw(10*i+4) < s.err {
				e.Status = 500
			}
			out = append(out, e)
			when += int64(s.think * float64(second) * stat.Exponential(stat.Random(s.seed, session, 10*i+5)))
		}
		session++
	}
	out = slices.DeleteFunc(out, func(e Event) bool { return e.At >= s.window })
	slices.SortStableFunc(out, func(a, b Event) int { return int(min(max(a.At-b.At, -1), 1)) })
	return out
}

// requestCurve is the rate of requests of a site.
func (s site) requestCurve() arrival.Curve {
	c := slices.Clone(s.curve)
	for i := range c {
		c[i].Rate *= float64(s.requests)
	}
	return c
}

func metered(curve arrival.Curve, resolution int64, events []Event) *Meter {
	m := NewMeter(Options{Curve: curve, Endpoints: endpoints, Resolution: resolution, Timeout: minute})
	for i := range events {
		m.Add(&events[i])
	}
	return m
}

// shuffled has the gaps of a traffic in another order.
func shuffled(events []Event) []Event {
	out := slices.Clone(events)
	gaps := make([]int64, 0, len(out))
	for i := 1; i < len(out); i++ {
		gaps = append(gaps, out[i].At-out[i-1].At)
	}
	for i := len(gaps) - 1; i > 0; i-- {
		j := int(stat.Below(stat.Random(7, 7, uint64(i)), uint64(i+1)))
		gaps[i], gaps[j] = gaps[j], gaps[i]
	}
	for i, g := range gaps {
		out[i+1].At = out[i].At + g
	}
	return out
}

// TestCompare has another traffic of the same site score high in every part, and each change of it flagged in the right part.
func TestCompare(t *testing.T) {
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	if os.Getenv("REPLAY_EXPERIMENTS") != "" {
		seeds = 20
	}
	changes := []struct {
		name, part string
		most       float64 // score of the part
		change     func(s site) []Event
	}{
		{"five points to one endpoint", "mix", 80, func(s site) []Event { s.extra = 0.055; return s.events() }},
		{"Poisson arrivals", "burst", 20, func(s site) []Event { s.terms = nil; return s.events() }},
		{"shuffled gaps", "burst", 20, func(s site) []Event { return shuffled(s.events()) }},
		{"a fifth more", "rate curve", 50, func(s site) []Event {
			s.curve = slices.Clone(s.curve)
			for i := range s.curve {
				s.curve[i].Rate *= 1.2
			}
			return s.events()
		}},
		{"every target alike", "params", 20, func(s site) []Event { s.alike = true; return s.events() }},
		{"sessions of four", "sessions", 20, func(s site) []Event { s.requests = 4; return s.events() }},
		{"twice the size", "sizes", 20, func(s site) []Event { s.size = 2; return s.events() }},
		{"5% errors", "outcome", 20, func(s site) []Event { s.err = 0.05; return s.events() }},
		{"no time to think", "sessions", 20, func(s site) []Event { s.think = 0.2; return s.events() }},
	}
	missed := uint64(0)
	for seed := range seeds {
		s := aSite(seed + 1)
		curve := s.requestCurve()
		reference := metered(curve, 0, s.events())
		s.seed += 1000
		same := Compare(reference, metered(curve, 0, s.events()))
		t.Logf("seed %d: %v", seed, &same)
		if same.Score < 95 || same.Verdict != Faithful {
			missed++
			t.Logf("seed %d: the same site again: %v\n%s", seed, &same, table(&same))
		}
		for _, x := range changes {
			card := Compare(reference, metered(curve, 0, x.change(s)))
			if p := card.Part(x.part); p == nil || p.Score > x.most || card.Verdict == Faithful {
				t.Errorf("seed %d: %s: %v\n%s", seed, x.name, &card, table(&card))
			}
		}
	}
	if missed > seeds/20 { // floors are what chance stays below in 95 of 100 cases
		t.Errorf("the same site again was not faithful for %d of %d seeds", missed, seeds)
	}
}

func table(c *Card) string {
	var b []byte
	for _, p := range c.Parts {
		b = fmt.Appendf(b, "%-14s distance %.4f floor %.4f score %5.1f  %s\n", p.Name, p.Distance, p.Floor, p.Score, p.Note)
	}
	return string(b)
}

// TestMeterForgetsEvenly meters more targets than are kept: those that are left stand for all.
func TestMeterForgetsEvenly(t *testing.T) {
	o := Options{Curve: arrival.Flat(1000, 400*second), Endpoints: 1, Timeout: minute}
	traffic := func(shift uint64) *Meter {
		m := NewMeter(o)
		for i := range uint64(400_000) {
			m.Add(&Event{At: int64(i) * second / 1000, Session: i, Target: i%300_000 + shift})
		}
		return m
	}
	m := traffic(0)
	if len(m.targets) > maxTargets || len(m.targets) < maxTargets/4 {
		t.Fatalf("%d targets, want at most %d and a quarter of it at least", len(m.targets), maxTargets)
	}
	twice := 0
	for _, x := range m.targets {
		if everyone(m).number(&x.n) == 2 {
			twice++
		}
	}
	if share := float64(twice) / float64(len(m.targets)); math.Abs(share-1./3) > 0.01 {
		t.Errorf("%.3f of the targets came twice, want a third", share)
	}
	same, other := Compare(m, traffic(0)), Compare(m, traffic(1<<40))
	if d := same.Part("params").Distance; d != 0 {
		t.Errorf("distance to the same traffic %v", d)
	}
	if d := other.Part("params").Distance; d < 0.01 {
		t.Errorf("distance to other targets %v", d)
	}
}

// TestMeterIsBounded meters what has no end of sessions, targets and pairs.
func TestMeterIsBounded(t *testing.T) {
	m := NewMeter(Options{Curve: arrival.Flat(1e5, 20*second), Endpoints: 2000, Timeout: 30 * minute})
	for i := range uint64(2_000_000) {
		m.Add(&Event{At: int64(i) * 10_000, Session: i / 2, Endpoint: int(stat.Hash(i) % 2000), Target: i, Size: int64(i), Status: int(i)})
	}
	if len(m.open) > maxOpen || len(m.pairs) > maxPairs+1 || len(m.targets) > maxTargets {
		t.Errorf("%d sessions, %d pairs, %d targets at once", len(m.open), len(m.pairs), len(m.targets))
	}
	if c := Compare(m, m); math.Abs(c.Score-100) > 1e-9 {
		t.Errorf("against itself: %v", &c)
	}
}

// TestCompareNothing compares where there is little or nothing.
func TestCompareNothing(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10} {
		var events []Event
		for i := range n {
			events = append(events, Event{At: int64(i) * second, Session: uint64(i), Size: -1})
		}
		curve := arrival.Flat(1, 10*second)
		card := Compare(metered(curve, 0, events), metered(curve, 0, events))
		for _, p := range card.Parts {
			if math.IsNaN(p.Score) || p.Score != 100 {
				t.Errorf("%d requests: %s scores %v", n, p.Name, p.Score)
			}
		}
		if len(card.Parts)+len(card.NotAssessed) < len(aspects) || n == 0 && card.Verdict != Unknown {
			t.Errorf("%d requests: %v", n, &card)
		}
	}
}
