package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"trafficreplay/analyze/render"
	"trafficreplay/capture"
)

// How much of each list the text shows; --json has all.
const (
	shownRoutes  = 15
	shownCounts  = 8
	shownHosts   = 5
	shownSources = 10
	minGap       = 10  // seconds without a request that are worth a line
	maxName      = 100 // characters of a route, host or source

	textWidth     = 80 // what prose is wrapped to
	missingIndent = 21
)

// writeInspectText prints the document for people.
func writeInspectText(t *terminal, d *inspectDocument) error {
	p := t.printer()
	state := ""
	switch {
	case d.Kind == "source":
		state = " (read as replay capture would; nothing was written)"
	case !d.Whole:
		state = " (not whole: torn, or still being written)"
	}
	p.linef("%s: %s%s", d.File, counted(d.Requests, "request"), state)
	if d.Requests > 0 {
		p.linef("span       %s", whenText(d))
		writeRateText(p, &d.Rate, t.levels())
		p.said("methods", topCounts(d.Methods, d.Requests))
		p.said("status", topCounts(d.Status, d.Requests))
		p.said("clients", clientsText(&d.Clients))
	}
	p.said("hosts", hostsText(d))
	p.said("redaction", redactionText(d))
	for _, rules := range d.RedactedBefore {
		p.said("", "some requests before by rules "+rules)
	}
	writeRoutesText(p, d)
	p.linef("")
	p.linef("sources")
	for i := range d.Sources[:min(len(d.Sources), shownSources)] {
		writeSourceText(p, &d.Sources[i])
	}
	if more := len(d.Sources) - shownSources; more > 0 {
		p.linef("  … and %s more (--json lists them)", thousands(int64(more)))
	}
	if len(d.Sources) == 0 {
		p.linef("  unknown: they are recorded at the end of a whole file")
	}
	writeMissingText(p, d)
	return p.err
}

func whenText(d *inspectDocument) string {
	if d.First == d.Last {
		return clockText(d.First) + " UTC, one instant"
	}
	return fmt.Sprintf("%s to %s UTC, %s", clockText(d.First), clockText(d.Last), spanText(d.SpanS))
}

func writeRateText(p *printer, r *rateDocument, levels []string) {
	p.linef("rate       mean %s, peak %s in one second (%s)", rateText(r.Mean), thousands(r.Peak), clockText(r.PeakAt))
	if len(r.Columns) > 1 {
		p.linef("           |%s|", sparkline(r.Columns, levels))
		p.linef("           each column %s, the highest %s", spanText(r.ColumnS), inRateUnit(slices.Max(r.Columns), r.Mean))
	}
	if span := r.ColumnS * float64(len(r.Columns)); r.Gap > max(minGap, span/10) || r.Gap > max(minGap, 20/max(r.Mean, 1e-9)) {
		p.linef("           no request for %s after %s", spanText(r.Gap), clockText(r.GapFrom))
	}
}

// rateText is a rate (per second) in the unit that reads best.
func rateText(v float64) string { return inRateUnit(v, v) }

// inRateUnit is a rate (per second) in the unit that reads best for another one, beside which it stands.
func inRateUnit(v, other float64) string {
	unit := "/s"
	for _, u := range []struct {
		times float64
		unit  string
	}{{60, "/min"}, {60, "/h"}, {24, "/day"}} {
		if other >= 0.1 {
			break
		}
		v, other, unit = v*u.times, other*u.times, u.unit
	}
	switch {
	case v >= 100:
		return thousands(int64(v+0.5)) + unit
	case v < 0.1:
		return fmt.Sprintf("%.2g%s", v, unit)
	}
	return fmt.Sprintf("%.1f%s", v, unit)
}

func percentText(v float64) string {
	switch {
	case v == 0 || v == 1:
		return fmt.Sprintf("%.0f%%", 100*v)
	case v < 0.0005:
		return "<0.1%"
	case v > 0.9995:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", 100*v)
}

// topCounts lists the largest counts with their shares.
func topCounts(m map[string]int64, of int64) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
	var parts []string
	var rest int64
	for i, n := range names {
		if i >= shownCounts {
			rest += m[n]
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", clipped(n), thousands(m[n]), percentText(share(m[n], of))))
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("others %s", thousands(rest)))
	}
	return strings.Join(parts, ", ")
}

