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
		"eyJhIjoi", "amFuZS5kb2VAZXhhbXBsZS5jb20=", "\xff", "\xc3\xa4", "é@é.", "\x00",
	} {
		v := []byte(strings.Repeat(unit, size/len(unit)))
		m := New(nil)
		for name, got := range map[string][]byte{
			"text": m.Text(v), "target": m.Target(append([]byte("/"), v...))[1:], "query": m.Target(append([]byte("/?"), v...))[2:], "JSON": m.Body(v, []byte("application/json")),
			"form": m.Body(v, []byte("application/x-www-form-urlencoded")), "multipart": m.Body(v, []byte("multipart/form-data")), "cookie": m.Header([]byte("Cookie"), v), "agent": m.Header([]byte("User-Agent"), v),
		} {
			if len(got) != len(v) {
				t.Errorf("%s of %q: %d bytes became %d", name, unit, len(v), len(got))
			}
		}
	}
}
