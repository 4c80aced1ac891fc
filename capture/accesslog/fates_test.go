package accesslog

import (
	"errors"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestFates is the table of docs/capture-logs.md.
func TestFates(t *testing.T) {
	p, err := New(Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	const at, rest = "2015-09-06T05:58:05", " client=::1 status=400 size=0"
	long := strings.Repeat("a", capture.MaxTarget-1)
	for _, c := range []struct{ name, request, want string }{
		{"nothing", ``, reasonRequest},
		{"hyphen", `-`, reasonRequest},
		{"TLS on a plain port", `\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03`, reasonRequest},
		{"TLS with a blank", `\x16\x03\x01 \x02`, reasonRequest},
		{"one word", `hello`, reasonRequest},
		{"other protocol", `SSH-2.0-Go`, reasonRequest},
		{"no path", `t3 12.2.1`, reasonRequest},
		{"HTTP/2 preface", `PRI * HTTP/2.0`, reasonRequest},
		{"blank in the target", `GET /a b HTTP/1.1`, reasonRequest},
		{"control byte in the target", `GET /a\x01b HTTP/1.1`, reasonRequest},
		{"tab in the target", `GET /a\tb HTTP/1.1`, reasonRequest},
		{"DEL in the target", `GET /aaaaaaaaaaaa\x7fb HTTP/1.1`, reasonRequest},
		{"bad method", `G(T /a HTTP/1.1`, reasonRequest},
		{"hyphen for the method, as Varnish has it", `- http://localhost/ HTTP/1.0`, reasonRequest},
		{"other scheme", `GET ftp://h/a HTTP/1.1`, reasonRequest},
		{"empty host", `GET http:///a HTTP/1.1`, reasonRequest},
		{"relative", `GET a HTTP/1.1`, reasonRequest},
		{"HTTP/0.9", `GET /a`, at + ` GET /a` + rest},
		{"unknown method", `PATCHp /a HTTP/1.1`, at + ` PATCHp /a HTTP/1.1` + rest},
		{"two blanks", `GET  /a  HTTP/1.1`, at + ` GET /a HTTP/1.1` + rest},
		{"proto that is none", `GET /a HTTQ/1.1`, reasonRequest},
		{"absolute", `GET http://u:p@h.example:81/a?b HTTP/1.1`, at + ` GET /a?b HTTP/1.1 scheme=http host=h.example:81` + rest},
		{"absolute, no path", `GET HTTPS://h.example HTTP/1.1`, at + ` GET / HTTP/1.1 scheme=https host=h.example` + rest},
		{"absolute, query only", `GET http://h.example?b HTTP/1.1`, at + ` GET /?b HTTP/1.1 scheme=http host=h.example` + rest},
		{"asterisk", `OPTIONS * HTTP/1.0`, at + ` OPTIONS * HTTP/1.0` + rest},
		{"CONNECT", `CONNECT h.example:443 HTTP/1.1`, at + ` CONNECT h.example:443 HTTP/1.1` + rest},
		{"two slashes", `GET //h.example/a HTTP/1.1`, at + ` GET //h.example/a HTTP/1.1` + rest},
		{"raw bytes", `GET /\xC3\xA9\xFF HTTP/1.1`, at + " GET /é\xff HTTP/1.1" + rest},
		{"longest target", `GET /` + long + ` HTTP/1.1`, at + ` GET /` + long + ` HTTP/1.1` + rest},
		{"too long target", `GET /` + long + `a HTTP/1.1`, reasonTarget},
	} {
		line := `::1 - - [06/Sep/2015:05:58:05 +0000] "` + c.request + `" 400 0 "-" "-"`
		if got := parseOne(t, p, line); got != c.want {
			t.Errorf("%s: Parse(%.80q)\n got %.200s\nwant %.200s", c.name, line, got, c.want)
		}
	}
}

func TestReasons(t *testing.T) {
	p, err := New(Options{LogFormat: `$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time "$http_user_agent"`})
	if err != nil {
		t.Fatal(err)
	}
	j, err := New(Options{Format: "nginx-json"})
	if err != nil {
		t.Fatal(err)
	}
	const good = `::1 [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1 0.5 "-"`
	for _, c := range []struct {
		p                  *Parser
		line, reason, part string
	}{
		{p, "", "blank", ""},
		{p, " \t\r\n", "blank", ""},
		{p, "#Fields: a b", "comment", "#Fields: a b"},
		{p, "hello", "not-this-format", "hello"},
		{p, good + "x", "not-this-format", `-"x`},
		{p, strings.TrimSuffix(good, `"`), "not-this-format", "-"},
		{p, strings.Replace(good, "06/Sep", "31/Feb", 1), "bad-time", "31/Feb/2015:05:58:05 +0000"},
		{p, strings.Replace(good, "+0000", "+00x0", 1), "bad-time", "06/Sep/2015:05:58:05 +00x0"},
		{p, strings.Replace(good, "06/Sep/2015:05:58:05 +0000", "-", 1), "bad-time", ""},
		{p, strings.Replace(good, "200", "2x0", 1), "bad-status", "2x0"},
		{p, strings.Replace(good, "200", "99", 1), "bad-status", "99"},
		{p, strings.Replace(good, "200", "1000", 1), "bad-status", "1000"},
		{p, strings.Replace(good, " 1 ", " 1a ", 1), "bad-number", "1a"},
		{p, strings.Replace(good, " 1 ", " 9999999999999999999 ", 1), "bad-number", "9999999999999999999"},
		{p, strings.Replace(good, "0.5", "-0.5", 1), "bad-number", "-0.5"},
		{p, strings.Replace(good, "0.5", "1e3", 1), "bad-number", "1e3"},
		{p, strings.Replace(good, "0.5", "1.", 1), "bad-number", "1."},
		{p, strings.Replace(good, "0.5", "99999999999", 1), "bad-number", "99999999999"},
		{p, strings.Replace(good, "GET /", "GET", 1), "bad-request-line", "HTTP/1.1"},
		{p, strings.Replace(good, `"-"`, `"`+strings.Repeat("a", capture.MaxHeaders)+`"`, 1), "too-long-headers", strings.Repeat("a", 120)},
		{p, strings.Replace(good, "2015", "1970", 1), "", ""},
		{p, `::1 [01/Jan/1970:00:00:00 +0000] "GET / HTTP/1.1" 200 1 0.5 "-"`, "bad-number", ""},
		{j, "hello", "not-this-format", "hello"},
		{j, `{"time_local":"06/Sep/2015:05:58:05 +0000"`, "bad-json", `{"time_local":"06/Sep/2015:05:58:05 +0000"`},
		{j, `{"time_local":"06/Sep/2015:05:58:05 +0000","request":"GET / HTTP/1.1"} x`, "bad-json", `{"time_local":"06/Sep/2015:05:58:05 +0000","request":"GET / HTTP/1.1"} x`},
		{j, `{"msg":"started"}`, "not-this-format", ""},
		{j, `{"time_local":"06/Sep/2015:05:58:05 +0000","msg":"started"}`, "not-this-format", ""},
		{j, `{"time_local":"06/Sep/2015:05:58:05 +0000","request":""}`, "bad-request-line", ""},
	} {
		var q capture.Request
		err := c.p.Parse([]byte(c.line), &q)
		var bad *capture.SyntaxError
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("Parse(%.100q) = %v, want none", c.line, err)
		case c.reason == "":
		case !errors.As(err, &bad):
			t.Errorf("Parse(%.100q) = %v, want a *capture.SyntaxError", c.line, err)
		case bad.Reason != c.reason || string(bad.Part) != c.part || bad.Msg == "":
			t.Errorf("Parse(%.100q) = %q at %.80q (%s), want %q at %.80q", c.line, bad.Reason, bad.Part, bad.Msg, c.reason, c.part)
		}
	}
}

// TestStatuses: what nginx writes where there was no answer is unknown, 499 is a status like others.
func TestStatuses(t *testing.T) {
	p, err := New(Options{LogFormat: `[$time_local] "$request" $status`})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]int{"000": 0, "009": 0, "-": 0, "499": 499, "100": 100, "999": 999} {
		var q capture.Request
		if err := p.Parse([]byte(`[06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" `+in), &q); err != nil || q.Status != want {
			t.Errorf("status %q: got %d, %v, want %d", in, q.Status, err, want)
		}
	}
}

