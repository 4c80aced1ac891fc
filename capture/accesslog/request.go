package accesslog

import (
	"bytes"
	"encoding/binary"
	"math"

	"trafficreplay/capture"
)

// finish puts the request together.
func (p *Parser) finish(q *capture.Request) bool {
	return p.when(q) && p.what(q) && p.who(q)
}

// when settles the arrival and the durations.
func (p *Parser) when(q *capture.Request) bool {
	r := &p.rec
	if p.f.partly {
		r.parts.joinEpoch(r.stamp, r.stamped)
		ns, msg := r.parts.unix(&p.zones)
		if msg != "" {
			return p.fail(reasonTime, nil, msg)
		}
		r.stamp, r.stamped = ns, true
	}
	if !r.stamped && p.f.bare && p.outer != nil {
		ns, msg := p.collected(p.outer)
		if msg != "" {
			return p.fail(reasonTime, p.outer, msg)
		}
		r.stamp, r.stamped = ns, true
	}
	if r.clocked && !r.stamped {
		ns, msg := r.parts.unix(&p.zones)
		if msg != "" {
			return p.fail(reasonTime, nil, msg)
		}
		r.stamp, r.stamped = ns, true
		p.digits = max(p.digits, r.parts.digits)
	}
	if r.seconds && r.bareUnit {
		p.inSeconds()
	}
	if r.summed && !r.short && r.dur < 0 {
		r.parted(q.Status)
	}
	ends := p.f.ends && !r.begin
	if r.ended {
		ends = p.bothEnds() || ends
	}
	if !r.stamped {
		return p.noTime()
	}
	if p.f.timers {
		r.elapse(p.f.accepts)
	}
	q.At = r.stamp
	if r.dur >= 0 {
		q.DurUS = r.dur / microsecond
		if !r.begin {
			p.order.see(r.stamp, r.dur, int64(p.Resolution()))
		}
		if ends {
			q.At -= r.dur
		}
	}
	if r.first >= 0 {
		q.FirstUS = r.first / microsecond
		// nginx rounds each time for itself.
		if q.DurUS >= 0 {
			q.FirstUS = min(q.FirstUS, q.DurUS)
		}
	}
	if q.At < 0 {
		return p.fail(reasonNumber, nil, "the request began before 1970")
	}
	return true
}

// bothEnds uses the stamp of the end: for a duration where the start was stamped too, else for the arrival; ends
// says that it is the latter. The difference of two whole seconds is no duration.
func (p *Parser) bothEnds() (ends bool) {
	r := &p.rec
	if !r.stamped {
		r.stamp, r.stamped = r.end, true
		return true
	}
	if r.begin && r.dur < 0 && r.end >= r.stamp && r.end-r.stamp <= maxDuration && p.digits >= 3 {
		r.dur = r.end - r.stamp
	}
	return false
}

// inSeconds reads a duration without a unit again, as seconds.
func (p *Parser) inSeconds() {
	r, unit := &p.rec, p.unit
	if unit == 0 {
		unit = millisecond
	}
	if r.bareUnit = false; !r.point {
		r.dur = min(r.dur/unit, maxDuration/second) * second
	}
}

// parted uses the parts of a balancer's time, which end where it began to send the answer: how long it sent is not logged. Of
// a WebSocket, whose stamp of the end is that of the connection's, both stamps know more.
func (r *record) parted(status int) {
	if r.first = r.sum; status == 101 && r.begin && r.ended {
		return
	}
	r.dur = r.sum
}

// noTime says why a line without a stamp is no request.
func (p *Parser) noTime() bool {
	switch {
	case p.f.infer:
		return p.fail(reasonMisfit, nil, "no time")
	case p.f.observed && p.nothing():
		return p.fail(reasonNone, nil, "neither a time nor a request")
	}
	return p.fail(reasonTime, nil, "no time")
}

