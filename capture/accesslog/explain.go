package accesslog

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"trafficreplay/capture"
)

// Explanation is how one line was understood. Its strings hold what the line holds, secrets too.
type Explanation struct {
	Format   string           `json:"format"`             // name of the dialect
	Chosen   string           `json:"chosen,omitempty"`   // how it was chosen; empty: by name
	Rivals   []string         `json:"rivals,omitempty"`   // the other dialects that fit lines of the sample
	Wrappers []string         `json:"wrappers,omitempty"` // taken off the line, the outermost first
	Values   []ExplainedValue `json:"values,omitempty"`
	Arrival  string           `json:"arrival,omitempty"` // RFC 3339
	Why      string           `json:"why,omitempty"`     // how the arrival follows from the values
	Skipped  string           `json:"skipped,omitempty"` // the reason why the line is no request
	Message  string           `json:"message,omitempty"`
	Part     string           `json:"part,omitempty"` // of the line, which is to blame
}

// ExplainedValue is one value of a line.
type ExplainedValue struct {
	Label   string `json:"label"`             // what the format calls it: $request_time, .httpRequest.latency
	Raw     string `json:"raw"`               // as it stands in the line
	Meaning string `json:"meaning,omitempty"` // the field of the request, as --field names it; empty: not used
	Value   string `json:"value,omitempty"`   // what came of it; empty: nothing was logged
}

// maxExplained bounds the values of an explanation.
const maxExplained = 256

// choice is how Detect came to a dialect.
type choice struct {
	how    string
	rivals []string
}

// Explain parses line and tells what became of each of its values. It is for people: it allocates.
func (p *Parser) Explain(line []byte) Explanation {
	before := p.clock
	var q capture.Request
	err := p.Parse(line, &q)
	e := Explanation{Format: p.name, Chosen: p.chosen.how, Rivals: p.chosen.rivals}
	for _, w := range p.taken[:p.layers] {
		e.Wrappers = append(e.Wrappers, w.String())
	}
	if bad, ok := errors.AsType[*capture.SyntaxError](err); ok {
		e.Skipped, e.Message, e.Part = bad.Reason, bad.Msg, string(bad.Part)
	} else {
		e.Arrival, e.Why = q.Time().Format(time.RFC3339Nano), p.why()
	}
	inner := line
	for _, w := range p.taken[:p.layers] {
		inner, _ = p.peel(w, inner)
	}
	after := p.clock
	p.clock = before
	p.explainValues(inner, func(s *step, label string, raw []byte) {
		if len(e.Values) < maxExplained {
			e.Values = append(e.Values, p.explainValue(s, label, raw))
		}
	})
	p.clock = after
	return e
}

// explainValues calls yield for each value of a line without wrappers.
func (p *Parser) explainValues(line []byte, yield func(s *step, label string, raw []byte)) {
	if p.f.text != nil {
		p.explainText(p.f.text, "", line, yield)
		return
	}
	w := &p.walker
	w.enter, w.lists = p.f.enter, p.f.lists
	for w.start(line); ; {
		path, v, more := w.next()
		if !more {
			return
		}
		if len(p.f.pairs) > 0 {
			if path = p.pair(path, v); path == nil {
				continue
			}
		}
		seq := p.f.keys[string(path)]
		switch {
		case !w.str && string(v) == "null":
		case len(seq) == 0:
			yield(&step{}, "."+string(path), v)
		case len(seq) == 1 && seq[0].how == whole:
			yield(&seq[0], "."+string(path), v)
		default:
			p.explainText(seq, "."+string(path)+" ", v, yield)
		}
	}
}

func (p *Parser) explainText(seq sequence, prefix string, line []byte, yield func(s *step, label string, raw []byte)) {
	vals := make([][]byte, len(seq))
	if _, ok := seq.split(line, vals); !ok {
		return
	}
	for i := range seq {
		if vals[i] != nil && seq[i].how != literal {
			yield(&seq[i], prefix+seq[i].label, vals[i])
		}
	}
}

