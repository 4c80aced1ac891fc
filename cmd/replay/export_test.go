package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"trafficreplay/capture"
)

// runReplay runs a command that has to end with 0, and gives what it said.
func runReplay(t *testing.T, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != 0 {
		t.Fatalf("replay %s: exit code %d\n%s", strings.Join(args, " "), code, &errs)
	}
	return out.String(), errs.String()
}

// readCapture reads a capture file whole.
func readCapture(t *testing.T, path string) (all []*capture.Request) {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var q capture.Request
	for err = r.Next(&q); err == nil; err = r.Next(&q) {
		all = append(all, q.Clone())
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return all
}

// carried is what a format carries of requests, a line each.
func carried(format string, all []*capture.Request) (lines []string) {
	conns := map[int64]int{}
	for _, q := range all {
		var b strings.Builder
		address, _, why := q.AppendURL(nil)
		if _, err := url.Parse(string(address)); format == "vegeta" && err != nil {
			continue
		}
		if format != "gor" && why != "" {
			continue
		}
		switch format {
		case "vegeta":
			fmt.Fprintf(&b, "%s %s %q", q.Method, address, q.Body)
			lines = append(lines, b.String()+fields(q.Headers, format))
			continue
		case "gor":
			proto := string(q.Proto)
			if proto != "HTTP/1.0" {
				proto = "HTTP/1.1"
			}
			fmt.Fprintf(&b, "%d %s %s %s %s", q.At, q.Method, q.Host, q.Target, proto)
		case "har":
			if q.Conn > 0 && conns[q.Conn] == 0 {
				conns[q.Conn] = len(conns) + 1
			}
			fmt.Fprintf(&b, "%d %s %s %s %d", q.At, q.Method, address, q.Proto, conns[q.Conn])
			for _, m := range q.Messages {
				fmt.Fprintf(&b, " %d%c%s%q", m.US, m.Dir, m.Op, m.Data)
			}
			size := q.BodySize
			if n, err := strconv.ParseInt(string(q.Header("Content-Length")), 10, 64); size < 0 && err == nil {
				size = n // what the header says is all that a HAR has
			}
			fmt.Fprintf(&b, " wire %d size %d", q.RespWire, size)
		}
		fmt.Fprintf(&b, " %q%s", q.Body, fields(q.Headers, format))
		if q.Status != 0 {
			fmt.Fprintf(&b, " %d first=%d dur=%d", q.Status, q.FirstUS, q.DurUS)
			body, size := q.RespBody, q.RespSize
			if format == "gor" { // there the length is that of a body that was decoded
				size = max(size, int64(len(body)))
			}
			if format == "har" || q.RespSize >= 0 || size > 0 {
				fmt.Fprintf(&b, " size=%d", size)
			}
			if slices.ContainsFunc(q.RespHeaders, func(h capture.Header) bool { return h.IsNamed("Content-Encoding") }) && format == "har" {
				body = nil
			}
			fmt.Fprintf(&b, " %q%s", body, fields(q.RespHeaders, format))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// fields are headers. A HAR has all of them, the others those that do not follow from the body and the URL. What JSON
// carries is UTF-8.
func fields(hs []capture.Header, format string) string {
	var names []string
	for _, h := range hs {
		if format != "gor" {
			h.Value = []byte(string([]rune(string(h.Value))))
		}
		if format != "har" && (h.IsNamed("Content-Length") || h.IsNamed("Transfer-Encoding") || h.IsNamed("Host")) || !h.IsField() {
			continue
		}
		names = append(names, fmt.Sprintf(" %s=%s", h.Name, strings.TrimSpace(string(h.Value))))
	}
	if format == "vegeta" {
		slices.Sort(names)
	}
	return strings.Join(names, "")
}

// roundTrip exports a source, imports it again, and compares what the format carries.
func roundTrip(t *testing.T, sources []string, formats ...string) {
	t.Helper()
	dir := t.TempDir()
	before := filepath.Join(dir, "before.cap.zst")
	runReplay(t, "", append([]string{"capture", "-o", before, "--keep-secrets"}, sources...)...)
	all := readCapture(t, before)
	for _, format := range formats {
		file, after := filepath.Join(dir, "x."+format), filepath.Join(dir, format+".cap.zst")
		_, said := runReplay(t, "", "export", before, "--keep-secrets", "--to", format, "-o", file)
		want := carried(format, all)
		if len(want) == 0 {
			continue
		}
		runReplay(t, "", "capture", file, "--keep-secrets", "-o", after)
		got := carried(format, readCapture(t, after))
		if len(got) != len(want) {
			t.Errorf("%s: %d requests came back, want %d; export said %s", format, len(got), len(want), said)
		}
		bad := 0
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] && bad < 2 {
				bad++
				t.Errorf("%s: request %d came back as\n%.1500s\nwant\n%.1500s", format, i+1, got[i], want[i])
			}
		}
	}
}

const oddRequests = `{"at":"2026-11-23T14:00:00.000000001Z","dur_us":2500,"first_us":1001,"client":"k3","conn":7,"method":"POST","scheme":"https","host":"shop.example","target":"/a?x=1&y=%20z","proto":"HTTP/1.1","headers":[["B","2"],["Host","shop.example"],["A","1"],["B","1"],["Content-Length","5"]],"body":"aGVsbG8=","body_size":5,"status":200,"resp_size":3,"resp_wire":90,"resp_headers":[["Content-Type","text/plain"]],"resp_body":"YWJj"}
{"at":"2026-11-23T14:00:01Z","conn":3,"method":"PUT","scheme":"http","host":"shop.example:8080","target":"/b","proto":"HTTP/1.1","headers":[["Transfer-Encoding","chunked"]],"body":"/wAB","body_size":3,"status":204,"resp_size":0,"dur_us":10}
{"at":"2026-11-23T14:00:02Z","conn":7,"method":"HEAD","scheme":"http","host":"shop.example","target":"/c","proto":"HTTP/1.0","status":200,"resp_size":0,"resp_headers":[["Content-Length","999"]],"first_us":0,"dur_us":0}
{"at":"2026-11-23T14:00:03Z","method":"GET","scheme":"http","host":"shop.example","target":"/d","proto":"HTTP/1.1","status":302,"resp_size":0,"resp_headers":[["Location","/e"]],"first_us":12}
{"at":"2026-11-23T14:00:04Z","method":"GET","scheme":"http","host":"shop.example","target":"/f","proto":"HTTP/1.1"}
{"at":"2026-11-23T14:00:05Z","method":"GET","scheme":"http","host":"shop.example","target":"/g","proto":"HTTP/1.1","headers":[["Upgrade","websocket"],["Connection","Upgrade"]],"status":101,"resp_headers":[["Upgrade","websocket"],["Connection","Upgrade"]],"messages":[{"us":12,"dir":"c","op":"text","data":"aGk="},{"us":999999,"dir":"s","op":"binary","data":"AP8="}],"resp_size":0,"first_us":5,"dur_us":5}
{"at":"2026-11-23T14:00:06Z","method":"GET","scheme":"http","host":"shop.example","target":"/h","proto":"HTTP/1.1","status":200,"resp_size":5000,"resp_headers":[["Content-Encoding","gzip"]],"resp_body":"H4sI","first_us":1,"dur_us":99}
{"at":"2026-11-23T14:00:07Z","method":"GET","scheme":"http","host":"shop.example","target":"/i","proto":"HTTP/1.1","status":404,"resp_size":77}
`

func TestExportRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.ndjson")
	if err := os.WriteFile(path, []byte(oddRequests), 0o600); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, []string{path}, "har", "gor", "vegeta")
}

