//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// feed is a live capture under way, and what was written into its standard input.
type feed struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr bytes.Buffer
	at     []time.Time // when each line was written
}

func startLive(t *testing.T, bin, out string, flags ...string) *feed {
	t.Helper()
	f := &feed{cmd: exec.Command(bin, append([]string{"capture", "-", "-o", out}, flags...)...)}
	f.cmd.Stderr = &f.stderr
	var err error
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.cmd.Process.Kill() })
	return f
}

// write writes lines for some time, a few every 10 ms, and each at once.
func (f *feed) write(t *testing.T, d time.Duration) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		for range 5 {
			if _, err := io.WriteString(f.in, liveLine(len(f.at))); err != nil {
				t.Fatalf("%v\n%s", err, f.stderr.String())
			}
			f.at = append(f.at, time.Now())
		}
	}
}

func (f *feed) exitCode() int {
	if e, ok := errors.AsType[*exec.ExitError](f.cmd.Wait()); ok {
		return e.ExitCode()
	}
	return f.cmd.ProcessState.ExitCode()
}

// sound reads a capture file that may be torn, whose requests must be those of the lines from the first on.
func sound(t *testing.T, path string) int {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var q capture.Request
	n := 0
	for ; ; n++ {
		if err = r.Next(&q); err != nil {
			break
		}
		if want := fmt.Sprintf("/items/%d", n); string(q.Target) != want || string(q.Src) != fmt.Sprintf("stdin:%d", n+1) {
			t.Fatalf("%s: request %d is %s from %s, want %s", path, n, q.Target, q.Src, want)
		}
	}
	if err != io.EOF && !errors.Is(err, capture.ErrTorn) {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// Whenever a live capture is killed, what was read more than a second before is there; the next capture keeps it.
func TestKilledLiveCaptureLosesASecond(t *testing.T) {
	bin := build(t)
	const grace = 500 * time.Millisecond // of a busy machine
	for i, after := range []time.Duration{1300, 2050, 2750, 3600} {
		dir := t.TempDir()
		out := filepath.Join(dir, "prod.cap.zst")
		f := startLive(t, bin, out)
		f.write(t, after*time.Millisecond)
		killed := time.Now()
		if err := f.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		f.exitCode()
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("killed after %v ms: %s stands (%v)", after, out, err)
		}
		n := sound(t, out+".part")
		for n < len(f.at) && f.at[n].Before(killed.Add(-time.Second-grace)) {
			t.Fatalf("killed after %v ms: request %d of %d is lost, which was written %v before", after, n, len(f.at), killed.Sub(f.at[n]))
		}
		if i > 0 || n == 0 {
			continue
		}
		for _, args := range [][]string{{"shape", out + ".part", "-o", filepath.Join(dir, "w.workload.yaml")}, {"capture", out + ".part", "-o", filepath.Join(dir, "again.cap.zst")}} {
			code, _, stderr := command(t, args...)
			if code != exitOK || !strings.Contains(stderr, "torn, or still being written") {
				t.Errorf("%s of the torn file: exit code %d\n%s", args[0], code, stderr)
			}
		}
		if code, _, stderr := command(t, "inspect", "--verify", out+".part"); code != exitTrouble || !strings.Contains(stderr, "torn tail only") {
			t.Errorf("inspect --verify: exit code %d\n%s", code, stderr)
		}
		code, said, stderr := command(t, "inspect", out+".part")
		if code != exitOK || !strings.Contains(said, fmt.Sprintf("%d requests (not whole", n)) || !strings.Contains(said, "stdin: nginx-json") || !strings.Contains(said, "redaction  rules 1") {
			t.Errorf("inspect: exit code %d\n%s%s", code, said, stderr)
		}
		f = startLive(t, bin, out)
		f.write(t, 100*time.Millisecond)
		if err := f.in.Close(); err != nil {
			t.Fatal(err)
		}
		kept := filepath.Join(dir, "prod.kept-1.cap.zst.part")
		if code := f.exitCode(); code != exitOK || !strings.Contains(f.stderr.String(), kept) || sound(t, kept) != n || sound(t, out) != len(f.at) {
			t.Errorf("the next capture: exit code %d, want the old one kept as %s\n%s", code, kept, f.stderr.String())
		}
	}
}

// The first interrupt ends the reading and finishes the file. The next capture of that name keeps it.
func TestInterruptedLiveCapture(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	out := filepath.Join(dir, "prod.cap.zst")
	for i, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) { // and so do programs that this one starts
			t.Logf("%v is ignored here, as below nohup: not tested", s)
			continue
		}
		f := startLive(t, bin, out)
		f.write(t, 1500*time.Millisecond)
		written := len(f.at)
		time.Sleep(100 * time.Millisecond) // for the pipe to be read
		if err := f.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if code := f.exitCode(); code != exitInterrupted {
			t.Fatalf("%v: exit code %d\n%s", s, code, f.stderr.String())
		}
		if n := sound(t, out); n != written {
			t.Errorf("%v: %d requests, %d were written", s, n, written)
		}
		if code, _, stderr := command(t, "inspect", "--verify", out); code != exitOK {
			t.Error(stderr)
		}
		if i == 1 && sound(t, filepath.Join(dir, "prod.kept-1.cap.zst")) == 0 {
			t.Error("the first capture was not kept")
		}
	}
	f := startLive(t, bin, filepath.Join(dir, "none.cap.zst"))
	time.Sleep(300 * time.Millisecond) // until it listens to signals
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := f.exitCode(); code != exitInterrupted {
		t.Errorf("before the first line: exit code %d\n%s", code, f.stderr.String())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "none*")); left != nil {
		t.Errorf("%s are left", left)
	}
}

