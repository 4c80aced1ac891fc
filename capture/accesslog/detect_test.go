package accesslog

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// served is one request of a made-up server.
type served struct{ start, dur time.Duration }

// serve makes n requests whose durations spread from 0.1 ms to 20 s, in the order in which they end.
func serve(n int) []served {
	r := rand.New(rand.NewPCG(1, 2))
	s := make([]served, n)
	at := time.Duration(0)
	for i := range s {
		at += time.Duration(r.ExpFloat64() * float64(50*time.Millisecond))
		d := time.Duration(200+r.IntN(100000)) * time.Microsecond
		if r.IntN(20) == 0 {
			d = time.Duration(r.IntN(20000)) * time.Millisecond
		}
		s[i] = served{at, d}
	}
	slices.SortStableFunc(s, func(a, b served) int { return cmp.Compare(a.start+a.dur, b.start+b.dur) })
	return s
}

// write prints a line for each request; layout takes the stamp and the rest.
func write(reqs []served, ends bool, line func(stamp time.Time, d time.Duration) string) [][]byte {
	epoch := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var lines [][]byte
	for _, q := range reqs {
		at := epoch.Add(q.start)
		if ends {
			at = at.Add(q.dur)
		}
		lines = append(lines, []byte(line(at, q.dur)))
	}
	return lines
}

const clfStamp = "02/Jan/2006:15:04:05 -0700"

