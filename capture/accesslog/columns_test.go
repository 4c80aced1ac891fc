package accesslog

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

const (
	albLine = `h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 ` +
		`"GET https://www.example.com:443/a%20b?c=d HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ` +
		`arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354"`
	albTail = ` "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/1234" 1 2018-07-02T22:22:59.364000Z "authenticate,forward" "-" "-" ` +
		`"10.0.0.1:80" "200" "-" "-" TID_123456`
	albWant = `2018-07-02T22:22:59.364 GET /a%20b?c=d HTTP/2.0 scheme=https host=www.example.com client=192.168.131.39 status=200 dur=1000 first=1000 wire=366 [User-Agent: curl/7.46.0]`

	s3Line = `79a5 b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - A1206F460EXAMPLE REST.HEAD.OBJECT x "HEAD /b/x HTTP/1.1" 200 - - 9 3 2 "-" "-" -`
	s3Want = `2019-02-06T00:00:38 HEAD /b/x HTTP/1.1 client=192.0.2.3 status=200 dur=3000 size=0`

	iisHead = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2018-01-01 08:09:10\n#Fields: "
	cfHead  = "#Version: 1.0\n#Fields: " + cloudFrontColumns + "\n"
)

// columnCases are lines as the vendors' documentation has them, and what each must give: one row for each line that is no
// comment.
var columnCases = []struct{ name, what, text, want string }{
	// AWS, "Access logs for your Application Load Balancer", "Access log entries" and "Example log entries".
	{"alb", "HTTP/2 with all fields", albLine + albTail, albWant},
	{"alb", "with the fields of 2025", albLine + albTail + ` "internal.example" "/rewritten" "TransformSuccess" new`, albWant},
	{"alb", "line of 2018", albLine + ` "-" "-" 0 2018-07-02T22:22:59.364000Z`, albWant},
	{"alb", "line of 2016, without request_creation_time", albLine,
		`2018-07-02T22:23:00.185641 GET /a%20b?c=d HTTP/2.0 scheme=https host=www.example.com client=192.168.131.39 status=200 dur=1000 first=1000 wire=366 [User-Agent: curl/7.46.0]`},
	{"alb", "no target: the times are -1", `http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 [2001:db8::7]:2817 - -1 -1 -1 503 - 34 366 "GET http://www.example.com:8080/ HTTP/1.1" "-" - - arn "Root=1" "-" "-" 0 2018-11-30T22:22:58.364000Z "forward" "-" "-"`,
		`2018-11-30T22:22:58.364 GET / HTTP/1.1 scheme=http host=www.example.com:8080 client=2001:db8::7 status=503 dur=1822641 wire=366`},
	{"alb", "one of the times is -1, no request_creation_time", strings.Replace(albLine, "0.001 0.000", "0.001 -1", 1),
		`2018-07-02T22:23:00.186641 GET /a%20b?c=d HTTP/2.0 scheme=https host=www.example.com client=192.168.131.39 status=200 wire=366 [User-Agent: curl/7.46.0]`},
	{"alb", "WebSocket over TLS", strings.Replace(strings.Replace(albLine+albTail, "h2 ", "wss ", 1), "200 200", "101 101", 1), strings.Replace(albWant, "status=200 dur=1000", "status=101 dur=822641", 1)},
	{"alb", "gRPC", strings.Replace(strings.Replace(albLine+albTail, "h2 ", "grpcs ", 1), "GET ", "POST ", 1), strings.Replace(albWant, "GET", "POST", 1)},
	{"alb", "agent with quotes", strings.Replace(albLine+albTail, "curl/7.46.0", `a \"b\" \x22c`, 1), strings.Replace(albWant, "curl/7.46.0", `a "b" "c`, 1)},
	{"alb", "no readable request", strings.Replace(albLine+albTail, "GET https://www.example.com:443/a%20b?c=d HTTP/2.0", "- - -", 1), reasonRequest},
	{"alb", "no path", strings.Replace(albLine+albTail, "GET https://www.example.com:443/a%20b?c=d HTTP/2.0", "- http://www.example.com:80- -", 1), reasonRequest},

	// AWS, "Access logs for your Classic Load Balancer", "Example log entries".
	{"elb", "HTTP", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 12 29 "POST http://www.example.com:80/x HTTP/1.1" "curl/7.38.0" - -`,
		`2015-05-13T23:39:43.945958 POST /x HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1178 first=1178 size=29 body_size=12 [User-Agent: curl/7.38.0]`},
	{"elb", "HTTPS", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000086 0.001048 0.001337 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.38.0" DHE-RSA-AES128-SHA TLSv1.2`,
		`2015-05-13T23:39:43.945958 GET / HTTP/1.1 scheme=https host=www.example.com client=192.168.131.39 status=200 dur=2471 first=2471 size=57 body_size=0 [User-Agent: curl/7.38.0]`},
	{"elb", "no instance took it", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 - -1 -1 -1 503 - 0 0 "GET http://www.example.com:80/ HTTP/1.1" "-" - -`,
		`2015-05-13T23:39:43.945958 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=503 size=0 body_size=0`},
	{"elb", "line of 2014", `2014-02-15T23:39:43.945958Z my-test-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1"`,
		`2014-02-15T23:39:43.945958 GET / HTTP/1.1 scheme=http host=www.example.com client=192.168.131.39 status=200 dur=1178 first=1178 size=29 body_size=0`},
	{"elb", "TCP", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -`, reasonNotHTTP},
	{"elb", "SSL", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.001065 0.000015 0.000023 - - 57 502 "- - - " "-" ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2`, reasonNotHTTP},

	// AWS, "Access logs for your Network Load Balancer", "Examples".
	{"nlb", "TLS listener", `tls 2.0 2018-12-20T02:59:40 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 - my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com h2 h2 "h2","http/1.1" 2020-04-01T08:51:20`, reasonNotHTTP},

	// AWS, "Amazon S3 server access log format".
	{"s3", "query on the bucket", `79a5 amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a5 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP Yes`,
		`2019-02-06T00:00:38 GET /amzn-s3-demo-bucket1?versioning HTTP/1.1 scheme=https host=amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com client=192.0.2.3 79a5 status=200 dur=7000 size=113 [User-Agent: S3Console/0.4]`},
	{"s3", "anonymous, key encoded twice", `79a5 b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - A1206F460EXAMPLE REST.GET.OBJECT foo%252Bbar "GET /b/foo%2Bbar HTTP/1.1" 404 NoSuchKey 297 - 38 - "http://www.example.com/x" "a b" -`,
		`2019-02-06T00:00:38 GET /b/foo%2Bbar HTTP/1.1 client=192.0.2.3 status=404 dur=38000 size=297 [Referer: http://www.example.com/x] [User-Agent: a b]`},
	{"s3", "lifecycle", s3Line + "\n" + `79a5 b [06/Feb/2019:00:00:38 +0000] - AmazonS3 8B5297D428A05432 S3.EXPIRE.OBJECT tmp/x - - - - 24896 - - - - - EVM1ZPlhLN7bMxPOGhQuXQg= - - - - -`, s3Want + "\n" + reasonNone},
	{"s3", "member of a batch", s3Line + "\n" + `79a5 b [10/Sep/2019:15:11:07 +0000] 77.227.156.41 arn:aws:iam::123456:user/x 8CD7A4A71E2E5C9E BATCH.DELETE.OBJECT jolokia.war - 204 - - 344017 - - - - - IeDW5I3w= SigV4 ECDHE-RSA-AES128-SHA AuthHeader s3.eu-central-1.amazonaws.com TLSv1.2`, s3Want + "\n" + reasonNone},

	// AWS, "Standard logging reference", "Log file fields" and "Standard log file example".
	{"cloudfront", "all columns", cfHead + "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)\t-\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\twww.example.com\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
		`2019-12-04T21:02:30.999 GET /index.html HTTP/2.0 scheme=https host=www.example.com client=192.0.2.100 status=200 dur=1000 first=1000 size=78 wire=392 [User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)] <Content-Type: text/html>`},
	{"cloudfront", "percent signs encoded once more", cfHead + "2019-12-04\t21:02:31\tLAX1\t392\t2001:db8::1\tPOST\td1.cloudfront.net\t/a%20b\t000\thttp://r/?x=%2520y\tMozilla/4.0%2520(a;%2520b)\tq=%2520z&r=%2B&s=%2525\tsid=a%253Db;%20x=1\tError\tx\tshop.example:8443\twss\t23\t61.250\t1.2.3.4,%205.6.7.8\t-\t-\tError\tHTTP/1.1\t-\t-\t11040\t-\tClientCommError\t-\t-\t-\t-",
		`2019-12-04T21:01:29.75 POST /a%20b?q=%20z&r=%2B&s=%25 HTTP/1.1 scheme=https host=shop.example:8443 client=2001:db8::1 dur=61250000 wire=392 [Referer: http://r/?x=%20y] [User-Agent: Mozilla/4.0 (a; b)] [Cookie: sid=a%3Db; x=1] [X-Forwarded-For: 1.2.3.4, 5.6.7.8]`},
	{"cloudfront", "piece of 2010 without a header", "2010-03-12\t23:51:20\tSEA4\t10\t192.0.2.147\tGET\td1.cloudfront.net\t/x.jpg\t200\thttp://r/\tcurl\ta=b",
		`2010-03-12T23:51:20 GET /x.jpg?a=b host=d1.cloudfront.net client=192.0.2.147 status=200 wire=10 [Referer: http://r/] [User-Agent: curl]`},
	{"cloudfront", "real-time log below a header", "#Fields: timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes x-edge-location time-taken cs-protocol-version cs-user-agent\n1573512000.123\t1.2.3.4\t0.002\t200\t16384\tGET\thttps\td1.cloudfront.net\t/a?b=c\t12\tDFW50\t0.100\tHTTP/3.0\tcurl%207",
		`2019-11-11T22:40:00.023 GET /a?b=c HTTP/3.0 scheme=https host=d1.cloudfront.net client=1.2.3.4 status=200 dur=100000 first=2000 wire=16384 [User-Agent: curl 7]`},
	{"cloudfront-json", "v2", `{"date":"2024-11-14","time":"22:30:25","x-edge-location":"DEL54-P6","sc-bytes":"436","c-ip":"2600:9000::1","cs-method":"GET","cs(Host)":"d1.cloudfront.net","cs-uri-stem":"/px.js","sc-status":"403","cs(Referer)":"-","cs(User-Agent)":"Mozilla/5.0%20(X)","cs-uri-query":"a=%2520","cs(Cookie)":"-","x-edge-result-type":"Error","x-host-header":"d1.cloudfront.net","cs-protocol":"https","cs-bytes":"66","time-taken":"0.053","time-to-first-byte":"0.050","cs-protocol-version":"HTTP/2.0"}`,
		`2024-11-14T22:30:24.947 GET /px.js?a=%20 HTTP/2.0 scheme=https host=d1.cloudfront.net client=2600:9000::1 status=403 dur=53000 first=50000 wire=436 [User-Agent: Mozilla/5.0 (X)]`},

	// Microsoft, "W3C Extended Log File Examples (IIS 6.0)" and "Log File Formats in IIS"; the W3C's WD-logfile.
	{"w3c", "IIS 10, blanks as pluses", iisHead + "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n" +
		`2018-01-01 08:09:10 127.0.0.1 GET /a+b/é%.aspx q=a+b%20c 443 DOM\bob 85.181.35.98 Mozilla/5.0+(Windows+NT+6.1;+a\x22) http://r/?q=a+b 200 0 0 123`,
		`2018-01-01T08:09:09.877 GET /a%20b/%C3%A9%25.aspx?q=a+b%20c scheme=https client=85.181.35.98 DOM\bob status=200 dur=123000 [User-Agent: Mozilla/5.0 (Windows NT 6.1; a\x22)] [Referer: http://r/?q=a+b]`},
	{"w3c", "all of IIS's fields and one of one's own", iisHead + "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken X-Forwarded-For cs(X-Id) sc(Content-Type)\n" +
		`2018-01-01 10:11:12 W3SVC1 MACHINE ::1%0 GET / - 80 - ::1%0 HTTP/1.1 curl a=b+c;+d=e - example.com 200 0 0 123 456 789 1.2.3.4 77 text/html`,
		`2018-01-01T10:11:11.211 GET / HTTP/1.1 scheme=http host=example.com client=::1%0 status=200 dur=789000 wire=123 [User-Agent: curl] [Cookie: a=b+c; d=e] [X-Forwarded-For: 1.2.3.4] [X-Id: 77] <Content-Type: text/html>`},
	{"w3c", "columns change in the middle, pieces of the default", iisHead + "date time c-ip cs-method cs-uri-stem sc-status\n2018-01-01 08:09:10 ::1 GET / 200\n#Fields: time cs-method cs-uri-stem\n08:09:11 HEAD /x\n2018-01-02 08:09:10 127.0.0.1 GET /y - 80 - 85.181.35.98 curl - 200 0 0 123\n#Date: 2018-01-03 00:00:00\n00:00:01 PUT /z\n00:00:02 PUT",
		"2018-01-01T08:09:10 GET / client=::1 status=200\n2018-01-01T08:09:11 HEAD /x\n2018-01-02T08:09:09.877 GET /y scheme=http client=85.181.35.98 status=200 dur=123000 [User-Agent: curl]\n2018-01-03T00:00:01 PUT /z\n" + reasonMisfit},
	{"w3c", "only times, past the end of a year", "#Date: 2018-12-31 23:00:00\n#Fields: time cs-method cs-uri-stem\n23:59:59 GET /a\n00:00:01 GET /b",
		"2018-12-31T23:59:59 GET /a\n2019-01-01T00:00:01 GET /b"},
	{"w3c", "IIS 7 default without a header", `2018-12-31 12:02:53 10.44.0.136 GET /Director a=b 8080 - 10.50.6.188 Mozilla/4.0+(x) 401 0 0 15`,
		`2018-12-31T12:02:52.985 GET /Director?a=b client=10.50.6.188 status=401 dur=15000 [User-Agent: Mozilla/4.0 (x)]`},
	{"w3c", "IIS 6 default without a header", `2004-12-31 12:02:53 W3SVC1 10.44.0.136 GET /Default.htm - 80 - 10.50.6.188 Mozilla/4.0+(x) 200 0 0`,
		`2004-12-31T12:02:53 GET /Default.htm scheme=http client=10.50.6.188 status=200 [User-Agent: Mozilla/4.0 (x)]`},
	{"w3c", "Advanced Logging: quotes, local time", "#Software: IIS Advanced Logging Module\n#Fields:   date-local time-local   s-ip   cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) cs(Host) sc-status TimeTakenMS\n" +
		`2012-08-15 17:00:00.363 1.2.3.4 GET /Products - 80 - "70.95.0.0" "Mozilla/5.0 ""x"" (Linux; U)" "" "xzy.example.com" 200 109`,
		`2012-08-15T17:00:00.254 GET /Products scheme=http host=xzy.example.com client=70.95.0.0 status=200 dur=109000 [User-Agent: Mozilla/5.0 "x" (Linux; U)]`},
	{"w3c", "another server: offset from UTC, tabs and blanks, a path that was not decoded", "#Version: 1.0\n#GMT-Offset: -0800\n#Software: Other/2.0\n#Fields:  c-ip  date  time  cs-method  cs-uri  sc-status  bytes  cs(Referrer)  time-taken\n64.103.37.2 \t 2001-10-31     00:00:18      GET      /a%20b.gif    200     350    \"http://r/\"  0.25",
		`2001-10-31T08:00:17.75 GET /a%20b.gif client=64.103.37.2 status=200 dur=250000 wire=350 [Referer: http://r/]`},
	{"w3c", "host before the path", "#Software: Incapsula LOGS API\n#Fields: date time c-ip cs-uri cs-version sc-action cs-method cs-uri-query sc-status s-xff\n" + `"2017-06-28" "07:26:35" "123.123.123.123" "www.example.com/page.php" "HTTP" "REQ_PASSED" "GET" "variable=test" "200" "1.2.3.4"`,
		`2017-06-28T07:26:35 GET /page.php?variable=test host=www.example.com client=123.123.123.123 status=200 [X-Forwarded-For: 1.2.3.4]`},
	{"w3c", "FTP in the same format", "#Software: Microsoft Internet Information Server 4.0\n#Date: 2000-10-09 16:44:49\n#Fields: time c-ip cs-method cs-uri-stem sc-status\n16:44:49 1.1.1.1 [2]USER anonymous 331", reasonRequest},
	// Microsoft, "IIS Log File Format (IIS 6.0)".
	{"iis-native", "example", `192.168.114.201, -, 03/20/01, 7:55:20, W3SVC2, SALES1, 172.21.13.45, 4502, 163, 3223, 200, 0, GET, /DeptLogo.gif, -,`,
		`2001-03-20T07:55:15.498 GET /DeptLogo.gif client=192.168.114.201 status=200 dur=4502000 wire=3223`},
	{"iis-native", "query, user", `::1, bob, 12/9/2025, 17:55:20, W3SVC2, SALES1, 172.21.13.45, 60, 163, 3223, 302, 0, POST, /a.asp, x=1,`,
		`2025-12-09T17:55:19.94 POST /a.asp?x=1 client=::1 bob status=302 dur=60000 wire=3223`},

	// Zeek, "http.log" and "Zeek log formats".
	{"zeek-http", "all columns, another empty field", "#separator \\x09\n#empty_field\tEMPTY\n#fields\t" + strings.ReplaceAll(zeekColumns, " ", "\t") + "\n" + zeekLine("/a"),
		`2020-06-05T14:39:59.512593 POST /a HTTP/1.1 host=testmyids.com client=192.168.4.76 bob status=200 size=39 body_size=12 [Referer: http://r/] [User-Agent: curl/7"] [Origin: http://o]`},
	{"zeek-http", "a tab, blanks, a percent sign in the path: they were escaped", zeekLine("/a\\x09b c%?é=#"),
		`2020-06-05T14:39:59.512593 POST /a%09b%20c%25?%C3%A9=%23 HTTP/1.1 host=testmyids.com client=192.168.4.76 bob status=200 size=39 body_size=12 [Referer: http://r/] [User-Agent: curl/7"] [Origin: http://o]`},
	{"zeek-http", "columns of version 3 without a header", "1320279566.452687\tCwFs1P2UcUdlSxD2La\t192.168.2.76\t52026\t132.235.215.119\t80\t1\tGET\twww.reddit.com\t/?a\t-\t1.1\tMozilla/5.0\\x09\t0\t109978\t200\tOK\t-\t-\t(empty)\tbob\t-\t-\t-\t-\t-\tFtw3fJ2JJF3ntMTL2\t-\ttext/html",
		`2011-11-03T00:19:26.452687 GET /?a HTTP/1.1 host=www.reddit.com client=192.168.2.76 bob status=200 size=109978 body_size=0 [User-Agent: Mozilla/5.0` + "\t]"},
	{"zeek-http", "no method: an answer whose request was not seen", "#fields\tts\tid.orig_h\tmethod\thost\turi\tstatus_code\n1320279566.452687\t1.2.3.4\t-\t-\t-\t200\n1320279566.452687\t1.2.3.4\tGET\t-\t/\t-", reasonRequest + "\n2011-11-03T00:19:26.452687 GET / client=1.2.3.4"},
	{"zeek-http", "another log of Zeek's", "#path\tconn\n#fields\tts\tuid\tid.orig_h\tproto\n1320279566.452687\tx\t1.2.3.4\ttcp", reasonNotHTTP},

	// ltsv.org, "Labels for Web server's Log" and its examples for Apache httpd and nginx.
	{"ltsv", "nginx", "time:28/Feb/2013:12:00:00 +0900\thost:192.168.0.1\tforwardedfor:1.2.3.4\treq:GET /list?x HTTP/1.1\tstatus:200\tsize:5316\treferer:-\tua:Mozilla/5.0 (a:b)\treqtime:9.304\tcache:-\truntime:8.5\tapptime:9.2\tvhost:example.com",
		`2013-02-28T02:59:50.696 GET /list?x HTTP/1.1 host=example.com client=192.168.0.1 status=200 dur=9304000 size=5316 [X-Forwarded-For: 1.2.3.4] [User-Agent: Mozilla/5.0 (a:b)]`},
	{"ltsv", "parts, Apache's brackets: its stamps are starts", "host:127.0.0.1\tident:-\tuser:frank\ttime:[10/Oct/2000:13:55:36 -0700]\tmethod:GET\turi:/apache_pb.gif\tprotocol:HTTP/1.0\tstatus:200\tsize:-\treqsize:300\treqtime_microsec:1500",
		`2000-10-10T20:55:36 GET /apache_pb.gif HTTP/1.0 client=127.0.0.1 frank status=200 dur=1500`},
	{"ltsv", "milliseconds and a duration that is not known", "time:2015-09-06T06:00:43.250+09:00\tmethod:GET\turi:/foo\tstatus:400\tapptime:-\tx_forwarded_for:1.1.1.1, 2.2.2.2",
		`2015-09-05T21:00:43.25 GET /foo client=1.1.1.1 status=400 [X-Forwarded-For: 1.1.1.1, 2.2.2.2]`},

	// Envoy, "Access logging", "Default format string"; Contour and Emissary write the same.
	{"envoy", "example", `[2016-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://10.0.2.1:80"`,
		`2016-04-15T20:17:00.31 POST /api/v1/locations HTTP/2 host=locations client=10.0.35.28 status=204 dur=226000 size=0 body_size=154 [X-Forwarded-For: 10.0.35.28] [User-Agent: nsq2http] [X-Request-Id: cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2] <X-Envoy-Upstream-Service-Time: 100>`},
	{"envoy", "Emissary, no answer", `ACCESS [2019-04-10T03:49:34.451Z] "GET /x?y HTTP/1.1" 0 DC 0 0 180 - "1.1.1.1, 2.2.2.2" "a \"b" "-" "httpbin.org:8080" "-"`,
		`2019-04-10T03:49:34.451 GET /x?y HTTP/1.1 host=httpbin.org:8080 client=1.1.1.1 dur=180000 size=0 body_size=0 [X-Forwarded-For: 1.1.1.1, 2.2.2.2] [User-Agent: a "b]`},
	{"envoy", "TCP", `[2019-04-08T16:50:12.533Z] "- - -" 0 - 87 254 4 - "-" "-" "-" "-" "172.27.0.2:80"`, reasonNotHTTP},
	{"envoy", "not HTTP though HTTP was expected", `[2019-04-08T16:50:12.533Z] "- - HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-"`, reasonRequest},

	// Istio, "Envoy Access Logs", "Default access log format" (1.9 and newer); the same page of 1.8 and 1.0.
	{"istio", "1.20", `[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default`,
		`2020-11-25T21:26:18.409 GET /status/418 HTTP/1.1 host=httpbin:8000 client=10.44.1.23 status=418 dur=4000 size=135 body_size=0 [User-Agent: curl/7.73.0-DEV] [X-Request-Id: 84961386-6d84-929d-98bd-c5aee93b5c88] <X-Envoy-Upstream-Service-Time: 4>`},
	{"istio", "TCP", `[2020-11-25T21:26:18.409Z] "- - -" 0 UF,URX - - "delayed connect error: 111" 0 0 4 - "-" "-" "-" "-" "10.44.1.27:80" outbound|8000||h - 10.0.45.184:8000 10.44.1.23:46520 - -`, reasonNotHTTP},
	{"istio-1.8", "with the mixer's status", `[2019-03-06T09:31:27.360Z] "GET /status/418 HTTP/1.1" 418 - "-" "-" 0 135 5 2 "-" "curl/7.60.0" "d209e46f-9ed5-9b61-bbdd-43e22662702a" "httpbin:8000" "127.0.0.1:80" inbound|8000|http|httpbin.default.svc.cluster.local - 172.30.146.73:80 172.30.146.82:38618 outbound_.8000_._.httpbin.default.svc.cluster.local`,
		`2019-03-06T09:31:27.36 GET /status/418 HTTP/1.1 host=httpbin:8000 client=172.30.146.82 status=418 dur=5000 size=135 body_size=0 [User-Agent: curl/7.60.0] [X-Request-Id: d209e46f-9ed5-9b61-bbdd-43e22662702a] <X-Envoy-Upstream-Service-Time: 2>`},

	// ingress-nginx, "Log format" until 0.25: log-format-upstream.
	{"ingress-nginx-old", "real address twice", `10.0.0.7 - [10.0.0.7] - bob [19/Jan/2018:10:01:02 +0000] "GET /a HTTP/1.1" 200 19 "-" "curl" 345 0.250 [default-web-80] 10.1.1.1:80, 10.1.1.2:80 0, 19 0.100, 0.150 502, 200 1f3a`,
		`2018-01-19T10:01:01.75 GET /a HTTP/1.1 client=10.0.0.7 bob status=200 dur=250000 size=19 [User-Agent: curl]`},
	{"ingress-nginx-old", "no request id", `10.0.0.7 - [10.0.0.7] - - [19/Jan/2018:10:01:02 +0000] "GET /a HTTP/1.1" 200 19 "-" "curl" 345 0.250 [default-web-80] 10.1.1.1:80 19 0.250 200`,
		`2018-01-19T10:01:01.75 GET /a HTTP/1.1 client=10.0.0.7 status=200 dur=250000 size=19 [User-Agent: curl]`},
	// Apache HTTP Server, "Module mod_logio": combinedio, and %D behind it.
	{"combinedio-us", "bytes and microseconds", `10.0.0.7 - - [19/Jan/2018:10:01:02 +0000] "GET /a HTTP/1.1" 200 19 "-" "curl" 345 678 1500`,
		`2018-01-19T10:01:02 GET /a HTTP/1.1 client=10.0.0.7 status=200 dur=1500 size=19 wire=678 [User-Agent: curl]`},
	// Traefik 1 and 2, "Access Logs", "CLF".
	{"traefik-clf", "no frontend", `10.0.0.7 - - [19/Jan/2018:10:01:02 +0000] "GET /a HTTP/1.1" 404 19 "-" "curl" 11 "-" "-" 0ms`,
		`2018-01-19T10:01:02 GET /a HTTP/1.1 client=10.0.0.7 status=404 dur=0 size=19 [User-Agent: curl]`},
	{"traefik-clf", "Referer without quotes", `10.0.0.7 - - [19/Jan/2018:10:01:02 +0000] "GET /a HTTP/2.0" 200 85 - "Android" 623112 "Host-x" "http://172.25.0.9:4140" 13ms`,
		`2018-01-19T10:01:02 GET /a HTTP/2.0 client=10.0.0.7 status=200 dur=13000 size=85 [User-Agent: Android]`},
}

