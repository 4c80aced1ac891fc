package capture

import (
	"bytes"
	"cmp"
	"slices"
)

// batch is requests in memory: their lines as a capture file has them, and a key each. A chunk ends where a frame
// would, so that one whose requests are in order is a frame's lines as it is.
type batch struct {
	keys    []sortKey
	chunks  [][]byte
	frame   int  // bytes of lines after which a chunk is full
	chunk   int  // which of them is being filled
	size    int  // bytes taken, keys included
	ordered bool // no request steps back behind another one, nor behind those of the batches before
	err     error
}

// roomFor is the memory for the lines of a frame, whose last line may go beyond its size.
func roomFor(frame int) int { return frame + frame/8 }

// newBatch makes a batch whose chunks are large enough for a decoded frame of a run, since a merge uses them again.
func newBatch(frame int) *batch { return &batch{frame: frame} }

// sortKey is the arrival of a request and where its record lies: the chunk (upper half), the byte in it. A batch
// is filled in the order of refs.
type sortKey struct {
	at  int64
	ref uint64
}

// keySize is the bytes of a sortKey, its double while sorting, and the slice's growth.
const keySize = 48

// add encodes q at the end of the batch. scratch is for requests that may be too large for what is left of a chunk.
func (b *batch) add(q *Request, scratch *[]byte) error {
	c := b.open()
	start, dst := len(*c), *c
	large := cap(dst)-start < q.jsonBound()
	if large {
		start, dst = 0, (*scratch)[:0]
	}
	dst = q.AppendJSON(dst)
	if n := len(dst) - start; n > MaxRecord {
		return tooLong("request", nil, n, MaxRecord)
	}
	dst = append(dst, '\n')
	if large {
		*scratch = dst
		b.put(q.At, dst)
		return nil
	}
	*c = dst
	b.key(q.At, start)
	return nil
}

// put adds a line that was encoded before.
func (b *batch) put(at int64, line []byte) {
	c := b.open()
	start := len(*c)
	*c = append(*c, line...)
	b.key(at, start)
}

// open is the chunk where the next line goes.
func (b *batch) open() *[]byte {
	if b.whole() {
		b.chunk++
	}
	if b.chunk == len(b.chunks) {
		b.chunks = append(b.chunks, nil)
	}
	c := &b.chunks[b.chunk]
	if *c == nil {
		*c = make([]byte, 0, roomFor(b.frame))
	}
	return c
}

// whole reports whether the last chunk is full, so that the batch holds the lines of whole frames.
func (b *batch) whole() bool {
	return b.chunk < len(b.chunks) && len(b.chunks[b.chunk]) >= b.frame
}

// key notes the line that was added last.
func (b *batch) key(at int64, start int) {
	b.keys = append(b.keys, sortKey{at, uint64(b.chunk)<<32 | uint64(start)})
	b.size += len(b.chunks[b.chunk]) - start + keySize
}

// line is a line with its end.
func (b *batch) line(ref uint64) []byte {
	line := b.chunks[ref>>32][uint32(ref):]
	n := bytes.IndexByte(line, '\n') + 1
	return line[:n:n]
}

// reset empties b and keeps its memory, but for what single large lines took.
func (b *batch) reset() {
	b.keys, b.chunk, b.size, b.ordered, b.err = b.keys[:0], 0, 0, false, nil
	for i, c := range b.chunks {
		if cap(c) > roomFor(b.frame) {
			c = nil
		}
		b.chunks[i] = c[:0]
	}
}

// sort puts the keys in order: by arrival, then as they are. spare is memory; what is left over is returned.
func (b *batch) sort(spare []sortKey) []sortKey {
	b.keys, spare = sortKeys(b.keys, spare)
	return spare
}

// fewKeys are sorted by comparing them.
const fewKeys = 256

// sortKeys sorts keys whose refs ascend by their arrival, and those of one instant by ref. The result lies in keys
// or in spare; the other is returned as the new spare.
func sortKeys(keys, spare []sortKey) (sorted, rest []sortKey) {
	lo, span, unit, ordered := survey(keys)
	switch {
	case ordered:
		return keys, spare
	case len(keys) <= fewKeys:
		slices.SortFunc(keys, func(a, b sortKey) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ref, b.ref))
		})
		return keys, spare
	}
	spare = slices.Grow(spare[:0], len(keys))[:len(keys)]
	const digit = 11
	for shift := 0; span/unit>>shift > 0; shift += digit {
		var next [1 << digit]int
		for i := range keys {
			next[uint64(keys[i].at-lo)/unit>>shift&(1<<digit-1)]++
		}
		sum := 0
		for i, n := range next {
			next[i] = sum
			sum += n
		}
		for _, k := range keys {
			d := uint64(k.at-lo) / unit >> shift & (1<<digit - 1)
			spare[next[d]] = k
			next[d]++
		}
		keys, spare = spare, keys
	}
	return keys, spare
}

// survey finds the least arrival, how far the others are from it at most and which unit of time divides all
// distances, and whether the keys are in order already.
func survey(keys []sortKey) (lo int64, span, unit uint64, ordered bool) {
	if len(keys) == 0 {
		return 0, 0, 1, true
	}
	lo, hi := keys[0].at, keys[0].at
	ordered = true
	for i := 1; i < len(keys); i++ {
		ordered = ordered && keys[i-1].at <= keys[i].at
		lo, hi = min(lo, keys[i].at), max(hi, keys[i].at)
	}
	unit = nsPerSecond
	for i := range keys {
		for uint64(keys[i].at-lo)%unit != 0 {
			unit /= 10
		}
	}
	return lo, uint64(hi - lo), unit, ordered
}