// TestExportRoundTripRealData does the same with GoReplay's, browsers' and packets' requests.
func TestExportRoundTripRealData(t *testing.T) {
	root := "../../../shared/data"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no real data here:", err)
	}
	for _, c := range []struct{ name, glob string }{
		{"gor", "gor/*.gor"},
		{"har", "har/chrome_*"},
		{"packets", "pcap/zeek/http/*.pcap"},
		{"log", "access/apache_combined_10k.log.gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(root, c.glob))
			if err != nil || len(files) == 0 {
				t.Skip("no such files here:", c.glob, err)
			}
			formats := []string{"har", "gor", "vegeta"}
			args := files
			if c.name == "log" {
				args = append(args, "--host", "shop.example")
			}
			roundTrip(t, args, formats...)
		})
	}
}

// TestExportIsHTTP: what stands in a GoReplay file is HTTP that others parse.
func TestExportIsHTTP(t *testing.T) {
	out, _ := runReplay(t, oddRequests, "export", "-", "--to", "gor", "-o", "-", "--keep-secrets")
	n := 0
	for payload := range strings.SplitSeq(strings.TrimSuffix(out, "\n🐵🙈🙉\n"), "\n🐵🙈🙉\n") {
		head, text, _ := strings.Cut(payload, "\n")
		if head[0] != '1' {
			continue
		}
		n++
		r := bufio.NewReader(strings.NewReader(text))
		if _, err := http.ReadRequest(r); err != nil {
			t.Errorf("%s: %v", head, err)
		}
	}
	if n != 8 {
		t.Errorf("%d requests, want 8", n)
	}
}

