package main

import (
	"fmt"
	"strings"

	"trafficreplay/analyze/render"
)

// shownEndpoints of a workload leave the whole answer on two screens.
const shownEndpoints = 20

// writeWorkloadText says in words what a workload does.
func writeWorkloadText(t *terminal, d *workloadDocument) error {
	p := t.printer()
	p.linef("%s: workload %s, fitted from %s", d.File, clipped(d.Name), counted(d.Requests, "request"))
	if d.Extends != "" {
		p.linef("extends    %s: thresholds and safety settings are its and this file's", clipped(d.Extends))
	}
	p.linef("window     %s to %s UTC, %s", clockText(d.From), clockText(d.To), spanText(d.WindowS))
	p.linef("from       %s", sourcesText(d.Sources))
	writeWorkloadRate(p, d, t.levels())
	p.said("sessions", sessionsText(&d.Sessions, d.Requests))
	p.said("methods", sharesText(d.Methods))
	if len(d.Status) > 0 {
		p.said("status", sharesText(d.Status))
	}
	writeWorkloadEndpoints(p, d)
	p.linef("")
	writeWorkloadSafety(p, d)
	writeWorkloadThresholds(p, d)
	p.linef("to run it  replay run %s --plan-only", d.File)
	return p.err
}

const labelWidth = 11

// said prints a statement behind its label, wrapped.
func (p *printer) said(label, text string) {
	for _, line := range wrapped(text, textWidth-labelWidth) {
		p.linef("%-*s%s", labelWidth, label, line)
		label = ""
	}
}

func sourcesText(names []string) string {
	shown := names[:min(len(names), 3)]
	var parts []string
	for _, n := range shown {
		parts = append(parts, clipped(n))
	}
	s := strings.Join(parts, ", ")
	if more := len(names) - len(shown); more > 0 {
		s += fmt.Sprintf(" and %s more", thousands(int64(more)))
	}
	if s == "" {
		return "a file that does not say what it was fitted from"
	}
	return s
}

func writeWorkloadRate(p *printer, d *workloadDocument, levels []string) {
	r := &d.Rate
	p.said("rate", fmt.Sprintf("mean %s, %s in the busiest minute; sessions begin at %s, over the window so:", rateText(r.Mean), inRateUnit(r.Peak, r.Mean), rateText(r.Starts)))
	if len(r.SessionsS) > 0 {
		p.linef("           |%s|", sparkline(r.SessionsS, levels))
		p.linef("           each column %s", spanText(r.ColumnS))
	}
	b := &d.Bursts
	if b.WindowS == 0 {
		p.said("bursts", "not measured: the capture is too short")
		return
	}
	p.said("bursts", fmt.Sprintf("in windows of %s the number of requests varies %s as much as independent users would make it (IDC); the model: %s",
		spanText(b.WindowS), timesText(b.Capture), timesText(b.Model)))
}

func timesText(v float64) string { return fmt.Sprintf("%.3g times", v) }

func sessionsText(s *workloadSessions, requests int64) string {
	text := fmt.Sprintf("%s of %.1f requests on average; %s of silence end one; ", thousands(s.Count), s.MeanLength, spanText(s.TimeoutS))
	switch {
	case s.PoolError != "":
		text += fmt.Sprintf("those to repeat should be in %s", s.Pool)
	case int64(s.Requests) >= requests:
		text += fmt.Sprintf("all are in %s to be repeated", s.Pool)
	default:
		text += fmt.Sprintf("a sample of %s with %s requests is in %s to be repeated", thousands(int64(s.Kept)), thousands(int64(s.Requests)), s.Pool)
	}
	return text
}

func writeWorkloadEndpoints(p *printer, d *workloadDocument) {
	p.linef("")
	rows := [][]string{{"share", "requests", "p50", "p99", "endpoint"}}
	shown := d.Endpoints[:min(len(d.Endpoints), shownEndpoints)]
	for i := range shown {
		e := &shown[i]
		rows = append(rows, []string{percentText(e.Share), thousands(e.Requests), latencyText(e.P50), latencyText(e.P99), clipped(e.ID) + limitsText(e)})
	}
	for _, r := range rows {
		p.linef("%8s %10s %8s %8s  %s", r[0], r[1], r[2], r[3], r[4])
	}
	rest := 0.0
	for _, e := range d.Endpoints[len(shown):] {
		rest += e.Share
	}
	if more := len(d.Endpoints) - len(shown); more > 0 {
		p.linef("%8s %10s %8s %8s  on %s more", percentText(rest), "", "", "", thousands(int64(more)))
	}
}

// limitsText is what an endpoint must keep, behind its name.
func limitsText(e *workloadEndpoint) string {
	var parts []string
	for _, t := range e.Thresholds {
		parts = append(parts, render.Escape(t))
	}
	if len(e.Expect) > 0 {
		parts = append(parts, fmt.Sprintf("expect %v", e.Expect))
	}
	if len(parts) == 0 {
		return ""
	}
	return "  [" + strings.Join(parts, "; ") + "]"
}

func latencyText(ms float64) string {
	if ms == 0 {
		return "—"
	}
	return seconds(ms / 1000)
}

func writeWorkloadThresholds(p *printer, d *workloadDocument) {
	own := 0
	for i := range d.Endpoints {
		own += min(len(d.Endpoints[i].Thresholds), 1)
	}
	whole := strings.Join(d.Thresholds, ", ")
	if whole == "" {
		whole = "none for the whole run"
	}
	if own > 0 {
		whole += fmt.Sprintf("; %d of %s with their own (above, in brackets)", own, counted(int64(len(d.Endpoints)), "endpoint"))
	}
	p.said("thresholds", whole)
}

func writeWorkloadSafety(p *printer, d *workloadDocument) {
	s := &d.Safety
	switch hosts := strings.Join(s.CapturedHosts[:min(len(s.CapturedHosts), shownHosts)], ", "); {
	case len(s.CapturedHosts) > shownHosts:
		p.said("safety", fmt.Sprintf("%s and %s more were captured and are refused as targets", clipped(hosts), thousands(int64(len(s.CapturedHosts)-shownHosts))))
	case hosts != "":
		p.said("safety", clipped(hosts)+" captured: refused as targets")
	case s.HostsUnknown:
		p.said("safety", "no captured host is known: a target off loopback needs --captured-host")
	default:
		p.said("safety", "no host was captured")
	}
	if s.HostsUnknown && len(s.CapturedHosts) > 0 {
		p.said("", "not every captured host is known: a target off loopback needs --captured-host")
	}
	writes := "writes are withheld until --allow-writes"
	if len(s.AllowWrites) > 0 {
		writes = "writes are allowed on " + strings.Join(s.AllowWrites, ", ")
	}
	p.said("", writes)
	if d.Sessions.PoolError != "" {
		return
	}
	of := int64(d.Sessions.Requests)
	for _, c := range []struct {
		what   string
		counts map[string]int64
	}{{"would be withheld", s.Withheld}, {"cannot be sent", s.Unsendable}} {
		if n := total(c.counts); n > 0 {
			p.said("", fmt.Sprintf("%s of the requests to repeat %s:%s", percentText(share(n, of)), c.what, countsText(c.counts)))
		}
	}
}
