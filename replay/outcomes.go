package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"trafficreplay/replay/plan"
	"trafficreplay/replay/tally"
	"trafficreplay/replay/threshold"
)

// outcomes turns what the workers counted into the run's document and judges it.
func (r *recorder) outcomes(start time.Time, cpu time.Duration, interrupted bool) (*Outcomes, error) {
	sum, err := r.merged()
	if err != nil {
		return nil, err
	}
	s := sum.Summary()
	d := r.cfg.Document
	d.Schema, d.Options.Strict = SchemaRun, r.cfg.Strict
	d.Started = start.UTC().Format(time.RFC3339)
	d.Captured, d.UnsendableWhy, d.WithheldWhy = r.cfg.Survey.Captured, r.cfg.Survey.Unsendable, r.cfg.Survey.Withheld
	d.Unsendable, d.Withheld = plan.Total(d.UnsendableWhy), plan.Total(d.WithheldWhy)
	d.PlanSHA256 = r.cfg.Survey.Digest
	d.count(&s.Counts)
	d.PlannedS = float64(r.cfg.Survey.Length) / 1e9
	d.DurationS = float64(r.ended.Load()) / 1e9
	d.Rate = RateSummary{
		Planned:  float64(d.Planned) / max(d.PlannedS, 1e-9),
		Achieved: float64(d.Sent) / max(float64(r.sent.Load())/1e9, 1e-9),
	}
	d.LagUS = LagSummary(s.LagUS)
	if d.Sent > 0 {
		d.CPU = float64(cpu.Microseconds()) / float64(d.Sent)
	}
	d.Conns = Connections{Opened: s.Opened, Reused: d.Sent - s.Opened}
	if s.Opened > 0 {
		d.Conns.ConnectP50MS, d.Conns.ConnectP99MS = float64(s.ConnectMS.P50), float64(s.ConnectMS.P99)
	}
	d.Series = Series(s.Series)
	r.endpoints(&d, s)
	d.LagGateMS = float64(LagGate(r.cfg.Thresholds)) / 1e6
	switch {
	case interrupted:
		d.Stopped = ByUser
	case closed(r.abort):
		d.Stopped = ByThreshold
	}
	d.Verdict, d.ExitCode, d.Reasons = Judge(&d, r.cfg.Strict)
	if len(r.cfg.Survey.Endpoints) > 0 && d.Planned != r.cfg.Survey.Planned {
		return nil, fmt.Errorf("%d shots were planned, %d were accounted for", r.cfg.Survey.Planned, d.Planned)
	}
	return &Outcomes{Document: &d, tally: sum, start: start}, nil
}

func (d *Document) count(c *tally.Counts) {
	d.Planned, d.Sent, d.OK, d.Failed = c.Planned, c.Sent, c.OK, c.Failed
	d.Dropped, d.DroppedCeiling, d.DroppedLate, d.Cancelled = c.Dropped(), c.DroppedCeiling, c.DroppedLate, c.Cancelled
	d.Warmup, d.Late10MS = c.Warmup, c.Late
}

// endpoints fills in the endpoint table and the thresholds over the whole run.
func (r *recorder) endpoints(d *Document, s *tally.Summary) {
	for i, e := range s.Endpoints {
		d.Endpoints = append(d.Endpoints, EndpointResult{
			ID: r.cfg.Endpoints[i].ID, Planned: e.Planned, Sent: e.Sent, OK: e.OK, Failed: e.Failed, Dropped: e.Dropped(),
			Cancelled: e.Cancelled, Judged: e.Judged, LatencyMS: Percentiles(e.LatencyMS), ServiceMS: Percentiles(e.ServiceMS),
			OKLatencyMS: Percentiles(e.OKLatencyMS), Status: e.Status, Errors: errorNames(e.Errors), BytesIn: e.BytesIn,
			CapturedShare: r.cfg.Endpoints[i].Share, Thresholds: []threshold.Result{}, Spark: e.Spark,
		})
	}
	d.Thresholds = []threshold.Result{}
	for i, t := range s.Thresholds {
		if t.Verdict == threshold.Undecided {
			d.Undecided++
		}
		if e := r.rules[i].Endpoint; e != tally.Whole {
			d.Endpoints[e].Thresholds = append(d.Endpoints[e].Thresholds, t)
		} else {
			d.Thresholds = append(d.Thresholds, t)
		}
	}
}

func errorNames(counts [tally.MaxErrs]int64) map[string]int64 {
	m := map[string]int64{}
	for k, n := range counts {
		if n > 0 {
			m[ErrKind(k).String()] = n
		}
	}
	return m
}

// Write writes run.json and intervals.hlog into a run folder. run.json appears whole or not at all.
func (o *Outcomes) Write(dir string) (err error) {
	b, err := json.MarshalIndent(o.Document, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "run.json")
	if err := os.WriteFile(path+".part", append(b, '\n'), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(dir, "intervals.hlog"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ids := make([]string, len(o.Document.Endpoints))
	for i, e := range o.Document.Endpoints {
		ids[i] = e.ID
	}
	return o.tally.WriteHlog(log, o.start, ids)
}
