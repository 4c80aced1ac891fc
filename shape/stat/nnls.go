package stat

import "math"

// NNLS finds the x >= 0 that minimises |Ax - b|², a matrix given by its columns (Lawson and Hanson,
// Solving Least Squares Problems, 1974, chapter 23). It is meant for a few dozen columns at most.
func NNLS(columns [][]float64, b []float64) []float64 {
	n := len(columns)
	x := make([]float64, n)
	active := make([]bool, n) // may be above zero
	for range 3 * n {         // the published bound in practice
		j := steepest(columns, residual(columns, b, x), active)
		if j < 0 {
			break
		}
		active[j] = true
		descend(columns, b, x, active)
	}
	return x
}

func residual(columns [][]float64, b, x []float64) []float64 {
	r := append([]float64(nil), b...)
	for j, c := range columns {
		if x[j] != 0 {
			for i := range r {
				r[i] -= c[i] * x[j]
			}
		}
	}
	return r
}

// steepest is the column whose growth lowers the error most, or -1 when none does.
func steepest(columns [][]float64, r []float64, active []bool) int {
	best, bestGain := -1, 0.0
	for j, c := range columns {
		if active[j] {
			continue
		}
		g, norm, scale := dot(c, r), math.Sqrt(dot(c, c)), math.Sqrt(dot(r, r))
		if norm > 0 && g/norm > bestGain && g > 1e-12*norm*scale {
			best, bestGain = j, g/norm
		}
	}
	return best
}

// descend moves x to the least-squares solution of the active columns, dropping those that would turn negative.
func descend(columns [][]float64, b, x []float64, active []bool) {
	for range len(x) + 1 {
		z := leastSquares(columns, b, active)
		step, feasible := 1.0, true
		for j := range x {
			if active[j] && z[j] <= 0 {
				feasible = false
				step = min(step, x[j]/(x[j]-z[j]))
			}
		}
		for j := range x {
			if !active[j] {
				continue
			}
			x[j] += step * (z[j] - x[j])
			if !feasible && x[j] <= 1e-14*math.Abs(z[j]) || x[j] < 0 {
				x[j], active[j] = 0, false
			}
		}
		if feasible {
			return
		}
	}
}

// leastSquares solves the normal equations of the active columns by Cholesky with a tiny ridge, which is
// accurate enough for the well-separated columns that are fitted here.
func leastSquares(columns [][]float64, b []float64, active []bool) []float64 {
	var idx []int
	for j, on := range active {
		if on {
			idx = append(idx, j)
		}
	}
	k := len(idx)
	l := make([][]float64, k)
	y := make([]float64, k)
	for i := range l {
		l[i] = make([]float64, k)
		for j := 0; j <= i; j++ {
			v := dot(columns[idx[i]], columns[idx[j]])
			if i == j {
				v *= 1 + 1e-13
			}
			for m := 0; m < j; m++ {
				v -= l[i][m] * l[j][m]
			}
			if i == j {
				l[i][i] = math.Sqrt(max(v, 1e-300))
			} else {
				l[i][j] = v / l[j][j]
			}
		}
		y[i] = dot(columns[idx[i]], b)
		for m := 0; m < i; m++ {
			y[i] -= l[i][m] * y[m]
		}
		y[i] /= l[i][i]
	}
	z := make([]float64, len(columns))
	for i := k - 1; i >= 0; i-- {
		for m := i + 1; m < k; m++ {
			y[i] -= l[m][i] * y[m]
		}
		y[i] /= l[i][i]
		z[idx[i]] = y[i]
	}
	return z
}

func dot(a, b []float64) float64 {
	var s float64
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
