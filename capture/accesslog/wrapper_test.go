package accesslog

import (
	"fmt"
	"strings"
	"testing"

	"trafficreplay/capture"
)

func TestWrappers(t *testing.T) {
	const line = `::1 - - [06/Sep/2015:05:58:05 +0000] "GET /\"a HTTP/1.1" 200 1 "-" "c]: d"`
	const want = `2015-09-06T05:58:05 GET /"a HTTP/1.1 client=::1 status=200 size=1 [User-Agent: c]: d]`
	docker := `{"log":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line) + `\n","stream":"stdout","time":"2015-09-06T05:58:06.1Z"}`
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line) + `"`
	prefixed := map[string]bool{"logcli as text": true, "docker compose": true, "docker compose in colours": true, "stern": true, "CSV": true}
	for _, c := range []struct{ name, line string }{
		{"none", line},
		{"line end", line + "\r\n"},
		{"byte order mark", "\xef\xbb\xbf" + line},
		{"docker", docker},
		{"cri", `2016-10-06T00:17:09.669794202Z stdout F ` + line},
		{"cri with an offset", `2016-10-06T00:17:09.669794202+02:00 stderr F ` + line},
		{"rfc3164", `Feb  5 17:32:18 web1 nginx[123]: ` + line},
		{"rfc3164 with priority", `<34>Oct 11 22:14:15 web1 nginx: ` + line},
		{"rsyslog with an ISO stamp", `2016-10-06T00:17:09.669794+02:00 web1 nginx: ` + line},
		{"rfc3164 with a year", `<34>Oct 11 22:14:15 2003 web1 nginx: ` + line},
		{"rfc5424", `<34>1 2003-10-11T22:14:15.003Z web1 nginx 123 - - ` + line},
		{"rfc5424 with data and a byte order mark", `<34>1 2003-10-11T22:14:15.003Z web1 nginx - ID47 [a@1 b="c\] d"][e f="g"] ` + "\xef\xbb\xbf" + line},
		{"journald", `{"__REALTIME_TIMESTAMP":"1441486686000000","PRIORITY":"6","MESSAGE":` + quoted + `,"_COMM":"nginx"}`},
		{"journald, as bytes", `{"MESSAGE":` + strings.ReplaceAll(fmt.Sprint([]byte(line)), " ", ",") + `,"_COMM":"nginx"}`},
		{"Filebeat", `{"@timestamp":"2015-09-05T20:58:06.1Z","@metadata":{"beat":"filebeat"},"log":{"offset":0,"file":{"path":"/var/log/a"}},"message":` + quoted + `,"input":{"type":"log"}}`},
		{"Fluent Bit", `{"date":1441486686.1,"log":` + quoted + `,"kubernetes":{"pod_name":"a","labels":{"x":"y"}}}`},
		{"Vector", `{"file":"/var/log/a","host":"web1","message":` + quoted + `,"source_type":"file","timestamp":"2015-09-05T20:58:06.1Z"}`},
		{"CloudWatch", `{"timestamp":1441486686000,"message":` + quoted + `,"ingestionTime":1441486686001}`},
		{"logcli as JSON", `{"labels":{"job":"nginx"},"line":` + quoted + `,"timestamp":"2015-09-05T20:58:06.1Z"}`},
		{"logcli as text", `2015-09-05T20:58:06Z {job="nginx", x="\"}"} ` + line},
		{"Google Cloud", `{"insertId":"1","textPayload":` + quoted + `,"timestamp":"2015-09-05T20:58:06.1Z"}`},
		{"Fluentd", "2015-09-05T20:58:06+00:00\tnginx.access\t" + `{"message":` + quoted + `}`},
		{"docker compose", `web_1     | ` + line},
		{"docker compose in colours", "\x1b[36mweb-1  | \x1b[0m" + line},
		{"docker compose, older, in colours", "\x1b[36;1mweb_1  |\x1b[0m " + line},
		{"kubectl", `[pod/web-7d4b9c5f6-x2x9z/nginx] ` + line},
		{"stern", `web-7d4b9c5f6-x2x9z nginx ` + line},
		{"stern in colours", "\x1b[95mweb-0\x1b[0m \x1b[96mnginx\x1b[0m " + line},
		{"CSV", `"` + strings.ReplaceAll(line, `"`, `""`) + `"`},
		{"quotes behind backslashes", quoted},
		{"syslog around Docker", `<34>Oct 11 22:14:15 web1 docker: ` + docker},
		{"CRI around an envelope", `2016-10-06T00:17:09.669794202Z stdout F {"message":` + quoted + `}`},
		{"syslog around Docker around an envelope", `<34>Oct 11 22:14:15 web1 docker: {"log":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(`{"msg":`+quoted+`}`) + `\n","stream":"stdout"}`},
	} {
		p, err := New(Options{Format: "combined"})
		if err != nil {
			t.Fatal(err)
		}
		// Without a sample, a short prefix passes for a virtual host.
		if got := parseOne(t, p, c.line); got != want && !prefixed[c.name] {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
		p, note, err := Detect([][]byte{[]byte(c.line)}, Options{})
		if err != nil {
			t.Errorf("%s: Detect = %v", c.name, err)
			continue
		}
		if got := parseOne(t, p, c.line); got != want {
			t.Errorf("%s, detected (%s):\n got %s\nwant %s", c.name, note, got, want)
		}
		if got := parseOne(t, p, line); got != want {
			t.Errorf("%s, detected, then bare:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

func TestWrappedJunk(t *testing.T) {
	p, err := New(Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		`{"log":"`:                                    reasonMisfit,
		`{"log":"\n"}`:                                capture.ReasonBlank,
		`{"log":"2015/09/06 [error] boom\n"}`:         reasonMisfit,
		`2016-10-06T00:17:09.669794202Z stdout F`:     reasonMisfit,
		`<34>1 - - - - [`:                             reasonMisfit,
		`<34>1 - - - - - [a`:                          reasonMisfit,
		`Feb  5 17:32:18 web1`:                        reasonMisfit,
		`Feb  5 17:32:18 web1 kernel: out of memory`:  reasonMisfit,
		`Feb  5 17:32:18 web1 no tag here: or so`:     reasonMisfit,
		`{"log":"\"}`:                                 reasonMisfit,
		`2016-10-06T00:17:09.669794202Z stdout P abc`: reasonPartial,
		`{"message":"boom","level":1}`:                reasonMisfit,
		`{"MESSAGE":[1,2,300]}`:                       reasonMisfit,
		`{"MESSAGE":[]}`:                              reasonMisfit,
		`{"message":"`:                                reasonMisfit,
		`{"message":""}`:                              capture.ReasonBlank, `{"message":"x"}`: reasonMisfit,
		`"a" and "b"`:                reasonMisfit,
		`""`:                         reasonMisfit,
		`web_1  | hello`:             reasonMisfit,
		"\x1b[36mweb_1  |\x1b[0m":    reasonMisfit,
		`[pod/a/b]`:                  reasonMisfit,
		`a-b-x2x9z app`:              reasonMisfit,
		`2016-10-06T00:17:09Z {a="}`: reasonMisfit,
	} {
		if got := parseOne(t, p, line); got != want {
			t.Errorf("Parse(%q) = %s, want %s", line, got, want)
		}
	}
}

// TestWrappedJSON: an access log in JSON inside whatever collectors put around it.
func TestWrappedJSON(t *testing.T) {
	const line = `{"ts":1646861401.5,"request":{"remote_ip":"::1","proto":"HTTP/1.1","method":"GET","host":"h","uri":"/\"a"},"duration":0.5,"size":0,"status":200}`
	const want = `2022-03-09T21:30:01 GET /"a HTTP/1.1 host=h client=::1 status=200 dur=500000 size=0`
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line) + `"`
	for name, wrapped := range map[string]string{
		"docker":           `{"log":` + strings.TrimSuffix(quoted, `"`) + `\n","stream":"stderr","time":"2022-03-09T21:30:01.6Z"}`,
		"cri":              `2016-10-06T00:17:09.669794202Z stderr F ` + line,
		"journald":         `{"_COMM":"caddy","MESSAGE":` + quoted + `}`,
		"Google Cloud":     `{"insertId":"1","jsonPayload":` + line + `,"timestamp":"2022-03-09T21:30:02Z"}`,
		"Elasticsearch":    `{"_index":"logs","_source":` + line + `}`,
		"Splunk":           `{"preview":false,"result":{"_raw":` + quoted + `}}`,
		"Fluentd":          "2015-09-05T20:58:06+00:00\tcaddy\t" + line,
		"docker compose":   `caddy  | ` + line,
		"syslog, envelope": `Feb  5 17:32:18 web1 caddy[1]: {"message":` + quoted + `}`,
	} {
		p, note, err := Detect([][]byte{[]byte(wrapped)}, Options{})
		if err != nil || p.Name() != "caddy" {
			t.Errorf("%s: Detect = %v, %q, %v, want caddy", name, p, note, err)
			continue
		}
		if got := parseOne(t, p, wrapped); got != want {
			t.Errorf("%s, detected (%s):\n got %s\nwant %s", name, note, got, want)
		}
		if p, err = New(Options{Format: "caddy"}); err != nil {
			t.Fatal(err)
		}
		if got := parseOne(t, p, wrapped); got != want {
			t.Errorf("%s, named:\n got %s\nwant %s", name, got, want)
		}
	}
}

// FuzzWrapper: what is taken off a line is never longer than the line, and taking it off never fails.
func FuzzWrapper(f *testing.F) {
	for _, s := range []string{`{"log":"a\u00e9\n"}`, `{"MESSAGE":[97,98]}`, "\x1b[1;3mweb_1  | a", `"a ""b"""`, `"a \"b\""`, `a-b-x2x9z c d`,
		`2016-10-06T00:17:09Z {a="b"} c`, `<34>1 - - - - - - a`, "2015-09-05T20:58:06+00:00\ta\t{}", `{"_source":{"a":1}}`, `2016-10-06T00:17:09.669794202Z stdout F a`} {
		f.Add([]byte(s))
	}
	var p Parser
	f.Fuzz(func(t *testing.T, line []byte) {
		for w := bare + 1; w <= lastWrapper; w++ {
			inner := line
			for range maxLayers {
				in, ok := p.peel(w, inner)
				if !ok {
					break
				}
				if len(in) >= len(inner) {
					t.Fatalf("%s: %q is longer than %q", w, in, inner)
				}
				inner = in
			}
		}
		if n := cap(p.inner); n > 64<<10+4*len(line) {
			p.inner = nil
		}
	})
}
