package arrival

import (
	"math"
	"time"

	"trafficreplay/shape/stat"
)

// walk goes through a model's window piece by piece: within a piece the curve is straight and no
// modulator changes. It is a value: a copy goes the same way again.
type walk struct {
	cum  cumulative
	now  int64
	n    int
	mods [MaxTerms]switcher
	seed uint64
}

// switcher is one modulator on its way.
type switcher struct {
	Modulator
	on      bool
	until   int64 // when the state ends
	counter uint64
}

// piece is a stretch with mass arrivals on average, the rate a line from r0 to r1 per second.
type piece struct {
	from, to int64
	r0, r1   float64
	mass     float64
}

func newWalk(m *Model, cum cumulative, seed uint64) walk {
	w := walk{cum: cum, seed: seed}
	for i, x := range m.Modulators() {
		if i == MaxTerms {
			break
		}
		s := switcher{Modulator: x}
		s.on = stat.Uniform(stat.Random(seed, stat.Hash(streamStates, uint64(i)), 0)) < x.On/(x.On+x.Off)
		w.mods[i] = s
		w.n++
		w.turn(i)
	}
	return w
}

// turn draws the end of modulator i's state.
func (w *walk) turn(i int) {
	s := &w.mods[i]
	s.counter++
	mean := s.Off
	if s.on {
		mean = s.On
	}
	e := stat.Exponential(stat.Random(w.seed, stat.Hash(streamStates, uint64(i)), s.counter))
	length := float64(float64(e*mean) * float64(time.Second))
	s.until += max(1, int64(min(length, math.MaxInt64/4)))
	if s.until < 0 {
		s.until = math.MaxInt64 / 2
	}
}

// next is the piece from now, at most to limit, and moves on.
func (w *walk) next(limit int64) piece {
	i := w.cum.piece(w.now)
	end := limit
	if i+1 < len(w.cum.c) && w.cum.c[i+1].At > w.now {
		end = min(end, w.cum.c[i+1].At)
	}
	factor := 1.0
	for j := range w.n {
		s := &w.mods[j]
		end = min(end, s.until)
		if s.on {
			factor += s.Up
		} else {
			factor -= s.Down
		}
	}
	factor = max(factor, 0)
	p := piece{from: w.now, to: end, r0: float64(factor * w.cum.rateIn(i, w.now)), r1: float64(factor * w.cum.rateIn(i, end))}
	p.mass = trapezoid(p.r0, p.r1, p.to-p.from)
	w.skip(end)
	return p
}

// skip moves to t, which is at or after now.
func (w *walk) skip(t int64) {
	for j := range w.n {
		for w.mods[j].until <= t {
			w.mods[j].on = !w.mods[j].on
			w.turn(j)
		}
	}
	w.now = t
}

// find is the instant before which the piece holds goal arrivals: the root of r0·x + slope·x²/2 = goal,
// in the form that does not cancel.
func (p *piece) find(goal float64) int64 {
	d := Seconds(p.to - p.from)
	if !(goal > 0) || d <= 0 {
		return p.from
	}
	slope := (p.r1 - p.r0) / d
	root := math.Sqrt(max(0, float64(p.r0*p.r0)+float64(float64(2*slope)*goal)))
	if p.r0+root <= 0 {
		return p.to - 1
	}
	x := float64(2*goal) / (p.r0 + root)
	t := p.from + int64(float64(x*float64(time.Second)))
	return min(max(t, p.from), p.to-1)
}
