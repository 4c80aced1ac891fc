package session

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"trafficreplay/capture"
)

// visit is a request with the session that it truly belongs to.
type visit struct {
	at     int64
	client string
	agent  string
	truth  int
}

func (v *visit) request() *capture.Request {
	var q capture.Request
	q.Reset()
	q.At, q.Client = v.at, []byte(v.client)
	if v.agent != "" {
		q.Headers = []capture.Header{{Name: []byte("User-Agent"), Value: []byte(v.agent)}}
	}
	return &q
}

// population is people whose think times and absences are lognormal, and one address that 500 people share.
func population(seed uint64, prefix string) []visit {
	rng := rand.New(rand.NewPCG(seed, 5))
	var out []visit
	truth := 0
	hours := 6 * float64(time.Hour)
	person := func(client, agent string, at float64, sessions int) {
		for range sessions {
			for i := 0; i == 0 || rng.IntN(6) > 0; i++ {
				out = append(out, visit{int64(at), client, agent, truth})
				at += math.Exp(math.Log(15)+rng.NormFloat64()*0.9) * 1e9
			}
			truth++
			at += math.Exp(math.Log(5400)+rng.NormFloat64()*0.5) * 1e9
		}
	}
	for i := range 600 {
		person(fmt.Sprintf("%suser%d", prefix, i), "Mozilla", rng.Float64()*hours, 1+rng.IntN(3))
	}
	for range 500 {
		person(prefix+"nat", fmt.Sprintf("agent %d", rng.IntN(8)), rng.Float64()*hours, 1)
	}
	slices.SortStableFunc(out, func(a, b visit) int { return int(max(min(a.at-b.at, 1), -1)) })
	return out
}

// Experiment 19: sessions come back as they were, and the shared address never is one session.
func TestSessionsOfKnownPeople(t *testing.T) {
	vs := population(1, "")
	s := NewSurvey()
	for i := range vs {
		s.Add(vs[i].request())
	}
	rules := s.Rules()
	t.Logf("timeout %v, %d shared", rules.Timeout, len(rules.Shared))
	if rules.Timeout < 3*time.Minute || rules.Timeout > 40*time.Minute {
		t.Errorf("timeout %v, want one between thinking and absence", rules.Timeout)
	}
	if !rules.Shared["nat"] || len(rules.Shared) != 1 {
		t.Errorf("shared addresses %v, want nat alone", rules.Shared)
	}
	tr := NewTracker(rules)
	got := map[uint64][]int{}
	size := map[int]int{}
	for i := range vs {
		id := tr.Assign(vs[i].request())
		if vs[i].client == "nat" {
			if !id.First || id.Offset != 0 {
				t.Fatalf("request of a shared address is not a session of its own: %+v", id)
			}
			continue
		}
		got[id.Session] = append(got[id.Session], vs[i].truth)
		size[vs[i].truth]++
	}
	right := 0
	for _, truths := range got {
		if len(truths) == size[truths[0]] && slices.Max(truths) == slices.Min(truths) {
			right++
		}
	}
	precision, recall := float64(right)/float64(len(got)), float64(right)/float64(len(size))
	f1 := 2 * precision * recall / (precision + recall)
	t.Logf("F1 %.3f of %d sessions", f1, len(size))
	if f1 < 0.95 {
		t.Errorf("F1 of whole sessions is %v, want at least 0.95", f1)
	}
}

func TestNumbersDoNotDependOnPseudonyms(t *testing.T) {
	a, b := population(2, ""), population(2, "zz-other-")
	ta, tb := NewTracker(Rules{}), NewTracker(Rules{})
	for i := range a {
		if x, y := ta.Assign(a[i].request()), tb.Assign(b[i].request()); x != y {
			t.Fatalf("request %d: %+v under one pseudonym, %+v under another", i, x, y)
		}
	}
}

func TestAssign(t *testing.T) {
	minute := int64(time.Minute)
	tr := NewTracker(Rules{Timeout: 10 * time.Minute})
	for i, c := range []struct {
		v    visit
		want ID
	}{
		{visit{at: 5, client: "a"}, ID{0, 0, 0, true}},
		{visit{at: 6, client: "b"}, ID{1, 1, 0, true}},
		{visit{at: 5 + 10*minute, client: "a"}, ID{0, 0, 10 * minute, false}},
		{visit{at: 5 + 10*minute, client: "a"}, ID{0, 0, 10 * minute, false}},
		{visit{at: 6 + 20*minute, client: "a"}, ID{2, 0, 0, true}},
		{visit{at: 6 + 20*minute, client: "a", agent: "x"}, ID{3, 2, 0, true}},
		{visit{at: 6 + 20*minute}, ID{4, 3, 0, true}},
		{visit{at: 6 + 20*minute}, ID{5, 4, 0, true}},
		{visit{at: 7 + 20*minute, client: "b"}, ID{6, 1, 0, true}},
	} {
		if got := tr.Assign(c.v.request()); got != c.want {
			t.Errorf("request %d: %+v, want %+v", i, got, c.want)
		}
	}
}

