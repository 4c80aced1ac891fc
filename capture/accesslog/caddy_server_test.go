package accesslog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"trafficreplay/capture"
)

// TestCaddyServer: Caddy's JSON, with its stamps as Caddy writes them and as RFC 3339, and its durations in three formats. The console lines that it
// writes beside it are no requests.
func TestCaddyServer(t *testing.T) {
	path := program(t, "caddy")
	dir := t.TempDir()
	up := upstream(t)
	views := []*view{
		{name: "seconds", known: "caddy", basis: capture.BasisEndMinusDuration, unit: time.Microsecond, agent: true, host: "shop.example"},
		{name: "RFC 3339", known: "caddy", basis: capture.BasisEndMinusDuration, unit: time.Microsecond, agent: true, host: "shop.example"},
		{name: "ISO 8601", known: "caddy", basis: capture.BasisEndMinusDuration, unit: time.Millisecond, agent: true, host: "shop.example"},
		{name: "string", known: "caddy", basis: capture.BasisEndMinusDuration, unit: time.Microsecond, agent: true, host: "shop.example"},
		{name: "nano", known: "caddy", basis: capture.BasisEndMinusDuration, unit: time.Microsecond, agent: true, host: "shop.example"},
	}
	conf := "{\n admin off\n auto_https off\n}\n"
	addrs, campaigns := make([]string, len(views)), make([]*campaign, len(views))
	for i, f := range []string{"json", "json {\n time_format rfc3339_nano\n}", "json {\n time_format iso8601\n}", "json {\n duration_format string\n}", "json {\n duration_format nano\n}"} {
		addrs[i] = freeAddress(t)
		conf += fmt.Sprintf("http://%s {\n bind 127.0.0.1\n reverse_proxy %s\n log {\n output file %s/%d.log\n format %s\n }\n}\n", ":"+addrs[i][len("127.0.0.1:"):], up, dir, i, f)
	}
	name := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(name, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "run", "--adapter", "caddyfile", "--config", name)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	stop := background(t, cmd, addrs[0], syscall.SIGTERM)
	inParallel(len(views), func(i int) { campaigns[i] = run(t, addrs[i], unicode(exchanges())) })
	stop()
	for i, v := range views {
		v.torn = pause // Go's server hands a request over when its head is complete
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, campaigns[i])
	}
}

// unicode leaves out the requests with bytes in the target that JSON cannot hold: Caddy writes U+FFFD for them.
func unicode(xs []*exchange) []*exchange {
	return slices.DeleteFunc(xs, func(x *exchange) bool { return !x.bad && !utf8.ValidString(x.target) })
}
