package arrival

import (
	"slices"
	"time"
)

// Knot is one point of a rate curve.
type Knot struct {
	At   int64   // nanoseconds since the window began
	Rate float64 // per second
}

// Curve is a rate over a window: straight lines between knots in order of time, the first at 0 and the
// last at the window's end. Two knots at one instant are a step.
type Curve []Knot

// Window is the length of the curve in nanoseconds.
func (c Curve) Window() int64 {
	if len(c) == 0 {
		return 0
	}
	return c[len(c)-1].At
}

// Flat is the curve of a constant rate over a window of nanoseconds.
func Flat(rate float64, window int64) Curve { return Curve{{0, rate}, {window, rate}} }

// cumulative answers how much of a curve lies before an instant. Every product is converted, so that no
// CPU fuses it with a sum: the counts of a plan are made of these figures.
type cumulative struct {
	c   Curve
	sum []float64 // mass before each knot
}

func (c Curve) cumulative() cumulative {
	k := cumulative{c, make([]float64, len(c))}
	for i := 1; i < len(c); i++ {
		k.sum[i] = k.sum[i-1] + trapezoid(c[i-1].Rate, c[i].Rate, c[i].At-c[i-1].At)
	}
	return k
}

func trapezoid(r0, r1 float64, ns int64) float64 {
	return float64(float64((r0+r1)*0.5)*float64(ns)) / float64(time.Second)
}

// at is the mass before t.
func (k cumulative) at(t int64) float64 {
	i := k.piece(t)
	a := k.c[i]
	return k.sum[i] + trapezoid(a.Rate, k.rateIn(i, t), t-a.At)
}

// piece is the index of the knot that begins the piece that holds t, as far as there is one.
func (k cumulative) piece(t int64) int {
	i, _ := slices.BinarySearchFunc(k.c, t, func(n Knot, t int64) int {
		if n.At <= t {
			return -1
		}
		return 1
	})
	return min(max(i-1, 0), max(len(k.c)-2, 0))
}

func (k cumulative) rateIn(i int, t int64) float64 {
	a, b := k.c[i], k.c[min(i+1, len(k.c)-1)]
	if b.At <= a.At {
		return a.Rate
	}
	f := float64(t-a.At) / float64(b.At-a.At)
	return a.Rate + float64(f*(b.Rate-a.Rate))
}

// Mean is the mean rate per second over the window.
func (c Curve) Mean() float64 {
	if c.Window() <= 0 {
		return 0
	}
	return c.cumulative().at(c.Window()) / (float64(c.Window()) / float64(time.Second))
}

// Rates are the mean rates per second in n equal parts of the window.
func (c Curve) Rates(n int) []float64 {
	window := c.Window()
	if window <= 0 || n < 1 {
		return nil
	}
	mass := c.cumulative()
	rates := make([]float64, n)
	width := float64(window) / float64(n)
	before := 0.0
	for i := range rates {
		upTo := mass.at(int64(float64(i+1) * width))
		rates[i] = (upTo - before) / (width / float64(time.Second))
		before = upTo
	}
	return rates
}

// weightedMean is ∫λ²/∫λ, the rate at which the mean request arrives: what the level of an IDC refers to.
func (c Curve) weightedMean() float64 {
	var num, den float64
	for i := 1; i < len(c); i++ {
		a, b, d := c[i-1].Rate, c[i].Rate, float64(c[i].At-c[i-1].At)
		num += float64(d*(float64(a*a)+float64(a*b)+float64(b*b))) / 3
		den += float64(d*(a+b)) / 2
	}
	if den <= 0 {
		return 0
	}
	return num / den
}

// powers are the sums of L, L² and L³ over a run of windows, L the mass in each.
type powers struct{ l1, l2, l3 float64 }

// windows sums over the windows [i·width, (i+1)·width) for from <= i < to. Within one piece the mass is
// linear in i, so that a run costs as much as its knots, however many windows it has.
func (k cumulative) windows(width, from, to int64) powers {
	var p powers
	for i := from; i < to; {
		piece := k.piece(i * width)
		end := to
		if piece+1 < len(k.c)-1 {
			end = min(to, k.c[piece+1].At/width) // windows [i, end) lie wholly in the piece
		}
		first := k.at((i+1)*width) - k.at(i*width)
		if end-i < 2 {
			p.add(first, 0, 1)
			i++
			continue
		}
		last := k.at(end*width) - k.at((end-1)*width)
		p.add(first, (last-first)/float64(end-1-i), float64(end-i))
		i = end
	}
	return p
}

// add adds the n terms a, a+b, a+2b, …
func (p *powers) add(a, b, n float64) {
	s1 := n * (n - 1) / 2
	s2 := (n - 1) * n * (2*n - 1) / 6
	s3 := s1 * s1
	p.l1 += n*a + b*s1
	p.l2 += n*a*a + 2*a*b*s1 + b*b*s2
	p.l3 += n*a*a*a + 3*a*a*b*s1 + 3*a*b*b*s2 + b*b*b*s3
}
