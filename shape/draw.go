package shape

import (
	"container/heap"
	"iter"

	"trafficreplay/shape/arrival"
)

// Drawn is one request drawn from a workload's model: when, in which session, and which.
type Drawn struct {
	At      int64 // nanoseconds since the window began
	Session *Session
	Index   int    // of the request in the session
	Cycle   uint64 // how often the session had been used before: the copies of its client

	start   int64
	ordinal uint64 // of the start
}

// Draw draws requests from the model and the pool, in order: a session begins wherever the arrival process
// says, takes the session of the pool that a dealer gives it, and begins earlier where it would reach out
// of the window. Every session is used about equally often near its captured time, so mix, and mix over
// time, are kept without sampling noise. Every value is a function of the seed; memory is bounded by the
// sessions that begin within the length of the longest one.
func (w *Workload) Draw(p *Pool, seed uint64, scale float64) iter.Seq[Drawn] {
	return func(yield func(Drawn) bool) {
		model := w.Arrivals.Model()
		window := model.Curve.Window()
		if len(p.Sessions) == 0 {
			return
		}
		deal := newDealer(p, window, arrival.Count(model, scale), seed)
		longest := p.longest()
		var under underway
		ordinal := uint64(0)
		for at := range arrival.Starts(model, seed, scale, window) {
			if !under.until(at-longest, yield) {
				return
			}
			s, cycle := deal.next()
			if len(s.Requests) == 0 {
				continue
			}
			at = max(0, min(at, window-1-s.length()))
			heap.Push(&under, Drawn{At: at + s.Requests[0].Offset, Session: s, Cycle: cycle, start: at, ordinal: ordinal})
			ordinal++
		}
		under.until(1<<62, yield)
	}
}

// underway is a heap of sessions by their next request.
type underway []Drawn

// until yields the requests before an instant.
func (u *underway) until(at int64, yield func(Drawn) bool) bool {
	for len(*u) > 0 && (*u)[0].At < at {
		d := (*u)[0]
		if !yield(d) {
			return false
		}
		if d.Index+1 == len(d.Session.Requests) {
			heap.Pop(u)
			continue
		}
		(*u)[0].Index++
		(*u)[0].At = d.start + d.Session.Requests[d.Index+1].Offset
		heap.Fix(u, 0)
	}
	return true
}

func (u underway) Len() int { return len(u) }
func (u underway) Less(i, j int) bool {
	if u[i].At != u[j].At {
		return u[i].At < u[j].At
	}
	return u[i].ordinal < u[j].ordinal
}
func (u underway) Swap(i, j int) { u[i], u[j] = u[j], u[i] }
func (u *underway) Push(x any)   { *u = append(*u, x.(Drawn)) }
func (u *underway) Pop() any {
	old := *u
	d := old[len(old)-1]
	*u = old[:len(old)-1]
	return d
}
