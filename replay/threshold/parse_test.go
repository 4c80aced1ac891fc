package threshold

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		limit          int64
	}{
		{"plain", "p99 < 250ms", "p99 < 250ms", 250e6},
		{"no spaces", "p99<250ms", "p99 < 250ms", 250e6},
		{"at most", "p50 <= 1.5s", "p50 <= 1.5s", 1500e6},
		{"normalised unit", "p50 <= 1500ms", "p50 <= 1.5s", 1500e6},
		{"microseconds", "p999 < 800us", "p999 < 800us", 800e3},
		{"micro sign", "max < 800µs", "max < 800us", 800e3},
		{"at least", "p90 >= 2m", "p90 >= 2m", 120e9},
		{"service", "service_p95 < 0.5us", "service_p95 < 0.5us", 500},
		{"service max", "service_max > 1ms", "service_max > 1ms", 1e6},
		{"percent", "error_rate < 0.1%", "error_rate < 0.1%", 1e6},
		{"ratio", "error_rate < 0.001", "error_rate < 0.001", 1e6},
		{"zero share", "error_rate <= 0%", "error_rate <= 0%", 0},
		{"rate", "rate >= 99.5%", "rate >= 99.5%", 995e6},
		{"class", "status:5xx < 1%", "status:5xx < 1%", 10e6},
		{"code", "status:404 < 0.5", "status:404 < 0.5", 500e6},
		{"scope", "GET /api/items/{id}: p99 < 250ms", "GET /api/items/{id}: p99 < 250ms", 250e6},
		{"everything", "GET /api/** : error_rate < 0.1% over 30s abort after 10s", "GET /api/**: error_rate < 0.1% over 30s abort after 10s", 1e6},
		{"abort alone", "p50 < 1s abort after 1.5s", "p50 < 1s abort after 1.5s", 1e9},
		{"scope before status", "GET /a: status:5xx < 1%", "GET /a: status:5xx < 1%", 10e6},
		{"colon in a path", "GET /v1/x:list: max < 1s", "GET /v1/x:list: max < 1s", 1e9},
		{"metric in a path", "GET /a:p99: p99 < 1s", "GET /a:p99: p99 < 1s", 1e9},
		{"scope without space", "GET /a:p99 < 1s", "GET /a: p99 < 1s", 1e9},
		{"smallest ratio", "error_rate < 0.000000001", "error_rate < 0.000000001", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil {
				t.Fatalf("Parse(%q) = %v", tt.in, err)
			}
			if got.String() != tt.want || got.Limit != tt.limit {
				t.Errorf("Parse(%q) = %q with limit %d, want %q with %d", tt.in, got, got.Limit, tt.want, tt.limit)
			}
		})
	}
}

func TestParseWindow(t *testing.T) {
	got, err := Parse("rate > 0.9 over 2m abort after 10s")
	if err != nil {
		t.Fatal(err)
	}
	if got.Window != 2*time.Minute || got.Abort != 10*time.Second {
		t.Errorf("window %v, abort %v, want 2m0s, 10s", got.Window, got.Abort)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		column   int
		msg      string // contained in the message
		hint     string // contained in the hint
	}{
		{"empty", "", 1, "no metric", "such as"},
		{"unknown metric", "p98 < 1s", 1, `unknown metric "p98"`, "did you mean p90?"},
		{"far metric", "throughput < 1s", 1, "unknown metric", "metrics are"},
		{"unknown metric behind a scope", "GET /a: q99 < 1s", 9, `"q99"`, "p99"},
		{"empty scope", ": p99 < 1s", 1, "empty scope", "leave the colon out"},
		{"control byte", "GET /\x1b[2J: p99 < 1s", 6, "control byte", ""},
		{"no comparison", "p99 250ms", 5, "want <, <=, > or >=", "such as"},
		{"equals", "p99 == 250ms", 5, "want <", ""},
		{"no value", "p99 <", 6, "no value", ""},
		{"no unit", "p99 < 250", 7, "p99 is a time", "250ms"},
		{"share for a time", "p99 < 1%", 7, "p99 is a time", ""},
		{"time for a share", "error_rate < 5ms", 14, "error_rate is a share", "0.1%"},
		{"over one", "error_rate < 101%", 14, "more than 100%", ""},
		{"per second", "rate > 500/s", 8, "rate is a share", ""},
		{"zero time", "p99 < 0ms", 7, "outside 0 to 1h", ""},
		{"too long", "p99 < 61m", 7, "outside", ""},
		{"negative", "p99 < -1ms", 7, "p99 is a time", ""},
		{"exponent", "p99 < 1e3ms", 7, "p99 is a time", ""},
		{"too fine", "p99 < 0.0000001ms", 7, "p99 is a time", ""},
		{"far too fine", "p99 < 0.00000000000001s", 7, "p99 is a time", ""},
		{"too fine a share", "error_rate < 0.0000000001", 14, "share", ""},
		{"class out of range", "status:6xx < 1%", 1, "unknown metric", ""},
		{"no such code", "status:99 < 1%", 1, "unknown metric", ""},
		{"service of a share", "service_rate < 1%", 1, "unknown metric", ""},
		{"short window", "p99 < 1s over 100ms", 15, "outside 1s to 24h", ""},
		{"window without value", "p99 < 1s over", 14, "over takes a time", ""},
		{"abort without after", "p99 < 1s abort 10s", 16, `want "after"`, ""},
		{"rest", "p99 < 1s please", 10, `unexpected "please"`, ""},
		{"too many bytes", strings.Repeat("x", 5000), 1, "5000 bytes long, limit 4096", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.in)
			se, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("Parse(%q) = %v, want a *SyntaxError", tt.in, err)
			}
			if se.Column != tt.column || !strings.Contains(se.Msg, tt.msg) || !strings.Contains(se.Hint, tt.hint) {
				t.Errorf("Parse(%q): column %d, %q, hint %q; want column %d, %q, hint %q",
					tt.in, se.Column, se.Msg, se.Hint, tt.column, tt.msg, tt.hint)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"p99 < 250ms", "GET /api/**: error_rate < 0.1% over 30s abort after 10s", "a:p99:status:404>=0.000000001", "rate<1 over 1.5h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("Parse(%q) = %v, want a *SyntaxError", s, err)
			}
			return
		}
		b, err := Parse(a.String())
		if err != nil || *a != *b {
			t.Fatalf("Parse(%q) = %+v, String %q, parsed again %+v, %v", s, a, a, b, err)
		}
		_, _, _ = a.Resolve([]string{"GET /a/{id}", s})
	})
}

