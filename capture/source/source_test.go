package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// day is the start of the traffic in the tests.
var day = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// line is request i as a line of our own NDJSON.
func line(i int) string {
	return fmt.Sprintf(`{"at":"%s","client":"10.0.0.%d","conn":%d,"method":"GET","host":"h%d.example","target":"/items/%d?page=2","status":%d}`,
		day.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), i%50, i%9+1, i%2, i, 200+i%3*100)
}

func ndjson(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

// combined is request i as nginx's combined format would log it.
func combined(i int) string {
	return fmt.Sprintf(`10.0.0.%d - - [%s] "GET /items/%d HTTP/1.1" 200 512 "-" "Mozilla/5.0"`,
		i%50, day.Add(time.Duration(i)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), i)
}

func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options have a fixed key and a folder of their own.
func options(t testing.TB, keep bool) Options {
	t.Helper()
	r, err := capture.NewRedactor(capture.RedactOptions{Key: []byte("key"), KeepSecrets: keep})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Redactor: r, TempDir: t.TempDir()}
}

type seen struct{ at, src, target string }

// read reads a set to its end and checks what must always hold.
func read(t testing.TB, names []string, o Options) ([]seen, *Set, error) {
	t.Helper()
	s, err := Open(t.Context(), names, o)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	var got []seen
	var q capture.Request
	last := int64(0)
	for {
		if err = s.Next(&q); err != nil {
			break
		}
		if q.At < last {
			t.Errorf("request %s arrived before the one in front of it", q.Src)
		}
		last = q.At
		got = append(got, seen{q.Time().Format(time.RFC3339Nano), string(q.Src), string(q.Target)})
	}
	if again := s.Next(&q); again != err {
		t.Errorf("after %v Next gives %v", err, again)
	}
	var requests int64
	for _, l := range s.Ledgers() {
		if err := l.Balance(); err != nil {
			t.Error(err)
		}
		requests += l.Requests
	}
	if err == io.EOF {
		err = nil
		if requests != int64(len(got)) {
			t.Errorf("ledgers have %d requests, %d came out", requests, len(got))
		}
	}
	return got, s, err
}

// TestTruncatedCompression cuts compressed files: never a success.
func TestRotatedAndOverlappingSet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "web1/access.log.2.gz", gzipped(ndjson(0, 1000)))
	write(t, dir, "web1/access.log.1", []byte(ndjson(1000, 1800)))
	write(t, dir, "web1/access.log", []byte(ndjson(1800, 2000)+"\n"))
	write(t, dir, "web2/access.log", []byte(ndjson(500, 1500)))
	write(t, dir, "web2/error.log", []byte("2026/11/23 14:00:00 [error] 7#7: upstream timed out\n"))
	write(t, dir, "web2/.hidden", []byte("x"))
	write(t, dir, "web2/empty.log", nil)
	got, s, err := read(t, []string{dir}, options(t, true))
	if err != nil || len(got) != 3000 {
		t.Fatalf("%d requests (%v), want 3000", len(got), err)
	}
	var names []string
	for _, l := range s.Ledgers() {
		rel, _ := filepath.Rel(dir, l.Name)
		names = append(names, fmt.Sprintf("%s %d/%d", rel, l.Requests, l.Lines))
	}
	want := []string{"web2/empty.log 0/0", "web1/access.log.2.gz 1000/1000", "web2/access.log 1000/1000", "web1/access.log.1 800/800", "web1/access.log 200/201"}
	if !slices.Equal(names, want) {
		t.Errorf("ledgers %q, want %q", names, want)
	}
	if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes, "error.log: left out: no known log format") || !strings.Contains(notes, "empty.log: empty") {
		t.Errorf("notes:\n%s", notes)
	}
	// the order of the names does not matter, and a file named twice is read once
	globs := []string{filepath.Join(dir, "web2", "access.log"), filepath.Join(dir, "web?", "access.log*"), filepath.Join(dir, "web1", "access.log")}
	again, s, err := read(t, globs, options(t, true))
	if err != nil || !slices.Equal(again, got) {
		t.Errorf("by globs: %d requests (%v), want the same 3000", len(again), err)
	}
	if notes := strings.Join(s.Notes(), "\n"); strings.Count(notes, "named twice, read once") != 2 {
		t.Errorf("notes:\n%s", notes)
	}
}

