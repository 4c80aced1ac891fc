package arrival

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/stat"
)

type list struct {
	qs []capture.Request
	i  int
}

func (l *list) Next(q *capture.Request) error {
	if l.i == len(l.qs) {
		return io.EOF
	}
	*q = l.qs[l.i]
	l.i++
	return nil
}

func all(t *testing.T, s capture.Stream) []capture.Request {
	t.Helper()
	var out []capture.Request
	var q capture.Request
	for {
		err := s.Next(&q)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *q.Clone())
	}
}

// stamped is what a log with stamps of one second makes of arrivals and durations (µs): end stamps, lines in order of
// completion, sorted by the arrival that the importer can know.
func stamped(arrivals, durs []int64) (qs []capture.Request, truth map[string]int64) {
	type line struct{ end, arrival, dur int64 }
	ls := make([]line, len(arrivals))
	for i := range ls {
		ls[i] = line{arrivals[i] + durs[i]*1000, arrivals[i], durs[i]}
	}
	slices.SortFunc(ls, func(a, b line) int { return int(max(min(a.end-b.end, 1), -1)) })
	truth = map[string]int64{}
	for i, l := range ls {
		var q capture.Request
		q.Reset()
		q.At, q.DurUS, q.Src = l.end/second*second-l.dur*1000, l.dur, fmt.Appendf(nil, "log:%d", i+1)
		truth[string(q.Src)] = l.arrival
		qs = append(qs, q)
	}
	slices.SortStableFunc(qs, func(a, b capture.Request) int { return int(max(min(a.At-b.At, 1), -1)) })
	return qs, truth
}

// Experiment 3: uniform within the tick, lines in their order, the same for the same seed.
func TestDequantise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	began := int64(1_000_000) * second
	var arrivals, durs []int64
	for _, x := range mmpp(3, 300*second, 60, 60, 1, 1) {
		arrivals = append(arrivals, began+x)
		d := int64(rng.ExpFloat64() * 200_000)
		if rng.IntN(50) == 0 {
			d += 4_500_000 + rng.Int64N(20_000_000) // a slow one, that cannot wait
		}
		durs = append(durs, d)
	}
	qs, truth := stamped(arrivals, durs)
	ledgers := []capture.Ledger{{Name: "other", Resolution: "1ms"}, {Name: "log", Basis: capture.BasisEndMinusDuration, Resolution: "1s"}}
	got := all(t, Dequantise(&list{qs: qs}, ledgers, 7))
	if len(got) != len(qs) {
		t.Fatalf("%d requests came out of %d", len(got), len(qs))
	}
	if !slices.IsSortedFunc(got, func(a, b capture.Request) int { return int(max(min(a.At-b.At, 1), -1)) }) {
		t.Error("not in order of arrival")
	}
	var within, uniform []float64
	ends := map[int]int64{}
	for i, q := range got {
		end := q.At + q.DurUS*1000
		if d := q.At - truth[string(q.Src)]; d > second || d < -second {
			t.Fatalf("%s: arrival is off by %v", q.Src, time.Duration(d))
		}
		within = append(within, Seconds(end%second))
		uniform = append(uniform, (float64(i)+0.5)/float64(len(got)))
		if q.DurUS < holdback*1_000_000 {
			_, line := splitSrc(q.Src)
			ends[int(line)] = end
		}
	}
	if d := stat.KS(within, uniform); d > 0.012 {
		t.Errorf("KS distance of the places within ticks from uniform is %v", d)
	}
	last := int64(0)
	for line := 1; line <= len(got); line++ {
		if end, ok := ends[line]; ok {
			if end < last {
				t.Fatalf("line %d ended before the line above it", line)
			}
			last = end
		}
	}
	again := all(t, Dequantise(&list{qs: qs}, ledgers, 7))
	other := all(t, Dequantise(&list{qs: qs}, ledgers, 8))
	same, differ := true, false
	for i := range got {
		same = same && got[i].At == again[i].At
		differ = differ || got[i].At != other[i].At
	}
	if !same || !differ {
		t.Errorf("same seed same places: %v, other seed other places: %v; want both", same, differ)
	}
}

func TestDequantiseLeavesFineStampsAlone(t *testing.T) {
	var q capture.Request
	q.Reset()
	q.At, q.Src = 1_234_000_000, []byte("fine:1")
	in := &list{qs: []capture.Request{q}}
	if s := Dequantise(in, []capture.Ledger{{Name: "fine", Resolution: "1ms"}, {Name: "none", Resolution: ""}}, 1); s != capture.Stream(in) {
		t.Error("a source of fine stamps is wrapped")
	}
	mixed := []capture.Request{q, q}
	mixed[1].At, mixed[1].Src = 2_000_000_000, []byte("coarse:1")
	got := all(t, Dequantise(&list{qs: mixed}, []capture.Ledger{{Name: "fine", Resolution: "1ms"}, {Name: "coarse", Resolution: "1s", Basis: capture.BasisStart}}, 1))
	if got[0].At != q.At {
		t.Errorf("fine stamp moved from %d to %d", q.At, got[0].At)
	}
	if at := got[1].At; at < 2_000_000_000 || at >= 3_000_000_000 || at == 2_000_000_000 {
		t.Errorf("coarse stamp is at %d, want inside its second", at)
	}
}

// One tick with more requests than may be held still gives them all back, in order.
func TestDequantiseBoundsMemory(t *testing.T) {
	n := maxHeld + 1000
	qs := make([]capture.Request, n)
	for i := range qs {
		qs[i].Reset()
		qs[i].At, qs[i].Src = 5*second, fmt.Appendf(nil, "log:%d", i+1)
	}
	d := Dequantise(&list{qs: qs}, []capture.Ledger{{Name: "log", Resolution: "1s"}}, 1)
	var q capture.Request
	last, count := int64(0), 0
	for d.Next(&q) == nil {
		if q.At < last || q.At < 5*second || q.At >= 6*second {
			t.Fatalf("request %d is at %d after %d", count, q.At, last)
		}
		last = q.At
		count++
	}
	if count != n {
		t.Errorf("%d requests came out of %d", count, n)
	}
}
