package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// expected is what Filebeat's modules make of one line, as far as a request has it.
type expected struct {
	Offset   int      `json:"log.offset"`
	Original string   `json:"event.original"`
	At       string   `json:"@timestamp"`
	Method   string   `json:"http.request.method"`
	Version  string   `json:"http.version"`
	Agent    string   `json:"user_agent.original"`
	Referrer string   `json:"http.request.referrer"`
	URL      string   `json:"url.original"`
	Path     word     `json:"url.path"`
	Query    *string  `json:"url.query"`
	Status   int      `json:"http.response.status_code"`
	Body     *int64   `json:"http.response.body.bytes"`
	Bytes    *int64   `json:"http.response.bytes"`
	Read     *int64   `json:"haproxy.bytes_read"`
	Duration *int64   `json:"event.duration"` // nanoseconds
	Seconds  *float64 `json:"nginx.ingress_controller.http.request.time"`
}

// word is a string, or empty where Filebeat found several.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*w = word(s)
	}
	return nil
}

// filebeatDiffers lists where Filebeat's parse is not ours, as "file field" or "file:line field", and why.
var filebeatDiffers = map[string]string{
	"elastic-licence/aws/elb/application-lb-http.log time":   "the arrival is request_creation_time; Filebeat takes the time of the response",
	"elastic-licence/aws/elb/example-alb-http.log time":      "likewise",
	"elastic-licence/aws/elb/example-alb-http.log:8 request": "\"- http://www.example.com:80- -\" is no request line: the client's could not be parsed",
	"elastic-licence/aws/elb/example-http.log:3 request":     "likewise",
	"elastic-licence/envoyproxy/log/envoy.log:2 bytes":       "Filebeat has the bytes of request and response the other way round",
	"elastic-licence/squid/log/generated.log format":         "made of random words, also where the zone should be",
	"haproxy/log/default.log format":                         "a connection that names no request",
}

// TestFilebeat compares all 399 events of Filebeat's own expectations with what comes out here. An event that is a
// request must be one, and method, path, query, protocol, headers, status, bytes, duration and time must agree.
func TestFilebeat(t *testing.T) {
	events, requests := 0, 0
	used := map[string]bool{}
	differ := func(file, at, field, text string) {
		for _, key := range []string{file + " " + field, file + at + " " + field} {
			if filebeatDiffers[key] != "" {
				used[key] = true
				return
			}
		}
		t.Errorf("%s%s %s: %s", file, at, field, text)
	}
	for _, file := range filebeatFiles(t) {
		lines := dataLines(t, "access/filebeat/"+file)
		expectations := map[int]expected{}
		for _, e := range readExpected(t, file) {
			events++
			expectations[lineAt(lines, e.Offset)] = e
		}
		p, _, err := Detect(lines, Options{Timezone: time.FixedZone("", -2*3600)})
		if err != nil {
			differ(file, "", "format", err.Error())
			continue
		}
		for n, line := range lines {
			var q capture.Request
			err := p.Parse(line, &q)
			e, ok := expectations[n]
			if !ok {
				continue
			}
			if err == nil {
				requests++
			}
			for _, d := range e.compare(p, &q, err) {
				field, text, _ := strings.Cut(d, ": ")
				differ(file, fmt.Sprint(":", n+1), field, text)
			}
		}
	}
	for key, why := range filebeatDiffers {
		if !used[key] {
			t.Errorf("%s agrees, yet is listed as different: %s", key, why)
		}
	}
	if events != 399 {
		t.Errorf("%d events were compared, want 399", events)
	}
	t.Logf("%d events, %d of them requests", events, requests)
}

func filebeatFiles(t *testing.T) (files []string) {
	t.Helper()
	root := filepath.Join(dataRoot(t), "access", "filebeat")
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, "-expected.json"); ok {
			files = append(files, strings.TrimPrefix(name, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readExpected(t *testing.T, file string) (events []expected) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dataRoot(t), "access", "filebeat", file+"-expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &events); err != nil {
		t.Fatal(err)
	}
	return events
}

// lineAt is the index of the line that begins at or before offset, however its ends were counted.
func lineAt(lines [][]byte, offset int) int {
	at := 0
	for i, l := range lines {
		if at+len(l)+1 > offset {
			return i
		}
		at += len(l) + 1
	}
	return len(lines) - 1
}

// compare says how what became of a line differs, each as "field: got, want".
func (e *expected) compare(p *Parser, q *capture.Request, err error) (diffs []string) {
	differ := func(field string, got, want any) {
		if got != want {
			diffs = append(diffs, fmt.Sprintf("%s: %v, Filebeat %v", field, got, want))
		}
	}
	if err != nil {
		if e.Method != "" || e.URL != "" && e.Status != 0 {
			differ("request", err.Error(), "a request")
		}
		return diffs
	}
	if e.Method == "" && e.URL == "" && e.Path == "" {
		differ("request", "a request", "none")
		return diffs
	}
	path, query, _ := bytes.Cut(q.Target, []byte("?"))
	if e.Method != "" {
		differ("method", string(q.Method), e.Method)
	}
	if e.Path != "" {
		differ("path", decoded(string(path)), decoded(string(e.Path)))
	}
	if e.Version != "" {
		differ("version", strings.TrimPrefix(string(q.Proto), "HTTP/"), e.Version)
	}
	if e.Agent != "" && e.Agent != "-" {
		differ("agent", string(q.Header("User-Agent")), e.Agent)
	}
	if e.Referrer != "" && e.Referrer != "-" {
		differ("referrer", string(q.Header("Referer")), e.Referrer)
	}
	if e.Query != nil {
		differ("query", decoded(string(query)), decoded(*e.Query)) // it keeps them decoded
	}
	if e.Status != 0 {
		differ("status", q.Status, e.Status)
	}
	for _, b := range []*int64{e.Body, e.Bytes, e.Read} {
		if b != nil && *b != q.RespSize && *b != q.RespWire {
			differ("bytes", fmt.Sprint(q.RespSize, " and ", q.RespWire, " on the wire"), *b)
		}
	}
	if e.Seconds != nil {
		differ("duration", q.DurUS, int64(*e.Seconds*1e6+0.5))
	}
	if e.Duration != nil {
		differ("duration", q.DurUS, *e.Duration/1000)
	}
	if at, err := time.Parse(time.RFC3339Nano, e.At); err == nil {
		kept := time.Millisecond
		if strings.HasPrefix(p.Name(), "squid") {
			kept = time.Second
		}
		differ("time", time.Unix(0, p.rec.stamp).UTC().Truncate(kept).Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano))
	}
	return diffs
}

func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		s = d
	}
	return strings.ReplaceAll(s, " ", "+")
}