// Rolled files are whole, each with its own ledger, and together hold every line once; connections go on.
func TestRolledLiveCapture(t *testing.T) {
	bin := build(t)
	for _, roll := range []string{"1s", "64KiB"} {
		dir := t.TempDir()
		out := filepath.Join(dir, "prod.cap.zst")
		f := startLive(t, bin, out, "--roll", roll)
		f.write(t, 2500*time.Millisecond)
		if roll == "64KiB" {
			for range 60_000 {
				if _, err := io.WriteString(f.in, liveLine(len(f.at))); err != nil {
					t.Fatal(err)
				}
				f.at = append(f.at, time.Time{})
			}
		}
		if err := f.in.Close(); err != nil {
			t.Fatal(err)
		}
		if code := f.exitCode(); code != exitOK {
			t.Fatalf("--roll %s: exit code %d\n%s", roll, code, f.stderr.String())
		}
		names, err := filepath.Glob(filepath.Join(dir, "prod.*Z*.cap.zst"))
		if err != nil || len(names) < 2 {
			t.Fatalf("--roll %s: files %s, want two or more", roll, names)
		}
		var lines, requests int64
		for _, name := range names {
			if code, _, stderr := command(t, "inspect", "--verify", name); code != exitOK {
				t.Error(stderr)
			}
			r, err := capture.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := r.Meta()
			r.Close()
			if err := m.Sources[0].Balance(); err != nil || m.Sources[0].Requests != m.Requests || m.Series == "" {
				t.Errorf("%s: %v, metadata %+v", name, err, m)
			}
			lines, requests = lines+m.Sources[0].Lines, requests+m.Requests
		}
		if lines != int64(len(f.at)) || requests != lines {
			t.Errorf("--roll %s: %d lines and %d requests in %d files, %d were written", roll, lines, requests, len(names), len(f.at))
		}
		whole := filepath.Join(dir, "whole.cap.zst")
		if code, _, stderr := command(t, append([]string{"capture", "-o", whole}, names...)...); code != exitOK {
			t.Fatal(stderr)
		}
		if n := sound(t, whole); n != len(f.at) {
			t.Errorf("--roll %s: %d requests in all, want %d", roll, n, len(f.at))
		}
		if b := dump(t, whole); bytes.Contains(b, []byte(`"conn":6`)) || !bytes.Contains(b, []byte(`"conn":5`)) {
			t.Errorf("--roll %s: connections do not go on", roll)
		}
	}
}

