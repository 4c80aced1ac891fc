package shape

import (
	"trafficreplay/capture"
	"trafficreplay/shape/fidelity"
	"trafficreplay/shape/stat"
)

// newMeter makes a meter for traffic of the window, as it was captured or as a plan has it.
func (f *fitter) newMeter() *fidelity.Meter {
	return fidelity.NewMeter(fidelity.Options{
		Curve: f.result.curve, Endpoints: len(f.result.Workload.Endpoints), Resolution: f.resolution(), Timeout: int64(f.result.Rules.Timeout),
	})
}

// event is a request as a meter counts it.
func event(q *capture.Request, at int64, session uint64, endpoint int) fidelity.Event {
	return fidelity.Event{
		At: at, Session: session, Endpoint: endpoint, Target: targetHash(q.Method, q.Target), Size: q.BodySize, Status: q.Status,
	}
}

// likeness says how far the plan at scale 1, as its seed gives it, is from what was captured.
func (f *fitter) likeness() fidelity.Card {
	w := f.result.Workload
	planned := f.newMeter()
	for d := range w.Draw(f.result.Pool, w.Seed, 1) {
		r := &d.Session.Requests[d.Index]
		e := event(r.Request, d.At, d.ordinal, int(r.Endpoint))
		planned.Add(&e)
	}
	return fidelity.Compare(f.meter, planned)
}

// targetHash names a target among those of a capture.
func targetHash(method, target []byte) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, part := range [...][]byte{method, target} {
		for _, c := range part {
			h = (h ^ uint64(c)) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return stat.Hash(h)
}
