package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

var grpcType = []byte("application/grpc")

const (
	callHead   = 5 // bytes before a message: flags and length
	callPacked = 1 // flag: the message is compressed
	callFields = 0x80
)

// parts rewrites a body without codings: the messages of gRPC each, anything else in one.
func (c *Contents) parts(hs []Header, kind, body []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	if len(kind) < len(grpcType) || !bytes.EqualFold(kind[:len(grpcType)], grpcType) {
		return change(body, kind), true
	}
	if !bytes.HasPrefix(bytes.ToLower(kind[len(grpcType):]), []byte("-web-text")) {
		return c.calls(hs, kind, body, change)
	}
	plain, ok := inQuads(body)
	if !ok {
		return change(body, nil), true
	}
	out, ok := c.calls(hs, kind, plain, change)
	if !ok || same(out, plain) {
		return body, ok
	}
	return base64.StdEncoding.AppendEncode(nil, out), true
}

// inQuads decodes the base64 of gRPC-web, in which padding may stand between parts.
func inQuads(b []byte) (plain []byte, ok bool) {
	plain = make([]byte, 0, len(b)/4*3)
	var to [3]byte
	for ; len(b) >= 4; b = b[4:] {
		n, err := base64.StdEncoding.Decode(to[:], b[:4])
		if err != nil {
			return nil, false
		}
		plain = append(plain, to[:n]...)
	}
	return plain, len(b) == 0
}

// calls rewrites the messages of a body of gRPC. What is not framed as such is a part of its own.
func (c *Contents) calls(hs []Header, kind, body []byte, change func(part, contentType []byte) []byte) ([]byte, bool) {
	var out []byte // nil until something changes
	for done := 0; done < len(body); {
		rest := body[done:]
		flags, n := byte(0), len(rest)
		head := 0
		if len(rest) >= callHead && rest[0]&^(callPacked|callFields) == 0 {
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
	case flags&callFields != 0:
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
	x, none := codingOf(bytes.TrimSpace(header(hs, "Grpc-Encoding")))
	return x, !none
}
