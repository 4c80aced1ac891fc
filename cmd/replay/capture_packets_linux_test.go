package main

import (
	"bytes"
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
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// targets are the targets of what a capture file holds, as far as it can be read.
func targetsOf(t *testing.T, name string) (found []string) {
	t.Helper()
	r, err := capture.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }()
	var q capture.Request
	for err = r.Next(&q); err == nil; err = r.Next(&q) {
		found = append(found, string(q.Target))
	}
	if err != io.EOF && !errors.Is(err, capture.ErrTorn) {
		t.Fatalf("%s: %v", name, err)
	}
	return found
}

// eventually waits for other programs.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for range 400 {
		if met() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: not within 20 s", what)
}

// TestCaptureFromTcpdump: what tcpdump writes into a pipe becomes a file while it is written. Ctrl-C, which reaches
// both, finishes it.
func TestCaptureFromTcpdump(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: tcpdump records real traffic")
	}
	_, err := exec.LookPath("tcpdump")
	if ready := err == nil && os.Getuid() == 0; !ready && os.Getenv("CI") == "true" {
		t.Fatal("no tcpdump or no root, and CI has both")
	} else if !ready {
		t.Skip("no tcpdump or no root: nothing can be recorded")
	}
	bin := build(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	out := filepath.Join(t.TempDir(), "live.cap.zst")
	pipe := exec.Command("sh", "-c", fmt.Sprintf("trap : INT; tcpdump -i lo -s 0 -U -B 16384 -w - tcp port %s | %s capture - -o %s", port, bin, out))
	var said bytes.Buffer
	pipe.Stderr, pipe.SysProcAttr = &said, &syscall.SysProcAttr{Setpgid: true}
	if err := pipe.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(-pipe.Process.Pid, syscall.SIGKILL) }()

	var want []string
	get := func() {
		want = append(want, fmt.Sprintf("/page?n=%d", len(want)))
		resp, err := http.Get(server.URL + want[len(want)-1])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	eventually(t, "the first request", func() bool { // of those that came before tcpdump listened nothing is known
		want = want[:0]
		get()
		return len(targetsOf(t, out+".part")) > 0
	})
	first := len(targetsOf(t, out+".part"))
	for range 500 {
		get()
	}
	eventually(t, "500 requests", func() bool { return len(targetsOf(t, out+".part")) >= first+500 })
	if err := syscall.Kill(-pipe.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = pipe.Wait()
	if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != exitInterrupted {
		t.Errorf("%v, want exit code %d\n%s", err, exitInterrupted, &said)
	}
	found := targetsOf(t, out)
	if n := len(found) - 500; n < 1 || strings.Join(found[n:], " ") != strings.Join(want[1:], " ") {
		t.Errorf("%d requests, want the last 500 to be those that were sent\n%s", len(found), &said)
	}
	if left, err := os.Stat(out + ".part"); err == nil {
		t.Errorf("%s is left", left.Name())
	}
	if _, err := exec.Command(bin, "inspect", "--verify", out).CombinedOutput(); err != nil {
		t.Errorf("inspect --verify: %v", err)
	}
}
