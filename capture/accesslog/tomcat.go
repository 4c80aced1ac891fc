package accesslog

import (
	"fmt"
	"strings"
)

// compileTomcat compiles the pattern of an AccessLogValve of Tomcat 10.1 or newer, with or without the element
// around it. Stamps are ends unless they begin with begin:, and %D counts microseconds.
func compileTomcat(s string) (*format, error) { return tomcatPattern(s, microsecond) }

// compileTomcat9 compiles one of Tomcat 10.0 or older, whose %D counts milliseconds.
func compileTomcat9(s string) (*format, error) { return tomcatPattern(s, millisecond) }

func tomcatPattern(s string, unit int64) (*format, error) {
	if _, rest, ok := strings.Cut(s, `pattern="`); ok {
		s, _, ok = strings.Cut(rest, `"`)
		if !ok {
			return nil, fmt.Errorf("pattern=%q is not closed", s)
		}
		s = strings.NewReplacer("&quot;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
	}
	if n := nickname(s); n != "" {
		s = n
	}
	f, err := compileLogFormat(s, apache{endStamps: true, own: func(a *apache, c byte, arg string) bool { return a.tomcat(c, arg, unit) }})
	if f != nil {
		f.latin = true
	}
	return f, err
}

// tomcatDefault compiles Tomcat's common and combined, which look like Apache's.
func tomcatDefault(s string) (*format, error) {
	f, err := family(s)
	if f != nil {
		f.latin = true
	}
	return f, err
}

// isTomcat reports whether s is the element of an AccessLogValve, or its attribute.
func isTomcat(s string) bool {
	return strings.Contains(s, "AccessLogValve") || strings.HasPrefix(s, "pattern=")
}

// tomcat compiles what Tomcat reads otherwise than Apache, or is false.
func (a *apache) tomcat(c byte, arg string, unit int64) bool {
	switch c {
	case 'D':
		a.b.value(step{kind: kDur, unit: unit, rank: rankBest})
	case 'T':
		switch arg {
		case "fracsec":
			a.b.value(step{kind: kDur, unit: second, rank: rankGood})
		case "ns":
			a.b.value(step{kind: kDur, unit: nanosecond, rank: rankMsec})
		default:
			return false
		}
	case 'F':
		a.b.value(step{kind: kFirst, unit: millisecond})
	case 'r', 's', 'c':
		// With a name: an attribute of the request or of the session, or a cookie.
		if arg == "" && c != 'c' {
			return false
		}
		a.b.value(step{})
	case 't':
		prefix := ""
		for _, p := range []string{"begin:", "end:"} {
			if rest, ok := strings.CutPrefix(arg, p); ok {
				prefix, arg = p, rest
			}
		}
		layout, ok := javaLayout(arg)
		if !ok {
			return false
		}
		a.part(layout, prefix != "begin:")
	default:
		return false
	}
	return true
}

// javaLayout is a pattern of Java's SimpleDateFormat as strftime has it; false where it is none that can be read.
func javaLayout(pattern string) (layout string, ok bool) {
	switch pattern {
	case "", "sec", "msec", "msec_frac", "usec", "usec_frac":
		return "", false
	}
	if strings.Contains(pattern, "%") {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		n := 1
		for i+n < len(pattern) && pattern[i+n] == c {
			n++
		}
		switch directive := javaLetter(c, n); {
		case c == '\'':
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return "", false
			}
			b.WriteString(pattern[i+1 : i+1+end])
			n = end + 2
		case directive != "":
			b.WriteString(directive)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return "", false
		default:
			b.WriteString(pattern[i : i+n])
		}
		i += n
	}
	return b.String(), true
}

// javaLetter is what n times the letter c of SimpleDateFormat stands for, or "".
func javaLetter(c byte, n int) string {
	switch c {
	case 'y', 'u':
		if n == 2 {
			return "%y"
		}
		return "%Y"
	case 'M':
		if n > 2 {
			return "%b"
		}
		return "%m"
	case 'S':
		if n == 3 {
			return layoutMsecFrac
		}
		return ""
	}
	directives := map[byte]string{'d': "%d", 'H': "%H", 'h': "%I", 'm': "%M", 's': "%S", 'a': "%p", 'E': "%a", 'Z': "%z", 'X': "%z", 'z': "%z"}
	return directives[c]
}
