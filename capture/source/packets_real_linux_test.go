package source

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/tlskeys"
)

// recovered reads packet captures.
func recovered(t *testing.T, o Options, names ...string) ([]*capture.Request, *Set) {
	t.Helper()
	s, err := Open(t.Context(), names, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var found []*capture.Request
	for {
		var q capture.Request
		switch err := s.Next(&q); err {
		case nil:
			found = append(found, q.Clone())
		case io.EOF:
			return found, s
		default:
			t.Fatal(err)
		}
	}
}

// compare checks what was recovered against nginx's own log and against what was sent: every request, once, with its
// method, target, status and sizes, on its connection, and with its arrival.
func compare(t *testing.T, log map[string]nginxLine, sent map[string]*shot, found []*capture.Request) {
	t.Helper()
	seen, off, left := map[string]bool{}, []time.Duration{}, 0
	conns, theirs := map[int64]int64{}, map[int64]int64{}
	for _, q := range found {
		_, n, _ := strings.Cut(string(q.Target), "?n=")
		s := sent[n]
		if s == nil || seen[n] {
			t.Fatalf("%s %s at %s: sent %+v, seen before: %v", q.Method, q.Target, q.Src, s, seen[n])
		}
		seen[n] = true
		line, logged := log[n]
		if !logged && !s.aborted {
			t.Fatalf("%s %s: nginx has not logged it", q.Method, q.Target)
		}
		if logged {
			pair(t, conns, q.Conn, line.Conn)
			pair(t, theirs, line.Conn, q.Conn)
			off = append(off, time.Duration(q.At-line.Started).Abs())
		}
		if s.aborted {
			left++
			continue
		}
		compareOne(t, s, line, q)
	}
	for n, line := range log {
		if !seen[n] {
			t.Errorf("nginx has logged %+v, and it was not recovered", line)
		}
	}
	slices.Sort(off)
	median, most := off[len(off)/2], off[len(off)*99/100]
	t.Logf("%d requests in nginx's log, %d recovered, %d of them aborted, %d connections; arrivals are off by %s at the median, %s at 99%%, %s at most",
		len(log), len(found), left, len(theirs), median, most, off[len(off)-1])
	if median > time.Millisecond || most > 5*time.Millisecond {
		t.Errorf("arrivals are off by %s at the median and %s at 99%%, want at most 1ms and 5ms", median, most)
	}
}

// pair checks that a is always with b.
func pair(t *testing.T, pairs map[int64]int64, a, b int64) {
	t.Helper()
	if other, ok := pairs[a]; ok && other != b {
		t.Errorf("connection %d is %d and %d", a, other, b)
	}
	pairs[a] = b
}

// compareOne checks one request that was not aborted.
func compareOne(t *testing.T, s *shot, line nginxLine, q *capture.Request) {
	t.Helper()
	if string(q.Method) != s.method || string(q.Target) != s.target || string(q.Proto) != s.proto || string(q.Host) != "shop.example" {
		t.Errorf("%s %s %s %s, want %s %s %s", q.Method, q.Host, q.Target, q.Proto, s.method, s.target, s.proto)
	}
	if line.Method != s.method || line.Target != s.target || line.Proto != s.proto {
		t.Errorf("%s: nginx logs %+v", s.target, line)
	}
	if q.BodySize != int64(s.body) || int64(len(q.Body)) != q.BodySize {
		t.Errorf("%s %s: body of %d bytes, kept %d, want %d", q.Method, q.Target, q.BodySize, len(q.Body), s.body)
	}
	if line.Status == 444 { // nginx's own code for closing without an answer
		if q.Status != 0 {
			t.Errorf("%s: status %d, and there was no answer", q.Target, q.Status)
		}
		return
	}
	if n := answerOf(q); !strings.HasSuffix(s.target, "?n="+n) {
		t.Errorf("%s: it has the answer to %s", q.Target, n)
	}
	if q.Status != s.status || q.Status != line.Status {
		t.Errorf("%s %s: status %d, want %d, nginx logs %d", q.Method, q.Target, q.Status, s.status, line.Status)
	}
	wire := line.Bytes
	if strings.Contains(s.header, "Expect:") {
		wire -= int64(len("HTTP/1.1 100 Continue\r\n\r\n")) // nginx counts it
	}
	if q.RespSize != s.size || q.RespWire != wire {
		t.Errorf("%s %s: response of %d bytes, %d on the wire, want %d and %d", q.Method, q.Target, q.RespSize, q.RespWire, s.size, wire)
	}
}

// answerOf is the number of the request that a response says it is the answer to.
func answerOf(q *capture.Request) string {
	for _, h := range q.RespHeaders {
		if strings.EqualFold(string(h.Name), "X-N") {
			return string(h.Value)
		}
	}
	return ""
}

// plainTCP connects without TLS.
func plainTCP(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp", addr) }
}

// TestRealPackets: every request of nginx's own log is in what tcpdump has recorded on loopback. A second tcpdump records
// the same into a set of small files.
func TestRealPackets(t *testing.T) {
	s := startNginx(t, "", "127.0.0.1", "")
	dir := t.TempDir()
	one := sniff(t, "", "lo", s.port, filepath.Join(dir, "one.pcap"))
	if err := os.Mkdir(filepath.Join(dir, "set"), 0o700); err != nil {
		t.Fatal(err)
	}
	set := sniff(t, "", "lo", s.port, filepath.Join(dir, "set", "ring"), "-C", "4", "-W", "100")
	l := &load{dial: plainTCP(s.addr)}
	l.run(t, 4, 16)
	log := s.lines(t, len(l.shots))
	one.finish(t)
	set.finish(t)

	found, sources := recovered(t, Options{}, one.file)
	compare(t, log, l.shots, found)
	complete(t, sources)
	rotated, sources := recovered(t, Options{}, filepath.Join(dir, "set"))
	compare(t, log, l.shots, rotated)
	complete(t, sources)
	joined, together := recovered(t, Options{}, join(t, filepath.Join(dir, "set")))
	compare(t, log, l.shots, joined)
	complete(t, together)
	sameLedger(t, sources.Ledgers()[0], together.Ledgers()[0])
	cutInHalf(t, one.file, found)
}

// join makes one file of a rotated set.
func join(t *testing.T, dir string) (name string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files in the set, %v", len(names), err)
	}
	slices.Sort(names)
	var all []byte
	for i, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			content = content[24:] // the head of a file
		}
		all = append(all, content...)
	}
	name = filepath.Join(t.TempDir(), "joined.pcap")
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// sameLedger checks that two recordings were accounted for alike.
func sameLedger(t *testing.T, a, b capture.Ledger) {
	t.Helper()
	for _, l := range []*capture.Ledger{&a, &b} {
		l.Name, l.SHA256, l.Bytes = "", "", 0
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the set: %+v\nas one:  %+v", a, b)
	}
}

