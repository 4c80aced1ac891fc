package guard

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// staging is the guard of one target with a base path.
func staging(t testing.TB, writes ...string) *Guard {
	t.Helper()
	z := &zone{answers: map[string][]string{"staging.example": {"10.1.2.3"}}}
	g, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://staging.example:8080/base/")}, CapturedHosts: []string{"shop.example"}, AllowWrites: writes}, z)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestURLCorpus builds targets that smuggle another authority in every known way and asserts that each is
// either not sendable, or names no place but the target's when net/http reads it back.
func TestURLCorpus(t *testing.T) {
	evil := []string{"evil.example", "evil.example:80", "169.254.169.254", "[fd00:ec2::254]", "user:pass@evil.example", "127.0.0.1:6379", "shop.example", "EVIL.example."}
	forms := []string{
		"http://%s/x", "https://%s", "HTTP://%s/", "//%s/x", "///%s/x", "////%s", "/\\%s/x", "\\\\%s\\x", "/\\/%s", "%s", "%s/x", "@%s", "/@%s", "/x@%s/y", "/x?u=http://%s/",
		"/%%2f%s/", "/%%2F/%s/", "/%%5c%s", "/..//%s/", "/../%s", "/x/../../%s", "/%%2e%%2e/%s", "/.%%2e/%s/", "/x/%%252e%%252e/%%252e%%252e/%s", "/..;/%s", "/x\r\nHost: %s", "/x HTTP/1.1\r\nHost: %s\r\n\r\n",
		"/x\nHost:%s", "/x\x00%s", "/x\t%s", "/ //%s", "/#@%s", "/x#//%s", "/%%0d%%0aHost:%%20%s", "javascript://%s", "file://%s/etc", "gopher://%s:70/_x", "/x;@%s", "/.//%s", "/%%00//%s", "/:@%s/", "/?//%s", "/?@%s#x", "*%s",
	}
	g := staging(t)
	n, accepted := 0, 0
	for _, form := range forms {
		for _, host := range evil {
			n++
			target := fmt.Sprintf(form, host)
			if _, ok := Sendable([]byte("GET"), []byte(target)); !ok {
				continue
			}
			accepted++
			wantOwn(t, g, target)
		}
	}
	if n < 300 {
		t.Errorf("%d cases, want at least 300", n)
	}
	t.Logf("%d cases, %d sendable", n, accepted)
}

// wantOwn builds the request for an accepted target and reads it with net/http.
func wantOwn(t testing.TB, g *Guard, target string) {
	t.Helper()
	sent := string(g.AppendTarget(nil, 0, target))
	raw := "GET " + sent + " HTTP/1.1\r\nHost: " + g.Host(0) + "\r\n\r\n"
	q, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Errorf("target %q: net/http cannot read the request: %v", target, err)
		return
	}
	if q.RequestURI != sent || q.Host != "staging.example:8080" || q.URL.Host != "" || q.URL.Scheme != "" || len(q.Header) != 0 {
		t.Errorf("target %q: net/http reads %q for host %q, URL host %q, headers %v", target, q.RequestURI, q.Host, q.URL.Host, q.Header)
	}
	if clean := q.URL.JoinPath().Path; clean != "/base" && !strings.HasPrefix(clean, "/base/") {
		t.Errorf("target %q: %q leaves the base path as %q", target, sent, clean)
	}
	if a := g.Addresses(0); len(a) != 1 || a[0].String() != "10.1.2.3:8080" {
		t.Errorf("target %q: the addresses became %v", target, a)
	}
}

func TestSendable(t *testing.T) {
	for _, c := range []struct{ method, target, want string }{
		{"GET", "/", ""}, {"GET", "/a/b?x=1&y=%20", ""}, {"HEAD", "/a//b", ""}, {"POST", "/a/../b", ""}, {"GET", "/ünïcode", ""}, {"GET", "/@user/x", ""}, {"GET", "/a?q=50%", ""}, {"PURGE", "/x", ""},
		{"GET", "/a..b/...", ""}, {"GET", "/a%2Fb", ""},
		{"", "/", "unsendable:method"}, {"G ET", "/", "unsendable:method"}, {"GET\r\n", "/", "unsendable:method"}, {"\x16\x03\x01", "/", "unsendable:method"}, {strings.Repeat("A", 33), "/", "unsendable:method"},
		{"CONNECT", "shop.example:443", "unsendable:connect"}, {"TRACE", "/", "unsendable:trace"}, {"TRACK", "/", "unsendable:trace"},
		{"GET", "", "unsendable:no-target"}, {"OPTIONS", "*", "unsendable:asterisk"}, {"GET", "http://shop.example/", "unsendable:absolute-form"}, {"GET", "x", "unsendable:absolute-form"},
		{"GET", "//shop.example/", "unsendable:network-path"}, {"GET", "/a b", "unsendable:control"}, {"GET", "/a\x7f", "unsendable:control"}, {"GET", "/a\\b", "unsendable:backslash"},
		{"GET", "/a#b", "unsendable:fragment"}, {"GET", "/100%", "unsendable:escape"}, {"GET", "/%zz", "unsendable:escape"}, {"GET", "/..", "unsendable:dot-segments"}, {"GET", "/a/%2e%2E/../b", "unsendable:dot-segments"},
		{"GET", "/" + strings.Repeat("a", maxTarget-1), ""}, {"GET", "/" + strings.Repeat("a", maxTarget), "unsendable:too-long"},
	} {
		got, ok := Sendable([]byte(c.method), []byte(c.target))
		if got != c.want || ok != (c.want == "") {
			t.Errorf("Sendable(%q, %.40q) = %q, %v, want %q", c.method, c.target, got, ok, c.want)
		}
	}
}

