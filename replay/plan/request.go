package plan

import (
	"trafficreplay/capture"
	"trafficreplay/replay/guard"
)

// Reasons why a captured request cannot be re-issued, beside those of guard.Sendable.
const (
	ReasonNoBody  = "no-body"        // a method that carries a body, and no source kept it
	ReasonCutBody = "body-not-whole" // longer than what was kept
	reasonUpgrade = "upgrade"        // answered with 101: the connection left HTTP
	reasonTarget  = "no-target"      // its host has no target
)

// builder turns captured requests into planned ones and counts those that it refuses.
type builder struct {
	o       *Options
	counts  *counts
	headers map[string][]capture.Header // by their bytes: clients repeat themselves
	key     []byte
}

// maxHeaderSets bounds the cache of header sets; past it each request gets its own.
const maxHeaderSets = 4096

func newBuilder(o *Options, c *counts) *builder {
	return &builder{o: o, counts: c, headers: map[string][]capture.Header{}}
}

// build gives the planned form of q for endpoint and the index of its target, or nil after counting why there
// is none.
func (b *builder) build(q *capture.Request, endpoint int) (*Request, int) {
	b.counts.captured++
	target := 0
	if b.o.Route != nil {
		if target = b.o.Route(q.Host); target < 0 {
			b.counts.unsendable[reasonTarget]++
			return nil, 0
		}
	}
	return b.planned(q, endpoint), target
}

func (b *builder) planned(q *capture.Request, endpoint int) *Request {
	if reason := Unsendable(q); reason != "" {
		b.counts.unsendable[reason]++
		return nil
	}
	if b.o.Guard != nil {
		if reason, withheld := b.o.Guard.Withhold(q.Method, q.Target, b.o.IDs[endpoint]); withheld {
			b.counts.withheld[reason]++
			return nil
		}
	}
	r := &Request{Method: method(q.Method), Path: string(q.Target), Header: b.header(q), Status: q.Status}
	if len(q.Body) > 0 {
		r.Body = append([]byte(nil), q.Body...)
	}
	return r
}

// Unsendable is the reason why q cannot be issued again, whatever the target, or "".
func Unsendable(q *capture.Request) string {
	if reason, ok := guard.Sendable(q.Method, q.Target); !ok {
		return reason
	}
	switch {
	case q.Status == 101:
		return reasonUpgrade
	case q.BodySize > int64(len(q.Body)):
		return ReasonCutBody
	case q.BodySize == capture.Unknown && len(q.Body) == 0 && carriesBody(q.Method):
		return ReasonNoBody
	}
	return ""
}

func carriesBody(method []byte) bool {
	switch string(method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// method returns the common methods without allocating.
func method(m []byte) string {
	switch string(m) {
	case "GET":
		return "GET"
	case "HEAD":
		return "HEAD"
	case "POST":
		return "POST"
	}
	return string(m)
}

// header is the set of fields to forward, shared between requests that carry the same.
func (b *builder) header(q *capture.Request) []capture.Header {
	b.key = b.key[:0]
	n := 0
	connection := q.Header("Connection")
	for _, h := range q.Headers {
		if guard.ForwardHeader(h.Name, h.Value, connection) {
			b.key = appendField(appendField(b.key, h.Name), h.Value)
			n++
		}
	}
	if n == 0 {
		return nil
	}
	if hs, ok := b.headers[string(b.key)]; ok {
		return hs
	}
	hs := make([]capture.Header, 0, n)
	for _, h := range q.Headers {
		if guard.ForwardHeader(h.Name, h.Value, connection) {
			hs = append(hs, capture.Header{Name: append([]byte(nil), h.Name...), Value: append([]byte(nil), h.Value...)})
		}
	}
	if len(b.headers) < maxHeaderSets {
		b.headers[string(b.key)] = hs
	}
	return hs
}
