package capture

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// TestCompressedWithoutAWordIsNoHidingPlace: where nothing says that a body is compressed but it plainly is, what cannot be
// read of it goes as it would with a header; what only begins alike stays.
func TestCompressedWithoutAWordIsNoHidingPlace(t *testing.T) {
	text := `{"password":"hunter22"}` + strings.Repeat(" some text of no kind", 50)
	whole := func(encoding string) []byte { return encodeContent(t, text, encodings[encoding]) }
	for _, c := range []struct {
		name string
		body []byte
		want string // whole: decoded and without its secret; gone; same
	}{
		{"zlib", whole("deflate"), "whole"},
		{"gzip that is cut", whole("gzip")[:60], "gone"},
		{"zstd that is cut", whole("zstd")[:len(whole("zstd"))-3], "gone"},
		{"gzip with something behind it", append(whole("gzip"), "password=x"...), "gone"},
		{"too large", encodeContent(t, strings.Repeat(text, 1+MaxBody/len(text)), []coding{codingGzip}), "gone"},
		{"protobuf that begins like zlib", []byte("x\x01\x0a\x05shoes"), "same"},
		{"nothing like gzip", []byte("\x1f\x8b\x08\x00\x01\x02\x03"), "same"},
	} {
		r := newRedactor(t, RedactOptions{})
		q := &Request{Body: c.body, BodySize: int64(len(c.body))}
		r.Apply(q)
		var c2 Contents
		plain, err := c2.decode(q.Body, []coding{codingZlib})
		switch {
		case c.want == "whole" && (err != nil || bytes.Contains(plain, []byte("hunter22")) || !bytes.HasPrefix(plain, []byte(`{"password":"`))),
			c.want == "gone" && (q.Body != nil || q.BodySize != int64(len(c.body)) || r.Hits()["encoded-body"] != 1),
			c.want == "same" && !bytes.Equal(q.Body, c.body):
			t.Errorf("%s: %d bytes became %.60q, size %d, %v, want %s", c.name, len(c.body), q.Body, q.BodySize, r.Hits(), c.want)
		}
	}
}

// TestTextOfCallsThatIsCut: gRPC-web in base64 that ends anywhere is decoded as far as it goes.
func TestTextOfCallsThatIsCut(t *testing.T) {
	body := base64.StdEncoding.EncodeToString(append(call(0, protoString(1, "jane.doe@example.com")), call(0, protoString(1, "shoes"))...))
	for n := range len(body) + 1 {
		r := newRedactor(t, RedactOptions{})
		q := &Request{Body: []byte(body[:n])}
		set(&q.Headers, "Content-Type", "application/grpc-web-text+proto")
		r.Apply(q)
		got, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(q.Body), "="))
		if n >= 40 && bytes.Contains(got, []byte("jane.doe@")) || n > 8 && !bytes.HasPrefix(got, []byte("\x00\x00\x00\x00\x16")) {
			t.Errorf("cut at %d: became %q, which is %q", n, q.Body, got)
		}
	}
	r := newRedactor(t, RedactOptions{})
	q := &Request{Body: []byte(body[:20] + "!" + body[20:])}
	set(&q.Headers, "Content-Type", "application/grpc-web-text")
	if r.Apply(q); q.Body != nil {
		t.Errorf("base64 with a fault in it is kept: %q", q.Body)
	}
}

// TestEnvelopesOfConnect: the streams of the Connect protocol are framed as those of gRPC are.
func TestEnvelopesOfConnect(t *testing.T) {
	packed := encodeContent(t, `{"password":"hunter22"}`, []coding{codingGzip})
	r := newRedactor(t, RedactOptions{})
	q := &Request{Body: append(call(1, string(packed)), call(2, `{"metadata":{"x-api-key":["hunter22"]}}`)...)}
	set(&q.Headers, "Content-Type", "application/connect+json")
	set(&q.Headers, "Connect-Content-Encoding", "gzip")
	r.Apply(q)
	if got := string(unpacked(t, q)); strings.Contains(got, "hunter22") || strings.Count(got, `":`) != 3 {
		t.Errorf("became %q", got)
	}
}

// TestPlacesThatAreNone: what stands where a method, a version or a host does may be anything.
func TestPlacesThatAreNone(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	q := &Request{Method: []byte("GET jane.doe@example.com"), Proto: []byte("HTTP/1.1 jane.doe@example.com"), Scheme: []byte("jane.doe@example.com"), Host: []byte("jane.doe:hunter22@shop.example:80")}
	r.Apply(q)
	if all := string(dump(q)); strings.Contains(all, "jane") || strings.Contains(all, "hunter") || string(q.Host) != "shop.example:80" {
		t.Errorf("became %s", all)
	}
	q = &Request{Method: []byte("VERSION-CONTROL"), Proto: []byte("HTTP/1.1"), Scheme: []byte("https"), Host: []byte("shop.example")}
	want := string(dump(q))
	if r.Apply(q); string(dump(q)) != want {
		t.Errorf("%s became %s", want, dump(q))
	}
}
