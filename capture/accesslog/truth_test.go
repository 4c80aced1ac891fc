package accesslog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// tally parses lines as a source would: what became a request, and the rest by reason.
func tally(tb testing.TB, p *Parser, lines [][]byte) (requests []*capture.Request, l capture.Ledger) {
	tb.Helper()
	l.Name = p.Name()
	var q capture.Request
	for _, line := range lines {
		l.Lines++
		err := p.Parse(line, &q)
		var bad *capture.SyntaxError
		switch {
		case err == nil:
			l.Requests++
			requests = append(requests, q.Clone())
		case errors.As(err, &bad):
			l.Skip(bad.Reason, "", "")
		default:
			tb.Fatalf("Parse(%q) = %v, want a *capture.SyntaxError", line, err)
		}
	}
	if err := l.Balance(); err != nil {
		tb.Error(err)
	}
	return requests, l
}

// TestFiles: every file of the development data that these dialects should know, with what becomes of its lines.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		file, name string
		basis      capture.Basis
		requests   int64
		skipped    string
	}{
		{"apache_combined_10k.log.gz", "apache-combined", capture.BasisStart, 10000, "map[]"},
		{"nginx_json_reqtime_10k.log.gz", "nginx-json", capture.BasisEndMinusDuration, 10049, "map[]"},
		{"alp/combined_access.log", "nginx-combined-time", capture.BasisEndMinusDuration, 14, "map[]"},
		{"alp/json_access.log", "json", capture.BasisEndMinusDuration, 14, "map[]"},
		{"filebeat/nginx/access/access.log", "combined", capture.BasisCompletion, 14, "map[]"},
		{"filebeat/nginx/access/test.log", "nginx-combined", capture.BasisCompletion, 8, "map[bad-request-line:2 blank:1]"},
		{"filebeat/nginx/access/test-with-host.log", "vcombined", capture.BasisCompletion, 8, "map[bad-request-line:2]"},
		{"filebeat/nginx/ingress_controller/test.log", "ingress-nginx", capture.BasisEndMinusDuration, 24, "map[]"},
		{"filebeat/apache/access/darwin-2.4.23.log", "apache-common", capture.BasisStart, 5, "map[bad-request-line:1]"},
		{"filebeat/apache/access/ssl-request.log", "apache-ssl-request", capture.BasisStart, 2, "map[]"},
		{"filebeat/apache/access/test-vhost.log", "vcombined", capture.BasisCompletion, 1, "map[]"},
		{"filebeat/apache/access/test.log", "apache-combined", capture.BasisStart, 5, "map[bad-request-line:2]"},
		{"filebeat/apache/access/ubuntu-2.2.22.log", "combined", capture.BasisCompletion, 9, "map[]"},
		{"lnav/logfile_access_log.0", "combined", capture.BasisCompletion, 3, "map[]"},
		{"lnav/logfile_access_log.1", "combined", capture.BasisCompletion, 0, "map[bad-request-line:1]"},
		{"lnav/logfile_bad_access_log.0", "combined", capture.BasisCompletion, 2, "map[not-this-format:1]"},
		{"lnav/logfile_shop_access_log.0", "combined", capture.BasisCompletion, 1000, "map[]"},
		{"lnav/logfile_regexp_access_log.0", "apache-combined-us", capture.BasisStart, 2, "map[]"},
		{"lnav/logfile_syslog_with_access_log.0", "common-untimed", capture.BasisEndMinusDuration, 2, "map[not-this-format:3]"},
		{"lnav/logfile_caddy_log.1", "caddy", capture.BasisEndMinusDuration, 4, "map[]"},
		{"alp/ltsv_access.log", "ltsv", capture.BasisEndMinusDuration, 14, "map[]"},
		{"filebeat/traefik/access/test.log", "traefik-clf", capture.BasisStart, 7, "map[]"},
		{"filebeat/iis/access/test.log", "w3c", capture.BasisEndMinusDuration, 5, "map[comment:12]"},
		{"filebeat/iis/access/test-iis-7.2.log", "w3c", capture.BasisEndMinusDuration, 5, "map[]"},
		{"filebeat/iis/access/test-iis-7.5.log", "w3c", capture.BasisEndMinusDuration, 4, "map[comment:4]"},
		{"filebeat/iis/access/test-ipv6zone.log", "w3c", capture.BasisEndMinusDuration, 1, "map[comment:4]"},
		{"filebeat/iis/access/test-x-forward-for.log", "w3c", capture.BasisEndMinusDuration, 9, "map[]"},
		{"filebeat/iis/access/test-x-forward-for-extended.log", "w3c", capture.BasisEndMinusDuration, 6, "map[]"},
		{"lnav/logfile_w3c.0", "w3c", capture.BasisCompletion, 1, "map[comment:4]"},
		{"lnav/logfile_w3c.1", "w3c", capture.BasisEndMinusDuration, 1, "map[comment:6]"},
		{"lnav/logfile_w3c.2", "w3c", capture.BasisCompletion, 0, "map[bad-request-line:14 comment:8]"},
		{"lnav/logfile_w3c.3", "w3c", capture.BasisEndMinusDuration, 3, "map[blank:3 comment:4]"},
		{"lnav/logfile_w3c.4", "w3c", capture.BasisCompletion, 2, "map[comment:4]"},
		{"lnav/logfile_w3c.5", "w3c", capture.BasisEndMinusDuration, 1, "map[comment:1]"},
		{"lnav/logfile_w3c.6", "w3c", capture.BasisEndMinusDuration, 1, "map[comment:4]"},
		{"lnav/logfile_w3c_big.0", "w3c", capture.BasisEndMinusDuration, 210, "map[comment:44]"},
		{"lnav/logfile_bro_http.log.0", "zeek-http", capture.BasisStart, 197, "map[comment:9]"},
		{"filebeat/elastic-licence/aws/elb/application-lb-http.log", "alb", capture.BasisStart, 11, "map[]"},
		{"filebeat/elastic-licence/aws/elb/example-alb-http.log", "alb", capture.BasisStart, 11, "map[bad-request-line:2]"},
		{"filebeat/elastic-licence/aws/elb/elb-http.log", "elb", capture.BasisStart, 5, "map[blank:1]"},
		{"filebeat/elastic-licence/aws/elb/elb-tcp.log", "elb", capture.BasisStart, 0, "map[not-http:6]"},
		{"filebeat/elastic-licence/aws/elb/example-http.log", "elb", capture.BasisStart, 2, "map[bad-request-line:1 blank:1]"},
		{"filebeat/elastic-licence/aws/elb/example-https.log", "elb", capture.BasisStart, 1, "map[blank:1]"},
		{"filebeat/elastic-licence/aws/elb/example-ssl.log", "elb", capture.BasisStart, 0, "map[blank:1 not-http:1]"},
		{"filebeat/elastic-licence/aws/elb/example-tcp.log", "elb", capture.BasisStart, 0, "map[blank:1 not-http:2]"},
		{"filebeat/elastic-licence/aws/elb/example-nlb-tcp.log", "nlb", capture.BasisStart, 0, "map[blank:1 not-http:1]"},
		{"filebeat/elastic-licence/aws/s3access/s3_server_access.log", "s3", capture.BasisStart, 5, "map[not-a-request:2]"},
		{"filebeat/elastic-licence/aws/s3access/test.log", "s3", capture.BasisStart, 6, "map[]"},
		{"filebeat/elastic-licence/envoyproxy/log/envoy.log", "envoy", capture.BasisStart, 3, "map[not-http:1]"},
		{"filebeat/elastic-licence/envoyproxy/log/envoy-json.log", "envoy", capture.BasisStart, 1, "map[not-http:1]"},
		{"lnav/logfile_caddy_log.0", "caddy", capture.BasisEndMinusDuration, 4, "map[not-a-request:35]"},
		{"lnav/logfile_cloudflare.1", "cloudflare", capture.BasisStart, 15, "map[]"},
		{"lnav/logfile_cloudflare.json", "cloudflare", capture.BasisStart, 1, "map[]"},
		{"filebeat/elastic-licence/zeek/http/http-json.log", "zeek-json", capture.BasisStart, 2, "map[]"},
		{"filebeat/elastic-licence/squid/log/access1.log", "squid", capture.BasisEndMinusDuration, 100, "map[]"},
		{"haproxy_http_17k.log.gz", haproxyOfOld, capture.BasisStart, 17210, "map[bad-request-line:1]"},
		{"lnav/logfile_haproxy.0", "haproxy-http", capture.BasisStart, 13, "map[not-http:1 not-this-format:3]"},
		{"filebeat/haproxy/log/haproxy.log", "haproxy-http", capture.BasisStart, 10, "map[]"},
		{"filebeat/haproxy/log/httplog-no-headers.log", "haproxy-http", capture.BasisStart, 3, "map[blank:1]"},
		{"filebeat/haproxy/log/tcplog.log", "haproxy-http", capture.BasisStart, 0, "map[not-http:1]"},
	} {
		t.Run(c.file, func(t *testing.T) {
			lines := dataLines(t, "access/"+c.file)
			p, note, err := Detect(lines, Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, l := tally(t, p, lines)
			if p.Name() != c.name || p.Basis() != c.basis {
				t.Errorf("Detect = %s, %s (%s), want %s, %s", p.Name(), p.Basis(), note, c.name, c.basis)
			}
			if got := fmt.Sprint(l.Skipped); l.Requests != c.requests || got != c.skipped {
				t.Errorf("%d requests, skipped %s, want %d and %s", l.Requests, got, c.requests, c.skipped)
			}
			if lines, ok := truthLines(t, c.file); ok && lines != l.Lines {
				t.Errorf("%d lines, truth/logs.tsv has %d", l.Lines, lines)
			}
		})
	}
}

