package shape

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// encoder writes the workload file: our own layout, so that the same workload always has the same bytes.
type encoder struct {
	b        strings.Builder
	comments comments // of the people who edited the file before
	notes    map[string]string
}

// maxSources is how many sources are listed one by one; the others are counted.
const maxSources = 100

// Comments that head each part of the file. A re-fit knows them from those of people.
var heading = map[string]string{
	"":            "Workload for replay, fitted from captured traffic. Edit thresholds, expect, safety, connections, seed and name:\nthey survive the next fit. The rest is measured and will be replaced by it.",
	"provenance":  "What this was fitted from.",
	"arrivals":    "When sessions start: a rate curve, and bursts around it.",
	"sessions":    "Requests of a session keep their captured distances. The pool holds the sessions to repeat.",
	"connections": "No log holds how long idle connections stay open: this is assumed.",
	"safety":      "What must not be hit, and which writes are allowed (globs of endpoints).",
	"thresholds":  "Over the whole run. Those of an endpoint stand below it; proposed ones say where they come from.",
	"endpoints":   "By share of the requests. expect: [200, 404] says which statuses are acceptable; without it those below 500.",
}

func (w *Workload) encode(c comments) []byte {
	e := &encoder{comments: c, notes: w.notes}
	e.head("")
	e.line(0, "schema: %s", Schema)
	e.head("name")
	e.line(0, "name: %s", quote(w.Name))
	if w.Extends != "" {
		e.head("extends")
		e.line(0, "extends: %s", quote(w.Extends))
	}
	e.head("seed")
	e.line(0, "seed: %d", w.Seed)
	e.provenance(&w.Provenance)
	e.arrivals(&w.Arrivals)
	e.sessions(w)
	e.safety(&w.Safety)
	e.part("thresholds")
	e.thresholds(0, "", w.Thresholds)
	e.part("endpoints")
	for i := range w.Endpoints {
		e.endpoint(&w.Endpoints[i])
	}
	return []byte(e.b.String())
}

// part begins a top-level key whose value follows on its own lines.
func (e *encoder) part(key string) {
	e.b.WriteByte('\n')
	e.head(key)
	if key != "thresholds" {
		e.line(0, "%s:", key)
	}
}

// head writes our comment on a key and then that of people.
func (e *encoder) head(key string) {
	if h := heading[key]; h != "" {
		for l := range strings.SplitSeq(h, "\n") {
			e.line(0, "# %s", l)
		}
	}
	for _, l := range e.comments[key] {
		e.line(0, "%s", l)
	}
}

func (e *encoder) line(indent int, format string, args ...any) {
	e.b.WriteString("                "[:indent])
	fmt.Fprintf(&e.b, format, args...)
	e.b.WriteByte('\n')
}

func (e *encoder) provenance(p *Provenance) {
	e.part("provenance")
	e.line(2, "window: {from: %s, to: %s}  # %s", p.From.Format(time.RFC3339Nano), p.To.Format(time.RFC3339Nano), duration(p.To.Sub(p.From).Round(time.Second)))
	e.line(2, "requests: %d", p.Requests)
	e.line(2, "resolution: %s  # of the stamps: nothing is claimed about bursts below it", duration(p.Resolution))
	if len(p.Sources) == 0 {
		e.line(2, "sources: []")
		return
	}
	e.line(2, "sources:")
	for i := range p.Sources[:min(len(p.Sources), maxSources)] {
		s := &p.Sources[i]
		e.line(4, "- name: %s", quote(s.Name))
		if s.SHA256 != "" {
			e.line(6, "sha256: %q", s.SHA256)
		}
		e.line(6, "format: %s", quote(s.Format))
		e.line(6, "arrival_basis: %s", quote(string(s.Basis)))
		e.line(6, "resolution: %s", quote(s.Resolution))
		if s.Packets > 0 {
			e.line(6, "packets: %d", s.Packets)
		} else {
			e.line(6, "lines: %d", s.Lines)
		}
		e.line(6, "requests: %d", s.Requests)
		e.line(6, "skipped: %d", s.Skipped)
		e.line(6, "filtered: %d", s.Filtered)
	}
	if n := len(p.Sources) - maxSources; n > 0 {
		e.line(2, "# and %d more", n)
	}
}

