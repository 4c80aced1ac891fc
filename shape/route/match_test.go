package route

import (
	"slices"
	"strings"
	"testing"
)

func normal(target string) string {
	var p path
	p.split([]byte(target))
	var s []string
	for i := range p.n {
		s = append(s, string(p.segment(i)))
	}
	return strings.Join(s, " ") + "|" + string(p.query)
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ name, target, want string }{
		{"root", "/", "|"},
		{"empty", "", "|"},
		{"plain", "/api/items/42?x=1", "api items 42|x=1"},
		{"slashes", "//api///items/42/", "api items 42|"},
		{"unreserved decoded", "/a%62c/%7Euser", "abc ~user|"},
		{"reserved kept", "/a%2fb/100%25", "a%2Fb 100%25|"},
		{"lone percent", "/100%/x", "100%25 x|"},
		{"braces", "/{id}/%7bx%7D", "%7Bid%7D %7Bx%7D|"},
		{"parameters", "/servlet/A;jsessionid=1F/x;v=2", "servlet A x|"},
		{"semicolon alone", "/a;b/c", "a;b c|"},
		{"encoded semicolon stays", "/a%3bb=c", "a%3Bb=c|"},
		{"not ASCII", "/caf\xc3\xa9", "caf%C3%A9|"},
		{"absolute form", "http://shop.example/a/b?q=/c", "a b|q=/c"},
		{"absolute form without path", "http://shop.example", "|"},
		{"star", "*", starSegment + "|"},
		{"fragment", "/a#b", "a|"},
		{"query with slash", "/a?next=/b", "a|next=/b"},
	} {
		if got := normal(c.target); got != c.want {
			t.Errorf("%s: split(%q) = %q, want %q", c.name, c.target, got, c.want)
		}
	}
	long := strings.Repeat("x", 4000)
	if got := normal("/" + long + ".json"); len(got) != maxSegment+1 || !strings.HasSuffix(got, ".json|") {
		t.Errorf("a long segment becomes %q", got)
	}
	if got := normal(strings.Repeat("/%20", 4000)); strings.Count(got, "%20") != maxDepth {
		t.Errorf("a deep path keeps %d segments, want %d", strings.Count(got, "%20"), maxDepth)
	}
}

func TestKindOf(t *testing.T) {
	for s, want := range map[string]Kind{
		"": Any, "42": Int, "0": Int, "v1": Any, "42a": Any, "items": Any,
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8": UUID, "6ba7b810-9dad-11d1-80b4-00c04fd430zz": Token,
		"deadbeef": Any, "deadbee1": Hex, "DEADBEE1": Hex, "abc12": Any,
		"2026-11-23": Date, "2026-11-23T10:00:00Z": Date, "2026-11": Any, "version-2026-11-23": Any,
		"a@b.org": Email, "a@b": Any, "@scope": Any,
		"g6cwiIJczK9mkCDdqcMUzX": Token, "understanding-the-river": Any, "app.3f9a8b7c6d5e4f3a.js": Any,
	} {
		if got := kindOf([]byte(s)); got != want {
			t.Errorf("kindOf(%q) = %v, want %v", s, got, want)
		}
	}
}

