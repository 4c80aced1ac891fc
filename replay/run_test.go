package replay

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trafficreplay/capture"
	"trafficreplay/replay/plan"
	"trafficreplay/replay/threshold"
	"trafficreplay/shape"
)

// memory is captured traffic held in memory: n requests of two endpoints, evenly spaced.
type memory struct {
	n     int
	every time.Duration
}

func (m memory) Open() (capture.Stream, error) { return &reading{m: m}, nil }
func (m memory) Ledgers() []capture.Ledger {
	return []capture.Ledger{{Name: "log", Resolution: "1ms", Basis: capture.BasisStart}}
}

type reading struct {
	m memory
	i int
}

func (r *reading) Next(q *capture.Request) error {
	if r.i == r.m.n {
		return io.EOF
	}
	q.Reset()
	q.At = 1_700_000_000_000_000_000 + int64(r.i)*int64(r.m.every)
	q.Method, q.Status = []byte("GET"), 200
	q.Target = []byte([]string{"/cart", "/search"}[r.i%2])
	q.Client, q.Src = fmt.Appendf(nil, "c%d", r.i%10), fmt.Appendf(nil, "log:%d", r.i+1)
	r.i++
	return nil
}

// server says how a fake target answers a shot: after how long, and with what.
type server func(s *plan.Shot) (service time.Duration, status uint16, err ErrKind)

// fake is a Sender in virtual time with one worker: it is late by lag, and every shot is answered as server says.
type fake struct {
	lag    time.Duration
	server server
}

func (f fake) Workers() int { return 1 }

func (f fake) Send(ctx context.Context, stop <-chan struct{}, start time.Time, shots <-chan []plan.Shot, sink Sink) error {
	for batch := range shots {
		for i := range batch {
			s := &batch[i]
			r := Result{Seq: s.Seq, Endpoint: s.Endpoint, Intended: s.Intended, Warmup: s.Warmup}
			select {
			case <-stop:
				r.Outcome = Cancelled
				sink.Record(0, &r)
				continue
			case <-time.After(time.Until(start.Add(time.Duration(s.Intended)))):
			}
			r.Sent = s.Intended + int64(f.lag)
			service, status, err := f.server(s)
			r.Done, r.Status, r.Err = r.Sent+int64(service), status, err
			if err != ErrNone {
				r.Outcome = Failed
			}
			sink.Record(0, &r)
		}
	}
	return nil
}