// cutInHalf reads the first half of a recording: a warning says so, and all that was complete is there.
func cutInHalf(t *testing.T, name string, all []*capture.Request) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.pcap")
	if err := os.WriteFile(half, content[:len(content)/2+1], 0o600); err != nil {
		t.Fatal(err)
	}
	found, s := recovered(t, Options{}, half)
	l := s.Ledgers()[0]
	if err := l.Balance(); err != nil {
		t.Error(err)
	}
	if len(s.Warnings()) != 1 || !strings.Contains(s.Warnings()[0], "cut off") {
		t.Errorf("warnings %q, want one of the cut", s.Warnings())
	}
	over := func(q *capture.Request) bool { return q.DurUS >= 0 && q.At+q.DurUS*1000 < found[len(found)-1].At }
	next := 0
	for _, q := range found { // both in order of arrival
		for next < len(all) && (string(q.Target) != string(all[next].Target) || q.At != all[next].At) {
			if over(all[next]) { // else its head or body was not whole at the cut
				t.Fatalf("%s is missing, though it was over before the cut", all[next].Target)
			}
			next++
		}
		if next == len(all) {
			t.Fatalf("%s is not in the whole recording", q.Target)
		}
		w := all[next]
		if whole := q.Status == w.Status && q.RespSize == w.RespSize && q.BodySize == w.BodySize; !whole && over(w) {
			t.Errorf("%s: %d, %d and %d bytes, and %d, %d and %d in the whole recording", q.Target, q.Status, q.BodySize, q.RespSize, w.Status, w.BodySize, w.RespSize)
		}
		next++
	}
	if n := len(found); n < len(all)/3 || n >= len(all) {
		t.Errorf("%d of %d requests", n, len(all))
	}
}

// complete checks that one recording was read and that nothing is missing in it.
func complete(t *testing.T, s *Set) {
	t.Helper()
	ledgers := s.Ledgers()
	if len(ledgers) != 1 {
		t.Fatalf("%d ledgers, want one: %+v", len(ledgers), ledgers)
	}
	l := ledgers[0]
	t.Logf("%d packets, ignored %v; %d bytes, skipped %v, lost %v; skipped %v; %d responses", l.Packets, l.Ignored, l.PayloadBytes, l.SkippedBytes, l.LostBytes, l.Skipped, l.Responses)
	if err := l.Balance(); err != nil {
		t.Error(err)
	}
	if len(l.LostBytes) > 0 {
		t.Errorf("bytes are missing on loopback: %v", l.LostBytes)
	}
}

// keyed connects with TLS of one version, and writes a key log.
func keyed(addr string, version uint16, keys io.Writer) func() (net.Conn, error) {
	o := &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true, KeyLogWriter: keys, ServerName: "shop.example", ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	return func() (net.Conn, error) { return tls.Dial("tcp", addr, o) }
}

// TestRealPacketsTLS: the same behind TLS, with the keys of the client. Most sessions are resumed ones.
func TestRealPacketsTLS(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			s := startNginx(t, "", "127.0.0.1", "ssl")
			record := sniff(t, "", "lo", s.port, filepath.Join(t.TempDir(), "tls.pcap"))
			secrets := &transcript{}
			dial, resumed := keyed(s.addr, version, secrets), atomic.Int64{}
			l := &load{dial: func() (net.Conn, error) {
				c, err := dial()
				if err == nil && c.(*tls.Conn).ConnectionState().DidResume {
					resumed.Add(1)
				}
				return c, err
			}}
			l.run(t, 4, 12)
			log := s.lines(t, len(l.shots))
			record.finish(t)
			var keys tlskeys.Keys
			if err := keys.Read(strings.NewReader(secrets.String()), "keys"); err != nil {
				t.Fatal(err)
			}
			found, sources := recovered(t, Options{Keys: &keys}, record.file)
			compare(t, log, l.shots, found)
			complete(t, sources)
			compareLost(t, Options{Keys: &keys}, record.file, 100, log, l.shots)
			if resumed.Load() == 0 {
				t.Error("no session was resumed")
			}
			for _, q := range found {
				if string(q.Scheme) != "https" {
					t.Fatalf("%s: scheme %s", q.Target, q.Scheme)
				}
			}
		})
	}
}
