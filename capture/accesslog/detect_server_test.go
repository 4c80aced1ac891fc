package accesslog

import (
	"fmt"
	"testing"
)

// TestDetectServers: the built-in formats of HAProxy, Squid, Varnish and lighttpd are known from one line and from a
// thousand, with syslog's header and without.
func TestDetectServers(t *testing.T) {
	for name, line := range map[string]string{
		"haproxy-http":     `10.0.1.2:%d [06/Feb/2019:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"`,
		"haproxy-http-1.6": `10.0.1.2:%d [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"`,
		"haproxy-https":    `10.0.1.2:%d [06/Feb/2024:12:14:14.655] http-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/2.0" 0/0/0/0/0 1wt.eu/TLSv1.3/TLS_AES_256_GCM_SHA384`,
		"haproxy-clf":      `127.0.0.1 - - [25/Nov/2026:08:54:42 +0000] "GET /slow HTTP/1.1" 200 116 "" "" %d 899 "c" "b" "s1" 0 0 0 502 502 ---- 1 1 0 0 0 0 0 "" "" `,
		"squid":            `1157689320.327   %d 10.105.21.199 TCP_MISS/200 10182 GET http://www.a.example/ badeyek DIRECT/207.58.145.61 text/html`,
		"squid-common":     `127.0.0.1 - bob [25/Nov/2026:09:46:40 +0000] "GET http://a.example/b?%d HTTP/1.1" 200 345 TCP_MISS:HIER_DIRECT`,
		"squid-combined":   `127.0.0.1 - - [25/Nov/2026:09:46:40 +0000] "GET http://a.example/%d HTTP/1.1" 200 345 "-" "curl/7 (x)" TCP_MISS:HIER_DIRECT`,
		"varnishncsa":      `127.0.0.1 - - [25/Nov/2026:09:46:40 +0000] "GET http://a.example/%d HTTP/1.1" 200 345 "-" "curl/7 (x)"`,
		"lighttpd":         `127.0.0.1 a.example - [25/Nov/2026:09:46:40 +0000] "GET /%d HTTP/1.1" 200 345 "-" "curl/7 (x)"`,
	} {
		for _, n := range []int{1, 1000} {
			for _, before := range []string{"", "<134>Nov 25 08:54:35 proxy[2136]: ", "Nov 25 08:54:35 h.example proxy[2136]: "} {
				lines := make([][]byte, n)
				for i := range lines {
					lines[i] = []byte(before + fmt.Sprintf(line, 10000+i))
				}
				p, note, err := Detect(lines, Options{})
				if err != nil {
					t.Errorf("%d lines %q%s: %v", n, before, name, err)
					continue
				}
				if _, l := tally(t, p, lines); p.Name() != name || l.Requests != int64(n) {
					t.Errorf("%d lines %q: Detect = %s (%s), %d requests, want %s", n, before, p.Name(), note, l.Requests, name)
				}
			}
		}
	}
}

// TestDetectWait: a first timer of seconds is the wait on an open connection, which HAProxy 1.7 and newer do not count.
func TestDetectWait(t *testing.T) {
	const line = `10.0.1.2:33317 [06/Feb/2019:12:14:14.655] http-in static/srv1 %d/0/30/69/%d 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"`
	for _, c := range []struct {
		long int
		want string
	}{{0, "haproxy-http"}, {2, "haproxy-http"}, {3, "haproxy-http-1.6"}} {
		var lines [][]byte
		for i := range 10 {
			wait := 10
			if i < c.long {
				wait = 4000
			}
			lines = append(lines, []byte(fmt.Sprintf(line, wait, wait+100)))
		}
		if p, note, err := Detect(lines, Options{}); err != nil || p.Name() != c.want {
			t.Errorf("%d of 10 lines wait: Detect = %v (%s), %v, want %s", c.long, p.Name(), note, err, c.want)
		}
	}
}
