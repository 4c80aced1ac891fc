package send

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// sink keeps every result and complains about whatever the contract of replay.Sink rules out.
type sink struct {
	t       *testing.T
	mu      sync.Mutex
	results []replay.Result
	in      [8]atomic.Int32 // by worker: calls under way
	workers int
}

func (s *sink) Record(worker int, r *replay.Result) {
	if worker < 0 || worker >= s.workers {
		s.t.Errorf("Record(%d, …): there are %d workers", worker, s.workers)
	}
	if s.in[worker].Add(1) != 1 {
		s.t.Errorf("Record(%d, …) runs twice at once", worker)
	}
	defer s.in[worker].Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, *r)
}

// bySeq checks that there is exactly one result for each of n shots, and that each is possible.
func (s *sink) bySeq(n int) []replay.Result {
	s.t.Helper()
	out := make([]replay.Result, n)
	seen := make([]int, n)
	for _, r := range s.results {
		if r.Seq >= uint64(n) {
			s.t.Fatalf("result of shot %d, there are %d", r.Seq, n)
		}
		seen[r.Seq]++
		out[r.Seq] = r
		s.check(&r)
	}
	for seq, k := range seen {
		if k != 1 {
			s.t.Fatalf("shot %d has %d results, want 1", seq, k)
		}
	}
	return out
}

func (s *sink) check(r *replay.Result) {
	s.t.Helper()
	switch r.Outcome {
	case replay.Answered:
		if r.Err != replay.ErrNone || r.Status == 0 || r.Sent < r.Intended || r.First < r.Sent || r.Done < r.First || r.BytesIn == 0 || r.BytesOut == 0 {
			s.t.Errorf("impossible answer %+v", *r)
		}
	case replay.Failed:
		if r.Err == replay.ErrNone || r.Status != 0 || r.Sent < r.Intended || r.Done < r.Sent {
			s.t.Errorf("impossible failure %+v", *r)
		}
	default:
		if r.Err != replay.ErrNone || r.Status != 0 || r.Sent != 0 || r.First != 0 || r.Done != 0 || r.NewConn {
			s.t.Errorf("impossible shot that was never begun %+v", *r)
		}
	}
}

// engines runs f once for each implementation.
func engines(t *testing.T, f func(t *testing.T, o Options)) {
	if runtime.GOOS == "linux" {
		t.Run("loop", func(t *testing.T) { f(t, Options{}) })
		t.Run("loops", func(t *testing.T) { f(t, Options{Loops: 3}) })
	}
	t.Run("goroutines", func(t *testing.T) { f(t, Options{portable: true}) })
}

// server runs serve for each connection until the test ends.
func server(t *testing.T, serve func(n int, c *net.TCPConn)) Target {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				serve(n, c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return target(ln.Addr().String())
}

func target(addr string) Target {
	return Target{Scheme: "http", Host: "staging.example", Addrs: []netip.AddrPort{netip.MustParseAddrPort(addr)}}
}

// requests calls f for every request on c, its body read, until f says to close.
func requests(c net.Conn, f func(q *http.Request) bool) {
	br := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		if !f(q) {
			return
		}
	}
}

const okResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// answering always answers with the same bytes.
func answering(t *testing.T, response string) Target {
	return server(t, func(_ int, c *net.TCPConn) {
		requests(c, func(*http.Request) bool {
			_, err := io.WriteString(c, response)
			return err == nil
		})
	})
}

func get(path string) *plan.Request { return &plan.Request{Method: "GET", Path: path} }

// shots is n GET requests, gap apart, each of its own client.
func shots(n int, gap time.Duration) []plan.Shot {
	s := make([]plan.Shot, n)
	for i := range s {
		s[i] = plan.Shot{Seq: uint64(i), Intended: int64(i) * int64(gap), Client: mix(uint64(i)), Endpoint: uint32(i % 7), Request: get(fmt.Sprintf("/s/%d", i))}
	}
	return s
}

// batches gives the shots in batches of uneven length.
func batches(s []plan.Shot) <-chan []plan.Shot {
	ch := make(chan []plan.Shot)
	go func() {
		defer close(ch)
		for n := 1; len(s) > 0; n = n*3%97 + 1 {
			n = min(n, len(s))
			ch <- append([]plan.Shot(nil), s[:n]...)
			s = s[n:]
		}
	}()
	return ch
}

// run sends the shots and returns their results in order.
func runShots(t *testing.T, o Options, s []plan.Shot) []replay.Result {
	t.Helper()
	return runUntil(t.Context(), t, o, s, nil, time.Now())
}

