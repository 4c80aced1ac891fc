package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestHAProxy: lines after HAProxy's Configuration Manual, sections 8.2.3 (HTTP log format), 8.2.4 (custom log
// format), 8.3.1 (logasap), 8.4 (timers), 8.5 (termination) and 8.6 (non-printable characters), and of HAProxy 2.6.
func TestHAProxy(t *testing.T) {
	const old = "haproxy-http-1.6"
	for _, c := range []struct{ name, format, line, want string }{
		{"manual 8.2.3", "haproxy-http", `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"`,
			`2009-02-06T12:14:14.655 GET /index.html HTTP/1.1 client=10.0.1.2 status=200 dur=109000 first=109000 wire=2750`},
		{"the same before 1.7: accept + Tq", old, `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"`,
			`2009-02-06T12:14:14.665 GET /index.html HTTP/1.1 client=10.0.1.2 status=200 dur=99000 first=99000 wire=2750`},
		{"manual 8.5, refused: no answer from a server", "haproxy-http", `10.0.1.2:33318 [06/Feb/2009:12:14:14.655] fe~ be/<NOSRV> 0/-1/-1/-1/3 503 213 - - SC-- 1/1/0/0/0 0/0 "GET /foo HTTP/1.1"`,
			`2009-02-06T12:14:14.655 GET /foo HTTP/1.1 scheme=https client=10.0.1.2 status=503 dur=3000 wire=213`},
		{"manual 8.3.1, logasap", "haproxy-http", `127.0.0.1:60340 [06/Feb/2009:12:14:14.655] http-in static/srv1 9/10/7/14/+30 200 +243 - - ---- 3/1/1/1/1 1/0 "GET /image.iso HTTP/1.0"`,
			`2009-02-06T12:14:14.655 GET /image.iso HTTP/1.0 client=127.0.0.1 status=200 first=40000`},
		{"no status", "haproxy-http", `127.0.0.1:1 [06/Feb/2009:12:14:14.655] a b/s 0/0/0/-1/5 -1 0 - - CD-- 3/1/1/1/1 1/0 "GET / HTTP/1.0"`,
			`2009-02-06T12:14:14.655 GET / HTTP/1.0 client=127.0.0.1 dur=5000 wire=0`},
		{"IPv6, one block", "haproxy-http", `2001:db8::1:45000 [25/Nov/2026:08:54:35.187] a b/s1 0/0/0/501/501 200 116 c1 s2 ---- 1/1/0/0/+3 0/0 {shop.example|a #22q#22 #7Bx#7Cy#7D \ ]} "GET /#22b\c#23?#C3#A9 HTTP/2.0"`,
			"2026-11-25T08:54:35.187 GET /\"b\\c#?é HTTP/2.0 client=2001:db8::1 status=200 dur=501000 first=501000 wire=116"},
		{"HTTP/2: an absolute target", "haproxy-http", `::1:4500 [25/Nov/2026:08:54:35.187] a b/s1 0/0/0/1/1 200 116 - - ---- 1/1/0/0/0 0/0 "GET https://shop.example/a?b HTTP/2.0"`,
			`2026-11-25T08:54:35.187 GET /a?b HTTP/2.0 scheme=https host=shop.example client=::1 status=200 dur=1000 first=1000 wire=116`},
		{"host behind the server", "haproxy-http", `-:22222 [22/May/2021:02:22:22.222] www-https~ myapp/node2 site.example 0/0/0/18/18 200 200 - - ---- 222/222/2/0/0 0/0 "OPTIONS /api/v2/app/ HTTP/1.1"`,
			`2021-05-22T02:22:22.222 OPTIONS /api/v2/app/ HTTP/1.1 scheme=https host=site.example status=200 dur=18000 first=18000 wire=200`},
		{"syslog without a host", "haproxy-http", `<134>Nov 25 08:54:35 haproxy[2136]: 127.0.0.1:33482 [25/Nov/2026:08:54:35.187] a b/s1 0/0/0/501/501 200 116 - - ---- 1/1/0/0/0 0/0 {x|} {y} "GET /slow HTTP/1.1"`,
			`2026-11-25T08:54:35.187 GET /slow HTTP/1.1 client=127.0.0.1 status=200 dur=501000 first=501000 wire=116`},
		{"bad request", "haproxy-http", `127.0.0.1:33482 [25/Nov/2026:08:54:36.089] a a/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`, reasonRequest},
		{"silent client", "haproxy-http", `127.0.0.1:33488 [25/Nov/2026:08:54:36.389] a a/<NOSRV> -1/-1/-1/-1/2001 408 0 - - cR-- 1/1/0/0/0 0/0 {|} {} "<BADREQ>"`, reasonRequest},
		{"target cut at 1023 bytes", old, `1.2.3.4:5 [06/Feb/2009:12:14:14.655] a b/s 0/0/0/1/1 200 116 - - ---- 1/1/0/0/0 0/0 "GET /` + strings.Repeat("a", 1018) + `"`, reasonRequest},
		{"mode tcp", "haproxy-http", `127.0.0.1:40962 [20/Sep/2018:15:44:23.285] main app/<NOSRV> -1/-1/1 212 SC 1/1/0/0/0 0/0`, reasonNotHTTP},
		{"handshake", "haproxy-http", `95.216.197.33:56224 [25/Feb/2019:16:20:10.111] prod_http_in/sktst2: SSL handshake failure`, reasonNotHTTP},
		{"started", "haproxy-http", `Feb 25 16:19:38 192.168.4.2 haproxy[1]: Proxy prod_http_in started.`, reasonMisfit},
		{"server down", "haproxy-http", `Server b/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms.`, reasonMisfit},
		{"default log", "haproxy-http", `Connect from 1.2.3.4:40780 to 1.2.3.4:5000 (main/HTTP)`, reasonMisfit},
		{"cut line", "haproxy-http", `127.0.0.1:33482 [25/Nov/2026:08:54:35.187] a b/s1 0/0/0/501/501 200 116 - - ---- 1/1/0/0/0 0/0 {x|} {y} "GET /slo`, reasonMisfit},
		{"bad timer", "haproxy-http", `127.0.0.1:33482 [25/Nov/2026:08:54:35.187] a b/s1 0/0/0/x/501 200 116 - - ---- 1/1/0/0/0 0/0 "GET /slow HTTP/1.1"`, reasonMisfit},
		{"manual, httpslog", "haproxy-https", `10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1" 0/0/0/0/0 1wt.eu/TLSv1.3/TLS_AES_256_GCM_SHA384`,
			`2009-02-06T12:14:14.655 GET /index.html HTTP/1.1 scheme=https host=1wt.eu client=10.0.1.2 status=200 dur=109000 first=109000 wire=2750`},
		{"httplog clf", "haproxy-clf", `127.0.0.1 - - [25/Nov/2026:08:54:42 +0000] "GET /slow HTTP/1.1" 200 116 "" "" 57150 899 "c" "b" "s1" 0 0 0 502 502 ---- 1 1 0 0 0 0 0 "" "" `,
			`2026-11-25T08:54:42 GET /slow HTTP/1.1 client=127.0.0.1 status=200 dur=502000 first=502000 wire=116`},
		{"httplog clf, captures", "haproxy-clf", `127.0.0.1 - - [25/Nov/2026:08:54:42 +0000] "GET /#22 HTTP/1.1" 503 116 "" "" 57150 899 "c~" "b" "<NOSRV>" 0 -1 -1 -1 4 SC-- 1 1 0 0 0 0 0 "" "" "a b" "c"`,
			`2026-11-25T08:54:42 GET /" HTTP/1.1 scheme=https client=127.0.0.1 status=503 dur=4000 wire=116`},
		{"httplog clf, bad", "haproxy-clf", `127.0.0.1 - - [25/Nov/2026:08:54:43 +0000] "<BADREQ>" 400 0 "" "" 57150 400 "c" "c" "<NOSRV>" -1 -1 -1 -1 0 PR-- 1 1 0 0 0 0 0 "" "" `, reasonRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(Options{Format: c.format})
			if err != nil {
				t.Fatal(err)
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("Parse(%.300q)\n got %.300s\nwant %.300s", c.line, got, c.want)
			}
		})
	}
}

