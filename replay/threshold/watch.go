package threshold

import "time"

// Watch decides while a run goes on whether a threshold with "abort after" has been breached for so long
// that the run should stop. It is not safe for concurrent use.
type Watch struct {
	t     *Threshold
	past  []tick // totals within the window, oldest first
	since int64  // when the breach began, ns since the run began; -1: there is none
}

type tick struct {
	at    int64
	total Block
}

// NewWatch watches t, whose Abort is set.
func NewWatch(t *Threshold) *Watch { return &Watch{t: t, since: -1} }

// maxTicks bounds the memory of a Watch; with more ticks in a window it is judged in coarser steps.
const maxTicks = 512

// Observe takes the totals counted since the run began, at now nanoseconds into it, and says whether to stop.
// A breach is a threshold that fails over the window behind now, or over the whole run where it has none,
// and fails as well when our own lag is subtracted: a run is never stopped for a fault of ours.
func (w *Watch) Observe(now int64, sum Block) bool {
	recent := sum
	if w.t.Window > 0 {
		base := w.base(now)
		recent = Block{N: sum.N - base.N, X: sum.X - base.X, XNoLag: sum.XNoLag - base.XNoLag}
		w.keep(tick{now, sum})
	}
	if w.t.decide(recent.N, recent.X) != Fail || w.t.decide(recent.N, recent.XNoLag) != Fail {
		w.since = -1
		return false
	}
	if w.since < 0 {
		w.since = now
	}
	return time.Duration(now-w.since) >= w.t.Abort
}

// base is the last total from before the window behind now; it drops those that are older.
func (w *Watch) base(now int64) (b Block) {
	last := -1
	for i, k := range w.past {
		if k.at <= now-int64(w.t.Window) {
			last = i
		}
	}
	if last < 0 {
		return Block{}
	}
	w.past = append(w.past[:0], w.past[last:]...)
	return w.past[0].total
}

func (w *Watch) keep(k tick) {
	if n := len(w.past); n > 0 && k.at-w.past[n-1].at < int64(w.t.Window)/maxTicks {
		return
	}
	w.past = append(w.past, k)
}
