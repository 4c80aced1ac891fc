package proxy

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// pattern is bytes that differ from place to place.
type pattern struct{ at, size int64 }

func (p *pattern) Read(b []byte) (int, error) {
	n := int(min(int64(len(b)), p.size-p.at))
	for i := range b[:n] {
		b[i] = byte((p.at + int64(i)) * 7 >> 3)
	}
	if p.at += int64(n); n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// same reads r to its end and reports whether it is the pattern.
func same(r io.Reader, size int64) error {
	want := &pattern{size: size}
	a, b := make([]byte, 32<<10), make([]byte, 32<<10)
	for total := int64(0); ; {
		n, err := r.Read(a)
		if _, werr := io.ReadFull(want, b[:n]); werr != nil || !bytes.Equal(a[:n], b[:n]) {
			return fmt.Errorf("byte %d or one behind it differs", total)
		}
		if total += int64(n); err == io.EOF && total == size {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w after %d bytes, want %d", err, total, size)
		}
	}
}

// Bodies of any size stream both ways at once, with bounded memory; the record has their true size.
func TestLargeBodies(t *testing.T) {
	const size = 256 << 20
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	}))
	defer up.Close()
	s := start(t, up.URL, nil)
	var peak atomic.Uint64
	body := io.TeeReader(&pattern{size: size}, writerFunc(func(b []byte) {
		var m runtime.MemStats
		if len(b) > 0 && b[0] == 0 { // now and then
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
		}
	}))
	resp, err := http.Post("http://"+s.Addr().String(), "application/octet-stream", body)
	if err != nil {
		t.Fatal(err)
	}
	if err := same(resp.Body, size); err != nil {
		t.Error(err)
	}
	resp.Body.Close()
	s.stop()
	if n := peak.Load(); n == 0 || n > 96<<20 {
		t.Errorf("%d bytes of memory at the peak", n)
	}
	q := s.got[0]
	lost := s.Ledger().LostBytes[reasonFull]
	if lost == 0 && (q.BodySize != size || q.RespSize != size || len(q.Body) != capture.MaxBody) {
		t.Errorf("sizes %d and %d, %d kept, want %d", q.BodySize, q.RespSize, len(q.Body), int64(size))
	}
}

type writerFunc func(b []byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

// An upstream that does not read holds the client up: nothing is collected in between.
func TestFlowControl(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := start(t, "http://"+l.Addr().String(), nil)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deaf, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	n, err := io.Copy(struct{ io.Writer }{c}, &pattern{size: 1 << 30})
	if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() || n > 64<<20 {
		t.Errorf("%d bytes went nowhere (%v)", n, err)
	}
}

// waitFor polls until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// A side that tears its connection down, or ends it, does so on the other side.
func TestEndsArePassedOn(t *testing.T) {
	up := listen(t)
	s := start(t, "http://"+up.Addr().String(), nil)
	pair := func() (client, server *net.TCPConn) {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		u, err := up.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(); u.Close() })
		return c.(*net.TCPConn), u.(*net.TCPConn)
	}
	one := make([]byte, 1)
	t.Run("client resets", func(t *testing.T) {
		c, u := pair()
		fmt.Fprint(c, "G")
		_, _ = u.Read(one)
		_ = c.SetLinger(0)
		c.Close()
		if _, err := u.Read(one); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the upstream sees %v", err)
		}
	})
	t.Run("upstream resets", func(t *testing.T) {
		c, u := pair()
		fmt.Fprint(u, "H")
		_, _ = c.Read(one)
		_ = u.SetLinger(0)
		u.Close()
		if _, err := c.Read(one); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client sees %v", err)
		}
	})
	t.Run("client has no more to say", func(t *testing.T) {
		c, u := pair()
		fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
		_ = c.CloseWrite()
		if b, err := io.ReadAll(u); err != nil || len(b) != 18 {
			t.Errorf("the upstream got %q, %v", b, err)
		}
		fmt.Fprint(u, "HTTP/1.0 200 OK\r\n\r\nyes")
		u.Close()
		if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "yes") {
			t.Errorf("the client got %q, %v", b, err)
		}
	})
	t.Run("an early answer arrives although the body is not wanted", func(t *testing.T) {
		c, u := pair()
		go func() { _, _ = io.Copy(c, &pattern{size: 8 << 20}) }()
		_, _ = u.Read(one)
		fmt.Fprint(u, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		u.Close() // with unread bytes: a reset
		line, err := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 413") {
			t.Errorf("the client got %q, %v", line, err)
		}
	})
	waitFor(t, "three aborted connections", func() bool { return s.Counts().Aborted == 3 })
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// Where the upstream cannot be reached, a client of HTTP/1 gets an answer, and the request is recorded without one.
func TestUpstreamDown(t *testing.T) {
	l := listen(t)
	l.Close()
	s := start(t, "http://"+l.Addr().String(), nil)
	answer := talk(t, s, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil || resp.StatusCode != 502 {
		t.Fatalf("got %q (%v)", answer, err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "not reachable") {
		t.Errorf("body %q (%v)", b, err)
	}
	s.stop()
	if c := s.Counts(); c.Failed != 1 || len(s.warned) != 1 || !strings.Contains(s.warned[0], "refused") {
		t.Errorf("%+v, warnings %q", c, s.warned)
	}
	if len(s.got) != 1 || s.got[0].Status != 0 || string(s.got[0].Target) != "/x" {
		t.Errorf("recorded %+v", s.got)
	}
}

// A connection that is busy when the time for draining is over is cut. Requests without an answer are recorded.
func TestDrainEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: what becomes of connections that a drain cuts is not looked at, since that takes ", DrainFor)
	}
	up := listen(t)
	s := start(t, "http://"+up.Addr().String(), nil)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
	waitFor(t, "the request", func() bool { return s.Counts().Bytes > 0 })
	began := time.Now()
	s.stop()
	if d := time.Since(began); d < DrainFor || d > DrainFor+5*time.Second {
		t.Errorf("the end took %v", d)
	}
	if s.Counts().Cut != 1 || len(s.got) != 1 || s.got[0].Status != 0 {
		t.Errorf("%+v, recorded %v", s.Counts(), s.got)
	}
}