// TestHAProxyLogFormat: what --log-format takes.
func TestHAProxyLogFormat(t *testing.T) {
	for _, c := range []struct{ name, format, line, want string }{
		{"the directive in quotes", `log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"`,
			`10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET / HTTP/1.1"`,
			`2009-02-06T12:14:14.655 GET / HTTP/1.1 client=10.0.1.2 status=200 dur=109000 first=109000 wire=2750`},
		{"the directive with backslashes", `log-format %ci\ [%t]\ %Tq/%Tt\ %ST\ \"%r\"`,
			`::1 [06/Feb/2009:12:14:14.655] 4000/4100 200 "GET / HTTP/1.1"`, `2009-02-06T12:14:18.655 GET / HTTP/1.1 client=::1 status=200 dur=100000`},
		{"accept, handshake, idle", `%ci %t %Th %Ti %TR %Ta %Tt %HM %HP%HQ %HV %ST`,
			`::1 25/Nov/2026:08:54:51.133 5 400 2 7 412 GET /a?b=#23 HTTP/1.1 200`, `2026-11-25T08:54:51.538 GET /a?b=# HTTP/1.1 client=::1 status=200 dur=7000`},
		{"Tq and TR of an accept", `%t %Tq %TR %Tt %HM %HU`, `25/Nov/2026:08:54:51.000 400 2 410 GET /`, `2026-11-25T08:54:51.398 GET / dur=12000`},
		{"request stamp, total only: idle time cannot be told", `%tr %Tt %HM %HU`, `25/Nov/2026:08:54:51.000 412 GET /`, `2026-11-25T08:54:51 GET /`},
		{"request stamp, idle and total", `%tr %Ti %Tt %HM %HU`, `25/Nov/2026:08:54:51.000 400 412 GET /`, `2026-11-25T08:54:51 GET / dur=12000`},
		{"accept, total only", `%t %Tt %HM %HU`, `25/Nov/2026:08:54:51.000 412 GET /`, `2026-11-25T08:54:51 GET / dur=412000`},
		{"epoch and milliseconds", `{"ts":%Ts%ms,"a":"%[src]","m":"%HM","u":"%HPO","q":"%HQ"}`, `{"ts":1795596890632,"a":"::1","m":"GET","u":"/x","q":"?y"}`,
			`2026-11-25T08:54:50.632 GET /x?y client=::1`},
		{"epoch, point, milliseconds", `%Ts.%ms %HM %HU`, `1795596890.632 GET /`, `2026-11-25T08:54:50.632 GET /`},
		{"samples", `%[src] %{+Q}[req.hdr(Host)] %{+Q}[capture.req.hdr(1)] %{+Q}[req.fhdr(user-agent)] %{+E}[res.hdr(server)] %[req.hdr(a),lower] %[ssl_fc_sni] %trg %{+Q}r`,
			`::1 "shop.example" "x "y" z" "a "q"{x}" na\"me B - 25/Nov/2026:08:54:50 +0000 "GET / HTTP/1.1"`,
			`2026-11-25T08:54:50 GET / HTTP/1.1 host=shop.example client=::1 [user-agent: a "q"{x}] <server: na"me>`},
		{"the names of captured headers", `%ci [%tr] {%[req.hdr(Host)]|%[req.hdr(User-Agent)]} %{+Q}r`, `::1 [25/Nov/2026:08:54:50.632] {shop.example|a b} "GET / HTTP/1.1"`,
			`2026-11-25T08:54:50.632 GET / HTTP/1.1 host=shop.example client=::1 [User-Agent: a b]`},
		{"hexadecimal, literal percent, blanks", `%{+X}ci %%  %cp %{+Q,+X}o   [%tr] %sslv %r`, `7F000001 % 1 [25/Nov/2026:08:54:50.632] "TLSv1.3" "GET / HTTP/1.1"`,
			`2026-11-25T08:54:50.632 GET / HTTP/1.1 scheme=https`},
		{"JSON of 3.0", `log-format "%{+json}o %(client)ci %(at)tr %(took)Ta %(line)r %(host)[req.hdr(host)] %(st)ST %(x)bogus"`, ``, "%bogus is not a variable of HAProxy"},
		{"JSON of 3.0, good", `log-format "%{+json}o %(client)ci %(at)tr %(took)Ta %(line)r %(host)[req.hdr(host)] %(st)ST"`,
			`{"client": "::1", "at": "25/Nov/2026:08:54:50.632", "took": 12, "line": "GET /\"a HTTP/1.1", "host": "h.example", "st": 200}`,
			`2026-11-25T08:54:50.632 GET /"a HTTP/1.1 host=h.example client=::1 status=200 dur=12000`},
		{"unknown variable", `%ci %tr %{+Q}r %nope`, ``, "%nope is not a variable of HAProxy"},
		{"open flags", `%ci %tr %{+Q`, ``, "is not closed"},
		{"open sample", `%ci %tr %[src`, ``, "is not closed"},
		{"open quote", `log-format 'x`, ``, "not closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(Options{LogFormat: c.format})
			if err != nil {
				if !strings.Contains(err.Error(), c.want) || c.line != "" {
					t.Errorf("New(%q) = %v, want %q", c.format, err, c.want)
				}
				return
			}
			if p.Name() != "haproxy-log-format" || p.Basis() != capture.BasisStart {
				t.Errorf("New(%q) = %s, %s", c.format, p.Name(), p.Basis())
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", c.line, got, c.want)
			}
		})
	}
}

