package accesslog

import "strings"

// fdLine is an entry of Front Door Standard and Premium with these properties, fdClassic one of the classic tier.
func fdLine(properties string) string {
	return `{"time":"2021-06-09T22:32:17.8383427Z","resourceId":"/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.CDN/PROFILES/P","category":"FrontDoorAccessLog","operationName":"Microsoft.Cdn/Profiles/AccessLog/Write","properties":{"trackingReference":"x","httpMethod":"GET",` + properties + `}}`
}

func fdClassic(properties string) string {
	return `{"category":"FrontdoorAccessLog","operationName":"Microsoft.Network/FrontDoor/AccessLog/Write","properties":{"ErrorInfo":"NoError","backendHostname":"b.example:443","clientIp":"198.51.100.8","clientPort":"50382","httpMethod":"POST","httpStatusCode":"200","httpStatusDetails":"200","httpVersion":"2.0.0.0","pop":"SIN","requestBytes":"2545","requestProtocol":"HTTPS","requestUri":"https://erp.example:443/Setup/List","responseBytes":"1205","rulesEngineMatchNames":[],"securityProtocol":"TLS 1.2","socketIp":"198.51.100.8","timeTaken":"0.384","timeToFirstByte":"0.250","userAgent":"Mozilla/5.0"` + properties + `},"resourceId":"/R","time":"2021-12-15T03:10:11.6479719Z"}`
}

const fdClassicWant = `2021-12-15T03:10:11.2639719 POST /Setup/List HTTP/2.0 scheme=https host=erp.example client=198.51.100.8 status=200 dur=384000 first=250000 wire=1205 [User-Agent: Mozilla/5.0]`

