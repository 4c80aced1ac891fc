package accesslog

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The default formats of Envoy and Istio, which Contour, Emissary (ACCESS before it) and others took over.
const (
	envoyHead = `[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% `
	envoyTail = `%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ` +
		`"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"`
	istioTail = ` %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%⟨ %ROUTE_NAME%⟩`
)

var envoyPresets = []preset{
	{"envoy", ofEnvoy, `⟨ACCESS ⟩` + envoyHead + envoyTail, false},
	{"istio", ofEnvoy, envoyHead + `%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ` + envoyTail + istioTail, false},
	{"istio-1.8", ofEnvoy, envoyHead + `"%DYNAMIC_METADATA(istio.mixer:status)%" "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ` + envoyTail + istioTail, false},
	{"istio-1.0", ofEnvoy, envoyHead + envoyTail + istioTail, false},
}

func ofEnvoy(s string) (*format, error) { return compileEnvoyIn(s, true) }

// compileEnvoy compiles a format string or a JSON format with Envoy's command operators.
func compileEnvoy(s string) (*format, error) { return compileEnvoyIn(s, false) }

func compileEnvoyIn(s string, preset bool) (*format, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, `"`) && closing(s) == len(s)-1 && len(s) > 1 {
		s = strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
	}
	s = strings.TrimSuffix(s, `\n`)
	e := envoy{preset: preset, f: &format{without: reasonNotHTTP, resolution: time.Millisecond}}
	err := error(nil)
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		err = e.template(s)
	} else {
		e.f.text, err = e.sequence(s)
	}
	if err == nil {
		err = e.f.settle()
	}
	if err != nil {
		return nil, err
	}
	return e.f, nil
}

type envoy struct {
	f      *format
	preset bool // ⟨groups⟩ that lines may lack are allowed
}

// template compiles a JSON format: each value is a small format of its own.
func (e *envoy) template(s string) error {
	e.f.keys = map[string]sequence{}
	var w walker
	w.start([]byte(s))
	for {
		path, v, more := w.next()
		if !more {
			break
		}
		if len(e.f.keys) == maxValues {
			return fmt.Errorf("more than %d keys", maxValues)
		}
		seq, err := e.sequence(string(v))
		if err != nil {
			return fmt.Errorf("key %q: %w", path, err)
		}
		e.f.keys[string(path)] = seq
	}
	if w.bad {
		return errors.New("neither text nor a JSON object")
	}
	return nil
}

func (e *envoy) sequence(s string) (sequence, error) {
	var b builder
	for len(s) > 0 && b.err == nil {
		switch {
		case strings.HasPrefix(s, "%%"):
			b.text("%")
			s = s[2:]
		case s[0] == '%':
			s = s[e.operator(&b, s):]
		case e.preset && strings.HasPrefix(s, "⟨"):
			b.open()
			s = s[len("⟨"):]
		case e.preset && strings.HasPrefix(s, "⟩"):
			b.close()
			s = s[len("⟩"):]
		default:
			b.text(s[:1])
			s = s[1:]
		}
	}
	return b.finish()
}

// operator compiles the %NAME(ARGUMENT):LENGTH% at s[0] and returns its length.
func (e *envoy) operator(b *builder, s string) int {
	name, arg, n := cutOperator(s)
	if n == 0 || len(arg) > maxName {
		b.fail("%.40q is no command operator", s)
		return len(s)
	}
	v := operator(name, arg)
	if v.kind == kTimePart {
		e.startTime(b, &v, arg)
	}
	had := len(b.seq)
	if b.value(v); len(b.seq) > had {
		b.seq[len(b.seq)-1].label = s[:n]
	}
	return n
}

// startTime sets the layout of a stamp; Envoy's %3f is a fraction of the second.
func (e *envoy) startTime(b *builder, v *step, arg string) {
	v.layout = strings.NewReplacer("%3f", layoutMsecFrac, "%6f", layoutUsecFrac, "%9f", layoutNsecFrac, "%f", layoutNsecFrac).Replace(arg)
	e.f.partly, e.f.resolution = true, time.Second
	for digits, r := range map[string]time.Duration{layoutMsecFrac: time.Millisecond, layoutUsecFrac: time.Microsecond, layoutNsecFrac: time.Nanosecond} {
		if strings.Contains(v.layout, digits) {
			e.f.resolution = r
		}
	}
	if err := checkLayout(v.layout); err != nil {
		b.fail("%v", err)
	}
}

