package render

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficreplay/analyze"
	"trafficreplay/replay/threshold"
)

const none = "—"

// count is 1234567 as 1,234,567.
func count(n int64) string { return group(strconv.FormatInt(n, 10)) }

// group puts separators into the whole part of a decimal.
func group(s string) string {
	whole, frac, dotted := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dotted {
		return whole + "." + frac
	}
	return whole
}

// decimal keeps about three digits.
func decimal(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return none
	case math.IsInf(f, 0):
		return "inf"
	case a >= 100:
		return group(strconv.FormatFloat(f, 'f', 0, 64))
	case a >= 1 || a == 0:
		return strconv.FormatFloat(f, 'f', 1, 64)
	default:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
}

// perSecond is a rate with one decimal, whatever its size, so that a small shortfall shows.
func perSecond(f float64) string { return group(strconv.FormatFloat(f, 'f', 1, 64)) }

func ms(n threshold.Number) string { return decimal(float64(n)) }

// percent is a share as a percentage that shows small shares too.
func percent(p float64) string {
	switch {
	case math.IsNaN(p):
		return none
	case p == 0 || p == 1:
		return strconv.Itoa(int(p*100)) + "%"
	case p < 0.001:
		return strconv.FormatFloat(p*100, 'f', 3, 64) + "%"
	case p < 0.1 || p > 0.99:
		return strconv.FormatFloat(p*100, 'f', 2, 64) + "%"
	default:
		return strconv.FormatFloat(p*100, 'f', 1, 64) + "%"
	}
}

func shareOf(n, of int64) string {
	if of <= 0 {
		return none
	}
	return percent(float64(n) / float64(of))
}

// observed is the value of a threshold's metric with its unit.
func observed(c analyze.Check) string {
	switch v := float64(c.Observed); {
	case math.IsNaN(v), math.IsInf(v, 0):
		return decimal(v)
	case c.Unit == "ratio":
		return percent(v)
	case c.Unit == "ms":
		return decimal(v) + "ms"
	default:
		return perSecond(v) + "/s"
	}
}

// beyond is the share of samples past the limit with its 95% interval.
func beyond(c analyze.Check) string {
	if c.N == 0 {
		return none
	}
	return fmt.Sprintf("%s [%s, %s]", percent(c.Exceed.P), percent(c.Exceed.Lo), percent(c.Exceed.Hi))
}

// allowed is the share that may lie past the limit, as it would be written.
func allowed(c analyze.Check) string {
	return strconv.FormatFloat(c.Exceed.Limit*100, 'g', 6, 64) + "%"
}

// limit is the right-hand side of a threshold.
func limit(expr string) string {
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if _, after, ok := strings.Cut(expr, op+" "); ok {
			value, _, _ := strings.Cut(after, " ")
			return value
		}
	}
	return none
}

// span is a length of time in seconds as people write it.
func span(s float64) string {
	if math.IsNaN(s) || math.Abs(s) > 1e9 {
		return none
	}
	d := time.Duration(s * float64(time.Second))
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

func factor(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) + "x" }

// digest is the first twelve characters, enough to tell plans apart.
func digest(s string) string { return line(s[:min(len(s), 12)]) }

// named is a count under its name.
type named struct {
	Name string
	N    int64
}

// largest lists counts, largest first.
func largest(m map[string]int64) []named {
	out := make([]named, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, named{line(k), m[k]})
	}
	slices.SortStableFunc(out, func(a, b named) int {
		switch {
		case a.N > b.N:
			return -1
		case a.N < b.N:
			return 1
		}
		return 0
	})
	return out
}

// countsText lists counts by name, largest first: timeout 12, reset 3. At most limit are named.
func countsText(m map[string]int64, limit int) string {
	all := largest(m)
	var b strings.Builder
	for i, c := range all {
		if i == limit {
			fmt.Fprintf(&b, ", %d more", len(all)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(clip(c.Name, 60) + " " + count(c.N))
	}
	return b.String()
}