// joinEpoch completes a whole stamp with a fraction that was logged beside it.
func (t *civil) joinEpoch(stamp int64, stamped bool) {
	if stamped && !t.dated && !t.epoch {
		t.epoch, t.at = true, stamp/second
	}
}

// what settles method, target and protocol.
func (p *Parser) what(q *capture.Request) bool {
	r := &p.rec
	switch {
	case p.f.without != "" && p.withoutRequest(q):
		return p.fail(p.f.without, r.request, "no HTTP request")
	case isLine(r.request):
		if !p.requestLine(r.request, q) {
			return false
		}
	case r.method != nil && (r.target != nil || r.path != nil || r.request != nil):
		q.Method, q.Proto = r.method, r.proto
		switch {
		case r.target != nil:
			q.Target = r.target
		case r.path != nil:
			q.Target = p.fromPath(r.path, r.query, r.decoded)
		default:
			q.Target = p.fromPath(r.request, r.query, false)
		}
		if len(q.Proto) > 0 && !validProto(q.Proto) {
			q.Proto = nil
		}
	case p.f.infer && r.request == nil && r.target == nil && r.path == nil:
		return p.fail(reasonMisfit, nil, "neither a request line nor a path")
	case p.f.observed && p.f.table == nil && p.rec.proto == nil && p.nothing():
		return p.fail(reasonNone, nil, "neither a request line nor a method and a path")
	default:
		return p.fail(reasonRequest, r.request, "no request line")
	}
	return p.target(q)
}

// isLine reports whether v can be a request line: in JSON "request" may also be a path.
func isLine(v []byte) bool {
	return len(v) > 0 && v[0] != '/' && string(v) != "-"
}

// requestLine takes "method target protocol" apart. HTTP/0.9 has no protocol.
func (p *Parser) requestLine(v []byte, q *capture.Request) bool {
	i := bytes.IndexByte(v, ' ')
	if i <= 0 {
		return p.fail(reasonRequest, v, "not a request line")
	}
	q.Method = v[:i]
	target := v[i+1:]
	if j := bytes.LastIndexByte(target, ' '); j >= 0 && validProto(target[j+1:]) {
		target, q.Proto = target[:j], target[j+1:]
	}
	if p.f.cut > 0 && len(q.Proto) == 0 && len(v) >= p.f.cut {
		return p.fail(reasonRequest, v[:120], "the request line was cut")
	}
	q.Target = bytes.Trim(target, " ")
	return true
}

// validProto reports whether v is HTTP/1, HTTP/1.1 and the like.
func validProto(v []byte) bool {
	if len(v) != 6 && len(v) != 8 || string(v[:5]) != "HTTP/" || v[5]-'0' > 9 {
		return false
	}
	return len(v) == 6 || v[6] == '.' && v[7]-'0' <= 9
}

// target checks method and target, and takes the host out of an absolute one.
func (p *Parser) target(q *capture.Request) bool {
	if !validMethod(q.Method) {
		return p.fail(reasonRequest, q.Method, "not a method")
	}
	t := q.Target
	if len(t) > capture.MaxTarget {
		return p.fail(reasonTarget, t[:120], "target too long")
	}
	if !visible(t) {
		return p.fail(reasonRequest, t, "blank or control byte in the target")
	}
	switch {
	case len(t) == 0:
		return p.fail(reasonRequest, t, "no target")
	case t[0] == '/':
		return true
	case string(q.Method) == "CONNECT":
		return true
	case len(t) == 1 && t[0] == '*' && string(q.Method) != "PRI":
		return true
	}
	return p.absolute(q) || p.fail(reasonRequest, t, "neither a path nor a URL")
}

