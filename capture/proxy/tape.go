package proxy

import "sync"

// tape is what connections carried and the decoder has not read yet, in the order in which it was put.
type tape struct {
	mu     sync.Mutex
	filled []*block // the last is being filled
	spare  []*block
	made   int // blocks in all
	off    bool
	closed bool
	asleep bool          // who takes waits on wake
	wake   chan struct{} // has one when there is something to take, for who is asleep, and when the tape is closed
}

// block is a part of the tape.
type block struct {
	events []event
	data   []byte // of the events
}

// event is something that happened on a side of a connection.
type event struct {
	c     *conn
	at    int64 // nanoseconds since the Unix epoch
	lost  int64 // bytes before it for which there was no room
	size  int32 // bytes read
	side  int8
	end   bool
	reset bool
}

const (
	blockData   = 256 << 10
	blockEvents = 2048 // some 96 KiB
	maxBlocks   = 96   // some 32 MiB
)

func newTape() *tape { return &tape{wake: make(chan struct{}, 1)} }

// put records bytes, at most blockData. It is false where there is no room for them.
func (t *tape) put(e event, b []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.off {
		return false
	}
	to := t.last()
	if to == nil || len(to.events) == blockEvents || len(to.data)+len(b) > blockData {
		if to = t.next(e.end); to == nil {
			return false
		}
	}
	e.size = int32(len(b))
	to.events, to.data = append(to.events, e), append(to.data, b...)
	if t.asleep {
		t.asleep = false
		t.ring()
	}
	return true
}

func (t *tape) last() *block {
	if len(t.filled) == 0 {
		return nil
	}
	return t.filled[len(t.filled)-1]
}

// next begins a block. It is nil where there may be no more; for ends there is always one, since they are no more than
// what else is on the tape.
func (t *tape) next(end bool) *block {
	var b *block
	if n := len(t.spare); n > 0 {
		b, t.spare = t.spare[n-1], t.spare[:n-1]
	} else if t.made < maxBlocks || end {
		t.made++
		b = &block{make([]event, 0, blockEvents), make([]byte, 0, blockData)}
	}
	if b != nil {
		t.filled = append(t.filled, b)
	}
	return b
}

func (t *tape) ring() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// sleep says that who takes is about to wait on wake, unless there is something to take.
func (t *tape) sleep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.filled) > 0 {
		t.ring()
	} else {
		t.asleep = true
	}
}

// take moves what is there to blocks. more is false once the tape is closed.
func (t *tape) take(blocks []*block) (_ []*block, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	blocks = append(blocks, t.filled...)
	clear(t.filled)
	t.filled = t.filled[:0]
	return blocks, !t.closed
}

// maxSpareBlocks is how many empty blocks are kept for use again.
const maxSpareBlocks = 8

// giveBack takes a block back that was read.
func (t *tape) giveBack(b *block) {
	clear(b.events)
	b.events, b.data = b.events[:0], b.data[:0]
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.spare) >= maxSpareBlocks {
		t.made--
		return
	}
	t.spare = append(t.spare, b)
}

// turnOff makes the tape take nothing more.
func (t *tape) turnOff() {
	t.mu.Lock()
	t.off = true
	t.mu.Unlock()
}

// close says that nothing more will be put.
func (t *tape) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.ring()
}
