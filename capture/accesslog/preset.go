package accesslog

import (
	"strings"
	"time"
)

// preset is a dialect that is recognised by itself: a name, its format as its server's configuration has it,
// and what the format string does not say. Text is written as an Apache LogFormat with %~ for the client as
// any of the family writes it, %{or_seconds}n for a second duration that counts where the first is "-", and
// ⟨groups⟩ that a line may lack; JSON as an nginx log_format, or "" where
// the keys tell.
type preset struct {
	name   string
	format string
	ends   bool // the stamps are ends of requests, as nginx's are
}

// The Common Log Format and its usual extensions.
const (
	clf   = `%~ %t "%r" %>s %b`
	agent = ` "%{Referer}i" "%{User-Agent}i"`
	xff   = `⟨ "%{X-Forwarded-For}i"⟩`
)

// presets in the order in which they are tried. Of two that fit as many lines the first is taken.
var presets = [...]preset{
	{"common", clf, true},
	{"combined", clf + `⟨` + agent + `⟩` + xff, true},
	{"vcommon", clf, true},
	{"vcombined", clf + `⟨` + agent + `⟩` + xff, true},
	{"nginx-combined", clf + `⟨` + agent + `⟩` + xff, true},
	{"apache-common", clf, false},
	{"apache-combined", clf + `⟨` + agent + `⟩` + xff, false},

	{"nginx-combined-time", clf + agent + xff + ` %{s}T⟨ %{or_seconds}n⟩`, true},
	{"nginx-combined-rt", clf + agent + xff + ` rt=%{s}T⟨ %{rest}n⟩`, true},
	{"ingress-nginx", clf + agent + ` %I %{s}T [%{upstream_name}n] ⟨[%{alternative_name}n] ⟩%{upstream_addr}n %{upstream_length}n %{upstream_time}n %{upstream_status}n %{req_id}n`, true},
	{"nginx-combined-length-time", clf + agent + xff + ` %I %{s}T⟨ %{rest}n⟩`, true},

	{"apache-combined-us", clf + agent + xff + ` %D`, false},
	{"apache-combined-ms", clf + agent + xff + ` %{ms}T`, false},
	{"apache-combined-s", clf + agent + xff + ` %T`, false},
	{"apache-combined-s-us", clf + agent + xff + ` %T/%D`, false},
	{"apache-common-us", clf + ` %D`, false},
	{"apache-common-ms", clf + ` %{ms}T`, false},
	{"apache-common-s", clf + ` %T`, false},
	{"combinedio", clf + agent + ` %I %O`, false},
	{"apache-ssl-request", `%t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x "%r" %b`, false},
	{"traefik-clf", clf + agent + ` %{requests}n "%{router}n" "%{server}n" %{ms}Tms`, false},

	{"nginx-json", "", true},
	{"json", "", true},
	{"combined-extra", clf + agent + ` %{rest}n`, true},
}

// parser compiles the preset.
func (s *preset) parser(o Options) (*Parser, error) {
	var f *format
	var err error
	switch {
	case s.format == "":
		f = &format{keys: map[string]sequence{}, infer: true, timed: true, resolution: time.Second}
	case strings.HasPrefix(s.format, "{"):
		f, err = compileNginx(s.format)
	default:
		f, err = compileApache(s.format, true)
	}
	if err != nil {
		return nil, err
	}
	f.ends = s.ends
	return newParser(s.name, f, o), nil
}
