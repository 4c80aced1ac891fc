package guard

import (
	"bytes"
	"strings"
)

// maxTarget is the longest target that is sent.
const maxTarget = 64 << 10

// Sendable reports whether a captured request can be issued again without naming another place than its
// target; where not, reason is the name it is counted under. It does not look at what the request does.
func Sendable(method, target []byte) (reason string, ok bool) {
	switch {
	case len(method) > 32 || !isToken(method):
		return "unsendable:method", false
	case string(method) == "CONNECT":
		return "unsendable:connect", false
	case string(method) == "TRACE" || string(method) == "TRACK":
		return "unsendable:trace", false
	case len(target) == 0:
		return "unsendable:no-target", false
	case len(target) > maxTarget:
		return "unsendable:too-long", false
	case string(target) == "*":
		return "unsendable:asterisk", false
	case target[0] != '/':
		return "unsendable:absolute-form", false
	case len(target) > 1 && target[1] == '/':
		return "unsendable:network-path", false
	}
	for _, c := range target {
		switch {
		case c <= ' ' || c == 0x7f:
			return "unsendable:control", false
		case c == '\\':
			return "unsendable:backslash", false
		case c == '#':
			return "unsendable:fragment", false
		}
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	if !escapesValid(path) {
		return "unsendable:escape", false
	}
	if climbs(path) {
		return "unsendable:dot-segments", false
	}
	return "", true
}

// escapesValid reports whether each % begins an escape.
func escapesValid(path []byte) bool {
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && (i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])) {
			return false
		}
	}
	return true
}

// climbs reports whether some server could read path as one above its root, and so above the base path:
// with .. in any encoding, behind encoded slashes, or with parameters (..;x).
func climbs(path []byte) bool {
	if !bytes.Contains(path, []byte("..")) && bytes.IndexByte(path, '%') < 0 {
		return false
	}
	depth := 0
	for s := range bytes.FieldsFuncSeq(unescape(unescape(path)), func(r rune) bool { return r == '/' || r == '\\' }) {
		s, _, _ = bytes.Cut(s, []byte{';'})
		switch string(s) {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// unescape undoes percent-encoding once; what is no escape stays.
func unescape(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
			out = append(out, hexValue(b[i+1])<<4|hexValue(b[i+2]))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// Withhold reports whether a request is held back, because it may change something at the target, and
// under which reason it is counted. target is its path and query, endpoint the endpoint it belongs to
// (GET /api/items/{id}), or empty.
func (g *Guard) Withhold(method, target []byte, endpoint string) (reason string, withheld bool) {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS":
		if !dangerous(target) {
			return "", false
		}
		reason = "dangerous-path"
	case "POST", "PUT", "PATCH", "DELETE":
		reason = "write:" + string(method)
	default:
		reason = "write:other"
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	for i := range g.writes {
		if g.writes[i].allows(string(method), string(path), endpoint) {
			return "", false
		}
	}
	return reason, true
}

// dangerous reports whether a GET is known to change something in many applications: its last segment or
// its action says so, or it asks to be taken for another method.
func dangerous(target []byte) bool {
	path, query, _ := bytes.Cut(target, []byte{'?'})
	path = bytes.TrimRight(unescape(path), "/")
	last := path[bytes.LastIndexByte(path, '/')+1:]
	last, _, _ = bytes.Cut(last, []byte{';'})
	if dot := bytes.LastIndexByte(last, '.'); dot > 0 && len(last)-dot <= 5 {
		last = last[:dot] // logout.php
	}
	switch strings.ToLower(string(last)) {
	case "logout", "logoff", "signout", "sign-out", "sign_out", "log-out", "log_out", "delete", "destroy", "unsubscribe":
		return true
	}
	for pair := range bytes.SplitSeq(query, []byte{'&'}) {
		name, value, _ := bytes.Cut(pair, []byte{'='})
		v := strings.ToLower(string(unescape(value)))
		switch strings.ToLower(string(unescape(name))) {
		case "action", "do", "cmd", "op":
			if v == "delete" || v == "logout" || v == "destroy" || v == "remove" {
				return true
			}
		case "_method":
			if v != "get" && v != "head" {
				return true
			}
		}
	}
	return false
}

// ForwardHeader reports whether a captured request header is sent again. Not sent are: what belongs to
// one connection (connection is the value of the request's Connection header, whose list counts), what
// the sender makes itself, credentials, what says who or where the client was, what names another host,
// path or method, and everything that is not well-formed.
func ForwardHeader(name, value, connection []byte) bool {
	if !isToken(name) || bytes.ContainsAny(value, "\r\n\x00") {
		return false
	}
	n := strings.ToLower(string(name))
	switch n {
	case "connection", "keep-alive", "te", "trailer", "trailers", "transfer-encoding", "upgrade", "http2-settings",
		"host", "content-length", "expect", "authorization", "cookie", "cookie2",
		"forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "fastly-client-ip",
		"x-original-url", "x-rewrite-url", "x-original-host", "x-host", "x-http-method-override", "x-http-method", "x-method-override",
		"replay-run":
		return false
	}
	for _, p := range [...]string{"proxy-", "x-forwarded-", "x-original-forwarded-", "sec-websocket-"} {
		if strings.HasPrefix(n, p) {
			return false
		}
	}
	for listed := range bytes.SplitSeq(connection, []byte{','}) {
		if strings.EqualFold(string(bytes.TrimSpace(listed)), n) {
			return false
		}
	}
	return true
}

// isToken reports whether b is a token of RFC 9110, section 5.6.2.
func isToken(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return len(b) > 0
}
