package stat

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.15g, want %.15g ± %g", what, got, want, tol)
	}
}

// Published: Student's table, the normal table, and the classic Clopper-Pearson examples.
func TestQuantilesAgainstTables(t *testing.T) {
	near(t, "NormalQuantile(.975)", NormalQuantile(0.975), 1.959963984540054, 1e-12)
	near(t, "NormalQuantile(.005)", NormalQuantile(0.005), -2.575829303548901, 1e-12)
	for _, c := range []struct{ p, df, want float64 }{
		{0.975, 1, 12.706205}, {0.975, 4, 2.776445}, {0.975, 19, 2.093024}, {0.95, 10, 1.812461}, {0.025, 19, -2.093024}, {0.5, 3, 0},
	} {
		near(t, "TQuantile", TQuantile(c.p, c.df), c.want, 1e-6)
	}
	for _, c := range []struct{ x, n, level, lo, hi float64 }{
		{0, 10, 0.95, 0, 0.308497}, {10, 10, 0.95, 0.691503, 1}, {5, 10, 0.95, 0.187086, 0.812914},
		{1, 100, 0.95, 0.000253146, 0.0544594}, {0, 299, 0.90, 0, 0.0099691}, {0, 0, 0.95, 0, 1}, {-1, 10, 0.95, 0, 0.308497},
	} {
		lo, hi := ClopperPearson(c.x, c.n, c.level)
		near(t, "ClopperPearson lo", lo, c.lo, 2e-6)
		near(t, "ClopperPearson hi", hi, c.hi, 2e-6)
	}
}

