//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"trafficreplay/replay"
)

// slowServer answers after a delay.
func slowServer(t *testing.T, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, "ok")
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String()
}

// started starts a run of a steady log and returns once it is sending.
func started(t *testing.T, bin, target, dir string, seconds int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(bin, "run", steadyLog(t, 200*seconds, 200, 20), "--target", target, "--threshold", "p99 < 1s", "-o", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // a second process cannot be waited for in a better way
	return cmd
}

// ended waits for the run and gives its exit code and document.
func ended(t *testing.T, cmd *exec.Cmd, dir string) (int, *replay.Document) {
	t.Helper()
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](cmd.Wait()); ok {
		code = e.ExitCode()
	}
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := new(replay.Document)
	if err := json.Unmarshal(b, d); err != nil {
		t.Fatal(err)
	}
	if d.Planned != d.Sent+d.Dropped+d.Cancelled || d.Sent != d.OK+d.Failed {
		t.Errorf("counts do not add up: planned %d sent %d dropped %d cancelled %d ok %d failed %d", d.Planned, d.Sent, d.Dropped, d.Cancelled, d.OK, d.Failed)
	}
	return code, d
}

// The first interrupt drains and reports.
func TestInterruptDrains(t *testing.T) {
	bin, dir := build(t), filepath.Join(t.TempDir(), "r")
	cmd := started(t, bin, slowServer(t, 300*time.Millisecond), dir, 20)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	code, d := ended(t, cmd, dir)
	if code != exitInterrupted || d.Verdict != replay.Interrupted || d.Cancelled == 0 || d.OK != d.Sent || d.Sent == 0 {
		t.Errorf("exit code %d, verdict %s, sent %d, ok %d, cancelled %d", code, d.Verdict, d.Sent, d.OK, d.Cancelled)
	}
}

// The second interrupt kills what is in flight, and the results so far are still written.
func TestSecondInterruptKills(t *testing.T) {
	bin, dir := build(t), filepath.Join(t.TempDir(), "r")
	cmd := started(t, bin, slowServer(t, time.Hour), dir, 20)
	for range 2 {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
	}
	code, d := ended(t, cmd, dir)
	if code != exitInterrupted || d.OK != 0 || d.Sent == 0 || d.Failed != d.Sent {
		t.Errorf("exit code %d, sent %d, ok %d, failed %d", code, d.Sent, d.OK, d.Failed)
	}
}

// A generator that was held up says so, however well the target did.
func TestStarvedGeneratorIsInvalid(t *testing.T) {
	bin, dir := build(t), filepath.Join(t.TempDir(), "r")
	cmd := started(t, bin, slowServer(t, 0), dir, 6)
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
	}
	code, d := ended(t, cmd, dir)
	if code != exitInvalid || d.Verdict != replay.Invalid || d.DroppedLate == 0 {
		t.Errorf("exit code %d, verdict %s, dropped late %d", code, d.Verdict, d.DroppedLate)
	}
}
