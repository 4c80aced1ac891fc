package capture

import "math"

// ParseJSON reads one line of a capture file, or what anything else printed in that form, into q, which it
// resets first. Keys may come in any order, the last of two equal ones counts, unknown ones are skipped, null
// means unknown, and white space is allowed. The parts of q lie in line, which is overwritten where a string was escaped, and stay
// valid as long as line does. It does not allocate once q's slices have grown. A string that is not valid UTF-8
// is kept as it is.
//
// The error is always a [*SyntaxError], whose part lies in line too; its reasons are [ReasonBadJSON],
// [ReasonBadTime], [ReasonBadNumber] and [ReasonTooLong].
func ParseJSON(line []byte, q *Request) error {
	q.Reset()
	if len(line) > MaxRecord {
		return tooLong("line", line, len(line), MaxRecord)
	}
	p := requestParser{jsonScanner: jsonScanner{b: line}}
	p.request(q)
	if p.peek() != 0 || !p.failed() && p.i < len(line) {
		p.fail(ReasonBadJSON, "more after the object", p.i)
	}
	if !p.stamped {
		p.fail(ReasonBadTime, `no "at"`, 0)
	}
	if err := p.err(); err != nil {
		return err
	}
	return q.CheckLimits()
}

type requestParser struct {
	jsonScanner
	stamped bool // an arrival was read
}

func (p *requestParser) request(q *Request) {
	if !p.expect('{', "want an object") {
		return
	}
	for first := true; p.next('}', first); first = false {
		key := p.key()
		if p.null() {
			continue
		}
		if !p.shape(key, q) && !p.exchange(key, q) {
			p.skip(1)
		}
	}
}

// shape reads the value of key if it says when, by whom and what was asked.
func (p *requestParser) shape(key []byte, q *Request) bool {
	switch string(key) {
	case "at":
		q.At = p.stamp()
	case "dur_us":
		q.DurUS = p.integer(0, math.MaxInt64)
	case "first_us":
		q.FirstUS = p.integer(0, math.MaxInt64)
	case "client":
		q.Client = p.str()
	case "client_b64":
		q.Client = p.base64()
	case "conn":
		q.Conn = p.integer(0, math.MaxInt64)
	case "method":
		q.Method = p.str()
	case "method_b64":
		q.Method = p.base64()
	case "scheme":
		q.Scheme = p.str()
	case "scheme_b64":
		q.Scheme = p.base64()
	case "host":
		q.Host = p.str()
	case "host_b64":
		q.Host = p.base64()
	case "target":
		q.Target = p.str()
	case "target_b64":
		q.Target = p.base64()
	case "proto":
		q.Proto = p.str()
	case "proto_b64":
		q.Proto = p.base64()
	case "src":
		q.Src = p.str()
	case "src_b64":
		q.Src = p.base64()
	default:
		return false
	}
	return true
}

// exchange reads the value of key if it says what was sent and received.
func (p *requestParser) exchange(key []byte, q *Request) bool {
	switch string(key) {
	case "headers":
		q.Headers = p.headers(q.Headers, false)
	case "headers_b64":
		q.Headers = p.headers(q.Headers, true)
	case "body":
		q.Body = p.base64()
	case "body_size":
		q.BodySize = p.integer(0, math.MaxInt64)
	case "status":
		q.Status = int(p.integer(0, maxStatus))
	case "resp_size":
		q.RespSize = p.integer(0, math.MaxInt64)
	case "resp_wire":
		q.RespWire = p.integer(0, math.MaxInt64)
	case "resp_headers":
		q.RespHeaders = p.headers(q.RespHeaders, false)
	case "resp_headers_b64":
		q.RespHeaders = p.headers(q.RespHeaders, true)
	case "resp_body":
		q.RespBody = p.base64()
	case "trailers":
		q.Trailers = p.headers(q.Trailers, false)
	case "trailers_b64":
		q.Trailers = p.headers(q.Trailers, true)
	case "messages":
		q.Messages = p.messages(q.Messages)
	default:
		return false
	}
	return true
}

