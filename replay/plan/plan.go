// Package plan turns a workload, or a capture, with a scale and a seed into the ordered stream of shots
// of a run, fixed before the first byte is sent: the same input gives the same shots, byte for byte.
//
// A [Plan] can be read any number of times. [Plan.Survey] reads it once without sending anything and
// returns its counts and digest; the run then reads it again. Memory is bounded by the traffic of a short
// stretch of the plan (two clone blocks, see clone.go), never by its length.
package plan

import (
	"context"
	"fmt"
	"iter"
	"time"

	"trafficreplay/capture"
	"trafficreplay/replay/guard"
)

// Shot is one planned request. Shots are streamed in order of Intended.
type Shot struct {
	Seq      uint64 // position in the plan, from 0
	Intended int64  // nanoseconds since the run began
	Client   uint64 // identity of the cloned client that owns the connection: H(session's client, copy)
	Endpoint uint32 // index into the run's endpoint table
	Warmup   bool   // planned and sent, excluded from verdicts
	Target   int    // index of the target (several with --target HOST=URL)
	Request  *Request
}

// Request is what a shot sends. It is immutable and shared by every shot that repeats it.
type Request struct {
	Method string
	Path   string           // origin-form target as captured, path and query; the base path of the target is not yet applied
	Header []capture.Header // without Host, hop-by-hop fields and credentials
	Body   []byte
	Status int   // captured status, 0 unknown
	IdleNS int64 // how long its client's connection stays open when idle; 0: the plan's default
}

// Options settle how a plan is made from traffic. The zero value re-issues it as it was.
type Options struct {
	Seed     uint64        // of every random choice
	Scale    float64       // multiplies users; 0 means 1
	Rate     float64       // sendable shots per second that Scale shall reach; 0: Scale stands
	Speed    float64       // squeezes time: the plan runs Speed times faster; 0 means 1
	Duration time.Duration // length of the run: the busiest stretch of that length; 0: everything
	Warmup   time.Duration // shots due before it are flagged

	Guard *guard.Guard          // decides what is withheld; nil: nothing is
	Route func(host []byte) int // index of the target for a captured host, -1: none; nil: 0
	IDs   []string              // endpoint ids, in the order of the endpoint indices
}

func (o *Options) scale() float64 {
	if o.Scale == 0 {
		return 1
	}
	return o.Scale
}

func (o *Options) speed() float64 {
	if o.Speed == 0 {
		return 1
	}
	return o.Speed
}

// Plan is a stream of shots that can be read repeatedly. It is safe for concurrent reading.
type Plan struct {
	o     Options
	shots func(ctx context.Context, count *counts) iter.Seq2[Shot, error]
}

// counts are the requests that did not become shots, by reason.
type counts struct {
	captured             int64
	unsendable, withheld map[string]int64
}

// Shots streams the plan in order of Intended. A shot with a non-nil error ends the stream.
func (p *Plan) Shots(ctx context.Context) iter.Seq2[Shot, error] {
	return p.read(ctx, &counts{unsendable: map[string]int64{}, withheld: map[string]int64{}})
}

// Scale is the factor by which users are multiplied, after a rate was turned into one.
func (p *Plan) Scale() float64 { return p.o.scale() }

// Speed is the factor by which time is squeezed.
func (p *Plan) Speed() float64 { return p.o.speed() }

// Seed settles every random choice of the plan.
func (p *Plan) Seed() uint64 { return p.o.Seed }

// read turns capture time into run time: it squeezes by the speed, numbers the shots and flags the warm-up.
func (p *Plan) read(ctx context.Context, c *counts) iter.Seq2[Shot, error] {
	return func(yield func(Shot, error) bool) {
		var seq uint64
		speed := p.o.speed()
		for s, err := range p.shots(ctx, c) {
			if err != nil {
				yield(Shot{}, err)
				return
			}
			if speed != 1 {
				s.Intended = int64(float64(s.Intended) / speed)
			}
			s.Seq = seq
			s.Warmup = s.Intended < int64(p.o.Warmup)
			seq++
			if !yield(s, nil) {
				return
			}
		}
	}
}

// check validates the numbers that a user may have typed.
func (o *Options) check() error {
	switch {
	case o.Scale < 0 || o.Scale > 1e6:
		return fmt.Errorf("--scale %g: want a factor above 0 and at most 1000000", o.Scale)
	case o.Speed < 0 || o.Speed > 1e9:
		return fmt.Errorf("--speed %g: want a factor above 0 and at most 1000000000", o.Speed)
	case o.Duration < 0:
		return fmt.Errorf("--duration %v: want a positive duration", o.Duration)
	case o.Warmup < 0:
		return fmt.Errorf("--warmup %v: want a positive duration", o.Warmup)
	}
	return nil
}
