package send

import (
	"context"
	"runtime"
	"sync"
	"time"

	"trafficreplay/replay"
)

// portable is the worker for TLS, and for every target where there is no event loop: one goroutine is the clock,
// each connection has one that reads, and each shot one that opens or writes.
type portable struct {
	r     *run
	index int
	in    *inbox
	wg    sync.WaitGroup // every goroutine
	busy  sync.WaitGroup // shots in flight

	recording sync.Mutex // the sink wants one call at a time

	mu    sync.Mutex // of what follows, and of the state of every connection
	idle  idleSet
	conns []*netConn // by slot; nil: free
	free  []int32
	pools []netPool // by target; empty unless connections are pooled
}

type netPool struct {
	size, open int
	queue      []*exchange
}

// exchange is a shot in flight.
type exchange struct {
	item     item
	res      replay.Result
	deadline time.Time
	timer    *time.Timer // while it waits in a pool's queue

	over bool // the rest is known; the writer, which is still at it, has to report
	keep bool // the connection may serve another
	kind replay.ErrKind
	done int64
	code uint16
}

func newPortable(r *run, index int, in *inbox) *portable {
	p := &portable{r: r, index: index, in: in, idle: newIdleSet()}
	if n := int(r.e.o.Connections); n > 0 {
		p.pools = make([]netPool, len(r.e.o.Targets))
		for i := range p.pools {
			p.pools[i].size = n
		}
	}
	return p
}

func (p *portable) close() {}

// interrupt ends what waits on the clock of a connection; the clock of the shots sees halt.
func (p *portable) interrupt() {
	p.mu.Lock()
	var waiting []*exchange
	for i := range p.pools {
		waiting, p.pools[i].queue = append(waiting, p.pools[i].queue...), nil
	}
	if p.r.aborted.Load() {
		for _, c := range p.conns {
			if c != nil {
				_ = c.nc.Close() // its reader reports
			}
		}
	}
	p.mu.Unlock()
	for _, x := range waiting {
		p.unqueued(x, replay.Cancelled)
	}
}

func (p *portable) work() error {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine and takes its timer slack along
	fineTimers()
	for b := range p.in.full {
		for i := range b.items {
			it := &b.items[i]
			if p.await(it.shot.Intended) {
				p.begin(it)
			} else {
				p.record(p.dropped(it, replay.Cancelled))
			}
		}
		p.in.recycle(b)
	}
	p.busy.Wait()
	p.closeIdle()
	p.wg.Wait()
	return nil
}

// await blocks until due and reports whether shots are still to be begun.
func (p *portable) await(due int64) bool {
	const coarse = 3 * time.Millisecond // how late the runtime's timers may be, and how long a stop may go unnoticed
	d := time.Duration(due - p.r.now())
	if d > 2*coarse && !p.r.stopped.Load() {
		t := time.NewTimer(d - coarse)
		select {
		case <-t.C:
		case <-p.r.halt:
		}
		t.Stop()
		d = time.Duration(due - p.r.now())
	}
	if d > 0 && !p.r.stopped.Load() {
		sleep(d)
	}
	return !p.r.stopped.Load()
}

func (p *portable) dropped(it *item, o replay.Outcome) *replay.Result {
	res := result(&it.shot)
	res.Outcome = o
	return &res
}

func (p *portable) record(res *replay.Result) {
	p.recording.Lock()
	defer p.recording.Unlock()
	p.r.sink.Record(p.index, res)
}

// begin decides what becomes of a shot that is due.
func (p *portable) begin(it *item) {
	now := p.r.now()
	switch {
	case now-it.shot.Intended > int64(p.r.e.o.LateLimit):
		p.record(p.dropped(it, replay.DroppedLate))
		return
	case !p.r.slot():
		p.record(p.dropped(it, replay.DroppedCeiling))
		return
	}
	p.busy.Add(1)
	x := &exchange{item: *it, res: result(&it.shot), deadline: p.r.start.Add(time.Duration(now) + p.r.e.o.Timeout)}
	head, ok := p.r.e.encoder.appendHead(nil, &it.shot)
	if !ok {
		x.res.Sent = now
		p.failed(x, replay.ErrGuard)
		return
	}
	x.item.head, x.item.body = head, it.shot.Request.Body
	c, ok := p.acquire(x, now)
	if ok {
		p.wg.Go(func() { p.shoot(x, c) })
	}
}

