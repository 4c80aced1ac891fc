package arrival

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"trafficreplay/shape/stat"
)

const second = int64(time.Second)

// mmpp simulates a two-state Poisson process the plain way: rates l1, l2, switching r1 (1 to 2), r2 (2 to 1).
func mmpp(seed uint64, window int64, l1, l2, r1, r2 float64) []int64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []int64
	t, end := 0.0, Seconds(window)
	one := rng.Float64() < r2/(r1+r2)
	for t < end {
		rate, leave := l2, r2
		if one {
			rate, leave = l1, r1
		}
		until := min(t+rng.ExpFloat64()/leave, end)
		for {
			t += rng.ExpFloat64() / rate
			if t >= until {
				break
			}
			out = append(out, int64(t*1e9))
		}
		t, one = until, !one
	}
	return out
}

func measure(ts []int64, c Curve) []Scale {
	k := NewCascade(c)
	for i, t := range ts {
		k.Add(t, int(stat.Hash(uint64(i))%Groups))
	}
	return k.Scales(0)
}

func fitted(ts []int64, window int64) (Model, []Scale) {
	b := NewBins(window)
	for _, t := range ts {
		b.Add(t)
	}
	m := Model{Curve: FitCurve(b, window)}
	s := measure(ts, m.Curve)
	m.Terms = FitTerms(s, 0)
	return m, s
}

func TestCascadeAgainstBruteForce(t *testing.T) {
	window := 200 * second
	ts := mmpp(1, window, 80, 10, 1, 0.5)
	curve := Curve{{0, 20}, {50 * second, 40}, {50 * second, 10}, {130*second + 7, 30}, {window, 0}}
	cum := curve.cumulative()
	for _, s := range measure(ts, curve) {
		n := window / s.T
		counts := make([]float64, n)
		for _, x := range ts {
			if x/s.T < n {
				counts[x/s.T]++
			}
		}
		var num, cube, den float64
		for i, c := range counts {
			l := cum.at(int64(i+1)*s.T) - cum.at(int64(i)*s.T)
			num, cube, den = num+(c-l)*(c-l), cube+(c-l)*(c-l)*(c-l), den+l
		}
		if math.Abs(s.IDC-num/den) > 1e-6*num/den || math.Abs(s.third-cube/den) > 1e-5*math.Abs(cube/den) {
			t.Errorf("scale %v: IDC %v, third %v, want %v, %v", time.Duration(s.T), s.IDC, s.third, num/den, cube/den)
		}
	}
}

// seeds is how many repetitions an experiment takes: all of them in make experiments.
func seeds(quick, all int) int {
	if os.Getenv("REPLAY_EXPERIMENTS") != "" {
		return all
	}
	return quick
}

func TestPoissonIsNeverOverfitted(t *testing.T) {
	over, bent, runs := 0, 0, seeds(40, 400)
	for seed := range uint64(runs) {
		ts := mmpp(100+seed, 600*second, 50, 50, 1, 1)
		m, _ := fitted(ts, 600*second)
		if len(m.Terms) > 0 {
			over++
			t.Logf("seed %d: %v", seed, m.Terms)
		}
		if len(m.Curve) != 2 {
			bent++
			t.Logf("seed %d: %d knots on a constant rate", seed, len(m.Curve))
		}
	}
	if bent > runs/100 {
		t.Errorf("changes of rate in %d of %d captures at a constant one, want at most one in a hundred", bent, runs)
	}
	if over > runs/20 {
		t.Errorf("burst terms in %d of %d Poisson captures, want at most one in twenty", over, runs)
	}
}

// Experiment 15 at its own size: the parameters of four processes come back.
func TestRecoversMMPP(t *testing.T) {
	if testing.Short() {
		t.Skip("1.3 million arrivals a truth")
	}
	truths := [][4]float64{{2000, 500, 0.5, 0.1}, {1500, 500, 2, 1}, {2000, 600, 5, 1}, {1200, 300, 1, 1}}
	for i := range seeds(len(truths), 8*len(truths)) {
		c, window := truths[i%len(truths)], 1800*second
		m, s := fitted(mmpp(uint64(i), window, c[0], c[1], c[2], c[3]), window)
		if len(m.Terms) != 1 {
			t.Errorf("truth %v: %d terms %v", c, len(m.Terms), m.Terms)
			for _, x := range s {
				t.Logf("%v: IDC %.3f ± %.3f model %.3f", time.Duration(x.T), x.IDC, x.SE, m.IDC(Seconds(x.T)))
			}
			continue
		}
		mod, rate := m.Modulators()[0], m.Curve.Mean()
		got := [4]float64{rate * (1 + mod.Up), rate * (1 - mod.Down), 1 / mod.On, 1 / mod.Off}
		t.Logf("truth %v: got %.4g, %d knots", c, got, len(m.Curve))
		for j, tol := range []float64{0.05, 0.05, 0.25, 0.25} {
			if r := math.Abs(math.Log(got[j] / c[j])); r > math.Log(1+tol) {
				t.Errorf("truth %v: parameter %d is %v, want within %v%%", c, j, got[j], 100*tol)
			}
		}
	}
}

// Experiment 16 in small: sources that are on and off for Pareto(1.4) times, and the fit of three terms.
func TestFitsParetoSources(t *testing.T) {
	window := 3600 * second
	ts := pareto(5, window, 40, 5)
	m, s := fitted(ts, window)
	for _, x := range s {
		r := math.Abs(math.Log(m.IDC(Seconds(x.T)) / x.IDC))
		t.Logf("%v: capture %.3f ± %.3f model %.3f", time.Duration(x.T), x.IDC, x.SE, m.IDC(Seconds(x.T)))
		if r > 0.2 {
			t.Errorf("scale %v: IDC %v, model %v", time.Duration(x.T), x.IDC, m.IDC(Seconds(x.T)))
		}
	}
	if len(m.Terms) > MaxTerms {
		t.Errorf("%d terms", len(m.Terms))
	}
}

