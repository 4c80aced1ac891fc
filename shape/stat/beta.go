package stat

import "math"

// RegBeta is the regularised incomplete beta function I_x(a, b) for a, b > 0 and 0 <= x <= 1: the
// probability that a Beta(a, b) variable is at most x. Continued fraction by the modified Lentz method
// (Press et al., Numerical Recipes, section 6.4), good to about 1e-14.
func RegBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // the fraction converges fast on the other side
		return 1 - RegBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	return front * betaFraction(a, b, x)
}

func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	h := d
	// It converges in O(sqrt(max(a, b))) steps; the ceiling is for arguments beyond 1e8.
	for m := 1.0; m < 20000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / guard(1+even*d)
		c = guard(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / guard(1+odd*d)
		c = guard(1 + odd/c)
		h *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return h
}

// BetaQuantile is the x with RegBeta(a, b, x) = p, by bisection to the last bit that matters.
func BetaQuantile(a, b, p float64) float64 {
	lo, hi := 0.0, 1.0
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if RegBeta(a, b, mid) < p {
			lo = mid
		} else {
			hi = mid
		}
		if hi-lo <= 1e-15*hi {
			break
		}
	}
	return lo + (hi-lo)/2
}

// ClopperPearson is the exact two-sided interval at the given level (0.95: 2.5% on either side) for the
// probability behind x successes in n trials. x and n need not be whole, so that an effective sample
// size can be used (Korn and Graubard 1998). Without trials it is (0, 1).
func ClopperPearson(x, n, level float64) (lo, hi float64) {
	if !(n > 0) {
		return 0, 1
	}
	x = min(max(x, 0), n)
	tail := (1 - level) / 2
	hi = 1
	if x > 0 {
		lo = BetaQuantile(x, n-x+1, tail)
	}
	if x < n {
		hi = BetaQuantile(x+1, n-x, 1-tail)
	}
	return lo, hi
}

// NormalQuantile is the z with P(Z <= z) = p for a standard normal Z.
func NormalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// TQuantile is the t with P(T <= t) = p for Student's t with df degrees of freedom.
func TQuantile(p, df float64) float64 {
	if p == 0.5 {
		return 0
	}
	if p < 0.5 {
		return -TQuantile(1-p, df)
	}
	x := BetaQuantile(df/2, 0.5, 2*(1-p))
	return math.Sqrt(df * (1 - x) / x)
}
