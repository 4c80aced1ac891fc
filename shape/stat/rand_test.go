package stat

import (
	"math"
	"testing"
)

// The vectors of the paper's own implementation (Random123, kat_vectors, philox4x32 10).
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		lo, hi := philox(c.ctr, c.key)
		if got := [4]uint32{uint32(lo), uint32(lo >> 32), uint32(hi), uint32(hi >> 32)}; got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.ctr, c.key, got, c.want)
		}
	}
}

// These never change: a plan's shots are made of them.
func TestFrozen(t *testing.T) {
	for _, c := range []struct{ seed, stream, counter, want uint64 }{
		{0, 0, 0, 0xe169c58d6627e8d5}, {1, 2, 3, goldenRandom}, {math.MaxUint64, math.MaxUint64, math.MaxUint64, 0x41c83b0e408f276d},
	} {
		if got := Random(c.seed, c.stream, c.counter); got != c.want {
			t.Errorf("Random(%d, %d, %d) = %#x, want %#x", c.seed, c.stream, c.counter, got, c.want)
		}
	}
	if got := Hash(1, 2, 3); got != goldenHash {
		t.Errorf("Hash(1, 2, 3) = %#x, want %#x", got, uint64(goldenHash))
	}
	if got := math.Float64bits(Exponential(goldenRandom)); got != goldenExp {
		t.Errorf("Exponential = %#x, want %#x", got, uint64(goldenExp))
	}
	if Hash(1, 2) == Hash(2, 1) || Hash() == Hash(0) || Hash(0) == Hash(0, 0) {
		t.Error("Hash does not keep order or length apart")
	}
}

func TestLog(t *testing.T) {
	for i := uint64(0); i < 100000; i++ {
		x := Uniform(Random(7, 1, i))
		if i%3 == 0 {
			x = 1 / x
		}
		if got, want := Log(x), math.Log(x); math.Abs(got-want) > 2e-15*math.Abs(want)+1e-18 {
			t.Fatalf("Log(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestExponentialMoments(t *testing.T) {
	const n = 200000
	var sum, sq float64
	for i := uint64(0); i < n; i++ {
		e := Exponential(Random(3, 4, i))
		sum, sq = sum+e, sq+e*e
	}
	near(t, "mean", sum/n, 1, 0.01)
	near(t, "second moment", sq/n, 2, 0.05)
	if m := Exponential(0); m > 40 || m < 36 {
		t.Errorf("largest exponential = %v", m)
	}
	if m := Exponential(math.MaxUint64); !(m > 0) {
		t.Errorf("smallest exponential = %v, want above 0", m)
	}
}

func BenchmarkRandom(b *testing.B) {
	b.ReportAllocs()
	var s uint64
	for b.Loop() {
		s += Random(1, 2, s)
	}
}
