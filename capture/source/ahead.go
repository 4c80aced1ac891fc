package source

import (
	"io"
	"sync"
)

// readAhead reads a stream in a goroutine of its own, a few pieces ahead of its reader: reading, digesting
// and decompressing then run beside what becomes of the lines. close ends the goroutine.
type readAhead struct {
	full   chan piece
	empty  chan []byte
	wg     sync.WaitGroup
	now    piece  // that is being given
	rest   []byte // of now.b
	offset int64  // bytes of the file behind what was given
}

// piece is what one Read gave.
type piece struct {
	b      []byte
	err    error
	offset int64
}

// aheadPieces are read at most before the first of them is needed, readSize bytes each.
const aheadPieces = 4

// newReadAhead reads ahead in r. offset tells after each Read how far that has come in the file.
func newReadAhead(r io.Reader, offset func() int64) *readAhead {
	a := &readAhead{full: make(chan piece, aheadPieces), empty: make(chan []byte, aheadPieces), offset: offset()}
	for range aheadPieces {
		a.empty <- make([]byte, readSize)
	}
	a.wg.Go(func() {
		for b := range a.empty {
			n, err := r.Read(b[:readSize])
			a.full <- piece{b[:n], err, offset()}
			if err != nil {
				return
			}
		}
	})
	return a
}

// Read gives what was read, piece by piece, and the error at its end for ever.
func (a *readAhead) Read(b []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.b != nil {
			a.empty <- a.now.b
		}
		a.now = <-a.full
		a.rest, a.offset = a.now.b, a.now.offset
	}
	n := copy(b, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		return n, a.now.err
	}
	return n, nil
}

// close waits for the Read that is under way, after which the stream may be closed.
func (a *readAhead) close() {
	close(a.empty)
	a.wg.Wait()
}
