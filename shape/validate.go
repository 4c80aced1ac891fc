package shape

import (
	"fmt"
	"math"
	"strings"
	"time"

	"trafficreplay/shape/arrival"
)

// fault is a fault of a workload at a place within it, such as endpoints[3].share.
type fault struct {
	where string
	msg   string
}

func (f *fault) Error() string { return f.where + ": " + f.msg }

// Validate checks that w can be planned from: that its numbers are in range and fit together. The error
// names the place within the workload.
func (w *Workload) Validate() error {
	for _, check := range []func() *fault{w.checkProvenance, w.checkArrivals, w.checkSessions, w.checkSettings, w.checkEndpoints} {
		if f := check(); f != nil {
			return f
		}
	}
	return nil
}

func faultf(where, format string, args ...any) *fault {
	return &fault{where, fmt.Sprintf(format, args...)}
}

const maxWindow = 366 * 24 * time.Hour

func (w *Workload) checkProvenance() *fault {
	p := &w.Provenance
	switch n := p.To.Sub(p.From); {
	case w.Seed == 0:
		return faultf("seed", "must not be 0")
	case n <= 0 || n > maxWindow:
		return faultf("provenance.window", "%v long, want more than 0 and at most %v", n, maxWindow)
	case p.Requests <= 0:
		return faultf("provenance.requests", "%d, want at least 1", p.Requests)
	}
	return nil
}

func (w *Workload) checkArrivals() *fault {
	a := &w.Arrivals
	c := a.Curve
	if len(c) < 2 || len(c) > maxKnots {
		return faultf("arrivals.curve", "%d knots, want 2 to %d", len(c), maxKnots)
	}
	for i, k := range c {
		where := fmt.Sprintf("arrivals.curve[%d]", i)
		if !(k.Rate >= 0 && k.Rate <= maxRate) {
			return faultf(where, "rate %v/s, want 0 to %v", k.Rate, float64(maxRate))
		}
		if i == 0 && k.At != 0 || i > 0 && k.At < c[i-1].At {
			return faultf(where, "at %v, want knots in order of time from 0s on", time.Duration(k.At))
		}
	}
	if c.Window() != w.WindowNS() {
		return faultf("arrivals.curve", "ends at %v, but the window is %v long", time.Duration(c.Window()), time.Duration(w.WindowNS()))
	}
	if len(a.Terms) > arrival.MaxTerms {
		return faultf("arrivals.terms", "%d terms, want at most %d", len(a.Terms), arrival.MaxTerms)
	}
	for i, t := range a.Terms {
		if !(t.A > 0 && t.A <= 1e9 && t.S >= 1e-6 && t.S <= 1000 && t.On >= 0 && t.On < 1) {
			return faultf(fmt.Sprintf("arrivals.terms[%d]", i), "a %v, s %v/s, on %v: want a in (0, 1e9], s in [1e-6/s, 1000/s], on in [0, 1)", t.A, t.S, t.On)
		}
	}
	if f := family(a.Terms); a.Family != f {
		return faultf("arrivals.family", "%q, but %d terms make it %s", a.Family, len(a.Terms), f)
	}
	return nil
}

func (w *Workload) checkSessions() *fault {
	s := &w.Sessions
	switch {
	case s.Semantics != "timed":
		return faultf("sessions.semantics", "%q, want timed", s.Semantics)
	case s.Timeout < time.Second || s.Timeout > 24*time.Hour:
		return faultf("sessions.timeout", "%v, want 1s to 24h", s.Timeout)
	case s.Count < 1:
		return faultf("sessions.count", "%d, want at least 1", s.Count)
	case strings.ContainsAny(s.Pool, "/\\\x00") || s.Pool == "." || s.Pool == "..":
		return faultf("sessions.pool", "%q, want the name of a file beside this one", s.Pool)
	}
	return nil
}

func (w *Workload) checkSettings() *fault {
	if d := w.Connections.IdleTimeout; d < 0 || d > 24*time.Hour {
		return faultf("connections.idle_timeout", "%v, want 0s to 24h", d)
	}
	return checkThresholds("thresholds", w.Thresholds)
}

func checkThresholds(where string, ts []string) *fault {
	for i, t := range ts {
		if t == "" || len(t) > 1024 {
			return faultf(fmt.Sprintf("%s[%d]", where, i), "%d bytes, want 1 to 1024", len(t))
		}
	}
	return nil
}

func (w *Workload) checkEndpoints() *fault {
	if n := len(w.Endpoints); n == 0 || n > maxEndpoints {
		return faultf("endpoints", "%d, want 1 to %d", n, maxEndpoints)
	}
	seen := map[string]bool{}
	for i := range w.Endpoints {
		e := &w.Endpoints[i]
		where := fmt.Sprintf("endpoints[%d]", i)
		switch {
		case e.ID == "":
			return faultf(where, "no id")
		case seen[e.ID]:
			return faultf(where+".id", "%q is there twice", e.ID)
		case !(e.Share >= 0 && e.Share <= 1):
			return faultf(where+".share", "%v, want 0%% to 100%%", e.Share)
		case e.Requests < 0:
			return faultf(where+".requests", "%d, want at least 0", e.Requests)
		}
		seen[e.ID] = true
		for _, s := range e.Status {
			if s.Code < 0 || s.Code > 999 || math.IsNaN(s.Share) || s.Share < 0 || s.Share > 1 {
				return faultf(where+".status", "%d: %v, want a status and its share", s.Code, s.Share)
			}
		}
		for _, code := range e.Expect {
			if code < 100 || code > 599 {
				return faultf(where+".expect", "%d is not a status", code)
			}
		}
		if f := checkThresholds(where+".thresholds", e.Thresholds); f != nil {
			return f
		}
	}
	return nil
}
