package accesslog

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// nickname is the format that Apache's documentation or its distributions give the name, or "".
func nickname(s string) string {
	switch s {
	case "common":
		return `%h %l %u %t "%r" %>s %b`
	case "combined":
		return `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
	case "combinedio":
		return `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O`
	case "vcommon":
		return `%v %h %l %u %t "%r" %>s %b`
	case "vhost_combined", "vcombined":
		return `%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`
	case "referer":
		return `%{Referer}i -> %U`
	case "agent":
		return `%{User-Agent}i`
	}
	return ""
}

// compileApache compiles a LogFormat, with or without the directive around it, or a nickname. A preset may
// also hold ⟨groups⟩ that lines may lack, and %~, the client as any of the Common Log Format family has it.
func compileApache(s string, preset bool) (*format, error) {
	s, err := unwrapApache(s)
	if err != nil {
		return nil, err
	}
	return compileLogFormat(s, apache{preset: preset})
}

// compileLogFormat compiles a format of Apache, or of a server that took over its notation, as a says.
func compileLogFormat(s string, a apache) (_ *format, err error) {
	a.f = &format{resolution: time.Second}
	a.compile(s)
	if a.f.text, err = a.b.finish(); err != nil {
		return nil, err
	}
	a.stamp()
	if err := a.f.settle(); err != nil {
		return nil, err
	}
	return a.f, nil
}

type apache struct {
	b      builder
	f      *format
	preset bool

	sentPath  bool                                     // %U is the path as it was sent
	endStamps bool                                     // stamps are ends unless they say begin:
	own       func(a *apache, c byte, arg string) bool // compiles the letters that the server reads its own way; may be nil

}

func (a *apache) compile(s string) {
	for len(s) > 0 && a.b.err == nil {
		switch {
		case s[0] == '%' && len(s) > 1:
			s = s[a.directive(s):]
		case s[0] == '\\' && len(s) > 1:
			a.b.lit = appendConfigEscape(a.b.lit, s[1])
			s = s[2:]
		case a.preset && strings.HasPrefix(s, "⟨"):
			a.b.open()
			s = s[len("⟨"):]
		case a.preset && strings.HasPrefix(s, "⟩"):
			a.b.close()
			s = s[len("⟩"):]
		default:
			a.b.text(s[:1])
			s = s[1:]
		}
	}
}

// directive compiles the directive at s[0] and returns its length.
func (a *apache) directive(s string) (n int) {
	arg, original := "", false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>' || c == '!' || c == ',' || c >= '0' && c <= '9':
		case c == '<':
			original = true
		case c == '{':
			j := strings.IndexByte(s[i:], '}')
			if j < 0 {
				a.b.fail("%%{ is not closed")
				return len(s)
			}
			arg = s[i+1 : i+j]
			i += j
		case c == '^' && i+2 < len(s):
			a.caret(s[i+1 : i+3])
			return i + 3
		default:
			had := len(a.b.seq)
			a.letter(c, arg, original)
			if len(a.b.seq) > had {
				a.b.seq[had].label = s[:i+1]
			}
			return i + 1
		}
	}
	a.b.fail("%q is not a directive", s)
	return len(s)
}

// caret compiles the two-letter directives: time to first byte, and trailer fields.
func (a *apache) caret(c string) {
	if c == "FB" {
		a.b.value(step{kind: kFirst, unit: microsecond})
		return
	}
	a.b.value(step{})
}

func (a *apache) letter(c byte, arg string, original bool) {
	if len(arg) > maxName {
		a.b.fail("%%{%.20s…}%c: the name is longer than %d bytes", arg, c, maxName)
		return
	}
	if a.own != nil && a.own(a, c, arg) {
		return
	}
	switch c {
	case '%':
		a.b.text("%")
	case '~':
		if !a.preset {
			a.b.fail("%%~ is not a directive")
		}
		a.b.value(step{kind: kHead})
	case 't':
		a.time(arg)
	case 'D':
		a.b.value(step{kind: kDur, unit: microsecond, rank: rankBest})
	case 'T':
		a.duration(arg)
	case 's':
		k := kStatus
		if original {
			k = kSkip // of an internal redirect: the client saw the other
		}
		a.b.value(step{kind: k})
	case 'n':
		k := kSkip
		if a.preset && arg == "or_seconds" {
			k = kDurElse
		}
		a.b.value(step{kind: k})
	case 'i':
		a.b.value(requestHeader(arg))
	case 'o':
		a.b.value(step{kind: kRespHeader, name: []byte(arg)})
	case 'x':
		a.b.value(extension(arg))
	case 'a':
		s := step{kind: kClient, rank: rankBest, list: true}
		if arg == "c" {
			s.rank = rankName
		}
		a.b.value(s)
	default:
		a.plain(c)
	}
}

// extension is the meaning of %{name}x: variables of mod_ssl, and of varnishncsa.
func extension(name string) step {
	switch name {
	case "SSL_PROTOCOL", "SSL_CIPHER":
		return step{kind: kTLS}
	case "Varnish:time_firstbyte":
		return step{kind: kFirst, unit: second}
	}
	return step{}
}

// plain compiles the directives whose argument says nothing to us.
func (a *apache) plain(c byte) {
	switch c {
	case 'h':
		a.b.value(step{kind: kClient, rank: rankGood, list: true})
	case 'u':
		a.b.value(step{kind: kUser})
	case 'r':
		a.b.value(step{kind: kRequest})
	case 'm':
		a.b.value(step{kind: kMethod})
	case 'U':
		k := kDecoded
		if a.sentPath {
			k = kPath
		}
		a.b.value(step{kind: k, rank: rankGood, sent: a.sentPath})
	case 'q':
		a.b.value(step{kind: kQuery})
	case 'H':
		a.b.value(step{kind: kProto})
	case 'v', 'V':
		a.b.value(step{kind: kHost, rank: rankName})
	case 'p':
		a.b.value(step{kind: kHostPort})
	case 'b', 'B':
		a.b.value(step{kind: kSize, zero: c == 'b'})
	case 'O':
		a.b.value(step{kind: kWire})
	case 'A', 'l', 'I', 'S', 'X', 'k', 'L', 'P', 'f', 'R', 'C', 'e':
		a.b.value(step{})
	default:
		a.b.fail("%%%c is not a directive", c)
	}
}

func requestHeader(name string) step {
	switch strings.ToLower(name) {
	case "host":
		return step{kind: kHost, rank: rankBest}
	case "content-length":
		return step{kind: kBodySize}
	}
	return step{kind: kHeader, name: []byte(name), list: strings.EqualFold(name, "X-Forwarded-For")}
}

func (a *apache) duration(unit string) {
	switch unit {
	case "", "s":
		a.b.value(step{kind: kDur, unit: second, rank: rankName})
	case "ms":
		a.b.value(step{kind: kDur, unit: millisecond, rank: rankGood})
	case "us":
		a.b.value(step{kind: kDur, unit: microsecond, rank: rankBest})
	default:
		a.b.fail("%%{%s}T: the unit is none of s, ms, us", unit)
	}
}

// unwrapApache takes the directive and the quotes from around a format.
func unwrapApache(s string) (string, error) {
	if n := nickname(s); n != "" {
		return n, nil
	}
	word, rest, _ := strings.Cut(s, " ")
	switch strings.ToLower(word) {
	case "logformat", "transferlog":
		return quotedArgument(strings.TrimSpace(rest))
	case "customlog", "globallog":
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, `"`) {
			if i := closing(rest); i > 0 {
				return quotedArgument(strings.TrimSpace(rest[i+1:]))
			}
		}
		_, rest, _ = strings.Cut(rest, " ")
		return quotedArgument(strings.TrimSpace(rest))
	}
	if strings.HasPrefix(s, `"`) && closing(s) == len(s)-1 {
		return s[1 : len(s)-1], nil
	}
	return s, nil
}

// quotedArgument is the first argument of a directive. Its escapes stay: compile undoes them.
func quotedArgument(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		word, _, _ := strings.Cut(s, " ")
		if n := nickname(word); n != "" {
			return n, nil
		}
		if word == "" {
			return "", errors.New("the directive holds no format")
		}
		if !strings.Contains(word, "%") {
			return "", fmt.Errorf("%q is a nickname: paste the LogFormat that defines it", word)
		}
		return word, nil
	}
	i := closing(s)
	if i < 0 {
		return "", errors.New("a quote is not closed")
	}
	return s[1:i], nil
}

// closing is the index of the quote that closes the one at s[0], or -1.
func closing(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
