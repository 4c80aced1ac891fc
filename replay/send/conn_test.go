package send

import (
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// fresh counts the results that opened a connection.
func fresh(rs []replay.Result) (n int) {
	for _, r := range rs {
		if r.NewConn {
			n++
		}
	}
	return n
}

func answered(t *testing.T, rs []replay.Result) {
	t.Helper()
	for _, r := range rs {
		if r.Outcome != replay.Answered {
			t.Fatalf("got %+v, want an answer", r)
		}
	}
}

// TestReuse: a client keeps its connection, and no client gets another's.
func TestReuse(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		var mu sync.Mutex
		clients := map[int]map[string]bool{}
		serve := func(n int, c *net.TCPConn) {
			requests(c, func(q *http.Request) bool {
				mu.Lock()
				if clients[n] == nil {
					clients[n] = map[string]bool{}
				}
				clients[n][q.URL.Path] = true
				mu.Unlock()
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		}
		o.Targets = []Target{server(t, serve)}
		s := shots(200, 2*time.Millisecond)
		for i := range s {
			k := i % 5
			s[i].Client, s[i].Request = uint64(k), get("/client/"+string(rune('a'+k)))
		}
		rs := runShots(t, o, s)
		answered(t, rs)
		mu.Lock()
		defer mu.Unlock()
		if n := fresh(rs); n != len(clients) || n < 5 || n > 40 { // five, unless this machine stalls
			t.Errorf("%d new connections, the server saw %d, want 5", n, len(clients))
		}
		for n, paths := range clients {
			if len(paths) != 1 {
				t.Errorf("connection %d carried the requests of several clients: %v", n, paths)
			}
		}
	})
}

// TestTargetsApart: a client's connection to one target is not its connection to another.
func TestTargetsApart(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		const teapot = "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"
		o.Targets = []Target{answering(t, okResponse), answering(t, teapot)}
		s := shots(100, time.Millisecond)
		for i := range s {
			s[i].Client, s[i].Target = 9, i%2
		}
		for i, r := range runShots(t, o, s) {
			if want := [2]uint16{200, 418}[i%2]; r.Status != want {
				t.Fatalf("shot %d: status %d, want %d", i, r.Status, want)
			}
		}
	})
}

// TestOpensAnother: a client whose connections are all busy opens one more; nothing waits.
func TestOpensAnother(t *testing.T) {
	const n = 20
	engines(t, func(t *testing.T, o Options) {
		var begun atomic.Int32
		all := make(chan struct{})
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				if begun.Add(1) == n {
					close(all)
				}
				<-all
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		s := shots(n, 0)
		for i := range s {
			s[i].Client = 3
		}
		rs := runShots(t, o, s)
		answered(t, rs)
		if k := fresh(rs); k != n {
			t.Errorf("%d new connections, want %d", k, n)
		}
	})
}

func TestPerRequest(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		var closing atomic.Int32
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			requests(c, func(q *http.Request) bool {
				if q.Close {
					closing.Add(1)
				}
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		o.Connections = PerRequest
		s := shots(50, time.Millisecond)
		for i := range s {
			s[i].Client = 3
		}
		rs := runShots(t, o, s)
		answered(t, rs)
		if n := fresh(rs); n != 50 || closing.Load() != 50 {
			t.Errorf("%d new connections, %d requests said close, want 50", n, closing.Load())
		}
	})
}

// TestPool: no more connections than asked for; what waits says for how long.
func TestPool(t *testing.T) {
	const size, n = 3, 60
	engines(t, func(t *testing.T, o Options) {
		var open, most atomic.Int32
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			k := open.Add(1)
			defer open.Add(-1)
			for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
			}
			requests(c, func(*http.Request) bool {
				time.Sleep(2 * time.Millisecond)
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		o.Connections = size
		rs := runShots(t, o, shots(n, 0))
		answered(t, rs)
		if k := fresh(rs); k != size || most.Load() != size {
			t.Errorf("%d new connections, %d at once, want %d", k, most.Load(), size)
		}
		waited := 0
		for _, r := range rs {
			if r.WaitNS > int64(time.Millisecond) {
				waited++
			}
			if r.Lag() > time.Second || int64(r.Service()) < r.WaitNS {
				t.Errorf("the wait for a connection is service, not lag: %+v", r)
			}
		}
		if waited < n/2 {
			t.Errorf("%d of %d shots waited, want most", waited, n)
		}
	})
}

// TestPoolHeld: a shot that never gets a connection was never begun, and that is the target's fault.
func TestPoolHeld(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets, o.Connections, o.Timeout, o.Loops = []Target{server(t, hang)}, 2, 400*time.Millisecond, min(o.Loops, 1)
		got := count(runShots(t, o, shots(8, 0)))
		if got[replay.Failed] != 2 || got[replay.DroppedCeiling] != 6 {
			t.Errorf("outcomes %v, want timeouts on two connections and the others dropped at the ceiling", got)
		}
	})
}

