package send

import (
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// lags keeps what the benchmark reports and allocates nothing while it runs.
type lags struct {
	lag, service []int64
	bad, fresh   int
}

func (l *lags) Record(_ int, r *replay.Result) {
	if r.Outcome != replay.Answered {
		l.bad++
		return
	}
	if r.NewConn {
		l.fresh++
	}
	l.lag, l.service = append(l.lag, int64(r.Lag())), append(l.service, int64(r.Service()))
}

func setting(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOpenLoop sends at a constant rate and says how late, and at what cost. One iteration is one run
// (-benchtime 1x). For a figure that means something, pin it to one core with GOMAXPROCS=1 and name a server on
// another: SEND_TARGET=127.0.0.1:18090 SEND_RATE=20000 SEND_SECONDS=10 SEND_CLIENTS=64.
func BenchmarkOpenLoop(b *testing.B) {
	rate, seconds, clients := setting("SEND_RATE", 2000), setting("SEND_SECONDS", 1), setting("SEND_CLIENTS", 64)
	o := Options{RunID: "bench", portable: os.Getenv("SEND_PORTABLE") != ""}
	if addr := os.Getenv("SEND_TARGET"); addr != "" {
		o.Targets = []Target{target(addr)}
	} else {
		o.Targets = []Target{benchServer(b)}
	}
	request := get("/s/1")
	for b.Loop() {
		e, err := New(o)
		if err != nil {
			b.Fatal(err)
		}
		n := rate * seconds
		ch := make(chan []plan.Shot)
		go func() {
			defer close(ch)
			for from := 0; from < n; from += 512 {
				s := make([]plan.Shot, min(512, n-from))
				for i := range s {
					k := from + i
					s[i] = plan.Shot{Seq: uint64(k), Intended: int64(k) * int64(time.Second) / int64(rate), Client: uint64(k % clients), Request: request}
				}
				ch <- s
			}
		}()
		k := &lags{lag: make([]int64, 0, n), service: make([]int64, 0, n)}
		before := cpu()
		if err := e.Send(b.Context(), nil, time.Now().Add(50*time.Millisecond), ch, k); err != nil {
			b.Fatal(err)
		}
		used := cpu() - before
		if len(k.lag) == 0 {
			b.Fatal("nothing was answered")
		}
		slices.Sort(k.lag)
		slices.Sort(k.service)
		us := func(v []int64, q float64) float64 { return float64(v[min(len(v)-1, int(q*float64(len(v))))]) / 1e3 }
		b.ReportMetric(us(k.lag, .5), "lag-p50-µs")
		b.ReportMetric(us(k.lag, .99), "lag-p99-µs")
		b.ReportMetric(us(k.lag, 1), "lag-max-µs")
		b.ReportMetric(us(k.service, .5), "service-p50-µs")
		b.ReportMetric(us(k.service, .99), "service-p99-µs")
		b.ReportMetric(float64(used.Microseconds())/float64(n), "cpu-µs/request")
		b.ReportMetric(float64(len(k.lag)), "answered")
		b.ReportMetric(float64(k.bad), "not-answered")
		b.ReportMetric(float64(k.fresh), "connections")
	}
}

func benchServer(b *testing.B) Target {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				requests(c, func(*http.Request) bool {
					_, err := io.WriteString(c, okResponse)
					return err == nil
				})
			}()
		}
	}()
	return target(ln.Addr().String())
}
