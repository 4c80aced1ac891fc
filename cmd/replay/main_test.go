package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"trafficreplay/capture"
	"trafficreplay/replay"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"replay": main})
}

// TestScripts runs testdata/script/*.txtar, one behaviour of a command each.
func TestScripts(t *testing.T) {
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			e.Setenv("TMPDIR", e.WorkDir)
			e.Setenv("REPO", repo)
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"serve":   serve,
			"count":   count,
			"logs":    logs,
			"cut":     cut,
			"lines":   lines,
			"example": example,
			"clients": clients,
			"readme":  readme,
			"pack":    pack,
		},
	})
}

func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// invalidTries is how often a run is repeated that was INVALID where that is not what the script asks for: on
// a busy machine the generator may be held up, and then it says so.
const invalidTries = 8

// exits runs a command and asserts its exact exit code: exits 99 replay run …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := exitInvalid
	for try := 0; try < invalidTries && got == exitInvalid && (try == 0 || want != exitInvalid); try++ {
		if v, ok := servers.Load(ts.Getenv("WORK")); ok && try > 0 {
			v.(*counter).reset()
		}
		got = exitCode(ts, ts.Exec(args[1], args[2:]...))
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	ts.Check(err)
	return 0
}

// counter is a server that counts the requests it was sent.
type counter struct {
	mu   sync.Mutex
	seen []string
}

func (c *counter) reset() {
	c.mu.Lock()
	c.seen = nil
	c.mu.Unlock()
}

// serve starts a server on loopback and puts its URL into $URL. It answers every request alike:
// serve STATUS [DELAY]
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serve STATUS [DELAY]")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	var delay time.Duration
	if len(args) > 1 {
		delay, err = time.ParseDuration(args[1])
		ts.Check(err)
	}
	c := &counter{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen = append(c.seen, r.Method+" "+r.RequestURI)
		c.mu.Unlock()
		if delay > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), delay)
			<-ctx.Done()
			cancel()
		}
		w.WriteHeader(status)
		fmt.Fprintln(w, "hello")
	}))
	ts.Defer(s.Close)
	ts.Setenv("URL", s.URL)
	ts.Setenv("PORT", s.URL[strings.LastIndexByte(s.URL, ':')+1:])
	servers.Store(ts.Getenv("WORK"), c)
}

// servers holds the server of each running script by its work folder.
var servers sync.Map

// count asserts how many requests the server was sent: count N [PREFIX]
func count(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	prefix := strings.Join(args[1:], " ")
	v, ok := servers.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no server was started")
	}
	c := v.(*counter)
	c.mu.Lock()
	defer c.mu.Unlock()
	got := 0
	for _, s := range c.seen {
		if strings.HasPrefix(s, prefix) {
			got++
		}
	}
	if (got == want) == neg {
		ts.Fatalf("server saw %d requests that begin with %q, want %d", got, prefix, want)
	}
}

// logs writes a combined log: logs FILE REQUESTS SECONDS, requests spread evenly over five paths and ten clients.
func logs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: logs FILE REQUESTS SECONDS")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	span, err := strconv.Atoi(args[2])
	ts.Check(err)
	var b strings.Builder
	begin := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	paths := []string{"/", "/api/items/%d", "/api/search?q=%d", "/cart", "/static/app.css"}
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Duration(span) * time.Second / time.Duration(n))
		path := paths[i%len(paths)]
		if strings.Contains(path, "%d") {
			path = fmt.Sprintf(path, i)
		}
		fmt.Fprintf(&b, "10.0.0.%d - - [%s] \"GET %s HTTP/1.1\" 200 %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
			i%10, at.Format("02/Jan/2006:15:04:05 -0700"), path, 100+i%7)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// cut copies a file without its last bytes: cut FILE COPY BYTES
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FILE COPY BYTES")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b[:max(len(b)-n, 0)], 0o600))
}

// requests reads all requests of a capture file.
func requests(ts *testscript.TestScript, file string, each func(q *capture.Request)) {
	r, err := capture.Open(ts.MkAbs(file))
	ts.Check(err)
	defer r.Close()
	var q capture.Request
	for {
		err := r.Next(&q)
		if err == io.EOF {
			return
		}
		ts.Check(err)
		each(&q)
	}
}

// lines writes a capture's lines into a file: lines CAPTURE FILE
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines CAPTURE FILE")
	}
	var b []byte
	requests(ts, args[0], func(q *capture.Request) { b = append(q.AppendJSON(b), '\n') })
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// example writes the indented block of a page that begins with a line into a file: example PAGE LINE FILE
func example(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: example PAGE LINE FILE")
	}
	page, err := os.ReadFile(filepath.Join("../../docs", args[0]))
	ts.Check(err)
	_, block, ok := strings.Cut(string(page), "\n    "+args[1]+"\n")
	if !ok {
		ts.Fatalf("docs/%s has no block that begins with %q", args[0], args[1])
	}
	text := args[1] + "\n"
	for line := range strings.Lines(block) {
		rest, indented := strings.CutPrefix(line, "    ")
		if !indented && strings.TrimSpace(line) != "" {
			break
		}
		text += rest
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

// clients asserts how many different clients captures have together: clients N CAPTURE...
func clients(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: clients N CAPTURE...")
	}
	seen := map[string]bool{}
	for _, file := range args[1:] {
		requests(ts, file, func(q *capture.Request) { seen[string(q.Client)] = true })
	}
	if got := strconv.Itoa(len(seen)); got != args[0] {
		ts.Fatalf("%s different clients, want %s", got, args[0])
	}
}

// A certificate that does not verify is trouble that says which flag would go on.
func TestUnknownCertificateHintsAtInsecure(t *testing.T) {
	var sent atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent.Add(1) }))
	defer server.Close()
	code, _, stderr := command(t, "run", steadyLog(t, 20, 100, 5), "--target", server.URL, "-o", t.TempDir())
	if code != exitTrouble || !strings.Contains(stderr, "certificate") || !strings.Contains(stderr, "--insecure") || sent.Load() != 0 {
		t.Errorf("exit code %d, %d requests sent, want %d, none and a hint at --insecure:\n%s", code, sent.Load(), exitTrouble, stderr)
	}
}

// analyze ends as the run did, and the code that it prints is the one it ends with.
func TestAnalyzeKeepsStrict(t *testing.T) {
	for _, tt := range []struct {
		name     string
		recorded bool
		flags    []string
		want     int
	}{
		{"strict run", true, nil, exitUndecided},
		{"strict asked for later", false, []string{"--strict"}, exitUndecided},
		{"neither", false, nil, exitOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := replay.Document{Schema: replay.SchemaRun, Verdict: replay.Inconclusive, Options: replay.RunOptions{Strict: tt.recorded}}
			b, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "run.json"), b, 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, stderr := command(t, append([]string{"analyze", dir, "--json"}, tt.flags...)...)
			if err := json.Unmarshal([]byte(out), &d); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			if code != tt.want || d.ExitCode != tt.want {
				t.Errorf("exit code %d, printed %d, want %d", code, d.ExitCode, tt.want)
			}
		})
	}
}

func TestEnoughIsNeverTooShort(t *testing.T) {
	for _, tt := range []struct {
		length, needed, have int64
		want                 time.Duration
	}{{994e6, 299, 200, 2 * time.Second}, {10e9, 299, 299, 10 * time.Second}, {3956e6, 299, 100, 12 * time.Second}} {
		if got := enough(tt.length, tt.needed, tt.have); got != tt.want {
			t.Errorf("enough(%d, %d, %d) = %v, want %v", tt.length, tt.needed, tt.have, got, tt.want)
		}
	}
}