// TestIdle: an idle connection is closed after its time, and by then the server has seen it.
func TestIdle(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		var closed atomic.Int64
		begin := time.Now()
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
			closed.CompareAndSwap(0, int64(time.Since(begin)))
		})}
		o.IdleTimeout = time.Hour
		short := &plan.Request{Method: "GET", Path: "/", IdleNS: int64(50 * time.Millisecond)}
		rs := runShots(t, o, []plan.Shot{
			{Seq: 0, Client: 1, Request: short},
			{Seq: 1, Client: 1, Intended: int64(300 * time.Millisecond), Request: get("/")},
			{Seq: 2, Client: 1, Intended: int64(500 * time.Millisecond), Request: get("/")},
		})
		answered(t, rs)
		if got := [3]bool{rs[0].NewConn, rs[1].NewConn, rs[2].NewConn}; got != [3]bool{true, true, false} {
			t.Errorf("new connections %v: the first was to be closed after 50 ms, the second to be kept", got)
		}
		if at := time.Duration(closed.Load()); at < 50*time.Millisecond || at > 290*time.Millisecond {
			t.Errorf("idle connection closed after %v, want 50 ms", at)
		}
	})
}

// TestServerCloses: a server that closes idle connections costs new ones and no failures, and nothing is sent twice.
func TestServerCloses(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		var served atomic.Int32
		o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				served.Add(1)
				_, _ = io.WriteString(c, okResponse)
				if n%2 == 0 {
					_ = drained(c)
					rst(c)
				}
				return false
			})
		})}
		s := shots(40, 10*time.Millisecond)
		for i := range s {
			s[i].Client = 1
		}
		rs := runShots(t, o, s)
		answered(t, rs)
		if n := fresh(rs); n != 40 || served.Load() != 40 {
			t.Errorf("%d new connections, %d requests served, want 40", n, served.Load())
		}
	})
}

// TestUnasked: bytes on an idle connection make it useless and are nobody's response.
func TestUnasked(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				_, _ = io.WriteString(c, okResponse)
				time.Sleep(100 * time.Millisecond)
				_, err := io.WriteString(c, "HTTP/1.1 500 Unasked\r\nContent-Length: 0\r\n\r\n")
				return err == nil
			})
		})}
		s := shots(5, 300*time.Millisecond)
		for i := range s {
			s[i].Client = 1
		}
		rs := runShots(t, o, s)
		for _, r := range rs {
			if r.Status != 200 || !r.NewConn {
				t.Errorf("got %+v, want status 200 on a new connection", r)
			}
		}
	})
}

// TestBudget: no more connections are open than there are descriptors for; the oldest idle one makes room.
func TestBudget(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		if o.Loops > 1 {
			t.Skip("each loop closes only its own idle connections")
		}
		var open, most atomic.Int32
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			k := open.Add(1)
			defer open.Add(-1)
			for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
			}
			requests(c, func(*http.Request) bool {
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		e.clamp(40)
		if got := e.Notes(); len(got) != 1 || got[0] != "in-flight ceiling lowered to 30 by the open-files limit (40)" {
			t.Errorf("Notes() = %q", got)
		}
		s := shots(300, 5*time.Millisecond)
		k := &sink{t: t, workers: e.Workers()}
		if err := e.Send(t.Context(), nil, time.Now(), batches(s), k); err != nil {
			t.Fatal(err)
		}
		answered(t, k.bySeq(300))
		if most.Load() > 45 { // the server notices a close a little later
			t.Errorf("%d connections at once, want 30", most.Load())
		}
		if got := e.Notes(); len(got) != 2 || got[1] != "270 idle connections closed early by the open-files limit" {
			t.Errorf("Notes() = %q", got)
		}
	})
}
