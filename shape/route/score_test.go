package route

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// request is a line of an access log.
type request struct {
	method, target []byte
	status         int
	size           int64
}

// sharedData returns the path of a file of the shared test data, and skips the test if it is absent.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above the test: shared data cannot be found")
		}
	}
	p := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("shared data is absent: %v", err)
	}
	return p
}

func readLines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		sc = bufio.NewScanner(z)
	}
	sc.Buffer(make([]byte, 1<<20), 1<<20)
	var out []string
	for sc.Scan() {
		out = append(out, sc.Text())
	}
	if sc.Err() != nil {
		t.Fatal(sc.Err())
	}
	return out
}

// parseCombined reads the request, status and size of a line in combined format.
func parseCombined(line string) (r request, ok bool) {
	_, rest, ok := strings.Cut(line, "\"")
	req, rest, ok2 := strings.Cut(rest, "\"")
	f := strings.Fields(req)
	if !ok || !ok2 || len(f) < 2 {
		return r, false
	}
	r.method, r.target = []byte(f[0]), []byte(f[1])
	if f = strings.Fields(rest); len(f) >= 2 {
		r.status, _ = strconv.Atoi(f[0])
		r.size, _ = strconv.ParseInt(f[1], 10, 64)
	}
	return r, true
}

func learn(o Options, rs []request) *Table {
	l := NewLearner(o)
	for _, r := range rs {
		l.Add(r.method, r.target, r.status, r.size)
	}
	return l.Learn()
}

// scored is what score.py of the route sets prints.
type scored struct {
	ga, alt           float64
	templates, routes int
}

type truthLine struct{ route, alt string }

// score computes grouping accuracy over the clean requests: ga counts groups that are exactly a true group;
// alt also those that are exactly an alternative group, or lie in one route and cut no alternative group.
func score(got []string, truth []truthLine) scored {
	np, nt, na := map[string]int{}, map[string]int{}, map[string]int{}
	type pair struct{ p, t string }
	joint, jointAlt := map[pair]int{}, map[pair]int{}
	for i, g := range got {
		np[g]++
		nt[truth[i].route]++
		na[truth[i].alt]++
		joint[pair{g, truth[i].route}]++
		jointAlt[pair{g, truth[i].alt}]++
	}
	s := scored{templates: len(np), routes: len(nt)}
	inside, cuts, whole := map[string]int{}, map[string]bool{}, map[string]bool{}
	for k, n := range joint {
		inside[k.p]++
		if n == np[k.p] && n == nt[k.t] {
			s.ga += float64(n)
			whole[k.p] = true
		}
	}
	for k, n := range jointAlt {
		if n != na[k.t] {
			cuts[k.p] = true
		}
		if n == np[k.p] && n == na[k.t] {
			whole[k.p] = true
		}
	}
	for p, n := range np {
		if whole[p] || inside[p] == 1 && !cuts[p] {
			s.alt += float64(n)
		}
	}
	s.ga /= float64(len(got))
	s.alt /= float64(len(got))
	return s
}

var routeSets = []string{"gitea", "discourse", "magento", "wikimedia", "jellyfin", "trakt", "spotify", "shop", "tenants", "legacy"}

// loadSet reads a route set: its requests, and the truth of the clean ones by line.
func loadSet(t testing.TB, name string) ([]request, map[int]truthLine) {
	t.Helper()
	dir := sharedData(t, "routes")
	var rs []request
	for _, line := range readLines(t, filepath.Join(dir, name+".log.gz")) {
		r, ok := parseCombined(line)
		if !ok {
			t.Fatalf("%s: cannot read %q", name, line)
		}
		rs = append(rs, r)
	}
	clean := map[int]truthLine{}
	for _, line := range readLines(t, filepath.Join(dir, name+".truth.gz")) {
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) < 4 || f[3] != "-" || f[1] == "!noise" {
			continue
		}
		n, _ := strconv.Atoi(f[0])
		clean[n-1] = truthLine{f[1], f[2]}
	}
	return rs, clean
}

func scoreSet(tb *Table, rs []request, clean map[int]truthLine) scored {
	var got []string
	var truth []truthLine
	for i, r := range rs {
		if c, ok := clean[i]; ok {
			got = append(got, tb.Endpoints()[tb.Match(r.method, r.target)].ID)
			truth = append(truth, c)
		}
	}
	return score(got, truth)
}

// every is a cap that no route set reaches: the score is of what was learnt, not of what was kept.
const every = 5000

// TestTrainingSets holds the learner to what it reached when it was written.
func TestTrainingSets(t *testing.T) {
	sum, templates, routes := 0.0, 0, 0
	for _, name := range routeSets {
		rs, clean := loadSet(t, name)
		s := scoreSet(learn(Options{MaxEndpoints: every}, rs), rs, clean)
		sum += s.alt
		templates += s.templates
		routes += s.routes
		t.Logf("%-10s ga %.4f alt %.4f templates %d/%d", name, s.ga, s.alt, s.templates, s.routes)
		if s.alt < 0.95 {
			t.Errorf("%s: ga_alt %.4f, want at least .95", name, s.alt)
		}
	}
	mean := sum / float64(len(routeSets))
	t.Logf("mean ga_alt %.4f, %.2f templates a route", mean, float64(templates)/float64(routes))
	if mean < 0.985 {
		t.Errorf("mean ga_alt %.4f, want at least .985", mean)
	}
	if templates > 5*routes/4 {
		t.Errorf("%d templates for %d routes", templates, routes)
	}
}

// TestTrainingSetsInLittleRoom learns with a fraction of the nodes that the sets need, as a far larger log would.
func TestTrainingSetsInLittleRoom(t *testing.T) {
	if testing.Short() {
		t.Skip("learns four sets")
	}
	for name, least := range map[string]float64{"gitea": 0.95, "jellyfin": 0.95, "shop": 0.9, "discourse": 0.95} {
		rs, clean := loadSet(t, name)
		s := scoreSet(learn(Options{MaxEndpoints: every, maxNodes: 20_000}, rs), rs, clean)
		t.Logf("%-10s ga %.4f alt %.4f templates %d/%d", name, s.ga, s.alt, s.templates, s.routes)
		if s.alt < least {
			t.Errorf("%s: ga_alt %.4f, want at least %.2f", name, s.alt, least)
		}
	}
}