func TestWithhold(t *testing.T) {
	for _, c := range []struct {
		method, target, endpoint string
		writes                   []string
		want                     string
	}{
		{"GET", "/a", "", nil, ""}, {"HEAD", "/a", "", nil, ""}, {"OPTIONS", "/a", "", nil, ""},
		{"POST", "/a", "", nil, "write:POST"}, {"PUT", "/a", "", nil, "write:PUT"}, {"PATCH", "/a", "", nil, "write:PATCH"}, {"DELETE", "/a", "", nil, "write:DELETE"},
		{"get", "/a", "", nil, "write:other"}, {"PROPFIND", "/a", "", nil, "write:other"}, {"PURGE", "/a", "", nil, "write:other"},
		{"GET", "/logout", "", nil, "dangerous-path"}, {"GET", "/user/Log%6Fut/", "", nil, "dangerous-path"}, {"GET", "/sign-out?x=1", "", nil, "dangerous-path"}, {"GET", "/logout.php", "", nil, "dangerous-path"},
		{"GET", "/items/5/delete;v=1", "", nil, "dangerous-path"}, {"GET", "/unsubscribe", "", nil, "dangerous-path"}, {"HEAD", "/x/destroy", "", nil, "dangerous-path"}, {"GET", "/logoff", "", nil, "dangerous-path"},
		{"GET", "/x?id=5&action=delete", "", nil, "dangerous-path"}, {"GET", "/x?Action=%4Cogout", "", nil, "dangerous-path"}, {"GET", "/x?_method=PUT", "", nil, "dangerous-path"},
		{"GET", "/logout-help", "", nil, ""}, {"GET", "/deleted", "", nil, ""}, {"GET", "/delete/5", "", nil, ""}, {"GET", "/x?action=view", "", nil, ""}, {"GET", "/x?q=delete", "", nil, ""},
		{"POST", "/a/b", "POST /a/{id}", []string{"**"}, ""}, {"GET", "/logout", "", []string{"**"}, ""}, {"DELETE", "/a", "", []string{"**"}, ""},
		{"POST", "/api/orders/5", "POST /api/orders/{id}", []string{"POST /api/orders/{order}"}, ""}, {"PUT", "/api/orders/5", "PUT /api/orders/{id}", []string{"POST /api/orders/{order}"}, "write:PUT"},
		{"POST", "/api/orders/5?x=1", "", []string{"/api/orders/*"}, ""}, {"POST", "/api/orders/5/pay", "", []string{"/api/orders/*"}, "write:POST"}, {"POST", "/api/orders/5/pay", "", []string{"/api/**"}, ""},
		{"POST", "/search", "", []string{"/x", "POST /search"}, ""}, {"POST", "/searches", "", []string{"/search"}, "write:POST"},
	} {
		got, held := staging(t, c.writes...).Withhold([]byte(c.method), []byte(c.target), c.endpoint)
		if got != c.want || held != (c.want != "") {
			t.Errorf("Withhold(%s %s, %q) with %q = %q, %v, want %q", c.method, c.target, c.endpoint, c.writes, got, held, c.want)
		}
	}
}

