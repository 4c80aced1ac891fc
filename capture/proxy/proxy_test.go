package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"trafficreplay/capture"
)

// memory is a Sink that keeps what it gets.
type memory struct {
	mu   sync.Mutex
	got  []*capture.Request
	hold chan struct{} // Write waits for it; nil: not
}

func (m *memory) Write(q *capture.Request) error {
	if m.hold != nil {
		<-m.hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, q.Clone())
	return nil
}

func (m *memory) Tick(time.Time) error { return nil }

// session is a Proxy at work.
type session struct {
	*Proxy
	memory
	warned []string
	stop   func() // ends it; may be called again
	err    error  // of Copy
}

// start starts a proxy in front of an upstream.
func start(t *testing.T, upstream string, change func(o *Options, m *memory)) *session {
	t.Helper()
	u, err := ParseUpstream(upstream)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{}
	o := Options{Upstream: u, Warn: s.warn}
	if change != nil {
		change(&o, &s.memory)
	}
	if s.Proxy, err = Listen(t.Context(), "127.0.0.1:0", o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		s.err = s.Copy(ctx, &s.memory)
		close(done)
	}()
	s.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(func() {
		s.stop()
		s.checkAccount(t)
	})
	return s
}

// checkAccount holds the ledger against its laws once the proxy has stopped.
func (s *session) checkAccount(t *testing.T) {
	t.Helper()
	l, tally := s.Ledger(), s.recorder.wire.Tally()
	if err := errors.Join(l.Balance(), tally.Balance()); err != nil {
		t.Error(err)
	}
	if l.PayloadBytes != tally.Payload || s.bytes.Load() != tally.Payload+l.LostBytes[reasonFull] {
		t.Errorf("%d bytes were read; the decoder got %d, the ledger has %d and %d lost", s.bytes.Load(), tally.Payload, l.PayloadBytes, l.LostBytes[reasonFull])
	}
	if n := l.Requests + l.Filtered + l.Skipped[reasonFull]; n != tally.Requests || len(s.got) != int(l.Requests) {
		t.Errorf("%d requests were recovered, %d are accounted for, %d were written", tally.Requests, n, len(s.got))
	}
	if len(s.open) != 0 || len(s.recorder.open) != 0 {
		t.Errorf("%d connections and %d records of some are left", len(s.open), len(s.recorder.open))
	}
}

func (s *session) warn(msg string) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	s.warned = append(s.warned, msg)
}

// script is an upstream that gives the same answer to every connection, once it has read as much as it waits for.
func script(t *testing.T, reads int, answer string) (address string, got func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var all strings.Builder
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, reads)
			n, _ := io.ReadFull(c, b)
			mu.Lock()
			all.Write(b[:n])
			mu.Unlock()
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// talk sends bytes and returns what comes back until the end.
func talk(t *testing.T, s *session, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func fields(hs []capture.Header) string {
	var b strings.Builder
	for _, h := range hs {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	return b.String()
}

// What a client sent reaches the upstream as it was sent, and so does the answer; the record has both.
func TestBytesAreExact(t *testing.T) {
	cases := []struct{ name, request, answer, target, body, response string }{
		{
			name:    "odd order and case",
			request: "GET /a%2Fb;c=1/../x?? HTTP/1.1\r\nx-b: 1\r\nHOST: shop.example\r\nX-a: 2\r\nx-B: 3\r\nConnection: close\r\n\r\n",
			answer:  "HTTP/1.1 200 Very well\r\nsERVER: mine\r\nx-twice: 1\r\nX-Twice: 2\r\nContent-Length: 2\r\n\r\nok",
			target:  "/a%2Fb;c=1/../x??", response: "ok",
		},
		{
			name:    "chunks and trailers",
			request: "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n",
			answer:  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-End: 1\r\n\r\n",
			target:  "/up", body: "abc", response: "hi",
		},
		{
			name:    "expectation",
			request: "PUT /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nxyz",
			answer:  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
			target:  "/p", body: "xyz",
		},
		{
			name:    "compressed body",
			request: "GET /z? HTTP/1.0\r\n\r\n",
			answer:  "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x00\xff",
			target:  "/z?", response: "\x1f\x8b\x00\xff",
		},
		{
			name:    "a length and a coding",
			request: "POST /cl HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			answer:  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
			target:  "/cl",
		},
		{
			name:    "another host's absolute target",
			request: "GET http://elsewhere.invalid/abs HTTP/1.1\r\nHost: h\r\n\r\n",
			answer:  "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n",
			target:  "/abs",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			upstream, got := script(t, len(c.request), c.answer)
			s := start(t, upstream, nil)
			if answer := talk(t, s, c.request); answer != c.answer {
				t.Errorf("the client got %q, want %q", answer, c.answer)
			}
			if got() != c.request {
				t.Errorf("the upstream got %q, want %q", got(), c.request)
			}
			s.stop()
			if len(s.got) != 1 {
				t.Fatalf("%d requests recorded, want 1", len(s.got))
			}
			q := s.got[0]
			if head, _, _ := strings.Cut(c.request, "\r\n\r\n"); string(q.Method)+" " != head[:len(q.Method)+1] ||
				!strings.HasSuffix("\r\n"+head+"\r\n", string(q.Proto)+"\r\n"+fields(q.Headers)) {
				t.Errorf("%s with the fields %q, want those of %q", q.Method, fields(q.Headers), head)
			}
			if string(q.Target) != c.target || string(q.Body) != c.body || string(q.RespBody) != c.response {
				t.Errorf("target %q body %q response %q, want %q %q %q", q.Target, q.Body, q.RespBody, c.target, c.body, c.response)
			}
			if string(q.Client) != "127.0.0.1" || q.Conn != 1 || q.DurUS < q.FirstUS || q.FirstUS < 0 {
				t.Errorf("client %s, connection %d, first after %d µs, last after %d µs", q.Client, q.Conn, q.FirstUS, q.DurUS)
			}
		})
	}
}

// A client of the standard library keeps its connection, and each of its requests is recorded.
func TestManyRequests(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Host, r.RequestURI)
	}))
	defer up.Close()
	s := start(t, up.URL, nil)
	base := "http://" + s.Addr().String()
	client := &http.Client{Transport: &http.Transport{}}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				resp, err := client.Get(fmt.Sprintf("%s/%d/%d", base, g, i))
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := fmt.Sprintf("GET %s /%d/%d", s.Addr(), g, i); string(b) != want {
					t.Errorf("got %q, want %q", b, want)
				}
			}
		})
	}
	wg.Wait()
	began := time.Now()
	s.stop()
	if d := time.Since(began); d > DrainFor/2 {
		t.Errorf("idle connections held up the end for %v", d)
	}
	if len(s.got) != 400 || !errors.Is(s.err, context.Canceled) {
		t.Errorf("%d requests recorded, want 400 (%v)", len(s.got), s.err)
	}
	if c := s.Counts(); c.Cut != 0 || c.Failed != 0 || c.Aborted != 0 {
		t.Errorf("counts %+v", c)
	}
}