// HTTP/2 in the clear goes through, as does HTTP/1 on the same port.
func TestHTTP2(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "X-End")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-End", r.Proto)
	}))
	up.Config.Protocols = new(http.Protocols)
	up.Config.Protocols.SetHTTP1(true)
	up.Config.Protocols.SetUnencryptedHTTP2(true)
	up.Start()
	defer up.Close()
	s := start(t, up.URL, nil)
	prior := new(http.Protocols)
	prior.SetUnencryptedHTTP2(true)
	for proto, client := range map[string]*http.Client{
		"HTTP/2.0": {Transport: &http.Transport{Protocols: prior}},
		"HTTP/1.1": {Transport: &http.Transport{}},
	} {
		for range 3 {
			resp, err := client.Post("http://"+s.Addr().String()+"/p", "application/octet-stream", &pattern{size: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			if err := same(resp.Body, 1<<20); err != nil || resp.Proto != proto || resp.Trailer.Get("X-End") != proto {
				t.Errorf("%s: %s, trailer %v (%v)", proto, resp.Proto, resp.Trailer, err)
			}
			resp.Body.Close()
		}
		client.CloseIdleConnections()
	}
	s.stop()
	if len(s.got) != 6 {
		t.Errorf("%d requests recorded, want 6", len(s.got))
	}
}

// Within TLS the client and the upstream agree on a protocol as they would without the proxy; a client in the clear gets
// what it speaks.
func TestTLS(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %v", r.Proto, r.TLS != nil)
	}))
	up.EnableHTTP2 = true
	up.StartTLS()
	defer up.Close()
	plain := httptest.NewServer(up.Config.Handler)
	defer plain.Close()
	roots := x509.NewCertPool()
	roots.AddCert(up.Certificate())
	prior := new(http.Protocols)
	prior.SetUnencryptedHTTP2(true)
	trust := func(protos ...string) *http.Client {
		return &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: len(protos) == 0, TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: protos}}}
	}
	for _, c := range []struct {
		name, upstream, scheme string
		client                 *http.Client
		want                   string
	}{
		{"in the clear, HTTP/1", up.URL, "http", &http.Client{Transport: &http.Transport{}}, "HTTP/1.1 true"},
		{"in the clear, HTTP/2", up.URL, "http", &http.Client{Transport: &http.Transport{Protocols: prior}}, "HTTP/2.0 true"},
		{"TLS, HTTP/2", up.URL, "https", trust(), "HTTP/2.0 true"},
		{"TLS, HTTP/1", up.URL, "https", trust("http/1.1"), "HTTP/1.1 true"},
		{"TLS before an upstream in the clear", plain.URL, "https", trust(), "HTTP/1.1 false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.upstream, func(o *Options, _ *memory) {
				o.Roots = roots
				if c.scheme == "https" {
					o.Certificate = &up.TLS.Certificates[0]
				}
			})
			resp, err := c.client.Get(c.scheme + "://" + s.Addr().String() + "/t")
			if err != nil {
				t.Fatalf("%v %q", err, s.warned)
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(b) != c.want {
				t.Errorf("got %q, want %q", b, c.want)
			}
			c.client.CloseIdleConnections()
			s.stop()
			if strings.HasPrefix(c.want, "HTTP/1") && (len(s.got) != 1 || string(s.got[0].Scheme) != c.scheme) {
				t.Errorf("recorded %+v, want one with the scheme %s", s.got, c.scheme)
			}
		})
	}
}

