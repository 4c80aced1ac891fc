package wire

import (
	"bytes"
	"compress/flate"
	"io"
)

// agreedDeflate is what a handshake says of permessage-deflate (RFC 7692).
type agreedDeflate struct {
	on    bool
	fresh [2]bool // messages of the client, of the server, do not refer to those before them
}

// parseDeflate reads the extensions that a server has accepted. The window bits do not matter to who reads: a window of
// 32 KiB holds all smaller ones.
func parseDeflate(extensions []byte) (a agreedDeflate) {
	eachWord(extensions, func(x []byte) {
		name, rest, _ := bytes.Cut(x, []byte(";"))
		if a.on || !is(bytes.TrimSpace(name), "permessage-deflate") {
			return
		}
		a.on = true
		for len(rest) > 0 {
			var p []byte
			p, rest, _ = bytes.Cut(rest, []byte(";"))
			p = bytes.TrimSpace(p)
			a.fresh[0] = a.fresh[0] || is(p, "client_no_context_takeover")
			a.fresh[1] = a.fresh[1] || is(p, "server_no_context_takeover")
		}
	})
	return a
}

// A message may become maxInflated bytes, and all messages of a side together inflateBase and inflateRatio times what
// they were: beyond it somebody wants to keep us busy.
const (
	windowSize   = 32 << 10
	maxInflated  = 64 << 20
	inflateBase  = 64 << 20
	inflateRatio = 100
)

// inflater inflates messages, one at a time, of all connections.
type inflater struct {
	flate io.ReadCloser
	in    packed
	out   []byte // of the last message
	block []byte
}

// packed is a compressed message with the bytes that RFC 7692 leaves out at its end, and a last block of nothing.
type packed struct {
	b    []byte
	tail []byte
}

var packedTail = []byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff")

func (p *packed) ReadByte() (byte, error) {
	if len(p.b) == 0 {
		p.b, p.tail = p.tail, nil
	}
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	c := p.b[0]
	p.b = p.b[1:]
	return c, nil
}

func (p *packed) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		p.b, p.tail = p.tail, nil
	}
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.b)
	p.b = p.b[n:]
	return n, nil
}

// inflate gives what a message of a side was before compression; it is valid until the next call. whole is false where
// it is longer than may be kept, ok where it cannot be read.
func (z *inflater) inflate(pool *pool, f *frames, b []byte) (plain []byte, whole, ok bool) {
	z.in = packed{b, packedTail}
	if z.flate == nil {
		z.flate = flate.NewReaderDict(&z.in, f.window)
		z.block = make([]byte, windowSize)
	} else if err := z.flate.(flate.Resetter).Reset(&z.in, f.window); err != nil {
		return nil, false, false
	}
	z.out = z.out[:0]
	whole = true
	f.packed += int64(len(b))
	for total := 0; ; {
		n, err := z.flate.Read(z.block)
		total, f.inflated = total+n, f.inflated+int64(n)
		if total > maxInflated || f.inflated > inflateBase+inflateRatio*f.packed {
			return nil, false, false
		}
		if whole = whole && len(z.out)+n <= maxMessage; whole {
			z.out = append(z.out, z.block[:n]...)
		}
		if !f.remember(pool, z.block[:n]) {
			return nil, false, false
		}
		if err == io.EOF {
			return z.out, whole, true
		}
		if err != nil {
			return nil, false, false
		}
	}
}

// remember keeps the end of what a side has sent, which the next message may refer to. It is false where there is no
// memory.
func (f *frames) remember(p *pool, b []byte) bool {
	if !f.takeover || len(b) == 0 {
		return true
	}
	if over := len(f.window) + len(b) - windowSize; over > 0 {
		over = min(over, len(f.window))
		f.window = f.window[:copy(f.window, f.window[over:])]
	}
	to, ok := p.grow(f.window, len(b))
	if f.window = to; ok {
		f.window = append(to, b...)
	}
	return ok
}
