package accesslog

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// sink takes the messages that a server sends to syslog.
type sink struct {
	conn net.PacketConn
	done chan struct{}
	got  [][]byte
}

func newSink(t *testing.T) *sink {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		b := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			s.got = append(s.got, bytes.TrimSuffix(bytes.Clone(b[:n]), []byte("\n")))
		}
	}()
	t.Cleanup(func() { _ = conn.Close() })
	return s
}

// lines are the messages so far. The server has ended, and loopback keeps their order: the last is already here.
func (s *sink) lines(t *testing.T) [][]byte {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	<-s.done
	return s.got
}

// haproxyViews are the logs of one HAProxy, each of a frontend of its own, since a frontend has one log-format.
func haproxyViews() []*view {
	start := capture.BasisStart
	views := []*view{
		{name: "httplog", o: Options{Format: "haproxy-http"}, known: "haproxy-http", unit: time.Millisecond, basis: start},
		{name: "httplog rfc3164", o: Options{Format: "haproxy-http"}, known: "haproxy-http", unit: time.Millisecond, basis: start},
		{name: "httplog rfc5424", o: Options{Format: "haproxy-http"}, known: "haproxy-http", unit: time.Millisecond, basis: start},
		{name: "httpslog", o: Options{Format: "haproxy-https"}, known: "haproxy-https", unit: time.Millisecond, basis: start},
		{name: "clf", o: Options{Format: "haproxy-clf"}, known: "haproxy-clf", unit: time.Millisecond, basis: start},
		{name: "accept stamps", o: Options{LogFormat: `log-format "%ci [%t] %Th/%Ti/%TR/%Tw/%Tc/%Tr/%Tt %{+Q}r %ST %B"`}, unit: time.Millisecond, basis: start},
		{name: "1.6", o: Options{LogFormat: `log-format "%ci [%t] %Tq/%Tw/%Tc/%Tr/%Tt %{+Q}r %ST %B"`}, unit: time.Millisecond, basis: start, torn: pause},
		{name: "JSON", o: Options{LogFormat: `log-format '{"at":"%Ts.%ms","idle":%Ti,"took":%Ta,"client":"%[src]","method":"%HM","path":"%HPO","query":"%HQ","status":%ST}'`}, unit: time.Millisecond, basis: start},
		{name: "documented", agent: true, host: "shop.example", unit: time.Millisecond, basis: start},
	}
	for _, v := range views {
		v.clock = 10 * time.Millisecond // HAProxy reads the time once for all that one poll brings
	}
	return views
}

func TestHAProxyServer(t *testing.T) {
	path := program(t, "haproxy")
	dir := t.TempDir()
	views := haproxyViews()
	views[len(views)-1].o.LogFormat = documented(t, "log-format ")
	var conf strings.Builder
	conf.WriteString("global\n maxconn 200\n tune.http.logurilen 8192\ndefaults\n mode http\n option accept-invalid-http-request\n timeout client 10s\n timeout server 10s\n timeout connect 5s\n")
	sinks, addrs := make([]*sink, len(views)), make([]string, len(views))
	for i, v := range views {
		sinks[i], addrs[i] = newSink(t), freeAddress(t)
		wrap := "raw"
		if i == 1 || i == 2 {
			wrap = strings.Fields(v.name)[1]
		}
		fmt.Fprintf(&conf, "frontend f%d\n bind %s\n log %s len 16384 format %s local0\n default_backend b\n", i, addrs[i], sinks[i].conn.LocalAddr(), wrap)
		conf.WriteString(" declare capture request len 64\n http-request capture req.hdr(Host) id 0\n")
		switch {
		case strings.HasPrefix(v.name, "httplog"):
			conf.WriteString(" option httplog\n capture request header User-Agent len 2100\n capture response header Content-Type len 40\n")
		case v.name == "httpslog":
			conf.WriteString(" option httpslog\n")
		case v.name == "clf":
			conf.WriteString(" option httplog clf\n")
		case v.name == "documented":
			conf.WriteString(" http-request set-var(txn.host) req.hdr(Host)\n http-request set-var(txn.user_agent) req.fhdr(User-Agent)\n")
			conf.WriteString(" http-request set-var(txn.content_length) req.hdr(Content-Length)\n " + v.o.LogFormat + "\n")
		default:
			conf.WriteString(" " + v.o.LogFormat + "\n")
		}
	}
	fmt.Fprintf(&conf, "backend b\n server s %s\n", upstream(t))
	name := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(name, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(path, "-db", "-f", name)
	stop := background(t, server, addrs[len(addrs)-1], haproxyStop)
	campaigns := make([]*campaign, len(views))
	waited := watchWaiting(server.Process.Pid)
	inParallel(len(views), func(i int) { campaigns[i] = run(t, addrs[i], exchanges()) })
	stale := waited()
	stop()
	if stale > 0 {
		t.Logf("HAProxy waited up to %s in a tenth of a second for a processor", stale)
	}
	for i, v := range views {
		v.stale = stale
		v.lines, v.said = sinks[i].lines(t), 1 // Proxy f0 stopped
		v.heads = 32                           // it counts the head that came from the server behind it
		v.check(t, campaigns[i])
	}
}
