package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// Measures of a chart in its own units. The plot inside it is as wide as there are intervals and is
// stretched, so that the script can zoom by changing one attribute.
const (
	chartW, plotLeft, plotTop, plotBottom = 720, 56, 6, 24
	plotW                                 = chartW - plotLeft - 4
	infBand                               = 20   // above the scale, where intervals at infinity are marked
	maxPoints                             = 1200 // per line; more intervals are drawn together
)

// chart is one figure over time.
type chart struct {
	ID, Title, Unit, Desc string
	H, PlotH, N           int
	PlotW, PlotLeft       int
	PlotTop               int
	Warm                  float64 // intervals of warm-up
	YTicks, XTicks        []tick
	Lines                 []stroke
	plot                  plot
}

// Base is where the time axis lies.
func (c chart) Base() int { return c.PlotTop + c.PlotH }

// LabelY is where the labels of the time axis lie.
func (c chart) LabelY() int { return c.H - 7 }

// Right is where the plot ends.
func (c chart) Right() int { return c.PlotLeft + c.PlotW }

// Mid is Y moved so that text is centred on it.
func (t tick) Mid() float64 { return t.At + 4 }

type tick struct {
	At    float64
	Label string
}

// stroke is one line of a chart: D and Fill are path data, Inf marks intervals at infinity.
type stroke struct {
	Name, Class  string
	D, Fill, Inf string
}

// plot is what the script knows of a chart.
type plot struct {
	Step  float64 `json:"step"` // seconds per point
	N     int     `json:"n"`
	Unit  string  `json:"unit"`
	Lines []trace `json:"lines"`
}

type trace struct {
	Name   string             `json:"name"`
	Values []threshold.Number `json:"values"`
}

// curve is what is to be drawn.
type curve struct {
	name, class string
	values      []float64 // NaN: no data, +Inf: marked at the top
	fill        bool
}

