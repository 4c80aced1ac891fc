package wire

import (
	"strings"
	"testing"
)

const (
	get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
)

// TestHTTP1 has a row for each odd thing that ends of HTTP/1 do.
func TestHTTP1(t *testing.T) {
	for _, test := range []struct {
		name   string
		pieces []piece
		want   string
	}{
		{"pair", []piece{c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2"},
		{"side 0 is the server", []piece{s(get), c(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2"},
		{"response handed over first", []piece{s(ok), c(get)}, "GET h/a HTTP/1.1 -> 0\nskipped response-alone 40"},
		{"keep-alive", []piece{c(get), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"pipelined", []piece{c(get + strings.Replace(get, "/a", "/b", 1)), s(ok + strings.Replace(ok, "200", "404", 1))},
			"GET h/a HTTP/1.1 -> 200 hi/2\nGET h/b HTTP/1.1 -> 404 hi/2"},
		{"no response", []piece{c(get)}, "GET h/a HTTP/1.1 -> 0"},
		{"response alone", []piece{s(ok)}, "skipped response-alone 40"},
		{"bare line feeds", []piece{c("GET  /a \t HTTP/1.1\nhost:h\n\n"), s("HTTP/1.1 200\nContent-Length:2\n\nhi")}, "GET h/a HTTP/1.1 -> 200 hi/2"},
		{"empty lines before", []piece{c("\r\n\r\n" + get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nskipped blank-line 4"},
		{"obs-fold", []piece{c("GET /a HTTP/1.1\r\nHost:\r\n h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")}, "GET h/a HTTP/1.1 body=ab/2 -> 0"},
		{"absolute form", []piece{c("GET http://u@x.example:8?q=1 HTTP/1.1\r\nHost: h\r\n\r\n")}, "GET x.example:8/?q=1 HTTP/1.1 -> 0"},
		{"absolute form without a path", []piece{c("GET HTTP://x HTTP/1.1\r\n\r\n")}, "GET x/ HTTP/1.1 -> 0"},
		{"asterisk", []piece{c("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")}, "OPTIONS h* HTTP/1.1 -> 0"},
		{"garbage method", []piece{c("gEt!# /a HTTP/1.0\r\n\r\n")}, "gEt!# /a HTTP/1.0 -> 0"},
		{"HTTP/0.9", []piece{c("GET /a\r\n"), s("<html>")}, "skipped not-http 6, http-0.9 8"},
		{"HTTP/0.9 on a known connection", []piece{c(get), s(ok), c("GET /a\r\n"), s("<html>")}, "GET h/a HTTP/1.1 -> 200 hi/2\nskipped bad-response 6, http-0.9 8"},
		{"no path nor URL", []piece{c(get), s(ok), c("GET a HTTP/1.1\r\n\r\n")}, "GET h/a HTTP/1.1 -> 200 hi/2\nskipped bad-request 18"},
		{"after a bad request", []piece{c(get), c("GET a HTTP/1.1\r\n\r\n"), c(get)}, "GET h/a HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 0\nskipped bad-request 18"},

		{"100-continue", []piece{c("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), s("HTTP/1.1 100 Continue\r\n\r\n"), c("abc"), s(ok)}, "POST /a HTTP/1.1 body=abc/3 -> 200 hi/2"},
		{"103 twice", []piece{c(get), s("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ok)}, "GET h/a HTTP/1.1 -> 200 hi/2"},
		{"body withheld", []piece{c("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), s("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), c(get), s(ok)}, "POST /a HTTP/1.1 -> 417\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"chunks withheld", []piece{c("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"), s("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"), c(get), s(ok)}, "POST /a HTTP/1.1 -> 417\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"early response", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\nab"), s(ok), c("cd" + get), s(ok)}, "POST /a HTTP/1.1 body=abcd/4 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"HEAD", []piece{c("HEAD /a HTTP/1.1\r\n\r\n"), s("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), c(get), s(ok)}, "HEAD /a HTTP/1.1 -> 200\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"304 with a length", []piece{c(get), s("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 304\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"204", []piece{c(get), s("HTTP/1.1 204 No Content\r\n\r\n"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 204\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"until close", []piece{c(get), s("HTTP/1.0 200 OK\r\n\r\nabc"), s("def")}, "GET h/a HTTP/1.1 -> 200 abcdef/6"},
		{"cut in the body", []piece{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")}, "GET h/a HTTP/1.1 -> 200 abc/3"},
		{"reset in the body", []piece{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), {side: 1, end: true}}, "GET h/a HTTP/1.1 -> 200 /-1"},
		{"reset in a body until close", []piece{c(get), s("HTTP/1.1 200 OK\r\n\r\nabc"), {side: 1, end: true}}, "GET h/a HTTP/1.1 -> 200 /-1"},
		{"closed in a request's body", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), s(ok)}, "POST /a HTTP/1.1 body=abc/3 -> 200 hi/2"},
		{"cut in a head", []piece{c(get + "GET /b HT"), s("HTTP/1.1 200 OK\r\nCont")}, "GET h/a HTTP/1.1 -> 0\nskipped incomplete 30"},

		{"chunks", []piece{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3;a=b\r\nabc\r\n00A \r\n0123456789\r\n0\r\nT: 1\r\nU: 2\r\n\r\n" + ok)},
			"GET h/a HTTP/1.1 -> 200 abc0123456789/13 T=1 U=2\nskipped response-alone 40"},
		{"chunk size overflows", []piece{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nab\r\n0\r\n\r\n")}, "GET h/a HTTP/1.1 -> 200 /-1\nskipped bad-framing 28"},
		{"chunk longer than its size", []piece{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n")}, "GET h/a HTTP/1.1 -> 200 /-1\nskipped bad-framing 8"},
		{"equal lengths", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 2, 2\r\nContent-Length: 02\r\n\r\nab" + get)}, "POST /a HTTP/1.1 body=ab/2 -> 0\nGET h/a HTTP/1.1 -> 0"},
		{"lengths that differ", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab")}, "POST /a HTTP/1.1 body=/-1 -> 0\nskipped bad-framing 2"},
		{"negative length", []piece{c("POST /a HTTP/1.1\r\nContent-Length: -2\r\n\r\nab")}, "POST /a HTTP/1.1 body=/-1 -> 0\nskipped bad-framing 2"},
		{"length overflows", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 18446744073709551618\r\n\r\nab")}, "POST /a HTTP/1.1 body=/-1 -> 0\nskipped bad-framing 2"},
		{"coding and length", []piece{c("POST /a HTTP/1.1\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + get)}, "POST /a HTTP/1.1 body=a/1 -> 0\nGET h/a HTTP/1.1 -> 0"},
		{"coding not chunked last", []piece{c(get), s(ok), c("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\nab"), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nPOST /a HTTP/1.1 body=/-1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2\nskipped bad-framing 2"},
		{"chunked HTTP/1.0 request", []piece{c("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}, "POST /a HTTP/1.0 body=/-1 -> 0\nskipped bad-framing 5"},

		{"CONNECT", []piece{c("CONNECT x:443 HTTP/1.1\r\nHost: y\r\n\r\n"), c("\x16\x03"), s("HTTP/1.1 200 OK\r\n\r\nabc"), c("defg")}, "CONNECT yx:443 HTTP/1.1 -> 200\nskipped tunnel 9"},
		{"CONNECT refused", []piece{c("CONNECT x:443 HTTP/1.1\r\n\r\n"), s("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), c(get), s(ok)}, "CONNECT x:443x:443 HTTP/1.1 -> 407\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"upgrade refused", []piece{c("GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), c(get), s(ok + ok)}, "GET /a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"upgrade to another", []piece{c("GET /a HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: irc\r\n\r\n"), s("HTTP/1.1 101 S\r\n\r\nab"), c("cd")}, "GET /a HTTP/1.1 -> 101\nskipped upgrade 4"},
		{"101 that nobody asked for, within a later request", []piece{c(get + "POST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), s("HTTP/1.1 101 S\r\n\r\n"), c("defghi")}, "POST /b HTTP/1.1 body=abc/3 -> 0\nGET h/a HTTP/1.1 -> 101\nskipped upgrade 6"},

		{"gap in a body", []piece{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), lose(1, 4), s("hi"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 abc/9\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"gap at the end of a body", []piece{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), lose(1, 6), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 abc/9\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"gap beyond a body", []piece{c(get), s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), lose(1, 7), s("tp"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 abc/9\nGET h/a HTTP/1.1 -> 200 hi/2\nskipped gap 2"},
		{"gap in a head", []piece{c("GET /a HT"), lose(0, 9), c("x\r\n\r\n"), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 0\nskipped mid-stream 5, gap 9, response-alone 80"},
		{"gap of a request", []piece{c(get), s(ok), c(get), s(ok), lose(0, 30), s(ok), c(get), s(strings.Replace(ok, "200", "404", 1))}, "GET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 404 hi/2\nskipped response-alone 40"},
		{"gap of a response", []piece{c(get), s(ok), c(get), lose(1, 30), c(strings.Replace(get, "/a", "/b", 1)), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 0\nGET h/b HTTP/1.1 -> 200 hi/2"},
		{"gap before the response to a HEAD", []piece{c(get), s(ok), c(get), s(ok), c("HEAD /h HTTP/1.1\r\n\r\n"), lose(1, 30), s("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"), c(get), s(ok), c(get), s(strings.Replace(ok, "200", "404", 1))},
			"GET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2\nHEAD /h HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 404 hi/2\nskipped response-alone 79"},
		{"gap of the first response", []piece{c(get), lose(1, 30), c(get), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 200 hi/2\nGET h/a HTTP/1.1 -> 200 hi/2"},
		{"gap of a response of a client that does not wait", []piece{c(get + get), lose(1, 30), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 0\nGET h/a HTTP/1.1 -> 0\nskipped response-alone 80"},
		{"gap within a chunk", []piece{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), lose(1, 2), s("e\r\n0\r\n\r\n")}, "GET h/a HTTP/1.1 -> 200 ab/5"},
		{"gap in the framing of chunks", []piece{c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), lose(1, 4), s("\n0\r\n\r\n"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 /-1\nGET h/a HTTP/1.1 -> 200 hi/2\nskipped gap 6"},
		{"entered in the middle", []piece{s("rest of a body"), s(ok), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nskipped mid-stream 14, response-alone 40"},
		{"both in the middle", []piece{c("abc"), s("rest"), c(get), s(ok)}, "GET h/a HTTP/1.1 -> 200 hi/2\nskipped mid-stream 7"},
		{"neither", []piece{s("220 mail ready\r\n"), c("EHLO x\r\n"), s("250 ok\r\n")}, "skipped not-http 32"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, tally := run(t, Options{}, test.pieces...)
			if text := shown(got, tally); text != test.want {
				t.Errorf("got\n%s\nwant\n%s", text, test.want)
			}
		})
	}
}

// TestMissedHEAD has more requests wait than are followed, of which the first is a HEAD. Nobody can tell its response from one
// that has a body, so that none behind it may be paired.
func TestMissedHEAD(t *testing.T) {
	headed := "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
	got, tally := run(t, Options{}, c("HEAD /a HTTP/1.1\r\n\r\n"+strings.Repeat(get, maxWaiting)), s(headed), s(ok), s(strings.Replace(ok, "200", "404", 1)))
	if len(got) != maxWaiting+1 || tally.Responses != 0 {
		t.Errorf("%d requests, %d with a response; want %d, 0", len(got), tally.Responses, maxWaiting+1)
	}
}

// TestGapBeyondRequest loses the end of a body of a request and more: the size of the response that has begun is its own.
func TestGapBeyondRequest(t *testing.T) {
	got, _ := run(t, Options{}, c("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab"), s(ok[:39]), lose(0, 20), s(ok[39:]))
	if len(got) != 1 || got[0].BodySize != 9 || got[0].RespWire != int64(len(ok)) {
		t.Errorf("got %v, want one request of 9 bytes with a response of %d", got, len(ok))
	}
}

// TestTrailerLimit has as many trailers as are kept and one more: then none is, which is counted.
func TestTrailerLimit(t *testing.T) {
	for _, n := range []int{maxFields, maxFields + 1} {
		got, tally := run(t, Options{}, c(get), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"+strings.Repeat("T: u\r\n", n)+"\r\n"))
		if kept := len(got[0].Trailers); kept != n*btoi(n == maxFields) || tally.Unkept != int64(n-maxFields) {
			t.Errorf("%d trailers: %d kept, %d unkept", n, kept, tally.Unkept)
		}
	}
}
