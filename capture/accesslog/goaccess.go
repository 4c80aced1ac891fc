package accesslog

import (
	"strings"
	"time"
)

// aliases are other names of presets: those of goaccess's --log-format, and what people say.
var aliases = map[string]string{
	"COMBINED": "combined", "VCOMBINED": "vcombined", "COMMON": "common", "VCOMMON": "vcommon", "W3C": "w3c",
	"CLOUDFRONT": "cloudfront", "AWSELB": "elb", "AWSALB": "alb", "AWSS3": "s3", "SQUID": "squid", "CADDY": "caddy",
	"TRAEFIKCLF": "traefik-clf", "iis": "w3c",
}

// compileGoAccess compiles goaccess's specifiers (goaccess(1), "Custom log/date format"). Its date and time formats are
// not needed: dates and times are read as they look, and the zone that %^ passes over behind them counts.
func compileGoAccess(s string) (*format, error) {
	b := builder{}
	s = strings.NewReplacer(`\t`, "\t", `\"`, `"`).Replace(s)
	for len(s) > 0 && b.err == nil {
		n := goAccessStamp(&b, s)
		switch {
		case n > 0:
		case strings.HasPrefix(s, "~h{") && strings.Contains(s, "}"):
			n = strings.IndexByte(s, '}') + 1
			b.value(step{kind: kClient, rank: rankBest, list: true, label: s[:n]})
		case strings.HasPrefix(s, "%~"):
			b.text(" ")
			n = 2
		case s[0] == '%' && len(s) > 1:
			n = 2
			v, ok := specifier(s[1])
			if !ok {
				b.fail("%.2s is not a specifier", s)
			}
			v.label = s[:2]
			b.value(v)
		default:
			b.text(s[:1])
			n = 1
		}
		s = s[n:]
	}
	f := &format{ends: true, observed: true, resolution: time.Second}
	var err error
	if f.text, err = b.finish(); err != nil {
		return nil, err
	}
	if err := f.settle(); err != nil {
		return nil, err
	}
	return f, nil
}

// goAccessStamp compiles a date and a time that stand together, and the zone behind them, and returns the length.
func goAccessStamp(b *builder, s string) int {
	rest, ok := strings.CutPrefix(s, "%d")
	if !ok || len(rest) < 3 || strings.IndexByte(":T ", rest[0]) < 0 || rest[1:3] != "%t" {
		return 0
	}
	v := step{kind: kTime, label: "%d" + rest[:3]}
	n := len("%d:%t")
	if strings.HasPrefix(s[n:], " %^") || strings.HasPrefix(s[n:], "%^") {
		n += strings.Index(s[n:], "%^") + 2
	}
	if rest[0] == ' ' && !strings.HasPrefix(s[n:], "]") && !strings.HasPrefix(s[n:], `"`) {
		return 0 // blanks end cells here: they are two
	}
	b.value(v)
	return n
}

func specifier(c byte) (s step, ok bool) {
	switch c {
	case 'x':
		return step{kind: kTime}, true
	case 'd':
		return step{kind: kDate}, true
	case 't':
		return step{kind: kClock}, true
	case 'v':
		return step{kind: kHost, rank: rankName}, true
	case 'e':
		return step{kind: kUser}, true
	case 'h':
		return step{kind: kClient, rank: rankGood, list: true}, true
	case 'r':
		return step{kind: kRequest, auto: true}, true
	case 'm':
		return step{kind: kMethod}, true
	case 'U':
		return step{kind: kPath, rank: rankGood}, true
	case 'q':
		return step{kind: kQuery}, true
	case 'H':
		return step{kind: kProto}, true
	case 's':
		return step{kind: kStatus}, true
	case 'b':
		return step{kind: kSize}, true
	case 'R':
		return step{kind: kHeader, name: []byte("Referer")}, true
	case 'u':
		return step{kind: kHeader, name: []byte("User-Agent")}, true
	case 'K', 'k':
		return step{kind: kTLS}, true
	case 'C', 'M', '^':
		return step{}, true
	}
	return goAccessTime(c)
}

// goAccessTime are the ways of writing the time served: the finest counts.
func goAccessTime(c byte) (s step, ok bool) {
	switch c {
	case 'n':
		return step{kind: kDur, unit: nanosecond, rank: rankMsec}, true
	case 'D':
		return step{kind: kDur, unit: microsecond, rank: rankBest}, true
	case 'L':
		return step{kind: kDur, unit: millisecond, rank: rankGood}, true
	case 'T':
		return step{kind: kDur, unit: second, rank: rankName}, true
	}
	return step{}, false
}

// isGoAccess tells goaccess's specifiers from Apache's directives: a bare %x, %d or %^ is only the former's.
func isGoAccess(s string) bool {
	if strings.Contains(s, "$") || strings.Contains(s, "%{") || strings.Contains(s, "%>") {
		return false
	}
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		i++
		switch s[i] {
		case 'x', 'd':
			return true
		case '^':
			if rest := s[i+1:]; !strings.HasPrefix(rest, "FB") && !strings.HasPrefix(rest, "ti") && !strings.HasPrefix(rest, "to") {
				return true
			}
		}
	}
	return false
}

// compileFields compiles the header of a log that has lost it, or that never had one: CloudFront's real-time logs.
func compileFields(s string) (*format, error) {
	fields, _ := directive([]byte(s), "#Fields:")
	compile := w3c
	if ofCloudFront(fields) {
		compile = cloudFront
	}
	f, err := compile(string(fields))
	if err != nil {
		return nil, err
	}
	f.ends, f.table.need, f.table.more = true, len(f.text), false
	return f, f.settle()
}

func isFields(s string) bool {
	_, ok := directive([]byte(s), "#Fields:")
	return ok
}