// frame is a WebSocket message in one frame.
func frame(op byte, packed, masked bool, b []byte) []byte {
	f := []byte{0x80 | op, byte(len(b))}
	if packed {
		f[0] |= 0x40
	}
	if len(b) > 125 {
		f[1] = 126
		f = binary.BigEndian.AppendUint16(f, uint16(len(b)))
	}
	if !masked {
		return append(f, b...)
	}
	key := []byte{1, 2, 3, 4}
	f[1] |= 0x80
	f = append(f, key...)
	for i, c := range b {
		f = append(f, c^key[i&3])
	}
	return f
}

// deflated is a message as permessage-deflate has it.
func deflated(t *testing.T, text string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, text)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

// A WebSocket's messages go through as they come, and are recorded with their times.
func TestWebSocket(t *testing.T) {
	up := listen(t)
	s := start(t, "http://"+up.Addr().String(), nil)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	u, err := up.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := http.ReadRequest(bufio.NewReader(u)); err != nil {
		t.Fatal(err)
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n"
	fmt.Fprint(u, answer)
	send := func(from, to net.Conn, skip int, b []byte) {
		t.Helper()
		if _, err := from.Write(b); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, skip+len(b))
		if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got[skip:], b) {
			t.Fatalf("got %q (%v), want %q", got[skip:], err, b)
		}
	}
	long := strings.Repeat("again and again ", 100)
	send(u, c, len(answer), frame(1, false, false, []byte("welcome")))
	send(c, u, 0, frame(1, true, true, deflated(t, long)))
	send(u, c, 0, frame(2, true, false, deflated(t, long)))
	send(c, u, 0, frame(9, false, true, []byte("p")))
	send(u, c, 0, frame(8, false, false, []byte{3, 232}))
	c.Close()
	u.Close()
	s.stop()
	if len(s.got) != 1 || s.got[0].Status != 101 {
		t.Fatalf("recorded %+v", s.got)
	}
	var got []string
	last := int64(0)
	for _, m := range s.got[0].Messages {
		got = append(got, fmt.Sprintf("%c %s %d", m.Dir, m.Op, len(m.Data)))
		if m.US < last {
			t.Errorf("a message at %d µs comes behind one at %d", m.US, last)
		}
		last = m.US
	}
	if want := "s text 7, c text 1600, s binary 1600, c ping 1, s close 2"; strings.Join(got, ", ") != want {
		t.Errorf("messages %s, want %s", strings.Join(got, ", "), want)
	}
}

// The proxy is no way to itself.
func TestUpstreamIsNotItself(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	l.Close()
	u, err := ParseUpstream("http://" + strings.Replace(address, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{address, strings.Replace(address, "127.0.0.1", "", 1)} {
		p, err := Listen(t.Context(), at, Options{Upstream: u})
		if err == nil || !strings.Contains(err.Error(), "the proxy itself") {
			t.Errorf("Listen(%s): %v", at, err)
		}
		if err == nil {
			p.Close()
		}
	}
}

// A Proxy listens and connects over IPv6.
func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	up := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	up.Start()
	defer up.Close()
	s := start(t, up.URL, nil)
	if answer := talk(t, s, "GET / HTTP/1.0\r\n\r\n"); !strings.Contains(answer, " 404 ") {
		t.Errorf("got %q", answer)
	}
}
