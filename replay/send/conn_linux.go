package send

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// bodyPiece is how much of a large body is offered to the kernel at once.
const bodyPiece = 256 << 10

type connState uint8

const (
	busy       connState = iota // with a shot
	connecting                  // with a shot that waits for the connection
	idle
)

// conn is one connection and the shot that it carries.
type conn struct {
	fd      int32 // none: the slot is free
	gen     int32 // counts the sockets that this slot has had, so that an old one's events are told apart
	state   connState
	out     bool  // epoll reports when it can be written
	broken  bool  // sending failed: only what has arrived already can still be read
	reused  bool  // has carried another shot before
	tries   int32 // addresses tried
	target  int32
	owner   uint64
	dialled int64 // instant at which opening began
	idleNS  int64
	head    []byte // unsent; in the batch's memory until the first attempt to send, then in kept
	body    []byte // unsent, behind head
	kept    []byte
	resp    response
	res     replay.Result
}

func (c *conn) unsent() bool { return len(c.head)+len(c.body) > 0 }

// newConn takes a free slot.
func (l *loop) newConn(s *plan.Shot) int32 {
	if len(l.free) == 0 {
		l.conns = append(l.conns, conn{fd: none})
		l.free = append(l.free, int32(len(l.conns)-1))
	}
	slot := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	c := &l.conns[slot]
	c.target, c.owner, c.reused = int32(s.Target), l.r.owner(s), false
	if l.pools != nil {
		l.pools[s.Target].open++
	}
	return slot
}

// load puts a shot on a connection.
func (l *loop) load(slot int32, it *item, sent, now int64) {
	c := &l.conns[slot]
	c.state, c.head, c.body = busy, it.head, it.body
	c.idleNS = l.r.idleFor(&it.shot)
	c.res = result(&it.shot)
	c.res.Sent, c.res.WaitNS = sent, now-sent
	c.tries, c.dialled, c.broken = 0, now, false
	c.resp.reset(it.shot.Request.Method == "HEAD", l.r.e.o.MaxBody)
	l.times.set(slot, sent+int64(l.r.e.o.Timeout))
	l.busy++
}

// connect opens slot's connection to the next of its target's addresses, until one does not refuse. The shot fails
// with kind when none is left.
func (l *loop) connect(slot int32, kind replay.ErrKind) {
	c := &l.conns[slot]
	c.res.NewConn, c.reused = true, false
	addrs := l.r.e.o.Targets[c.target].Addrs
	for int(c.tries) < len(addrs) && kind == replay.ErrDial {
		addr := addrs[(mix(c.owner)+uint64(c.tries))%uint64(len(addrs))]
		c.tries++
		if allow := l.r.e.o.Allow; allow != nil && allow(addr) != nil {
			kind = replay.ErrGuard
			break
		}
		l.makeRoom()
		err := l.dial(slot, addr)
		if err == nil {
			return
		}
		kind = dialKind(err)
	}
	l.fail(slot, kind)
}

// dial begins a connection and tries to send at once: on loopback the connection is there already.
func (l *loop) dial(slot int32, a netip.AddrPort) error {
	fd, err := dialSocket(a)
	if err != nil {
		return err
	}
	c := &l.conns[slot]
	l.r.open.Add(1)
	c.fd, c.gen, c.state = int32(fd), c.gen+1, connecting
	err = l.push(c)
	if err != nil && err != unix.EAGAIN && c.res.BytesOut == 0 {
		l.hangUp(c)
		return err
	}
	c.out = err == unix.EAGAIN
	ev := unix.EpollEvent{Events: c.interest(), Fd: slot, Pad: c.gen}
	if err := unix.EpollCtl(l.poll.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		l.hangUp(c)
		return unix.ENOMEM
	}
	return nil // an error after the first byte shows when the response is read
}

func (c *conn) interest() uint32 {
	if c.out {
		return unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLOUT
	}
	return unix.EPOLLIN | unix.EPOLLRDHUP
}

