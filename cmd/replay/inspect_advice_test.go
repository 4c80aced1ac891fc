package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// written has, for each server that can be configured, what it writes when it is configured as we advise, and which
// fields our import must find in that.
var written = []struct {
	server    string
	logFormat string // given to --log-format, else the line is recognised by itself
	head      string // a line before it
	line      string
	us        int64 // duration; 0: 2000
}{
	{server: "nginx", line: nginxWritten},
	{server: "nginx by its log_format", logFormat: "log_format replay escape=json " + nginxReplayFields + ";", line: nginxWritten},
	{server: "ingress-nginx", line: nginxWritten},
	{server: "Apache httpd", logFormat: quotedPart(advice("Apache httpd").Lines, `LogFormat "`, `" replay`),
		line: `10.0.0.1 - - [23/Nov/2026:14:00:00.250000 +0000] "GET /a?b=c HTTP/1.1" 200 12 300 "http://r.example/" "curl/8" 2000 "shop.example" "-" "-" "*/*" "gzip"`},
	{server: "HAProxy", logFormat: haproxyReplayFormat[strings.Index(haproxyReplayFormat, "log-format"):],
		line: `10.0.0.1:50000 [23/Nov/2026:14:00:00.250] web app/s1 0/0/0/2/2 200 300 -- "shop.example" "GET /a?b=c HTTP/1.1" "curl/8" "gzip" -`},
	{server: "Envoy", line: `{"start_time":"2026-11-23T14:00:00.250Z","duration_ms":"2","client_ip":"10.0.0.1","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","scheme":"https","authority":"shop.example","status":"200","bytes_sent":"300","connection":"7","http_user_agent":"curl/8","http_referer":"http://r.example/","http_x_forwarded_for":"-","http_accept_encoding":"gzip"}`},
	{server: "Caddy", line: `{"level":"info","ts":"2026-11-23T14:00:00.252Z","logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"50000","client_ip":"10.0.0.1","proto":"HTTP/1.1","method":"GET","host":"shop.example","uri":"/a?b=c","headers":{"User-Agent":["curl/8"],"Accept-Encoding":["gzip"]}},"bytes_read":0,"user_id":"","duration":0.002,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}`},
	{server: "Traefik", line: `{"ClientAddr":"10.0.0.1:50000","ClientHost":"10.0.0.1","ClientPort":"50000","ClientUsername":"-","DownstreamContentSize":12,"DownstreamStatus":200,"Duration":2000000,"RequestAddr":"shop.example","RequestContentSize":0,"RequestCount":1,"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/a?b=c","RequestPort":"-","RequestProtocol":"HTTP/1.1","RequestScheme":"https","RetryAttempts":0,"StartLocal":"2026-11-23T15:00:00.25+01:00","StartUTC":"2026-11-23T14:00:00.25Z","entryPointName":"web","level":"info","msg":"","request_Accept":"*/*","request_Accept-Encoding":"gzip","request_User-Agent":"curl/8","time":"2026-11-23T14:00:00Z"}`},
	{server: "Squid", logFormat: firstLine(advice("Squid").Lines),
		line: `1795442400.252 2 10.0.0.1 - 200 300 "GET http://shop.example/a?b=c HTTP/1.1" "curl/8" "-" "gzip" TCP_MISS`},
	{server: "Varnish", logFormat: advice("Varnish").Lines,
		line: `10.0.0.1 1795442400250000 2000 0.001 "GET http://shop.example/a?b=c HTTP/1.1" 200 12 300 "curl/8" "-" "-" "gzip"`},
	{server: "Tomcat", logFormat: advice("Tomcat").Lines,
		line: `1795442400250 2000 1 10.0.0.1 "GET /a?b=c HTTP/1.1" 200 12 "shop.example" "curl/8" "-" "-" "gzip"`},
	{server: "lighttpd", logFormat: advice("lighttpd").Lines,
		line: `1795442400250000 2000 10.0.0.1 shop.example "GET /a?b=c HTTP/1.1" 200 12 300 "curl/8" "-" "-" "gzip"`},
	{server: "IIS", us: 750_000, head: "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs-bytes time-taken cs-version cs-host cs(User-Agent) cs(Cookie) cs(Referer) cs(Accept-Encoding)",
		line: `2026-11-23 14:00:01 10.0.0.1 - GET /a b=c 200 300 120 750 HTTP/1.1 shop.example curl/8 - - gzip`},
	{server: "CloudFront", head: "#Fields: " + cloudFrontReplayFields,
		line: strings.ReplaceAll("1795442400.252 10.0.0.1 GET https shop.example /a b=c HTTP/1.1 200 300 12 120 0.002 0.001 curl/8 - - gzip -", " ", "\t")},
	{server: "Cloudflare", line: `{"EdgeStartTimestamp":1795442400250000000,"EdgeEndTimestamp":1795442400252000000,"EdgeTimeToFirstByteMs":1,"ClientIP":"10.0.0.1","ClientRequestMethod":"GET","ClientRequestScheme":"https","ClientRequestHost":"shop.example","ClientRequestURI":"/a?b=c","ClientRequestProtocol":"HTTP/2","ClientRequestUserAgent":"curl/8","ClientRequestReferer":"","ClientRequestSource":"eyeball","WorkerSubrequest":false,"EdgeResponseStatus":200,"EdgeResponseBodyBytes":12,"EdgeResponseBytes":300}`},
	{server: "Fastly", line: `{"timestamp":1795442400250000,"time_elapsed":2000,"time_to_first_byte":0.001,"client_ip":"10.0.0.1","is_tls":true,"host":"shop.example","url":"/a?b=c","request_method":"GET","request_protocol":"HTTP/1.1","request_referer":"","request_user_agent":"curl/8","request_accept_language":"","request_accept_encoding":"gzip","req_body_size":0,"response_status":200,"response_body_size":12,"fastly_is_edge":true}`},
	{server: "your own JSON", line: advice("your own JSON").Lines},
}

