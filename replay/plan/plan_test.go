package plan

import (
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape"
	"trafficreplay/shape/stat"
)

// memory is captured traffic held in memory.
type memory []capture.Request

func (m memory) Open() (capture.Stream, error) { return &reading{m}, nil }
func (m memory) Ledgers() []capture.Ledger {
	return []capture.Ledger{{Name: "log", Resolution: "1ms", Basis: capture.BasisStart}}
}

type reading struct{ rest memory }

func (r *reading) Next(q *capture.Request) error {
	if len(r.rest) == 0 {
		return io.EOF
	}
	*q = r.rest[0]
	r.rest = r.rest[1:]
	return nil
}

// shopTraffic is ten minutes of 300 clients, with a few requests that cannot or may not be sent.
func shopTraffic() memory {
	var m memory
	for i := range 6000 {
		var q capture.Request
		q.Reset()
		q.At = 1_700_000_000*second + int64(i)*100*int64(time.Millisecond)
		client := stat.Below(stat.Random(3, 0, uint64(i)), 300)
		q.Client = fmt.Appendf(nil, "c%d", client)
		q.Method, q.Status = []byte("GET"), 200
		switch i % 20 {
		case 3:
			q.Target = fmt.Appendf(nil, "/api/items/%d", i)
		case 7:
			q.Method, q.Target = []byte("POST"), []byte("/cart")
		case 9:
			q.Method, q.Target = []byte("DELETE"), []byte("/cart")
		case 11:
			q.Status, q.Target = 101, []byte("/ws")
		default:
			q.Target = []byte("/")
		}
		q.Src = fmt.Appendf(nil, "log:%d", i+1)
		m = append(m, q)
	}
	return m
}

func fitted(t *testing.T, m memory) (*shape.Fitted, Options) {
	t.Helper()
	f, err := shape.Fit(t.Context(), m, shape.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Seed: 1}
	for _, e := range f.Workload.Endpoints {
		o.IDs = append(o.IDs, e.ID)
	}
	return f, o
}

func survey(t *testing.T, p *Plan, err error) *Survey {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCaptureIsPlannedAsItWas(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	p, err := FromCapture(t.Context(), m, f, o)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for s, err := range p.Shots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for string(m[i].Method) == "POST" || m[i].Status == 101 {
			i++
		}
		q := &m[i]
		if want := q.At - m[0].At; s.Intended != want || s.Request.Path != string(q.Target) || s.Request.Method != string(q.Method) {
			t.Fatalf("shot %d = %s %s at %d, want %s %s at %d", s.Seq, s.Request.Method, s.Request.Path, s.Intended, q.Method, q.Target, want)
		}
		i++
	}
	s := survey(t, p, nil)
	if s.Captured != 6000 || s.Unsendable[ReasonNoBody] != 300 || s.Unsendable[reasonUpgrade] != 300 || s.Planned != 5400 {
		t.Errorf("survey = %+v", s)
	}
}

func TestPlansRepeat(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	for _, k := range []float64{1, 0.4, 2.5} {
		o.Scale = k
		for name, make := range map[string]func() (*Plan, error){
			"capture":  func() (*Plan, error) { return FromCapture(t.Context(), m, f, o) },
			"workload": func() (*Plan, error) { return FromWorkload(t.Context(), f.Workload, f.Pool, o) },
		} {
			a, errA := make()
			b, errB := make()
			x, y := survey(t, a, errA), survey(t, b, errB)
			if x.Digest != y.Digest || x.Digest == (&digest{}).String() {
				t.Errorf("%s at %gx: digests %s and %s", name, k, x.Digest, y.Digest)
			}
			o.Seed = 2
			c, errC := make()
			if z := survey(t, c, errC); z.Digest == x.Digest && k != 1 {
				t.Errorf("%s at %gx: seed 2 gives the plan of seed 1", name, k)
			}
			o.Seed = 1
		}
	}
}

func TestScaleMultipliesEveryEndpoint(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	p, err := FromCapture(t.Context(), m, f, o)
	one := survey(t, p, err)
	o.Scale = 3
	p, err = FromCapture(t.Context(), m, f, o)
	three := survey(t, p, err)
	for i := range one.Endpoints {
		if three.Endpoints[i] != 3*one.Endpoints[i] {
			t.Errorf("%s: %d shots at 3x, %d at 1x", o.IDs[i], three.Endpoints[i], one.Endpoints[i])
		}
	}
	p, err = FromWorkload(t.Context(), f.Workload, f.Pool, o)
	model := survey(t, p, err)
	for i := range one.Endpoints {
		if got, want := float64(model.Endpoints[i]), float64(three.Endpoints[i]); math.Abs(got-want) > 5*math.Sqrt(want+1) {
			t.Errorf("%s: the workload plans %g shots at 3x, want about %g", o.IDs[i], got, want)
		}
	}
}

