package accesslog

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

// HAProxy's own log formats, as its manual spells them (Configuration Manual, section 8.2.3 and 8.2.4). ⟨host⟩ is a
// host that some people log behind the server's name.
const (
	haproxyHead  = `%ci:%cp [%tr] %ft %b/%s⟨host⟩ %TR/%Tw/%Tc/%Tr/%Ta %ST %B `
	haproxyOld   = `%ci:%cp [%t] %ft %b/%s⟨host⟩ %Tq/%Tw/%Tc/%Tr/%Tt %ST %B `
	haproxyTail  = `%CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`
	haproxyTLS   = ` %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc`
	haproxyCLF   = `%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl`
	haproxyCut   = 1023               // bytes of a request line that are kept (tune.http.logurilen)
	haproxyOfOld = "haproxy-http-1.6" // and older: Tq and Tt for TR and Ta
)

var haproxyPresets = []preset{
	{"haproxy-http", compileHAProxy, haproxyHead + haproxyTail, false},
	{haproxyOfOld, compileHAProxy, haproxyOld + haproxyTail, false},
	{"haproxy-https", compileHAProxy, haproxyHead + haproxyTail + haproxyTLS, false},
	{"haproxy-clf", compileHAProxy, haproxyCLF, false},
}

// compileHAProxy compiles a log-format of HAProxy, with or without the directive around it.
func compileHAProxy(s string) (*format, error) {
	s, err := unwrapHAProxy(s)
	if err != nil {
		return nil, err
	}
	h := haproxy{f: &format{resolution: time.Second, other: haproxyOther, cut: haproxyCut}}
	h.b.raw = true
	if body, ok := strings.CutPrefix(s, "%{+json}o"); ok {
		err = h.object(body)
	} else {
		h.compile(s)
		h.f.text, err = h.b.finish()
	}
	if err == nil {
		err = h.f.settle()
	}
	if err != nil {
		return nil, err
	}
	h.stamp()
	return h.f, nil
}

type haproxy struct {
	b      builder
	f      *format
	quote  bool // {+Q} of all that follows
	escape bool // {+E} likewise
	timers bool
}

func (h *haproxy) compile(s string) {
	for len(s) > 0 && h.b.err == nil {
		switch {
		case strings.HasPrefix(s, "%%"):
			h.b.text("%")
			s = s[2:]
		case s[0] == '%' && len(s) > 1:
			s = s[h.item(s):]
		case s[0] == ' ':
			// Blanks come out as one, however many and whatever was empty between them.
			h.b.text(" ")
			s = strings.TrimLeft(s, " ")
		case s[0] == '\\' && len(s) > 1:
			h.b.lit = appendConfigEscape(h.b.lit, s[1])
			s = s[2:]
		default:
			h.b.text(s[:1])
			s = s[1:]
		}
	}
}

// item compiles one %{flags}(name)alias or %{flags}[expression] and returns its length.
func (h *haproxy) item(s string) (n int) {
	quote, escape, hexed := h.quote, h.escape, false
	n = 1
	if flags, ok := strings.CutPrefix(s[n:], "{"); ok {
		i := strings.IndexByte(flags, '}')
		if i < 0 {
			h.b.fail("%%{ is not closed")
			return len(s)
		}
		for _, f := range strings.Split(flags[:i], ",") {
			switch f = strings.TrimSpace(f); f {
			case "+Q", "-Q":
				quote = f == "+Q"
			case "+E", "-E":
				escape = f == "+E"
			case "+X":
				hexed = true
			}
		}
		n += i + 2
	}
	if name := strings.IndexByte(s[n:], ')'); name > 0 && s[n] == '(' {
		n += name + 1
	}
	if strings.HasPrefix(s[n:], "[") {
		return h.sample(s, n, quote, escape)
	}
	from := n
	for n < len(s) && nameByte(s[n]) && s[n] != '_' {
		n++
	}
	alias := s[from:n]
	if alias == "o" {
		h.quote, h.escape = quote, escape
		return n + len(s[n:]) - len(strings.TrimLeft(s[n:], " "))
	}
	v, more, known := h.alias(alias, s[n:])
	if !known {
		h.b.fail("%%%.20s is not a variable of HAProxy", alias)
		return len(s)
	}
	n += more
	if hexed {
		v = step{}
	}
	v.label = s[:n]
	if alias == "hr" || alias == "hs" {
		return n + h.captures(v, s[n:])
	}
	h.value(v, quote && haproxyText(alias), escape)
	return n
}

// value adds a step, in quotes where the format puts it in some.
func (h *haproxy) value(v step, quote, escape bool) {
	h.b.raw = !escape
	if quote {
		h.b.text(`"`)
	}
	h.b.value(v)
	if quote {
		h.b.text(`"`)
	}
}

// captures compiles a block of captured headers: {a|b}, or nothing where none is captured, not even the blank.
func (h *haproxy) captures(v step, rest string) (n int) {
	h.b.open()
	h.b.text("{")
	h.b.value(v)
	h.b.text("}")
	if strings.HasPrefix(rest, " ") {
		h.b.text(" ")
		n = 1
	}
	h.b.close()
	return n
}