func compile(t *testing.T, ids ...string) *Table {
	t.Helper()
	var es []Endpoint
	for _, id := range ids {
		es = append(es, Endpoint{ID: id})
	}
	tb, err := Compile(es)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func (t *Table) id(method, target string) string {
	return t.endpoints[t.Match([]byte(method), []byte(target))].ID
}

func TestMatch(t *testing.T) {
	tb := compile(t, "GET /", "GET /api/items/{id}", "GET /api/items/{name}", "GET /api/items/new", "POST /api/items",
		"GET /api/{name}/list", "GET /files/{path...}", "GET /files/{name}.json", "GET /files/special/{name}", "GET /{slug}-p-{id}.html", "GET /news_{id}.html",
		"GET /index.php", "GET /index.php?action=login", "GET /index.php?action=", "OPTIONS *", "HEAD /api/items/{id}", "GET /{id}_{id2}x{id3}.jpg", "GET /c/{base}...{head}",
		"GET /users/{uuid}", "GET /users/{email}", "GET /a/{id}/b", "GET /a/x/c")
	for _, c := range []struct{ name, method, target, want string }{
		{"root", "GET", "/", "GET /"},
		{"typed before untyped", "GET", "/api/items/7?x", "GET /api/items/{id}"},
		{"untyped", "GET", "/api/items/seven", "GET /api/items/{name}"},
		{"literal first", "GET", "/api/items/new", "GET /api/items/new"},
		{"backtracking", "GET", "/api/items/list", "GET /api/items/{name}"},
		{"backtracking over a literal", "GET", "/a/x/b", "GET /a/{id}/b"},
		{"by method", "POST", "/api/items/", "POST /api/items"},
		{"loosely typed", "HEAD", "/api/items/seven", "HEAD /api/items/{id}"},
		{"rest", "GET", "/files/a/b/c", "GET /files/{path...}"},
		{"rest needs a segment", "GET", "/files", OtherRead},
		{"affix before rest", "GET", "/files/a.json", "GET /files/{name}.json"},
		{"literal before rest", "GET", "/files/special/a", "GET /files/special/{name}"},
		{"back to rest", "GET", "/files/special/a/b", "GET /files/{path...}"},
		{"infix", "GET", "/red-shoes-p-12.html", "GET /{slug}-p-{id}.html"},
		{"infix, marker twice", "GET", "/a-p-p-1-p-12.html", "GET /{slug}-p-{id}.html"},
		{"prefix", "GET", "/news_12.html", "GET /news_{id}.html"},
		{"numbers in a row", "GET", "/12_300x200.jpg", "GET /{id}_{id2}x{id3}.jpg"},
		{"dots between", "GET", "/c/main...topic", "GET /c/{base}...{head}"},
		{"selector", "GET", "/index.php?x=1&action=login", "GET /index.php?action=login"},
		{"selector, empty value", "GET", "/index.php?action=&x", "GET /index.php?action="},
		{"selector, other value", "GET", "/index.php?action=logout", "GET /index.php"},
		{"star", "OPTIONS", "*", "OPTIONS *"},
		{"capitals", "GET", "/API/ITEMS/NEW", "GET /api/items/new"},
		{"encoded", "GET", "/%61pi/items/8", "GET /api/items/{id}"},
		{"session parameter", "GET", "/api/items/8;jsessionid=3", "GET /api/items/{id}"},
		{"uuid", "GET", "/users/6ba7b810-9dad-11d1-80b4-00c04fd430c8", "GET /users/{uuid}"},
		{"email", "GET", "/users/a@b.org", "GET /users/{email}"},
		{"nothing fits", "GET", "/x/y/z", OtherRead},
		{"nothing fits, HEAD", "HEAD", "/x", OtherRead},
		{"nothing fits, write", "DELETE", "/x", OtherWrite},
		{"unknown method", "BREW", "/", OtherWrite},
	} {
		if got := tb.id(c.method, c.target); got != c.want {
			t.Errorf("%s: Match(%s %s) = %q, want %q", c.name, c.method, c.target, got, c.want)
		}
	}
}

func TestManualGoesFirst(t *testing.T) {
	tb, err := Compile([]Endpoint{{ID: "GET /api/users/{name}"}, {ID: "GET /api/{name}/list", Manual: true}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tb.id("GET", "/api/users/list"); got != "GET /api/{name}/list" {
		t.Errorf("falls to %q, want the endpoint written by hand", got)
	}
}

func TestCompileFillsIn(t *testing.T) {
	e := compile(t, "GET /a/{id}/b_{name}.json?op=x/y").Endpoints()[0]
	if e.Method != "GET" || e.Template != "/a/{id}/b_{name}.json" || e.Selector != "op=x/y" {
		t.Errorf("got %+v", e)
	}
	want := []Param{{Name: "id", Kind: Int, Segment: 1}, {Name: "name", Segment: 2}}
	if !slices.Equal(e.Params, want) {
		t.Errorf("parameters %v, want %v", e.Params, want)
	}
	e = compile(t, "GET /f/{path...}").Endpoints()[0]
	if want := []Param{{Name: "path", Segment: 1, Rest: true}}; !slices.Equal(e.Params, want) {
		t.Errorf("parameters %v, want %v", e.Params, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []string
		want string
	}{
		{"no method", []string{"/a"}, "no method"},
		{"no path", []string{"GET a"}, "begins with /"},
		{"space", []string{"GET /a b"}, "no space"},
		{"bad method", []string{"G=T /a"}, "not a method"},
		{"twice", []string{"GET /a", "GET /a"}, "twice"},
		{"same meaning", []string{"GET /a/{id}", "GET /a/{id2}"}, "means the same"},
		{"open brace", []string{"GET /a/{id"}, "a parameter is written"},
		{"closed brace", []string{"GET /a}"}, "} without {"},
		{"no name", []string{"GET /a/{}"}, "a parameter is written"},
		{"adjacent", []string{"GET /a/{id}{name}"}, "without anything"},
		{"rest in the middle", []string{"GET /a/{path...}/b"}, "must come last"},
		{"rest with affix", []string{"GET /a/x{path...}"}, "stands alone"},
		{"selector without key", []string{"GET /a?=b"}, "?key=value"},
		{"two selectors", []string{"GET /a?b=1", "GET /a?c=1"}, "told apart"},
		{"deep", []string{"GET " + strings.Repeat("/a", maxDepth+1)}, "segments"},
	} {
		var es []Endpoint
		for _, id := range c.ids {
			es = append(es, Endpoint{ID: id})
		}
		if _, err := Compile(es); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Compile(%q) = %v, want an error with %q", c.name, c.ids, err, c.want)
		}
	}
}

// TestDeepSearchEnds matches a path against templates that offer two readings at every segment.
func TestDeepSearchEnds(t *testing.T) {
	var all []string
	for i := range maxDepth {
		all = append(all, "GET "+strings.Repeat("/a", i)+strings.Repeat("/{name}", maxDepth-1-i)+"/end")
	}
	tb := compile(t, all...)
	if got := tb.id("GET", strings.Repeat("/a", maxDepth)); got != OtherRead {
		t.Errorf("falls to %q", got)
	}
}
