package send

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"trafficreplay/replay"
)

// authority signs the certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.pool.AddCert(a.cert)
	return a
}

// issue fills in what template leaves open and signs it; a itself, while it has no certificate, is self-signed.
func (a *authority) issue(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: "test"}
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) leaf(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	c := &x509.Certificate{DNSNames: []string{name}}
	if !until.IsZero() {
		c.NotBefore, c.NotAfter = until.Add(-time.Hour), until
	}
	cert, key := a.issue(t, c)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// serveTLS answers with response over TLS.
func serveTLS(t *testing.T, config *tls.Config, response string, seen func(*tls.Conn)) Target {
	t.Helper()
	to := server(t, func(_ int, raw *net.TCPConn) {
		c := tls.Server(raw, config)
		if c.Handshake() != nil {
			// A close with unread bytes would reset the connection, and the alert with it.
			_ = raw.CloseWrite()
			_, _ = io.Copy(io.Discard, raw)
			return
		}
		if seen != nil {
			seen(c)
		}
		requests(c, func(q *http.Request) bool {
			_, err := io.WriteString(c, response)
			return err == nil && !q.Close && response == okResponse
		})
	})
	to.Scheme, to.ServerName = "https", "staging.example"
	return to
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.leaf(t, "staging.example", time.Time{})
	refuse := func(*x509.Certificate) error { return errors.New("that is production") }
	tests := []struct {
		name     string
		server   *tls.Config
		insecure bool
		check    func(*x509.Certificate) error
		response string
		want     replay.ErrKind
	}{
		{"good", &tls.Config{Certificates: []tls.Certificate{good}}, false, nil, okResponse, replay.ErrNone},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, false, nil, okResponse, replay.ErrNone},
		{"expired", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "staging.example", time.Now().Add(-time.Hour))}}, false, nil, okResponse, replay.ErrTLS},
		{"wrong name", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "shop.example", time.Time{})}}, false, nil, okResponse, replay.ErrTLS},
		{"unknown authority", &tls.Config{Certificates: []tls.Certificate{other.leaf(t, "staging.example", time.Time{})}}, false, nil, okResponse, replay.ErrTLS},
		{"unknown authority, insecure", &tls.Config{Certificates: []tls.Certificate{other.leaf(t, "x", time.Time{})}}, true, nil, okResponse, replay.ErrNone},
		{"old version", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11}, false, nil, okResponse, replay.ErrTLS},
		{"refused certificate", &tls.Config{Certificates: []tls.Certificate{good}}, false, refuse, okResponse, replay.ErrGuard},
		{"refused certificate, insecure", &tls.Config{Certificates: []tls.Certificate{good}}, true, refuse, okResponse, replay.ErrGuard},
		{"until close", &tls.Config{Certificates: []tls.Certificate{good}}, false, nil, "HTTP/1.1 200 OK\r\n\r\nabc", replay.ErrNone},
		{"cut", &tls.Config{Certificates: []tls.Certificate{good}}, false, nil, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", replay.ErrTruncated},
		{"client certificate wanted", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, false, nil, okResponse, replay.ErrTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Insecure: tt.insecure, CheckCertificate: tt.check, TLS: &tls.Config{RootCAs: ca.pool}}
			o.Targets = []Target{serveTLS(t, tt.server, tt.response, nil)}
			for _, r := range runShots(t, o, shots(5, time.Millisecond)) {
				checkKind(t, &r, tt.want, 0)
			}
		})
	}
}

// TestTLSPeers: servers that do not get as far as a certificate.
func TestTLSPeers(t *testing.T) {
	tests := []struct {
		name  string
		serve func(int, *net.TCPConn)
		want  replay.ErrKind
	}{
		{"plain http", func(_ int, c *net.TCPConn) { _, _ = io.WriteString(c, okResponse); hang(0, c) }, replay.ErrTLS},
		{"closes", func(_ int, c *net.TCPConn) { _, _ = c.Read(make([]byte, 2000)) }, replay.ErrTLS},
		{"resets", func(_ int, c *net.TCPConn) { _, _ = c.Read(make([]byte, 2000)); rst(c) }, replay.ErrTLS},
		{"says nothing", hang, replay.ErrTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := server(t, tt.serve)
			to.Scheme = "https"
			for _, r := range runShots(t, Options{Targets: []Target{to}, Timeout: 300 * time.Millisecond}, shots(3, 0)) {
				checkKind(t, &r, tt.want, 300*time.Millisecond)
			}
		})
	}
}

// TestTLSHandshake: the name goes into the handshake, http/1.1 is the protocol, and sessions are resumed.
func TestTLSHandshake(t *testing.T) {
	ca := newAuthority(t)
	var resumed, others atomic.Int32
	config := &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "staging.example", time.Time{})}, NextProtos: []string{"h2", "http/1.1"}}
	to := serveTLS(t, config, okResponse, func(c *tls.Conn) {
		s := c.ConnectionState()
		if s.ServerName != "staging.example" || s.NegotiatedProtocol != "http/1.1" {
			t.Errorf("server name %q, protocol %q", s.ServerName, s.NegotiatedProtocol)
		}
		if s.DidResume {
			resumed.Add(1)
		} else {
			others.Add(1)
		}
	})
	rs := runShots(t, Options{Targets: []Target{to}, Connections: PerRequest, TLS: &tls.Config{RootCAs: ca.pool}}, shots(10, 30*time.Millisecond))
	answered(t, rs)
	if resumed.Load() == 0 {
		t.Errorf("%d sessions resumed, %d not", resumed.Load(), others.Load())
	}
	for _, r := range rs {
		if r.ConnectNS <= 0 || r.ConnectNS > int64(r.Service()) {
			t.Errorf("ConnectNS %d within %v", r.ConnectNS, r.Service())
		}
	}
}

// TestMixed: http and https targets in one run, each on its own kind of worker.
func TestMixed(t *testing.T) {
	ca := newAuthority(t)
	secure := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "staging.example", time.Time{})}}, okResponse, nil)
	o := Options{Targets: []Target{answering(t, okResponse), secure}, TLS: &tls.Config{RootCAs: ca.pool}, Loops: 2}
	s := shots(400, 200*time.Microsecond)
	for i := range s {
		s[i].Target, s[i].Client = i%2, uint64(i%13)
	}
	answered(t, runShots(t, o, s))
}
