package accesslog

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// compileNginx compiles an nginx log_format, with or without the directive around it.
func compileNginx(s string) (*format, error) {
	s, escape, err := unwrapNginx(s)
	if err != nil {
		return nil, err
	}
	f := &format{ends: true, raw: escape == "none", resolution: time.Second}
	if body := strings.TrimSpace(s); strings.HasPrefix(body, "{") && strings.HasSuffix(body, "}") {
		err = f.template(body)
	} else {
		f.text, err = nginxSequence(s, f.raw)
	}
	if err == nil {
		err = f.settle()
	}
	if err != nil {
		return nil, err
	}
	f.resolution = f.finest()
	return f, nil
}

// finest is the resolution of the stamp that settle kept.
func (f *format) finest() time.Duration {
	for _, s := range f.text {
		if s.kind == kTime && s.rank >= rankMsec {
			return time.Millisecond
		}
	}
	for _, seq := range f.keys {
		for _, s := range seq {
			if s.kind == kTime && s.rank >= rankMsec {
				return time.Millisecond
			}
		}
	}
	return time.Second
}

// template compiles a log_format that writes a JSON object: each value is a small format of its own.
func (f *format) template(body string) error {
	f.keys = map[string]sequence{}
	var w walker
	w.start([]byte(body))
	for {
		path, v, more := w.next()
		if !more {
			break
		}
		if len(f.keys) == maxValues {
			return fmt.Errorf("more than %d keys", maxValues)
		}
		seq, err := nginxSequence(string(v), false)
		if err != nil {
			return fmt.Errorf("key %q: %w", path, err)
		}
		f.keys[string(path)] = seq
	}
	if w.bad {
		return errors.New("neither text nor a JSON object")
	}
	return nil
}

// nginxSequence compiles literals, $name and ${name}.
func nginxSequence(s string, raw bool) (sequence, error) {
	b := builder{raw: raw}
	for len(s) > 0 {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			break
		}
		name, n := variable(s[i:])
		if n == 0 {
			b.text(s[:i+1])
			s = s[i+1:]
			continue
		}
		if len(name) > maxName {
			return nil, fmt.Errorf("variable $%.20s… is longer than %d bytes", name, maxName)
		}
		b.text(s[:i])
		v := nginxVariable(name)
		v.label = s[i : i+n]
		b.value(v)
		s = s[i+n:]
	}
	b.text(s)
	return b.finish()
}

