package replay

import (
	"context"
	"sync/atomic"
	"time"

	"trafficreplay/replay/tally"
	"trafficreplay/replay/threshold"
)

// recorder is the Sink of a run: a tally for each of the engine's workers, and the watch over them.
type recorder struct {
	cfg     *Config
	tallies []*tally.Tally
	rules   []tally.Rule
	expect  []expectation // by endpoint
	watches []abortWatch
	abort   chan struct{} // closed when a threshold stops the run
	sent    atomic.Int64  // the latest instant of sending, ns since the run began
	ended   atomic.Int64  // the latest instant of a result
}

// abortWatch observes one rule whose threshold may stop the run.
type abortWatch struct {
	rule  int
	watch *threshold.Watch
}

func newRecorder(workers int, cfg *Config) (*recorder, error) {
	r := &recorder{cfg: cfg, abort: make(chan struct{})}
	ids := make([]string, len(cfg.Endpoints))
	for i, e := range cfg.Endpoints {
		ids[i] = e.ID
		r.expect = append(r.expect, expect(e.Expect))
	}
	for _, t := range cfg.Thresholds {
		at, whole, err := t.Resolve(ids)
		if err != nil {
			return nil, err
		}
		if whole {
			at = []int{tally.Whole}
		}
		for _, e := range at {
			if t.Abort > 0 {
				r.watches = append(r.watches, abortWatch{len(r.rules), threshold.NewWatch(t)})
			}
			r.rules = append(r.rules, tally.Rule{Threshold: t, Endpoint: e})
		}
	}
	c := tally.Config{Endpoints: len(ids), Plan: time.Duration(cfg.Survey.Length) + 1, Warmup: cfg.Warmup, Rules: r.rules}
	for range workers {
		t, err := tally.New(c)
		if err != nil {
			return nil, err
		}
		r.tallies = append(r.tallies, t)
	}
	return r, nil
}

// Record implements Sink.
func (r *recorder) Record(worker int, x *Result) {
	s := tally.Sample{
		Endpoint: x.Endpoint, Intended: x.Intended, Warmup: x.Warmup, Status: x.Status, Err: uint8(x.Err),
		BytesIn: x.BytesIn, NewConn: x.NewConn, Connect: x.ConnectNS, Ours: x.Err.Ours(),
	}
	switch x.Outcome {
	case Answered:
		s.Outcome = tally.OK
		if !r.expect[x.Endpoint].accepts(x.Status) {
			s.Outcome = tally.Failed
		}
	case Failed:
		s.Outcome = tally.Failed
	case DroppedCeiling:
		s.Outcome = tally.DroppedCeiling
	case DroppedLate:
		s.Outcome = tally.DroppedLate
	case Cancelled:
		s.Outcome = tally.Cancelled
	}
	if x.Outcome <= Failed {
		later(&r.sent, x.Sent)
		later(&r.ended, x.Done)
		s.Latency, s.Service, s.Lag = int64(x.Latency()), int64(x.Service()), int64(x.Lag())
	}
	r.tallies[worker].Record(&s)
}

// later keeps the latest instant.
func later(latest *atomic.Int64, at int64) {
	for {
		last := latest.Load()
		if at <= last || latest.CompareAndSwap(last, at) {
			return
		}
	}
}

// merged is what all workers have counted so far.
func (r *recorder) merged() (*tally.Tally, error) {
	sum, err := tally.New(tally.Config{Endpoints: len(r.cfg.Endpoints), Plan: time.Duration(r.cfg.Survey.Length) + 1, Warmup: r.cfg.Warmup, Rules: r.rules})
	if err != nil {
		return nil, err
	}
	for _, t := range r.tallies {
		if err := sum.Merge(t); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// watch reports progress and looks after the thresholds that may stop the run, until ctx ends.
func (r *recorder) watch(ctx context.Context, start time.Time) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.look(now.Sub(start))
		}
	}
}

// look takes one look at the run.
func (r *recorder) look(elapsed time.Duration) {
	sum := tally.Snap(r.tallies...)
	if r.cfg.Progress != nil && elapsed > 0 {
		r.cfg.Progress(Progress{
			Elapsed: elapsed, Length: time.Duration(r.cfg.Survey.Length), Planned: r.cfg.Survey.Planned, Sent: sum.Sent,
			OK: sum.OK, Failed: sum.Failed, Dropped: sum.Dropped(), LagP99: time.Duration(1000 * sum.LagP99US),
		})
	}
	if closed(r.abort) {
		return
	}
	for _, w := range r.watches {
		if w.watch.Observe(int64(elapsed), sum.Rules[w.rule]) {
			close(r.abort)
			return
		}
	}
}

// Ours says that the failure is the generator's own fault and not the target's.
func (k ErrKind) Ours() bool { return k == ErrResource || k == ErrGuard }

// expectation is the set of statuses that are acceptable; the zero value accepts those below 500.
type expectation struct {
	codes   [600]bool
	present bool
}

// accepts says whether a complete response with this status is ok.
func (x *expectation) accepts(status uint16) bool {
	if !x.present {
		return status < 500
	}
	return int(status) < len(x.codes) && x.codes[status]
}

// expect makes the expectation of a list of statuses.
func expect(codes []int) expectation {
	x := expectation{present: len(codes) > 0}
	for _, c := range codes {
		if c >= 0 && c < len(x.codes) {
			x.codes[c] = true
		}
	}
	return x
}