// truthLines is the number of lines that truth/logs.tsv gives a file.
func truthLines(tb testing.TB, file string) (n int64, ok bool) {
	tb.Helper()
	for _, row := range dataLines(tb, "truth/logs.tsv") {
		cols := strings.Split(string(row), "\t")
		if cols[0] == "access/"+file {
			n, ok := integer([]byte(cols[1]))
			return n, ok
		}
	}
	return 0, false
}

// TestForeignFiles: what these dialects do not know is refused, not misread.
func TestForeignFiles(t *testing.T) {
	for _, f := range []string{"alp/http.cap", "lnav/logfile_dst.0", "lnav/logfile_invalid_tz.0", "lnav/logfile_json_subsec.json",
		"filebeat/haproxy/log/default.log", "filebeat/elastic-licence/squid/log/generated.log"} {
		if p, note, err := Detect(dataLines(t, "access/"+f), Options{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: Detect = %v, %q, %v, want ErrUnknown", f, p.Name(), note, err)
		}
	}
}

// TestApache10k against the counts of goaccess: 10,000 valid lines, 2,747,282,740 bytes.
func TestApache10k(t *testing.T) {
	lines := dataLines(t, "access/apache_combined_10k.log.gz")
	p, _, err := Detect(lines, Options{})
	if err != nil {
		t.Fatal(err)
	}
	requests, _ := tally(t, p, lines)
	var size int64
	for _, q := range requests {
		if q.RespSize < 0 {
			t.Fatalf("%s: size unknown", show(q))
		}
		size += q.RespSize
	}
	if len(requests) != 10000 || size != 2747282740 {
		t.Errorf("%d requests of %d bytes, want 10000 of 2747282740", len(requests), size)
	}
}

// TestNginxJSON10k computes each arrival a second time, with encoding/json and package time.
func TestNginxJSON10k(t *testing.T) {
	lines := dataLines(t, "access/nginx_json_reqtime_10k.log.gz")
	p, _, err := Detect(lines, Options{})
	if err != nil {
		t.Fatal(err)
	}
	requests, _ := tally(t, p, lines)
	if len(requests) != 10049 {
		t.Fatalf("%d requests, want 10049", len(requests))
	}
	status := map[int]int{}
	var size int64
	for i, q := range requests {
		var e struct {
			Stamp     string `json:"time_local"`
			Took      string `json:"request_time"`
			Request   string `json:"request"`
			UserAgent string `json:"http_user_agent"`
		}
		if err := json.Unmarshal(lines[i], &e); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		end, err := time.Parse("02/Jan/2006:15:04:05 -0700", e.Stamp)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		took, err := time.ParseDuration(e.Took + "s")
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if want := end.Add(-took).UnixNano(); q.At != want || q.DurUS != took.Microseconds() {
			t.Fatalf("line %d: at %d, dur %d, want %d, %d", i+1, q.At, q.DurUS, want, took.Microseconds())
		}
		if got := fmt.Sprintf("%s %s %s", q.Method, q.Target, q.Proto); got != e.Request {
			t.Fatalf("line %d: request %q, want %q", i+1, got, e.Request)
		}
		if got := string(q.Header("User-Agent")); got != e.UserAgent && e.UserAgent != "-" {
			t.Fatalf("line %d: agent %q, want %q", i+1, got, e.UserAgent)
		}
		status[q.Status]++
		size += q.RespSize
	}
	if got, want := fmt.Sprint(status), "map[101:248 200:9761 302:10 304:3 400:6 401:3 404:3 499:7 500:3 502:5]"; got != want {
		t.Errorf("statuses %s, want %s", got, want)
	}
	if size != 13677583 {
		t.Errorf("%d bytes, want 13677583", size)
	}
}

// TestAlpAlike: the same requests as combined, as JSON and as LTSV import alike but for the client, which only the
// first logs, and the agents, which differ in the files.
func TestAlpAlike(t *testing.T) {
	var shown [3][]string
	for i, f := range []string{"access/alp/combined_access.log", "access/alp/json_access.log", "access/alp/ltsv_access.log"} {
		lines := dataLines(t, f)
		p, _, err := Detect(lines, Options{})
		if err != nil {
			t.Fatal(err)
		}
		requests, _ := tally(t, p, lines)
		for _, q := range requests {
			q.Client, q.Proto, q.Headers = nil, nil, nil
			shown[i] = append(shown[i], show(q))
		}
	}
	if len(shown[0]) != len(shown[1]) || len(shown[0]) != len(shown[2]) {
		t.Fatalf("%d, %d and %d requests", len(shown[0]), len(shown[1]), len(shown[2]))
	}
	for i := range shown[0] {
		if shown[0][i] != shown[1][i] || shown[0][i] != shown[2][i] {
			t.Errorf("line %d\ncombined %s\njson     %s\nltsv     %s", i+1, shown[0][i], shown[1][i], shown[2][i])
		}
	}
}
