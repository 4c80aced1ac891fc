package tlskeys

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// relay records what passes between a client and a server.
func relay(t *testing.T, server string) (address string, record *tape, recorded func() []piece) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	record = new(tape)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a, err := l.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", server)
		if err != nil {
			_ = a.Close()
			return
		}
		answered := make(chan struct{})
		go func() {
			_, _ = io.Copy(taped{a, record, 1}, onlyReader{b})
			_ = a.(*net.TCPConn).CloseWrite()
			close(answered)
		}()
		_, _ = io.Copy(taped{b, record, 0}, onlyReader{a})
		_ = b.(*net.TCPConn).CloseWrite()
		<-answered
		_, _ = a.Close(), b.Close()
	}()
	return l.Addr().String(), record, func() []piece {
		<-done
		return record.pieces
	}
}

// sent waits until the client has written more than n pieces, and says how many.
func (r *tape) sent(t *testing.T, n int) int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		k := 0
		for _, p := range r.pieces {
			if p.side == 0 {
				k++
			}
		}
		r.mu.Unlock()
		if k > n {
			return k
		}
	}
	t.Fatalf("the client sent no more than %d times", n)
	return 0
}

type onlyReader struct{ io.Reader }

// openssl is a server and the files that its clients share.
type openssl struct {
	dir, address string
}

func startOpenSSL(t *testing.T, args ...string) *openssl {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here: early data, key updates and retried hellos are not tested")
	}
	o := &openssl{dir: t.TempDir()}
	cert := certificate(t, false)
	key, err := x509.MarshalECPrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	file := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(filepath.Join(o.dir, "server.pem"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.address = l.Addr().String()
	_ = l.Close()
	o.serve(t, args...)
	return o
}

// serve starts a server, whose tickets no other server takes. What clients send it prints, and it answers its input.
func (o *openssl) serve(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("openssl", append([]string{"s_server", "-accept", o.address, "-cert", filepath.Join(o.dir, "server.pem"), "-tls1_3", "-quiet"}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = in.Close(), cmd.Process.Kill(), cmd.Wait() })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", o.address)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// client connects once, sends input line by line, and gives the bytes of the wire and the keys.
func (o *openssl) client(t *testing.T, input []string, args ...string) ([]piece, *Keys) {
	t.Helper()
	address, record, recorded := relay(t, o.address)
	log := filepath.Join(o.dir, "keys.log")
	cmd := exec.Command("openssl", append([]string{"s_client", "-connect", address, "-tls1_3", "-keylogfile", log}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := record.sent(t, 1)       // the hello and the end of the handshake
	for _, line := range input { // one by one: a command is one only at the beginning of what was read at once
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			t.Fatal(err)
		}
		n = record.sent(t, n)
	}
	_ = in.Close()
	_ = cmd.Wait()
	pieces := recorded()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return pieces, keysOf(t, string(b))
}

// TestOpenSSL: what Go's own TLS does not do.
func TestOpenSSL(t *testing.T) {
	check := func(t *testing.T, pieces []piece, keys *Keys, want string, unread bool) {
		t.Helper()
		got, tally := decrypt(t, keys, pieces, whole)
		if g := got.text[0].String(); g != want || (tally.Unread > 0) != unread || tally.Sessions != 1 {
			t.Errorf("got %q, %+v, want %q", g, tally, want)
		}
		got, _ = decrypt(t, keys, pieces, func(int) int { return 1 })
		if g := got.text[0].String(); g != want {
			t.Errorf("byte by byte: got %q, want %q", g, want)
		}
	}
	for _, suite := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"} {
		t.Run(suite, func(t *testing.T) {
			o := startOpenSSL(t, "-ciphersuites", suite)
			pieces, keys := o.client(t, []string{"one", "two"})
			check(t, pieces, keys, "one\ntwo\n", false)
		})
	}
	t.Run("key updates", func(t *testing.T) {
		o := startOpenSSL(t)
		pieces, keys := o.client(t, []string{"one", "K", "two", "k", "three"})
		check(t, pieces, keys, "one\ntwo\nthree\n", false)
	})
	t.Run("a retried hello", func(t *testing.T) {
		o := startOpenSSL(t, "-groups", "P-384")
		pieces, keys := o.client(t, []string{"one"}, "-groups", "X25519:P-384")
		if n := strings.Count(joined(pieces, 1), string(retry[:])); n != 1 {
			t.Fatalf("%d retries on the wire, want 1", n)
		}
		check(t, pieces, keys, "one\n", false)
	})
	for _, refused := range []bool{false, true} {
		name := map[bool]string{false: "early data", true: "early data that is refused"}[refused]
		t.Run(name, func(t *testing.T) {
			args := []string{"-early_data"}
			if refused {
				args = append(args, "-naccept", "2") // the look whether it listens, and a client
			}
			o := startOpenSSL(t, args...)
			session, early := filepath.Join(o.dir, "session"), filepath.Join(o.dir, "early")
			if err := os.WriteFile(early, []byte("GET /early\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			o.client(t, []string{"one"}, "-sess_out", session)
			if refused {
				o.restart(t) // another server does not know the ticket
			}
			pieces, keys := o.client(t, []string{"two"}, "-sess_in", session, "-early_data", early)
			if refused {
				check(t, pieces, keys, "two\n", true)
			} else {
				check(t, pieces, keys, "GET /early\ntwo\n", false)
			}
		})
	}
}

// restart puts another server in the place of one that ended after its connections.
func (o *openssl) restart(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", o.address)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	o.serve(t)
}

func joined(pieces []piece, side int) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.side == side {
			b.Write(p.b)
		}
	}
	return b.String()
}
