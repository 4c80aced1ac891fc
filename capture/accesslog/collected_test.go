package accesslog

import (
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// TestCollectedStamp: where a format logs no time, the stamp that a collector put around the line is the end of the
// request.
func TestCollectedStamp(t *testing.T) {
	const line = `192.0.2.1 - - "GET /a HTTP/1.1" 200 5 1.500`
	newest := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, in, want string }{
		{"syslog without a year", "Jan  1 10:00:00 web1 nginx: " + line, "2026-01-01T09:59:58.5Z"},
		{"the year before", "Dec 31 23:59:59 web1 nginx: " + line, "2025-12-31T23:59:57.5Z"},
		{"a clock a little ahead", "Jan  2 12:00:00 web1 nginx: " + line, "2026-01-02T11:59:58.5Z"},
		{"leap day", "Feb 29 12:00:00 web1 nginx: " + line, "2024-02-29T11:59:58.5Z"},
		{"priority", "<190>Jan  1 10:00:00 web1 nginx[12]: " + line, "2026-01-01T09:59:58.5Z"},
		{"ISO", "2026-01-01T10:00:00.250+01:00 web1 nginx: " + line, "2026-01-01T08:59:58.75Z"},
		{"RFC 5424", "<190>1 2026-01-01T10:00:00.25Z web1 nginx 1 - - " + line, "2026-01-01T09:59:58.75Z"},
		{"Kubernetes", "2026-01-01T10:00:00.25Z stdout F " + line, "2026-01-01T09:59:58.75Z"},
		{"Docker", `{"log":"` + strings.ReplaceAll(line, `"`, `\"`) + `\n","stream":"stdout","time":"2026-01-01T10:00:00.25Z"}`, "2026-01-01T09:59:58.75Z"},
		{"a month that is none", "Jqn  1 10:00:00 web1 nginx: " + line, "error"},
		{"a day that never was", "Feb 30 10:00:00 web1 nginx: " + line, "error"},
		{"no stamp at all", line, "error"},
		{"RFC 5424 without a stamp", "<190>1 - web1 nginx 1 - - " + line, "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(Options{LogFormat: `$remote_addr - - "$request" $status $body_bytes_sent $request_time`, Newest: newest})
			if err != nil {
				t.Fatal(err)
			}
			got := "error"
			var q capture.Request
			if p.Parse([]byte(c.in), &q) == nil {
				got = q.Time().Format(time.RFC3339Nano)
			}
			if got != c.want {
				t.Errorf("Parse(%s) arrives at %s, want %s", c.in, got, c.want)
			}
			if d, _, err := Detect([][]byte{[]byte(c.in)}, Options{Newest: newest}); c.want != "error" && (err != nil || d.Name() != "common-untimed") {
				t.Errorf("Detect = %v, %v, want common-untimed", d, err)
			}
		})
	}
	if _, _, err := Detect([][]byte{[]byte(line)}, Options{LogFormat: `$remote_addr - - "$request" $status $body_bytes_sent $request_time`}); err == nil {
		t.Error("a format without a time, and no collector: no error")
	}
}
