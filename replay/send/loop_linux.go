package send

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"trafficreplay/replay"
)

const (
	sendBurst = 32 // shots begun before the sockets are looked at again, so that a burst does not delay the clocks of its responses
	readBurst = 16 // buffers read from one connection before the others have their turn
	wakeSlot  = -2 // the wake descriptor's number among the events
)

// loop is the worker for plain http: one locked thread that owns the clock and all of its connections. Nothing
// in it is shared or locked, and once its tables have grown it allocates nothing.
type loop struct {
	r       *run
	index   int
	in      *inbox
	cur     *batch
	pos     int
	drained bool // the inbox is closed and empty

	poll   poller
	wakeFD int
	events [256]unix.EpollEvent
	ready  int // events of this turn

	conns []conn
	free  []int32
	idle  idleSet
	times deadlines
	pools []pool // by target; empty unless connections are pooled
	busy  int    // connections with a shot
	buf   [64 << 10]byte
}

func newLoop(r *run, index int, in *inbox) (worker, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, ev, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeSlot})
	}
	if err != nil {
		_ = unix.Close(ep)
		return nil, err
	}
	l := &loop{r: r, index: index, in: in, poll: poller{fd: ep}, wakeFD: ev, idle: newIdleSet()}
	if n := int(r.e.o.Connections); n > 0 {
		l.pools = make([]pool, len(r.e.o.Targets))
		for i := range l.pools {
			l.pools[i].size = max(1, (n+index)/r.e.o.Loops)
		}
	}
	in.wake = l.interrupt
	return l, nil
}

// interrupt makes the loop's present or next wait return.
func (l *loop) interrupt() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(l.wakeFD, one[:])
}

func (l *loop) close() {
	_ = unix.Close(l.poll.fd)
	_ = unix.Close(l.wakeFD)
}

func (l *loop) work() error {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine and takes its timer slack along
	fineTimers()
	for !l.finished() {
		if err := l.turn(); err != nil {
			l.abort()
			return fmt.Errorf("send: waiting for sockets: %w", err)
		}
	}
	l.closeAll()
	return nil
}

func (l *loop) finished() bool { return l.drained && l.cur == nil && l.busy == 0 && !l.queued() }

// turn sleeps until something is due or ready, and does all of it: first what is due, together.
func (l *loop) turn() error {
	n, err := l.poll.wait(l.events[:], l.until())
	if err != nil {
		return err
	}
	l.ready = n
	if l.r.aborted.Load() {
		l.abortAll()
	}
	l.forget()
	l.sendDue()
	for i := range l.events[:n] {
		l.event(&l.events[i])
	}
	l.expire()
	l.serve()
	return nil
}

// until is the time to the next thing to do, negative when nothing is foreseen.
func (l *loop) until() time.Duration {
	at := min(l.times.next(), l.queueDeadline())
	if l.fill() {
		if l.r.stopped.Load() {
			return 0
		}
		at = min(at, l.cur.items[l.pos].shot.Intended)
	} else if l.finished() { // the inbox was closed just now
		return 0
	}
	if at == math.MaxInt64 {
		return -1
	}
	return time.Duration(max(0, at-l.r.now()))
}

// fill makes the next shot available and reports whether there is one.
func (l *loop) fill() bool {
	for l.cur == nil || l.pos == len(l.cur.items) {
		if l.cur != nil {
			l.in.recycle(l.cur)
			l.cur, l.pos = nil, 0
		}
		select {
		case b, ok := <-l.in.full:
			if !ok {
				l.drained = true
				return false
			}
			l.cur = b
			l.in.hungry.Store(false)
		default:
			if l.in.hungry.Swap(true) {
				return false // announced, and looked once more since
			}
		}
	}
	return true
}

// sendDue begins the shots whose instant has come; after a stop it cancels them.
func (l *loop) sendDue() {
	if l.r.stopped.Load() {
		l.cancelQueued()
	}
	for range sendBurst {
		if !l.fill() {
			return
		}
		it := &l.cur.items[l.pos]
		if l.r.stopped.Load() {
			l.pos++
			l.r.cancel(l.index, &it.shot)
			continue
		}
		now := l.r.now()
		if it.shot.Intended > now {
			return
		}
		l.pos++
		l.begin(it, now)
	}
}

