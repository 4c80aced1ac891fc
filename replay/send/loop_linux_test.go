package send

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// sums counts results and allocates nothing.
type sums struct {
	outcomes [8]int
	fresh    int
}

func (s *sums) Record(_ int, r *replay.Result) {
	s.outcomes[r.Outcome]++
	if r.NewConn {
		s.fresh++
	}
}

// TestLoopMemory: once its tables have grown, an event loop takes no memory for a shot.
func TestLoopMemory(t *testing.T) {
	const n = 20_000
	response := []byte(okResponse)
	e, err := New(Options{LateLimit: time.Minute, Targets: []Target{server(t, func(_ int, c *net.TCPConn) {
		buf := make([]byte, 4096) // a request arrives whole, and asks for one response
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(response); err != nil {
				return
			}
		}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	s := shots(n, 50*time.Microsecond)
	for i := range s {
		s[i].Client = uint64(i % 20)
	}
	ch := make(chan []plan.Shot, 1)
	ch <- s
	close(ch)
	k := new(sums)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := e.Send(t.Context(), nil, time.Now(), ch, k); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if k.outcomes[replay.Answered] != n {
		t.Fatalf("outcomes %v, want %d answered", k.outcomes, n)
	}
	got := int(after.Mallocs - before.Mallocs)
	if once := 40*batchesAhead + 30*k.fresh; got > once+n/20 { // batches and connections, both ends of them
		t.Errorf("%d allocations for %d shots and %d connections, want no more than %d and a few", got, n, k.fresh, once)
	}
}

// TestCoarsePoller: without epoll_pwait2 nothing changes but the price.
func TestCoarsePoller(t *testing.T) {
	e, err := New(Options{LateLimit: time.Minute, Targets: []Target{answering(t, okResponse)}})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{e: e, sink: &sink{t: t, workers: 1}, start: time.Now(), ctx: t.Context(), halt: make(chan struct{}), loops: 1}
	in := newInbox(true)
	r.inboxes = []*inbox{in}
	w, err := newLoop(r, 0, in)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.(*loop).poll.coarse = true
	done := make(chan error)
	go func() { done <- w.work() }()
	r.feed(batches(shots(100, time.Millisecond)))
	if err := <-done; err != nil {
		t.Error(err)
	}
	answered(t, r.sink.(*sink).bySeq(100))
}

// TestBrokenPoller: trouble with the loop itself ends the run, and still every shot has its result.
func TestBrokenPoller(t *testing.T) {
	e, err := New(Options{Targets: []Target{server(t, hang)}})
	if err != nil {
		t.Fatal(err)
	}
	k := &sink{t: t, workers: 1}
	r := &run{e: e, sink: k, start: time.Now(), ctx: t.Context(), halt: make(chan struct{}), loops: 1}
	in := newInbox(true)
	r.inboxes = []*inbox{in}
	w, err := newLoop(r, 0, in)
	if err != nil {
		t.Fatal(err)
	}
	l := w.(*loop)
	defer unix.Close(l.wakeFD)
	_ = unix.Close(l.poll.fd)
	l.poll.fd = -1
	done := make(chan error)
	go func() { done <- w.work() }()
	r.feed(batches(shots(1000, 0)))
	if err := <-done; err == nil {
		t.Error("no error from a loop whose epoll descriptor is closed")
	}
	k.bySeq(1000)
}

// TestDescriptors: running out of descriptors is our own fault, has its own name, and the run goes on.
func TestDescriptors(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		o.Targets, o.Timeout, o.LateLimit = []Target{target(ln.Addr().String())}, time.Second, time.Minute
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var old unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
		probe, err := unix.Dup(0)
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Close(probe)
		k := &sink{t: t, workers: e.Workers()}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(probe) + 20, Max: old.Max}); err != nil {
			t.Skipf("cannot lower the limit of open files: %v", err)
		}
		err = e.Send(t.Context(), nil, time.Now(), batches(shots(100, 0)), k)
		if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); e != nil {
			t.Fatal(e)
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[replay.ErrKind]int{}
		for _, r := range k.bySeq(100) {
			kinds[r.Err]++
		}
		if kinds[replay.ErrResource] < 75 || kinds[replay.ErrResource]+kinds[replay.ErrTimeout] != 100 {
			t.Errorf("kinds of failure %v, want 20 or so timed out and the others without a descriptor", kinds)
		}
	})
}

// TestIPv6: addresses of the other family work alike.
func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					_, _ = io.WriteString(c, okResponse)
				}
			}()
		}
	}()
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{target(ln.Addr().String())}
		answered(t, runShots(t, o, shots(10, time.Millisecond)))
	})
}
