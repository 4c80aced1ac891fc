// Package threshold parses, validates and evaluates thresholds: one code for live and offline verdicts.
//
//	p99 < 250ms
//	GET /api/items/{id}: p99 < 250ms
//	GET /api/**: error_rate < 0.1% over 30s abort after 10s
package threshold

import (
	"encoding/json"
	"math"
)

// Verdict on one threshold.
type Verdict string

// The verdicts on a threshold.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "undecided"
)

// Result is the verdict on one threshold for one endpoint, or for the whole run.
type Result struct {
	Expr     string  `json:"expr"`  // without the scope: p99 < 250ms
	Scope    string  `json:"scope"` // as written; empty: none was
	Verdict  Verdict `json:"verdict"`
	Observed Number  `json:"observed"`
	Unit     string  `json:"unit"` // ms, ratio, per_s
	Exceed   Exceed  `json:"exceed"`
	N        int64   `json:"n"`                      // samples judged
	Needed   int64   `json:"needed"`                 // samples that would decide it
	WithLag  Verdict `json:"with_lag"`               // the verdict once our own lag is subtracted from each latency
	Worst    int     `json:"worst_window,omitempty"` // with a window: which one is reported, from 1
	Blocks   []Block `json:"blocks"`                 // exact counts by time, so that the verdict can be recomputed
}

// Exceed is the share of samples beyond the limit with its 95% interval.
type Exceed struct {
	P     float64 `json:"p"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Limit float64 `json:"limit"` // the share that the threshold allows
}

// Block holds exact counts of one stretch of the run.
type Block struct {
	N      int64 `json:"n"`
	X      int64 `json:"x"`        // samples beyond the limit
	XNoLag int64 `json:"x_no_lag"` // beyond the limit even when our own lag is subtracted
}

// Number is a float64 that JSON can carry when it is infinite ("inf") or absent (null, NaN).
type Number float64

// MarshalJSON writes "inf" for an infinity and null for NaN.
func (n Number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsInf(f, 0):
		return []byte(`"inf"`), nil
	case math.IsNaN(f):
		return []byte("null"), nil
	default:
		return json.Marshal(f)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"inf"`:
		*n = Number(math.Inf(1))
		return nil
	case "null":
		*n = Number(math.NaN())
		return nil
	}
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*n = Number(f)
	return nil
}

// Add counts one sample that is judged.
func (b *Block) Add(beyond, beyondNoLag bool) {
	b.N++
	if beyond {
		b.X++
	}
	if beyondNoLag {
		b.XNoLag++
	}
}

// Merge adds the counts of o.
func (b *Block) Merge(o Block) {
	b.N += o.N
	b.X += o.X
	b.XNoLag += o.XNoLag
}
