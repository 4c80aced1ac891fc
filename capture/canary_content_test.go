package capture

import (
	"encoding/binary"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
)

// call is a message of gRPC with what stands before it.
func call(flags byte, message string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

// protoString is a field of protobuf.
func protoString(field byte, s string) string {
	return string(append(binary.AppendUvarint([]byte{field<<3 | 2}, uint64(len(s))), s...))
}

// compressedPlaces are bodies in content codings: JSON, XML, forms and multipart in each, and messages of gRPC. They
// hold any canary.
func compressedPlaces(t testing.TB) (list []place) {
	js := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	bodies := []struct {
		kind string
		make func(s string) string
	}{
		{"application/json", func(s string) string { return `{"password":` + js(s) + `,"x":"shoes"}` }},
		{"text/xml", func(s string) string { return "<a><password>" + html.EscapeString(s) + "</password><x>shoes</x></a>" }},
		{"application/x-www-form-urlencoded", func(s string) string { return "x=shoes&password=" + url.QueryEscape(s) }},
		{"multipart/form-data; boundary=XX", func(s string) string {
			return "--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + s + "\r\n--XX--\r\n"
		}},
		{"", func(s string) string { return `{"password":` + js(s) + `}` }},
	}
	for encoding, codings := range encodings {
		for _, b := range bodies {
			list = append(list, place{encoding + " " + b.kind, true, func(q *Request, s string) {
				fill := strings.Repeat(" ", 1+len(s)%40)
				for _, of := range []struct {
					hs *[]Header
					to *[]byte
				}{{&q.Headers, &q.Body}, {&q.RespHeaders, &q.RespBody}} {
					set(of.hs, "Content-Type", b.kind)
					set(of.hs, "content-encoding", encoding)
					*of.to = encodeContent(t, b.make(s+fill), codings)
				}
				q.BodySize = int64(len(q.Body))
			}})
		}
	}
	for _, encoding := range []string{"gzip", "deflate", "zstd", "br"} {
		list = append(list, place{"gRPC in " + encoding, false, func(q *Request, s string) {
			packed := encodeContent(t, protoString(1, s), encodings[encoding])
			set(&q.Headers, "Content-Type", "application/grpc")
			set(&q.Headers, "grpc-encoding", encoding)
			q.Body = append(call(1, string(packed)), call(0, protoString(2, s))...)
			q.BodySize = int64(len(q.Body))
			q.Messages = []Message{{Dir: 'c', Op: "grpc", Data: packed}, {Dir: 'c', Op: "grpc", Data: []byte(protoString(2, s))}}
		}})
	}
	return list
}

// encodings are values of Content-Encoding.
var encodings = map[string][]coding{
	"gzip": {codingGzip}, "x-gzip": {codingGzip}, "deflate": {codingZlib}, "Deflate": {codingDeflate}, "zstd": {codingZstd}, "br": {codingBrotli},
	"gzip, br": {codingGzip, codingBrotli}, "deflate,identity,zstd": {codingZlib, codingZstd},
}

// encodeContent is what a server sends.
func encodeContent(t testing.TB, s string, codings []coding) []byte {
	t.Helper()
	b, ok := new(recoder).pack([]byte(s), codings, 0)
	if !ok {
		t.Fatalf("%v: %q cannot be encoded", codings, s)
	}
	return b
}

// unpacked is every byte of q's bodies and messages before codings and framing.
func unpacked(t testing.TB, q *Request) []byte {
	t.Helper()
	var all []byte
	keep := func(part, _ []byte) []byte {
		all = append(append(all, part...), '\n')
		return part
	}
	var c Contents
	for _, of := range []struct {
		hs []Header
		b  []byte
	}{{q.Headers, q.Body}, {q.RespHeaders, q.RespBody}} {
		if _, ok := c.Rewrite(of.hs, of.b, keep); !ok {
			t.Errorf("%q is kept and cannot be read", of.b)
		}
	}
	for i := range q.Messages {
		if _, ok := c.RewriteMessage(q, i, keep); !ok {
			t.Errorf("message %q is kept and cannot be read", q.Messages[i].Data)
		}
	}
	return all
}
