package plan

import (
	"context"
	"iter"

	"trafficreplay/shape"
	"trafficreplay/shape/stat"
)

// FromWorkload plans what the workload's model draws: sessions that begin where its arrival process says and do
// what the sessions of its pool did (shape.Workload.Draw).
func FromWorkload(ctx context.Context, w *shape.Workload, pool *shape.Pool, o Options) (*Plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m := &model{w: w, pool: pool, span: window{0, w.WindowNS()}}
	if length := int64(float64(o.Duration) * o.speed()); o.Duration > 0 {
		m.span = busiest(m.span, length, func(visit func(at int64)) {
			for d := range w.Draw(pool, o.Seed, 1) {
				visit(d.At)
			}
		})
	}
	p := &Plan{o: o}
	p.shots = func(ctx context.Context, c *counts) iter.Seq2[Shot, error] { return m.shots(ctx, &p.o, c) }
	return p, p.reachRate(ctx, m.span.length())
}

// model plans from a workload.
type model struct {
	w    *shape.Workload
	pool *shape.Pool
	span window
}

// shots streams the plan in capture time. Sessions that began before the span reach into it.
func (m *model) shots(ctx context.Context, o *Options, c *counts) iter.Seq2[Shot, error] {
	return func(yield func(Shot, error) bool) {
		requests := buildPool(m.pool, o, c)
		n := 0
		for d := range m.w.Draw(m.pool, o.Seed, o.scale()) {
			if n++; n&1023 == 0 && ctx.Err() != nil {
				yield(Shot{}, ctx.Err())
				return
			}
			if d.At < m.span.from {
				continue
			}
			if d.At >= m.span.to {
				return
			}
			r := &d.Session.Requests[d.Index]
			p := requests[r]
			if p.req == nil {
				continue
			}
			s := Shot{Intended: d.At - m.span.from, Client: stat.Hash(d.Session.Client, d.Cycle), Endpoint: r.Endpoint, Target: p.target, Request: p.req}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// pooled is the planned form of a pool request, nil when it cannot or may not be sent.
type pooled struct {
	req    *Request
	target int
}

// buildPool builds every pool request once and counts those that are refused.
func buildPool(pool *shape.Pool, o *Options, c *counts) map[*shape.PoolRequest]pooled {
	m := make(map[*shape.PoolRequest]pooled, pool.Requests())
	b := newBuilder(o, c)
	for i := range pool.Sessions {
		for j := range pool.Sessions[i].Requests {
			r := &pool.Sessions[i].Requests[j]
			req, target := b.build(r.Request, int(r.Endpoint))
			m[r] = pooled{req, target}
		}
	}
	return m
}
