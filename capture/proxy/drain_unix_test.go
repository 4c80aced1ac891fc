//go:build unix

package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client that is slow to take the end of its answer gets all of it, although nothing more comes from the upstream.
func TestDrainWaitsForSlowClients(t *testing.T) {
	up := httptest.NewTLSServer(http.NotFoundHandler())
	defer up.Close()
	roots := x509.NewCertPool()
	roots.AddCert(up.Certificate())
	const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	const body = largeRead - smallRead // so that all of it is read at once
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", body)
	answer += strings.Repeat("x", body)
	for _, c := range []struct {
		name   string
		secure bool
	}{{"in the clear", false}, {"TLS", true}} {
		t.Run(c.name, func(t *testing.T) {
			upstream, end := keeping(t, len(request), answer)
			defer end()
			s := start(t, upstream, func(o *Options, _ *memory) {
				if c.secure {
					o.Certificate = &up.TLS.Certificates[0]
				}
			})
			client, err := narrow.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			waitFor(t, "the connection", func() bool {
				found := false
				s.each(func(c *conn) { found = c.client.tcp.SetWriteBuffer(smallRead) == nil })
				return found
			})
			if c.secure {
				client = tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "example.com"})
			}
			if _, err := io.WriteString(client, request); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for s.bytes.Load() < int64(len(request)+len(answer)) { // the rest is on its way to the client
				if _, err := io.CopyN(&got, client, 1<<10); err != nil {
					t.Fatal(err)
				}
			}
			stopped := make(chan time.Duration)
			go func() {
				began := time.Now()
				s.stop()
				stopped <- time.Since(began)
			}()
			time.AfterFunc(5*quietFor, func() { _, err = io.Copy(&got, client); stopped <- 0 })
			<-stopped
			if err != nil || got.String() != answer {
				t.Errorf("the client got %d bytes (%v), want %d", got.Len(), err, len(answer))
			}
			if d := <-stopped; d > DrainFor/2 || len(s.got) != 1 || s.Counts() != (Counts{Connections: 1, Bytes: int64(len(request) + len(answer))}) {
				t.Errorf("the end took %v; %d recorded, counts %+v", d, len(s.got), s.Counts())
			}
		})
	}
}

// narrow dials connections on which little is on its way to the client at a time.
var narrow = net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
	failed := raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, smallRead)
	})
	return errors.Join(err, failed)
}}

// keeping is an upstream that gives an answer, and keeps the connection until end is called.
func keeping(t *testing.T, reads int, answer string) (address string, end func()) {
	t.Helper()
	l := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err = io.CopyN(io.Discard, c, int64(reads)); err == nil {
			_, _ = io.WriteString(c, answer)
		}
		_, _ = io.Copy(io.Discard, c)
	}()
	return "http://" + l.Addr().String(), func() {
		l.Close()
		<-done
	}
}
