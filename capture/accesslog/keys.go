package accesslog

import "strings"

// maxKeys bounds the keys whose meaning is remembered; the others of a log with endless keys are skipped.
const maxKeys = 1024

// learn gives a key of a JSON log its meaning and remembers it.
func (f *format) learn(path []byte) sequence {
	if len(f.keys) >= maxKeys || len(path) > 256 {
		return nil
	}
	var seq sequence
	of := meaning
	if f.labels {
		of = ltsvLabel
	}
	if s := of(string(path)); s.kind != kSkip && !f.pinned[s.kind] {
		s.how, s.label = whole, "."+string(path)
		seq = sequence{s}
	}
	f.keys[string(path)] = seq
	return seq
}

// meaning reads the name of a key: the general names first, since people write "uri":"$request_uri", then
// nginx's variables. Case, underscores and hyphens do not count. A path may lead through one object of
// the request, as in Caddy's logs.
func meaning(path string) step {
	key := squeeze(path)
	for _, object := range []string{"httprequest.", "http.request.", "request.", "req.", "http."} {
		if in, ok := strings.CutPrefix(key, object); ok {
			if h, ok := strings.CutPrefix(in, "headers."); ok {
				return headerMeaning(h, path[strings.LastIndexByte(path, '.')+1:])
			}
			key = in
			break
		}
	}
	if s := general(key); s.kind != kSkip {
		return s
	}
	if strings.IndexByte(path, '.') >= 0 {
		return step{}
	}
	return nginxVariable(strings.ToLower(path))
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '_', '-', ' ':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func headerMeaning(squeezed, name string) step {
	switch squeezed {
	case "host":
		return step{kind: kHost, rank: rankBest}
	case "contentlength":
		return step{kind: kBodySize}
	}
	return step{kind: kHeader, name: []byte(name)}
}

// general is the meaning of names that many programs use.
func general(key string) step {
	switch key {
	case "time", "ts", "timestamp", "datetime", "timeutc":
		return step{kind: kTime, rank: rankName}
	case "start", "starttime", "startutc", "requeststarttime":
		return step{kind: kTime, rank: rankGood, begin: true}
	case "@timestamp": // often that of the collector
		return step{kind: kTime, rank: rankWeak}
	case "requestline":
		return step{kind: kRequest}
	case "method", "requestmethod", "httpmethod", "verb", "clientrequestmethod":
		return step{kind: kMethod}
	case "requesturi", "requesturl", "originaluri", "originalurl", "rawuri", "clientrequesturi":
		return step{kind: kTarget, rank: rankGood}
	case "uri", "url":
		return step{kind: kPath, rank: rankGood}
	case "path", "requestpath", "uripath", "urlpath", "pathname":
		return step{kind: kPath, rank: rankName}
	case "query", "querystring", "args", "requestquery", "urlquery":
		return step{kind: kQuery}
	case "proto", "requestprotocol", "httpversion", "requestproto", "clientrequestprotocol":
		return step{kind: kProto}
	case "protocol":
		return step{kind: kProtoOrScheme}
	case "scheme", "requestscheme":
		return step{kind: kScheme}
	case "httphost":
		return step{kind: kHost, rank: rankBest}
	case "host", "requesthost", "vhost", "virtualhost", "domain", "authority", "clientrequesthost":
		return step{kind: kHost, rank: rankGood}
	case "servername":
		return step{kind: kHost, rank: rankName}
	}
	return generalResponse(key)
}

func generalResponse(key string) step {
	switch key {
	case "status", "statuscode", "responsestatus", "responsecode", "httpstatus", "response.status", "response.statuscode", "downstreamstatus", "edgeresponsestatus":
		return step{kind: kStatus}
	case "bodybytessent", "bodybytes":
		return step{kind: kSize, rank: rankGood}
	case "bytes", "size", "responsesize", "responsebytes", "responselength", "bytesout", "edgeresponsebytes", "response.bytes", "downstreamcontentsize":
		return step{kind: kSize}
	case "bytessent":
		return step{kind: kWire}
	case "requesttime", "requesttimes", "responsetimes", "durations", "latencys", "elapseds", "durationsec", "durationseconds":
		return step{kind: kDur, unit: second, rank: rankGood}
	case "durationms", "latencyms", "elapsedms", "responsetimems", "requesttimems", "tookms", "timetakenms", "durationmsec":
		return step{kind: kDur, unit: millisecond, rank: rankGood}
	case "durationus", "latencyus", "elapsedus", "responsetimeus", "requesttimeus", "durationusec":
		return step{kind: kDur, unit: microsecond, rank: rankGood}
	case "durationns", "latencyns", "elapsedns", "responsetimens", "requesttimens":
		return step{kind: kDur, unit: nanosecond, rank: rankGood}
	case "duration", "latency", "elapsed", "elapsedtime", "took", "responsetime", "requestduration", "reqtime", "timetaken", "processingtime":
		return step{kind: kDur, auto: true, rank: rankName}
	}
	return generalClient(key)
}

func generalClient(key string) step {
	switch key {
	case "remoteaddr", "remoteip", "remotehost", "clientip", "clientaddr", "client", "ip", "ipaddress", "sourceip", "srcip":
		return step{kind: kClient, rank: rankGood}
	case "remoteuser", "user", "username", "authuser":
		return step{kind: kUser}
	case "useragent", "ua", "agent", "httpuseragent", "clientrequestuseragent":
		return step{kind: kHeader, name: []byte("User-Agent")}
	case "referer", "referrer", "httpreferer", "httpreferrer", "clientrequestreferer":
		return step{kind: kHeader, name: []byte("Referer")}
	case "xforwardedfor", "httpxforwardedfor", "forwardedfor", "xff":
		return step{kind: kHeader, name: []byte("X-Forwarded-For")}
	case "requestbody":
		return step{kind: kBody}
	}
	return step{}
}

// ofNginx reports whether a key is a variable that nginx names so and few others do.
func ofNginx(key string) bool {
	switch strings.ToLower(key) {
	case "time_local", "time_iso8601", "msec", "request_time", "body_bytes_sent", "remote_addr", "remote_user",
		"http_user_agent", "http_referer", "http_x_forwarded_for", "upstream_response_time", "upstream_addr",
		"request_uri", "server_protocol", "bytes_sent", "request_length":
		return true
	}
	return false
}
