package shape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/arrival"
	"trafficreplay/shape/fidelity"
	"trafficreplay/shape/mix"
	"trafficreplay/shape/route"
	"trafficreplay/shape/session"
	"trafficreplay/shape/stat"
)

// Source is captured traffic that can be read several times, each time in order of arrival. A stream that
// Open gives may be an io.Closer; it is closed after use. Ledgers are those of what the traffic was made
// from: a request belongs to the ledger whose name its Src begins with.
type Source interface {
	Open() (capture.Stream, error)
	Ledgers() []capture.Ledger
}

// FitOptions settle a fit. The zero value is usable.
type FitOptions struct {
	Name         string
	Seed         uint64       // of the plan and of everything drawn here; 0 means 1
	MaxEndpoints int          // 0 means 200
	Routes       []route.Rule // corrections of the routes by hand
	PoolSessions int          // sessions kept in the pool; 0 means 20,000
	PoolRequests int          // about how many requests the pool may have; 0 means 200,000
	Hosts        []string     // captured hosts beside those that the requests name
	HostsUnknown bool         // there may be more hosts than are named
}

// Fitted is what a fit gives. It is safe for concurrent use as long as nobody changes it.
type Fitted struct {
	Workload *Workload
	Pool     *Pool
	Table    *route.Table
	Rules    session.Rules // by which sessions were told apart
	Fidelity fidelity.Card // of the plan at scale 1, measured against what was captured

	places []int // index of a table's endpoint in the workload, -1 for those without traffic
	curve  arrival.Curve
}

// Assign gives q's index in the workload's endpoints. It is -1 for a request of an endpoint that the
// fitted traffic did not have.
func (f *Fitted) Assign(q *capture.Request) int {
	i := f.Table.Match(q.Method, q.Target)
	if i < 0 || i >= len(f.places) {
		return -1
	}
	return f.places[i]
}

// Fit reads src three times, in memory that does not grow with it: to learn the routes and how sessions
// end; to count endpoints and rates; and to measure bursts around the rates and draw the session pool.
// The same traffic gives the same result, whatever its pseudonyms. Traffic without a request is an error.
func Fit(ctx context.Context, src Source, o FitOptions) (*Fitted, error) {
	given := o.Seed != 0
	o = o.withDefaults()
	f := &fitter{ctx: ctx, src: src, o: o, result: &Fitted{Workload: &Workload{Name: o.Name, Seed: o.Seed, seedGiven: given}}}
	for _, step := range []func() error{f.learn, f.count, f.measure} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	f.describe()
	if err := f.result.Workload.Validate(); err != nil {
		return nil, fmt.Errorf("fitted workload: %w", err)
	}
	return f.result, nil
}

func (o FitOptions) withDefaults() FitOptions {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.MaxEndpoints <= 0 {
		o.MaxEndpoints = 200
	}
	if o.PoolSessions <= 0 {
		o.PoolSessions = 20000
	}
	if o.PoolRequests <= 0 {
		o.PoolRequests = 200000
	}
	return o
}

// fitter carries what one pass finds to the next.
type fitter struct {
	ctx    context.Context
	src    Source
	o      FitOptions
	result *Fitted

	// after learn
	began    int64 // of the window, nanoseconds since the epoch
	window   int64
	requests int64
	hosts    hosts

	// after count
	starts, arrivals *arrival.Bins
	endpoints        []mix.Endpoint // by the table's index
	sessions         int64
	strata           strata
	heavy            heavy
	clients          uint64
	poolBytes        int64

	// after measure
	startScales, requestScales []arrival.Scale
	meter                      *fidelity.Meter // of what was captured
}

