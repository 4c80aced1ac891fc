package redact

import (
	"strings"
	"testing"
)

// TestHostileValues feeds values that make a careless detector quadratic: a megabyte of each would take hours.
func TestHostileValues(t *testing.T) {
	const size = 32 << 10
	for _, unit := range []string{
		"@", "a@", "a.a@", "://", "a://", ":", "::", "1:", "=", "code=", "pin=", "user=x&", "<a>", "<pin>", ">", "-----BEGIN ", "-----END ", "eyJ", "eyJ-", "npm_aeio_", "ghp_", "token+", "Basic ", "bearer abc ",
		"+1", "(212) ", "4111 ", "41-", "1.", "1.1.1.", "DE89 ", "DE89", "%", "%25", "%2", "%2525", "aB3", "aB3dE5-", "aB3/", "a/", "\\", "\"", "{", "[", "{\"a\":", "\"a\",", "\\u0041", "[\"", "{\"token\":[", "--x\r\n", "--x\r\n\r\n", ";", ";sid=", "&", "reset/",
		"<", "</", "<a ", "<a b=", "<a b=\"", "<a b='<c d=\"", "<a/b=", "<input name=pin>", "<pin", "</a>", "<a><b></a>", "<!--", "<![CDATA[", "<![CDATA[]]>", "<key>pin</key>", "<script>", "</scrip", "&#", "&#64;", "&amp;",
		"'", "pin=a;", "\npin:", "{\"name\":\"pin\",\"value\":\"b\",", "{\"value\":\"b\",\"name\":\"pin\"", "--x\n\n\r\n\r\n", ";name=\"", "://a@", "@a.pdf", "'a@a.aa'", ",a=", "\x0a\x06\x0a\x01a\x12\x01b", "data:image/a;base64,", "{a:", "{'a':'", ")]}'", "data: {", "\"pin\":\"", "\\\"pin\\\":\\\"", "password: ", "x\x00", "\n\x01", "\n\x7f", "\x0a\x02\x0a\x00", "\x00\x40", "\xd9\x20", "= \r\n", "=41", "=\r\n", "a\x00", "\xff\xfe", "--x\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		"--x\r\nContent-Type: multipart/mixed\r\n\r\n", "eyJhIjoi", "amFuZS5kb2VAZXhhbXBsZS5jb20=", "\xff", "\xc3\xa4", "é@é.", "\x00",
	} {
		v := []byte(strings.Repeat(unit, size/len(unit)))
		m := New(nil)
		for name, got := range map[string][]byte{
			"text": m.Text(v), "target": m.Target(append([]byte("/"), v...))[1:], "query": m.Target(append([]byte("/?"), v...))[2:], "JSON": m.Body(v, []byte("application/json")),
			"form": m.Body(v, []byte("application/x-www-form-urlencoded")), "multipart": m.Body(v, []byte("multipart/form-data; boundary=x")),
			"XML": m.Body(v, []byte("text/xml")), "XML in JSON": m.Body(append([]byte("{\"a\":\"<"), v...), nil)[7:], "binary": m.Body(append([]byte{0, 1, 2, 3}, v...), nil)[4:], "gRPC": m.Body(v, []byte("application/grpc")), "events": m.Body(v, []byte("text/event-stream")),
			"media": m.Body(v, []byte("image/png")), "nested": m.Body(append([]byte("--x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"), v...), []byte("multipart/mixed"))[52:], "wide": m.Body(append([]byte{0xff, 0xfe}, v...), nil)[2:], "cookie": m.Header([]byte("Cookie"), v), "agent": m.Header([]byte("User-Agent"), v),
		} {
			if len(got) != len(v) {
				t.Errorf("%s of %q: %d bytes became %d", name, unit, len(v), len(got))
			}
		}
	}
}
