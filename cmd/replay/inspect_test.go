package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"trafficreplay/capture"
	"trafficreplay/shape/route"
)

func TestRateSeries(t *testing.T) {
	day := int64(24 * time.Hour)
	var year []int64
	for i := range int64(365) {
		year = append(year, i*day)
	}
	for _, tt := range []struct {
		name    string
		at      []int64
		peak    int64
		gap     float64
		columns int // at most
	}{
		{"one request", []int64{1e9}, 1, 0, 1},
		{"a burst in one instant", []int64{5, 5, 5, 5}, 4, 0, 1},
		{"a day between two", []int64{0, day}, 1, 86400, sparkWidth},
		{"a year of days", year, 1, 86400, sparkWidth},
		{"before 1970", []int64{-1, 0, 1}, 2, 0, 2},
		{"all of time", []int64{math.MinInt64 + 1e9, 0, math.MaxInt64}, 1, math.MaxInt64 / 1e9, sparkWidth},
		{"out of order", []int64{10e9, 0, 11e9}, 2, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r rateSeries
			for _, at := range tt.at {
				r.add(at)
			}
			d := r.document()
			var sum int64
			for _, n := range r.counts {
				sum += n
			}
			if sum != int64(len(tt.at)) || d.Peak != tt.peak || math.Abs(d.Gap-tt.gap) > 0.01*tt.gap+1e-6 {
				t.Errorf("%d requests, peak %d, gap %g, want %d, %d, %g", sum, d.Peak, d.Gap, len(tt.at), tt.peak, tt.gap)
			}
			if len(d.Columns) == 0 || len(d.Columns) > tt.columns || len(r.counts) > maxBuckets {
				t.Errorf("%d columns of %d buckets, want at most %d of %d", len(d.Columns), len(r.counts), tt.columns, maxBuckets)
			}
		})
	}
}

// What a sparkline shows is the rate: a steady one is flat, whatever the grouping and where the capture ends.
func TestSparklineOfASteadyRate(t *testing.T) {
	for _, seconds := range []int{2, 59, 61, 1000, 5000, 100_000} {
		var r rateSeries
		for i := range seconds {
			r.add(int64(i) * 1e9)
		}
		line := sparkline(r.document().Columns, sparkASCII)
		if strings.Trim(line, "@") != "" || len(line) > sparkWidth {
			t.Errorf("%d s at 1/s: %q, want full columns alone", seconds, line)
		}
	}
	if got := sparkline([]float64{0, 0.001, 4, 8}, sparkASCII); got != " .=@" {
		t.Errorf("sparkline = %q, want %q", got, " .=@")
	}
}

func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 1000, maxDistinct, 500_000} {
		d := newDistinct()
		for range 2 {
			for i := range n {
				d.add(fmt.Appendf(nil, "client-%d", i))
			}
		}
		got, exact := d.count()
		if exact != (n <= maxDistinct) || math.Abs(float64(got)-float64(n)) > 0.03*float64(n) || exact && got != int64(n) {
			t.Errorf("%d values: counted %d, exact %v", n, got, exact)
		}
	}
}

// Ten million paths would do the same as these: what is remembered of them is bounded, and the sum stays exact.
func TestSurveyIsBounded(t *testing.T) {
	s := newSurvey()
	var q capture.Request
	const n = 3 * maxBodyless
	for i := range n {
		q.Reset()
		q.At, q.Method, q.Target = int64(i), []byte("POST"), fmt.Appendf(nil, "/x/%d/%s", i, strings.Repeat("y", i%2*maxBodylessPath))
		if i%100 == 0 {
			q.Method = fmt.Appendf(nil, "M%d", i)
		}
		s.add(&q)
	}
	d := s.document("capture", "f", &capture.Meta{})
	if len(s.kept.paths) > maxBodyless || len(d.Methods) > maxMethods+1 || d.Requests != n {
		t.Errorf("%d paths, %d methods, %d requests", len(s.kept.paths), len(d.Methods), d.Requests)
	}
	var byRoute int64
	for _, e := range d.Endpoints {
		byRoute += e.Requests
	}
	if byRoute != n || d.Missing[0].Field != "bodies" || d.Missing[0].Requests != n-n/100 {
		t.Errorf("%d requests on routes, want %d; missing %+v", byRoute, n, d.Missing[0])
	}
}

