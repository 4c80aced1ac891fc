package accesslog

import "strings"

const (
	albTarget = ` arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354"`
	albBegan  = ` 2018-07-02T22:22:59.364000Z`
)

// albCases follow AWS, "Access logs for your Application Load Balancer", "Syntax" and "Example log entries" (columnCases
// has more). time is when the answer was generated, of a WebSocket when it was closed; the three times end where the
// answer began to be sent; bytes count the head.
var albCases = []vendorCase{
	{"alb", "HTTP", `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - -` + albTarget + ` "-" "-" 0` + albBegan + ` "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
		`2018-07-02T22:22:59.364 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1000 first=1000 wire=366 [User-Agent: curl/7.46.0]`},
	{"alb", "HTTPS", `https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2` + albTarget + ` "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/1" 1` + albBegan + ` "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_123456`,
		`2018-07-02T22:22:59.364 GET / HTTP/1.1 scheme=https host=www.example.com client=192.168.131.39 status=200 dur=171000 first=171000 wire=57 [User-Agent: curl/7.46.0]`},
	{"alb", "HTTP/2, redirected, a port of one's own", `h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2` + albTarget + ` "-" "-" 1` + albBegan + ` "redirect" "https://example.com:80/" "-" "10.0.0.66:9000" "200" "-" "-"`,
		`2018-07-02T22:22:59.364 GET / HTTP/2.0 scheme=https host=10.0.2.105:773 client=10.0.1.252 status=200 dur=2000 first=2000 wire=257 [User-Agent: curl/7.46.0]`},
	{"alb", "WebSocket: it lasts until it is closed", `ws 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.0.140:40914 10.0.1.192:8010 0.001 0.003 0.000 101 101 218 587 "GET http://10.0.0.30:80/ HTTP/1.1" "-" - -` + albTarget + ` "-" "-" 1` + albBegan + ` "forward" "-" "-" "10.0.1.192:8010" "101" "-" "-"`,
		`2018-07-02T22:22:59.364 GET / HTTP/1.1 scheme=http host=10.0.0.30 client=10.0.0.140 status=101 dur=822641 first=4000 wire=587`},
	{"alb", "WebSocket over TLS", `wss 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.0.140:44244 10.0.0.171:8010 0.000 0.001 0.000 101 101 218 786 "GET https://10.0.0.30:443/ HTTP/1.1" "-" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2` + albTarget + ` "-" "-" 1` + albBegan + ` "forward" "-" "-" "10.0.0.171:8010" "101" "-" "-"`,
		`2018-07-02T22:22:59.364 GET / HTTP/1.1 scheme=https host=10.0.0.30 client=10.0.0.140 status=101 dur=822641 first=1000 wire=786`},
	{"alb", "WebSocket that was refused is a request like others", `ws 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.0.140:40914 10.0.1.192:8010 0.001 0.003 0.000 403 403 218 587 "GET http://10.0.0.30:80/ HTTP/1.1" "-" - -` + albTarget + ` "-" "-" 1` + albBegan + ` "forward" "-" "-" "10.0.1.192:8010" "403" "-" "-"`,
		`2018-07-02T22:22:59.364 GET / HTTP/1.1 scheme=http host=10.0.0.30 client=10.0.0.140 status=403 dur=4000 first=4000 wire=587`},
	{"alb", "Lambda", `http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - -` + albTarget + ` "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "-" "-" "-" "-" "-"`,
		`2018-11-30T22:22:48.364 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1000 first=1000 wire=366 [User-Agent: curl/7.46.0]`},
	{"alb", "Lambda that failed", `http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - -` + albTarget + ` "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse" "-" "-" "-" "-"`,
		`2018-11-30T22:22:48.364 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=502 dur=1000 first=1000 wire=366 [User-Agent: curl/7.46.0]`},
	// Blocked by AWS WAF: no target, 403, the times -1.
	{"alb", "blocked by WAF", `h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - -1 -1 -1 403 - 34 366 "POST https://www.example.com:443/login HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2` + albTarget + ` "www.example.com" "session-reused" 0` + albBegan + ` "waf" "-" "-" "-" "-" "Ambiguous" "UndefinedContentLengthSemantics"`,
		`2018-07-02T22:22:59.364 POST /login HTTP/2.0 scheme=https host=www.example.com client=192.168.131.39 status=403 dur=822641 wire=366 [User-Agent: curl/7.46.0]`},
	{"alb", "the client went away", `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 -1 -1 460 - 34 0 "GET http://www.example.com:80/slow HTTP/1.1" "curl/7.46.0" - -` + albTarget + ` "-" "-" 0` + albBegan + ` "forward" "-" "-" "10.0.0.1:80" "-" "-" "-"`,
		`2018-07-02T22:22:59.364 GET /slow HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=460 dur=822641 wire=0 [User-Agent: curl/7.46.0]`},
	{"alb", "malformed request", `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - -1 -1 -1 400 - 0 272 "- http://www.example.com:80- -" "-" - - - "-" "-" "-" -` + albBegan + ` "-" "-" "-" "-" "-" "-" "-"`, reasonRequest},
	{"alb", "closed before a request was whole", `http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - -1 -1 -1 408 - 0 0 "- - - " "-" - - - "-" "-" "-" -` + albBegan + ` "-" "-" "-" "-" "-" "-" "-"`, reasonRequest},
}

