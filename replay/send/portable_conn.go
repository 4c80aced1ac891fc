package send

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"trafficreplay/replay"
)

const readSize = 4 << 10 // of each open connection's buffer

// countedConn counts an open connection until it is closed.
type countedConn struct {
	net.Conn
	raw    net.Conn // below TLS
	r      *run
	closed atomic.Bool
}

// Close never waits for the peer: a close_notify is not worth blocking for.
func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.r.open.Add(-1)
	}
	return c.raw.Close()
}

// netConn is one connection. Its reader runs for as long as it is open.
type netConn struct {
	p      *portable
	nc     *countedConn
	slot   int32
	owner  uint64
	target int32

	// guarded by p.mu
	x       *exchange // in flight; nil: idle
	writing bool
	dead    bool // the reader has left
	used    bool // has carried a shot before
	resp    response
}

// send puts x on c and reports false if c turned out closed before a byte was taken: x then belongs to the caller.
func (c *netConn) send(x *exchange) bool {
	p := c.p
	p.mu.Lock()
	if c.dead {
		p.mu.Unlock()
		return false
	}
	reused := c.used
	c.x, c.used, c.writing = x, true, true
	c.resp.reset(x.item.shot.Request.Method == "HEAD", p.r.e.o.MaxBody)
	_ = c.nc.SetDeadline(x.deadline)
	p.mu.Unlock()
	n, err := c.write(x)
	p.mu.Lock()
	c.writing = false
	if err != nil && n == 0 && reused && !c.resp.any && !isTimeout(err) && !p.r.aborted.Load() { // closed while it was idle
		c.x, x.over, x.kind = nil, false, replay.ErrNone
		p.mu.Unlock()
		_ = c.nc.Close()
		return false
	}
	x.res.BytesOut = n
	if !x.over {
		p.mu.Unlock()
		return true // after an error the reader finds out what the server had to say before
	}
	if err != nil && x.keep {
		x.keep = false
		_ = c.nc.Close()
	}
	c.conclude(x) // unlocks
	return true
}

// conclude reports how x ended, and gives the connection to whoever is next. It unlocks p.mu.
func (c *netConn) conclude(x *exchange) {
	p := c.p
	c.x = nil
	var next *exchange
	if x.keep && !c.dead {
		next = c.rest(x)
	}
	p.mu.Unlock()
	p.settle(x)
	if next != nil {
		p.wg.Go(func() { p.shoot(next, c) })
	}
}

// write sends the request; a small body leaves together with its head.
func (c *netConn) write(x *exchange) (int64, error) {
	head, body := x.item.head, x.item.body
	if len(body) <= inlineBody {
		head, body = append(head, body...), nil
	}
	n, err := c.nc.Write(head)
	total := int64(n)
	for err == nil && len(body) > 0 {
		n, err = c.nc.Write(body[:min(len(body), 256<<10)])
		total += int64(n)
		body = body[n:]
	}
	return total, err
}

// readAll reads until the connection is of no use any more.
func (c *netConn) readAll() {
	buf := make([]byte, readSize)
	for {
		n, err := c.nc.Read(buf)
		if !c.got(buf[:n], err, c.p.r.now()) {
			break
		}
	}
	_ = c.nc.Close()
	c.p.released(int(c.target))
}

// got handles what was read and reports whether to go on. On false the connection has been taken out of the table.
func (c *netConn) got(b []byte, err error, now int64) bool {
	p := c.p
	p.mu.Lock()
	x := c.x
	if x == nil || x.over { // idle: the server has closed, speaks unasked, or the idle time is over
		c.leave()
		p.mu.Unlock()
		return false
	}
	stale := now < x.res.Sent+x.res.WaitNS // read while c was idle; meanwhile x was given to it
	now = max(now, x.res.Sent+x.res.WaitNS)
	if len(b) > 0 && x.res.BytesIn == 0 {
		x.res.First = now
	}
	x.res.BytesIn += int64(len(b))
	used, kind := c.resp.feed(b)
	switch {
	case stale && len(b) > 0:
		kind = replay.ErrProtocol
	case kind == replay.ErrNone && c.resp.phase == complete && used < len(b):
		kind = replay.ErrProtocol
	case kind == replay.ErrNone && c.resp.phase != complete && err != nil:
		kind = c.broke(err)
	}
	if kind == replay.ErrNone && c.resp.phase != complete {
		p.mu.Unlock()
		return true
	}
	x.over, x.kind, x.done, x.code = true, kind, now, c.resp.status
	x.keep = kind == replay.ErrNone && err == nil && c.resp.keep && p.r.e.o.Connections != PerRequest
	keep := x.keep
	if !keep {
		c.leave()
	}
	if c.writing { // the writer concludes; it may be stuck, as the server need not read the rest
		_ = c.nc.SetWriteDeadline(time.Unix(1, 0))
		p.mu.Unlock()
	} else {
		c.conclude(x) // unlocks
	}
	return keep
}

// rest makes c idle, or gives it to the next shot of its pool's queue. p.mu is held.
func (c *netConn) rest(x *exchange) *exchange {
	p := c.p
	if p.pools != nil {
		if next := p.pools[c.target].next(); next != nil {
			_ = c.nc.SetDeadline(next.deadline)
			return next
		}
	}
	_ = c.nc.SetDeadline(time.Now().Add(time.Duration(p.r.idleFor(&x.item.shot))))
	p.idle.put(c.slot, c.owner, c.target)
	return nil
}

// leave takes c out of the table. p.mu is held.
func (c *netConn) leave() {
	c.dead = true
	c.p.idle.remove(c.slot)
	c.p.conns[c.slot] = nil
	c.p.free = append(c.p.free, c.slot)
}

// broke is what an error of the connection means for the response.
func (c *netConn) broke(err error) replay.ErrKind {
	switch {
	case c.p.r.aborted.Load():
		return replay.ErrAborted
	case isTimeout(err):
		return replay.ErrTimeout
	case isTLS(err):
		return replay.ErrTLS
	case errors.Is(err, io.EOF):
		return c.resp.end()
	}
	return lost(&c.resp)
}

// lost is the kind of failure when a connection breaks before its response is complete.
func lost(p *response) replay.ErrKind {
	if p.any {
		return replay.ErrTruncated
	}
	return replay.ErrReset
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT)
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err) // how crypto/tls wraps the alerts that it sends and receives
	return ok && (op.Op == "remote error" || op.Op == "local error")
}
