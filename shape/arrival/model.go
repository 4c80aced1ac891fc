// Package arrival takes the instants at which requests or sessions arrived and gives a model of them, and
// takes a model and gives instants again.
//
// The model is a rate curve times a burst process (docs/shape.md). [FitCurve] finds the curve,
// a [Cascade] measures the index of dispersion of counts (IDC) around it at scales from 10 ms to 100 s,
// [FitTerms] explains that by at most three on/off modulators, and [Starts] draws from the result.
// [Dequantise] gives stamps of a coarse clock their place within the tick.
package arrival

import (
	"iter"
	"math"
	"time"

	"trafficreplay/shape/stat"
)

// Model is a rate curve and what makes it burst. The zero value has no arrivals. It is not changed by use
// and is safe for concurrent use.
type Model struct {
	Curve Curve
	Terms []Term // at most MaxTerms; none: Poisson
}

// IDC is the model's index of dispersion at scale t seconds.
func (m *Model) IDC(t float64) float64 {
	v := 1.0
	for _, x := range m.Terms {
		v += x.A * Phi(x.S*t)
	}
	return v
}

// Modulator is one term as a two-state process: the rate is multiplied by 1+Up while it is on and by
// 1-Down while it is off (added up over the terms); On and Off are the mean lengths of a state in seconds.
type Modulator struct{ Up, Down, On, Off float64 }

// Modulators are the terms as processes. A term's relative deviation σ follows from A = 2·m·σ²/S, with m
// the rate at which the mean arrival sees the curve. Where σ adds up to more than 1, terms are on for less
// than half of the time, so that the rate is never negative.
func (m *Model) Modulators() []Modulator {
	rate := m.Curve.weightedMean()
	var sum float64
	sigma := make([]float64, len(m.Terms))
	for i, t := range m.Terms {
		if rate > 0 && t.A > 0 && t.S > 0 {
			sigma[i] = math.Sqrt(float64(t.A*t.S) / float64(2*rate))
		}
		sum += sigma[i]
	}
	out := make([]Modulator, len(m.Terms))
	for i, t := range m.Terms {
		most := 1 / (1 + float64(sum*sum))
		on := min(0.5, most)
		if t.On > 0 && len(m.Terms) == 1 {
			on = min(t.On, most)
		}
		odds := math.Sqrt((1 - on) / on)
		out[i] = Modulator{
			Up: float64(sigma[i] * odds), Down: sigma[i] / odds,
			On: 1 / float64(t.S*(1-on)), Off: 1 / float64(t.S*on),
		}
	}
	return out
}

// block is how long the stretches are within which the number of starts is fixed: min(10 min, window/20),
// but ten times the longest scale, and 200 times the slowest term's relaxation. A fixed number takes
// variance away, t/block of it at scale t and 2/(block·S) of a term's; and more where bursts are rare and tall.
func (m *Model) block() int64 {
	w := m.Curve.Window()
	b := max(min(int64(10*time.Minute), w/20), 10*Longest(w), 1)
	for _, t := range m.Terms {
		if r := 200 / t.S; r < Seconds(w) {
			b = max(b, int64(r*float64(time.Second)))
		} else {
			b = w
		}
	}
	return max(min(b, w), 1)
}

// Starts yields the instants of a model's starts before to, nanoseconds since the window began, in order.
// The curve is multiplied by scale, the bursts are not changed by it. The number of starts in a block is
// the rounded difference of the curve's integral at its ends, so that the total is the model's mean to
// within one; their places are drawn with a density of curve times bursts. Every value is a function of
// (seed, place), in constant memory, alike on every CPU: the starts before an instant do not depend on to.
func Starts(m Model, seed uint64, scale float64, to int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		window := m.Curve.Window()
		if window <= 0 || !(scale > 0) {
			return
		}
		cum := m.Curve.cumulative()
		w := newWalk(&m, cum, seed)
		step := m.block()
		before := int64(0)
		for begin := int64(0); begin < window && begin < to; begin += step {
			end := min(begin+step, window)
			after := round(cum.at(end), scale)
			b := block{walk: w, n: after - before, end: end, key: stat.Hash(streamPlaces, uint64(begin))}
			if !b.fill(seed, to, yield) {
				return
			}
			before = after
			w.skip(end)
		}
	}
}

func round(mass, scale float64) int64 { return int64(math.Floor(float64(mass*scale) + 0.5)) }

// Count is how many starts [Starts] yields over the whole window.
func Count(m Model, scale float64) int64 {
	if m.Curve.Window() <= 0 || !(scale > 0) {
		return 0
	}
	return round(m.Curve.cumulative().at(m.Curve.Window()), scale)
}

// Streams of randomness within a seed.
const (
	streamPlaces = 0x61727269_0001
	streamStates = 0x61727269_0002
)

// block draws the n starts up to end: n ordered uniforms as partial sums of n+1 exponentials, divided by
// their total, which is summed first; and so without keeping any.
type block struct {
	walk walk
	n    int64
	end  int64
	key  uint64
}

func (b *block) fill(seed uint64, to int64, yield func(int64) bool) bool {
	if b.n <= 0 {
		return true
	}
	var total uint64 // of exponentials, in units of 2^-30: 2^34 of them fit
	for i := int64(0); i <= b.n; i++ {
		total += fixed(seed, b.key, i)
	}
	sizing := b.walk
	var mass float64
	for sizing.now < b.end {
		mass += sizing.next(b.end).mass
	}
	if mass <= 0 {
		return true
	}
	var sum uint64
	var passed float64
	p := b.walk.next(b.end)
	for i := int64(0); i < b.n; i++ {
		sum += fixed(seed, b.key, i)
		goal := float64(mass * (float64(sum) / float64(total)))
		for passed+p.mass < goal && b.walk.now < b.end {
			passed += p.mass
			p = b.walk.next(b.end)
		}
		if t := p.find(goal - passed); t >= to || !yield(t) {
			return false
		}
	}
	return true
}

func fixed(seed, key uint64, i int64) uint64 {
	return uint64(float64(stat.Exponential(stat.Random(seed, key, uint64(i))) * (1 << 30)))
}
