package tally

import (
	"math/bits"
	"slices"
)

// sparse is a histogram of microseconds that holds only the buckets that were hit: an open-addressing table
// from bucket to count. Its buckets are those of an HDR histogram of three digits, so that a value is at
// most 0.1% below the upper end of its bucket. The zero value is empty.
//
// Note: a dense HDR histogram is 188 KB. A run of ten minutes over 60 endpoints keeps 3,600 of these.
type sparse struct {
	keys   []uint16 // bucket + 1; 0 is free
	counts []uint32
	used   int
}

// The layout: values below 2048 have a bucket each, every doubling beyond has 1024.
const subBuckets = 1024

// bucketOf is the index of the bucket that holds v, which is at most maxUS.
func bucketOf(v int64) uint16 {
	if v < 2*subBuckets {
		return uint16(v)
	}
	shift := bits.Len64(uint64(v)) - 11
	return uint16(shift*subBuckets + int(v>>shift))
}

// upper is the largest value in bucket b.
func upper(b uint16) int64 {
	if b < 2*subBuckets {
		return int64(b)
	}
	shift := int(b)/subBuckets - 1
	sub := int64(b) - int64(shift*subBuckets)
	return (sub+1)<<shift - 1
}

func (s *sparse) add(b uint16, n uint32) {
	if 4*(s.used+1) > 3*len(s.keys) {
		s.grow()
	}
	i := s.find(b)
	if s.keys[i] == 0 {
		s.keys[i] = b + 1
		s.used++
	}
	s.counts[i] += n
}

// find is the place of b, or the free place where it belongs. The multiplier is 2^16 divided by the golden
// ratio, which spreads runs of neighbouring buckets (Knuth, volume 3, section 6.4).
func (s *sparse) find(b uint16) int {
	mask := len(s.keys) - 1
	i := int(b*40503) >> (16 - bits.Len(uint(mask))) & mask
	for s.keys[i] != 0 && s.keys[i] != b+1 {
		i = (i + 1) & mask
	}
	return i
}

func (s *sparse) grow() {
	old := *s
	n := max(16, 2*len(old.keys))
	*s = sparse{keys: make([]uint16, n), counts: make([]uint32, n)}
	s.merge(&old)
}

func (s *sparse) merge(o *sparse) {
	for i, k := range o.keys {
		if k != 0 {
			s.add(k-1, o.counts[i])
		}
	}
}

// bucket is a bucket with its count.
type bucket struct {
	b uint16
	n int64
}

// sorted lists the buckets of several tables in ascending order; one that several hold appears as often.
func sorted(tables ...*sparse) []bucket {
	var out []bucket
	for _, s := range tables {
		for i, k := range s.keys {
			if k != 0 {
				out = append(out, bucket{k - 1, int64(s.counts[i])})
			}
		}
	}
	slices.SortFunc(out, func(a, b bucket) int { return int(a.b) - int(b.b) })
	return out
}
