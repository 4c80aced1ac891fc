package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// FuzzHTTP1 gives a connection bytes of both sides. The tally has to balance with a cut or a gap anywhere; a cut must
// change nothing; and where net/http accepts the messages as well it has to read the same.
func FuzzHTTP1(f *testing.F) {
	for _, x := range exchanges() {
		f.Add([]byte(x.request), []byte(x.response), uint16(20), uint16(9))
	}
	for _, seed := range [][2]string{
		{get + get, ok + ok},
		{"\r\nGET http://u@h?q HTTP/1.1\nHost: x\n\n", "HTTP/1.0 200\n\nuntil close"},
		{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n003;a\r\nabc\r\n0\r\nT: v\r\n\r\n", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\nX:\r\n folded\r\n\r\na", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
		{"CONNECT h:1 HTTP/1.1\r\n\r\nabc", "HTTP/1.1 200 OK\r\n\r\nabc"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"},
		{"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "\x15\x03\x03\x00\x02\x02\x28"},
		{"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" + get, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n" + ok},
		{"SSH-2.0-x\r\n", "SSH-2.0-y\r\n"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), uint16(5), uint16(3))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, at, n uint16) {
		twoSides(t, client, server, int(at), 0)
		twoSides(t, client, server, int(at), int(n)+1)
		// Behind a pair the ends are known. (A first method that nobody knows is refused where it is cut.)
		client, after := append([]byte(get), client...), append([]byte(ok), server...)
		whole, tally := twoSides(t, client, after, 0, 0)
		// Where nothing was refused the message begins are certain, so that a cut must not matter.
		if refused := tally.Payload - tally.Message - tally.skipped[blankLine] - tally.skipped[incomplete]; refused == 0 {
			split, _ := twoSides(t, client, after, int(at), 0)
			if a, b := lines(whole), lines(split); a != b {
				t.Errorf("split at %d:\n%s\nwhole:\n%s", at, b, a)
			}
			compareRequests(t, client, whole)
		}
		compareResponse(t, server, "GET")
		compareResponse(t, server, "HEAD")
	})
}

// twoSides gives what the client sent, then what the server sent; cut at a byte of each, and without n bytes there.
func twoSides(t *testing.T, client, server []byte, at, n int) ([]*capture.Request, *Tally) {
	t.Helper()
	var got []*capture.Request
	d := NewDecoder(Options{Emit: func(q *capture.Request) {
		if err := q.CheckLimits(); err != nil {
			t.Errorf("request above a limit: %v", err)
		}
		got = append(got, q.Clone())
	}})
	conn := d.Open(testEnds)
	for side, b := range [][]byte{client, server} {
		when := int64(start) + int64(side)*1_000_000
		cut := min(at, len(b))
		conn.Data(side, when, b[:cut])
		if n > 0 && cut < len(b) {
			lost := min(n, len(b)-cut)
			conn.Gap(side, when, int64(lost), "lost")
			cut += lost
		}
		conn.Data(side, when, b[cut:])
	}
	conn.End(1, start, true)
	conn.End(0, start, true)
	checkEnd(t, d)
	return got, d.Tally()
}

// compareRequests reads the requests with net/http.
func compareRequests(t *testing.T, client []byte, got []*capture.Request) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(client))
	for _, q := range got {
		want, err := http.ReadRequest(r)
		if err != nil || q.BodySize < 0 || want.ProtoMajor != 1 {
			return
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || string(q.Proto) == "HTTP/1.0" && len(q.Header("Transfer-Encoding")) > 0 {
			return
		}
		if string(q.Method) != want.Method || !sameTarget(q, want) {
			t.Errorf("got %s, net/http read %s %q, host %q", show(q), want.Method, want.RequestURI, want.Host)
		}
		if !bytes.Equal(body, q.Body) {
			t.Errorf("body %q, net/http read %q", q.Body, body)
		}
		sameFields(t, q.Headers, want.Header)
		if want.Method == "CONNECT" || len(q.Header("Upgrade")) > 0 {
			return
		}
	}
}

// sameTarget compares what net/http keeps in one piece.
func sameTarget(q *capture.Request, want *http.Request) bool {
	uri, host := want.RequestURI, strings.Join(strings.Fields(string(q.Host)), " ") // net/http makes one blank of a fold
	if i := strings.Index(uri, "://"); i > 0 && uri[0] != '/' && want.Method != "CONNECT" {
		return strings.HasSuffix(uri, strings.TrimPrefix(string(q.Target), "/")) && (host == want.Host || strings.ContainsAny(uri, "%#"))
	}
	return string(q.Target) == uri && (host == strings.Join(strings.Fields(want.Host), " ") || want.Method == "CONNECT")
}

// compareResponse reads a response to a request of the method with net/http.
func compareResponse(t *testing.T, server []byte, method string) {
	t.Helper()
	q := (*capture.Request)(nil)
	d := NewDecoder(Options{Emit: func(x *capture.Request) {
		if q == nil {
			q = x.Clone()
		}
	}})
	conn := d.Open(testEnds)
	conn.Data(0, start, []byte(method+" / HTTP/1.1\r\nHost: h\r\n\r\n"))
	conn.Data(1, start, server)
	conn.End(1, start, false)
	conn.End(0, start, false)
	checkEnd(t, d)
	if d.Tally().skipped[blankLine] > 0 || q == nil || q.Status == 0 || q.RespSize < 0 || q.Status == 101 {
		return
	}
	r := bufio.NewReader(bytes.NewReader(server))
	want, err := http.ReadResponse(r, &http.Request{Method: method})
	for err == nil && want.StatusCode < 200 && want.StatusCode != 101 {
		want, err = http.ReadResponse(r, &http.Request{Method: method})
	}
	if err != nil || want.ProtoAtLeast(1, 1) != (string(q.Proto) == "HTTP/1.1") || !want.ProtoAtLeast(1, 1) && header(q.RespHeaders, "Transfer-Encoding") != "" {
		return
	}
	body, err := io.ReadAll(want.Body)
	if err != nil {
		return
	}
	if q.Status != want.StatusCode || !bytes.Equal(body, q.RespBody) {
		t.Errorf("%s: got %s, net/http read %d %q", method, show(q), want.StatusCode, body)
	}
	sameFields(t, q.RespHeaders, want.Header)
}

// sameFields compares header fields but for those that net/http takes out or adds.
func sameFields(t *testing.T, got []capture.Header, want http.Header) {
	t.Helper()
	m := http.Header{}
	for _, h := range got {
		m[textproto.CanonicalMIMEHeaderKey(string(h.Name))] = append(m[textproto.CanonicalMIMEHeaderKey(string(h.Name))], string(h.Value))
	}
	for _, h := range []http.Header{m, want} {
		for _, name := range []string{"Host", "Transfer-Encoding", "Content-Length", "Trailer", "Cache-Control"} {
			delete(h, name)
		}
		for _, vs := range h {
			for i := range vs {
				vs[i] = strings.Join(strings.Fields(vs[i]), " ")
			}
		}
	}
	if a, b := fmt.Sprintf("%q", m), fmt.Sprintf("%q", want); a != b {
		t.Errorf("headers %s, net/http read %s", a, b)
	}
}

// FuzzWebSocket gives a WebSocket frames of both sides. The tally has to balance, and a cut must change nothing.
func FuzzWebSocket(f *testing.F) {
	z := newDeflater(f)
	f.Add([]byte(frame(0x81, true, "text")), []byte(frame(0x01, false, "a")+frame(0x89, false, "p")+frame(0x80, false, "b")), uint16(3), false)
	f.Add([]byte(frame(0xc1, true, z.message(f, "text text text"))), []byte(frame(0x88, false, "\x03\xe8bye")), uint16(9), true)
	f.Add([]byte(frame(0x82, true, repeat("x", 200))), []byte(frame(0x82, false, repeat("y", 70000))), uint16(100), true)
	f.Fuzz(func(t *testing.T, client, server []byte, at uint16, deflate bool) {
		extension := ""
		if deflate {
			extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
		}
		var texts [2]string
		for i, cut := range []int{0, int(at)} {
			pieces := []piece{c(wsAsk), s(fmt.Sprintf(wsAnswer, extension))}
			for side, b := range []string{string(client), string(server)} {
				n := min(cut, len(b))
				for _, part := range []string{b[:n], b[n:]} {
					if part != "" {
						pieces = append(pieces, piece{side: side, text: part})
					}
				}
			}
			got, tally := run(t, Options{}, pieces...)
			texts[i] = shown(got, tally)
		}
		if texts[0] != texts[1] {
			t.Errorf("cut at %d:\n%.500q\nwhole:\n%.500q", at, texts[1], texts[0])
		}
	})
}
