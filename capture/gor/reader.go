package gor

import (
	"bytes"
	"container/list"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"trafficreplay/capture"
	"trafficreplay/capture/wire"
)

// Reader gives the requests of one GoReplay file. Payloads of any size are read piece by piece: memory is bounded by
// the requests that wait for a response. It is not safe for concurrent use.
type Reader struct {
	name string // for errors
	in   io.Reader

	buf        []byte
	start, end int   // of what is there of the file
	offset     int64 // of buf in the file
	ended      error // of in, once it has one

	payload int64     // number of the payload at hand
	within  bool      // there is more of it
	x       *exchange // that it belongs to; nil: nobody wants it
	side    int       // of the exchange

	wire      *wire.Decoder
	waiting   map[string]*exchange // requests whose response may come, by ID
	order     list.List            // of them, oldest first
	kept      int64                // bytes of them
	emitting  *exchange            // whose requests Emit gets
	responses int64

	out    queue
	number int64 // of the payload that Next gave last
	err    error // sticky
}

const (
	pieceSize  = 64 << 10
	bufferSize = 2 * pieceSize
)

// What waits for responses is bounded: the oldest request is given without one when there is more.
const (
	maxWaitingBytes = 24 << 20
	waitingCost     = 3 << 10 // bytes that a request takes beside its own
)

// NewReader reads the file that r holds. name is what errors call it.
func NewReader(r io.Reader, name string) *Reader {
	g := &Reader{name: name, in: r, buf: make([]byte, bufferSize), waiting: map[string]*exchange{}}
	g.wire = wire.NewDecoder(wire.Options{Source: filepath.Base(name), Emit: g.emit})
	return g
}

// Next reads the next request into q, whose slices stay valid until the next call. Requests come out when their
// response has come, or once it is waited for no more. A [*capture.SyntaxError] is about one payload, and reading goes
// on behind it; io.EOF is the end; any other error names the file and the place, and Next returns it for ever.
func (r *Reader) Next(q *capture.Request) error {
	for r.err == nil {
		if item := r.out.take(); item != nil {
			r.number = item.number
			if item.bad != nil {
				return item.bad
			}
			*q = item.q
			return nil
		}
		if err := r.step(); err == io.EOF {
			r.err = err
		} else if err != nil {
			r.err = fmt.Errorf("%s: byte %d (payload %d): %w", r.name, r.offset+int64(r.end), r.payload, err)
		}
	}
	return r.err
}

// Number is the number in the file, from 1, of the payload that Next was about.
func (r *Reader) Number() int64 { return r.number }

// Responses is how many requests have come out with their response.
func (r *Reader) Responses() int64 { return r.responses }

// ending says what follows a piece of a payload.
type ending int

const (
	more  ending = iota // another piece of it
	whole               // a separator
	torn                // the end of the file
)

// step reads one piece of a payload, or gives up one request at the end of the file.
func (r *Reader) step() error {
	b, end, err := r.piece()
	if err == io.EOF {
		return r.flush()
	}
	if err != nil {
		return err
	}
	if !r.within {
		if end == torn && len(bytes.TrimSpace(b)) == 0 {
			return nil // behind the last separator
		}
		b = r.begin(b)
	}
	if r.x != nil {
		r.x.torn = r.x.torn || end == torn && r.side == 0
		r.feed(r.x, b)
	}
	r.within = end == more
	if !r.within && r.x != nil {
		r.endPayload(r.x)
	}
	return nil
}

// begin reads the first line of a payload and returns what is there of the rest.
func (r *Reader) begin(b []byte) []byte {
	r.payload++
	r.x = nil
	line, body, _ := bytes.Cut(b, []byte("\n"))
	var h header
	switch {
	case !h.parse(line):
		r.out.skip(reasonBadHeader, line, r.payload)
	case h.kind == '3':
		r.out.skip(reasonReplayed, line, r.payload)
	case h.kind == '2':
		if r.x, r.side = r.waiting[string(h.id)], 1; r.x == nil {
			r.out.skip(reasonAlone, line, r.payload)
			break
		}
		r.x.answer(&h)
	default:
		r.x, r.side = r.open(&h, body), 0
	}
	return body
}

// piece gives the next piece of the payload.
func (r *Reader) piece() (b []byte, end ending, err error) {
	for {
		have := r.buf[r.start:r.end]
		if i := bytes.Index(have, separator); i >= 0 {
			r.start += i + len(separator)
			return have[:i], whole, nil
		}
		if len(have) >= pieceSize {
			n := len(have) - len(separator) + 1
			r.start += n
			return have[:n], more, nil
		}
		if r.ended == io.EOF && (len(have) > 0 || r.within) {
			r.start = r.end
			return have, torn, nil
		}
		if r.ended != nil {
			return nil, more, r.ended
		}
		r.fill()
	}
}

// fill reads once. There is room: less than a piece is there.
func (r *Reader) fill() {
	r.offset += int64(r.start)
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0
	const maxEmptyReads = 100
	for range maxEmptyReads {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		if err != nil && err != io.EOF && errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the file ends in the middle: %w", err)
		}
		r.ended = err
		if n > 0 || err != nil {
			return
		}
	}
	r.ended = io.ErrNoProgress
}
