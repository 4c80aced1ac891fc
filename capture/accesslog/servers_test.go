package accesslog

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// exchange is one request as it goes over the wire, what the log must give back, and what was seen of the answer.
type exchange struct {
	method, target, proto string
	agent, body, user     string
	bad                   bool // not a request: must be skipped as bad-request-line
	mayRefuse             bool // the server may close the connection without an answer
	keep                  bool // the connection stays open
	torn                  bool // the head comes in two parts
	cold                  bool // the server has just begun: its times say nothing

	idle       time.Duration // of a first request: how long the connection was silent before it
	status     int
	size       int64 // of the body of the answer
	wireSize   int64 // of all of the answer
	begun, end time.Time
}

func (x *exchange) wire() string {
	if x.bad {
		return x.target
	}
	if x.proto == "" {
		return x.method + " " + x.target + "\r\n"
	}
	s := x.method + " " + x.target + " " + x.proto + "\r\nHost: shop.example\r\n"
	if !x.keep {
		s += "Connection: close\r\n"
	}
	if x.agent != "" {
		s += "User-Agent: " + x.agent + "\r\n"
	}
	if x.user != "" {
		s += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(x.user+":secret")) + "\r\n"
	}
	if x.body != "" {
		s += fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n", len(x.body))
	}
	return s + "\r\n" + x.body
}