// pass reads the source once: q's At is that within its tick, at the same since the window began.
func (f *fitter) pass(visit func(q *capture.Request, at int64)) (err error) {
	in, err := f.src.Open()
	if err != nil {
		return err
	}
	if c, ok := in.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	stream := arrival.Dequantise(in, f.src.Ledgers(), f.o.Seed)
	var q capture.Request
	for n := 0; ; n++ {
		if n&1023 == 0 && f.ctx.Err() != nil {
			return f.ctx.Err()
		}
		if err := stream.Next(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		visit(&q, q.At-f.began)
	}
}

func (f *fitter) learn() error {
	learner := route.NewLearner(route.Options{MaxEndpoints: f.o.MaxEndpoints, Rules: f.o.Routes})
	survey := session.NewSurvey()
	var first, last int64
	f.hosts = newHosts(f.o)
	err := f.pass(func(q *capture.Request, _ int64) {
		if f.requests == 0 {
			first, last = q.At, q.At
		}
		f.requests++
		first, last = min(first, q.At), max(last, q.At)
		learner.Add(q.Method, q.Target, q.Status, max(q.RespSize, 0))
		survey.Add(q)
		f.hosts.add(q.Host)
	})
	if err != nil {
		return err
	}
	if f.requests == 0 {
		return errors.New("no requests to fit a workload to")
	}
	// Whole milliseconds read better in a file, and no arrival lies outside.
	ms := int64(time.Millisecond)
	f.began = first - ((first%ms)+ms)%ms
	f.window = max((last-f.began)/ms*ms+ms, int64(time.Second))
	f.result.Table = learner.Learn()
	f.result.Rules = survey.Rules()
	return nil
}

func (f *fitter) count() error {
	f.starts, f.arrivals = arrival.NewBins(f.window), arrival.NewBins(f.window)
	f.endpoints = make([]mix.Endpoint, len(f.result.Table.Endpoints()))
	f.strata = newStrata(f.window)
	tracker := session.NewTracker(f.result.Rules)
	err := f.pass(func(q *capture.Request, at int64) {
		id := tracker.Assign(q)
		f.arrivals.Add(at)
		if id.First {
			f.starts.Add(at)
			f.strata.add(at)
			f.sessions++
		}
		f.heavy.add(id.Client)
		f.clients = max(f.clients, id.Client+1)
		f.poolBytes += poolSize(q)
		if i := f.result.Table.Match(q.Method, q.Target); i >= 0 && i < len(f.endpoints) {
			f.endpoints[i].Add(q)
		}
	})
	if err != nil {
		return err
	}
	f.place()
	return nil
}

// place orders the endpoints by requests, those alike by ID, and drops those without.
func (f *fitter) place() {
	all := f.result.Table.Endpoints()
	var order []int
	for i := range all {
		if f.endpoints[i].Requests > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if d := f.endpoints[b].Requests - f.endpoints[a].Requests; d != 0 {
			return int(max(min(d, 1), -1))
		}
		if all[a].ID < all[b].ID {
			return -1
		}
		return 1
	})
	f.result.places = make([]int, len(all))
	for i := range f.result.places {
		f.result.places[i] = -1
	}
	for place, i := range order {
		f.result.places[i] = place
		f.result.Workload.Endpoints = append(f.result.Workload.Endpoints, f.describeEndpoint(all[i].ID, &f.endpoints[i]))
	}
}

// measure counts at all scales around the curves, and draws the pool.
func (f *fitter) measure() error {
	f.result.curve = arrival.FitCurve(f.arrivals, f.window)
	startCurve := tidyCurve(arrival.FitCurve(f.starts, f.window))
	starts, requests := arrival.NewCascade(startCurve), arrival.NewCascade(f.result.curve)
	top := f.heavy.above(max(f.requests/100, 5*f.requests/int64(max(f.clients, 1))))
	draw := newDrawer(f)
	f.meter = f.newMeter()
	tracker := session.NewTracker(f.result.Rules)
	err := f.pass(func(q *capture.Request, at int64) {
		id := tracker.Assign(q)
		group := int(stat.Hash(id.Client) % arrival.Groups)
		if top[id.Client] {
			group = -1
		}
		requests.Add(at, group)
		if id.First {
			starts.Add(at, group)
		}
		endpoint := f.result.Assign(q)
		e := event(q, at, id.Session, endpoint)
		f.meter.Add(&e)
		draw.add(q, at, id, endpoint)
	})
	if err != nil {
		return err
	}
	f.result.Pool = draw.pool
	resolution := f.resolution()
	f.startScales, f.requestScales = starts.Scales(resolution), requests.Scales(resolution)
	f.result.Workload.Arrivals.Curve = startCurve
	return nil
}

// resolution is the coarsest of the sources', nanoseconds; stamps finer than 10 ms claim no less than they hold.
func (f *fitter) resolution() int64 {
	var worst int64
	for _, l := range f.src.Ledgers() {
		if r, err := time.ParseDuration(l.Resolution); err == nil {
			worst = max(worst, int64(r))
		}
	}
	return worst
}