func TestResolve(t *testing.T) {
	ids := []string{"GET /", "GET /api/items/{id}", "POST /api/items", "GET /api/users/{user}/cart", "other"}
	for _, tt := range []struct {
		name, in string
		want     []int
		whole    bool
	}{
		{"every endpoint", "p99 < 1s", []int{0, 1, 2, 3, 4}, false},
		{"whole run", "error_rate < 1%", nil, true},
		{"whole run by status", "status:5xx < 1%", nil, true},
		{"exact", "GET /api/items/{id}: p99 < 1s", []int{1}, false},
		{"any placeholder", "GET /api/items/{item-id}: p99 < 1s", []int{1}, false},
		{"one segment", "GET /api/*/{}/cart: rate > 99%", []int{3}, false},
		{"star stays in its segment", "GET /api/*: p99 < 1s", nil, false},
		{"part of a segment", "GET /api/it*/{id}: p99 < 1s", []int{1}, false},
		{"across", "GET /api/**: p99 < 1s", []int{1, 3}, false},
		{"any method", "* /api/items**: p99 < 1s", []int{1, 2}, false},
		{"all", "**: error_rate < 1%", []int{0, 1, 2, 3, 4}, false},
		{"the rest", "other: p99 < 1s", []int{4}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			th := mustParse(t, tt.in)
			got, whole, err := th.Resolve(ids)
			if len(tt.want) == 0 && !tt.whole {
				if _, ok := errors.AsType[*ScopeError](err); !ok {
					t.Fatalf("Resolve = %v, %v, want a *ScopeError", got, err)
				}
				return
			}
			if err != nil || whole != tt.whole || !equal(got, tt.want) {
				t.Errorf("Resolve = %v, %v, %v, want %v, %v", got, whole, err, tt.want, tt.whole)
			}
		})
	}
}

func TestResolveSuggests(t *testing.T) {
	_, _, err := mustParse(t, "GET /crt: p99 < 1s").Resolve([]string{"GET /checkout", "GET /cart"})
	want := `threshold scope "GET /crt": no such endpoint; did you mean "GET /cart"?`
	if err == nil || err.Error() != want {
		t.Errorf("Resolve = %v, want %s", err, want)
	}
	_, _, err = mustParse(t, "DELETE /something/else: p99 < 1s").Resolve([]string{"GET /"})
	if err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("Resolve = %v, want no suggestion", err)
	}
}

// A pattern of stars against a long id is the case where backtracking would never end.
func TestResolveManyStars(t *testing.T) {
	th := mustParse(t, "GET /"+strings.Repeat("*a", 500)+"b: p99 < 1s")
	if _, _, err := th.Resolve([]string{"GET /" + strings.Repeat("a", 4000)}); err == nil {
		t.Error("Resolve matched, want no such endpoint")
	}
}

func mustParse(t testing.TB, s string) *Threshold {
	t.Helper()
	th, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
