package render

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// page is what report.html.tmpl is filled from. Its strings are escaped for the eye by [Escape], and by
// html/template for the document.
type page struct {
	CSP    string
	Style  template.CSS
	Script template.JS
	Plots  template.JS // for the script: the values behind each chart
	Raw    template.JS // empty: too large

	Name, Targets, Started, Tool string
	Word, Tone, Sentence         string
	Reasons                      []string
	Figures                      []figure
	Checks                       []checkRow
	MoreChecks                   int
	Charts                       []chart
	Endpoints                    []endpointRow
	MoreEndpoints                int
	Connections                  []figure
	Unsent                       []unsentRow
	Captured                     string
	Fidelity                     *fidelity
	Provenance                   []figure
}

// figure is a number under its name.
type figure struct{ Label, Value, Note string }

// Rows that a page shows; a run has at most a few hundred.
const (
	pageChecks    = 2000
	pageEndpoints = 1000
)

func newPage(r *analyze.Report) (*page, error) {
	d := r.Document
	p := &page{
		CSP: policy(pageStyle, pageScript), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Name: line(d.Name), Targets: line(strings.Join(d.Targets, ", ")), Started: line(d.Started), Tool: line(d.Tool),
		Word: title(runWord(d.Verdict)), Tone: tone(d.Verdict), Sentence: sentence(r),
		Figures: keyFigures(r), Connections: connections(d), Provenance: provenance(d),
		Charts: charts(d), Unsent: unsent(d), Captured: count(d.Captured), Fidelity: newFidelity(d.Fidelity),
		MoreChecks: max(0, len(r.Checks)-pageChecks), MoreEndpoints: max(0, len(r.Endpoints)-pageEndpoints),
	}
	for _, reason := range d.Reasons {
		p.Reasons = append(p.Reasons, clip(reason, 1000))
	}
	for _, c := range r.Checks[:min(len(r.Checks), pageChecks)] {
		p.Checks = append(p.Checks, newCheckRow(c))
	}
	for _, e := range r.Endpoints[:min(len(r.Endpoints), pageEndpoints)] {
		p.Endpoints = append(p.Endpoints, newEndpointRow(e))
	}
	plots := make(map[string]plot, len(p.Charts))
	for _, c := range p.Charts {
		plots[c.ID] = c.plot
	}
	var err error
	if p.Plots, err = embed(plots); err != nil {
		return nil, err
	}
	if p.Raw, err = embed(r.JSON()); len(p.Raw) > maxEmbedded {
		p.Raw = ""
	}
	return p, err
}

func title(word string) string { return word[:1] + strings.ToLower(word[1:]) }

// sentence says what the verdict means.
func sentence(r *analyze.Report) string {
	v := r.Verdicts
	switch r.Document.Verdict {
	case replay.Pass:
		if v.Undecided > 0 {
			return fmt.Sprintf("%d of %d thresholds held; %d could not be decided.", v.Passed, v.Total(), v.Undecided)
		}
		return fmt.Sprintf("All %d thresholds held.", v.Total())
	case replay.Fail:
		return fmt.Sprintf("%d of %d thresholds failed.", v.Failed, v.Total())
	case replay.Invalid:
		return "The plan was not kept, so this run says nothing about the target."
	case replay.Inconclusive:
		return "There were too few requests to decide any threshold."
	case replay.Interrupted:
		return "The run was stopped early. This is what was measured until then."
	}
	return ""
}

func keyFigures(r *analyze.Report) []figure {
	d := r.Document
	return []figure{
		{"Requests sent", count(d.Sent), "of " + count(d.Planned) + " planned"},
		{"Rate", perSecond(d.Rate.Achieved) + "/s", "of " + perSecond(d.Rate.Planned) + "/s planned"},
		{"Error rate", percent(r.ErrorRate()), count(d.Failed) + " failed, " + count(d.Dropped) + " dropped"},
		{"Thresholds held", strconv.Itoa(r.Verdicts.Passed), fmt.Sprintf("of %d; %d failed, %d undecided", r.Verdicts.Total(), r.Verdicts.Failed, r.Verdicts.Undecided)},
		{"Lag p99", decimal(d.LagUS.P99/1000) + " ms", lagWord(r) + "; p50 " + decimal(d.LagUS.P50/1000) + "ms, max " + decimal(d.LagUS.Max/1000) + "ms"},
		{"Length", span(d.DurationS), "warm-up " + span(d.Series.WarmupS) + ", not judged"},
	}
}

func connections(d *replay.Document) []figure {
	return []figure{
		{"Opened", count(d.Conns.Opened), ""},
		{"Reused", count(d.Conns.Reused), shareOf(d.Conns.Reused, d.Sent) + " of requests"},
		{"Connect p50", decimal(d.Conns.ConnectP50MS) + " ms", ""},
		{"Connect p99", decimal(d.Conns.ConnectP99MS) + " ms", ""},
	}
}

func provenance(d *replay.Document) []figure {
	o := d.Options
	return []figure{
		{"Run", line(d.Name), ""}, {"Run ID", line(d.RunID), ""}, {"Started", line(d.Started), ""}, {"Input", line(d.Input), ""},
		{"Seed", strconv.FormatUint(d.Seed, 10), ""}, {"Scale", factor(d.Scale), ""}, {"Speed", factor(d.Speed), ""},
		{"Replay", line(d.Tool), ""},
		{"Warm-up", orNone(o.Warmup), ""}, {"Duration", orNone(o.Duration), ""}, {"Timeout", orNone(o.Timeout), ""},
		{"Most in flight", count(int64(o.MaxInFlight)), ""}, {"Connections", orNone(o.Connections), ""},
		{"Writes allowed", orNone(strings.Join(o.AllowWrites, ", ")), ""}, {"CPU per request", decimal(d.CPU) + " µs", ""},
		{"Thresholds", orNone(strings.Join(o.Thresholds, "; ")), ""}, {"Plan SHA-256", line(d.PlanSHA256), ""},
	}
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return line(s)
}

