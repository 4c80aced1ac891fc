package accesslog

const iis6 = "#Software: Microsoft Internet Information Services 6.0\n#Version: 1.0\n#Date: 2002-05-02 17:42:15\n#Fields: "

// Microsoft, "W3C Extended Log File Examples" and "W3C Extended Log File Format" (entries are recorded when the last send
// completes; times in UTC; time-taken in milliseconds), "IIS Log File Format" (local time), "Log File Formats in IIS",
// "Enhanced Logging for IIS 8.5", "Error logging in HTTP APIs"; W3C, "Extended Log File Format", WD-logfile-960323.
var iisLines = []documentedLine{
	{"w3c", "an intranet site, default fields of IIS 6", iis6 + "date time c-ip cs-username s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)\n" +
		"2002-05-02 17:42:15 172.22.255.255 - 172.30.255.255 80 GET /images/picture.jpg - 200 Mozilla/4.0+(compatible;MSIE+5.5;+Windows+2000+Server)",
		`2002-05-02T17:42:15 GET /images/picture.jpg scheme=http client=172.22.255.255 status=200 [User-Agent: Mozilla/4.0 (compatible;MSIE 5.5; Windows 2000 Server)]`},
	{"w3c", "an Internet site: only times, the date is above", "#Software: Internet Information Services 6.0\n#Version: 1.0\n#Date: 2001-05-02 17:42:15\n#Fields: time c-ip cs-method cs-uri-stem sc-status cs-version\n17:42:15 172.16.255.255 GET /default.htm 200 HTTP/1.0",
		`2001-05-02T17:42:15 GET /default.htm HTTP/1.0 client=172.16.255.255 status=200`},
	{"w3c", "IIS 10, its default: decoded stem, query as sent, a referrer", iisHead + "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n" +
		"2018-01-01 08:09:10 10.0.0.4 GET /a+b%/é.aspx id=1&q=a+b%20c 443 DOM\\bob 85.181.35.98 Mozilla/5.0+(Windows+NT+10.0) https://r/?q=a+b 200 0 0 1123\n" +
		"2018-01-01 08:09:11 10.0.0.4 POST /api - 443 - 85.181.35.98 - - 404 0 2 0",
		`2018-01-01T08:09:08.877 GET /a%20b%25/%C3%A9.aspx?id=1&q=a+b%20c scheme=https client=85.181.35.98 DOM\bob status=200 dur=1123000 [User-Agent: Mozilla/5.0 (Windows NT 10.0)] [Referer: https://r/?q=a+b]` + "\n" +
			`2018-01-01T08:09:11 POST /api scheme=https client=85.181.35.98 status=404 dur=0`},
	{"w3c", "IIS 8.5: a request header and an answer's as fields of one's own", iisHead + "date time cs-method cs-uri-stem cs-uri-query c-ip cs-host sc-status sc-bytes cs-bytes time-taken X-Forwarded-For cs(X-Api) sc(ETag)\n" +
		"2018-01-01 08:09:10 GET / - 10.0.0.9 shop.example:8080 304 210 412 15 203.0.113.7 v1 W/1",
		`2018-01-01T08:09:09.985 GET / host=shop.example:8080 client=10.0.0.9 status=304 dur=15000 wire=210 [X-Forwarded-For: 203.0.113.7] [X-Api: v1] <ETag: W/1>`},
	{"w3c", "FTP and mail sites in the same format", iis6 + "date time s-sitename c-ip cs-method cs-uri-stem sc-status\n2002-05-02 17:42:15 W3SVC1 1.2.3.4 GET / 200\n2002-05-02 17:42:15 MSFTPSVC1 1.2.3.4 PASS /x 230\n2002-05-02 17:42:15 SMTPSVC1 1.2.3.4 EHLO /x 250",
		`2002-05-02T17:42:15 GET / client=1.2.3.4 status=200` + "\n" + reasonNone + "\n" + reasonNone},
	{"w3c", "the W3C's own example: a URI and a time", "#Version: 1.0\n#Date: 12-Jan-1996 00:00:00\n#Date: 1996-01-12 00:00:00\n#Fields: time cs-method cs-uri\n00:34:23 GET /foo/bar.html\n12:21:16 GET /foo/bar.html\n12:45:52 GET /foo/bar.html\n12:57:34 GET /foo/bar.html",
		"1996-01-12T00:34:23 GET /foo/bar.html\n1996-01-12T12:21:16 GET /foo/bar.html\n1996-01-12T12:45:52 GET /foo/bar.html\n1996-01-12T12:57:34 GET /foo/bar.html"},

	{"iis-native", "the documented lines: the second is FTP's", "192.168.114.201, -, 03/20/01, 7:55:20, W3SVC2, SALES1, 172.21.13.45, 4502, 163, 3223, 200, 0, GET, /DeptLogo.gif, -,\n172.16.255.255, anonymous, 03/20/01, 23:58:11, MSFTPSVC, SALES1, 172.16.255.255, 60, 275, 0, 0, 0, PASS, /Intro.htm, -,",
		`2001-03-20T07:55:15.498 GET /DeptLogo.gif client=192.168.114.201 status=200 dur=4502000 wire=3223` + "\n" + reasonNone},
	{"iis-native", "a query and a user", `::1, bob, 12/9/2025, 17:55:20, W3SVC2, SALES1, 172.21.13.45, 60, 163, 3223, 302, 0, POST, /a.asp, x=1&y=%20,`,
		`2025-12-09T17:55:19.94 POST /a.asp?x=1&y=%20 client=::1 bob status=302 dur=60000 wire=3223`},
	{"iis-native", "four digits of the year, a decoded path", `10.0.0.1, DOM\bob, 3/20/2001, 00:00:00, W3SVC1, WEB, 10.0.0.2, 1500, 100, 200, 200, 0, GET, /a b/é, -,`,
		`2001-03-19T23:59:58.5 GET /a%20b/%C3%A9 client=10.0.0.1 DOM\bob status=200 dur=1500000 wire=200`},
	{"iis-native", "blanks as pluses", `10.0.0.1, -, 3/20/2001, 12:00:00, W3SVC1, WEB, 10.0.0.2, 0, 100, 0, 304, 0, HEAD, /a+b.htm, -,`,
		`2001-03-20T12:00:00 HEAD /a%20b.htm client=10.0.0.1 status=304 dur=0 wire=0`},
	{"iis-native", "a failure, IPv6", `2001:db8::1, -, 12/31/99, 23:59:59, W3SVC1, WEB, 10.0.0.2, 31, 300, 1200, 500, 0, POST, /x.asp, |12|80004005|Unspecified_error,`,
		`1999-12-31T23:59:58.969 POST /x.asp?|12|80004005|Unspecified_error client=2001:db8::1 status=500 dur=31000 wire=1200`},
	{"iis-native", "no trailing cell, a status that is none", "10.0.0.1, -, 3/20/2001, 12:00:00, W3SVC1, WEB, 10.0.0.2, 0, 100, 0, 200, 0, GET, /, -,\n10.0.0.1, -, 3/20/2001, 12:00:01, W3SVC1, WEB, 10.0.0.2, 0, 100, 0, 99, 0, GET, /, -,\n10.0.0.1, -, 2/30/2001, 12:00:01, W3SVC1, WEB, 10.0.0.2, 0, 100, 0, 200, 0, GET, /, -,",
		`2001-03-20T12:00:00 GET / client=10.0.0.1 status=200 dur=0 wire=0` + "\n" + reasonStatus + "\n" + reasonTime},
	{"iis-native", "a request without a path", "10.0.0.1, -, 3/20/2001, 12:00:00, W3SVC1, WEB, 10.0.0.2, 16, 100, 0, 404, 0, GET, /x, -,\n10.0.0.1, -, 3/20/2001, 12:00:00, W3SVC1, WEB, 10.0.0.2, 0, 0, 0, 400, 0, -, -, -,",
		`2001-03-20T11:59:59.984 GET /x client=10.0.0.1 status=404 dur=16000 wire=0` + "\n" + reasonRequest},
}
