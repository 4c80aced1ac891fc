package accesslog

import (
	"bytes"

	"trafficreplay/capture"
)

// record is what the values of one line say, before it is put together.
type record struct {
	stamp   int64 // nanoseconds since the Unix epoch
	stamped bool
	end     int64 // a stamp of the end beside it
	ended   bool
	begin   bool // the stamp is the start's, whatever the dialect's is
	parts   civil
	clocked bool  // parts holds a time of day
	sum     int64 // of the parts of the duration that are known
	summed  bool
	short   bool  // a part of the duration is not known
	dur     int64 // nanoseconds; -1 unknown
	first   int64 // likewise

	request, method, target, path, query, proto []byte
	scheme, host, port, client, user            []byte
	sent                                        bool // path: its bytes are those of the wire
	decoded                                     bool // path: % stands for itself
	vhost                                       bool // the head names a virtual host
	dash                                        bool // the size is "-"
	point                                       bool // the duration is written with a point
	bareUnit                                    bool // its unit is a guess
	seconds                                     bool // but for kSeconds

	timers timers

	stampRank, durRank, methodRank, targetRank, pathRank, hostRank, clientRank, statusRank, sizeRank uint8
	headerBytes                                                                                      int
	owned                                                                                            uint32 // bits of the fields by which the dialect is recognised
	tidy                                                                                             bool   // the port in the target is dropped where the scheme implies it
}

// put gives one value its meaning. An empty value and "-" mean that nothing was logged.
func (p *Parser) put(s *step, v []byte, q *capture.Request) bool {
	switch s.kind {
	case kRequest:
		p.rec.request, p.rec.tidy = p.clear(s, v), s.auto
		return true
	case kTimePart:
		if n, msg := p.rec.parts.scan(s.layout, v); msg != "" || n != len(v) {
			return p.fail(reasonTime, v, msgTime)
		}
		return true
	case kSeconds:
		p.rec.seconds = true
		return true
	case kHead:
		return p.head(v) || p.fail(reasonMisfit, v, "not a client, an identity and a user")
	}
	if len(v) == 0 || len(v) == 1 && v[0] == '-' {
		if s.zero {
			q.RespSize = 0
			p.rec.dash = true
		}
		return true
	}
	if s.padded {
		v = trimLeft(v)
	}
	if s.signed && (v[0] == '+' || v[0] == '-') {
		return true
	}
	switch s.kind {
	case kTime, kEnd:
		return p.time(s, v)
	case kGate:
		return p.gate(s, v)
	case kDate:
		return p.rec.parts.date(v) || p.fail(reasonTime, v, msgTime)
	case kClock, kClockUTC:
		p.rec.clocked, p.rec.parts.zoned = true, s.kind == kClockUTC
		return p.rec.parts.clock(v) || p.fail(reasonTime, v, msgTime)
	case kPart:
		return p.part(s, v)
	case kDur, kFirst:
		return p.duration(s, v)
	case kTimer:
		return p.timer(s, v)
	case kDurElse:
		if ns, ok := decimal(v, second); ok && p.rec.dur < 0 {
			p.rec.dur = ns
		}
		return true
	case kStatus:
		return p.status(s, v, q)
	case kSize, kWire, kBodySize, kConn:
		return p.count(s, v, q)
	case kHeader, kRespHeader:
		return p.header(s, p.clear(s, v), q)
	case kBody:
		if v = p.clear(s, v); len(v) <= capture.MaxBody {
			q.Body = v
		}
		return true
	}
	return p.word(s, p.clear(s, v))
}

