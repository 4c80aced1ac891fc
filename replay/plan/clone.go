package plan

import (
	"cmp"
	"slices"

	"trafficreplay/shape/stat"
)

// Streams of the plan's random function: each kind of choice draws from streams of its own.
const (
	streamFraction uint64 = 1 << 32
	streamPermute  uint64 = 2 << 32 // + generation
	streamJitter   uint64 = 3 << 32 // + generation
	streamCycle    uint64 = 4 << 32 // + block
)

// cloner multiplies sessions. Copy 0 of a session is the session itself. Copy c >= 1
// starts where some session of the same block started, plus a jitter, and its body is another session of the
// block: within a block and generation the bodies are permuted, each used exactly once, so that counts per
// endpoint are exact multiples and clones are not synchronous duplicates. What happens inside a session is
// never touched. A fractional generation keeps a body iff a hash of its session's ordinal lies below the
// fraction, so that the sessions of a smaller scale are among those of a larger one.
//
// Items are pushed in order of arrival and leave in order of their new instants; a block is held back until all
// its sessions are known.
type cloner struct {
	seed     uint64
	whole    int     // generations that hold every session, copy 0 included
	fraction float64 // of sessions in one more generation
	block    int64   // ns of capture time
	jitter   int64   // ns of capture time
	idle     int64   // ns after which a session that was not seen is forgotten
	current  int64   // index of the block being read
	fresh    []start
	held     []heldItem // items of sessions that began in the current block
	live     map[uint64]*shifts
	out      queue
}

// start is a session that began in the current block.
type start struct {
	session uint64
	at      int64
}

type heldItem struct {
	session uint64
	it      item
}

// shifts says by how much each copy of a live session is displaced; a copy that is not made has no shift.
type shifts struct {
	by   []int64
	made []bool
	last int64
}

func newCloner(seed uint64, scale float64, block, jitter, idle int64) *cloner {
	c := &cloner{seed: seed, block: block, jitter: jitter, idle: idle, live: map[uint64]*shifts{}}
	c.whole = int(scale)
	c.fraction = scale - float64(c.whole)
	return c
}

// plain says that no session is ever displaced: only copy 0 exists, for all sessions or for a part of them.
func (c *cloner) plain() bool { return c.whole == 0 || c.whole == 1 && c.fraction == 0 }

// keeps says whether the session is in the fractional generation.
func (c *cloner) keeps(session uint64) bool {
	return stat.Uniform(stat.Random(c.seed, streamFraction, session)) < c.fraction
}

// push takes the next item of a session and emits every item that no later push can precede. An item without a
// request only marks the session as live. push returns false when emit did.
func (c *cloner) push(session uint64, first bool, it item, emit func(item) bool) bool {
	if c.plain() {
		if it.req == nil || c.whole == 0 && !c.keeps(session) {
			return true
		}
		return emit(it)
	}
	if b := it.at / c.block; b != c.current {
		c.closeBlock()
		c.current = b
		c.forget(it.at)
		if !c.drain(b*c.block-c.block-c.jitter, emit) {
			return false
		}
	}
	if first {
		c.fresh = append(c.fresh, start{session, it.at})
	}
	if s := c.live[session]; s != nil {
		c.schedule(s, it)
	} else {
		c.held = append(c.held, heldItem{session, it})
	}
	return true
}

// flush emits what is left after the last push.
func (c *cloner) flush(emit func(item) bool) bool {
	c.closeBlock()
	for len(c.out) > 0 {
		if !emit(c.out.pop()) {
			return false
		}
	}
	return true
}

func (c *cloner) drain(until int64, emit func(item) bool) bool {
	for len(c.out) > 0 && c.out[0].at <= until {
		if !emit(c.out.pop()) {
			return false
		}
	}
	return true
}

// closeBlock settles the shifts of the sessions that began in the current block and schedules what they held.
func (c *cloner) closeBlock() {
	generations := c.whole
	if c.fraction > 0 {
		generations++
	}
	for _, s := range c.fresh {
		c.live[s.session] = &shifts{by: make([]int64, generations), made: make([]bool, generations), last: s.at}
	}
	for g := range generations {
		c.settle(g)
	}
	for _, h := range c.held {
		if s := c.live[h.session]; s != nil {
			c.schedule(s, h.it)
		}
	}
	c.fresh, c.held = c.fresh[:0], c.held[:0]
}

// settle assigns the shifts of one generation: the i-th body in hashed order starts with the i-th session.
func (c *cloner) settle(generation int) {
	bodies := slices.Clone(c.fresh)
	if generation > 0 {
		key := func(s start) uint64 { return stat.Random(c.seed, streamPermute+uint64(generation), s.session) }
		slices.SortFunc(bodies, func(a, b start) int { return cmp.Compare(key(a), key(b)) })
	}
	for i, body := range bodies {
		s := c.live[body.session]
		s.made[generation] = generation < c.whole || c.keeps(body.session)
		if generation == 0 {
			continue
		}
		u := stat.Uniform(stat.Random(c.seed, streamJitter+uint64(generation), c.fresh[i].session))
		at := c.fresh[i].at + int64((2*u-1)*float64(c.jitter))
		if at < 0 {
			at = -at
		}
		s.by[generation] = at - body.at
	}
}

func (c *cloner) schedule(s *shifts, it item) {
	s.last = it.at
	client := it.client
	at := it.at
	for g, made := range s.made {
		if made && it.req != nil {
			it.at, it.copy = at+s.by[g], uint32(g)
			it.client = stat.Hash(client, uint64(g))
			c.out.push(it)
		}
	}
}

// forget drops the shifts of sessions that ended long ago.
func (c *cloner) forget(now int64) {
	for id, s := range c.live {
		if now-s.last > c.idle {
			delete(c.live, id)
		}
	}
}
