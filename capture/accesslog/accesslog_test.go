package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// show writes what a request holds, unknown parts left out, so that a table can state it in a line.
func show(q *capture.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", q.Time().Format("2006-01-02T15:04:05.999999999"))
	for _, f := range []struct {
		name  string
		value []byte
	}{{"", q.Method}, {"", q.Target}, {"", q.Proto}, {"scheme=", q.Scheme}, {"host=", q.Host}, {"client=", q.Client}, {"body=", q.Body}} {
		if len(f.value) > 0 {
			fmt.Fprintf(&b, " %s%s", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name  string
		value int64
	}{{"status", int64(q.Status)}, {"dur", q.DurUS}, {"first", q.FirstUS}, {"size", q.RespSize}, {"wire", q.RespWire}, {"body_size", q.BodySize}, {"conn", q.Conn}} {
		if f.value > 0 || f.value == 0 && f.name != "status" && f.name != "conn" {
			fmt.Fprintf(&b, " %s=%d", f.name, f.value)
		}
	}
	for _, h := range q.Headers {
		fmt.Fprintf(&b, " [%s: %s]", h.Name, h.Value)
	}
	for _, h := range q.RespHeaders {
		fmt.Fprintf(&b, " <%s: %s>", h.Name, h.Value)
	}
	return b.String()
}

// parseOne shows the request a line becomes, or the reason why it is none.
func parseOne(tb testing.TB, p *Parser, line string) string {
	tb.Helper()
	var q capture.Request
	err := p.Parse([]byte(line), &q)
	if err == nil {
		return show(&q)
	}
	var bad *capture.SyntaxError
	if !errors.As(err, &bad) {
		tb.Fatalf("Parse(%q) = %v, want a *capture.SyntaxError", line, err)
	}
	if q.At != 0 || q.Method != nil || q.Target != nil || len(q.Headers) != 0 || q.RespSize != capture.Unknown {
		tb.Errorf("Parse(%q): request %+v is not empty beside the error %v", line, q, err)
	}
	return bad.Reason
}

const nginxMain = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"`

func TestParseLogFormat(t *testing.T) {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		format string
		line   string
		want   string
		o      Options
	}{
		{name: "nginx main", format: nginxMain,
			line: `10.0.0.1 - bob [06/Sep/2015:05:58:05 +0900] "GET /a?b=c HTTP/1.1" 200 12 "http://r/" "curl/7" "1.2.3.4, 5.6.7.8"`,
			want: `2015-09-05T20:58:05 GET /a?b=c HTTP/1.1 client=10.0.0.1 bob status=200 size=12 [Referer: http://r/] [User-Agent: curl/7] [X-Forwarded-For: 1.2.3.4, 5.6.7.8]`},
		{name: "nginx request_time", format: `$remote_addr [$time_local] "$request" $status $request_time $upstream_header_time $upstream_response_time`,
			line: `10.0.0.1 [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1.057 0.100, 0.004 : 0.001 0.5, 0.6`,
			want: `2015-09-06T05:58:03.943 GET / HTTP/1.1 client=10.0.0.1 status=200 dur=1057000 first=105000`},
		{name: "nginx msec", format: `$msec $request_method $scheme://$host:$server_port$request_uri $server_protocol $status $bytes_sent $connection $content_length $content_type`,
			line: `1700000000.123 POST https://a.example:443/x?y HTTP/2.0 201 345 17 12 text/plain`,
			want: `2023-11-14T22:13:20.123 POST /x?y HTTP/2.0 scheme=https host=a.example status=201 wire=345 body_size=12 conn=17 [Content-Type: text/plain]`},
		{name: "nginx msec and time_local: the finer counts", format: `[$time_local] $msec "$request" $request_time`,
			line: `[06/Sep/2015:05:58:05 +0900] 1700000000.123 "GET / HTTP/1.0" 0.001`,
			want: `2023-11-14T22:13:20.122 GET / HTTP/1.0 dur=1000`},
		{name: "nginx uri, is_args, args", format: `$time_iso8601 $request_method "$uri$is_args$args" $status`,
			line: `2015-09-06T05:58:05+09:00 GET "/a%b c?q=%41" 200`,
			want: `2015-09-05T20:58:05 GET /a%25b%20c?q=%41 status=200`},
		{name: "nginx uri without args", format: `$time_iso8601 $request_method $uri$is_args$args $status`,
			line: `2015-09-06T05:58:05+09:00 GET /a 200`,
			want: `2015-09-05T20:58:05 GET /a status=200`},
		{name: "nginx escapes", format: `$time_iso8601 "$request" "$http_user_agent" "$cookie_sid" "$request_body"`,
			line: `2015-09-06T05:58:05+00:00 "GET /\x22\x5C\xC3\xA9 HTTP/1.1" "a \x22quoted\x22 b" "-" "a=\x0A\x22"`,
			want: "2015-09-06T05:58:05 GET /\"\\é HTTP/1.1 body=a=\n\" body_size=4 [User-Agent: a \"quoted\" b]"},
		{name: "nginx unescaped backslash stays", format: `log_format x escape=none '$time_iso8601 "$request" "$http_user_agent"';`,
			line: `2015-09-06T05:58:05+00:00 "GET /\x22 HTTP/1.1" "a "q" \"`,
			want: `2015-09-06T05:58:05 GET /\x22 HTTP/1.1 [User-Agent: a "q" \]`},
		{name: "nginx directive of several strings", format: "log_format main '$remote_addr - $remote_user [$time_local] '\n   '\"$request\" $status' # sizes are of no use\n  ' $body_bytes_sent';",
			line: `::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 0`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1 status=200 size=0`},
		{name: "nginx directive in double quotes", format: `log_format main "$remote_addr [$time_local] \"$request\"";`,
			line: `::1 [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1"`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1`},
		{name: "nginx json template", format: `log_format j escape=json '{"t":"$time_iso8601","r":"$request","s":$status,"d":$request_time,"h":{"ua":"$http_user_agent"},"b":"$request_body","u":"$upstream_addr"}';`,
			line: `{"s":404, "extra":[1,{"a":"}"}], "h":{"ua":"x \"y\" \u00e9 z"},"r":"GET \/a\\b HTTP\/1.1","d":0.250,"b":"{\"k\":1}","t":"2015-09-06T05:58:05+00:00","u":""}`,
			want: `2015-09-06T05:58:04.75 GET /a\b HTTP/1.1 body={"k":1} status=404 dur=250000 body_size=7 [User-Agent: x "y" é z]`},
		{name: "nginx json template with values of two variables", format: `{"t":"$msec","m":"$request_method $server_protocol","u":"$scheme://$host$request_uri","up":$upstream_header_time,"d":"$request_time"}`,
			line: `{"t":"1700000000.123","m":"GET HTTP/1.1","u":"https://a.example:8443/p?q","up":0.001, 0.002,"d":"0.010"}`,
			want: `2023-11-14T22:13:20.113 GET /p?q HTTP/1.1 scheme=https host=a.example:8443 dur=10000 first=3000`},
		{name: "nginx json with empty bare values and \\x escapes", format: `{"t":"$time_iso8601","r":"$request","up":$upstream_header_time,"s":$status}`,
			line: `{"t":"2015-09-06T05:58:05+00:00","r":"GET /\x22 HTTP/1.1","up":,"s":200}`,
			want: `2015-09-06T05:58:05 GET /" HTTP/1.1 status=200`},
		{name: "nginx braces", format: `${time_iso8601}x${request_method}x $request_uri`,
			line: `2015-09-06T05:58:05+00:00xGETx /`, want: `2015-09-06T05:58:05 GET /`},
		{name: "nginx response headers and TLS", format: `$time_iso8601 "$request" $ssl_protocol $sent_http_content_type`,
			line: `2015-09-06T05:58:05+00:00 "GET / HTTP/2.0" TLSv1.3 text/html`,
			want: `2015-09-06T05:58:05 GET / HTTP/2.0 scheme=https <Content-Type: text/html>`},
		{name: "nginx hosts: Host wins over the server's name", format: `$time_iso8601 $server_name $http_host $host "$request" $https`,
			line: `2015-09-06T05:58:05+00:00 _ a.example:81 b.example "GET / HTTP/1.1" on`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 scheme=https host=a.example:81`},
		{name: "a host that cannot be one is none", format: `$time_iso8601 "$http_host" "$request"`,
			line: `2015-09-06T05:58:05+00:00 "a b/../c" "GET / HTTP/1.1"`, o: Options{Host: "default.example"},
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 host=default.example`},
		{name: "nginx forwarded address alone", format: `[$time_local] "$http_x_forwarded_for" "$request"`,
			line: `[06/Sep/2015:05:58:05 +0000] "1.2.3.4, 10.0.0.1" "GET / HTTP/1.1"`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=1.2.3.4 [X-Forwarded-For: 1.2.3.4, 10.0.0.1]`},
		{name: "list in the address's place", format: `$http_x_forwarded_for $upstream_addr [$time_local] "$request"`,
			line: `1.2.3.4, 10.0.0.1 10.1.1.1:80, 10.1.1.2:80 : 10.1.1.3:80 [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1"`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=1.2.3.4 [X-Forwarded-For: 1.2.3.4, 10.0.0.1]`},
		{name: "stamp without a zone", format: `$time_iso8601 "$request"`, o: Options{Timezone: ny},
			line: `2015-07-06T05:58:05 "GET / HTTP/1.1"`, want: `2015-07-06T09:58:05 GET / HTTP/1.1`},
		{name: "bars between the fields", format: "$time_local|$remote_addr|$request|$status",
			line: `06/Sep/2015:05:58:05 +0000|::1|GET /x y=1|200`, want: reasonRequest},

		{name: "apache combined with %D", format: `LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D" timed`,
			line: `10.0.0.1 - bob [06/Sep/2015:05:58:05 +0900] "GET /\"x\" HTTP/1.1" 200 - "-" "a \"b\" \\ c" 1500`,
			want: `2015-09-05T20:58:05 GET /"x" HTTP/1.1 client=10.0.0.1 bob status=200 dur=1500 size=0 [User-Agent: a "b" \ c]`},
		{name: "apache vhost_combined by nickname", format: `vhost_combined`,
			line: `a.example:443 ::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 512 "-" "-"`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 scheme=https host=a.example client=::1 status=200 wire=512`},
		{name: "apache times in parts", format: `%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t %m \"%U%q\" %H %>s %B %{ms}T`,
			line: `06/Sep/2015 05:58:05.123 +0900 GET "/a b?c=d" HTTP/1.1 200 7 12`,
			want: `2015-09-05T20:58:05.123 GET /a%20b?c=d HTTP/1.1 status=200 dur=12000 size=7`},
		{name: "apache epoch and fraction", format: `%{sec}t.%{usec_frac}t %m %U`,
			line: `1700000000.000123 GET /`, want: `2023-11-14T22:13:20.000123 GET /`},
		{name: "apache usec", format: `%{usec}t "%r" %{us}T %{Host}i %{X-A}i %{Content-Length}i`,
			line: `1700000000000123 "GET / HTTP/1.1" 77 a.example b 5`,
			want: `2023-11-14T22:13:20.000123 GET / HTTP/1.1 host=a.example dur=77 body_size=5 [X-A: b]`},
		{name: "apache end stamp", format: `%{end:msec}t "%r" %D`,
			line: `1700000000123 "GET / HTTP/1.1" 123000`, want: `2023-11-14T22:13:20 GET / HTTP/1.1 dur=123000`},
		{name: "apache begin wins over end", format: `%{end:usec}t %{begin:usec}t "%r"`,
			line: `1700000000123000 1700000000000000 "GET / HTTP/1.1"`, want: `2023-11-14T22:13:20 GET / HTTP/1.1`},
		{name: "apache %t with a fraction beside it", format: `%t %{usec_frac}t "%r"`,
			line: `[06/Sep/2015:05:58:05 +0000] 000250 "GET / HTTP/1.1"`, want: `2015-09-06T05:58:05.00025 GET / HTTP/1.1`},
		{name: "apache conditions, modifiers, first byte, I/O", format: `%400,501{User-agent}i %!200,304{Referer}i %<s %>s %^FB %I %O %S %X %k %L %P %{c}a %a %A %p %v %V %R %f %{x}e %{x}n %{x}C %{SSL_PROTOCOL}x %% %t "%r"`,
			line: `ua - 301 200 900 1 2 3 + 0 id 99 1.1.1.1 2.2.2.2 3.3.3.3 8443 vn vv h /f e n c TLSv1.2 % [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1"`,
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 scheme=https host=vv client=2.2.2.2 status=200 first=900 wire=2 [User-agent: ua]`},
		{name: "apache JSON in a LogFormat", format: `"{ \"time\":\"%t\", \"request\":\"%r\", \"status\":%>s, \"us\":%D }"`,
			line: `{ "time":"[06/Sep/2015:05:58:05 +0000]", "request":"GET /\"a HTTP/1.1", "status":200, "us":15 }`,
			want: `2015-09-06T05:58:05 GET /"a HTTP/1.1 status=200 dur=15`},
		{name: "quotes of the configuration around it", format: "'$remote_addr [$time_local] ' '\"$request\"'",
			line: `::1 [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1"`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1`},
		{name: "double quotes of the configuration around it", format: `"$remote_addr [$time_local] \"$request\"\t\q";`,
			line: "::1 [06/Sep/2015:05:58:05 +0000] \"GET / HTTP/1.1\"\t\\q", want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1`},
		{name: "a format that begins and ends with a quote of its own", format: `"$remote_addr" [$time_local] "$request"`,
			line: `"::1" [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1"`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1`},
		{name: "escape= without the directive", format: `escape=json '[$time_local] "$request"'`,
			line: `[06/Sep/2015:05:58:05 +0000] "GET /\u0022 HTTP/1.1"`, want: `2015-09-06T05:58:05 GET /" HTTP/1.1`},
		{name: "unknown variables side by side", format: `$foo$bar$baz [$time_local] "$request" $a$b`,
			line: `x y? z [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" what ever`, want: `2015-09-06T05:58:05 GET / HTTP/1.1`},
		{name: "a dollar that is none", format: `$ [$time_local] "$request" $-`,
			line: `$ [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" $-`, want: `2015-09-06T05:58:05 GET / HTTP/1.1`},
		{name: "apache CustomLog with a format", format: `CustomLog "|/bin/rotate x" "%t %h \"%r\"" env=!quiet`,
			line: `[06/Sep/2015:05:58:05 +0000] ::1 "GET / HTTP/1.1"`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1`},
		{name: "apache CustomLog with a nickname", format: `CustomLog logs/access.log common`,
			line: `::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 -`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1 status=200 size=0`},
		{name: "apache vcommon", format: `vcommon`,
			line: `h.example ::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 7`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 host=h.example client=::1 status=200 size=7`},
		{name: "apache combinedio", format: `combinedio`,
			line: `::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 7 "-" "-" 100 207`, want: `2015-09-06T05:58:05 GET / HTTP/1.1 client=::1 status=200 size=7 wire=207`},
		{name: "apache tabs", format: `%t\t%r\t%>s`, line: "[06/Sep/2015:05:58:05 +0000]\tGET / HTTP/1.1\t204",
			want: `2015-09-06T05:58:05 GET / HTTP/1.1 status=204`},
		{name: "apache end stamp of the common form", format: `%{end:}t "%r"`, line: `[06/Sep/2015:05:58:05 +0200] "GET / HTTP/1.1"`,
			want: `2015-09-06T03:58:05 GET / HTTP/1.1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.LogFormat = c.format
			p, err := New(c.o)
			if err != nil {
				t.Fatalf("New(%q): %v", c.format, err)
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", c.line, got, c.want)
			}
		})
	}
}

func TestBasisAndResolution(t *testing.T) {
	for _, c := range []struct {
		format     string
		name       string
		basis      capture.Basis
		resolution time.Duration
	}{
		{nginxMain, "nginx-log-format", capture.BasisCompletion, time.Second},
		{`$time_iso8601 "$request" $request_time`, "nginx-log-format", capture.BasisEndMinusDuration, time.Second},
		{`$msec "$request" $request_time`, "nginx-log-format", capture.BasisEndMinusDuration, time.Millisecond},
		{`{"m":"$msec","r":"$request","d":$request_time}`, "nginx-log-format", capture.BasisEndMinusDuration, time.Millisecond},
		{`combined`, "apache-log-format", capture.BasisStart, time.Second},
		{`%t "%r" %D`, "apache-log-format", capture.BasisStart, time.Second},
		{`%{usec}t "%r" %D`, "apache-log-format", capture.BasisStart, time.Microsecond},
		{`%t.%{msec_frac}t "%r" %D`, "apache-log-format", capture.BasisStart, time.Millisecond},
		{`%{end:usec}t "%r" %D`, "apache-log-format", capture.BasisEndMinusDuration, time.Microsecond},
		{`%{end:sec}t "%r"`, "apache-log-format", capture.BasisCompletion, time.Second},
	} {
		p, err := New(Options{LogFormat: c.format})
		if err != nil {
			t.Errorf("New(%q): %v", c.format, err)
			continue
		}
		if p.Name() != c.name || p.Basis() != c.basis || p.Resolution() != c.resolution {
			t.Errorf("New(%q) = %s, %s, %s, want %s, %s, %s", c.format, p.Name(), p.Basis(), p.Resolution(), c.name, c.basis, c.resolution)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Format: "nope"}, `format "nope": no known log format (known: common, combined, `},
		{Options{LogFormat: `$time_local $status`}, "neither the request line nor the path"},
		{Options{LogFormat: `$time_local $request_uri`}, "nor the method"},
		{Options{LogFormat: `referer`}, "it logs neither the request line nor the method"},
		{Options{LogFormat: `%t %r %y`}, "%y is not a directive"},
		{Options{LogFormat: `%t %~`}, "%~ is not a directive"},
		{Options{LogFormat: `%t %{x`}, "is not closed"},
		{Options{LogFormat: `%t "%r" %{fortnight}T`}, "none of s, ms, us"},
		{Options{LogFormat: `%{%Q}t "%r"`}, "unknown strftime directive"},
		{Options{LogFormat: `%t %r%h`}, "nothing between two values"},
		{Options{LogFormat: `log_format main '$time_local "$request"`}, "a quote is not closed"},
		{Options{LogFormat: `log_format x escape=xml '$time_local "$request"';`}, "want json, default or none"},
		{Options{LogFormat: `CustomLog logs/a.log timed`}, "paste the LogFormat that defines it"},
		{Options{LogFormat: strings.Repeat("x", maxFormat+1)}, "limit 65536"},
		{Options{LogFormat: "$time_local $request" + strings.Repeat(" $foo", maxValues)}, "more than 256 values"},
		{Options{LogFormat: `{"a":"$time_local","b":{}` + `,"c":"$request"`}, "it logs"},
		{Options{LogFormat: `just words`}, "it logs neither the request line nor the path"},
	} {
		_, err := New(c.o)
		if c.want == "it logs" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%.60q) = %v, want an error with %q", c.o.Format+c.o.LogFormat, err, c.want)
		}
	}
	if _, err := New(Options{Format: "nope"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("New(nope) = %v, want ErrUnknown", err)
	}
}

// TestParseTwice: a line means the same whatever was parsed before it, and is not written to.
func TestParseTwice(t *testing.T) {
	p, err := New(Options{LogFormat: nginxMain})
	if err != nil {
		t.Fatal(err)
	}
	a := []byte(`::1 - bob [06/Sep/2015:05:58:05 +0000] "GET /\x22 HTTP/1.1" 200 1 "-" "\x22" "-"`)
	b := []byte(`::2 - eve [06/Sep/2015:05:58:06 +0000] "PUT /\x5C HTTP/1.1" 201 2 "-" "-" "-"`)
	var q capture.Request
	var shown []string
	for _, line := range [][]byte{a, b, a} {
		before := bytes.Clone(line)
		if err := p.Parse(line, &q); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(line, before) {
			t.Errorf("Parse changed its line to %q", line)
		}
		shown = append(shown, show(&q))
	}
	if shown[0] != shown[2] || shown[0] == shown[1] {
		t.Errorf("three parses gave %q", shown)
	}
}
