package accesslog

import (
	"slices"
	"strings"
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
		{"haproxy-http", Options{Format: "haproxy-http"}, `Feb 25 16:19:49 h haproxy[7]: 141.35.244.171:53332 [25/Feb/2019:16:19:48.143] in~ bk/nginx 0/0/7/1457/1487 200 11394 - - ---- 2/1/0/0/0 0/0 {Mozilla #22} {} "GET /admin#22?survey=130 HTTP/1.1"`},
		{"haproxy tcp", Options{Format: "haproxy-http"}, `127.0.0.1:40962 [20/Sep/2018:15:44:23.285] main app/<NOSRV> -1/-1/1 212 SC 1/1/0/0/0 0/0`},
		{"squid", Options{Format: "squid"}, `1157689320.327   2864 10.105.21.199 TCP_MISS/200 10182 GET http://www.a.example/ badeyek DIRECT/207.58.145.61 text/html`},
		{"json template", Options{LogFormat: `{"t":"$msec","u":"$scheme://$host$request_uri","m":"$request_method"}`}, `{"t":"1700000000.123","m":"GET","u":"http://h/a"}`},
		{"caddy", Options{Format: "caddy"}, `{"ts":1646861401.5241024,"request":{"client_ip":"127.0.0.2","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/a?b=1","headers":{"User-Agent":["curl \"7"],"Accept":["*/*","x"]}},"user_id":"bob","duration":"0.9ms","size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}}`},
		{"azure-app-gateway", Options{Format: "azure-app-gateway"}, `{"timeStamp":"2021-10-14T22:17:11Z","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"1.2.3.4:5","httpMethod":"GET","requestUri":"/a b?","requestQuery":"c=d","httpStatus":200,"timeTaken":3.4e-02}}`},
		{"otel", Options{Format: "otel"}, `{"kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661500000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/items/42"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}`},
		{"otel with a port and lists", Options{Format: "otel"}, `{"kind":2,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"get"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"server.address","value":{"stringValue":"::1"}},{"key":"server.port","value":{"intValue":"8080"}},{"key":"http.request.header.a_b","value":{"arrayValue":{"values":[{"stringValue":"x"},{"stringValue":"y"}]}}}]}`},
		{"ecs", Options{Format: "ecs"}, `{"@timestamp":"2023-05-04T10:00:01.000Z","event":{"duration":500000000},"http":{"request":{"method":"post"},"response":{"status_code":200}},"url":{"path":"/a","query":"b","domain":"h","port":8080}}`},
		{"traefik-json", Options{Format: "traefik-json"}, `{"StartLocal":"2021-03-14T12:00:00.1+01:00","Duration":117000,"RequestMethod":"GET","RequestPath":"/a","RequestAddr":"h:1","request_User-Agent":"a \"b","downstream_Etag":"x"}`},
		{"envoy-json TCP", Options{Format: "envoy-json"}, `{"start_time":"2023-05-04T10:00:00.123Z","method":null,"response_flags":"UF","downstream_remote_address":"10.0.0.5:5432"}`},
		{"zeek-json", Options{Format: "zeek-json"}, `{"ts":1591367999.430166,"id.orig_h":"::1","trans_depth":1,"method":"GET","uri":"/a b\\xff%"}`},
		{"tomcat", Options{Format: "tomcat-combined"}, `::1 - - [06/Sep/2015:05:58:05 +0000] "GET /\u00e9 HTTP/1.1" 200 1 "-" "caf\u00c3\u00a9"`},
		{"no request", Options{Format: "caddy"}, `{"level":"info","ts":1761019822.3,"msg":"using config from file"}`},
		{"field", Options{Format: "json", Fields: []string{"at=.s:%d.%m.%Y %H:%M:%S", "client=.l[1].a"}}, `{"s":"14.11.2023 22:13:20","method":"GET","path":"/","l":[1,{"a":"x"}]}`},
		{"envelope", Options{Format: "combined"}, `{"@timestamp":"2015-09-05T20:58:06.1Z","message":"::1 - - [06/Sep/2015:05:58:05 +0000] \"GET /a HTTP/1.1\" 200 1","log":{"a":[1]}}`},
		{"syslog around Docker around an envelope", Options{Format: "combined"}, `<34>Oct 11 22:14:15 web1 docker: {"log":"{\"message\":\"::1 - - [06/Sep/2015:05:58:05 +0000] \\\"GET /a HTTP/1.1\\\" 200 1\"}\n","stream":"stdout"}`},
		{"alb", Options{Format: "alb"}, albLine + albTail},
		{"s3 with a quoted agent", Options{Format: "s3"}, strings.Replace(s3Line, `"-"`, `"a \"b\""`, 1)},
		{"cloudfront", Options{Format: "cloudfront"}, "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td.example\t/a\t200\thttp://r/?%2520\tMozilla/5.0%2520(X)\ta=%2520"},
		{"w3c", Options{Format: "w3c"}, `2018-12-31 12:02:53.25 10.44.0.136 GET /a+é a=b 80 bob 10.50.6.188 Mozilla/4.0+(x) "a ""b""" 401 0 0 15`},
		{"w3c in another order", Options{Format: "w3c"}, `2018-12-31 12:02:53 10.44.0.136 GET /Director a=b 8080 - 10.50.6.188 Mozilla/4.0+(x) 401 0 0 15`},
		{"zeek-http", Options{Format: "zeek-http"}, zeekLine("/a")},
		{"ltsv", Options{Format: "ltsv"}, "time:[10/Oct/2000:13:55:36 -0700]\thost:1.2.3.4\treq:GET /a HTTP/1.1\tstatus:200\tsize:1\tua:a \\x22b\treqtime:0.1\tother:x"},
		{"envoy", Options{Format: "envoy"}, `[2016-04-15T20:17:00.310Z] "POST /a HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "a \"b" "cc21" "locations" "tcp://10.0.2.1:80"`},
		{"envoy JSON", Options{LogFormat: `{"t":"%START_TIME(%s.%6f)%","m":"%REQ(:METHOD)%","p":"%REQ(:PATH)%"}`}, `{"t":"1700000000.123456","m":"GET","p":"/a"}`},
		{"goaccess", Options{LogFormat: `%h %^[%d:%t %^] "%r" %s %b %T`}, `1.2.3.4 - - [06/Sep/2015:05:58:05 +0900] "GET /a HTTP/1.1" 200 12 0.5`},
	} {
		p, err := New(c.o)
		if err != nil {
			t.Fatal(err)
		}
		var q capture.Request
		line := []byte(c.line)
		if err := p.Parse(line, &q); (err == nil) == slices.Contains([]string{"misfit", "bad time", "no request", "haproxy tcp", "envoy-json TCP"}, c.name) {
			t.Errorf("%s: Parse = %v", c.name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = p.Parse(line, &q) }); n != 0 {
			t.Errorf("%s: Parse allocates %v times a line, want 0 (BenchmarkParseCombined and others)", c.name, n)
		}
	}
}
