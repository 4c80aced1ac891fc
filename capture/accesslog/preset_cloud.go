package accesslog

// Field maps of the logs of cloud vendors, which no server here can write: their documentation is the source.

// Google Cloud's timestamp is when the first front end received the request; receiveTimestamp is the log's. Sizes count
// the heads. What the cache answered has no latency, a client that went away no status.
const gcpMap = `
	!at=.timestamp:rfc3339
	duration=.httpRequest.latency:s
	!method=.httpRequest.requestMethod
	!url=.httpRequest.requestUrl
	proto=.httpRequest.protocol
	status=.httpRequest.status
	resp_wire=.httpRequest.responseSize
	client=.httpRequest.remoteIp
	header.User-Agent=.httpRequest.userAgent
	header.Referer=.httpRequest.referer`

// Cloudflare's fields are chosen one by one; all but a few may be absent. The bytes of an answer count its head. Requests
// that Cloudflare makes for itself (Workers, its crawlers and probes) did not come from a client, those of its challenges
// go no further than its edge (Cloudflare, "ClientRequestSource field").
const cloudflareMap = `
	!at=.EdgeStartTimestamp
	end=.EdgeEndTimestamp
	first=.EdgeTimeToFirstByteMs:ms
	!method=.ClientRequestMethod
	target=.ClientRequestURI
	path=.ClientRequestPath
	!host=.ClientRequestHost
	scheme=.ClientRequestScheme
	proto=.ClientRequestProtocol
	tls=.ClientSSLProtocol
	status=.EdgeResponseStatus
	resp_wire=.EdgeResponseBytes
	resp_size=.EdgeResponseBodyBytes
	client=.ClientIP
	header.User-Agent=.ClientRequestUserAgent
	header.Referer=.ClientRequestReferer
	header.X-Requested-With=.ClientXRequestedWith
	header.*=.RequestHeaders.*
	resp_header.Content-Type=.EdgeResponseContentType
	resp_header.*=.ResponseHeaders.*
	never=.ClientRequestSource:purge|alwaysOnline|healthcheck|edgeWorkerFetch|edgeWorkerCacheAPI|edgeWorkerKV|edgeWorkerDO|edgeCacheAPI|imageResizing|sslDetector|earlyHintsCache|inBrowserChallenge
	never=.WorkerSubrequest:true`

// Front Door stamps when the answer was delivered. The classic tier spells its category with a small d and logs what its
// edges ask of its shield once more; tables of Log Analytics write the type of a column behind its name.
const frontDoorMap = `
	stamp=.time
	stamp=.TimeGenerated
	duration=.properties.timeTaken:s
	duration=.timeTaken_s:s
	duration=.timeTaken_d:s
	first=.properties.timeToFirstByte:s
	first=.timeToFirstByte_s:s
	first=.timeToFirstByte_d:s
	!method=.properties.httpMethod
	!method=.httpMethod_s
	!url=.properties.requestUri
	!url=.requestUri_s
	proto=.properties.httpVersion
	proto=.httpVersion_s
	scheme=.properties.requestProtocol
	host=.properties.hostName
	host=.hostName_s
	status=.properties.httpStatusCode
	status=.httpStatusCode_s
	status=.httpStatusCode_d
	resp_wire=.properties.responseBytes
	resp_wire=.responseBytes_s
	resp_wire=.responseBytes_d
	client=.properties.clientIp
	client=.properties.clientIP
	client=.clientIp_s
	client=.clientIP_s
	header.User-Agent=.properties.userAgent
	header.User-Agent=.userAgent_s
	header.Referer=.properties.referer
	header.Referer=.properties.referrer
	header.Referer=.referer_s
	header.Referer=.referrer_s
	never=.properties.isReceivedFromClient:false
	never=.isReceivedFromClient_b:false|False
	!only=.category:FrontDoorAccessLog|FrontdoorAccessLog
	!only=.Category:FrontDoorAccessLog|FrontdoorAccessLog`

