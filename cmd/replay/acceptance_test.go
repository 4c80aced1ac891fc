package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/replay"
)

// command runs the program in this process and gives what it wrote.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, conversation bytes.Buffer
	code = run(t.Context(), args, bytes.NewReader(nil), &out, &conversation)
	return code, out.String(), conversation.String()
}

// steadyLog writes a log of n requests at a rate a second by some clients, with stamps in milliseconds.
func steadyLog(t *testing.T, n, perSecond, clients int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "steady.log")
	var b bytes.Buffer
	for i := range n {
		at := 1_770_000_000_000 + int64(i)*1000/int64(perSecond)
		fmt.Fprintf(&b, `{"msec":"%d.%03d","request_time":"0.000","remote_addr":"10.0.0.%d","request_method":"GET","request_uri":"/items/%d","status":"200"}`+"\n",
			at/1000, at%1000, i%clients, i)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A server that stalls once for a second is seen as every user would have seen it: at 1,000 requests a second for
// 10 s a tenth of the requests fall due in the stall and wait for its end, so the p99 is 901 ms.
func TestStallIsMeasuredFromIntendedInstants(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s of real time")
	}
	var once sync.Once
	var stalled sync.RWMutex
	began := time.Now()
	var mu sync.Mutex
	first := time.Time{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		if first.IsZero() {
			first = time.Now()
		}
		due := time.Since(first) > 4*time.Second
		mu.Unlock()
		if due {
			once.Do(func() {
				stalled.Lock()
				time.AfterFunc(time.Second, stalled.Unlock)
			})
		}
		stalled.RLock()
		//lint:ignore SA2001 a barrier, not a critical section
		stalled.RUnlock()
		fmt.Fprintln(w, "ok")
	})}
	go server.Serve(l)
	defer server.Close()
	log := steadyLog(t, 10000, 1000, 100)
	dir := filepath.Join(t.TempDir(), "r")
	var d replay.Document
	for try := 0; ; try++ {
		_, out, stderr := command(t, "run", log, "--target", "http://"+l.Addr().String(), "--threshold", "p99 < 10s", "--json", "-o", dir)
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatalf("%v\n%s", err, stderr)
		}
		if d.Planned != d.Sent+d.Dropped+d.Cancelled || d.Sent != d.OK+d.Failed || d.Planned != 10000 {
			t.Errorf("counts do not add up: %+v", d)
		}
		p99 := float64(d.Endpoints[0].LatencyMS.P99)
		if p99 > 901*0.97 && p99 < 901*1.03 {
			break
		}
		if d.Verdict != replay.Invalid || try == 2 {
			t.Fatalf("p99 is %.0f ms, want 901 within 3%% (verdict %s, lag p99 %.1f ms, after %v)", p99, d.Verdict, d.LagUS.P99/1000, time.Since(began))
		}
		once, first = sync.Once{}, time.Time{}
	}
	if p50 := float64(d.Endpoints[0].LatencyMS.P50); p50 > 100 {
		t.Errorf("p50 is %.1f ms: the stall reached more requests than were due in it", p50)
	}
}

// canaries are secrets of many kinds; none may be found in any file that any stage writes.
var canaries = []string{
	"hunter2-canary-password", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "canary.person@example.com", "4111111111111111",
	"canary-session-7f3a9b", "canary-apikey-55aa", "canary-user-name", "198.51.100.77", "canary-token-99", "xoxb-123456789012-canarycanarycanary",
}

