package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"trafficreplay/capture/wire"
)

// The sides of a connection.
const (
	clientSide   = 0
	upstreamSide = 1
)

// stream is one end of a relay: TCP, or TLS on it.
type stream struct {
	net.Conn // of which bytes are read and written
	tcp      *net.TCPConn
}

// finish says that no more bytes will be written.
func (s *stream) finish() {
	if t, ok := s.Conn.(*tls.Conn); ok {
		_ = t.CloseWrite() // who has gone need not be told
	}
	_ = s.tcp.CloseWrite()
}

// release is finish where the peer is to end soon too.
func (s *stream) release() {
	s.finish()
	_ = s.tcp.SetReadDeadline(time.Now().Add(lingerFor))
}

// reset tears the connection down, so that the peer sees that it did not come to its end.
func (s *stream) reset() {
	_ = s.tcp.SetLinger(0)
	_ = s.tcp.Close()
}

// conn is a client's connection and the upstream's that belongs to it.
type conn struct {
	p      *Proxy
	client stream
	server stream // once it is connected

	mu   sync.Mutex
	gone bool // we have ended it ourselves

	torn     atomic.Bool // a side was torn down, so that the other shall be
	answered atomic.Bool // the upstream sends no more

	ends   [2]netip.AddrPort
	secure bool
	lost   [2]int64 // bytes of a side for which the tape had no room; each belongs to its side's goroutine
	early  []byte   // what the client sent before the upstream was connected

	put   atomic.Int64 // events on the tape
	blind atomic.Bool  // the tape does not have everything
	last  atomic.Int64 // when bytes were read last
	from  atomic.Int32 // the side that they came from
	held  atomic.Int32 // pieces that were read and that the other side has not taken yet

	// These belong to the recorder.
	played int64
	wire   *wire.Conn
	ended  [2]bool
}

func newConn(p *Proxy, client *net.TCPConn) *conn {
	c := &conn{p: p, client: stream{client, client}}
	c.ends = [2]netip.AddrPort{client.RemoteAddr().(*net.TCPAddr).AddrPort(), client.LocalAddr().(*net.TCPAddr).AddrPort()}
	c.last.Store(time.Now().UnixNano())
	return c
}

// shut tears both connections down. It may be called at any time by anyone.
func (c *conn) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	c.client.reset()
	if c.server.tcp != nil {
		c.server.reset()
	}
}

// release closes both connections once nothing is under way. It may be called at any time by anyone.
func (c *conn) release() {
	c.mu.Lock()
	client, server, gone := c.client, c.server, c.gone
	c.gone = true
	c.mu.Unlock()
	if gone {
		return
	}
	client.release() // without the lock: within TLS it waits for what is being written, which shut ends
	if server.tcp != nil {
		server.release()
	}
}

// attach takes the upstream's connection. It is false where nobody wants it any more.
func (c *conn) attach(s stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		s.reset()
		return false
	}
	c.server = s
	return true
}

const (
	// lingerFor is how long what a client still sends is read after the upstream has ended: were the connection closed at
	// once, the system would throw away what the client has not read yet of the last response.
	lingerFor = 500 * time.Millisecond
	// halfOpenFor is how long a client has to end after the upstream has said that it will send no more.
	halfOpenFor = time.Minute

	smallRead = 4 << 10
	largeRead = 64 << 10
)

// largeBuffers are for sides that are sending much.
var largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeRead); return &b }}

// serve relays until both sides have ended.
func (c *conn) serve() {
	defer c.client.tcp.Close()
	if !c.connect() {
		return
	}
	defer c.server.tcp.Close()
	var down sync.WaitGroup
	down.Go(c.answers)
	c.requests()
	down.Wait()
	if c.torn.Load() {
		c.client.reset()
		if !c.isGone() {
			c.p.aborted.Add(1)
		}
	}
}

func (c *conn) isGone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// requests passes on what the client sends.
func (c *conn) requests() {
	broken := false // the upstream takes no more
	pass := func(b []byte) {
		if broken {
			return
		}
		if _, err := c.server.Write(b); err != nil {
			broken = true
			c.torn.Store(true)
			c.hurry() // where its last answer has come already; else the end of that does it
		}
	}
	if len(c.early) > 0 {
		pass(c.early)
		c.early = nil
	}
	err := c.read(&c.client, clientSide, pass)
	switch {
	case isEnd(err):
		c.server.finish()
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.torn.Store(true)
		fallthrough
	default:
		c.server.reset()
	}
}

// hurry bounds how long is waited for the client where the upstream has ended.
func (c *conn) hurry() {
	if c.answered.Load() {
		c.waitFor(lingerFor)
	}
}

// waitFor bounds how long is waited for the client, unless that is bounded for good.
func (c *conn) waitFor(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		_ = c.client.tcp.SetReadDeadline(time.Now().Add(d))
	}
}

// answers passes on what the upstream sends.
func (c *conn) answers() {
	err := c.read(&c.server, upstreamSide, func(b []byte) {
		if _, err := c.client.Write(b); err != nil {
			c.torn.Store(true)
			c.server.reset()
		}
	})
	c.answered.Store(true)
	switch {
	case c.torn.Load():
	case isEnd(err):
		c.client.finish()
		if c.waitFor(halfOpenFor); !c.torn.Load() { // meanwhile
			return
		}
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.torn.Store(true)
	}
	c.hurry()
}

// isEnd reports whether a side has said that it will send no more. Many do not say so within TLS.
func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// read reads a side until its end, which is the error, and gives away each piece. A side that sends much gets a large
// buffer as long as it does; most wait most of the time.
func (c *conn) read(from *stream, side int, pass func(b []byte)) error {
	small := make([]byte, smallRead)
	buf, large := small, (*[]byte)(nil)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			c.held.Add(1)
			c.record(side, buf[:n])
			pass(buf[:n])
			c.held.Add(-1)
		}
		switch {
		case err != nil:
			if large != nil {
				largeBuffers.Put(large)
			}
			c.recordEnd(side, !isEnd(err))
			return err
		case n == len(small) && large == nil:
			large = largeBuffers.Get().(*[]byte)
			buf = *large
		case n < len(small) && large != nil:
			largeBuffers.Put(large)
			buf, large = small, nil
		}
	}
}

// record puts what was read on the tape, before it is passed on: so a request stands there before its answer.
func (c *conn) record(side int, b []byte) {
	now := time.Now().UnixNano()
	c.last.Store(now)
	c.from.Store(int32(side))
	c.p.bytes.Add(int64(len(b)))
	if c.p.tape.put(event{c: c, side: int8(side), at: now, lost: c.lost[side]}, b) {
		c.lost[side] = 0
		c.put.Add(1)
		return
	}
	c.blind.Store(true)
	c.lost[side] += int64(len(b))
	c.p.recorder.lost.Add(int64(len(b)))
}

// recordEnd puts the end of a side on the tape, where there is something of the connection.
func (c *conn) recordEnd(side int, reset bool) {
	if c.put.Load() == 0 {
		return
	}
	e := event{c: c, side: int8(side), at: time.Now().UnixNano(), lost: c.lost[side], end: true, reset: reset}
	if c.p.tape.put(e, nil) {
		c.put.Add(1)
	}
}
