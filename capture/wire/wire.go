// Package wire turns the byte streams of connections into requests: what two ends sent each other goes in, with
// the instant of every piece and with gaps, and a [capture.Request] comes out for each request that was recovered,
// paired with its response.
//
// What a connection carries is decided by its bytes, never by a port, and so is which end is the client: HTTP/1
// request and status lines, the HTTP/2 preface, TLS records. Every byte is accounted for: it belongs to a
// recovered message, or it was skipped for a reason that has a counter ([Tally]).
//
// A connection that lost bytes goes on where a message can be recognised with certainty. Nothing is guessed: a
// response that may belong to another request is counted, not paired.
//
// # What is read, and what is refused
//
//   - A request line is a method that is a token of at most 32 bytes, a target in one of the four forms and HTTP/1.x,
//     with any blanks between. Lines may end in a bare line feed, fields may be folded, empty lines may stand before.
//     Without a version it is HTTP/0.9, and counted. Whatever else stands where a request is due is a bad request, and
//     so is all up to the next certain message.
//   - The target is kept in origin form. Of an absolute one scheme and host are taken out; its host wins over the field
//     Host, as RFC 9112, section 3.2.2, has it. Userinfo is dropped.
//   - A field whose name is no token (a blank before the colon) is kept, but does not frame the body. A line without a
//     colon is left out. Both are counted as odd.
//   - Bodies end as RFC 9112, section 6.3, says. Transfer-Encoding wins over Content-Length, and several equal lengths
//     are one. Where a server has to refuse the framing (lengths that differ, are negative or overflow; a coding that does
//     not end in chunked, or comes with HTTP/1.0) the head still is a request, its body is unknown, and what follows is
//     skipped as bad-framing. In responses chunked counts with HTTP/1.0 too.
//   - A body is kept from its beginning up to a gap, or up to 1 MiB; it is cut where it is shorter than its size. Where the
//     size is not known nothing is kept. It stays in its content coding. Trailers of requests are read and dropped.
//   - A request above a limit (target 64 KiB, 512 fields or 256 KiB of them) is counted and left out with its response.
//   - Interim responses are counted; so is a response whose request is not known. A request without a response has status 0.
//   - A WebSocket's request is handed over when its connection ends; at most 16,384 messages and 2 MiB of them are kept.
//     Compressed messages are inflated. After a gap those that may refer to what is lost are counted, not guessed.
//
// Of HTTP/2, with prior knowledge, behind an upgrade to h2c, or decrypted:
//
//   - Pseudo-fields become method, target, scheme and host; cookies that the client split are one field again. A request
//     that came by an upgrade is one of HTTP/1.1 whose response is on stream 1.
//   - A block of fields that a peer has to refuse (a pseudo-field out of place, a name that is no token, a line break in a
//     value) is a bad request or response. One above a limit is refused, and its header table is not known from then on.
//   - The size of a response on the wire is that of its HEADERS, CONTINUATION and DATA frames with padding, interim
//     responses left out; other frames, the preface included, are http2-control. Settings are not read: what they say
//     about header tables stands in the blocks too.
//   - A stream that is reset has the body that came up to then, and no response if none had begun.
//   - What a server pushes is counted, promise and response, and is no request: no client asked for it.
//   - At most 1,024 streams of a connection are followed; the oldest ends where there are more. Of a header table at most
//     64 KiB are kept.
//   - Messages of gRPC and gRPC-web (by content type, also over HTTP/1, also as text) are kept without the five bytes before
//     them. Those say whether a message is compressed, and stand in the body, which is kept as well. The limits are those
//     of a WebSocket, and 1 MiB a message. Trailers at the end of a body of gRPC-web are trailers of the response.
//   - A WebSocket or another tunnel within a stream is a request with a body.
//
// # After a gap
//
// A gap within a body, a chunk or a frame whose length is known changes nothing but that data. Any other is skipped up to
// the next Data that begins with a whole head in perfect form: a known method, and Host where HTTP/1.1 demands it.
// Behind it the next response is paired only if it cannot be that of a message in the gap; where the order alone cannot
// tell, only of a client that was seen to wait for each response before it sent another request.
// A response whose request is not known may be the one to a HEAD: no request from before the end of what looks like its body
// is paired.
//
// In HTTP/2 a gap within a frame changes nothing but that frame, and if it carried fields, the header table. Behind any other,
// and on a connection that is entered in the middle, frames are tried from where the head of one may be: all that
// follow have to be flawless, and what they said is withheld until three began where a Data does and none within one, or
// until 64 KiB of them, or the end, speak for it. Nothing else tells a body that is itself made of frames. Of the header
// table those entries are known that were seen coming. A field that refers to an older one is left out and counted; without
// method, path or status nothing is guessed, and where one may be a cookie none is kept.
package wire

import (
	"net/netip"
	"strconv"

	"trafficreplay/capture"
)

// Options settle what a Decoder does.
type Options struct {
	Source   string                   // name of the source, for Src: "prod.pcap"
	Emit     func(q *capture.Request) // takes each request; q and all that it points to are valid for the call
	NoBodies bool                     // count the bytes of bodies and messages, but keep none
	Budget   int                      // bytes of buffers above 4 KiB, of all connections; where all buffers take 2.5 times that, bodies get none; 0 means 48 MiB
}

// Decoder decodes the connections of one source. It is not safe for concurrent use, and neither are the
// connections that it opened.
type Decoder struct {
	o      Options
	pool   pool
	tally  Tally
	opened int64 // connections

	q     capture.Request // what Emit gets
	text  []byte          // Client and Src of q
	free  *exchange
	spare int // exchanges in free
	inflater

	streams *stream // free ones
	list    headerList
}

const defaultBudget = 48 << 20

// NewDecoder makes a Decoder.
func NewDecoder(o Options) *Decoder {
	if o.Budget == 0 {
		o.Budget = defaultBudget
	}
	return &Decoder{o: o, pool: pool{budget: o.Budget}}
}

// Open begins a connection between two ends, side 0 and side 1 of its Data. Connections are numbered from 1 in the
// order of the calls.
func (d *Decoder) Open(ends [2]netip.AddrPort) *Conn {
	d.opened++
	c := &Conn{d: d, ends: ends, number: d.opened}
	c.http.c = c
	c.proto = &c.http
	return c
}

// Tally is the sum over all connections whose both sides have ended.
func (d *Decoder) Tally() *Tally { return &d.tally }

// emit hands over the request of an exchange whose both messages are over, and takes its memory back.
func (d *Decoder) emit(c *Conn, e *exchange) {
	switch {
	case e.alone:
	case e.to != inMessage:
		c.tally.Refused++
	default:
		c.tally.Requests++
		if e.status == 0 {
			c.tally.Unanswered++
		}
		e.fill(&d.q, c)
		if d.o.Emit != nil {
			d.o.Emit(&d.q)
		}
	}
	d.recycle(e)
}

// names sets Client and Src of q.
func (d *Decoder) names(q *capture.Request, client netip.Addr, frame int64) {
	d.text = d.text[:0]
	if client.IsValid() {
		d.text = client.Unmap().AppendTo(d.text)
	}
	n := len(d.text)
	d.text = append(d.text, d.o.Source...)
	if frame > 0 {
		d.text = strconv.AppendInt(append(d.text, ':'), frame, 10)
	}
	q.Client, q.Src = d.text[:n:n], d.text[n:]
}
