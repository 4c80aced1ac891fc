package proxy

import (
	"sync"

	"trafficreplay/capture"
)

// shelf is requests that wait for the Sink.
type shelf struct {
	mu     sync.Mutex
	limit  int // bytes
	used   int // of parcels that wait or are being written
	ready  []*parcel
	taken  []*parcel
	spare  []*parcel
	closed bool
	full   int64         // requests for which there was no room
	wake   chan struct{} // has one when there is something to take, or the shelf is closed
}

// parcel is a request with its memory.
type parcel struct {
	q    capture.Request
	mem  []byte // all that the slices of q lie in
	size int    // as it counts
}

const (
	maxSpareParcels = 1024
	maxSpareMemory  = 16 << 10 // bytes of a parcel that is kept for use again
)

func newShelf(limit int) *shelf { return &shelf{limit: limit, wake: make(chan struct{}, 1)} }

// put adds a copy of q, or counts it where there is no room.
func (s *shelf) put(q *capture.Request) {
	size := sizeOf(q)
	s.mu.Lock()
	if s.used+size > s.limit {
		s.full++
		s.mu.Unlock()
		return
	}
	s.used += size
	var p *parcel
	if n := len(s.spare); n > 0 {
		p, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	s.mu.Unlock()
	if p == nil {
		p = new(parcel)
	}
	p.size = size
	p.pack(q)
	s.mu.Lock()
	s.ready = append(s.ready, p)
	s.mu.Unlock()
	s.ring()
}

func (s *shelf) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take gives what waits, valid until the next call. more is false once the shelf is closed.
func (s *shelf) take() (_ []*parcel, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready, s.taken = s.taken[:0], s.ready
	return s.taken, !s.closed
}

// giveBack takes a parcel back.
func (s *shelf) giveBack(p *parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= p.size
	if cap(p.mem) <= maxSpareMemory && len(s.spare) < maxSpareParcels {
		s.spare = append(s.spare, p)
	}
}

// dropped is how many requests there was no room for.
func (s *shelf) dropped() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// close says that nothing more will be put.
func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.ring()
}