func zeekLine(uri string) string {
	return "1591367999.512593\tC5bLoe2Mvxqhawzqqd\t192.168.4.76\t46378\t31.3.245.133\t80\t1\tPOST\ttestmyids.com\t" + uri +
		"\thttp://r/\t1.1\tcurl/7\\x22\thttp://o\t12\t39\t200\tOK\t-\t-\tEMPTY\tbob\t-\t-\t-\t-\t-\tFEEsZS1w0Z0VJIb5x4\t-\ttext/plain"
}

// shown is what becomes of the lines that are no comments.
func shown(t *testing.T, p *Parser, lines [][]byte) string {
	t.Helper()
	var all []string
	for _, line := range lines {
		if got := parseOne(t, p, string(line)); got != capture.ReasonComment {
			all = append(all, got)
		}
	}
	return strings.Join(all, "\n")
}

// TestColumns: each log is recognised by itself, behind a syslog header and from a thousand lines, and gives the same when
// its dialect is named.
func TestColumns(t *testing.T) {
	for _, c := range columnCases {
		t.Run(c.name+" "+c.what, func(t *testing.T) { checkRecognised(t, c.name, c.text, c.want, 1000) })
	}
}

// checkRecognised checks what becomes of the lines of text: alone, behind a syslog header, in a sample of many lines, and
// with the dialect named.
func checkRecognised(t *testing.T, name, text, want string, many int) {
	t.Helper()
	lines := bytes.Split([]byte(text), []byte("\n"))
	var syslog, repeated [][]byte
	for _, l := range lines {
		syslog = append(syslog, append([]byte("<34>Oct 11 22:14:15 web1 app[1]: "), l...))
	}
	for len(repeated) < many {
		repeated = append(repeated, lines...)
	}
	for what, sample := range map[string][][]byte{"plain": lines, "syslog": syslog, "many": repeated} {
		p, note, err := Detect(sample, Options{})
		if err != nil {
			t.Fatalf("%s: Detect: %v, want %s", what, err, name)
		}
		if p.Name() != name {
			t.Fatalf("%s: Detect = %s, %q, want %s", what, p.Name(), note, name)
		}
		if got := shown(t, p, sample[:len(lines)]); got != want {
			t.Errorf("%s (%s)\n got %s\nwant %s", what, note, got, want)
		}
	}
	p, err := New(Options{Format: name})
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, p, lines); got != want {
		t.Errorf("named\n got %s\nwant %s", got, want)
	}
}

