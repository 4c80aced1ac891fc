package source

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// load drives a server with all that clients do, and remembers what it sent and what came back.
type load struct {
	dial func() (net.Conn, error)

	lock  sync.Mutex
	shots map[string]*shot // by their number
}

// shot is one request. Its number is in its query.
type shot struct {
	method, target, proto string
	header                string // further lines
	body                  int    // bytes
	chunked               bool
	aborted               bool // the client goes away before the end

	status int   // of the answer; 0: none came
	size   int64 // of its body
}

// run makes visits: rounds of all kinds in each of some workers.
func (l *load) run(t *testing.T, workers, rounds int) {
	t.Helper()
	l.shots = map[string]*shot{}
	visits := []func(*client) error{(*client).keepAlive, (*client).pipeline, (*client).once, (*client).untilClose, (*client).expect,
		(*client).torn, (*client).leaveAnswer, (*client).leaveBody, (*client).refused}
	errs := make(chan error, workers)
	for range workers {
		go func() {
			for i := range rounds * len(visits) {
				if err := l.visit(visits[i%len(visits)]); err != nil {
					errs <- fmt.Errorf("visit %d: %w", i%len(visits), err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range workers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// client is a connection.
type client struct {
	net.Conn
	l *load
	r *bufio.Reader
}

func (l *load) visit(what func(*client) error) error {
	conn, err := l.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	return what(&client{conn, l, bufio.NewReader(conn)})
}

// shot makes a request and gives it a number.
func (l *load) shot(s shot, path string) *shot {
	l.lock.Lock()
	defer l.lock.Unlock()
	if s.proto == "" {
		s.proto = "HTTP/1.1"
	}
	n := fmt.Sprint(len(l.shots) + 1)
	s.target = path + "?n=" + n
	l.shots[n] = &s
	return &s
}

// wire is the request as it goes over the wire.
func (s *shot) wire() []byte {
	b := fmt.Appendf(nil, "%s %s %s\r\nHost: shop.example\r\nUser-Agent: load/1.0\r\n%s", s.method, s.target, s.proto, s.header)
	body := bytes.Repeat([]byte("a=b&"), s.body/4+1)[:s.body]
	switch {
	case s.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
		for len(body) > 0 {
			n := min(len(body), 777)
			b = append(fmt.Appendf(b, "%x;ext=1\r\n", n), body[:n]...)
			b, body = append(b, "\r\n"...), body[n:]
		}
		return append(b, "0\r\nX-Trailer: 1\r\n\r\n"...)
	case s.body > 0:
		b = fmt.Appendf(b, "Content-Length: %d\r\n", s.body)
	}
	return append(append(b, "\r\n"...), body...)
}

// read reads the answer to a request.
func (c *client) read(s *shot) error {
	for s.status < 200 {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: s.method})
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.method, s.target, err)
		}
		s.status = resp.StatusCode
		if s.size, err = io.Copy(io.Discard, resp.Body); err != nil {
			return fmt.Errorf("%s %s: %w", s.method, s.target, err)
		}
	}
	return nil
}

func (c *client) send(s *shot) error {
	_, err := c.Write(s.wire())
	return err
}

// plain are the requests of a connection that is kept.
var plain = []struct {
	shot
	path string
}{
	{shot{method: "GET"}, "/small"},
	{shot{method: "GET"}, "/file"},
	{shot{method: "HEAD"}, "/file"},
	{shot{method: "GET", header: "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n"}, "/file"},
	{shot{method: "POST", body: 300}, "/post/sized"},
	{shot{method: "POST", body: 5000, chunked: true}, "/post/chunked"},
	{shot{method: "GET", header: "Accept-Encoding: gzip\r\n"}, "/file"}, // comes in chunks
	{shot{method: "GET"}, "/missing"},
	{shot{method: "DELETE"}, "/moved"},
	{shot{method: "PUT", body: 50_000}, "/post/large"},
	{shot{method: "GET", header: "Range: bytes=10-99\r\n"}, "/file"},
}

func (c *client) keepAlive() error {
	for range 2 {
		for _, p := range plain {
			s := c.l.shot(p.shot, p.path)
			if err := errors.Join(c.send(s), c.read(s)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pipeline sends requests without waiting for the answers.
func (c *client) pipeline() error {
	for range 3 {
		var batch []*shot
		var b []byte
		for _, p := range plain[:6] {
			s := c.l.shot(p.shot, p.path)
			batch, b = append(batch, s), append(b, s.wire()...)
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
		for _, s := range batch {
			if err := c.read(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *client) once() error {
	s := c.l.shot(shot{method: "GET", header: "Connection: close\r\n"}, "/big.png")
	return errors.Join(c.send(s), c.read(s))
}

// untilClose gets an answer that ends with its connection.
func (c *client) untilClose() error {
	s := c.l.shot(shot{method: "GET", proto: "HTTP/1.0", header: "Accept-Encoding: gzip\r\n"}, "/file")
	return errors.Join(c.send(s), c.read(s))
}

// expect waits for leave to send a body.
func (c *client) expect() error {
	s := c.l.shot(shot{method: "POST", body: 20_000, header: "Expect: 100-continue\r\n"}, "/post/expect")
	head, body, _ := bytes.Cut(s.wire(), []byte("\r\n\r\n"))
	if _, err := c.Write(append(head, "\r\n\r\n"...)); err != nil {
		return err
	}
	line, err := c.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		return fmt.Errorf("%q instead of 100 Continue, %v", line, err)
	}
	if _, err := c.r.ReadString('\n'); err != nil {
		return err
	}
	_, err = c.Write(body)
	return errors.Join(err, c.read(s))
}

// torn sends requests in pieces.
func (c *client) torn() error {
	for _, size := range []int{1, 20, 60} {
		s := c.l.shot(shot{method: "POST", body: 50}, "/post/torn")
		for b := s.wire(); len(b) > 0; {
			n := min(size, len(b))
			if _, err := c.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
		if err := c.read(s); err != nil {
			return err
		}
	}
	return nil
}

// leaveAnswer goes away while the answer comes.
func (c *client) leaveAnswer() error {
	s := c.l.shot(shot{method: "GET", aborted: true}, "/big.png")
	if err := c.send(s); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, c.r, 1000); err != nil {
		return err
	}
	return c.reset()
}

// leaveBody goes away in the middle of its own body.
func (c *client) leaveBody() error {
	s := c.l.shot(shot{method: "POST", aborted: true, body: 50_000}, "/post/left")
	_, err := c.Write(s.wire()[:30_000])
	return err
}

// refused is a request that the server closes the connection upon.
func (c *client) refused() error {
	if err := c.send(c.l.shot(shot{method: "GET"}, "/drop")); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, c.r)
	if n > 0 {
		return fmt.Errorf("%d bytes, and no answer was due; %v", n, err)
	}
	return nil
}

// reset tears the connection down.
func (c *client) reset() error {
	conn := c.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close())
}