// cutOperator reads %NAME%, %NAME:LENGTH%, %NAME(ARGUMENT)% or %NAME(ARGUMENT):LENGTH%; n is 0 where s holds none.
func cutOperator(s string) (name, arg string, n int) {
	n = 1
	for n < len(s) && (s[n] >= 'A' && s[n] <= 'Z' || s[n] == '_' || s[n]-'0' <= 9) {
		n++
	}
	name = s[1:n]
	if n < len(s) && s[n] == '(' {
		i := n + 1
		for i < len(s) && !(s[i] == ')' && endsOperator(s[i+1:]) > 0) {
			i++
		}
		if i == len(s) {
			return "", "", 0
		}
		arg, n = s[n+1:i], i+1
	}
	end := endsOperator(s[min(n, len(s)):])
	if name == "" || end == 0 {
		return "", "", 0
	}
	return name, arg, n + end
}

// endsOperator is the length of the % or :LENGTH% that s begins with, or 0.
func endsOperator(s string) int {
	i := 0
	if strings.HasPrefix(s, ":") {
		for i = 1; i < len(s) && s[i]-'0' <= 9; i++ {
		}
	}
	if i < len(s) && s[i] == '%' {
		return i + 1
	}
	return 0
}

// operator is the meaning of a command operator. START_TIME is when the first byte came, DURATION counts milliseconds to
// the last byte out, RESPONSE_DURATION to the upstream's first; the bytes are those of bodies.
func operator(name, arg string) step {
	switch name {
	case "START_TIME":
		if arg != "" {
			return step{kind: kTimePart}
		}
		return step{kind: kTime, rank: rankGood}
	case "DURATION":
		return step{kind: kDur, unit: millisecond}
	case "RESPONSE_DURATION":
		return step{kind: kFirst, unit: millisecond}
	case "PROTOCOL":
		return step{kind: kProto}
	case "RESPONSE_CODE":
		return step{kind: kStatus}
	case "BYTES_SENT":
		return step{kind: kSize}
	case "DOWNSTREAM_WIRE_BYTES_SENT":
		return step{kind: kWire}
	case "BYTES_RECEIVED":
		return step{kind: kBodySize}
	case "DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
		return step{kind: kClient, rank: rankBest, auto: true}
	case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT":
		return step{kind: kClient, rank: rankName, auto: true}
	case "DOWNSTREAM_TLS_VERSION", "DOWNSTREAM_TLS_CIPHER":
		return step{kind: kTLS}
	case "REQUESTED_SERVER_NAME":
		return step{kind: kHost, rank: rankName}
	case "CONNECTION_ID":
		return step{kind: kConn}
	case "PATH":
		return step{kind: kTarget, rank: rankGood}
	case "REQ", "REQUEST_HEADER", "REQ_WITHOUT_QUERY":
		return envoyHeader(arg, name != "REQ_WITHOUT_QUERY")
	case "RESP", "RESPONSE_HEADER":
		first, _, _ := strings.Cut(arg, "?")
		return step{kind: kRespHeader, name: headerName(first)}
	}
	return step{}
}

// envoyHeader is the meaning of %REQ(NAME?OTHER)%.
func envoyHeader(arg string, query bool) step {
	first, other, _ := strings.Cut(strings.ToLower(arg), "?")
	for _, name := range []string{first, other} {
		switch name {
		case ":method":
			return step{kind: kMethod}
		case ":path":
			if !query {
				return step{kind: kPath, rank: rankGood}
			}
			return step{kind: kTarget, rank: rankGood}
		case ":authority":
			return step{kind: kHost, rank: rankBest}
		case ":scheme":
			return step{kind: kScheme}
		}
	}
	return requestHeader(string(headerName(first)))
}

// isEnvoy reports whether s holds a command operator: %NAME with a long name in capitals.
func isEnvoy(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if name, _, n := cutOperator(s[i:]); n > 0 && (len(name) >= 4 || name == "REQ") {
			return true
		}
	}
	return false
}
