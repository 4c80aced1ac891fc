package accesslog

import (
	"bytes"
	"math"
	"strconv"
)

// stamp reads a complete stamp, as its step says or by what it looks like.
func (p *Parser) stamp(s *step, v []byte) (ns int64, msg string) {
	switch s.layout {
	case "":
		if s.unit == 0 {
			return p.clock.parse(v)
		}
		return p.epoch(v, s.unit)
	case "rfc3339":
		if len(v) < 19 || v[4] != '-' {
			return 0, msgTime
		}
		return p.clock.parse(v)
	case "clf":
		if len(v) < 20 || v[2] != '/' {
			return 0, msgTime
		}
		return p.clock.parse(v)
	}
	var t civil
	n, msg := t.scan(s.layout, v)
	if msg == "" && n != len(v) {
		msg = msgTime
	}
	if msg != "" {
		return 0, msg
	}
	p.digits = max(p.digits, t.digits)
	return t.unix(&p.zones)
}

// epoch reads a number of units since 1970.
func (p *Parser) epoch(v []byte, unit int64) (ns int64, msg string) {
	point := bytes.IndexByte(v, '.')
	if point < 0 {
		point = len(v)
	}
	n, ok := integer(v[:point])
	if !ok && unit == nanosecond && point == 19 {
		n, ok = integer(v[:18])
		n = n*10 + int64(v[18]-'0')
		ok = ok && v[18]-'0' <= 9 && n > 0
	}
	if !ok || n > (1<<63-1)/unit-1 {
		return 0, msgTime
	}
	ns = n * unit
	digits := 0
	for u := unit; u < second; u *= 10 {
		digits++
	}
	if point < len(v) {
		var f civil
		m := f.fraction(v[point+1:])
		if m == 0 || m != len(v)-point-1 {
			return 0, msgTime
		}
		ns += f.ns / (second / unit)
		digits += m
	}
	p.digits = max(p.digits, min(digits, 9))
	return ns, ""
}

// scientific reads a number such as 4.1e-05, as Python writes small floats, in units of unit nanoseconds, or seconds.
func scientific(v []byte, unit int64) (ns int64, ok bool) {
	if len(v) > 32 || bytes.IndexByte(v, 'e') < 0 && bytes.IndexByte(v, 'E') < 0 {
		return 0, false
	}
	if unit == 0 {
		unit = second
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if x *= float64(unit); err != nil || !(x >= 0 && x < float64(maxDuration)) {
		return 0, false
	}
	return int64(x + 0.5), true
}

// gate lets a line pass whose value is, or is not, one of those that make it a request.
func (p *Parser) gate(s *step, v []byte) bool {
	return among(s.layout, v) != s.auto || p.fail(reasonNone, v, "not the record of a request")
}

// among reports whether v is one of the values a|b|c*, the last of them any that begins with c.
func among(values string, v []byte) bool {
	for rest := values; rest != ""; {
		one := rest
		for i := range len(rest) {
			if rest[i] == '|' {
				one = rest[:i]
				break
			}
		}
		if n := len(one) - 1; string(v) == one || n >= 0 && one[n] == '*' && len(v) >= n && string(v[:n]) == one[:n] {
			return true
		}
		rest = rest[min(len(one)+1, len(rest)):]
	}
	return false
}

// nothing reports whether the line says nothing of a request: it is the record of something else.
func (p *Parser) nothing() bool {
	r := &p.rec
	return r.request == nil && r.method == nil && r.target == nil && r.path == nil
}

var ports = map[string][]byte{"http": []byte(":80"), "https": []byte(":443")}

// portOf is the port that a scheme implies, with its colon.
func portOf(scheme []byte) []byte { return ports[string(scheme)] }

// protocols are the ways of writing a protocol other than HTTP/1.1's.
var protocols = map[string][]byte{
	"1.0.0.0": []byte("HTTP/1.0"), "1.1.0.0": []byte("HTTP/1.1"), "2.0.0.0": []byte("HTTP/2.0"),
	"1.0": []byte("HTTP/1.0"), "1.1": []byte("HTTP/1.1"), "2": []byte("HTTP/2"), "2.0": []byte("HTTP/2.0"), "3": []byte("HTTP/3"), "3.0": []byte("HTTP/3.0"),
	"http/1.0": []byte("HTTP/1.0"), "http/1.1": []byte("HTTP/1.1"), "http/2": []byte("HTTP/2"), "http/2.0": []byte("HTTP/2.0"), "h2": []byte("HTTP/2"), "h3": []byte("HTTP/3"),
}

// protocol is v as a request line has it.
func protocol(v []byte) []byte {
	if len(v) < 9 && (len(v) < 5 || v[4] != '/' || v[0] != 'H') {
		if p := protocols[string(v)]; p != nil {
			return p
		}
	}
	return v
}

// withoutPort is an address without the port of the connection, which would make every connection a client: 1.2.3.4:5
// and [::1]:5.
func withoutPort(v []byte) []byte {
	i := bytes.LastIndexByte(v, ':')
	if i <= 0 {
		return v
	}
	if v[0] == '[' && v[i-1] == ']' {
		return v[1 : i-1]
	}
	if bytes.IndexByte(v, ':') == i {
		return v[:i]
	}
	return v
}

// verbs are the methods that ECS once wanted in small letters, and OpenTelemetry's word for one that it does not know.
var verbs = map[string][]byte{
	"get": []byte("GET"), "head": []byte("HEAD"), "post": []byte("POST"), "put": []byte("PUT"), "delete": []byte("DELETE"), "patch": []byte("PATCH"),
	"options": []byte("OPTIONS"), "connect": []byte("CONNECT"), "trace": []byte("TRACE"), "propfind": []byte("PROPFIND"), "report": []byte("REPORT"),
	"_OTHER": nil,
}

// verb is v as a request line has it.
func verb(v []byte) []byte {
	if m, ok := verbs[string(v)]; ok {
		return m
	}
	return v
}

// joinPort completes the host with the port that was logged beside it, as the Host field has them: without the one that
// the scheme implies.
func (p *Parser) joinPort() {
	r := &p.rec
	if r.scheme == nil {
		r.scheme = schemeOfPort(r.port)
	}
	n, ok := integer(r.port)
	if !ok || n == 0 || n > 65535 || len(r.host) == 0 || r.hostRank == math.MaxUint8 {
		return
	}
	if implied := portOf(r.scheme); implied != nil && string(implied[1:]) == string(r.port) {
		return
	}
	colon := bytes.IndexByte(r.host, ':')
	v6 := colon >= 0 && bytes.LastIndexByte(r.host, ':') != colon && r.host[0] != '['
	if colon >= 0 && !v6 && (r.host[0] != '[' || r.host[len(r.host)-1] != ']') {
		return // it has one
	}
	p.reserve(len(r.host) + len(r.port) + 3)
	begin := len(p.arena)
	if v6 {
		p.arena = append(append(append(p.arena, '['), r.host...), ']')
	} else {
		p.arena = append(p.arena, r.host...)
	}
	p.arena = append(append(p.arena, ':'), r.port...)
	r.host = p.arena[begin:len(p.arena):len(p.arena)]
}
