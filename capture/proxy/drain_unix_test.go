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

// slowly is a client that asks for an answer of which it takes no more than it must for the proxy to have read the whole.
// end ends the upstream.
func slowly(t *testing.T, secure bool) (s *session, client net.Conn, got *strings.Builder, answer string, end func()) {
	t.Helper()
	const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	const body = largeRead - smallRead // so that all of it is read at once
	answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body, strings.Repeat("x", body))
	up := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer up.Close()
	upstream, end := keeping(t, len(request), answer)
	s = start(t, upstream, func(o *Options, _ *memory) {
		if secure {
			o.Certificate = &up.TLS.Certificates[0]
		}
	})
	client, err := narrow.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	waitFor(t, "the connection", func() bool {
		found := false
		s.each(func(c *conn) { found = c.client.tcp.SetWriteBuffer(smallRead) == nil })
		return found
	})
	if secure {
		roots := x509.NewCertPool()
		roots.AddCert(up.Certificate())
		client = tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	}
	if _, err := io.WriteString(client, request); err != nil {
		t.Fatal(err)
	}
	got = new(strings.Builder)
	for s.bytes.Load() < int64(len(request)+len(answer)) {
		if _, err := io.CopyN(got, client, 1<<10); err != nil {
			t.Fatal(err)
		}
	}
	return s, client, got, answer, end
}

// A client that is slow to take the end of its answer gets all of it, although nothing more comes from the upstream.
func TestDrainWaitsForSlowClients(t *testing.T) {
	for name, secure := range map[string]bool{"in the clear": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			s, client, got, answer, end := slowly(t, secure)
			defer end()
			stopped := make(chan time.Duration)
			go func() {
				began := time.Now()
				s.stop()
				stopped <- time.Since(began)
			}()
			waitFor(t, "the drain", s.recorder.draining.Load)
			var err error
			read := make(chan struct{})
			time.AfterFunc(5*quietFor, func() {
				_, err = io.Copy(got, client)
				close(read)
			})
			<-read
			if err != nil || got.String() != answer {
				t.Errorf("the client got %d bytes (%v), want %d", got.Len(), err, len(answer))
			}
			if d := <-stopped; d > DrainFor/2 || len(s.got) != 1 || s.Counts().Cut != 0 || s.Counts().Aborted != 0 {
				t.Errorf("the end took %v; %d recorded, counts %+v", d, len(s.got), s.Counts())
			}
		})
	}
}

// A client that takes nothing more of its answer is cut when the time for draining is over.
func TestDrainCutsDeafClients(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: what becomes of connections that a drain cuts is not looked at, since that takes ", DrainFor)
	}
	for name, secure := range map[string]bool{"in the clear": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _, _, end := slowly(t, secure)
			defer end()
			began := time.Now()
			s.stop()
			if d := time.Since(began); d < DrainFor || d > DrainFor+5*time.Second || s.Counts().Cut != 1 || len(s.got) != 1 {
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
