package capture

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"trafficreplay/capture/redact"
)

// change makes something else of every part.
func change(part, _ []byte) []byte { return bytes.ReplaceAll(part, []byte("secret"), []byte("qqqqqq")) }

// TestCompressedBodiesStayWhatTheyAre: what was changed is encoded in the same codings again, never shorter than before,
// and every decoder reads it; what was not changed stays to the byte.
func TestCompressedBodiesStayWhatTheyAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	var c Contents
	for encoding, codings := range encodings {
		for _, text := range []string{"", "secret", strings.Repeat("a secret ", 20), string(noise) + "secret", string(noise[:700]) + strings.Repeat("secret", 9000)} {
			for _, strip := range []bool{false, true} {
				hs := []Header{{[]byte("Content-Encoding"), []byte(encoding)}}
				body := encodeContent(t, text, codings)
				before := bytes.Clone(body)
				to := change
				if strip {
					to = func(part, _ []byte) []byte { return bytes.Repeat([]byte("q"), len(part)) }
				}
				out, ok := c.Rewrite(hs, body, to)
				if !ok || !bytes.Equal(body, before) || len(out) < len(body) || len(out) > len(body)+16+len(text) {
					t.Fatalf("%s of %d bytes: %d bytes became %d (%v)", encoding, len(text), len(body), len(out), ok)
				}
				want := text
				if len(text) > 0 {
					want = string(to([]byte(text), nil))
				}
				if got := string(c.decodeCopy(t, out, codings)); got != want {
					t.Fatalf("%s of %d bytes: came back as %.100q", encoding, len(text), got)
				}
				if same, ok := c.Rewrite(hs, body, func(part, _ []byte) []byte { return part }); !ok || !bytes.Equal(same, body) {
					t.Errorf("%s of %d bytes: not changed, and yet another body", encoding, len(text))
				}
			}
		}
	}
}

