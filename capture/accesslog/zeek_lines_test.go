package accesslog

import "strings"

// zeekHead names the columns of a log with tabs.
func zeekHead(columns string) string {
	return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#open\t2020-06-05-14-40-00\n#fields\t" + strings.ReplaceAll(columns, " ", "\t") + "\n"
}

// Zeek documentation, "Zeek Log Formats and Inspection" (both formats of one request), "http.log", and the comments of
// base/protocols/http/main.zeek: ts is when the request happened, uri is unescaped, host is the Host field (without its port
// before version 5), version the answer's, the lengths are those of bodies after decoding.
var zeekLines = []documentedLine{
	{"zeek-http", "the documented log", zeekHead("ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version user_agent origin request_body_len response_body_len status_code status_msg info_code info_msg tags username password proxied orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types") +
		"1591367999.430166\tC5bLoe2Mvxqhawzqqd\t192.168.4.76\t46378\t31.3.245.133\t80\t1\tGET\ttestmyids.com\t/\t-\t1.1\tcurl/7.47.0\t-\t0\t39\t200\tOK\t-\t-\t(empty)\t-\t-\t-\t-\t-\t-\tFEEsZS1w0Z0VJIb5x4\t-\ttext/plain",
		`2020-06-05T14:39:59.430166 GET / HTTP/1.1 host=testmyids.com client=192.168.4.76 status=200 size=39 body_size=0 [User-Agent: curl/7.47.0]`},
	{"zeek-http", "few columns: escapes that were undone are done again, escapes of the log undone", zeekHead("ts id.orig_h method host uri status_code") +
		"1591367999.430166\t2001:db8::1\tGET\th:8080\t/a b/\\xc3\\xa9?x=100%&y=c#d\t200\n" +
		"1591368000.430166\t10.0.0.1\tPOST\th\t/a\\x09\\\\b\t-\n" +
		"1591368001.430166\t10.0.0.1\tOPTIONS\t-\t*\t200\n" +
		"1591368002.430166\t10.0.0.1\tCONNECT\t-\tshop.example:443\t200\n" +
		"1591368003.430166\t10.0.0.1\tGET\th\thttp://h/a?b\t200\n" +
		"1591368004.430166\t10.0.0.1\t-\t-\t-\t400",
		`2020-06-05T14:39:59.430166 GET /a%20b/%C3%A9?x=100%25&y=c%23d host=h:8080 client=2001:db8::1 status=200` + "\n" +
			`2020-06-05T14:40:00.430166 POST /a%09\b host=h client=10.0.0.1` + "\n" +
			`2020-06-05T14:40:01.430166 OPTIONS * client=10.0.0.1 status=200` + "\n" +
			`2020-06-05T14:40:02.430166 CONNECT shop.example:443 client=10.0.0.1 status=200` + "\n" +
			`2020-06-05T14:40:03.430166 GET /a?b scheme=http host=h client=10.0.0.1 status=200` + "\n" +
			reasonRequest},
	{"zeek-http", "basic authentication, HTTP/1.0, a user agent with a tab", zeekHead("ts id.orig_h method host uri referrer version user_agent username request_body_len response_body_len status_code") +
		"1591367999.430166\t10.0.0.1\tPOST\th\t/\thttp://r/\t1.0\ta\\x09b\tbob\t12\t0\t201",
		`2020-06-05T14:39:59.430166 POST / HTTP/1.0 host=h client=10.0.0.1 bob status=201 size=0 body_size=12 [Referer: http://r/] [User-Agent: a` + "\tb]"},
	{"zeek-http", "two separators: a comma, and the log closed", "#separator \\x2c\n#fields,ts,id.orig_h,method,host,uri\n1591367999.430166,10.0.0.1,HEAD,h,/\n1591367999.5,10.0.0.1,GET,h,/b\n#close,2020-06-05-15-00-00",
		"2020-06-05T14:39:59.430166 HEAD / host=h client=10.0.0.1\n2020-06-05T14:39:59.5 GET /b host=h client=10.0.0.1"},

	{"zeek-json", "the documented line",
		`{"ts":1591367999.430166,"uid":"C5bLoe2Mvxqhawzqqd","id.orig_h":"192.168.4.76","id.orig_p":46378,"id.resp_h":"31.3.245.133","id.resp_p":80,"trans_depth":1,"method":"GET","host":"testmyids.com","uri":"/","version":"1.1","user_agent":"curl/7.47.0","request_body_len":0,"response_body_len":39,"status_code":200,"status_msg":"OK","tags":[],"resp_fuids":["FEEsZS1w0Z0VJIb5x4"],"resp_mime_types":["text/plain"]}`,
		`2020-06-05T14:39:59.430166 GET / HTTP/1.1 host=testmyids.com client=192.168.4.76 status=200 size=39 body_size=0 [User-Agent: curl/7.47.0]`},
	{"zeek-json", "the uri is unescaped here too",
		`{"ts":1591367999.430166,"id.orig_h":"::1","trans_depth":1,"method":"GET","host":"h:8080","uri":"/a b/é?x=100%&y=\"c#d","status_code":200}`,
		`2020-06-05T14:39:59.430166 GET /a%20b/%C3%A9?x=100%25&y="c%23d host=h:8080 client=::1 status=200`},
	{"zeek-json", "escapes of JSON, and a byte that is not UTF-8",
		`{"ts":1591367999.430166,"id.orig_h":"::1","trans_depth":1,"method":"GET","host":"h","uri":"/a\t\u00e9\\xff\/b","status_code":200}`,
		`2020-06-05T14:39:59.430166 GET /a%09%C3%A9%FF/b host=h client=::1 status=200`},
	{"zeek-json", "json_timestamps: ISO 8601",
		`{"ts":"2020-06-05T14:39:59.430166Z","id.orig_h":"10.0.0.1","trans_depth":2,"method":"POST","host":"h","uri":"/","referrer":"http://r/","origin":"http://o","request_body_len":12,"response_body_len":0,"status_code":201}`,
		`2020-06-05T14:39:59.430166 POST / host=h client=10.0.0.1 status=201 size=0 body_size=12 [Referer: http://r/] [Origin: http://o]`},
	{"zeek-json", "json_timestamps: milliseconds",
		`{"ts":1591367999430.166,"id.orig_h":"10.0.0.1","trans_depth":1,"method":"HEAD","host":"h","uri":"/","status_code":304}`,
		`2020-06-05T14:39:59.430166 HEAD / host=h client=10.0.0.1 status=304`},
	{"zeek-json", "streamed: the log's name and the time of writing beside it",
		`{"_path":"http","_write_ts":"2020-06-05T14:40:07.0Z","ts":"2020-06-05T14:39:59.430166Z","uid":"x","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":80,"trans_depth":1,"method":"GET","host":"h","uri":"/a","version":"1.1","status_code":200}`,
		`2020-06-05T14:39:59.430166 GET /a HTTP/1.1 host=h client=10.0.0.1 status=200`},
	{"zeek-json", "no answer was seen",
		`{"ts":1591367999.430166,"id.orig_h":"10.0.0.1","trans_depth":1,"method":"GET","host":"h","uri":"/","user_agent":"x","request_body_len":0,"response_body_len":0,"tags":[]}`,
		`2020-06-05T14:39:59.430166 GET / host=h client=10.0.0.1 size=0 body_size=0 [User-Agent: x]`},
	{"zeek-json", "a proxy: absolute, CONNECT",
		`{"ts":1591367999.430166,"id.orig_h":"10.0.0.1","trans_depth":1,"method":"GET","host":"h","uri":"http://h:8080/a b","status_code":200,"proxied":["VIA -> 1.1 p"]}` + "\n" + `{"ts":1591367999.5,"id.orig_h":"10.0.0.1","trans_depth":1,"method":"CONNECT","host":"h","uri":"h:443","status_code":200}`,
		`2020-06-05T14:39:59.430166 GET /a%20b scheme=http host=h:8080 client=10.0.0.1 status=200` + "\n" + `2020-06-05T14:39:59.5 CONNECT h:443 host=h client=10.0.0.1 status=200`},
	{"zeek-json", "an answer whose request was not seen, and another log in the same stream",
		`{"ts":1591367999.430166,"id.orig_h":"10.0.0.1","trans_depth":1,"method":"GET","host":"h","uri":"/"}` + "\n" + `{"ts":1591367999.430166,"id.orig_h":"10.0.0.1","trans_depth":1,"status_code":200,"response_body_len":5}` + "\n" + `{"_path":"conn","ts":1591367999.430166,"id.orig_h":"10.0.0.1","proto":"tcp","service":"http"}`,
		`2020-06-05T14:39:59.430166 GET / host=h client=10.0.0.1` + "\n" + reasonNone + "\n" + reasonNone},
	{"zeek-json", "nested id", `{"ts":1591367999.430166,"id":{"orig_h":"10.0.0.1","orig_p":1},"trans_depth":1,"method":"GET","host":"h","uri":"/","username":"bob"}`,
		`2020-06-05T14:39:59.430166 GET / host=h client=10.0.0.1 bob`},
}