func pareto(seed uint64, window int64, sources int, rate float64) []int64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	var out []int64
	for range sources {
		on := rng.IntN(2) == 0
		for t := 0.0; t < Seconds(window); on = !on {
			until := t + 0.1*math.Pow(rng.Float64(), -1/1.4)
			for on && t < until {
				t += rng.ExpFloat64() / rate
				if t < min(until, Seconds(window)) {
					out = append(out, int64(t*1e9))
				}
			}
			t = until
		}
	}
	slices.Sort(out)
	return out
}

// Experiment 14: three changes of rate under bursts with an IDC of 20 at 10 s.
func TestFindsChangesUnderBursts(t *testing.T) {
	window, good, extra := 3600*second, 0, 0
	changes := []float64{900, 1800, 2700}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var ts []int64
		for _, x := range mmpp(seed, window, 140, 60, 0.45, 0.45) {
			keep := []float64{0.4, 0.8, 0.35, 1}[min(int(Seconds(x)/900), 3)]
			if rng.Float64() < keep {
				ts = append(ts, x)
			}
		}
		b := NewBins(window)
		for _, x := range ts {
			b.Add(x)
		}
		c := FitCurve(b, window)
		found := 0
		for _, at := range changes {
			if slices.ContainsFunc(c, func(k Knot) bool { return math.Abs(Seconds(k.At)-at) <= 20 }) {
				found++
			}
		}
		var knots []int64
		for _, k := range c[1 : len(c)-1] {
			if len(knots) == 0 || knots[len(knots)-1] != k.At {
				knots = append(knots, k.At)
			}
		}
		if found == 3 {
			good++
		}
		extra += max(0, len(knots)-3-1)
	}
	t.Logf("all changes found in %d of 20, %d spurious beyond one each", good, extra)
	if good < 18 || extra > 0 {
		t.Errorf("all changes found in %d of 20 with %d spurious ones beyond one each", good, extra)
	}
}

func TestStartsAreTheModel(t *testing.T) {
	window := 600 * second
	for _, c := range []struct {
		name  string
		model Model
	}{
		{"poisson", Model{Curve: Flat(200, window)}},
		{"one term", Model{Flat(300, window), []Term{{A: 30, S: 2}}}},
		{"skewed term", Model{Flat(300, window), []Term{{A: 60, S: 2, On: 0.2}}}},
		{"three terms", Model{Flat(200, window), []Term{{A: 4, S: 30}, {A: 20, S: 3}, {A: 60, S: 0.5}}}},
		{"curve", Model{Curve{{0, 100}, {200 * second, 300}, {200 * second, 50}, {window, 50}}, []Term{{A: 5, S: 3}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			idc := map[int64]float64{}
			const paths = 20
			for seed := range uint64(paths) {
				ts := slices.Collect(Starts(c.model, seed+1, 1, window))
				if want := c.model.Curve.Mean() * 600; math.Abs(float64(len(ts))-want) > 1 {
					t.Errorf("%d starts, want %v", len(ts), want)
				}
				if !slices.IsSorted(ts) || ts[0] < 0 || ts[len(ts)-1] >= window {
					t.Errorf("starts out of order or window")
				}
				for _, s := range measure(ts, c.model.Curve) {
					idc[s.T] += s.IDC / paths
				}
			}
			for _, at := range []int64{10e6, 100e6, second, 10 * second} {
				got, want := idc[at], c.model.IDC(Seconds(at))
				if r := got / want; r < 0.75 || r > 1.33 {
					t.Errorf("IDC(%v) = %.3f, model %.3f", time.Duration(at), got, want)
				}
			}
		})
	}
}

func TestStartsScaleAndCut(t *testing.T) {
	window := 400 * second
	m := Model{Curve{{0, 10}, {window, 30}}, []Term{{A: 3, S: 1}}}
	all := slices.Collect(Starts(m, 7, 1, window))
	part := slices.Collect(Starts(m, 7, 1, 120*second))
	want := slices.DeleteFunc(slices.Clone(all), func(x int64) bool { return x >= 120*second })
	if !slices.Equal(part, want) {
		t.Errorf("the starts before 120 s are %d, want %d as in the whole", len(part), len(want))
	}
	if got := len(slices.Collect(Starts(m, 7, 2.5, window))); got != 20000 {
		t.Errorf("scale 2.5: %d starts, want 20000", got)
	}
	for range Starts(m, 7, 1, window) {
		break // stopping early must not panic
	}
	var none Model
	for range Starts(none, 1, 1, 10) {
		t.Error("a start from nothing")
	}
}

// Golden: a plan made of these instants must not change.
func TestStartsAreFrozen(t *testing.T) {
	m := Model{Flat(50, 60*second), []Term{{A: 3, S: 4}, {A: 9, S: 0.5}}}
	var h uint64
	n := 0
	for x := range Starts(m, 42, 1, 60*second) {
		h = stat.Hash(h, uint64(x))
		n++
	}
	if n != 3000 || h != goldenStarts {
		t.Errorf("%d starts with hash %#x, want 3000 with %#x", n, h, uint64(goldenStarts))
	}
}

const goldenStarts = 0xe7f6e15a38220930

func BenchmarkStarts(b *testing.B) {
	m := Model{Flat(1000, 100*second), []Term{{A: 30, S: 2}}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = 0
		for range Starts(m, 1, 1, 100*second) {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/start")
}
