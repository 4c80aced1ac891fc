package accesslog

// ltsv.org, "Labels for Web server's Log", the example of a line, and the settings for Apache httpd (%t is a start, %D
// microseconds) and nginx ($time_local is an end, $request_time seconds).
var ltsvLines = []documentedLine{
	{"ltsv", "the documented line", "host:127.0.0.1\tident:-\tuser:frank\ttime:[10/Oct/2000:13:55:36 -0700]\treq:GET /apache_pb.gif HTTP/1.0\tstatus:200\tsize:2326\treferer:http://www.example.com/start.html\tua:Mozilla/4.08 [en] (Win98; I ;Nav)",
		`2000-10-10T20:55:36 GET /apache_pb.gif HTTP/1.0 client=127.0.0.1 frank status=200 size=2326 [Referer: http://www.example.com/start.html] [User-Agent: Mozilla/4.08 [en] (Win98; I ;Nav)]`},
	{"ltsv", "Apache with a duration: its stamps are starts", "host:10.0.0.1\tident:-\tuser:-\ttime:[10/Oct/2023:13:55:36 +0000]\treq:POST /a HTTP/1.1\tstatus:201\tsize:-\treqsize:300\treferer:-\tua:curl \\\"8\\\"\tvhost:shop.example\treqtime_microsec:1500250\tcache:-",
		`2023-10-10T13:55:36 POST /a HTTP/1.1 host=shop.example client=10.0.0.1 status=201 dur=1500250 [User-Agent: curl "8"]`},
	{"ltsv", "nginx: its stamps are ends", "time:28/Feb/2013:12:00:00 +0900\thost:192.168.0.1\tforwardedfor:-\treq:GET /list HTTP/1.1\tstatus:200\tsize:5316\treferer:-\tua:Mozilla/5.0\treqtime:9.304\tcache:-\truntime:8.5\tvhost:example.com",
		`2013-02-28T02:59:50.696 GET /list HTTP/1.1 host=example.com client=192.168.0.1 status=200 dur=9304000 size=5316 [User-Agent: Mozilla/5.0]`},
	{"ltsv", "request in parts, taken server", "time:28/Feb/2013:12:00:00 +0900\thost:192.168.0.1\tmethod:GET\turi:/list?x=1\tprotocol:HTTP/1.1\tstatus:304\tsize:0\tserver:web1\tapptime:0.100\treqtime:0.120",
		`2013-02-28T02:59:59.88 GET /list?x=1 HTTP/1.1 client=192.168.0.1 status=304 dur=120000 size=0`},
	{"ltsv", "only the application's time", "time:28/Feb/2013:12:00:00 +0000\thost:192.168.0.1\treq:GET / HTTP/1.1\tstatus:200\tsize:1\tapptime:0.100",
		`2013-02-28T11:59:59.9 GET / HTTP/1.1 client=192.168.0.1 status=200 dur=100000 size=1`},
	{"ltsv", "forwarded for two", "time:28/Feb/2013:12:00:00 +0000\thost:10.0.0.1\tforwardedfor:203.0.113.7, 10.0.0.9\treq:GET / HTTP/1.1\tstatus:200\tsize:1",
		`2013-02-28T12:00:00 GET / HTTP/1.1 client=10.0.0.1 status=200 size=1 [X-Forwarded-For: 203.0.113.7, 10.0.0.9]`},
	{"ltsv", "ISO 8601 and nginx's own names", "time:2023-10-10T13:55:36.250+09:00\tremote_addr:10.0.0.1\trequest_method:GET\trequest_uri:/a?b\tserver_protocol:HTTP/2.0\tstatus:200\tbody_bytes_sent:5\trequest_time:0.250\thttp_user_agent:x:y\tscheme:https",
		`2023-10-10T04:55:36 GET /a?b HTTP/2.0 scheme=https client=10.0.0.1 status=200 dur=250000 size=5 [User-Agent: x:y]`},
	{"ltsv", "labels of one's own, an empty one, any order", "x-cache:HIT\tstatus:200\tempty:\ttime:28/Feb/2013:12:00:00 +0000\treq:GET /a:b HTTP/1.1\thost:10.0.0.1\tuser:bob\tlevel:info",
		`2013-02-28T12:00:00 GET /a:b HTTP/1.1 client=10.0.0.1 bob status=200`},
	{"ltsv", "bytes that were no request, and a line that is no LTSV", "time:28/Feb/2013:12:00:00 +0000\thost:10.0.0.1\treq:GET / HTTP/1.1\tstatus:200\tsize:1\ntime:28/Feb/2013:12:00:00 +0000\thost:10.0.0.1\treq:\\x16\\x03\\x01\tstatus:400\tsize:1\nno label",
		`2013-02-28T12:00:00 GET / HTTP/1.1 client=10.0.0.1 status=200 size=1` + "\n" + reasonRequest + "\n" + reasonMisfit},
}
