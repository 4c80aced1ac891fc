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
	{"istio-json", envoyJSON, istioMap, false},
	{"envoy-json", envoyJSON, envoyMap, false},
	{"zeek-json", compileFieldMap, zeekMap, false},
	{"aws-waf", compileFieldMap, wafMap, false},
	{"ecs", compileFieldMap, ecsMap, true},
	{"otel", otel, otelMap, false},
}

// Caddy stamps when it writes, which is when the request has ended. Its encoder may write ts as any kind of stamp, and
// duration as seconds (with a point), "1.5ms", whole milliseconds or whole nanoseconds. What is logged by the server itself has no request.
const caddyMap = `
	stamp=.ts
	duration=.duration
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

// Traefik logs when a request began, and the duration in nanoseconds; "time" is when the line was written. RequestPath
// holds the query; RequestAddr is the Host field, RequestHost the same without its port. OriginStatus is 0 where Traefik
// answered by itself.
const traefikMap = `
	!at=.StartUTC:rfc3339
	!at=.StartLocal:rfc3339
	duration=.Duration:ns
	!method=.RequestMethod
	!target=.RequestPath
	host=.RequestAddr
	host=.RequestHost
	proto=.RequestProtocol
	scheme=.RequestScheme
	status=.DownstreamStatus
	status=.OriginStatus
	resp_size=.DownstreamContentSize
	body_size=.RequestContentSize
	client=.ClientHost
	client=.ClientAddr
	user=.ClientUsername
	tls=.TLSVersion
	header.*=.request_*
	resp_header.*=.downstream_*`
