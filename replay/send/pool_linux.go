package send

import (
	"math"

	"trafficreplay/replay"
)

// pool counts the connections to one target and holds the shots that wait for one of them.
type pool struct {
	size, open int
	queue      []waiting
	first      int
}

type waiting struct {
	item item
	sent int64
}

func (p *pool) len() int { return len(p.queue) - p.first }

func (p *pool) pop() waiting {
	w := p.queue[p.first]
	if p.first++; 2*p.first >= len(p.queue) {
		n := copy(p.queue, p.queue[p.first:])
		clear(p.queue[n:])
		p.queue, p.first = p.queue[:n], 0
	}
	return w
}

// mayOpen reports whether another connection to target is within the pool.
func (l *loop) mayOpen(target int) bool {
	return l.pools == nil || l.pools[target].open < l.pools[target].size
}

// enqueue makes a shot wait; its bytes are copied, since the batch goes back to the feeder.
func (l *loop) enqueue(it *item, sent int64) {
	w := waiting{item: *it, sent: sent}
	w.item.head = append([]byte(nil), it.head...)
	p := &l.pools[it.shot.Target]
	p.queue = append(p.queue, w)
}

func (l *loop) queued() bool {
	for i := range l.pools {
		if l.pools[i].len() > 0 {
			return true
		}
	}
	return false
}

// serve begins the waiting shots for which there is a connection now.
func (l *loop) serve() {
	for i := range l.pools {
		p := &l.pools[i]
		for p.len() > 0 && (p.open < p.size || l.idle.has(0, int32(i))) {
			w := p.pop()
			l.begun(&w.item, w.sent, l.r.now())
		}
	}
}

// queueDeadline is when the first waiting shot runs out of time: all have the same, so that is the oldest.
func (l *loop) queueDeadline() int64 {
	at := int64(math.MaxInt64)
	for i := range l.pools {
		if p := &l.pools[i]; p.len() > 0 {
			at = min(at, p.queue[p.first].sent+l.r.e.patience())
		}
	}
	return at
}

// expireQueued drops the shots whose patience is over: never begun, as the target held every connection.
func (l *loop) expireQueued(now int64) {
	for i := range l.pools {
		for p := &l.pools[i]; p.len() > 0 && p.queue[p.first].sent+l.r.e.patience() <= now; {
			l.unqueue(p, replay.DroppedCeiling)
		}
	}
}

func (l *loop) cancelQueued() {
	for i := range l.pools {
		for p := &l.pools[i]; p.len() > 0; {
			l.unqueue(p, replay.Cancelled)
		}
	}
}

func (l *loop) unqueue(p *pool, o replay.Outcome) {
	w := p.pop()
	l.r.inflight.Add(-1)
	l.r.drop(l.index, &w.item.shot, o)
}
