package send

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestIdleSet plays random moves against a plain list.
func TestIdleSet(t *testing.T) {
	type member struct {
		slot   int32
		client uint64
		target int32
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	s := newIdleSet()
	var list []member // the oldest first
	find := func(f func(m member) bool) int {
		for i := len(list) - 1; i >= 0; i-- {
			if f(list[i]) {
				return i
			}
		}
		return -1
	}
	for step := range 50_000 {
		slot, client, target := rnd.Int32N(60), rnd.Uint64N(9)<<57, rnd.Int32N(2)
		switch rnd.IntN(3) {
		case 0:
			if find(func(m member) bool { return m.slot == slot }) < 0 {
				s.put(slot, client, target)
				list = append(list, member{slot, client, target})
			}
		case 1:
			i := find(func(m member) bool { return m.client == client && m.target == target })
			if got := s.has(client, target); got != (i >= 0) {
				t.Fatalf("step %d: has = %v", step, got)
			}
			want := none
			if i >= 0 {
				want = list[i].slot
				list = slices.Delete(list, i, i+1)
			}
			if got := s.take(client, target); got != want {
				t.Fatalf("step %d: take = %d, want %d", step, got, want)
			}
		case 2:
			i := find(func(m member) bool { return m.slot == slot })
			if got := s.remove(slot); got != (i >= 0) {
				t.Fatalf("step %d: remove = %v", step, got)
			}
			if i >= 0 {
				list = slices.Delete(list, i, i+1)
			}
		}
		want := none
		if len(list) > 0 {
			want = list[0].slot
		}
		if s.oldest != want || s.n != len(list) {
			t.Fatalf("step %d: oldest %d of %d, want %d of %d", step, s.oldest, s.n, want, len(list))
		}
	}
}

// TestDeadlines plays random moves against a plain table.
func TestDeadlines(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var d deadlines
	truth := map[int32]int64{}
	now := int64(0)
	for step := range 50_000 {
		slot := rnd.Int32N(50)
		switch rnd.IntN(4) {
		case 0, 1:
			at := now + rnd.Int64N(1000)
			d.set(slot, at)
			truth[slot] = at
		case 2:
			d.drop(slot)
			delete(truth, slot)
		case 3:
			now += rnd.Int64N(200)
			for s := d.expired(now); s != none; s = d.expired(now) {
				at, ok := truth[s]
				if !ok || at > now {
					t.Fatalf("step %d: slot %d expired at %d, its deadline is %d, %v", step, s, now, at, ok)
				}
				delete(truth, s)
			}
			for s, at := range truth {
				if at <= now {
					t.Fatalf("step %d: slot %d did not expire at %d, its deadline is %d", step, s, now, at)
				}
			}
		}
		nearest := int64(math.MaxInt64)
		for _, at := range truth {
			nearest = min(nearest, at)
		}
		if d.next() > nearest || (len(truth) == 0) != (d.next() == math.MaxInt64) {
			t.Fatalf("step %d: next %d, the nearest deadline is %d", step, d.next(), nearest)
		}
	}
}
