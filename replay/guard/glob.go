package guard

import "strings"

// glob is a pattern of endpoints or paths. * stands for anything but a slash, ** for anything, {name} for
// one segment, which may be a parameter.
type glob struct {
	pattern string
	pathed  bool // it has no method
}

func compile(pattern string) glob {
	return glob{pattern: pattern, pathed: strings.HasPrefix(pattern, "/")}
}

// allows reports whether g matches the endpoint, or the request itself.
func (g *glob) allows(method, path, endpoint string) bool {
	if g.pattern == "**" || g.pattern == "*" {
		return true
	}
	route := endpoint
	if _, r, ok := strings.Cut(endpoint, " "); ok && g.pathed {
		route = r
	}
	if endpoint != "" && match(g.pattern, route) {
		return true
	}
	if g.pathed {
		return match(g.pattern, path)
	}
	return match(g.pattern, method+" "+path)
}

// match is linear in len(s) times the stars of the pattern: on a mismatch it goes back to the last star only.
func match(pattern, s string) bool {
	p, i := 0, 0
	star, from, deep := -1, 0, false // where to go on after the last star, and whether it crosses slashes
	back, backFrom := -1, 0          // the last ** before it
	for i < len(s) || p < len(pattern) {
		switch w, n := wildcard(pattern[p:]); {
		case w == '*' || w == 'D':
			p += n
			if w == 'D' {
				back, backFrom = p, i
			}
			star, from, deep = p, i, w == 'D'
			continue
		case p < len(pattern) && i < len(s) && pattern[p] == s[i]:
			p, i = p+1, i+1
			continue
		}
		switch {
		case star >= 0 && from < len(s) && (deep || s[from] != '/'):
			from++
			p, i = star, from
			if deep {
				backFrom = from
			}
		case back >= 0 && backFrom < len(s):
			backFrom++
			p, i = back, backFrom
			star, from, deep = back, backFrom, true
		default:
			return false
		}
	}
	return true
}

// wildcard reads a wildcard at the start of a pattern: * for * and {…}, D for **, and its length.
func wildcard(p string) (kind byte, n int) {
	switch {
	case strings.HasPrefix(p, "**"):
		return 'D', 2
	case strings.HasPrefix(p, "*"):
		return '*', 1
	case strings.HasPrefix(p, "{"):
		if end := strings.IndexByte(p, '}'); end > 0 && !strings.Contains(p[:end], "/") {
			return '*', end + 1
		}
	}
	return 0, 0
}
