package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

var grpcType = []byte("application/grpc")

const (
	callHead   = 5    // bytes before a message: flags and length
	callPacked = 1    // flag: the message is compressed
	callFields = 0x80 // flag: trailers of gRPC-web
	callEnd    = 0x02 // flag: trailers of Connect
)

// parts rewrites a body without codings: the messages of gRPC and Connect each, anything else in one.
func (c *Contents) parts(hs []Header, kind, body []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	switch {
	case hasPrefixFold(kind, "application/grpc-web-text"):
	case hasPrefixFold(kind, "application/grpc"), hasPrefixFold(kind, "application/connect+"):
		return c.calls(hs, kind, body, change)
	default:
		return change(body, kind), true
	}
	plain, ok := inQuads(body)
	switch {
	case !ok && len(plain) == 0:
		return change(body, nil), true // no base64
	case !ok:
		return nil, false
	}
	out, ok := c.calls(hs, kind, plain, change)
	if !ok || same(out, plain) {
		return body, ok
	}
	return base64.StdEncoding.AppendEncode(nil, out), true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}

// inQuads decodes the base64 of gRPC-web, in which padding may stand between parts, and which may be cut off.
func inQuads(b []byte) (plain []byte, ok bool) {
	plain = make([]byte, 0, len(b)/4*3)
	var to [3]byte
	for ; len(b) >= 4; b = b[4:] {
		n, err := base64.StdEncoding.Decode(to[:], b[:4])
		if err != nil {
			return plain, false
		}
		plain = append(plain, to[:n]...)
	}
	if b = bytes.TrimRight(b, "="); len(b) < 2 {
		return plain, true // less than a byte
	}
	n, err := base64.RawStdEncoding.Decode(to[:], b)
	return append(plain, to[:n]...), err == nil
}

// calls rewrites the messages of a body of gRPC. What is not framed as such is a part of its own.
func (c *Contents) calls(hs []Header, kind, body []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	var out []byte // nil until something changes
	for done := 0; done < len(body); {
		rest := body[done:]
		flags, n := byte(0), len(rest)
		head := 0
		if len(rest) >= callHead && rest[0]&^(callPacked|callFields|callEnd) == 0 {
			flags, head = rest[0], callHead
			n = int(min(uint64(binary.BigEndian.Uint32(rest[1:])), uint64(len(rest)-callHead)))
		}
		part := rest[head : head+n]
		changed, ok := c.call(hs, kind, flags, part, change)
		if !ok {
			return nil, false
		}
		if out == nil && !same(changed, part) {
			out = append(make([]byte, 0, len(body)+len(changed)), body[:done]...)
		}
		if out != nil {
			start := len(out)
			out = append(append(out, rest[:head]...), changed...)
			if head > 0 && len(changed) != n {
				binary.BigEndian.PutUint32(out[start+1:], uint32(len(changed)))
			}
		}
		done += head + n
	}
	if out == nil {
		out = body
	}
	return out, true
}

func (c *Contents) call(hs []Header, kind []byte, flags byte, part []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	x, named := messageCoding(hs)
	switch {
	case len(part) == 0:
		return part, true
	case flags&callPacked != 0 && named:
		return c.message(part, x, kind, change)
	case flags&callPacked != 0:
		return nil, false
	case flags&(callFields|callEnd) != 0:
		kind = nil
	}
	return change(part, kind), true
}

// message rewrites a compressed message.
func (c *Contents) message(b []byte, x coding, kind []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	plain, err := c.take(b, &x, maxCodings)
	if err != nil {
		return nil, false
	}
	out := change(plain, kind)
	if same(out, plain) {
		return b, true
	}
	return c.pack(out, []coding{x}, len(b))
}

// messageCoding is the coding of compressed messages. named is false where none is said.
func messageCoding(hs []Header) (x coding, named bool) {
	name := header(hs, "Grpc-Encoding")
	if len(name) == 0 {
		name = header(hs, "Connect-Content-Encoding")
	}
	x, none := codingOf(bytes.TrimSpace(name))
	return x, !none
}
