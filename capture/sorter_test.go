package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// jumbled is request i of n whose arrivals are out of order, with many ties.
func jumbled(i, n int) *Request {
	q := like(i)
	q.At = int64(i*7919%n) / 5 * 1e9
	q.clean = true
	return q
}

func TestSorter(t *testing.T) {
	for _, test := range []struct {
		name      string
		n, budget int
		runs      int // at least
	}{
		{"nothing", 0, 0, 0},
		{"in memory", 1000, 0, 0},
		{"a few runs", 1000, 64 << 10, 4},
		{"many runs, merged in two passes", 1500, 1, 100},
	} {
		dir := t.TempDir()
		s := NewSorter(SorterOptions{Budget: test.budget, TempDir: dir})
		type key struct {
			at  int64
			src string
		}
		var want []key
		for i := range test.n {
			q := jumbled(i, max(test.n, 1))
			if err := s.Add(q); err != nil {
				t.Fatalf("%s: Add = %v", test.name, err)
			}
			want = append(want, key{q.At, string(q.Src)})
		}
		slices.SortStableFunc(want, func(a, b key) int { return int((a.at - b.at) / 1e9) })
		if s.Len() != int64(test.n) {
			t.Errorf("%s: Len() = %d, want %d", test.name, s.Len(), test.n)
		}
		runs := 0
		if s.spiller != nil {
			s.spiller.stop()
			runs = len(s.spiller.runs)
		}
		if runs < test.runs {
			t.Errorf("%s: %d runs, want at least %d", test.name, runs, test.runs)
		}
		if left, err := os.ReadDir(dir); runtime.GOOS != "windows" && (err != nil || len(left) != 0) {
			t.Errorf("%s: a killed program would leave %v (%v)", test.name, left, err)
		}
		var q Request
		for i := 0; ; i++ {
			if err := s.Next(&q); err == io.EOF {
				if i != test.n {
					t.Errorf("%s: %d requests, want %d", test.name, i, test.n)
				}
				break
			} else if err != nil {
				t.Fatalf("%s: Next = %v", test.name, err)
			}
			if got := (key{q.At, string(q.Src)}); got != want[i] {
				t.Fatalf("%s: request %d is %v, want %v", test.name, i, got, want[i])
			}
			if !q.clean {
				t.Fatalf("%s: request %d is not clean", test.name, i)
			}
		}
		if err := s.Add(jumbled(1, 2)); err == nil {
			t.Errorf("%s: Add after Next = nil, want an error", test.name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close = %v", test.name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%s: left behind: %v (%v)", test.name, left, err)
		}
	}
}

func TestSorterRefuses(t *testing.T) {
	s := NewSorter(SorterOptions{})
	defer s.Close()
	if err := s.Add(like(1)); err == nil || !strings.Contains(err.Error(), "not redacted") {
		t.Errorf("Add of a request that no redactor has seen = %v, want an error", err)
	}
	q := like(1)
	q.clean, q.Target = true, make([]byte, MaxTarget+1)
	if _, ok := errors.AsType[*SyntaxError](s.Add(q)); !ok {
		t.Error("Add of a request above a limit gave no *SyntaxError")
	}
}

func TestSorterNoticesDamage(t *testing.T) {
	s := NewSorter(SorterOptions{Budget: 64 << 10, TempDir: t.TempDir()})
	defer s.Close()
	for i := range 1000 {
		if err := s.Add(jumbled(i, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	s.spiller.stop()
	if err := s.spiller.file.f.Truncate(s.spiller.file.size / 2); err != nil {
		t.Fatal(err)
	}
	if lines, err := readAll(s); err == nil {
		t.Errorf("%d requests out of a damaged run and no error", len(lines))
	}
}

func TestSorterKeepsRequestsWhole(t *testing.T) {
	for _, budget := range []int{0, 1} {
		s := NewSorter(SorterOptions{Budget: budget, TempDir: t.TempDir()})
		var want []string
		for i := range 10 {
			q := full()
			q.clean, q.At = true, int64(i)
			q.Target = fmt.Appendf(nil, "/%d\"\xff", i)
			want = append(want, string(q.AppendJSON(nil)))
			if err := s.Add(q); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readAll(s)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("budget %d: got %q (%v), want %q", budget, got, err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkSorter(b *testing.B) {
	const n = 50_000
	qs := make([]*Request, n)
	for i := range qs {
		qs[i] = jumbled(i, n)
	}
	for _, budget := range []int{0, 4 << 20} {
		b.Run(fmt.Sprintf("budget=%d", budget), func(b *testing.B) {
			b.ReportAllocs()
			var q Request
			for b.Loop() {
				s := NewSorter(SorterOptions{Budget: budget, TempDir: b.TempDir()})
				for _, q := range qs {
					if err := s.Add(q); err != nil {
						b.Fatal(err)
					}
				}
				for {
					if err := s.Next(&q); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/request")
		})
	}
}

// TestSorterStopsFlowing: frames that were written as they came are merged with what steps back behind them, soon or
// late.
func TestSorterStopsFlowing(t *testing.T) {
	const n = 3000
	for _, late := range []int{1, n / 3, n - 1} {
		s := NewSorter(SorterOptions{Budget: 256 << 10, TempDir: t.TempDir()})
		var want []int64
		flowed := false
		for i := range n {
			q := like(i)
			q.clean = true
			q.At = int64(i/3) * 1e9
			if i >= late {
				q.At = int64(i*7919%n) * 1e9
			}
			if i == late && s.spiller != nil {
				flowed = true
			}
			if err := s.Add(q); err != nil {
				t.Fatal(err)
			}
			want = append(want, q.At)
		}
		if late > 1 && !flowed {
			t.Errorf("late from %d: nothing was written before", late)
		}
		slices.Sort(want)
		var q Request
		for i, at := range want {
			if err := s.Next(&q); err != nil || q.At != at {
				t.Fatalf("late from %d: request %d arrived at %d, want %d (%v)", late, i, q.At, at, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
