package tlskeys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// piece is what one end wrote at once.
type piece struct {
	side int
	b    []byte
}

// tape records both directions of a connection in their order.
type tape struct {
	mu     sync.Mutex
	pieces []piece
}

type taped struct {
	net.Conn
	t    *tape
	side int
}

func (c taped) Write(b []byte) (int, error) {
	c.t.mu.Lock()
	c.t.pieces = append(c.t.pieces, piece{c.side, bytes.Clone(b)})
	c.t.mu.Unlock()
	return c.Conn.Write(b)
}

func certificate(t testing.TB, useRSA bool) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop.example"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"shop.example"}}
	if useRSA {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// exchange sends texts to and fro over TLS, the client's first, and gives what was on the wire.
func exchange(t testing.TB, client, server *tls.Config, texts ...string) []piece {
	t.Helper()
	var record tape
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = a.Close(), b.Close() }()
	done := make(chan error, 1)
	go func() {
		s := tls.Server(taped{b, &record, 1}, server)
		err := play(s, texts, 1)
		_ = s.CloseWrite()
		done <- err
	}()
	c := tls.Client(taped{a, &record, 0}, client)
	if err := play(c, texts, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil { // the server's close_notify
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWrite()
	record.mu.Lock()
	defer record.mu.Unlock()
	return record.pieces
}

func play(c net.Conn, texts []string, me int) error {
	for i, text := range texts {
		if i%2 == me {
			if _, err := io.WriteString(c, text); err != nil {
				return err
			}
			continue
		}
		if _, err := io.ReadFull(c, make([]byte, len(text))); err != nil {
			return err
		}
	}
	return nil
}

// collected is a Sink that keeps what it gets; a gap is «n».
type collected struct {
	text  [2]strings.Builder
	n     int64
	ended [2]int
	reset [2]bool
	last  int64
}

func (c *collected) Data(side int, at int64, b []byte) {
	c.text[side].Write(b)
	c.n += int64(len(b))
	c.last = at
}
func (c *collected) Gap(side int, _, n int64, _ string) { fmt.Fprintf(&c.text[side], "«%d»", n) }
func (c *collected) End(side int, _ int64, reset bool) {
	c.ended[side]++
	c.reset[side] = reset
}

// decrypt plays pieces through a Decryptor, in chunks whose sizes chunk chooses.
func decrypt(t testing.TB, keys *Keys, pieces []piece, chunk func(n int) int) (*collected, Tally) {
	t.Helper()
	return decryptWith(t, NewDecryptor(keys), pieces, chunk)
}

func decryptWith(t testing.TB, d *Decryptor, pieces []piece, chunk func(n int) int) (*collected, Tally) {
	t.Helper()
	before := d.Tally()
	var out collected
	c := d.Open(&out, nil)
	var given int64
	for i, p := range pieces {
		for b := p.b; len(b) > 0; {
			n := chunk(len(b))
			c.Data(p.side, int64(i), b[:n])
			given += int64(n)
			b = b[n:]
		}
	}
	c.End(0, 0, false)
	c.End(1, 0, false)
	tally := d.Tally()
	if sum := out.n + tally.Overhead - before.Overhead + tally.Unread - before.Unread; sum != given {
		t.Errorf("%d bytes given, %d accounted for (%d plain, %+v)", given, sum, out.n, tally)
	}
	if out.ended != [2]int{1, 1} {
		t.Errorf("ends %v, want one of each", out.ended)
	}
	if d.held != 0 {
		t.Errorf("%d bytes still held", d.held)
	}
	return &out, tally
}

func whole(n int) int { return n }

func keysOf(t testing.TB, log string) *Keys {
	t.Helper()
	var k Keys
	if err := k.Read(strings.NewReader(log), "keys"); err != nil {
		t.Fatal(err)
	}
	return &k
}

// configs are a client's and a server's of one version and suite, with a key log.
func configs(cert tls.Certificate, version, suite uint16, log io.Writer) (client, server *tls.Config) {
	c := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, KeyLogWriter: log, ServerName: "shop.example"}
	s := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version}
	if suite != 0 {
		c.CipherSuites, s.CipherSuites = []uint16{suite}, []uint16{suite}
	}
	return c, s
}