// Without an address, a connection is a client.
func TestConnectionsAreClients(t *testing.T) {
	tr := NewTracker(Rules{})
	ask := func(src string, conn int64) uint64 {
		var q capture.Request
		q.Reset()
		q.Src, q.Conn = []byte(src), conn
		return tr.Assign(&q).Client
	}
	if a, b, c, d := ask("x.pcap:1", 7), ask("x.pcap:2", 7), ask("x.pcap:3", 8), ask("y.pcap:4", 7); a != b || a == c || a == d {
		t.Errorf("clients %d %d %d %d, want the first two alike", a, b, c, d)
	}
}

func TestNoEnormousSession(t *testing.T) {
	tr := NewTracker(Rules{})
	sizes := map[uint64]int{}
	for i := range 10000 {
		v := visit{at: int64(i) * 1e8, client: "crawler"}
		sizes[tr.Assign(v.request()).Session]++
	}
	for _, n := range sizes {
		if n > maxRequests {
			t.Errorf("a session of %d requests, want at most %d", n, maxRequests)
		}
	}
	if tr.Split != 9000 {
		t.Errorf("%d requests split off, want 9000", tr.Split)
	}
	agents := NewTracker(Rules{})
	for i := range 100 {
		v := visit{at: int64(i) * 1e8, client: "proxy", agent: fmt.Sprint(i % 50)}
		if id := agents.Assign(v.request()); i > 50 && !id.First {
			t.Fatalf("request %d of a proxy with 50 agents goes on with a session", i)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l := newLRU[int](3)
	for i, k := range []string{"a", "b", "c", "a", "d", "b"} {
		v, fresh, gone := l.get([]byte(k))
		*v = i + 1
		wantGone := map[int]int{4: 2, 5: 3}[i] // b's and c's values
		if (gone != nil) != (wantGone > 0) || gone != nil && *gone != wantGone {
			t.Errorf("step %d: forgot %v, want %d", i, gone, wantGone)
		}
		if fresh != (i != 3) {
			t.Errorf("step %d: fresh = %v", i, fresh)
		}
	}
	if len(l.index) != 3 {
		t.Errorf("%d entries, want 3", len(l.index))
	}
}

func TestTimeout(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name     string
		gap      func() float64
		n        int
		min, max time.Duration
	}{
		{"too few", func() float64 { return 10 }, 50, 30 * time.Minute, 30 * time.Minute},
		{"one mode", func() float64 { return math.Exp(3 + rng.NormFloat64()) }, 5000, 30 * time.Minute, 30 * time.Minute},
		{"thinking and coming back next day", func() float64 {
			if rng.IntN(4) == 0 {
				return math.Exp(math.Log(40000) + 0.7*rng.NormFloat64())
			}
			return math.Exp(math.Log(20) + rng.NormFloat64())
		}, 20000, 2 * time.Minute, time.Hour},
		{"two paces of thinking", func() float64 { return []float64{3, 60}[rng.IntN(2)] * math.Exp(0.2*rng.NormFloat64()) }, 5000, 30 * time.Minute, 30 * time.Minute},
	} {
		var g gaps
		for range c.n {
			g.add(int64(c.gap() * 1e9))
		}
		if got := g.timeout(); got < c.min || got > c.max {
			t.Errorf("%s: timeout %v, want %v to %v", c.name, got, c.min, c.max)
		} else {
			t.Logf("%s: %v", c.name, got)
		}
	}
}

func BenchmarkAssign(b *testing.B) {
	vs := population(3, "")
	qs := make([]*capture.Request, len(vs))
	for i := range vs {
		qs[i] = vs[i].request()
	}
	tr := NewTracker(Rules{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tr.Assign(qs[i%len(qs)])
	}
}

// Assigning a known client is on the path of every planned request.
func TestAssignDoesNotAllocate(t *testing.T) {
	tr := NewTracker(Rules{})
	v := visit{client: "a", agent: "b"}
	q := v.request()
	tr.Assign(q)
	if n := testing.AllocsPerRun(100, func() { tr.Assign(q) }); n != 0 {
		t.Errorf("Assign allocates %v times, want 0", n)
	}
}
