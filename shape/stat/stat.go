// Package stat takes numbers and gives distributions, intervals, fits and distances of them: pure
// functions without state, safe for concurrent use. None of them logs, allocates without bound or panics
// on the numbers a file can hold; each says what it makes of too few of them.
package stat

import "math"

// Grid is n points from lo to hi, evenly spaced on a log scale, both ends included. It needs
// 0 < lo <= hi; with n = 1 it is lo alone.
func Grid(lo, hi float64, n int) []float64 {
	g := make([]float64, n)
	for i := range g {
		f := 0.0
		if n > 1 {
			f = float64(i) / float64(n-1)
		}
		g[i] = lo * math.Pow(hi/lo, f)
	}
	return g
}

// Significant rounds x to digits significant decimal digits, so that a number that is written down has
// one spelling. Zero, infinities and NaN stay as they are.
func Significant(x float64, digits int) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	e := digits - 1 - int(math.Floor(math.Log10(math.Abs(x))))
	if e >= 0 {
		p := math.Pow10(min(e, 300))
		return math.Round(x*p) / p
	}
	p := math.Pow10(-e)
	return math.Round(x/p) * p
}

// Jackknife is the standard error of a ratio Σnum/Σden by leaving out one block at a time. The blocks
// should be long against whatever correlates within the data (here: 20 blocks of time).
// It is NaN for fewer than two blocks that hold anything.
func Jackknife(num, den []float64) float64 {
	var sn, sd float64
	used := 0
	for i := range num {
		if den[i] > 0 {
			sn, sd, used = sn+num[i], sd+den[i], used+1
		}
	}
	if used < 2 {
		return math.NaN()
	}
	var sum, sq float64
	for i := range num {
		if den[i] > 0 {
			r := (sn - num[i]) / (sd - den[i])
			sum, sq = sum+r, sq+r*r
		}
	}
	n := float64(used)
	return math.Sqrt(max(0, (n-1)/n*(sq-sum*sum/n)))
}
