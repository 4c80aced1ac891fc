package source

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demand skips a test of real traffic aloud where it cannot run, but not in CI, where all must be there.
func demand(t *testing.T, met bool, what string) {
	t.Helper()
	switch {
	case met:
	case os.Getenv("CI") == "true":
		t.Fatal(what)
	default:
		t.Skip(what)
	}
}

// program finds a program that a test of real traffic needs; such a test also needs root.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: real traffic is recorded against the clock")
	}
	demand(t, os.Getuid() == 0, "recording packets takes root")
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	demand(t, err == nil, name+" is not installed (.ci/deps installs it): real traffic cannot be recorded")
	return path
}

// namespace is a network namespace; empty: that of the test.
type namespace string

// command runs a program in the namespace.
func (ns namespace) command(name string, args ...string) *exec.Cmd {
	if ns == "" {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", string(ns), name}, args...)...)
}

// setns is the number of a system call that package syscall does not have everywhere; 0: not known here.
var setns = map[string]uintptr{"amd64": 308, "arm64": 268}[runtime.GOARCH]

// dial connects from inside the namespace, to an address without names.
func (ns namespace) dial(network, addr string) (c net.Conn, err error) {
	if ns == "" {
		return net.Dial(network, addr)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever, so that the thread and its namespace end with the goroutine
		var dir *os.File
		if dir, err = os.Open("/run/netns/" + string(ns)); err != nil {
			return
		}
		defer func() { _ = dir.Close() }()
		if _, _, no := syscall.RawSyscall(setns, dir.Fd(), syscall.CLONE_NEWNET, 0); no != 0 {
			err = fmt.Errorf("namespace %s: %w", ns, no)
			return
		}
		c, err = net.DialTimeout(network, addr, 10*time.Second)
	}()
	<-done
	return c, err
}

// background runs a program until stop, which asks it to end and returns what it said.
func background(t *testing.T, cmd *exec.Cmd, end syscall.Signal, ready string) (stop func() string) {
	t.Helper()
	said := &transcript{waits: ready, met: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, stopped := make(chan error, 1), false
	go func() { ended <- cmd.Wait() }()
	stop = func() string {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(end)
			select {
			case <-ended:
			case <-time.After(15 * time.Second):
				_ = cmd.Process.Kill()
				<-ended
				t.Errorf("%s did not end:\n%s", cmd, said)
			}
		}
		return said.String()
	}
	t.Cleanup(func() { _ = stop() })
	select {
	case <-said.met:
	case err := <-ended:
		stopped = true
		t.Fatalf("%s ended: %v\n%s", cmd, err, said)
	case <-time.After(15 * time.Second):
		t.Fatalf("%s does not say %q:\n%s", cmd, ready, said)
	}
	return stop
}

// transcript keeps what a program says, and closes met once it has said what is waited for.
type transcript struct {
	lock   sync.Mutex
	buffer bytes.Buffer
	waits  string
	met    chan struct{}
}

func (w *transcript) Write(b []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	n, err := w.buffer.Write(b)
	if w.waits != "" && strings.Contains(w.buffer.String(), w.waits) {
		w.waits = ""
		close(w.met)
	}
	return n, err
}

func (w *transcript) String() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.buffer.String()
}

// sniffer is a tcpdump that records what comes and goes on a port.
type sniffer struct {
	ns   namespace
	port int
	file string // or the beginning of the names of a rotated set
	stop func() string
}

// sniff begins to record on an interface, "any" for all, with further arguments of tcpdump.
func sniff(t *testing.T, ns namespace, device string, port int, file string, args ...string) *sniffer {
	t.Helper()
	args = append([]string{"-i", device, "-s", "0", "-B", "131072", "-U", "-Z", "root", "-w", file}, args...)
	cmd := ns.command(program(t, "tcpdump"), append(args, "port", strconv.Itoa(port))...)
	return &sniffer{ns, port, file, background(t, cmd, syscall.SIGINT, "listening on")}
}

// finish ends the recording once all that came before is in the file: it sends last packets and waits until one is.
func (s *sniffer) finish(t *testing.T) {
	t.Helper()
	c, err := s.ns.dial("udp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	mark := []byte(rand.Text())
	for range 600 {
		_, _ = c.Write(mark) // again and again, since the kernel hands over packets by the block; nobody answers but ICMP
		if bytes.Contains(s.tail(t), mark) {
			said := s.stop()
			if m := regexp.MustCompile(`(\d+) packets? dropped by kernel`).FindStringSubmatch(said); m == nil || m[1] != "0" {
				t.Fatalf("tcpdump lost packets, so nothing can be said:\n%s", said)
			}
			return
		}
		time.Sleep(25 * time.Millisecond) // nothing tells when another program has written
	}
	t.Fatalf("%s: the last packet is not there\n%s", s.file, s.stop())
}

// tail is the end of the newest file.
func (s *sniffer) tail(t *testing.T) []byte {
	t.Helper()
	names, err := filepath.Glob(s.file + "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no file, %v", s.file, err)
	}
	file, err := os.Open(slices.Max(names))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(file, max(info.Size()-4096, 0), 4096))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
