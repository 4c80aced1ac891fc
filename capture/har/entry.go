package har

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"trafficreplay/capture"
)

// entry is what is read of one, the keys that browsers add included.
type entry struct {
	Started string `json:"startedDateTime"`
	Time    number `json:"time"` // ms
	Request struct {
		Method   string `json:"method"`
		URL      string `json:"url"`
		Version  string `json:"httpVersion"`
		Headers  pairs  `json:"headers"`
		BodySize number `json:"bodySize"`
		Post     *struct {
			Mime     string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"` // base64, as some proxies write it
			Params   []struct {
				Name  string  `json:"name"`
				Value *string `json:"value"`
				File  string  `json:"fileName"`
			} `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status      number `json:"status"`
		Headers     pairs  `json:"headers"`
		HeadersSize number `json:"headersSize"`
		BodySize    number `json:"bodySize"`
		Transferred number `json:"_transferSize"` // Chrome: on the wire, headers included
		Error       any    `json:"_error"`        // Chrome: net::ERR_…
		Content     struct {
			Size     number `json:"size"` // decoded
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
	Timings struct {
		Blocked, DNS, Connect, Send, Wait, Receive number
		Unknown                                    string `json:"_unknown"` // ours, see outTimings
	} `json:"timings"`
	Connection any    `json:"connection"`
	FromCache  any    `json:"_fromCache"`         // Chrome: "memory" or "disk"
	Messages   []sent `json:"_webSocketMessages"` // Chrome
	Client     string `json:"_client"`            // ours
}

// sent is one message of a WebSocket.
type sent struct {
	Type   string `json:"type"` // send, receive
	Time   number `json:"time"` // seconds since the epoch
	Opcode number `json:"opcode"`
	Data   string `json:"data"` // of a binary message base64
}

// number is a JSON number, or a string that holds one; absent, null or anything else it is not known.
type number struct {
	v     float64
	known bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	*n = number{v, err == nil && v-v == 0} // no infinity
	return nil
}

// positive is the number, 0 where it is not known or negative: -1 means "does not apply".
func (n number) positive() float64 {
	if !n.known || n.v < 0 {
		return 0
	}
	return n.v
}

// count is the number as one of bytes, or capture.Unknown.
func (n number) count() int64 {
	if !n.known || n.v < 0 || n.v > 1<<53 {
		return capture.Unknown
	}
	return int64(n.v)
}

// pairs are header fields.
type pairs []struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// fields appends the header fields that were on the wire as such: those of HTTP/2 that begin with a colon say what
// the request has elsewhere.
func (p pairs) fields(to []capture.Header) []capture.Header {
	for _, h := range p {
		if h.Name == "" || h.Name[0] == ':' {
			continue
		}
		to = append(to, capture.Header{Name: []byte(h.Name), Value: []byte(h.Value)})
	}
	return to
}

func (p pairs) get(name string) string {
	for _, h := range p {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// request makes q of e.
func (e *entry) request(q *capture.Request, r *Reader) error {
	scheme, rest, ok := strings.Cut(e.Request.URL, "://")
	switch scheme = strings.ToLower(scheme); {
	case e.Request.URL == "":
		return &capture.SyntaxError{Reason: reasonBadEntry, Part: []byte("no url")}
	case ok && (scheme == "http" || scheme == "https"):
	case ok && (scheme == "ws" || scheme == "wss"):
		scheme = "http" + scheme[2:]
	default:
		return &capture.SyntaxError{Reason: reasonNotHTTP, Part: []byte(e.Request.URL)}
	}
	at, err := time.Parse(time.RFC3339Nano, e.Started)
	if err != nil || at.Year() < 1678 || at.Year() > 2261 {
		return &capture.SyntaxError{Reason: reasonBadEntry, Part: []byte("startedDateTime " + e.Started)}
	}
	if reason := e.kept(); reason != "" {
		return &capture.SyntaxError{Reason: reason, Part: []byte(e.Request.URL)}
	}
	q.Scheme, q.Method, q.Proto = []byte(scheme), []byte(e.Request.Method), []byte(version(e.Request.Version))
	host, target := split(rest)
	q.Host, q.Target = []byte(host), target
	q.Client, q.Conn = r.base, r.conn(e.Connection, port(scheme, host))
	if e.Client != "" {
		q.Client = []byte(e.Client)
	}
	e.times(q, at)
	q.Headers = e.Request.Headers.fields(q.Headers)
	e.body(q)
	e.response(q)
	e.messages(q)
	return q.CheckLimits()
}

// kept says why the browser never sent the request; empty: it did.
func (e *entry) kept() string {
	if s, ok := e.FromCache.(string); ok && s != "" || e.FromCache == true {
		return reasonFromCache
	}
	s, _ := e.Response.Error.(string)
	for _, never := range []string{"net::ERR_BLOCKED_BY_", "net::ERR_NAME_", "net::ERR_ADDRESS_", "net::ERR_INTERNET_", "net::ERR_CONNECTION_REFUSED", "net::ERR_CACHE_MISS", "net::ERR_CERT_", "net::ERR_UNSAFE_PORT"} {
		if strings.HasPrefix(s, never) {
			return reasonNotSent
		}
	}
	return ""
}

// version is an HTTP version as a request line has it; empty where the entry's is none.
func version(v string) string {
	switch strings.TrimPrefix(strings.ToLower(v), "http/") {
	case "1.0":
		return "HTTP/1.0"
	case "1.1":
		return "HTTP/1.1"
	case "2", "2.0", "h2":
		return "HTTP/2.0"
	case "3", "3.0", "h3":
		return "HTTP/3.0"
	}
	return ""
}

// split parts what follows :// into host and target. Bytes that cannot stand in a request line are encoded.
func split(rest string) (host string, target []byte) {
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, rest = rest[:end], rest[end:]
	host = host[strings.LastIndexByte(host, '@')+1:]
	if !strings.HasPrefix(rest, "/") {
		target = append(target, '/')
	}
	for i := 0; i < len(rest); i++ {
		if c := rest[i]; c <= ' ' || c >= 0x7f {
			const hex = "0123456789ABCDEF"
			target = append(target, '%', hex[c>>4], hex[c&15])
		} else {
			target = append(target, c)
		}
	}
	return strings.ToLower(host), target
}

// port is that of a host as a URL has it.
func port(scheme, host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') && i+1 < len(host) {
		return host[i+1:]
	}
	return map[string]string{"http": "80", "https": "443"}[scheme]
}

// conn is the ordinal of a connection that the browser named; 0: it named none. Firefox gives the server's port, which
// is no name of a connection.
func (r *Reader) conn(named any, port string) int64 {
	var name string
	switch v := named.(type) {
	case string:
		name = v
	case float64:
		name = strconv.FormatFloat(v, 'g', -1, 64)
	}
	const maxConns = 100_000
	n, ok := r.conns[name]
	if name == "" || name == "0" || name == port || !ok && len(r.conns) == maxConns {
		return 0
	}
	if !ok {
		n = int64(len(r.conns)) + 1
		r.conns[name] = n
	}
	return n
}

// times fills the arrival and the durations. startedDateTime is before the browser queued the request and connected;
// it began to send behind that (connect has ssl within it).
func (e *entry) times(q *capture.Request, at time.Time) {
	before := e.Timings.Blocked.positive() + e.Timings.DNS.positive() + e.Timings.Connect.positive()
	const day = 24 * 3600 * 1000
	if before > day {
		before = 0
	}
	q.At = at.UnixNano() + micros(before)*int64(time.Microsecond)
	if send, wait := e.Timings.Send.positive(), e.Timings.Wait.positive(); e.Timings.Wait.known && e.Timings.Wait.v >= 0 && send+wait < day {
		q.FirstUS = micros(send + wait)
		if e.Timings.Receive.known && e.Timings.Receive.v >= 0 && e.Timings.Receive.v < day {
			q.DurUS = q.FirstUS + micros(e.Timings.Receive.v)
		}
	} else if e.Time.known && e.Time.v >= before && e.Time.v < day {
		q.DurUS = micros(e.Time.v - before)
	}
	if u := e.Timings.Unknown; u == "first" || u == "both" {
		q.FirstUS = capture.Unknown
	}
	if u := e.Timings.Unknown; u == "total" || u == "both" {
		q.DurUS = capture.Unknown
	}
	if e.Response.Status.positive() == 0 { // nothing came
		q.FirstUS, q.DurUS = capture.Unknown, capture.Unknown
	}
}

// micros is milliseconds as microseconds.
func micros(ms float64) int64 { return int64(math.Round(ms * 1000)) }

func (e *entry) response(q *capture.Request) {
	s := &e.Response
	if s.Status.known && s.Status.v >= 1 && s.Status.v <= 999 {
		q.Status = int(s.Status.v)
	} else {
		return
	}
	q.RespHeaders = s.Headers.fields(q.RespHeaders)
	encoded := s.Headers.get("Content-Encoding") != ""
	switch n, size := s.BodySize.count(), s.Content.Size.count(); {
	case n > 0 || n == 0 && size == 0:
		q.RespSize = n
	case !encoded && size >= 0:
		q.RespSize = size
	default:
		if n, err := strconv.ParseInt(s.Headers.get("Content-Length"), 10, 64); err == nil && n >= 0 {
			q.RespSize = n
		}
	}
	if n := s.Transferred.count(); n > 0 {
		q.RespWire = n
	} else if h := s.HeadersSize.count(); h > 0 && q.RespSize >= 0 {
		q.RespWire = h + q.RespSize
	}
	e.content(q)
}

// ops are the names of WebSocket opcodes (RFC 6455, section 11.8).
var ops = map[int64]string{1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}

// messages fills the messages of a WebSocket.
func (e *entry) messages(q *capture.Request) {
	for _, m := range e.Messages {
		op, dir := ops[m.Opcode.count()], byte('s')
		if m.Type == "send" {
			dir = 'c'
		}
		us := m.Time.v*1e6 - float64(q.At)/1e3
		if op == "" || !m.Time.known || us < 0 || us > 1e15 {
			continue
		}
		data := []byte(m.Data)
		if op != "text" {
			if b, err := base64.StdEncoding.DecodeString(m.Data); err == nil {
				data = b
			}
		}
		q.Messages = append(q.Messages, capture.Message{US: int64(math.Round(us)), Dir: dir, Op: op, Data: data})
	}
}