func (p *requestParser) stamp() int64 {
	start := p.i
	b := p.str()
	ns, ok := parseStamp(b)
	if !ok {
		p.fail(ReasonBadTime, "want an RFC 3339 instant with its zone", start)
	}
	p.stamped = ok
	return ns
}

// headers reads [[name, value], …] into hs, whose contents it replaces.
func (p *requestParser) headers(hs []Header, b64 bool) []Header {
	hs = hs[:0]
	size := 0
	if !p.expect('[', "want a list of headers") {
		return hs
	}
	for first := true; p.next(']', first); first = false {
		p.expect('[', "want a name and a value in a list")
		name := p.text(b64)
		p.expect(',', "want a name and a value in a list")
		value := p.text(b64)
		p.expect(']', "want a name and a value in a list")
		if size += len(name) + len(value) + headerOverhead; size > MaxHeaders {
			p.fail(ReasonTooLong, "headers above their limit", p.i)
			return hs
		}
		hs = append(hs, Header{name, value})
	}
	return hs
}

func (p *requestParser) text(b64 bool) []byte {
	if b64 {
		return p.base64()
	}
	return p.str()
}

// messages reads a list of messages into ms, whose contents it replaces.
func (p *requestParser) messages(ms []Message) []Message {
	ms = ms[:0]
	if !p.expect('[', "want a list of messages") {
		return ms
	}
	for first := true; p.next(']', first); first = false {
		if len(ms) == MaxMessages {
			p.fail(ReasonTooLong, "more messages than their limit", p.i)
			return ms
		}
		ms = append(ms, p.message())
	}
	return ms
}

func (p *requestParser) message() (m Message) {
	if !p.expect('{', "want a message") {
		return m
	}
	for first := true; p.next('}', first); first = false {
		key := p.key()
		if p.null() {
			continue
		}
		switch string(key) {
		case "us":
			m.US = p.integer(math.MinInt64, math.MaxInt64)
		case "dir":
			m.Dir = p.direction()
		case "op":
			m.Op = opcode(p.str())
		case "data":
			m.Data = p.base64()
		default:
			p.skip(2)
		}
	}
	return m
}

func (p *requestParser) direction() byte {
	start := p.i
	if d := p.str(); len(d) == 1 && (d[0] == 'c' || d[0] == 's') {
		return d[0]
	}
	p.fail(ReasonBadJSON, "want c or s", start)
	return 0
}

// opcode is string(b) without an allocation for the known ones.
func opcode(b []byte) string {
	for _, op := range [...]string{"text", "binary", "close", "ping", "pong", "grpc"} {
		if string(b) == op {
			return op
		}
	}
	return string(b)
}

// base64 reads a string of base64 (with padding) and decodes it in place.
func (p *requestParser) base64() []byte {
	start := p.i
	b := p.str()
	n, ok := decodeBase64(b)
	if !ok {
		p.fail(ReasonBadJSON, "not base64", start)
		return nil
	}
	return b[:n:n]
}

// decodeBase64 decodes b where it lies and gives how many bytes came out. encoding/base64 does not promise
// that source and destination may overlap.
func decodeBase64(b []byte) (n int, ok bool) {
	if len(b)%4 != 0 {
		return 0, false
	}
	for i := 0; i < len(b); i += 4 {
		in := b[i : i+4 : i+4]
		v0, v1, v2, v3 := base64Value(in[0]), base64Value(in[1]), base64Value(in[2]), base64Value(in[3])
		if v0|v1|v2|v3 < 64 {
			b[n], b[n+1], b[n+2] = v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3
			n += 3
			continue
		}
		if i+4 < len(b) || v0|v1 >= 64 || in[3] != '=' || v2 >= 64 && in[2] != '=' {
			return 0, false
		}
		b[n] = v0<<2 | v1>>4
		n++
		if v2 < 64 {
			b[n] = v1<<4 | v2>>2
			n++
		}
	}
	return n, true
}

// base64Value is the value of a digit of base64, at least 64 for any other byte.
func base64Value(c byte) byte {
	switch {
	case c-'A' < 26:
		return c - 'A'
	case c-'a' < 26:
		return c - 'a' + 26
	case c-'0' < 10:
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 255
}
