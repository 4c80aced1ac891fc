package shape

import (
	"cmp"
	"slices"

	"trafficreplay/shape/stat"
)

// dealer gives each start of a plan a session of the pool, so that mix, and mix over time, come out without
// sampling noise. The pool is cut into blocks of sessions that began in the same minute; the i-th of n
// starts takes from the block that lies at i/n of the pool. Within a block every session is used equally
// often, in an order that seed, block and round settle. At scale 1 with a whole pool each session is used
// exactly once. To go by the clock instead was tried and lost: where bursts fall into other minutes than
// they did in the capture, a few sessions of quiet minutes were repeated without end.
// It is not safe for concurrent use.
type dealer struct {
	pool   *Pool
	seed   uint64
	width  int64  // of a block, nanoseconds
	starts uint64 // how many there will be
	dealt  uint64
	blocks []dealBlock
	block  int
	order  []int // of the block's sessions, in this round
	used   int
	round  uint64
}

// dealBlock is the sessions [from, to) of the pool.
type dealBlock struct{ from, to int }

// newDealer makes a dealer for a number of starts over a window of nanoseconds. The pool must hold a
// session.
func newDealer(p *Pool, window, starts int64, seed uint64) *dealer {
	d := &dealer{pool: p, seed: seed, width: blockWidth(window), starts: uint64(max(starts, 1))}
	for i := range p.Sessions {
		if k := len(d.blocks) - 1; k >= 0 && p.Sessions[i].Start/d.width == p.Sessions[d.blocks[k].from].Start/d.width {
			d.blocks[k].to = i + 1
		} else {
			d.blocks = append(d.blocks, dealBlock{i, i + 1})
		}
	}
	d.shuffle()
	return d
}

// next is the session of the next start, and how often it had been used before. Starts beyond the number
// that was announced go on with the last block.
func (d *dealer) next() (s *Session, cycle uint64) {
	n := uint64(len(d.pool.Sessions))
	at := int(muldiv(min(d.dealt, d.starts-1), n, d.starts))
	d.dealt++
	if at >= d.blocks[d.block].to {
		for at >= d.blocks[d.block].to {
			d.block++
		}
		d.round = 0
		d.shuffle()
	} else if d.used == len(d.order) {
		d.round++
		d.shuffle()
	}
	d.used++
	return &d.pool.Sessions[d.order[d.used-1]], d.round
}

func (d *dealer) shuffle() {
	b := d.blocks[d.block]
	d.order, d.used = d.order[:0], 0
	for i := b.from; i < b.to; i++ {
		d.order = append(d.order, i)
	}
	key := func(i int) uint64 { return stat.Hash(d.seed, streamDeal, uint64(d.block), d.round, uint64(i)) }
	slices.SortFunc(d.order, func(x, y int) int { return cmp.Compare(key(x), key(y)) })
}

const streamDeal = 0x6465616c
