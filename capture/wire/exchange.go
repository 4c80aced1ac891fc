package wire

import (
	"trafficreplay/capture"
)

// exchange is a request and what is known of its response, while they are read and while the request waits.
type exchange struct {
	next *exchange // in the order of the requests, or of the free ones

	at, frame        int64 // of the request's first byte
	firstAt, lastAt  int64 // of the response
	line             requestLine
	req, resp, trail head
	asks, answers    framing
	body, respBody   body
	status           int
	wire             int64       // bytes of the response
	messages         []byte      // of a WebSocket, see keepMessage
	kept             int         // messages
	calls            [2]grpcCall // of the request and of the response
	to               reason      // what the request's bytes count as

	unsure    bool // a gap before it may have swallowed requests
	alone     bool // there is a response only
	adrift    bool // what is taken for its body may be other responses
	asked     bool // the request is over
	answering bool // the response has begun
	answered  bool // the response is over, or will not come
	unending  bool // how the response ended is not known
}

// body is the body of a message.
type body struct {
	kept    []byte // what is kept of it, from its beginning
	size    int64
	cut     bool // the rest is not kept
	unknown bool // so is the size
}

// add takes bytes of the body, of which so many are due as far as is known, these included. Room for a short one is taken at
// once: where there is too little for all, some are whole then.
func (y *body) add(c *Conn, b []byte, due int64) {
	y.size += int64(len(b))
	if y.cut || c.d.o.NoBodies {
		return
	}
	if room := capture.MaxBody - len(y.kept); len(b) > room {
		b = b[:room]
		c.unkept(y)
	}
	kept, ok := c.d.pool.keep(y.kept, max(len(b), int(min(due, int64(smallBuffer-len(y.kept))))))
	if !ok {
		c.unkept(y)
		return
	}
	y.kept = append(kept, b...)
}

// skip goes on behind a gap of n bytes.
func (y *body) skip(c *Conn, n int64) {
	y.size += n
	c.unkept(y)
}

// lose says that nobody knows how long the body is.
func (y *body) lose(c *Conn) {
	c.unkept(y)
	y.unknown = true
}

// unkept says that the rest of a body is not kept.
func (c *Conn) unkept(y *body) {
	if !y.cut {
		y.cut = true
		c.tally.Unkept++
	}
}

// result is the kept part and the size. Of a body whose size is unknown nothing is kept: who reads it could not see
// that it is cut.
func (y *body) result() ([]byte, int64) {
	if y.unknown {
		return nil, capture.Unknown
	}
	return y.kept, y.size
}

// maxSpare bounds how many exchanges are kept for use again.
const maxSpare = 1 << 12

func (d *Decoder) exchange() *exchange {
	e := d.free
	if e == nil {
		return &exchange{}
	}
	d.free, d.spare = e.next, d.spare-1
	e.next = nil
	return e
}

// recycle takes the memory of an exchange back.
func (d *Decoder) recycle(e *exchange) {
	p := &d.pool
	for _, h := range []*head{&e.req, &e.resp, &e.trail} {
		h.free(p)
	}
	p.put(e.body.kept)
	p.put(e.respBody.kept)
	p.put(e.messages)
	e.calls[0].free(p)
	e.calls[1].free(p)
	*e = exchange{req: e.req, resp: e.resp, trail: e.trail}
	if d.spare < maxSpare {
		e.next, d.free, d.spare = d.free, e, d.spare+1
	}
}

// fill makes a request of an exchange.
func (e *exchange) fill(q *capture.Request, c *Conn) {
	q.Reset()
	q.At, q.Conn = e.at, c.number
	q.Method, q.Target, q.Proto = e.line.method, e.line.target, e.line.proto
	q.Scheme, q.Host = e.line.scheme, e.line.host
	if len(q.Scheme) == 0 {
		q.Scheme = schemes[0]
		if c.Secure {
			q.Scheme = schemes[1]
		}
	}
	if len(q.Host) == 0 {
		q.Host = e.asks.host
	}
	if len(q.Host) == 0 && string(q.Method) == "CONNECT" {
		q.Host = q.Target
	}
	q.Headers = e.req.appendTo(q.Headers)
	q.Body, q.BodySize = e.body.result()
	c.d.names(q, c.ends[c.http.client].Addr(), e.frame)
	q.Messages = e.appendMessages(q.Messages)
	if e.status == 0 {
		return
	}
	q.Status = e.status
	q.FirstUS = max(e.firstAt-e.at, 0) / 1000
	q.RespHeaders = e.resp.appendTo(q.RespHeaders)
	q.RespBody, q.RespSize = e.respBody.result()
	q.Trailers = e.trail.appendTo(q.Trailers)
	if !e.unending {
		q.DurUS = max(e.lastAt-e.at, e.firstAt-e.at, 0) / 1000
	}
	if !e.respBody.unknown {
		q.RespWire = e.wire
	}
}

var schemes = [2][]byte{[]byte("http"), []byte("https")}