// Application Gateway: v2 logs timeTaken in seconds and the server it routed to, v1 in milliseconds and its own variables
// for a query. requestUri is decoded and perhaps rewritten. 127.0.0.1 is the gateway itself (Microsoft, "Monitoring data
// reference"). Log Analytics has a table of its own for it, or writes the type of a column behind its name.
const appGatewayMap = `
	stamp=.timeStamp
	stamp=.timestamp
	stamp=.time
	stamp=.TimeGenerated
	duration=.properties.timeTaken
	duration=.TimeTaken:s
	duration=.timeTaken_d
	seconds=.properties.sslProtocol
	seconds=.properties.serverRouted
	seconds=.sslProtocol_s
	seconds=.serverRouted_s
	!method=.properties.httpMethod
	!method=.HttpMethod
	!method=.httpMethod_s
	target=.properties.originalRequestUriWithArgs
	target=.OriginalRequestUriWithArgs
	target=.originalRequestUriWithArgs_s
	!decoded=.properties.requestUri
	!decoded=.RequestUri
	!decoded=.requestUri_s
	query=.properties.requestQuery
	query=.requestQuery_s
	proto=.properties.httpVersion
	proto=.HttpVersion
	proto=.httpVersion_s
	host=.properties.originalHost
	host=.OriginalHost
	host=.originalHost_s
	host=.properties.host
	host=.Host
	host=.host_s
	https=.properties.sslEnabled
	https=.SslEnabled
	https=.sslEnabled_s
	status=.properties.httpStatus
	status=.HttpStatus
	status=.httpStatus_d
	resp_wire=.properties.sentBytes
	resp_wire=.SentBytes
	resp_wire=.sentBytes_d
	visitor=.properties.clientIP:127.0.0.1
	visitor=.properties.clientIp:127.0.0.1
	visitor=.ClientIp:127.0.0.1
	visitor=.clientIP_s:127.0.0.1
	header.User-Agent=.properties.userAgent
	header.User-Agent=.UserAgent
	header.User-Agent=.userAgent_s
	header.X-Forwarded-For=.properties.xForwardedFor
	!only=.category:ApplicationGatewayAccessLog
	!only=.Category:ApplicationGatewayAccessLog
	!only=.OperationName:ApplicationGatewayAccess`

// compileGateway compiles the map of Application Gateway, whose stamps are whole seconds even where v1 writes
// 00:41:20.0000001Z.
func compileGateway(text string) (*format, error) {
	f, err := compileFieldMap(text)
	if err == nil {
		f.coarse = true
	}
	return f, err
}

// Fastly writes what its format names; these are the names of the format that its log endpoints begin with, of its example
// for BigQuery, where request is the method, and of what others made of that. What its machines ask of each other and what
// they pushed was no request of a client.
const fastlyMap = `
	at=.time_start
	at=.timestamp
	at=.start_time
	end=.time_end
	duration=.time_elapsed:us
	duration=.elapsed_usec:us
	first=.time_to_first_byte:s
	!method=.request_method
	!method=.method
	!method=.request
	!target=.url
	host=.host
	host=.request_host
	host=.origin_host
	proto=.request_protocol
	proto=.protocol
	https=.is_tls
	status=.response_status
	status=.status
	resp_size=.response_body_size
	resp_size=.resp_body_size
	body_size=.req_body_size
	client=.client_ip
	header.User-Agent=.request_user_agent
	header.Referer=.request_referer
	header.Accept=.request_accept_content
	header.Accept-Language=.request_accept_language
	header.Accept-Encoding=.request_accept_encoding
	header.X-Forwarded-For=.request_x_forwarded_for
	resp_header.Content-Type=.content_type
	!never=.fastly_is_edge:false|0
	!never=.is_h2_push:true
	!key=.fastly_server
	!key=.request_accept_charset`

// AWS WAF stamps a request when it looks at it, before the answer: no size, no duration, a status only of its own answers. It
// looks at headers alone, and writes REDACTED where it was told to.
const wafMap = `
	!at=.timestamp:unix_ms
	!method=.httpRequest.httpMethod
	!path=.httpRequest.uri
	query=.httpRequest.args
	proto=.httpRequest.httpVersion
	scheme=.httpRequest.scheme
	host=.httpRequest.host
	status=.responseCodeSent
	body_size=.requestBodySize
	!client=.httpRequest.clientIp
	pairs=.httpRequest.headers
	header.*=.httpRequest.headers.*`