// sink counts the requests that a tool sends.
func sink(t *testing.T) (address string, seen func() []string) {
	t.Helper()
	var mu sync.Mutex
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing shows below
		mu.Lock()
		got = append(got, fmt.Sprintf("%s %s %q", r.Method, r.RequestURI, body))
		mu.Unlock()
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(got)
		return got
	}
}

// toolRequests are what other tools are given to send, and what has to arrive.
func toolRequests(host string) (ndjson string, want []string) {
	for i := range 20 {
		ndjson += fmt.Sprintf(`{"at":"2026-11-23T14:00:00.%03dZ","dur_us":2500,"first_us":1000,"method":"POST","scheme":"http","host":"%s","target":"/a/%d?x=%%20","proto":"HTTP/1.1","headers":[["Content-Length","2"],["X","1"]],"body":"aGk=","body_size":2,"status":200,"resp_size":2,"resp_body":"b2s="}`+"\n", i, host, i)
		want = append(want, fmt.Sprintf(`POST /a/%d?x=%%20 "hi"`, i))
	}
	slices.Sort(want)
	return ndjson, want
}

// TestExportVegeta: Vegeta sends what was exported.
func TestExportVegeta(t *testing.T) {
	tool, err := exec.LookPath("vegeta")
	if err != nil {
		t.Skip("vegeta is not installed:", err)
	}
	address, seen := sink(t)
	requests, want := toolRequests(address)
	file := filepath.Join(t.TempDir(), "targets.json")
	runReplay(t, requests, "export", "-", "--to", "vegeta", "-o", file)
	out, err := exec.CommandContext(t.Context(), tool, "attack", "-format=json", "-lazy", "-rate=200", "-duration=5s", "-timeout=5s", "-output="+os.DevNull, "-targets="+file).CombinedOutput()
	if got := seen(); err != nil || !slices.Equal(got, want) {
		t.Errorf("vegeta: %v %s\nsent %q\nwant %q", err, out, got, want)
	}
}

// TestExportGoReplay: GoReplay sends what was exported.
func TestExportGoReplay(t *testing.T) {
	tool, err := exec.LookPath("gor")
	if err != nil {
		t.Skip("gor is not installed:", err)
	}
	address, seen := sink(t)
	requests, want := toolRequests(address)
	file := filepath.Join(t.TempDir(), "requests.gor")
	runReplay(t, requests, "export", "-", "--to", "gor", "-o", file)
	out, err := exec.CommandContext(t.Context(), tool, "--input-file", file, "--output-http", "http://"+address, "--exit-after", "10s").CombinedOutput()
	if got := seen(); err != nil || !slices.Equal(got, want) {
		t.Errorf("gor: %v %s\nsent %q\nwant %q", err, out, got, want)
	}
}
