package arrival

import (
	"math"

	"trafficreplay/shape/stat"
)

// MaxTerms is the most burst terms a model has.
const MaxTerms = 3

// Term is one on/off modulator of the arrival rate. It raises the IDC at scale t by A·φ(S·t), with
// φ(x) = 1-(1-e^-x)/x: A is how much in the long run, S (per second) how fast.
type Term struct {
	A, S float64
	On   float64 // share of the time that it is on; 0: as Model chooses
}

// Phi is 1-(1-e^-x)/x, the rise of a modulator's IDC from 0 to 1.
func Phi(x float64) float64 {
	if x < 1e-4 {
		return x/2 - x*x/6
	}
	return 1 + math.Expm1(-x)/x
}

// FitTerms finds the burst terms behind the scales of a count (the multi-scale family): the
// non-negative least squares fit of IDC-1 by at most MaxTerms terms, over every choice of their speeds
// on a log grid of four for each decade, then refined. A further term must lower the weighted error by more than
// 9, three standard errors. None come back where Poisson suffices: where no scale's IDC is more than three
// of its standard errors above 1, taken as if the counts were Poisson, or where all of it is negligible.
// No term is faster than 1.5 divided by the resolution: with coarser stamps its speed cannot be known.
func FitTerms(s []Scale, resolution int64) []Term {
	if len(s) < 2 || !overdispersed(s) {
		return nil
	}
	p := newTermProblem(s)
	fastest := 1.5 / Seconds(max(resolution, scales[0]))
	slowest := min(0.5/Seconds(s[len(s)-1].T), fastest)
	n := int(math.Ceil(4*math.Log10(fastest/slowest))) + 1
	grid := stat.Grid(slowest, fastest, n)
	var best []Term
	cost := math.Inf(1)
	for k := 1; k <= MaxTerms && k <= len(s)-1; k++ {
		next, c := p.search(grid, k)
		if len(next) < k || c > cost-9 {
			break
		}
		best, cost = next, c
	}
	if len(best) == 1 {
		best[0].On = skew(s, best[0])
	}
	return best
}

func overdispersed(s []Scale) bool {
	for _, x := range s {
		if x.IDC-1 > max(3*math.Sqrt(2/float64(x.N)+1/(x.mean*float64(x.N))), 0.02) && x.mean > 0 {
			return true
		}
	}
	return false
}

// termProblem is the least squares problem: rows are scales, divided by their error.
type termProblem struct {
	t, weight, b []float64
}

func newTermProblem(s []Scale) *termProblem {
	p := &termProblem{}
	for _, x := range s {
		// 4% of the IDC is added: the errors of neighbouring scales go together, and a curve that is
		// right to 4% everywhere is better than one that is exact where windows are many.
		w := 1 / math.Hypot(x.SE, 0.04*x.IDC)
		p.t = append(p.t, Seconds(x.T))
		p.weight = append(p.weight, w)
		p.b = append(p.b, (x.IDC-1)*w)
	}
	return p
}

// fit solves for the levels of terms of given speeds; zero levels are left out.
func (p *termProblem) fit(speeds []float64) (terms []Term, cost float64) {
	cols := make([][]float64, len(speeds))
	for j, s := range speeds {
		cols[j] = make([]float64, len(p.t))
		for i, t := range p.t {
			cols[j][i] = p.weight[i] * Phi(s*t)
		}
	}
	a := stat.NNLS(cols, p.b)
	for i := range p.b {
		r := p.b[i]
		for j := range cols {
			r -= a[j] * cols[j][i]
		}
		cost += r * r
	}
	for j, v := range a {
		if v > 0 {
			terms = append(terms, Term{A: v, S: speeds[j]})
		}
	}
	return terms, cost
}

// search tries every choice of k speeds of the grid and refines the best by halving steps.
func (p *termProblem) search(grid []float64, k int) (best []Term, cost float64) {
	cost = math.Inf(1)
	pick := make([]float64, k)
	var choose func(at, from int)
	choose = func(at, from int) {
		if at == k {
			if t, c := p.fit(pick); len(t) == k && c < cost {
				best, cost = t, c
			}
			return
		}
		for i := from; i < len(grid); i++ {
			pick[at] = grid[i]
			choose(at+1, i+1)
		}
	}
	choose(0, 0)
	if best == nil {
		return nil, cost
	}
	lo, hi := grid[0], grid[len(grid)-1]
	for step := math.Pow(hi/lo, 0.5/float64(max(len(grid)-1, 1))); step > 1.002; step = math.Sqrt(step) {
		for j := range best {
			for _, f := range []float64{step, 1 / step} {
				trial := make([]float64, k)
				for i := range best {
					trial[i] = best[i].S
				}
				trial[j] = min(max(trial[j]*f, lo), hi)
				if t, c := p.fit(trial); len(t) == k && c < cost {
					best, cost = t, c
				}
			}
		}
	}
	return best, cost
}

// skew is the share of the time that the only modulator is on, from the third factorial cumulant of the
// counts (two-state Markov-modulated Poisson process): k3f(t) = k3 - 3·Var + 2·mean = 6·c·v·I(t), c = D·(π2-π1).
func skew(s []Scale, term Term) float64 {
	m := s[0].mean / Seconds(s[0].T)
	v := term.A * term.S * m / 2
	var num, den float64
	for _, x := range s {
		st := term.S * Seconds(x.T)
		if st < 0.05 || st > 50 {
			continue // the cumulant is noise below, and the I of a long window says nothing more
		}
		i := (st*(1+math.Exp(-st)) - 2*(1-math.Exp(-st))) / (term.S * term.S * term.S)
		k3f := (x.third - 3*x.IDC + 2) * x.mean
		w := 1 / (x.IDC * x.mean * math.Sqrt(x.IDC*x.mean)) // the third power of the counts' deviation
		w *= w * float64(x.N)
		num += w * k3f * 6 * v * i
		den += w * 6 * v * i * 6 * v * i
	}
	if den <= 0 || v <= 0 {
		return 0
	}
	g := num / den / math.Sqrt(v)
	on := (1 - g/math.Sqrt(4+g*g)) / 2
	return min(max(on, 0.001), 0.999)
}
