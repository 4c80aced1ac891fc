package accesslog

import (
	"strings"
	"testing"
)

// TestSquid: lines after squid.conf.documented (logformat), Squid's FAQ on log files, and of Squid 5.7.
func TestSquid(t *testing.T) {
	for _, c := range []struct{ name, format, line, want string }{
		{"miss", "squid", `1157689320.327   2864 10.105.21.199 TCP_MISS/200 10182 GET http://www.a.example/ badeyek DIRECT/207.58.145.61 text/html`,
			`2006-09-08T04:21:57.463 GET / scheme=http host=www.a.example client=10.105.21.199 badeyek status=200 dur=2864000 wire=10182`},
		{"CONNECT", "squid", `1157689312.049   5006 10.105.21.199 TCP_TUNNEL/200 19763 CONNECT login.a.example:443 - HIER_DIRECT/209.73.177.115 -`,
			`2006-09-08T04:21:47.043 CONNECT login.a.example:443 client=10.105.21.199 status=200 dur=5006000 wire=19763`},
		{"denied", "squid", `1157689312.049      0 10.105.21.199 TCP_DENIED/407 1718 GET http://a.example:8080/x?y=z - NONE/- text/html`,
			`2006-09-08T04:21:52.049 GET /x?y=z scheme=http host=a.example:8080 client=10.105.21.199 status=407 dur=0 wire=1718`},
		{"an hour", "squid", `1157689312.049 3600123 ::1 TCP_MISS_ABORTED/000 0 GET https://a.example/%20x - HIER_NONE/- -`,
			`2006-09-08T03:21:51.926 GET /%20x scheme=https host=a.example client=::1 dur=3600123000 wire=0`},
		{"clock stepped back", "squid", `1157689312.049     -5 ::1 TCP_MISS/200 0 GET http://a.example/ - HIER_NONE/- -`, reasonNumber},
		{"garbage", "squid", `1795600000.123      0 127.0.0.1 TCP_DENIED/400 3885 NONE error:invalid-request - HIER_NONE/- text/html`, reasonRequest},
		{"garbage of Squid 5", "squid", `1795600000.123      0 127.0.0.1 NONE_NONE/400 3885 - error:invalid-request - HIER_NONE/- text/html`, reasonRequest},
		{"no request", "squid", `1795600000.123      0 127.0.0.1 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -`, reasonRequest},
		{"method of its own", "squid", `1795600000.123      1 127.0.0.1 TCP_MISS/200 300 PROPFIND http://a.example/ - HIER_DIRECT/1.2.3.4 text/xml`,
			`2026-11-25T09:46:40.122 PROPFIND / scheme=http host=a.example client=127.0.0.1 status=200 dur=1000 wire=300`},
		{"not Squid's", "squid", `2015/01/01 12:00:00 kid1| Starting Squid Cache`, reasonMisfit},
		{"common", "squid-common", `127.0.0.1 - bob [25/Nov/2026:09:46:40 +0000] "GET http://a.example/b?c HTTP/1.1" 200 345 TCP_MISS:HIER_DIRECT`,
			`2026-11-25T09:46:40 GET /b?c HTTP/1.1 scheme=http host=a.example client=127.0.0.1 bob status=200 wire=345`},
		{"combined", "squid-combined", `127.0.0.1 - - [25/Nov/2026:09:46:40 +0000] "GET http://a.example/ HTTP/1.1" 200 345 "-" "curl/7 (x)" TCP_MISS:HIER_DIRECT`,
			`2026-11-25T09:46:40 GET / HTTP/1.1 scheme=http host=a.example client=127.0.0.1 status=200 wire=345 [User-Agent: curl/7 (x)]`},
		{"logformat with the start", `logformat replay %tS %6tr %>a %03>Hs %<st "%rm %ru HTTP/%rv" "%{User-Agent}>h" %"{Referer}>h`,
			`1795600000.123   1500 ::1 200 345 "GET http://a.example/ HTTP/1.1" "a \"b" -`,
			`2026-11-25T09:46:40.123 GET / HTTP/1.1 scheme=http host=a.example client=::1 status=200 dur=1500000 wire=345 [User-Agent: a "b]`},
		{"path and domain", `%ts.%03tu %tr %>a %>rs %>rd %rm %>rp %>Hs`, `1795600000.123 100 ::1 https a.example GET /x?y 200`,
			`2026-11-25T09:46:40.023 GET /x?y scheme=https host=a.example client=::1 status=200 dur=100000`},
		{"unknown code", `%ts %rm %ru %zz`, ``, `is not a code of Squid's logformat`},
		{"open argument", `%ts %rm %ru %{a`, ``, `is not closed`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Format: c.format}
			if strings.Contains(c.format, "%") {
				o = Options{LogFormat: c.format}
			}
			p, err := New(o)
			if err != nil {
				if c.line != "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("New(%q) = %v, want %q", c.format, err, c.want)
				}
				return
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", c.line, got, c.want)
			}
		})
	}
}
