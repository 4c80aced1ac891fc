package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// written has, for each server that advices names, what it writes when it is configured so, and which fields our
// import must find in that. Servers whose fields are fixed, or whose dialect is no known one yet, have none of
// their own: skip says why.
var written = []struct {
	server    string
	logFormat string // given to --log-format, else the line is recognised by itself
	line      string
	skip      string
}{
	{server: "nginx", line: nginxWritten},
	{server: "nginx by its log_format", logFormat: "log_format replay escape=json " + nginxReplayFields + ";", line: nginxWritten},
	{server: "ingress-nginx", line: nginxWritten},
	{server: "Apache httpd", logFormat: quotedPart(advice("Apache httpd").Lines, `LogFormat "`, `" replay`),
		line: `10.0.0.1 - - [23/Nov/2026:14:00:00.250000 +0000] "GET /a?b=c HTTP/1.1" 200 12 300 "http://r.example/" "curl/8" 2000 "shop.example" "-" "-" "*/*" "gzip"`},
	{server: "HAProxy", line: `{"start_time":"23/Nov/2026:14:00:00.250","duration_ms":2,"client_ip":"10.0.0.1","method":"GET","request_uri":"/a?b=c","protocol":"HTTP/1.1","host":"shop.example","http_user_agent":"curl/8","http_accept_encoding":"gzip","status":200,"bytes_sent":300}`},
	{server: "Envoy", line: `{"start_time":"2026-11-23T14:00:00.250Z","duration_ms":"2","client_ip":"10.0.0.1","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","scheme":"https","authority":"shop.example","status":"200","bytes_sent":"300","connection":"7","http_user_agent":"curl/8","http_referer":"http://r.example/","http_x_forwarded_for":"-","http_accept_encoding":"gzip"}`},
	{server: "Caddy", line: `{"level":"info","ts":"2026-11-23T14:00:00.252Z","logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"50000","client_ip":"10.0.0.1","proto":"HTTP/1.1","method":"GET","host":"shop.example","uri":"/a?b=c","headers":{"User-Agent":["curl/8"],"Accept-Encoding":["gzip"]}},"bytes_read":0,"user_id":"","duration":0.002,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}`},
	{server: "Traefik", line: `{"ClientAddr":"10.0.0.1:50000","ClientHost":"10.0.0.1","DownstreamContentSize":12,"DownstreamStatus":200,"Duration":2000000,"RequestAddr":"shop.example","RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/a?b=c","RequestProtocol":"HTTP/1.1","RequestScheme":"https","StartUTC":"2026-11-23T14:00:00.25Z","request_Accept-Encoding":"gzip","request_User-Agent":"curl/8","level":"info","msg":"","time":"2026-11-23T14:00:00Z"}`,
		skip: "traefik-json is no dialect that we know yet: request_User-Agent and the port behind the client stay unread"},
	{server: "AWS load balancer", skip: "its fields are fixed, there is nothing to configure"},
	{server: "CloudFront", skip: "the order of its fields is the user's: the header of the log says it"},
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
		if !found {
			t.Errorf("%s: no line that it would write", advices[i].Server)
		}
	}
	for _, w := range written {
		t.Run(w.server, func(t *testing.T) {
			if w.skip != "" {
				t.Skip(w.skip)
			}
			o := accesslog.Options{LogFormat: w.logFormat}
			p, note, err := accesslog.Detect([][]byte{[]byte(w.line), []byte(w.line)}, o)
			if err != nil {
				t.Fatal(err)
			}
			var q capture.Request
			if err := p.Parse([]byte(w.line), &q); err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 11, 23, 14, 0, 0, 250e6, time.UTC)
			if !q.Time().Equal(at) || q.DurUS != 2000 {
				t.Errorf("%s (%s): at %s for %d us, want %s for 2000", p.Name(), note, q.Time(), q.DurUS, at)
			}
			if string(q.Method) != "GET" || string(q.Target) != "/a?b=c" || string(q.Host) != "shop.example" || q.Status != 200 {
				t.Errorf("%s: %s %s of %s, status %d", p.Name(), q.Method, q.Target, q.Host, q.Status)
			}
			if string(q.Client) != "10.0.0.1" || string(q.Header("User-Agent")) != "curl/8" || string(q.Header("Accept-Encoding")) != "gzip" {
				t.Errorf("%s: client %q, headers %q", p.Name(), q.Client, q.Headers)
			}
			if q.RespSize < 0 && q.RespWire < 0 {
				t.Errorf("%s: no size", p.Name())
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
	for _, server := range []string{"nginx", "Apache httpd"} {
		first, _, _ := strings.Cut(advice(server).Lines, "\naccess_log ")
		first, _, _ = strings.Cut(first, "\nCustomLog ")
		if !strings.Contains(text, first) {
			t.Errorf("docs/capture-logs.md does not show what inspect tells users of %s:\n%s", server, first)
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
		{"ndjson", ""},
		{"envoyish", ""},
	} {
		var got []string
		for _, a := range adviceFor([]capture.Ledger{{Format: tt.format}}) {
			got = append(got, a.Server)
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("advice for %s: %q, want %q", tt.format, s, tt.want)
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
