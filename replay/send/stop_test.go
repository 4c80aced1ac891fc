package send

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"trafficreplay/replay"
)

// count is the number of results with each outcome.
func count(rs []replay.Result) map[replay.Outcome]int {
	m := map[replay.Outcome]int{}
	for _, r := range rs {
		m[r.Outcome]++
	}
	return m
}

// TestStop: what is in flight is finished, what is left is cancelled.
func TestStop(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		stop := make(chan struct{})
		release := make(chan struct{})
		o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				if n == 9 {
					close(stop)
					time.AfterFunc(20*time.Millisecond, func() { close(release) })
				}
				<-release
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		s := shots(10_000, 0)
		for i := range s[10:] {
			s[10+i].Intended = int64(time.Hour) + int64(i)*int64(time.Second)
		}
		got := count(runUntil(t.Context(), t, o, s, stop, time.Now()))
		if got[replay.Answered] != 10 || got[replay.Cancelled] != 9990 {
			t.Errorf("outcomes %v, want 10 answered, 9990 cancelled", got)
		}
	})
}

// TestKill: when ctx ends, what is in flight fails at once.
func TestKill(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		for _, stopped := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			stop := make(chan struct{})
			o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
				if n == 9 {
					if stopped {
						close(stop)
					}
					cancel()
				}
				hang(n, c)
			})}
			s := shots(5000, 0)
			for i := range s[10:] {
				s[10+i].Intended = int64(time.Hour)
			}
			before := time.Now()
			rs := runUntil(ctx, t, o, s, stop, before)
			got := count(rs)
			if got[replay.Failed] != 10 || got[replay.Cancelled] != 4990 {
				t.Errorf("outcomes %v, want 10 failed, 4990 cancelled", got)
			}
			for _, r := range rs[:10] {
				checkKind(t, &r, replay.ErrAborted, 0)
			}
		}
	})
}

// TestKillPool: shots that wait for a connection were never begun.
func TestKillPool(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		for _, kill := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			stop := make(chan struct{})
			o.Connections, o.Loops, o.Timeout = 2, min(o.Loops, 1), 300*time.Millisecond
			o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
				if n == 1 {
					time.AfterFunc(20*time.Millisecond, func() {
						if close(stop); kill {
							cancel()
						}
					})
				}
				hang(n, c)
			})}
			got := count(runUntil(ctx, t, o, shots(50, 0), stop, time.Now()))
			if got[replay.Failed] != 2 || got[replay.Cancelled] != 48 {
				t.Errorf("kill %v: outcomes %v, want 2 failed, 48 cancelled", kill, got)
			}
			cancel()
		}
	})
}

// TestStoppedBefore: nothing is begun, and nothing is left in the channel.
func TestStoppedBefore(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(int, *net.TCPConn) { t.Error("a connection was opened") })}
		stop := make(chan struct{})
		close(stop)
		s := shots(20_000, 0)
		for i := range s {
			s[i].Intended += int64(500 * time.Millisecond)
		}
		if got := count(runUntil(t.Context(), t, o, s, stop, time.Now())); got[replay.Cancelled] != len(s) {
			t.Errorf("outcomes %v, want all cancelled", got)
		}
	})
}

// TestLate: a plan whose beginning lies in the past is dropped up to the limit, and not caught up with.
func TestLate(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{answering(t, okResponse)}
		o.LateLimit = 2 * time.Second
		s := shots(100, 100*time.Millisecond) // due from 10 s ago until now
		rs := runUntil(t.Context(), t, o, s, nil, time.Now().Add(-10*time.Second))
		got := count(rs)
		if got[replay.DroppedLate] < 80 || got[replay.DroppedLate]+got[replay.Answered] != 100 {
			t.Errorf("outcomes %v, want 80 dropped late, 20 answered", got)
		}
		for _, r := range rs[:80] {
			if r.Outcome != replay.DroppedLate {
				t.Fatalf("got %+v, want dropped late", r)
			}
		}
		for _, r := range rs {
			if r.Outcome == replay.Answered && r.Lag() > o.LateLimit {
				t.Errorf("sent %v late, the limit is %v", r.Lag(), o.LateLimit)
			}
		}
	})
}

// TestCeiling: the target holds every slot, so the rest is dropped while the clock goes on.
func TestCeiling(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, hang)}
		o.MaxInFlight, o.Timeout = 7, 200*time.Millisecond
		got := count(runShots(t, o, shots(100, 100*time.Microsecond)))
		if got[replay.Failed] != 7 || got[replay.DroppedCeiling] != 93 {
			t.Errorf("outcomes %v, want 7 timed out, 93 dropped at the ceiling", got)
		}
	})
}

// TestLeavesNothing: when Send returns, nothing that it started is left.
func TestLeavesNothing(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{answering(t, okResponse)}
		before := runtime.NumGoroutine()
		answered(t, runShots(t, o, shots(100, 0)))
		for range 1000 { // the server's goroutines notice the closed connections in their own time
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
	})
}

// TestStall: a server that stops for a second hurts every request that was due meanwhile, and the figures say so.
// In an open loop of constant rate r, a stall of length S delays the request due at time u into it by S - u: of the
// n requests of the run, r·S have delays spread evenly over (0, S], all others none, so the quantile q of all
// is S - (1-q)·n/r.
func TestStall(t *testing.T) {
	const (
		rate  = 1000
		n     = 3 * rate
		stall = time.Second
	)
	engines(t, func(t *testing.T, o Options) {
		begin := time.Now().Add(20 * time.Millisecond)
		from, to := begin.Add(time.Second), begin.Add(time.Second+stall)
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				if now := time.Now(); now.After(from) && now.Before(to) {
					time.Sleep(to.Sub(now))
				}
				_, err := io.WriteString(c, okResponse)
				return err == nil
			})
		})}
		s := shots(n, time.Second/rate)
		for i := range s {
			s[i].Client = uint64(i % 50)
		}
		rs := runUntil(t.Context(), t, o, s, nil, begin)
		answered(t, rs)
		var latency []time.Duration
		var lag time.Duration
		for _, r := range rs {
			latency = append(latency, r.Latency())
			lag = max(lag, r.Lag())
		}
		slices.Sort(latency)
		for _, q := range []float64{0.9, 0.95, 0.99} {
			want := stall - time.Duration((1-q)*n/rate*float64(time.Second))
			got := latency[int(q*n)]
			if got < want*97/100 {
				t.Errorf("p%v of the latency is %v, the truth is %v", 100*q, got, want)
			}
			if got > want*103/100 && lag < 10*time.Millisecond { // else this machine, not the arithmetic, is to blame
				t.Errorf("p%v of the latency is %v, the truth is %v (lag up to %v)", 100*q, got, want, lag)
			}
		}
		t.Logf("lag up to %v", lag)
	})
}