// frontDoorCases follow Microsoft, "Monitor metrics and logs in Azure Front Door" (sections "Access log", "Health probe
// log", and for the classic tier "Diagnostic logs" and "Sent to origin shield deprecation").
var frontDoorCases = []vendorCase{
	// Access log: Time is when the edge delivered the contents; timeTaken from the request received to the last byte sent, in
	// seconds; RequestUri holds scheme, port, domain, path and query.
	{"azure-front-door", "all properties",
		fdLine(`"httpVersion":"1.1.0.0","requestUri":"https://www.contoso.com:443/a%20b?x=1","sni":"www.contoso.com","requestBytes":"2715","responseBytes":"5","userAgent":"Edge","clientIp":"10.10.10.10","clientPort":"51360","socketIp":"10.10.10.11","timeToFirstByte":"0.5","timeTaken":"0.7","requestProtocol":"HTTPS","securityProtocol":"TLS 1.2","routingRuleName":"r","rulesEngineMatchNames":[],"httpStatusCode":"200","edgeActionsStatusCode":"","httpStatusDetails":"200","pop":"BLU","cacheStatus":"CACHE_NOCONFIG","errorInfo":"NoError","result":"N/A","endpoint":"e.z01.azurefd.net","hostName":"www.contoso.com","securityCipher":"ECDHE","referer":"https://r.example/"`),
		`2021-06-09T22:32:17.1383427 GET /a%20b?x=1 HTTP/1.1 scheme=https host=www.contoso.com client=10.10.10.10 status=200 dur=700000 first=500000 wire=5 [User-Agent: Edge] [Referer: https://r.example/]`},
	{"azure-front-door", "HTTP on port 80", fdLine(`"requestUri":"http://www.contoso.com:80/","clientIp":"2001:db8::1","timeTaken":"0.25","httpStatusCode":"301","requestProtocol":"HTTP","securityProtocol":""`),
		`2021-06-09T22:32:17.5883427 GET / scheme=http host=www.contoso.com client=2001:db8::1 status=301 dur=250000`},
	{"azure-front-door", "a port of one's own", fdLine(`"requestUri":"https://www.contoso.com:8443/","clientIp":"10.0.0.1","timeTaken":"0.001","httpStatusCode":"200"`),
		`2021-06-09T22:32:17.8373427 GET / scheme=https host=www.contoso.com:8443 client=10.0.0.1 status=200 dur=1000`},
	// HttpStatusCode: 0 where the origin timed out, 499 where the client closed the connection.
	{"azure-front-door", "the origin timed out", fdLine(`"requestUri":"https://h/","clientIp":"10.0.0.1","timeTaken":"30.001","timeToFirstByte":"0","httpStatusCode":"0","errorInfo":"OriginTimeout"`),
		`2021-06-09T22:31:47.8373427 GET / scheme=https host=h client=10.0.0.1 dur=30001000 first=0`},
	{"azure-front-door", "the client closed the connection", fdLine(`"requestUri":"https://h/","clientIp":"10.0.0.1","timeTaken":"1.5","httpStatusCode":"499","errorInfo":"ClientDisconnected"`),
		`2021-06-09T22:32:16.3383427 GET / scheme=https host=h client=10.0.0.1 status=499 dur=1500000`},
	{"azure-front-door", "blocked by geography, HTTP/1.0, empty values", fdLine(`"requestUri":"https://h/","clientIp":"10.0.0.1","timeTaken":"0","httpStatusCode":"403","httpVersion":"1.0.0.0","userAgent":"","referer":"","errorInfo":"ClientGeoBlocked"`),
		`2021-06-09T22:32:17.8383427 GET / HTTP/1.0 scheme=https host=h client=10.0.0.1 status=403 dur=0`},
	{"azure-front-door", "numbers that are no text", fdLine(`"requestUri":"https://h/","clientIp":"10.0.0.1","timeTaken":0.7,"httpStatusCode":200,"responseBytes":12,"referrer":"https://r/"`),
		`2021-06-09T22:32:17.1383427 GET / scheme=https host=h client=10.0.0.1 status=200 dur=700000 wire=12 [Referer: https://r/]`},
	// Diagnostic logs, of the classic tier.
	{"azure-front-door", "classic", fdClassic(""), fdClassicWant},
	{"azure-front-door", "classic, from the client", fdClassic(`,"isReceivedFromClient":true`), fdClassicWant},
	// A table of Log Analytics (AzureDiagnostics), exported.
	{"azure-front-door", "a row of AzureDiagnostics",
		`{"TimeGenerated":"2021-12-15T03:10:11.647Z","Category":"FrontdoorAccessLog","OperationName":"Microsoft.Network/FrontDoor/AccessLog/Write","httpMethod_s":"GET","requestUri_s":"https://erp.example:443/a?b","httpVersion_s":"1.1.0.0","clientIp_s":"198.51.100.8","httpStatusCode_s":"200","timeTaken_s":"0.384","timeToFirstByte_s":"0.1","responseBytes_s":"1205","userAgent_s":"curl","isReceivedFromClient_b":true,"Type":"AzureDiagnostics"}`,
		`2021-12-15T03:10:11.263 GET /a?b HTTP/1.1 scheme=https host=erp.example client=198.51.100.8 status=200 dur=384000 first=100000 wire=1205 [User-Agent: curl]`},

	// Sent to origin shield deprecation: what the edge asks of its shield has an entry of its own.
	{"azure-front-door", "classic, of the origin shield", fdClassic(`,"isReceivedFromClient":false`), reasonNone},
	{"azure-front-door", "failed health probe", `{"time":"2021-02-02T07:15:37.3640748Z","category":"FrontDoorHealthProbeLog","operationName":"Microsoft.Cdn/Profiles/FrontDoorHealthProbeLog/Write","properties":{"healthProbeId":"9642","POP":"MAA","httpVerb":"HEAD","result":"OriginError","httpStatusCode":"400","probeURL":"http://b.example:80/","originName":"b.example","originIP":"192.0.2.228:80","totalLatencyMilliseconds":"141"}}`, reasonNone},
	{"azure-front-door", "firewall", `{"time":"2021-06-09T22:32:17.8383427Z","category":"FrontDoorWebApplicationFirewallLog","properties":{"clientIP":"10.0.0.1","requestUri":"https://h/?q='","ruleName":"SQLI","action":"Block"}}`, reasonNone},
}

// gwLine is an entry of Application Gateway v2 with these properties.
func gwLine(properties string) string {
	return `{"timeStamp":"2021-10-14T22:17:11+00:00","resourceId":"/R","listenerName":"L","ruleName":"r","operationName":"ApplicationGatewayAccess","category":"ApplicationGatewayAccessLog","properties":{"instanceId":"appgw_2",` + properties + `}}`
}

const (
	gwFull = `"clientIP":"185.42.129.24","clientPort":45057,"httpMethod":"GET","originalRequestUriWithArgs":"\/old%20x?a=b","requestUri":"\/new x","requestQuery":"a=b","userAgent":"Mozilla\/5.0 (Windows)","httpStatus":200,"httpVersion":"HTTP\/1.1","receivedBytes":184,"sentBytes":466,"clientResponseTime":0,"timeTaken":0.034,"WAFEvaluationTime":"0.000","WAFMode":"Detection","transactionId":"592d","sslEnabled":"on","sslCipher":"ECDHE","sslProtocol":"TLSv1.2","sslClientVerify":"NONE","serverRouted":"52.239.221.65:443","serverStatus":"200","serverResponseLatency":"0.028","originalHost":"shop.example","host":"b.example","error_info":"ERRORINFO_NO_ERROR"`
	gwWant = `2021-10-14T22:17:10.966 GET /old%20x?a=b HTTP/1.1 scheme=https host=shop.example client=185.42.129.24 status=200 dur=34000 wire=466 [User-Agent: Mozilla/5.0 (Windows)]`
)

