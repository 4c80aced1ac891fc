package accesslog

import (
	"strings"
	"testing"

	"trafficreplay/capture"
)

func TestFields(t *testing.T) {
	for _, c := range []struct {
		name, line, want string
		fields           []string
		basis            capture.Basis
	}{
		{"nested and with units", `{"ts":1700000000123,"req":{"verb":"GET","link":"/a?b"},"took":250,"odd key":{"b.c":"200"},"peers":["x","10.0.0.1"]}`,
			`2023-11-14T22:13:20.123 GET /a?b client=10.0.0.1 status=200 dur=250000`,
			[]string{"method=.req.verb", "target=.req.link", "at=.ts:unix_ms", "duration=.took:ms", `status=."odd key"."b.c"`, "client=.peers[1]"}, capture.BasisStart},
		{"an end", `{"ts":1700000001.5,"v":"GET","p":"/a","t":500000}`, `2023-11-14T22:13:21 GET /a dur=500000`,
			[]string{"method=.v", "path=.p", "end=.ts:unix", "duration=.t:us"}, capture.BasisEndMinusDuration},
		{"start and end", `{"s":1700000000000001,"e":1700000000000501,"v":"GET","p":"/a"}`, `2023-11-14T22:13:20.000001 GET /a dur=500`,
			[]string{"method=.v", "path=.p", "at=.s:unix_us", "end=.e:unix_us"}, capture.BasisStart},
		{"a small float as Python writes it", `{"s":1700000000.25,"v":"GET","p":"/a","d":4.1e-05}`, `2023-11-14T22:13:20.25 GET /a dur=41`,
			[]string{"method=.v", "path=.p", "at=.s:unix", "duration=.d:s"}, capture.BasisStart},
		{"nanoseconds", `{"s":1700000000000000001,"v":"GET","p":"/a","d":1500,"f":1.2e-05}`, `2023-11-14T22:13:20.000000001 GET /a dur=1`,
			[]string{"method=.v", "path=.p", "at=.s:unix_ns", "duration=.d:ns"}, capture.BasisStart},
		{"strftime", `{"s":"14.11.2023 22:13:20 +0100","r":"GET /a HTTP/1.1"}`, `2023-11-14T21:13:20 GET /a HTTP/1.1`,
			[]string{"request=.r", "at=.s:%d.%m.%Y %H:%M:%S %z"}, capture.BasisStart},
		{"headers and the rest guessed", `{"time":"2023-11-14T22:13:20Z","method":"GET","uri":"/a","x":"1","rx":"2","list":[{"k":"h.example"}]}`,
			`2023-11-14T22:13:20 GET /a host=h.example [X-A: 1] <X-B: 2>`, []string{"header.X-A=.x", "resp_header.X-B=.rx", "host=.list[0].k"}, capture.BasisCompletion},
		{"before a guess", `{"time":"2023-11-14T22:13:20Z","when":"2023-11-14T22:13:19Z","method":"GET","uri":"/wrong","u":"/a?b"}`,
			`2023-11-14T22:13:19 GET /a?b`, []string{"target=.u", "at=.when"}, capture.BasisStart},
		{"a duration with its own unit", `{"t":"2023-11-14T22:13:20Z","method":"GET","uri":"/a","d":"1.5s"}`, `2023-11-14T22:13:20 GET /a dur=1500000`,
			[]string{"at=.t:rfc3339", "duration=.d:ms"}, capture.BasisStart},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _, err := Detect([][]byte{[]byte(c.line)}, Options{Fields: c.fields})
			if err != nil {
				t.Fatal(err)
			}
			if got := parseOne(t, p, c.line); got != c.want || p.Basis() != c.basis {
				t.Errorf("\n got %s, %s\nwant %s, %s", got, p.Basis(), c.want, c.basis)
			}
		})
	}
}

// TestFieldsOfAPreset: a field that the user names counts before the preset's own.
func TestFieldsOfAPreset(t *testing.T) {
	line := `{"ts":1646861401.5,"request":{"remote_ip":"::1","proto":"HTTP/1.1","method":"GET","host":"h","uri":"/","real":"10.0.0.9"},"duration":0.5,"size":0,"status":200,"site":"s.example"}`
	p, _, err := Detect([][]byte{[]byte(line)}, Options{Fields: []string{"host=.site", "client=.request.real"}})
	if err != nil || p.Name() != "caddy" {
		t.Fatalf("Detect = %v, %v, want caddy", p, err)
	}
	if got, want := parseOne(t, p, line), `2022-03-09T21:30:01 GET / HTTP/1.1 host=s.example client=10.0.0.9 status=200 dur=500000 size=0`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestBadFields(t *testing.T) {
	for _, c := range []struct {
		want   string
		fields []string
	}{
		{"want NAME=PATH", []string{"method"}},
		{`field "verb" is unknown (known: at, end, duration`, []string{"verb=.v"}},
		{`field "decoded" is unknown`, []string{"decoded=.v"}},
		{"a path begins with a point", []string{"method=v"}},
		{"a path has 1 to 256 bytes", []string{"method="}},
		{"a path has 1 to 256 bytes", []string{"method=." + strings.Repeat("a", 300)}},
		{"a quote is not closed", []string{`method=."v`}},
		{"a bracket is not closed", []string{`method=.v[1`}},
		{"a bracket is not closed", []string{`method=["v"`}},
		{`index "x" of a list`, []string{`method=.v[x]`}},
		{`index "1000" of a list`, []string{`method=.v[1000]`}},
		{`unit "hours" is unknown (known: s, ms, us, ns)`, []string{"duration=.v:hours"}},
		{`unit "ms" is unknown (known: rfc3339, clf, unix`, []string{"at=.v:ms"}},
		{"unknown directive", []string{"at=.v:%Q"}},
		{"unknown directive", []string{"at=.v:%"}},
		{"the field has none", []string{"method=.v:s"}},
		{`"a b" is no name of a header`, []string{"header.a b=.v"}},
		{`"" is no name of a header`, []string{"header.=.v"}},
		{"--field method is given twice: .v and .w", []string{"method=.v", "method=.w"}},
		{"--field header.x is given twice", []string{"header.X=.v", "header.x=.w"}},
		{"take the same value: .v", []string{"method=.v", "path=.v"}},
	} {
		if _, err := New(Options{Format: "json", Fields: c.fields}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(--field %s) = %v, want %q in it", c.fields, err, c.want)
		}
	}
	for _, o := range []Options{{Format: "combined", Fields: []string{"method=.v"}}, {LogFormat: nginxMain, Fields: []string{"method=.v"}}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "--field is for JSON lines") {
			t.Errorf("New(%+v) = %v, want an error", o, err)
		}
	}
}

// FuzzField: any field compiles or is refused, and what compiles can read any line.
func FuzzField(f *testing.F) {
	f.Add(`method=.a."b.c"[2]`, `{"a":{"b.c":[1,{"x":2},"GET"]}}`)
	f.Add(`at=.s:%d.%m.%Y %H:%M:%S %z`, `{"s":"14.11.2023 22:13:20 +0100"}`)
	f.Add(`end=.e:unix_ns`, `{"e":1700000000000000001,"method":"GET","path":"/"}`)
	f.Add(`duration=["d"]:us`, `{"d":[[1,2],{"a":[]}]}`)
	f.Fuzz(func(t *testing.T, field, line string) {
		p, err := New(Options{Format: "json", Fields: []string{field}})
		if err != nil {
			return
		}
		var q capture.Request
		checkRequest(t, &q, p.Parse([]byte(line), &q))
	})
}
