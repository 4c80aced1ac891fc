package accesslog

// gcpCases follow Google Cloud, "Global external Application Load Balancer logging and monitoring" (sections "What is
// logged", "statusDetails HTTP success messages", "statusDetails HTTP failure messages"), "Regional external Application
// Load Balancer logging and monitoring", the definitions of google.logging.type.HttpRequest and of LogEntry, and "View logs
// routed to BigQuery" (field naming).
var gcpCases = []vendorCase{
	// HttpRequest: latency is from the request received to the response sent, sizes count the headers.
	{"gcp-lb", "answer of a backend",
		`{"httpRequest":{"latency":"0.171373s","referer":"https://m.example/","remoteIp":"203.0.113.9","requestMethod":"GET","requestSize":"450","requestUrl":"https://log.example/pixel.png?kc=wi&cu=https%3A%2F%2Fm.example%2F%3Fm%3D1","responseSize":"520","serverIp":"10.124.24.5","status":200,"userAgent":"Mozilla/5.0 (iPhone)"},"insertId":"6dud28flj6yki","jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","statusDetails":"response_sent_by_backend","backendTargetProjectNumber":"projects/1"},"logName":"projects/p/logs/requests","receiveTimestamp":"2021-12-22T00:00:00.953792809Z","resource":{"labels":{"backend_service_name":"b","forwarding_rule_name":"f","project_id":"p","target_proxy_name":"t","url_map_name":"u","zone":"global"},"type":"http_load_balancer"},"severity":"INFO","spanId":"903fc7e24f93843b","timestamp":"2021-12-22T00:00:00.612441Z","trace":"projects/p/traces/d7d2"}`,
		`2021-12-22T00:00:00.612441 GET /pixel.png?kc=wi&cu=https%3A%2F%2Fm.example%2F%3Fm%3D1 scheme=https host=log.example client=203.0.113.9 status=200 dur=171373 wire=520 [Referer: https://m.example/] [User-Agent: Mozilla/5.0 (iPhone)]`},
	// "Cloud CDN": what the cache answered has no latency and no serverIp.
	{"gcp-lb", "answer of the cache",
		`{"insertId":"1oek5rg3l3fxj7","jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","cacheId":"SFO-fbae48ad","statusDetails":"response_from_cache"},"httpRequest":{"requestMethod":"GET","requestUrl":"http://203.0.113.4/static/three-cats.jpg","requestSize":"577","status":304,"responseSize":"157","userAgent":"Mozilla/5.0","remoteIp":"198.51.100.20","cacheHit":true,"cacheLookup":true},"resource":{"type":"http_load_balancer","labels":{"zone":"global"}},"timestamp":"2020-06-08T23:41:30.078651Z","severity":"INFO","logName":"projects/p/logs/requests","receiveTimestamp":"2020-06-08T23:41:30.588272510Z"}`,
		`2020-06-08T23:41:30.078651 GET /static/three-cats.jpg scheme=http host=203.0.113.4 client=198.51.100.20 status=304 wire=157 [User-Agent: Mozilla/5.0]`},
	// statusDetails HTTP failure messages: failed_to_pick_backend, backend_timeout.
	{"gcp-lb", "no backend",
		`{"httpRequest":{"latency":"0.000864s","remoteIp":"198.51.100.1","requestMethod":"GET","requestSize":"385","requestUrl":"http://203.0.113.5/favicon.ico","responseSize":"488","status":502,"userAgent":"Mozilla/5.0 (X11)"},"jsonPayload":{"statusDetails":"failed_to_pick_backend"},"resource":{"type":"http_load_balancer"},"severity":"WARNING","timestamp":"2021-06-09T15:17:24.7Z"}`,
		`2021-06-09T15:17:24.7 GET /favicon.ico scheme=http host=203.0.113.5 client=198.51.100.1 status=502 dur=864 wire=488 [User-Agent: Mozilla/5.0 (X11)]`},
	{"gcp-lb", "the backend took too long, whole seconds",
		`{"httpRequest":{"latency":"30s","remoteIp":"198.51.100.1","requestMethod":"POST","requestUrl":"https://api.example:443/slow","requestSize":"70","responseSize":"447","status":502},"jsonPayload":{"statusDetails":"backend_timeout"},"resource":{"type":"http_load_balancer"},"timestamp":"2021-06-09T15:17:24Z"}`,
		`2021-06-09T15:17:24 POST /slow scheme=https host=api.example client=198.51.100.1 status=502 dur=30000000 wire=447`},
	// client_disconnected_before_any_response: no status is logged.
	{"gcp-lb", "the client went away",
		`{"httpRequest":{"latency":"9.999s","remoteIp":"198.51.100.1","requestMethod":"GET","requestUrl":"https://api.example/zip?id=1","requestSize":"612","userAgent":"curl/8"},"jsonPayload":{"statusDetails":"client_disconnected_before_any_response"},"resource":{"type":"http_load_balancer"},"timestamp":"2026-09-13T12:22:37.5Z"}`,
		`2026-09-13T12:22:37.5 GET /zip?id=1 scheme=https host=api.example client=198.51.100.1 dur=9999000 [User-Agent: curl/8]`},
	// denied_by_security_policy (Cloud Armor): the client did ask.
	{"gcp-lb", "denied by a security policy",
		`{"httpRequest":{"latency":"0.000240s","remoteIp":"192.0.2.66","requestMethod":"GET","requestUrl":"https://api.example/?q='+or+1=1","requestSize":"99","responseSize":"258","status":403,"userAgent":"sqlmap"},"jsonPayload":{"statusDetails":"denied_by_security_policy","enforcedSecurityPolicy":{"name":"edge","outcome":"DENY","configuredAction":"DENY","priority":1000}},"resource":{"type":"http_load_balancer"},"timestamp":"2023-05-04T10:00:00.000001Z"}`,
		`2023-05-04T10:00:00.000001 GET /?q='+or+1=1 scheme=https host=api.example client=192.0.2.66 status=403 dur=240 wire=258 [User-Agent: sqlmap]`},
	{"gcp-lb", "addresses with ports, protocol, a port of one's own",
		`{"httpRequest":{"requestMethod":"GET","requestUrl":"http://203.0.113.4:8080/a","requestSize":"577","status":200,"responseSize":"157","remoteIp":"198.51.100.20:9989","serverIp":"10.5.3.1:9090","protocol":"HTTP/2.0","referer":"https://developer.example/","latency":"0.25s"},"resource":{"type":"http_load_balancer"},"timestamp":"2020-06-08T23:41:30.078Z"}`,
		`2020-06-08T23:41:30.078 GET /a HTTP/2.0 scheme=http host=203.0.113.4:8080 client=198.51.100.20 status=200 dur=250000 wire=157 [Referer: https://developer.example/]`},
	// Regional external Application Load Balancer: proxyStatus (RFC 9209) instead of statusDetails.
	{"gcp-lb", "regional",
		`{"httpRequest":{"latency":"0.012s","remoteIp":"2001:db8::9","requestMethod":"PUT","requestUrl":"https://[2001:db8::1]/x","requestSize":"1200","responseSize":"301","status":500,"protocol":"HTTP/1.1"},"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","proxyStatus":"details=\"response_sent_by_backend\""},"resource":{"type":"http_external_regional_lb_rule","labels":{"region":"europe-west1"}},"timestamp":"2024-02-29T23:59:59.999999Z"}`,
		`2024-02-29T23:59:59.999999 PUT /x HTTP/1.1 scheme=https host=[2001:db8::1] client=2001:db8::9 status=500 dur=12000 wire=301`},
	// BigQuery: latency is a number of seconds, the time has a blank and a zone, @type is in the name of a field.
	{"gcp-lb", "a row of BigQuery",
		`{"httpRequest":{"requestMethod":"GET","requestUrl":"https://api.example/a","requestSize":"450","status":"200","responseSize":"520","userAgent":"curl","remoteIp":"203.0.113.9","serverIp":"10.0.0.2","referer":null,"cacheLookup":null,"latency":"0.171373","protocol":null},"insertId":"x","jsonpayload_type_loadbalancerlogentry":{"statusdetails":"response_sent_by_backend"},"logName":"projects/p/logs/requests","receiveTimestamp":"2021-12-22 00:00:00.953792 UTC","severity":"INFO","timestamp":"2021-12-22 00:00:00.612441 UTC"}`,
		`2021-12-22T00:00:00.612441 GET /a scheme=https host=api.example client=203.0.113.9 status=200 dur=171373 wire=520 [User-Agent: curl]`},
	{"gcp-lb", "WebSocket",
		`{"httpRequest":{"latency":"61.5s","remoteIp":"198.51.100.1","requestMethod":"GET","requestUrl":"https://api.example/ws","requestSize":"700","responseSize":"9000","status":101},"jsonPayload":{"statusDetails":"websocket_closed"},"resource":{"type":"http_load_balancer"},"timestamp":"2023-05-04T10:00:00.5Z"}`,
		`2023-05-04T10:00:00.5 GET /ws scheme=https host=api.example client=198.51.100.1 status=101 dur=61500000 wire=9000`},
	{"gcp-lb", "unsupported method",
		`{"httpRequest":{"remoteIp":"198.51.100.1","requestMethod":"TRACE","requestUrl":"http://api.example/","requestSize":"70","status":405,"latency":"0.0001s"},"jsonPayload":{"statusDetails":"unsupported_method"},"resource":{"type":"http_load_balancer"},"timestamp":"2023-05-04T10:00:00.5Z"}`,
		`2023-05-04T10:00:00.5 TRACE / scheme=http host=api.example client=198.51.100.1 status=405 dur=100`},

	// Beside them in an export of a project.
	{"gcp-lb", "proxy Network Load Balancer", `{"jsonPayload":{"@type":"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","connection":{"clientIp":"192.0.2.1","clientPort":5000,"protocol":6},"startTime":"2023-05-04T10:00:00Z","endTime":"2023-05-04T10:00:01Z","clientBytesReceived":"10"},"resource":{"type":"l4_proxy_rule"},"timestamp":"2023-05-04T10:00:00.5Z"}`, reasonNone},
	{"gcp-lb", "change of a health check", `{"jsonPayload":{"healthCheckProbeResult":{"healthState":"UNHEALTHY","probeResultText":"HTTP response: , Error: Timeout waiting for connect"}},"logName":"projects/p/logs/compute.googleapis.com%2Fhealthchecks","resource":{"type":"gce_instance_group"},"timestamp":"2023-05-04T10:00:00.5Z"}`, reasonNone},
	{"gcp-lb", "audit log", `{"protoPayload":{"methodName":"v1.compute.urlMaps.patch","requestMetadata":{"callerIp":"192.0.2.1"}},"logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2023-05-04T10:00:00.5Z"}`, reasonNone},
	{"gcp-lb", "a request whose line could not be read", `{"httpRequest":{"remoteIp":"198.51.100.1","status":400,"requestSize":"10","responseSize":"273"},"jsonPayload":{"statusDetails":"body_not_allowed"},"resource":{"type":"http_load_balancer"},"timestamp":"2023-05-04T10:00:00.5Z"}`, reasonNone},
}
