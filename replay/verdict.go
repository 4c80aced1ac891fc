package replay

import (
	"fmt"
	"math"
	"time"

	"trafficreplay/replay/threshold"
)

// Exit codes that a verdict leads to.
const (
	ExitPass        = 0
	ExitUndecided   = 96
	ExitInvalid     = 97
	ExitFail        = 99
	ExitInterrupted = 130
)

// Gates of a valid run (docs/statistics.md).
const (
	minLagGate = 2 * time.Millisecond
	maxLate    = 0.001 // share of sent shots that may go out more than 10 ms after they were due
	maxGapsKS  = 0.02  // distance of the gaps between shots from those of the plan
	maxLogIDC  = 0.05  // distance of their index of dispersion from the plan's

	// What shape/fidelity calls these two parts.
	gapsPart = "gaps"
	idcPart  = "idc"
)

// LagGate is the most that the lag's p99 may be for a run to be valid: 2 ms, or 2% of the tightest limit on a
// latency if that is more.
func LagGate(thresholds []*threshold.Threshold) time.Duration {
	tightest := time.Duration(math.MaxInt64)
	for _, t := range thresholds {
		if l, ok := t.LatencyLimit(); ok {
			tightest = min(tightest, l)
		}
	}
	if tightest == math.MaxInt64 {
		return minLagGate
	}
	return max(minLagGate, tightest/50)
}

// Judge gives the verdict of a whole run from its figures and the verdicts on its thresholds, the exit code
// that goes with it, and why, one sentence each, most important first. With strict a threshold that stayed
// undecided is exit code 96. It is a pure function: live and from the run folder alike.
//
// Interrupted outranks all. A failure that stands even when our own lag is subtracted outranks invalid, which
// outranks any other failure: a generator that did not keep the plan can be blamed for those.
func Judge(d *Document, strict bool) (v Verdict, exitCode int, reasons []string) {
	c := countVerdicts(d)
	gates := brokenGates(d)
	for _, g := range gates {
		reasons = append(reasons, "The generator did not keep the plan: "+g+".")
	}
	switch {
	case d.Stopped == ByUser:
		return Interrupted, ExitInterrupted, append([]string{fmt.Sprintf(
			"The run was interrupted: %s of %s planned shots were never begun.", count(d.Cancelled), count(d.Planned))}, reasons...)
	case d.Stopped == ByThreshold || c.standing > 0:
		return Fail, ExitFail, append(c.failures(d), reasons...)
	case len(gates) > 0:
		return Invalid, ExitInvalid, append(reasons, c.void()...)
	case c.failed > 0:
		return Fail, ExitFail, c.failures(d)
	}
	return c.withoutFailure(strict)
}

// withoutFailure tells passed from undecided.
func (c *verdictCounts) withoutFailure(strict bool) (Verdict, int, []string) {
	v, code := Pass, ExitPass
	var reasons []string
	switch {
	case c.passed == 0 && c.undecided == 0:
		v, reasons = Inconclusive, []string{"No threshold was set, so there was nothing to decide."}
	case c.passed == 0:
		v, reasons = Inconclusive, []string{"No threshold could be decided."}
	case c.undecided == 0:
		reasons = []string{fmt.Sprintf("%s held.", all(c.passed))}
	default:
		reasons = []string{fmt.Sprintf("%s held out of those that could be decided.", thresholds(c.passed))}
	}
	if c.undecided > 0 {
		reasons = append(reasons, c.short())
	}
	if strict && c.passed == 0 || strict && c.undecided > 0 {
		code = ExitUndecided
	}
	return v, code, reasons
}

// verdictCounts adds up the verdicts on thresholds.
type verdictCounts struct {
	passed, failed, undecided int
	standing                  int // failed even when our own lag is subtracted
	breaches                  []string
	needy                     string // the undecided threshold that is furthest from a decision
	lacks                     float64
}

func countVerdicts(d *Document) *verdictCounts {
	c := &verdictCounts{}
	for i := range d.Thresholds {
		c.add("the whole run", &d.Thresholds[i])
	}
	for i := range d.Endpoints {
		for j := range d.Endpoints[i].Thresholds {
			c.add(d.Endpoints[i].ID, &d.Endpoints[i].Thresholds[j])
		}
	}
	return c
}

