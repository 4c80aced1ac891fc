package capture

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFilter(t *testing.T) {
	q := full()
	post := full()
	post.Method, post.Status, post.Host, post.Target = []byte("POST"), 503, []byte("API.shop.example:8443"), []byte("/a/b/c")
	post.At += int64(time.Hour)
	post.Client = []byte("10.0.0.1")
	for _, test := range []struct {
		name       string
		flags      FilterFlags
		keep, post bool
	}{
		{"nothing", FilterFlags{}, true, true},
		{"since is included", FilterFlags{Since: "2026-11-23T14:00:00.123456789Z"}, true, true},
		{"since a nanosecond later", FilterFlags{Since: "2026-11-23T14:00:00.123456790Z"}, false, true},
		{"until is excluded", FilterFlags{Until: "2026-11-23T16:00:00.123456789+01:00"}, true, false},
		{"both", FilterFlags{Since: "2026-11-23T14:00:00Z", Until: "2026-11-23T14:00:01Z"}, true, false},
		{"host", FilterFlags{Host: "shop.example"}, true, false},
		{"host with any name", FilterFlags{Host: "*.Shop.example"}, false, true},
		{"host with its port", FilterFlags{Host: "api.shop.example:8443"}, false, true},
		{"host with another port", FilterFlags{Host: "api.shop.example:443"}, false, false},
		{"path with its query left out", FilterFlags{Path: "/api/items/42"}, true, false},
		{"one segment", FilterFlags{Path: "/a/*"}, false, false},
		{"any depth", FilterFlags{Path: "/a/**"}, false, true},
		{"any depth in the middle", FilterFlags{Path: "**/items/?2"}, true, false},
		{"two segments", FilterFlags{Path: "/*/*/*"}, true, true},
		{"method", FilterFlags{Method: "post"}, false, true},
		{"status", FilterFlags{Status: "200"}, true, false},
		{"class", FilterFlags{Status: "5xx"}, false, true},
		{"client", FilterFlags{Client: "10.0.0.1"}, false, true},
		{"everything", FilterFlags{Sample: "100%"}, true, true},
		{"all at once", FilterFlags{Host: "shop.example", Method: "GET", Status: "2XX", Path: "/api/**"}, true, false},
	} {
		f, err := ParseFilter(test.flags)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if keep, post := f.Keep(q), f.Keep(post); keep != test.keep || post != test.post {
			t.Errorf("%s: Keep(GET) = %v, Keep(POST) = %v, want %v and %v", test.name, keep, post, test.keep, test.post)
		}
	}
	var none *Filter
	if !none.Keep(q) {
		t.Error("a nil filter does not keep")
	}
}

func TestParseFilterErrors(t *testing.T) {
	for _, test := range []struct {
		flags FilterFlags
		want  string
	}{
		{FilterFlags{Since: "yesterday"}, `--since "yesterday": want an instant`},
		{FilterFlags{Until: "2026-11-23T14:00:00"}, `--until "2026-11-23T14:00:00": want an instant`},
		{FilterFlags{Since: "2026-11-23T14:00:00Z", Until: "2026-11-23T14:00:00Z"}, `not after --since`},
		{FilterFlags{Path: "a"}, `--path "a"`},
		{FilterFlags{Status: "20"}, `--status "20"`},
		{FilterFlags{Status: "0xx"}, `--status "0xx"`},
		{FilterFlags{Status: "+20"}, `--status "+20"`},
		{FilterFlags{Status: "2x"}, `--status "2x"`},
		{FilterFlags{Sample: "0"}, `--sample "0"`},
		{FilterFlags{Sample: "101%"}, `--sample "101%"`},
		{FilterFlags{Sample: "NaN"}, `--sample "NaN"`},
	} {
		if f, err := ParseFilter(test.flags); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseFilter(%+v) = %+v, %v, want an error with %s", test.flags, f, err, test.want)
		}
	}
}

func TestSampleKeepsClientsWhole(t *testing.T) {
	f := &Filter{Sample: 0.2}
	kept := 0
	const clients = 20_000
	for i := range clients {
		q := like(0)
		q.Client = fmt.Appendf(nil, "10.%d.%d.%d", i>>16, i>>8&255, i&255)
		first := f.Keep(q)
		q.At, q.Target, q.Conn = q.At+1e9, []byte("/other"), 7
		if f.Keep(q) != first {
			t.Fatalf("client %s is kept in part", q.Client)
		}
		if first {
			kept++
		}
	}
	if share := float64(kept) / clients; share < 0.19 || share > 0.21 {
		t.Errorf("%.3f of the clients kept, want 0.2", share)
	}
	q := like(0)
	q.Client, q.Conn = nil, 5
	first := f.Keep(q)
	q.Target = []byte("/other")
	if f.Keep(q) != first {
		t.Error("a connection is kept in part")
	}
	// The hash is part of the contract: the same sample today and in a year.
	if got := hash64([]byte("10.0.0.1")); got != 0x7fb1b600f0f5c6d3 {
		t.Errorf("hash64 = %#x, want %#x", got, uint64(0x7fb1b600f0f5c6d3))
	}
}

// FuzzGlob holds the compiled glob against the definition, written as a recursion.
func FuzzGlob(f *testing.F) {
	f.Add("/a/**/c*?", "/a/b/b/cde")
	f.Add("*", "")
	f.Add("/[a].+\\", "/[a].+\\")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 24 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			return
		}
		if got, want := NewGlob(pattern).Match([]byte(text)), globMatches([]rune(pattern), []rune(text)); got != want {
			t.Errorf("glob %q, text %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func globMatches(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case len(p) > 1 && p[0] == '*' && p[1] == '*':
		return globMatches(p[2:], s) || len(s) > 0 && globMatches(p, s[1:])
	case p[0] == '*':
		return globMatches(p[1:], s) || len(s) > 0 && s[0] != '/' && globMatches(p, s[1:])
	}
	return len(s) > 0 && (p[0] == s[0] || p[0] == '?' && s[0] != '/') && globMatches(p[1:], s[1:])
}

func BenchmarkFilter(b *testing.B) {
	f, err := ParseFilter(FilterFlags{Host: "shop.example", Path: "/api/**", Method: "GET", Status: "2xx", Sample: "99%"})
	if err != nil {
		b.Fatal(err)
	}
	q := like(3)
	q.Target = append(q.Target, bytes.Repeat([]byte("&a=b"), 10)...)
	b.ReportAllocs()
	for b.Loop() {
		f.Keep(q)
	}
}