// TestConnectionsOfTwoSourcesStayApart: a connection's number counts within its source.
func TestConnectionsOfTwoSourcesStayApart(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, dir, "a", []byte(ndjson(0, 100))), write(t, dir, "b", []byte(ndjson(0, 100)))
	s, err := Open(t.Context(), []string{a, b}, options(t, true))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := map[int64]string{}
	var q capture.Request
	for s.Next(&q) == nil {
		name, _, _ := strings.Cut(string(q.Src), ":")
		if had := from[q.Conn]; had != "" && had != name {
			t.Fatalf("connection %d is in %s and in %s", q.Conn, had, name)
		}
		from[q.Conn] = name
	}
	if len(from) != 18 {
		t.Errorf("%d connections, want 18", len(from))
	}
	if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes, "hold the same bytes") {
		t.Errorf("notes %q do not say that both files are alike", notes)
	}
}

func TestAccessLog(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		b.WriteString(combined(i) + "\n")
		switch i {
		case 100:
			b.WriteString("\n# a comment\n")
		case 200:
			b.WriteString(strings.Repeat("x", capture.MaxLine+1) + "\n")
		case 300:
			b.WriteString("10.0.0.1 - - [31/Feb/2026:10:00:00 +0000] \"GET /?token=ya29.secretsecretsecretsecret1234567890 HTTP/1.1\" 200 5 \"-\" \"-\"\n")
		case 400:
			b.WriteString("\x00\x01\x02 nothing\n")
		}
	}
	path := write(t, t.TempDir(), "access.log", []byte(b.String()))
	got, s, err := read(t, []string{path}, options(t, false))
	if err != nil || len(got) != 500 {
		t.Fatalf("%d requests (%v), want 500", len(got), err)
	}
	if got[499].src != "access.log:505" {
		t.Errorf("last request is from %s, want access.log:505", got[499].src)
	}
	l := s.Ledgers()[0]
	if l.Lines != 505 || l.Bad() != 3 || l.Skipped["too-long"] != 1 || l.Skipped["bad-time"] != 1 || l.Skipped["blank"] != 1 || l.Skipped["comment"] != 1 {
		t.Errorf("ledger %+v", l)
	}
	if l.Basis != capture.BasisCompletion || l.Resolution != "1s" {
		t.Errorf("basis %s, resolution %s, want completion and 1s", l.Basis, l.Resolution)
	}
	for _, e := range l.Examples {
		if strings.Contains(e.Part, "secretsecret") || strings.ContainsAny(e.Part, "\x00\n") || len(e.Part) > 120 {
			t.Errorf("example %+v", e)
		}
	}
}

func TestTwoThirdsOfALineAreOneRequestEach(t *testing.T) {
	// a long line at, below and above the limit, in front of a good one
	for _, test := range []struct{ size, want int }{{capture.MaxLine, 2}, {capture.MaxLine + 1, 1}, {3 * capture.MaxLine, 1}} {
		for _, end := range []string{"\n", "\r\n"} {
			first := line(0)
			first += strings.Repeat(" ", test.size-len(first))
			path := write(t, t.TempDir(), "a", []byte(first+end+line(1)+end))
			got, s, err := read(t, []string{path}, options(t, true))
			if err != nil || len(got) != test.want || s.Ledgers()[0].Lines != 2 {
				t.Errorf("line of %d bytes and %q: %d requests (%v), want %d", test.size, end, len(got), err, test.want)
			}
		}
	}
}

func TestMaxSkipped(t *testing.T) {
	mixed := func(n, bad int) []byte {
		var b strings.Builder
		for i := range n {
			if i < bad {
				b.WriteString("{\"at\":\"never\"}\n")
			} else {
				b.WriteString(line(i) + "\n\n")
			}
		}
		return []byte(b.String())
	}
	for _, test := range []struct {
		name   string
		n, bad int
		limit  float64 // negative: none is set
		lines  int     // that are read, 0: all and no error
	}{
		{"below", 100, 5, 0.05, 0},
		{"above", 100, 6, 0.05, 194},
		{"no limit", 100, 99, -1, 0},
		{"none allowed", 100, 1, 0, 199},
		{"above early", 50_000, 190, 0.01, 12_288},
	} {
		path := write(t, t.TempDir(), "a", mixed(test.n, test.bad))
		o := options(t, true)
		if test.limit >= 0 {
			o.MaxSkipped = &test.limit
		}
		o.Accesslog = accesslog.Options{}
		got, s, err := read(t, []string{path}, o)
		switch {
		case test.lines == 0 && (err != nil || len(got) != test.n-test.bad):
			t.Errorf("%s: %d requests (%v), want %d", test.name, len(got), err, test.n-test.bad)
		case test.lines > 0 && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("limit %.3g%%", test.limit*100)) || s.lines != int64(test.lines)):
			t.Errorf("%s: error %v after %d lines, want one after %d", test.name, err, s.lines, test.lines)
		}
	}
}