var texts = []string{"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("body", 10_000), "GET /2 HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"}

func TestSuites(t *testing.T) {
	ec, rs := certificate(t, false), certificate(t, true)
	for _, c := range []struct {
		name           string
		cert           tls.Certificate
		version, suite uint16
	}{
		{"TLS 1.3", ec, tls.VersionTLS13, 0},
		{"ECDSA AES-128", ec, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		{"ECDSA AES-256", ec, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
		{"ECDSA ChaCha", ec, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
		{"RSA AES-128", rs, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		{"RSA AES-256", rs, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
		{"RSA ChaCha", rs, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
		{"RSA key exchange AES-128", rs, tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
		{"RSA key exchange AES-256", rs, tls.VersionTLS12, tls.TLS_RSA_WITH_AES_256_GCM_SHA384},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			client, server := configs(c.cert, c.version, c.suite, &log)
			pieces := exchange(t, client, server, texts...)
			keys := keysOf(t, log.String())
			rnd := mrand.New(mrand.NewPCG(1, 2))
			for name, chunk := range map[string]func(int) int{"whole": whole, "bytes": func(int) int { return 1 }, "pieces": func(n int) int { return 1 + rnd.IntN(min(n, 1460)) }} {
				got, tally := decrypt(t, keys, pieces, chunk)
				for side, want := range []string{texts[0] + texts[2], texts[1] + texts[3]} {
					if g := got.text[side].String(); g != want {
						t.Errorf("%s: side %d: %d bytes, want %d: %.80q", name, side, len(g), len(want), g)
					}
				}
				if tally.Sessions != 1 || tally.Unread != 0 {
					t.Errorf("%s: tally %+v, want one session and nothing unread", name, tally)
				}
			}
		})
	}
}

// TestResumption: a resumed session has a random value and secrets of its own.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var log bytes.Buffer
		client, server := configs(certificate(t, false), version, 0, &log)
		client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		var keys Keys
		d := NewDecryptor(&keys)
		for i := range 3 {
			pieces := exchange(t, client, server, texts...)
			if err := keys.Read(&log, "keys"); err != nil {
				t.Fatal(err)
			}
			got, _ := decryptWith(t, d, pieces, whole)
			if g, want := got.text[1].String(), texts[1]+texts[3]; g != want {
				t.Errorf("%s, connection %d: %.80q", tls.VersionName(version), i, g)
			}
		}
	}
}

// TestCloseNotify: who has said that no more will come was not cut off, also where a reset follows.
func TestCloseNotify(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var log bytes.Buffer
		client, server := configs(certificate(t, false), version, 0, &log)
		pieces, keys := exchange(t, client, server, texts...), keysOf(t, log.String())
		for name, said := range map[string]int{"both sides": len(pieces), "the server alone": len(pieces) - 1, "nobody": len(pieces) - 2} {
			var got collected
			c := NewDecryptor(keys).Open(&got, nil)
			for i, p := range pieces[:said] {
				c.Data(p.side, int64(i), p.b)
			}
			c.End(0, 0, true)
			c.End(1, 0, true)
			want := [2]bool{said < len(pieces), said < len(pieces)-1}
			if got.reset != want {
				t.Errorf("%s, closed by %s: resets %v, want %v", tls.VersionName(version), name, got.reset, want)
			}
		}
	}
}

// TestNoKey: what cannot be decrypted passes as it is.
func TestNoKey(t *testing.T) {
	var log bytes.Buffer
	client, server := configs(certificate(t, false), tls.VersionTLS13, 0, &log)
	pieces := exchange(t, client, server, texts...)
	var raw [2]strings.Builder
	for _, p := range pieces {
		raw[p.side].Write(p.b)
	}
	other := keysOf(t, strings.ReplaceAll(log.String(), " ", " 00000000")[:0]+"CLIENT_RANDOM "+strings.Repeat("ab", 32)+" "+strings.Repeat("cd", 48))
	half := keysOf(t, log.String())
	for _, s := range half.sessions {
		s[serverTraffic] = nil
	}
	plain := []piece{{0, []byte(texts[0])}, {1, []byte(texts[1])}}
	for _, c := range []struct {
		name   string
		keys   *Keys
		pieces []piece
		want   [2]string
	}{
		{"no keys", nil, pieces, [2]string{raw[0].String(), raw[1].String()}},
		{"others' keys", other, pieces, [2]string{raw[0].String(), raw[1].String()}},
		{"half of the keys", half, pieces, [2]string{raw[0].String(), raw[1].String()}},
		{"no TLS", other, plain, [2]string{texts[0], texts[1]}},
		{"a server that answers in the clear", keysOf(t, log.String()), []piece{pieces[0], {1, []byte(texts[1])}}, [2]string{string(pieces[0].b), texts[1]}},
		{"a hello that ends in the middle", keysOf(t, log.String()), []piece{{0, pieces[0].b[:50]}}, [2]string{string(pieces[0].b[:50]), ""}},
	} {
		for name, chunk := range map[string]func(int) int{"whole": whole, "bytes": func(int) int { return 1 }} {
			got, tally := decrypt(t, c.keys, c.pieces, chunk)
			if g := [2]string{got.text[0].String(), got.text[1].String()}; g != c.want || tally != (Tally{}) {
				t.Errorf("%s, %s: got %d and %d bytes, %+v, want %d and %d unchanged", c.name, name, len(g[0]), len(g[1]), tally, len(c.want[0]), len(c.want[1]))
			}
		}
	}
}

func FuzzConn(f *testing.F) {
	var log bytes.Buffer
	client, server := configs(certificate(f, false), tls.VersionTLS13, 0, &log)
	keys := keysOf(f, log.String())
	script := func(ps []piece) (b []byte) {
		for _, p := range ps {
			for len(p.b) > 0 {
				n := min(len(p.b), 255)
				b = append(append(b, byte(p.side), byte(n)), p.b[:n]...)
				p.b = p.b[n:]
			}
		}
		return b
	}
	f.Add(script(exchange(f, client, server, "a", "b")))
	f.Add([]byte{0, 3, 22, 3, 1, 2, 200})
	keys = keysOf(f, log.String())
	f.Fuzz(func(t *testing.T, b []byte) { // pairs of what to do and how many bytes
		d := NewDecryptor(keys)
		var out collected
		c := d.Open(&out, nil)
		var given int64
		for at := int64(0); len(b) >= 2; at++ {
			do, n := b[0], min(int(b[1]), len(b)-2)
			switch side := int(do & 1); do >> 1 & 3 {
			case 0, 1:
				c.Data(side, at, b[2:2+n])
				given += int64(n)
				b = b[n:]
			case 2:
				c.Gap(side, at, int64(n)-1, "lost")
			case 3:
				if n == 0 {
					c.Gap(side, at, 1<<40, "lost")
				}
			}
			b = b[2:]
		}
		c.End(0, 0, true)
		c.End(1, 0, true)
		if tally := d.Tally(); out.n+tally.Overhead+tally.Unread != given || d.held != 0 {
			t.Fatalf("%d bytes given, %d plain, %+v, %d held", given, out.n, tally, d.held)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	var log bytes.Buffer
	client, server := configs(certificate(b, false), tls.VersionTLS13, 0, &log)
	var many []string
	for range 200 {
		many = append(many, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", strings.Repeat("x", 4000))
	}
	pieces := exchange(b, client, server, many...)
	keys := keysOf(b, log.String())
	size := 0
	for _, p := range pieces {
		size += len(p.b)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		c := NewDecryptor(keys).Open(discard{}, nil)
		for _, p := range pieces {
			c.Data(p.side, 1, p.b)
		}
	}
}

type discard struct{}

func (discard) Data(int, int64, []byte)       {}
func (discard) Gap(int, int64, int64, string) {}
func (discard) End(int, int64, bool)          {}