// A request that is under way when the proxy is stopped comes to its end.
func TestDrainWaitsForResponses(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-answer
		fmt.Fprint(w, "late")
	}))
	defer up.Close()
	s := start(t, up.URL, nil)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	time.AfterFunc(5*quietFor, func() { close(answer) })
	go s.stop()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "late" {
		t.Errorf("got %q", b)
	}
	began := time.Now()
	s.stop()
	if d := time.Since(began); d > DrainFor/2 {
		t.Errorf("the end took %v", d)
	}
	if len(s.got) != 1 || s.got[0].Status != 200 {
		t.Errorf("recorded %v", s.got)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("connections are still accepted")
	}
}

// Where requests wait for a disk that does not go on, whole ones are left out and counted, and clients do not wait.
func TestFullQueue(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer up.Close()
	hold := make(chan struct{})
	s := start(t, up.URL, func(o *Options, m *memory) {
		o.Queue, m.hold = 64<<10, hold
	})
	client := &http.Client{Transport: &http.Transport{}}
	const n = 300
	for i := range n {
		resp, err := client.Post(fmt.Sprintf("http://%s/%d", s.Addr(), i), "text/plain", strings.NewReader(strings.Repeat("x", 1000)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	close(hold)
	s.stop()
	l := s.Ledger()
	if l.Skipped[reasonFull] == 0 || l.Requests+l.Skipped[reasonFull] != n || l.LostBytes[reasonFull] != 0 {
		t.Errorf("%d requests recorded, %d left out, want %d in all", l.Requests, l.Skipped[reasonFull], n)
	}
	for _, q := range s.got {
		if len(q.Body) != 1000 || q.Status != 200 {
			t.Errorf("%s: body of %d bytes, status %d", q.Target, len(q.Body), q.Status)
		}
	}
}

func TestParseUpstream(t *testing.T) {
	for _, c := range []struct{ name, url, want string }{
		{"plain", "http://127.0.0.1:9000", ""},
		{"slash", "https://shop.example/", ""},
		{"IPv6", "http://[::1]:80", ""},
		{"no scheme", "localhost:9000", "want http"},
		{"path", "http://h/base", "there is a path"},
		{"query", "http://h/?q", "there is a path"},
		{"user", "http://u:p@h", "there is a user"},
		{"port too high", "http://h:65536", "want a port"},
		{"port 0", "http://h:0", "want a port"},
		{"no host", "http://:80", "there is no host"},
	} {
		_, err := ParseUpstream(c.url)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: ParseUpstream(%q): %v, want %q", c.name, c.url, err, c.want)
		}
	}
	u, _ := url.Parse("http://[::1]:81")
	if a := newUpstream(Options{Upstream: u}).address; a != "[::1]:81" {
		t.Errorf("address %s", a)
	}
}
