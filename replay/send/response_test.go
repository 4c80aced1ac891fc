package send

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"trafficreplay/replay"
)

// outcome is everything that a caller of response can see.
type outcome struct {
	kind   replay.ErrKind
	status uint16
	keep   bool
	used   int // bytes that belong to the response; -1 when it is bad
}

// read feeds in, cut before each multiple of step and at every index in cuts, and ends the connection after it.
func read(p *response, in []byte, head bool, maxBody int64, step int, cuts ...int) outcome {
	p.reset(head, maxBody)
	used := 0
	for from := 0; from < len(in); {
		to := min(len(in), from+step)
		for _, c := range cuts {
			if c > from && c < to {
				to = c
			}
		}
		n, kind := p.feed(in[from:to])
		used += n
		if kind != replay.ErrNone {
			return outcome{kind: kind, used: -1}
		}
		if p.phase == complete {
			return outcome{status: p.status, keep: p.keep, used: used}
		}
		from = to
	}
	if kind := p.end(); kind != replay.ErrNone {
		return outcome{kind: kind, used: -1}
	}
	return outcome{status: p.status, keep: p.keep, used: used}
}

const testBody = 1000

var responseTests = []struct {
	name, in string
	head     bool
	want     outcome // used 0: all of in
}{
	{"sized", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, outcome{status: 200, keep: true}},
	{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, outcome{status: 200, keep: true}},
	{"no reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", false, outcome{status: 404, keep: true}},
	{"empty reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", false, outcome{status: 404, keep: true}},
	{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nab", false, outcome{status: 200, keep: true}},
	{"close", "HTTP/1.1 200 OK\r\nConnection: Foo, Close\r\nContent-Length: 2\r\n\r\nab", false, outcome{status: 200}},
	{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", false, outcome{status: 200}},
	{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", false, outcome{status: 200, keep: true}},
	{"HTTP/1.0 does not know chunks", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhatever", false, outcome{status: 200}},
	{"until close", "HTTP/1.1 200 OK\r\n\r\nany number of bytes", false, outcome{status: 200}},
	{"until close, none", "HTTP/1.1 200 OK\r\n\r\n", false, outcome{status: 200}},
	{"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz", false, outcome{status: 200}},
	{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", false, outcome{status: 200, keep: true}},
	{"chunked, trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1 \r\nx\r\n000\r\nX-A: b\r\nContent-Length: 9\r\n\r\n", false, outcome{status: 200, keep: true}},
	{"chunked and sized", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, outcome{status: 200}},
	{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", false, outcome{status: 200, keep: true}},
	{"204", "HTTP/1.1 204 No Content\r\n\r\n", false, outcome{status: 204, keep: true}},
	{"304 with length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", false, outcome{status: 304, keep: true}},
	{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", true, outcome{status: 200, keep: true}},
	{"HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, outcome{status: 200, keep: true}},
	{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false, outcome{status: 101}},
	{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", false, outcome{status: 200, keep: true}},
	{"100 interim", strings.Repeat("HTTP/1.1 102 Wait\r\nA: b\r\n\r\n", 100) + okResponse, false, outcome{status: 200, keep: true}},
	{"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\nx", false, outcome{status: 200, keep: true}},
	{"more behind", okResponse + "HTTP/1.1 200 OK", false, outcome{status: 200, keep: true, used: len(okResponse)}},
	{"body of HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", true, outcome{status: 200, keep: true, used: 38}},
	{"body at its limit", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", testBody, strings.Repeat("x", testBody)), false, outcome{status: 200, keep: true}},
	{"rest at its limit", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", testBody), false, outcome{status: 200}},
	{"head at its limit", headOf(maxHead), false, outcome{status: 200, keep: true}},

	{"nothing", "", false, outcome{kind: replay.ErrReset}},
	{"cut in status", "HTTP/1.1 20", false, outcome{kind: replay.ErrTruncated}},
	{"cut in fields", "HTTP/1.1 200 OK\r\nContent-Le", false, outcome{kind: replay.ErrTruncated}},
	{"cut in body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, outcome{kind: replay.ErrTruncated}},
	{"cut after interim", "HTTP/1.1 100 Continue\r\n\r\n", false, outcome{kind: replay.ErrTruncated}},
	{"cut in chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false, outcome{kind: replay.ErrTruncated}},
	{"cut before last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, outcome{kind: replay.ErrTruncated}},
	{"cut in trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", false, outcome{kind: replay.ErrTruncated}},

	{"garbage", "SSH-2.0-OpenSSH_9.6", false, outcome{kind: replay.ErrProtocol}},
	{"empty line first", "\r\n" + okResponse, false, outcome{kind: replay.ErrProtocol}},
	{"HTTP/2", "HTTP/2 200\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"two digits", "HTTP/1.1 20 OK\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"status 099", "HTTP/1.1 099 OK\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"no colon", "HTTP/1.1 200 OK\r\nbad\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"no name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"blank before colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", false, outcome{kind: replay.ErrProtocol}},
	{"folded first", "HTTP/1.1 200 OK\r\n x: y\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"folded length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false, outcome{kind: replay.ErrProtocol}},
	{"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", false, outcome{kind: replay.ErrProtocol}},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", false, outcome{kind: replay.ErrProtocol}},
	{"empty length", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"length overflows", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"chunk overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"chunk not hexadecimal", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"chunk without size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;x\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"chunk line ends in a bare line feed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n", false, outcome{kind: replay.ErrProtocol}},
	{"chunk longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n", false, outcome{kind: replay.ErrProtocol}},

	{"body over its limit", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", testBody+1), false, outcome{kind: replay.ErrOversize}},
	{"rest over its limit", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", testBody+1), false, outcome{kind: replay.ErrOversize}},
	{"chunks over their limit", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", testBody+1), false, outcome{kind: replay.ErrOversize}},
	{"huge chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", false, outcome{kind: replay.ErrOversize}},
	{"head over its limit", headOf(maxHead + 1), false, outcome{kind: replay.ErrOversize}},
	{"line without end", "HTTP/1.1 200 " + strings.Repeat("x", maxHead), false, outcome{kind: replay.ErrOversize}},
	{"endless interim", strings.Repeat("HTTP/1.1 102 Wait\r\n\r\n", maxHead/21+1), false, outcome{kind: replay.ErrOversize}},
	{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("A: b\r\n", maxHead/6), false, outcome{kind: replay.ErrOversize}},
	{"endless chunk extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", maxChunkLine), false, outcome{kind: replay.ErrOversize}},
	{"long chunk extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\nx\r\n", 100), false, outcome{kind: replay.ErrOversize}},
}

// headOf is a response without a body whose head has n bytes.
func headOf(n int) string {
	const a, z = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "\r\n"
	var b strings.Builder
	b.WriteString(a)
	for b.Len() < n-len(z) {
		k := min(1000, n-len(z)-b.Len())
		if left := n - len(z) - b.Len() - k; left > 0 && left < 4 {
			k -= 4
		}
		b.WriteString("X:" + strings.Repeat("y", k-4) + "\r\n")
	}
	return b.String() + z
}

func TestResponse(t *testing.T) {
	var p response
	for _, tt := range responseTests {
		want := tt.want
		switch {
		case want.kind != replay.ErrNone:
			want.used = -1
		case want.used == 0:
			want.used = len(tt.in)
		}
		in := []byte(tt.in)
		if got := read(&p, in, tt.head, testBody, len(in)+1); got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
		if got := read(&p, in, tt.head, testBody, 1); got != want {
			t.Errorf("%s, byte by byte: got %+v, want %+v", tt.name, got, want)
		}
		for i := 1; i < min(len(in), 300); i++ {
			if got := read(&p, in, tt.head, testBody, len(in)+1, i); got != want {
				t.Fatalf("%s, cut at %d: got %+v, want %+v", tt.name, i, got, want)
			}
		}
	}
}

// TestResponseMemory: reading a response takes no memory once a line has been carried over.
func TestResponseMemory(t *testing.T) {
	var p response
	in := []byte("HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { read(&p, in, false, testBody, 7) }); n != 0 {
		t.Errorf("reading a response allocates %v times, want 0", n)
	}
}

// FuzzResponse holds that where the input is cut never matters, and that whatever net/http reads as a response of
// HTTP/1 with its body, within our limits, is read alike.
func FuzzResponse(f *testing.F) {
	for _, tt := range responseTests {
		if len(tt.in) < 4096 {
			f.Add([]byte(tt.in), tt.head, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, head bool, step uint8) {
		var p response
		whole := read(&p, in, head, testBody, len(in)+1)
		for _, s := range []int{1, 2, int(step) + 1} {
			if got := read(&p, in, head, testBody, s); got != whole {
				t.Fatalf("in pieces of %d: %+v, whole: %+v", s, got, whole)
			}
		}
		if whole.used > len(in) {
			t.Fatalf("%d bytes of %d used", whole.used, len(in))
		}
		status, used, ok := stdlib(in, head)
		if !ok {
			return
		}
		if whole.kind != replay.ErrNone || whole.status != status || whole.used != used {
			t.Fatalf("got %+v, net/http: status %d, %d bytes used: %q", whole, status, used, in)
		}
	})
}

// malformed finds what net/http lets pass and RFC 9112 does not: a field name that is no token, line folding.
var malformed = regexp.MustCompile("(?m)^[^:\\n]*[^-!#$%&'*+.^_`|~0-9A-Za-z:\\n][^:\\n]*:|^[ \t]|^:")

// spaced finds status lines with more than one space after the version, which net/http lets pass and RFC 9112 does not.
var spaced = regexp.MustCompile("(?m)^HTTP/1\\.[01] [ \t]")

// stdlib reads in as net/http does; ok only for what our reader has to accept too.
func stdlib(in []byte, head bool) (status uint16, used int, ok bool) {
	_, fields, _ := bytes.Cut(in, []byte("\n"))
	if malformed.Match(fields) || spaced.Match(in) {
		return 0, 0, false
	}
	method := "GET"
	if head {
		method = "HEAD"
	}
	src := bytes.NewReader(in)
	br := bufio.NewReader(src)
	for {
		r, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil || r.ProtoMajor != 1 || r.ProtoMinor > 1 || r.StatusCode < 100 || r.StatusCode > 999 {
			return 0, 0, false
		}
		if r.StatusCode < 200 && r.StatusCode != 101 {
			continue
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n > testBody {
			return 0, 0, false
		}
		if r.StatusCode == 101 {
			return uint16(r.StatusCode), len(in) - src.Len() - br.Buffered(), n == 0
		}
		return uint16(r.StatusCode), len(in) - src.Len() - br.Buffered(), true
	}
}

func BenchmarkResponse(b *testing.B) {
	in := []byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 23 Nov 2026 14:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 200\r\nConnection: keep-alive\r\n\r\n" + strings.Repeat("x", 200))
	var p response
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if o := read(&p, in, false, testBody, len(in)); o.status != 200 {
			b.Fatal(o)
		}
	}
}
