package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// smallDisk is a folder on a file system of so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("skipped: a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// variedLine is line i of a log that does not pack well, with a few lines that are no requests.
func variedLine(i int) string {
	if i%100 == 99 {
		return "nonsense\n"
	}
	return fmt.Sprintf(`{"msec":"%d.%03d","request_time":"0.004","remote_addr":"10.0.0.%d","request_method":"GET","request_uri":"/items/%d/%016x","status":"200"}`+"\n",
		1_770_000_000+i*7919%1_000_000, i%1000, i%7, i, uint64(i)*0x9e3779b97f4a7c15)
}

func variedLog(t *testing.T, lines int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := bufio.NewWriter(f)
	for i := range lines {
		_, _ = b.WriteString(variedLine(i)) // Flush says it
	}
	if err := errors.Join(b.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// A full disk ends a live capture, and what was read before is whole: with metadata, seek table and a ledger that
// balances, though under its unfinished name.
func TestLiveCaptureFillsTheDisk(t *testing.T) {
	out := filepath.Join(smallDisk(t, 4<<20), "prod.cap.zst")
	f := startLive(t, build(t), out)
	for i := 0; i < 3_000_000; i++ {
		if _, err := io.WriteString(f.in, variedLine(i)); err != nil {
			break
		}
	}
	said := ""
	if code := f.exitCode(); code != exitTrouble {
		t.Errorf("exit code %d", code)
	}
	for line := range strings.Lines(f.stderr.String()) {
		if strings.Contains(line, "error:") {
			said += line
		}
	}
	code, _, stderr := command(t, "inspect", "--verify", out+".part")
	if code != exitOK {
		t.Errorf("inspect --verify: exit code %d\n%s", code, stderr)
	}
	r, err := capture.Open(out + ".part")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, ok := r.Meta()
	if !ok || len(m.Sources) != 1 || m.Sources[0].Balance() != nil || m.Sources[0].Requests != m.Requests || m.Sources[0].Bad() == 0 {
		t.Errorf("metadata %+v, want a ledger that balances", m)
	}
	want := fmt.Sprintf("error: %s.part: no space left on device: the first %d requests are kept, ", out, m.Requests)
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, want) || !strings.Contains(said, " bytes) are lost") {
		t.Errorf("it says\n%s, want one line with\n%s", said, want)
	}
}

// An import that does not fit leaves nothing behind and says how much was written; so does one whose temporary file
// does not fit.
func TestImportFillsTheDisk(t *testing.T) {
	bin, log := build(t), variedLog(t, 150_000)
	full, empty := smallDisk(t, 1<<20), t.TempDir()
	for _, c := range []struct{ name, out, temp, want string }{
		{"output", full, empty, "no space left on device: nothing is kept of the "},
		{"temporary file", empty, full, "temporary file in " + full + ": no space left on device after "},
	} {
		cmd := exec.Command(bin, "capture", log, "-o", filepath.Join(c.out, "a.cap.zst"))
		cmd.Env = append(os.Environ(), "TMPDIR="+c.temp)
		said, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitTrouble || strings.Count(string(said), "\n") != 1 || !strings.Contains(string(said), c.want) {
			t.Errorf("%s: exit code %d\n%s", c.name, code, said)
		}
		for _, dir := range []string{full, empty} {
			if names, _ := os.ReadDir(dir); len(names) > 0 {
				t.Errorf("%s: left behind: %v", c.name, names)
			}
		}
	}
}

// The temporary file of an import has no name from the start, so nothing of it is left after a kill.
func TestKilledImportLeavesNoTemporaryFile(t *testing.T) {
	temp := t.TempDir()
	cmd := exec.Command(build(t), "capture", variedLog(t, 400_000), "-o", filepath.Join(t.TempDir(), "a.cap.zst"))
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	fds := fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid)
	sorting := func() bool {
		open, _ := os.ReadDir(fds)
		for _, fd := range open {
			name, _ := os.Readlink(filepath.Join(fds, fd.Name()))
			if strings.HasPrefix(name, filepath.Join(temp, "replay-sort-")) && strings.HasSuffix(name, " (deleted)") {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(20 * time.Second); !sorting(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no temporary file was seen")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as it shall be
	if names, _ := os.ReadDir(temp); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}
