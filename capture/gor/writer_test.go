package gor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
)

func fieldsOf(pairs ...string) (hs []capture.Header) {
	for i := 0; i < len(pairs); i += 2 {
		hs = append(hs, capture.Header{Name: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return hs
}

func TestWriter(t *testing.T) {
	for _, c := range []struct {
		name             string
		q                capture.Request
		want, lost, left string
	}{
		{"alone", capture.Request{At: 16, Method: []byte("GET"), Target: []byte("/a"), Host: []byte("shop"), Scheme: []byte("http"), Proto: []byte("HTTP/1.0"), DurUS: -1, FirstUS: -1, BodySize: -1},
			"1 000000000000001000000001 16 0\nGET /a HTTP/1.0\r\nHost: shop\r\n\r\n" + sep, "", ""},
		{"answered", capture.Request{At: 16, Method: []byte("GET"), Target: []byte("/a"), Proto: []byte("HTTP/1.1"), Headers: fieldsOf("A", "1", "Host", "x", "A", "2"), FirstUS: 1, DurUS: 3,
			Status: 200, RespSize: 2, RespBody: []byte("hi"), RespHeaders: fieldsOf("B", "1")},
			"1 000000000000001000000001 16 0\nGET /a HTTP/1.1\r\nA: 1\r\nHost: x\r\nA: 2\r\n\r\n" + sep + "2 000000000000001000000001 1016 2000\nHTTP/1.1 200 OK\r\nB: 1\r\nContent-Length: 2\r\n\r\nhi" + sep,
			"length of the response, which was not declared (a Content-Length stands for it)", ""},
		{"a redacted body, and chunks", capture.Request{Method: []byte("POST"), Target: []byte("/"), Host: []byte("x"), Proto: []byte("HTTP/2.0"), Headers: fieldsOf(":path", "/", "content-length", "9", "content-length", "9"), Body: []byte("hello"), BodySize: 9,
			FirstUS: -1, DurUS: 7, Status: 200, RespHeaders: fieldsOf("Transfer-Encoding", "chunked"), RespSize: 100, RespBody: []byte("a")},
			"1 000000000000000000000001 0 0\nPOST / HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n\r\nhello" + sep + "2 000000000000000000000001 0 7000\nHTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na" + sep,
			"Transfer-Encoding (a Content-Length stands for it),body of the response, or its end (the capture does not hold it),body, or its end (the capture does not hold it),headers that no client can send,version of the protocol", ""},
		{"a body that is not there", capture.Request{Method: []byte("POST"), Target: []byte("/"), Host: []byte("x"), Proto: []byte("HTTP/1.1"), Headers: fieldsOf("Content-Length", "9"), BodySize: 9},
			"1 000000000000000000000001 0 0\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + sep, "body, or its end (the capture does not hold it),duration (there is no status)", ""},
		{"the separator in the body", capture.Request{Method: []byte("POST"), Target: []byte("/"), Body: []byte("a" + sep)}, "", "", "GoReplay's separator within"},
		{"headers that would end", capture.Request{Method: []byte("GET"), Target: []byte("/"), Host: []byte("x"), Proto: []byte("HTTP/1.1"), Headers: fieldsOf("A", "1\r\nB: 2", "C D", "1"), DurUS: -1},
			"1 000000000000000000000001 0 0\nGET / HTTP/1.1\r\nHost: x\r\n\r\n" + sep, "headers that no client can send", ""},
		{"a target with a line end", capture.Request{Method: []byte("GET"), Target: []byte("/\r\n")}, "", "", "bad target"},
		{"no method", capture.Request{Target: []byte("/")}, "", "", "no method"},
		{"long ago", capture.Request{At: -1, Method: []byte("GET"), Target: []byte("/")}, "", "", "arrival before 1970"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b)
			if err := w.Write(&c.q); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("got  %q\nwant %q", b.String(), c.want)
			}
			if got := names(w.Losses().Lost); got != c.lost {
				t.Errorf("lost %s\nwant %s", got, c.lost)
			}
			if got := names(w.Losses().LeftOut); got != c.left {
				t.Errorf("left out %s, want %s", got, c.left)
			}
		})
	}
}

func names(m map[string]int64) string {
	var list []string
	for k, n := range m {
		if n != 1 {
			k += fmt.Sprint(" ", n)
		}
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}