// firstLine is what stands before the first line end.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

const nginxWritten = `{"msec":"1795442400.252","request_time":"0.002","upstream_header_time":"0.001","remote_addr":"10.0.0.1","remote_user":"","connection":"7",` +
	`"request":"GET /a?b=c HTTP/1.1","scheme":"https","http_host":"shop.example","status":"200","body_bytes_sent":"12","bytes_sent":"300","content_length":"","content_type":"",` +
	`"http_user_agent":"curl/8","http_referer":"http://r.example/","http_x_forwarded_for":"","http_accept":"*/*","http_accept_encoding":"gzip","http_accept_language":"en"}`

// advice is the entry for a server.
func advice(server string) *logAdvice {
	for i := range advices {
		if strings.HasPrefix(advices[i].Server, server) {
			return &advices[i]
		}
	}
	return nil
}

// quotedPart is what stands between two marks.
func quotedPart(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return strings.ReplaceAll(s, `\"`, `"`)
}

// What we tell people to log, we can read: with every field that a replay uses.
func TestAdviceIsUnderstood(t *testing.T) {
	for i := range advices {
		found := false
		for _, w := range written {
			found = found || strings.HasPrefix(advices[i].Server, w.server)
		}
		if configured := advices[i].Lines != ""; found != configured {
			t.Errorf("%s: lines to configure it %v, a line that it would write %v", advices[i].Server, configured, found)
		}
		if advices[i].Lines == "" && (advices[i].Note == "" || advices[i].Where != "") {
			t.Errorf("%s: nothing to choose, where %q, and the reason %q", advices[i].Server, advices[i].Where, advices[i].Note)
		}
	}
	for _, w := range written {
		t.Run(w.server, func(t *testing.T) {
			o := accesslog.Options{LogFormat: w.logFormat}
			sample := [][]byte{[]byte(w.line), []byte(w.line)}
			if w.head != "" {
				sample = append([][]byte{[]byte(w.head)}, sample...)
			}
			p, note, err := accesslog.Detect(sample, o)
			if err != nil {
				t.Fatal(err)
			}
			var q capture.Request
			if w.head != "" {
				_ = p.Parse([]byte(w.head), &q) // a comment, which names the columns
			}
			if err := p.Parse([]byte(w.line), &q); err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 11, 23, 14, 0, 0, 250e6, time.UTC)
			if !q.Time().Equal(at) || q.DurUS != cmp.Or(w.us, 2000) {
				t.Errorf("%s (%s): at %s for %d us, want %s for %d", p.Name(), note, q.Time(), q.DurUS, at, cmp.Or(w.us, 2000))
			}
			if string(q.Method) != "GET" || string(q.Target) != "/a?b=c" || string(q.Host) != "shop.example" || q.Status != 200 {
				t.Errorf("%s: %s %s of %s, status %d", p.Name(), q.Method, q.Target, q.Host, q.Status)
			}
			if string(q.Client) != "10.0.0.1" || string(q.Header("User-Agent")) != "curl/8" {
				t.Errorf("%s: client %q, headers %q", p.Name(), q.Client, q.Headers)
			}
			if q.RespSize < 0 && q.RespWire < 0 {
				t.Errorf("%s: no size", p.Name())
			}
			server, _, _ := strings.Cut(w.server, " by its")
			for field, has := range map[string]bool{
				"Accept-Encoding": string(q.Header("Accept-Encoding")) == "gzip", "connections": q.Conn != 0,
				"sub-second stamps": p.Resolution() < time.Second,
			} {
				if lacks := slices.Contains(advice(server).lacks, field); has == lacks {
					t.Errorf("%s: %s read %v, but the advice says that it lacks them: %v", p.Name(), field, has, lacks)
				}
			}
		})
	}
}

