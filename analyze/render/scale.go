package render

import (
	"math"
	"strconv"
	"strings"
	"time"

	"trafficreplay/replay/threshold"
)

// scale maps values to heights, 0 at the top.
type scale struct {
	lo, hi, top, height float64
	log                 bool
	infAt               float64
}

// newScale starts at zero, or is logarithmic where it may be and the values span a factor of fifty.
func newScale(lo, hi float64, inf bool, height float64, mayLog bool) scale {
	s := scale{lo: 0, hi: hi, top: 4, height: height, infAt: 3}
	if inf {
		s.top += infBand
	}
	if mayLog && lo > 0 && hi/lo > 50 {
		s.hi = math.Min(hi*1.1, math.MaxFloat64)
		s.log, s.lo = true, math.Pow(10, math.Floor(math.Log10(math.Max(lo, s.hi*1e-9))))
		return s
	}
	step := niceStep(hi / 3)
	s.hi = math.Max(step*math.Ceil(hi/step), step)
	return s
}

// niceStep is the smallest of 1, 2 and 5 times a power of ten that is at least v.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= v*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

func (s scale) at(v float64) float64 {
	f := v / s.hi
	if s.log {
		f = math.Log(math.Max(v, s.lo)/s.lo) / math.Log(s.hi/s.lo)
	}
	return s.height - math.Max(0, math.Min(1, f))*(s.height-s.top)
}

func (s scale) ticks() []float64 {
	var out []float64
	if s.log {
		for v := s.lo; v <= s.hi && len(out) < 12; v *= 10 {
			out = append(out, v)
		}
		return out
	}
	step := niceStep(s.hi / 4)
	if s.height < 100 {
		step = s.hi
	}
	for i := range 8 {
		if v := float64(i) * step; v <= s.hi*(1+1e-9) {
			out = append(out, v)
		}
	}
	return out
}

// stroke writes the path of a curve, broken where there is no data.
func (s scale) stroke(u curve) stroke {
	var d, fill, inf strings.Builder
	start := -1
	end := func(to int) {
		if start >= 0 {
			fill.WriteString("V" + coord(s.height) + "H" + coord(float64(start)+0.5) + "Z")
		}
		start = -1
	}
	for i, v := range u.values {
		x := float64(i) + 0.5
		switch {
		case math.IsInf(v, 1):
			inf.WriteString("M" + coord(x-0.5) + " " + coord(s.infAt) + "h1")
			end(i)
		case math.IsNaN(v):
			end(i)
		case start < 0:
			start = i
			d.WriteString("M" + coord(x) + " " + coord(s.at(v)) + "h.01")
			fill.WriteString("M" + coord(x) + " " + coord(s.at(v)))
		default:
			d.WriteString("L" + coord(x) + " " + coord(s.at(v)))
			fill.WriteString("L" + coord(x) + " " + coord(s.at(v)))
		}
	}
	end(len(u.values))
	out := stroke{Name: u.name, Class: u.class, D: d.String(), Inf: inf.String()}
	if u.fill {
		out.Fill = fill.String()
	}
	return out
}

// coord keeps two decimals at most.
func coord(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

func decimalTick(v float64) string {
	short := strconv.FormatFloat(v, 'g', 6, 64)
	if strings.Contains(short, "e") {
		return short
	}
	return group(short)
}

// timeTicks are four to eight round instants, in seconds.
func timeTicks(length float64) []float64 {
	step := math.Inf(1)
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800} {
		if length/s <= 7 {
			step = s
			break
		}
	}
	var out []float64
	for v := 0.0; v < length && len(out) < 8; v += step {
		out = append(out, v)
	}
	return out
}

// clock is an instant of the run: 0:42, 1:05:00.
func clock(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d%time.Second != 0 {
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	}
	h, m, sec := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	two := func(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }
	if h > 0 {
		return strconv.Itoa(h) + ":" + two(m) + ":" + two(sec)
	}
	return strconv.Itoa(m) + ":" + two(sec)
}

// spark is a small chart without axes.
type spark struct {
	N           int
	D, Inf, Say string
}

const sparkH, sparkPoints = 24, 120

func newSpark(values []threshold.Number) spark {
	g := grouping(len(values), 1, 0)
	g.k = max(1, (len(values)+sparkPoints-1)/sparkPoints)
	u := curve{values: g.peak(values, 1)}
	lo, hi, inf, some := extent([]curve{u})
	if !some {
		return spark{}
	}
	s := scale{lo: 0, hi: math.Max(hi, 1e-9), top: 6, height: sparkH - 2, infAt: 2}
	st := s.stroke(u)
	say := "p99 over time from " + decimal(lo) + " to " + decimal(hi) + " ms"
	if inf {
		say += ", at infinity in " + strconv.Itoa(infinite(u.values)) + " of " + strconv.Itoa(len(u.values)) + " intervals"
	}
	return spark{N: len(u.values), D: st.D, Inf: st.Inf, Say: say}
}
