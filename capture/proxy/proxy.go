// Package proxy records the requests that it passes on: connections come in, the same bytes go to one upstream and
// back, and a [capture.Request] comes out for each request.
//
// It is a relay of bytes and no server of HTTP. Each connection of a client has its own connection to the upstream,
// and what either side sends reaches the other as it was sent, at the pace at which the other takes it: fields keep
// their order and their case, paths their escapes, bodies their framing, and HTTP/1, HTTP/2 and WebSockets work
// without being known. So nothing that a client sends can lead elsewhere or become part of another client's request.
//
// Recording stands beside that way. A relay copies what it has read, with the instant, to the tape, which is bounded.
// From there [wire.Decoder] makes requests, which wait on the shelf, also bounded, for who writes them. Where the disk
// is too slow, whole requests are left out and counted; where the processor is, bytes are, and the decoder goes on
// behind the gap. Neither makes a client wait.
//
//	client ⇄ relay ⇄ upstream
//	           ↓ tape (bytes)
//	        decoder
//	           ↓ shelf (requests)
//	         Sink
package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"trafficreplay/capture"
)

// Options settle what a Proxy does.
type Options struct {
	Upstream    *url.URL         // what ParseUpstream gave
	Certificate *tls.Certificate // of the listening side, which speaks TLS then; nil: it does not
	Roots       *x509.CertPool   // who may sign the upstream's certificate; nil: those that the system trusts

	Filter   *capture.Filter  // which requests are recorded; nil: all
	NoBodies bool             // count the bytes of bodies, but keep none
	Queue    int              // bytes of requests that may wait for the Sink; 0 means 64 MiB
	Warn     func(msg string) // may be called from several goroutines at once
}

// Sink takes what a Proxy records.
type Sink interface {
	// Write takes a request, which is valid for the call. A [*capture.SyntaxError] says that it did not, and why; any
	// other error ends the recording.
	Write(q *capture.Request) error
	// Tick is called at least once a second, never during a Write. An error ends the recording.
	Tick(now time.Time) error
}

const (
	defaultQueue   = 64 << 20
	maxConnections = 10_000
	otherFiles     = 32 // that may be open beside connections
	tickEvery      = time.Second
)

// DrainFor is how long requests that are under way have to end once a Proxy is stopped.
const DrainFor = 10 * time.Second

// Counts are what became of the connections of a Proxy.
type Counts struct {
	Connections int64 `json:"connections"`     // accepted
	Failed      int64 `json:"upstream_failed"` // of them those for which the upstream could not be reached
	Aborted     int64 `json:"aborted"`         // those that one side tore down
	Cut         int64 `json:"cut"`             // those that were still busy when the drain's time was up
	Bytes       int64 `json:"bytes"`           // passed on or answered, both directions
}

// Proxy passes connections on to one upstream and records what goes over them.
type Proxy struct {
	o        Options
	listener *net.TCPListener
	upstream upstream
	tape     *tape
	shelf    *shelf
	recorder *recorder

	slots  chan struct{} // one for each connection
	relays sync.WaitGroup
	mu     sync.Mutex
	open   map[*conn]struct{}

	accepted, failed, aborted, cut, bytes atomic.Int64
	account
}

// ParseUpstream reads the URL of an upstream: a scheme, a host and perhaps a port. There can be no path, since requests
// are passed on as they are.
func ParseUpstream(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("want http://HOST:PORT or https://HOST:PORT")
	case u.Hostname() == "":
		return nil, errors.New("there is no host")
	case !isPort(u.Port()):
		return nil, errors.New("want a port from 1 to 65535")
	case u.User != nil:
		return nil, errors.New("there is a user, and requests are passed on as they are")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("there is a path, and requests are passed on as they are: leave it out")
	}
	return u, nil
}