// dialSocket begins a connection without waiting for it.
func dialSocket(a netip.AddrPort) (fd int, err error) {
	var sa unix.Sockaddr
	family := unix.AF_INET
	if ip := a.Addr().Unmap(); ip.Is4() {
		sa = &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	} else {
		family = unix.AF_INET6
		sa = &unix.SockaddrInet6{Port: int(a.Port()), Addr: ip.As16()}
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err == nil {
		err = unix.Connect(fd, sa)
	}
	if err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// makeRoom closes the connections that have been idle for longest while no descriptor is left for another.
func (l *loop) makeRoom() {
	for l.r.open.Load() >= l.r.e.budget && l.idle.oldest != none {
		slot := l.idle.oldest
		l.idle.remove(slot)
		l.drop(slot)
		l.r.evicted.Add(1)
	}
}

// push sends what can be sent now: nil when that is everything, EAGAIN when the rest must wait.
func (l *loop) push(c *conn) error {
	for c.unsent() {
		p, flags := c.head, 0
		if len(p) == 0 {
			p = c.body[:min(len(c.body), bodyPiece)]
		} else if len(c.body) > 0 {
			flags = unix.MSG_MORE
		}
		n, err := write(c.fd, p, flags)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			if err == unix.EAGAIN && len(c.head) > 0 {
				c.kept = append(c.kept[:0], c.head...) // the batch goes back to the feeder
				c.head = c.kept
			}
			return err
		}
		if c.state == connecting {
			c.state = busy
			c.res.ConnectNS = l.r.now() - c.dialled
		}
		c.res.BytesOut += int64(n)
		if len(c.head) > 0 {
			c.head = c.head[n:]
		} else {
			c.body = c.body[n:]
		}
	}
	return nil
}

// flush goes on sending.
func (l *loop) flush(slot int32) {
	c := &l.conns[slot]
	err := l.push(c)
	switch {
	case err == nil || err == unix.EAGAIN:
		if c.out != (err != nil) {
			c.out = err != nil
			ev := unix.EpollEvent{Events: c.interest(), Fd: slot, Pad: c.gen}
			if unix.EpollCtl(l.poll.fd, unix.EPOLL_CTL_MOD, int(c.fd), &ev) != nil {
				l.fail(slot, replay.ErrResource)
			}
		}
	case c.state == connecting:
		l.hangUp(c)
		l.connect(slot, dialKind(err))
	case c.reused && c.res.BytesOut == 0: // closed while it was idle: the kernel took no byte, so this sends nothing twice
		l.hangUp(c)
		c.tries, c.dialled = 0, l.r.now()
		l.connect(slot, replay.ErrDial)
	default: // the server may have answered before it closed
		c.head, c.body, c.broken = nil, nil, true
		l.receive(slot, true)
	}
}

// receive reads what has arrived; last says that the server will send no more than that.
func (l *loop) receive(slot int32, last bool) {
	c := &l.conns[slot]
	for range readBurst {
		n, err := unix.Read(int(c.fd), l.buf[:])
		now := l.r.now()
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if c.broken {
				l.fail(slot, lost(&c.resp))
			}
			return
		case err != nil:
			l.fail(slot, lost(&c.resp))
			return
		case n == 0:
			l.ended(slot, now)
			return
		}
		if c.res.BytesIn == 0 {
			c.res.First = now
		}
		c.res.BytesIn += int64(n)
		used, kind := c.resp.feed(l.buf[:n])
		switch {
		case kind != replay.ErrNone:
			l.fail(slot, kind)
			return
		case c.resp.phase == complete && used < n:
			l.fail(slot, replay.ErrProtocol)
			return
		case c.resp.phase == complete:
			l.finish(slot, now, c.resp.keep && !last)
			return
		case n < len(l.buf) && !last:
			return // epoll tells when there is more
		}
	}
}

// ended handles the end of what the server sends.
func (l *loop) ended(slot int32, now int64) {
	if kind := l.conns[slot].resp.end(); kind != replay.ErrNone {
		l.fail(slot, kind)
		return
	}
	l.finish(slot, now, false)
}

// finish reports an answered shot and keeps the connection if it may serve another.
func (l *loop) finish(slot int32, now int64, keep bool) {
	c := &l.conns[slot]
	c.res.Outcome, c.res.Status, c.res.Done = replay.Answered, c.resp.status, now
	keep = keep && !c.unsent() && !c.broken && l.r.e.o.Connections != PerRequest
	l.record(c)
	if !keep {
		l.drop(slot)
		return
	}
	c.state, c.reused = idle, true
	l.idle.put(slot, c.owner, c.target)
	l.times.set(slot, now+c.idleNS)
}

// fail reports a shot that got no complete response, and gives up its connection.
func (l *loop) fail(slot int32, kind replay.ErrKind) {
	c := &l.conns[slot]
	c.res.Outcome, c.res.Err, c.res.Done = replay.Failed, kind, l.r.now()
	l.record(c)
	l.drop(slot)
}

func (l *loop) record(c *conn) {
	l.busy--
	l.r.inflight.Add(-1)
	l.r.sink.Record(l.index, &c.res)
}

// drop gives up a connection and its slot.
func (l *loop) drop(slot int32) {
	c := &l.conns[slot]
	l.hangUp(c)
	c.head, c.body = nil, nil
	l.times.drop(slot)
	l.free = append(l.free, slot)
	if l.pools != nil {
		l.pools[c.target].open--
	}
}

func (l *loop) hangUp(c *conn) {
	if c.fd >= 0 {
		_ = unix.Close(int(c.fd))
		c.fd = none
		l.r.open.Add(-1)
	}
}

func dialKind(err error) replay.ErrKind {
	switch {
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
		return replay.ErrResource
	case errors.Is(err, unix.ETIMEDOUT):
		return replay.ErrTimeout
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE): // it was open for a moment
		return replay.ErrReset
	}
	return replay.ErrDial
}