// Brute force: the interval's ends are the probabilities at which a binomial tail is 2.5%.
func TestClopperPearsonBruteForce(t *testing.T) {
	tail := func(p float64, from, to, n int) (s float64) {
		for k := from; k <= to; k++ {
			lc, _ := math.Lgamma(float64(n + 1))
			l1, _ := math.Lgamma(float64(k + 1))
			l2, _ := math.Lgamma(float64(n - k + 1))
			s += math.Exp(lc - l1 - l2 + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
		}
		return s
	}
	for n := 1; n <= 60; n += 7 {
		for x := 0; x <= n; x += 3 {
			lo, hi := ClopperPearson(float64(x), float64(n), 0.95)
			if x > 0 {
				near(t, "upper tail at lo", tail(lo, x, n, n), 0.025, 1e-9)
			}
			if x < n {
				near(t, "lower tail at hi", tail(hi, 0, x, n), 0.025, 1e-9)
			}
		}
	}
	lo1, _ := ClopperPearson(2, 50, 0.95)
	lo, hi := ClopperPearson(2.5, 50.5, 0.95)
	if lo2, _ := ClopperPearson(3, 51, 0.95); !(lo1 < lo && lo < lo2 && hi > lo) {
		t.Errorf("ClopperPearson(2.5, 50.5) lo = %v, want between %v and %v", lo, lo1, lo2)
	}
	if lo, hi := ClopperPearson(1e4, 1e6, 0.95); !(lo < 0.01 && 0.01 < hi && hi-lo < 5e-4) {
		t.Errorf("ClopperPearson(1e4, 1e6) = %v, %v", lo, hi)
	}
}

func TestNNLS(t *testing.T) {
	cols := [][]float64{{1, 0, 1, 2}, {0, 1, 1, -1}, {1, 1, 0, 0}}
	b := []float64{1, 2, -1, 3}
	got := NNLS(cols, b)
	err := func(x []float64) float64 { r := residual(cols, b, x); return dot(r, r) }
	best := math.Inf(1)
	for i := 0.0; i <= 3; i += 0.05 { // brute force over a grid
		for j := 0.0; j <= 3; j += 0.05 {
			for k := 0.0; k <= 3; k += 0.05 {
				best = min(best, err([]float64{i, j, k}))
			}
		}
	}
	if e := err(got); e > best+1e-9 || e < best-0.02 {
		t.Errorf("NNLS error = %v, brute force finds %v", e, best)
	}
	for seed := uint64(0); seed < 200; seed++ { // Karush-Kuhn-Tucker on random problems
		cols, b := randomProblem(seed)
		x := NNLS(cols, b)
		r := residual(cols, b, x)
		for j := range x {
			g := dot(cols[j], r)
			if x[j] < 0 || g > 1e-7 || x[j] > 0 && math.Abs(g) > 1e-7 {
				t.Errorf("seed %d: x[%d] = %v with gradient %v", seed, j, x[j], g)
			}
		}
	}
}

func randomProblem(seed uint64) (cols [][]float64, b []float64) {
	n := uint64(0)
	next := func() float64 { n++; return Uniform(Random(seed, 9, n)) - 0.4 }
	cols = make([][]float64, 6)
	for j := range cols {
		for range 9 {
			cols[j] = append(cols[j], next())
		}
	}
	for range 9 {
		b = append(b, next())
	}
	return cols, b
}

func TestDistances(t *testing.T) {
	near(t, "KS equal", KS([]float64{1, 2, 3}, []float64{3, 1, 2}), 0, 0)
	near(t, "KS disjoint", KS([]float64{1, 2}, []float64{3, 4, 5}), 1, 0)
	near(t, "KS ties", KS([]float64{1, 1, 2, 2}, []float64{1, 2, 2, 2}), 0.25, 1e-15)
	near(t, "KS empty", KS(nil, []float64{1}), 1, 0)
	near(t, "TV", TotalVariation([]float64{1, 1, 2}, []float64{50, 25, 25}), 0.25, 1e-15)
	near(t, "TV nothing", TotalVariation([]float64{0}, []float64{1}), 1, 0)
	near(t, "Spearman up", Spearman([]float64{1, 5, 9}, []float64{2, 3, 100}), 1, 1e-15)
	near(t, "Spearman down", Spearman([]float64{1, 2, 3, 4}, []float64{8, 7, 6, 5}), -1, 1e-15)
	// Ties at mean rank: ranks 1.5 1.5 3 4 against 1 2 3 4.
	near(t, "Spearman ties", Spearman([]float64{1, 1, 2, 3}, []float64{1, 2, 3, 4}), 0.9486832980505138, 1e-12)
	if v := Spearman([]float64{1}, []float64{1}); !math.IsNaN(v) {
		t.Errorf("Spearman of one pair = %v, want NaN", v)
	}
}

func TestGridAndRounding(t *testing.T) {
	g := Grid(0.01, 100, 5)
	for i, want := range []float64{0.01, 0.1, 1, 10, 100} {
		near(t, "Grid", g[i], want, 1e-12*want)
	}
	for _, c := range []struct {
		x    float64
		n    int
		want float64
	}{{123456, 3, 123000}, {0.00123456, 3, 0.00123}, {-9.996, 3, -10}, {0, 3, 0}, {1e300, 2, 1e300}, {2.5e-310, 3, 0}} {
		if got := Significant(c.x, c.n); math.Abs(got-c.want) > 1e-12*math.Abs(c.want)+1e-300 {
			t.Errorf("Significant(%v, %d) = %v, want %v", c.x, c.n, got, c.want)
		}
	}
}

func TestJackknife(t *testing.T) {
	// With equal denominators the jackknife is the standard error of the mean.
	x := []float64{3, 5, 4, 8, 6, 1}
	den := []float64{1, 1, 1, 1, 1, 1}
	var mean, ss float64
	for _, v := range x {
		mean += v / 6
	}
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	near(t, "Jackknife", Jackknife(x, den), math.Sqrt(ss/5/6), 1e-12)
	if v := Jackknife([]float64{1}, []float64{1}); !math.IsNaN(v) {
		t.Errorf("Jackknife of one block = %v, want NaN", v)
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("quantile of an empty histogram is not 0")
	}
	for i := int64(1); i <= 100000; i++ {
		h.Add(i * 37)
	}
	for _, p := range []float64{0.001, 0.5, 0.9, 0.99, 1} {
		want := math.Ceil(p*100000) * 37
		near(t, "Quantile", h.Quantile(p), want, 0.008*want)
	}
	var small Histogram
	small.Add(-5)
	small.Add(math.MaxInt64)
	near(t, "least", small.Quantile(0.5), 0, 0)
	near(t, "largest", small.Quantile(1), math.MaxInt64, 0.008*math.MaxInt64)
	for v := uint64(0); v < 1<<20; v += 13 {
		if m := bucketMid(bucketOf(v)); math.Abs(m-float64(v)) > 0.008*float64(v) {
			t.Fatalf("bucket of %d has middle %v", v, m)
		}
	}
}

func TestRegBeta(t *testing.T) {
	near(t, "I_.5(2,2)", RegBeta(2, 2, 0.5), 0.5, 1e-14)
	near(t, "I_.3(1,1)", RegBeta(1, 1, 0.3), 0.3, 1e-14)
	near(t, "I_.2(2,3)", RegBeta(2, 3, 0.2), 0.1808, 1e-13) // 6x²-8x³+3x⁴
	near(t, "round trip", RegBeta(3.5, 900, BetaQuantile(3.5, 900, 0.3)), 0.3, 1e-12)
}
