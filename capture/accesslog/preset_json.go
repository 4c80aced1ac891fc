package accesslog

// cloudPresets are JSON dialects whose keys are known. Each is a field map (fieldmap.go).
var cloudPresets = []preset{
	{"caddy", compileFieldMap, caddyMap, true},
	{"traefik-json", compileFieldMap, traefikMap, false},
	{"gcp-lb", compileFieldMap, gcpMap, false},
	{"cloudflare", compileFieldMap, cloudflareMap, false},
	{"azure-front-door", compileFieldMap, frontDoorMap, true},
	{"azure-app-gateway", compileGateway, appGatewayMap, true},
	{"fastly", compileFieldMap, fastlyMap, false},
	{"istio-json", compileFieldMap, istioMap, false},
	{"envoy-json", compileFieldMap, envoyMap, false},
	{"zeek-json", compileFieldMap, zeekMap, false},
	{"aws-waf", compileFieldMap, wafMap, false},
	{"ecs", compileFieldMap, ecsMap, true},
	{"otel", compileFieldMap, otelMap, false},
}

// Caddy stamps when it writes, which is when the request has ended. Its encoder may write ts as any kind of stamp and
// duration as "1.5ms". What is logged by the server itself has no request.
const caddyMap = `
	stamp=.ts
	duration=.duration:s
	!method=.request.method
	!target=.request.uri
	host=.request.host
	proto=.request.proto
	client=.request.client_ip
	client=.request.remote_ip
	client=.request.remote_addr
	user=.user_id
	tls=.request.tls.proto
	tls=.request.tls.version
	status=.status
	!resp_size=.size
	body_size=.bytes_read
	header.*=.request.headers.*
	resp_header.*=.resp_headers.*`

// Traefik logs when a request began, and the duration in nanoseconds. RequestPath holds the query.
const traefikMap = `
	!at=.StartUTC:rfc3339
	at=.StartLocal:rfc3339
	duration=.Duration:ns
	!method=.RequestMethod
	!target=.RequestPath
	host=.RequestHost
	host=.RequestAddr
	proto=.RequestProtocol
	scheme=.RequestScheme
	status=.DownstreamStatus
	resp_size=.DownstreamContentSize
	body_size=.RequestContentSize
	client=.ClientHost
	client=.ClientAddr
	user=.ClientUsername
	tls=.TLSVersion
	header.*=.request_*
	resp_header.*=.downstream_*`

const istioMap = `
	!at=.start_time
	duration=.duration:ms
	!method=.method
	!target=.path
	!host=.authority
	proto=.protocol
	status=.response_code
	resp_size=.bytes_sent
	body_size=.bytes_received
	!client=.downstream_remote_address
	header.User-Agent=.user_agent
	header.X-Forwarded-For=.x_forwarded_for
	header.X-Request-Id=.request_id`

// Envoy has no JSON of its own: these are the keys of Envoy Gateway and Contour. The path is the one before rewriting.
const envoyMap = `
	at=.start_time
	at=.@timestamp
	duration=.duration:ms
	method=.method
	method=.":method"
	target=.x-envoy-origin-path
	target=.x-envoy-original-path
	target=.path
	target=.":path"
	host=.":authority"
	host=.authority
	proto=.protocol
	status=.response_code
	resp_size=.bytes_sent
	body_size=.bytes_received
	client=.downstream_remote_address
	header.User-Agent=.user-agent
	header.User-Agent=.user_agent
	header.X-Forwarded-For=.x-forwarded-for
	header.X-Forwarded-For=.x_forwarded_for
	header.X-Request-Id=.x-request-id
	header.X-Request-Id=.request_id
	!key=.response_flags
	!key=.response_code_details`

// Zeek stamps when the request was seen.
const zeekMap = `
	!at=.ts
	!method=.method
	target=.uri
	host=.host
	proto=.version
	status=.status_code
	resp_size=.response_body_len
	body_size=.request_body_len
	!client=.id.orig_h
	header.User-Agent=.user_agent
	header.Referer=.referrer
	header.Origin=.origin
	user=.username
	!key=.trans_depth`

const ecsMap = `
	at=.event.start
	end=.event.end
	!stamp=.@timestamp
	duration=.event.duration:ns
	!method=.http.request.method
	!url=.url.original
	!url=.url.full
	!path=.url.path
	query=.url.query
	host=.url.domain
	scheme=.url.scheme
	proto=.http.version
	status=.http.response.status_code
	resp_size=.http.response.body.bytes
	resp_wire=.http.response.bytes
	body_size=.http.request.body.bytes
	client=.client.ip
	client=.source.ip
	client=.client.address
	client=.source.address
	user=.user.name
	tls=.tls.version
	header.User-Agent=.user_agent.original
	header.Referer=.http.request.referrer`

// Spans and wide events with the names of OpenTelemetry's semantic conventions, the old ones too; attributes may be
// keys of the line, or an object or a list under .attributes. Spans of clients are requests that the service itself made.
const otelMap = `
	at=.startTimeUnixNano
	at=.start_time_unix_nano
	at=.start_time
	at=.startTime
	at=.timestamp
	at=.Timestamp
	end=.endTimeUnixNano
	end=.end_time_unix_nano
	end=.end_time
	end=.endTime
	duration=.duration_ms:ms
	duration=.durationNano:ns
	duration=.Duration:ns
	never=.kind:1|3|4|5|SPAN_KIND_CLIENT|SPAN_KIND_INTERNAL|SpanKind.CLIENT|SpanKind.INTERNAL|client|internal
	never=.SpanKind:Client|Internal|SPAN_KIND_CLIENT|SPAN_KIND_INTERNAL
	never=.span.kind:client|internal
	pairs=.attributes
	!method=.http.request.method
	!method=.attributes.http.request.method
	!method=.http.method
	!method=.attributes.http.method
	target=.http.target
	target=.attributes.http.target
	url=.url.full
	url=.attributes.url.full
	url=.http.url
	url=.attributes.http.url
	path=.url.path
	path=.attributes.url.path
	query=.url.query
	query=.attributes.url.query
	host=.server.address
	host=.attributes.server.address
	host=.http.host
	host=.attributes.http.host
	host=.net.host.name
	host=.attributes.net.host.name
	scheme=.url.scheme
	scheme=.attributes.url.scheme
	scheme=.http.scheme
	scheme=.attributes.http.scheme
	proto=.network.protocol.version
	proto=.attributes.network.protocol.version
	proto=.http.flavor
	proto=.attributes.http.flavor
	!status=.http.response.status_code
	!status=.attributes.http.response.status_code
	!status=.http.status_code
	!status=.attributes.http.status_code
	body_size=.http.request.body.size
	body_size=.attributes.http.request.body.size
	body_size=.http.request_content_length
	body_size=.attributes.http.request_content_length
	resp_size=.http.response.body.size
	resp_size=.attributes.http.response.body.size
	resp_size=.http.response_content_length
	resp_size=.attributes.http.response_content_length
	client=.client.address
	client=.attributes.client.address
	client=.http.client_ip
	client=.attributes.http.client_ip
	client=.net.peer.ip
	client=.attributes.net.peer.ip
	client=.network.peer.address
	client=.attributes.network.peer.address
	user=.enduser.id
	user=.attributes.enduser.id
	header.User-Agent=.user_agent.original
	header.User-Agent=.attributes.user_agent.original
	header.User-Agent=.http.user_agent
	header.User-Agent=.attributes.http.user_agent
	header.*=.http.request.header.*
	header.*=.attributes.http.request.header.*`
