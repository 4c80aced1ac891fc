package route

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// app makes traffic of known routes: routes fall off as a power law in a random order, each value law too,
// answers have one log-normal size a route, and some requests are scanners' or disfigured.
type app struct {
	r      prng
	routes []string // "GET /users/:user"; a name says what its values look like (see value)
	cum    []float64
	mean   []float64
}

func newApp(seed uint64, routes []string) *app {
	a := &app{r: prng(seed), routes: routes}
	rank := make([]int, len(routes))
	for i := range rank {
		j := a.r.below(i + 1)
		rank[i] = rank[j]
		rank[j] = i
	}
	sum := 0.0
	for i := range routes {
		sum += math.Pow(float64(rank[i]+2), -0.9)
		a.cum = append(a.cum, sum)
		a.mean = append(a.mean, 5.5+3.5*a.unit())
	}
	return a
}

func (a *app) unit() float64 { return float64(a.r.next()>>11) / (1 << 53) }

// draw picks 1..n by a power law.
func (a *app) draw(n int) int { return int(math.Exp(a.unit() * math.Log(float64(n+1)))) }

var nouns = strings.Fields("amber anchor basket beacon bottle canvas copper cotton falcon garden harbor helmet island jacket kettle ladder lantern marble meadow mirror needle orchid paper pepper pillow pocket rabbit river rocket saddle silver spider summer timber turbine velvet violin walnut window winter")

// word is a value that looks chosen by a person, always the same for the same number.
func word(kind string, n int) string {
	r := prng(hash64([]byte(kind)) + uint64(n))
	w := nouns[r.below(len(nouns))]
	switch r.below(5) {
	case 0:
		return w + strconv.Itoa(r.below(100))
	case 1:
		return w + "_" + nouns[r.below(len(nouns))]
	case 2:
		return w + nouns[r.below(len(nouns))] + strconv.Itoa(n)
	}
	return w + "-" + nouns[r.below(len(nouns))] + "-" + strconv.Itoa(n)
}

// value makes one value of a parameter. Names of known meaning have typed values or few of them.
func (a *app) value(name string) string {
	few := map[string][]string{
		"locale": {"en", "de", "fr", "es", "it", "ja"}, "format": {"json", "xml", "csv"}, "state": {"open", "closed", "all"},
		"period": {"day", "week", "month", "year"}, "version": {"v1", "v2"}, "size": {"small", "medium", "large", "original"},
	}
	if f := few[name]; f != nil {
		return f[a.draw(len(f))-1]
	}
	n := a.draw(map[bool]int{true: 300, false: 5000}[strings.HasPrefix(name, "few_")])
	r := prng(hash64([]byte(name)) + uint64(n))
	switch {
	case name == "id" || strings.HasSuffix(name, "_id") || name == "number" || name == "page":
		return strconv.Itoa(r.below(900_000) + 1)
	case name == "sha":
		return fmt.Sprintf("%016x%016x%08x", r.next(), r.next(), uint32(r.next()))
	case name == "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(r.next()), r.below(1<<16), r.below(1<<12), r.below(1<<12), r.next()>>16)
	case name == "token":
		const set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		b := make([]byte, 22)
		for i := range b {
			b[i] = set[r.below(len(set))]
		}
		return string(b)
	case name == "date":
		return fmt.Sprintf("2026-%02d-%02d", 1+r.below(12), 1+r.below(28))
	case strings.HasSuffix(name, "..."):
		var s []string
		for range 1 + r.below(5) {
			s = append(s, nouns[r.zipf(len(nouns))])
		}
		return strings.Join(s, "/") + []string{"", ".go", ".md", ".txt"}[r.below(4)]
	}
	return word(name, n)
}

func (a *app) request() (r request, truth string) {
	if a.r.below(70) == 0 {
		scans := strings.Fields("/wp-login.php /.env /phpmyadmin/index.php /cgi-bin/luci /.git/config /admin/config.php /vendor/phpunit/x.php /owa/auth/logon.aspx")
		return request{[]byte("GET"), []byte(scans[a.r.below(len(scans))]), 404, 153}, ""
	}
	u := a.unit() * a.cum[len(a.cum)-1]
	i := 0
	for a.cum[i] < u {
		i++
	}
	method, path, _ := strings.Cut(a.routes[i], " ")
	segs := strings.Split(path, "/")
	for k, s := range segs {
		for {
			b, rest, ok := strings.Cut(s, ":")
			if !ok {
				break
			}
			e := 0
			for e < len(rest) && (rest[e] == '_' || rest[e] == '.' && strings.HasPrefix(rest[e:], "...") || rest[e] >= 'a' && rest[e] <= 'z') {
				if rest[e] == '.' {
					e += 3
					break
				}
				e++
			}
			s = b + a.value(rest[:e]) + rest[e:]
		}
		segs[k] = s
	}
	target := strings.Join(segs, "/")
	truth = a.routes[i]
	switch a.r.below(200) {
	case 0:
		target, truth = target+"/", ""
	case 1:
		target, truth = strings.Replace(target, "/", "//", 1), ""
	}
	if a.r.below(3) == 0 {
		target += "?page=" + strconv.Itoa(a.r.below(50))
	}
	normal := math.Sqrt(-2*math.Log(1-a.unit())) * math.Cos(2*math.Pi*a.unit())
	status := 200
	if a.r.below(50) == 0 {
		status = []int{304, 401, 404, 500}[a.r.below(4)]
	}
	return request{[]byte(method), []byte(target), status, int64(math.Exp(a.mean[i] + 0.4*normal))}, truth
}

// scoreApp learns n requests of the routes and scores them.
func scoreApp(seed uint64, routes []string, n int) (scored, *Table) {
	a := newApp(seed, routes)
	var rs []request
	clean := map[int]truthLine{}
	for i := range n {
		r, truth := a.request()
		rs = append(rs, r)
		if truth != "" {
			clean[i] = truthLine{truth, truth}
		}
	}
	tb := learn(Options{MaxEndpoints: every}, rs)
	return scoreSet(tb, rs, clean), tb
}

func TestGithub203(t *testing.T) {
	var routes []string
	for _, line := range readLines(t, filepath.Join(sharedData(t, "routes"), "github203.txt")) {
		if line != "" && line[0] != '#' {
			routes = append(routes, line)
		}
	}
	sum := 0.0
	for seed := range uint64(3) {
		s, _ := scoreApp(seed+1, routes, 60_000)
		t.Logf("seed %d: ga %.4f alt %.4f templates %d/%d", seed+1, s.ga, s.alt, s.templates, s.routes)
		sum += s.alt
	}
	if sum/3 < 0.99 {
		t.Errorf("mean ga_alt %.4f, want at least .99", sum/3)
	}
}
