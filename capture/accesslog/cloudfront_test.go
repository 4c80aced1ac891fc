package accesslog

import (
	"strings"
	"testing"
)

// cfEntry is a line of the legacy standard log: 33 cells between tabs, written here between blanks.
func cfEntry(cells string) string { return strings.ReplaceAll(cells, " ", "\t") }

// cloudFrontCases follow AWS, "Standard logging reference" and "Configure standard logging (legacy)" ("Log file fields",
// "Standard log file format", the example of a file). columnCases has more, real-time logs below.
var cloudFrontCases = []vendorCase{
	// time is when the edge finished responding, time-taken counts to the last byte written, bytes count headers.
	{"cloudfront", "the example's hit", cfEntry(`2019-12-04 21:02:31 LAX1 392 192.0.2.100 GET d111111abcdef8.cloudfront.net /index.html 200 - Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20Chrome/78.0.3904.108 - - Hit SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ== d111111abcdef8.cloudfront.net https 23 0.001 - TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 Hit HTTP/2.0 - - 11040 0.001 Hit text/html 78 - -`),
		`2019-12-04T21:02:30.999 GET /index.html HTTP/2.0 scheme=https host=d111111abcdef8.cloudfront.net client=192.0.2.100 status=200 dur=1000 first=1000 size=78 wire=392 [User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/78.0.3904.108] <Content-Type: text/html>`},
	{"cloudfront", "the example's second line, same second", cfEntry(`2019-12-04 21:02:31 LAX1 392 192.0.2.100 GET d111111abcdef8.cloudfront.net /index.html 200 - - - - Hit k6WGMNkEzR5BEM_SaF47gjtX9zBDO2m349OY2an0QPEaUum1ZOLrow== d111111abcdef8.cloudfront.net https 23 0.000 - TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 Hit HTTP/2.0 - - 11040 0.000 Hit text/html 78 - -`),
		`2019-12-04T21:02:31 GET /index.html HTTP/2.0 scheme=https host=d111111abcdef8.cloudfront.net client=192.0.2.100 status=200 dur=0 first=0 size=78 wire=392 <Content-Type: text/html>`},
	{"cloudfront", "the example's error at the origin, IPv6", cfEntry(`2019-12-13 22:36:27 SEA19-C1 900 2001:db8::a GET d111111abcdef8.cloudfront.net /favicon.ico 502 http://www.example.com/ Mozilla/5.0 - - Error 1pkpNfBQ39sYMnjjUQjmH2w1wdJnbHYTbag21o_3OfcQgPzdL2RSSQ== www.example.com http 675 0.102 - - - Error HTTP/1.1 - - 25260 0.102 OriginDnsError text/html 507 - -`),
		`2019-12-13T22:36:26.898 GET /favicon.ico HTTP/1.1 scheme=http host=www.example.com client=2001:db8::a status=502 dur=102000 first=102000 size=507 wire=900 [Referer: http://www.example.com/] [User-Agent: Mozilla/5.0] <Content-Type: text/html>`},
	// "URL-encoded equivalents": a percent sign is %25 in every field, so %20 of a request reads %2520, in its path too.
	{"cloudfront", "path and query encoded once more", cfEntry(`2019-12-13 22:36:27 SEA19-C1 900 192.0.2.1 GET d.cloudfront.net /a%2520b%252Cc%25C3%25A9 200 - - q=%2520z&e=%5B1%5D - Miss x www.example.com https 67 0.050 - TLSv1.3 TLS_AES_128_GCM_SHA256 Miss HTTP/3.0 - - 25260 0.049 Miss - - - -`),
		`2019-12-13T22:36:26.95 GET /a%20b%2Cc%C3%A9?q=%20z&e=%5B1%5D HTTP/3.0 scheme=https host=www.example.com client=192.0.2.1 status=200 dur=50000 first=49000 wire=900`},
	// sc-status: 000 where the viewer closed the connection before the server could respond.
	{"cloudfront", "the viewer went away", cfEntry(`2019-12-13 22:37:02 SEA19-C2 0 192.0.2.1 GET d.cloudfront.net / 000 - curl/7.55.1 - - Error kBkDzGnceVtWHqSCqBUqtA_cEs2T3tFUBbnBNkB9El_uVRhHgcZfcw== www.example.com http 387 0.103 - - - Error HTTP/1.1 - - 12644 - ClientCommError - - - -`),
		`2019-12-13T22:37:01.897 GET / HTTP/1.1 scheme=http host=www.example.com client=192.0.2.1 dur=103000 wire=0 [User-Agent: curl/7.55.1]`},
	// WebSocket connections: date and time are when the connection closed.
	{"cloudfront", "WebSocket", cfEntry(`2019-12-13 22:37:02 SEA19-C2 4500 192.0.2.1 GET d.cloudfront.net /ws 101 - - - - Miss x www.example.com wss 387 62.500 - TLSv1.2 ECDHE Miss HTTP/1.1 - - 12644 0.040 Miss - - - -`),
		`2019-12-13T22:35:59.5 GET /ws HTTP/1.1 scheme=https host=www.example.com client=192.0.2.1 status=101 dur=62500000 first=40000 wire=4500`},
	// c-ip is that of a proxy, x-forwarded-for what it said.
	{"cloudfront", "behind a proxy, cookies", cfEntry(`2019-12-13 22:37:02 SEA19-C2 4500 192.0.2.1 POST d.cloudfront.net /up 201 - - - sid=a%3D;%20x=1 Miss x www.example.com https 9387 0.500 198.51.100.7 TLSv1.2 ECDHE Miss HTTP/2.0 Processed 1 12644 0.450 Miss - - - -`),
		`2019-12-13T22:37:01.5 POST /up HTTP/2.0 scheme=https host=www.example.com client=192.0.2.1 status=201 dur=500000 first=450000 wire=4500 [Cookie: sid=a=; x=1] [X-Forwarded-For: 198.51.100.7]`},
	{"cloudfront", "redirected to HTTPS, a range", cfEntry(`2019-12-13 22:37:02 SEA19-C2 567 192.0.2.1 HEAD d.cloudfront.net /a 301 - - - - Redirect x www.example.com http 87 0.000 - - - Redirect HTTP/1.0 - - 12644 0.000 Redirect text/html 183 0 99`),
		`2019-12-13T22:37:02 HEAD /a HTTP/1.0 scheme=http host=www.example.com client=192.0.2.1 status=301 dur=0 first=0 size=183 wire=567 <Content-Type: text/html>`},
	{"cloudfront", "line of 2012 to 2013, 18 fields", cfEntry(`2013-09-01 22:37:02 SEA4 2390282 192.0.2.1 GET d.cloudfront.net /a.mp4 206 http://r/ Mozilla/4.0%2520(x;%2520y) - - RefreshHit x d.cloudfront.net http 87`),
		`2013-09-01T22:37:02 GET /a.mp4 scheme=http host=d.cloudfront.net client=192.0.2.1 status=206 wire=2390282 [Referer: http://r/] [User-Agent: Mozilla/4.0 (x; y)]`},
	{"cloudfront", "a limit was exceeded", cfEntry(`2019-12-13 22:37:02 SEA19-C2 1045 192.0.2.1 GET d.cloudfront.net /a 503 - - - - LimitExceeded x www.example.com https 87 0.001 - TLSv1.2 ECDHE LimitExceeded HTTP/2.0 - - 12644 0.001 LimitExceeded text/html 919 - -`),
		`2019-12-13T22:37:01.999 GET /a HTTP/2.0 scheme=https host=www.example.com client=192.0.2.1 status=503 dur=1000 first=1000 size=919 wire=1045 <Content-Type: text/html>`},
}

