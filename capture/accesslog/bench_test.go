package accesslog

import (
	"bytes"
	"slices"
	"testing"

	"trafficreplay/capture"
)

// benchmarkFile parses the lines of a file of the development data over and over.
func benchmarkFile(b *testing.B, name string, o Options) {
	lines := dataLines(b, name)
	p, _, err := Detect(lines, o)
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for _, l := range lines {
		size += len(l) + 1
	}
	var q capture.Request
	b.ReportAllocs()
	b.SetBytes(int64(size / len(lines)))
	i := 0
	for b.Loop() {
		if i++; i == len(lines) {
			i = 0
		}
		_ = p.Parse(lines[i], &q)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkParseCombined(b *testing.B) {
	benchmarkFile(b, "access/apache_combined_10k.log.gz", Options{})
}

func BenchmarkParseLogFormat(b *testing.B) {
	benchmarkFile(b, "access/lnav/logfile_shop_access_log.0", Options{LogFormat: `$remote_addr - $remote_user [$time_local] ` +
		`"$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"`})
}

func BenchmarkParseJSON(b *testing.B) {
	benchmarkFile(b, "access/nginx_json_reqtime_10k.log.gz", Options{})
}

func BenchmarkParseCaddy(b *testing.B) {
	benchmarkFile(b, "access/lnav/logfile_caddy_log.1", Options{})
}

func BenchmarkParseCloudflare(b *testing.B) {
	benchmarkFile(b, "access/lnav/logfile_cloudflare.1", Options{})
}

func BenchmarkParseHAProxy(b *testing.B) {
	benchmarkFile(b, "access/haproxy_http_17k.log.gz", Options{})
}

func BenchmarkParseSquid(b *testing.B) {
	benchmarkFile(b, "access/filebeat/elastic-licence/squid/log/access1.log", Options{})
}

func BenchmarkParseW3C(b *testing.B) {
	benchmarkFile(b, "access/lnav/logfile_w3c_big.0", Options{})
}

func BenchmarkParseALB(b *testing.B) {
	benchmarkFile(b, "access/filebeat/elastic-licence/aws/elb/application-lb-http.log", Options{})
}

func BenchmarkParseZeek(b *testing.B) {
	benchmarkFile(b, "access/lnav/logfile_bro_http.log.0", Options{})
}

func BenchmarkParseLTSV(b *testing.B) {
	benchmarkFile(b, "access/alp/ltsv_access.log", Options{})
}

func BenchmarkParseEnvoy(b *testing.B) {
	benchmarkFile(b, "access/filebeat/elastic-licence/envoyproxy/log/envoy.log", Options{})
}

// BenchmarkParseDocumented parses the first documented line of a dialect.
func BenchmarkParseDocumented(b *testing.B) {
	for _, name := range []string{"traefik-json", "istio-json", "zeek-json", "ecs", "otel"} {
		b.Run(name, func(b *testing.B) {
			p, err := New(Options{Format: name})
			if err != nil {
				b.Fatal(err)
			}
			i := slices.IndexFunc(documentedLines, func(l documentedLine) bool { return l.name == name })
			line := []byte(documentedLines[i].text)
			var q capture.Request
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				_ = p.Parse(line, &q)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

func BenchmarkParseWrapped(b *testing.B) {
	line := []byte(`{"log":"127.0.0.1 - - [06/Sep/2015:05:58:05 +0900] \"GET /foo?a=b HTTP/1.1\" 200 12 \"-\" \"curl/7.54.0\" \"-\" 0.057\n","stream":"stdout","time":"2015-09-05T20:58:05.1Z"}`)
	p, _, err := Detect([][]byte{line}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var q capture.Request
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		_ = p.Parse(line, &q)
	}
}

func BenchmarkStamp(b *testing.B) {
	stamps := bytes.Fields([]byte("1700000000.123 1700000000.456 1700000001.000"))
	var c clock
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i++; i == len(stamps) {
			i = 0
		}
		_, _ = c.parse(stamps[i])
	}
}
