package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"trafficreplay/analyze"
	"trafficreplay/replay"
)

// markdownChecks is how many thresholds a CI summary shows.
const markdownChecks = 50

// Markdown writes the summary of a CI step: the verdict, why, every threshold with the worst first, and what
// was sent. Captured text in it makes no markup, no mention and no link.
func Markdown(w io.Writer, r *analyze.Report) error {
	b := bufio.NewWriter(w)
	d := r.Document
	fmt.Fprintf(b, "## %s Replay: %s — %s\n\n", mark(d.Verdict), runWord(d.Verdict), inert(clip(d.Name, 80)))
	for _, reason := range d.Reasons {
		fmt.Fprintf(b, "- %s\n", inert(clip(reason, 400)))
	}
	v := r.Verdicts
	fmt.Fprintf(b, "- %d thresholds held, %d failed, %d undecided\n\n", v.Passed, v.Failed, v.Undecided)
	markdownTable(b, r)
	markdownFigures(b, r)
	fmt.Fprintf(b, "\n<sub>seed %d, scale %s, speed %s, plan %s, replay %s</sub>\n", d.Seed, factor(d.Scale), factor(d.Speed),
		inert(digest(d.PlanSHA256)), inert(clip(d.Tool, 40)))
	return b.Flush()
}

func mark(v replay.Verdict) string {
	switch tone(v) {
	case "good":
		return "✅"
	case "bad":
		return "❌"
	}
	return "⚠️"
}

func markdownTable(b *bufio.Writer, r *analyze.Report) {
	if len(r.Checks) == 0 {
		return
	}
	fmt.Fprint(b, "| endpoint | threshold | observed | beyond [95% interval] | allowed | n | verdict |\n|:--|:--|--:|--:|--:|--:|:--|\n")
	for _, c := range r.Checks[:min(len(r.Checks), markdownChecks)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", inert(scopeName(c, 80)), inert(clip(c.Expr, 60)), observed(c), beyond(c), allowed(c), count(c.N),
			strings.Replace(checkWord(c.Result), "FAIL", "**FAIL**", 1))
	}
	if more := len(r.Checks) - markdownChecks; more > 0 {
		fmt.Fprintf(b, "\n%d more thresholds are in the report.\n", more)
	}
	b.WriteByte('\n')
}

// scopeName names what a threshold was judged on.
func scopeName(c analyze.Check, width int) string {
	if c.Endpoint == "" {
		return "whole run"
	}
	return clip(c.Endpoint, width)
}

func markdownFigures(b *bufio.Writer, r *analyze.Report) {
	d := r.Document
	fmt.Fprint(b, "| figure | value |\n|:--|:--|\n")
	row := func(name, format string, args ...any) {
		fmt.Fprintf(b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	row("planned", "%s = sent %s + dropped %s + cancelled %s", count(d.Planned), count(d.Sent), count(d.Dropped), count(d.Cancelled))
	row("sent", "%s = ok %s + failed %s (error rate %s)", count(d.Sent), count(d.OK), count(d.Failed), percent(r.ErrorRate()))
	row("captured", "%s, unsendable %s (%s), withheld %s (%s)", count(d.Captured), count(d.Unsendable),
		shareOf(d.Unsendable, d.Captured), count(d.Withheld), shareOf(d.Withheld, d.Captured))
	row("rate", "%s/s of %s/s planned, over %s", perSecond(d.Rate.Achieved), perSecond(d.Rate.Planned), span(d.DurationS))
	row("lag", "p50 %sms, p99 %sms (%s), max %sms", decimal(d.LagUS.P50/1000), decimal(d.LagUS.P99/1000), lagWord(r), decimal(d.LagUS.Max/1000))
}

// inert writes every character that could begin markup, a mention, a reference or a link as an entity.
func inert(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*_~<>&|[]!@#:$\"'^", r), r == '(' || r == ')', r == '.' && endsWWW(s[:i]):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func endsWWW(s string) bool { return len(s) >= 3 && strings.EqualFold(s[len(s)-3:], "www") }