// exchanges are requests with everything that servers escape in the target and in a header.
func exchanges() []*exchange {
	return []*exchange{
		{method: "GET", target: "/", proto: "HTTP/1.1", agent: "plain/1.0"},
		{method: "GET", target: "/a/b?c=d&e=%20%22&f=[1]", proto: "HTTP/1.1", agent: `quote " and backslash \ and \x22 and \"`},
		{method: "GET", target: `/quote"back\slash\x41`, proto: "HTTP/1.1", agent: `"`},
		{method: "GET", target: "/caf\xc3\xa9/%D0%A0?q=\xff", proto: "HTTP/1.1", agent: "Grüße, \t 世界 \x80"},
		{method: "GET", target: "/percent%25%41%7e", proto: "HTTP/1.1", agent: `\`},
		{method: "GET", target: "/user", proto: "HTTP/1.1", agent: "u", user: `j. doe "x\y`},
		{method: "HEAD", target: "/h?a=1?b=2#c", proto: "HTTP/1.1", agent: "-"},
		{method: "POST", target: "/post", proto: "HTTP/1.1", agent: "a, b : c - d [e] {f}", body: "k=v&\"q\"\\ é"},
		{method: "GET", target: "/old", proto: "HTTP/1.0", agent: "x" + strings.Repeat("y", 2000)},
		{method: "GET", target: "/" + strings.Repeat("long/", 500), proto: "HTTP/1.1"},
		{method: "DELETE", target: "//two//slashes/../x", proto: "HTTP/1.1", agent: "$remote_addr %h"},
		{target: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x90\xab\r\n\r\n", bad: true},
		{target: "hello\r\n\r\n", bad: true},
	}
}

// drive sends the exchanges one after the other, each on its own connection.
func drive(t *testing.T, addr string, xs []*exchange) {
	t.Helper()
	for _, x := range xs {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		x.begun = time.Now()
		if _, err := io.WriteString(c, x.wire()); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("%s %.40q: %v", x.method, x.target, err)
		}
		x.end = time.Now()
		if _, err := fmt.Sscanf(string(answer), "HTTP/1.1 %d ", &x.status); err != nil && x.proto != "" {
			t.Fatalf("%s %.40q: answer %.60q", x.method, x.target, answer)
		}
		_ = c.Close()
	}
}

// logged checks that a log gives back exactly the exchanges.
func logged(t *testing.T, format string, log []byte, xs []*exchange) {
	t.Helper()
	p, err := New(Options{LogFormat: format})
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
	requests, l := tally(t, p, lines)
	var want []*exchange
	for _, x := range xs {
		if !x.bad {
			want = append(want, x)
		}
	}
	if serversView(format) && l.Bad() < 2 {
		return // Apache makes "hello /" of "hello"
	}
	if n := len(xs) - len(want); l.Skipped[reasonRequest] != int64(n) || l.Bad() != int64(n) || len(requests) != len(want) {
		t.Fatalf("%.60s: %d requests, skipped %v, want %d and %d times %s\n%s", format, len(requests), l.Skipped, len(want), n, reasonRequest, log)
	}
	for i, q := range requests {
		compareExchange(t, format, want[i], q, p.Resolution())
	}
}

// serversView reports whether a format logs the server's own reading of the path, not what was sent.
func serversView(format string) bool {
	return strings.Contains(format, "%U") || strings.Contains(format, "$uri")
}

func compareExchange(t *testing.T, format string, x *exchange, q *capture.Request, resolution time.Duration) {
	t.Helper()
	if serversView(format) {
		return
	}
	if string(q.Method) != x.method || string(q.Target) != x.target || len(q.Proto) > 0 && string(q.Proto) != x.proto {
		t.Errorf("%.60s: %s %q %s, want %s %q %s", format, q.Method, q.Target, q.Proto, x.method, x.target, x.proto)
	}
	logsAgent := strings.Contains(format, "user_agent") || strings.Contains(format, "User-Agent")
	if got := string(q.Header("User-Agent")); logsAgent && got != x.agent && x.agent != "-" {
		t.Errorf("%.60s: %s: agent %q, want %q", format, x.target, got, x.agent)
	}
	if q.Status != x.status && x.proto != "" {
		t.Errorf("%.60s: %s: status %d, want %d", format, x.target, q.Status, x.status)
	}
	if strings.Contains(format, "$request_body") && string(q.Body) != x.body {
		t.Errorf("%.60s: %s: body %q, want %q", format, x.target, q.Body, x.body)
	}
	if strings.Contains(format, "$remote_user") {
		if want := strings.TrimSuffix("127.0.0.1 "+x.user, " "); string(q.Client) != want {
			t.Errorf("%.60s: %s: client %q, want %q", format, x.target, q.Client, want)
		}
	}
	if x.proto == "" {
		return
	}
	if strings.Contains(format, "ost}i") || strings.Contains(format, "$http_host") {
		if string(q.Host) != "shop.example" {
			t.Errorf("%.60s: %s: host %q", format, x.target, q.Host)
		}
	}
	// nginx and Apache read the clock at most a tick before the request.
	early, late := x.begun.Add(-resolution-20*time.Millisecond), x.end.Add(20*time.Millisecond)
	if at := q.Time(); at.Before(early) || at.After(late) {
		t.Errorf("%.60s: %s: at %s, sent between %s and %s", format, x.target, at, early.UTC(), late.UTC())
	}
	if q.DurUS >= 0 && time.Duration(q.DurUS)*time.Microsecond > x.end.Sub(x.begun)+20*time.Millisecond {
		t.Errorf("%.60s: %s: took %d us, seen %s", format, x.target, q.DurUS, x.end.Sub(x.begun))
	}
}

// nginxFormats are log_format directives as they stand in a configuration.
var nginxFormats = []string{
	`log_format plain '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';`,
	`log_format timed '$remote_addr [$time_iso8601] "$request" $status $bytes_sent $request_time $upstream_header_time "$http_user_agent"' ' $connection $pipe';`,
	`log_format msec "$msec|$request_time|$request_method|$request_uri|$server_protocol|$status|$http_user_agent";`,
	`log_format json escape=json '{"at":"$msec","took":$request_time,"request":"$request","status":$status,"agent":"$http_user_agent","body":"$request_body","host":"$http_host"}';`,
	`log_format jsondefault '{"at":"$time_iso8601","method":"$request_method","uri":"$request_uri","status":"$status","agent":"$http_user_agent"}';`,
	`log_format none escape=none '$msec "$request" $status "$http_user_agent"';`,
	`log_format jsontext escape=json '[$time_local] "$request" $status "$http_user_agent" "$request_body"';`,
	`log_format decoded '$msec $request_method "$uri$is_args$args" $status';`,
}

func TestNginx(t *testing.T) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not on PATH: its logs cannot be compared with what was sent")
	}
	dir := t.TempDir()
	addr := freeAddress(t)
	var conf strings.Builder
	conf.WriteString("daemon off; master_process off; pid nginx.pid; error_log stderr notice;\nevents { worker_connections 64; }\nhttp {\n")
	for _, d := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&conf, "%s_temp_path %s;\n", d, d)
	}
	formats := append([]string{documented(t, "log_format ")}, nginxFormats...)
	for _, f := range formats {
		conf.WriteString(f + "\n")
	}
	fmt.Fprintf(&conf, "server { listen %s; client_max_body_size 1m; large_client_header_buffers 4 16k;\n", addr)
	for i, f := range formats {
		fmt.Fprintf(&conf, "access_log %d.log %s;\n", i, strings.Fields(f)[1])
	}
	// The body is read only where something asks for it, such as a proxy: the second server.
	conf.WriteString("location / { proxy_pass http://unix:" + dir + "/up.sock:; proxy_set_header Host x; } }\n")
	conf.WriteString("server { listen unix:" + dir + "/up.sock; access_log off; location / { return 200 ok; } }\n}\n")
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := start(t, exec.Command(path, "-p", dir, "-c", name, "-e", "stderr"), "OS: ", syscall.SIGQUIT)
	xs := append(exchanges(), &exchange{method: "GET", target: "/nine"})
	drive(t, addr, xs)
	stop()
	for i, f := range formats {
		log, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i, ".log")))
		if err != nil {
			t.Fatal(err)
		}
		logged(t, f, log, xs)
		detected(t, f, log, len(xs)-2)
	}
}

