package accesslog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"trafficreplay/capture"
)

// look counts what tells nginx from Apache in one line: the hexadecimal digits of escapes (nginx writes
// them in capitals), \" (Apache), "-" for a size (Apache), an empty request line and the statuses 444 and
// 494 to 499 (nginx). And whether answers without a body have a size.
func (m *marks) look(line []byte, r *record, q *capture.Request, good bool) {
	switch escapes(line) {
	case 'N':
		m.nginx++
	case 'A':
		m.apache++
	case 'T':
		m.tomcat++
	}
	if r.dash {
		m.apache++
	}
	if r.request != nil && len(r.request) == 0 || q.Status == 444 || q.Status >= 494 && q.Status <= 499 {
		m.nginx++
	}
	if hostIdentity(line) {
		m.idents++
	}
	if good && absoluteLine(r.request) {
		m.absolute++
	}
	if good && bareQuery(q.Target) {
		m.bareQuery++
	}
	if good && (q.Status == 304 || q.Status == 204 || string(q.Method) == "HEAD") {
		m.bodiless++
		if q.RespSize > 0 {
			m.heads++
		}
	}
}

// absoluteLine reports whether a request line is one for http://host/path.
func absoluteLine(v []byte) bool {
	i := bytes.IndexByte(v, ' ')
	return i > 0 && bytes.HasPrefix(v[i+1:], []byte("http"))
}

// escapes is N, A or T where the line's first telling escape is nginx's, Apache's or Tomcat's (\u00e9), else 0.
func escapes(line []byte) byte {
	for i := 0; i+1 < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		i++
		if line[i] == 'u' {
			if _, ok := hex(line[i+1:], 4); ok {
				return 'T'
			}
		}
		if line[i] != 'x' {
			return 'A'
		}
		if x, ok := hex(line[i+1:], 2); ok {
			if x == '"' || x == '\\' || bytes.ContainsAny(line[i+1:i+3], "ABCDEF") {
				return 'N'
			}
			if bytes.ContainsAny(line[i+1:i+3], "abcdef") {
				return 'A'
			}
		}
	}
	return 0
}

// settle decides what the format alone leaves open, and says how.
func (t *trial) settle() {
	switch p := t.p; p.name {
	case "common", "combined":
		t.server()
		t.sizes()
	case "apache-combined-us", "apache-common-us":
		t.chooseUnit()
	case "combined-extra":
		t.note("fields behind the User-Agent are ignored: give the log format to have them read")
	case "squid", "squid-common", "squid-combined":
		t.squid()
	case "haproxy-http":
		t.haproxy()
	case "nginx-json", "json", "ltsv":
		t.json()
		if t.survey != nil {
			t.tell()
			t.notes = append(t.notes, t.doubts...)
		}
		return
	}
	if t.p.f.owned != 0 {
		t.fieldMap()
	}
	t.doubtOrder()
}

// settleNamed does the same where the user named the dialect.
func (t *trial) settleNamed() {
	switch {
	case len(t.lines) == 0:
	case t.p.f.owned != 0:
		t.fieldMap()
	case t.p.f.labels:
		t.json()
	}
}

func (t *trial) note(msg string, args ...any) { t.notes = append(t.notes, fmt.Sprintf(msg, args...)) }

