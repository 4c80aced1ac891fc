package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// logLine is line i of a combined log whose stamp is i seconds into a day, with a secret in every seventh.
func logLine(second, i int) string {
	query := ""
	if i%7 == 0 {
		query = fmt.Sprintf("?token=s3cret%dZqPw", i%21)
	}
	at := time.Date(2026, 11, 23, 0, 0, second, 0, time.UTC).Format("02/Jan/2006:15:04:05 -0700")
	return fmt.Sprintf("10.0.%d.%d - - [%s] \"GET /items/%d%s HTTP/1.1\" 200 %d \"https://shop.example/list?page=%d\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/%d.0\"\n",
		i%3, i%200, at, i, query, i%5000, i%9, 100+i%30)
}

func logOf(n int, second func(i int) int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(logLine(second(i), i))
	}
	return b.Bytes()
}

// imported is the capture file that the sources become, with a sorter of the given budget.
func imported(t *testing.T, names []string, budget int) []byte {
	t.Helper()
	o := options(t, false)
	s, err := Open(t.Context(), names, o)
	if err != nil {
		t.Fatal(err)
	}
	s.sorter = capture.NewSorter(capture.SorterOptions{Budget: budget, TempDir: o.TempDir})
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, capture.WriterOptions{Redactor: o.Redactor})
	if err != nil {
		t.Fatal(err)
	}
	err = s.CopyTo(w)
	w.SetSources(s.Ledgers())
	if err := errors.Join(err, w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestImportIsTheSameOnAnyCores: in whatever order the lines come, the file is the same byte for byte on one core and on
// four, and holds the lines of a stable sort, with the tokens that the order of the lines gives.
func TestImportIsTheSameOnAnyCores(t *testing.T) {
	const n = 4000
	forward := func(i int) int { return i }
	for _, test := range []struct {
		name string
		logs [][]byte
	}{
		{"in order", [][]byte{logOf(n, forward)}},
		{"nearly in order", [][]byte{logOf(n, func(i int) int { return i + i*31%17 })}},
		{"reversed", [][]byte{logOf(n, func(i int) int { return n - i })}},
		{"one instant", [][]byte{logOf(n, func(int) int { return 1 })}},
		{"two overlapping files", [][]byte{logOf(n, forward), logOf(n, func(i int) int { return n/2 + i })}},
		{"the same stamps twice", [][]byte{logOf(n, forward), logOf(n, forward)}},
	} {
		dir := t.TempDir()
		var names []string
		for i, log := range test.logs {
			names = append(names, write(t, dir, fmt.Sprintf("%d.log", i), log))
		}
		var want []string
		for _, budget := range []int{0, 256 << 10} {
			var files [][]byte
			for _, cores := range []int{1, 4} {
				before := runtime.GOMAXPROCS(cores)
				files = append(files, imported(t, names, budget))
				runtime.GOMAXPROCS(before)
			}
			if !bytes.Equal(files[0], files[1]) {
				t.Errorf("%s, budget %d: one core gives %d bytes, four give %d others", test.name, budget, len(files[0]), len(files[1]))
			}
			got := linesOf(t, files[0])
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) || len(got) != n*len(names) {
				t.Errorf("%s, budget %d: %d lines, want the %d that memory alone gives", test.name, budget, len(got), len(want))
			}
			if !slices.IsSortedFunc(got, byArrival) {
				t.Errorf("%s, budget %d: not in order of arrival, then of lines", test.name, budget)
			}
		}
	}
}

// byArrival compares arrivals and, within one file, line numbers.
func byArrival(a, b string) int {
	arrival := func(s string) string { s, _, _ = strings.Cut(s, `Z"`); return s }
	source := func(s string) (file string, line int) {
		_, s, _ = strings.Cut(s, `"src":"`)
		_, _ = fmt.Sscanf(strings.Replace(s, ":", " ", 1), "%s %d", &file, &line)
		return file, line
	}
	if c := strings.Compare(arrival(a), arrival(b)); c != 0 {
		return c
	}
	fileA, lineA := source(a)
	fileB, lineB := source(b)
	if fileA != fileB {
		return strings.Compare(fileA, fileB)
	}
	return lineA - lineB
}

func linesOf(t *testing.T, file []byte) []string {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var lines []string
	var q capture.Request
	for {
		if err := r.Next(&q); err != nil {
			break
		}
		lines = append(lines, string(q.AppendJSON(nil)))
	}
	return lines
}

// TestErrorsNameTheSameLineOnAnyCores: reading ahead changes neither where a file is said to break off nor how many
// of its lines are good.
func TestErrorsNameTheSameLineOnAnyCores(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(logOf(20_000, func(i int) int { return i * 7919 % 80_000 })); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "a.log.gz", b.Bytes()[:b.Len()*3/4])
	var want string
	for _, cores := range []int{1, 4} {
		before := runtime.GOMAXPROCS(cores)
		_, _, err := read(t, []string{path}, options(t, false))
		runtime.GOMAXPROCS(before)
		if err == nil || !strings.Contains(err.Error(), "a.log.gz: line 1") {
			t.Fatalf("%d cores: %v, want the line where the file ends", cores, err)
		}
		if want == "" {
			want = err.Error()
		}
		if err.Error() != want {
			t.Errorf("%d cores: %v, want %s", cores, err, want)
		}
	}
}

var errStopped = errors.New("stopped")

// TestCancelledImportLeavesNothing: it ends with the context's error, its goroutines end, no file stays.
func TestCancelledImportLeavesNothing(t *testing.T) {
	path := write(t, t.TempDir(), "a.log", logOf(50_000, func(i int) int { return i }))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	o := options(t, false)
	o.Progress = func(_, lines int64) {
		if lines > 20_000 {
			cancel(errStopped)
		}
	}
	before := runtime.NumGoroutine()
	s, err := Open(ctx, []string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	s.sorter = capture.NewSorter(capture.SorterOptions{Budget: 1 << 20, TempDir: o.TempDir})
	out := filepath.Join(o.TempDir, "a.cap.zst")
	w, err := capture.Create(out, capture.WriterOptions{Redactor: o.Redactor})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CopyTo(w); !errors.Is(err, errStopped) {
		t.Errorf("CopyTo = %v, want what the context was ended with", err)
	}
	if err := errors.Join(w.Abort(), s.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// TestImportAllocatesNothingForALine: twice the lines take no more allocations, in memory and with a temporary file.
func TestImportAllocatesNothingForALine(t *testing.T) {
	for _, budget := range []int{0, 3 << 20} {
		var allocated [2]uint64
		for i, n := range []int{20_000, 40_000} {
			path := write(t, t.TempDir(), "a.log", bytes.Repeat(logOf(20_000, func(i int) int { return i }), n/20_000))
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			imported(t, []string{path}, budget)
			runtime.ReadMemStats(&after)
			allocated[i] = after.Mallocs - before.Mallocs
		}
		if per := float64(int64(allocated[1]-allocated[0])) / 20_000; per > 0.1 { // a few for each batch and frame
			t.Errorf("budget %d: %.3f allocations for each further line (%d, then %d), want none", budget, per, allocated[0], allocated[1])
		}
	}
}
