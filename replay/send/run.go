package send

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

const (
	lookAhead    = int64(time.Second)           // how far ahead of their instants shots are encoded
	lookStep     = int64(10 * time.Millisecond) // how much of the plan is encoded at a time once that far ahead
	batchItems   = 128
	batchBytes   = 64 << 10
	batchesAhead = 128 // batches on their way to one worker: bounds the memory of looking ahead
)

// item is a shot on its way to a worker.
type item struct {
	shot plan.Shot
	head []byte // encoded, in the batch's memory; a small body is part of it
	body []byte // the request's own body where it is not
	bad  bool   // nothing that may be sent
}

type batch struct {
	items []item
	buf   []byte
}

// inbox carries batches to one worker and back. The pool is full when a run begins, so neither side allocates.
type inbox struct {
	full, free chan *batch
	encode     bool        // the worker wants bytes
	hungry     atomic.Bool // the worker found nothing and must be woken
	wake       func()      // never nil
	filling    *batch      // the feeder's
}

func newInbox(encode bool) *inbox {
	in := &inbox{full: make(chan *batch, batchesAhead), free: make(chan *batch, batchesAhead), encode: encode, wake: func() {}}
	for range batchesAhead {
		in.free <- new(batch)
	}
	return in
}

// run is the state that the workers of one Send share.
type run struct {
	e        *Engine
	sink     replay.Sink
	start    time.Time
	ctx      context.Context // ended: what is in flight is aborted
	halt     chan struct{}   // closed with stopped
	stopped  atomic.Bool     // no further shot is begun
	aborted  atomic.Bool
	inflight atomic.Int64
	open     atomic.Int64 // connections
	evicted  atomic.Int64 // idle connections closed early for want of descriptors
	inboxes  []*inbox     // by worker; the goroutine worker comes last
	loops    int
}

// worker issues the shots of one inbox until it is closed and nothing is in flight.
type worker interface {
	work() error
	interrupt() // stopped or aborted was set; called from another goroutine, never after close
	close()     // called once, after work has returned
}

// now is the time since the run began, in nanoseconds.
func (r *run) now() int64 { return int64(time.Since(r.start)) }

// Send implements replay.Sender.
func (e *Engine) Send(ctx context.Context, stop <-chan struct{}, start time.Time, shots <-chan []plan.Shot, sink replay.Sink) error {
	now := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{e: e, sink: sink, start: now.Add(start.Sub(now)), ctx: ctx, halt: make(chan struct{})}
	workers, err := r.workers()
	if err != nil {
		return errors.Join(err, r.refuse(shots))
	}
	var working, minding sync.WaitGroup
	errs := make([]error, len(workers))
	for i, w := range workers {
		working.Go(func() {
			if errs[i] = w.work(); errs[i] != nil {
				cancel(errs[i])
			}
		})
	}
	done := make(chan struct{})
	minding.Go(func() { r.mind(stop, done, workers) })
	r.feed(shots)
	working.Wait()
	close(done)
	minding.Wait()
	for _, w := range workers {
		w.close()
	}
	if n := r.evicted.Load(); n > 0 {
		e.note(fmt.Sprintf("%s idle connections closed early by the open-files limit", thousands(n)))
	}
	return errors.Join(errs...)
}

// workers makes one worker for each index that Workers promised.
func (r *run) workers() ([]worker, error) {
	loops, goroutines := r.e.kinds()
	var ws []worker
	for i := range loops {
		in := newInbox(true)
		w, err := newLoop(r, i, in)
		if err != nil {
			for _, w := range ws {
				w.close()
			}
			return nil, fmt.Errorf("send: event loop: %w", err)
		}
		ws, r.inboxes = append(ws, w), append(r.inboxes, in)
	}
	if goroutines > 0 {
		in := newInbox(false)
		ws, r.inboxes = append(ws, newPortable(r, loops, in)), append(r.inboxes, in)
	}
	r.loops = loops
	return ws, nil
}

// refuse reports every shot as cancelled: nothing could be begun.
func (r *run) refuse(shots <-chan []plan.Shot) error {
	for b := range shots {
		for i := range b {
			r.cancel(0, &b[i])
		}
	}
	return nil
}

// mind passes on stop and the end of ctx.
func (r *run) mind(stop, done <-chan struct{}, workers []worker) {
	select {
	case <-stop:
	case <-r.ctx.Done():
		r.aborted.Store(true)
	case <-done:
		return
	}
	r.stopped.Store(true)
	close(r.halt)
	r.interrupt(workers)
	if r.aborted.Load() {
		return
	}
	select {
	case <-r.ctx.Done():
		r.aborted.Store(true)
		r.interrupt(workers)
	case <-done:
	}
}

