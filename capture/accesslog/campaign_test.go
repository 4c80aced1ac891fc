package accesslog

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
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
