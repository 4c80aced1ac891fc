package threshold

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"trafficreplay/shape/stat"
)

// Sample is what a threshold needs to know of one shot. Latency and Service are nanoseconds and mean
// something only for an ok shot, which is one with none of the marks.
type Sample struct {
	Latency, Service           int64
	Status                     uint16
	Failed, Dropped, Cancelled bool
	Ours                       bool // the failure or drop is our own fault and not the target's
}

// Count says whether s is judged, whether it lies beyond the limit, and whether it still does when our own
// lag is subtracted. This is the one place that defines what each metric counts:
//
//   - p50 … max: ok, failed and dropped shots are judged; beyond are a latency past the limit, and every
//     failed or dropped shot, whose latency is +inf. Without our lag the latency is the service time.
//   - service_…: the same of the service time, which holds no lag of ours.
//   - error_rate: ok, failed and dropped are judged; beyond are failed and dropped.
//   - status:…: ok, failed and dropped are judged; beyond are answers with that status.
//   - rate: every planned shot is judged, cancelled ones too; beyond are those that were not sent.
func (t *Threshold) Count(s *Sample) (judged, beyond, beyondNoLag bool) {
	lost := s.Failed || s.Dropped
	switch {
	case t.kind == rate:
		beyond = s.Dropped || s.Cancelled
		return true, beyond, beyond && !s.Ours
	case s.Cancelled:
		return false, false, false
	case t.kind == statusCode:
		beyond = s.Status == t.status
		return true, beyond, beyond
	case t.kind == statusClass:
		beyond = s.Status/100 == t.status
		return true, beyond, beyond
	case t.kind == errorRate, lost:
		return true, lost, lost && !s.Ours
	}
	beyondNoLag = t.past(s.Service)
	if t.kind == service {
		return true, beyondNoLag, beyondNoLag
	}
	return true, t.past(s.Latency), beyondNoLag
}

// past puts the strictness of a comparison of times where it is exact: p99 < L holds when at most 1% of
// samples are L or more, p99 <= L when at most 1% are more than L.
func (t *Threshold) past(ns int64) bool {
	if t.Op == "<" || t.Op == ">=" {
		return ns >= t.Limit
	}
	return ns > t.Limit
}

// Stretches of a run.
const (
	Blocks     = 20   // equal-time blocks that the judged part of a plan is cut into (docs/statistics.md)
	MaxWindows = 3600 // windows that one threshold may cut it into instead
)

// Layout cuts the judged part of a plan, which is its length less the warm-up, into stretches: [Blocks]
// blocks, or as many full windows as fit. A shot belongs to stretch (intended − warm-up) / width; past the
// last block it belongs to the last, past the last full window to none.
func (t *Threshold) Layout(judged time.Duration) (width time.Duration, count int, err error) {
	if t.Window == 0 {
		return max(1, (judged+Blocks-1)/Blocks), Blocks, nil
	}
	n := max(0, judged) / t.Window
	if n > MaxWindows {
		return 0, 0, fmt.Errorf("threshold %q: %d windows of %s, limit %d: widen the window", t, n, format(t.Window), MaxWindows)
	}
	return t.Window, int(n), nil
}

// allowed is the share of samples that may lie beyond the limit, in parts per billion.
func (t *Threshold) allowed() int64 {
	switch {
	case !t.kind.share():
		return (1000 - t.quant) * 1e6
	case t.kind == rate:
		return 1e9 - t.Limit
	default:
		return t.Limit
	}
}

// ceiling reports whether the share beyond the limit must stay small; the other way round, as in
// p99 > 250ms or rate < 50%, it must be large.
func (t *Threshold) ceiling() bool {
	return (t.Op[0] == '<') != (t.kind == rate)
}

// Needed is the number of samples that decide the threshold: with fewer, even a run without one sample
// beyond the limit does not show at 95% that their share is within the allowed a. ceil(ln 0.05 / ln(1 − a))
// is 299 for p99 (docs/statistics.md). Where none is allowed (max) every sample counts: 1.
func (t *Threshold) Needed() int64 {
	a := float64(t.allowed()) / 1e9
	if a <= 0 || a >= 1 {
		return 1
	}
	return int64(math.Ceil(math.Log(0.05) / math.Log1p(-a)))
}

