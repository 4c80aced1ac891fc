package accesslog

import "strings"

const (
	fastlyDefault = `{"timestamp":"2025-05-09T09:13:14+0000","client_ip":"203.0.113.7","geo_country":"united states","geo_city":"the dalles","host":"shop.example","url":"/a?b=%20c","request_method":"GET","request_protocol":"HTTP/1.1","request_referer":"","request_user_agent":"Mozilla/5.0","response_state":"MISS-CLUSTER","response_status":404,"response_reason":"Not Found","response_body_size":826,"fastly_server":"cache-bfi-kbfi7400031-BFI","fastly_is_edge":true}`
	fastlyWant    = `2025-05-09T09:13:14 GET /a?b=%20c HTTP/1.1 host=shop.example client=203.0.113.7 status=404 size=826 [User-Agent: Mozilla/5.0]`

	fastlyBigQuery = `{"timestamp":"2018-04-27T15:46:35","time_elapsed":365501,"is_tls":true,"client_ip":"203.0.113.7","geo_city":"birmingham","geo_country_code":"GB","request":"POST","host":"(null)","url":"/ping","request_referer":"","request_user_agent":"curl/7.47.0","request_accept_language":"en-US,en;q=0.5","request_accept_charset":"","cache_status":"PASS"}`
	fastlyLong     = `{"service_id":"s","time_start":TIMES,"time_elapsed":204118,"client_ip":"2001:db8::7","request":"GET","protocol":"HTTP/2","host":"shop.example","origin_host":"o.example","url":"/","is_ipv6":true,"is_tls":true,"tls_client_protocol":"TLSv1.3","is_h2":true,"is_h2_push":false,"request_referer":"(null)","request_user_agent":"curl","request_accept_content":"*/*","request_accept_language":"(null)","request_accept_encoding":"gzip","request_accept_charset":"(null)","request_x_forwarded_for":"(null)","status":"200","content_type":"text/html","cache_status":"HIT","req_header_size":300,"req_body_size":0,"resp_header_size":400,"resp_body_size":5120}`
	fastlyLongWant = ` GET / HTTP/2 scheme=https host=shop.example client=2001:db8::7 status=200 dur=204118 size=5120 body_size=0 [User-Agent: curl] [Accept: */*] [Accept-Encoding: gzip] <Content-Type: text/html>`
)

// fastlyCases follow Fastly, "Useful variables to log" (time of the start and the end, time.elapsed in microseconds),
// "Custom log formats" ("Version 2 log format"), "Changing log line formats", the format with which its log endpoints
// begin, "Log streaming: Google BigQuery" ("Example format") and its longer form in "Useful log formats" and others' pages.
var fastlyCases = []vendorCase{
	{"fastly", "the format that endpoints begin with", fastlyDefault, fastlyWant},
	{"fastly", "without a client's address and a zone", strings.NewReplacer(`"client_ip":"203.0.113.7",`, "", "+0000", "").Replace(fastlyDefault), strings.Replace(fastlyWant, "client=203.0.113.7 ", "", 1)},
	{"fastly", "no reason, escaped", strings.NewReplacer(`"Not Found"`, "null", `Mozilla/5.0`, `a \"b\" \u00e9`).Replace(fastlyDefault), strings.Replace(fastlyWant, "Mozilla/5.0", `a "b" é`, 1)},
	// Example format of BigQuery: request is the method, host "(null)" where no shield set Fastly-Orig-Host.
	{"fastly", "BigQuery's example", fastlyBigQuery,
		`2018-04-27T15:46:35 POST /ping scheme=https client=203.0.113.7 dur=365501 [User-Agent: curl/7.47.0] [Accept-Language: en-US,en;q=0.5]`},
	{"fastly", "BigQuery's example without TLS", strings.Replace(fastlyBigQuery, `"is_tls":true`, `"is_tls":false`, 1),
		`2018-04-27T15:46:35 POST /ping scheme=http client=203.0.113.7 dur=365501 [User-Agent: curl/7.47.0] [Accept-Language: en-US,en;q=0.5]`},
	// %{begin:…}t and %{end:…}t in milliseconds, and with the name of the zone.
	{"fastly", "milliseconds", strings.Replace(fastlyLong, "TIMES", `1524843995123,"time_end":1524843995327`, 1), `2018-04-27T15:46:35.123` + fastlyLongWant},
	{"fastly", "the name of the zone", strings.Replace(fastlyLong, "TIMES", `"2018-04-27T15:46:35UTC","time_end":"2018-04-27T15:46:36UTC"`, 1), `2018-04-27T15:46:35` + fastlyLongWant},
	{"fastly", "milliseconds and no time taken", strings.NewReplacer("TIMES", `1524843995123,"time_end":1524843995327`, `"time_elapsed":204118,`, "").Replace(fastlyLong),
		`2018-04-27T15:46:35.123` + strings.Replace(fastlyLongWant, "dur=204118", "dur=204000", 1)},
	{"fastly", "no host of the client", strings.NewReplacer("TIMES", `1524843995123`, `"host":"shop.example"`, `"host":"(null)"`).Replace(fastlyLong),
		`2018-04-27T15:46:35.123` + strings.Replace(fastlyLongWant, "shop.example", "o.example", 1)},
	// The format of docs/capture-logs.md: time.start.usec, time.to_first_byte.
	{"fastly", "microseconds and the first byte",
		`{"timestamp":1524843995123456,"time_elapsed":204118,"time_to_first_byte":0.151,"client_ip":"203.0.113.7","is_tls":true,"host":"shop.example","url":"/a","request_method":"PUT","request_protocol":"HTTP/1.1","request_user_agent":"curl","req_body_size":12,"response_status":201,"response_body_size":5,"fastly_is_edge":true}`,
		`2018-04-27T15:46:35.123456 PUT /a HTTP/1.1 scheme=https host=shop.example client=203.0.113.7 status=201 dur=204118 first=151000 size=5 body_size=12 [User-Agent: curl]`},

	{"fastly", "between two of its machines", strings.Replace(fastlyDefault, `"fastly_is_edge":true`, `"fastly_is_edge":false`, 1), reasonNone},
	{"fastly", "between two of its machines, as a number", strings.Replace(fastlyDefault, `"fastly_is_edge":true`, `"fastly_is_edge":"0"`, 1), reasonNone},
	{"fastly", "pushed", strings.NewReplacer("TIMES", `1524843995123`, `"is_h2_push":false`, `"is_h2_push":true`).Replace(fastlyLong), reasonNone},
	{"fastly", "debug line of the firewall", `{"type":"debug_logs","service_id":"s","request_id":"r","waf_rule_id":"1","waf_message":"m"}`, reasonNone},
}
