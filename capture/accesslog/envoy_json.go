package accesslog

// envoyJSON compiles a field map of Envoy's. A line with response_flags and without method and path is a connection that
// carried no HTTP.
func envoyJSON(fields string) (*format, error) {
	f, err := compileFieldMap(fields)
	if err == nil {
		f.without = reasonNotHTTP
	}
	return f, err
}

// istioMap is Istio's default with accessLogEncoding: JSON.
const istioMap = `
	!at=.start_time
	duration=.duration:ms
	!method=.method
	target=.x-envoy-origin-path
	target=.x-envoy-original-path
	!target=.path
	!host=.authority
	proto=.protocol
	status=.response_code
	resp_size=.bytes_sent
	body_size=.bytes_received
	!client=.downstream_remote_address
	!key=.response_flags
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
