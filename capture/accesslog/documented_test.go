package accesslog

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

// documentedLine is a line as a vendor's documentation has it, or made of what it says of each field, and what it must give:
// a row for each line that is no comment. The rows were written before the parser was tried on them.
type documentedLine struct{ name, what, text, want string }

// documentedLines are those of the dialects that no server writes in the tests.
var documentedLines = slices.Concat(traefikLines, istioLines, envoyLines, zeekLines, iisLines, ltsvLines, ingressLines, ecsLines, otelLines)

// TestDocumentedLines: each line is recognised by itself.
func TestDocumentedLines(t *testing.T) {
	for _, c := range documentedLines {
		t.Run(c.name+" "+c.what, func(t *testing.T) { checkRecognised(t, c.name, c.text, c.want, 50) })
	}
}

// TestTenLines: a dialect that no server writes here is tested on ten documented lines at least.
func TestTenLines(t *testing.T) {
	count := map[string]int{}
	for _, c := range documentedLines {
		for _, line := range bytes.Split([]byte(c.text), []byte("\n")) {
			if line[0] != '#' {
				count[c.name]++
			}
		}
	}
	for _, name := range []string{"traefik-clf", "traefik-json", "istio", "istio-json", "envoy", "envoy-json", "zeek-http", "zeek-json", "w3c", "iis-native", "ltsv",
		"ingress-nginx", "ecs", "otel"} {
		if count[name] < 10 {
			t.Errorf("%s: %d documented lines, want 10", name, count[name])
		}
	}
}

// TestDocumentedSettings: what the settings in docs/capture-logs.md make a server write is recognised, and all of it used.
func TestDocumentedSettings(t *testing.T) {
	values := map[string]string{
		"$msec": "1700000000.123", "$request_time": "0.023", "$upstream_header_time": "0.020", "$remote_addr": "10.0.0.1", "$remote_user": "bob", "$connection": "7",
		"$request": "GET /a?b HTTP/1.1", "$scheme": "https", "$http_host": "shop.example", "$status": "200", "$body_bytes_sent": "5", "$bytes_sent": "205", "$content_length": "12",
		"$content_type": "text/plain", "$http_user_agent": "x", "$http_referer": "-", "$http_x_forwarded_for": "1.2.3.4", "$time_iso8601": "2023-11-14T22:13:20+00:00",
		"%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t": "14/Nov/2023:22:13:20.123456 +0000", "%a": "10.0.0.1", "%u": "-", "%{X-Forwarded-For}i": "1.2.3.4", "%r": "GET /a?b HTTP/1.1",
		"%{Host}i": "shop.example", "%>s": "200", "%B": "5", "%D": "23000", "%{Referer}i": "-", "%{User-Agent}i": "x", `\t`: "\t",
	}
	names := slices.SortedFunc(maps.Keys(values), func(a, b string) int { return len(b) - len(a) })
	for _, c := range []struct{ directive, quote, name, want string }{
		{"log-format-escape-json", "'", "nginx-json", `2023-11-14T22:13:20.1 GET /a?b HTTP/1.1 scheme=https host=shop.example client=10.0.0.1 bob status=200 dur=23000 first=20000 size=5 wire=205 body_size=12 conn=7 [Content-Type: text/plain] [User-Agent: x] [X-Forwarded-For: 1.2.3.4]`},
		{"log_format ltsv", `"`, "ltsv", `2023-11-14T22:13:20.1 GET /a?b HTTP/1.1 scheme=https host=shop.example client=10.0.0.1 bob status=200 dur=23000 size=5 conn=7 [X-Forwarded-For: 1.2.3.4] [User-Agent: x]`},
		{`LogFormat "time:`, `"`, "ltsv", `2023-11-14T22:13:20.123456 GET /a?b HTTP/1.1 host=shop.example client=10.0.0.1 status=200 dur=23000 size=5 [X-Forwarded-For: 1.2.3.4] [User-Agent: x]`},
	} {
		_, line, _ := strings.Cut(documented(t, c.directive), c.quote)
		line = line[:strings.LastIndex(line, c.quote)]
		for _, name := range names {
			line = strings.ReplaceAll(line, name, values[name])
		}
		checkRecognised(t, c.name, strings.Replace(line, `true"`+"\n", "", 1), c.want, 10)
	}
}
