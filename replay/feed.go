package replay

import (
	"context"
	"fmt"

	"trafficreplay/replay/plan"
)

// The feed hands shots to the engine in batches, ahead of time: at most feedDepth batches of feedBatch shots
// wait, which bounds memory however long the plan is.
const (
	feedBatch = 512
	feedDepth = 48
)

// feed streams p into a channel that it closes at the end of the plan. primed is closed once the channel is
// full or the plan has ended, so that the run does not begin before there is something to send. An error of the
// plan is left in *failed before the channel closes.
func feed(ctx context.Context, p *plan.Plan, failed *error) (shots <-chan []plan.Shot, primed <-chan struct{}) {
	f := &feeder{out: make(chan []plan.Shot, feedDepth), primed: make(chan struct{}), batch: newBatch()}
	go func() {
		defer close(f.out)
		defer f.markPrimed()
		for s, err := range p.Shots(ctx) {
			if err != nil {
				*failed = fmt.Errorf("plan: %w", err)
				break
			}
			if f.batch = append(f.batch, s); len(f.batch) == feedBatch {
				f.send()
			}
		}
		f.send()
	}()
	return f.out, f.primed
}

type feeder struct {
	out    chan []plan.Shot
	primed chan struct{}
	once   bool
	batch  []plan.Shot
}

func newBatch() []plan.Shot { return make([]plan.Shot, 0, feedBatch) }

func (f *feeder) markPrimed() {
	if !f.once {
		f.once = true
		close(f.primed)
	}
}

// send hands the batch over. The engine reads until the channel is closed, also after it was stopped.
func (f *feeder) send() {
	if len(f.batch) == 0 {
		return
	}
	select {
	case f.out <- f.batch:
	default:
		f.markPrimed()
		f.out <- f.batch
	}
	f.batch = newBatch()
}
