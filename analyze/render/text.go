package render

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// TextOptions are how [Text] writes.
type TextOptions struct {
	Colour bool // of the verdict words; they mean the same without
}

// textEndpoints is how many endpoints a terminal is shown.
const textEndpoints = 25

// Text writes the summary for a terminal: the verdict and why, what was sent, and the endpoints with the most
// trouble first.
func Text(w io.Writer, r *analyze.Report, o TextOptions) error {
	buf := bufio.NewWriter(w)
	t := text{buf, o.Colour}
	t.verdict(r)
	t.counts(r)
	t.pace(r)
	t.endpoints(r)
	t.wholeRun(r)
	t.provenance(r)
	return buf.Flush()
}

type text struct {
	w      *bufio.Writer // remembers the first error
	colour bool
}

func (t text) linef(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

func (t text) verdict(r *analyze.Report) {
	d := r.Document
	t.linef("%s  %s%s", t.paint(runWord(d.Verdict), tone(d.Verdict)), clip(d.Name, 80), textTargets(d.Targets))
	for _, reason := range d.Reasons {
		t.linef("  %s", clip(reason, 400))
	}
	v := r.Verdicts
	t.linef("  thresholds: %d held, %d failed, %d undecided", v.Passed, v.Failed, v.Undecided)
	t.linef("")
}

func textTargets(targets []string) string {
	if len(targets) == 0 {
		return ""
	}
	return " against " + clip(strings.Join(targets, ", "), 120)
}

func (t text) counts(r *analyze.Report) {
	d := r.Document
	t.linef("planned      %s = sent %s + dropped %s + cancelled %s", count(d.Planned), count(d.Sent), count(d.Dropped), count(d.Cancelled))
	if d.Dropped > 0 {
		t.linef("dropped      ceiling %s, late %s", count(d.DroppedCeiling), count(d.DroppedLate))
	}
	t.linef("sent         %s = ok %s + failed %s (error rate %s)", count(d.Sent), count(d.OK), count(d.Failed), percent(r.ErrorRate()))
	t.linef("captured     %s: unsendable %s (%s), withheld %s (%s)", count(d.Captured), count(d.Unsendable),
		shareOf(d.Unsendable, d.Captured), count(d.Withheld), shareOf(d.Withheld, d.Captured))
	t.why("unsendable", d.UnsendableWhy)
	t.why("withheld", d.WithheldWhy)
}

func (t text) why(name string, m map[string]int64) {
	if len(m) > 0 {
		t.linef("  %-10s %s", name, countsText(m, 6))
	}
}

func (t text) pace(r *analyze.Report) {
	d := r.Document
	t.linef("rate         %s/s of %s/s planned, over %s", perSecond(d.Rate.Achieved), perSecond(d.Rate.Planned), span(d.DurationS))
	t.linef("lag          p50 %sms, p99 %sms (%s), max %sms; %s sent more than 10ms late", decimal(d.LagUS.P50/1000),
		decimal(d.LagUS.P99/1000), lagWord(r), decimal(d.LagUS.Max/1000), count(d.Late10MS))
	t.linef("connections  %s opened, %s reused; connect p50 %sms, p99 %sms", count(d.Conns.Opened), count(d.Conns.Reused),
		decimal(d.Conns.ConnectP50MS), decimal(d.Conns.ConnectP99MS))
	t.linef("")
}

// lagWord says whether our own lag kept within its gate.
func lagWord(r *analyze.Report) string {
	gate := decimal(r.Document.LagGateMS) + "ms"
	if r.LagSound() {
		return "sound, gate " + gate
	}
	return "above the gate of " + gate
}

func (t text) endpoints(r *analyze.Report) {
	tab := table{head: []string{"endpoint", "n", "p50", "p99", "errors", "threshold", "observed", "beyond [95% interval]", "allowed", "n", "verdict"},
		right: []bool{false, true, true, true, true, false, true, true, true, true, false}}
	for _, e := range r.Endpoints[:min(len(r.Endpoints), textEndpoints)] {
		lead := []string{clip(e.ID, 48), count(e.Judged), msText(e.LatencyMS.P50), msText(e.LatencyMS.P99), percent(e.ErrorRate)}
		if len(e.Thresholds) == 0 {
			tab.add(append(lead, none, none, none, none, none, none)...)
		}
		for _, res := range e.Thresholds {
			tab.add(append(lead, checkCells(analyze.Check{Endpoint: e.ID, Result: res})...)...)
			lead = make([]string, 5)
		}
	}
	tab.write(t)
	if more := len(r.Endpoints) - textEndpoints; more > 0 {
		t.linef("%d more", more)
	}
	t.linef("")
}

func checkCells(c analyze.Check) []string {
	return []string{clip(c.Expr, 60), observed(c), beyond(c), allowed(c), count(c.N), checkWord(c.Result)}
}

func msText(n threshold.Number) string {
	s := ms(n)
	if s == none || s == "inf" {
		return s
	}
	return s + "ms"
}

func (t text) wholeRun(r *analyze.Report) {
	if len(r.Document.Thresholds) == 0 {
		return
	}
	tab := table{head: []string{"whole run", "observed", "beyond [95% interval]", "allowed", "n", "verdict"}, right: []bool{false, true, true, true, true, false}}
	for _, res := range r.Document.Thresholds {
		tab.add(checkCells(analyze.Check{Result: res})...)
	}
	tab.write(t)
	t.linef("")
}

func (t text) provenance(r *analyze.Report) {
	d := r.Document
	t.linef("seed %d, scale %s, speed %s, plan %s", d.Seed, factor(d.Scale), factor(d.Speed), digest(d.PlanSHA256))
	if r.Dir != "" {
		t.linef("report %s", line(filepath.Join(r.Dir, "report.html")))
	}
}

// runWord is the verdict of a run as a word that stands out without colour.
func runWord(v replay.Verdict) string {
	switch v {
	case replay.Pass, replay.Fail, replay.Invalid, replay.Inconclusive, replay.Interrupted:
		return strings.ToUpper(string(v))
	}
	return clip("unknown verdict "+string(v), 40)
}

// checkWord is the verdict on a threshold; only a failure is in capitals.
func checkWord(r threshold.Result) string {
	switch r.Verdict {
	case threshold.Fail:
		return "FAIL"
	case threshold.Pass:
		return "pass"
	}
	return fmt.Sprintf("undecided (needs %s)", count(r.Needed))
}

// tone is how a verdict is coloured: good, bad or doubt.
func tone(v replay.Verdict) string {
	switch v {
	case replay.Pass:
		return "good"
	case replay.Fail, replay.Invalid:
		return "bad"
	}
	return "doubt"
}

// paint colours a word that a verdict begins with.
func (t text) paint(s, tone string) string {
	code, ok := map[string]string{"good": "32", "bad": "31", "doubt": "33"}[tone]
	if !t.colour || !ok {
		return s
	}
	return "\x1b[1;" + code + "m" + s + "\x1b[0m"
}
