package accesslog

import "strings"

// compileVarnish compiles a format of varnishncsa: Apache's notation, but for %U, which is as it was sent. Stamps are
// starts of requests.
func compileVarnish(s string) (*format, error) {
	if rest, ok := strings.CutPrefix(s, "varnishncsa"); ok {
		_, s, _ = strings.Cut(rest, "-F")
		if s = strings.TrimSpace(s); len(s) > 1 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
			s = s[1 : len(s)-1]
		}
	}
	return compileLogFormat(s, apache{sentPath: true})
}

// isVarnish reports whether s is a format of varnishncsa: the command, or a value that only Varnish has.
func isVarnish(s string) bool {
	return strings.HasPrefix(s, "varnishncsa ") || strings.Contains(s, "%{Varnish:") || strings.Contains(s, "%{VCL_Log:") || strings.Contains(s, "%{VSL:")
}