// fidelity is how closely what was sent resembles the plan.
type fidelity struct {
	Score, Worst string
	Parts        []fidelityRow
}

type fidelityRow struct{ Name, Distance, Floor, Score string }

// newFidelity is nil where it was not assessed.
func newFidelity(f *replay.Fidelity) *fidelity {
	if f == nil {
		return nil
	}
	digits := func(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }
	out := &fidelity{Score: digits(f.Score, 1), Worst: line(f.Worst)}
	for _, p := range f.Parts {
		out.Parts = append(out.Parts, fidelityRow{line(p.Name), digits(p.Distance, 4), digits(p.Floor, 4), digits(p.Score, 1)})
	}
	return out
}

// unsentRow is one reason for which captured or planned requests were not sent.
type unsentRow struct{ What, Why, N, Share string }

func unsent(d *replay.Document) []unsentRow {
	var rows []unsentRow
	for _, c := range largest(d.UnsendableWhy) {
		rows = append(rows, unsentRow{"unsendable", c.Name, count(c.N), shareOf(c.N, d.Captured) + " of captured"})
	}
	for _, c := range largest(d.WithheldWhy) {
		rows = append(rows, unsentRow{"withheld", c.Name, count(c.N), shareOf(c.N, d.Captured) + " of captured"})
	}
	for _, c := range []struct {
		what, why string
		n         int64
	}{
		{"dropped", "ceiling: the target held every slot", d.DroppedCeiling},
		{"dropped", "late: our own fault", d.DroppedLate},
		{"cancelled", "the run was stopped", d.Cancelled},
	} {
		if c.n > 0 {
			rows = append(rows, unsentRow{c.what, c.why, count(c.n), shareOf(c.n, d.Planned) + " of planned"})
		}
	}
	return rows
}

// checkRow is one row of the table of thresholds.
type checkRow struct {
	Scope, Expr, Observed, Limit string
	Beyond, Interval, Allowed, N string
	Verdict, Tone, Note          string
}

func newCheckRow(c analyze.Check) checkRow {
	row := checkRow{
		Scope: scopeName(c, 300), Expr: line(c.Expr), Observed: observed(c), Limit: limit(c.Expr), N: count(c.N),
		Beyond: none, Interval: none, Allowed: allowed(c), Verdict: string(c.Verdict), Tone: checkTone(c.Verdict),
	}
	if c.N > 0 {
		row.Beyond = percent(c.Exceed.P)
		row.Interval = percent(c.Exceed.Lo) + " – " + percent(c.Exceed.Hi)
	}
	switch {
	case c.Verdict == threshold.Undecided:
		row.Note = "needs " + count(c.Needed) + " samples"
	case c.Verdict != c.WithLag:
		row.Note = string(c.WithLag) + " without our own lag"
	}
	if c.Worst > 0 {
		row.Note = strings.TrimPrefix(row.Note+", worst is window "+strconv.Itoa(c.Worst), ", ")
	}
	return row
}

func checkTone(v threshold.Verdict) string {
	switch v {
	case threshold.Pass:
		return "good"
	case threshold.Fail:
		return "bad"
	}
	return "doubt"
}

// endpointRow is one endpoint in the table of endpoints.
type endpointRow struct {
	ID, N, P50, P90, P99, P999, Max string
	ErrorRate, SentShare, CapShare  string
	ErrorTone                       string
	Status                          []named
	Errors                          []named
	Lost                            string
	Checks                          []checkRow
	Spark                           spark
}

func newEndpointRow(e analyze.Endpoint) endpointRow {
	row := endpointRow{
		ID: clip(e.ID, 300), N: count(e.Judged),
		P50: ms(e.LatencyMS.P50), P90: ms(e.LatencyMS.P90), P99: ms(e.LatencyMS.P99), P999: ms(e.LatencyMS.P999), Max: ms(e.LatencyMS.Max),
		ErrorRate: percent(e.ErrorRate), SentShare: percent(e.SentShare), CapShare: percent(e.CapturedShare),
		Status: few(largest(e.Status)), Errors: few(largest(e.Errors)), Spark: newSpark(e.Spark),
	}
	if e.Dropped+e.Cancelled > 0 {
		row.Lost = "dropped " + count(e.Dropped) + ", cancelled " + count(e.Cancelled)
	}
	if !math.IsNaN(e.ErrorRate) && e.ErrorRate > 0.01 {
		row.ErrorTone = "bad"
	}
	for _, res := range e.Thresholds {
		row.Checks = append(row.Checks, newCheckRow(analyze.Check{Endpoint: e.ID, Result: res}))
	}
	return row
}

// few keeps the dozen largest and sums the rest.
func few(all []named) []named {
	const most = 12
	if len(all) <= most {
		return all
	}
	rest := named{Name: "other"}
	for _, c := range all[most:] {
		rest.N += c.N
	}
	return append(all[:most:most], rest)
}

// Count is N with separators.
func (n named) Count() string { return count(n.N) }