func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	bad := write(t, dir, "bad.log", []byte(line(0)[:40]+"\n"+strings.Replace(line(1), "2026-11-23", "never", 1)+"\n"))
	empty := write(t, dir, "empty.log", nil)
	blank := write(t, dir, "blank.log", []byte("\n\n"))
	good := write(t, dir, "good.log", []byte(ndjson(0, 5)))
	late, err := capture.ParseFilter(capture.FilterFlags{Since: "2030-01-01T00:00:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		names  []string
		filter *capture.Filter
		want   string // empty: no error
	}{
		{"an empty file", []string{empty}, nil, "no requests: " + empty + ": 0 lines"},
		{"blank lines", []string{blank}, nil, "2 blank"},
		{"everything filtered", []string{good}, late, "5 filtered out"},
		{"an empty file beside a good one", []string{empty, good}, nil, ""},
		{"a folder without logs", []string{t.TempDir()}, nil, "no requests"},
	} {
		o := options(t, true)
		o.Filter = test.filter
		got, _, err := read(t, test.names, o)
		if test.want == "" && (err != nil || len(got) != 5) || test.want != "" && (!errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d requests, error %v, want ErrEmpty with %q", test.name, len(got), err, test.want)
		}
	}
	o := options(t, true)
	o.Accesslog.Format = "combined"
	_, _, err = read(t, []string{bad}, o)
	if !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "2 lines") || !strings.Contains(err.Error(), "bad.log:1: not-this-format") {
		t.Errorf("bad lines only: error %v", err)
	}
	for _, names := range [][]string{{filepath.Join(dir, "none")}, {filepath.Join(dir, "none*")}, {"-"}, {bad}} {
		if _, _, err := read(t, names, options(t, true)); err == nil || errors.Is(err, ErrEmpty) {
			t.Errorf("%s: error %v, want another one than ErrEmpty", names, err)
		}
	}
}

// archived makes a capture file of sources.
// TestSecretsOfACaptureFile: what was captured with its secrets loses them on the way into another file.
// TestSpillFilesHoldNoSecret looks at the temporary files while they are there.
func TestCancel(t *testing.T) {
	path := write(t, t.TempDir(), "a", []byte(ndjson(0, 20_000)))
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, true)
	calls := 0
	var bytes, lines int64
	o.Progress = func(b, l int64) {
		calls++
		if b < bytes || l < lines {
			t.Errorf("progress goes back: %d bytes, %d lines after %d and %d", b, l, bytes, lines)
		}
		bytes, lines = b, l
		cancel()
	}
	s, err := Open(ctx, []string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var q capture.Request
	if err := s.Next(&q); !errors.Is(err, context.Canceled) || calls != 1 || lines != progressEvery {
		t.Errorf("Next = %v after %d calls of Progress and %d lines, want a cancelled context after 1 and %d", err, calls, lines, progressEvery)
	}
}

func TestLateArrivalsAreCounted(t *testing.T) {
	long := strings.Replace(line(0), "2026-11-23T14", "2026-11-23T12", 1)
	path := write(t, t.TempDir(), "a", []byte(ndjson(0, 10)+long+"\n"+ndjson(10, 20)))
	got, s, err := read(t, []string{path}, options(t, true))
	if err != nil || s.Ledgers()[0].Late != 1 || got[0].src != "a:11" {
		t.Errorf("late %d, first %v (%v), want 1 and the late one", s.Ledgers()[0].Late, got[0], err)
	}
}

// TestRealLogs reads what other people's servers wrote: every line is accounted for.
func TestRealLogs(t *testing.T) {
	root := "."
	for range 6 {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Join(root, "..")
	}
	folder := filepath.Join(root, "..", "shared", "data", "access")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("skipped: no development data: %v", err)
	}
	lines := map[string]int64{"apache_combined_10k.log.gz": 10_000, "nginx_json_reqtime_10k.log.gz": 10_049}
	for name, want := range lines {
		got, s, err := read(t, []string{filepath.Join(folder, name)}, options(t, false))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if l := s.Ledgers()[0]; l.Lines != want || float64(len(got)) < 0.99*float64(want) {
			t.Errorf("%s: %d lines, %d requests, want %d lines and nearly as many requests; ledger %+v", name, l.Lines, len(got), want, l)
		}
	}
	all, s, err := read(t, []string{filepath.Join(folder, "[an]*.log.gz")}, options(t, false))
	if err != nil || len(s.Ledgers()) != 2 {
		t.Errorf("all at once: %d requests (%v), want those of both", len(all), err)
	}
}

// FuzzSource: any bytes, through every recogniser: an error or a ledger that balances.
// FuzzLines: however the stream is cut into reads, the lines are the same.
// slow gives a few bytes at a time.
