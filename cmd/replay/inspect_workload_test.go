package main

import (
	"strings"
	"testing"
	"time"

	"trafficreplay/shape"
)

func TestBurstsOf(t *testing.T) {
	row := func(d time.Duration, v float64) shape.IDC { return shape.IDC{T: d, Capture: v, Model: v + 1} }
	for _, tt := range []struct {
		name   string
		rows   []shape.IDC
		window float64
		idc    float64
	}{
		{"none measured", nil, 0, 0},
		{"up to a second", []shape.IDC{row(time.Millisecond, 2), row(time.Second, 3), row(10*time.Second, 4)}, 1, 3},
		{"none so short", []shape.IDC{row(10*time.Second, 4), row(time.Minute, 5)}, 10, 4},
	} {
		if b := burstsOf(&shape.Arrivals{IDC: tt.rows}); b.WindowS != tt.window || b.Capture != tt.idc {
			t.Errorf("%s: %+v, want a window of %g s and %g", tt.name, b, tt.window, tt.idc)
		}
	}
}

// A workload that says little, and one whose names fight the terminal.
func TestWorkloadText(t *testing.T) {
	hostile := &shape.Workload{Name: "a\x1b[2J\nb", Endpoints: []shape.Endpoint{{ID: "GET /\x1b]0;x\x07", Method: "GET\x1b", Share: 1, Thresholds: []string{"p99\x1b < 1s"}}}}
	hostile.Provenance.Sources = []shape.SourceAccount{{Name: "x\x1b[1m"}}
	hostile.Safety.CapturedHosts = []string{"h\x1b[1m"}
	for _, w := range []*shape.Workload{{}, hostile} {
		var b strings.Builder
		if err := writeWorkloadText(newTerminal(&b, nil, func(string) string { return "" }), newWorkloadDocument("w\x1b.yaml", w)); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.String() {
			if c < ' ' && c != '\n' {
				t.Errorf("%q reaches the terminal in\n%q", c, b.String())
				break
			}
		}
		if strings.Contains(b.String(), "NaN") {
			t.Errorf("no figures, but\n%s", b.String())
		}
	}
}
