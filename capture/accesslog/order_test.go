package accesslog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// loaded is n requests that come at a rate and take 80 ms in the mean, one in fifty of them up to 5 s, in the order
// in which they end.
func loaded(rate float64, n int) []served {
	r := rand.New(rand.NewPCG(3, 4))
	s := make([]served, n)
	at := time.Duration(0)
	for i := range s {
		at += time.Duration(r.ExpFloat64() / rate * float64(time.Second))
		d := time.Duration(r.ExpFloat64() * float64(80*time.Millisecond))
		if r.IntN(50) == 0 {
			d = time.Duration(r.IntN(5000)) * time.Millisecond
		}
		s[i] = served{at, d.Truncate(time.Millisecond)}
	}
	slices.SortStableFunc(s, func(a, b served) int { return int(a.start + a.dur - b.start - b.dur) })
	return s
}

// TestStartOrEnd: eight formats under three loads, each with the stamps that its server writes and with the other
// kind. The right kind is never doubted. The wrong one is, or, where an hour of light traffic does not show it, the
// counts behind the silence are small.
func TestStartOrEnd(t *testing.T) {
	clf := func(at time.Time) string {
		return `192.0.2.1 - - [` + at.Format(clfStamp) + `] "GET /a HTTP/1.1" 200 1 "-" "ua"`
	}
	msec := func(at time.Time) string { return fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000) }
	formats := []struct {
		name string
		ends bool
		o    Options
		line func(at time.Time, d time.Duration) string
	}{
		{"nginx-combined-time", true, Options{}, func(at time.Time, d time.Duration) string { return fmt.Sprintf("%s %.3f", clf(at), d.Seconds()) }},
		{"nginx-combined-rt", true, Options{}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`%s "-" rt=%.3f urt="-"`, clf(at), d.Seconds())
		}},
		{"nginx-json", true, Options{}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`{"msec":"%s","request_time":"%.3f","request":"GET / HTTP/1.1"}`, msec(at), d.Seconds())
		}},
		{"nginx-log-format", true, Options{LogFormat: `$msec $request_time "$request"`}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`%s %.3f "GET / HTTP/1.1"`, msec(at), d.Seconds())
		}},
		{"apache-combined-us", false, Options{}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf("%s %d", clf(at), d.Microseconds()+137)
		}},
		{"apache-combined-s-us", false, Options{}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf("%s %d/%d", clf(at), int(d.Seconds()), d.Microseconds())
		}},
		{"apache-log-format", false, Options{LogFormat: `%{msec}t %D "%r"`}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`%d %d "GET / HTTP/1.1"`, at.UnixMilli(), d.Microseconds())
		}},
		{"traefik-clf", false, Options{}, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`%s 17 "router" "http://10.0.0.1:80" %dms`, clf(at), d.Milliseconds())
		}},
	}
	for _, rate := range []float64{1, 30, 500} {
		reqs := loaded(rate, 3000)
		for _, f := range formats {
			for _, right := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s at %v a second, %v", f.name, rate, right), func(t *testing.T) {
					lines := write(reqs, f.ends == right, f.line)
					p, note, err := Detect(lines, f.o)
					if err != nil || p.Name() != f.name {
						t.Fatalf("Detect = %v, %q, %v", p, note, err)
					}
					var q capture.Request
					for _, line := range lines {
						if err := p.Parse(line, &q); err != nil {
							t.Fatalf("Parse(%s): %v", line, err)
						}
					}
					doubted := strings.Contains(fmt.Sprint(p.Notes()), "the order of the lines suggests")
					o := &p.order
					switch {
					case right && doubted:
						t.Errorf("the server's own stamps are doubted: %q", p.Notes())
					case !right && !doubted && (o.alone >= 3 || o.with >= 3):
						t.Errorf("the wrong stamps are not doubted: %d and %d of %d lines step back", o.alone, o.with, o.timed)
					}
					t.Logf("doubted %v: %d step back by stamps, %d by stamp + duration", doubted, o.alone, o.with)
				})
			}
		}
	}
}