// explainValue gives one value its meaning, away from all others.
func (p *Parser) explainValue(s *step, label string, raw []byte) ExplainedValue {
	e := ExplainedValue{Label: label, Raw: string(raw), Meaning: p.meaningOf(s)}
	if s.kind == kSkip {
		return e
	}
	var q capture.Request
	q.Reset()
	p.rec, p.arena = record{dur: -1, first: -1}, p.arena[:0]
	if !p.put(s, raw, &q) {
		e.Value = "refused: " + p.err.Msg
		return e
	}
	e.Value = p.resultOf(s, &q)
	return e
}

// meanings are the names of fields as --field has them, by kind.
var meanings = map[kind]string{
	kHead: "client and user", kClient: "client", kUser: "user", kTimePart: "part of the stamp", kEnd: "end", kDur: "duration", kDurElse: "duration",
	kFirst: "first", kRequest: "request", kMethod: "method", kTarget: "target", kPath: "path", kDecoded: "path", kQuery: "query", kProto: "proto",
	kProtoOrScheme: "proto", kScheme: "scheme", kHTTPS: "scheme", kTLS: "scheme", kHost: "host", kHostPort: "scheme", kPort: "host", kUnescaped: "target", kStatus: "status",
	kSize: "resp_size", kWire: "resp_wire", kBodySize: "body_size", kBody: "body", kConn: "conn", kGate: "whether it is a request", kSeconds: "a whole duration is seconds",
	kPeer: "client", kFrontend: "scheme", kServerHost: "host", kTimer: "part of the times",
}

func (p *Parser) meaningOf(s *step) string {
	switch s.kind {
	case kTime:
		if s.begin || !p.f.ends {
			return "at"
		}
		return "end"
	case kHeader:
		return "header." + string(s.name)
	case kRespHeader:
		return "resp_header." + string(s.name)
	}
	return meanings[s.kind]
}

// resultOf tells what the last put made of a value.
func (p *Parser) resultOf(s *step, q *capture.Request) string {
	r := &p.rec
	switch s.kind {
	case kTime:
		return stampText(r.stamp, r.stamped)
	case kEnd:
		return stampText(r.end, r.ended)
	case kTimePart, kGate:
		return "yes"
	case kDur, kDurElse:
		return spanText(r.dur)
	case kFirst:
		return spanText(r.first)
	case kTimer:
		if !r.timers.known(s.rank) {
			return ""
		}
		return spanText(r.timers.ns(s.rank))
	case kHead:
		return string(r.client) + " " + string(r.user)
	case kStatus:
		return strconv.Itoa(q.Status)
	case kSize:
		return countText(q.RespSize)
	case kWire:
		return countText(q.RespWire)
	case kBodySize:
		return countText(q.BodySize)
	case kConn:
		return countText(q.Conn)
	case kBody:
		return fmt.Sprintf("%d bytes", len(q.Body))
	case kHeader, kRespHeader:
		for _, h := range append(q.Headers, q.RespHeaders...) {
			return string(h.Value)
		}
		return ""
	}
	for _, v := range [][]byte{r.request, r.method, r.target, r.path, r.query, r.proto, r.scheme, r.host, r.port, r.client, r.user} {
		if len(v) > 0 {
			return string(v)
		}
	}
	return ""
}

func stampText(ns int64, known bool) string {
	if !known {
		return ""
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}

func spanText(ns int64) string {
	if ns < 0 {
		return ""
	}
	return time.Duration(ns).String()
}

func countText(n int64) string {
	if n < 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// why says how the arrival of the line that was just parsed follows from its stamps.
func (p *Parser) why() string {
	r := &p.rec
	ended := r.ended && r.stamp == r.end && !r.begin
	switch {
	case p.f.timers && p.f.accepts:
		idle, _ := r.timers.idle(true)
		return fmt.Sprintf("accept of the connection + wait for the request = %s + %s", stampText(r.stamp-idle, true), time.Duration(idle))
	case !ended && (r.begin || !p.f.ends):
		return "the stamp is the start of the request"
	case r.dur >= 0:
		return fmt.Sprintf("end of the request − duration = %s − %s", stampText(r.stamp, true), spanText(r.dur))
	}
	return "the stamp is the end of the request, and no duration was logged: the arrival is only known to lie before it"
}
