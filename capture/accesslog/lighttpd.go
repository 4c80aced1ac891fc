package accesslog

import "strings"

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
