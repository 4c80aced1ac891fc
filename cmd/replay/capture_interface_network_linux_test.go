package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// inNetwork names the variable that tells a test that it has a network of its own.
const inNetwork = "REPLAY_TEST_NETWORK"

// ownNetwork reports whether the test is in a network namespace that holds nothing but a loopback interface. Else it has
// run the test there, in another process, and the caller is done. Only root can.
func ownNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNetwork) != "" {
		loopback(t, true)
		return true
	}
	if testing.Short() {
		t.Skip("builds the program")
	}
	if os.Geteuid() != 0 {
		t.Skipf("skipped: only root may capture from an interface (CI=%q)", os.Getenv("CI"))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inNetwork+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	said, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skipf("skipped: root may make no network namespace here: %v (CI=%q)", err, os.Getenv("CI"))
	case err != nil:
		t.Errorf("%v\n%s", err, said)
	case bytes.Contains(said, []byte("--- SKIP")):
		t.Skipf("skipped, some of it at least:\n%s", said)
	default:
		t.Logf("%s", said)
	}
	return false
}

// loopback switches the loopback interface on or off.
func loopback(t *testing.T, up bool) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	request := struct { // struct ifreq of netdevice(7)
		name  [16]byte
		flags uint16
		_     [22]byte
	}{name: [16]byte{'l', 'o'}}
	if up {
		request.flags = syscall.IFF_UP
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatalf("switching the loopback interface: %v", errno)
	}
}

// apart names the variable that makes a server of a test, and says where it listens.
const apart = "REPLAY_TEST_SERVER"

// TestServeApart is no test, but the server of one that needs more connections than a process may have files.
func TestServeApart(t *testing.T) {
	if host := os.Getenv(apart); host != "" {
		fmt.Println(newServerAt(t, host).port)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// serverApart is a server in another process, with namespaces of its own.
func serverApart(t *testing.T, host string, namespaces uintptr) (s *server, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeApart$")
	cmd.Env = append(os.Environ(), apart+"="+host)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	s = &server{host: host}
	s.setBody(1200)
	if _, err := fmt.Fscanln(out, &s.port); err != nil {
		t.Fatal(err)
	}
	return s, cmd.Process.Pid
}

// tapCard captures on one end of a pair of interfaces, where packets go in and out. When it is taken out of the system,
// the capture ends with an error and keeps what came before.
func tapCard(t *testing.T, bin string) {
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: %v (Debian: iproute2, util-linux)", err)
		}
	}
	s, pid := serverApart(t, "0.0.0.0", syscall.CLONE_NEWNET)
	s.host = "10.99.0.2"
	for _, command := range []string{
		fmt.Sprintf("ip link add tap0 type veth peer name tap1 netns %d", pid),
		"ip addr add 10.99.0.1/24 dev tap0",
		"ip link set tap0 up",
		fmt.Sprintf("nsenter -t %d -n ip addr add 10.99.0.2/24 dev tap1", pid),
		fmt.Sprintf("nsenter -t %d -n ip link set tap1 up", pid),
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	p := startTap(t, bin, "--interface", "tap0", "--port", s.port)
	const n = 500
	s.load(t, load{conns: 5, requests: n})
	l := p.interrupt(t)
	holds(t, targets(t, p.out), 0, n)
	if want := int64(s.bytes(n)); l.Requests != n || l.PayloadBytes != want || l.MessageBytes != want || len(l.LostBytes) > 0 {
		t.Errorf("want %d requests and %d bytes, each once: %+v", n, want, l)
	}
	p = startTap(t, bin, "--interface", "tap0", "--port", s.port)
	s.load(t, load{conns: 5, requests: n})
	if out, err := exec.Command("ip", "link", "del", "tap0").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.ends(t, exitTrouble)
	if said := p.stderr.String(); !strings.Contains(said, "error: tap0: ") || !strings.Contains(said, "the 500 requests before are in ") {
		t.Error(said)
	}
	holds(t, targets(t, p.out+".part"), 0, n)
}