// elbCases follow AWS, "Access logs for your Classic Load Balancer", "Syntax" and "Examples" (columnCases has more):
// timestamp is when the balancer received the request, bytes are those of bodies.
var elbCases = []vendorCase{
	{"elb", "HTTP", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -`,
		`2015-05-13T23:39:43.945958 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1178 first=1178 size=29 body_size=0 [User-Agent: curl/7.38.0]`},
	{"elb", "HTTPS on a port of one's own, query", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 "GET https://www.example.com:8443/a%20b?c=d HTTP/1.1" "Mozilla/5.0 (X; \"y\")" DHE-RSA-AES128-SHA TLSv1.2`,
		`2015-05-13T23:39:43.945958 GET /a%20b?c=d HTTP/1.1 scheme=https host=www.example.com:8443 client=192.168.131.39 status=200 dur=2471 first=2471 size=57 body_size=0 [User-Agent: Mozilla/5.0 (X; "y")]`},
	{"elb", "a body", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.5 1.5 0 201 201 4096 0 "POST http://www.example.com:80/up HTTP/1.1" "-" - -`,
		`2015-05-13T23:39:43.945958 POST /up HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=201 dur=2000000 first=2000000 size=0 body_size=4096`},
	// The times are -1 where no instance took the request or answered in time.
	{"elb", "no instance", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 - -1 -1 -1 503 0 0 0 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -`,
		`2015-05-13T23:39:43.945958 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=503 size=0 body_size=0 [User-Agent: curl/7.38.0]`},
	{"elb", "no answer in time", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000032 -1 -1 504 0 0 0 "GET http://www.example.com:80/slow HTTP/1.1" "curl/7.38.0" - -`,
		`2015-05-13T23:39:43.945958 GET /slow HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=504 size=0 body_size=0 [User-Agent: curl/7.38.0]`},
	{"elb", "line of 2014, without agent and TLS", `2014-02-15T23:39:43.945958Z my-test-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1"`,
		`2014-02-15T23:39:43.945958 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1178 first=1178 size=29 body_size=0`},
	{"elb", "HTTP/1.0, the address of a client of IPv6", `2015-05-13T23:39:43Z my-loadbalancer [2001:db8::7]:2817 10.0.0.1:80 0.1 0.2 0.3 404 404 0 7 "HEAD http://10.0.2.105:80/x HTTP/1.0" "curl" - -`,
		`2015-05-13T23:39:43 HEAD /x HTTP/1.0 scheme=http host=10.0.2.105 client=2001:db8::7 status=404 dur=600000 first=600000 size=7 body_size=0 [User-Agent: curl]`},
	// A TCP or SSL listener knows no requests.
	{"elb", "TCP", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -`, reasonNotHTTP},
	{"elb", "SSL", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.001065 0.000015 0.000023 - - 57 502 "- - - " "-" ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2`, reasonNotHTTP},
	{"elb", "TCP without data", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 - -1 -1 -1 - - 0 0 "- - - " "-" - -`, reasonNotHTTP},
	{"elb", "malformed request", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 - -1 -1 -1 400 0 0 0 "- http://www.example.com:80- -" "-" - -`, reasonRequest},
}

// nlbLine is an entry of a Network Load Balancer with this in it for type, destination, TLS and ALPN.
func nlbLine(typ, destination, alert, tls, alpn string) string {
	return typ + ` 2.0 2018-12-20T02:59:40 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 ` + destination + ` 5 2 98 246 ` + alert + ` ` + tls + ` ` + alpn
}

const (
	nlbTLS = `arn:aws:acm:us-east-2:671290407336:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 - n.elb.us-east-2.amazonaws.com`
	nlbTo  = `172.100.100.185:443`
)

// nlbCases follow AWS, "Access logs for your Network Load Balancer", "Access log entries" and "Example log entries": it
// logs connections over TLS, so that no line is a request.
var nlbCases = []vendorCase{
	{"nlb", "without an ALPN policy", nlbLine("tls", nlbTo, "-", nlbTLS, "- - -"), reasonNotHTTP},
	{"nlb", "with an ALPN policy", nlbLine("tls", nlbTo, "-", nlbTLS, `h2 h2 "h2","http/1.1"`), reasonNotHTTP},
	{"nlb", "HTTP/1.1 by ALPN", nlbLine("tls", nlbTo, "-", nlbTLS, `http/1.1 - "http/1.1"`), reasonNotHTTP},
	{"nlb", "with the time of the connection", nlbLine("tls", nlbTo, "-", nlbTLS, `h2 h2 "h2","http/1.1" 2020-04-01T08:51:20`), reasonNotHTTP},
	{"nlb", "an alert", nlbLine("tls", nlbTo, "48", nlbTLS, "- - -"), reasonNotHTTP},
	{"nlb", "handshake that failed", nlbLine("tls", nlbTo, "-", "- - - - - -", "- - -"), reasonNotHTTP},
	{"nlb", "no name", nlbLine("tls", nlbTo, "-", `arn:aws:acm:us-east-2:671290407336:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv13 - -`, "- - -"), reasonNotHTTP},
	{"nlb", "through an endpoint service", nlbLine("tls", "vpce-0123456789abcdef0", "-", nlbTLS, "- - -"), reasonNotHTTP},
	{"nlb", "TLS 1.0", nlbLine("tls", nlbTo, "-", strings.Replace(nlbTLS, "tlsv12", "tlsv10", 1), "- - -"), reasonNotHTTP},
	{"nlb", "IPv6", strings.Replace(nlbLine("tls", "[2001:db8::1]:443", "-", nlbTLS, "- - -"), "72.21.218.154", "[2001:db8::9]", 1), reasonNotHTTP},
	{"nlb", "line before ALPN", strings.TrimSuffix(nlbLine("tls", nlbTo, "-", nlbTLS, ""), " "), reasonNotHTTP},
}
