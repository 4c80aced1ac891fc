package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// orders are ways in which n requests may come: the arrival of the i-th, in seconds.
var orders = []struct {
	name string
	at   func(i, n int) int
}{
	{"in order", func(i, _ int) int { return i }},
	{"nearly in order", func(i, _ int) int { return i - i*7919%13 }},
	{"reversed", func(i, n int) int { return n - i }},
	{"two overlapping files", func(i, n int) int { return i % (n/2 + 1) * 2 }},
	{"one instant", func(_, _ int) int { return 7 }},
	{"shuffled, with ties", func(i, n int) int { return i * 7919 % n / 5 }},
	{"one very late request in a hundred", func(i, _ int) int {
		if i%100 == 99 {
			return i / 10
		}
		return i
	}},
	{"every thirtieth begins anew", func(i, _ int) int { return i % 30 }},
	{"both ends of time", func(i, n int) int { return (i%3 - 1) * (9e9 - n + i) }},
}

// budgets let all fit into memory, some batches be spilled, and every request be a batch of its own.
var budgets = []int{0, 96 << 10, 1}

// TestSorterOrders: whatever the order and the budget, out come the same requests as from a stable sort, by Next
// and by CopyTo, and the metadata is what Write would have made of them.
func TestSorterOrders(t *testing.T) {
	const n = 1200
	for _, order := range orders {
		var want []*Request
		for i := range n {
			q := like(i)
			q.At, q.clean = int64(order.at(i, n))*1e9, true
			if q.Host = fmt.Appendf(nil, "H%d.example", i%7); i%7 == 0 {
				q.Host = nil
			}
			want = append(want, q)
		}
		sorted := slices.Clone(want)
		slices.SortStableFunc(sorted, func(a, b *Request) int {
			if a.At < b.At {
				return -1
			}
			return int(min(1, uint64(a.At-b.At)))
		})
		lines, meta := writtenOneByOne(t, sorted)
		for _, budget := range budgets {
			name := fmt.Sprintf("%s, budget %d", order.name, budget)
			dir := t.TempDir()
			got, err := readAll(sorter(t, want, budget, dir))
			if err != nil || !slices.Equal(got, lines) {
				t.Errorf("%s: Next gives %d requests (%v), want %d of a stable sort", name, len(got), err, n)
			}
			got, m := copied(t, sorter(t, want, budget, dir))
			if !slices.Equal(got, lines) {
				t.Errorf("%s: CopyTo gives %d requests, want %d of a stable sort", name, len(got), n)
			}
			if !reflect.DeepEqual(m, meta) {
				t.Errorf("%s: metadata %+v, want %+v", name, m, meta)
			}
		}
	}
}