// detected checks that the formats which are recognised by themselves are read alike without the format.
func detected(t *testing.T, format string, log []byte, want int) {
	t.Helper()
	name := strings.Fields(format)[1]
	if name != "plain" && name != "replay" {
		return
	}
	lines := bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
	p, note, err := Detect(lines, Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	requests, l := tally(t, p, lines)
	if got := map[string]string{"plain": "nginx-combined", "replay": "nginx-json"}[name]; p.Name() != got || len(requests) != want {
		t.Errorf("%s: Detect = %s (%s), %d requests, skipped %v, want %s and %d", name, p.Name(), note, len(requests), l.Skipped, got, want)
	}
	if name == "replay" && (p.Basis() != capture.BasisEndMinusDuration || p.Resolution() != time.Millisecond) {
		t.Errorf("replay: %s, %s, want %s, 1ms", p.Basis(), p.Resolution(), capture.BasisEndMinusDuration)
	}
}

var apacheFormats = []string{
	`LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" plain`,
	`LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %D" timed`,
	`LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" \"%{Host}i\" %{us}T" vhosts`,
	`LogFormat "%{usec}t %{end:usec}t %D %s \"%r\" \"%{User-Agent}i\" %I %O %X %k" usec`,
	`LogFormat "[%{%d/%b/%Y %T}t.%{usec_frac}t %{%z}t] \"%r\" %>s \"%{User-Agent}i\" %{ms}T" parts`,
	`LogFormat "{ \"at\":\"%{%Y-%m-%dT%T}t.%{msec_frac}t%{%z}t\", \"request\":\"%r\", \"status\":%>s, \"agent\":\"%{User-Agent}i\", \"us\":%D }" json`,
	`LogFormat "%{end:usec}t %D %m %>s \"%r\" \"%{User-agent}i\"" ends`,
	`LogFormat "%{sec}t.%{msec_frac}t %m \"%U%q\" %>s" decoded`,
}

func TestApache(t *testing.T) {
	path, err := exec.LookPath("apache2")
	if err != nil {
		t.Skip("apache2 is not on PATH: its logs cannot be compared with what was sent")
	}
	const modules = "/usr/lib/apache2/modules"
	if _, err := os.Stat(filepath.Join(modules, "mod_mpm_event.so")); err != nil {
		t.Skipf("Apache's modules are not where Debian keeps them: %v", err)
	}
	dir := t.TempDir()
	addr := freeAddress(t)
	user := os.Getuid()
	if user == 0 {
		user = 65534 // Apache does not serve as root
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %q\nPidFile %[1]s/pid\nDefaultRuntimeDir %[1]s\nServerName main.example\nListen %s\nUser #%d\nGroup #%[3]d\n", dir, addr, user)
	fmt.Fprintf(&conf, "LoadModule mpm_event_module %[1]s/mod_mpm_event.so\nLoadModule authz_core_module %[1]s/mod_authz_core.so\n", modules)
	fmt.Fprintf(&conf, "DocumentRoot %q\nErrorLog /dev/stderr\nLogLevel notice\nStartServers 1\nMinSpareThreads 1\nThreadsPerChild 4\nMaxRequestWorkers 4\nMaxSpareThreads 4\n", dir)
	conf.WriteString("HttpProtocolOptions Unsafe\nAllowEncodedSlashes On\n") // else raw bytes and tricks are not let in
	formats := append([]string{documented(t, "LogFormat ")}, apacheFormats...)
	for i, f := range formats {
		fmt.Fprintf(&conf, "%s\nCustomLog %s/%d.log %s\n", f, dir, i, f[strings.LastIndexByte(f, ' ')+1:])
	}
	name := filepath.Join(dir, "apache.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := start(t, exec.Command(path, "-f", name, "-DFOREGROUND"), "resuming normal operations", apacheStop)
	xs := exchanges()
	drive(t, addr, xs)
	stop()
	for i, f := range formats {
		log, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i, ".log")))
		if err != nil {
			t.Fatal(err)
		}
		logged(t, f, log, xs)
	}
}

// documented is the directive that docs/capture-logs.md tells people to paste.
func documented(t *testing.T, directive string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/capture-logs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n    "+directive)
	text, _, ended := strings.Cut(text, "\n\n")
	if !ok || !ended {
		t.Fatalf("docs/capture-logs.md shows no %s", directive)
	}
	return directive + text
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start runs a server and returns once it has said on standard error that it listens. stop has it finish
// its requests and end.
func start(t *testing.T, cmd *exec.Cmd, ready string, graceful os.Signal) (stop func()) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	in := bufio.NewReader(stderr)
	var said strings.Builder
	for {
		line, err := in.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			t.Fatalf("%s did not start:\n%s", cmd.Path, said.String())
		}
		if strings.Contains(line, ready) {
			break
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, in)
	}()
	return func() {
		if err := cmd.Process.Signal(graceful); err != nil {
			t.Fatal(err)
		}
		<-drained
		ended = true
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%s: %v", cmd.Path, err)
		}
	}
}
