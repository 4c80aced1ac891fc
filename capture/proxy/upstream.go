package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// upstream is where connections go.
type upstream struct {
	dialer  net.Dialer
	address string
	tls     *tls.Config // nil: none
}

const (
	dialFor  = 10 * time.Second
	helloFor = 30 * time.Second // for a client's first bytes, where they are waited for
)

func newUpstream(o Options) upstream {
	u := upstream{dialer: net.Dialer{Timeout: dialFor}}
	port := o.Upstream.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[o.Upstream.Scheme]
	}
	u.address = net.JoinHostPort(o.Upstream.Hostname(), port)
	if o.Upstream.Scheme == "https" {
		u.tls = &tls.Config{ServerName: o.Upstream.Hostname(), RootCAs: o.Roots}
	}
	return u
}

// dial connects to the upstream. protocols are those to agree on within TLS.
func (u *upstream) dial(ctx context.Context, protocols []string) (stream, error) {
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	raw, err := u.dialer.DialContext(ctx, "tcp", u.address)
	if err != nil {
		return stream{}, err
	}
	tcp := raw.(*net.TCPConn)
	if u.tls == nil {
		return stream{tcp, tcp}, nil
	}
	config := u.tls.Clone()
	config.NextProtos = protocols
	secure := tls.Client(tcp, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return stream{}, errors.Join(err, tcp.Close())
	}
	return stream{secure, tcp}, nil
}

// connect connects the upstream. Where that fails it has told the client so.
func (c *conn) connect() bool {
	var err error
	switch {
	case c.p.o.Certificate != nil:
		err = c.connectSecure()
	case c.p.upstream.tls != nil:
		err = c.connectPlain()
	default:
		var s stream
		if s, err = c.p.upstream.dial(context.Background(), nil); err == nil {
			return c.attach(s)
		}
	}
	if err == nil {
		return true
	}
	if !errors.Is(err, errNoClient) && !c.isGone() {
		c.p.failed.Add(1)
		c.p.failure(err)
		c.refuse()
	}
	c.recordEnd(upstreamSide, true)
	c.recordEnd(clientSide, true)
	return false
}

// errNoClient means that the client went before it said anything that could be passed on.
var errNoClient = errors.New("the client has gone")

// connectPlain connects an upstream that speaks TLS for a client that does not. What the client says first tells which
// protocol to agree on.
func (c *conn) connectPlain() error {
	if !c.hear() {
		return errNoClient
	}
	protocols := []string{"http/1.1"}
	if bytes.HasPrefix(c.early, preface) {
		protocols = []string{"h2"}
	}
	s, err := c.p.upstream.dial(context.Background(), protocols)
	if err != nil {
		return err
	}
	if protocols[0] == "h2" && s.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol != "h2" {
		s.reset()
		return errors.New("it does not speak HTTP/2, and a client does")
	}
	if !c.attach(s) {
		return errNoClient
	}
	return nil
}

// preface is what HTTP/2 begins with (RFC 9113, section 3.4), as far as no method of HTTP/1 does.
var preface = []byte("PRI * HTTP/2")

// hear reads the client's first bytes, until they tell HTTP/2 from the rest.
func (c *conn) hear() bool {
	buf := make([]byte, smallRead)
	_ = c.client.tcp.SetReadDeadline(time.Now().Add(helloFor))
	for {
		n, err := c.client.Read(buf[len(c.early):])
		if n > 0 {
			c.record(clientSide, buf[len(c.early):len(c.early)+n])
			c.early = buf[:len(c.early)+n]
		}
		if err != nil {
			return false
		}
		if len(c.early) >= len(preface) || !bytes.HasPrefix(preface, c.early) {
			break
		}
	}
	return c.client.tcp.SetReadDeadline(time.Time{}) == nil
}

// connectSecure accepts TLS of the client, and agrees with it on the protocol that the upstream agrees on.
func (c *conn) connectSecure() error {
	var failed error
	config := &tls.Config{Certificates: []tls.Certificate{*c.p.o.Certificate}}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		var known []string
		for _, name := range hello.SupportedProtos {
			if name == "h2" || name == "http/1.1" {
				known = append(known, name)
			}
		}
		s, err := c.p.upstream.dial(hello.Context(), known)
		if failed = err; err != nil {
			return nil, err
		}
		if !c.attach(s) {
			return nil, errNoClient
		}
		agreed := config.Clone()
		agreed.GetConfigForClient = nil
		if t, ok := s.Conn.(*tls.Conn); !ok {
			agreed.NextProtos = []string{"http/1.1"} // nobody knows whether the upstream reads HTTP/2
		} else if p := t.ConnectionState().NegotiatedProtocol; p != "" {
			agreed.NextProtos = []string{p}
		}
		return agreed, nil
	}
	secure := tls.Server(c.client.tcp, config)
	ctx, cancel := context.WithTimeout(context.Background(), helloFor)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.server.tcp != nil {
			c.server.reset()
		}
		if failed != nil {
			return failed
		}
		return errNoClient
	}
	c.mu.Lock()
	c.client.Conn, c.secure = secure, true
	c.mu.Unlock()
	return nil
}

const badGateway = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 43\r\nConnection: close\r\n\r\n" +
	"replay proxy: the upstream is not reachable"

// refuse answers a client for whom the upstream could not be reached. The answer is no part of the record.
func (c *conn) refuse() {
	if c.p.o.Certificate != nil || len(c.early) == 0 && !c.hear() || bytes.HasPrefix(c.early, preface) {
		c.client.reset()
		return
	}
	if _, err := c.client.Write([]byte(badGateway)); err != nil {
		return
	}
	c.client.finish()
	_ = c.client.tcp.SetReadDeadline(time.Now().Add(lingerFor))
	_ = c.read(&c.client, clientSide, func([]byte) {})
}

// failure warns that the upstream could not be reached, now and then.
func (p *Proxy) failure(err error) {
	if !p.failures.due(time.Now()) {
		return
	}
	p.o.Warn(fmt.Sprintf("upstream %s: %s", p.upstream.address, reason(err)))
}

// reason is what went wrong, without the names that the caller has said.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	return strings.TrimPrefix(err.Error(), "connect: ")
}

// notItself refuses an upstream that is the listener: a connection to it would lead to another without end.
func (p *Proxy) notItself(ctx context.Context) error {
	host, port, err := net.SplitHostPort(p.upstream.address)
	if err != nil || port != fmt.Sprint(p.Addr().Port) {
		return err
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil // a dial will say so, if it is still so then
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, ip := range found {
		at := p.Addr().IP
		same := ip.IP.Equal(at) || ip.IP.IsUnspecified()
		for _, a := range own {
			n, ok := a.(*net.IPNet)
			same = same || ok && at.IsUnspecified() && (n.IP.Equal(ip.IP) || ip.IP.IsLoopback())
		}
		if same {
			return fmt.Errorf("the upstream %s is the proxy itself", p.upstream.address)
		}
	}
	return nil
}
