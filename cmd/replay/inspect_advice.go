package main

import (
	"strings"

	"trafficreplay/capture"
)

// logAdvice is what to put into a server's configuration so that its log holds what a replay can use.
type logAdvice struct {
	Server string `json:"server"`
	Where  string `json:"where"` // in the configuration
	Lines  string `json:"lines"` // to paste, exactly
	Note   string `json:"note,omitempty"`

	formats []string // beginnings of the names of formats that the server writes
}

// nginxReplayFields is the JSON object that docs/capture-logs.md recommends, in nginx's variables.
const nginxReplayFields = `'{"msec":"$msec","request_time":"$request_time","upstream_header_time":"$upstream_header_time",'
    '"remote_addr":"$remote_addr","remote_user":"$remote_user","connection":"$connection",'
    '"request":"$request","scheme":"$scheme","http_host":"$http_host","status":"$status",'
    '"body_bytes_sent":"$body_bytes_sent","bytes_sent":"$bytes_sent","content_length":"$content_length","content_type":"$content_type",'
    '"http_user_agent":"$http_user_agent","http_referer":"$http_referer","http_x_forwarded_for":"$http_x_forwarded_for",'
    '"http_accept":"$http_accept","http_accept_encoding":"$http_accept_encoding","http_accept_language":"$http_accept_language"}'`

// advices has an entry for each server; a new dialect adds its name to the formats of its server, and a server
// without one gets an entry (inspect_advice_test.go then wants a line that the server would write).
var advices = []logAdvice{
	{
		formats: []string{"nginx", "ngx", "common", "combined", "vcommon", "vcombined"},
		Server:  "nginx 1.11.8 or newer", Where: "http block of nginx.conf",
		Lines: "log_format replay escape=json " + nginxReplayFields + ";\naccess_log /var/log/nginx/replay.log replay;",
		Note:  `bodies of writes: add ,"request_body":"$request_body" before the last }, if they may be in a log`,
	},
	{
		formats: []string{"ingress-nginx"},
		Server:  "ingress-nginx", Where: "data of the controller's ConfigMap",
		Lines: `log-format-escape-json: "true"` + "\nlog-format-upstream: " + ingressReplayFields,
		Note:  "bodies cannot be logged there",
	},
	{
		formats: []string{"apache", "combinedio", "common", "combined", "vcommon", "vcombined"},
		Server:  "Apache httpd 2.4", Where: "server or virtual host",
		Lines: `LogFormat "%a %l %u [%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t] \"%r\" %>s %B %O \"%{Referer}i\" \"%{User-Agent}i\" %D \"%{Host}i\" \"%{Content-Length}i\" \"%{X-Forwarded-For}i\" \"%{Accept}i\" \"%{Accept-Encoding}i\"" replay` +
			"\nCustomLog logs/replay.log replay",
		Note: "read it with --log-format and the string above; no LogFormat has bodies",
	},
	{
		formats: []string{"haproxy"},
		Server:  "HAProxy 2.2 or newer", Where: "frontend, in place of option httplog",
		Lines: "capture request header Host len 128\ncapture request header User-Agent len 256\ncapture request header Accept-Encoding len 64\n" +
			`log-format '{"start_time":"%tr","duration_ms":%Ta,"client_ip":"%ci","method":"%HM","request_uri":"%[capture.req.uri,json(utf8s)]","protocol":"%HV","host":"%[capture.req.hdr(0),json(utf8s)]","http_user_agent":"%[capture.req.hdr(1),json(utf8s)]","http_accept_encoding":"%[capture.req.hdr(2),json(utf8s)]","status":%ST,"bytes_sent":%B}'`,
		Note: "%tr is local time without a zone: give --timezone when capturing",
	},
	{
		formats: []string{"envoy", "istio"},
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
		Server:  "Caddy 2", Where: "site block of the Caddyfile",
		Lines: "log {\n    output file /var/log/caddy/replay.log\n    format json {\n        time_format rfc3339_nano\n        duration_format seconds\n    }\n}",
		Note:  "request headers are in it; bodies cannot be logged there",
	},
	{
		formats: []string{"traefik"},
		Server:  "Traefik 2 or 3", Where: "static configuration",
		Lines: "accessLog:\n  filePath: /var/log/traefik/replay.log\n  format: json\n  fields:\n    headers:\n      names:\n        User-Agent: keep\n        Referer: keep\n        Accept: keep\n        Accept-Encoding: keep\n        X-Forwarded-For: keep",
		Note:  "bodies cannot be logged there",
	},
	{
		formats: []string{"alb", "elb", "aws-alb", "aws-elb"},
		Server:  "AWS load balancer", Where: "attributes of the load balancer",
		Lines: "access_logs.s3.enabled=true",
		Note:  "its fields are fixed: microseconds, durations, host and User-Agent are there; no other header and no body, which only the servers behind it can log",
	},
	{
		formats: []string{"cloudfront"},
		Server:  "CloudFront", Where: "standard logging (v2), additional fields; or a real-time log configuration",
		Lines: "timestamp(ms) c-ip cs-method cs-protocol cs(Host) cs-uri-stem cs-uri-query cs-protocol-version sc-status sc-bytes cs-bytes time-taken time-to-first-byte cs(User-Agent) cs(Referer) cs-accept-encoding",
		Note:  "bodies cannot be logged there",
	},
}

// ingressReplayFields is the same object as one line of YAML.
var ingressReplayFields = "'" + strings.NewReplacer("'\n    '", "", "'", "").Replace(nginxReplayFields) + "'"

// adviceFor is the advice for the servers that wrote the sources, in the order of advices.
func adviceFor(sources []capture.Ledger) []logAdvice {
	var out []logAdvice
	for _, a := range advices {
		if a.wrote(sources) {
			out = append(out, a)
		}
	}
	return out
}

func (a *logAdvice) wrote(sources []capture.Ledger) bool {
	for i := range sources {
		for _, f := range a.formats {
			if rest, ok := strings.CutPrefix(sources[i].Format, f); ok && (rest == "" || rest[0] == '-') {
				return true
			}
		}
	}
	return false
}
