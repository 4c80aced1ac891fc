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
	Budget   int                      // bytes of memory beyond 4 KiB a connection, of all connections; 0 means 48 MiB
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
