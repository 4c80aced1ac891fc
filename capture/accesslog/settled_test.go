package accesslog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestCaddyDurations: duration_format ("log (Caddyfile directive)", "format modules") is told by the values, whether the
// dialect is named or not: seconds have a point, strings their unit, and whole numbers are milliseconds or nanoseconds.
func TestCaddyDurations(t *testing.T) {
	for _, c := range []struct {
		name      string
		durations []string
		want      []int64 // µs
		note      string
	}{
		{"seconds", []string{"0.000929675", "1.5", "0.25"}, []int64{929, 1500000, 250000}, ""},
		{"string", []string{`"929.675µs"`, `"1m2.5s"`, `"0s"`}, []int64{929, 62500000, 0}, ""},
		{"ms", []string{"0", "12", "1500"}, []int64{0, 12000, 1500000}, "read as milliseconds"},
		{"nano", []string{"929675", "1500000000", "48210"}, []int64{929, 1500000, 48}, "read as nanoseconds"},
		{"nano, requests of a minute", []string{"929675", "63000000000", "48210"}, []int64{929, 63000000, 48}, "read as nanoseconds"},
	} {
		var lines [][]byte
		for _, d := range c.durations {
			lines = append(lines, fmt.Appendf(nil, `{"level":"info","ts":1646861401.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"::1","proto":"HTTP/1.1","method":"GET","host":"h","uri":"/"},"duration":%s,"size":0,"status":200}`, d))
		}
		for _, o := range []Options{{}, {Format: "caddy"}} {
			p, note, err := Detect(lines, o)
			if err != nil || p.Name() != "caddy" || !strings.Contains(note, c.note) || c.note == "" && note != "" {
				t.Errorf("%s, %+v: Detect = %v, %q, %v, want caddy and %q", c.name, o, p, note, err, c.note)
				continue
			}
			if p.Basis() != capture.BasisEndMinusDuration {
				t.Errorf("%s: basis %s, want %s", c.name, p.Basis(), capture.BasisEndMinusDuration)
			}
			var q capture.Request
			for i, line := range lines {
				if err := p.Parse(line, &q); err != nil || q.DurUS != c.want[i] || q.At != 1646861401500000000-1000*q.DurUS-int64(nanoRest(c.durations[i])) {
					t.Errorf("%s, %+v: duration %s is %d µs, at %d, %v, want %d µs", c.name, o, c.durations[i], q.DurUS, q.At, err, c.want[i])
				}
			}
		}
	}
}

// nanoRest is what of a duration is below a microsecond, in nanoseconds: the arrival knows it.
func nanoRest(d string) int {
	switch d {
	case "0.000929675", `"929.675µs"`, "929675":
		return 675
	case "48210":
		return 210
	}
	return 0
}

// TestTomcatOrApache: where Tomcat's escapes tell, the stamps are ends; where nothing tells it from Apache, the note says so
// and how to settle it.
func TestTomcatOrApache(t *testing.T) {
	const apache = `127.0.0.1 - - [25/Nov/2026:10:05:40 +0000] "HEAD /u HTTP/1.1" 200 -`
	for _, c := range []struct {
		lines, format, name string
		basis               capture.Basis
		note, last          string
	}{
		{apache, "", "apache-common", capture.BasisStart, "--format tomcat-common", `2026-11-25T10:05:40 HEAD /u HTTP/1.1 client=127.0.0.1 status=200 size=0`},
		{apache + ` "-" "a"`, "", "apache-combined", capture.BasisStart, "--format tomcat-combined", `2026-11-25T10:05:40 HEAD /u HTTP/1.1 client=127.0.0.1 status=200 size=0 [User-Agent: a]`},
		{apache + "\n" + strings.Replace(apache, "/u", `/\u00c3\u00a9`, 1), "", "tomcat-common", capture.BasisCompletion, "1 of 2 lines hold what Tomcat writes", `2026-11-25T10:05:40 HEAD /é HTTP/1.1 client=127.0.0.1 status=200 size=0`},
		{apache + ` "-" "caf\u00c3\u00a9 \"q\""`, "", "tomcat-combined", capture.BasisCompletion, "Tomcat", `2026-11-25T10:05:40 HEAD /u HTTP/1.1 client=127.0.0.1 status=200 size=0 [User-Agent: café "q"]`},
		{apache, "tomcat-common", "tomcat-common", capture.BasisCompletion, "", `2026-11-25T10:05:40 HEAD /u HTTP/1.1 client=127.0.0.1 status=200 size=0`},
		{apache + ` "-" "caf\u00c3\u00a9"`, "tomcat-combined", "tomcat-combined", capture.BasisCompletion, "", `2026-11-25T10:05:40 HEAD /u HTTP/1.1 client=127.0.0.1 status=200 size=0 [User-Agent: café]`},
	} {
		lines := bytes.Split([]byte(c.lines), []byte("\n"))
		p, note, err := Detect(lines, Options{Format: c.format})
		if err != nil {
			t.Errorf("%s: %v", c.lines, err)
			continue
		}
		if p.Name() != c.name || p.Basis() != c.basis || !strings.Contains(note, c.note) {
			t.Errorf("%s: %s, %s (%s), want %s, %s (%s)", c.lines, p.Name(), p.Basis(), note, c.name, c.basis, c.note)
		}
		if got := parseOne(t, p, string(lines[len(lines)-1])); got != c.last {
			t.Errorf("%s\n got %s\nwant %s", c.lines, got, c.last)
		}
	}
}

// TestSettled: what the lines tell of the stamps, also where the dialect is named.
func TestSettled(t *testing.T) {
	const span = `"attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"http.target","value":{"stringValue":"/"}},{"key":"http.status_code","value":{"intValue":"200"}}]}`
	const ltsv = "\thost:10.0.0.1\treq:GET / HTTP/1.1\tstatus:200\treqtime_microsec:5"
	for _, c := range []struct {
		name, line string
		basis      capture.Basis
		note       string
	}{
		{"otel", `{"kind":2,"startTimeUnixNano":"1544712660000000000",` + span, capture.BasisStart, ""},
		{"otel", `{"timeUnixNano":"1544712660000000000",` + span, capture.BasisCompletion, ""},
		{"ltsv", "time:[10/Oct/2023:13:55:36 +0000]" + ltsv, capture.BasisStart, "stamps in brackets are Apache's"},
		{"ltsv", "time:10/Oct/2023:13:55:36 +0000" + ltsv, capture.BasisEndMinusDuration, ""},
		{"ecs", `{"@timestamp":"2023-05-04T10:00:01Z","event.start":"2023-05-04T10:00:00Z","http.request.method":"GET","url.path":"/"}`, capture.BasisStart, ""},
		{"ecs", `{"@timestamp":"2023-05-04T10:00:01Z","http.request.method":"GET","url.path":"/"}`, capture.BasisCompletion, ""},
	} {
		for _, format := range []string{"", c.name} {
			p, note, err := Detect([][]byte{[]byte(c.line)}, Options{Format: format})
			if err != nil || p.Name() != c.name {
				t.Errorf("%s: Detect = %v, %v", c.line, p, err)
				continue
			}
			if p.Basis() != c.basis || !strings.Contains(note, c.note) {
				t.Errorf("%s, named %q: %s (%s), want %s (%s)", c.line, format, p.Basis(), note, c.basis, c.note)
			}
		}
	}
}
