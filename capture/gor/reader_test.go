package gor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"trafficreplay/capture"
)

// line is the form in which the tests compare a request.
func line(q *capture.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s://%s%s %s first=%d dur=%d body=%d:%s", q.At, q.Method, q.Scheme, q.Host, q.Target, q.Proto, q.FirstUS, q.DurUS, q.BodySize, q.Body)
	if q.Status != 0 {
		fmt.Fprintf(&b, " status=%d size=%d:%s", q.Status, q.RespSize, q.RespBody)
	}
	for _, h := range append(slices.Clone(q.Headers), q.RespHeaders...) {
		fmt.Fprintf(&b, " %s=%s", h.Name, h.Value)
	}
	fmt.Fprintf(&b, " %s", q.Src)
	if len(q.Client) > 0 || q.Conn != 0 {
		fmt.Fprintf(&b, " client %s conn %d", q.Client, q.Conn)
	}
	return b.String()
}

// read gives what is in a file, a line each, and the error at its end.
func read(r *Reader) (got []string) {
	for {
		var q capture.Request
		err := r.Next(&q)
		if bad, ok := errors.AsType[*capture.SyntaxError](err); ok {
			got = append(got, fmt.Sprintf("%d %s %q", r.Number(), bad.Reason, bad.Part))
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

const sep = "\n🐵🙈🙉\n"

// file is payloads with a separator behind each.
func file(payloads ...string) string { return strings.Join(append(payloads, ""), sep) }

const (
	get  = "GET /a?b=1 HTTP/1.1\r\nHost: shop\r\nB: 2\r\nA: 1\r\n\r\n"
	post = "POST /p HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello"
	ok   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
)

func TestReader(t *testing.T) {
	const at = "1600000000000000000"
	const gotGet = at + " GET http://shop/a?b=1 HTTP/1.1 first=-1 dur=-1 body=0: Host=shop B=2 A=1 a.gor:"
	answered := func(times string) string {
		return at + " GET http://shop/a?b=1 HTTP/1.1 " + times + " body=0: status=200 size=2:hi Host=shop B=2 A=1 Content-Length=2 a.gor:1"
	}
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"a request alone", file("1 abcdef12 " + at + "\n" + get), []string{gotGet + "1"}},
		{"without the last separator", "1 abcdef12 " + at + "\n" + get, []string{gotGet + "1"}},
		{"a body", file("1 abcdef12 " + at + " 12\n" + post),
			[]string{at + " POST http://shop/p HTTP/1.1 first=-1 dur=-1 body=5:hello Host=shop Content-Length=5 a.gor:1"}},
		{"a response of before 0.16: the round trip", file("1 x "+at+"\n"+get, "2 x 2500000\n"+ok), []string{answered("first=-1 dur=2500")}},
		{"of 0.16: the instant of the request, the round trip", file("1 x "+at+"\n"+get, "2 x "+at+" 2500000\n"+ok), []string{answered("first=-1 dur=2500")}},
		{"of 1.0: the instant of the response, the time since the request's end", file("1 x "+at+"\n"+get, "2 x 1600000000002000000 2500000\n"+ok), []string{answered("first=2000 dur=2500")}},
		{"of 1.0 with a request in several packets", file("1 x "+at+" -1\n"+get, "2 x 1600000000002000000 500000\n"+ok), []string{answered("first=2000 dur=2000")}},
		{"of 1.3: the instant of the response, its own time", file("1 x "+at+" 0\n"+get, "2 x 1600000000002000000 500000\n"+ok), []string{answered("first=2000 dur=2500")}},
		{"a response before its request", file("1 x "+at+" 0\n"+get, "2 x 1599999999999999999 500000\n"+ok), []string{answered("first=-1 dur=-1")}},
		{"responses out of order", file("1 x "+at+"\n"+get, "1 y "+at+"\n"+get, "2 y "+at+" 2000\n"+ok, "2 x "+at+" 1000\n"+ok),
			[]string{strings.Replace(answered("first=-1 dur=2"), "gor:1", "gor:2", 1), answered("first=-1 dur=1")}},
		{"two requests of one ID: the response is the first one's", file("1 x "+at+"\n"+get, "1 x "+at+"\n"+get, "2 x "+at+" 1000\n"+ok),
			[]string{gotGet + "2", answered("first=-1 dur=1")}},
		{"a response without a request", file("2 x "+at+" 5\n"+ok, "1 x "+at+"\n"+get), []string{`1 response-alone "2 x 1600000000000000000 5"`, gotGet + "2"}},
		{"two responses", file("1 x "+at+"\n"+get, "2 x "+at+" 1000\n"+ok, "2 x "+at+" 1000\n"+ok),
			[]string{answered("first=-1 dur=1"), `3 response-alone "2 x 1600000000000000000 1000"`}},
		{"a replayed response", file("1 x "+at+"\n"+get, "3 x 1000 "+at+"\n"+ok), []string{`2 replayed-response "3 x 1000 1600000000000000000"`, gotGet + "1"}},
		{"garbage between payloads", file("what is this", "1 abcdef12 "+at+"\n"+get, "4 x 1\n", "1 x\n"+get, "1 x -5\n"+get),
			[]string{`1 bad-header "what is this"`, `3 bad-header "4 x 1"`, `4 bad-header "1 x"`, `5 bad-header "1 x -5"`, gotGet + "2"}},
		{"no HTTP", file("1 x "+at+"\n\x16\x03\x01\x02\x00\x01\x00\x01", "1 y "+at+"\nhello, world\n", "1 z "+at+"\n", "1 0 "+at+"\nGET /\r\n\r\n"),
			[]string{`1 tls-no-key "\x16\x03\x01\x02\x00\x01\x00\x01"`, `2 not-http "hello, world\n"`, `3 empty ""`, `4 http-0.9 "GET /\r\n\r\n"`}},
		{"half a head", file("1 x " + at + "\n" + get[:30]), []string{`1 incomplete "GET /a?b=1 HTTP/1.1\r\nHost: sho"`}},
		{"a target above the limit", file("1 x " + at + "\nGET /" + strings.Repeat("x", capture.MaxTarget) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
			[]string{`1 too-long "GET /` + strings.Repeat("x", 75) + `"`}},
		{"a separator in a body", file("1 x " + at + "\n" + strings.Replace(post, "hello", "hel"+sep+"lo", 1)),
			[]string{`2 bad-header "lo"`, at + " POST http://shop/p HTTP/1.1 first=-1 dur=-1 body=5:hel Host=shop Content-Length=5 a.gor:1"}},
		{"the file ends in a body", strings.TrimSuffix("1 x "+at+"\n"+post, "lo"), []string{`1 cut "` + strings.ReplaceAll(post[:len(post)-2], "\r\n", `\r\n`) + `"`}},
		{"a response that GoReplay cut", file("1 x "+at+"\n"+get, "2 x "+at+"\n"+strings.Replace(ok, ": 2", ": 200", 1)),
			[]string{at + " GET http://shop/a?b=1 HTTP/1.1 first=-1 dur=-1 body=0: status=200 size=200:hi Host=shop B=2 A=1 Content-Length=200 a.gor:1"}},
		{"the answer to a HEAD", file("1 x "+at+"\nHEAD / HTTP/1.1\r\nHost: shop\r\n\r\n", "2 x "+at+"\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
			[]string{at + " HEAD http://shop/ HTTP/1.1 first=-1 dur=-1 body=0: status=200 size=0: Host=shop Content-Length=9 a.gor:1"}},
		{"two requests in one payload", file("1 abcdef12 " + at + "\n" + get + get), []string{gotGet + "1", gotGet + "1"}},
		{"chunks, and an end of the connection", file("1 x "+at+"\nPOST /c HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "2 x "+at+"\nHTTP/1.0 200 OK\r\n\r\nall of it"),
			[]string{at + " POST http://shop/c HTTP/1.1 first=-1 dur=-1 body=3:abc status=200 size=9:all of it Host=shop Transfer-Encoding=chunked a.gor:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytewise": iotest.OneByteReader(strings.NewReader(c.in))} {
				got := read(NewReader(in, "dir/a.gor"))
				if !slices.Equal(got, c.want) {
					t.Errorf("%s\ngot  %s\nwant %s", how, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
				}
			}
		})
	}
}

// TestBrokenRead: an error of the file names the place and stays.
func TestBrokenRead(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader(file("1 x 5\n"+get)+"1 y"), iotest.ErrReader(io.ErrUnexpectedEOF)), "a.gor")
	var q capture.Request
	want := fmt.Sprintf("a.gor: byte %d (payload 1): the file ends in the middle: unexpected EOF", len(file("1 x 5\n"+get)+"1 y"))
	for range 2 {
		if err := r.Next(&q); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestMemoryIsBounded: requests that wait for a response are given up, the oldest first, and a payload of any size is
// read in pieces.
func TestMemoryIsBounded(t *testing.T) {
	const requests = 20_000
	n, largest := 0, 0
	in := func() []byte {
		if n++; n > requests {
			return nil
		}
		return []byte(file(fmt.Sprintf("1 id%d %d\n%s", n, n, get)))
	}
	r := NewReader(&source{next: in}, "a.gor")
	var q capture.Request
	given := 0
	for err := r.Next(&q); err == nil; err = r.Next(&q) {
		given++
		largest = max(largest, r.order.Len())
		if q.At != int64(given) {
			t.Fatalf("request %d arrived at %d", given, q.At)
		}
	}
	if most := maxWaitingBytes/waitingCost + 1; given != requests || largest > most || r.kept != 0 {
		t.Errorf("%d requests, %d waited at most, %d bytes are left, want %d, %d and 0", given, largest, r.kept, requests, most)
	}
	big := 0
	head := "1 x 5\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n"
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	r = NewReader(&source{next: func() []byte {
		switch big++; {
		case big == 1:
			return []byte(head)
		case big < 514:
			return piece
		case big == 514:
			return separator
		}
		return nil
	}}, "a.gor")
	if err := r.Next(&q); err != nil || q.BodySize != 32<<20 || len(q.Body) != capture.MaxBody {
		t.Errorf("a body of 32 MiB: %v, size %d, %d kept, want 1 MiB kept", err, q.BodySize, len(q.Body))
	}
}

// source gives what next returns until that is nothing.
type source struct {
	next func() []byte
	left []byte
}

func (s *source) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		if s.left = s.next(); s.left == nil {
			return 0, io.EOF
		}
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		in   string
		want bool
	}{
		{file("1 b33c9c1a2bae6636d5389a1a47035170c58d367e 1568139746437296000\n" + get), true},
		{file("1 b33c9c1a2bae6636d5389a1a 1568139746437296000 1200\n" + get), true},
		{file("2 b33c9c1a2bae6636d5389a1a 1568139746437296000 1200\n" + ok), true},
		{"1 b33c9c1a-2bae-6636-d538-9a1a47035170c58d367e0123 1568139746437296000\n", true},
		{"1 b33c9c1a2bae6636d5389a1a 1568139746437296000\nnothing of HTTP here, just text", false},
		{"4 b33c9c1a2bae6636d5389a1a 1568139746437296000 1200\n" + get, false},
		{"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n", false},
		{"1 10.0.0.1 - - [23/Nov/2026:14:00:00 +0000] \"GET /a HTTP/1.1\" 200 12\n", false},
		{"1 b33c", false},
		{"", false},
	} {
		if got := Recognise([]byte(c.in)); got != c.want {
			t.Errorf("Recognise(%.60q) = %v, want %v", c.in, got, c.want)
		}
		if got := Recognise([]byte(c.in[:min(len(c.in), sniff)])); got != c.want && len(c.in) > sniff && !strings.Contains(c.in, "nothing") {
			t.Errorf("Recognise of the first %d bytes of %.60q = %v, want %v", sniff, c.in, got, c.want)
		}
	}
}

// TestRealFile compares with what another reader counted.
func TestRealFile(t *testing.T) {
	root := "../../../shared/data"
	table, err := os.ReadFile(filepath.Join(root, "truth/gor.tsv"))
	if err != nil {
		t.Skip("no real GoReplay file here:", err)
	}
	for row := range strings.Lines(string(table)) {
		path, truth, _ := strings.Cut(strings.TrimSpace(row), "\t")
		if path == "file" {
			continue
		}
		want := map[string]string{}
		for part := range strings.SplitSeq(truth, ";") {
			k, v, _ := strings.Cut(part, "=")
			want[k] = v
		}
		f, err := os.Open(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := NewReader(f, path)
		methods, n, bodies, first, last, ordered := map[string]int{}, 0, 0, int64(0), int64(0), "yes"
		var q capture.Request
		for err = r.Next(&q); err == nil; err = r.Next(&q) {
			if n++; n == 1 {
				first = q.At
			}
			if q.At < last {
				ordered = "no"
			}
			last = q.At
			methods[string(q.Method)]++
			if len(q.Body) > 0 && int64(len(q.Body)) == q.BodySize {
				bodies++
			}
			if string(q.Host) != "localhost:3000" || string(q.Header("Host")) != "localhost:3000" {
				t.Errorf("host %q", q.Host)
			}
		}
		if err != io.EOF {
			t.Error(err)
		}
		got := fmt.Sprintf("payloads=%d;types=1:%d;methods=GET:%d,POST:%d;request_bodies=%d;ids=%s;first_ns=%d;last_ns=%d;span_s=%s;in_time_order=%s",
			n, n, methods["GET"], methods["POST"], bodies, want["ids"], first, last, strconv.FormatFloat(float64(last-first)/1e9, 'f', 6, 64), ordered)
		if got != truth {
			t.Errorf("%s\ngot  %s\nwant %s", path, got, truth)
		}
	}
}

func FuzzGor(f *testing.F) {
	f.Add([]byte(file("1 abcdef12 1600000000000000000\n"+get, "2 abcdef12 1600000000000000005 7\n"+ok)))
	f.Add([]byte(file("1 a 1\n"+post, "1 a 1\n"+get, "3 a 1 1\n"+ok) + "1 b 2\n" + post[:40]))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := read(NewReader(bytes.NewReader(in), "f"))
		if again := read(NewReader(iotest.HalfReader(bytes.NewReader(in)), "f")); !slices.Equal(whole, again) {
			t.Fatalf("read in pieces:\n%q\nelse:\n%q", again, whole)
		}
		r := NewReader(bytes.NewReader(in), "f")
		var q capture.Request
		for n := 0; ; n++ {
			err := r.Next(&q)
			if _, bad := errors.AsType[*capture.SyntaxError](err); err != nil && !bad {
				break
			}
			if n > len(in) {
				t.Fatal("more requests than bytes")
			}
			if err == nil && (len(q.Method) == 0 || len(q.Target) == 0 || q.FirstUS < -1 || q.DurUS < -1 || q.DurUS >= 0 && q.DurUS < q.FirstUS) {
				t.Fatalf("%+v is no request", q)
			}
			if err == nil {
				again(t, &q)
			}
		}
	})
}

// again checks that a request comes back as it was once it is written, unless the writer said that it would not.
func again(t *testing.T, q *capture.Request) {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	if err := errors.Join(w.Write(q), w.Close()); err != nil {
		t.Fatal(err)
	}
	if len(w.Losses().Lost)+len(w.Losses().LeftOut) > 0 {
		return
	}
	want := q.Clone()
	want.Src = []byte("w.gor:1")
	got := read(NewReader(&b, "w.gor"))
	if len(got) != 1 || got[0] != line(want) {
		t.Fatalf("came back as\n%s\nwant\n%s", strings.Join(got, "\n"), line(want))
	}
}