// TestNotations: each notation knows its own formats and no other's.
func TestNotations(t *testing.T) {
	own := map[string][]string{
		"nginx": append([]string{nginxMain, `$a`}, nginxFormats...), "apache": append([]string{"combined", `%h %l %u %t "%r" %>s %b`}, apacheFormats...),
		"haproxy":     {`%ci:%cp [%tr] %r`, `%[src] %t`, `%{+Q}o %t %r`, `log-format "%t %r"`, `%Ts %HM`, `%{+json}o %(a)ci`},
		"varnishncsa": {`varnishncsa -F '%t %r'`, `%t "%r" %{Varnish:hitmiss}x`},
		"squid":       {`logformat a %ts %>a`, squidPresets[0].format, squidPresets[1].format, squidPresets[2].format, `%tl %rm %ru`},
	}
	for name, formats := range own {
		for _, f := range formats {
			i := slices.IndexFunc(notations, func(n notation) bool { return n.writes(f) })
			if got := notations[i].name; got != name {
				t.Errorf("%.80q is taken as %s, want %s", f, got, name)
			}
		}
	}
}

// TestHAProxyResolution: what the stamps of a format are worth.
func TestHAProxyResolution(t *testing.T) {
	for format, want := range map[string]string{`%tr %r %ci`: "1ms", `%t %r %ci`: "1ms", `%trg %r %ci`: "1s", `%T %r %ci %Ta`: "1s", `%Ts%ms %r %ci`: "1ms", `%Ts %r %ci`: "1s"} {
		if p, err := New(Options{LogFormat: format}); err != nil || p.Resolution().String() != want {
			t.Errorf("New(%q) = %v, %v, want a resolution of %s", format, p, err, want)
		}
	}
}

