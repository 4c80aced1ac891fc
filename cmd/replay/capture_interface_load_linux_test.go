package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server answers each request with the same bytes. It is much cheaper than one that understands HTTP.
type server struct {
	host, port string
	answer     []byte
}

func newServer(t *testing.T) *server { return newServerAt(t, "127.0.0.1") }

func newServerAt(t *testing.T, host string) *server {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{host: host, port: port}
	s.setBody(1200)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *server) setBody(n int) {
	s.answer = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 {
			continue
		}
		if _, err := c.Write(s.answer); err != nil {
			return
		}
	}
}

// target is what request i asks for.
func target(i int) string { return fmt.Sprintf("/items/%07d", i) }

// request is one of a browser, more or less.
func request(b []byte, i int) []byte {
	return fmt.Appendf(b, "GET %s HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"+
		"Accept-Language: en-GB,en;q=0.5\r\nReferer: https://shop.example/items?page=3&sort=price\r\n"+
		"Cookie: session=0f8fad5bd9cb469fa16570867728950e; theme=dark; cart=7c9e6679f7425540de944be07fc1f90a\r\nX-Request-Id: %08x\r\n\r\n", target(i), i)
}

// bytes is how much n requests and their responses are.
func (s *server) bytes(n int) int { return n * (len(request(nil, 0)) + len(s.answer)) }

// load is a number of requests from connections that stay open and wait for each response.
type load struct {
	conns, requests int
	rate            int // a second, of all connections; 0: as fast as it goes
}

// load sends it, and gives how long that took.
func (s *server) load(t *testing.T, l load) time.Duration {
	t.Helper()
	var wg sync.WaitGroup
	failed := make(chan error, l.conns)
	begin := time.Now()
	for i := range l.conns {
		wg.Go(func() { failed <- s.client(begin, i, l) })
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(begin)
}

// client sends every conns-th request from first on.
func (s *server) client(begin time.Time, first int, l load) error {
	c, err := net.Dial("tcp", s.host+":"+s.port)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(begin.Add(time.Minute)); err != nil {
		return err
	}
	answer := make([]byte, len(s.answer))
	var b []byte
	for i := first; i < l.requests; i += l.conns {
		if l.rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(l.rate)))) // the pace
		}
		b = request(b[:0], i)
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, answer); err != nil {
			return err
		}
	}
	return nil
}

// packetCounter counts, independently of a capture, the packets of the loopback interface from and to a port.
type packetCounter struct{ nft string }

func newPacketCounter(t *testing.T, port string) *packetCounter {
	t.Helper()
	nft, err := exec.LookPath("nft")
	if err != nil {
		if nft = "/usr/sbin/nft"; !isFile(nft) {
			t.Skip("skipped: nft, which counts packets, is not installed (Debian: nftables)")
		}
	}
	c := &packetCounter{nft}
	for _, rule := range []string{
		"add table inet t",
		"flush table inet t",
		"add chain inet t in { type filter hook input priority 0 ; }",
		"add rule inet t in iif lo tcp dport " + port + " counter",
		"add rule inet t in iif lo tcp sport " + port + " counter",
	} {
		if out, err := exec.Command(nft, rule).CombinedOutput(); err != nil {
			t.Fatalf("nft %s: %v\n%s", rule, err, out)
		}
	}
	return c
}

var countedPackets = regexp.MustCompile(`counter packets (\d+)`)