// A disk that fails ends the capture: what it has is kept and opens, and the error counts what is lost.
func TestLiveCaptureOnAFaultyDisk(t *testing.T) {
	bin := build(t)
	faultfs := buildTool(t, "faultfs")
	for _, failure := range []string{"EIO", "ENOSPC"} {
		src, mnt, _ := mountFaulty(t, faultfs, "-after", "100000", "-err", failure)
		out := filepath.Join(mnt, "prod.cap.zst")
		f := startLive(t, bin, out)
		for n := 0; n < 3_000_000; n++ {
			if _, err := io.WriteString(f.in, liveLine(n)); err != nil {
				break
			}
			if n%2000 == 0 {
				time.Sleep(50 * time.Millisecond) // so that something is flushed before the disk is full
			}
		}
		if code := f.exitCode(); code != exitTrouble {
			t.Errorf("%s: exit code %d", failure, code)
		}
		said := f.stderr.String()
		n := sound(t, filepath.Join(src, "prod.cap.zst.part"))
		if !strings.Contains(said, fmt.Sprintf("the first %d requests are kept", n)) || !strings.Contains(said, " bytes) are lost") || n == 0 {
			t.Errorf("%s: %d requests are there, and it says\n%s", failure, n, said)
		}
		if _, err := os.Stat(filepath.Join(src, "prod.cap.zst")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the file stands under its final name (%v)", failure, err)
		}
	}
}

// Wherever the disk fails, an import leaves nothing, and neither does a live capture of which the disk has nothing.
func TestCaptureOnADiskThatFailsEarly(t *testing.T) {
	bin, faultfs := build(t), buildTool(t, "faultfs")
	var log strings.Builder
	for i := range 3000 {
		log.WriteString(liveLine(i))
	}
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, after, failure string }{
		{path, "0", "EIO"}, {path, "100", "ENOSPC"}, {path, "5000", "EIO"}, {"-", "0", "EIO"}, {"-", "100", "EDQUOT"},
	} {
		src, mnt, _ := mountFaulty(t, faultfs, "-after", c.after, "-err", c.failure)
		cmd := exec.Command(bin, "capture", c.source, "-o", filepath.Join(mnt, "prod.cap.zst"))
		cmd.Stdin = strings.NewReader(log.String())
		said, _ := cmd.CombinedOutput()
		errors := strings.Count(string(said), "replay: error: ")
		if cmd.ProcessState.ExitCode() != exitTrouble || errors != 1 || strings.Count(string(said), "\n") > 2 || !strings.Contains(string(said), "nothing is kept") {
			t.Errorf("%v: exit code %d\n%s", c, cmd.ProcessState.ExitCode(), said)
		}
		if names, err := os.ReadDir(src); err != nil || len(names) > 0 {
			t.Errorf("%v: left behind: %v (%v)", c, names, err)
		}
	}
}

// mountFaulty mounts the faulty file system: what is written to mnt lies in src.
func mountFaulty(t *testing.T, faultfs string, flags ...string) (src, mnt string, server *os.Process) {
	t.Helper()
	src, mnt = t.TempDir(), t.TempDir()
	fs := exec.Command(faultfs, append(flags, src, mnt)...)
	ready, err := fs.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := fs.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := ready.Read(make([]byte, 16)); err != nil {
		_ = fs.Wait()
		t.Skipf("skipped: the faulty file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		_ = exec.Command("umount", "-l", mnt).Run()
		_ = fs.Process.Kill()
		_ = fs.Wait()
	})
	return src, mnt, fs.Process
}

// buildTool builds a test tool that lies beside this repository.
func buildTool(t *testing.T, name string) string {
	t.Helper()
	src := filepath.Join("..", "..", "..", "shared", "tools", name)
	if _, err := os.Stat(src); err != nil {
		t.Skipf("skipped: the test tool %s is not there: %v", name, err)
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may mount a file system")
	}
	bin := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = src
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("skipped: %s cannot be built: %v\n%s", name, err, out)
	}
	return bin
}
