package capture

import "bytes"

// Losses counts what another tool's file could not carry of the requests that were written into it.
type Losses struct {
	Lost    map[string]int64 // requests that lack something there, by what they lack
	LeftOut map[string]int64 // requests that are not there at all, by reason
}

// Lose counts a request that is written without what.
func (l *Losses) Lose(what string) {
	if l.Lost == nil {
		l.Lost = map[string]int64{}
	}
	l.Lost[what]++
}

// LoseIf is Lose where lost.
func (l *Losses) LoseIf(lost bool, what string) {
	if lost {
		l.Lose(what)
	}
}

// LeaveOut counts a request that is not written.
func (l *Losses) LeaveOut(reason string) {
	if l.LeftOut == nil {
		l.LeftOut = map[string]int64{}
	}
	l.LeftOut[reason]++
}

// AppendURL appends the absolute URL of q, of which a scheme that is not known is http. Bytes that cannot stand in a
// URL are percent-encoded, and encoded says that there were some. why is not empty where q has no such URL, and dst
// comes back as it was.
func (q *Request) AppendURL(dst []byte) (url []byte, encoded bool, why string) {
	switch {
	case len(q.Host) == 0:
		return dst, false, "no host"
	case !isHost(q.Host):
		return dst, false, "bad host"
	case len(q.Target) == 0 || q.Target[0] != '/':
		return dst, false, "target without a path" // of CONNECT, and the * of OPTIONS
	}
	scheme := "http"
	switch {
	case bytes.EqualFold(q.Scheme, []byte("https")):
		scheme = "https"
	case len(q.Scheme) > 0 && !bytes.EqualFold(q.Scheme, []byte("http")):
		return dst, false, "another scheme"
	}
	dst = append(append(append(dst, scheme...), "://"...), q.Host...)
	for _, c := range q.Target {
		if c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}' {
			dst = append(dst, c)
			continue
		}
		const hex = "0123456789ABCDEF"
		dst = append(dst, '%', hex[c>>4], hex[c&15])
		encoded = true
	}
	return dst, encoded, ""
}

// isHost reports whether host can stand in a URL.
func isHost(host []byte) bool {
	for _, c := range host {
		if c <= ' ' || c >= 0x7f || c == '/' || c == '?' || c == '#' || c == '@' || c == '\\' || c == '%' || c == '"' || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

// IsToken reports whether b can stand as a method or as the name of a header (RFC 9110, section 5.6.2).
func IsToken(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte(`"(),/:;<=>?@[\]{}`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0
}

// IsField reports whether h can be sent: its name is a token, and its value has no byte that would end it.
func (h Header) IsField() bool { return IsToken(h.Name) && !bytes.ContainsAny(h.Value, "\r\n\x00") }

// IsNamed reports whether the header has a name, compared without case.
func (h Header) IsNamed(name string) bool {
	return len(h.Name) == len(name) && bytes.EqualFold(h.Name, []byte(name))
}

// LacksBody reports whether the request had a body of which q does not hold all.
func (q *Request) LacksBody() bool {
	if q.BodySize != Unknown {
		return q.BodySize > int64(len(q.Body))
	}
	for _, h := range q.Headers {
		if h.IsNamed("Transfer-Encoding") || h.IsNamed("Content-Length") && string(h.Value) != "0" {
			return true
		}
	}
	return false
}