func runUntil(ctx context.Context, t *testing.T, o Options, s []plan.Shot, stop <-chan struct{}, start time.Time) []replay.Result {
	t.Helper()
	orDefault(&o.LateLimit, time.Minute) // a busy machine is not what most tests are about
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	k := &sink{t: t, workers: e.Workers()}
	if err := e.Send(ctx, stop, start, batches(s), k); err != nil {
		t.Errorf("Send: %v", err)
	}
	return k.bySeq(len(s))
}

func TestAnswered(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{answering(t, okResponse)}
		for i, r := range runShots(t, o, shots(500, 100*time.Microsecond)) {
			want := replay.Result{Seq: uint64(i), Endpoint: uint32(i % 7), Intended: int64(i) * 100_000, Status: 200, NewConn: true, BytesIn: int64(len(okResponse))}
			got := r
			got.Sent, got.First, got.Done, got.ConnectNS, got.BytesOut = 0, 0, 0, 0, 0
			if got != want {
				t.Fatalf("result %+v, want %+v", got, want)
			}
			if r.ConnectNS <= 0 {
				t.Fatalf("ConnectNS %d of a new connection", r.ConnectNS)
			}
		}
	})
}

// TestBytes checks what arrives at the server, byte for byte.
func TestBytes(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		big := make([]byte, 3<<20)
		for i := range big {
			big[i] = byte(i % 251)
		}
		h := func(kv ...string) (hs []capture.Header) {
			for i := 0; i < len(kv); i += 2 {
				hs = append(hs, capture.Header{Name: []byte(kv[i]), Value: []byte(kv[i+1])})
			}
			return hs
		}
		reqs := []*plan.Request{
			{Method: "GET", Path: "/a?b=c", Header: h("User-Agent", "probe/1", "Referer", "https://shop.example/x", "Content-Length", "7", "HOST", "evil")},
			{Method: "POST", Path: "/empty"},
			{Method: "POST", Path: "/small", Body: []byte("small body")},
			{Method: "PUT", Path: "/middle", Body: big[:100<<10]},
			{Method: "PATCH", Path: "/big", Body: big},
			{Method: "DELETE", Path: "/with", Body: []byte("x")},
			{Method: "OPTIONS", Path: "*"},
		}
		const tail = "Replay-Run: r1\r\n\r\n"
		want := []string{"GET /v1/a?b=c HTTP/1.1\r\nHost: staging.example\r\nUser-Agent: probe/1\r\nReferer: https://shop.example/x\r\n" + tail}
		for _, q := range reqs[1:6] {
			want = append(want, q.Method+" /v1"+q.Path+" HTTP/1.1\r\nHost: staging.example\r\nContent-Length: "+fmt.Sprint(len(q.Body))+"\r\n"+tail+string(q.Body))
		}
		want = append(want, "OPTIONS * HTTP/1.1\r\nHost: staging.example\r\n"+tail)
		size := int64(len(strings.Join(want, "")))
		var mu sync.Mutex
		got := map[int][]byte{} // by connection: a slow machine needs several, as the first is still busy
		o.Targets = []Target{server(t, func(k int, c *net.TCPConn) {
			_ = c.SetReadBuffer(128 << 10) // so that a large body cannot be written in one go
			requests(tee{c, func(b []byte) { mu.Lock(); got[k] = append(got[k], b...); mu.Unlock() }}, func(*http.Request) bool {
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		o.Targets[0].BasePath = "/v1/"
		o.RunID = "r1"
		s := make([]plan.Shot, len(reqs))
		for i := range s {
			s[i] = plan.Shot{Seq: uint64(i), Intended: int64(i) * int64(150*time.Millisecond), Client: 5, Request: reqs[i]}
		}
		var out int64
		for _, r := range runShots(t, o, s) {
			if r.Outcome != replay.Answered {
				t.Errorf("result %+v", r)
			}
			out += r.BytesOut
		}
		mu.Lock()
		defer mu.Unlock()
		for k, b := range got {
			for len(b) > 0 {
				i := slices.IndexFunc(want, func(w string) bool { return strings.HasPrefix(string(b), w) })
				if i < 0 {
					t.Errorf("connection %d: %d bytes that are no request, or one sent twice: %.300q", k, len(b), b)
					break
				}
				b, want = b[len(want[i]):], slices.Delete(want, i, i+1)
			}
		}
		for _, w := range want {
			t.Errorf("never arrived: %.300q", w)
		}
		if out != size {
			t.Errorf("BytesOut adds up to %d, want %d", out, size)
		}
	})
}

type tee struct {
	net.Conn
	seen func([]byte)
}

func (c tee) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.seen(b[:n])
	return n, err
}
