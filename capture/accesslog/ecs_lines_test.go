package accesslog

// Elastic Common Schema reference, "HTTP", "URL", "Event", "Client", "Source", "User agent" fields and "Parsing web server logs"
// (@timestamp is when the response was sent and the line made); event.duration counts nanoseconds; before 1.6 methods were
// to be in small letters. The documents are as Filebeat's file output writes them.
var ecsLines = []documentedLine{
	{"ecs", "a web server's log: @timestamp is the end",
		`{"@timestamp":"2023-05-04T10:00:01.000Z","ecs":{"version":"8.0.0"},"event":{"kind":"event","category":["web"],"dataset":"nginx.access","duration":250000000},"http":{"request":{"method":"GET","referrer":"https://blog.example.com/"},"response":{"status_code":404,"body":{"bytes":887}},"version":"1.1"},"url":{"original":"/blog/?q=1"},"source":{"address":"203.0.113.7","ip":"203.0.113.7"},"user_agent":{"original":"Mozilla/5.0","name":"Safari"}}`,
		`2023-05-04T10:00:00.75 GET /blog/?q=1 HTTP/1.1 client=203.0.113.7 status=404 dur=250000 size=887 [Referer: https://blog.example.com/] [User-Agent: Mozilla/5.0]`},
	{"ecs", "start and end of the event count before @timestamp",
		`{"@timestamp":"2023-05-04T10:00:09Z","event":{"start":"2023-05-04T10:00:00.100Z","end":"2023-05-04T10:00:00.350Z","created":"2023-05-04T10:00:11Z","ingested":"2023-05-04T10:00:12Z"},"http":{"request":{"method":"POST","body":{"bytes":12}},"response":{"status_code":201}},"url":{"path":"/a","query":"b=1","domain":"shop.example","scheme":"https","port":443},"client":{"ip":"203.0.113.7"},"source":{"ip":"10.0.0.9"}}`,
		`2023-05-04T10:00:00.1 POST /a?b=1 scheme=https host=shop.example client=203.0.113.7 status=201 dur=250000 body_size=12`},
	{"ecs", "dotted keys, a port that the scheme does not imply",
		`{"@timestamp":"2023-05-04T10:00:01Z","event.duration":1000000,"http.request.method":"GET","http.response.status_code":200,"http.version":"2","url.path":"/","url.domain":"h","url.port":8080,"url.scheme":"http","source.ip":"2001:db8::1","user.name":"bob","user_agent.original":"curl/8"}`,
		`2023-05-04T10:00:00.999 GET / HTTP/2 scheme=http host=h:8080 client=2001:db8::1 bob status=200 dur=1000 [User-Agent: curl/8]`},
	{"ecs", "a full URL",
		`{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"HEAD"},"response":{"status_code":301,"bytes":437}},"url":{"full":"https://www.elastic.co:443/search?q=elasticsearch#top","domain":"www.elastic.co"},"client":{"address":"10.0.0.1"}}`,
		`2023-05-04T10:00:01 HEAD /search?q=elasticsearch#top scheme=https host=www.elastic.co client=10.0.0.1 status=301 wire=437`},
	{"ecs", "methods in small letters, as before 1.6",
		`{"@timestamp":"2019-05-04T10:00:01.5Z","ecs":{"version":"1.0.0"},"http":{"request":{"method":"options"},"response":{"status_code":204}},"url":{"original":"*"},"source":{"ip":"10.0.0.1"}}`,
		`2019-05-04T10:00:01.5 OPTIONS * client=10.0.0.1 status=204`},
	{"ecs", "IPv6 host with a port beside it",
		`{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"PUT","bytes":1437,"body":{"bytes":887}},"response":{"status_code":200}},"url":{"path":"/x","domain":"2001:db8::2","port":"9200","scheme":"https"},"source":{"ip":"10.0.0.1"},"tls":{"version":"1.3"}}`,
		`2023-05-04T10:00:01 PUT /x scheme=https host=[2001:db8::2]:9200 client=10.0.0.1 status=200 body_size=887`},
	{"ecs", "TLS without a scheme",
		`{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"GET"}},"url":{"path":"/","domain":"h"},"tls":{"version":"1.2","version_protocol":"tls"}}`,
		`2023-05-04T10:00:01 GET / scheme=https host=h`},
	{"ecs", "the port of TLS without a scheme",
		`{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"GET"}},"url":{"path":"/","domain":"h","port":443}}`,
		`2023-05-04T10:00:01 GET / scheme=https host=h`},
	{"ecs", "Filebeat's document around a message that it parsed",
		`{"@timestamp":"2023-05-04T10:00:01.000Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.7.0"},"agent":{"type":"filebeat"},"host":{"name":"web1"},"log":{"file":{"path":"/var/log/nginx/access.log"},"offset":0},"event":{"original":"203.0.113.7 - - [04/May/2023:10:00:01 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"","outcome":"success"},"http":{"request":{"method":"GET"},"response":{"status_code":200,"body":{"bytes":5}},"version":"1.1"},"url":{"original":"/a","path":"/a"},"source":{"address":"203.0.113.7"},"user_agent":{"original":"curl/8"}}`,
		`2023-05-04T10:00:01 GET /a HTTP/1.1 client=203.0.113.7 status=200 size=5 [User-Agent: curl/8]`},
	{"ecs", "beside a record of something else, and an impossible status",
		`{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"GET"}},"url":{"path":"/"}}` + "\n" + `{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"GET"}},"url":{"path":"/b"}}` + "\n" + `{"@timestamp":"2023-05-04T10:00:01Z","log.level":"info","service.name":"shop","process":{"pid":1}}` + "\n" + `{"@timestamp":"2023-05-04T10:00:01Z","http":{"request":{"method":"GET"},"response":{"status_code":"ok"}},"url":{"path":"/"}}`,
		"2023-05-04T10:00:01 GET /\n2023-05-04T10:00:01 GET /b\n" + reasonNone + "\n" + reasonStatus},
}
