package proxy

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"trafficreplay/capture"
)

// reasonFull is why requests and bytes are left out for which there was no room.
const reasonFull = "queue-full"

// account is what was written, of the goroutine that writes.
type account struct {
	written  capture.Ledger  // since the last Cut
	before   capture.Ledger  // what the recorder's total was then
	latest   *capture.Ledger // its total as the sink is shown it for as long as it is called; nil: to be asked for
	told     int64           // of what was left out
	dropped  pace            // of warnings
	failures pace
}

// pace lets something happen every ten seconds.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

const warnEvery = 10 * time.Second

func (p *pace) due(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return false
	}
	p.next = now.Add(warnEvery)
	return true
}

// keep gives a request to the sink, or counts it otherwise.
func (p *Proxy) keep(q *capture.Request, out Sink) error {
	l := &p.written
	if f := p.o.Filter; f != nil && !f.Keep(q) {
		l.Filter(f.Why(q))
		return nil
	}
	err := out.Write(q)
	if bad, ok := errors.AsType[*capture.SyntaxError](err); ok {
		l.Skip(bad.Reason, string(q.Src), "")
		return nil
	}
	if err == nil {
		l.Requests++
	}
	return err
}

// Ledger accounts for what was recorded since the last Cut. It is for the Sink, and for the time after Copy.
func (p *Proxy) Ledger() capture.Ledger {
	l := minus(p.total(), p.before)
	l.Name, l.Format, l.Basis, l.Resolution = "proxy "+p.upstream.address, capture.FormatProxy, capture.BasisStart, time.Nanosecond.String()
	w := &p.written
	l.Requests, l.Filtered, l.FilteredBy, l.Examples = w.Requests, w.Filtered, maps.Clone(w.FilteredBy), w.Examples
	for why, n := range w.Skipped {
		l.Skipped[why] += n
	}
	return l
}

// total is the recorder's. It stands still while the sink is called, so that what a file's ledger has and what the next
// one begins with are the same, although connections go on.
func (p *Proxy) total() capture.Ledger {
	if p.latest == nil {
		t := p.recorder.total()
		p.latest = &t
	}
	return *p.latest
}

// Cut begins another ledger, for another file: behind what the last one had where that was asked for in the same call of
// the Sink.
func (p *Proxy) Cut() {
	p.before = p.total()
	p.written = capture.Ledger{}
}

// warn tells of what was left out since it last did.
func (p *Proxy) warn() {
	requests, bytes := p.shelf.dropped(), p.recorder.lost.Load()
	if requests+bytes == p.told || !p.dropped.due(time.Now()) {
		return
	}
	p.told = requests + bytes
	p.o.Warn(fmt.Sprintf("not recorded so far, since the queue was full: %d requests for which the disk was too slow, %d bytes for which the processor was", requests, bytes))
}
