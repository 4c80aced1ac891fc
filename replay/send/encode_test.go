package send

import (
	"bufio"
	"bytes"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"trafficreplay/capture"
	"trafficreplay/replay/plan"
)

func testEncoder() encoder {
	return newEncoder(&Options{RunID: "r1", Targets: []Target{{Scheme: "http", Host: "staging.example:8080", BasePath: "/base/"}}})
}

func header(name, value string) []capture.Header {
	return []capture.Header{{Name: []byte("A"), Value: []byte("b")}, {Name: []byte(name), Value: []byte(value)}}
}

func TestAppendHead(t *testing.T) {
	e := testEncoder()
	const before, after = " HTTP/1.1\r\nHost: staging.example:8080\r\n", "Replay-Run: r1\r\n\r\n"
	tests := []struct {
		name string
		q    plan.Request
		want string // empty: refused
	}{
		{"get", plan.Request{Method: "GET", Path: "/"}, "GET /base/" + before + after},
		{"query", plan.Request{Method: "GET", Path: "/a?b=http://x/%20"}, "GET /base/a?b=http://x/%20" + before + after},
		{"two slashes stay a path", plan.Request{Method: "GET", Path: "//evil.example/x"}, "GET /base//evil.example/x" + before + after},
		{"bytes of any script", plan.Request{Method: "GET", Path: "/\xc3\xa4\xff"}, "GET /base/\xc3\xa4\xff" + before + after},
		{"field", plan.Request{Method: "GET", Path: "/", Header: header("X-Y", " z\t")}, "GET /base/" + before + "A: b\r\nX-Y:  z\t\r\n" + after},
		{"own fields once", plan.Request{Method: "GET", Path: "/", Header: header("hOst", "evil")}, "GET /base/" + before + "A: b\r\n" + after},
		{"own mark once", plan.Request{Method: "GET", Path: "/", Header: header("replay-run", "x")}, "GET /base/" + before + "A: b\r\n" + after},
		{"own framing", plan.Request{Method: "GET", Path: "/", Header: header("Transfer-Encoding", "chunked")}, "GET /base/" + before + "A: b\r\n" + after},
		{"own length", plan.Request{Method: "PUT", Path: "/", Header: header("Content-length", "9"), Body: []byte("ab")}, "PUT /base/" + before + "A: b\r\nContent-Length: 2\r\n" + after},
		{"post without body", plan.Request{Method: "POST", Path: "/"}, "POST /base/" + before + "Content-Length: 0\r\n" + after},
		{"delete with body", plan.Request{Method: "DELETE", Path: "/", Body: []byte("abc")}, "DELETE /base/" + before + "Content-Length: 3\r\n" + after},
		{"asterisk", plan.Request{Method: "OPTIONS", Path: "*"}, "OPTIONS *" + before + after},
		{"no method", plan.Request{Path: "/"}, ""},
		{"method with blank", plan.Request{Method: "GET /x", Path: "/"}, ""},
		{"method with line", plan.Request{Method: "GET\r\n", Path: "/"}, ""},
		{"connect", plan.Request{Method: "CONNECT", Path: "/"}, ""},
		{"no path", plan.Request{Method: "GET"}, ""},
		{"asterisk of get", plan.Request{Method: "GET", Path: "*"}, ""},
		{"absolute form", plan.Request{Method: "GET", Path: "http://evil.example/"}, ""},
		{"authority form", plan.Request{Method: "GET", Path: "evil.example:443"}, ""},
		{"path with blank", plan.Request{Method: "GET", Path: "/a HTTP/1.1"}, ""},
		{"path with line", plan.Request{Method: "GET", Path: "/a\r\nX: y"}, ""},
		{"path with line feed", plan.Request{Method: "GET", Path: "/a\nb"}, ""},
		{"path with NUL", plan.Request{Method: "GET", Path: "/a\x00"}, ""},
		{"value with line", plan.Request{Method: "GET", Path: "/", Header: header("X", "a\r\nY: z")}, ""},
		{"value with line feed", plan.Request{Method: "GET", Path: "/", Header: header("X", "a\nb")}, ""},
		{"value with carriage return", plan.Request{Method: "GET", Path: "/", Header: header("X", "a\rb")}, ""},
		{"value with NUL", plan.Request{Method: "GET", Path: "/", Header: header("X", "a\x00b")}, ""},
		{"no name", plan.Request{Method: "GET", Path: "/", Header: header("", "a")}, ""},
		{"name with colon", plan.Request{Method: "GET", Path: "/", Header: header("X: y\r\nZ", "a")}, ""},
		{"name with blank", plan.Request{Method: "GET", Path: "/", Header: header("Content-Length ", "1")}, ""},
	}
	for _, tt := range tests {
		got, ok := e.appendHead([]byte("before"), &plan.Shot{Request: &tt.q})
		want := "before" + tt.want
		if ok != (tt.want != "") || ok && string(got) != want || !ok && string(got) != "before" {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, ok, tt.want)
		}
	}
}

