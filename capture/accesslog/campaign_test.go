package accesslog

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"trafficreplay/capture"
)

// A campaign is what a server is sent, all of it within two seconds: odd requests one by one, a slow answer, a
// connection that waits before its first request and between others, a head that comes in two parts, garbage, and
// several clients at once. Every target is unique, so that each line finds its request.
type campaign struct {
	addr string
	odd  []*exchange // sent one after the other
	xs   []*exchange // all of them
	mu   sync.Mutex
}

// Parts of a campaign in time. The pauses are what is tested: a stamp must not be that of the connection.
const (
	slowAnswer = 1500 * time.Millisecond
	pause      = 200 * time.Millisecond
	clients    = 6
	each6      = 20 // requests of each of the clients
)

// upstream answers behind the servers that are proxies: as late as the path says, with the body and status it says.
func upstream(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/slow"):
			time.Sleep(slowAnswer)
		case strings.HasPrefix(r.URL.Path, "/404"):
			http.Error(w, "no "+r.URL.Path, http.StatusNotFound)
			return
		case strings.HasPrefix(r.URL.Path, "/304"):
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len("body of "+r.URL.Path))) // nginx counts the framing of chunks as body
		_, _ = io.WriteString(w, "body of "+r.URL.Path)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// inParallel calls do for 0 to n-1, all at once.
func inParallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// warm sends requests until they are answered as fast as the others will be: a Java program is slow at first.
func warm(t *testing.T, addr string) (xs []*exchange) {
	t.Helper()
	c := &campaign{addr: addr}
	for i := range 40 {
		if err := c.alone(&exchange{method: "GET", target: fmt.Sprint("/warm/", i), proto: "HTTP/1.1", agent: "warm", cold: true}); err != nil {
			t.Fatal(err)
		}
	}
	return c.xs
}

