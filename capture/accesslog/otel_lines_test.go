package accesslog

// OpenTelemetry documentation, "Semantic conventions for HTTP spans" ("HTTP server", "HTTP server span"; the older ones of
// version 1.20 and before), "OTLP Specification", "JSON Protobuf Encoding", "Trace Data Model"; the record of a span is what
// a batch holds. A span of the server begins with the request; server.address and server.port are the Host field's.
var otelLines = []documentedLine{
	{"otel", "a server span",
		`{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"GET /items/{id}","kind":2,"startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"1544712661500000001","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/items/42"}},{"key":"url.query","value":{"stringValue":"x=1"}},{"key":"url.scheme","value":{"stringValue":"https"}},{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"http.route","value":{"stringValue":"/items/{id}"}},{"key":"server.address","value":{"stringValue":"example.com"}},{"key":"server.port","value":{"intValue":"443"}},{"key":"client.address","value":{"stringValue":"83.164.160.102"}},{"key":"network.peer.address","value":{"stringValue":"10.1.2.80"}},{"key":"network.protocol.version","value":{"stringValue":"1.1"}},{"key":"user_agent.original","value":{"stringValue":"CERN-LineMode/2.15 libwww/2.17b3"}}],"status":{}}`,
		`2018-12-13T14:51:00.000000001 GET /items/42?x=1 HTTP/1.1 scheme=https host=example.com client=83.164.160.102 status=200 dur=1500000 [User-Agent: CERN-LineMode/2.15 libwww/2.17b3]`},
	{"otel", "a port of its own, sizes, headers as lists",
		`{"kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660025000000","attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"url.path","value":{"stringValue":"/a"}},{"key":"http.response.status_code","value":{"intValue":201}},{"key":"server.address","value":{"stringValue":"shop.example"}},{"key":"server.port","value":{"intValue":8080}},{"key":"url.scheme","value":{"stringValue":"http"}},{"key":"http.request.body.size","value":{"intValue":"3495"}},{"key":"http.response.body.size","value":{"intValue":"99"}},{"key":"http.response.size","value":{"intValue":"512"}},{"key":"http.request.header.content-type","value":{"arrayValue":{"values":[{"stringValue":"application/json"}]}}},{"key":"http.request.header.x-two","value":{"arrayValue":{"values":[{"stringValue":"a, b"},{"stringValue":"c"}]}}},{"key":"http.response.header.etag","value":{"arrayValue":{"values":[{"stringValue":"W/1"}]}}}]}`,
		`2018-12-13T14:51:00 POST /a scheme=http host=shop.example:8080 status=201 dur=25000 size=99 wire=512 body_size=3495 [content-type: application/json] [x-two: a, b] <etag: W/1>`},
	{"otel", "a method that the instrumentation does not know",
		`{"kind":2,"startTimeUnixNano":1544712660000000000,"endTimeUnixNano":1544712660001000000,"attributes":[{"key":"http.request.method_original","value":{"stringValue":"ACL"}},{"key":"http.request.method","value":{"stringValue":"_OTHER"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"http.response.status_code","value":{"intValue":"405"}}]}`,
		`2018-12-13T14:51:00 ACL / status=405 dur=1000`},
	{"otel", "the old names, attributes as an object",
		`{"name":"GET","kind":"SpanKind.SERVER","start_time":"2023-05-04T10:00:00.123456Z","end_time":"2023-05-04T10:00:00.223456Z","attributes":{"http.method":"GET","http.scheme":"http","http.host":"h:8000","net.host.port":8000,"http.target":"/a?b","http.flavor":"1.1","http.status_code":200,"net.peer.ip":"127.0.0.1","http.user_agent":"curl","http.request_content_length":0,"http.response_content_length":12}}`,
		`2023-05-04T10:00:00.123456 GET /a?b HTTP/1.1 scheme=http host=h:8000 client=127.0.0.1 status=200 dur=100000 size=12 body_size=0 [User-Agent: curl]`},
	{"otel", "the old names, a URL, headers with underscores",
		`{"kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660001000000","attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"http.url","value":{"stringValue":"https://h:8443/a%20b?c=d"}},{"key":"http.status_code","value":{"intValue":"200"}},{"key":"http.client_ip","value":{"stringValue":"1.2.3.4"}},{"key":"net.sock.peer.addr","value":{"stringValue":"10.0.0.1"}},{"key":"http.request.header.accept_language","value":{"arrayValue":{"values":[{"stringValue":"de"}]}}}]}`,
		`2018-12-13T14:51:00 GET /a%20b?c=d scheme=https host=h:8443 client=1.2.3.4 status=200 dur=1000 [accept-language: de]`},
	{"otel", "both names at once (http/dup)",
		`{"kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660001000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"http.method","value":{"stringValue":"GET"}},{"key":"http.target","value":{"stringValue":"/a?b=c"}},{"key":"url.path","value":{"stringValue":"/a"}},{"key":"url.query","value":{"stringValue":"b=c"}},{"key":"http.response.status_code","value":{"intValue":"500"}},{"key":"http.status_code","value":{"intValue":"500"}},{"key":"error.type","value":{"stringValue":"500"}}]}`,
		`2018-12-13T14:51:00 GET /a?b=c status=500 dur=1000`},
	{"otel", "among spans that are not a server's: a client, one inside, a consumer, and gRPC",
		`{"kind":2,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}` + "\n" +
			`{"kind":3,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.full","value":{"stringValue":"https://api/"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}` + "\n" +
			`{"kind":1,"startTimeUnixNano":"1544712660000000000","name":"render","attributes":[]}` + "\n" +
			`{"kind":"SPAN_KIND_CONSUMER","startTimeUnixNano":"1544712660000000000","attributes":[{"key":"messaging.system","value":{"stringValue":"kafka"}}]}` + "\n" +
			`{"kind":0,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}}]}` + "\n" +
			`{"kind":2,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"rpc.system","value":{"stringValue":"grpc"}},{"key":"rpc.method","value":{"stringValue":"SayHello"}}]}`,
		"2018-12-13T14:51:00 GET / status=200\n" + reasonNone + "\n" + reasonNone + "\n" + reasonNone + "\n" + reasonNone + "\n" + reasonNone},
	{"otel", "the connection dropped before an answer, among others",
		`{"kind":2,"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}` + "\n" +
			`{"kind":2,"startTimeUnixNano":"1544712661000000000","endTimeUnixNano":"1544712662000000000","attributes":[{"key":"http.request.method","value":{"stringValue":"PUT"}},{"key":"url.path","value":{"stringValue":"/b"}},{"key":"error.type","value":{"stringValue":"timeout"}}]}`,
		"2018-12-13T14:51:00 GET / status=200\n2018-12-13T14:51:01 PUT /b dur=1000000"},
	{"otel", "a log record of a request that ended",
		`{"timeUnixNano":"1544712661500000000","observedTimeUnixNano":"1544712662000000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"request"},"attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/items"}},{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"client.address","value":{"stringValue":"1.2.3.4"}}],"traceId":"","spanId":""}`,
		`2018-12-13T14:51:01.5 GET /items client=1.2.3.4 status=200`},
	{"otel", "a wide event, keys of the line",
		`{"timestamp":"2023-05-04T10:00:00.1Z","duration_ms":12.5,"http.request.method":"GET","url.path":"/a","url.query":"b","http.response.status_code":204,"server.address":"h","url.scheme":"https","span.kind":"server"}`,
		`2023-05-04T10:00:00.1 GET /a?b scheme=https host=h status=204 dur=12500`},
}
