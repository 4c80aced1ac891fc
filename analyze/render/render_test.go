package render

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

func TestNumbers(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, tt := range []struct{ name, got, want string }{
		{"count", count(1234567), "1,234,567"},
		{"count below a thousand", count(999), "999"},
		{"negative count", count(-123456), "-123,456"},
		{"decimal", decimal(187.4), "187"},
		{"decimal with separators", decimal(12345.6), "12,346"},
		{"small decimal", decimal(0.412), "0.41"},
		{"decimal below a hundred", decimal(11.24), "11.2"},
		{"infinite", decimal(inf), "inf"},
		{"absent", decimal(nan), "—"},
		{"tiny share", percent(0.00047), "0.047%"},
		{"share", percent(0.0216), "2.16%"},
		{"nearly all", percent(0.9996), "99.96%"},
		{"none", percent(0), "0%"},
		{"all", percent(1), "100%"},
		{"no share", percent(nan), "—"},
		{"share of nothing", shareOf(0, 0), "—"},
		{"span", span(301.4), "5m1s"},
		{"short span", span(4.25), "4.25s"},
		{"limit", limit("p99 < 250ms over 30s"), "250ms"},
		{"limit of a share", limit("rate >= 99.9%"), "99.9%"},
		{"clock", clock(65), "1:05"},
		{"clock past an hour", clock(3905), "1:05:05"},
		{"counts", countsText(map[string]int64{"b": 1, "a": 1, "c": 9, "d": 0}, 3), "c 9, a 1, b 1, 1 more"},
		{"short digest", digest("abc"), "abc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
}

func TestTextShowsTheFirstEndpoints(t *testing.T) {
	r := many(t, 40)
	got := rendered(t, func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }, r)
	if !strings.Contains(got, "\n27 more\n") {
		t.Errorf("52 endpoints: no line that says 27 more:\n%s", got)
	}
}

func TestVerdictWords(t *testing.T) {
	for _, tt := range []struct {
		verdict      replay.Verdict
		text, junit  string
		html, inMark string
	}{
		{replay.Pass, "PASS", `errors="0"`, "Pass", "✅"},
		{replay.Fail, "FAIL", `errors="0"`, "Fail", "❌"},
		{replay.Invalid, "INVALID", `errors="1"`, "Invalid", "❌"},
		{replay.Inconclusive, "INCONCLUSIVE", `errors="0"`, "Inconclusive", "⚠️"},
		{replay.Interrupted, "INTERRUPTED", `errors="1"`, "Interrupted", "⚠️"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			d := shop(t)
			d.Verdict = tt.verdict
			r, err := analyze.New(d)
			if err != nil {
				t.Fatal(err)
			}
			plain := rendered(t, func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }, r)
			colour := rendered(t, func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{Colour: true}) }, r)
			if !strings.HasPrefix(plain, tt.text+"  ") || strings.Contains(plain, "\x1b") || !strings.HasPrefix(colour, "\x1b[1;3") {
				t.Errorf("text begins %q, in colour %q; want %s", plain[:20], colour[:20], tt.text)
			}
			for name, pair := range map[string][2]string{
				"JUnit": {rendered(t, JUnit, r), tt.junit}, "HTML": {rendered(t, HTML, r), `<span class="word">` + tt.html + `</span>`}, "Markdown": {rendered(t, Markdown, r), tt.inMark},
			} {
				if !strings.Contains(pair[0], pair[1]) {
					t.Errorf("%s does not hold %q", name, pair[1])
				}
			}
		})
	}
}

