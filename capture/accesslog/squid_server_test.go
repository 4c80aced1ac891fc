package accesslog

import (
	"bufio"
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

// TestSquidServer: Squid in front of a server (accel), so that the same requests can be sent as to the others, and
// as a forward proxy for CONNECT and absolute targets.
func TestSquidServer(t *testing.T) {
	path := program(t, "squid")
	dir := sharedDir(t)
	up, addr, forward := upstream(t), freeAddress(t), freeAddress(t)
	host, port, _ := strings.Cut(up, ":")
	const ms = time.Millisecond
	views := []*view{
		{name: "squid", o: Options{Format: "squid"}, known: "squid", unit: ms, basis: capture.BasisEndMinusDuration, host: "shop.example"},
		{name: "common", o: Options{Format: "squid-common"}, known: "squid-common", clock: slowAnswer + time.Second, basis: capture.BasisCompletion, host: "shop.example"},
		{name: "combined", o: Options{Format: "squid-combined"}, known: "squid-combined", clock: slowAnswer + time.Second, basis: capture.BasisCompletion, host: "shop.example"},
		{name: "replay", o: Options{LogFormat: documented(t, "logformat ")}, unit: ms, basis: capture.BasisEndMinusDuration, host: "shop.example", agent: true},
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "http_port %s accel defaultsite=shop.example no-vhost\nhttp_port %s\n", addr, forward)
	fmt.Fprintf(&conf, "cache_peer %s parent %s 0 no-query originserver name=up no-digest no-netdb-exchange\n", host, port)
	conf.WriteString("acl accel myport " + addr[strings.IndexByte(addr, ':')+1:] + "\ncache_peer_access up allow accel\nnever_direct allow accel\n" +
		"http_access allow all\ncache deny all\nstrip_query_terms off\nshutdown_lifetime 0 seconds\npid_filename none\n" +
		"uri_whitespace allow\nrelaxed_header_parser on\nconnect_timeout 2 seconds\npinger_enable off\nworkers 1\n" +
		"cache_mem 1 MB\nmax_filedescriptors 1024\nnetdb_filename none\nvisible_hostname squid.example\n")
	fmt.Fprintf(&conf, "cache_log %s/cache.log\ncoredump_dir %[1]s\n%s\n", dir, views[3].o.LogFormat)
	for i, f := range []string{"squid", "common", "combined", "replay"} {
		fmt.Fprintf(&conf, "access_log stdio:%s/%d.log %s accel\naccess_log stdio:%[1]s/f%[2]d.log %[3]s !accel\n", dir, i, f)
	}
	name := filepath.Join(dir, "squid.conf")
	if err := os.WriteFile(name, []byte(conf.String()), 0o644); err != nil { //nolint:gosec // Squid reads it as another user
		t.Fatal(err)
	}
	stop := background(t, exec.Command(path, "-N", "-f", name), addr, syscall.SIGTERM)
	c := run(t, addr, exchanges())
	forwarded(t, forward, up)
	stop()
	for i, v := range views {
		v.torn = pause // the clock of a request starts when its head is complete
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, c)
	}
	p, err := New(Options{Format: "squid"})
	if err != nil {
		t.Fatal(err)
	}
	requests, l := tally(t, p, linesOf(t, filepath.Join(dir, "f0.log")))
	var got []string
	for _, q := range requests {
		got = append(got, fmt.Sprintf("%s %s %s %s %d", q.Method, q.Scheme, q.Host, q.Target, q.Status))
	}
	want := fmt.Sprintf("[CONNECT   %s 200 GET http %[1]s /a?b=c 200]", up)
	if fmt.Sprint(got) != want || l.Bad() != l.Skipped[reasonRequest] {
		t.Errorf("forward proxy: %s, skipped %v, want %s", got, l.Skipped, want)
	}
}

// forwarded sends a request through a tunnel and one with an absolute target.
func forwarded(t *testing.T, proxy, up string) {
	t.Helper()
	for _, wire := range []string{
		"CONNECT " + up + " HTTP/1.1\r\nHost: " + up + "\r\n\r\n",
		"GET http://" + up + "/a?b=c HTTP/1.1\r\nHost: " + up + "\r\nConnection: close\r\n\r\n",
	} {
		c := &campaign{addr: proxy}
		conn, err := c.dial()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(wire)); err != nil {
			t.Fatal(err)
		}
		if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(answer, " 200 ") {
			t.Errorf("%.40q: answer %q, %v", wire, answer, err)
		}
		_ = conn.Close()
	}
}
