package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// tap is a capture from the loopback interface under way.
type tap struct {
	cmd            *exec.Cmd
	out            string
	stdout, stderr bytes.Buffer
}

// startTap returns once packets are taken.
func startTap(t *testing.T, bin string, flags ...string) *tap {
	t.Helper()
	p := &tap{out: filepath.Join(t.TempDir(), "lo.cap.zst")}
	args := append([]string{"capture", "--interface", "lo", "--json", "-o", p.out}, flags...)
	p.cmd = exec.Command(bin, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	for range 1000 {
		if names, _ := filepath.Glob(strings.TrimSuffix(p.out, ".cap.zst") + "*.part"); len(names) > 0 { // it is made once the interface is open
			return p
		}
		time.Sleep(10 * time.Millisecond) // another process cannot be waited for in a better way
	}
	t.Fatalf("no capture after 10 s\n%s", p.stderr.String())
	return nil
}

func (p *tap) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the capture to end with an exit code.
func (p *tap) ends(t *testing.T, want int) {
	t.Helper()
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("exit code %d, want %d\n%s", code, want, p.stderr.String())
	}
}

// interrupt ends the capture, and gives its ledger, which has to balance.
func (p *tap) interrupt(t *testing.T) *capture.Ledger {
	t.Helper()
	p.signal(t, os.Interrupt)
	p.ends(t, exitInterrupted)
	var doc captureDocument
	if err := json.Unmarshal(p.stdout.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, p.stderr.String())
	}
	l := &doc.Sources[0]
	if err := l.Balance(); err != nil || l.Requests != doc.Requests {
		t.Errorf("%d requests, %v; ledger %+v", doc.Requests, err, l)
	}
	return l
}

// targets are those of a capture file, each with how often it is there, of requests that have a response.
func targets(t *testing.T, path string) map[string]int {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found := map[string]int{}
	var q capture.Request
	for err = r.Next(&q); err == nil; err = r.Next(&q) {
		if q.Status == 200 {
			found[string(q.Target)]++
		}
	}
	if err != io.EOF && !errors.Is(err, capture.ErrTorn) {
		t.Fatalf("%s: %v", path, err)
	}
	return found
}

// holds checks that the requests from first up to n are there, once each.
func holds(t *testing.T, found map[string]int, first, n int) {
	t.Helper()
	for i := first; i < n; i++ {
		if times := found[target(i)]; times != 1 {
			t.Fatalf("request %d of %d is there %d times, want once", i, n, times)
		}
	}
}

func TestCaptureInterface(t *testing.T) {
	if !ownNetwork(t) {
		return
	}
	bin := build(t)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, bin string)
	}{
		{"every request", tapEverything},
		{"ports", tapPorts},
		{"no response", tapUnanswered},
		{"second interrupt", tapInterruptedTwice},
		{"killed", tapKilled},
		{"rolled", tapRolled},
		{"privileges", tapPrivileges},
		{"not root", tapAsNobody},
		{"no such interface", tapNothing},
		{"nothing comes", tapSilence},
		{"kernel drops", tapDrops},
		{"both directions of a card", tapCard},
		{"goes down", tapDown},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, bin) })
	}
}

// What a client sent before the interrupt is there, whole, paired, once; the kernel's last packets included.
func tapEverything(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port)
	const n = 2000
	s.load(t, load{conns: 10, requests: n})
	l := p.interrupt(t)
	found := targets(t, p.out)
	holds(t, found, 0, n)
	if len(found) != n || l.Requests != n || l.Responses != n || l.Streams != 10 || l.KernelDrops != 0 || len(l.LostBytes) > 0 {
		t.Errorf("%d targets; want %d requests with responses and nothing lost: %+v", len(found), n, l)
	}
	if want := int64(s.bytes(n)); l.PayloadBytes != want || l.MessageBytes != want {
		t.Errorf("%d bytes, %d of messages; want %d", l.PayloadBytes, l.MessageBytes, want)
	}
	if code, _, stderr := command(t, "inspect", "--verify", p.out); code != exitOK {
		t.Error(stderr)
	}
}

// Of several servers only those at the ports are captured; without --port, all.
func tapPorts(t *testing.T, bin string) {
	a, b, c := newServer(t), newServer(t), newServer(t)
	for want, flags := range map[int64][]string{100: {"--port", a.port}, 200: {"--port", a.port + "," + c.port}, 300: nil} {
		p := startTap(t, bin, flags...)
		for _, s := range []*server{a, b, c} {
			s.load(t, load{conns: 2, requests: 100})
		}
		if l := p.interrupt(t); l.Requests != want {
			t.Errorf("%v: %d requests, want %d", flags, l.Requests, want)
		}
	}
}

