package proxy

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/wire"
)

// recorder makes requests of what is on the tape.
type recorder struct {
	p        *Proxy
	draining atomic.Bool  // connections on which nothing is under way are to be closed
	lost     atomic.Int64 // bytes for which the tape had no room

	mu     sync.Mutex // held while blocks are read
	wire   *wire.Decoder
	open   map[*conn]struct{}
	failed error // the decoder's: nothing is read any more
}

func newRecorder(p *Proxy) *recorder {
	r := &recorder{p: p, open: map[*conn]struct{}{}}
	r.wire = wire.NewDecoder(wire.Options{Source: "proxy", Emit: p.shelf.put, NoBodies: p.o.NoBodies})
	return r
}

const (
	// batchEvery is how often the tape is looked at while there is something on it: to be woken for each piece would take
	// more of the processor than to read it, and some of that on the way of a request.
	batchEvery = 10 * time.Millisecond
	// drainEvery is how often connections are looked at that are to be closed.
	drainEvery = 20 * time.Millisecond
)

// run reads the tape to its end.
func (r *recorder) run() {
	var blocks []*block
	for more := true; more; {
		r.wait(len(blocks) > 0)
		blocks, more = r.p.tape.take(blocks[:0])
		r.mu.Lock()
		for _, b := range blocks {
			if r.failed == nil {
				r.failed = guarded(func() error { r.play(b); return nil })
				r.p.hasFailed(r.failed)
			}
			r.p.tape.giveBack(b)
		}
		r.mu.Unlock()
		if r.draining.Load() {
			r.closeIdle(time.Now())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return
	}
	r.failed = guarded(func() error {
		for c := range r.open { // whose ends the tape had no room for
			r.end(c, clientSide, c.last.Load(), true)
			r.end(c, upstreamSide, c.last.Load(), true)
		}
		return nil
	})
}

// guarded makes an error of a panic. What clients send is read here beside the way of their requests, and no mistake
// in that may end those.
func guarded(do func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("a mistake of this program: %v", x)
		}
	}()
	return do()
}

// wait waits for something on the tape. busy: there was something the last time.
func (r *recorder) wait(busy bool) {
	pause := batchEvery
	if r.draining.Load() {
		pause = drainEvery
	} else if !busy {
		r.p.tape.sleep()
		pause = time.Hour
	}
	select {
	case <-r.p.tape.wake:
	case <-time.After(pause):
	}
}

// play gives a block to the decoder.
func (r *recorder) play(b *block) {
	data := b.data
	for i := range b.events {
		e := &b.events[i]
		c, side := e.c, int(e.side)
		c.played++
		if c.ended[side] {
			continue // its end was told twice
		}
		if c.wire == nil {
			c.wire = r.wire.Open(c.ends)
			c.wire.Secure = c.secure
			r.open[c] = struct{}{}
		}
		if e.lost > 0 {
			c.wire.Gap(side, e.at, e.lost, reasonFull)
		}
		if e.size > 0 {
			c.wire.Data(side, e.at, data[:e.size])
			data = data[e.size:]
		}
		if e.end {
			r.end(c, side, e.at, e.reset)
		}
	}
}

func (r *recorder) end(c *conn, side int, at int64, reset bool) {
	c.wire.End(side, at, reset)
	c.ended[side] = true
	if c.ended[0] && c.ended[1] {
		delete(r.open, c)
		c.wire = nil
	}
}

const (
	quietFor = 50 * time.Millisecond // after which a connection without a request is closed in a drain
	blindFor = time.Second           // the same where the tape does not tell
)

// closeIdle closes the connections on which no request is under way.
func (r *recorder) closeIdle(now time.Time) {
	r.p.each(func(c *conn) {
		quiet := now.Sub(time.Unix(0, c.last.Load()))
		idle := false
		if c.blind.Load() || r.failed != nil {
			idle = quiet > blindFor && c.from.Load() == upstreamSide
		} else {
			idle = quiet > quietFor && c.put.Load() == c.played && (c.wire == nil || c.wire.Idle())
		}
		if idle && c.held.Load() == 0 && !c.isGone() {
			r.p.relays.Go(c.release) // which may have to wait for the client
		}
	})
}

// total is the account of all connections so far, without what was written.
func (r *recorder) total() capture.Ledger {
	r.mu.Lock()
	var t wire.Tally
	t.Add(r.wire.Tally())
	for c := range r.open {
		t.Add(c.wire.Tally())
	}
	r.mu.Unlock()
	l := capture.Ledger{
		Streams: r.p.accepted.Load(), Responses: t.Responses, MessageBytes: t.Message,
		SkippedBytes: t.Skipped(), Unkept: t.Unkept, Skipped: map[string]int64{}, LostBytes: map[string]int64{},
	}
	l.PayloadBytes = t.Message
	for _, n := range l.SkippedBytes {
		l.PayloadBytes += n
	}
	for kind, n := range t.Streams() {
		switch kind {
		case "tls-no-key", "not-http", "tunnel", "upgrade":
			l.Skipped[kind] = n
		}
	}
	for why, n := range map[string]int64{"response-alone": t.Alone, "too-long": t.Refused, reasonFull: r.p.shelf.dropped()} {
		if n > 0 {
			l.Skipped[why] = n
		}
	}
	if n := r.lost.Load(); n > 0 {
		l.LostBytes[reasonFull] = n
	}
	return l
}

// minus is what a ledger counts more than an earlier one.
func minus(l, before capture.Ledger) capture.Ledger {
	l.Streams, l.Responses = l.Streams-before.Streams, l.Responses-before.Responses
	l.PayloadBytes, l.MessageBytes = l.PayloadBytes-before.PayloadBytes, l.MessageBytes-before.MessageBytes
	l.Unkept -= before.Unkept
	l.Skipped, l.SkippedBytes = less(l.Skipped, before.Skipped), less(l.SkippedBytes, before.SkippedBytes)
	l.LostBytes = less(l.LostBytes, before.LostBytes)
	return l
}

func less(counts, before map[string]int64) map[string]int64 {
	counts = maps.Clone(counts)
	for why, n := range before {
		if counts[why] -= n; counts[why] == 0 {
			delete(counts, why)
		}
	}
	return counts
}
