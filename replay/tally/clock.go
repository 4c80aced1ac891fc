package tally

import "time"

// clock divides a plan into intervals, which the series count by, and into finer or equal slots, which the
// latencies over time are kept in. A whole number of slots makes an interval, and one interval of the log.
type clock struct {
	plan, interval, width  int64 // width of a slot; nanoseconds
	intervals, slots       int
	perInterval, perRecord int // slots in an interval, and in a record of the interval log
}

const (
	logWidth  = 10 * time.Second
	finePlans = 2 * time.Hour // up to here the log has records of logWidth; beyond, memory bounds their number
)

func newClock(plan time.Duration) clock {
	interval := IntervalFor(plan)
	width := min(interval, logWidth)
	if plan > finePlans {
		width = interval / 4
	}
	c := clock{plan: int64(plan), interval: int64(interval), width: int64(width)}
	c.perInterval = int(interval / width)
	c.perRecord = int(max(1, logWidth/width))
	c.intervals = max(1, int((plan+interval-1)/interval))
	c.slots = c.intervals * c.perInterval
	return c
}

// IntervalFor is the width of the intervals that figures over time are given in, for a plan of this length:
// a round time of half a second or more, so that there are at most 120.
func IntervalFor(plan time.Duration) time.Duration {
	for _, d := range []time.Duration{
		500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second,
		30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour,
	} {
		if plan <= 120*d {
			return d
		}
	}
	day := 24 * time.Hour
	return (plan/120/day + 1) * day
}

func (c *clock) at(ns int64, width int64, n int) int {
	return int(min(max(0, ns/width), int64(n-1)))
}

func (c *clock) slot(ns int64) int { return c.at(ns, c.width, c.slots) }

func (c *clock) of(ns int64) int { return c.at(ns, c.interval, c.intervals) }

// series are counts per interval.
type series struct {
	planned, sent, ok, failed, dropped []int64
	begun, ended                       []int64 // shots that went in and out of flight
	lag                                []sparse
}

func (s *series) init(n int) {
	for _, p := range s.all() {
		*p = make([]int64, n)
	}
	s.lag = make([]sparse, n)
}

func (s *series) all() []*[]int64 {
	return []*[]int64{&s.planned, &s.sent, &s.ok, &s.failed, &s.dropped, &s.begun, &s.ended}
}

func (s *series) count(c *clock, x *Sample) {
	i := c.of(x.Intended)
	s.planned[i]++
	switch x.Outcome {
	case OK:
		s.ok[i]++
	case Failed:
		s.failed[i]++
	case Cancelled:
		return
	default:
		s.dropped[i]++
		return
	}
	begun := c.of(x.Intended + x.Lag)
	s.sent[begun]++
	s.begun[begun]++
	// One that ends past the last interval is still in flight at its end.
	if done := x.Intended + x.Latency; done < int64(c.intervals)*c.interval {
		s.ended[c.of(done)]++
	}
	s.lag[i].add(bucketOf(micros(x.Lag)), 1)
}

func (s *series) merge(o *series) {
	dst, src := s.all(), o.all()
	for i := range dst {
		for j, n := range *src[i] {
			(*dst[i])[j] += n
		}
	}
	for i := range s.lag {
		s.lag[i].merge(&o.lag[i])
	}
}