func clientsText(c *clientCount) string {
	about := ""
	if !c.Exact {
		about = "about "
	}
	s := about + thousands(c.Distinct)
	if c.Unknown > 0 {
		s += fmt.Sprintf("; %s without one", counted(c.Unknown, "request"))
	}
	return s
}

func hostsText(d *inspectDocument) string {
	var parts []string
	for _, h := range d.Hosts[:min(len(d.Hosts), shownHosts)] {
		parts = append(parts, clipped(h))
	}
	s := strings.Join(parts, ", ")
	switch more := len(d.Hosts) - shownHosts; {
	case d.HostsMore:
		s += fmt.Sprintf(" and more than %s others", thousands(int64(more)))
	case more > 0:
		s += fmt.Sprintf(" and %s more", thousands(int64(more)))
	case len(d.Hosts) == 0:
		s = "none named"
	}
	if d.Hostless > 0 && len(d.Hosts) > 0 {
		s += fmt.Sprintf("; %s without one", counted(d.Hostless, "request"))
	}
	return s
}

func redactionText(d *inspectDocument) string {
	if d.Kind == "source" {
		return fmt.Sprintf("a capture of it replaces %s%s", counted(total(d.Redacted), "value"), colon(countsText(d.Redacted)))
	}
	switch d.Redaction {
	case "":
		return "unknown"
	case capture.NoRedaction:
		return "none: this file holds its secrets (--keep-secrets); written by replay " + d.Tool
	}
	return fmt.Sprintf("rules %s; written by replay %s", d.Redaction, d.Tool)
}

// colon puts a list behind its sum, if there is one.
func colon(list string) string {
	if list == "" {
		return ""
	}
	return ":" + list
}

func writeRoutesText(p *printer, d *inspectDocument) {
	if len(d.Endpoints) == 0 {
		return
	}
	p.linef("")
	p.linef("%s", counted(int64(len(d.Endpoints)), "route"))
	var shown int64
	for _, e := range d.Endpoints[:min(len(d.Endpoints), shownRoutes)] {
		p.linef("%11s  %6s  %s", thousands(e.Requests), percentText(e.Share), clipped(e.ID))
		shown += e.Requests
	}
	if more := len(d.Endpoints) - shownRoutes; more > 0 {
		p.linef("%11s  %6s  on %s more", thousands(d.Requests-shown), percentText(share(d.Requests-shown, d.Requests)), thousands(int64(more)))
	}
}

func counted(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}

// clipped is a name of an input, cut to what a line has room for.
func clipped(s string) string {
	s = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(render.Escape(s))
	if utf8.RuneCountInString(s) <= maxName {
		return s
	}
	return string([]rune(s)[:maxName-1]) + "…"
}

func writeMissingText(p *printer, d *inspectDocument) {
	if len(d.Missing) == 0 {
		return
	}
	p.linef("")
	p.linef("missing for a faithful replay")
	for _, m := range d.Missing {
		part := ""
		if m.Requests < d.Requests && len(m.Routes) == 0 {
			part = counted(m.Requests, "request") + ": "
		}
		for i, line := range wrapped(part+m.Cost, textWidth-missingIndent) {
			if i > 0 {
				m.Field = ""
			}
			p.linef("  %-17s  %s", m.Field, line)
		}
	}
	for _, a := range d.ToLog {
		p.linef("")
		if a.Lines == "" {
			p.linef("to log it: %s: there is nothing to choose", a.Server)
		} else {
			p.linef("to log it: %s, %s", a.Server, a.Where)
			for line := range strings.SplitSeq(a.Lines, "\n") {
				p.linef("    %s", line)
			}
		}
		for _, line := range wrapped(a.Note, textWidth-2) {
			p.linef("  %s", line)
		}
	}
}

// wrapped breaks prose at blanks into lines of at most width characters; a longer word has a line of its own.
func wrapped(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