// A request without a response holds up no other one, and the interrupt brings it out.
func tapUnanswered(t *testing.T, bin string) {
	s := newServer(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, and no further
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, err := net.SplitHostPort(silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := startTap(t, bin, "--port", s.port, "--port", port)
	waiting, err := net.Dial("tcp", silent.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if _, err := io.WriteString(waiting, "GET /never HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s.load(t, load{conns: 2, requests: 100})
	l := p.interrupt(t)
	if b := dump(t, p.out); !bytes.Contains(b, []byte(`"target":"/never"`)) || l.Requests != 101 || l.Responses != 100 {
		t.Errorf("want 100 requests with a response and one without: %+v", l)
	}
}

// The second interrupt kills a capture that cannot finish: FILE.part stays.
func tapInterruptedTwice(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port)
	s.load(t, load{conns: 2, requests: 400, rate: 200})
	p.signal(t, syscall.SIGSTOP) // so that both are there before the first one is through
	p.signal(t, os.Interrupt)
	p.signal(t, syscall.SIGTERM)
	p.signal(t, syscall.SIGCONT)
	p.ends(t, exitInterrupted)
	if found := targets(t, p.out+".part"); len(found) < 180 {
		t.Errorf("%d requests of 400 in 2 s are in the unfinished file, want those of the first second at least", len(found))
	}
	if _, err := os.Stat(p.out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stands under its final name (%v)", err)
	}
}

// A capture that is killed has all but the last second.
func tapKilled(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port)
	const rate = 200
	s.load(t, load{conns: 2, requests: 3 * rate, rate: rate})
	p.signal(t, os.Kill)
	p.ends(t, -1)
	const grace = rate / 2 // half a second of a busy machine
	holds(t, targets(t, p.out+".part"), 0, 2*rate-grace)
}

// Rolled files are whole, each with a ledger of its own that balances, and together they hold everything once.
func tapRolled(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port, "--roll", "1s")
	const n = 900
	s.load(t, load{conns: 3, requests: n, rate: 300})
	total := p.interrupt(t)
	names, err := filepath.Glob(filepath.Join(filepath.Dir(p.out), "lo.*Z*.cap.zst"))
	if err != nil || len(names) < 3 {
		t.Fatalf("files %s, want three or more", names)
	}
	found := map[string]int{}
	var packets int64
	for _, name := range names {
		for target, times := range targets(t, name) {
			found[target] += times
		}
		r, err := capture.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := r.Meta()
		r.Close()
		if err := m.Sources[0].Balance(); err != nil || m.Sources[0].Requests != m.Requests {
			t.Errorf("%s: %v, metadata %+v", name, err, m)
		}
		packets += m.Sources[0].Packets
	}
	holds(t, found, 0, n)
	if packets != total.Packets || total.Requests != n {
		t.Errorf("%d packets in the files and %d in all, %d requests", packets, total.Packets, total.Requests)
	}
}

// Once the interface is open no thread can do what only root may, but for files, and none can get it back.
func tapPrivileges(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port)
	s.load(t, load{conns: 10, requests: 1000}) // so that there are more threads
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads %s, %v", threads, err)
	}
	if own, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.cmd.Process.Pid)); err != nil || own != bin {
		t.Fatalf("the threads are those of %s (%v), want %s", own, err, bin)
	}
	for _, path := range threads {
		status, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"CapEff": "000000000000000[0-9a-f]", "CapPrm": "000000000000000[0-9a-f]", "CapInh": "0{16}", "CapAmb": "0{16}", "NoNewPrivs": "1",
		} {
			if !regexp.MustCompile(`(?m)^` + name + `:\t` + want + `$`).Match(status) {
				t.Errorf("%s: want %s %s\n%s", path, name, want, status)
			}
		}
	}
	if l := p.interrupt(t); l.Requests != 1000 {
		t.Errorf("%d requests, want 1000", l.Requests)
	}
}

// Who may not capture is told what to use instead, and nothing is left.
func tapAsNobody(t *testing.T, bin string) {
	dir, err := os.MkdirTemp("", "replay") // which, unlike t.TempDir's parent, others may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "replay")
	if err := errors.Join(os.WriteFile(copied, program, 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "capture", "--interface", "lo", "-o", "lo.cap.zst")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	said, _ := cmd.CombinedOutput()
	for _, want := range []string{"replay: error: lo: ", "operation not permitted", "replay: hint: ", "tcpdump -i lo -w - | replay capture - -o lo.cap.zst"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("want %q in\n%s", want, said)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "lo*")); cmd.ProcessState.ExitCode() != exitTrouble || left != nil {
		t.Errorf("exit code %d, want %d; left behind: %s", cmd.ProcessState.ExitCode(), exitTrouble, left)
	}
}

func tapNothing(t *testing.T, bin string) {
	out := filepath.Join(t.TempDir(), "x.cap.zst")
	cmd := exec.Command(bin, "capture", "--interface", "none0", "-o", out)
	said, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitTrouble || !strings.Contains(string(said), "replay: error: none0: no such network interface") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	if _, err := os.Stat(out + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

// A capture out of which nothing came says what it saw.
func tapSilence(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", "1")
	s.load(t, load{conns: 1, requests: 10})
	p.signal(t, os.Interrupt)
	p.ends(t, exitInterrupted)
	if said := p.stderr.String(); !strings.Contains(said, "no requests: lo: no packets came\n") || !strings.Contains(said, "error: interrupted before the first request") {
		t.Error(said)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(p.out), "*")); left != nil {
		t.Errorf("%s are left", left)
	}
}

// An interface that goes away ends the capture with an error, and what came before is kept.
func tapDown(t *testing.T, bin string) {
	s := newServer(t)
	p := startTap(t, bin, "--port", s.port)
	s.load(t, load{conns: 2, requests: 100})
	loopback(t, false)
	defer loopback(t, true)
	p.ends(t, exitTrouble)
	if said := p.stderr.String(); !strings.Contains(said, "error: lo: ") || !strings.Contains(said, "network is down") || !strings.Contains(said, "the 100 requests before are in "+p.out+".part") {
		t.Error(said)
	}
	holds(t, targets(t, p.out+".part"), 0, 100)
}
