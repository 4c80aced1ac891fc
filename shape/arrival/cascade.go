package arrival

import (
	"math"
	"time"

	"trafficreplay/shape/stat"
)

const (
	// Groups is the number of groups of clients that a scale law is estimated from.
	Groups = 16
	// blocks is the number of blocks of time behind a standard error.
	blocks = 20
	// fewest is how many windows a scale needs before anything is said about it.
	fewest = 30
)

// scales are the widths of windows at which counts are looked at, two for each decade.
var scales = [...]int64{10e6, 30e6, 100e6, 300e6, 1e9, 3e9, 10e9, 30e9, 100e9}

// Longest is the longest scale of a window of nanoseconds: that with at least 30 windows; 0 if none.
func Longest(window int64) int64 {
	var t int64
	for _, s := range scales {
		if window/s >= fewest {
			t = s
		}
	}
	return t
}

// Scale is what the counts in windows of one width say.
type Scale struct {
	T           int64   // width of the windows, nanoseconds
	N           int64   // number of windows
	IDC         float64 // variance of the counts around the curve, divided by their mean
	SE          float64 // its standard error, by block jackknife; at least that of Poisson counts
	Independent float64 // a: the part that stays when there are k times as many clients
	Common      float64 // b: the part that grows k times; IDC_k = a + k·b
	third       float64 // third central moment of the counts, divided by their mean
	mean        float64 // arrivals in a window
}

// Cascade counts arrivals at all scales at once around a known curve, in constant memory. It is not safe
// for concurrent use.
type Cascade struct {
	window int64
	cum    cumulative
	levels []level
	cell   int64 // the current cell of the finest scale, and what it holds
	total  int64
	groups [Groups]int64
	size   [Groups]int64 // of groups, over the whole window
	all    int64
}

// level is one scale: the window being filled, and the sums over closed windows.
type level struct {
	width, n, index int64
	count           int64
	groups          [Groups]int64
	num             [blocks]float64 // Σ N²-2NL
	cube            float64         // Σ N³-3N²L+3NL²
	gg, gl          [Groups]float64 // Σ N_g², Σ N_g·L
	rr, rl          float64         // the same for all groups together
}

// NewCascade makes a cascade around a curve.
func NewCascade(c Curve) *Cascade {
	k := &Cascade{window: c.Window(), cum: c.cumulative(), cell: -1}
	for _, w := range scales {
		if n := k.window / w; n >= fewest {
			k.levels = append(k.levels, level{width: w, n: n, index: -1})
		}
	}
	return k
}

// Add counts one arrival at t nanoseconds since the window began; t never falls. group is that of its
// client, in [0, Groups), or -1 for a client that is kept apart because it is too big to be one of many.
func (k *Cascade) Add(t int64, group int) {
	cell := t / scales[0]
	if cell != k.cell {
		k.flush()
		k.cell = cell
	}
	k.total++
	k.all++
	if group >= 0 {
		k.groups[group]++
		k.size[group]++
	}
}

func (k *Cascade) flush() {
	if k.total == 0 {
		return
	}
	at := k.cell * scales[0]
	for i := range k.levels {
		l := &k.levels[i]
		if index := at / l.width; index != l.index {
			l.close(k.cum)
			l.index = index
		}
		l.count += k.total
		for g, n := range k.groups {
			l.groups[g] += n
		}
	}
	k.total, k.groups = 0, [Groups]int64{}
}

// close adds the window being filled to the sums, unless it sticks out at the end.
func (l *level) close(cum cumulative) {
	if l.count > 0 && l.index < l.n {
		mass := cum.at((l.index+1)*l.width) - cum.at(l.index*l.width)
		n := float64(l.count)
		l.num[l.index*blocks/l.n] += n*n - 2*n*mass
		l.cube += n*n*n - 3*n*n*mass + 3*n*mass*mass
		var rest float64
		for g, c := range l.groups {
			v := float64(c)
			l.gg[g] += v * v
			l.gl[g] += v * mass
			rest += v
		}
		l.rr += rest * rest
		l.rl += rest * mass
	}
	l.count, l.groups = 0, [Groups]int64{}
}

// Scales closes the cascade and gives its scales from the finest that is at least resolution nanoseconds
// wide. The standard error is never less than √(2/N), that of Poisson counts.
func (k *Cascade) Scales(resolution int64) []Scale {
	k.flush()
	var out []Scale
	for i := range k.levels {
		l := &k.levels[i]
		l.close(k.cum)
		if l.width >= resolution {
			out = append(out, k.scale(l))
		}
	}
	return out
}

func (k *Cascade) scale(l *level) Scale {
	var num, den [blocks]float64
	var sum powers
	for b := range int64(blocks) {
		p := k.cum.windows(l.width, (b*l.n+blocks-1)/blocks, ((b+1)*l.n+blocks-1)/blocks)
		num[b], den[b] = l.num[b]+p.l2, p.l1
		sum.l1, sum.l2, sum.l3 = sum.l1+p.l1, sum.l2+p.l2, sum.l3+p.l3
	}
	s := Scale{T: l.width, N: l.n, mean: sum.l1 / float64(l.n)}
	if sum.l1 <= 0 {
		return s
	}
	for _, v := range num {
		s.IDC += v / sum.l1
	}
	s.SE = math.Sqrt(2/float64(l.n) + 1/sum.l1)
	if se := stat.Jackknife(num[:], den[:]); se > s.SE {
		s.SE = se
	}
	s.third = (l.cube - sum.l3) / sum.l1
	s.Common = k.common(l, sum)
	s.Independent = s.IDC - s.Common
	return s
}

// common is b: [Var(ΣN_g) - ΣVar(N_g)] / (1 - Σw_g²), divided by the mean (docs/shape.md), kept
// between nothing and what the IDC has beyond the Poisson 1.
func (k *Cascade) common(l *level, sum powers) float64 {
	var rest int64
	for _, n := range k.size {
		rest += n
	}
	if rest == 0 {
		return 0
	}
	var within, weights float64
	for g := range Groups {
		share := float64(k.size[g]) / float64(k.all)
		within += l.gg[g] - 2*share*l.gl[g] + share*share*sum.l2
		w := float64(k.size[g]) / float64(rest)
		weights += w * w
	}
	if weights > 0.5 {
		return 0 // too few clients to be told apart
	}
	share := float64(rest) / float64(k.all)
	whole := l.rr - 2*share*l.rl + share*share*sum.l2
	return max(0, (whole-within)/(1-weights)/sum.l1)
}

// Seconds is a duration in nanoseconds as seconds.
func Seconds(ns int64) float64 { return float64(ns) / float64(time.Second) }