// run sends the campaign. odd may hold requests that the server refuses with a status of 400.
func run(t *testing.T, addr string, odd []*exchange) *campaign {
	t.Helper()
	c := &campaign{addr: addr, odd: odd}
	var wg sync.WaitGroup
	for _, part := range []func() error{c.oneByOne, c.slow, c.waiting, c.torn} {
		wg.Go(func() {
			if err := part(); err != nil {
				t.Error(err)
			}
		})
	}
	for k := range clients {
		wg.Go(func() {
			if err := c.client(k); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return c
}

func (c *campaign) oneByOne() error {
	for _, x := range c.odd {
		if err := c.alone(x); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) slow() error {
	// Percent signs that escape nothing: some servers refuse them.
	if err := c.alone(&exchange{method: "GET", target: "/%zz%?%", proto: "HTTP/1.1", agent: "%", mayRefuse: true}); err != nil {
		return err
	}
	return c.alone(&exchange{method: "GET", target: "/slow/one", proto: "HTTP/1.1", agent: "slow"})
}

// alone sends x on a connection of its own.
func (c *campaign) alone(x *exchange) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return c.exchange(x, conn, bufio.NewReader(conn), func() error {
		_, err := io.WriteString(conn, x.wire())
		return err
	})
}

// waiting sends nothing for a while, then a request, again nothing, and so on.
func (c *campaign) waiting() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for i := range 4 {
		time.Sleep(pause)
		x := &exchange{method: "GET", target: fmt.Sprint("/wait/", i), proto: "HTTP/1.1", agent: "w", keep: true}
		if i == 0 {
			x.idle = pause
		}
		if err := c.next(x, conn, in); err != nil {
			return err
		}
	}
	return nil
}

// torn sends the head of a request in two parts.
func (c *campaign) torn() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	x := &exchange{method: "GET", target: "/torn", proto: "HTTP/1.1", agent: "torn", torn: true}
	return c.exchange(x, conn, bufio.NewReader(conn), func() error {
		head := x.wire()
		if _, err := io.WriteString(conn, head[:8]); err != nil {
			return err
		}
		time.Sleep(pause)
		_, err := io.WriteString(conn, head[8:])
		return err
	})
}

// client sends requests of all sorts on one connection.
func (c *campaign) client(k int) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	r := rand.New(rand.NewPCG(uint64(k), 1))
	for i := range each6 {
		x := &exchange{method: "GET", target: fmt.Sprintf("/c/%d/%d?q=%%20x", k, i), proto: "HTTP/1.1", agent: fmt.Sprint("client/", k), keep: true}
		switch i % 5 {
		case 1:
			x.method, x.body = "POST", strings.Repeat("b", 1+i)
		case 2:
			x.target = "/404" + x.target
		case 3:
			x.method = "HEAD"
		case 4:
			x.target = "/304" + x.target
		}
		think := time.Duration(r.IntN(60)) * time.Millisecond
		time.Sleep(think)
		if i == 0 {
			x.idle = think
		}
		if err := c.next(x, conn, in); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) next(x *exchange, conn *counted, in *bufio.Reader) error {
	return c.exchange(x, conn, in, func() error {
		_, err := io.WriteString(conn, x.wire())
		return err
	})
}

// exchange sends x and reads the whole answer.
func (c *campaign) exchange(x *exchange, conn *counted, in *bufio.Reader, send func() error) error {
	before := conn.n
	x.begun = time.Now()
	if err := send(); err != nil {
		return err
	}
	answer, err := http.ReadResponse(in, &http.Request{Method: x.method})
	if err == nil {
		x.status = answer.StatusCode
		if x.size, err = io.Copy(io.Discard, answer.Body); err == nil {
			_ = answer.Body.Close()
		}
	}
	x.end, x.wireSize = time.Now(), conn.n-before
	if err != nil && !x.bad && !x.mayRefuse {
		return fmt.Errorf("%s %.60q: %w", x.method, x.target, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.xs = append(c.xs, x)
	return nil
}

func (c *campaign) dial() (*counted, error) {
	conn, err := net.Dial("tcp", c.addr)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return &counted{Conn: conn}, err
}

// counted counts the bytes of the answers that came over a connection.
type counted struct {
	net.Conn
	n int64
}

func (c *counted) Read(b []byte) (n int, err error) {
	n, err = c.Conn.Read(b)
	c.n += int64(n)
	return n, err
}

// view is one log of a campaign and what it must give.
type view struct {
	name  string
	o     Options
	lines [][]byte
	known string // Detect says so; empty: is not asked
	agent bool   // it logs the User-Agent
	host  string // of every request; empty: none is logged

	unit  time.Duration // of the durations; 0: none are logged
	basis capture.Basis
	clock time.Duration // the server's clock may be this late or early beyond the stamp's resolution
	heads int64         // bytes by which the wire size may differ from what was seen
	said  int64         // messages of the server itself, not-this-format
	early bool          // the first request of a connection begins when the connection does
	quiet bool          // the figures have been printed
	torn  time.Duration // by which the arrival of a head in two parts is too late
}

// check compares a log with the campaign: every request is there once with what was sent and seen, nothing else is,
// and it arrived when it was sent.
func (v *view) check(t *testing.T, c *campaign) {
	t.Helper()
	if v.o.named() {
		p, err := New(v.o)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		v.read(t, p, c)
	}
	if v.known == "" {
		return
	}
	p, note, err := Detect(v.lines, Options{})
	if err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	if v.quiet = v.o.named(); p.Name() != v.known {
		t.Errorf("%s: Detect = %s (%s), want %s", v.name, p.Name(), note, v.known)
		return
	}
	v.read(t, p, c)
}

func (v *view) read(t *testing.T, p *Parser, c *campaign) {
	t.Helper()
	if p.Basis() != v.basis {
		t.Errorf("%s: basis %s, want %s", v.name, p.Basis(), v.basis)
	}
	requests, l := tally(t, p, v.lines)
	want := map[string]*exchange{}
	refused := int64(0)
	for _, x := range c.xs {
		if x.bad || x.status == http.StatusBadRequest || x.status == 0 {
			refused++
		}
		if !x.bad {
			want[x.method+" "+x.target] = x
		}
	}
	refused++ // the connection by which background looked
	if bad := l.Skipped[reasonRequest]; bad > refused || l.Bad() != bad+v.said {
		t.Errorf("%s: skipped %v, want at most %d times %s", v.name, l.Skipped, refused, reasonRequest)
	}
	var late []time.Duration
	for _, q := range requests {
		key := string(q.Method) + " " + string(q.Target)
		x := want[key]
		if x == nil {
			t.Errorf("%s: %.200s was not sent, or came twice", v.name, show(q))
			continue
		}
		delete(want, key)
		v.compare(t, x, q)
		if x.cold {
			continue
		}
		if d := q.Time().Sub(x.begun); x.torn {
			v.logf(t, "%s: a head in two parts %s apart arrives %s late", v.name, pause, d.Round(time.Millisecond))
			v.inTime(t, x, q, p.Resolution(), v.torn)
		} else {
			v.inTime(t, x, q, p.Resolution(), 0)
			if !v.early || x.idle == 0 {
				late = append(late, d.Abs())
			}
		}
	}
	for _, x := range want {
		if x.status != http.StatusBadRequest && x.status != 0 {
			t.Errorf("%s: %s %.60q (answer %d) is not there", v.name, x.method, x.target, x.status)
		}
	}
	slices.Sort(late)
	if n := len(late); n > 0 {
		if p50, limit := late[n/2], p.Resolution()+v.clock+v.unit+busy/2; p50 > limit {
			t.Errorf("%s: arrival error p50 %s, want at most %s", v.name, p50, limit)
		}
		v.logf(t, "%s: arrival error of %d requests: p50 %s, p99 %s, max %s (resolution %s)", v.name, n,
			late[n/2].Round(10*time.Microsecond), late[n*99/100].Round(10*time.Microsecond), late[n-1].Round(10*time.Microsecond), p.Resolution())
	}
}

func (v *view) logf(t *testing.T, format string, args ...any) {
	t.Helper()
	if !v.quiet {
		t.Logf(format, args...)
	}
}

// How late a process may see what happened on a machine with other work: half of the requests, and any.
const (
	busy    = 60 * time.Millisecond
	stalled = 1200 * time.Millisecond
)

// stale is how old the time of day may be that a server remembers, on such a machine.
const stale = 100 * time.Millisecond

func (v *view) inTime(t *testing.T, x *exchange, q *capture.Request, resolution, torn time.Duration) {
	t.Helper()
	d := q.Time().Sub(x.begun)
	// A stamp of the end is cut, and a duration may have been cut too; a start by connection time would be -pause.
	early := resolution + v.unit + v.clock + stale
	if v.early && x.idle > 0 {
		early += x.idle + busy
	}
	if d < -early || d > v.clock+v.unit+torn+stalled || x.torn && torn == 0 && v.unit < time.Second && d > pause-busy/2 {
		t.Errorf("%s: %s %.60s arrives %s after it was sent (resolution %s, clock %s)", v.name, x.method, x.target, d, resolution, v.clock)
	}
}

func (v *view) compare(t *testing.T, x *exchange, q *capture.Request) {
	t.Helper()
	if q.Status != x.status && x.status != 0 {
		t.Errorf("%s: %.60s: status %d, want %d", v.name, x.target, q.Status, x.status)
	}
	if len(q.Proto) > 0 && string(q.Proto) != x.proto {
		t.Errorf("%s: %.60s: protocol %s, want %s", v.name, x.target, q.Proto, x.proto)
	}
	if got := string(q.Header("User-Agent")); v.agent && x.agent != "-" && x.status != http.StatusBadRequest && got != x.agent {
		t.Errorf("%s: %.60s: agent %q, want %q", v.name, x.target, got, x.agent)
	}
	if v.host != "" && x.status != http.StatusBadRequest && string(q.Host) != v.host {
		t.Errorf("%s: %.60s: host %q, want %q", v.name, x.target, q.Host, v.host)
	}
	if x.method != "HEAD" && x.status != http.StatusBadRequest && q.RespSize >= 0 && q.RespSize != x.size {
		t.Errorf("%s: %.60s: size %d, want %d", v.name, x.target, q.RespSize, x.size)
	}
	if x.status != http.StatusBadRequest && q.RespWire >= 0 && abs(q.RespWire-x.wireSize) > v.heads {
		t.Errorf("%s: %s %.60s: wire size %d, want %d", v.name, x.method, x.target, q.RespWire, x.wireSize)
	}
	if len(q.Client) > 0 && string(q.Client) != "127.0.0.1" && x.user == "" {
		t.Errorf("%s: %.60s: client %q", v.name, x.target, q.Client)
	}
	if v.unit == 0 {
		return
	}
	if v.early && x.idle > 0 {
		return
	}
	took, seen := time.Duration(q.DurUS)*time.Microsecond, x.end.Sub(x.begun)
	if q.DurUS < 0 || took > seen+v.unit+v.clock+stalled {
		t.Errorf("%s: %.60s: took %s, seen %s", v.name, x.target, took, seen)
	}
	if strings.HasPrefix(x.target, "/slow") && took < slowAnswer-v.unit-v.clock {
		t.Errorf("%s: %.60s: took %s, the answer alone %s", v.name, x.target, took, slowAnswer)
	}
}
