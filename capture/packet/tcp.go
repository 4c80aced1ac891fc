package packet

import (
	"bytes"
	"net/netip"
)

// Flow names a connection.
type Flow struct {
	Client, Server netip.AddrPort // side 0 and side 1
	Basis          Basis          // how it was decided which is which
	At, Frame      int64          // capture time and number of its first packet
}

// Basis says how the client's side was recognised.
type Basis uint8

// The ways to tell the client, best first.
const (
	BasisHandshake Basis = iota + 1 // it sent the SYN, or was sent the answer to it
	BasisContent                    // the first bytes are those of a request, or of a response
	BasisPort                       // its port is the one that systems give to clients
	BasisFirst                      // it sent the first bytes seen
)

func (b Basis) String() string {
	switch b {
	case BasisHandshake:
		return "handshake"
	case BasisContent:
		return "content"
	case BasisPort:
		return "port"
	case BasisFirst:
		return "first"
	}
	return "unknown"
}

// begin makes the Sink of a connection. b is what half d is about to hand over, if it is bytes.
func (a *Assembler) begin(c *conn, d int, b []byte) {
	if c.client < 0 {
		c.client, c.basis = c.decide(d, b)
	}
	k := int(c.client)
	c.sink = a.o.New(Flow{
		Client: c.key.end(k), Server: c.key.end(1 - k), Basis: c.basis, At: c.firstAt, Frame: c.firstFrame,
	})
	for d := range c.half { // closed before anything was said
		if h := &c.half[d]; h.ended {
			c.sink.End(d^k, h.endAt, h.reset)
		}
	}
}

// decide tells which half is the client's where no handshake was seen.
func (c *conn) decide(d int, b []byte) (int8, Basis) {
	if b == nil && c.half[d].head != nil {
		b = c.half[d].head.buf[:c.half[d].head.n]
	}
	switch {
	case asks(b):
		return int8(d), BasisContent
	case answers(b):
		return int8(1 - d), BasisContent
	}
	if p := c.half[1-d].head; p != nil {
		switch {
		case asks(p.buf[:p.n]):
			return int8(1 - d), BasisContent
		case answers(p.buf[:p.n]):
			return int8(d), BasisContent
		}
	}
	own, other := c.key.end(d).Port(), c.key.end(1-d).Port()
	switch {
	case own < other && (own < 1024 || other >= 32768): // servers listen on low ports, clients are given high ones
		return int8(1 - d), BasisPort
	case other < own && (other < 1024 || own >= 32768):
		return int8(d), BasisPort
	}
	return int8(d), BasisFirst
}

var methods = [][]byte{
	[]byte("GET "), []byte("POST "), []byte("PUT "), []byte("HEAD "), []byte("DELETE "), []byte("PATCH "),
	[]byte("OPTIONS "), []byte("CONNECT "), []byte("TRACE "), []byte("PRI * HTTP/2"),
}

// asks reports whether bytes are those of a client: a request, or the first message of TLS.
func asks(b []byte) bool {
	for _, m := range methods {
		if bytes.HasPrefix(b, m) {
			return true
		}
	}
	return len(b) > 5 && b[0] == 22 && b[1] == 3 && b[5] == 1
}

// answers reports whether bytes are those of a server: a response, or its first message of TLS.
func answers(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/1.")) || len(b) > 5 && b[0] == 22 && b[1] == 3 && b[5] == 2
}
