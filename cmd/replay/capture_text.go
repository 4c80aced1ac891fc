package main

import (
	"maps"
	"slices"
	"strings"

	"trafficreplay/capture"
)

func writeCaptureText(t *terminal, d *captureDocument) error {
	p := t.printer()
	p.linef("%s requests, %s to %s", thousands(d.Requests), d.First, d.Last)
	for i := range d.Sources {
		writeSourceText(p, &d.Sources[i])
	}
	if n := total(d.Redacted); n > 0 {
		p.linef("  %s values redacted:%s", thousands(n), countsText(d.Redacted))
	}
	if d.Proxy != nil {
		writeProxyText(p, d.Proxy)
	}
	for _, out := range d.Outs[:max(0, len(d.Outs)-1)] {
		p.linef("%s", out)
	}
	p.linef("%s", d.Out)
	return p.err
}

// writeSourceText prints the account of one source.
func writeSourceText(p *printer, l *capture.Ledger) {
	if l.Packets > 0 {
		writePacketsText(p, l)
	} else if l.OfConnections() {
		writeStreamsText(p, l)
	} else {
		p.linef("  %s: %s, %s lines = %s requests + %s skipped + %s filtered", l.Name, l.Format,
			thousands(l.Lines), thousands(l.Requests), thousands(total(l.Skipped)), thousands(l.Filtered))
		if l.Responses > 0 {
			p.linef("    %s responses", thousands(l.Responses))
		}
	}
	if l.Unkept > 0 {
		p.linef("    %s bodies or messages are not kept whole: above 1 MiB, cut off, behind a gap, or too many at a time", thousands(l.Unkept))
	}
	p.linef("    stamps: %s, resolution %s", basisText(l.Basis), l.Resolution)
	for _, r := range slices.Sorted(maps.Keys(l.FilteredBy)) {
		p.linef("    filtered %s: %s", r, thousands(l.FilteredBy[r]))
	}
	for _, r := range slices.Sorted(maps.Keys(l.Skipped)) {
		p.linef("    skipped %s: %s", r, thousands(l.Skipped[r]))
		for _, e := range l.Examples {
			if e.Reason == r {
				p.linef("      %s", strings.TrimSuffix(e.Src+": "+e.Part, ": "))
			}
		}
	}
}

// writePacketsText prints what became of packets and of the bytes in them.
func writePacketsText(p *printer, l *capture.Ledger) {
	p.linef("  %s: %s packets = %s used + %s ignored%s", l.Name, thousands(l.Packets), thousands(l.Used), thousands(total(l.Ignored)), countsText(l.Ignored))
	p.linef("    %s payload bytes = %s in messages + %s skipped%s", thousands(l.PayloadBytes), thousands(l.MessageBytes),
		thousands(total(l.SkippedBytes)), countsText(l.SkippedBytes))
	if lost := total(l.LostBytes); lost > 0 {
		p.linef("    %s bytes are not in the packets:%s", thousands(lost), countsText(l.LostBytes))
	}
	p.linef("    %s connections: %s requests (%s filtered), %s responses", thousands(l.Streams), thousands(l.Requests+l.Filtered),
		thousands(l.Filtered), thousands(l.Responses))
}

// skippedOf says how much was skipped, in what the source counts.
func skippedOf(l *capture.Ledger, n int64) string {
	if l.OfConnections() {
		return thousands(n) + " messages or connections"
	}
	return thousands(n) + " of " + thousands(l.Lines) + " lines"
}

func basisText(b capture.Basis) string {
	switch b {
	case capture.BasisStart:
		return "start of the request"
	case capture.BasisEndMinusDuration:
		return "end of the request, arrival = end - duration"
	}
	return "end of the request, and no duration was logged: an arrival is only known to lie before its stamp"
}
