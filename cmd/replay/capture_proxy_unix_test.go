//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// recordingProxy is a proxy under way.
type recordingProxy struct {
	cmd    *exec.Cmd
	base   string // URL to send to
	stdout bytes.Buffer
	said   heard // on stderr
	ended  sync.WaitGroup
}

// heard is what was said so far.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

func startProxy(t *testing.T, bin, upstream, out string, flags ...string) *recordingProxy {
	t.Helper()
	p := &recordingProxy{}
	p.cmd = exec.Command(bin, append([]string{"capture", "--proxy", "127.0.0.1:0", "--upstream", upstream, "-o", out}, flags...)...)
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	r := bufio.NewReader(stderr)
	line, err := r.ReadString('\n')
	at, ok := strings.CutPrefix(line, "replay: listening on ")
	at, _, found := strings.Cut(at, ",")
	if err != nil || !ok || !found {
		t.Fatalf("said %q (%v)", line, err)
	}
	p.base = "http://" + at
	p.ended.Go(func() { _, _ = io.Copy(&p.said, r) })
	return p
}

// wait waits for the end and gives the exit code.
func (p *recordingProxy) wait() int {
	p.ended.Wait()
	if e, ok := errors.AsType[*exec.ExitError](p.cmd.Wait()); ok {
		return e.ExitCode()
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *recordingProxy) get(t *testing.T, path string) {
	t.Helper()
	req, err := http.NewRequest("GET", p.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-planted-secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.said.String())
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != path {
		t.Fatalf("got %q (%v), want %q", b, err, path)
	}
	resp.Body.Close()
}

func echoPath(t *testing.T) string {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }))
	t.Cleanup(up.Close)
	return up.URL
}

// targets reads the requests of a capture file, which may be torn, and checks that they are complete and hold no secret.
func targetsIn(t *testing.T, path string) (got []string) {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var q capture.Request
	for {
		if err := r.Next(&q); err == io.EOF || errors.Is(err, capture.ErrTorn) {
			return got
		} else if err != nil {
			t.Fatal(err)
		}
		if q.Status != 200 || string(q.RespBody) != string(q.Target) || q.FirstUS < 0 || bytes.Contains(q.AppendJSON(nil), []byte("planted")) {
			t.Errorf("recorded %s", q.AppendJSON(nil))
		}
		got = append(got, string(q.Target))
	}
}

// The first interrupt ends the recording: the file is whole, and the document accounts for all of it.
func TestProxyRecordsUntilInterrupted(t *testing.T) {
	out := filepath.Join(t.TempDir(), "prod.cap.zst")
	p := startProxy(t, build(t), echoPath(t), out, "--json")
	const n = 50
	for i := range n {
		p.get(t, fmt.Sprintf("/items/%d", i))
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitInterrupted || !strings.Contains(p.said.String(), "what was read is in "+out) {
		t.Errorf("exit code %d\n%s", code, p.said.String())
	}
	var doc captureDocument
	if err := json.Unmarshal(p.stdout.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, p.stdout.String())
	}
	l := &doc.Sources[0]
	if doc.Requests != n || doc.Out != out || l.Format != "proxy" || l.Responses != n || l.Streams != doc.Proxy.Connections || l.Balance() != nil ||
		l.PayloadBytes != doc.Proxy.Bytes || l.MessageBytes != l.PayloadBytes || total(doc.Redacted) < n {
		t.Errorf("document %s", p.stdout.String())
	}
	got := targetsIn(t, out)
	for i := range n {
		if want := fmt.Sprintf("/items/%d", i); i >= len(got) || got[i] != want {
			t.Fatalf("recorded %q, request %d is to be %s", got, i, want)
		}
	}
	if code, said, stderr := command(t, "inspect", "--verify", out); code != exitOK {
		t.Errorf("inspect --verify: exit code %d\n%s%s", code, said, stderr)
	}
}

// A recording out of which nothing came says what did.
func TestSilentProxySaysWhatCame(t *testing.T) {
	bin := build(t)
	for _, c := range []struct{ name, send, want string }{
		{"nothing", "", "no requests: no connection came\n"},
		{"TLS", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "no requests: of 1 connections 1 speak TLS with the upstream: --proxy-cert"},
		{"something else", "\x00\x01\x02\x03\r\n\r\n", "no requests on 1 connection, 8 bytes; filtered 0, skipped "},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "prod.cap.zst")
			up, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer up.Close()
			p := startProxy(t, bin, "http://"+up.Addr().String(), out)
			if c.send != "" {
				client, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				got := make([]byte, len(c.send))
				server, err := up.Accept()
				if err == nil {
					_, err = io.WriteString(client, c.send)
				}
				if err == nil {
					_, err = io.ReadFull(server, got)
				}
				if err == nil {
					err = errors.Join(server.Close(), client.Close())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := p.wait(); code != exitInterrupted || !strings.Contains(p.said.String(), c.want) {
				t.Errorf("exit code %d, want %d; said %q, want %q", code, exitInterrupted, p.said.String(), c.want)
			}
		})
	}
}

