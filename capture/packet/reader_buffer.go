package packet

import "io"

// bufferSize is how much is read at once, bytes: some hundred packets, and it stays in a core's cache.
const bufferSize = 64 << 10

// buffer reads ahead of the packets. What it lends points into its memory and is valid until the next peek.
type buffer struct {
	src  io.Reader
	b    []byte
	r, w int   // b[r:w] is read and not yet taken
	off  int64 // of b[r] in the source
	err  error // of src, once it has failed
}

// peek lends the next n bytes without taking them. Where the source ends before, it lends what there is with the
// source's error. It grows as bytes arrive, never by what n claims.
func (b *buffer) peek(n int) ([]byte, error) {
	if b.w-b.r >= n {
		return b.b[b.r : b.r+n], nil
	}
	for b.w-b.r < n {
		if b.err != nil {
			return b.b[b.r:b.w], b.err
		}
		b.fill(n)
	}
	return b.b[b.r : b.r+n], nil
}

// fill reads once more, after making room.
func (b *buffer) fill(n int) {
	b.w = copy(b.b, b.b[b.r:b.w]) // less than a packet
	b.r = 0
	if b.w == len(b.b) {
		b.b = append(b.b, make([]byte, max(bufferSize, min(len(b.b), n-len(b.b))))...)
	}
	for range 100 {
		m, err := b.src.Read(b.b[b.w:])
		b.w += m
		b.err = err
		if m > 0 || err != nil {
			return
		}
	}
	b.err = io.ErrNoProgress
}

// take passes over n bytes that were lent.
func (b *buffer) take(n int) {
	b.r += n
	b.off += int64(n)
}
