package accesslog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// TestNginxArrivals: nginx in front of a server that is slow at times. TestNginx looks at its escapes.
func TestNginxArrivals(t *testing.T) {
	path := program(t, "nginx")
	dir := t.TempDir()
	addr := freeAddress(t)
	const end, ms = capture.BasisEndMinusDuration, time.Millisecond
	views := []*view{
		{name: "replay", o: Options{LogFormat: documented(t, "log_format ")}, known: "nginx-json", basis: end, unit: ms, agent: true, host: "shop.example"},
		{name: "combined", known: "nginx-combined", basis: capture.BasisCompletion, clock: slowAnswer + time.Second},
		{name: "timed", o: Options{LogFormat: `log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';`},
			known: "nginx-combined-time", basis: end, unit: ms, agent: true},
		{name: "msec", o: Options{LogFormat: `log_format msec '$msec $request_time $upstream_header_time "$request" $status';`}, basis: end, unit: ms},
	}
	var conf strings.Builder
	conf.WriteString("daemon off; master_process off; pid nginx.pid; error_log stderr notice;\nevents { worker_connections 128; }\nhttp {\n")
	for _, d := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&conf, "%s_temp_path %s;\n", d, d)
	}
	for i, v := range views {
		name := "combined"
		if v.o.LogFormat != "" {
			name = strings.Fields(v.o.LogFormat)[1]
			conf.WriteString(v.o.LogFormat + "\n")
		}
		fmt.Fprintf(&conf, "access_log %d.log %s;\n", i, name)
	}
	fmt.Fprintf(&conf, "server { listen %s; large_client_header_buffers 4 16k; location / { proxy_pass http://%s; } }\n}\n", addr, upstream(t))
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := background(t, exec.Command(path, "-p", dir, "-c", name, "-e", "stderr"), addr, syscall.SIGQUIT)
	c := run(t, addr, exchanges())
	stop()
	for i, v := range views {
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, c)
	}
}

// TestApacheArrivals: Apache in front of a server that is slow at times. TestApache looks at its escapes.
func TestApacheArrivals(t *testing.T) {
	path := program(t, "apache2")
	const modules = "/usr/lib/apache2/modules"
	if _, err := os.Stat(filepath.Join(modules, "mod_proxy_http.so")); err != nil {
		t.Skipf("Apache's modules are not where Debian keeps them: %v", err)
	}
	dir := sharedDir(t)
	addr := freeAddress(t)
	user := os.Getuid()
	if user == 0 {
		user = 65534 // Apache does not serve as root
	}
	const start, us = capture.BasisStart, time.Microsecond
	views := []*view{
		{name: "documented", o: Options{LogFormat: documented(t, "LogFormat ")}, basis: start, unit: us, agent: true, host: "shop.example"},
		{name: "combined", o: Options{Format: "apache-combined"}, known: "apache-combined", basis: start, agent: true},
		{name: "us", o: Options{Format: "apache-combined-us"}, known: "apache-combined-us", basis: start, unit: us, agent: true},
		{name: "ms", o: Options{LogFormat: `%{msec}t %{ms}T "%r" %>s`}, basis: start, unit: time.Millisecond},
		{name: "end", o: Options{LogFormat: `%{end:usec}t %D "%r" %>s %{Host}i`}, basis: capture.BasisEndMinusDuration, unit: us, host: "shop.example"},
		{name: "s", o: Options{LogFormat: `%t %T "%r" %>s`}, basis: start, unit: time.Second},
	}
	const combined = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
	formats := map[string]string{"combined": combined, "us": combined + " %D"}
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %q\nPidFile %[1]s/pid\nDefaultRuntimeDir %[1]s\nServerName main.example\nListen %s\nUser #%d\nGroup #%[3]d\n", dir, addr, user)
	for _, m := range []string{"mpm_event", "authz_core", "proxy", "proxy_http"} {
		fmt.Fprintf(&conf, "LoadModule %s_module %s/mod_%[1]s.so\n", m, modules)
	}
	fmt.Fprintf(&conf, "DocumentRoot %q\nErrorLog /dev/stderr\nLogLevel notice\nStartServers 1\nMinSpareThreads 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMaxSpareThreads 16\n", dir)
	fmt.Fprintf(&conf, "HttpProtocolOptions Unsafe\nAllowEncodedSlashes NoDecode\nProxyPass / http://%s/ nocanon disablereuse=on\n", upstream(t))
	for i, v := range views {
		f := v.o.LogFormat
		if f == "" {
			f = formats[v.name]
		}
		if !strings.HasPrefix(f, "LogFormat ") {
			f = fmt.Sprintf("LogFormat \"%s\" n%d", strings.ReplaceAll(f, `"`, `\"`), i)
		}
		fmt.Fprintf(&conf, "%s\nCustomLog %s/%d.log %s\n", f, dir, i, f[strings.LastIndexByte(f, ' ')+1:])
	}
	name := filepath.Join(dir, "apache.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := background(t, exec.Command(path, "-f", name, "-DFOREGROUND"), addr, apacheStop)
	c := run(t, addr, exchanges())
	stop()
	for i, v := range views {
		v.torn = pause // the stamp is taken when the head is complete
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, c)
	}
}