// experiment runs n requests against a fake target in virtual time.
func experiment(t *testing.T, n int, s Sender, stop <-chan struct{}, warmup time.Duration, exprs ...string) *Document {
	t.Helper()
	m := memory{n, 10 * time.Millisecond}
	fit, err := shape.Fit(t.Context(), m, shape.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Warmup: warmup}
	o := plan.Options{Seed: 1, Warmup: warmup}
	for _, e := range fit.Workload.Endpoints {
		cfg.Endpoints = append(cfg.Endpoints, Endpoint{ID: e.ID, Share: e.Share})
		o.IDs = append(o.IDs, e.ID)
	}
	for _, x := range exprs {
		th, err := threshold.Parse(x)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Thresholds = append(cfg.Thresholds, th)
	}
	p, err := plan.FromCapture(t.Context(), m, fit, o)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Survey, err = p.Survey(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := Run(t.Context(), stop, p, s, cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := out.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run.json", "intervals.hlog"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := out.Document
	if d.Planned != d.Sent+d.Dropped+d.Cancelled || d.Sent != d.OK+d.Failed || d.Planned != int64(n) {
		t.Errorf("counts do not add up: planned %d sent %d dropped %d cancelled %d ok %d failed %d", d.Planned, d.Sent, d.Dropped, d.Cancelled, d.OK, d.Failed)
	}
	return d
}

func steady(service time.Duration) server {
	return func(*plan.Shot) (time.Duration, uint16, ErrKind) { return service, 200, ErrNone }
}

func TestRunVerdicts(t *testing.T) {
	const ms = time.Millisecond
	everyHundredth := func(status uint16, kind ErrKind) server {
		return func(s *plan.Shot) (time.Duration, uint16, ErrKind) {
			if s.Seq%50 == 1 {
				return ms, status, kind
			}
			return 5 * ms, 200, ErrNone
		}
	}
	for _, c := range []struct {
		name    string
		n       int
		sender  Sender
		exprs   []string
		verdict Verdict
		code    int
	}{
		{"all hold", 2000, fake{0, steady(5 * ms)}, []string{"p99 < 50ms", "error_rate < 1%"}, Pass, 0},
		{"one fails", 2000, fake{0, steady(5 * ms)}, []string{"GET /cart: p99 < 1ms", "p99 < 50ms"}, Fail, 99},
		{"fast errors do not improve a percentile", 2000, fake{0, everyHundredth(503, ErrNone)}, []string{"p99 < 50ms"}, Fail, 99},
		{"resets neither", 2000, fake{0, everyHundredth(0, ErrReset)}, []string{"p99 < 50ms"}, Fail, 99},
		{"late generator", 2000, fake{3 * ms, steady(5 * ms)}, []string{"p99 < 50ms"}, Invalid, 97},
		{"late, and only that breaks the threshold", 2000, fake{30 * ms, steady(5 * ms)}, []string{"p99 < 20ms"}, Invalid, 97},
		{"late, and the target fails without that too", 2000, fake{30 * ms, steady(50 * ms)}, []string{"p99 < 20ms"}, Fail, 99},
		{"too few to say", 100, fake{0, steady(5 * ms)}, []string{"p99 < 50ms"}, Inconclusive, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := experiment(t, c.n, c.sender, nil, 0, c.exprs...)
				if d.Verdict != c.verdict || d.ExitCode != c.code {
					t.Errorf("verdict %s, code %d, want %s, %d (%s)", d.Verdict, d.ExitCode, c.verdict, c.code, strings.Join(d.Reasons, "; "))
				}
				if r := d.Rate; r.Achieved < 0.98*r.Planned || r.Achieved > 1.02*r.Planned {
					t.Errorf("rate achieved %.1f/s, planned %.1f/s: every shot was sent", r.Achieved, r.Planned)
				}
				if len(d.Reasons) == 0 {
					t.Error("no reason is given")
				}
			})
		})
	}
}

func TestInterruptedRunAccountsForEveryShot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(stop) })
		d := experiment(t, 2000, fake{0, steady(time.Millisecond)}, stop, 0, "p99 < 50ms")
		if d.Verdict != Interrupted || d.ExitCode != 130 || d.Cancelled < 1400 || d.Sent < 400 {
			t.Errorf("verdict %s, code %d, sent %d, cancelled %d", d.Verdict, d.ExitCode, d.Sent, d.Cancelled)
		}
	})
}

func TestThresholdStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := func(s *plan.Shot) (time.Duration, uint16, ErrKind) { return time.Millisecond, 500, ErrNone }
		d := experiment(t, 6000, fake{0, broken}, nil, 0, "error_rate < 1% abort after 2s")
		if d.Verdict != Fail || d.Cancelled == 0 || d.Sent > 4000 || d.Stopped != ByThreshold {
			t.Errorf("verdict %s, sent %d, cancelled %d, stopped by %q", d.Verdict, d.Sent, d.Cancelled, d.Stopped)
		}
	})
}

func TestWarmupIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cold := func(s *plan.Shot) (time.Duration, uint16, ErrKind) {
			if s.Intended < int64(5*time.Second) {
				return time.Second, 200, ErrNone
			}
			return time.Millisecond, 200, ErrNone
		}
		d := experiment(t, 2000, fake{0, cold}, nil, 5*time.Second, "p99 < 50ms")
		if d.Verdict != Pass || d.Warmup != 500 {
			t.Errorf("verdict %s with %d warm-up shots, want pass with 500 (%s)", d.Verdict, d.Warmup, strings.Join(d.Reasons, "; "))
		}
	})
}

func TestExpectations(t *testing.T) {
	for _, c := range []struct {
		codes  []int
		status uint16
		want   bool
	}{
		{nil, 200, true}, {nil, 404, true}, {nil, 500, false}, {nil, 599, false},
		{[]int{200}, 200, true}, {[]int{200}, 404, false}, {[]int{200, 404}, 404, true}, {[]int{503}, 503, true}, {[]int{200}, 999, false},
	} {
		x := expect(c.codes)
		if got := x.accepts(c.status); got != c.want {
			t.Errorf("expect %v accepts %d = %v, want %v", c.codes, c.status, got, c.want)
		}
	}
}
