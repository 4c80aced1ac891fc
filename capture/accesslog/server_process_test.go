package accesslog

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program finds a server's program. Where CI installs it (.ci/deps) it must be there.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: real servers are driven against the clock")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		for _, dir := range []string{"/usr/sbin/", "/usr/bin/"} {
			if _, err := os.Stat(dir + name); err == nil {
				return dir + name
			}
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed, and .ci/deps should have installed it", name)
		}
		t.Skipf("%s is not installed: its logs cannot be compared with what was sent", name)
	}
	return path
}

// background starts a server that says nothing reliable on standard error.
func background(t *testing.T, cmd *exec.Cmd, addr string, graceful os.Signal) (stop func()) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(graceful)
		select {
		case <-ended:
		case <-time.After(15 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
			t.Errorf("%s did not end:\n%s", cmd.Path, &said)
		}
	}
	t.Cleanup(stop)
	for range 600 {
		select {
		case err := <-ended:
			stopped = true
			t.Fatalf("%s ended: %v\n%s", cmd.Path, err, &said)
		default:
		}
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
			return stop
		}
		time.Sleep(25 * time.Millisecond)
	}
	stop()
	t.Fatalf("%s does not listen on %s:\n%s", cmd.Path, addr, &said)
	return nil
}

// sharedDir is a temporary directory that servers which give up root can use.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d, mode := range map[string]os.FileMode{dir: 0o777, filepath.Dir(dir): 0o755} {
		if err := os.Chmod(d, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// linesOf reads a log.
func linesOf(t *testing.T, name string) [][]byte {
	t.Helper()
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
}

// watchWaiting watches how long a process waits for a processor, as Linux accounts for it. The function that it returns ends that, and
// says how long all its threads did so at most in any tenth of a second; 0 where the system does not tell.
func watchWaiting(pid int) (end func() time.Duration) {
	const step, span = 10 * time.Millisecond, 10
	over, most := make(chan struct{}), make(chan time.Duration)
	go func() {
		var latest []time.Duration
		worst := time.Duration(0)
		tick := time.NewTicker(step)
		defer tick.Stop()
		for ended := false; !ended; {
			select {
			case <-tick.C:
			case <-over:
				ended = true
			}
			latest = append(latest, waiting(pid))
			latest = latest[max(len(latest)-span-1, 0):]
			worst = max(worst, latest[len(latest)-1]-latest[0])
		}
		most <- worst
	}()
	return func() time.Duration {
		close(over)
		return <-most
	}
}

// waiting is how long the threads of a process have waited for a processor so far.
func waiting(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		var ran, waited int64
		if _, err := fmt.Sscan(string(text), &ran, &waited); err == nil {
			sum += time.Duration(waited)
		}
	}
	return sum
}