// The page and the command tell people the same.
func TestAdviceIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/capture-logs.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\n    ", "\n")
	for _, server := range []string{"nginx", "Apache httpd", "HAProxy", "Squid", "Varnish", "Tomcat", "lighttpd"} {
		first, _, _ := strings.Cut(advice(server).Lines, "\naccess_log ")
		first, _, _ = strings.Cut(first, "\nCustomLog ")
		if !strings.Contains(text, first) {
			t.Errorf("docs/capture-logs.md does not show what inspect tells users of %s:\n%s", server, first)
		}
	}
	joined := regexp.MustCompile(`\n +`).ReplaceAllString(string(page), "") // what must be pasted as one line
	for _, server := range []string{"Cloudflare", "Fastly"} {
		if lines := advice(server).Lines; !strings.Contains(joined, lines) {
			t.Errorf("docs/capture-logs.md does not show what inspect tells users of %s:\n%s", server, lines)
		}
	}
}

// Every format that Replay names leads to advice, if its server can log more.
func TestAdviceForFormats(t *testing.T) {
	for _, tt := range []struct{ format, want string }{
		{"nginx-combined-rt", "nginx 1.11.8 or newer"},
		{"nginx-log-format", "nginx 1.11.8 or newer"},
		{"ingress-nginx", "ingress-nginx"},
		{"apache-combined-us", "Apache httpd 2.4"},
		{"combined", "nginx 1.11.8 or newer, Apache httpd 2.4"},
		{"combinedio", "Apache httpd 2.4"},
		{"combined-extra", "nginx 1.11.8 or newer, Apache httpd 2.4"},
		{"traefik-clf", "Traefik 2 or 3"},
		{"squid-combined", "Squid 4 or newer"},
		{"tomcat-log-format", "Tomcat 10.1 or newer"},
		{"iis-native", "IIS 8.5 or newer"},
		{"alb", "AWS load balancer"},
		{"nginx-json", "nginx 1.11.8 or newer"},
		{"json", "your own JSON"},
		{"ndjson", ""},
		{"envoyish", ""},
	} {
		var got []string
		for _, a := range adviceFor([]capture.Ledger{{Format: tt.format}}, []missingField{{Field: "durations"}}) {
			got = append(got, a.Server)
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("advice for %s: %q, want %q", tt.format, s, tt.want)
		}
	}
}

// Lines are told only where they bring something that is missing.
func TestAdviceThatHelps(t *testing.T) {
	for _, tt := range []struct {
		format, missing string
		want            bool
	}{
		{"caddy", "connections", false},
		{"caddy", "durations", true},
		{"nginx-combined", "bodies", true},
		{"squid", "query strings", true},
		{"nginx-json", "query strings", false},
		{"w3c", "sub-second stamps", false},
	} {
		got := adviceFor([]capture.Ledger{{Format: tt.format}}, []missingField{{Field: tt.missing}})
		if len(got) != 1 || (got[0].Lines != "") != tt.want || got[0].Note == "" {
			t.Errorf("%s without %s: %+v, want lines %v", tt.format, tt.missing, got, tt.want)
		}
	}
}

// Every dialect that --format knows, and every notation of --log-format, has lines to paste or a word on why not.
func TestEveryFormatHasAdvice(t *testing.T) {
	_, err := accesslog.New(accesslog.Options{Format: "?"})
	_, names, ok := strings.Cut(fmt.Sprint(err), "(known: ")
	if !ok {
		t.Fatalf("New names no formats: %v", err)
	}
	_, err = accesslog.New(accesslog.Options{Format: "?", LogFormat: "$request"})
	_, notations, ok := strings.Cut(fmt.Sprint(err), "want one of ")
	if !ok {
		t.Fatalf("New names no notations: %v", err)
	}
	formats := strings.Split(strings.TrimSuffix(names, ")"), ", ")
	for n := range strings.SplitSeq(notations, ", ") {
		formats = append(formats, n+"-log-format")
	}
	for _, f := range formats {
		if len(adviceFor([]capture.Ledger{{Format: f}}, nil)) == 0 {
			t.Errorf("%s: no advice on what to log", f)
		}
	}
}

