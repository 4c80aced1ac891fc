package accesslog

import (
	"strings"
	"testing"
)

// TestJSONPresets: lines as the vendors' documentation has them, and what each must give. Every line is recognised by
// itself, alone and behind a syslog header, and gives the same when its dialect is named.
func TestJSONPresets(t *testing.T) {
	for _, c := range []struct{ name, what, line, want string }{
		// Caddy documentation, "How Logging Works" and "log (Caddyfile directive)"; Caddy 2.6 writes the same.
		{"caddy", "default encoder",
			`{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","remote_port":"41342","client_ip":"127.0.0.2","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/a?b=1","headers":{"User-Agent":["curl/7.82.0"],"Accept":["*/*","x"],"Cookie":["REDACTED"],"Host":["other"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"example.com"}},"bytes_read":12,"user_id":"bob","duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"],"Content-Encoding":["gzip"]}}`,
			`2022-03-09T21:30:01.523172725 GET /a?b=1 HTTP/2.0 scheme=https host=localhost client=127.0.0.2 bob status=200 dur=929 size=10900 body_size=12 [User-Agent: curl/7.82.0] [Accept: */*] <Server: Caddy> <Content-Encoding: gzip>`},
		{"caddy", "time_format iso8601, duration_format string, no headers",
			`{"level":"error","ts":"2022-03-09T21:30:01.524+0100","logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"::1","remote_port":"4","proto":"HTTP/1.1","method":"POST","host":"h:8080","uri":"/"},"duration":"1.5ms","size":0,"status":502}`,
			`2022-03-09T20:30:01.5225 POST / HTTP/1.1 host=h:8080 client=::1 status=502 dur=1500 size=0`},
		{"caddy", "time_format wall_milli",
			`{"ts":"2022/03/09 21:30:01.524","request":{"remote_ip":"::1","proto":"HTTP/1.1","method":"GET","host":"h","uri":"/"},"duration":0.024,"size":0,"status":0}`,
			`2022-03-09T21:30:01.5 GET / HTTP/1.1 host=h client=::1 dur=24000 size=0`},

		// Traefik documentation, "Access Logs", "List of Available Fields".
		{"traefik-json", "all fields",
			`{"ClientAddr":"10.0.0.1:52512","ClientHost":"10.0.0.1","ClientPort":"52512","ClientUsername":"-","DownstreamContentSize":19,"DownstreamStatus":404,"Duration":117000,"OriginContentSize":0,"OriginDuration":0,"OriginStatus":0,"Overhead":117000,"RequestAddr":"shop.example","RequestContentSize":0,"RequestCount":3,"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/a?b=c","RequestPort":"-","RequestProtocol":"HTTP/1.1","RequestScheme":"https","RetryAttempts":0,"StartLocal":"2021-03-14T12:00:00.123456789Z","StartUTC":"2021-03-14T12:00:00.123456789Z","entryPointName":"web","level":"info","msg":"","request_User-Agent":"curl/7","request_Authorization":"REDACTED","downstream_Content-Type":"text/plain","time":"2021-03-14T12:00:00Z"}`,
			`2021-03-14T12:00:00.123456789 GET /a?b=c HTTP/1.1 scheme=https host=shop.example client=10.0.0.1 status=404 dur=117 size=19 body_size=0 [User-Agent: curl/7] <Content-Type: text/plain>`},

		// Google Cloud documentation, "Global external Application Load Balancer logging and monitoring"; LogEntry and HttpRequest.
		{"gcp-lb", "LogEntry",
			`{"httpRequest":{"latency":"0.132502s","remoteIp":"203.0.113.7","requestMethod":"GET","requestSize":"412","requestUrl":"https://shop.example/a?b=1","responseSize":"5120","serverIp":"10.0.0.2","status":200,"userAgent":"curl/7","protocol":"HTTP/2"},"insertId":"1ab","jsonPayload":{"statusDetails":"response_sent_by_backend","remoteIp":"203.0.113.7"},"logName":"projects/p/logs/requests","receiveTimestamp":"2023-05-04T10:00:01.5Z","resource":{"type":"http_load_balancer"},"severity":"INFO","timestamp":"2023-05-04T10:00:00.123456Z"}`,
			`2023-05-04T10:00:00.123456 GET /a?b=1 HTTP/2 scheme=https host=shop.example client=203.0.113.7 status=200 dur=132502 wire=5120 [User-Agent: curl/7]`},
		{"gcp-lb", "client went away before an answer",
			`{"httpRequest":{"requestMethod":"POST","requestUrl":"http://shop.example:80/","remoteIp":"203.0.113.7","status":0,"latency":"1s"},"timestamp":"2023-05-04T10:00:00Z"}`,
			`2023-05-04T10:00:00 POST / scheme=http host=shop.example client=203.0.113.7 dur=1000000`},

		// Cloudflare documentation, "Logpush", "HTTP requests" fields and the three timestamp formats.
		{"cloudflare", "nanoseconds",
			`{"ClientIP":"89.163.242.206","ClientRequestHost":"www.example.com","ClientRequestMethod":"GET","ClientRequestURI":"/a?b","ClientRequestPath":"/a","ClientRequestScheme":"https","ClientRequestUserAgent":"Mozilla","ClientRequestReferer":"","EdgeEndTimestamp":1712790000123000000,"EdgeResponseBytes":12480,"EdgeResponseBodyBytes":12000,"EdgeResponseStatus":200,"EdgeStartTimestamp":1712790000100000000,"EdgeTimeToFirstByteMs":20,"ClientRequestProtocol":"HTTP/2","ClientRequestSource":"eyeball"}`,
			`2024-04-10T23:00:00.1 GET /a?b HTTP/2 scheme=https host=www.example.com client=89.163.242.206 status=200 dur=23000 first=20000 size=12000 wire=12480 [User-Agent: Mozilla]`},
		{"cloudflare", "RFC 3339 seconds: the difference of two whole seconds is no duration",
			`{"ClientIP":"::1","ClientRequestHost":"h","ClientRequestMethod":"HEAD","ClientRequestURI":"/","EdgeEndTimestamp":"2022-10-30T00:00:02Z","EdgeResponseStatus":301,"EdgeStartTimestamp":"2022-10-30T00:00:02Z"}`,
			`2022-10-30T00:00:02 HEAD / host=h client=::1 status=301`},
		{"cloudflare", "Unix seconds",
			`{"ClientIP":"::1","ClientRequestHost":"h","ClientRequestMethod":"GET","ClientRequestURI":"/","EdgeEndTimestamp":1667088003,"EdgeResponseStatus":200,"EdgeStartTimestamp":1667088002}`,
			`2022-10-30T00:00:02 GET / host=h client=::1 status=200`},

		// Azure documentation, "Monitor metrics and logs in Azure Front Door", "Access log".
		{"azure-front-door", "standard",
			`{"time":"2021-06-09T22:32:17.8383427Z","category":"FrontDoorAccessLog","operationName":"Microsoft.Cdn/Profiles/AccessLog/Write","properties":{"trackingReference":"x","httpMethod":"GET","httpVersion":"2.0.0.0","requestUri":"https://www.contoso.com:443/a?b=1","requestBytes":"2715","responseBytes":"5","userAgent":"Edge","clientIp":"10.10.10.10","clientPort":"51360","socketIp":"10.10.10.10","timeToFirstByte":"0.5","timeTaken":"0.7","securityProtocol":"TLS 1.2","httpStatusCode":"200","hostName":"www.contoso.com"}}`,
			`2021-06-09T22:32:17.1383427 GET /a?b=1 HTTP/2.0 scheme=https host=www.contoso.com client=10.10.10.10 status=200 dur=700000 first=500000 wire=5 [User-Agent: Edge]`},
		{"azure-front-door", "classic",
			`{"category":"FrontdoorAccessLog","time":"2020-06-09T22:32:17Z","properties":{"httpMethod":"GET","httpVersion":"1.1.0.0","requestUri":"http://www.contoso.com:8080/","responseBytes":"5","clientIp":"10.10.10.10","timeTaken":0.017,"httpStatusCode":"200"}}`,
			`2020-06-09T22:32:16.983 GET / HTTP/1.1 scheme=http host=www.contoso.com:8080 client=10.10.10.10 status=200 dur=17000 wire=5`},

		// Azure documentation, "Diagnostic logs for Application Gateway", "Access log".
		{"azure-app-gateway", "v1",
			`{"resourceId":"/SUBSCRIPTIONS/X","operationName":"ApplicationGatewayAccess","time":"2017-04-26T19:27:38Z","category":"ApplicationGatewayAccessLog","properties":{"instanceId":"ApplicationGatewayRole_IN_0","clientIP":"191.96.249.97","clientPort":46886,"httpMethod":"GET","requestUri":"/phpmyadmin/scripts/setup.php","requestQuery":"X-AzureApplicationGateway-CACHE-HIT=0&SERVER-ROUTED=10.4.0.4&SERVER-STATUS=404","userAgent":"-","httpStatus":404,"httpVersion":"HTTP/1.0","receivedBytes":65,"sentBytes":553,"timeTaken":205,"sslEnabled":"off","host":"www.contoso.com","originalHost":"www.contoso.com"}}`,
			`2017-04-26T19:27:37.795 GET /phpmyadmin/scripts/setup.php HTTP/1.0 scheme=http host=www.contoso.com client=191.96.249.97 status=404 dur=205000 wire=553`},
		{"azure-app-gateway", "v2",
			`{"timeStamp":"2021-10-14T22:17:11+00:00","resourceId":"/SUBSCRIPTIONS/X","listenerName":"HTTP-Listener","operationName":"ApplicationGatewayAccess","category":"ApplicationGatewayAccessLog","properties":{"instanceId":"appgw_2","clientIP":"185.42.129.24","clientPort":45057,"httpMethod":"GET","originalRequestUriWithArgs":"\/a%20b?c=d","requestUri":"\/a b","requestQuery":"c=d","userAgent":"Mozilla","httpStatus":200,"httpVersion":"HTTP\/1.1","receivedBytes":184,"sentBytes":466,"clientResponseTime":0,"timeTaken":0.034,"WAFEvaluationTime":"0.000","sslEnabled":"on","originalHost":"20.110.30.194","host":"10.0.0.1"}}`,
			`2021-10-14T22:17:10.966 GET /a%20b?c=d HTTP/1.1 scheme=https host=20.110.30.194 client=185.42.129.24 status=200 dur=34000 wire=466 [User-Agent: Mozilla]`},
		{"azure-app-gateway", "v2 without the original URI: what the gateway decoded is encoded again",
			`{"timeStamp":"2021-10-14T22:17:11Z","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"1.2.3.4","httpMethod":"GET","requestUri":"/a b?","requestQuery":"c=d","httpStatus":200,"timeTaken":0.034}}`,
			`2021-10-14T22:17:10.966 GET /a%20b%3F?c=d client=1.2.3.4 status=200 dur=34000`},

		// Fastly documentation, "Custom log formats" and "Useful log formats", JSON.
		{"fastly", "default format",
			`{"timestamp":"2023-05-04T10:00:00+0000","client_ip":"203.0.113.7","geo_country":"germany","host":"shop.example","url":"/a?b","request_method":"GET","request_protocol":"HTTP/1.1","request_referer":"","request_user_agent":"curl","response_state":"HIT","response_status":200,"response_reason":"OK","response_body_size":1024,"fastly_server":"cache-fra1","fastly_is_edge":true}`,
			`2023-05-04T10:00:00 GET /a?b HTTP/1.1 host=shop.example client=203.0.113.7 status=200 size=1024 [User-Agent: curl]`},
		{"fastly", "with the time taken",
			`{"time_start":"2023-05-04T10:00:00Z","time_end":"2023-05-04T10:00:01Z","time_elapsed":204118,"client_ip":"203.0.113.7","host":"h","url":"/","request_method":"GET","response_status":200,"fastly_is_edge":true}`,
			`2023-05-04T10:00:00 GET / host=h client=203.0.113.7 status=200 dur=204118`},

		// Istio documentation, "Envoy Access Logs", JSON encoding.
		{"istio-json", "default",
			`{"authority":"httpbin:8000","bytes_received":7,"bytes_sent":135,"connection_termination_details":null,"downstream_local_address":"10.32.0.15:80","downstream_remote_address":"10.32.0.13:57112","duration":1,"method":"GET","path":"/status/418?a","protocol":"HTTP/1.1","request_id":"84961386","requested_server_name":null,"response_code":418,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2020-11-25T21:26:18.409Z","upstream_cluster":"outbound","upstream_service_time":"4","user_agent":"curl/7.73.0-DEV","x_forwarded_for":null}`,
			`2020-11-25T21:26:18.409 GET /status/418?a HTTP/1.1 host=httpbin:8000 client=10.32.0.13 status=418 dur=1000 size=135 body_size=7 [X-Request-Id: 84961386] [User-Agent: curl/7.73.0-DEV]`},

		// Envoy Gateway documentation, "Proxy Access Logs"; Contour documentation, "Access Logging".
		{"envoy-json", "Envoy Gateway",
			`{"start_time":"2023-05-04T10:00:00.123Z","method":"GET","x-envoy-origin-path":"/a","protocol":"HTTP/2","response_code":"200","response_flags":"-","response_code_details":"via_upstream","bytes_received":"0","bytes_sent":"512","duration":"12","x-forwarded-for":"1.2.3.4","user-agent":"curl","x-request-id":"r",":authority":"h","upstream_host":"10.0.0.1:80","downstream_remote_address":"[::1]:5432"}`,
			`2023-05-04T10:00:00.123 GET /a HTTP/2 host=h client=::1 status=200 dur=12000 size=512 body_size=0 [X-Forwarded-For: 1.2.3.4] [User-Agent: curl] [X-Request-Id: r]`},
		{"envoy-json", "Contour",
			`{"@timestamp":"2020-08-20T20:52:27.985Z","authority":"h","bytes_received":0,"bytes_sent":9,"duration":3,"downstream_remote_address":"10.0.0.1:1","method":"GET","path":"/","protocol":"HTTP/1.1","response_code":200,"response_code_details":"via_upstream","response_flags":"-","user_agent":"x","x_forwarded_for":"10.0.0.9"}`,
			`2020-08-20T20:52:27.985 GET / HTTP/1.1 host=h client=10.0.0.1 status=200 dur=3000 size=9 body_size=0 [User-Agent: x] [X-Forwarded-For: 10.0.0.9]`},

		// Zeek documentation, "http.log", written with LogAscii::use_json.
		{"zeek-json", "epoch stamps",
			`{"ts":1547687130.172944,"uid":"CC","id.orig_h":"10.178.98.102","id.orig_p":62995,"id.resp_h":"17.253.5.203","username":"user","id.resp_p":80,"trans_depth":1,"method":"GET","host":"ocsp.apple.com","uri":"/a=","version":"1.1","user_agent":"com","request_body_len":0,"response_body_len":3735,"status_code":200,"status_msg":"OK","tags":[]}`,
			`2019-01-17T01:05:30.172944 GET /a= HTTP/1.1 host=ocsp.apple.com client=10.178.98.102 user status=200 size=3735 body_size=0 [User-Agent: com]`},
		{"zeek-json", "ISO stamps, nested id",
			`{"ts":"2019-01-17T01:05:30.172944Z","id":{"orig_h":"::1"},"trans_depth":1,"method":"GET","host":"h","uri":"/"}`,
			`2019-01-17T01:05:30.172944 GET / host=h client=::1`},

		// AWS WAF documentation, "Log examples".
		{"aws-waf", "allowed",
			`{"timestamp":1592357192516,"formatVersion":1,"webaclId":"arn","action":"ALLOW","httpSourceName":"ALB","httpRequest":{"clientIp":"52.46.82.45","country":"FR","headers":[{"name":"X-Forwarded-Proto","value":"https"},{"name":"Host","value":"h:443"},{"name":"User-Agent","value":"curl"}],"uri":"/a%20b","args":"x=1","httpVersion":"HTTP/1.1","httpMethod":"GET","requestId":"rid"},"labels":[{"name":"value"}]}`,
			`2020-06-17T01:26:32.516 GET /a%20b?x=1 HTTP/1.1 host=h:443 client=52.46.82.45 [X-Forwarded-Proto: https] [User-Agent: curl]`},

		// Elastic Common Schema reference, "HTTP", "URL", "Event", "User agent" fields.
		{"ecs", "nested, a duration",
			`{"@timestamp":"2023-05-04T10:00:01.000Z","ecs":{"version":"8.0"},"event":{"duration":500000000},"http":{"request":{"method":"GET","referrer":"http://r/","body":{"bytes":3}},"response":{"status_code":200,"body":{"bytes":9},"bytes":99},"version":"1.1"},"url":{"original":"https://h/a?b"},"source":{"ip":"::1"},"user":{"name":"bob"},"user_agent":{"original":"curl"}}`,
			`2023-05-04T10:00:00.5 GET /a?b HTTP/1.1 scheme=https host=h client=::1 bob status=200 dur=500000 size=9 wire=99 body_size=3 [Referer: http://r/] [User-Agent: curl]`},
		{"ecs", "dotted, start and end",
			`{"@timestamp":"2023-05-04T10:00:09Z","event.start":"2023-05-04T10:00:00.100Z","event.end":"2023-05-04T10:00:00.350Z","http.request.method":"POST","http.response.status_code":201,"url.path":"/a","url.query":"b=1","url.domain":"h","url.scheme":"https","client.ip":"1.2.3.4"}`,
			`2023-05-04T10:00:00.1 POST /a?b=1 scheme=https host=h client=1.2.3.4 status=201 dur=250000`},

		// OpenTelemetry, "Semantic conventions for HTTP spans"; OTLP's JSON encoding.
		{"otel", "a span of OTLP",
			`{"traceId":"5b","spanId":"ee","name":"GET /items/{id}","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661500000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/items/42"}},{"key":"url.query","value":{"stringValue":"x=1"}},{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"server.address","value":{"stringValue":"h"}},{"key":"client.address","value":{"stringValue":"1.2.3.4"}},{"key":"url.scheme","value":{"stringValue":"https"}},{"key":"user_agent.original","value":{"stringValue":"curl"}},{"key":"network.protocol.version","value":{"stringValue":"2"}},{"key":"http.route","value":{"stringValue":"/items/{id}"}}]}`,
			`2018-12-13T14:51:00 GET /items/42?x=1 HTTP/2 scheme=https host=h client=1.2.3.4 status=200 dur=1500000 [User-Agent: curl]`},
		{"otel", "a span with an object of attributes and the old names",
			`{"name":"GET","kind":"SpanKind.SERVER","start_time":"2023-05-04T10:00:00.123456Z","end_time":"2023-05-04T10:00:00.223456Z","attributes":{"http.method":"GET","http.scheme":"http","http.host":"h:8000","http.target":"/a?b","http.flavor":"1.1","http.status_code":200,"net.peer.ip":"127.0.0.1"}}`,
			`2023-05-04T10:00:00.123456 GET /a?b HTTP/1.1 scheme=http host=h:8000 client=127.0.0.1 status=200 dur=100000`},
		{"otel", "a wide event",
			`{"timestamp":"2023-05-04T10:00:00.1Z","duration_ms":12.5,"http.request.method":"GET","url.path":"/a","http.response.status_code":204}`,
			`2023-05-04T10:00:00.1 GET /a status=204 dur=12500`},
	} {
		t.Run(c.name+" "+c.what, func(t *testing.T) {
			for _, line := range []string{c.line, `<34>Oct 11 22:14:15 web1 app[1]: ` + c.line} {
				p, note, err := Detect([][]byte{[]byte(line)}, Options{})
				if err != nil || p.Name() != c.name {
					t.Fatalf("Detect = %v, %q, %v, want %s", p, note, err, c.name)
				}
				if got := parseOne(t, p, line); got != c.want {
					t.Errorf("detected (%s)\n got %s\nwant %s", note, got, c.want)
				}
			}
			p, err := New(Options{Format: c.name})
			if err != nil {
				t.Fatal(err)
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("named\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestJSONPresetSkips: what stands beside the requests in the same files.
func TestJSONPresetSkips(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"caddy", `{"level":"info","ts":1761019822.3,"msg":"using config from file","file":"/etc/caddy/Caddyfile"}`, reasonNone},
		{"caddy", `{"level":"info","ts":1761019822.3,"request":{"method":"GET"}}`, reasonRequest},
		{"caddy", `{"level":"info","ts":`, reasonJSON},
		{"caddy", `2022/03/09 plain text`, reasonMisfit},
		{"traefik-json", `{"level":"error","msg":"bad gateway","time":"2021-03-14T12:00:00Z"}`, reasonNone},
		{"gcp-lb", `{"textPayload":"hello","timestamp":"2023-05-04T10:00:00Z"}`, reasonNone},
		{"cloudflare", `{"ClientRequestHost":"h","ClientRequestMethod":"GET","ClientRequestURI":"/","EdgeStartTimestamp":1712790000100000000,"ClientRequestSource":"edgeWorkerFetch"}`, reasonNone},
		{"azure-front-door", `{"time":"2021-06-09T22:32:17.8383427Z","category":"FrontDoorWebApplicationFirewallLog","properties":{"httpMethod":"GET","requestUri":"https://h/"}}`, reasonNone},
		{"azure-app-gateway", `{"time":"2021-06-09T22:32:17Z","category":"ApplicationGatewayPerformanceLog","properties":{"requestCount":1}}`, reasonNone},
		{"otel", `{"kind":3,"startTimeUnixNano":"1544712660000000000","attributes":{"http.request.method":"GET","url.path":"/","http.response.status_code":200}}`, reasonNone},
		{"fastly", `{"timestamp":"2023-05-04T10:00:00Z","url":"/","request_method":"GET","response_status":200,"fastly_is_edge":false}`, reasonNone},
		{"envoy-json", `{"start_time":"2023-05-04T10:00:00.123Z","method":null,"path":null,"response_flags":"UF","duration":1}`, reasonNotHTTP},
	} {
		p, err := New(Options{Format: c.name})
		if err != nil {
			t.Fatal(err)
		}
		if got := parseOne(t, p, c.line); got != c.want {
			t.Errorf("%s: Parse(%s) = %s, want %s", c.name, c.line, got, c.want)
		}
	}
}

// TestCaddyAmongRuntimeLines: a file that begins with what the server says about itself.
func TestCaddyAmongRuntimeLines(t *testing.T) {
	lines := strings.Repeat(`{"level":"info","ts":1761019822.3,"logger":"tls","msg":"finished cleaning storage units"}`+"\n", 30) +
		strings.Repeat(`{"ts":1646861401.5,"request":{"remote_ip":"::1","proto":"HTTP/1.1","method":"GET","host":"h","uri":"/"},"duration":0.5,"size":0,"status":200}`+"\n", 2)
	var split [][]byte
	for _, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		split = append(split, []byte(l))
	}
	p, _, err := Detect(split, Options{})
	if err != nil || p.Name() != "caddy" {
		t.Fatalf("Detect = %v, %v, want caddy", p, err)
	}
	if requests, l := tally(t, p, split); len(requests) != 2 || l.Skipped[reasonNone] != 30 {
		t.Errorf("%d requests, skipped %v, want 2 and 30", len(requests), l.Skipped)
	}
}