// server names the server of a plain common or combined log, which settles what the stamps mean.
func (t *trial) server() {
	p, m := t.p, t.marks
	vhost := 2*t.vhosts > len(t.lines)
	if vhost {
		p.name = "v" + p.name
	}
	switch {
	case 10*m.absolute > 9*len(t.lines):
		p.name, p.f.ends = "varnishncsa", false
		t.note("requests are whole URLs, as varnishncsa writes them (and proxies): stamps are starts of requests")
	case p.name == "combined" && 10*m.idents > 9*len(t.lines):
		if f, err := lighttpdDefault(""); err == nil {
			p.name, p.f = "lighttpd", f
		}
		t.note("a host stands where the identity was, as lighttpd writes it: stamps are ends of requests, no duration is logged")
	case m.tomcat > 0 && m.nginx == 0:
		p.f.latin = true
		if !vhost {
			p.name = "tomcat-" + p.name
		}
		t.note("%d of %d lines hold what Tomcat writes and Apache and nginx do not: stamps are ends of requests, no duration is logged", m.tomcat, len(t.lines))
	case m.apache > 0 && m.nginx == 0:
		format := "tomcat-" + p.name
		p.f.ends = false
		if !vhost {
			p.name = "apache-" + p.name
		}
		t.note("%d of %d lines hold what Apache writes and nginx does not: stamps are starts of requests; Tomcat may write the same and stamps ends: if it is Tomcat's, give --format %s", m.apache, len(t.lines), format)
	case m.nginx > 0 && m.apache == 0:
		if p.name == "combined" {
			p.name = "nginx-combined"
		}
		t.note("%d of %d lines hold what nginx writes and Apache does not: stamps are ends of requests, no duration is logged", m.nginx, len(t.lines))
	default:
		t.note("nginx and Apache write this format alike: stamps are taken as ends of requests, no duration is logged")
	}
}

// sizes finds out whether the size counts the head of the response, as %O does in Debian's combined:
// then answers that have no body have a size.
func (t *trial) sizes() {
	if t.marks.heads < 2 || t.marks.heads < t.marks.bodiless {
		return
	}
	for i := range t.p.f.text {
		if t.p.f.text[i].kind == kSize {
			t.p.f.text[i].kind = kWire
		}
	}
	t.note("all %d answers without a body have a size: sizes count the head of the response", t.marks.heads)
}

// chooseUnit decides between %D, %{ms}T and %T, which look alike. Apache writes a line when the request
// has ended, so start + duration must go up from line to line: the unit that breaks this least often is
// right. Ties go by magnitude: hardly a request takes less than 50 µs, and most take less than a second.
func (t *trial) chooseUnit() {
	small, zeros := 0, 0
	for _, o := range t.lines {
		if o.dur >= 0 && o.dur < 50*microsecond {
			small++
		}
		if o.dur == 0 {
			zeros++
		}
	}
	names := []string{"us", "ms", "s"}
	factor := []int64{1, 1e3, 1e6}
	order := []int{0, 1, 2}
	if 10*small > len(t.lines) {
		order = []int{1, 2}
		if 2*zeros >= len(t.lines) {
			order = []int{2, 1}
		}
	}
	best, breaks := order[0], t.backward(factor[order[0]])
	counts := []string{fmt.Sprintf("%s %d", names[best], breaks)}
	for _, u := range order[1:] {
		n := t.backward(factor[u])
		counts = append(counts, fmt.Sprintf("%s %d", names[u], n))
		if n < breaks {
			best, breaks = u, n
		}
	}
	if 10*small > len(t.lines) {
		counts = append(counts, fmt.Sprintf("us out of the question, %d are below 50", small))
	}
	p := t.p
	p.name = strings.TrimSuffix(p.name, "us") + names[best]
	for i := range p.f.text {
		if s := &p.f.text[i]; s.kind == kDur {
			s.unit *= factor[best]
		}
	}
	for i := range t.lines {
		if o := &t.lines[i]; o.dur > 0 {
			o.dur = min(o.dur, maxDuration/factor[best]) * factor[best]
		}
	}
	t.note("the last number is taken as a duration in %s (lines out of order of completion by unit: %s)", names[best], strings.Join(counts, ", "))
}

// backward counts the lines whose stamp + factor × duration lies more than a second before that of the
// line above. Rank correlation would not do: over hours both orders correlate to 0.9999.
func (t *trial) backward(factor int64) (n int) {
	var last int64
	for i, o := range t.lines {
		at := o.stamp
		if o.dur > 0 {
			if o.dur > maxDuration/max(factor, 1) {
				n++
				continue
			}
			at += factor * o.dur
		}
		if i > 0 && at+second < last {
			n++
		}
		last = at
	}
	return n
}