// tool finds a server's program, which Debian keeps out of the PATH of users.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skip(name + " is not installed: what we tell its users to configure cannot be tried")
	return ""
}

func TestNginxTakesTheAdvice(t *testing.T) {
	nginx := tool(t, "nginx")
	dir := t.TempDir()
	for name, lines := range map[string]string{
		"nginx":   strings.ReplaceAll(advice("nginx").Lines, "/var/log/nginx", dir),
		"ingress": "log_format upstreaminfo escape=json " + quotedLine(ingressReplayFields) + ";",
	} {
		conf := filepath.Join(dir, name+".conf")
		text := "pid " + dir + "/nginx.pid; error_log " + dir + "/error.log;\nevents {}\nhttp {\naccess_log off;\n" + lines + "\n}\n"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(nginx, "-t", "-q", "-p", dir, "-c", conf).CombinedOutput(); err != nil {
			t.Errorf("nginx -t of the lines for %s: %v\n%s\n%s", name, err, out, text)
		}
	}
}

// quotedLine is a quoted YAML scalar as ingress-nginx puts it into nginx.conf.
func quotedLine(s string) string { return "'" + strings.Trim(s, "'") + "'" }

func TestApacheTakesTheAdvice(t *testing.T) {
	apache := tool(t, "apache2")
	dir := t.TempDir()
	modules := ""
	for _, m := range []string{"mpm_event", "authz_core"} {
		path := "/usr/lib/apache2/modules/mod_" + m + ".so"
		if _, err := os.Stat(path); err != nil {
			t.Skip("apache2 is here without its modules: " + err.Error())
		}
		modules += "LoadModule " + m + "_module " + path + "\n"
	}
	conf := filepath.Join(dir, "apache.conf")
	text := "ServerRoot " + dir + "\nServerName localhost\nPidFile " + dir + "/pid\nErrorLog " + dir + "/error.log\nListen 127.0.0.1:1\n" + modules +
		strings.ReplaceAll(advice("Apache httpd").Lines, "logs/", dir+"/")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(apache, "-t", "-f", conf).CombinedOutput(); err != nil {
		t.Errorf("apache2 -t: %v\n%s\n%s", err, out, text)
	}
}

// The other servers that can check a configuration without starting.
func TestServersTakeTheAdvice(t *testing.T) {
	for _, tt := range []struct {
		server, program, file string
		check                 []string // arguments before the file
		head, tail            string   // around the lines
	}{
		{"HAProxy", "haproxy", "haproxy.cfg", []string{"-c", "-f"}, "global\n  log stdout format raw local0\ndefaults\n  mode http\n  log global\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nfrontend f\n  bind 127.0.0.1:1\n  default_backend b\n", "\nbackend b\n  server s 127.0.0.1:2\n"},
		{"lighttpd", "lighttpd", "lighttpd.conf", []string{"-tt", "-f"}, "server.document-root = \"DIR\"\nserver.port = 1\nserver.modules = (\"mod_accesslog\")\naccesslog.filename = \"DIR/replay.log\"\n", "\n"},
		{"Caddy", "caddy", "Caddyfile", []string{"validate", "--adapter", "caddyfile", "--config"}, "http://127.0.0.1:1 {\n", "\n}\n"},
		{"Squid", "squid", "squid.conf", []string{"-k", "parse", "-f"}, "http_port 127.0.0.1:1\npid_filename none\ncoredump_dir DIR\n", "\n"},
	} {
		t.Run(tt.server, func(t *testing.T) {
			program, dir := tool(t, tt.program), t.TempDir()
			lines := strings.NewReplacer("/var/log/caddy", dir, "/var/log/squid", dir).Replace(advice(tt.server).Lines)
			file := filepath.Join(dir, tt.file)
			text := strings.ReplaceAll(tt.head, "DIR", dir) + lines + tt.tail
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, append(tt.check, file)...)
			cmd.Env = append(os.Environ(), "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "ERROR") {
				t.Errorf("%s %s: %v\n%s\n%s", tt.program, tt.check, err, out, text)
			}
		})
	}
}
