package vegeta

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
		{"alone", capture.Request{Method: []byte("GET"), Scheme: []byte("https"), Host: []byte("shop"), Target: []byte("/a?b=<c>"), DurUS: -1},
			`{"method":"GET","url":"https://shop/a?b=%3Cc%3E"}` + "\n", "arrival,raw bytes of the target (percent-encoded)", ""},
		{"with all", capture.Request{Method: []byte("POST"), Scheme: []byte("http"), Host: []byte("shop"), Target: []byte("/"), Headers: fieldsOf("Z", "1", "A", "<", "Z", "2", "host", "SHOP", "Content-Length", "5"), Body: []byte("hello"), BodySize: 9,
			Client: []byte("x"), Conn: 3, Status: 200},
			`{"method":"POST","url":"http://shop/","body":"aGVsbG8=","header":{"Z":["1","2"],"A":["\u003c"]}}` + "\n",
			"arrival,body, or its end (the capture does not hold it),client,connection,order of headers,response", ""},
		{"another host in the header", capture.Request{Method: []byte("GET"), Host: []byte("shop"), Target: []byte("/"), Headers: fieldsOf("Host", "b", "A", "1\n", "B", "\xff"), DurUS: -1},
			`{"method":"GET","url":"http://shop/","header":{"Host":["b"],"B":["\ufffd"]}}` + "\n",
			"arrival,header bytes that are no UTF-8,headers that no client can send,order of headers,scheme (http is assumed)", ""},
		{"no host", capture.Request{Method: []byte("GET"), Target: []byte("/")}, "", "", "no host"},
		{"a host that is none", capture.Request{Method: []byte("GET"), Host: []byte("a/b"), Target: []byte("/")}, "", "", "bad host"},
		{"what Vegeta cannot parse", capture.Request{Method: []byte("GET"), Host: []byte("a"), Target: []byte("/%")}, "", "", "bad percent-encoding"},
		{"no path", capture.Request{Method: []byte("OPTIONS"), Host: []byte("a"), Target: []byte("*")}, "", "", "target without a path"},
		{"no method", capture.Request{Host: []byte("a"), Target: []byte("/")}, "", "", "no method"},
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
				t.Errorf("got  %s\nwant %s", b.String(), c.want)
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
