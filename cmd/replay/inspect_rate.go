package main

import (
	"math"
	"strings"
	"time"
)

// rateSeries counts requests over time in a bounded number of equal buckets: when they no longer hold the span,
// two become one. Requests come in order of arrival; one that does not counts in the bucket of the last.
type rateSeries struct {
	first, last int64 // arrivals, ns
	start       int64 // of the first bucket, a whole second
	width       uint64
	counts      []int64
	second      uint64 // the one at hand, since start
	now         int64  // its requests
	peak        int64
	peakAt      int64
	gap         uint64 // ns
	gapFrom     int64
}

// maxBuckets holds an hour by seconds; sparkWidth columns fit a terminal of 80.
const (
	maxBuckets = 4096
	sparkWidth = 60
)

func (r *rateSeries) add(at int64) {
	switch {
	case r.counts == nil:
		r.start = max(at-((at%1e9)+1e9)%1e9, math.MinInt64+1e9)
		r.first, r.last, r.width = at, at, 1e9
		r.counts = make([]int64, 0, maxBuckets)
	case at < r.last:
		at = r.last
	}
	if gap := uint64(at) - uint64(r.last); gap > r.gap {
		r.gap, r.gapFrom = gap, r.last
	}
	r.last = at
	if s := (uint64(at) - uint64(r.start)) / 1e9; s != r.second {
		r.second, r.now = s, 0
	}
	if r.now++; r.now > r.peak {
		r.peak, r.peakAt = r.now, r.start+int64(r.second*1e9)
	}
	i := (uint64(at) - uint64(r.start)) / r.width
	for i >= maxBuckets {
		r.halve()
		i /= 2
	}
	for uint64(len(r.counts)) <= i {
		r.counts = append(r.counts, 0)
	}
	r.counts[i]++
}

func (r *rateSeries) halve() {
	n := (len(r.counts) + 1) / 2
	for i := range n {
		sum := r.counts[2*i]
		if 2*i+1 < len(r.counts) {
			sum += r.counts[2*i+1]
		}
		r.counts[i] = sum
	}
	r.counts = r.counts[:n]
	r.width *= 2
}

// document groups the buckets into columns of equal width; the last may be cut short by the end of the capture.
func (r *rateSeries) document() rateDocument {
	d := rateDocument{Columns: []float64{}}
	if r.counts == nil {
		return d
	}
	d.Peak, d.PeakAt = r.peak, stamp(r.peakAt)
	d.Gap, d.GapFrom = float64(r.gap)/1e9, stamp(r.gapFrom)
	var sum int64
	group := (len(r.counts) + sparkWidth - 1) / sparkWidth
	width := float64(r.width) / 1e9
	d.ColumnS = float64(group) * width
	covered := float64(uint64(r.last)-uint64(r.start))/1e9 + 1
	for i := 0; i < len(r.counts); i += group {
		var n int64
		for _, c := range r.counts[i:min(i+group, len(r.counts))] {
			n += c
		}
		sum += n
		long := min(d.ColumnS, covered-float64(i)*width)
		d.Columns = append(d.Columns, float64(n)/max(long, 1))
	}
	d.Mean = float64(sum) / max(float64(uint64(r.last)-uint64(r.first))/1e9, 1)
	return d
}

// Levels of a sparkline, lowest first. The first stands for nothing at all, so that a gap is no low rate.
var (
	sparkBlocks = []string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
	sparkASCII  = []string{" ", ".", ":", "-", "=", "+", "*", "#", "@"}
)

// sparkline draws rates as one line, full height for the highest.
func sparkline(rates []float64, levels []string) string {
	top := 0.0
	for _, v := range rates {
		top = max(top, v)
	}
	var b strings.Builder
	for _, v := range rates {
		i := 0
		if v > 0 {
			i = max(1, int(math.Ceil(v/top*float64(len(levels)-1))))
		}
		b.WriteString(levels[min(i, len(levels)-1)])
	}
	return b.String()
}

// clockText is the instant of a document (RFC 3339) as a table shows it, to the second.
func clockText(s string) string {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return "—"
	}
	return t.Format("Mon 2006-01-02 15:04:05")
}
