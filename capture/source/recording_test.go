package source

import (
	"strings"
	"testing"

	"trafficreplay/capture"
)

const smallHAR = `{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[
{"startedDateTime":"2026-11-23T14:00:01.5Z","time":3,"request":{"method":"GET","url":"https://shop.example/b?token=hunter2secret","headers":[]},"response":{"status":200,"headers":[]},"timings":{"send":0,"wait":3,"receive":0}},
{"startedDateTime":"2026-11-23T14:00:00Z","time":3,"request":{"method":"POST","url":"https://shop.example/a","headers":[],"postData":{"mimeType":"text/plain","text":"hello"}},"response":{"status":201,"headers":[]},"timings":{}},
{"startedDateTime":"2026-11-23T14:00:02Z","time":0,"request":{"method":"GET","url":"blob:https://shop.example/1","headers":[]},"response":{"status":200,"headers":[]},"timings":{}},
{"startedDateTime":"2026-11-23T14:00:03Z","time":0,"request":{"method":"GET","url":"https://shop.example/static","headers":[]},"response":{"status":404,"headers":[]},"timings":{}}]}}`

func TestRecordingHAR(t *testing.T) {
	o := Options{Filter: &capture.Filter{Status: "2xx"}, Stdin: strings.NewReader(smallHAR)}
	s, err := Open(t.Context(), []string{"-"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var got []string
	var q capture.Request
	for err = s.Next(&q); err == nil; err = s.Next(&q) {
		if strings.Contains(string(q.Target), "hunter2secret") {
			t.Errorf("a secret was kept: %s", q.Target)
		}
		got = append(got, string(q.Src)+" "+string(q.Method)+" "+string(q.Target[:2])+" "+string(q.Body))
	}
	want := "stdin:2 POST /a hello|stdin:1 GET /b |EOF"
	if g := strings.Join(append(got, err.Error()), "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
	l := s.Ledgers()[0]
	if l.Format != "har" || l.Lines != 4 || l.Requests != 2 || l.Filtered != 1 || l.Skipped["not-http"] != 1 || l.Basis != capture.BasisStart || l.Resolution != "100ms" {
		t.Errorf("ledger %+v", l)
	}
	if err := l.Balance(); err != nil {
		t.Error(err)
	}
}

// TestRecordingOrLog: a log whose lines have the same first key is a log.
func TestRecordingOrLog(t *testing.T) {
	line := `{"log":{"level":"info"},"at":"2026-11-23T14:00:00Z","target":"/x"}` + "\n"
	for _, c := range []struct {
		in   string
		want bool
	}{{smallHAR, false}, {line + line + line + line, true}} {
		l, err := NewLive(t.Context(), strings.NewReader(c.in), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.IsLines(); got != c.want || err != nil {
			t.Errorf("IsLines of %.40s: %v, %v, want %v", c.in, got, err, c.want)
		}
	}
}