// holds compares the share beyond the limit with the allowed one in whole numbers. For times the strictness
// of the comparison is already in what was counted.
func (t *Threshold) holds(n, x int64) bool {
	share, limit, op := x, t.allowed(), t.Op
	switch {
	case !t.kind.share() && t.ceiling():
		op = "<="
	case !t.kind.share():
		op = ">"
	case t.kind == rate:
		share, limit = n-x, t.Limit
	}
	c := compare(share, 1e9, limit, n)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// compare is the sign of a·b − c·d for numbers that are not negative, in 128 bits.
func compare(a, b, c, d int64) int {
	h1, l1 := bits.Mul64(uint64(a), uint64(b))
	h2, l2 := bits.Mul64(uint64(c), uint64(d))
	switch {
	case h1 == h2 && l1 == l2:
		return 0
	case h1 < h2 || h1 == h2 && l1 < l2:
		return -1
	default:
		return 1
	}
}

// decide gives the verdict on x of n samples beyond the limit. With enough samples the point estimate
// decides; with fewer only a breach that is clear all the same does.
func (t *Threshold) decide(n, x int64) Verdict {
	switch {
	case n == 0:
		return Undecided
	case n >= t.Needed() && t.holds(n, x):
		return Pass
	case n >= t.Needed():
		return Fail
	}
	lo, hi := interval(n, x)
	a := float64(t.allowed()) / 1e9
	if t.ceiling() && lo > a || !t.ceiling() && hi < a {
		return Fail
	}
	return Undecided
}

// interval is the 95% interval of the share of which x of n samples were seen.
func interval(n, x int64) (lo, hi float64) {
	return stat.ClopperPearson(float64(x), float64(n), 0.95)
}

// Evaluate gives the verdict on exact counts, one Block per stretch of [Threshold.Layout]. observed is the
// metric's value in milliseconds for quantiles, +Inf where failures reach it; shares are computed from the
// counts. With a window the threshold must hold in each, and the worst one is reported; a quantile's value
// is then absent, since only its counts are kept by window. The Result shares blocks.
func (t *Threshold) Evaluate(blocks []Block, observed Number) Result {
	r := Result{Expr: t.Expr(), Scope: t.Scope, Unit: t.Unit(), Needed: t.Needed(), Blocks: blocks, Observed: observed}
	sum := total(blocks)
	r.Verdict, r.WithLag = t.decide(sum.N, sum.X), t.decide(sum.N, sum.XNoLag)
	if t.Window > 0 {
		r.Verdict, r.WithLag, r.Worst = t.windows(blocks)
		sum = Block{}
		if r.Worst > 0 {
			sum = blocks[r.Worst-1]
		}
		r.Observed = Number(math.NaN())
	}
	t.measure(&r, sum)
	return r
}

// measure fills in what the counts alone say.
func (t *Threshold) measure(r *Result, sum Block) {
	r.N = sum.N
	r.Exceed = Exceed{Lo: 0, Hi: 1, Limit: float64(t.allowed()) / 1e9}
	if sum.N > 0 {
		r.Exceed.P = float64(sum.X) / float64(sum.N)
		r.Exceed.Lo, r.Exceed.Hi = interval(sum.N, sum.X)
	}
	switch {
	case !t.kind.share():
	case sum.N == 0:
		r.Observed = Number(math.NaN())
	case t.kind == rate:
		r.Observed = Number(float64(sum.N-sum.X) / float64(sum.N))
	default:
		r.Observed = Number(r.Exceed.P)
	}
}

func total(blocks []Block) (sum Block) {
	for _, b := range blocks {
		sum.Merge(b)
	}
	return sum
}

// windows decides each window by its own n: one that fails, fails the threshold, else one that stays
// undecided leaves it so. worst is the ordinal, from 1, of the window to show: the first with the worst
// verdict and then the worst share. Without a full window it is 0.
func (t *Threshold) windows(blocks []Block) (v, withLag Verdict, worst int) {
	if len(blocks) == 0 {
		return Undecided, Undecided, 0
	}
	v, withLag = Pass, Pass
	for i, b := range blocks {
		w := t.decide(b.N, b.X)
		withLag = worse(withLag, t.decide(b.N, b.XNoLag))
		if worst == 0 || worse(v, w) != v || w == v && t.beyond(b, blocks[worst-1]) {
			worst = i + 1
		}
		v = worse(v, w)
	}
	return v, withLag, worst
}

func worse(a, b Verdict) Verdict {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Undecided || b == Undecided:
		return Undecided
	default:
		return Pass
	}
}

// beyond reports whether a is a worse window than b under the same verdict.
func (t *Threshold) beyond(a, b Block) bool {
	if a.N == 0 || b.N == 0 {
		return a.N > b.N
	}
	c := compare(a.X, b.N, b.X, a.N)
	return t.ceiling() && c > 0 || !t.ceiling() && c < 0
}
