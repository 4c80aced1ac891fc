package wire

import (
	"bytes"

	"trafficreplay/capture"
)

// requestLine is the parts of a request line. They lie in the line.
type requestLine struct {
	method, target, proto []byte
	scheme, host          []byte // of a target in absolute form, which target then is no more
	bare                  bool   // there is no version: HTTP/0.9
}

const maxMethod = 32

// parse takes a request line without its line end apart, as leniently as servers do: several blanks, any method
// that is a token. strict: only what a careful client sends.
func (r *requestLine) parse(line []byte, strict bool) bool {
	*r = requestLine{}
	i := bytes.IndexByte(line, ' ')
	if i <= 0 || i > maxMethod || !isToken(line[:i]) {
		return false
	}
	r.method = line[:i]
	rest := bytes.TrimRight(line[i+1:], " \t\r")
	if strict && (!isKnown(r.method) || len(rest)+i+2 != len(line) || line[len(line)-1] != '\r') {
		return false
	}
	rest = bytes.TrimLeft(rest, " \t")
	j := bytes.LastIndexByte(rest, ' ')
	if j < 0 {
		r.bare = string(r.method) == "GET" && len(rest) > 0 && rest[0] == '/' && isVisible(rest)
		return false
	}
	r.target, r.proto = bytes.TrimRight(rest[:j], " \t"), rest[j+1:]
	return isVersion(r.proto) && isVisible(r.target) && r.formed()
}

// knownMethods are those that mark a request where a message may or may not begin: of the registry, of UPnP, and those
// that caches and remote procedures have.
var knownMethods = []string{
	"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY", "PURGE", "BAN",
	"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY",
	"MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PRI", "PROPFIND", "PROPPATCH", "REBIND",
	"REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
	"M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "RPC_IN_DATA", "RPC_OUT_DATA",
}

func isKnown(method []byte) bool {
	for _, m := range knownMethods {
		if string(method) == m {
			return true
		}
	}
	return false
}

// maybeKnown reports whether a known method, a status line, a preface or a TLS record may begin with b.
func maybeKnown(b []byte) bool {
	for _, m := range knownMethods {
		if hasStart(m, b) {
			return true
		}
	}
	return hasStart("HTTP/", b) || hasStart(preface, b) || !tokenByte[b[0]]
}

func hasStart(s string, b []byte) bool { return len(b) <= len(s) && s[:len(b)] == string(b) }

// isVersion reports whether b is HTTP/1.x.
func isVersion(b []byte) bool {
	return len(b) == 8 && string(b[:7]) == "HTTP/1." && b[7]-'0' <= 9
}

func isVisible(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// formed reports whether the target has one of the four forms (RFC 9112, section 3.2).
func (r *requestLine) formed() bool {
	t := r.target
	switch {
	case len(t) == 0:
		return false
	case t[0] == '/' || len(t) == 1 && t[0] == '*' || string(r.method) == "CONNECT":
		return true
	}
	scheme := schemeEnd(t)
	return scheme > 0 && scheme+3 < len(t) && bytes.IndexByte([]byte("/?#"), t[scheme+3]) < 0
}

// schemeEnd is where http or https ends that an absolute target begins with; 0: there is none.
func schemeEnd(t []byte) int {
	i := bytes.Index(t[:min(len(t), 8)], []byte("://"))
	if i < 0 || !is(t[:i], "http") && !is(t[:i], "https") {
		return 0
	}
	return i
}

// split takes scheme and host out of a target in absolute form. The line has to belong to the caller, since a query
// without a path gets the slash that the origin form needs.
func (r *requestLine) split() {
	t := r.target
	i := schemeEnd(t)
	if i == 0 || string(r.method) == "CONNECT" {
		return
	}
	r.scheme = t[:i]
	from, to := i+3, len(t)
	if n := bytes.IndexAny(t[from:], "/?#"); n >= 0 {
		to = from + n
	}
	r.host, r.target = t[from:to], t[to:]
	if at := bytes.LastIndexByte(r.host, '@'); at >= 0 {
		r.host = r.host[at+1:]
	}
	switch {
	case to == len(t):
		r.target = rootPath
	case t[to] != '/':
		copy(t[to-len(r.host)-1:], r.host)
		r.host, r.target = t[to-len(r.host)-1:to-1], t[to-1:]
		r.target[0] = '/'
	}
}

var rootPath = []byte("/")

// statusLine reads the status of a status line without its line end: HTTP/1.1 200 and what the server likes to add.
func statusLine(line []byte, strict bool) (status int, ok bool) {
	if len(line) < 12 || !isVersion(line[:8]) || line[8] != ' ' {
		return 0, false
	}
	if strict && line[len(line)-1] != '\r' {
		return 0, false
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, false
		}
		status = 10*status + int(c-'0')
	}
	if len(line) > 12 && line[12] != ' ' && line[12] != '\r' && line[12] != '\t' {
		return 0, false
	}
	return status, status >= 100
}

// kind is what the first bytes of a side look like.
type kind uint8

const (
	kindOther kind = iota
	kindMore       // too few to tell
	kindRequest
	kindResponse
	kindTLS
	kindHTTP2
)

// preface is what the first line of an HTTP/2 client's preface begins with (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n"

// kindOf looks at the first bytes of a message or of a side. Requests and responses are recognised by a part of
// their first line; whether it is a good one is seen when it is whole.
func kindOf(b []byte) kind {
	switch n := min(len(b), 5); {
	case n == 0:
		return kindMore
	case string(b[:n]) == "HTTP/"[:n]:
		if n < 5 {
			return kindMore
		}
		return kindResponse
	case b[0] >= 20 && b[0] <= 23:
		return tlsRecord(b)
	case string(b[:n]) == preface[:n]:
		if n = min(len(b), len(preface)); string(b[:n]) != preface[:n] {
			break
		}
		if n < len(preface) {
			return kindMore
		}
		return kindHTTP2
	}
	for i, c := range b {
		switch {
		case c == ' ' && i > 0:
			return kindRequest
		case i == maxMethod || !tokenByte[c]:
			return kindOther
		}
	}
	return kindMore
}

// tlsRecord looks at what may be the head of a TLS record: type, version 3.x, length.
func tlsRecord(b []byte) kind {
	switch {
	case len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4:
		return kindOther
	case len(b) < 5:
		return kindMore
	case int(b[3])<<8|int(b[4]) > maxTLSRecord || b[3]|b[4] == 0:
		return kindOther
	}
	return kindTLS
}

const maxTLSRecord = 1<<14 + 2048

// maxFirstLine bounds the first line of a message: the longest target, and room for the rest.
const maxFirstLine = capture.MaxTarget + 4<<10
