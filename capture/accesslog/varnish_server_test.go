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

func TestVarnishServer(t *testing.T) {
	varnishd, ncsa := program(t, "varnishd"), program(t, "varnishncsa")
	dir := sharedDir(t)
	addr := freeAddress(t)
	host, port, _ := strings.Cut(upstream(t), ":")
	vcl := fmt.Sprintf("vcl 4.1; import std; backend default { .host = %q; .port = %q; }\nsub vcl_recv { std.log(\"mark:a b\"); if (req.method == \"DELETE\") { return (pass); } }\nsub vcl_backend_response { set beresp.uncacheable = true; }\n", host, port)
	file := filepath.Join(dir, "test.vcl")
	if err := os.WriteFile(file, []byte(vcl), 0o644); err != nil { //nolint:gosec // Varnish reads it as another user
		t.Fatal(err)
	}
	// A second's clock: whole seconds of %t are those of the start.
	start := capture.BasisStart
	views := []*view{
		{name: "default", known: "varnishncsa", o: Options{Format: "varnishncsa"}, basis: start, host: "shop.example", agent: true},
		{name: "us", o: Options{LogFormat: `%h %t "%r" %s %b %D "%{User-Agent}i" %{Varnish:time_firstbyte}x %{Varnish:hitmiss}x %{VCL_Log:mark}x`}, basis: start, host: "shop.example", agent: true, unit: time.Microsecond},
		{name: "documented", o: Options{LogFormat: documented(t, "varnishncsa ")}, basis: start, host: "shop.example", agent: true, unit: time.Microsecond},
		{name: "JSON", o: Options{Format: "varnishncsa", LogFormat: `{"at":"%{%Y-%m-%dT%T}t.%{msec_frac}t","zone":"%{%z}t","m":"%m","u":"%U%q","h":"%{Host}i","s":%s,"ms":%{ms}T}`}, basis: start, unit: time.Millisecond},
		{name: "s", o: Options{LogFormat: `%{usec}t %T %s "%r"`}, basis: start, unit: time.Second, host: "shop.example"},
	}
	stop := background(t, exec.Command(varnishd, "-F", "-a", addr, "-n", filepath.Join(dir, "n"), "-f", file, "-s", "malloc,4m", "-p", "http_req_hdr_len=16k", "-p", "workspace_client=96k", "-p", "vsl_reclen=4k", "-l", "8m"), addr, syscall.SIGTERM)
	var stops []func()
	for i, v := range views {
		args := []string{"-n", filepath.Join(dir, "n"), "-w", filepath.Join(dir, fmt.Sprint(i, ".log"))}
		if v.name != "default" {
			args = append(args, "-F", strings.TrimSuffix(strings.TrimPrefix(v.o.LogFormat, "varnishncsa -F '"), "'"))
		}
		cmd := exec.Command(ncsa, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stopped := false
		end := func() {
			if !stopped {
				stopped = true
				_ = cmd.Process.Signal(syscall.SIGTERM)
				_ = cmd.Wait()
			}
		}
		t.Cleanup(end)
		stops = append(stops, end)
	}
	time.Sleep(500 * time.Millisecond) // until they follow the log
	c := run(t, addr, exchanges())
	time.Sleep(500 * time.Millisecond) // until they have read it
	for _, end := range stops {
		end()
	}
	stop()
	for i, v := range views {
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, c)
	}
}
