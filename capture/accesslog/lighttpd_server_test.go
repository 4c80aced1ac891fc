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

// lighttpdFormat takes the name and the quotes from around a documented format.
func lighttpdFormat(directive string) string {
	_, f, _ := strings.Cut(directive, `"`)
	return strings.TrimSuffix(strings.TrimSpace(f), `"`)
}

// TestLighttpdServer: lighttpd as a proxy, once for each format, since a server has one log.
func TestLighttpdServer(t *testing.T) {
	path := program(t, "lighttpd")
	dir := t.TempDir()
	host, port, _ := strings.Cut(upstream(t), ":")
	// Its clock of whole seconds is set once a second, at any fraction of one.
	const end = capture.BasisEndMinusDuration
	views := []*view{
		{name: "default", o: Options{Format: "lighttpd"}, known: "lighttpd", basis: capture.BasisCompletion, clock: slowAnswer + 2*time.Second, agent: true, host: "shop.example"},
		{name: "us", o: Options{Format: "lighttpd", LogFormat: `%h %l %u %t "%r" %>s %b "%{User-Agent}i" %D`}, basis: end, unit: time.Microsecond, agent: true, clock: time.Second},
		{name: "ms", o: Options{Format: "lighttpd", LogFormat: `%{end:msec}t %{ms}T %m %{Host}i "%r" %>s %O %I %X`}, basis: end, unit: time.Millisecond, host: "shop.example"},
		{name: "documented", o: Options{LogFormat: documented(t, "accesslog.format ")}, basis: capture.BasisStart, unit: time.Microsecond, agent: true, host: "shop.example"},
	}
	stops, campaigns := make([]func(), len(views)), make([]*campaign, len(views))
	for i, v := range views {
		addr := freeAddress(t)
		_, listen, _ := strings.Cut(addr, ":")
		conf := fmt.Sprintf("server.modules = ( \"mod_proxy\", \"mod_accesslog\" )\nserver.document-root = %q\nserver.bind = \"127.0.0.1\"\nserver.port = %s\n"+
			"server.errorlog = \"%[1]s/error%[3]d\"\nserver.http-parseopts = ( \"url-normalize\" => \"disable\" )\n"+
			"accesslog.filename = \"%[1]s/%[3]d.log\"\nproxy.server = ( \"\" => (( \"host\" => %[4]q, \"port\" => %[5]s )) )\nserver.max-request-field-size = 16384\n", dir, listen, i, host, port)
		switch f := v.o.LogFormat; {
		case strings.HasPrefix(f, "accesslog."):
			conf += "accesslog.format = " + `"` + lighttpdFormat(f) + `"` + "\n"
		case f != "":
			conf += `accesslog.format = "` + strings.ReplaceAll(f, `"`, `\"`) + `"` + "\n"
		}
		name := filepath.Join(dir, fmt.Sprint(i, ".conf"))
		if err := os.WriteFile(name, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		stops[i] = background(t, exec.Command(path, "-D", "-f", name), addr, syscall.SIGINT)
		campaigns[i] = &campaign{addr: addr}
	}
	inParallel(len(views), func(i int) { campaigns[i] = run(t, campaigns[i].addr, exchanges()) })
	for i, v := range views {
		stops[i]()
		v.early = true
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, campaigns[i])
	}
}
