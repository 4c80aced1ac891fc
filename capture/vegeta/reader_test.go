package vegeta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"trafficreplay/capture"
)

// line is the form in which the tests compare a request.
func line(q *capture.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s://%s%s dur=%d body=%d:%s", q.At, q.Method, q.Scheme, q.Host, q.Target, q.DurUS, q.BodySize, q.Body)
	if q.Status != 0 {
		fmt.Fprintf(&b, " status=%d size=%d:%s", q.Status, q.RespSize, q.RespBody)
	}
	for _, h := range append(slices.Clone(q.Headers), q.RespHeaders...) {
		fmt.Fprintf(&b, " %s=%s", h.Name, h.Value)
	}
	return fmt.Sprintf("%s %s", &b, q.Src)
}

// read gives what is in a file, a line each, and the error at its end.
func read(r *Reader) (got []string) {
	for {
		var q capture.Request
		err := r.Next(&q)
		if bad, ok := errors.AsType[*capture.SyntaxError](err); ok {
			got = append(got, fmt.Sprintf("%d %s %.60q", r.Number(), bad.Reason, bad.Part))
		} else if err != nil {
			if err != io.EOF {
				got = append(got, err.Error())
			}
			return got
		} else {
			got = append(got, line(&q))
		}
	}
}

// The samples are those of Vegeta's README, in its own words where the kind of thing matters.
func TestReader(t *testing.T) {
	const get = `{"method":"GET","url":"http://goku:9090/path/to/dragon?item=balls"}` + "\n"
	const gotGet = " GET http://goku:9090/path/to/dragon?item=balls dur=-1 body=0: a:"
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"targets in JSON", get + "\n" + `{"url":"https://user:pw@Goku/2?q=ü x","header":{"Content-Type":["text/plain"],"X":["2","1"],"Host":["vegeta.example"]},"body":"Rk9P","method":"POST"}`,
			[]string{"0" + gotGet + "1", "1000000000 POST https://vegeta.example/2?q=%C3%BC%20x dur=-1 body=3:FOO Content-Type=text/plain X=2 X=1 Host=vegeta.example a:3"}},
		{"bad ones in JSON", get + "{\n" + `{"method":"GET"}` + "\n" + `{"method":"GET","url":"/x"}` + "\n" + `{"method":"GET","url":"ftp://x/"}` + "\n" + `{"method":"GET","url":"http://x/","body":"*"}` + "\n" + get,
			[]string{"0" + gotGet + "1", `2 bad-target "{"`, `3 bad-target "{\"method\":\"GET\"}"`, `4 not-http "/x"`, `5 not-http "ftp://x/"`,
				`6 bad-target "{\"method\":\"GET\",\"url\":\"http://x/\",\"body\":\"*\"}"`, "1000000000" + gotGet + "7"}},
		{"the http format", "# a comment\n\nGET http://goku:9090/path/to/dragon?item=balls\nGET http://goku:9090/path/to/dragon?item=balls\nX-Account-ID: 8675309\n# of it\nHost: b\n\n\nHEAD http://goku",
			[]string{"0" + gotGet + "3", "1000000000 GET http://b/path/to/dragon?item=balls dur=-1 body=0: X-Account-ID=8675309 Host=b a:4", "2000000000 HEAD http://goku/ dur=-1 body=0: a:10"}},
		{"bodies in files", "POST http://goku:9090/things\n@/etc/passwd\n\nPOST http://goku:9090/things\nA: 1\n@/etc/passwd\nGET http://goku:9090/path/to/dragon?item=balls\n",
			[]string{`1 body-file "@/etc/passwd"`, `4 body-file "@/etc/passwd"`, "0" + gotGet + "7"}},
		{"bad ones in the http format", "GET http://goku:9090/path/to/dragon?item=balls\n\nget http://x/\n\nGET\n\nGET http://x/\nno header\nA: 1\n\nGET ftp://x/\n",
			[]string{"0" + gotGet + "1", `3 bad-target "get http://x/"`, `5 bad-target "GET"`, `7 bad-target "no header"`, `11 not-http "ftp://x/"`}},
		{"results", `{"attack":"","seq":0,"code":200,"timestamp":"2026-11-23T14:00:00.000000005Z","latency":1234567,"bytes_out":3,"bytes_in":2,"error":"","body":"aGk=","method":"POST","url":"http://goku/","headers":{"Content-Length":["2"]}}` + "\n" +
			`{"attack":"","seq":1,"code":0,"timestamp":"2026-11-23T15:00:00+01:00","latency":30000000000,"bytes_out":0,"bytes_in":0,"error":"timeout","body":null,"method":"GET","url":"http://goku/","headers":null}` + "\n" + `{"attack":"","seq":2,"code":-1}`,
			[]string{"1795442400000000005 POST http://goku/ dur=1234 body=3: status=200 size=2:hi Content-Length=2 a:1", "1795442400000000000 GET http://goku/ dur=-1 body=0: a:2", `3 bad-target "{\"attack\":\"\",\"seq\":2,\"code\":-1}"`}},
		{"a line above the limit", get + `{"method":"` + strings.Repeat("x", maxLine) + "\n" + get, []string{"0" + gotGet + "1", `2 too-long "{\"method\":\"` + strings.Repeat("x", 49) + `"`, "1000000000" + gotGet + "3"}},
		{"a target above the limit", get + `{"method":"GET","url":"http://a/` + strings.Repeat("x", capture.MaxTarget) + `"}`, []string{"0" + gotGet + "1", `2 too-long "/` + strings.Repeat("x", 59) + `"`}},
		{"something else", "hello\n", []string{"dir/a: line 1: no target and no result of Vegeta"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "in pieces": iotest.HalfReader(strings.NewReader(c.in))} {
				if got := read(NewReader(in, "dir/a")); !slices.Equal(got, c.want) {
					t.Errorf("%s\ngot  %s\nwant %s", how, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
				}
			}
		})
	}
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		in   string
		want kind
	}{
		{`{"method":"GET","url":"http://goku:9090/path"}` + "\n", jsonTargets},
		{`{"method":"GET","url":"http://goku:9090/path"}`, jsonTargets},
		{`{"method":"POST","url":"http://goku:9090/path","body":"aGVsbG8gd29ybGQgaGVsbG8g`, jsonTargets},
		{`{"header":{"A":["1"]},"method":"GET","url":"https://goku"}`, jsonTargets},
		{`{"method":"GET","url":"/path","status":200}` + "\n", unknown},
		{`{"method":"GET","url":"http://shop/path","status":200}` + "\n", unknown},
		{`{"method":"GET"}` + "\n", unknown},
		{`{"method":"GET","url":"http://goku` + "\n", unknown},
		{`{"log":{"version":"1.2"}}`, unknown},
		{`{"attack":"x","seq":0,"code":200,"timest`, results},
		{"# c\n\nGET http://goku/\nA: 1\n", httpTargets},
		{"GET http://goku/ HTTP/1.1\n", unknown},
		{"GET /x\n", unknown},
		{"# only a comment\n", unknown},
		{"10.0.0.1 - - [23/Nov/2026:14:00:00 +0000] \"GET /a HTTP/1.1\" 200 12\n", unknown},
		{"", unknown},
	} {
		if got := recognise([]byte(c.in)); got != c.want {
			t.Errorf("recognise(%q) = %v, want %v", c.in, got, c.want)
		}
	}
}

func FuzzVegeta(f *testing.F) {
	f.Add([]byte(`{"method":"POST","url":"https://goku/1","header":{"Content-Type":["text/plain"]},"body":"Rk9P"}` + "\n{}\n"))
	f.Add([]byte("GET http://goku/1\nA: 1\n\nPOST http://goku/2\n@file\n"))
	f.Add([]byte(`{"attack":"","seq":0,"code":200,"timestamp":"2026-11-23T14:00:00Z","latency":1,"bytes_out":0,"bytes_in":2,"error":"","body":"aGk=","method":"GET","url":"http://goku/","headers":{}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), "f")
		var q capture.Request
		for n := 0; ; n++ {
			err := r.Next(&q)
			if _, bad := errors.AsType[*capture.SyntaxError](err); err != nil && !bad {
				break
			}
			if n > len(in) {
				t.Fatal("more targets than bytes")
			}
			if err == nil && (q.CheckLimits() != nil || len(q.Method) == 0 || len(q.Host) == 0 || q.Target[0] != '/' || bytes.ContainsAny(q.Target, " \r\n\x00")) {
				t.Fatalf("%+v is no request", q)
			}
		}
	})
}