// decodeCopy takes codings off with the standard library where it has them.
func (c *Contents) decodeCopy(t *testing.T, b []byte, codings []coding) []byte {
	t.Helper()
	for i := len(codings) - 1; i >= 0; i-- {
		var r io.Reader
		var err error
		switch codings[i] {
		case codingGzip:
			r, err = gzip.NewReader(bytes.NewReader(b))
		case codingZlib:
			r, err = zlib.NewReader(bytes.NewReader(b))
		case codingDeflate:
			r = flate.NewReader(bytes.NewReader(b))
		default:
			plain, err := c.unpack(b, codings[i], 0)
			if err != nil {
				t.Fatal(err)
			}
			b = bytes.Clone(plain)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestUnreadableBodiesGo: what nobody can look into is dropped, its size stays, and it is counted; pictures stay.
func TestUnreadableBodiesGo(t *testing.T) {
	whole := func(encoding string, n int) []byte {
		return encodeContent(t, `{"password":"hunter22"}`+strings.Repeat(" some text of no kind", n), encodings[encoding])
	}
	bomb := encodeContent(t, strings.Repeat("a", MaxBody+1), []coding{codingGzip})
	ratio := encodeContent(t, strings.Repeat("a", freeRatio*8), []coding{codingZstd})
	for _, c := range []struct {
		name, encoding, kind string
		body                 []byte
		stays                bool
	}{
		{"damaged", "gzip", "application/json", append([]byte("x"), whole("gzip", 3)...), false},
		{"cut", "gzip", "application/json", whole("gzip", 50)[:40], false},
		{"cut br", "br", "", whole("br", 50)[:20], false},
		{"cut zstd", "zstd", "text/html", whole("zstd", 50)[:20], false},
		{"cut deflate", "deflate", "text/html", whole("deflate", 50)[:20], false},
		{"something behind the end", "gzip", "text/plain", append(whole("gzip", 1), "password=hunter22"...), false},
		{"behind the end of br", "br", "text/plain", append(whole("br", 1), "password=hunter22"...), false},
		{"behind the end of zstd", "zstd", "text/plain", append(whole("zstd", 1), "password=hunter22"...), false},
		{"behind the end of deflate", "deflate", "text/plain", append(whole("deflate", 1), "password=hunter22"...), false},
		{"too large", "gzip", "text/plain", bomb, false},
		{"out of proportion", "zstd", "text/plain", ratio, false},
		{"unknown", "compress", "text/plain", []byte("password=hunter22"), false},
		{"chunks of S3 that are none", "aws-chunked, gzip", "text/plain", []byte("4;chunk-signature=ab\r\nabcd"), false},
		{"one unknown", "gzip, exi", "text/plain", whole("gzip", 1), false},
		{"too many", "gzip,gzip,gzip,gzip,gzip", "text/plain", whole("gzip", 1), false},
		{"not encoded", "gzip", "text/plain", []byte("password=hunter22"), false},
		{"octets", "gzip", "application/octet-stream", whole("gzip", 50)[:40], false},
		{"picture", "gzip", "image/png", []byte("\x89PNG\r\n\x1a\n\x00\x01"), true},
	} {
		r := newRedactor(t, RedactOptions{})
		q := &Request{Target: []byte("/x"), Body: c.body, RespBody: c.body, BodySize: int64(len(c.body)), RespSize: Unknown}
		for _, hs := range []*[]Header{&q.Headers, &q.RespHeaders} {
			set(hs, "Content-Type", c.kind)
			set(hs, "Content-Encoding", c.encoding)
		}
		r.Apply(q)
		if c.stays {
			if !bytes.Equal(q.Body, c.body) || !bytes.Equal(q.RespBody, c.body) || r.Hits()["encoded-body"] != 0 {
				t.Errorf("%s: became %q and %q, %v", c.name, q.Body, q.RespBody, r.Hits())
			}
			continue
		}
		if q.Body != nil || q.RespBody != nil || q.BodySize != int64(len(c.body)) || q.RespSize != int64(len(c.body)) || r.Hits()["encoded-body"] != 2 {
			t.Errorf("%s: %d and %d bytes are left of %d, sizes %d and %d, hits %v", c.name, len(q.Body), len(q.RespBody), len(c.body), q.BodySize, q.RespSize, r.Hits())
		}
	}
}

// TestCompressedWithoutAWord: gzip and zstd are known by their first bytes, as many clients send them without a header;
// what only begins like them stays.
func TestCompressedWithoutAWord(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	for _, encoding := range []string{"gzip", "zstd"} {
		q := &Request{Body: encodeContent(t, `{"password":"hunter22"}`, encodings[encoding])}
		r.Apply(q)
		if got := string(unpacked(t, q)); !strings.HasPrefix(got, `{"password":"`) || strings.Contains(got, "hunter22") {
			t.Errorf("%s became %q", encoding, got)
		}
	}
	odd := []byte("\x1f\x8b\x08\x00\x01\x02\x03")
	q := &Request{Body: odd}
	if r.Apply(q); !bytes.Equal(q.Body, odd) {
		t.Errorf("%q became %q", odd, q.Body)
	}
}

// TestCallsStayFramed: the messages of gRPC keep their heads, compressed ones with their new lengths.
func TestCallsStayFramed(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	for encoding, codings := range encodings {
		if len(codings) > 1 {
			continue
		}
		text := protoString(1, "shoes") + protoString(2, "see jane.doe@example.com, "+strings.Repeat("and more ", 30))
		var body []byte
		for i := range 3 {
			body = append(append(body, call(1, string(encodeContent(t, text, codings)))...), call(0, text+protoString(3, fmt.Sprint(i)))...)
		}
		q := &Request{Body: body}
		set(&q.Headers, "Content-Type", "application/grpc")
		set(&q.Headers, "Grpc-Encoding", encoding)
		r.Apply(q)
		got := string(unpacked(t, q))
		if n := strings.Count(got, protoString(1, "shoes")+"\x12"); n != 6 || strings.Contains(got, "jane") || strings.Count(got, ".invalid, and more and more") != 6 {
			t.Errorf("%s became %q", encoding, got)
		}
	}
}

// TestCompressedJSONStaysJSON: what comes out of a compressed body is JSON of the same structure.
func TestCompressedJSONStaysJSON(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	for encoding, codings := range encodings {
		q := &Request{Body: encodeContent(t, `{"user":{"email":"jane@example.com","pin":1234,"tags":["a","b"]},"n":5}`, codings)}
		set(&q.Headers, "Content-Encoding", encoding)
		r.Apply(q)
		var doc struct {
			User struct {
				Email string
				Pin   int
				Tags  []string
			}
			N int
		}
		if err := json.Unmarshal(unpacked(t, q), &doc); err != nil || doc.N != 5 || len(doc.User.Tags) != 2 || !strings.HasSuffix(doc.User.Email, ".invalid") || doc.User.Pin == 1234 {
			t.Errorf("%s became %+v, %v", encoding, doc, err)
		}
	}
}

// TestLengthAgrees: a Content-Length is that of the body as it is kept, the size that of the body as it was sent.
func TestLengthAgrees(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	changed := 0
	for n := range 40 {
		for encoding, codings := range encodings {
			body := encodeContent(t, `{"password":"`+strings.Repeat("hunter2", n+1)+`"}`, codings)
			q := &Request{Body: body, BodySize: int64(len(body))}
			set(&q.Headers, "Content-Encoding", encoding)
			set(&q.Headers, "content-length", fmt.Sprint(len(body)))
			r.Apply(q)
			if got := string(q.Header("Content-Length")); got != fmt.Sprint(len(q.Body)) || q.BodySize != int64(len(body)) {
				t.Errorf("%s: Content-Length %s of %d bytes, size %d of %d", encoding, got, len(q.Body), q.BodySize, len(body))
			}
			if len(q.Body) != len(body) {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no length has changed, so nothing was tested")
	}
}

// TestUserRulesInBodies: a user's names and patterns reach into XML, messages and what is compressed; what a user keeps
// stays there, and so does everything where secrets are to be kept.
func TestUserRulesInBodies(t *testing.T) {
	u := &redact.Rules{Name: "rules.yaml"}
	for _, err := range []error{u.Redact(redact.JSON, "customerNo"), u.Keep(redact.JSON, "password"), u.Pattern("CUST-[0-9]+", redact.Bodies, "customer")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	fill := func(coding string) *Request {
		q := &Request{}
		for _, hs := range []*[]Header{&q.Headers, &q.RespHeaders} {
			set(hs, "Content-Encoding", coding)
		}
		q.Body = encodeContent(t, `{"customerNo":"blue","password":"stay5","x":"CUST-17"}`, encodings[coding])
		q.RespBody = encodeContent(t, `<a><customerNo>blue</customerNo><password>stay5</password><x y="CUST-17"/></a>`, encodings[coding])
		q.Messages = []Message{{Op: "text", Data: []byte(`{"customerNo":"blue","password":"stay5"}`)}, {Op: "binary", Data: []byte("\x00\x01CUST-17, and more\x00")}}
		return q
	}
	for coding := range encodings {
		r, q := newRedactor(t, RedactOptions{Rules: u}), fill(coding)
		r.Apply(q)
		if all := string(unpacked(t, q)); strings.Contains(all, "blue") || strings.Contains(all, "CUST-1") || strings.Count(all, "stay5") != 3 || r.Spared()["json password"] != 3 {
			t.Errorf("%s: became %s, spared %v", coding, all, r.Spared())
		}
		keep, want := fill(coding), dump(fill(coding))
		if newRedactor(t, RedactOptions{KeepSecrets: true}).Apply(keep); !bytes.Equal(dump(keep), want) {
			t.Errorf("%s: with KeepSecrets became %q", coding, dump(keep))
		}
		none := fill(coding)
		if newRedactor(t, RedactOptions{NoBodies: true}).Apply(none); none.Body != nil || none.RespBody != nil || none.Messages[0].Data != nil {
			t.Errorf("%s: with NoBodies %q", coding, dump(none))
		}
	}
}

// FuzzContents: no panic, bounded memory; what is rewritten decodes to what was written.
func FuzzContents(f *testing.F) {
	for encoding, codings := range encodings {
		b := encodeContent(f, `{"a":"a secret"}`, codings)
		f.Add(b, encoding, "")
		f.Add(b[:len(b)/2], encoding, "text/plain")
		f.Add(call(1, string(b)), encoding, "application/grpc")
	}
	f.Add(encodeContent(f, strings.Repeat("a", freeRatio*8), []coding{codingBrotli}), "br", "")
	f.Add([]byte("AAAAAAA="), "", "application/grpc-web-text")
	f.Add(call(0, "secret"), "", "application/grpc-web+proto")
	f.Fuzz(func(t *testing.T, body []byte, encoding, kind string) {
		var c Contents
		hs := []Header{{[]byte("Content-Encoding"), []byte(encoding)}, {[]byte("Content-Type"), []byte(kind)}, {[]byte("Grpc-Encoding"), []byte(encoding)}}
		if len(body) > MaxBody {
			return
		}
		var parts [][]byte
		out, ok := c.Rewrite(hs, body, func(part, kind []byte) []byte {
			parts = append(parts, bytes.Clone(change(part, kind)))
			return change(part, kind)
		})
		if !ok {
			return
		}
		i := 0
		if _, ok = c.Rewrite(hs, out, func(part, _ []byte) []byte {
			if i >= len(parts) || !bytes.Equal(part, parts[i]) {
				t.Fatalf("%s %s: %q became %q, part %d is %q", encoding, kind, body, out, i, part)
			}
			i++
			return part
		}); !ok || i != len(parts) {
			t.Fatalf("%s %s: %q became %q, %d of %d parts", encoding, kind, body, out, i, len(parts))
		}
	})
}

// BenchmarkCompressedBody is a response of 20 KB of JSON in each coding, with nothing to replace and with an address.
func BenchmarkCompressedBody(b *testing.B) {
	for _, name := range []string{"identity", "gzip", "deflate", "zstd", "br"} {
		for _, email := range []string{"", "jane@example.com"} {
			text := `{"items":[` + strings.Repeat(`{"id":12345,"name":"Redshoes","price":49.9,"tags":["sale","new"]},`, 300) + `"` + email + `"]}`
			b.Run(name+map[bool]string{true: "/changed"}[email != ""], func(b *testing.B) {
				r := newRedactor(b, RedactOptions{})
				body := encodeContent(b, text, encodings[name])
				q := &Request{}
				set(&q.RespHeaders, "Content-Encoding", name)
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					q.RespBody = body
					r.Apply(q)
				}
			})
		}
	}
}

// TestBodiesAllocate: what is known and has nothing to replace costs no memory, compressed or not.
func TestBodiesAllocate(t *testing.T) {
	r := newRedactor(t, RedactOptions{})
	for _, encoding := range []string{"identity", "gzip", "deflate", "zstd"} {
		for _, text := range []string{`{"id":5,"name":"Red shoes","tags":["a","b"]}`, "id=5&name=Red+shoes", "<a id='5'><name>Red &amp; shoes</name></a>", "\x0a\x09Red shoes\x10\x05", "Red shoes, and more of them"} {
			body := encodeContent(t, text, encodings[encoding])
			hs := []Header{{[]byte("Content-Encoding"), []byte(encoding)}}
			n := testing.AllocsPerRun(200, func() {
				q := Request{RespHeaders: hs, RespBody: body}
				r.Apply(&q)
			})
			if n != 0 {
				t.Errorf("%s of %q: %v allocations, want 0 (BenchmarkCompressedBody)", encoding, text, n)
			}
		}
	}
}
