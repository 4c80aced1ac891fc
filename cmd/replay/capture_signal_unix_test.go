//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The first interrupt ends the context, the second the program; a terminal that hangs up twice ends only the first.
func TestInterruptible(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals []os.Signal
		killed  bool
	}{
		{"once", []os.Signal{os.Interrupt}, false},
		{"twice", []os.Signal{os.Interrupt, os.Interrupt}, true},
		{"terminated twice", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, true},
		{"hung up twice", []os.Signal{syscall.SIGHUP, syscall.SIGHUP}, false},
		{"hung up, then interrupted", []os.Signal{syscall.SIGHUP, os.Interrupt}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			interrupts, killed := make(chan os.Signal), make(chan int, 1)
			a := &app{interrupts: interrupts, kill: func(code int) { killed <- code }}
			ctx, cancel := a.interruptible(t.Context())
			for _, s := range c.signals {
				interrupts <- s
			}
			<-ctx.Done()
			if c.killed {
				if code := <-killed; code != exitInterrupted {
					t.Errorf("killed with %d, want %d", code, exitInterrupted)
				}
			}
			cancel()
			cancel()
			if len(killed) > 0 || !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("killed %v, context %v", len(killed) > 0, ctx.Err())
			}
		})
	}
}

// Where the first interrupt cannot finish the file, since the disk does not answer, the second one kills: what the disk
// had stays under its unfinished name.
func TestSecondInterruptKillsCapture(t *testing.T) {
	bin := build(t)
	src, mnt, server := mountFaulty(t, buildTool(t, "faultfs"), "-after", "100000000")
	f := startLive(t, bin, filepath.Join(mnt, "prod.cap.zst"))
	f.write(t, 2500*time.Millisecond)
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer server.Signal(syscall.SIGCONT)
	for range 2 {
		if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond) // a second process cannot be waited for in a better way
	}
	if err := server.Signal(syscall.SIGCONT); err != nil { // the system closes the file before the process is gone
		t.Fatal(err)
	}
	if code := f.exitCode(); code != exitInterrupted {
		t.Errorf("exit code %d\n%s", code, f.stderr.String())
	}
	if n := sound(t, filepath.Join(src, "prod.cap.zst.part")); n == 0 {
		t.Error("nothing is left")
	}
	if _, err := os.Stat(filepath.Join(src, "prod.cap.zst")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stands under its final name (%v)", err)
	}
}

// Of two captures into one file the second ends at once, and the first is unharmed.
func TestTwoCapturesIntoOneFile(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	out := filepath.Join(dir, "prod.cap.zst")
	f := startLive(t, bin, out)
	f.write(t, 1200*time.Millisecond)
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(log, []byte(liveLine(0)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{log, "-"} {
		second := exec.Command(bin, "capture", source, "-o", out)
		in, err := second.StdinPipe() // which stays open: nothing is waited for
		if err != nil {
			t.Fatal(err)
		}
		said, err := second.CombinedOutput()
		_ = in.Close()
		if e, ok := errors.AsType[*exec.ExitError](err); !ok || e.ExitCode() != exitTrouble || !strings.Contains(string(said), "error: "+out+": another capture is writing it") {
			t.Errorf("second capture, of %s: %v\n%s", source, err, said)
		}
	}
	f.write(t, 100*time.Millisecond)
	if err := f.in.Close(); err != nil {
		t.Fatal(err)
	}
	if code := f.exitCode(); code != exitOK || sound(t, out) != len(f.at) {
		t.Errorf("the first: exit code %d, %d requests of %d\n%s", code, sound(t, out), len(f.at), f.stderr.String())
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("%v are left", names)
	}
}

// A live capture goes on when nobody reads what it says any more, and finishes its file.
func TestLiveCaptureWithoutAReader(t *testing.T) {
	bin := build(t)
	for name, code := range map[string]int{"stderr": exitOK, "stdout": exitTrouble} {
		out := filepath.Join(t.TempDir(), "prod.cap.zst")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, "capture", "-", "-o", out)
		if cmd.Stdin = strings.NewReader(liveLine(0) + "nonsense\n" + liveLine(1)); name == "stderr" {
			cmd.Stderr = w
		} else {
			cmd.Stdout, cmd.Stderr = w, io.Discard
		}
		err = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("%s closed: exit code %d (%v), want %d", name, got, err, code)
		}
		if _, err := os.Stat(out); err != nil {
			t.Errorf("%s closed: %v", name, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