// Where few files may be open, connections wait to be accepted; none of those that are gets an error for it.
func TestProxyWithinOpenFiles(t *testing.T) {
	const clients, atOnce = 60, 10
	arrived, release := make(chan struct{}, clients), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer up.Close()
	dir := t.TempDir()
	limited := filepath.Join(dir, "limited")
	if err := os.WriteFile(limited, []byte("#!/bin/sh\nulimit -n 64\nexec "+build(t)+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, limited, up.URL, filepath.Join(dir, "prod.cap.zst"))
	var conns []net.Conn
	for range clients {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
		if err == nil {
			defer c.Close()
			_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for range atOnce {
		<-arrived
	}
	close(release)
	for i, c := range conns {
		if line, err := bufio.NewReader(c).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("client %d got %q (%v)", i, line, err)
		}
		c.Close() // makes way for those that wait
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitInterrupted || strings.Contains(p.said.String(), "warning") {
		t.Errorf("exit code %d\n%s", code, p.said.String())
	}
}

// Whenever a proxy is killed, what was answered more than a second before is there.
func TestKilledProxyLosesASecond(t *testing.T) {
	bin, upstream := build(t), echoPath(t)
	const grace = 500 * time.Millisecond // of a busy machine
	for _, after := range []time.Duration{1300 * time.Millisecond, 2400 * time.Millisecond} {
		out := filepath.Join(t.TempDir(), "prod.cap.zst")
		p := startProxy(t, bin, upstream, out)
		var at []time.Time
		tick := time.NewTicker(10 * time.Millisecond)
		for end := time.Now().Add(after); time.Now().Before(end); <-tick.C {
			p.get(t, fmt.Sprintf("/items/%d", len(at)))
			at = append(at, time.Now())
		}
		tick.Stop()
		killed := time.Now()
		if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.wait()
		n := len(targetsIn(t, out+".part"))
		if n < len(at) && at[n].Before(killed.Add(-time.Second-grace)) {
			t.Errorf("killed after %v: request %d of %d is lost, which was answered %v before", after, n, len(at), killed.Sub(at[n]))
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s stands (%v)", out, err)
		}
		http.DefaultClient.CloseIdleConnections()
	}
}

// With --roll the files of one recording follow each other and together hold everything.
func TestProxyRolls(t *testing.T) {
	dir := t.TempDir()
	p := startProxy(t, build(t), echoPath(t), filepath.Join(dir, "prod.cap.zst"), "--roll", "1s", "--json")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	n := 0
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); <-tick.C {
		p.get(t, fmt.Sprintf("/items/%d", n))
		n++
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitInterrupted {
		t.Errorf("exit code %d\n%s", code, p.said.String())
	}
	var doc captureDocument
	if err := json.Unmarshal(p.stdout.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, p.stdout.String())
	}
	var got []string
	for _, out := range doc.Outs {
		got = append(got, targetsIn(t, out)...)
	}
	if len(doc.Outs) < 2 || len(got) != n || doc.Requests != int64(n) || doc.Sources[0].PayloadBytes != doc.Proxy.Bytes {
		t.Errorf("%d requests in %d files, want %d\n%s", len(got), len(doc.Outs), n, p.stdout.String())
	}
}

// A second interrupt does not wait for the request that is under way; what the disk has stays.
func TestSecondInterruptKillsProxy(t *testing.T) {
	arrived, never := make(chan struct{}), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/never" {
			close(arrived)
			<-never
		}
		fmt.Fprint(w, r.RequestURI)
	}))
	defer up.Close()
	out := filepath.Join(t.TempDir(), "prod.cap.zst")
	p := startProxy(t, build(t), up.URL, out)
	p.get(t, "/one")
	var asked sync.WaitGroup
	defer asked.Wait()
	defer close(never)
	asked.Go(func() {
		if resp, err := http.Get(p.base + "/never"); err == nil {
			resp.Body.Close()
		}
	})
	<-arrived
	waitForFile(t, out+".part", "/one")
	began := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.said.String(), "no more connections are accepted") { // two signals at once are one
		if <-tick.C; time.Since(began) > 5*time.Second {
			t.Fatalf("the first interrupt was not heard\n%s", p.said.String())
		}
	}
	began = time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(); code != exitInterrupted || time.Since(began) > 5*time.Second {
		t.Errorf("exit code %d after %v\n%s", code, time.Since(began), p.said.String())
	}
	if got := targetsIn(t, out+".part"); len(got) != 1 || got[0] != "/one" {
		t.Errorf("recorded %q", got)
	}
}

// waitForFile waits until an unfinished capture file begins with a request.
func waitForFile(t *testing.T, path, target string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if r, err := capture.Open(path); err != nil { // its first bytes are still to come
			continue
		} else if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got := targetsIn(t, path); len(got) > 0 && got[0] == target {
			return
		}
	}
	t.Fatalf("%s: no %s within 10 s", path, target)
}
