package source

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// twinLines is lines of one second each with four requests in it, the last two alike.
func twinLines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "10.0.0.1 - - [23/Nov/2026:14:%02d:%02d +0000] \"GET /a/%d HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n", i/4/60, i/4%60, min(i%4, 2))
	}
	return b.String()
}

// A line counts as often as in the log that has it most, whatever way the copies came about.
func TestDedupe(t *testing.T) {
	for _, test := range []struct {
		name       string
		logs       []string // the first is access.log.1, and so on
		want       int
		duplicates []int64
	}{
		{"one log, with equal lines in it", []string{twinLines(0, 100)}, 100, []int64{0}},
		{"the same log under two names", []string{twinLines(0, 100), twinLines(0, 100)}, 100, []int64{0, 100}},
		{"a rotation that did not truncate", []string{twinLines(0, 100), twinLines(0, 130)}, 130, []int64{0, 100}},
		{"ends that overlap inside a second", []string{twinLines(0, 102), twinLines(99, 130)}, 130, []int64{0, 3}},
		{"three of them", []string{twinLines(0, 50), twinLines(25, 75), twinLines(40, 100)}, 100, []int64{0, 25, 35}},
		{"none in common", []string{twinLines(0, 100), twinLines(100, 200)}, 200, []int64{0, 0}},
		{"a second parted by rotation", []string{twinLines(0, 3), twinLines(3, 8)}, 7, []int64{0, 1}},
		{"more in the second", []string{twinLines(3, 4), twinLines(2, 4)}, 2, []int64{1, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var names []string
			for i, text := range test.logs {
				names = append(names, write(t, dir, fmt.Sprintf("access.log.%d", i), []byte(text+"nonsense\n")))
			}
			o := options(t, false)
			o.Dedupe = true
			got, s, err := read(t, names, o)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != test.want {
				t.Errorf("%d requests, want %d", len(got), test.want)
			}
			var duplicates []int64
			var requests int64
			for _, l := range s.Ledgers() {
				if err := l.Balance(); err != nil {
					t.Error(err)
				}
				duplicates = append(duplicates, l.FilteredBy["duplicate"])
				requests += l.Requests
			}
			var all, want int64
			for i := range duplicates {
				all += duplicates[i]
				want += test.duplicates[i]
			}
			if all != want || requests != int64(test.want) {
				t.Errorf("duplicates by log %v, %d requests, want %v", duplicates, requests, test.duplicates)
			}
			for _, q := range got {
				if strings.ContainsAny(q.src, "\t") {
					t.Fatalf("the mark is still on %q", q.src)
				}
			}
		})
	}
}

// Without being asked for it nothing is removed, and a capture file beside the logs loses nothing.
func TestDedupeLeavesTheRestAlone(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, dir, "a.log", []byte(twinLines(0, 100))), write(t, dir, "b.log", []byte(twinLines(0, 100)))
	got, s, err := read(t, []string{a, b}, options(t, false))
	if err != nil || len(got) != 200 || !slices.ContainsFunc(s.Notes(), func(n string) bool { return strings.Contains(n, "hold the same bytes") }) {
		t.Errorf("%d requests (%v), notes %q, want 200 and a note", len(got), err, s.Notes())
	}
	archive := filepath.Join(dir, "x.cap.zst")
	archived(t, archive, []string{a}, options(t, false))
	o := options(t, false)
	o.Dedupe = true
	got, s, err = read(t, []string{archive, a, b}, o)
	if err != nil || len(got) != 200 || len(s.Ledgers()) != 3 {
		t.Errorf("with a capture file: %d requests (%v), want its 100 and 100 of the logs", len(got), err)
	}
}

// What one instant may hold is bounded; beyond it lines are kept.
func TestTwinsAreBounded(t *testing.T) {
	var w twins
	for i := range maxTwins + 10 {
		if w.isDuplicate(1, digest(fmt.Appendf(nil, "%d", i)), 0) {
			t.Fatalf("line %d is a duplicate", i)
		}
	}
	if !w.over || len(w.most) != maxTwins {
		t.Errorf("%d lines remembered, over %v", len(w.most), w.over)
	}
	if !w.isDuplicate(1, digest([]byte("0")), 1) || w.isDuplicate(2, digest([]byte("0")), 1) {
		t.Error("a line is no duplicate at its instant, or is one at another")
	}
}