func TestForwardHeader(t *testing.T) {
	for _, c := range []struct {
		name, value, connection string
		want                    bool
	}{
		{"User-Agent", "curl/8", "", true}, {"Accept", "*/*", "", true}, {"Range", "bytes=0-1", "", true}, {"If-None-Match", `"x"`, "", true}, {"Content-Type", "a/b", "", true}, {"X-Custom", "1", "close", true},
		{"Host", "shop.example", "", false}, {"HOST", "x", "", false}, {"Connection", "close", "", false}, {"Keep-Alive", "5", "", false}, {"Proxy-Authorization", "x", "", false}, {"Proxy-Connection", "x", "", false},
		{"TE", "trailers", "", false}, {"Trailer", "x", "", false}, {"Transfer-Encoding", "chunked", "", false}, {"transfer-encoding", "chunked", "", false}, {"Upgrade", "h2c", "", false}, {"Content-Length", "5", "", false},
		{"Authorization", "Bearer x", "", false}, {"Cookie", "a=b", "", false}, {"Expect", "100-continue", "", false}, {"X-Forwarded-For", "x", "", false}, {"x-forwarded-host", "x", "", false}, {"Forwarded", "x", "", false},
		{"X-Real-IP", "x", "", false}, {"X-Original-URL", "/admin", "", false}, {"X-HTTP-Method-Override", "DELETE", "", false}, {"Replay-Run", "x", "", false}, {"Sec-WebSocket-Key", "x", "", false},
		{"X-Hop", "1", "close, x-hop", false}, {"X-Other", "1", "close, x-hop", true},
		{"", "x", "", false}, {":path", "/", "", false}, {"Bad Name", "x", "", false}, {"Bad:Name", "x", "", false}, {"Tab\t", "x", "", false}, {"Ünicode", "x", "", false},
		{"X", "a\r\nHost: evil", "", false}, {"X", "a\nb", "", false}, {"X", "a\x00b", "", false}, {"X", "a\rb", "", false},
	} {
		if got := ForwardHeader([]byte(c.name), []byte(c.value), []byte(c.connection)); got != c.want {
			t.Errorf("ForwardHeader(%q, %q, %q) = %v, want %v", c.name, c.value, c.connection, got, c.want)
		}
	}
}

// TestGlobAgainstRegexp compares the matcher with a regular expression on all short strings.
func TestGlobAgainstRegexp(t *testing.T) {
	var subjects []string
	for n, alphabet := 0, "ab/"; n < 1<<10; n++ {
		s := ""
		for k := n; k > 0; k /= 3 {
			s += string(alphabet[k%3])
		}
		subjects = append(subjects, "/"+s)
	}
	for _, p := range []string{"/**", "/a", "/*", "/*/b", "/**/b", "/a*b", "/*a*b*", "/**a/*b", "/*/**/b", "/{x}/b", "/a/{id}", "/**/a/**/b*", "**b", "/a**b*a"} {
		re := regexp.QuoteMeta(p)
		re = regexp.MustCompile(`\\\{[^/]*?\\\}`).ReplaceAllString(re, `[^/]*`)
		re = strings.ReplaceAll(re, `\*\*`, `.*`)
		re = strings.ReplaceAll(re, `\*`, `[^/]*`)
		want := regexp.MustCompile("^(?:" + re + ")$")
		for _, s := range subjects {
			if got := match(p, s); got != want.MatchString(s) {
				t.Fatalf("match(%q, %q) = %v, want %v", p, s, got, !got)
			}
		}
	}
}

func FuzzSendable(f *testing.F) {
	for _, s := range []string{"/", "/a?b=c", "//evil", "/%2e%2e/x", "/x HTTP/1.1\r\nHost: e", "/\xff", "http://e/", "/a%", "/..;/a", "/.%2F..%5c.."} {
		f.Add([]byte("GET"), []byte(s))
	}
	f.Add([]byte("PO ST"), []byte("/"))
	g := staging(f)
	f.Fuzz(func(t *testing.T, method, target []byte) {
		g.Withhold(method, target, "GET /x")
		ForwardHeader(method, target, target)
		if _, ok := Sendable(method, target); !ok {
			return
		}
		wantOwn(t, g, string(target))
		raw := append(append(append([]byte(nil), method...), ' '), target...)
		q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(raw, " HTTP/1.1\r\nHost: staging.example:8080\r\n\r\n"...))))
		if err != nil || q.Method != string(method) || q.RequestURI != string(target) {
			t.Errorf("%q %q: net/http reads %+v, %v", method, target, q, err)
		}
	})
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"http://staging.example", "https://x@y:80/a?b#c", "http://[::1]:8", "http://0x7f.1", "http://bücher.example/../x"} {
		f.Add(s, "shop.example")
	}
	f.Fuzz(func(t *testing.T, s, captured string) {
		u, err := url.Parse(s)
		if err != nil {
			return
		}
		z := &zone{answers: map[string][]string{}}
		g, err := Resolve(t.Context(), Policy{Targets: []*url.URL{u}, CapturedHosts: []string{captured, s}}, z)
		if err != nil || g == nil {
			return
		}
		for _, a := range g.Addresses(0) {
			if g.Allow(a) != nil || refused(a.Addr()) != "" {
				t.Errorf("target %q: %v is pinned and not allowed", s, a)
			}
		}
		if canonical(canonical(captured)) != canonical(captured) && !strings.ContainsAny(captured, ":[]") {
			t.Errorf("canonical(%q) = %q is not a fixed point", captured, canonical(captured))
		}
	})
}