// sorter is a Sorter with the requests in it, which the test's end closes.
func sorter(t testing.TB, qs []*Request, budget int, dir string) *Sorter {
	t.Helper()
	s := NewSorter(SorterOptions{Budget: budget, TempDir: dir})
	for _, q := range qs {
		if err := s.Add(q); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// writtenOneByOne is the lines and the metadata of a capture file into which Write put the requests.
func writtenOneByOne(t *testing.T, qs []*Request) ([]string, Meta) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, WriterOptions{})
	for _, q := range qs {
		err = errors.Join(err, w.Write(q))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	lines, err := readBack(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return lines, w.Meta()
}

// copied is the lines and the metadata of a capture file into which s was copied.
func copied(t *testing.T, s *Sorter) ([]string, Meta) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.CopyTo(t.Context(), w), w.Close()); err != nil {
		t.Fatal(err)
	}
	lines, err := readBack(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return lines, w.Meta()
}

func readBack(file []byte) ([]string, error) {
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	lines, err := readAll(r)
	return lines, errors.Join(err, r.Close())
}

// TestNearlyOrderedIsOneRun: what steps back less than what is held back needs no merging, so that its frames go
// into the capture file as they are.
func TestNearlyOrderedIsOneRun(t *testing.T) {
	for _, test := range []struct {
		name string
		back int // how far a request steps back
		runs int
	}{{"in order", 1, 1}, {"nearly in order", 40, 1}, {"one late request in a hundred", 3000, 2}} {
		s := NewSorter(SorterOptions{Budget: 256 << 10, TempDir: t.TempDir()})
		for i := range 6000 {
			q := like(i)
			q.At, q.clean = int64(i), true
			if i%100 == 99 {
				q.At -= int64(test.back)
			}
			if err := s.Add(q); err != nil {
				t.Fatal(err)
			}
		}
		s.seal(t.Context())
		if s.err != nil || len(s.spiller.runs) != test.runs {
			t.Errorf("%s: %d runs (%v), want %d", test.name, len(s.spiller.runs), s.err, test.runs)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSorterIsBounded: memory follows the budget and not the number of requests, in the worst order.
func TestSorterIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("sorts 80 MB")
	}
	const n, budget, limit = 250_000, 3 << 20, 64 << 20
	s := NewSorter(SorterOptions{Budget: budget, TempDir: t.TempDir()})
	defer s.Close()
	runtime.GC()
	var base, now runtime.MemStats
	runtime.ReadMemStats(&base)
	var most uint64
	look := func(i int) {
		if i%5000 == 0 {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse-min(base.HeapInuse, now.HeapInuse))
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	q := like(1)
	q.clean = true
	for i := range n {
		q.At = r.Int64N(1e15)
		if err := s.Add(q); err != nil {
			t.Fatal(err)
		}
		look(i)
	}
	var got Request
	for i := 0; ; i++ {
		if err := s.Next(&got); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		look(i)
	}
	if most > limit {
		t.Errorf("%d MB of heap with a budget of %d MB, want at most %d MB", most>>20, budget>>20, limit>>20)
	}
}

func TestCopyToObeysItsContext(t *testing.T) {
	for _, budget := range []int{0, 64 << 10} {
		qs := make([]*Request, 1000)
		for i := range qs {
			qs[i] = like(i)
			qs[i].clean = true
		}
		dir := t.TempDir()
		s := sorter(t, qs, budget, dir)
		w, err := Create(dir+"/a.cap.zst", WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.CopyTo(ctx, w); !errors.Is(err, context.Canceled) {
			t.Errorf("budget %d: CopyTo = %v, want context canceled", budget, err)
		}
		if err := errors.Join(w.Abort(), s.Close()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("budget %d: %v is left (%v)", budget, left, err)
		}
	}
}

// broken fails after some bytes.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestCopyToReportsTheDisk(t *testing.T) {
	for _, budget := range []int{0, 64 << 10} {
		var qs []*Request
		for i := range 20_000 {
			q := like(i)
			q.clean = true
			qs = append(qs, q)
		}
		w, err := NewWriter(&broken{100}, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(sorter(t, qs, budget, t.TempDir()).CopyTo(t.Context(), w), w.Close())
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("budget %d: CopyTo and Close = %v, want disk full", budget, err)
		}
	}
}

// TestSortKeys compares the sort by digits with a stable sort.
func TestSortKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, unit := range []int64{1, 10, 1e3, 1e6, 1e9} {
		for _, span := range []int64{1, 2, 1000, 1e6, 1e9} {
			keys := make([]sortKey, fewKeys*4)
			for i := range keys {
				keys[i] = sortKey{(r.Int64N(span) - span/2) * unit, uint64(i)}
			}
			want := slices.Clone(keys)
			slices.SortStableFunc(want, func(a, b sortKey) int { return int(min(max(a.at-b.at, -1), 1)) })
			if got, _ := sortKeys(keys, nil); !slices.Equal(got, want) {
				t.Errorf("unit %d, span %d: not in order", unit, span)
			}
		}
	}
}

func TestJSONBound(t *testing.T) {
	bad := bytes.Repeat([]byte{1}, 100)
	long := full()
	for i := range 50 {
		long.Headers = append(long.Headers, Header{bad[:i], bad[:50-i]})
		long.Messages = append(long.Messages, Message{US: -1 << 62, Dir: 'c', Op: string(bad[:i]), Data: bad[:i]})
		long.Trailers = append(long.Trailers, Header{[]byte{0xff}, nil})
	}
	for _, q := range []*Request{{At: minAt + 1}, full(), like(1), long} {
		if got, bound := len(q.AppendJSON(nil)), q.jsonBound(); got > bound {
			t.Errorf("%d bytes of JSON, bound %d", got, bound)
		}
	}
}

// BenchmarkCopyTo is the way from added requests to a capture file.
func BenchmarkCopyTo(b *testing.B) {
	const n = 50_000
	for _, order := range orders[:3] {
		b.Run(strings.ReplaceAll(order.name, " ", "-"), func(b *testing.B) {
			qs := make([]*Request, n)
			size := 0
			for i := range qs {
				qs[i] = like(i)
				qs[i].At, qs[i].clean = int64(order.at(i, n))*1e6, true
				size += len(qs[i].AppendJSON(nil))
			}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				s := NewSorter(SorterOptions{Budget: 4 << 20, TempDir: b.TempDir()})
				w, err := NewWriter(io.Discard, WriterOptions{})
				if err != nil {
					b.Fatal(err)
				}
				for _, q := range qs {
					if err := s.Add(q); err != nil {
						b.Fatal(err)
					}
				}
				if err := errors.Join(s.CopyTo(b.Context(), w), w.Close(), s.Close()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/request")
		})
	}
}

func BenchmarkSortKeys(b *testing.B) {
	const n = 50_000
	keys, spare := make([]sortKey, n), make([]sortKey, n)
	b.ReportAllocs()
	for b.Loop() {
		for i := range keys {
			keys[i] = sortKey{int64(i*7919%n) * 1e6, uint64(i)}
		}
		keys, spare = sortKeys(keys, spare)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
}
