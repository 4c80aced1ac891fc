package gor

import (
	"bytes"
	"container/list"
	"io"
	"net/netip"
	"strconv"

	"trafficreplay/capture"
	"trafficreplay/capture/wire"
)

// exchange is a request that was read and whose response may come.
type exchange struct {
	id     string
	number int64  // of its payload
	head   []byte // what the payload begins with
	at     int64
	length int64 // of the request, ns; -1: not known
	size   int64 // bytes kept, at most
	torn   bool  // the file ends within the request
	given  int   // requests that came out of the payload
	place  *list.Element
	conn   *wire.Conn

	firstUS, durUS int64 // of the response
}

// maxHead is how much of a payload that is no request is shown.
const maxHead = 80

// open begins to read a request. Of two with one ID that wait the first keeps it: GoReplay makes IDs of the place in
// the connection where the response will begin, so that requests in a pipeline share it and the response is the
// first one's.
func (r *Reader) open(h *header, body []byte) *exchange {
	x := &exchange{
		number: r.payload, at: h.stamp, length: h.length, firstUS: capture.Unknown, durUS: capture.Unknown,
		head: bytes.Clone(body[:min(len(body), maxHead)]), conn: r.wire.Open([2]netip.AddrPort{}),
	}
	x.conn.Frame = r.payload
	if _, taken := r.waiting[string(h.id)]; !taken {
		x.id, x.size = string(h.id), waitingCost
		r.kept += waitingCost
		x.place = r.order.PushBack(x)
		r.waiting[x.id] = x
	}
	return x
}

// answer takes the times of the response's first line.
func (x *exchange) answer(h *header) {
	const instant = int64(1e17) // 1973: what is below is a length of time
	end := int64(-1)
	switch {
	case h.stamp < instant && h.length < 0 && x.at >= instant: // before 0.16
		end = x.at + h.stamp
	case h.stamp < x.at || h.length > instant:
	case h.stamp == x.at: // 0.16: the instant of the request
		if h.length >= 0 {
			end = x.at + h.length
		}
	default:
		x.firstUS = (h.stamp - x.at) / 1000
		switch {
		case h.length < 0:
		case x.length >= 0: // from 1.1 on: of the response alone
			end = h.stamp + h.length
		default: // 1.0: from the end of the request, which is its beginning where it came in one packet
			end = max(x.at+h.length, h.stamp)
		}
	}
	if end >= x.at {
		x.durUS = (end - x.at) / 1000
	}
}

// feed gives a piece of the payload at hand to the connection.
func (r *Reader) feed(x *exchange, b []byte) {
	if x.place != nil && r.side == 0 {
		n := min(int64(len(b)), capture.MaxBody+capture.MaxHeaders+waitingCost-x.size)
		x.size += n
		r.kept += n
	}
	r.emitting = x
	x.conn.Data(r.side, x.at, b)
}

// endPayload ends a request or a response.
func (r *Reader) endPayload(x *exchange) {
	r.emitting = x
	x.conn.End(r.side, x.at, false)
	if r.side == 1 || x.place == nil {
		r.close(x)
		return
	}
	for r.kept > maxWaitingBytes {
		r.close(r.order.Front().Value.(*exchange))
	}
}

// close gives a request up to which no more comes. What comes out of it is in the queue then.
func (r *Reader) close(x *exchange) {
	r.emitting = x
	if x.place != nil {
		r.order.Remove(x.place)
		delete(r.waiting, x.id)
		r.kept -= x.size
	}
	x.conn.End(0, x.at, false)
	x.conn.End(1, x.at, false)
	if x.given == 0 {
		r.out.skip(x.why(), x.head, x.number)
	}
}

// flush gives up the oldest request at the end of the file.
func (r *Reader) flush() error {
	oldest := r.order.Front()
	if oldest == nil {
		return io.EOF
	}
	r.close(oldest.Value.(*exchange))
	return nil
}

// why is the reason that most of a payload's bytes were skipped for.
func (x *exchange) why() string {
	most, n := reasonEmpty, int64(0)
	for reason, bytes := range x.conn.Tally().Skipped() {
		if bytes > n || bytes == n && reason < most {
			most, n = reason, bytes
		}
	}
	return most
}

// emit takes a request of the exchange that is being read.
func (r *Reader) emit(q *capture.Request) {
	x := r.emitting
	x.given++
	q.Conn = 0 // a number for each request would say that each had a connection of its own
	short := declared(&q.BodySize, q.Headers)
	if short && x.torn {
		r.out.skip(reasonCut, x.head, x.number)
		return
	}
	if q.Status != 0 {
		r.responses++
		q.FirstUS, q.DurUS = x.firstUS, x.durUS
		if string(q.Method) != "HEAD" && q.Status != 204 && q.Status != 304 && q.Status >= 200 {
			declared(&q.RespSize, q.RespHeaders)
			if q.RespSize == 0 && !sized(q.RespHeaders) {
				q.RespSize = capture.Unknown // up to the end of a connection, for which GoReplay does not wait
			}
		}
	}
	r.out.put(q, x.number)
}

// declared makes size the one that the head declares where GoReplay cut the body at its copy buffer, and reports
// whether it did.
func declared(size *int64, hs []capture.Header) bool {
	for _, h := range hs {
		if !h.IsNamed("Content-Length") {
			continue
		}
		n, err := strconv.ParseInt(string(h.Value), 10, 64)
		if err == nil && *size >= 0 && n > *size {
			*size = n
			return true
		}
	}
	return false
}

// sized reports whether the head of a response says how long its body is.
func sized(hs []capture.Header) bool {
	for _, h := range hs {
		if h.IsNamed("Content-Length") || h.IsNamed("Transfer-Encoding") {
			return true
		}
	}
	return false
}