// cfJSON is a line of standard logging (v2) as JSON with these fields.
func cfJSON(fields string) string {
	return `{"date":"2024-11-14","time":"22:30:25","x-edge-location":"DEL54-P6","cs-method":"GET","cs(Host)":"d1.cloudfront.net",` + fields + `}`
}

const cfJSONAll = `"sc-bytes":"436","c-ip":"2600:9000::1","cs-uri-stem":"/px.js","sc-status":"200","cs(Referer)":"-","cs(User-Agent)":"curl/8","cs-uri-query":"-","cs(Cookie)":"-","x-edge-result-type":"Hit","x-edge-request-id":"x==","x-host-header":"www.example.com","cs-protocol":"https","cs-bytes":"66","time-taken":"0.053","x-forwarded-for":"-","ssl-protocol":"TLSv1.3","ssl-cipher":"TLS_AES_128_GCM_SHA256","x-edge-response-result-type":"Hit","cs-protocol-version":"HTTP/2.0","fle-status":"-","fle-encrypted-fields":"-","c-port":"42932","time-to-first-byte":"0.050","x-edge-detailed-result-type":"Hit","sc-content-type":"text/html","sc-content-len":"78","sc-range-start":"-","sc-range-end":"-"`

const cfJSONWant = `2024-11-14T22:30:24.947 GET /px.js HTTP/2.0 scheme=https host=www.example.com client=2600:9000::1 status=200 dur=53000 first=50000 size=78 wire=436 [User-Agent: curl/8] <Content-Type: text/html>`

