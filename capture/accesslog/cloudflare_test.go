package accesslog

import "strings"

const (
	cfFields = `{"ClientIP":"192.0.2.7","ClientRequestHost":"shop.example","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeResponseStatus":200,"EdgeStartTimestamp":1712790000100000000,"EdgeEndTimestamp":1712790000123456789`
	cfWant   = `2024-04-10T23:00:00.1 GET /a host=shop.example client=192.0.2.7 status=200 dur=23456`
)

// cfLine is a line with fields more, cfSource one of requests from elsewhere.
func cfLine(more string) string { return cfFields + more + "}" }

func cfSource(source string) string { return cfLine(`,"ClientRequestSource":"` + source + `"`) }

// cloudflareCases follow Cloudflare, "HTTP requests" (the fields of the dataset http_requests), "Log Output Options"
// (timestamp_format), "ClientRequestSource field" and "Custom fields".
var cloudflareCases = []vendorCase{
	// HTTP requests: EdgeStartTimestamp is when the edge received the request, EdgeEndTimestamp when it finished sending.
	{"cloudflare", "default fields, unixnano", cfLine(""), cfWant},
	{"cloudflare", "all fields that are used",
		`{"CacheCacheStatus":"dynamic","ClientASN":43766,"ClientIP":"198.51.100.0","ClientRequestBytes":5800,"ClientRequestHost":"xyz.example.com","ClientRequestMethod":"POST","ClientRequestPath":"/s/_stats","ClientRequestProtocol":"HTTP/2","ClientRequestReferer":"https://example.com/s?x=(a:'b')","ClientRequestScheme":"https","ClientRequestSource":"eyeball","ClientRequestURI":"/s/_stats?a=%20b","ClientRequestUserAgent":"Mozilla/5.0 (\"x\")","ClientSrcPort":0,"ClientSSLCipher":"AEAD-AES128-GCM-SHA256","ClientSSLProtocol":"TLSv1.3","ClientXRequestedWith":"XMLHttpRequest","EdgeColoCode":"RUH","EdgeEndTimestamp":1653485132250000000,"EdgeRequestHost":"origin.example.com","EdgeResponseBodyBytes":980397,"EdgeResponseBytes":981308,"EdgeResponseContentType":"application/json","EdgeResponseStatus":200,"EdgeStartTimestamp":1653485126900000000,"EdgeTimeToFirstByteMs":5333,"OriginResponseStatus":200,"ParentRayID":"00","RayID":"710e98d9367f357d","SecurityAction":"unknown","WorkerSubrequest":false}`,
		`2022-05-25T13:25:26.9 POST /s/_stats?a=%20b HTTP/2 scheme=https host=xyz.example.com client=198.51.100.0 status=200 dur=5350000 first=5333000 size=980397 wire=981308 [Referer: https://example.com/s?x=(a:'b')] [User-Agent: Mozilla/5.0 ("x")] [X-Requested-With: XMLHttpRequest] <Content-Type: application/json>`},
	// Log Output Options: unix and rfc3339 are whole seconds, whose difference is no duration.
	{"cloudflare", "rfc3339", strings.NewReplacer(`1712790000100000000`, `"2022-05-25T13:25:26Z"`, `1712790000123456789`, `"2022-05-25T13:25:32Z"`).Replace(cfLine("")),
		`2022-05-25T13:25:26 GET /a host=shop.example client=192.0.2.7 status=200`},
	{"cloudflare", "unix", strings.NewReplacer(`1712790000100000000`, `1653485126`, `1712790000123456789`, `1653485132`).Replace(cfLine("")),
		`2022-05-25T13:25:26 GET /a host=shop.example client=192.0.2.7 status=200`},
	{"cloudflare", "unixnano as text", strings.NewReplacer(`1712790000100000000`, `"1653485126000000001"`, `1712790000123456789`, `"1653485132000000001"`).Replace(cfLine("")),
		`2022-05-25T13:25:26.000000001 GET /a host=shop.example client=192.0.2.7 status=200 dur=6000000`},
	{"cloudflare", "RFC 3339 with a fraction", strings.NewReplacer(`1712790000100000000`, `"2025-05-25T13:25:26.250Z"`, `1712790000123456789`, `"2025-05-25T13:25:26.375Z"`).Replace(cfLine("")),
		`2025-05-25T13:25:26.25 GET /a host=shop.example client=192.0.2.7 status=200 dur=125000`},
	// ClientSSLProtocol: "none" means that SSL was not used.
	{"cloudflare", "without TLS", cfLine(`,"ClientSSLProtocol":"none","ClientSSLCipher":"NONE"`), strings.Replace(cfWant, "/a host", "/a scheme=http host", 1)},
	// ClientRequestPath has no query: it counts where ClientRequestURI was not chosen.
	{"cloudflare", "path alone", strings.Replace(cfLine(""), "ClientRequestURI", "ClientRequestPath", 1), cfWant},
	{"cloudflare", "path and URI", cfLine(`,"ClientRequestPath":"/other"`), cfWant},
	// EdgeTimeToFirstByteMs counts the TLS handshake of a new connection: it may be more than the request took.
	{"cloudflare", "first byte with the handshake", cfLine(`,"EdgeTimeToFirstByteMs":95`), strings.Replace(cfWant, "dur=23456", "dur=23456 first=23456", 1)},
	{"cloudflare", "no answer", strings.Replace(cfLine(`,"EdgeResponseBytes":0`), `"EdgeResponseStatus":200`, `"EdgeResponseStatus":0`, 1), strings.Replace(cfWant, " status=200 dur=23456", " dur=23456 wire=0", 1)},
	{"cloudflare", "the client closed the connection", strings.Replace(cfLine(""), `"EdgeResponseStatus":200`, `"EdgeResponseStatus":499`, 1), strings.Replace(cfWant, "status=200", "status=499", 1)},
	{"cloudflare", "blocked by a rule", strings.Replace(cfLine(`,"SecurityAction":"block","SecuritySources":["firewallCustom"]`), `"EdgeResponseStatus":200`, `"EdgeResponseStatus":403`, 1), strings.Replace(cfWant, "status=200", "status=403", 1)},
	// Custom fields: request and response headers under their names, in small letters.
	{"cloudflare", "custom fields", cfLine(`,"RequestHeaders":{"accept-language":"de","content-length":"12"},"ResponseHeaders":{"x-cache":"a, b"},"Cookies":{"sid":"1"}`), cfWant + ` body_size=12 [accept-language: de] <x-cache: a, b>`},
	{"cloudflare", "a request from another zone", cfSource("orangeToOrange"), cfWant},
	{"cloudflare", "an empty source", cfSource(""), cfWant},

	// ClientRequestSource field.
	{"cloudflare", "a Worker's fetch", cfSource("edgeWorkerFetch"), reasonNone},
	{"cloudflare", "a Worker's cache", cfSource("edgeWorkerCacheAPI"), reasonNone},
	{"cloudflare", "a Worker's store", cfSource("edgeWorkerKV"), reasonNone},
	{"cloudflare", "a Worker's subrequest", cfLine(`,"WorkerSubrequest":true`), reasonNone},
	{"cloudflare", "health check", cfSource("healthcheck"), reasonNone},
	{"cloudflare", "Always Online's crawler", cfSource("alwaysOnline"), reasonNone},
	{"cloudflare", "Image Resizing", cfSource("imageResizing"), reasonNone},
	{"cloudflare", "purge", cfSource("purge"), reasonNone},
	{"cloudflare", "SSL Detector", cfSource("sslDetector"), reasonNone},
	{"cloudflare", "Early Hints", cfSource("earlyHintsCache"), reasonNone},
	{"cloudflare", "a challenge, which goes no further than the edge", cfSource("inBrowserChallenge"), reasonNone},
	// Firewall events are another dataset.
	{"cloudflare", "firewall event", `{"Action":"block","ClientIP":"192.0.2.7","ClientRequestHost":"shop.example","ClientRequestMethod":"GET","ClientRequestPath":"/a","ClientRequestQuery":"?x","Datetime":"2022-05-25T13:25:26Z","EdgeResponseStatus":403}`, reasonTime},
}
