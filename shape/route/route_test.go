package route

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
	return t.endpoints[t.Match(method, []byte(target))].ID
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

// lines makes requests "METHOD target [status [size]]".
func lines(in ...string) []request {
	var out []request
	for _, s := range in {
		f := strings.Fields(s)
		r := request{[]byte(f[0]), []byte(f[1]), 200, 1000}
		if len(f) > 2 {
			r.status, _ = strconv.Atoi(f[2])
		}
		if len(f) > 3 {
			r.size, _ = strconv.ParseInt(f[3], 10, 64)
		}
		out = append(out, r)
	}
	return out
}

func used(tb *Table) []string {
	var out []string
	for _, e := range tb.Endpoints() {
		if e.Requests > 0 {
			out = append(out, e.ID)
		}
	}
	return out
}

func repeat(n int, f func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func TestLearnSmall(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []string
		want []string
	}{
		{"nothing", nil, nil},
		{"one path", []string{"GET /"}, []string{"GET /"}},
		{"two integers", []string{"GET /api/items/1", "GET /api/items/2"}, []string{"GET /api/items/{id}"}},
		{"a word beside integers", []string{"GET /items/1", "GET /items/2", "GET /items/3", "GET /items/search", "GET /items/search", "GET /items/search"},
			[]string{"GET /items/search", "GET /items/{id}"}},
		{"words stay", []string{"GET /login", "GET /logout", "GET /about", "GET /contact", "GET /"}, []string{"GET /", "GET /about", "GET /contact", "GET /login", "GET /logout"}},
		{"methods split", []string{"GET /a/1", "HEAD /a/1", "PUT /a/2", "OPTIONS *"}, []string{"GET /a/{id}", "HEAD /a/{id}", "OPTIONS *", "PUT /a/{id}"}},
		{"repeated kinds", []string{"GET /a/1/b/2", "GET /a/3/b/4"}, []string{"GET /a/{id}/b/{id2}"}},
		{"errors do not count", []string{"GET /a", "GET /wp-login.php 404", "POST /x 405", "GET /a/%00 400"}, []string{"GET /a", OtherRead, OtherWrite}},
		{"errors are assigned", []string{"GET /a/1", "GET /a/2", "GET /a/99 404"}, []string{"GET /a/{id}"}},
		{"nothing but errors", []string{"GET /a/1 404", "GET /a/2 404"}, []string{"GET /a/{id}"}},
		{"status unknown", []string{"GET /a/1 0", "GET /a/2 0"}, []string{"GET /a/{id}"}},
		{"odd method", []string{"GET /a", "\x01\x02 /a"}, []string{"GET /a", OtherWrite}},
	} {
		if got := used(learn(Options{}, lines(c.in...))); !slices.Equal(got, c.want) {
			t.Errorf("%s: endpoints %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLearnFiftyRequests(t *testing.T) {
	in := repeat(50, func(i int) string {
		switch i % 5 {
		case 0:
			return fmt.Sprintf("GET /api/items/%d", i)
		case 1:
			return "GET /api/items?page=2"
		case 2:
			return "POST /api/orders 201"
		case 3:
			return "GET /api/users/" + []string{"anna", "ben", "carl", "dora"}[i%4] + "/orders"
		}
		return "GET /health"
	})
	got := used(learn(Options{}, lines(in...)))
	for _, id := range []string{"GET /api/items", "GET /api/items/{id}", "GET /health", "POST /api/orders"} {
		if !slices.Contains(got, id) {
			t.Errorf("endpoints %q, want %q among them", got, id)
		}
	}
	if len(got) > 8 {
		t.Errorf("%d endpoints: %q", len(got), got)
	}
}

func TestLearnStaticSite(t *testing.T) {
	var in []string
	for i := range 300 {
		in = append(in, fmt.Sprintf("GET /images/%s%d.%s 200 %d", nouns[i%7], i%60, []string{"png", "jpg"}[i%2], 900+i*97%5000),
			"GET /css/"+nouns[i%6]+".css", "GET /"+[]string{"index", "about", "team", "faq"}[i%4]+".html")
	}
	want := []string{"GET /about.html", "GET /css/{name}.css", "GET /faq.html", "GET /images/{name}", "GET /index.html", "GET /team.html"}
	got := used(learn(Options{}, lines(in...)))
	if len(got) > 9 || !slices.Contains(got, "GET /about.html") || !slices.Contains(got, "GET /css/{name}.css") {
		t.Errorf("endpoints %q, want about %q", got, want)
	}
}

func TestSelector(t *testing.T) {
	in := repeat(300, func(i int) string {
		return fmt.Sprintf("GET /index.php?action=%s&id=%d", []string{"view", "edit", "list"}[i%3], i)
	})
	in = append(in, repeat(100, func(i int) string { return fmt.Sprintf("GET /search?q=%d", i) })...)
	tb := learn(Options{}, lines(in...))
	want := []string{"GET /index.php?action=edit", "GET /index.php?action=list", "GET /index.php?action=view", "GET /search"}
	if got := used(tb); !slices.Equal(got, want) {
		t.Errorf("endpoints %q, want %q", got, want)
	}
	if got := tb.id("GET", "/index.php?id=1&action=edit"); got != want[0] {
		t.Errorf("falls to %q, want %q", got, want[0])
	}
	if got := tb.id("GET", "/index.php?action=delete"); !strings.HasPrefix(got, "GET /index.php") && got != OtherRead {
		t.Errorf("an unknown value falls to %q", got)
	}
}

func TestRules(t *testing.T) {
	var in []string
	for i := range 200 {
		in = append(in, fmt.Sprintf("GET /shop/item%d%s", i, nouns[i%20]), "GET /shop/sale", "GET /shop/offer", "GET /a/red/x", "GET /a/blue/y", "POST /a/blue/y")
	}
	for _, c := range []struct {
		name string
		rule Rule
		want string // must be there
		gone string // must not
	}{
		{"merge", Rule{Merge: "/a/{name}"}, "GET /a/{name}/x", "GET /a/red/x"},
		{"split", Rule{Split: "/shop/item7" + nouns[7]}, "GET /shop/item7" + nouns[7], ""},
		{"template", Rule{Template: "GET /a/{colour}/{letter}"}, "GET /a/{colour}/{letter}", "GET /a/red/x"},
		{"template without method", Rule{Template: "/a/{colour}/y"}, "POST /a/{colour}/y", "POST /a/blue/y"},
		{"not readable", Rule{Template: "GET a"}, "GET /a/red/x", ""},
	} {
		got := used(learn(Options{Rules: []Rule{c.rule}}, lines(in...)))
		if !slices.Contains(got, c.want) || slices.Contains(got, c.gone) {
			t.Errorf("%s: endpoints %q, want %q and not %q", c.name, got, c.want, c.gone)
		}
	}
}

func TestRuleValidate(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		ok   bool
	}{
		{Rule{Template: "GET /a/{id}"}, true}, {Rule{Template: "/a/{id}"}, true}, {Rule{Merge: "/a/{id}"}, true}, {Rule{Split: "/a/b"}, true},
		{Rule{}, false}, {Rule{Merge: "/a/{id}", Split: "/a/b"}, false}, {Rule{Merge: "/a/b"}, false}, {Rule{Split: "/a/{id}"}, false},
		{Rule{Merge: "GET /a/{id}"}, false}, {Rule{Merge: "/a/{path...}"}, false}, {Rule{Template: "GET /a/{"}, false}, {Rule{Split: "/"}, false},
	} {
		if err := c.rule.Validate(); (err == nil) != c.ok {
			t.Errorf("%+v: Validate() = %v, want ok %v", c.rule, err, c.ok)
		}
	}
}

func TestCap(t *testing.T) {
	in := repeat(3000, func(i int) string { return fmt.Sprintf("GET /r%c/x%c", 'a'+i%26, 'a'+i/26%20) })
	in = append(in, "POST /r 201", "GET /ra", "GET /ra")
	tb := learn(Options{MaxEndpoints: 50}, lines(in...))
	if n := len(tb.Endpoints()); n > 52 {
		t.Errorf("%d endpoints, want at most 50 and the two for everything else", n)
	}
	sum := int64(0)
	for _, e := range tb.Endpoints() {
		sum += e.Requests
	}
	if sum != int64(len(in)) {
		t.Errorf("endpoints hold %d requests, want %d", sum, len(in))
	}
}

func ids(tb *Table) []string {
	var out []string
	for _, e := range tb.Endpoints() {
		out = append(out, fmt.Sprintf("%d %s", e.Requests, e.ID))
	}
	return out
}

func TestOrderDoesNotMatter(t *testing.T) {
	a := newApp(5, unseenApps()["forge"])
	var rs []request
	for range 20_000 {
		r, _ := a.request()
		rs = append(rs, r)
	}
	want := ids(learn(Options{}, rs))
	r := prng(3)
	for i := len(rs) - 1; i > 0; i-- {
		j := r.below(i + 1)
		rs[i], rs[j] = rs[j], rs[i]
	}
	if got := ids(learn(Options{}, rs)); !slices.Equal(got, want) {
		t.Errorf("shuffled requests give other endpoints:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSecondRound learns from requests drawn from the first round's, as a replay of them would produce.
func TestSecondRound(t *testing.T) {
	for name, routes := range unseenApps() {
		a := newApp(6, routes)
		var rs, again []request
		for range 30_000 {
			r, _ := a.request()
			rs = append(rs, r)
		}
		one := learn(Options{}, rs)
		for range rs {
			again = append(again, rs[a.r.below(len(rs))])
		}
		two := learn(Options{}, again)
		share := map[string]float64{}
		for _, r := range again {
			share[one.id(string(r.method), string(r.target))]++
			share[two.id(string(r.method), string(r.target))]--
		}
		tv := 0.0
		for _, d := range share {
			tv += math.Abs(d) / 2 / float64(len(again))
		}
		if tv > 0.05 {
			t.Errorf("%s: mixes of the two rounds differ by %.3f, want at most .05", name, tv)
		}
	}
}

func TestCompiledMatchesAlike(t *testing.T) {
	a := newApp(7, unseenApps()["magazine"])
	var rs []request
	for range 20_000 {
		r, _ := a.request()
		rs = append(rs, r)
	}
	learnt := learn(Options{}, rs)
	var es []Endpoint
	for _, e := range learnt.Endpoints() {
		es = append(es, Endpoint{ID: e.ID})
	}
	compiled, err := Compile(es)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int64, len(es))
	for _, r := range rs {
		i, j := learnt.Match(string(r.method), r.target), compiled.Match(string(r.method), r.target)
		if i != j {
			t.Fatalf("%s %s: learnt %q, compiled %q", r.method, r.target, es[i].ID, es[j].ID)
		}
		counts[i]++
	}
	for i, e := range learnt.Endpoints() {
		if e.Requests != counts[i] {
			t.Errorf("%s: %d requests learnt, %d matched", e.ID, e.Requests, counts[i])
		}
	}
}

func TestExplain(t *testing.T) {
	var in []string
	for i := range 400 {
		in = append(in, fmt.Sprintf("GET /users/%s%d", nouns[i%20], i*7%50), "GET /users/search")
	}
	for _, d := range learn(Options{}, lines(in...)).Explain() {
		if d.Path == "/users/search" {
			if d.Value || d.Requests != 400 || d.Siblings < 5 || d.Values != d.Siblings-1 {
				t.Errorf("decision %+v", d)
			}
			return
		}
	}
	t.Error("no decision on /users/search")
}

func TestAllocations(t *testing.T) {
	l := NewLearner(Options{})
	get, target := []byte("GET"), []byte("/api/%69tems/42/parts?page=1&x=2")
	for i := range 100 {
		l.Add(get, fmt.Appendf(nil, "/api/items/%d/parts?page=1&x=2", i), 200, 1000)
	}
	if n := testing.AllocsPerRun(100, func() { l.Add(get, target, 200, 1000) }); n != 0 {
		t.Errorf("Add allocates %v times for a known path, want 0", n)
	}
	tb := l.Learn()
	for _, target := range []string{"/api/items/42/parts?page=1", "/%61pi/items/x/y", "/" + strings.Repeat("x", 500), "/API/items/1/parts"} {
		b := []byte(target)
		if n := testing.AllocsPerRun(100, func() { tb.Match("GET", b) }); n != 0 {
			t.Errorf("Match(%q) allocates %v times, want 0", target, n)
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

func FuzzLearnMatch(f *testing.F) {
	f.Add([]byte("GET /api/items/1 200\nGET /api/items/2 200\nPOST /x?a=b 404"))
	f.Add([]byte("GET /{id}/%7Bx 200\nGET //a///b/;x=1 200\nOPTIONS * 200\nGET http://h/%zz%2 200"))
	f.Add([]byte("GET /index.php?a=1 200\nGET /index.php?a=2 200"))
	f.Add([]byte("get ~a-p-1.html 0\nGET /~b-p-2.html 0\nGET /news_1 0\nGET /other (GET) 0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := NewLearner(Options{MaxEndpoints: 20, maxNodes: 64})
		var rs []request
		for i, line := range strings.Split(string(data), "\n") {
			m, rest, _ := strings.Cut(line, " ")
			target, status, _ := strings.Cut(rest, " ")
			n, _ := strconv.Atoi(status)
			for k := range 1 + i%4 {
				r := request{[]byte(m), []byte(target), n, int64(k)}
				rs = append(rs, r)
				l.Add(r.method, r.target, r.status, r.size)
			}
		}
		tb := l.Learn()
		var es []Endpoint
		sum := int64(0)
		for _, e := range tb.Endpoints() {
			es = append(es, Endpoint{ID: e.ID})
			sum += e.Requests
		}
		if sum != int64(len(rs)) {
			t.Errorf("endpoints hold %d requests, want %d", sum, len(rs))
		}
		compiled, err := Compile(es)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			i := tb.Match(string(r.method), r.target)
			if e := tb.Endpoints()[i]; e.Method != "" && e.Method != string(r.method) {
				t.Errorf("%q %q falls to %q", r.method, r.target, e.ID)
			}
			if j := compiled.Match(string(r.method), r.target); i != j {
				t.Errorf("%q %q: learnt %q, compiled %q", r.method, r.target, es[i].ID, es[j].ID)
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	f.Add("GET /a/{id}", "/a/1")
	f.Add("GET /{a}-{b}.{c}?k=v", "/x-y-z.q?k=v")
	f.Add("GET /f/{path...}", "/f/a/b")
	f.Fuzz(func(t *testing.T, id, target string) {
		tb, err := Compile([]Endpoint{{ID: id}})
		if err != nil {
			return
		}
		for _, e := range tb.Endpoints() {
			tb.Match(e.Method, []byte(target))
		}
	})
}

func benchRequests(b *testing.B) []request {
	a := newApp(9, unseenApps()["forge"])
	var rs []request
	for range 50_000 {
		r, _ := a.request()
		rs = append(rs, r)
	}
	b.ReportAllocs()
	return rs
}

func BenchmarkAdd(b *testing.B) {
	rs := benchRequests(b)
	l := NewLearner(Options{})
	i := 0
	for b.Loop() {
		r := &rs[i%len(rs)]
		l.Add(r.method, r.target, r.status, r.size)
		i++
	}
}

func BenchmarkMatch(b *testing.B) {
	rs := benchRequests(b)
	tb := learn(Options{}, rs)
	methods := make([]string, len(rs))
	for i, r := range rs {
		methods[i] = string(r.method)
	}
	i := 0
	for b.Loop() {
		tb.Match(methods[i%len(rs)], rs[i%len(rs)].target)
		i++
	}
}

func BenchmarkLearn(b *testing.B) {
	rs := benchRequests(b)
	l := NewLearner(Options{})
	for _, r := range rs {
		l.Add(r.method, r.target, r.status, r.size)
	}
	for b.Loop() {
		l.Learn()
	}
}
