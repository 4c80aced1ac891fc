package accesslog

import (
	"testing"

	"trafficreplay/capture"
)

// TestAllocations: no line costs an allocation once the parser has seen a few, so that a log of any length
// is read in the same memory (BenchmarkParse).
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		line string
	}{
		{"combined", Options{Format: "combined"}, `a.example:80 ::1 - bob [06/Sep/2015:05:58:05 +0000] "GET /a\x22 HTTP/1.1" 200 1 "http://r/" "a \"b\" c" "1.2.3.4"`},
		{"misfit", Options{Format: "combined"}, `nothing of the kind`},
		{"bad time", Options{Format: "combined"}, `::1 - - [31/Feb/2015:05:58:05 +0000] "GET /a HTTP/1.1" 200 1`},
		{"docker", Options{Format: "combined"}, `{"log":"::1 - - [06/Sep/2015:05:58:05 +0000] \"GET /a HTTP/1.1\" 200 1\n","stream":"stdout"}`},
		{"log_format", Options{LogFormat: nginxMain + ` $request_time $upstream_header_time`}, `::1 - - [06/Sep/2015:05:58:05 +0000] "GET http://h?a HTTP/1.1" 200 1 "-" "c" "-" 0.001 0.001, 0.002`},
		{"LogFormat", Options{LogFormat: `%h %{%d/%b/%Y %T}t.%{usec_frac}t %m "%U%q" %D`}, `::1 06/Sep/2015 05:58:05.000001 GET "/a b?c" 12`},
		{"nginx-json", Options{Format: "nginx-json"}, `{"time_local":"06/Sep/2015:05:58:05 +0000","request":"GET /\u00e9 HTTP/1.1","status":"200","request_time":"0.002","remote_addr":"::1","remote_user":"bob","http_user_agent":"x \" y","a":{"b":[1,2]}}`},
		{"json template", Options{LogFormat: `{"t":"$msec","u":"$scheme://$host$request_uri","m":"$request_method"}`}, `{"t":"1700000000.123","m":"GET","u":"http://h/a"}`},
	} {
		p, err := New(c.o)
		if err != nil {
			t.Fatal(err)
		}
		var q capture.Request
		line := []byte(c.line)
		if n := testing.AllocsPerRun(100, func() { _ = p.Parse(line, &q) }); n != 0 {
			t.Errorf("%s: Parse allocates %v times a line, want 0 (BenchmarkParseCombined and others)", c.name, n)
		}
	}
}
