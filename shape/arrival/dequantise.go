package arrival

import (
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/stat"
)

const (
	coarse   = int64(10 * time.Millisecond) // stamps finer than this are left alone
	holdback = 4                            // ticks that a request waits for the others of its tick
	maxHeld  = 1 << 17                      // requests held at once; beyond it the oldest tick closes early
)

// Dequantise gives the requests of sources with coarse stamps (10 ms and more, mostly 1 s) an arrival
// within their tick, and passes all others through unchanged, in order of arrival again. Of the n requests
// whose stamps fall into one tick, the i-th line gets the i-th of n ordered uniform instants in it; where
// the stamp was the end of the request, its duration is taken off afterwards (docs/shape.md).
// A request that lasted longer than four ticks cannot wait for the others and gets a uniform instant of
// its own. Instants are a function of seed, source and tick. Ledgers say which source has which
// resolution; a request belongs to the one that its Src begins with. Memory is bounded by the requests of
// six ticks, at most 131,072. The requests that Next gives are copies that stay valid.
func Dequantise(s capture.Stream, ledgers []capture.Ledger, seed uint64) capture.Stream {
	d := &dequantiser{in: s, seed: seed, sources: map[string]source{}}
	for i, l := range ledgers {
		r, err := time.ParseDuration(l.Resolution)
		if err == nil && int64(r) >= coarse {
			d.sources[l.Name] = source{uint64(i), int64(r), l.Basis == capture.BasisEndMinusDuration}
			d.margin = max(d.margin, int64(r))
		}
	}
	if len(d.sources) == 0 {
		return s
	}
	return d
}

type source struct {
	ordinal uint64
	tick    int64
	fromEnd bool // the stamp is arrival + duration
}

type dequantiser struct {
	in      capture.Stream
	seed    uint64
	sources map[string]source
	margin  int64 // how far an arrival may move back: the coarsest tick
	at      int64 // arrival of the last request that was read
	order   int64
	queue   []*held // those that wait for their tick, in order of reading; placed ones leave at the front
	waiting int
	ticks   []*tick // open ticks
	ready   ready
	err     error
}

// held is a request on its way through.
type held struct {
	q      *capture.Request
	at     int64 // as captured
	order  int64
	line   int64
	dur    int64
	placed bool
}

type tick struct {
	source
	start int64
	held  []*held
}

func (d *dequantiser) Next(q *capture.Request) error {
	for {
		if len(d.ready) > 0 && (d.err != nil || d.ready[0].q.At < d.safe()) {
			h := heap.Pop(&d.ready).(*held)
			*q = *h.q
			return nil
		}
		if d.err != nil {
			return d.err
		}
		d.read()
	}
}

// safe is an instant before which no further request can be placed.
func (d *dequantiser) safe() int64 {
	for len(d.queue) > 0 && d.queue[0].placed {
		d.queue = d.queue[1:]
	}
	at := d.at
	if len(d.queue) > 0 {
		at = d.queue[0].at
	}
	return at - d.margin
}

func (d *dequantiser) read() {
	var q capture.Request
	q.Reset()
	if err := d.in.Next(&q); err != nil {
		d.err = err
		if errors.Is(err, io.EOF) {
			d.err = io.EOF
		}
		d.close(func(*tick) bool { return true })
		return
	}
	d.at = q.At
	d.order++
	h := &held{q: q.Clone(), at: q.At, order: d.order}
	name, line := splitSrc(q.Src)
	s, known := d.sources[string(name)]
	if !known {
		heap.Push(&d.ready, h)
		return
	}
	h.line = line
	if s.fromEnd && q.DurUS > 0 {
		h.dur = q.DurUS * int64(time.Microsecond)
	}
	d.hold(h, s)
	d.close(func(t *tick) bool { return t.start+t.tick <= d.at })
	if d.waiting > maxHeld {
		first := d.ticks[0]
		d.close(func(t *tick) bool { return t == first })
	}
}

func (d *dequantiser) hold(h *held, s source) {
	start := floor(h.at+h.dur, s.tick)
	if h.dur > holdback*s.tick {
		r := stat.Random(d.seed, stat.Hash(streamLong, s.ordinal, uint64(start)), uint64(h.line))
		d.place(h, start+int64(stat.Below(r, uint64(s.tick))))
		return
	}
	d.queue = append(d.queue, h)
	d.waiting++
	for _, t := range d.ticks {
		if t.start == start && t.ordinal == s.ordinal {
			t.held = append(t.held, h)
			return
		}
	}
	d.ticks = append(d.ticks, &tick{s, start, []*held{h}})
}

// Streams of randomness within a seed.
const (
	streamTick = 0x61727269_0003
	streamLong = 0x61727269_0004
)

// close places the requests of the ticks that are done.
func (d *dequantiser) close(done func(*tick) bool) {
	d.ticks = slices.DeleteFunc(d.ticks, func(t *tick) bool {
		if !done(t) {
			return false
		}
		slices.SortStableFunc(t.held, func(a, b *held) int { return cmp.Compare(a.line, b.line) })
		instants := make([]int64, len(t.held))
		key := stat.Hash(streamTick, t.ordinal, uint64(t.start))
		for i := range instants {
			instants[i] = int64(stat.Below(stat.Random(d.seed, key, uint64(i)), uint64(t.tick)))
		}
		slices.Sort(instants)
		for i, h := range t.held {
			d.place(h, t.start+instants[i])
		}
		d.waiting -= len(t.held)
		return true
	})
}

func (d *dequantiser) place(h *held, end int64) {
	h.placed = true
	h.q.At = end - h.dur
	heap.Push(&d.ready, h)
}

// splitSrc cuts "name:line"; without a line it is 0, and the order of reading decides.
func splitSrc(src []byte) (name []byte, line int64) {
	i := bytes.LastIndexByte(src, ':')
	if i < 0 {
		return src, 0
	}
	n, err := strconv.ParseInt(string(src[i+1:]), 10, 64)
	if err != nil {
		return src, 0
	}
	return src[:i], n
}

func floor(t, width int64) int64 {
	r := t % width
	if r < 0 {
		r += width
	}
	return t - r
}

// ready is a heap of placed requests, the earliest first, equal instants in order of reading.
type ready []*held

func (r ready) Len() int { return len(r) }
func (r ready) Less(i, j int) bool {
	if r[i].q.At != r[j].q.At {
		return r[i].q.At < r[j].q.At
	}
	return r[i].order < r[j].order
}
func (r ready) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *ready) Push(x any)   { *r = append(*r, x.(*held)) }
func (r *ready) Pop() any {
	old := *r
	h := old[len(old)-1]
	old[len(old)-1] = nil
	*r = old[:len(old)-1]
	return h
}
