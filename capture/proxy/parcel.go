package proxy

import "trafficreplay/capture"

// requestOverhead is what a request takes on the shelf beside its bytes.
const requestOverhead = 1 << 10

// sizeOf is about how much memory a copy of q takes.
func sizeOf(q *capture.Request) int { return requestOverhead + bytesOf(q) + 48*fieldsOf(q) }

func fieldsOf(q *capture.Request) int {
	return len(q.Headers) + len(q.RespHeaders) + len(q.Trailers) + len(q.Messages)
}

// bytesOf is how many bytes the slices of q have.
func bytesOf(q *capture.Request) int {
	n := len(q.Body) + len(q.RespBody)
	for _, p := range [...]*[]byte{&q.Client, &q.Method, &q.Scheme, &q.Host, &q.Target, &q.Proto, &q.Src} {
		n += len(*p)
	}
	for _, hs := range [...][]capture.Header{q.Headers, q.RespHeaders, q.Trailers} {
		for _, h := range hs {
			n += len(h.Name) + len(h.Value)
		}
	}
	for i := range q.Messages {
		n += len(q.Messages[i].Data)
	}
	return n
}

// pack makes a copy of q.
func (p *parcel) pack(q *capture.Request) {
	if n := bytesOf(q); cap(p.mem) < n {
		p.mem = make([]byte, 0, n)
	}
	p.mem = p.mem[:0]
	headers, resp, trailers, messages := p.q.Headers[:0], p.q.RespHeaders[:0], p.q.Trailers[:0], p.q.Messages[:0]
	p.q = *q
	for _, b := range [...]*[]byte{&p.q.Client, &p.q.Method, &p.q.Scheme, &p.q.Host, &p.q.Target, &p.q.Proto, &p.q.Src, &p.q.Body, &p.q.RespBody} {
		*b = p.keep(*b)
	}
	p.q.Headers, p.q.RespHeaders, p.q.Trailers = p.fields(headers, q.Headers), p.fields(resp, q.RespHeaders), p.fields(trailers, q.Trailers)
	for _, m := range q.Messages {
		m.Data = p.keep(m.Data)
		messages = append(messages, m)
	}
	p.q.Messages = messages
}

// keep copies b into the parcel's memory, which has room for it.
func (p *parcel) keep(b []byte) []byte {
	n := len(p.mem)
	p.mem = append(p.mem, b...)
	return p.mem[n:len(p.mem):len(p.mem)]
}

func (p *parcel) fields(to, from []capture.Header) []capture.Header {
	for _, h := range from {
		to = append(to, capture.Header{Name: p.keep(h.Name), Value: p.keep(h.Value)})
	}
	return to
}
