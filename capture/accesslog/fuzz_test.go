package accesslog

import (
	"bytes"
	"errors"
	"testing"

	"trafficreplay/capture"
)

// dialects are one parser for each preset, and formats that use what presets do not.
func dialects(tb testing.TB) []*Parser {
	tb.Helper()
	var ps []*Parser
	for _, s := range presets {
		p, err := New(Options{Format: s.name, Host: "h.example"})
		if err != nil {
			tb.Fatal(err)
		}
		ps = append(ps, p)
	}
	for _, f := range append(append([]string{nginxMain}, nginxFormats...), apacheFormats...) {
		p, err := New(Options{LogFormat: f})
		if err != nil {
			tb.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// FuzzParse: any line is a request within the limits or a reason, the same when it is read again, and the
// parser keeps no more memory than a small multiple of the line.
func FuzzParse(f *testing.F) {
	ps := dialects(f)
	for i := range ps {
		f.Add(byte(i), []byte(`h:1 [25/Feb/2019:16:19:48.143] in~ b/s 0/0/7/1457/+1487 200 +11 - - ---- 2/1/0/0/0 0/0 {a|b} {} "GET /#22?s=1 HTTP/1.1"`))
		f.Add(byte(i), []byte(`::1 - - [06/Sep/2015:05:58:05 +0000] "GET /a?b HTTP/1.1" 200 1 "-" "a" 12`))
	}
	for i, p := range ps {
		for _, line := range jsonLines[p.Name()] {
			f.Add(byte(i), []byte(line))
		}
	}
	for i, p := range ps {
		for _, c := range documentedLines {
			if c.name != p.Name() {
				continue
			}
			for _, line := range bytes.Split([]byte(c.text), []byte("\n")) {
				f.Add(byte(i), line)
			}
		}
		for _, c := range columnCases {
			if c.name != p.Name() {
				continue
			}
			for _, line := range bytes.Split([]byte(c.text), []byte("\n")) {
				f.Add(byte(i), line)
			}
		}
	}
	for i, p := range ps {
		for _, c := range vendorCases {
			if c.name == p.Name() {
				f.Add(byte(i), []byte(c.line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, line []byte) {
		p := ps[int(which)%len(ps)]
		p.Rewind() // a header that an earlier input named
		var q capture.Request
		err := p.Parse(line, &q)
		first := show(&q)
		checkRequest(t, &q, err)
		reason := p.err.Reason
		err2 := p.Parse(line, &q)
		if again := show(&q); again != first || (err == nil) != (err2 == nil) || err != nil && p.err.Reason != reason {
			t.Fatalf("%s: Parse(%q) = %s, %v, then %s, %v", p.name, line, first, err, again, err2)
		}
		if n, limit := cap(p.arena)+cap(p.inner)+cap(p.walker.path), 64<<10+32*len(line); n > limit && len(line) > 0 {
			// The arenas may be as large as an earlier line made them: start afresh.
			p.arena, p.inner, p.walker.path = nil, nil, nil
			_ = p.Parse(line, &q)
			if n := cap(p.arena) + cap(p.inner) + cap(p.walker.path); n > limit {
				t.Fatalf("%s: %d bytes kept for a line of %d", p.name, n, len(line))
			}
		}
		if len(p.f.keys) > maxKeys {
			t.Fatalf("%s: %d keys remembered", p.name, len(p.f.keys))
		}
	})
}

func checkRequest(t *testing.T, q *capture.Request, err error) {
	t.Helper()
	if err != nil {
		var bad *capture.SyntaxError
		if !errors.As(err, &bad) || bad.Reason == "" || bad.Msg == "" {
			t.Fatalf("error %v, want a *capture.SyntaxError with reason and message", err)
		}
		return
	}
	if q.At < 0 || len(q.Target) == 0 || len(q.Target) > capture.MaxTarget || !visible(q.Target) || !validMethod(q.Method) {
		t.Fatalf("bad request %s", show(q))
	}
	if q.Status != 0 && (q.Status < 100 || q.Status > 999) || q.DurUS < -1 || q.FirstUS < -1 || q.RespSize < -1 || q.RespWire < -1 || q.BodySize < -1 || q.Conn < 0 {
		t.Fatalf("numbers out of range: %s", show(q))
	}
	if q.DurUS >= 0 && q.FirstUS > q.DurUS {
		t.Fatalf("first byte after the last: %s", show(q))
	}
	if bytes.ContainsAny(q.Host, " /\\@\"\r\n\x00") && string(q.Method) != "CONNECT" {
		t.Fatalf("host %q", q.Host)
	}
}

// FuzzFormat: any format string compiles or is refused, and what compiles can read any line.
func FuzzFormat(f *testing.F) {
	for _, s := range append(append([]string{nginxMain, "combined", "referer", "vhost_combined",
		`[%START_TIME(%Y-%m-%d.%3f)%] "%REQ(:METHOD)% %REQ(X?:PATH):9%" %DOWNSTREAM_REMOTE_ADDRESS%\n`, `{"a":"%START_TIME%","b":"%REQ(:METHOD)% %REQ(:PATH)%"}`,
		`%h %^[%d:%t %^] "%r" %s %b`, `~h{,} %d\t%t %m %U%q`, "#Fields: date time cs-method cs-uri-stem", "#Fields: timestamp cs-method cs-uri-stem cs-protocol-version",
		haproxyOld + haproxyTail + haproxyTLS, haproxyCLF, `log-format "%{+json}o %(a)Ts%ms %(b)Ti %(c)HM %(d)HP %(e)[req.hdr(x)]"`, `log-format %{+E}o\ %t\ %Th/%Ti/%Tt\ %HM\ %HPO%HQ\ %hr`,
		squidPresets[0].format, `logformat a %tS %6tr %>a "%rm %ru HTTP/%rv" "%{X}>h" %>h{Y} %#un`, `varnishncsa -F '%t %m %U%q %{Varnish:time_firstbyte}x'`,
		`accesslog.format = "%{begin:msec}t %m %U"`, `<Valve className="AccessLogValve" pattern="%{yyyy-MM-dd'T'HH:mm:ss.SSSX}t %F %D &quot;%r&quot;"/>`}, nginxFormats...), apacheFormats...) {
		f.Add(s, `::1 - - [06/Sep/2015:05:58:05 +0000] "GET /a?b HTTP/1.1" 200 1 "-" "a" 12`)
	}
	f.Fuzz(func(t *testing.T, format, line string) {
		p, err := New(Options{LogFormat: format})
		if format == "" {
			return
		}
		if err != nil {
			if p != nil || err.Error() == "" {
				t.Fatalf("New(%q) = %v, %v", format, p, err)
			}
			return
		}
		if r := p.Resolution(); r <= 0 || p.Basis() == "" || p.Name() == "" {
			t.Fatalf("New(%q): %s, %s, %s", format, p.Name(), p.Basis(), r)
		}
		var q capture.Request
		checkRequest(t, &q, p.Parse([]byte(line), &q))
		_, _, _ = Detect([][]byte{[]byte(line)}, Options{LogFormat: format})
	})
}

// FuzzDetect: any lines are recognised or not.
func FuzzDetect(f *testing.F) {
	f.Add([]byte("::1 - - [06/Sep/2015:05:58:05 +0000] \"GET /a?b HTTP/1.1\" 200 1 \"-\" \"a\" 12\n\n# x\n{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := bytes.Split(text, []byte("\n"))
		p, _, err := Detect(lines, Options{})
		if err != nil {
			if !errors.Is(err, ErrUnknown) {
				t.Fatal(err)
			}
			return
		}
		tally(t, p, lines)
	})
}

// jsonLines are seeds by dialect.
var jsonLines = map[string][]string{
	"caddy":             {`{"ts":1646861401.5,"request":{"method":"GET","uri":"/","headers":{"A":["b"]}},"duration":"1.5ms","size":0}`},
	"traefik-json":      {`{"StartUTC":"2021-03-14T12:00:00.1Z","Duration":117000,"RequestMethod":"GET","RequestPath":"/a","request_A":"b"}`},
	"azure-app-gateway": {`{"time":"2017-04-26T19:27:38Z","category":"ApplicationGatewayAccessLog","properties":{"httpMethod":"GET","requestUri":"/a b","timeTaken":205}}`},
	"aws-waf":           {`{"timestamp":1592357192516,"httpRequest":{"clientIp":"::1","headers":[{"name":"A","value":"b"}],"uri":"/","httpMethod":"GET"}}`},
	"otel":              {`{"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"http.status_code","value":{"intValue":"1"}}]}`},
}