// charts draws the series of a run. A chart without a single value is left out.
func charts(d *replay.Document) []chart {
	s := d.Series
	if !(s.IntervalS > 0) {
		return nil
	}
	n := max(len(s.Planned), len(s.Sent), len(s.P99), len(s.LagP99US), len(s.InFlight))
	g := grouping(n, s.IntervalS, s.WarmupS)
	all := []chart{
		g.chart("rate", "Requests per second", "/s", 200, curve{"planned", "plan", g.rate(s.Planned), true}, curve{"sent", "main", g.rate(s.Sent), false}),
		g.chart("lost", "Failed and dropped per second", "/s", 110, curve{"failed", "bad", g.rate(s.Failed), true}, curve{"dropped", "doubt", g.rate(s.Dropped), true}),
		g.chart("latency", "Latency", "ms", 240, curve{"p99", "main", g.peak(s.P99, 1), false}, curve{"p90", "mid", g.peak(s.P90, 1), false}, curve{"p50", "low", g.peak(s.P50, 1), false}),
		g.chart("lag", "Lag p99", "ms", 110, curve{"lag p99", "main", g.peak(s.LagP99US, 0.001), false}),
		g.chart("flight", "In flight", "", 110, curve{"in flight", "main", g.level(s.InFlight), true}),
	}
	kept := all[:0]
	for _, c := range all {
		if len(c.Lines) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}

// grouped draws k intervals as one point.
type grouped struct {
	n, k int
	step float64 // seconds per point
	warm float64 // points
}

func grouping(n int, interval, warmup float64) grouped {
	k := max(1, (n+maxPoints-1)/maxPoints)
	step := interval * float64(k)
	points := (n + k - 1) / k
	return grouped{points, k, step, math.Max(0, math.Min(warmup/step, float64(points)))}
}

// rate turns counts into counts per second; nothing but zeros is no line.
func (g grouped) rate(counts []int64) []float64 {
	out := g.fold(len(counts), func(i int, sum float64) float64 { return sum + float64(counts[i]) })
	some := false
	for i := range out {
		some = some || out[i] > 0
		covered := min(g.k, len(counts)-i*g.k)
		out[i] /= g.step * float64(covered) / float64(g.k)
	}
	if !some {
		return nil
	}
	return out
}

func (g grouped) level(counts []int64) []float64 {
	return g.fold(len(counts), func(i int, most float64) float64 { return math.Max(most, float64(counts[i])) })
}

// peak is the largest of each group, so that drawing together hides no trouble.
func (g grouped) peak(values []threshold.Number, unit float64) []float64 {
	out := make([]float64, 0, g.n)
	for at := 0; at < len(values); at += g.k {
		most := math.NaN()
		for _, v := range values[at:min(at+g.k, len(values))] {
			if f := float64(v) * unit; math.IsNaN(most) || f > most {
				most = f
			}
		}
		out = append(out, most)
	}
	return out
}

func (g grouped) fold(n int, add func(i int, acc float64) float64) []float64 {
	out := make([]float64, (n+g.k-1)/g.k)
	for i := range n {
		out[i/g.k] = add(i, out[i/g.k])
	}
	return out
}

func (g grouped) chart(id, title, unit string, height int, curves ...curve) chart {
	c := chart{ID: id, Title: title, Unit: unit, H: height, N: g.n, Warm: g.warm,
		PlotLeft: plotLeft, PlotTop: plotTop, PlotW: plotW, PlotH: height - plotTop - plotBottom,
		plot: plot{Step: g.step, N: g.n, Unit: unit}}
	lo, hi, inf, some := extent(curves)
	if !some {
		return c
	}
	y := newScale(lo, hi, inf, float64(c.PlotH), id == "latency")
	for _, v := range y.ticks() {
		c.YTicks = append(c.YTicks, tick{plotTop + y.at(v), decimalTick(v)})
	}
	if inf {
		c.YTicks = append(c.YTicks, tick{plotTop + 3, "inf"})
	}
	for _, v := range timeTicks(float64(g.n) * g.step) {
		c.XTicks = append(c.XTicks, tick{plotLeft + plotW*v/(float64(g.n)*g.step), clock(v)})
	}
	for _, u := range curves {
		if len(u.values) == 0 {
			continue
		}
		c.Lines = append(c.Lines, y.stroke(u))
		c.plot.Lines = append(c.plot.Lines, newTrace(u))
	}
	c.Desc = describe(curves, unit, float64(g.n)*g.step)
	return c
}

// newTrace rounds to what the read-out shows.
func newTrace(u curve) trace {
	t := trace{Name: u.name, Values: make([]threshold.Number, len(u.values))}
	for i, v := range u.values {
		if f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64); err == nil {
			v = f
		}
		t.Values[i] = threshold.Number(v)
	}
	return t
}

// describe is the chart in words for those who do not see it.
func describe(curves []curve, unit string, length float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Over %s.", span(length))
	for _, u := range curves {
		lo, hi, _, some := extent([]curve{u})
		if !some {
			continue
		}
		fmt.Fprintf(&b, " %s: %s to %s%s", u.name, decimal(lo), decimal(hi), strings.TrimRight(" "+unit, " "))
		if n := infinite(u.values); n > 0 {
			fmt.Fprintf(&b, ", %d of %d intervals at infinity because of failures", n, len(u.values))
		}
		b.WriteByte('.')
	}
	return b.String()
}

func infinite(values []float64) (n int) {
	for _, v := range values {
		if math.IsInf(v, 1) {
			n++
		}
	}
	return n
}

// extent is the range of the finite values.
func extent(curves []curve) (lo, hi float64, inf, some bool) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, u := range curves {
		for _, v := range u.values {
			switch {
			case math.IsInf(v, 1):
				inf, some = true, true
			case !math.IsNaN(v):
				lo, hi, some = math.Min(lo, v), math.Max(hi, v), true
			}
		}
	}
	if math.IsInf(lo, 1) {
		lo, hi = 0, 1
	}
	return lo, hi, inf, some
}
