package threshold

import (
	"strconv"
	"strings"
	"time"
)

// String is the inverse of [Parse], in one canonical spelling: GET /cart: p99 < 250ms over 30s.
func (t *Threshold) String() string {
	if t.Scope == "" {
		return t.Expr()
	}
	return t.Scope + ": " + t.Expr()
}

// Expr is String without the scope.
func (t *Threshold) Expr() string {
	s := t.Metric + " " + t.Op + " " + t.value()
	if t.Window > 0 {
		s += " over " + format(t.Window)
	}
	if t.Abort > 0 {
		s += " abort after " + format(t.Abort)
	}
	return s
}

func (t *Threshold) value() string {
	switch {
	case !t.kind.share():
		return format(time.Duration(t.Limit))
	case t.percent:
		return exact(t.Limit, 1e7) + "%"
	default:
		return exact(t.Limit, 1e9)
	}
}

// Unit is that of the metric's value in results: ms or ratio.
func (t *Threshold) Unit() string {
	if t.kind.share() {
		return "ratio"
	}
	return "ms"
}

// LatencyLimit is the limit on a latency or service time, false for shares.
func (t *Threshold) LatencyLimit() (time.Duration, bool) {
	return time.Duration(t.Limit), !t.kind.share()
}

// format prints d in its largest fitting unit, exactly.
func format(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return exact(int64(d), int64(time.Hour)) + "h"
	case d >= time.Minute && d%time.Minute == 0:
		return exact(int64(d), int64(time.Minute)) + "m"
	case d >= time.Second:
		return exact(int64(d), int64(time.Second)) + "s"
	case d >= time.Millisecond:
		return exact(int64(d), int64(time.Millisecond)) + "ms"
	default:
		return exact(int64(d), int64(time.Microsecond)) + "us"
	}
}

// exact is v/scale as a decimal without trailing zeros. A scale above a second divides v.
func exact(v, scale int64) string {
	s := strconv.FormatInt(v/scale, 10)
	rest := v % scale
	if rest == 0 {
		return s
	}
	frac := strconv.FormatInt(scale+rest, 10)[1:] // the scale's leading 1 keeps the zeros
	return s + "." + strings.TrimRight(frac, "0")
}
