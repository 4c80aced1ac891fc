package route

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

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
		if n := testing.AllocsPerRun(100, func() { tb.Match(get, b) }); n != 0 {
			t.Errorf("Match(%q) allocates %v times, want 0", target, n)
		}
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
			i := tb.Match(r.method, r.target)
			if e := tb.Endpoints()[i]; e.Method != "" && e.Method != string(r.method) {
				t.Errorf("%q %q falls to %q", r.method, r.target, e.ID)
			}
			if j := compiled.Match(r.method, r.target); i != j {
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
			tb.Match([]byte(e.Method), []byte(target))
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
	i := 0
	for b.Loop() {
		tb.Match(rs[i%len(rs)].method, rs[i%len(rs)].target)
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
