package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"trafficreplay/capture"
)

// grpcCall takes the messages of gRPC or gRPC-web out of the body of a request or of a response. A message is kept as
// it was sent, without the five bytes before it. They say whether it is compressed; the body holds them too.
type grpcCall struct {
	on   bool
	web  bool // the trailers are the last message
	text bool // in base64
	lost bool // where the next message begins is not known
	from byte // 'c' or 's'

	quad   [4]byte // of base64
	quads  int
	head   [5]byte
	n      int   // bytes in head
	need   int64 // bytes left of a message
	fields bool  // the message is trailers
	msg    message
}

// Bits of the first byte before a message.
const (
	grpcPacked = 1
	grpcFields = 0x80
)

const grpcType = "application/grpc"

// begin begins a body of a content type.
func (g *grpcCall) begin(content []byte, from byte) {
	if len(content) < len(grpcType) || !is(content[:len(grpcType)], grpcType) {
		return
	}
	rest := string(content[len(grpcType):])
	kind, _, _ := strings.Cut(rest, ";")
	kind, _, _ = strings.Cut(strings.TrimRight(kind, " \t"), "+")
	web, text := strings.EqualFold(kind, "-web"), strings.EqualFold(kind, "-web-text")
	*g = grpcCall{on: kind == "" || web || text, web: web || text, text: text, from: from}
}

// data takes the next bytes of the body.
func (g *grpcCall) data(c *Conn, e *exchange, at int64, b []byte) {
	switch {
	case !g.on || g.lost:
	case g.text:
		g.decode(c, e, at, b)
	default:
		g.raw(c, e, at, b)
	}
}

// decode takes base64. Each part that a sender encoded by itself may end in padding.
func (g *grpcCall) decode(c *Conn, e *exchange, at int64, b []byte) {
	for len(b) > 0 && !g.lost {
		n := copy(g.quad[g.quads:], b)
		b = b[n:]
		if g.quads += n; g.quads < len(g.quad) {
			return
		}
		g.quads = 0
		var to [3]byte
		n, err := base64.StdEncoding.Decode(to[:], g.quad[:])
		if err != nil {
			g.lose(c)
			return
		}
		g.raw(c, e, at, to[:n])
	}
}

// raw takes bytes of messages.
func (g *grpcCall) raw(c *Conn, e *exchange, at int64, b []byte) {
	for len(b) > 0 && !g.lost {
		if g.need > 0 {
			part := b[:min(int64(len(b)), g.need)]
			b = b[len(part):]
			g.add(c, part)
			if g.need == 0 {
				g.finish(c, e)
			}
			continue
		}
		if g.n == 0 {
			g.msg = message{op: opGRPC, at: at}
		}
		n := copy(g.head[g.n:], b)
		b = b[n:]
		if g.n += n; g.n < len(g.head) {
			return
		}
		g.open(c, e)
	}
}

// open begins the message whose head is whole.
func (g *grpcCall) open(c *Conn, e *exchange) {
	flags := g.head[0]
	g.need, g.fields, g.msg.packed = int64(binary.BigEndian.Uint32(g.head[1:])), flags&grpcFields != 0, flags&grpcPacked != 0
	switch {
	case flags&^(grpcPacked|grpcFields) != 0, g.fields && !g.web:
		g.need = 0
		g.lose(c)
	case g.need == 0:
		g.finish(c, e)
	}
}

func (g *grpcCall) add(c *Conn, b []byte) {
	g.need -= int64(len(b))
	m := &g.msg
	if m.cut {
		return
	}
	kept, ok := c.d.pool.keep(m.b, len(b))
	if m.b = kept; !ok || len(kept)+len(b) > maxMessage {
		m.cut = true
		return
	}
	m.b = append(kept, b...)
}

// finish ends a message.
func (g *grpcCall) finish(c *Conn, e *exchange) {
	m := &g.msg
	switch {
	case g.fields:
		g.trailers(c, e)
	default:
		c.tally.GRPC++
		if m.cut || !e.keepMessage(c, m, g.from, m.b) {
			c.tally.Unkept++
		}
	}
	g.free(&c.d.pool)
}

// trailers takes the trailers of gRPC-web, which are written as HTTP/1 writes them.
func (g *grpcCall) trailers(c *Conn, e *exchange) {
	m := &g.msg
	text := bytes.TrimRight(m.b, "\r\n")
	if g.from != 's' || len(text) == 0 {
		return
	}
	if m.cut || m.packed || len(m.b) > capture.MaxHeaders || !e.trail.set(&c.d.pool, m.b) {
		c.tally.Unkept++
		return
	}
	var ignored framing
	c.tally.Odd += int64(e.trail.parse(0, &ignored))
	if e.trail.tooLong() {
		e.trail.free(&c.d.pool)
		c.tally.Unkept++
	}
}

// gap goes on behind a gap of n bytes if that lies within a message.
func (g *grpcCall) gap(c *Conn, e *exchange, n int64) {
	switch {
	case !g.on || g.lost:
	case g.text || n > g.need:
		g.lose(c)
	default:
		g.msg.cut = true
		if g.need -= n; g.need == 0 {
			g.finish(c, e)
		}
	}
}

// lose says that where the next message begins is not known.
func (g *grpcCall) lose(c *Conn) {
	if !g.on || g.lost {
		return
	}
	if g.n > 0 {
		c.tally.Unkept++
	}
	g.lost = true
	g.free(&c.d.pool)
}

// end ends the body.
func (g *grpcCall) end(c *Conn) {
	g.lose(c)
	g.on = false
}

func (g *grpcCall) free(p *pool) {
	p.put(g.msg.b)
	g.msg.b, g.n, g.need = nil, 0, 0
}

// dropMessages forgets the messages that were kept.
func (e *exchange) dropMessages(c *Conn) {
	c.tally.Unkept += int64(e.kept)
	c.d.pool.put(e.messages)
	e.messages, e.kept = nil, 0
}
