package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"trafficreplay/capture/tlskeys"
)

// http2 drives a server with HTTP/2 over connections of their own, each with many requests at once.
func (l *load) http2(t *testing.T, base string, conns, rounds int) {
	t.Helper()
	l.shots = map[string]*shot{}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	dial := func(context.Context, string, string) (net.Conn, error) { return l.dial() }
	var all sync.WaitGroup
	errs := make(chan error, conns*8)
	for range conns {
		c := &http.Transport{DialContext: dial, DialTLSContext: dial, Protocols: &protocols, DisableCompression: true}
		defer c.CloseIdleConnections()
		for range 8 {
			all.Go(func() { errs <- l.requests(c, base, rounds) })
		}
	}
	all.Wait()
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// requests sends one request after the other.
func (l *load) requests(c *http.Transport, base string, rounds int) error {
	for i := range rounds {
		for _, p := range plain {
			if err := l.request(c, base, l.shot(p.shot, p.path)); err != nil {
				return err
			}
		}
		if i%4 == 0 {
			if err := l.abandon(c, base); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shot) request(ctx context.Context, base string) (*http.Request, error) {
	s.proto = "HTTP/2.0"
	var body io.Reader = bytes.NewReader(bytes.Repeat([]byte("a=b&"), s.body/4+1)[:s.body])
	if s.chunked {
		body = struct{ io.Reader }{body} // of a length that is not announced
	}
	r, err := http.NewRequestWithContext(ctx, s.method, base+s.target, body)
	if err != nil {
		return nil, err
	}
	r.Host = "shop.example"
	for line := range strings.Lines(s.header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(name, value)
	}
	return r, nil
}

func (l *load) request(c *http.Transport, base string, s *shot) error {
	r, err := s.request(context.Background(), base)
	if err != nil {
		return err
	}
	resp, err := c.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.method, s.target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	s.status = resp.StatusCode
	s.size, err = io.Copy(io.Discard, resp.Body)
	return err
}

// abandon resets a stream while its answer comes.
func (l *load) abandon(c *http.Transport, base string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := l.shot(shot{method: "GET", aborted: true}, "/big.png").request(ctx, base)
	if err != nil {
		return err
	}
	resp, err := c.RoundTrip(r)
	if err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, resp.Body, 1000); err == nil {
		err = resp.Body.Close()
	}
	return err
}

// TestRealPacketsHTTP2: the same over HTTP/2, with prior knowledge and behind TLS.
func TestRealPacketsHTTP2(t *testing.T) {
	for _, c := range []struct{ name, listen, scheme string }{{"prior knowledge", "http2", "http"}, {"TLS", "ssl http2", "https"}} {
		t.Run(c.name, func(t *testing.T) {
			s := startNginx(t, "", "127.0.0.1", c.listen)
			record := sniff(t, "", "lo", s.port, filepath.Join(t.TempDir(), "h2.pcap"))
			secrets, l := &transcript{}, &load{dial: plainTCP(s.addr)}
			if c.scheme == "https" {
				o := &tls.Config{InsecureSkipVerify: true, KeyLogWriter: secrets, NextProtos: []string{"h2"}}
				l.dial = func() (net.Conn, error) { return tls.Dial("tcp", s.addr, o) }
			}
			l.http2(t, c.scheme+"://"+s.addr, 4, 8)
			log := s.lines(t, len(l.shots))
			record.finish(t)
			var keys tlskeys.Keys
			if err := keys.Read(strings.NewReader(secrets.String()), "keys"); err != nil {
				t.Fatal(err)
			}
			found, sources := recovered(t, Options{Keys: &keys}, record.file)
			compare(t, log, l.shots, found)
			complete(t, sources)
			compareLost(t, Options{Keys: &keys}, record.file, 1000, log, l.shots)
		})
	}
}
