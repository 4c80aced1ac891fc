package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestRealPacketsEntered: the recording begins in the middle of connections, and ends before they do.
func TestRealPacketsEntered(t *testing.T) {
	s := startNginx(t, "", "127.0.0.1", "")
	l := &load{dial: plainTCP(s.addr), shots: map[string]*shot{}}
	var clients []*client
	ask := func() {
		for _, c := range clients {
			if err := errors.Join(c.keepAlive(), c.pipeline(), c.expect()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 8 {
		conn, err := l.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		clients = append(clients, &client{conn, l, bufio.NewReader(conn)})
	}
	ask()
	before := len(l.shots)
	record := sniff(t, "", "lo", s.port, filepath.Join(t.TempDir(), "part.pcap"))
	ask()
	record.finish(t)
	ask()
	after := len(l.shots)
	log := s.lines(t, after)
	for n := range log {
		if i, _ := strconv.Atoi(n); i <= before || i > after-before {
			delete(log, n)
		}
	}
	found, sources := recovered(t, Options{}, record.file)
	compare(t, log, l.shots, found)
	complete(t, sources)
}

// TestRealPacketsLost: of what the recording lost nothing is made up. The requests that are there are those that were
// sent, with their own answers.
func TestRealPacketsLost(t *testing.T) {
	s := startNginx(t, "", "127.0.0.1", "")
	record := sniff(t, "", "lo", s.port, filepath.Join(t.TempDir(), "whole.pcap"))
	l := &load{dial: plainTCP(s.addr)}
	l.run(t, 4, 8)
	log := s.lines(t, len(l.shots))
	record.finish(t)
	for _, every := range []int{1000, 100, 10, 3} {
		compareLost(t, Options{}, record.file, every, log, l.shots)
	}
}

// compareLost loses one packet in some of a recording, and checks that nothing of what is left is made up.
func compareLost(t *testing.T, o Options, name string, every int, log map[string]nginxLine, sent map[string]*shot) {
	t.Helper()
	found, sources := recovered(t, o, thin(t, name, every))
	l := sources.Ledgers()[0]
	if err := l.Balance(); err != nil {
		t.Error(err)
	}
	seen, paired := map[string]bool{}, 0
	for _, q := range found {
		_, n, _ := strings.Cut(string(q.Target), "?n=")
		if sent[n] == nil || seen[n] {
			t.Fatalf("%s %s: sent %v, seen before %v", q.Method, q.Target, sent[n], seen[n])
		}
		seen[n] = true
		comparePart(t, sent[n], log[n], q)
		if q.Status != 0 {
			paired++
		}
	}
	t.Logf("one packet in %d is lost: %d of %d requests, %d with their answer; ignored %v, bytes lost %v, skipped %v, %v", every, len(found), len(sent), paired, l.Ignored, l.LostBytes, l.SkippedBytes, l.Skipped)
	if len(found) < len(sent)/4 {
		t.Errorf("%d requests of %d are left", len(found), len(sent))
	}
}

// comparePart checks what is known of a request.
func comparePart(t *testing.T, s *shot, line nginxLine, q *capture.Request) {
	t.Helper()
	if string(q.Method) != s.method || string(q.Target) != s.target || string(q.Proto) != s.proto {
		t.Errorf("%s %s %s, want %s %s %s", q.Method, q.Target, q.Proto, s.method, s.target, s.proto)
	}
	if q.BodySize > int64(s.body) || !s.aborted && q.BodySize >= 0 && q.BodySize != int64(s.body) {
		t.Errorf("%s %s: body of %d bytes, want %d", q.Method, q.Target, q.BodySize, s.body)
	}
	if q.Status == 0 {
		return
	}
	if n := answerOf(q); !strings.HasSuffix(s.target, "?n="+n) || !s.aborted && q.Status != s.status || q.Status != line.Status {
		t.Errorf("%s %s: status %d and the answer to %s, want %d, nginx logs %d", q.Method, q.Target, q.Status, n, s.status, line.Status)
	}
	if !s.aborted && q.RespSize >= 0 && q.RespSize != s.size {
		t.Errorf("%s %s: response of %d bytes, want %d", q.Method, q.Target, q.RespSize, s.size)
	}
}

// thin is a recording that has lost one packet in some, by chance.
func thin(t *testing.T, name string, every int) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const fileHead, packetHead = 24, 16
	kept, b, r := b[:fileHead:fileHead], b[fileHead:], rand.New(rand.NewPCG(1, uint64(every)))
	for len(b) > 0 {
		n := packetHead + binary.LittleEndian.Uint32(b[8:])
		if r.IntN(every) > 0 {
			kept = append(kept, b[:n]...)
		}
		b = b[n:]
	}
	name = filepath.Join(t.TempDir(), "thin.pcap")
	if err := os.WriteFile(name, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