func canaryLog(t *testing.T) string {
	var b bytes.Buffer
	for i := range 400 {
		c := canaries[i%len(canaries)]
		line := map[string]string{
			"time_iso8601": time.Unix(1_770_000_000+int64(i/40), 0).UTC().Format(time.RFC3339), "request_time": "0.010",
			"remote_addr": "198.51.100.77", "remote_user": "canary-user-name", "status": "200", "request_method": "GET",
			"request_uri":        "/items/1?api_key=canary-apikey-55aa&token=canary-token-99&password=hunter2-canary-password&mail=" + url.QueryEscape("canary.person@example.com"),
			"http_cookie":        "session=canary-session-7f3a9b",
			"http_authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("canary-user-name:hunter2-canary-password")),
			"http_referer":       "https://shop.example/login?password=hunter2-canary-password", "http_x_api_key": "canary-apikey-55aa",
			"http_user_agent": "agent", "http_host": "shop.example",
		}
		switch c {
		case "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", canaries[4], "canary.person@example.com", "4111111111111111", canaries[12]:
			line["request_uri"] = "/pay/" + c + "?x=" + c
			line["http_user_agent"] = "agent " + c
			line["http_referer"] = "https://shop.example/" + c
		}
		j, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(j, '\n'))
	}
	path := filepath.Join(t.TempDir(), "canary.log")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoSecretReachesAnyOutput(t *testing.T) {
	log := canaryLog(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()
	target := "http://" + l.Addr().String()
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	var said bytes.Buffer
	for _, args := range [][]string{
		{"capture", log, "-o", in("a.cap.zst"), "--json"},
		{"inspect", in("a.cap.zst")},
		{"shape", in("a.cap.zst"), "-o", in("a.workload.yaml"), "--assign", in("a.ndjson")},
		{"run", in("a.cap.zst"), "--target", target, "--speed", "20x", "-o", in("r1"), "--threshold", "p99 < 10s"},
		{"run", in("a.workload.yaml"), "--target", target, "--speed", "20x", "-o", in("r2"), "--threshold", "p99 < 10s"},
		{"run", log, "--target", target, "--speed", "20x", "-o", in("r3"), "--threshold", "p99 < 10s"},
		{"analyze", in("r1")},
	} {
		code, out, stderr := command(t, args...)
		if code != exitOK && code != exitInvalid && code != exitFailed {
			t.Fatalf("replay %q: exit code %d\n%s", args, code, stderr)
		}
		said.WriteString(out)
		said.WriteString(stderr)
	}
	check := func(name string, b []byte) {
		for _, c := range canaries {
			for _, form := range []string{c, url.QueryEscape(c), base64.StdEncoding.EncodeToString([]byte(c)), hex.EncodeToString([]byte(c))} {
				if bytes.Contains(b, []byte(form)) {
					t.Errorf("%s holds %q", name, form)
				}
			}
		}
	}
	check("the terminal", said.Bytes())
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		check(path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	check("the capture's requests", dump(t, in("a.cap.zst")))
}

// dump is a capture file's requests as lines.
func dump(t *testing.T, path string) []byte {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b []byte
	var q capture.Request
	for r.Next(&q) == nil {
		b = append(q.AppendJSON(b), '\n')
	}
	if len(b) == 0 {
		t.Fatalf("%s holds no request", path)
	}
	return b
}

// build builds the program once for a test and gives its path.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	bin := filepath.Join(t.TempDir(), "replay")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// A capture that is killed half way leaves no file under the final name.
func TestKilledCaptureLeavesNothing(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	log := filepath.Join(dir, "large.log.gz")
	f, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	for i := range 400000 {
		fmt.Fprintf(z, "10.0.0.%d - - [23/Nov/2026:14:%02d:%02d +0000] \"GET /items/%d HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n", i%250, i/60/1000%60, i/1000%60, i)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "large.cap.zst")
	killed := 0
	for _, after := range []time.Duration{20, 80, 200, 400} {
		cmd := exec.Command(bin, "capture", log, "-o", out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(after*time.Millisecond, func() { _ = cmd.Process.Kill() })
		if cmd.Wait() == nil {
			continue // it was quicker than the kill: then the file is whole, see below
		}
		killed++
		if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("killed after %v ms: %s stands (%v)", after, out, err)
		}
	}
	if killed == 0 {
		t.Fatal("no import was killed")
	}
	if msg, err := exec.Command(bin, "capture", log, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	if code, _, stderr := command(t, "inspect", "--verify", out); code != 0 {
		t.Error(stderr)
	}
}