// isPort reports whether a port can be connected to; an empty one is the scheme's.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// Listen takes an address to accept connections on, such as ":8080".
func Listen(ctx context.Context, address string, o Options) (*Proxy, error) {
	if o.Queue == 0 {
		o.Queue = defaultQueue
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		o: o, listener: l.(*net.TCPListener), upstream: newUpstream(o),
		tape: newTape(), shelf: newShelf(o.Queue),
		slots: make(chan struct{}, connectionsWithin(openFiles())), open: map[*conn]struct{}{},
	}
	p.recorder = newRecorder(p)
	if err := p.notItself(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return p, nil
}

// connectionsWithin is how many connections there may be at a time where so many files may be open. Each takes two: were
// there more, a client whose request has been accepted could not be given a connection to the upstream.
func connectionsWithin(files int) int { return min(max((files-otherFiles)/2, 1), maxConnections) }

// Addr is the address that the Proxy listens on.
func (p *Proxy) Addr() *net.TCPAddr { return p.listener.Addr().(*net.TCPAddr) }

// Close gives up a Proxy that is not to Copy.
func (p *Proxy) Close() error { return p.listener.Close() }

// Counts are those so far.
func (p *Proxy) Counts() Counts {
	return Counts{p.accepted.Load(), p.failed.Load(), p.aborted.Load(), p.cut.Load(), p.bytes.Load()}
}

// Copy passes connections on and gives out what was recorded, until ctx ends. Then it accepts no more, closes each
// connection once no request is under way on it, and after DrainFor the others too. The error is the context's cause,
// or that of out: where the recording has failed, requests are passed on all the same until ctx ends.
func (p *Proxy) Copy(ctx context.Context, out Sink) error {
	var stages sync.WaitGroup
	stages.Go(func() {
		p.recorder.run()
		p.shelf.close()
	})
	stages.Go(func() {
		p.relays.Go(p.accept)
		<-ctx.Done()
		p.drain()
		p.tape.close()
	})
	err := p.write(out)
	stages.Wait()
	p.latest = nil
	if err == nil {
		err = p.recorder.failed
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// write gives requests to the sink as they come, until there will be no more.
func (p *Proxy) write(out Sink) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var failed error
	for more := true; more; {
		var ready []*parcel
		select {
		case <-p.shelf.wake:
			ready, more = p.shelf.take()
		case <-tick.C:
		}
		if failed == nil {
			failed = guarded(func() error { return p.keepAll(ready, out) })
			p.hasFailed(failed)
		}
		for _, r := range ready {
			p.shelf.giveBack(r)
		}
	}
	return failed
}

// keepAll gives what is ready to the sink.
func (p *Proxy) keepAll(ready []*parcel, out Sink) error {
	p.latest = nil
	for _, r := range ready {
		if err := p.keep(&r.q, out); err != nil {
			return err
		}
	}
	p.warn()
	return out.Tick(time.Now())
}

// hasFailed ends the recording where there is an error.
func (p *Proxy) hasFailed(err error) {
	if err != nil {
		p.tape.turnOff()
		p.o.Warn(fmt.Sprintf("recording has ended: %v; requests are still passed on, until you stop the proxy", err))
	}
}

// drain ends the accepting of connections and waits for those that are open.
func (p *Proxy) drain() {
	p.listener.Close()
	p.recorder.draining.Store(true)
	p.tape.ring()
	idle := make(chan struct{})
	go func() {
		p.relays.Wait()
		close(idle)
	}()
	late := time.NewTimer(DrainFor)
	defer late.Stop()
	select {
	case <-idle:
		return
	case <-late.C:
	}
	p.each(func(c *conn) {
		p.cut.Add(1)
		c.shut()
	})
	<-idle
}

// each calls do with every connection that is open.
func (p *Proxy) each(do func(c *conn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		do(c)
	}
}

// accept takes connections until the listener is closed.
func (p *Proxy) accept() {
	pause := time.Duration(0)
	for {
		p.slots <- struct{}{}
		client, err := p.listener.AcceptTCP()
		if err != nil {
			<-p.slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if pause == 0 {
				p.o.Warn(fmt.Sprintf("no connection can be accepted for now: %v", err))
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause) // the system has no file or memory left; accepting is all that there is to do
			continue
		}
		pause = 0
		p.accepted.Add(1)
		c := newConn(p, client)
		p.mu.Lock()
		p.open[c] = struct{}{}
		p.mu.Unlock()
		p.relays.Go(func() {
			c.serve()
			p.mu.Lock()
			delete(p.open, c)
			p.mu.Unlock()
			<-p.slots
		})
	}
}