// TestHead: the ways in which the Common Log Format family names the client.
func TestHead(t *testing.T) {
	p, err := New(Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ head, want string }{
		{`1.2.3.4 - -`, `client=1.2.3.4`},
		{`1.2.3.4 - bob`, `client=1.2.3.4 bob`},
		{`1.2.3.4 - john doe`, `client=1.2.3.4 john doe`},
		{`1.2.3.4 - ""`, `client=1.2.3.4`},
		{`1.2.3.4 ident bob`, `client=1.2.3.4 bob`},
		{`1.2.3.4 ident -`, `client=1.2.3.4`},
		{`::1 - -`, `client=::1`},
		{`unix: - -`, `client=unix:`},
		{`10.0.0.2, 10.0.0.1, 127.0.0.1 - -`, `client=10.0.0.2`},
		{`"10.5.102.222, 199.96.1.1" 10.2.1.185 - -`, `client=10.2.1.185`},
		{`a.example 1.2.3.4 - -`, `host=a.example client=1.2.3.4`},
		{`a.example:80 1.2.3.4 - bob`, `scheme=http host=a.example client=1.2.3.4 bob`},
		{`a.example:8080 1.2.3.4 - -`, `host=a.example:8080 client=1.2.3.4`},
		{`a.example:443 1.2.3.4 ident bob`, `scheme=https host=a.example client=1.2.3.4 bob`},
		{`a.example:80 "10.5.102.222, 199.96.1.1" 10.2.1.185 - -`, `scheme=http host=a.example client=10.2.1.185`},
		{`1.2.3.4 -`, reasonMisfit},
		{`1.2.3.4`, reasonMisfit},
		{` - -`, reasonMisfit},
		{`a b c d - -`, reasonMisfit},
		{`a b c d e f g h`, reasonMisfit},
	} {
		got := parseOne(t, p, c.head+` [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1`)
		got = strings.TrimSuffix(strings.TrimPrefix(got, "2015-09-06T05:58:05 GET / HTTP/1.1 "), " status=200 size=1")
		if got != c.want {
			t.Errorf("head %q: got %q, want %q", c.head, got, c.want)
		}
	}
}

// TestTornLine: a line of a known format that was cut inside its last quotes is still a request.
func TestTornLine(t *testing.T) {
	p, err := New(Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	const start, want = `::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1`, "2015-09-06T05:58:05 GET / HTTP/1.1 client=::1 status=200 size=1"
	for _, c := range []struct{ tail, want string }{
		{``, want},
		{` "http://r`, want},
		{` "http://r/" "Mozi`, want + ` [Referer: http://r/]`},
		{` "http://r/" "Mozi" "1.2.3`, want + ` [Referer: http://r/] [User-Agent: Mozi]`},
		{` "-" 0.123`, reasonMisfit},
		{` "-" "-" 0.123`, reasonMisfit},
		{` -`, reasonMisfit},
	} {
		if got := parseOne(t, p, start+c.tail); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.tail, got, c.want)
		}
	}
}
