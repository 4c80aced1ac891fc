package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// TestHTTP2Curl has curl ask by an upgrade and with prior knowledge, and answers it.
func TestHTTP2Curl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed: its upgrade to HTTP/2 is not tested")
	}
	if features, _ := exec.Command(curl, "--version").Output(); !strings.Contains(string(features), "HTTP2") {
		t.Skip("curl was built without HTTP/2")
	}
	for _, test := range []struct{ name, args, out, want string }{
		{"upgrade", "--http2 URL/a --next -sS --http2 -d body URL/b", "GET /agot body",
			"GET HOST/a HTTP/1.1 -> 200 GET /a/6\nPOST HOST/b HTTP/2.0 body=body/4 -> 201 got body/8"},
		{"prior knowledge", "--http2-prior-knowledge -d body URL/b", "got body", "POST HOST/b HTTP/2.0 body=body/4 -> 201 got body/8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			served := make(chan *conversation, 1)
			go func() { served <- serveUpgrade(t, ln) }()
			host := ln.Addr().String()
			args := strings.Fields("-sS --max-time 20 " + strings.ReplaceAll(test.args, "URL", "http://"+host))
			out, err := exec.Command(curl, args...).CombinedOutput()
			if err != nil || string(out) != test.out {
				t.Fatalf("curl: %v: %q", err, out)
			}
			got, tally := (<-served).decode(t, packet{}, [2]int{})
			tally.skipped[http2Control] = 0
			want := strings.ReplaceAll(test.want, "HOST", host)
			if text := shown(got, tally); text != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
		})
	}
}

// serveUpgrade serves one connection of HTTP/2, which may begin as HTTP/1, and returns what was said on it.
func serveUpgrade(t *testing.T, ln net.Listener) *conversation {
	raw, err := ln.Accept()
	if err != nil {
		t.Errorf("accept: %v", err)
		return &conversation{}
	}
	l := &tee{Listener: ln, conns: map[string]*conversation{}}
	c := l.wrap(raw, 1, raw.RemoteAddr()).(*teed)
	defer c.Close()
	r := bufio.NewReader(io.TeeReader(raw, noting{c}))
	server := newPeer(1)
	server.Framer = *xhttp2.NewFramer(&server.buf, r)
	say := func(p piece) { io.WriteString(c, p.text) }
	first, _ := r.Peek(3)
	if upgrade := string(first) != "PRI"; upgrade {
		q, err := http.ReadRequest(r)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return c.v
		}
		say(piece{text: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"})
		say(server.hello())
		say(server.headers(1, false, ":status=200"))
		say(server.data(1, true, q.Method+" "+q.URL.Path))
	} else {
		say(server.hello())
	}
	io.CopyN(io.Discard, r, int64(len(clientPreface)))
	for {
		switch f, err := server.ReadFrame(); x := f.(type) {
		case *xhttp2.SettingsFrame:
			if !x.IsAck() {
				server.WriteSettingsAck()
				say(server.take())
			}
		case *xhttp2.DataFrame:
			say(server.headers(x.StreamID, false, ":status=201"))
			say(server.data(x.StreamID, true, "got "+string(x.Data())))
		default:
			if err != nil {
				return c.v
			}
		}
	}
}

// noting notes what a server reads.
type noting struct{ c *teed }

func (n noting) Write(b []byte) (int, error) {
	n.c.tee.mu.Lock()
	defer n.c.tee.mu.Unlock()
	n.c.v.say(0, string(b), 1448, start+int64(len(n.c.v.packets))*1000)
	return len(b), nil
}
