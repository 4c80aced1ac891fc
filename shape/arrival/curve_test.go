package arrival

import (
	"math"
	"testing"
)

func TestRates(t *testing.T) {
	const s = 1_000_000_000
	for _, tt := range []struct {
		name  string
		curve Curve
		n     int
		want  []float64
	}{
		{"no curve", nil, 2, nil},
		{"no parts", Flat(3, 4*s), 0, nil},
		{"flat", Flat(3, 4*s), 2, []float64{3, 3}},
		{"rising", Curve{{0, 0}, {4 * s, 8}}, 4, []float64{1, 3, 5, 7}},
		{"a step within a part", Curve{{0, 1}, {3 * s, 1}, {3 * s, 5}, {4 * s, 5}}, 2, []float64{1, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.curve.Rates(tt.n)
			if len(got) != len(tt.want) {
				t.Fatalf("Rates(%d) = %v, want %v", tt.n, got, tt.want)
			}
			for i := range got {
				if math.Abs(got[i]-tt.want[i]) > 1e-9 {
					t.Errorf("Rates(%d)[%d] = %v, want %v", tt.n, i, got[i], tt.want[i])
				}
			}
		})
	}
}
