package source

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

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

const smallGor = "1 932079936fa4306fc308d67588178d17d823647c 1600000000000000000\nGET /a?token=hunter2secret HTTP/1.1\r\nHost: shop\r\n\r\n\n🐵🙈🙉\n" +
	"what is this\n🐵🙈🙉\n" +
	"2 932079936fa4306fc308d67588178d17d823647c 1600000000002000000 2500000\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\n🐵🙈🙉\n" +
	"3 932079936fa4306fc308d67588178d17d823647c 1600000000002000000 2500000\nHTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno\n🐵🙈🙉\n" +
	"1 942079936fa4306fc308d67588178d17d823647c 1600000001000000000\nGET /b HTTP/1.1\r\nHost: shop\r\n\r\n\n🐵🙈🙉\n"

const smallTargets = "GET http://shop/a\n\nPOST http://shop/b\n@body\n\nGET http://shop/c\n"

func TestRecordings(t *testing.T) {
	for _, c := range []struct{ name, in, want, ledger, note string }{
		{"gor", smallGor, "stdin:1 GET /a 200 0|stdin:5 GET /b 0 0",
			"gor 4 lines, 2 requests, 1 responses, 0 filtered, map[bad-header:1 replayed-response:1], 1s, stdin:2 bad-header, stdin:4 replayed-response", ""},
		{"vegeta", smallTargets, "stdin:1 GET /a 0 0|stdin:6 GET /c 0 0",
			"vegeta 3 lines, 2 requests, 0 responses, 0 filtered, map[body-file:1], 1s, stdin:3 body-file",
			"stdin: targets hold no times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(t.Context(), []string{"-"}, Options{Stdin: strings.NewReader(c.in)})
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
				got = append(got, fmt.Sprintf("%s %s %s %d %d", q.Src, q.Method, q.Target[:2], q.Status, q.Conn))
			}
			if g := strings.Join(got, "|"); g != c.want || err != io.EOF {
				t.Errorf("got  %s, %v\nwant %s", g, err, c.want)
			}
			l := s.Ledgers()[0]
			ledger := fmt.Sprintf("%s %d lines, %d requests, %d responses, %d filtered, %v, %s", l.Format, l.Lines, l.Requests, l.Responses, l.Filtered, l.Skipped, l.Resolution)
			for _, e := range l.Examples {
				ledger += ", " + e.Src + " " + e.Reason
			}
			if ledger != c.ledger || l.Balance() != nil {
				t.Errorf("ledger %s, %v\nwant   %s", ledger, l.Balance(), c.ledger)
			}
			if notes := strings.Join(s.Notes(), "|"); !strings.HasPrefix(notes, c.note) || (notes == "") != (c.note == "") {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			live, err := NewLive(t.Context(), strings.NewReader(c.in), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if is, err := live.IsLines(); is || err != nil {
				t.Errorf("through a pipe it is taken for lines: %v, %v", is, err)
			}
		})
	}
}

// TestRecordingOrQuietLog: a log that begins like a recording and then is quiet is not waited for.
func TestRecordingOrQuietLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		l, err := NewLive(t.Context(), in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(out, `{"method":"GET","path":"/x"}`+"\n") }()
		if lines, err := l.IsLines(); !lines || err != nil {
			t.Errorf("IsLines: %v, %v, want true", lines, err)
		}
		_ = out.Close()
	})
}