func TestDetect(t *testing.T) {
	combined := func(tail func(d time.Duration) string) func(time.Time, time.Duration) string {
		return func(at time.Time, d time.Duration) string {
			return `::1 - - [` + at.Format(clfStamp) + `] "GET /a HTTP/1.1" 200 1 "-" "ua"` + tail(d)
		}
	}
	common := func(rest string) [][]byte {
		return write(serve(20), true, func(at time.Time, _ time.Duration) string { return `::1 - - [` + at.Format(clfStamp) + `] ` + rest })
	}
	text := func(lines ...string) (out [][]byte) {
		for _, l := range lines {
			out = append(out, []byte(l))
		}
		return out
	}
	for _, c := range []struct {
		name       string
		lines      [][]byte
		want       string
		basis      capture.Basis
		resolution time.Duration
		note       string
	}{
		{"common", common(`"GET / HTTP/1.1" 200 1`), "common", capture.BasisCompletion, time.Second, "write this format alike"},
		{"common of Apache", common(`"GET / HTTP/1.1" 304 -`), "apache-common", capture.BasisStart, time.Second, "20 of 20 lines hold what Apache writes"},
		{"combined", common(`"GET / HTTP/1.1" 200 1 "-" "a"`), "combined", capture.BasisCompletion, time.Second, "write this format alike"},
		{"combined with a third quote", common(`"GET / HTTP/1.1" 200 1 "-" "a" "1.2.3.4"`), "combined", capture.BasisCompletion, time.Second, ""},
		{"combined of nginx by escapes", common(`"GET / HTTP/1.1" 200 1 "-" "a\x22"`), "nginx-combined", capture.BasisCompletion, time.Second, "nginx writes"},
		{"combined of nginx by status", common(`"GET / HTTP/1.1" 499 0 "-" "a"`), "nginx-combined", capture.BasisCompletion, time.Second, "nginx writes"},
		{"combined of nginx by an empty request", common(`"" 400 0 "-" "a"`), "nginx-combined", capture.BasisCompletion, time.Second, "nginx writes"},
		{"combined of Apache by quotes", common(`"GET / HTTP/1.1" 200 1 "-" "a\"b"`), "apache-combined", capture.BasisStart, time.Second, "Apache writes"},
		{"combined of Apache by small letters", common(`"GET /\xc3\xa9 HTTP/1.1" 200 1 "-" "a"`), "apache-combined", capture.BasisStart, time.Second, "Apache writes"},
		{"combined of both", append(common(`"GET /\xc3 HTTP/1.1" 200 1 "-" "a"`), common(`"GET /\xC3 HTTP/1.1" 200 1 "-" "a"`)...), "combined", capture.BasisCompletion, time.Second, "write this format alike"},
		{"sizes with heads", common(`"GET / HTTP/1.1" 304 180 "-" "a"`), "combined", capture.BasisCompletion, time.Second, "all 20 answers without a body have a size"},
		{"virtual hosts", text(`a.example:80 ::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1 "-" "a"`), "vcombined", capture.BasisCompletion, time.Second, ""},
		{"virtual hosts, common", text(`a.example ::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1`), "vcommon", capture.BasisCompletion, time.Second, ""},

		{"nginx with request_time", write(serve(300), true, combined(func(d time.Duration) string { return fmt.Sprintf(" %.3f", d.Seconds()) })),
			"nginx-combined-time", capture.BasisEndMinusDuration, time.Second, ""},
		{"nginx with both times", write(serve(300), true, combined(func(d time.Duration) string { return fmt.Sprintf(` "-" %.3f %.3f .`, d.Seconds(), d.Seconds()) })),
			"nginx-combined-time", capture.BasisEndMinusDuration, time.Second, ""},
		{"nginx with rt=", write(serve(300), true, combined(func(d time.Duration) string {
			return fmt.Sprintf(` "-" rt=%.3f uct="0.000" uht="0.1" urt="0.1"`, d.Seconds())
		})), "nginx-combined-rt", capture.BasisEndMinusDuration, time.Second, ""},
		{"nginx with request_length", write(serve(300), true, combined(func(d time.Duration) string { return fmt.Sprintf(` 345 %.3f`, d.Seconds()) })),
			"nginx-combined-length-time", capture.BasisEndMinusDuration, time.Second, ""},
		{"a start where nginx should have an end", write(serve(300), false, combined(func(d time.Duration) string { return fmt.Sprintf(" %.3f", d.Seconds()) })),
			"nginx-combined-time", capture.BasisEndMinusDuration, time.Second, "but the order of the lines suggests starts"},

		{"Apache with %D", write(serve(300), false, combined(func(d time.Duration) string { return fmt.Sprint(" ", d.Microseconds()) })),
			"apache-combined-us", capture.BasisStart, time.Second, "taken as a duration in us"},
		{"Apache with %{ms}T", write(serve(300), false, combined(func(d time.Duration) string { return fmt.Sprint(" ", d.Milliseconds()) })),
			"apache-combined-ms", capture.BasisStart, time.Second, "taken as a duration in ms"},
		{"Apache with %T", write(serve(300), false, combined(func(d time.Duration) string { return fmt.Sprint(" ", int(d.Seconds())) })),
			"apache-combined-s", capture.BasisStart, time.Second, "taken as a duration in s"},
		{"Apache with %T/%D", write(serve(300), false, combined(func(d time.Duration) string { return fmt.Sprintf(" %d/%d", int(d.Seconds()), d.Microseconds()) })),
			"apache-combined-s-us", capture.BasisStart, time.Second, ""},
		{"Apache with an end stamp", write(serve(300), true, combined(func(d time.Duration) string { return fmt.Sprint(" ", d.Microseconds()) })),
			"apache-combined-us", capture.BasisStart, time.Second, "but the order of the lines suggests ends"},
		{"combinedio", common(`"GET / HTTP/1.1" 200 1 "-" "a" 345 678`), "combinedio", capture.BasisStart, time.Second, ""},
		{"combined and something", common(`"GET / HTTP/1.1" 200 1 "-" "a" rid=17 "x"`), "combined-extra", capture.BasisCompletion, time.Second, "fields behind the User-Agent are ignored"},

		{"nginx JSON", text(`{"time_iso8601":"2015-09-06T05:58:05+00:00","request_time":"0.1","request":"GET / HTTP/1.1"}`), "nginx-json", capture.BasisEndMinusDuration, time.Second, ""},
		{"nginx JSON without a duration", text(`{"time_iso8601":"2015-09-06T05:58:05+00:00","remote_addr":"::1","request":"GET / HTTP/1.1"}`), "nginx-json", capture.BasisCompletion, time.Second, ""},
		{"nginx JSON with msec", text(`{"msec":"1700000000.123","request_time":"0.100","request_uri":"/","request_method":"GET"}`), "nginx-json", capture.BasisEndMinusDuration, time.Millisecond, ""},
		{"JSON", text(`{"@timestamp":"2015-09-06T05:58:05.123456Z","http":{"request":{"method":"GET"}},"url":"/a","latency_ms":12}`), "json", capture.BasisEndMinusDuration, time.Microsecond, "stamps are taken as ends"},
		{"JSON with a start", text(`{"start_time":"2015-09-06T05:58:05.123Z","method":"GET","path":"/a","duration":12}`), "json", capture.BasisStart, time.Millisecond, "read as milliseconds where whole"},
		{"JSON with nanoseconds", text(`{"requestStartTime":"2015-09-06T05:58:05.123Z","RequestMethod":"GET","RequestPath":"/a","Duration":12345678}`), "json", capture.BasisStart, time.Millisecond, "read as nanoseconds"},
		{"JSON with microseconds", text(`{"ts":1700000000.5,"verb":"GET","url":"/a","elapsed":51234}`), "json", capture.BasisEndMinusDuration, 100 * time.Millisecond, "read as microseconds"},
		{"JSON of Apache", text(`{"time":"[06/Sep/2015:05:58:05 +0000]","remoteIP":"::1","request":"/a","query":"?b","method":"GET","status":"200","userAgent":"-"}`), "json", capture.BasisCompletion, time.Second, ""},
		{"JSON whose order shows starts", write(serve(300), false, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`{"time":%q,"method":"GET","path":"/a","duration":%q}`, at.Format(time.RFC3339Nano), d)
		}), "json", capture.BasisStart, time.Nanosecond, "they are starts of requests"},
		{"JSON between other lines", text(`starting`, `{"msg":"hello","time":"2015-09-06T05:58:05Z"}`, `{"time":"2015-09-06T05:58:05Z","method":"GET","uri":"/a"}`), "json", capture.BasisCompletion, time.Second, ""},
		{"combined inside JSON, whose own escapes are no marks", text(`{"message":"::1 - - [06/Sep/2015:05:58:05 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\""}`), "combined", capture.BasisCompletion, time.Second, "write this format alike"},
		{"blank lines and comments first", append(text("", "# a comment", "\xef\xbb\xbf"), common(`"GET / HTTP/1.1" 200 1`)...), "common", capture.BasisCompletion, time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, note, err := Detect(c.lines, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if p.Name() != c.want || p.Basis() != c.basis || p.Resolution() != c.resolution {
				t.Errorf("Detect = %s, %s, %s (%s), want %s, %s, %s", p.Name(), p.Basis(), p.Resolution(), note, c.want, c.basis, c.resolution)
			}
			for _, line := range c.lines {
				_ = p.Parse(line, new(capture.Request))
			}
			if note += fmt.Sprint(p.Notes()); !strings.Contains(note, c.note) {
				t.Errorf("note %q, want %q in it", note, c.note)
			}
		})
	}
}

