package accesslog

// otel compiles the field map of OpenTelemetry. Its older conventions wrote the hyphens of header names as underscores.
func otel(fields string) (*format, error) {
	f, err := compileFieldMap(fields)
	if err == nil {
		f.hyphens = true
	}
	return f, err
}

// otelMap is for spans, log records and wide events with the names of OpenTelemetry's semantic conventions, the old ones
// too; attributes may be keys of the line, or an object or a list under .attributes. A span begins with the request; a
// log record with a status tells of one that ended. Spans of clients are requests that the service itself made, and only
// those of servers count where a kind is given. server.address and server.port are the Host field taken apart, so they
// are joined again; net.host.port is the listener's.
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
	end=.timeUnixNano
	duration=.duration_ms:ms
	duration=.durationNano:ns
	duration=.Duration:ns
	only=.kind:2|SPAN_KIND_SERVER|SpanKind.SERVER|SERVER|Server|server
	only=.SpanKind:2|SPAN_KIND_SERVER|SERVER|Server|server
	only=.spanKind:2|SPAN_KIND_SERVER|SERVER|Server|server
	only=.span.kind:2|SPAN_KIND_SERVER|SERVER|Server|server
	only=.attributes.span.kind:2|SPAN_KIND_SERVER|SERVER|Server|server
	pairs=.attributes
	!verb=.http.request.method_original
	!verb=.attributes.http.request.method_original
	!verb=.http.request.method
	!verb=.attributes.http.request.method
	!verb=.http.method
	!verb=.attributes.http.method
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
	host=.http.host
	host=.attributes.http.host
	host=.server.address
	host=.attributes.server.address
	host=.net.host.name
	host=.attributes.net.host.name
	port=.server.port
	port=.attributes.server.port
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
	resp_wire=.http.response.size
	resp_wire=.attributes.http.response.size
	client=.client.address
	client=.attributes.client.address
	client=.http.client_ip
	client=.attributes.http.client_ip
	client=.net.peer.ip
	client=.attributes.net.peer.ip
	client=.net.sock.peer.addr
	client=.attributes.net.sock.peer.addr
	client=.network.peer.address
	client=.attributes.network.peer.address
	user=.enduser.id
	user=.attributes.enduser.id
	header.User-Agent=.user_agent.original
	header.User-Agent=.attributes.user_agent.original
	header.User-Agent=.http.user_agent
	header.User-Agent=.attributes.http.user_agent
	header.*=.http.request.header.*
	header.*=.attributes.http.request.header.*
	resp_header.*=.http.response.header.*
	resp_header.*=.attributes.http.response.header.*`
