package gor

import "trafficreplay/capture"

// queue is what is ready to come out: a payload may hold several requests. Its memory is used again once it is empty.
type queue struct {
	items []item
	next  int
	bytes []byte // that the requests point to
}

type item struct {
	number int64 // of the payload
	bad    *capture.SyntaxError
	q      capture.Request
}

// take gives the next item, which stays valid until put or skip is called; nil: there is none.
func (u *queue) take() *item {
	if u.next == len(u.items) {
		u.items, u.next, u.bytes = u.items[:0], 0, u.bytes[:0]
		if cap(u.items) > maxSpare || cap(u.bytes) > maxSpareBytes {
			*u = queue{}
		}
		return nil
	}
	u.next++
	return &u.items[u.next-1]
}

// Bounds on the memory that an empty queue keeps.
const (
	maxSpare      = 64
	maxSpareBytes = 8 << 20
)

func (u *queue) add(number int64) *item {
	if len(u.items) < cap(u.items) {
		u.items = u.items[:len(u.items)+1]
	} else {
		u.items = append(u.items, item{})
	}
	it := &u.items[len(u.items)-1]
	it.number, it.bad = number, nil
	return it
}

// skip adds a payload that is no request.
func (u *queue) skip(reason string, part []byte, number int64) {
	u.add(number).bad = &capture.SyntaxError{Reason: reason, Part: u.keep(part[:min(len(part), maxHead)])}
}

// put adds a copy of q.
func (u *queue) put(q *capture.Request, number int64) {
	to := &u.add(number).q
	lists := [...][]capture.Header{to.Headers[:0], to.RespHeaders[:0], to.Trailers[:0]}
	messages := to.Messages[:0]
	*to = *q
	for _, b := range []*[]byte{&to.Method, &to.Scheme, &to.Host, &to.Target, &to.Proto, &to.Body, &to.RespBody, &to.Src} {
		*b = u.keep(*b)
	}
	to.Client = nil
	to.Headers = u.headers(lists[0], q.Headers)
	to.RespHeaders = u.headers(lists[1], q.RespHeaders)
	to.Trailers = u.headers(lists[2], q.Trailers)
	for _, m := range q.Messages {
		m.Data = u.keep(m.Data)
		messages = append(messages, m)
	}
	to.Messages = messages
}

func (u *queue) headers(to, from []capture.Header) []capture.Header {
	for _, h := range from {
		to = append(to, capture.Header{Name: u.keep(h.Name), Value: u.keep(h.Value)})
	}
	return to
}

// keep copies b. What was copied before stays where it is.
func (u *queue) keep(b []byte) []byte {
	n := len(u.bytes)
	u.bytes = append(u.bytes, b...)
	return u.bytes[n:len(u.bytes):len(u.bytes)]
}