// starts reports whether the lines say clearly that the stamps are starts.
func (t *trial) starts() bool {
	o := order{alone: int64(t.backward(0)), with: int64(t.backward(1))}
	return o.starts()
}

// doubtOrder says how far a log without durations is out of order; with them the parser looks at every line (order).
func (t *trial) doubtOrder() {
	if n := t.backward(0); !t.p.f.timed && n > 0 {
		t.note("%d stamps lie before that of the line above", n)
	}
}

// fieldMap settles what of a preset's fields the lines have.
func (t *trial) fieldMap() {
	f := t.p.f
	begins, ends, bareUnit := 0, 0, false
	f.timed = false
	for _, o := range t.lines {
		f.timed = f.timed || o.dur >= 0
		bareUnit = bareUnit || o.bareUnit
		if o.begin {
			begins++
		} else if o.ended {
			ends++
		}
	}
	switch {
	case 2*begins > len(t.lines):
		f.ends = false
	case 2*ends > len(t.lines):
		f.ends = true
	}
	if bareUnit {
		t.bareUnits()
	}
}

// json settles what the keys leave open.
func (t *trial) json() {
	f := t.p.f
	begins, bareUnit := false, false
	f.timed = false
	for _, o := range t.lines {
		f.timed = f.timed || o.dur >= 0
		bareUnit = bareUnit || o.bareUnit
		begins = begins || o.begin
	}
	if bareUnit {
		t.bareUnits()
	}
	if begins {
		if f.ends = false; f.labels {
			t.note("stamps in brackets are Apache's, and starts of requests")
		}
		return
	}
	if t.p.name == "nginx-json" {
		t.doubtOrder()
		return
	}
	if f.timed && t.starts() {
		f.ends = false
		t.note("stamps rise from line to line only with the durations added: they are starts of requests")
	} else if f.timed {
		t.note("stamps are taken as ends of requests")
	}
}

// bareUnits decides what whole durations without a unit count, from their median: as milliseconds (the
// commonest), unless half of them would then be above 20 s; as microseconds, unless half would be above 1 s.
func (t *trial) bareUnits() {
	var whole []int64
	for _, o := range t.lines {
		if o.bareUnit && !o.point {
			whole = append(whole, o.dur/millisecond)
		}
	}
	if t.p.name == "caddy" {
		t.caddyUnit(whole)
		return
	}
	name := "milliseconds"
	if len(whole) > 0 {
		slices.Sort(whole)
		switch m := whole[len(whole)/2]; {
		case m >= 1e6:
			name, t.p.unit = "nanoseconds", nanosecond
		case m >= 2e4:
			name, t.p.unit = "microseconds", microsecond
		}
	}
	t.recount()
	t.note("durations without a unit are read as %s where whole, as seconds where they have a point", name)
}

// recount reads the whole durations of the sample in the unit that was settled.
func (t *trial) recount() {
	for i := range t.lines {
		if o := &t.lines[i]; t.p.unit != 0 && o.bareUnit && !o.point {
			o.dur = o.dur / millisecond * t.p.unit
		}
	}
}

// caddyUnit decides what Caddy's duration_format was: seconds have a point, and a name of their unit counts by itself;
// whole numbers are milliseconds, unless half of them would then be above 20 s: nanoseconds.
func (t *trial) caddyUnit(whole []int64) {
	if 2*len(whole) <= len(t.lines) {
		return
	}
	name := "milliseconds"
	if slices.Sort(whole); whole[len(whole)/2] >= 2e4 {
		name, t.p.unit = "nanoseconds", nanosecond
	}
	t.recount()
	t.note("durations are whole numbers: read as %s", name)
}
