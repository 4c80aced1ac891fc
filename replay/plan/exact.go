package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape"
	"trafficreplay/shape/arrival"
	"trafficreplay/shape/session"
)

// How far a clone may be from what it is a copy of, in capture time.
const (
	cloneBlock  = 60 * time.Second // sessions that begin in one block exchange their bodies
	cloneJitter = 2 * time.Second  // measured there: within 5% of the scale law at every time scale
)

// FromCapture plans the captured sessions at their captured offsets. fit is the capture's own fit, which names
// the endpoints and the session timeout.
func FromCapture(ctx context.Context, src shape.Source, fit *shape.Fitted, o Options) (*Plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	e := &exact{src: src, fit: fit, span: window{0, fit.Workload.WindowNS()}}
	if o.Duration > 0 {
		var err error
		e.span = busiest(e.span, int64(float64(o.Duration)*o.speed()), func(visit func(at int64)) {
			err = e.each(ctx, o.Seed, func(_ *capture.Request, at int64) bool {
				visit(at)
				return true
			})
		})
		if err != nil {
			return nil, err
		}
	}
	p := &Plan{o: o}
	p.shots = func(ctx context.Context, c *counts) iter.Seq2[Shot, error] { return e.shots(ctx, &p.o, c) }
	return p, p.reachRate(ctx, e.span.length())
}

// reachRate turns Options.Rate into a scale: the rate over the mean rate of what can be sent at scale 1.
func (p *Plan) reachRate(ctx context.Context, span int64) error {
	if p.o.Rate == 0 {
		return nil
	}
	p.o.Scale = 1
	var n int64
	for _, err := range p.Shots(ctx) {
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 || span <= 0 {
		return fmt.Errorf("--rate %g/s: the mean rate of %d sendable requests in %v is not known", p.o.Rate, n, time.Duration(span))
	}
	p.o.Scale = p.o.Rate * float64(span) / 1e9 / p.o.speed() / float64(n)
	return nil
}

// window is a stretch of capture time, nanoseconds since the first arrival: [from, to).
type window struct{ from, to int64 }

func (w window) length() int64 { return w.to - w.from }

// exact plans from a capture.
type exact struct {
	src  shape.Source
	fit  *shape.Fitted
	span window
}

// each reads the capture in arrival order, stamps spread within their resolution, at in ns since the first.
func (e *exact) each(ctx context.Context, seed uint64, visit func(q *capture.Request, at int64) bool) (err error) {
	in, err := e.src.Open()
	if err != nil {
		return err
	}
	if c, ok := in.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	stream := arrival.Dequantise(in, e.src.Ledgers(), seed)
	began := e.fit.Workload.BeganNS()
	var q capture.Request
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := stream.Next(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if !visit(&q, max(0, q.At-began)) {
			return nil
		}
	}
}

// busiest finds the stretch of span, length long, that holds most requests, to a hundredth of its length. each
// visits the instants of all requests; their order does not matter.
func busiest(span window, length int64, each func(visit func(at int64))) window {
	if length >= span.length() {
		return span
	}
	const bins = 100
	step := max(1, length/bins)
	counts := make([]int64, span.length()/step+1)
	each(func(at int64) { counts[max(0, min(at/step, int64(len(counts)-1)))]++ })
	var sum, best int64
	from := 0
	for i, c := range counts {
		sum += c
		if i >= bins {
			sum -= counts[i-bins]
		}
		if sum > best {
			best, from = sum, max(0, i-bins+1)
		}
	}
	start := min(int64(from)*step, span.to-length)
	return window{start, start + length}
}

// shots streams the plan in capture time.
func (e *exact) shots(ctx context.Context, o *Options, c *counts) iter.Seq2[Shot, error] {
	return func(yield func(Shot, error) bool) {
		build := newBuilder(o, c)
		sessions := session.NewTracker(e.fit.Rules)
		block := min(int64(cloneBlock), max(1, e.span.length()/20))
		jitter := min(int64(cloneJitter), block)
		clones := newCloner(o.Seed, o.scale(), block, jitter, 2*int64(e.fit.Workload.Sessions.Timeout))
		var ord uint64
		stopped := false
		emit := func(it item) bool {
			s := Shot{Intended: it.at, Client: it.client, Endpoint: it.endpoint, Target: it.target, Request: it.req}
			stopped = !yield(s, nil)
			return !stopped
		}
		err := e.each(ctx, o.Seed, func(q *capture.Request, at int64) bool {
			if at < e.span.from {
				return true
			}
			if at >= e.span.to && e.span.to < e.fit.Workload.WindowNS() {
				return false
			}
			at -= e.span.from
			endpoint := e.fit.Assign(q)
			id := sessions.Assign(q)
			req, target := build.build(q, endpoint)
			ord++
			it := item{at: at, ord: ord, client: id.Client, endpoint: uint32(endpoint), target: target, req: req}
			return clones.push(id.Session, id.First, it, emit)
		})
		switch {
		case stopped:
		case err != nil:
			yield(Shot{}, err)
		default:
			clones.flush(emit)
		}
	}
}
