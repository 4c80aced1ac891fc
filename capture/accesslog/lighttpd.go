package accesslog

import (
	"bytes"
	"strings"
)

// compileLighttpd compiles an accesslog.format of lighttpd, with or without the name before it: Apache's notation, but
// stamps are ends unless they begin with begin:.
func compileLighttpd(s string) (*format, error) {
	if rest, ok := strings.CutPrefix(s, "accesslog.format"); ok {
		rest = strings.TrimLeft(rest, " \t=")
		if i := closing(rest); strings.HasPrefix(rest, `"`) && i > 0 {
			rest = rest[1:i]
		}
		s = rest
	}
	return compileLogFormat(s, apache{endStamps: true})
}

func isLighttpd(s string) bool { return strings.HasPrefix(s, "accesslog.format") }

// lighttpdDefault is the format that lighttpd has without a configuration: combined, with the host for the identity.
func lighttpdDefault(string) (*format, error) {
	return compileLighttpd(`%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`)
}

// hostIdentity reports whether the head of a Common Log Format line has a host where the identity stands: nobody
// asks clients who they are (RFC 1413) any more.
func hostIdentity(line []byte) bool {
	var items [6][]byte
	i := bytes.Index(line, []byte(" ["))
	if i < 0 || listItems(line[:i], items[:]) != 3 {
		return false
	}
	return bytes.IndexByte(items[1], '.') > 0 || bytes.IndexByte(items[1], ':') > 0 || string(items[1]) == "localhost"
}
