package stat

import "math"

// Log is the natural logarithm of a positive finite x, the same bits on every CPU: the library's own
// differs in the last place between architectures, and so would a plan. The conversions around each
// product keep the compiler from fusing it with the sum (Go specification, "Floating-point operators").
// The error is below 2e-15 of the result, or below 2e-16 near 1.
func Log(x float64) float64 {
	m, e := math.Frexp(x) // 0.5 <= m < 1, exact
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	z := (m - 1) / (m + 1) // |z| < 0.172, so twelve terms of 2 atanh z reach 2^-60
	zz := float64(z * z)
	s := 1.0 / 25
	for k := 23.0; k >= 1; k -= 2 {
		s = float64(s*zz) + 1/k
	}
	const ln2Hi, ln2Lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	f := float64(2 * float64(z*s))
	return float64(float64(e)*ln2Hi) + (f + float64(float64(e)*ln2Lo))
}