// The figures of a run that sent nothing, or of a file that was changed by hand, must not break a rendering.
func TestOddDocuments(t *testing.T) {
	inf, nan := threshold.Number(math.Inf(1)), threshold.Number(math.NaN())
	for _, tt := range []struct {
		name   string
		change func(*replay.Document)
	}{
		{"empty", func(d *replay.Document) { *d = replay.Document{Schema: replay.SchemaRun} }},
		{"unknown verdict", func(d *replay.Document) { d.Verdict = "" }},
		{"no interval", func(d *replay.Document) { d.Series.IntervalS = 0 }},
		{"negative interval", func(d *replay.Document) { d.Series.IntervalS = -1 }},
		{"huge interval", func(d *replay.Document) { d.Series.IntervalS = 1e308 }},
		{"tiny interval", func(d *replay.Document) { d.Series.IntervalS = 5e-324 }},
		{"lengths differ", func(d *replay.Document) { d.Series.Sent = d.Series.Sent[:3]; d.Series.P99 = d.Series.P99[:1] }},
		{"nothing but infinity", func(d *replay.Document) { d.Series.P99 = []threshold.Number{inf, inf} }},
		{"nothing but absence", func(d *replay.Document) {
			d.Series.P99 = []threshold.Number{nan}
			d.Endpoints[0].Spark = []threshold.Number{nan, nan}
		}},
		{"negative values", func(d *replay.Document) { d.Series.P99 = []threshold.Number{-1, -5}; d.Series.Failed = []int64{-4} }},
		{"six decades", func(d *replay.Document) { d.Series.P99 = []threshold.Number{0.004, 3600e3} }},
		{"extremes", func(d *replay.Document) { d.Series.P99 = []threshold.Number{5e-324, 1.7e308} }},
		{"warm-up past the end", func(d *replay.Document) { d.Series.WarmupS = 1e9 }},
		{"a week of seconds", func(d *replay.Document) { d.Series.IntervalS = 1; d.Series.Sent = make([]int64, 604_800) }},
		{"huge length", func(d *replay.Document) { d.DurationS = 1e300 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := shop(t)
			tt.change(d)
			r, err := analyze.New(d)
			if err != nil {
				t.Fatal(err)
			}
			page := rendered(t, HTML, r)
			for _, bad := range []string{"NaN", "+Inf", "-Inf"} {
				if strings.Contains(page, bad) {
					t.Errorf("page holds %s", bad)
				}
			}
			if len(page) > 1<<20 && tt.name != "a week of seconds" {
				t.Errorf("page of %d bytes", len(page))
			}
			rendered(t, JUnit, r)
			rendered(t, Markdown, r)
			rendered(t, func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }, r)
		})
	}
}

func TestChartMarksInfinity(t *testing.T) {
	s := newScale(10, 20, true, 100, true)
	nan, inf := math.NaN(), math.Inf(1)
	got := s.stroke(curve{values: []float64{10, inf, 20, nan, 20}, fill: true})
	if got.Inf != "M1 3h1" {
		t.Errorf("marks = %q, want one above the second interval", got.Inf)
	}
	if n := strings.Count(got.D, "M"); n != 3 {
		t.Errorf("line = %q, want three pieces", got.D)
	}
	if at := s.at(20); at < 3+infBand {
		t.Errorf("20 is drawn at %v, want below the band of infinity", at)
	}
}

func TestScaleTurnsLogarithmic(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lo, hi float64
		want   bool
	}{
		{"narrow", 10, 400, false}, {"wide", 10, 501, true}, {"from zero", 0, 1000, false},
	} {
		if got := newScale(tt.lo, tt.hi, false, 100, true).log; got != tt.want {
			t.Errorf("%s: log = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDrawnTogetherKeepsTheWorst(t *testing.T) {
	values := make([]threshold.Number, 2*maxPoints+10)
	values[777] = 99
	g := grouping(len(values), 1, 0)
	out := g.peak(values, 1)
	most := 0.0
	for _, v := range out {
		most = math.Max(most, v)
	}
	if len(out) > maxPoints || most != 99 {
		t.Errorf("%d points with a peak of %v, want at most %d and 99", len(out), most, maxPoints)
	}
}

type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	r := shopReport(t)
	for name, write := range map[string]func(io.Writer, *analyze.Report) error{
		"text": func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }, "markdown": Markdown, "junit": JUnit, "html": HTML,
	} {
		for _, room := range []int{0, 100, 1000} {
			if err := write(&full{room}, r); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d bytes: %v, want %v", name, room, err, errFull)
			}
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	r := many(b, 188)
	b.ReportAllocs()
	for b.Loop() {
		if err := HTML(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