// visible reports whether v holds neither blanks nor control bytes, eight bytes at a time: bytes below 0x21
// borrow in the first term, bytes of 0x7f in the second (the haszero trick of S. E. Anderson, "Bit Twiddling Hacks").
// A borrow can also run on into a higher byte, so a hit is looked at byte by byte.
func visible(v []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(v) >= 8 {
		x := binary.LittleEndian.Uint64(v)
		y := x ^ 0x7f*ones
		if ((x-0x21*ones)&^x|(y-ones)&^y)&highs != 0 {
			break
		}
		v = v[8:]
	}
	for _, c := range v {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// absolute turns http://host/path into host and path.
func (p *Parser) absolute(q *capture.Request) bool {
	i := bytes.Index(q.Target, []byte("://"))
	if i < 0 || !bytes.EqualFold(q.Target[:i], schemeHTTP) && !bytes.EqualFold(q.Target[:i], schemeHTTPS) {
		return false
	}
	p.rec.setScheme(q.Target[:i])
	rest := q.Target[i+3:]
	n := bytes.IndexAny(rest, "/?#")
	if n < 0 {
		n = len(rest)
	}
	host := rest[:n]
	if p.rec.tidy {
		host = bytes.TrimSuffix(host, portOf(p.rec.scheme))
	}
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if len(host) == 0 {
		return false
	}
	p.rec.setHost(host, math.MaxUint8)
	switch {
	case n == len(rest):
		q.Target = rootPath
	case rest[n] == '/':
		q.Target = rest[n:]
	default:
		q.Target = p.fromPath(rootPath, rest[n:], false)
	}
	return true
}

var rootPath = []byte("/")

// validMethod reports whether v is a token of RFC 9110, section 5.6.2, of at most 32 bytes. A hyphen is a token, and
// what Varnish writes where it could not read the method.
func validMethod(v []byte) bool {
	if len(v) == 0 || len(v) > 32 || len(v) == 1 && v[0] == '-' {
		return false
	}
	for _, c := range v {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			continue
		}
		if bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) < 0 {
			return false
		}
	}
	return true
}

// fromPath joins path and query. A path that the server decoded is encoded again: %, ?, # and whatever
// cannot stand in a request line.
func (p *Parser) fromPath(path, query []byte, decoded bool) []byte {
	clean, sent := true, p.rec.sent
	for _, c := range path {
		clean = clean && c > ' ' && (c < 0x7f || sent && c > 0x7f) && !(decoded && (c == '%' || c == '?' || c == '#'))
	}
	query = bytes.TrimPrefix(query, []byte("?"))
	if bytes.IndexByte(path, '?') >= 0 && !decoded {
		query = nil
	}
	if clean && len(query) == 0 {
		return path
	}
	p.reserve(3*len(path) + 1 + len(query))
	n := len(p.arena)
	const digits = "0123456789ABCDEF"
	for _, c := range path {
		if c > ' ' && (c < 0x7f || sent && c > 0x7f) && !(decoded && (c == '%' || c == '?' || c == '#')) {
			p.arena = append(p.arena, c)
		} else {
			p.arena = append(p.arena, '%', digits[c>>4], digits[c&15])
		}
	}
	if len(query) > 0 {
		p.arena = append(append(p.arena, '?'), query...)
	}
	return p.arena[n:len(p.arena):len(p.arena)]
}

// who settles client, host, scheme and the size of the body.
func (p *Parser) who(q *capture.Request) bool {
	r := &p.rec
	if r.client == nil {
		if f := q.Header("X-Forwarded-For"); len(f) > 0 {
			r.client = firstOfList(f)
		}
	}
	q.Client = r.client
	if len(r.user) > 0 {
		q.Client = r.user
		if len(r.client) > 0 {
			p.reserve(len(r.client) + 1 + len(r.user))
			n := len(p.arena)
			p.arena = append(append(append(p.arena, r.client...), ' '), r.user...)
			q.Client = p.arena[n:len(p.arena):len(p.arena)]
		}
	}
	if r.port != nil {
		p.joinPort()
	}
	if q.Host = r.host; len(q.Host) == 0 {
		q.Host = p.host
	}
	q.Scheme = r.scheme
	if q.BodySize < 0 && len(q.Body) > 0 {
		q.BodySize = int64(len(q.Body))
	}
	return true
}