func (e *encoder) arrivals(a *Arrivals) {
	e.part("arrivals")
	e.line(2, "rate: %s  # requests, mean", rate(a.Rate))
	e.line(2, "peak: %s  # requests, in the busiest minute", rate(a.Peak))
	e.line(2, "starts: %s  # sessions, mean", rate(a.Starts))
	e.line(2, "curve:  # of session starts; straight lines between the knots")
	for _, k := range a.Curve {
		e.line(4, "- {at: %s, rate: %s}", duration(time.Duration(k.At)), rate(k.Rate))
	}
	e.line(2, "family: %s", quote(a.Family))
	if len(a.Terms) == 0 {
		e.line(2, "terms: []")
	} else {
		e.line(2, "terms:  # of burst: how much, how fast, and the share of the time that it is on")
	}
	for _, t := range a.Terms {
		if t.On > 0 {
			e.line(4, "- {a: %s, s: %s, on: %s}", number(t.A), rate(t.S), number(t.On))
		} else {
			e.line(4, "- {a: %s, s: %s}", number(t.A), rate(t.S))
		}
	}
	if len(a.IDC) == 0 {
		e.line(2, "idc: []")
	} else {
		e.line(2, "idc:  # variance of the requests in windows of t, divided by their mean; 1 is Poisson")
	}
	for _, r := range a.IDC {
		e.line(4, "- {t: %s, capture: %s, model: %s, se: %s}", duration(r.T), number(r.Capture), number(r.Model), number(r.SE))
	}
	if len(a.ScaleLaw) == 0 {
		e.line(2, "scale_law: []")
	} else {
		e.line(2, "scale_law:  # at k times the users the IDC is independent + k * common")
	}
	for _, r := range a.ScaleLaw {
		e.line(4, "- {t: %s, independent: %s, common: %s}", duration(r.T), number(r.Independent), number(r.Common))
	}
}

func (e *encoder) sessions(w *Workload) {
	s := &w.Sessions
	e.part("sessions")
	e.line(2, "count: %d", s.Count)
	e.line(2, "timeout: %s", duration(s.Timeout))
	e.line(2, "mean_length: %s  # requests", number(s.MeanLength))
	e.line(2, "semantics: %s", quote(s.Semantics))
	if s.Pool != "" {
		e.line(2, "pool: {file: %s, sessions: %d, requests: %d, sha256: %q}", quote(s.Pool), s.PoolSessions, s.PoolRequests, s.PoolSHA256)
	}
	e.part("connections")
	e.line(2, "idle_timeout: %s", duration(w.Connections.IdleTimeout))
}

func (e *encoder) safety(s *Safety) {
	e.part("safety")
	e.list("captured_hosts", s.CapturedHosts)
	e.line(2, "hosts_unknown: %t", s.HostsUnknown)
	e.list("allow_writes", s.AllowWrites)
}

func (e *encoder) list(key string, items []string) {
	if len(items) == 0 {
		e.line(2, "%s: []", key)
		return
	}
	e.line(2, "%s:", key)
	for _, s := range items {
		e.line(4, "- %s", quote(s))
	}
}

func (e *encoder) thresholds(indent int, endpoint string, ts []string) {
	if len(ts) == 0 {
		if endpoint == "" {
			e.line(indent, "thresholds: []")
		}
		return
	}
	e.line(indent, "thresholds:")
	for _, t := range ts {
		text := "- " + quote(t)
		if n := e.notes[noteKey(endpoint, t)]; n != "" {
			text += "  # " + n
		}
		e.line(indent+2, "%s", text)
	}
}

func (e *encoder) endpoint(p *Endpoint) {
	for _, l := range e.comments[p.ID] {
		e.line(2, "%s", l)
	}
	e.line(2, "- id: %s", quote(p.ID))
	e.line(4, "share: %s", percent(p.Share))
	e.line(4, "requests: %d", p.Requests)
	if l := &p.Latency; l.N > 0 {
		e.line(4, "observed: {n: %d, p50: %s, p90: %s, p99: %s}", l.N, duration(l.P50), duration(l.P90), duration(l.P99))
	}
	if len(p.Status) > 0 {
		var parts []string
		for _, s := range p.Status {
			parts = append(parts, fmt.Sprintf("%d: %s", s.Code, percent(s.Share)))
		}
		e.line(4, "status: {%s}", strings.Join(parts, ", "))
	}
	if s := &p.Size; s.N > 0 {
		e.line(4, "response: {n: %d, p50: %dB, p90: %dB, p99: %dB}", s.N, s.P50, s.P90, s.P99)
	}
	if len(p.Expect) > 0 {
		var parts []string
		for _, c := range p.Expect {
			parts = append(parts, strconv.Itoa(c))
		}
		e.line(4, "expect: [%s]", strings.Join(parts, ", "))
	}
	e.thresholds(4, p.ID, p.Thresholds)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
func rate(x float64) string   { return number(x) + "/s" }

// percent writes a share of at most six digits without the noise of a multiplication by 100.
func percent(x float64) string { return strconv.FormatFloat(x*100, 'g', 6, 64) + "%" }

// duration is d without the empty units that time.Duration prints: 30m, not 30m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// quote writes a string plainly where that cannot be misread, else in double quotes with the escapes
// that Go and YAML have in common. Braces are plain within the path of an endpoint.
func quote(s string) string {
	marks := " _./-()<%"
	if strings.Contains(s, " /") {
		marks += "{}"
	}
	if s == "" || !letter(s[0]) || s[len(s)-1] == ' ' || slices.Contains(keywords, strings.ToLower(s)) {
		return strconv.Quote(s)
	}
	for i := range len(s) {
		if c := s[i]; !letter(c) && (c < '0' || c > '9') && strings.IndexByte(marks, c) < 0 {
			return strconv.Quote(s)
		}
	}
	return s
}

// keywords are plain scalars that some reader of YAML takes for something else than a string.
var keywords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
