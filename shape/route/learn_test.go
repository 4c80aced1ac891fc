package route

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
		i, j := learnt.Match(r.method, r.target), compiled.Match(r.method, r.target)
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