// variable reads $name or ${name}; n is 0 where s holds neither.
func variable(s string) (name string, n int) {
	if strings.HasPrefix(s, "${") {
		if i := strings.IndexByte(s, '}'); i > 2 {
			return s[2:i], i + 1
		}
		return "", 0
	}
	n = 1
	for n < len(s) && nameByte(s[n]) {
		n++
	}
	if n == 1 {
		return "", 0
	}
	return s[1:n], n
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// Ranks of what is logged in several forms; the highest counts.
const (
	rankWeak = iota
	rankName // a name of the server's, the address of a proxy
	rankGood
	rankBest
	rankMsec
)

// nginxVariable is the meaning of $name: a table, a line or two for each. Variables that say nothing about
// the request are skipped.
func nginxVariable(name string) step {
	switch name {
	case "remote_addr", "the_real_ip":
		return step{kind: kClient, rank: rankBest, list: true}
	case "proxy_protocol_addr":
		return step{kind: kClient, rank: rankGood}
	case "realip_remote_addr":
		return step{kind: kClient, rank: rankName}
	case "remote_user":
		return step{kind: kUser}
	case "time_local":
		return step{kind: kTime, rank: rankGood, fixed: len("02/Jan/2006:15:04:05 -0700")}
	case "time_iso8601":
		return step{kind: kTime, rank: rankGood}
	case "msec":
		return step{kind: kTime, rank: rankMsec}
	case "request":
		return step{kind: kRequest}
	case "request_method":
		return step{kind: kMethod}
	case "request_uri":
		return step{kind: kTarget, rank: rankGood}
	case "uri", "document_uri":
		return step{kind: kDecoded}
	case "args", "query_string":
		return step{kind: kQuery}
	case "is_args":
		return step{how: flag}
	case "server_protocol":
		return step{kind: kProto}
	case "scheme":
		return step{kind: kScheme}
	case "https":
		return step{kind: kHTTPS}
	case "ssl_protocol":
		return step{kind: kTLS}
	case "server_port":
		return step{kind: kHostPort}
	case "status":
		return step{kind: kStatus}
	case "body_bytes_sent":
		return step{kind: kSize}
	case "bytes_sent":
		return step{kind: kWire}
	case "request_time":
		return step{kind: kDur, unit: second}
	case "upstream_header_time":
		return step{kind: kFirst, unit: second, list: true}
	case "connection":
		return step{kind: kConn}
	case "content_length", "http_content_length":
		return step{kind: kBodySize}
	case "request_body":
		return step{kind: kBody}
	case "content_type":
		return step{kind: kHeader, name: []byte("Content-Type")}
	case "host":
		return step{kind: kHost, rank: rankGood}
	case "http_host":
		return step{kind: kHost, rank: rankBest}
	case "server_name":
		return step{kind: kHost, rank: rankName}
	}
	return nginxPrefixed(name)
}

func nginxPrefixed(name string) step {
	if h, ok := strings.CutPrefix(name, "http_"); ok && h != "" {
		return step{kind: kHeader, name: headerName(h), list: h == "x_forwarded_for"}
	}
	if h, ok := strings.CutPrefix(name, "sent_http_"); ok && h != "" {
		return step{kind: kRespHeader, name: headerName(h)}
	}
	return step{list: strings.HasPrefix(name, "upstream_") || name == "proxy_add_x_forwarded_for"}
}

// headerName is x_request_id as X-Request-Id: nginx drops the case of header names.
func headerName(s string) []byte {
	b := []byte(strings.ToLower(s))
	for i, c := range b {
		if c == '_' {
			b[i] = '-'
		} else if (i == 0 || b[i-1] == '-') && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return b
}

// unwrapNginx takes the directive, the quotes and escape= from around a format.
func unwrapNginx(s string) (body, escape string, err error) {
	words := false
	if rest, ok := strings.CutPrefix(s, "log_format"); ok && rest != "" && space(rest[0]) {
		words = true
		rest = strings.TrimLeft(rest, " \t\r\n")
		if i := strings.IndexAny(rest, " \t\r\n"); i >= 0 {
			s = strings.TrimLeft(rest[i:], " \t\r\n")
		} else {
			return "", "", errors.New("log_format without a format")
		}
	}
	if rest, ok := strings.CutPrefix(s, "escape="); ok {
		words = true
		i := strings.IndexAny(rest, " \t\r\n'\"")
		if i < 0 {
			return "", "", errors.New("escape= without a format")
		}
		escape, s = rest[:i], strings.TrimLeft(rest[i:], " \t\r\n")
		if escape != "json" && escape != "default" && escape != "none" {
			return "", "", fmt.Errorf("escape=%s: want json, default or none", escape)
		}
	}
	if !words && !inQuotes(s) {
		return s, escape, nil
	}
	body, err = joinWords(s)
	return body, escape, err
}

// inQuotes reports whether s was pasted with the quotes of the configuration file. Inside double quotes
// every quote of the format itself has a backslash.
func inQuotes(s string) bool {
	if strings.HasPrefix(s, "'") {
		return true
	}
	if !strings.HasPrefix(s, `"`) || len(s) < 2 {
		return false
	}
	s = strings.TrimSuffix(s, ";")
	for i := 1; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == '"' {
			return i == len(s)-1
		}
	}
	return false
}

// joinWords joins the words of a directive up to its semicolon as nginx reads them: quotes are taken off,
// \" \' \\ \t \r \n undone, comments between words passed over.
func joinWords(s string) (string, error) {
	var out []byte
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" || s[0] == ';' {
			return string(out), nil
		}
		if s[0] == '#' {
			if _, rest, ok := strings.Cut(s, "\n"); ok {
				s = rest
				continue
			}
			return string(out), nil
		}
		end := byte(0)
		if s[0] == '"' || s[0] == '\'' {
			end = s[0]
			s = s[1:]
		}
		n, closed := 0, end == 0
		for ; n < len(s); n++ {
			c := s[n]
			if c == end && end != 0 {
				closed = true
				break
			}
			if end == 0 && (space(c) || c == ';') {
				break
			}
			if c == '\\' && n+1 < len(s) {
				n++
				out = appendConfigEscape(out, s[n])
				continue
			}
			out = append(out, c)
		}
		if !closed {
			return "", errors.New("a quote is not closed")
		}
		if s = s[n:]; end != 0 {
			s = s[1:]
		}
	}
}

func appendConfigEscape(out []byte, c byte) []byte {
	switch c {
	case 't':
		return append(out, '\t')
	case 'r':
		return append(out, '\r')
	case 'n':
		return append(out, '\n')
	case '"', '\'', '\\':
		return append(out, c)
	}
	return append(out, '\\', c)
}