// gatewayCases follow Microsoft, "Diagnostic logs for Application Gateway" (sections "Access log", "Performance log",
// "Firewall log", "Error code information"), "Azure Application Gateway monitoring data reference" ("TLS/TCP proxy logs",
// "Azure Monitor Logs and Log Analytics Tables": sslEnabled tells of the client's request) and the table AGWAccessLogs.
var gatewayCases = []vendorCase{
	// v2: timeTaken in seconds from the first byte of the request to the last of the answer, requestUri after rewriting.
	{"azure-app-gateway", "v2, all properties", gwLine(gwFull), gwWant},
	{"azure-app-gateway", "v2, whole seconds", gwLine(strings.Replace(gwFull, `"timeTaken":0.034`, `"timeTaken":2`, 1)), strings.NewReplacer("22:17:10.966", "22:17:09", "dur=34000", "dur=2000000").Replace(gwWant)},
	{"azure-app-gateway", "v2, no answer of a server, whole seconds", gwLine(`"clientIP":"10.0.0.1","httpMethod":"GET","originalRequestUriWithArgs":"\/","requestUri":"\/","httpStatus":504,"sentBytes":160,"timeTaken":20,"sslProtocol":"","serverRouted":"","originalHost":"h"`),
		`2021-10-14T22:16:51 GET / host=h client=10.0.0.1 status=504 dur=20000000 wire=160`},
	{"azure-app-gateway", "v2, no TLS", gwLine(strings.NewReplacer(`"sslEnabled":"on"`, `"sslEnabled":"off"`, "ECDHE", "", "TLSv1.2", "").Replace(gwFull)), strings.Replace(gwWant, "https", "http", 1)},
	{"azure-app-gateway", "v2, not rewritten", gwLine(`"clientIP":"2001:db8::1","httpMethod":"POST","requestUri":"\/x","requestQuery":"","httpStatus":502,"httpVersion":"HTTP\/2.0","sentBytes":1,"timeTaken":20.004,"host":"h","error_info":"ERRORINFO_UPSTREAM_TIMED_OUT"`),
		`2021-10-14T22:16:50.996 POST /x HTTP/2.0 host=h client=2001:db8::1 status=502 dur=20004000 wire=1`},
	{"azure-app-gateway", "v2, the client closed the connection", gwLine(`"clientIP":"10.0.0.1","httpMethod":"GET","originalRequestUriWithArgs":"\/x","requestUri":"\/x","httpStatus":499,"sentBytes":0,"timeTaken":5.25,"originalHost":"h","error_info":"ERRORINFO_CLIENT_CLOSED_REQUEST"`),
		`2021-10-14T22:17:05.75 GET /x host=h client=10.0.0.1 status=499 dur=5250000 wire=0`},
	{"azure-app-gateway", "v2, blocked by its firewall", gwLine(`"clientIP":"10.0.0.1","httpMethod":"GET","originalRequestUriWithArgs":"\/?q=%27","requestUri":"\/","requestQuery":"q=%27","httpStatus":403,"sentBytes":179,"timeTaken":0.002,"WAFMode":"Prevention","originalHost":"h"`),
		`2021-10-14T22:17:10.998 GET /?q=%27 host=h client=10.0.0.1 status=403 dur=2000 wire=179`},
	// v1: milliseconds; requestQuery holds the gateway's own variables, an agent its blanks as pluses.
	{"azure-app-gateway", "v1",
		`{"resourceId":"/R","operationName":"ApplicationGatewayAccess","time":"2018-07-16T00:41:20.0000001Z","category":"ApplicationGatewayAccessLog","properties":{"instanceId":"ApplicationGatewayRole_IN_0","clientIP":"191.232.191.225","clientPort":-,"httpMethod":"GET","requestUri":"/scripts/main.js","requestQuery":"X-AzureApplicationGateway-CACHE-HIT=0&SERVER-ROUTED=H&X-AzureApplicationGateway-LOG-ID=8bf3&SERVER-STATUS=200","userAgent":"Mozilla/5.0+(compatible;+AppInsights)","httpStatus":200,"httpVersion":"HTTP/1.1","receivedBytes":785,"sentBytes":3269,"timeTaken":205,"sslEnabled":"-","host":"-"}}`,
		`2018-07-16T00:41:19.7950001 GET /scripts/main.js HTTP/1.1 client=191.232.191.225 status=200 dur=205000 wire=3269 [User-Agent: Mozilla/5.0+(compatible;+AppInsights)]`},
	{"azure-app-gateway", "v1, both hosts",
		`{"operationName":"ApplicationGatewayAccess","time":"2017-04-26T19:27:38Z","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"191.96.249.97","clientPort":46886,"httpMethod":"HEAD","requestUri":"/a","requestQuery":"X-AzureApplicationGateway-CACHE-HIT=0","userAgent":"-","httpStatus":404,"httpVersion":"HTTP/1.0","receivedBytes":65,"sentBytes":553,"timeTaken":205,"sslEnabled":"off","host":"b.example","originalHost":"www.contoso.com"}}`,
		`2017-04-26T19:27:37.795 HEAD /a HTTP/1.0 scheme=http host=www.contoso.com client=191.96.249.97 status=404 dur=205000 wire=553`},
	// The table AGWAccessLogs: TimeTaken in seconds, whole ones too.
	{"azure-app-gateway", "a row of AGWAccessLogs",
		`{"TimeGenerated":"2024-03-05T10:00:02Z","OperationName":"ApplicationGatewayAccess","InstanceId":"appgw_0","ClientIp":"192.0.2.4","HttpMethod":"GET","OriginalRequestUriWithArgs":"/a?b=c","RequestUri":"/a","HttpStatus":200,"HttpVersion":"HTTP/1.1","ReceivedBytes":184,"SentBytes":466,"TimeTaken":1,"ClientResponseTime":0,"Host":"b.example","OriginalHost":"shop.example","SslEnabled":"on","UserAgent":"curl/8","Type":"AGWAccessLogs"}`,
		`2024-03-05T10:00:01 GET /a?b=c HTTP/1.1 scheme=https host=shop.example client=192.0.2.4 status=200 dur=1000000 wire=466 [User-Agent: curl/8]`},
	{"azure-app-gateway", "a row of AzureDiagnostics",
		`{"TimeGenerated":"2024-03-05T10:00:02Z","Category":"ApplicationGatewayAccessLog","OperationName":"ApplicationGatewayAccess","clientIP_s":"192.0.2.4","httpMethod_s":"GET","originalRequestUriWithArgs_s":"/a?b=c","requestUri_s":"/a","requestQuery_s":"b=c","httpStatus_d":"200","httpVersion_s":"HTTP/1.1","sentBytes_d":"466","timeTaken_d":"0.034","host_s":"b.example","originalHost_s":"shop.example","sslEnabled_s":"on","userAgent_s":"curl/8"}`,
		`2024-03-05T10:00:01.966 GET /a?b=c HTTP/1.1 scheme=https host=shop.example client=192.0.2.4 status=200 dur=34000 wire=466 [User-Agent: curl/8]`},

	// "Access logs with clientIP value 127.0.0.1 originate from an internal security process".
	{"azure-app-gateway", "the gateway asks itself", gwLine(strings.Replace(gwFull, "185.42.129.24", "127.0.0.1", 1)), reasonNone},
	// Error code information: the client's request could not be read.
	{"azure-app-gateway", "no readable request", gwLine(`"clientIP":"10.0.0.1","httpMethod":"","originalRequestUriWithArgs":"","requestUri":"","httpStatus":400,"sentBytes":179,"timeTaken":0,"error_info":"ERRORINFO_INVALID_REQUEST"`), reasonNone},
	// TLS/TCP proxy logs.
	{"azure-app-gateway", "a TCP session", gwLine(`"clientIP":"10.0.0.1","protocol":"TCP","sessionTime":12.5,"receivedBytes":12,"sentBytes":34,"upstreamSentBytes":12,"upstreamReceivedBytes":34`), reasonNone},
	{"azure-app-gateway", "performance", `{"operationName":"ApplicationGatewayPerformance","time":"2016-04-09T00:00:00Z","category":"ApplicationGatewayPerformanceLog","properties":{"healthyHostCount":"4","requestCount":"185","latency":"0"}}`, reasonNone},
	{"azure-app-gateway", "firewall", `{"timeStamp":"2021-10-14T22:17:11+00:00","operationName":"ApplicationGatewayFirewall","category":"ApplicationGatewayFirewallLog","properties":{"clientIp":"185.42.129.24","requestUri":"\/","ruleId":"920350","action":"Matched","hostname":"20.110.30.194:80"}}`, reasonNone},
}