func TestSpeedSqueezesTime(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	p, err := FromCapture(t.Context(), m, f, o)
	one := survey(t, p, err)
	o.Speed = 10
	p, err = FromCapture(t.Context(), m, f, o)
	ten := survey(t, p, err)
	if ten.Planned != one.Planned || ten.Length != one.Length/10 {
		t.Errorf("at 10x speed: %d shots over %d, want %d over %d", ten.Planned, ten.Length, one.Planned, one.Length/10)
	}
}

func TestRateIsReached(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	o.Rate, o.Speed = 45, 10
	for name, make := range map[string]func() (*Plan, error){
		"capture":  func() (*Plan, error) { return FromCapture(t.Context(), m, f, o) },
		"workload": func() (*Plan, error) { return FromWorkload(t.Context(), f.Workload, f.Pool, o) },
	} {
		p, err := make()
		s := survey(t, p, err)
		if got := float64(s.Planned) / 60; math.Abs(got-45) > 3 {
			t.Errorf("%s: %.1f shots a second at scale %.3f, want about 45", name, got, p.Scale())
		}
	}
}

func TestDurationTakesTheBusiestStretch(t *testing.T) {
	m := shopTraffic()
	extra := m[3000:3600] // one minute, five minutes in
	var busy memory
	for i, q := range m {
		busy = append(busy, q)
		if i >= 3000 && i < 3600 {
			busy = append(busy, extra[i-3000])
		}
	}
	f, o := fitted(t, busy)
	o.Duration = time.Minute
	for name, make := range map[string]func() (*Plan, error){
		"capture":  func() (*Plan, error) { return FromCapture(t.Context(), busy, f, o) },
		"workload": func() (*Plan, error) { return FromWorkload(t.Context(), f.Workload, f.Pool, o) },
	} {
		p, err := make()
		s := survey(t, p, err)
		if s.Planned < 900 || s.Length > int64(time.Minute) {
			t.Errorf("%s: %d shots over %v, want about 1080 over a minute", name, s.Planned, time.Duration(s.Length))
		}
	}
}

func TestWarmupIsFlagged(t *testing.T) {
	m := shopTraffic()
	f, o := fitted(t, m)
	o.Warmup = time.Minute
	p, err := FromCapture(t.Context(), m, f, o)
	s := survey(t, p, err)
	if s.Planned-s.Judged != 540 {
		t.Errorf("%d of %d shots are warm-up, want 540", s.Planned-s.Judged, s.Planned)
	}
}

func TestHostsChooseTheTarget(t *testing.T) {
	m := shopTraffic()
	for i := range m {
		m[i].Host = fmt.Appendf(nil, "h%d", i%3)
	}
	f, o := fitted(t, m)
	o.Route = func(host []byte) int {
		return map[string]int{"h0": 0, "h1": 1, "h2": -1}[string(host)]
	}
	p, err := FromCapture(t.Context(), m, f, o)
	s := survey(t, p, err)
	if s.Unsendable[reasonTarget] != 2000 {
		t.Errorf("%d requests without a target, want 2000", s.Unsendable[reasonTarget])
	}
	for shot := range p.Shots(t.Context()) {
		if shot.Target != 0 && shot.Target != 1 {
			t.Fatalf("target %d", shot.Target)
		}
	}
}

func TestNothingToSendIsAnError(t *testing.T) {
	m := shopTraffic()
	for i := range m {
		m[i].Method = []byte("POST")
	}
	f, o := fitted(t, m)
	p, err := FromCapture(t.Context(), m, f, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Survey(t.Context()); err == nil {
		t.Error("a plan without shots is no error")
	}
}

func TestOddOptionsAreErrors(t *testing.T) {
	for _, o := range []Options{{Scale: -1}, {Scale: 1e9}, {Speed: -2}, {Duration: -1}, {Warmup: -1}} {
		if err := o.check(); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func BenchmarkSurvey(b *testing.B) {
	m := shopTraffic()
	f, err := shape.Fit(b.Context(), m, shape.FitOptions{})
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Seed: 1, Scale: 3}
	for _, e := range f.Workload.Endpoints {
		o.IDs = append(o.IDs, e.ID)
	}
	p, err := FromCapture(b.Context(), m, f, o)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var shots int64
	for b.Loop() {
		s, err := p.Survey(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		shots += s.Planned
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(shots), "ns/shot")
}