// TestColumnNotations: formats as they are pasted, and the notation that each is taken for.
func TestColumnNotations(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format, name, line, want string
		o                        Options
	}{
		{format: `[%START_TIME(%Y/%m/%dT%H:%M:%S%z.%6f)%] %REQ(:METHOD)% %REQ(:SCHEME)%://%REQ(:AUTHORITY)%%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):256% %PROTOCOL% %RESPONSE_CODE% %DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% %BYTES_SENT% %DOWNSTREAM_WIRE_BYTES_SENT% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "%REQ(X-ID?X-OTHER)%" "%RESP(CONTENT-TYPE)%" %CONNECTION_ID% %TRAILER(GRPC-STATUS)%\n`, name: "envoy-log-format",
			line: `[2023/05/04T10:00:00+0200.123456] GET https://h.example:8443/a?b HTTP/1.1 200 12 10 2 5 300 1.2.3.4 "77" "text/plain" 9 -`,
			want: `2023-05-04T08:00:00.123456 GET /a?b HTTP/1.1 scheme=https host=h.example:8443 client=1.2.3.4 status=200 dur=12000 first=10000 size=5 wire=300 conn=9 [X-Id: 77] <Content-Type: text/plain>`},
		{format: documented(t, "[%START_TIME"), name: "envoy-log-format",
			line: `[2023-05-04T10:00:00.123456Z] 1.2.3.4:55 7 "POST https://h.example/a?b HTTP/2" 200 - 12 5 9 8 "curl" "http://r/" "text/plain" "1.1.1.1"`,
			want: `2023-05-04T10:00:00.123456 POST /a?b HTTP/2 scheme=https host=h.example client=1.2.3.4 status=200 dur=9000 first=8000 size=5 body_size=12 conn=7 [User-Agent: curl] [Referer: http://r/] [Content-Type: text/plain] [X-Forwarded-For: 1.1.1.1]`},
		{format: `%START_TIME(%s.%9f)% %REQ(:METHOD)% %REQ(:PATH)% 100%% %DOWNSTREAM_REMOTE_ADDRESS% %REQ(USER-AGENT)%`, name: "envoy-log-format",
			line: `1700000000.123456789 GET / 100% [2001:db8::1]:443 a b c`,
			want: `2023-11-14T22:13:20.123456789 GET / client=2001:db8::1 [User-Agent: a b c]`},
		{format: `{"start":"%START_TIME%","m":"%REQ(:METHOD)%","p":"%REQ(:PATH)%","s":"%RESPONSE_CODE%","d":"%DURATION%","up":{"host":"%UPSTREAM_HOST%"},"proto":"%PROTOCOL%"}`, name: "envoy-log-format",
			line: `{"s":200,"d":7,"start":"2023-05-04T10:00:00.123Z","p":"/a","m":"GET","up":{"host":null},"proto":"HTTP/2"}`,
			want: `2023-05-04T10:00:00.123 GET /a HTTP/2 status=200 dur=7000`},
		{format: `{"start":"%START_TIME%","m":"%REQ(:METHOD)%","p":"%REQ(:PATH)%","proto":"%PROTOCOL%"}`, name: "envoy-log-format",
			line: `{"start":"2023-05-04T10:00:00.123Z","p":null,"m":null,"proto":null}`, want: reasonNotHTTP},

		{format: `%h %^[%d:%t %^] "%r" %s %b "%R" "%u" %D`, name: "goaccess-log-format",
			line: `1.2.3.4 - - [06/Sep/2015:05:58:05 +0900] "GET /a HTTP/1.1" 200 12 "http://r/" "a b" 1500`,
			want: `2015-09-05T20:58:04.9985 GET /a HTTP/1.1 client=1.2.3.4 status=200 dur=1500 size=12 [Referer: http://r/] [User-Agent: a b]`},
		{format: `%v:%^ %h %e %^[%d:%t %^] "%m %U%q %H" %s %b %T`, name: "goaccess-log-format",
			line: `h.example:443 1.2.3.4 bob - [06/Sep/2015:05:58:05 +0000] "GET /a?b HTTP/1.1" 200 12 0.250`,
			want: `2015-09-06T05:58:04.75 GET /a?b HTTP/1.1 host=h.example client=1.2.3.4 bob status=200 dur=250000 size=12`},
		{format: `%d\t%t\t%^\t%b\t%h\t%m\t%v\t%U\t%s\t%R\t%u\t%q`, name: "goaccess-log-format", o: Options{Timezone: berlin},
			line: "2014-05-23\t01:13:11\tFRA2\t182\t192.0.2.10\tGET\td1.cloudfront.net\t/view\t200\t-\tcurl\ta=b",
			want: `2014-05-22T23:13:11 GET /view?a=b host=d1.cloudfront.net client=192.0.2.10 status=200 size=182 [User-Agent: curl]`},
		{format: `~h{,} [%x] "%r" %s %L %K`, name: "goaccess-log-format",
			line: `1.1.1.1, 2.2.2.2 [2015-09-06T05:58:05+00:00] "GET http://h.example:80/a HTTP/1.1" 200 5 TLSv1.3`,
			want: `2015-09-06T05:58:04.995 GET /a HTTP/1.1 scheme=http host=h.example client=1.1.1.1 status=200 dur=5000`},
		{format: `#Fields: timestamp c-ip cs-method cs-protocol cs-host cs-uri-stem time-to-first-byte time-taken`, name: "w3c-log-format",
			line: "1573512000.123\t1.2.3.4\tGET\thttp\th\t/a?b\t0.001\t0.100",
			want: `2019-11-11T22:40:00.023 GET /a?b scheme=http host=h client=1.2.3.4 dur=100000 first=1000`},
		{format: `#Fields: date time cs-method cs-uri-stem time-taken`, name: "w3c-log-format",
			line: "2018-01-01 08:09:10 GET /a+b 100", want: `2018-01-01T08:09:09.9 GET /a%20b dur=100000`},
	} {
		o := c.o
		o.LogFormat = c.format
		p, err := New(o)
		if err != nil {
			t.Errorf("New(%q): %v", c.format, err)
			continue
		}
		if got := parseOne(t, p, c.line); got != c.want || p.Name() != c.name {
			t.Errorf("%s as %s\n got %s\nwant %s, %s", c.format, p.Name(), got, c.want, c.name)
		}
	}
	for format, want := range map[string]string{
		`%START_TIME% %REQ(:METHOD)%`:           "neither the request line nor the path",
		`%REQ(:PATH% %START_TIME%`:              "is no command operator",
		`%START_TIME(%Q)% %REQ(:PATH)%`:         "unknown directive",
		`%x %Z`:                                 "is not a specifier",
		`%d %^`:                                 "neither the request line nor the path",
		`#Fields: date time cs-method`:          "neither the request line nor the path",
		`%h%b %x "%r"`:                          "nothing between two values",
		`{"a":"%START_TIME%","b":"%REQ(:PATH)"`: "is no command operator",
	} {
		if _, err := New(Options{LogFormat: format}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%q): %v, want %q", format, err, want)
		}
	}
}

