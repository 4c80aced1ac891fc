package main

import "strings"

// nginxReplayFields is the JSON object that docs/capture-logs.md recommends, in nginx's variables.
const nginxReplayFields = `'{"msec":"$msec","request_time":"$request_time","upstream_header_time":"$upstream_header_time",'
    '"remote_addr":"$remote_addr","remote_user":"$remote_user","connection":"$connection",'
    '"request":"$request","scheme":"$scheme","http_host":"$http_host","status":"$status",'
    '"body_bytes_sent":"$body_bytes_sent","bytes_sent":"$bytes_sent","content_length":"$content_length","content_type":"$content_type",'
    '"http_user_agent":"$http_user_agent","http_referer":"$http_referer","http_x_forwarded_for":"$http_x_forwarded_for",'
    '"http_accept":"$http_accept","http_accept_encoding":"$http_accept_encoding","http_accept_language":"$http_accept_language"}'`

// advices has an entry for each server, or for the formats that leave nothing to choose. Every dialect that we know is
// in one of them, and of every line that we advise inspect_advice_test.go has one that the server would write.
var advices = []logAdvice{
	{
		formats: []string{"nginx", "common", "combined", "vcommon", "vcombined", "ltsv", "goaccess"},
		Server:  "nginx 1.11.8 or newer", Where: "http block of nginx.conf",
		Lines: "log_format replay escape=json " + nginxReplayFields + ";\naccess_log /var/log/nginx/replay.log replay;",
		Note:  `bodies of writes: add ,"request_body":"$request_body" before the last }, if they may be in a log`,
	},
	{
		formats: []string{"ingress-nginx"},
		lacks:   []string{"bodies"},
		Server:  "ingress-nginx", Where: "data of the controller's ConfigMap",
		Lines: `log-format-escape-json: "true"` + "\nlog-format-upstream: " + ingressReplayFields,
		Note:  "bodies cannot be logged there",
	},
	{
		formats: []string{"apache", "combinedio", "common", "combined", "vcommon", "vcombined", "goaccess"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Apache httpd 2.4", Where: "server or virtual host",
		Lines: `LogFormat "%a %l %u [%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t] \"%r\" %>s %B %O \"%{Referer}i\" \"%{User-Agent}i\" %D \"%{Host}i\" \"%{Content-Length}i\" \"%{X-Forwarded-For}i\" \"%{Accept}i\" \"%{Accept-Encoding}i\"" replay` +
			"\nCustomLog logs/replay.log replay",
		Note: "read it with --log-format and the string above; no LogFormat has bodies",
	},
	{
		formats: []string{"haproxy"},
		lacks:   []string{"bodies", "connections"},
		Server:  "HAProxy 1.7 or newer", Where: "frontend, in place of option httplog",
		Lines: haproxyReplayFormat,
		Note:  "read it with --log-format and the last line, and with --timezone: %tr is local time without a zone. tune.http.logurilen 65535 in global keeps long request lines whole. Bodies cannot be logged there",
	},
	{
		formats: []string{"envoy", "istio"},
		lacks:   []string{"bodies"},
		Server:  "Envoy, Istio", Where: "access_log, typed_config of the file or stdout logger",
		Lines: `log_format:
  json_format:
    start_time: "%START_TIME%"
    duration_ms: "%DURATION%"
    client_ip: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
    method: "%REQ(:METHOD)%"
    path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
    protocol: "%PROTOCOL%"
    scheme: "%REQ(:SCHEME)%"
    authority: "%REQ(:AUTHORITY)%"
    status: "%RESPONSE_CODE%"
    bytes_sent: "%BYTES_SENT%"
    connection: "%CONNECTION_ID%"
    http_user_agent: "%REQ(USER-AGENT)%"
    http_referer: "%REQ(REFERER)%"
    http_x_forwarded_for: "%REQ(X-FORWARDED-FOR)%"
    http_accept_encoding: "%REQ(ACCEPT-ENCODING)%"`,
		Note: "bodies cannot be logged there",
	},
	{
		formats: []string{"caddy"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Caddy 2", Where: "site block of the Caddyfile",
		Lines: "log {\n    output file /var/log/caddy/replay.log\n    format json {\n        time_format rfc3339_nano\n        duration_format seconds\n    }\n}",
		Note:  "request headers are in it; bodies cannot be logged there",
	},
	{
		formats: []string{"traefik"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Traefik 2 or 3", Where: "static configuration",
		Lines: "accessLog:\n  filePath: /var/log/traefik/replay.log\n  format: json\n  fields:\n    headers:\n      names:\n        User-Agent: keep\n        Referer: keep\n        Accept: keep\n        Accept-Encoding: keep\n        X-Forwarded-For: keep",
		Note:  "bodies cannot be logged there",
	},
	{
		formats: []string{"squid"}, cutsQueries: true,
		lacks:  []string{"bodies", "connections"},
		Server: "Squid 4 or newer", Where: "squid.conf",
		Lines: `logformat replay %ts.%03tu %tr %>a %[un %03>Hs %<st "%rm %ru HTTP/%rv" "%{User-Agent}>h" "%{Referer}>h" "%{Accept-Encoding}>h" %Ss` +
			"\naccess_log /var/log/squid/replay.log replay\nstrip_query_terms off",
		Note: "read it with --log-format and the first line; bodies cannot be logged there",
	},
	{
		formats: []string{"varnishncsa"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Varnish 5 or newer", Where: "command line",
		Lines: `varnishncsa -F '%h %{usec}t %D %{Varnish:time_firstbyte}x "%r" %s %b %O "%{User-Agent}i" "%{Referer}i" "%{Content-Length}i" "%{Accept-Encoding}i"'`,
		Note:  "read it with --log-format and the whole line; bodies cannot be logged there",
	},
	{
		formats: []string{"tomcat"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Tomcat 10.1 or newer", Where: "Host of server.xml",
		Lines: `<Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs" prefix="replay" suffix=".log"
    pattern="%{begin:msec}t %D %F %a &quot;%r&quot; %s %B &quot;%{Host}i&quot; &quot;%{User-Agent}i&quot; &quot;%{Referer}i&quot; &quot;%{Content-Length}i&quot; &quot;%{Accept-Encoding}i&quot;"/>`,
		Note: "read it with --log-format and the whole element; bodies cannot be logged there",
	},
	{
		formats: []string{"lighttpd"},
		lacks:   []string{"bodies", "connections"},
		Server:  "lighttpd 1.4.64 or newer", Where: "lighttpd.conf",
		Lines: `accesslog.format = "%{begin:usec}t %D %h %V \"%r\" %>s %b %O \"%{User-Agent}i\" \"%{Referer}i\" \"%{Content-Length}i\" \"%{Accept-Encoding}i\""`,
		Note:  "read it with --log-format and the whole line; bodies cannot be logged there",
	},
	{
		formats: []string{"w3c", "iis"},
		lacks:   []string{"bodies", "connections", "sub-second stamps"},
		Server:  "IIS 8.5 or newer", Where: "a command prompt of an administrator, in %windir%\\system32\\inetsrv",
		Lines: `appcmd.exe set config -section:system.applicationHost/sites /siteDefaults.logFile.logFormat:W3C /siteDefaults.logFile.logExtFileFlags:"Date,Time,ClientIP,UserName,Method,UriStem,UriQuery,HttpStatus,BytesSent,BytesRecv,TimeTaken,ProtocolVersion,Host,UserAgent,Cookie,Referer" /commit:apphost` + "\n" +
			`appcmd.exe set config -section:system.applicationHost/sites /+"siteDefaults.logFile.customFields.[logFieldName='cs(Accept-Encoding)',sourceName='Accept-Encoding',sourceType='RequestHeader']" /commit:apphost`,
		Note: "its stamps are whole seconds, whatever is chosen; bodies cannot be logged there",
	},
	{
		formats: []string{"cloudfront"},
		lacks:   []string{"bodies", "connections"},
		Server:  "CloudFront", Where: "fields of a real-time log configuration",
		Lines: cloudFrontReplayFields,
		Note:  "put the same names, behind #Fields: and a blank, into a line above such a log. Standard logs leave only cookies to choose; bodies cannot be logged there",
	},
	{
		formats: []string{"cloudflare"},
		lacks:   []string{"bodies", "connections", "Accept-Encoding"},
		Server:  "Cloudflare", Where: "output_options of the Logpush job",
		Lines: `{"field_names":["EdgeStartTimestamp","EdgeEndTimestamp","EdgeTimeToFirstByteMs","ClientRequestMethod","ClientRequestURI","ClientRequestScheme","ClientRequestHost","ClientRequestProtocol","ClientRequestUserAgent","ClientRequestReferer","ClientRequestSource","ClientIP","EdgeResponseStatus","EdgeResponseBytes","EdgeResponseBodyBytes","EdgeResponseContentType","WorkerSubrequest"],"timestamp_format":"unixnano","sample_rate":1}`,
		Note:  `add "RequestHeaders" for the headers that the zone names as custom fields, such as accept-encoding; bodies cannot be logged there`,
	},
	{
		formats: []string{"fastly"},
		lacks:   []string{"bodies", "connections"},
		Server:  "Fastly", Where: "log format of the logging endpoint",
		Lines: `{"timestamp":%{time.start.usec}V,"time_elapsed":%{time.elapsed.usec}V,"time_to_first_byte":%{time.to_first_byte}V,"client_ip":"%{req.http.Fastly-Client-IP}V","is_tls":%{if(req.is_ssl, "true", "false")}V,"host":"%{if(req.http.Fastly-Orig-Host, req.http.Fastly-Orig-Host, req.http.Host)}V","url":"%{json.escape(req.url)}V","request_method":"%{json.escape(req.method)}V","request_protocol":"%{json.escape(req.proto)}V","request_referer":"%{json.escape(req.http.Referer)}V","request_user_agent":"%{json.escape(req.http.User-Agent)}V","request_accept_language":"%{json.escape(req.http.Accept-Language)}V","request_accept_encoding":"%{json.escape(req.http.Accept-Encoding)}V","req_body_size":%{req.body_bytes_read}V,"response_status":%{resp.status}V,"response_body_size":%{resp.body_bytes_written}V,"fastly_is_edge":%{if(fastly.ff.visits_this_service == 0, "true", "false")}V}`,
		Note:  "version 2, log line format blank; bodies cannot be logged there",
	},
	{
		formats: []string{"json"},
		lacks:   []string{"bodies"},
		Server:  "your own JSON", Where: "with these keys it is understood by itself",
		Lines: `{"start_time":"2026-11-23T14:00:00.250Z","duration_ms":2,"client_ip":"10.0.0.1","method":"GET","scheme":"https","host":"shop.example","path":"/a?b=c","protocol":"HTTP/1.1","status":200,"bytes_sent":300,"connection":7,"http_user_agent":"curl/8","http_accept_encoding":"gzip"}`,
		Note:  "with other keys --field says what each means",
	},
	{
		formats: []string{"alb", "elb", "nlb"},
		Server:  "AWS load balancer",
		Note:    "its fields are fixed. The log of an Application Load Balancer has milliseconds, durations, host and User-Agent, a Classic one's microseconds; no other header and no body, which only the servers behind it can log",
	},
	{
		formats: []string{"s3"},
		Server:  "Amazon S3",
		Note:    "its fields are fixed: whole seconds, no header but Referer, User-Agent and Host, no body",
	},
	{
		formats: []string{"aws-waf"},
		Server:  "AWS WAF",
		Note:    "its fields are fixed and hold no durations and no sizes: the log of what it protects (load balancer, CloudFront) has them",
	},
	{
		formats: []string{"gcp-lb"},
		Server:  "Google Cloud load balancer",
		Note:    "its fields are fixed; the backend service's sample rate must be 1 (--logging-sample-rate=1.0), or requests are missing. Other headers and bodies only the servers behind it can log",
	},
	{
		formats: []string{"azure-front-door", "azure-app-gateway"},
		Server:  "Azure Front Door, Application Gateway",
		Note:    "their fields are fixed: headers and bodies only the servers behind them can log",
	},
	{
		formats: []string{"zeek"},
		Server:  "Zeek",
		Note:    "its http.log has no durations and no bodies, and of the headers those that stand in it: the server's own log has more",
	},
	{
		formats: []string{"ecs", "otel"},
		Server:  "Elastic Common Schema, OpenTelemetry",
		Note:    "who writes these fields chooses them: event.start and event.duration, or spans of servers, give arrivals and durations; client.ip and user_agent.original tell clients apart",
	},
}

// haproxyReplayFormat keeps the headers in variables: a header is known no more when the line is written.
const haproxyReplayFormat = `http-request set-var(txn.host) req.hdr(Host)
http-request set-var(txn.user_agent) req.fhdr(User-Agent)
http-request set-var(txn.accept_encoding) req.fhdr(Accept-Encoding)
http-request set-var(txn.content_length) req.hdr(Content-Length)
log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %{+Q,+E}[var(txn.host)] %{+Q}r %{+Q,+E}[var(txn.user_agent)] %{+Q,+E}[var(txn.accept_encoding)] %[var(txn.content_length)]"`

const cloudFrontReplayFields = "timestamp c-ip cs-method cs-protocol x-host-header cs-uri-stem cs-uri-query cs-protocol-version sc-status sc-bytes sc-content-len cs-bytes time-taken time-to-first-byte cs-user-agent cs-referer cs-cookie cs-accept-encoding x-forwarded-for"

// ingressReplayFields is the same object as one line of YAML.
var ingressReplayFields = "'" + strings.NewReplacer("'\n    '", "", "'", "").Replace(nginxReplayFields) + "'"