// word puts the values that are words.
func (p *Parser) word(s *step, v []byte) bool {
	r := &p.rec
	switch s.kind {
	case kMethod:
		if s.auto {
			v = verb(v)
		}
		if !p.withheld(v) && (r.method == nil || s.rank >= r.methodRank) {
			r.method, r.methodRank = v, s.rank
		}
	case kUnescaped:
		if p.f.keys != nil {
			v = rawBytes(v)
		}
		r.target = p.escapeAgain(v)
	case kURI:
		if i := bytes.IndexByte(v, '/'); i > 0 && v[i-1] != ':' {
			r.setHost(v[:i], rankGood)
			v = v[i:]
		}
		r.path, r.tidy = v, s.auto
	case kTarget:
		if r.target == nil || s.rank >= r.targetRank {
			r.target, r.targetRank, r.tidy = v, s.rank, s.auto
		}
	case kPath, kDecoded:
		if r.path == nil || s.rank >= r.pathRank {
			r.path, r.pathRank, r.decoded, r.sent = v, s.rank, s.kind == kDecoded, s.sent
		}
	case kQuery:
		if p.withheld(v) {
			return true
		}
		if r.query = bytes.TrimPrefix(v, []byte("?")); bytes.HasPrefix(r.query, []byte("X-AzureApplicationGateway-")) {
			r.query = nil // the gateway's own variables
		}
	default:
		return p.around(s, v)
	}
	return true
}

// around puts the words that say how and between whom a request went.
func (p *Parser) around(s *step, v []byte) bool {
	r := &p.rec
	switch s.kind {
	case kProto:
		r.proto = protocol(v)
	case kProtoOrScheme:
		if proto := protocol(v); validProto(proto) {
			r.proto = proto
		} else {
			r.setScheme(v)
		}
	case kScheme:
		r.setScheme(v)
	case kHTTPS:
		switch string(v) {
		case "on", "true", "1":
			r.scheme = schemeHTTPS
		case "off", "false", "0":
			r.scheme = schemeHTTP
		}
	case kTLS:
		if r.scheme = schemeHTTPS; bytes.EqualFold(v, noTLS) {
			r.scheme = schemeHTTP
		}
	case kHost:
		r.setHost(v, s.rank)
	case kHostPort:
		if r.scheme == nil {
			r.scheme = schemeOfPort(v)
		}
	case kPort:
		r.port = v
	case kClient:
		return p.client(s, v)
	case kPeer:
		if i := bytes.LastIndexByte(v, ':'); i > 0 && string(v[:i]) != "-" {
			return p.client(s, v[:i])
		}
	case kFrontend:
		if v[len(v)-1] == '~' {
			r.scheme = schemeHTTPS
		}
	case kServerHost:
		if i := bytes.LastIndexByte(v, ' '); i >= 0 {
			r.setHost(v[i+1:], rankName)
		}
	case kUser:
		if string(v) != `""` {
			r.user = v
		}
	}
	return true
}

// noTLS is what Cloudflare writes for the version of TLS where there was none.
var noTLS = []byte("none")

var (
	schemeHTTP  = []byte("http")
	schemeHTTPS = []byte("https")
)

func schemeOfPort(port []byte) []byte {
	switch string(port) {
	case "443":
		return schemeHTTPS
	case "80":
		return schemeHTTP
	}
	return nil
}

func (r *record) setScheme(v []byte) {
	switch {
	case bytes.EqualFold(v, schemeHTTP), string(v) == "ws":
		r.scheme = schemeHTTP
	case bytes.EqualFold(v, schemeHTTPS), string(v) == "wss":
		r.scheme = schemeHTTPS
	}
}

// setHost takes v unless a better source was seen, or v cannot be a host: nginx's "_", or bytes that no
// Host field may hold.
func (r *record) setHost(v []byte, rank uint8) {
	if r.host != nil && rank < r.hostRank || string(v) == "_" || string(v) == "-" || len(v) == 0 || len(v) > 512 {
		return
	}
	for _, c := range v {
		if c <= ' ' || c >= 0x7f || c == '/' || c == '\\' || c == '@' || c == '"' || c == '?' || c == '#' {
			return
		}
	}
	r.host, r.hostRank = v, rank
}

// clear undoes the escapes of a value.
func (p *Parser) clear(s *step, v []byte) []byte {
	if s.hash {
		return p.unhash(v)
	}
	if s.esc != backslashes {
		return p.decode(s.esc, v)
	}
	if s.raw || bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	p.reserve(len(v))
	n := len(p.arena)
	p.arena = unescapeAs(p.arena, v, p.f.latin)
	return p.arena[n:len(p.arena):len(p.arena)]
}

// reserve makes room in the arena. Slices into the old memory stay good: it is left behind, not reused.
func (p *Parser) reserve(n int) {
	if cap(p.arena)-len(p.arena) < n {
		p.arena = make([]byte, 0, max(4096, 2*(cap(p.arena)+n)))
	}
}

