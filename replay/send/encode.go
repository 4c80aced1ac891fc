package send

import (
	"bytes"
	"strconv"
	"strings"

	"trafficreplay/replay/plan"
)

// inlineBody is the size up to which a body is copied behind its head, so that both leave in one system call.
const inlineBody = 8 << 10

// encoder turns shots into the bytes of requests. It only reads its own memory: several goroutines may share one.
type encoder struct {
	targets []wireTarget
	tail    string // what every head ends with: our own fields and the empty line
}

type wireTarget struct{ base, host string }

func newEncoder(o *Options) encoder {
	var e encoder
	for i := range o.Targets {
		t := &o.Targets[i]
		e.targets = append(e.targets, wireTarget{
			base: strings.TrimSuffix(t.BasePath, "/"),
			host: " HTTP/1.1\r\nHost: " + t.Host + "\r\n",
		})
	}
	if o.RunID != "" {
		e.tail = "Replay-Run: " + o.RunID + "\r\n"
	}
	if o.Connections == PerRequest {
		e.tail += "Connection: close\r\n"
	}
	e.tail += "\r\n"
	return e
}

// appendHead appends the head of s's request. It refuses whatever would not be read back as exactly one request
// with this path and these fields: the plan holds none, and a bug there must not become request smuggling.
func (e *encoder) appendHead(dst []byte, s *plan.Shot) (out []byte, ok bool) {
	q := s.Request
	if s.Target < 0 || s.Target >= len(e.targets) || q == nil || !token(q.Method) || q.Method == "CONNECT" || !origin(q) {
		return dst, false
	}
	t := &e.targets[s.Target]
	out = append(append(dst, q.Method...), ' ')
	if q.Path != "*" {
		out = append(out, t.base...)
	}
	out = append(append(out, q.Path...), t.host...)
	for i := range q.Header {
		h := &q.Header[i]
		if ours(h.Name) {
			continue
		}
		if !token(h.Name) || !fieldValue(h.Value) {
			return dst, false
		}
		out = append(append(out, h.Name...), ": "...)
		out = append(append(out, h.Value...), "\r\n"...)
	}
	if len(q.Body) > 0 || q.Method == "POST" || q.Method == "PUT" || q.Method == "PATCH" {
		out = strconv.AppendInt(append(out, "Content-Length: "...), int64(len(q.Body)), 10)
		out = append(out, "\r\n"...)
	}
	return append(out, e.tail...), true
}

func origin(q *plan.Request) bool {
	return q.Path == "*" && q.Method == "OPTIONS" || strings.HasPrefix(q.Path, "/") && pathBytes(q.Path)
}

// ours reports whether a field is written by the encoder alone: two that differ are how requests get smuggled.
func ours(name []byte) bool {
	switch len(name) {
	case 4:
		return bytes.EqualFold(name, []byte("host"))
	case 7:
		return bytes.EqualFold(name, []byte("upgrade"))
	case 10:
		return bytes.EqualFold(name, []byte("connection")) || bytes.EqualFold(name, []byte("keep-alive")) || bytes.EqualFold(name, []byte("replay-run"))
	case 14:
		return bytes.EqualFold(name, []byte("content-length"))
	case 16:
		return bytes.EqualFold(name, []byte("proxy-connection"))
	case 17:
		return bytes.EqualFold(name, []byte("transfer-encoding"))
	}
	return false
}

// tokenBytes holds the characters of a token (RFC 9110 section 5.6.2).
var tokenBytes = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		t[c] = true
	}
	return t
}()

func token[T string | []byte](s T) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

func fieldValue(s []byte) bool {
	return bytes.IndexByte(s, '\r') < 0 && bytes.IndexByte(s, '\n') < 0 && bytes.IndexByte(s, 0) < 0
}

func pathBytes(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