// FuzzAppendHead holds that whatever is accepted is one request with just this method, path, host and mark to a reader of HTTP.
func FuzzAppendHead(f *testing.F) {
	f.Add("GET", "/a", "X-Y", "z", []byte(nil))
	f.Add("POST", "/a?b", "Content-Length", "9", []byte("body"))
	f.Add("GET", "/a HTTP/1.1\r\nHost: evil\r\n\r\n", "a", "b\r\nc: d", []byte{})
	f.Add("OPTIONS", "*", "Transfer-Encoding", "chunked", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path, name, value string, body []byte) {
		e := testEncoder()
		q := plan.Request{Method: method, Path: path, Header: header(name, value), Body: body}
		head, ok := e.appendHead(nil, &plan.Shot{Request: &q})
		if !ok {
			return
		}
		if bytes.Count(head, []byte("\r\n\r\n")) != 1 || bytes.Count(head, []byte("\n")) != bytes.Count(head, []byte("\r\n")) {
			t.Fatalf("not one head: %q", head)
		}
		in := bytes.NewReader(append(head, body...))
		br := bufio.NewReader(in)
		r, err := http.ReadRequest(br)
		if err != nil {
			return // net/http is stricter about bytes of a path and a value
		}
		got := new(bytes.Buffer)
		if _, err := got.ReadFrom(r.Body); err != nil || !bytes.Equal(got.Bytes(), body) || br.Buffered()+in.Len() != 0 {
			t.Fatalf("body %q, %v, %d bytes left, want %q: %q", got, err, br.Buffered()+in.Len(), body, head)
		}
		want := path
		if path != "*" {
			want = "/base" + path
		}
		if r.Method != method || r.RequestURI != want || r.Host != "staging.example:8080" || strings.Join(r.Header["Replay-Run"], ",") != "r1" {
			t.Fatalf("read back as %s %q of %q: %q", r.Method, r.RequestURI, r.Host, head)
		}
	})
}

func TestAppendHeadMemory(t *testing.T) {
	e := testEncoder()
	s := plan.Shot{Request: &plan.Request{Method: "POST", Path: "/a", Header: header("X", "y"), Body: []byte("x")}}
	buf := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() { buf, _ = e.appendHead(buf[:0], &s) }); n != 0 {
		t.Errorf("encoding allocates %v times, want 0", n)
	}
}

func BenchmarkAppendHead(b *testing.B) {
	e := testEncoder()
	s := plan.Shot{Request: &plan.Request{Method: "GET", Path: "/api/items/42?x=1", Header: []capture.Header{
		{Name: []byte("User-Agent"), Value: []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36")},
		{Name: []byte("Accept"), Value: []byte("*/*")}, {Name: []byte("Referer"), Value: []byte("https://shop.example/cart")}}}}
	buf, _ := e.appendHead(nil, &s)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf, _ = e.appendHead(buf[:0], &s)
	}
}

func TestNew(t *testing.T) {
	good := Target{Scheme: "http", Host: "h", Addrs: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	with := func(f func(t *Target)) Options {
		t := good
		f(&t)
		return Options{Targets: []Target{t}}
	}
	tests := []struct {
		name, want string
		o          Options
	}{
		{"good", "", Options{Targets: []Target{good}}},
		{"no target", "send: no target", Options{}},
		{"scheme", `send: target 0: scheme "ftp": want http or https`, with(func(t *Target) { t.Scheme = "ftp" })},
		{"no address", `send: target 0: host "h": no address`, with(func(t *Target) { t.Addrs = nil })},
		{"bad address", `send: target 0: host "h": bad address`, with(func(t *Target) { t.Addrs = make([]netip.AddrPort, 1) })},
		{"host", `send: target 0: host "a\r\nb": not a host`, with(func(t *Target) { t.Host = "a\r\nb" })},
		{"base path", `send: target 0: base path "x": not a path`, with(func(t *Target) { t.BasePath = "x" })},
		{"run id", `send: run id "a\nb": not a header value`, Options{RunID: "a\nb", Targets: []Target{good}}},
	}
	for _, tt := range tests {
		got := ""
		e, err := New(tt.o)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || (e == nil) != (err != nil) {
			t.Errorf("%s: New: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestConnections(t *testing.T) {
	for _, s := range []string{"captured", "per-request", "pool=1", "pool=64"} {
		c, err := ParseConnections(s)
		if err != nil || c.String() != s {
			t.Errorf("ParseConnections(%q) = %v, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "pool", "pool=", "pool=0", "pool=-1", "pool=9999999999", "Captured"} {
		if c, err := ParseConnections(s); err == nil {
			t.Errorf("ParseConnections(%q) = %v, want an error", s, c)
		}
	}
}