// sample compiles %[expression] from s[n]. Only what plainly is one field of the request is used.
func (h *haproxy) sample(s string, n int, quote, escape bool) int {
	i, depth := n+1, 0
	for ; i < len(s) && (s[i] != ']' || depth > 0); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	if i >= len(s) {
		h.b.fail("%%[ is not closed")
		return len(s)
	}
	v := haproxySample(s[n+1 : i])
	v.label = s[:i+1]
	if len(v.name) > maxName {
		h.b.fail("%.20s…: the name is longer than %d bytes", v.label, maxName)
	}
	h.value(v, quote, escape)
	return i + 1
}

// beforeTimers is the width of what stands before " 0/0/0/1/1 ".
func beforeTimers(rest []byte) int {
	for i := 0; i < len(rest) && i < 1024; i++ {
		if rest[i] != ' ' {
			continue
		}
		slashes := 0
		for j := i + 1; j < len(rest); j++ {
			c := rest[j]
			if c == ' ' && slashes == 4 {
				return i
			}
			if c == '/' {
				slashes++
			} else if c-'0' > 9 && c != '-' && c != '+' {
				break
			}
		}
	}
	return -1
}

// haproxyOther tells the lines of a connection without a request: of mode tcp, and of failed handshakes.
func haproxyOther(line []byte) (msg string) {
	const stamp = len("02/Jan/2006:15:04:05.000")
	i := bytes.Index(line, []byte(" ["))
	if i < 3 || bytes.IndexByte(line[:i], ' ') >= 0 || bytes.IndexByte(line[:i], ':') < 0 || len(line) < i+2+stamp+2 {
		return ""
	}
	if v := line[i+2:]; v[2] == '/' && v[6] == '/' && v[20] == '.' && v[stamp] == ']' && v[stamp+1] == ' ' && bytes.IndexByte(v, '"') < 0 {
		return "a connection without an HTTP request"
	}
	return ""
}

// stamp notes which instant the stamp that settle kept is, and its resolution.
func (h *haproxy) stamp() {
	f := h.f
	f.timers, f.timed = h.timers, h.timers
	each(f, func(s *step) {
		if s.kind != kTime {
			return
		}
		f.accepts = s.rank != rankMsec && s.rank != rankGood
		if s.rank >= rankBest {
			f.resolution = time.Millisecond
		}
	})
}

// each calls do for every step of f.
func each(f *format, do func(*step)) {
	for i := range f.text {
		do(&f.text[i])
	}
	for _, seq := range f.keys {
		for i := range seq {
			do(&seq[i])
		}
	}
}

// object compiles what follows %{+json}o: the variables' names in parentheses are the keys.
func (h *haproxy) object(s string) error {
	h.f.keys = map[string]sequence{}
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			break
		}
		s = s[i:]
		one := haproxy{}
		n := one.item(s)
		if one.b.err != nil {
			return one.b.err
		}
		_, key, _ := strings.Cut(s[:n], "(")
		key, _, named := strings.Cut(key, ")")
		if named && len(one.b.seq) == 1 && len(h.f.keys) < maxValues {
			v := &one.b.seq[0]
			v.how, v.raw, v.hash = whole, false, false
			h.f.keys[key] = one.b.seq
			h.timers = h.timers || one.timers
		}
		s = s[n:]
	}
	if len(h.f.keys) == 0 {
		return errors.New("a JSON format names its values: %(name)ci")
	}
	return nil
}

// isHAProxy reports whether s is a log-format: the directive, a %[sample], flags, or a variable of several letters.
func isHAProxy(s string) bool {
	if word, _, _ := strings.Cut(s, " "); word == "log-format" || word == "log-format-sd" {
		return true
	}
	for i := strings.IndexByte(s, '%'); i >= 0; {
		s = s[i+1:]
		for _, f := range []string{"[", "{+Q}", "{-Q}", "{+E}", "{+X}", "{+Q,", "{+E,", "{+json}"} {
			if strings.HasPrefix(s, f) {
				return true
			}
		}
		n := 0
		for n < len(s) && nameByte(s[n]) && s[n] != '_' {
			n++
		}
		switch s[:n] {
		case "ci", "cp", "ft", "ST", "tr", "trg", "trl", "TR", "Tq", "Ta", "HM", "HU", "HP", "HPO", "HQ", "HV", "tsc", "hr", "hrl":
			return true
		}
		i = strings.IndexByte(s, '%')
	}
	return false
}

// unwrapHAProxy takes the directive and the quotes from around a format.
func unwrapHAProxy(s string) (string, error) {
	for _, word := range []string{"log-format-sd ", "log-format "} {
		if rest, ok := strings.CutPrefix(s, word); ok {
			s = strings.TrimSpace(rest)
		}
	}
	switch {
	case strings.HasPrefix(s, `"`) && inQuotes(s):
		return undoQuotes(s[1 : len(s)-1]), nil
	case strings.HasPrefix(s, `'`):
		i := strings.IndexByte(s[1:], '\'')
		if i < 0 {
			return "", errors.New("a quote is not closed")
		}
		return s[1 : 1+i], nil
	}
	return undoQuotes(s), nil
}

// undoQuotes undoes the escapes of HAProxy's configuration that a format needs: \" \\ and a blank.
func undoQuotes(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\ `, ` `).Replace(s)
}