// cloudFrontJSONCases follow AWS, "Configure standard logging (v2)" ("Output format": JSON has the names of the fields as
// keys, the values of text; "Log field selection": a subset of the fields of real-time logs may join in).
var cloudFrontJSONCases = []vendorCase{
	{"cloudfront-json", "all fields", cfJSON(cfJSONAll), cfJSONWant},
	{"cloudfront-json", "numbers that are no text", cfJSON(strings.NewReplacer(`"436"`, `436`, `"200"`, `200`, `"0.053"`, `0.053`, `"0.050"`, `0.05`, `"78"`, `78`).Replace(cfJSONAll)), cfJSONWant},
	{"cloudfront-json", "timestamp(ms) is finer", cfJSON(cfJSONAll + `,"timestamp(ms)":"1731623425123","origin-fbl":"0.049","origin-lbl":"0.050","asn":"16509","c-country":"IN"`), strings.Replace(cfJSONWant, "22:30:24.947", "22:30:25.07", 1)},
	{"cloudfront-json", "timestamp(ms) before date and time", strings.Replace(cfJSON(cfJSONAll), `{"date"`, `{"timestamp(ms)":"1731623425123","date"`, 1), strings.Replace(cfJSONWant, "22:30:24.947", "22:30:25.07", 1)},
	{"cloudfront-json", "query and path", cfJSON(strings.NewReplacer(`"/px.js"`, `"/a%2520b"`, `"cs-uri-query":"-"`, `"cs-uri-query":"a=%2520&b"`).Replace(cfJSONAll)), strings.Replace(cfJSONWant, "/px.js", "/a%20b?a=%20&b", 1)},
	{"cloudfront-json", "cookies and a proxy", cfJSON(strings.NewReplacer(`"cs(Cookie)":"-"`, `"cs(Cookie)":"sid=1;%20b=2"`, `"x-forwarded-for":"-"`, `"x-forwarded-for":"198.51.100.7"`).Replace(cfJSONAll)),
		strings.Replace(cfJSONWant, "[User-Agent: curl/8]", "[User-Agent: curl/8] [Cookie: sid=1; b=2] [X-Forwarded-For: 198.51.100.7]", 1)},
	{"cloudfront-json", "the viewer went away", cfJSON(strings.NewReplacer(`"sc-status":"200"`, `"sc-status":"000"`, `"0.050"`, `"-"`, `"sc-bytes":"436"`, `"sc-bytes":"0"`, `"text/html"`, `"-"`, `"78"`, `"-"`).Replace(cfJSONAll)),
		`2024-11-14T22:30:24.947 GET /px.js HTTP/2.0 scheme=https host=www.example.com client=2600:9000::1 dur=53000 wire=0 [User-Agent: curl/8]`},
	{"cloudfront-json", "fields chosen", cfJSON(`"c-ip":"192.0.2.1","cs-uri-stem":"/","sc-status":"404","x-host-header":"h.example","time-taken":"1.5"`),
		`2024-11-14T22:30:23.5 GET / host=h.example client=192.0.2.1 status=404 dur=1500000`},
	{"cloudfront-json", "without TLS", cfJSON(strings.NewReplacer(`"https"`, `"http"`, `"TLSv1.3"`, `"-"`, `"TLS_AES_128_GCM_SHA256"`, `"-"`).Replace(cfJSONAll)), strings.Replace(cfJSONWant, "https", "http", 1)},
	{"cloudfront-json", "WebSocket", cfJSON(strings.NewReplacer(`"cs-protocol":"https"`, `"cs-protocol":"wss"`, `"sc-status":"200"`, `"sc-status":"101"`, `"0.053"`, `"25.000"`).Replace(cfJSONAll)),
		strings.NewReplacer("22:30:24.947", "22:30:00", "status=200 dur=53000", "status=101 dur=25000000").Replace(cfJSONWant)},
	{"cloudfront-json", "no method", `{"date":"2024-11-14","time":"22:30:25","x-edge-location":"DEL54-P6","cs-method":"-","cs-uri-stem":"-","sc-status":"400","x-edge-request-id":"x"}`, reasonNone},
}

// TestCloudFrontRealTimeHost: AWS, "Use real-time access logs", "Fields": cs-host is what the viewer asked for, x-host-header
// the distribution's name, the other way round than in standard logs; cs-uri-stem holds the query.
func TestCloudFrontRealTimeHost(t *testing.T) {
	for _, fields := range []string{"timestamp c-ip cs-method cs-host x-host-header cs-uri-stem cs-uri-query time-taken", "timestamp c-ip cs-method x-host-header cs-host cs-uri-stem cs-uri-query time-taken"} {
		hosts := "www.example.com d1.cloudfront.net"
		if strings.Contains(fields, "x-host-header cs-host") {
			hosts = "d1.cloudfront.net www.example.com"
		}
		lines := bytesOf([]string{"#Fields: " + fields, cfEntry("1573512000.123 192.0.2.1 GET " + hosts + " /a%2520b?c=d c=d 0.100")})
		const want = "2019-11-11T22:40:00.023 GET /a%20b?c=d host=www.example.com client=192.0.2.1 dur=100000"
		p, _, err := Detect(lines, Options{})
		if err != nil || p.Name() != "cloudfront" {
			t.Fatalf("Detect = %v, %v, want cloudfront", p, err)
		}
		if got := shown(t, p, lines); got != want {
			t.Errorf("%s\n got %s\nwant %s", fields, got, want)
		}
	}
}