func TestMissing(t *testing.T) {
	full := func() *capture.Request {
		q := &capture.Request{}
		q.Reset()
		q.At, q.DurUS, q.Conn, q.Status, q.RespSize = 1, 5, 1, 200, 10
		q.Method, q.Target, q.Host, q.Client = []byte("GET"), []byte("/a?b"), []byte("h"), []byte("c")
		q.Headers = []capture.Header{{Name: []byte("user-agent"), Value: []byte("x")}, {Name: []byte("Accept-Encoding"), Value: []byte("br")}}
		return q
	}
	for _, tt := range []struct {
		name   string
		change func(q *capture.Request, l *capture.Ledger)
		want   string
	}{
		{"nothing", func(*capture.Request, *capture.Ledger) {}, ""},
		{"body", func(q *capture.Request, _ *capture.Ledger) { q.Method = []byte("PUT") }, "bodies: PUT /a: 1 request cannot be re-issued (100% in all)"},
		{"a part of a body", func(q *capture.Request, _ *capture.Ledger) { q.BodySize, q.Body = 5, []byte("abc") }, "bodies: GET /a: 1 request cannot be re-issued (100% in all)"},
		{"stamps", func(_ *capture.Request, l *capture.Ledger) { l.Resolution = "1s" }, "sub-second stamps: bursts shorter than 1s are modelled, not observed"},
		{"duration", func(q *capture.Request, _ *capture.Ledger) { q.DurUS = capture.Unknown }, "durations: no latency to propose thresholds from"},
		{"duration of an end", func(q *capture.Request, l *capture.Ledger) {
			q.DurUS, l.Basis = capture.Unknown, capture.BasisCompletion
		}, "durations: arrivals are only known to lie before the stamps, which are ends; no latency to propose thresholds from"},
		{"client", func(q *capture.Request, _ *capture.Ledger) { q.Client = nil }, "client identity: these requests belong to no session: think times and connections cannot follow a user"},
		{"host", func(q *capture.Request, _ *capture.Ledger) { q.Host = nil }, "hosts: the guard does not know production: a target off loopback needs --captured-host"},
		{"query", func(q *capture.Request, _ *capture.Ledger) { q.Target = []byte("/a") }, "query strings: if the application uses them, no replayed search or page is the real one"},
		{"agent", func(q *capture.Request, _ *capture.Ledger) { q.Headers = q.Headers[1:] }, "User-Agent: what answers by browser or bot answers to one client"},
		{"connection", func(q *capture.Request, _ *capture.Ledger) { q.Conn = 0 }, "connections: how long clients kept connections is guessed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, l := full(), capture.Ledger{Basis: capture.BasisStart, Resolution: "1ms", Requests: 1}
			tt.change(q, &l)
			s := newSurvey()
			s.add(q)
			var got []string
			for _, m := range s.document("capture", "f", &capture.Meta{Sources: []capture.Ledger{l}}).Missing {
				got = append(got, m.Field+": "+m.Cost)
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("missing %q, want %q", got, tt.want)
			}
		})
	}
}

// A capture of no route at all, and one whose names fight the terminal.
func TestInspectText(t *testing.T) {
	s := newSurvey()
	q := capture.Request{}
	q.Reset()
	q.Method, q.Target, q.Host = []byte("GET\x1b[2J"), []byte("/\x1b]0;x\x07"+strings.Repeat("é", 300)), []byte("a\x1b[1m\nb")
	empty := newSurvey().document("capture", "e\x1b.cap.zst", &capture.Meta{})
	s.add(&q)
	hostile := s.document("capture", "h.cap.zst", &capture.Meta{Redaction: "1\u202e", Sources: []capture.Ledger{{Name: "x\x1b", Format: "nginx"}}})
	for _, d := range []*inspectDocument{empty, hostile} {
		var b strings.Builder
		if err := writeInspectText(newTerminal(&b, nil, func(string) string { return "" }), d); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.String() {
			if c < ' ' && c != '\n' || c == 0x202e || c == utf8.RuneError {
				t.Errorf("%q reaches the terminal in\n%q", c, b.String())
				break
			}
		}
	}
	if len(empty.Endpoints) != 0 || len(empty.Missing) != 0 {
		t.Errorf("of no requests: endpoints %v, missing %v", empty.Endpoints, empty.Missing)
	}
}

func TestBodylessNamesRoutes(t *testing.T) {
	table, err := route.Compile([]route.Endpoint{{ID: "POST /cart"}, {ID: "POST /items/{id}"}, {ID: "PUT /a"}, {ID: "PUT /b"}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBodyless()
	for _, line := range []string{"POST /cart", "POST /cart", "POST /items/1", "POST /items/2", "POST /items/3", "PUT /a", "PUT /b"} {
		method, path, _ := strings.Cut(line, " ")
		b.add(&capture.Request{Method: []byte(method), Target: []byte(path)})
	}
	const want = "POST /items/{id}: 3 requests, POST /cart: 2 requests, PUT /a: 1 request, 1 more on other routes cannot be re-issued (50.0% in all)"
	if got := b.missing(table, 14).Cost; got != want {
		t.Errorf("missing = %q, want %q", got, want)
	}
}

func BenchmarkSurvey(b *testing.B) {
	var q capture.Request
	q.Reset()
	q.Method, q.Client, q.Status = []byte("GET"), []byte("abcdefghijklmnopqrstuvwxyz"), 200
	q.Headers = []capture.Header{{Name: []byte("Referer"), Value: []byte("/")}, {Name: []byte("User-Agent"), Value: []byte("x")}}
	s := newSurvey()
	var target []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		target = fmt.Appendf(target[:0], "/api/items/%d", i%10_000)
		q.Target, q.At = target, int64(i)*1e6
		s.add(&q)
	}
}
