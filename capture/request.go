// Package capture turns what production already wrote into requests, and keeps them in a capture file.
//
// A [Request] is one captured request with whatever is known of its response. Adapters
// (capture/accesslog and the like) make requests, a [Redactor] removes secrets from them, a [Writer]
// puts them into a capture file, a [Reader] gives them back. A [Ledger] accounts for every input line
// or packet: what became a request, what was skipped and why, what the user filtered out.
package capture

import (
	"bytes"
	"time"
)

// Unknown marks a number that the source did not record. Zero is a value, Unknown is not.
const Unknown = -1

// Request is one captured request. Byte slices may point into memory that its producer reuses: they
// are valid until the next call to the producer's Next, and [Request.Clone] gives a copy to keep.
// An empty slice means that the source did not record the field. Call [Request.Reset] before filling one.
type Request struct {
	At      int64 // arrival: first byte of the request at the server, nanoseconds since the Unix epoch, UTC
	DurUS   int64 // arrival to the last byte of the response, microseconds; Unknown
	FirstUS int64 // arrival to the first byte of the response, microseconds; Unknown

	Client []byte // raw address or user before redaction, afterwards a keyed pseudonym that keeps equality only
	Conn   int64  // ordinal of the connection within its source, from 1; 0 unknown

	Method, Scheme, Host, Target, Proto []byte // Target is origin-form as it was sent: /path?query

	Headers  []Header // request headers in their order on the wire; from logs only those that were logged
	Body     []byte   // kept body, at most MaxBody bytes
	BodySize int64    // true size in bytes; Unknown

	Status      int   // 0 unknown
	RespSize    int64 // response body bytes; Unknown
	RespWire    int64 // response bytes on the wire, headers included; Unknown
	RespHeaders []Header
	RespBody    []byte
	Trailers    []Header
	Messages    []Message // of a WebSocket or gRPC stream

	Src []byte // where it came from, "access.log:118"

	clean bool // the redactor has seen it, or it was read from a capture file
}

// Header is one header field, name and value as they were sent.
type Header struct{ Name, Value []byte }

// Message is one message inside a request's stream.
type Message struct {
	US   int64  // microseconds since the request's arrival
	Dir  byte   // 'c' from the client, 's' from the server
	Op   string // text, binary, close, ping, pong, grpc
	Data []byte
}

// Limits on one request. Each is enforced before memory is taken and has a counter.
const (
	MaxLine    = 1 << 20  // bytes of one input line
	MaxTarget  = 64 << 10 // bytes of a request target
	MaxHeaders = 256 << 10
	MaxBody    = 1 << 20 // bytes of a kept body
)

// Reset empties q and keeps its memory: every number Unknown, every slice empty.
func (q *Request) Reset() {
	headers, respHeaders, trailers, messages := q.Headers[:0], q.RespHeaders[:0], q.Trailers[:0], q.Messages[:0]
	*q = Request{} // in place: a literal that mentions q would be made elsewhere and copied
	q.DurUS, q.FirstUS, q.BodySize, q.RespSize, q.RespWire = Unknown, Unknown, Unknown, Unknown, Unknown
	q.Headers, q.RespHeaders, q.Trailers, q.Messages = headers, respHeaders, trailers, messages
}

// Time is the arrival as a time.Time in UTC.
func (q *Request) Time() time.Time { return time.Unix(0, q.At).UTC() }

// Header is the value of the first request header called name (compared without case), or nil.
func (q *Request) Header(name string) []byte {
	for i := range q.Headers {
		if len(q.Headers[i].Name) == len(name) && bytes.EqualFold(q.Headers[i].Name, []byte(name)) {
			return q.Headers[i].Value
		}
	}
	return nil
}

// Clone is a deep copy whose memory belongs to the caller.
func (q *Request) Clone() *Request {
	c := *q
	for _, p := range []*[]byte{&c.Client, &c.Method, &c.Scheme, &c.Host, &c.Target, &c.Proto, &c.Body, &c.RespBody, &c.Src} {
		*p = bytes.Clone(*p)
	}
	c.Headers, c.RespHeaders, c.Trailers = cloneHeaders(q.Headers), cloneHeaders(q.RespHeaders), cloneHeaders(q.Trailers)
	c.Messages = append([]Message(nil), q.Messages...)
	for i := range c.Messages {
		c.Messages[i].Data = bytes.Clone(c.Messages[i].Data)
	}
	return &c
}

func cloneHeaders(hs []Header) []Header {
	if len(hs) == 0 {
		return nil
	}
	c := make([]Header, len(hs))
	for i, h := range hs {
		c[i] = Header{bytes.Clone(h.Name), bytes.Clone(h.Value)}
	}
	return c
}

// Stream yields requests in order of arrival. Next fills q, whose slices stay valid until the next
// call, and returns io.EOF at the end. After any other error Next returns that error for ever.
type Stream interface {
	Next(q *Request) error
}
