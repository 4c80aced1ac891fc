// Package shape takes captured requests and gives a workload: the endpoints and their mix, how requests
// arrive, how they form sessions, and what is expected of the answers.
//
// [Fit] makes one from a [Source]. [Workload.Save] writes it as a file to be reviewed and committed, with
// a pool of captured sessions beside it; [Load] reads both back.
package shape

import (
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/arrival"
)

// Schema names the version of the workload file.
const Schema = "replay.workload/1"

// Limits of a workload file.
const (
	maxFile      = 4 << 20 // bytes
	maxEndpoints = 2000
	maxKnots     = 20000
	maxRate      = 10e6 // per second
)

// Workload is a fitted workload. It is plain data: reading it is safe for concurrent use.
type Workload struct {
	Path    string // the file it was read from or saved to; empty before
	Name    string
	Extends string // path of the workload whose thresholds and safety settings this one starts from
	Seed    uint64 // of the plan; never 0

	Provenance  Provenance
	Arrivals    Arrivals
	Sessions    Sessions
	Connections Connections
	Safety      Safety
	Thresholds  []string   // over the whole run, or with a scope of their own
	Endpoints   []Endpoint // by share, the largest first

	seedGiven bool              // a fit was told the seed, so that it stands against a file's
	notes     map[string]string // comments to write behind thresholds, by noteKey
}

// Provenance says what a workload was made from.
type Provenance struct {
	From, To   time.Time // the window, UTC: from the first arrival to just after the last
	Requests   int64
	Resolution time.Duration // the coarsest of the sources; burst claims below it are not made
	Sources    []SourceAccount
}

// SourceAccount is the account of one source.
type SourceAccount struct {
	Name, SHA256, Format string
	Basis                capture.Basis
	Resolution           string
	Lines, Packets       int64 // of a log, of packets; the other is 0
	Requests             int64
	Skipped, Filtered    int64
}

// Arrivals say when sessions start.
type Arrivals struct {
	Rate     float64       // requests per second, mean over the window
	Peak     float64       // requests per second in the busiest minute
	Starts   float64       // sessions per second, mean over the window
	Curve    arrival.Curve // sessions per second over the window
	Family   string        // poisson, mmpp2 or multiscale
	Terms    []arrival.Term
	IDC      []IDC // of requests, at scales from the resolution up
	ScaleLaw []Law
}

// IDC is the index of dispersion of the counts of requests in windows of T.
type IDC struct {
	T                  time.Duration
	Capture, Model, SE float64
}

// Law is one row of the scale law IDC_k = independent + k·common, for k times as many clients.
type Law struct {
	T                   time.Duration
	Independent, Common float64
}

// Sessions say how requests form sessions, and where the sessions to repeat are.
type Sessions struct {
	Count        int64 // in the window
	Timeout      time.Duration
	MeanLength   float64 // requests in a session
	Semantics    string  // timed: every request at its session's start plus its captured offset
	Pool         string  // file beside the workload file
	PoolSHA256   string
	PoolSessions int
	PoolRequests int
}

// Connections say how connections are kept.
type Connections struct {
	IdleTimeout time.Duration
}

// Safety says what the guard must know of the capture and what the workload's owners allow.
type Safety struct {
	CapturedHosts []string // sorted
	HostsUnknown  bool     // some requests name no host, or there were more hosts than are kept
	AllowWrites   []string // globs of endpoints
}

// Endpoint is a route with its settings.
type Endpoint struct {
	ID         string // GET /api/items/{id}
	Method     string
	Route      string
	Share      float64 // of the requests
	Requests   int64
	Latency    Latency
	Status     []StatusShare // by code
	Size       Size
	Thresholds []string // without scope
	Expect     []int    // statuses that are acceptable; empty: below 500
}

// Latency is what was observed: from the arrival to the last byte of the answer. N is 0 where the source
// recorded no durations; status 101 and answers held back longer than 30 s do not count.
type Latency struct {
	N             int64
	P50, P90, P99 time.Duration
}

// StatusShare is the share of a status among the recorded ones.
type StatusShare struct {
	Code  int
	Share float64
}

// Size are quantiles of the bytes of response bodies, where N of them were recorded.
type Size struct {
	N             int64
	P50, P90, P99 int64
}

// WindowNS is the length of the window in nanoseconds.
func (w *Workload) WindowNS() int64 { return int64(w.Provenance.To.Sub(w.Provenance.From)) }

// BeganNS is the beginning of the window in nanoseconds since the Unix epoch.
func (w *Workload) BeganNS() int64 { return w.Provenance.From.UnixNano() }

// Model is the process of session starts.
func (a *Arrivals) Model() arrival.Model { return arrival.Model{Curve: a.Curve, Terms: a.Terms} }

func noteKey(endpoint, threshold string) string { return endpoint + "\x00" + threshold }