func (p *Parser) time(s *step, v []byte) bool {
	if s.kind == kTime && p.rec.stamped && s.rank < p.rec.stampRank {
		return true
	}
	bracketed := false
	if v[0] == '[' && v[len(v)-1] == ']' {
		v = v[1 : len(v)-1] // Apache's %t in a value of JSON
		bracketed = true
	}
	ns, msg := p.stamp(s, v)
	if msg != "" {
		return p.fail(reasonTime, v, msg)
	}
	if s.kind == kEnd {
		p.rec.end, p.rec.ended = ns, true
		return true
	}
	p.rec.stamp, p.rec.stamped, p.rec.stampRank, p.rec.begin = ns, true, s.rank, s.begin || bracketed && p.f.labels
	return true
}

func (p *Parser) duration(s *step, v []byte) bool {
	var ns int64
	ok := false
	switch {
	case p.f.keys != nil && string(v) == "-1":
		return true
	case s.auto && s.unit != 0:
		if ns, ok = decimal(v, s.unit); !ok {
			ns, ok = withUnit(v)
		}
	case s.kind == kFirst && s.auto:
		ns, ok = withUnit(v)
	case s.kind == kFirst:
		known := false
		if ns, known, ok = sumList(v, s.unit); ok && !known {
			return true
		}
	case s.auto:
		if ns, ok = withUnit(v); p.unit != 0 {
			if n, whole := integer(v); whole && n <= maxDuration/p.unit {
				ns, ok = n*p.unit, true
			}
		}
	default:
		ns, ok = decimal(v, s.unit)
	}
	if !ok && p.f.keys != nil {
		ns, ok = scientific(v, s.unit)
	}
	if !ok {
		return p.fail(reasonNumber, v, "not a duration")
	}
	if s.kind == kFirst {
		p.rec.first = ns
	} else if p.rec.dur < 0 || s.rank >= p.rec.durRank {
		p.rec.dur, p.rec.durRank = ns, s.rank
		p.rec.point = bytes.IndexByte(v, '.') >= 0
		p.rec.bareUnit = s.auto && s.unit == 0 && v[len(v)-1]-'0' <= 9
	}
	return true
}

// status reads three digits. nginx writes 000 where it sent no answer and 009 for HTTP/0.9: unknown.
func (p *Parser) status(s *step, v []byte, q *capture.Request) bool {
	n, ok := integer(v)
	switch {
	case ok && (n == 0 || n == 9):
		n = 0
	case !ok || n < 100 || n > 999:
		return p.fail(reasonStatus, v, "not a status")
	}
	if q.Status == 0 || s.rank >= p.rec.statusRank {
		q.Status, p.rec.statusRank = int(n), s.rank
	}
	return true
}

func (p *Parser) count(s *step, v []byte, q *capture.Request) bool {
	n, ok := integer(v)
	if !ok && p.f.keys != nil && string(v) == "-1" {
		return true
	}
	if !ok {
		return p.fail(reasonNumber, v, "not a count")
	}
	switch s.kind {
	case kSize:
		if q.RespSize < 0 || s.rank >= p.rec.sizeRank {
			q.RespSize, p.rec.sizeRank = n, s.rank
		}
	case kWire:
		q.RespWire = n
	case kBodySize:
		q.BodySize = n
	case kConn:
		q.Conn = n
	}
	return true
}

// withheld reports whether a value of JSON was replaced before it was logged: by Caddy or Traefik, which do not log
// secrets, or by AWS WAF as it was told.
func (p *Parser) withheld(v []byte) bool { return p.f.keys != nil && string(v) == "REDACTED" }

func (p *Parser) header(s *step, v []byte, q *capture.Request) bool {
	if p.withheld(v) {
		return true
	}
	p.rec.headerBytes += len(s.name) + len(v)
	if p.rec.headerBytes > capture.MaxHeaders {
		return p.fail(reasonHeaders, v[:min(len(v), 120)], "header fields too long")
	}
	h := capture.Header{Name: s.name, Value: v}
	if s.kind == kRespHeader {
		q.RespHeaders = append(q.RespHeaders, h)
	} else {
		q.Headers = append(q.Headers, h)
	}
	return true
}
