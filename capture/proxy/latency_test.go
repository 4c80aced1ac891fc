package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// BenchmarkAddedLatency sends a request to an upstream now directly, now through the proxy, a thousand a second, and
// reports the medians of both.
func BenchmarkAddedLatency(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go answerAll(l)
	u, err := ParseUpstream("http://" + l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	p, err := Listen(b.Context(), "127.0.0.1:0", Options{Upstream: u})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		_ = p.Copy(ctx, new(memory))
		close(done)
	}()
	defer func() {
		cancel()
		<-done
	}()
	var conns [2]net.Conn
	for i, a := range []net.Addr{l.Addr(), p.Addr()} {
		if conns[i], err = net.Dial("tcp", a.String()); err != nil {
			b.Fatal(err)
		}
		defer conns[i].Close()
	}
	var took [2][]time.Duration
	answer := make([]byte, 1024)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; b.Loop(); n++ {
		<-tick.C
		began := time.Now()
		if _, err := io.WriteString(conns[n%2], "GET /items/42 HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := conns[n%2].Read(answer); err != nil {
			b.Fatal(err)
		}
		took[n%2] = append(took[n%2], time.Since(began))
	}
	for i, name := range []string{"direct-p50-µs", "proxy-p50-µs"} {
		if slices.Sort(took[i]); len(took[i]) > 0 {
			b.ReportMetric(float64(took[i][len(took[i])/2].Nanoseconds())/1e3, name)
		}
	}
}

// answerAll answers every piece that it reads.
func answerAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			b := make([]byte, 4096)
			for {
				if _, err := c.Read(b); err != nil {
					c.Close()
					return
				}
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}()
	}
}
