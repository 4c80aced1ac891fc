package send

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"

	"trafficreplay/replay"
)

// guardError marks what a guard refused.
type guardError struct{ error }

// tlsConfig is the configuration of connections to t.
func (e *Engine) tlsConfig(t *Target) *tls.Config {
	c := &tls.Config{}
	if e.o.TLS != nil {
		c = e.o.TLS.Clone()
	}
	c.ServerName, c.NextProtos = t.ServerName, []string{"http/1.1"}
	if c.ServerName == "" {
		c.ServerName = t.Host
		if host, _, err := net.SplitHostPort(t.Host); err == nil {
			c.ServerName = host
		}
	}
	c.InsecureSkipVerify = c.InsecureSkipVerify || e.o.Insecure
	if c.ClientSessionCache == nil {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if check := e.o.CheckCertificate; check != nil {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return guardError{errors.New("no certificate")}
			}
			if err := check(s.PeerCertificates[0]); err != nil {
				return guardError{err}
			}
			return nil
		}
	}
	return c
}

// dial opens a connection to one of the target's addresses, the TLS handshake included.
func (p *portable) dial(ctx context.Context, x *exchange) (*countedConn, replay.ErrKind) {
	s := &x.item.shot
	t := &p.r.e.o.Targets[s.Target]
	kind := replay.ErrDial
	for i := range len(t.Addrs) {
		addr := t.Addrs[(mix(p.r.owner(s))+uint64(i))%uint64(len(t.Addrs))]
		if allow := p.r.e.o.Allow; allow != nil && allow(addr) != nil {
			return nil, replay.ErrGuard
		}
		p.reserve()
		raw, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", addr.String())
		if err != nil {
			p.r.open.Add(-1)
			if kind = p.dialFailed(ctx, err); kind == replay.ErrDial {
				continue
			}
			return nil, kind
		}
		c := &countedConn{Conn: raw, raw: raw, r: p.r}
		if config := p.r.e.tls[s.Target]; config != nil {
			if kind := p.handshake(ctx, c, config); kind != replay.ErrNone {
				_ = c.Close()
				return nil, kind
			}
		}
		return c, replay.ErrNone
	}
	return nil, kind
}

func (p *portable) handshake(ctx context.Context, c *countedConn, config *tls.Config) replay.ErrKind {
	client := tls.Client(c.raw, config)
	c.Conn = client
	err := client.HandshakeContext(ctx)
	if err == nil {
		return replay.ErrNone
	}
	if _, refused := errors.AsType[guardError](err); refused {
		return replay.ErrGuard
	}
	if kind := p.dialFailed(ctx, err); kind == replay.ErrAborted || kind == replay.ErrTimeout {
		return kind
	}
	return replay.ErrTLS
}

func (p *portable) dialFailed(ctx context.Context, err error) replay.ErrKind {
	switch {
	case p.r.ctx.Err() != nil:
		return replay.ErrAborted
	case ctx.Err() != nil || isTimeout(err):
		return replay.ErrTimeout
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return replay.ErrResource
		}
	}
	if errors.Is(err, syscall.ECONNRESET) { // it was open for a moment
		return replay.ErrReset
	}
	return replay.ErrDial
}

// reserve counts a connection that is about to be opened, before any other can take its descriptor. It closes the
// connections that have been idle for longest while none is left.
func (p *portable) reserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.r.open.Load() >= p.r.e.budget && p.idle.oldest != none {
		c := p.conns[p.idle.oldest]
		p.idle.remove(c.slot)
		_ = c.nc.Close()
		p.r.evicted.Add(1)
	}
	p.r.open.Add(1)
}
