package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"trafficreplay/replay/plan"
	"trafficreplay/replay/tally"
	"trafficreplay/replay/threshold"
)

// Config is what a run needs beside its plan and its engine.
type Config struct {
	Document   Document // what is known before the run: names, seed, scale, options; the run fills in the rest
	Endpoints  []Endpoint
	Thresholds []*threshold.Threshold
	Survey     *plan.Survey
	Warmup     time.Duration
	Strict     bool           // an undecided threshold changes the exit code
	Progress   func(Progress) // called about four times a second from one goroutine; nil: nobody watches
}

// Endpoint is one row of the run's endpoint table.
type Endpoint struct {
	ID     string
	Share  float64 // of the captured requests
	Expect []int   // acceptable statuses; empty: below 500
}

// Progress is the state of a run under way.
type Progress struct {
	Elapsed, Length                    time.Duration
	Planned, Sent, OK, Failed, Dropped int64
	LagP99                             time.Duration
}

// Outcomes of a run: its document, and the tally that the interval log is written from.
type Outcomes struct {
	Document *Document
	tally    *tally.Tally
	start    time.Time
}

// The pace of a run's own housekeeping.
const (
	startDelay    = 100 * time.Millisecond // between the first shots being ready and the first instant
	progressEvery = 250 * time.Millisecond
)

// Run issues the plan through the sender and judges what happened. Closing stop begins no further shot and lets
// those in flight finish; the end of ctx ends them too. Both make the verdict interrupted. The outcomes are
// whole in every case but that of an error before the first shot; the error is trouble that is not the target's.
func Run(ctx context.Context, stop <-chan struct{}, p *plan.Plan, sender Sender, cfg Config) (*Outcomes, error) {
	r, err := newRecorder(sender.Workers(), &cfg)
	if err != nil {
		return nil, err
	}
	running, ended := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	defer watch.Wait()
	defer ended()

	var broken error
	shots, primed := feed(context.Background(), p, &broken)
	<-primed
	start := time.Now().Add(startDelay)
	halt := make(chan struct{})
	watch.Go(func() { r.watch(running, start) })
	watch.Go(func() {
		select {
		case <-stop:
		case <-ctx.Done():
		case <-r.abort:
		case <-running.Done():
		}
		close(halt)
	})
	cpu := cpuTime()
	err = sender.Send(ctx, halt, start, shots, r)
	cpu = cpuTime() - cpu
	interrupted := ctx.Err() != nil || closed(stop)
	ended()
	watch.Wait()
	if err := errors.Join(err, broken); err != nil {
		return nil, err
	}
	return r.outcomes(start, cpu, interrupted)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
