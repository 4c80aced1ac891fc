package arrival

import (
	"math"
	"time"
)

// Bins is how a window is cut to find its rate curve: about 10 s each, at least 60 of them where a second
// allows it, at most 5,000.
type Bins struct {
	Width  int64 // nanoseconds
	Counts []int64
}

// NewBins cuts a window of nanoseconds into empty bins.
func NewBins(window int64) *Bins {
	width := min(max(window/60, int64(time.Second)), int64(10*time.Second))
	width = max(width, window/5000+1)
	n := max(1, (window+width-1)/width)
	return &Bins{Width: max(1, (window+n-1)/n), Counts: make([]int64, n)}
}

// Add counts one arrival at t nanoseconds since the window began.
func (b *Bins) Add(t int64) {
	b.Counts[min(max(t/b.Width, 0), int64(len(b.Counts)-1))]++
}

// FitCurve finds the piecewise linear rate of a window from its counts: least squares on 2√(count+3/8),
// which has one variance at every rate, by optimal partitioning with a penalty of 3·log n·φ for each
// change (docs/shape.md). φ is the dispersion of the counts from one bin to the next: with the
// Poisson value of 1, bursts would be taken for changes of rate. A piece is at least min(10 min, window/20)
// long: what is shorter is burst. The curve's integral is the number of arrivals.
func FitCurve(b *Bins, window int64) Curve {
	s := newSums(b.Counts)
	n := len(b.Counts)
	shortest := int(min(int64(10*time.Minute), window/20)/b.Width) + 1
	shortest = min(max(shortest, 3), n)
	return s.curve(s.partition(shortest, s.dispersion()), b.Width, window)
}

// segment is a run of bins with a fitted line y = a + b·(i-from), b zero where a constant does.
type segment struct {
	from, to int
	a, b     float64
	cost     float64 // residual sum of squares, with the charge for a slope
}

// sums are prefix sums over bins: of counts, and of y = 2√(c+3/8) with its first moments.
type sums struct {
	y          []float64
	c          []int64
	sy, sj, sq []float64 // of y, i·y, y²
}

func newSums(counts []int64) *sums {
	n := len(counts)
	s := &sums{y: make([]float64, n), c: make([]int64, n+1), sy: make([]float64, n+1), sj: make([]float64, n+1), sq: make([]float64, n+1)}
	for i, c := range counts {
		y := 2 * math.Sqrt(float64(c)+0.375)
		s.y[i] = y
		s.c[i+1] = s.c[i] + c
		s.sy[i+1] = s.sy[i] + y
		s.sj[i+1] = s.sj[i] + float64(i)*y
		s.sq[i+1] = s.sq[i] + y*y
	}
	return s
}

// best is the better of a constant and a line over the bins [from, to), a slope being charged slope.
func (s *sums) best(from, to int, slope float64) segment {
	n := float64(to - from)
	sy := s.sy[to] - s.sy[from]
	flat := max(0, s.sq[to]-s.sq[from]-sy*sy/n)
	g := segment{from: from, to: to, a: sy / n, cost: flat}
	if n < 3 {
		return g
	}
	sxx := n * (n*n - 1) / 12
	sxy := s.sj[to] - s.sj[from] - (float64(from)+(n-1)/2)*sy
	if tilted := max(0, flat-sxy*sxy/sxx) + slope; tilted < flat {
		g.b = sxy / sxx
		g.a -= g.b * (n - 1) / 2
		g.cost = tilted
	}
	return g
}

func (s *sums) partition(shortest int, phi float64) []segment {
	n := len(s.y)
	change := 3 * math.Log(float64(max(n, 2))) * phi
	cost := make([]float64, n+1)
	prev := make([]int, n+1)
	cost[0] = -change
	for j := 1; j <= n; j++ {
		cost[j] = math.Inf(1)
		for i := 0; i <= j-shortest; i++ {
			if math.IsInf(cost[i], 1) || cost[i]+change >= cost[j] {
				continue
			}
			if v := cost[i] + change + s.best(i, j, change/2).cost; v < cost[j] {
				cost[j], prev[j] = v, i
			}
		}
	}
	var back []segment
	for j := n; j > 0; j = prev[j] {
		back = append(back, s.best(prev[j], j, change/2))
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}

// dispersion is the variance of y that is not curve, at least the Poisson 1: the largest of the estimates
// from second differences of means over 1, 3 and 6 bins, which a slope does not touch, and which a few
// steps raise by less than they stand out. Residuals around a first fit were tried and lost: where the
// fit is poor they are so large that it never gets better.
func (s *sums) dispersion() float64 {
	worst := 1.0
	for _, m := range []int{1, 3, 6} {
		var sq float64
		n := 0
		for i := 0; i+3*m < len(s.sy); i++ {
			d := s.sy[i] - 3*s.sy[i+m] + 3*s.sy[i+2*m] - s.sy[i+3*m]
			sq, n = sq+d*d, n+1
		}
		if n >= 6*m {
			worst = max(worst, sq/float64(6*m*n))
		}
	}
	return worst
}

// curve turns segments into knots whose integral over each segment is its count.
func (s *sums) curve(segments []segment, width, window int64) Curve {
	var c Curve
	for _, g := range segments {
		t0, t1 := int64(g.from)*width, min(int64(g.to)*width, window)
		mean := float64(s.c[g.to]-s.c[g.from]) / (float64(t1-t0) / float64(time.Second))
		r0, r1 := mean, mean
		if g.b != 0 {
			y0, y1 := max(0, g.a-g.b/2), max(0, g.a+g.b*(float64(g.to-g.from)-0.5))
			q0, q1 := y0*y0, y1*y1
			r0, r1 = 2*mean*q0/(q0+q1), 2*mean*q1/(q0+q1)
		}
		if k := len(c); k > 0 && c[k-1].Rate == r0 && c[k-1].At == t0 {
			c = c[:k-1]
		}
		c = append(c, Knot{t0, r0}, Knot{t1, r1})
	}
	c[len(c)-1].At = window
	return c
}