func (c *verdictCounts) add(where string, r *threshold.Result) {
	switch r.Verdict {
	case threshold.Pass:
		c.passed++
	case threshold.Undecided:
		c.undecided++
		if lacks := float64(r.Needed) / float64(max(1, r.N)); lacks > c.lacks {
			c.lacks = lacks
			c.needy = fmt.Sprintf("%s on %s has %s of the %s samples it needs", r.Expr, where, count(r.N), count(r.Needed))
		}
	default:
		c.failed++
		if r.WithLag == threshold.Fail {
			c.standing++
		}
		c.breaches = append(c.breaches, fmt.Sprintf("%s does not hold on %s: %s.", r.Expr, where, evidence(r)))
	}
}

// evidence is what a breach rests on: p99 < 250ms allows 1% beyond, 3.1% were (n = 12,004).
func evidence(r *threshold.Result) string {
	s := fmt.Sprintf("%s of %s samples are beyond the limit where %s may be",
		percent(r.Exceed.P), count(r.N), percent(r.Exceed.Limit))
	if r.Worst > 0 {
		s = fmt.Sprintf("in window %d of %d, ", r.Worst, len(r.Blocks)) + s
	}
	return s
}

// maxBreaches is how many breaches the reasons name.
const maxBreaches = 5

func (c *verdictCounts) failures(d *Document) []string {
	var out []string
	if d.Stopped == ByThreshold {
		out = append(out, "A threshold stopped the run: it was broken for longer than its abort allows.")
	}
	out = append(out, c.breaches[:min(len(c.breaches), maxBreaches)]...)
	if rest := len(c.breaches) - maxBreaches; rest > 0 {
		out = append(out, fmt.Sprintf("%d more do not hold.", rest))
	}
	if c.undecided > 0 {
		out = append(out, c.short())
	}
	return out
}

// void says what an invalid run would have said.
func (c *verdictCounts) void() []string {
	if c.failed == 0 {
		return []string{"Thresholds that held count for nothing in such a run."}
	}
	return []string{fmt.Sprintf("%s did not hold, but would have without our own lag, so the target is not blamed.", thresholds(c.failed))}
}

func (c *verdictCounts) short() string {
	return fmt.Sprintf("%s stayed undecided: %s.", thresholds(c.undecided), c.needy)
}

// brokenGates lists the gates of a valid run that this one broke.
func brokenGates(d *Document) (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if gate := float64(lagGate(d)) / 1e3; d.LagUS.P99 > gate {
		say("lag p99 was %s, limit %s", ms(d.LagUS.P99), ms(gate))
	}
	if d.Sent > 0 && float64(d.Late10MS) > maxLate*float64(d.Sent) {
		say("%s of %s shots went out more than 10 ms late, limit %s", count(d.Late10MS), count(d.Sent), percent(maxLate))
	}
	if d.DroppedLate > 0 {
		say("%s of %s shots were dropped because we were too late for them", count(d.DroppedLate), count(d.Planned))
	}
	if n := ourErrors(d); n > 0 {
		say("%s of %s shots failed because this machine ran out of ports or files", count(n), count(d.Sent))
	}
	if d.Fidelity != nil {
		for _, p := range d.Fidelity.Parts {
			if p.Name == gapsPart && p.Distance > maxGapsKS || p.Name == idcPart && p.Distance > maxLogIDC {
				say("the %s of what was sent is %.3f off the plan", p.Name, p.Distance)
			}
		}
	}
	return broken
}

// lagGate is LagGate of every threshold in d.
func lagGate(d *Document) time.Duration {
	var ts []*threshold.Threshold
	for i := range d.Endpoints {
		for _, r := range d.Endpoints[i].Thresholds {
			// One that does not parse has no limit to go by; analyze refuses such a document.
			if t, err := threshold.Parse(r.Expr); err == nil {
				ts = append(ts, t)
			}
		}
	}
	return LagGate(ts)
}

func ourErrors(d *Document) (n int64) {
	for i := range d.Endpoints {
		n += d.Endpoints[i].Errors[ErrResource.String()]
	}
	return n
}

func thresholds(n int) string {
	if n == 1 {
		return "1 threshold"
	}
	return fmt.Sprintf("%s thresholds", count(int64(n)))
}

func all(n int) string {
	if n == 1 {
		return "The only threshold"
	}
	return fmt.Sprintf("All %s", thresholds(n))
}

// count prints a number with thousands separated.
func count(n int64) string {
	if n < 0 {
		return "-" + count(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}

// percent prints a share to three significant digits.
func percent(share float64) string { return fmt.Sprintf("%.3g%%", 100*share) }

// ms prints microseconds as milliseconds.
func ms(us float64) string { return fmt.Sprintf("%.3g ms", us/1e3) }