// TestHAProxy17k against the counts and percentiles of halog, which leaves out lines without a server's answer and
// rounds ranks by its own rule, so that two of the twenty differ by a millisecond. halog has 23 times 400:
// one of them is no request.
func TestHAProxy17k(t *testing.T) {
	lines := dataLines(t, "access/haproxy_http_17k.log.gz")
	p, note, err := Detect(lines, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != haproxyOfOld || p.Basis() != capture.BasisStart || !strings.Contains(note, "older than HAProxy 1.7") {
		t.Errorf("Detect = %s, %s (%s)", p.Name(), p.Basis(), note)
	}
	status := map[int]int{}
	var timers [4][]int64
	var q capture.Request
	for i, line := range lines {
		if err := p.Parse(line, &q); err != nil {
			if i != 12498 || p.err.Reason != reasonRequest { // "GET HTTP/1.1 HTTP/1.1", answered with 400
				t.Errorf("line %d: %v", i+1, err)
			}
			continue
		}
		status[q.Status]++
		r := &p.rec.timers
		if tq := q.At - p.rec.stamp; tq != 0 {
			t.Fatalf("line %d: arrival %d is not the stamp + Tq", i+1, q.At)
		}
		for j, n := range [4]int64{r[timerTq], r[timerTc], r[timerTr], r[timerTt] - r[timerTq] - r[timerTw] - r[timerTc] - r[timerTr] + 4} {
			if r[timerTr] > 0 {
				timers[j] = append(timers[j], n-1)
			}
		}
	}
	if got, want := fmt.Sprint(status), "map[200:4861 400:22 401:7866 404:4407 405:4 500:48 502:2]"; got != want {
		t.Errorf("statuses %s, want %s", got, want)
	}
	for j := range timers {
		slices.Sort(timers[j])
	}
	for _, c := range []struct {
		percent float64
		want    [4]int64
	}{{50, [4]int64{0, 1, 2, 66}}, {90, [4]int64{87, 1, 4, 195}}, {95, [4]int64{103, 2, 35, 236}}, {99, [4]int64{128, 9, 963, 16399}}, {99.9, [4]int64{336, 59, 1521, 34693}}} {
		var got [4]int64
		for j := range got {
			got[j] = timers[j][int(c.percent/100*float64(len(timers[j])))-1]
		}
		if slices.ContainsFunc([]int{0, 1, 2, 3}, func(j int) bool { return abs(got[j]-c.want[j]) > 1 }) {
			t.Errorf("%v %%: Tq, Tc, Tr, data %v of %d, halog has %v", c.percent, got, len(timers[0]), c.want)
		}
	}
}

// TestHAProxyExplained: each value is named as HAProxy names it, and the arrival is accounted for.
func TestHAProxyExplained(t *testing.T) {
	p, err := New(Options{Format: haproxyOfOld})
	if err != nil {
		t.Fatal(err)
	}
	e := p.Explain([]byte(`10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in~ static/srv1 a.example 10/0/-1/69/+109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`))
	var got []string
	for _, v := range e.Values {
		if v.Meaning != "" {
			got = append(got, fmt.Sprintf("%s %s=%s", v.Label, v.Meaning, v.Value))
		}
	}
	want := []string{"%ci:%cp client=10.0.1.2", "%t at=2009-02-06T12:14:14.655Z", "%ft scheme=https", "%s⟨host⟩ host=a.example", "%Tq part of the times=10ms",
		"%Tw part of the times=0s", "%Tc part of the times=", "%Tr part of the times=69ms", "%Tt part of the times=", "%ST status=200", "%B resp_wire=2750", "%{+Q}r request=GET / HTTP/1.1"}
	if !slices.Equal(got, want) {
		t.Errorf("Explain values\n got %q\nwant %q", got, want)
	}
	if why := "accept of the connection + wait for the request = 2009-02-06T12:14:14.655Z + 10ms"; e.Why != why || e.Arrival != "2009-02-06T12:14:14.665Z" {
		t.Errorf("Explain = %s (%s), want %s", e.Arrival, e.Why, why)
	}
}
