package wire

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// tee records what the two ends of connections write, in the order in which a capture would see it.
type tee struct {
	net.Listener
	mu    sync.Mutex
	conns map[string]*conversation // by the client's address
}

func (l *tee) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(c, 1, c.RemoteAddr()), nil
}

func (l *tee) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return l.wrap(c, 0, c.LocalAddr()), nil
}

func (l *tee) wrap(c net.Conn, side int, client net.Addr) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[client.String()] == nil {
		l.conns[client.String()] = &conversation{}
	}
	return &teed{Conn: c, tee: l, side: side, v: l.conns[client.String()]}
}

type teed struct {
	net.Conn
	tee  *tee
	side int
	v    *conversation
}

// Write notes what is written, as packets of what Ethernet carries, before the other end can answer.
func (c *teed) Write(b []byte) (int, error) {
	c.tee.mu.Lock()
	c.v.say(c.side, string(b), 1448, start+int64(len(c.v.packets))*1000)
	c.tee.mu.Unlock()
	return c.Conn.Write(b)
}

// h2Server serves HTTP/2 in the clear, and records it.
func h2Server(t testing.TB, handler http.HandlerFunc) (url string, client *http.Client, recorded *tee) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	recorded = &tee{Listener: ln, conns: map[string]*conversation{}}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = recorded
	server.Config.Protocols = &protocols
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, &http.Client{Transport: &http.Transport{Protocols: &protocols, DisableCompression: true, DialContext: recorded.dial}}, recorded
}

// stop ends the client's connections, and returns what was recorded: the longest connection first.
func (l *tee) stop(client *http.Client) []*conversation {
	client.CloseIdleConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	used := slices.DeleteFunc(slices.Collect(maps.Values(l.conns)), func(v *conversation) bool { return len(v.packets) == 0 })
	slices.SortFunc(used, func(a, b *conversation) int { return len(b.packets) - len(a.packets) })
	return used
}

// enterAt is a conversation of which a side's first bytes are missing, and a part of the other's: what both sent before the
// same instant. from is where each side is entered.
func (v *conversation) enterAt(side, at int) (cut *conversation, from [2]int) {
	cut, from = &conversation{}, [2]int{len(v.stream[0]), len(v.stream[1])}
	passed := false
	for _, p := range v.packets {
		text := v.stream[p.side][p.from:p.to]
		if !passed {
			if p.side != side || p.to <= at {
				continue
			}
			text, passed = v.stream[side][max(at, p.from):p.to], true
		}
		from[p.side] = min(from[p.side], p.to-len(text))
		cut.say(p.side, text, len(text), p.at)
	}
	return cut, from
}

// whereAsked is the place of each request's first frame in what its client sent, by the path's number.
func whereAsked(t *testing.T, v *conversation) map[int]int {
	t.Helper()
	const preface = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	sent := v.stream[0]
	framer := xhttp2.NewFramer(nil, strings.NewReader(string(sent[preface:])))
	framer.ReadMetaHeaders = hpack.NewDecoder(4<<10, nil)
	places := map[int]int{}
	for at := preface; at < len(sent); {
		f, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if q, ok := f.(*xhttp2.MetaHeadersFrame); ok {
			var i int
			if _, err := fmt.Sscanf(q.PseudoValue("path"), "/%d/", &i); err == nil {
				places[i] = at
			}
		}
		at += 9 + int(f.Header().Length)
	}
	return places
}
