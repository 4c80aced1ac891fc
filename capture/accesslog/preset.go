package accesslog

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// preset is a dialect that is recognised by itself: a name, its format in the notation that compile reads,
// and what the format does not say.
type preset struct {
	name    string
	compile func(string) (*format, error)
	format  string
	ends    bool // the stamps are ends of requests, as nginx's are
}

// presets in the order in which they are tried. Of two that fit as many lines the first is taken.
var presets = slices.Concat(commonPresets, haproxyPresets, envoyPresets, squidPresets, awsPresets, w3cPresets, zeekPresets, ltsvPresets, cloudPresets,
	jsonPresets, lastPresets)

// The Common Log Format and its usual extensions.
const (
	clf   = `%~ %t "%r" %>s %b`
	agent = ` "%{Referer}i" "%{User-Agent}i"`
	xff   = `⟨ "%{X-Forwarded-For}i"⟩`
)

// commonPresets are the Common Log Format and what servers made of it, written as Apache's LogFormat with %~ for
// the client as any of the family writes it, %{or_seconds}n for a second duration that counts where the first
// is "-", and ⟨groups⟩ that a line may lack.
var commonPresets = []preset{
	{"common", family, clf, true},
	{"combined", family, clf + `⟨` + agent + `⟩` + xff, true},
	{"vcommon", family, clf, true},
	{"vcombined", family, clf + `⟨` + agent + `⟩` + xff, true},
	{"nginx-combined", family, clf + `⟨` + agent + `⟩` + xff, true},
	{"apache-common", family, clf, false},
	{"apache-combined", family, clf + `⟨` + agent + `⟩` + xff, false},
	{"tomcat-common", tomcatDefault, clf, true},
	{"tomcat-combined", tomcatDefault, clf + `⟨` + agent + `⟩` + xff, true},

	{"varnishncsa", family, clf + `⟨` + agent + `⟩` + xff, false},
	{"lighttpd", lighttpdDefault, "", true},

	{"nginx-combined-time", family, clf + agent + xff + ` %{s}T⟨ %{or_seconds}n⟩`, true},
	{"nginx-combined-rt", family, clf + agent + xff + ` rt=%{s}T⟨ %{rest}n⟩`, true},
	{"ingress-nginx", family, clf + agent + ` %I %{s}T [%{upstream_name}n] ⟨[%{alternative_name}n] ⟩%{upstream_addr}n %{upstream_length}n %{upstream_time}n %{upstream_status}n %{req_id}n`, true},
	{"ingress-nginx-old", family, `%h - [%{the_real_ip}n] - %u %t "%r" %>s %b` + agent + ` %I %{s}T [%{upstream_name}n] ⟨[%{alternative_name}n] ⟩%{upstream_addr}n %{upstream_length}n %{upstream_time}n %{upstream_status}n⟨ %{req_id}n⟩`, true},
	{"nginx-combined-length-time", family, clf + agent + xff + ` %I %{s}T⟨ %{rest}n⟩`, true},

	{"apache-combined-us", family, clf + agent + xff + ` %D`, false},
	{"apache-combined-ms", family, clf + agent + xff + ` %{ms}T`, false},
	{"apache-combined-s", family, clf + agent + xff + ` %T`, false},
	{"apache-combined-s-us", family, clf + agent + xff + ` %T/%D`, false},
	{"apache-common-us", family, clf + ` %D`, false},
	{"apache-common-ms", family, clf + ` %{ms}T`, false},
	{"apache-common-s", family, clf + ` %T`, false},
	{"combinedio", family, clf + agent + ` %I %O`, false},
	{"combinedio-us", family, clf + agent + ` %I %O %D`, false},
	{"apache-ssl-request", family, `%t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x "%r" %b`, false},
	{"traefik-clf", family, clf + `⟨ "%{Referer}i"⟩⟨ -⟩⟨ "%{User-Agent}i"⟩⟨ %{requests}n "%{router}n" %{server}n %{ms}Tms⟩`, false},

	{"common-untimed", family, `%~ "%r" %>s %b⟨` + agent + `⟩⟨ %{s}T⟩`, true},
}

// jsonPresets are those whose keys tell what they hold.
var jsonPresets = []preset{
	{"nginx-json", inferJSON, "", true},
	{"json", inferJSON, "", true},
}

// lastPresets fit what has the beginning of a better known format.
var lastPresets = []preset{
	{"combined-extra", family, clf + agent + ` %{rest}n`, true},
}

// family compiles a format of the Common Log Format's family.
func family(s string) (*format, error) { return compileApache(s, true) }

// inferJSON is the format of JSON lines whose keys get their meaning from their names.
func inferJSON(string) (*format, error) {
	return &format{keys: map[string]sequence{}, infer: true, observed: true, timed: true, resolution: time.Second}, nil
}

var errNotJSON = errors.New("--field is for JSON lines")

// parser compiles the preset.
func (s *preset) parser(o Options) (*Parser, error) {
	f, err := s.compile(s.format)
	if err != nil {
		return nil, err
	}
	f.ends = s.ends
	fields, err := parseFields(o.Fields)
	if err == nil && len(fields) > 0 && f.keys == nil {
		err = fmt.Errorf("%w, and %s is none", errNotJSON, s.name)
	}
	if err != nil {
		return nil, err
	}
	f.pin(fields)
	return newParser(s.name, f, o), nil
}