func (r *run) interrupt(workers []worker) {
	for _, w := range workers {
		w.interrupt()
	}
}

// feed encodes shots ahead of their instants and deals them to the workers by client, until shots is closed.
func (r *run) feed(shots <-chan []plan.Shot) {
	defer func() {
		r.flush()
		for _, in := range r.inboxes {
			close(in.full)
			in.wake()
		}
	}()
	for {
		var batch []plan.Shot
		var ok bool
		select {
		case batch, ok = <-shots:
		default:
			r.flush()
			batch, ok = <-shots
		}
		if !ok {
			return
		}
		for i := range batch {
			r.pace(batch[i].Intended)
			r.deal(&batch[i])
		}
	}
}

// pace waits until a shot due at the given instant is near enough to be encoded.
func (r *run) pace(due int64) {
	ahead := due - r.now() - lookAhead
	if ahead <= 0 || r.stopped.Load() {
		return
	}
	r.flush()
	t := time.NewTimer(time.Duration(ahead + lookStep))
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.halt:
	}
}

func (r *run) deal(s *plan.Shot) {
	in := r.inboxes[r.route(s)]
	if in.filling == nil {
		select {
		case in.filling = <-in.free:
		default:
			r.flush() // what others wait for must not wait for this worker
			in.filling = <-in.free
		}
	}
	b := in.filling
	b.items = append(b.items, item{shot: *s})
	if in.encode && !r.stopped.Load() {
		b.encode(&r.e.encoder)
	}
	if len(b.items) == batchItems || len(b.buf) >= batchBytes {
		in.flush()
		runtime.Gosched() // with one processor an event loop may be waiting for it
	}
}

// route is the worker that sends s: always the same for one client and target, since it owns the connections.
func (r *run) route(s *plan.Shot) int {
	if s.Target < 0 || s.Target >= len(r.e.o.Targets) {
		return 0
	}
	if !r.e.onLoop(s.Target) {
		return r.loops
	}
	return int(mix(s.Client) % uint64(r.loops))
}

// encode fills in the bytes of the batch's last item.
func (b *batch) encode(e *encoder) {
	it := &b.items[len(b.items)-1]
	start := len(b.buf)
	var ok bool
	if b.buf, ok = e.appendHead(b.buf, &it.shot); !ok {
		b.buf, it.bad = b.buf[:start], true
		return
	}
	if body := it.shot.Request.Body; len(body) <= inlineBody {
		b.buf = append(b.buf, body...)
	} else {
		it.body = body
	}
	it.head = b.buf[start:len(b.buf):len(b.buf)]
}

func (r *run) flush() {
	for _, in := range r.inboxes {
		in.flush()
	}
}

func (in *inbox) flush() {
	if in.filling == nil || len(in.filling.items) == 0 {
		return
	}
	in.full <- in.filling // never blocks: there are no more batches than room
	in.filling = nil
	if in.hungry.Load() && in.hungry.Swap(false) {
		in.wake()
	}
}

// recycle gives a batch back to the feeder.
func (in *inbox) recycle(b *batch) {
	clear(b.items)
	b.items, b.buf = b.items[:0], b.buf[:0]
	in.free <- b
}

// slot takes one place in flight and reports whether there was one.
func (r *run) slot() bool {
	if r.inflight.Add(1) <= int64(r.e.o.MaxInFlight) {
		return true
	}
	r.inflight.Add(-1)
	return false
}

// result is what is known of s before anything happened to it.
func result(s *plan.Shot) replay.Result {
	return replay.Result{Seq: s.Seq, Endpoint: s.Endpoint, Intended: s.Intended, Warmup: s.Warmup}
}

func (r *run) cancel(worker int, s *plan.Shot) { r.drop(worker, s, replay.Cancelled) }

// drop reports a shot that was never begun.
func (r *run) drop(worker int, s *plan.Shot, o replay.Outcome) {
	res := result(s)
	res.Outcome = o
	r.sink.Record(worker, &res)
}

// idleFor is how long the connection of s may stay idle.
func (r *run) idleFor(s *plan.Shot) int64 {
	if ns := s.Request.IdleNS; ns > 0 {
		return ns
	}
	return int64(r.e.o.IdleTimeout)
}

// owner is the identity that connections are kept under.
func (r *run) owner(s *plan.Shot) uint64 {
	if r.e.o.Connections > 0 {
		return 0
	}
	return s.Client
}
