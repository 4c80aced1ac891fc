package accesslog

// ingress-nginx documentation, "Log format": log_format upstreaminfo and what its variables are; $request_time is counted
// from the first bytes of the request, $time_local is when the line is written.
var ingressLines = []documentedLine{
	{"ingress-nginx", "the default format", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET /a?b=c HTTP/1.1" 200 612 "-" "curl/7.88.1" 82 0.005 [default-web-80] [] 10.244.0.5:8080 612 0.004 200 f9b14a1e0b5d7a3c4f8f2b7f1d5e6a7c`,
		`2023-01-19T10:01:01.995 GET /a?b=c HTTP/1.1 client=192.168.0.9 status=200 dur=5000 size=612 [User-Agent: curl/7.88.1]`},
	{"ingress-nginx", "a user, a referrer", `192.168.0.9 - bob [19/Jan/2023:10:01:02 +0100] "POST /login HTTP/2.0" 302 0 "https://r/?x" "Mozilla/5.0 (X11; Linux)" 1024 0.250 [shop-web-http] [] 10.244.0.5:8080 0 0.250 302 f9b1`,
		`2023-01-19T09:01:01.75 POST /login HTTP/2.0 client=192.168.0.9 bob status=302 dur=250000 size=0 [Referer: https://r/?x] [User-Agent: Mozilla/5.0 (X11; Linux)]`},
	{"ingress-nginx", "two tries", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET / HTTP/1.1" 200 19 "-" "curl/8" 82 5.003 [default-web-80] [] 10.244.0.5:8080, 10.244.0.6:8080 0, 19 5.000, 0.003 504, 200 f9b1`,
		`2023-01-19T10:00:56.997 GET / HTTP/1.1 client=192.168.0.9 status=200 dur=5003000 size=19 [User-Agent: curl/8]`},
	{"ingress-nginx", "the default backend: no upstream", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET /none HTTP/1.1" 404 146 "-" "curl/8" 82 0.000 [upstream-default-backend] [] - - - - f9b1`,
		`2023-01-19T10:01:02 GET /none HTTP/1.1 client=192.168.0.9 status=404 dur=0 size=146 [User-Agent: curl/8]`},
	{"ingress-nginx", "a canary: an alternative upstream", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET / HTTP/1.1" 200 19 "-" "curl/8" 82 0.010 [default-web-80] [default-canary-80] 10.244.0.7:8080 19 0.010 200 f9b1`,
		`2023-01-19T10:01:01.99 GET / HTTP/1.1 client=192.168.0.9 status=200 dur=10000 size=19 [User-Agent: curl/8]`},
	{"ingress-nginx", "the client went away", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET /slow HTTP/1.1" 499 0 "-" "curl/8" 82 15.000 [default-web-80] [] 10.244.0.5:8080 0 15.000 - f9b1`,
		`2023-01-19T10:00:47 GET /slow HTTP/1.1 client=192.168.0.9 status=499 dur=15000000 size=0 [User-Agent: curl/8]`},
	{"ingress-nginx", "no upstream answered", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET / HTTP/1.1" 503 190 "-" "kube-probe/1.27" 82 0.000 [default-web-80] [] - - - - f9b1`,
		`2023-01-19T10:01:02 GET / HTTP/1.1 client=192.168.0.9 status=503 dur=0 size=190 [User-Agent: kube-probe/1.27]`},
	{"ingress-nginx", "IPv6, escapes of nginx", `2001:db8::1 - - [19/Jan/2023:10:01:02 +0000] "GET /\xC3\xA9 HTTP/1.1" 200 1 "-" "a \x22b" 82 0.001 [default-web-80] [] [2001:db8::5]:8080 1 0.001 200 f9b1`,
		`2023-01-19T10:01:01.999 GET /é HTTP/1.1 client=2001:db8::1 status=200 dur=1000 size=1 [User-Agent: a "b]`},
	{"ingress-nginx", "a socket as upstream", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET /is-dynamic-lb-initialized HTTP/1.1" 200 2 "-" "Go-http-client/1.1" 82 0.001 [internal] [] unix:/tmp/nginx-status-server.sock 2 0.001 200 f9b1`,
		`2023-01-19T10:01:01.999 GET /is-dynamic-lb-initialized HTTP/1.1 client=192.168.0.9 status=200 dur=1000 size=2 [User-Agent: Go-http-client/1.1]`},
	{"ingress-nginx", "TLS bytes on the plain port", `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "GET / HTTP/1.1" 200 1 "-" "x" 82 0.001 [default-web-80] [] 10.0.0.1:80 1 0.001 200 f9b1` + "\n" + `192.168.0.9 - - [19/Jan/2023:10:01:02 +0000] "\x16\x03\x01\x02" 400 150 "-" "-" 0 0.101 [] [] - - - - f9b2`,
		`2023-01-19T10:01:01.999 GET / HTTP/1.1 client=192.168.0.9 status=200 dur=1000 size=1 [User-Agent: x]` + "\n" + reasonRequest},
}