// TestDetectArrival: with the right dialect the arrivals are the starts, whatever was stamped.
func TestDetectArrival(t *testing.T) {
	reqs := serve(300)
	epoch := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, lines := range map[string][][]byte{
		"nginx JSON, ends": write(reqs, true, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`{"time":%q,"method":"GET","path":"/a","duration":%q}`, at.Format(time.RFC3339Nano), d)
		}),
		"JSON, starts": write(reqs, false, func(at time.Time, d time.Duration) string {
			return fmt.Sprintf(`{"time":%q,"method":"GET","path":"/a","duration":%q}`, at.Format(time.RFC3339Nano), d)
		}),
	} {
		p, _, err := Detect(lines, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := tally(t, p, lines)
		for i, q := range got {
			if want := epoch.Add(reqs[i].start).UnixNano(); q.At != want {
				t.Fatalf("%s: request %d at %d, want %d", name, i, q.At, want)
			}
		}
	}
}

func TestDetectNamed(t *testing.T) {
	lines := [][]byte{[]byte(`::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 1 "-" "a"`)}
	for _, s := range presets {
		p, err := New(Options{Format: s.name})
		if err != nil {
			t.Errorf("New(%s): %v", s.name, err)
		} else if p.Name() != s.name {
			t.Errorf("New(%s) is called %s", s.name, p.Name())
		}
	}
	p, note, err := Detect(lines, Options{Format: "nginx-combined", Host: "h.example"})
	if err != nil || p.Name() != "nginx-combined" || note != "" {
		t.Errorf("Detect = %v, %q, %v", p, note, err)
	}
	if got := parseOne(t, p, string(lines[0])); !strings.Contains(got, "host=h.example") {
		t.Errorf("host is missing: %s", got)
	}
	if _, note, err := Detect(lines, Options{Format: "nginx-json"}); err != nil || note != "only 0 of the first 1 lines fit" {
		t.Errorf("Detect with the wrong format: %q, %v", note, err)
	}
	if _, _, err := Detect(lines, Options{LogFormat: "%h"}); err == nil || errors.Is(err, ErrUnknown) {
		t.Errorf("Detect with a bad log format: %v", err)
	}
	for _, none := range [][][]byte{nil, {nil}, {[]byte("# comment")}, {[]byte("hello"), []byte("world")}} {
		if _, _, err := Detect(none, Options{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("Detect(%q) = %v, want ErrUnknown", none, err)
		}
	}
}
