package tally

import "trafficreplay/replay/threshold"

// Snapshot is what a progress line and the live thresholds need.
type Snapshot struct {
	Counts
	LagP99US float64
	Rules    []threshold.Block // totals since the run began, one per Rule of the Config
}

// Snap adds up the tallies of all workers of a run while they record. Each is held for some ten
// microseconds, in turn.
func Snap(tallies ...*Tally) Snapshot {
	var s Snapshot
	var lag histogram
	for _, t := range tallies {
		t.mu.Lock()
		s.Counts.add(&t.counts)
		lag.merge(&t.lag)
		if s.Rules == nil {
			s.Rules = make([]threshold.Block, len(t.rules))
		}
		for i := range t.rules {
			s.Rules[i].Merge(t.rules[i].total)
		}
		t.mu.Unlock()
	}
	if lag.h != nil {
		s.LagP99US = 1000 * float64(lag.quantile(990, 0))
	}
	return s
}
