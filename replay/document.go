package replay

import (
	"trafficreplay/replay/threshold"
)

// SchemaRun names the version of [Document].
const SchemaRun = "replay.run/1"

// Document is run.json: everything about a run, so that analyze needs the run folder alone.
type Document struct {
	Schema     string   `json:"schema"`
	Tool       string   `json:"tool"`    // version of replay
	Name       string   `json:"name"`    // of the run
	RunID      string   `json:"run_id"`  // value of the Replay-Run header
	Started    string   `json:"started"` // RFC 3339, UTC
	Input      string   `json:"input"`   // base name of the workload or capture
	Targets    []string `json:"targets"`
	Verdict    Verdict  `json:"verdict"`
	Reasons    []string `json:"reasons"` // why the verdict is what it is, one sentence each, most important first
	Undecided  int      `json:"undecided"`
	Stopped    Stopped  `json:"stopped,omitempty"` // who ended the run before its plan was through
	ExitCode   int      `json:"exit_code"`
	Seed       uint64   `json:"seed"`
	PlanSHA256 string   `json:"plan_sha256"`
	Scale      float64  `json:"scale"`
	Speed      float64  `json:"speed"`

	Captured       int64            `json:"captured"`
	Unsendable     int64            `json:"unsendable"`
	Withheld       int64            `json:"withheld"`
	UnsendableWhy  map[string]int64 `json:"unsendable_why"`
	WithheldWhy    map[string]int64 `json:"withheld_why"`
	Planned        int64            `json:"planned"`
	Sent           int64            `json:"sent"`
	Dropped        int64            `json:"dropped"`
	DroppedCeiling int64            `json:"dropped_ceiling"`
	DroppedLate    int64            `json:"dropped_late"`
	Cancelled      int64            `json:"cancelled"`
	OK             int64            `json:"ok"`
	Failed         int64            `json:"failed"`
	Warmup         int64            `json:"warmup"` // planned shots that the verdicts exclude

	PlannedS  float64     `json:"planned_s"`  // length of the plan, seconds
	DurationS float64     `json:"duration_s"` // from the first instant of the plan to the last result
	Rate      RateSummary `json:"rate"`
	LagUS     LagSummary  `json:"lag_us"`
	Late10MS  int64       `json:"late_10ms"` // shots sent more than 10 ms after they were due
	LagGateMS float64     `json:"lag_gate_ms"`
	CPU       float64     `json:"cpu_us_per_request"` // CPU time of this process over the run, divided by sent
	Conns     Connections `json:"connections"`

	Options    RunOptions         `json:"options"`
	Endpoints  []EndpointResult   `json:"endpoints"`  // in order of the endpoint table
	Thresholds []threshold.Result `json:"thresholds"` // those over the whole run
	Series     Series             `json:"series"`
	Fidelity   *Fidelity          `json:"fidelity,omitempty"` // of what was sent, when it was assessed
	Out        string             `json:"out"`
}

// Verdict is the run's verdict in one word.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Invalid      Verdict = "invalid"
	Inconclusive Verdict = "inconclusive"
	Interrupted  Verdict = "interrupted"
)

// Stopped names who ended a run early; empty: nobody did.
type Stopped string

// The two who can.
const (
	ByUser      Stopped = "user"
	ByThreshold Stopped = "threshold" // one with "abort after"
)

// RateSummary is shots per second: planned over the plan's length, achieved over the time from the run's begin to
// the last sending.
type RateSummary struct {
	Planned  float64 `json:"planned"`
	Achieved float64 `json:"achieved"`
}

// LagSummary is sent - intended over all sent shots, microseconds.
type LagSummary struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Connections counts what was opened.
type Connections struct {
	Opened       int64   `json:"opened"`
	Reused       int64   `json:"reused"`         // shots that found an idle connection
	ConnectP50MS float64 `json:"connect_p50_ms"` // 0 when none was opened
	ConnectP99MS float64 `json:"connect_p99_ms"`
}

// RunOptions are the effective options, so that a run can be repeated from its result.
type RunOptions struct {
	Warmup      string   `json:"warmup"`
	Duration    string   `json:"duration"`
	Timeout     string   `json:"timeout"`
	MaxInFlight int      `json:"max_in_flight"`
	Connections string   `json:"connections"` // captured, per-request, pool=N
	Thresholds  []string `json:"thresholds"`  // as typed or as written in the workload, scope included
	AllowWrites []string `json:"allow_writes"`
	Strict      bool     `json:"strict,omitempty"` // an undecided threshold is exit code 96
}

// Percentiles of a latency, milliseconds. A percentile that failures reach is the string "inf".
type Percentiles struct {
	P50  threshold.Number `json:"p50"`
	P90  threshold.Number `json:"p90"`
	P95  threshold.Number `json:"p95"`
	P99  threshold.Number `json:"p99"`
	P999 threshold.Number `json:"p999"`
	Max  threshold.Number `json:"max"`
}

// EndpointResult is what happened to one endpoint. Counts include warm-up shots; percentiles, thresholds
// and Judged do not.
type EndpointResult struct {
	ID            string             `json:"id"`
	Planned       int64              `json:"planned"`
	Sent          int64              `json:"sent"`
	OK            int64              `json:"ok"`
	Failed        int64              `json:"failed"`
	Dropped       int64              `json:"dropped"`
	Cancelled     int64              `json:"cancelled"`
	Judged        int64              `json:"judged"`     // ok + failed + dropped after warm-up: the n of the percentiles
	LatencyMS     Percentiles        `json:"latency_ms"` // over ok + failed + dropped, the last two at +inf
	ServiceMS     Percentiles        `json:"service_ms"`
	OKLatencyMS   Percentiles        `json:"ok_latency_ms"` // over ok alone, shown apart
	Status        map[string]int64   `json:"status"`
	Errors        map[string]int64   `json:"errors"`
	BytesIn       int64              `json:"bytes_in"`
	CapturedShare float64            `json:"captured_share"` // of the captured requests
	Thresholds    []threshold.Result `json:"thresholds"`
	Spark         []threshold.Number `json:"spark_p99_ms"` // p99 latency per interval of Series; null where nothing was judged
}

// Series are figures over time, one value per interval of IntervalS seconds, counted by intended instant.
type Series struct {
	IntervalS float64            `json:"interval_s"`
	Planned   []int64            `json:"planned"`
	Sent      []int64            `json:"sent"` // counted by the instant of sending
	OK        []int64            `json:"ok"`
	Failed    []int64            `json:"failed"`
	Dropped   []int64            `json:"dropped"`
	P50       []threshold.Number `json:"p50_ms"`
	P90       []threshold.Number `json:"p90_ms"`
	P99       []threshold.Number `json:"p99_ms"`
	LagP99US  []threshold.Number `json:"lag_p99_us"`
	InFlight  []int64            `json:"in_flight"` // at the end of the interval
	WarmupS   float64            `json:"warmup_s"`
}

// Fidelity says how closely two traffics resemble each other.
type Fidelity struct {
	Score float64        `json:"score"`
	Worst string         `json:"worst"`
	Parts []FidelityPart `json:"parts"`
}

// FidelityPart is one distance with its noise floor.
type FidelityPart struct {
	Name     string  `json:"name"`
	Distance float64 `json:"distance"`
	Floor    float64 `json:"floor"`
	Score    float64 `json:"score"`
}
