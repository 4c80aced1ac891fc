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
	Path     string   `json:"url.path"`
	Query    *string  `json:"url.query"`
	Status   int      `json:"http.response.status_code"`
	Body     *int64   `json:"http.response.body.bytes"`
	Bytes    *int64   `json:"http.response.bytes"`
	Read     *int64   `json:"haproxy.bytes_read"`
	Duration *int64   `json:"event.duration"` // nanoseconds
	Seconds  *float64 `json:"nginx.ingress_controller.http.request.time"`
}

// filebeatDiffers lists where Filebeat's parse is not ours, and why: file:line field.
var filebeatDiffers = map[string]string{}

// TestFilebeat compares all 399 events of Filebeat's own expectations with what comes out here. An event that is a
// request must be one, and method, path, query, status, bytes, duration and time must agree.
func TestFilebeat(t *testing.T) {
	files := filebeatFiles(t)
	events, requests := 0, 0
	used := map[string]bool{}
	for _, file := range files {
		lines := dataLines(t, "access/filebeat/"+file)
		p, _, err := Detect(lines, Options{Timezone: time.FixedZone("", -2*3600)})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, e := range readExpected(t, file) {
			events++
			n := lineAt(lines, e.Offset)
			for _, diff := range e.compare(p, lines[n]) {
				field, _, _ := strings.Cut(diff, ":")
				key := fmt.Sprintf("%s:%d %s", file, n+1, field)
				if _, ok := filebeatDiffers[key]; ok {
					used[key] = true
				} else {
					t.Errorf("%s (%s): %s\n%s", key, p.Name(), diff, lines[n])
				}
			}
			if p.rec.stamped && e.Method != "" {
				requests++
			}
		}
	}
	for key, why := range filebeatDiffers {
		if !used[key] {
			t.Errorf("%s agrees, yet is listed as different: %s", key, why)
		}
	}
	if events != 399 || requests == 0 {
		t.Errorf("%d events and %d requests were compared, want 399 and most of them", events, requests)
	}
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

// compare parses the line and says what differs, each as "field: got, want".
func (e *expected) compare(p *Parser, line []byte) (diffs []string) {
	differ := func(field string, got, want any) {
		if got != want {
			diffs = append(diffs, fmt.Sprintf("%s: %v, Filebeat %v", field, got, want))
		}
	}
	var q capture.Request
	if err := p.Parse(line, &q); err != nil {
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
		differ("path", decoded(string(path)), decoded(e.Path))
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
		differ("query", string(query), *e.Query)
	}
	if e.Status != 0 {
		differ("status", q.Status, e.Status)
	}
	for _, b := range []*int64{e.Body, e.Bytes, e.Read} {
		if b != nil && *b != q.RespSize {
			differ("bytes", q.RespWire, *b)
		}
	}
	if e.Seconds != nil {
		differ("duration", q.DurUS, int64(*e.Seconds*1e6+0.5))
	}
	if e.Duration != nil {
		differ("duration", q.DurUS, *e.Duration/1000)
	}
	if at, err := time.Parse(time.RFC3339Nano, e.At); err == nil {
		differ("time", time.Unix(0, p.rec.stamp).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano))
	}
	return diffs
}

func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}