// TestAliases: the names that goaccess has for the formats, as --format and as --log-format.
func TestAliases(t *testing.T) {
	for alias, name := range aliases {
		for _, o := range []Options{{Format: alias}, {LogFormat: alias}} {
			if p, err := New(o); err != nil || p.Name() != name {
				t.Errorf("New(%+v) = %v, want %s", o, err, name)
			}
		}
	}
}

// TestRewindColumns: what a header named in the sample is forgotten before the source is read.
func TestRewindColumns(t *testing.T) {
	lines := bytes.Split([]byte("2018-12-31 12:02:53 10.44.0.136 GET /a - 80 - 10.50.6.188 curl - 200 0 0 15\n#Fields: date time cs-method cs-uri-stem\n2018-12-31 12:02:54 GET /b"), []byte("\n"))
	p, _, err := Detect(lines, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "2018-12-31T12:02:52.985 GET /a scheme=http client=10.50.6.188 status=200 dur=15000 [User-Agent: curl]\n2018-12-31T12:02:54 GET /b"
	for range 2 {
		if got := shown(t, p, lines); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		p.Rewind()
	}
}

// TestPairsTorn: a key whose value was torn off does not name the value of the next line.
func TestPairsTorn(t *testing.T) {
	p, err := New(Options{Format: "otel"})
	if err != nil {
		t.Fatal(err)
	}
	const line = `{"startTimeUnixNano":"1544712660000000000","attributes":[{"value":{"stringValue":"POST"}},{"key":"http.method","value":{"stringValue":"GET"}},{"key":"http.target","value":{"stringValue":"/"}},{"key":"http.status_code","value":{"intValue":"200"}}]}`
	want := parseOne(t, p, line)
	_ = parseOne(t, p, `{"attributes":[{"key":"client.address"}`)
	if got := parseOne(t, p, line); got != want || !strings.Contains(got, " GET / ") {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