// begin decides what becomes of a shot that is due.
func (l *loop) begin(it *item, now int64) {
	switch {
	case now-it.shot.Intended > int64(l.r.e.o.LateLimit):
		l.r.drop(l.index, &it.shot, replay.DroppedLate)
	case !l.r.slot():
		l.r.drop(l.index, &it.shot, replay.DroppedCeiling)
	case it.bad:
		l.r.inflight.Add(-1)
		res := result(&it.shot)
		res.Outcome, res.Err, res.Sent, res.Done = replay.Failed, replay.ErrGuard, now, now
		l.r.sink.Record(l.index, &res)
	default:
		l.begun(it, now, now)
	}
}

// begun gives a shot a connection, or a place in its pool's queue; sent is when it got its turn.
func (l *loop) begun(it *item, sent, now int64) {
	s := &it.shot
	if l.r.e.o.Connections != PerRequest {
		if slot := l.idle.take(l.r.owner(s), int32(s.Target)); slot != none {
			l.load(slot, it, sent, now)
			l.flush(slot)
			return
		}
	}
	if !l.mayOpen(s.Target) {
		l.enqueue(it, sent)
		return
	}
	slot := l.newConn(s)
	l.load(slot, it, sent, now)
	l.connect(slot, replay.ErrDial)
}

// forget closes the idle connections that have anything to say, before a shot can be given to one of them: the
// server has closed them, or speaks without being asked.
func (l *loop) forget() {
	for i := range l.events[:l.ready] {
		if c := l.connOf(&l.events[i]); c != nil && c.state == idle {
			slot := l.events[i].Fd
			l.idle.remove(slot)
			l.drop(slot)
		}
	}
}

// connOf is the connection that an event is about, nil when it is about none or one that is gone.
func (l *loop) connOf(ev *unix.EpollEvent) *conn {
	if ev.Fd < 0 || l.conns[ev.Fd].gen != ev.Pad || l.conns[ev.Fd].fd < 0 {
		return nil
	}
	return &l.conns[ev.Fd]
}

func (l *loop) event(ev *unix.EpollEvent) {
	if ev.Fd == wakeSlot {
		var b [8]byte
		_, _ = unix.Read(l.wakeFD, b[:])
		return
	}
	c := l.connOf(ev)
	if c == nil {
		return
	}
	gen := c.gen
	if c.state == connecting || ev.Events&unix.EPOLLOUT != 0 && c.unsent() {
		l.flush(ev.Fd)
	}
	const gone = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if c = &l.conns[ev.Fd]; c.fd >= 0 && c.gen == gen && c.state == busy && ev.Events&(unix.EPOLLIN|gone) != 0 {
		l.receive(ev.Fd, ev.Events&gone != 0)
	}
}

// expire ends what has run out of time: requests, connections nobody uses, waits in a pool's queue.
func (l *loop) expire() {
	if l.times.next() == math.MaxInt64 && !l.queued() {
		return
	}
	now := l.r.now()
	for slot := l.times.expired(now); slot != none; slot = l.times.expired(now) {
		if l.idle.remove(slot) {
			l.drop(slot)
		} else {
			l.fail(slot, replay.ErrTimeout)
		}
	}
	l.expireQueued(now)
}

// abortAll fails what is in flight.
func (l *loop) abortAll() {
	l.cancelQueued()
	for i := range l.conns {
		if l.conns[i].fd >= 0 && l.conns[i].state != idle {
			l.fail(int32(i), replay.ErrAborted)
		}
	}
}

// abort reports every shot there is and will be, after trouble with the loop itself.
func (l *loop) abort() {
	l.abortAll()
	l.closeAll()
	if l.cur != nil {
		l.cancelBatch(l.cur, l.pos)
	}
	for b := range l.in.full {
		l.cancelBatch(b, 0)
	}
}

func (l *loop) cancelBatch(b *batch, from int) {
	for i := range b.items[from:] {
		l.r.cancel(l.index, &b.items[from+i].shot)
	}
	l.in.recycle(b)
}

func (l *loop) closeAll() {
	for i := range l.conns {
		if l.conns[i].fd >= 0 {
			l.idle.remove(int32(i))
			l.drop(int32(i))
		}
	}
}