func (c *packetCounter) packets(t *testing.T) (n int64) {
	t.Helper()
	out, err := exec.Command(c.nft, "list", "table", "inet", "t").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, m := range countedPackets.FindAllSubmatch(out, -1) {
		k, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	return n
}

// A capture that stands still while more comes than the kernel keeps for it says how many packets that cost: those it
// read and those that were dropped are all that there were. Every byte that is missing is missing for a reason.
func tapDrops(t *testing.T, bin string) {
	s := newServer(t)
	s.setBody(20_000)
	count := newPacketCounter(t, s.port)
	p := startTap(t, bin, "--port", s.port)
	stop := time.AfterFunc(500*time.Millisecond, func() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) })
	defer stop.Stop()
	goOn := time.AfterFunc(2500*time.Millisecond, func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) })
	defer goOn.Stop()
	const n = 7000
	s.load(t, load{conns: 16, requests: n, rate: 2000})
	l := p.interrupt(t)
	if want := count.packets(t); l.KernelDrops == 0 || l.Packets+l.KernelDrops != want {
		t.Errorf("%d packets and %d dropped, want some and %d in all", l.Packets, l.KernelDrops, want)
	}
	said := p.stderr.String()
	for _, want := range []string{"warning: lo: the kernel has dropped ", fmt.Sprintf("warning: lo: the system lost %d packets", l.KernelDrops)} {
		if l.Requests >= n || !strings.Contains(said, want) {
			t.Errorf("%d requests of %d, want %q in\n%s", l.Requests, n, want, said)
		}
	}
	known := l.PayloadBytes - l.SkippedBytes["retransmitted"]
	for _, n := range l.LostBytes {
		known += n
	}
	if want := int64(s.bytes(n)); known != want {
		t.Errorf("%d bytes are captured or missing for a reason, want %d: %+v", known, want, l)
	}
}

// At a steady rate nothing is lost, or what is lost is counted, with one core and bounded memory.
func TestCaptureInterfaceAtARate(t *testing.T) {
	if !ownNetwork(t) {
		return
	}
	bin := build(t)
	seconds := 5
	if os.Getenv("REPLAY_EXPERIMENTS") != "" {
		seconds = 30
	}
	for _, test := range []struct {
		name  string
		load  load
		whole bool // nothing may be lost
	}{
		{"2,000/s", load{conns: 50, requests: 2000 * 10, rate: 2000}, true},
		{"10,000/s", load{conns: 100, requests: 10_000 * seconds, rate: 10_000}, false},
		{"10,000 connections", load{conns: 10_000, requests: 40_000, rate: 4000}, false},
	} {
		t.Run(test.name, func(t *testing.T) { tapRate(t, bin, test.load, test.whole) })
	}
}

var peakMemory = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMB is the most memory that the capture had so far. What the system says at its end would count this process too.
func (p *tap) peakMB(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	kb, err := strconv.Atoi(string(peakMemory.FindSubmatch(status)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}

func tapRate(t *testing.T, bin string, sent load, whole bool) {
	s, _ := serverApart(t, "127.0.0.1", 0)
	count := newPacketCounter(t, s.port)
	p := startTap(t, bin, "--port", s.port)
	took := s.load(t, sent)
	mb := p.peakMB(t)
	l := p.interrupt(t)
	cpu := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	t.Logf("%d requests in %v (%.0f/s) over %d connections: %d recovered, %d packets, %d dropped by the kernel, lost bytes %v; CPU %v (%.0f%% of a core), peak memory %d MB",
		sent.requests, took.Round(time.Millisecond), float64(sent.requests)/took.Seconds(), sent.conns, l.Requests, l.Packets, l.KernelDrops, l.LostBytes,
		cpu.Round(time.Millisecond), 100*cpu.Seconds()/took.Seconds(), mb)
	if want := count.packets(t); l.Packets+l.KernelDrops != want {
		t.Errorf("%d packets and %d dropped, the counter has %d", l.Packets, l.KernelDrops, want)
	}
	missing := int64(sent.requests) - l.Requests
	if missing > 0 && (whole || len(l.LostBytes) == 0 || l.KernelDrops == 0) || missing < 0 {
		t.Errorf("%d requests are missing: %+v", missing, l)
	}
	if mb > 128 || cpu > took+time.Second { // a second to begin and to end
		t.Errorf("peak memory %d MB and CPU %v in %v, want at most 128 MB and one core", mb, cpu, took)
	}
	if missing == 0 {
		holds(t, targets(t, p.out), 0, sent.requests)
	}
}