// acquire finds an idle connection for x, or leave to open one (nil, true). Otherwise x waits in its pool's queue.
func (p *portable) acquire(x *exchange, now int64) (*netConn, bool) {
	s := &x.item.shot
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.r.e.o.Connections != PerRequest {
		if slot := p.idle.take(p.r.owner(s), int32(s.Target)); slot != none {
			return p.conns[slot], true
		}
	}
	if p.pools == nil {
		return nil, true
	}
	pool := &p.pools[s.Target]
	if pool.open < pool.size {
		pool.open++
		return nil, true
	}
	x.res.Sent = now
	x.timer = time.AfterFunc(time.Duration(p.r.e.patience()), func() { p.expireQueued(x) })
	pool.queue = append(pool.queue, x)
	return nil, false
}

// expireQueued drops a shot whose patience is over: never begun, as the target held every connection.
func (p *portable) expireQueued(x *exchange) {
	p.mu.Lock()
	pool := &p.pools[x.item.shot.Target]
	for i, q := range pool.queue {
		if q == x {
			pool.queue = append(pool.queue[:i], pool.queue[i+1:]...)
			p.mu.Unlock()
			p.unqueued(x, replay.DroppedCeiling)
			return
		}
	}
	p.mu.Unlock()
}

func (p *portable) unqueued(x *exchange, o replay.Outcome) {
	x.timer.Stop()
	p.r.inflight.Add(-1)
	p.record(p.dropped(&x.item, o))
	p.busy.Done()
}

// shoot sends x on c if that is still open, else on a new connection.
func (p *portable) shoot(x *exchange, c *netConn) {
	if now := p.r.now(); x.timer == nil {
		x.res.Sent = now
	} else {
		x.res.WaitNS = now - x.res.Sent
	}
	x.deadline = p.r.start.Add(time.Duration(x.res.Sent) + p.r.e.o.Timeout)
	if c != nil && c.send(x) {
		return
	}
	if c != nil && p.pools != nil { // the place that c gave up when it closed
		p.mu.Lock()
		p.pools[x.item.shot.Target].open++
		p.mu.Unlock()
	}
	p.open(x)
}

// open makes a connection for x and sends it there.
func (p *portable) open(x *exchange) {
	began := p.r.now()
	x.res.NewConn = true
	ctx, cancel := context.WithDeadline(p.r.ctx, x.deadline)
	defer cancel()
	nc, kind := p.dial(ctx, x)
	if kind != replay.ErrNone {
		p.released(x.item.shot.Target)
		p.failed(x, kind)
		return
	}
	x.res.ConnectNS = p.r.now() - began
	c := p.register(nc, x)
	p.wg.Go(c.readAll)
	if c.send(x) {
		return
	}
	kind = replay.ErrReset // closed before it could be used
	if p.r.aborted.Load() {
		kind = replay.ErrAborted
	}
	p.failed(x, kind)
}

// register gives a connection its slot.
func (p *portable) register(nc *countedConn, x *exchange) *netConn {
	s := &x.item.shot
	c := &netConn{p: p, nc: nc, owner: p.r.owner(s), target: int32(s.Target)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		p.conns = append(p.conns, nil)
		p.free = append(p.free, int32(len(p.conns)-1))
	}
	c.slot = p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.conns[c.slot] = c
	if p.r.aborted.Load() {
		_ = nc.Close()
	}
	return c
}

// released gives up a place in target's pool and lets the next waiting shot have it.
func (p *portable) released(target int) {
	if p.pools == nil {
		return
	}
	p.mu.Lock()
	pool := &p.pools[target]
	pool.open--
	x := pool.next()
	if x != nil {
		pool.open++
	}
	p.mu.Unlock()
	if x != nil {
		p.wg.Go(func() { p.shoot(x, nil) })
	}
}

// next takes the shot that has waited for longest, nil when there is none.
func (q *netPool) next() *exchange {
	if len(q.queue) == 0 {
		return nil
	}
	x := q.queue[0]
	q.queue[0] = nil
	q.queue = q.queue[1:]
	x.timer.Stop()
	return x
}

func (p *portable) failed(x *exchange, kind replay.ErrKind) {
	x.kind, x.done = kind, p.r.now()
	p.settle(x)
}

// settle reports how x ended.
func (p *portable) settle(x *exchange) {
	x.res.Done = x.done
	if x.kind == replay.ErrNone {
		x.res.Outcome, x.res.Status = replay.Answered, x.code
	} else {
		x.res.Outcome, x.res.Err = replay.Failed, x.kind
	}
	p.r.inflight.Add(-1)
	p.record(&x.res)
	p.busy.Done()
}

// closeIdle closes what is left once no shot is in flight.
func (p *portable) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if c != nil {
			_ = c.nc.Close()
		}
	}
}
