package analyze

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// maxRun bounds run.json. A day of one-second intervals over 200 endpoints takes a tenth of it.
const maxRun = 256 << 20

// MismatchError says that a recorded verdict is not what the recorded counts give: the file was changed, or
// was written by a version that judged differently.
type MismatchError struct {
	Endpoint   string // id; empty: the whole run
	Threshold  string // without the scope
	Recorded   threshold.Verdict
	Recomputed threshold.Verdict
	WithLag    bool // it is the verdict less our own lag that differs
}

func (e *MismatchError) Error() string {
	of, what := "the whole run", "verdict"
	if e.Endpoint != "" {
		of = strconv.Quote(e.Endpoint)
	}
	if e.WithLag {
		what = "verdict less our own lag"
	}
	return fmt.Sprintf("threshold %q of %s: recorded %s is %q, its counts give %q", e.Threshold, of, what, e.Recorded, e.Recomputed)
}

// Load reads the run folder dir, of which it needs run.json alone, and makes its report. The run is judged again
// from its counts. A folder without run.json is an [fs.ErrNotExist]; a verdict that the counts do not give is a
// [*MismatchError] for a threshold and a [*VerdictError] for the run.
func Load(dir string) (*Report, error) {
	name := filepath.Join(dir, "run.json")
	b, err := read(name)
	if err != nil {
		return nil, err
	}
	d, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkSums(d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := New(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.Dir = dir
	recorded := r.Document.Verdict
	r.Document.Verdict, r.Document.ExitCode, r.Document.Reasons = replay.Judge(r.Document, r.Document.Options.Strict)
	if r.Document.Verdict != recorded {
		return nil, fmt.Errorf("%s: %w", name, &VerdictError{recorded, r.Document.Verdict})
	}
	return r, nil
}

func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if info.Size() > maxRun {
		return nil, fmt.Errorf("%s: %d bytes, limit %d", name, info.Size(), maxRun)
	}
	return io.ReadAll(io.LimitReader(f, maxRun))
}

func decode(b []byte) (*replay.Document, error) {
	var probe struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &probe); err != nil {
		return nil, explain(err, len(b))
	}
	if err := checkSchema(probe.Schema); err != nil {
		return nil, err
	}
	d := new(replay.Document)
	if err := json.Unmarshal(b, d); err != nil {
		return nil, explain(err, len(b))
	}
	return d, nil
}

func explain(err error, size int) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && syntax.Offset >= int64(size) {
		return fmt.Errorf("cut short after %d bytes: %w", size, err)
	}
	return err
}

func checkSchema(schema string) error {
	if schema == replay.SchemaRun {
		return nil
	}
	family, version, _ := strings.Cut(replay.SchemaRun, "/")
	gotFamily, got, _ := strings.Cut(schema, "/")
	reads, _ := strconv.Atoi(version)
	if n, err := strconv.Atoi(got); err == nil && gotFamily == family && n > reads {
		return fmt.Errorf("schema %q: written by a newer replay; this one reads %s", schema, replay.SchemaRun)
	}
	return fmt.Errorf("schema %q: want %s", schema, replay.SchemaRun)
}

// checkSums refuses counts that do not add up: planned = sent + dropped + cancelled, sent = ok + failed, of each
// endpoint and of the whole run, which is the sum of its endpoints.
func checkSums(d *replay.Document) error {
	var sum replay.EndpointResult
	for i := range d.Endpoints {
		e := &d.Endpoints[i]
		if err := checkSum(e.ID, e); err != nil {
			return err
		}
		sum.Planned, sum.Sent, sum.OK, sum.Failed = sum.Planned+e.Planned, sum.Sent+e.Sent, sum.OK+e.OK, sum.Failed+e.Failed
		sum.Dropped, sum.Cancelled = sum.Dropped+e.Dropped, sum.Cancelled+e.Cancelled
	}
	whole := replay.EndpointResult{Planned: d.Planned, Sent: d.Sent, OK: d.OK, Failed: d.Failed, Dropped: d.Dropped, Cancelled: d.Cancelled}
	if err := checkSum("the whole run", &whole); err != nil {
		return err
	}
	if sum.Planned != d.Planned || sum.Sent != d.Sent || sum.OK != d.OK || sum.Dropped != d.Dropped {
		return fmt.Errorf("counts of the whole run are not the sum of its endpoints': planned %d and %d, sent %d and %d, ok %d and %d, dropped %d and %d",
			d.Planned, sum.Planned, d.Sent, sum.Sent, d.OK, sum.OK, d.Dropped, sum.Dropped)
	}
	return nil
}

func checkSum(where string, e *replay.EndpointResult) error {
	if e.Planned != e.Sent+e.Dropped+e.Cancelled || e.Sent != e.OK+e.Failed {
		return fmt.Errorf("counts of %s do not add up: planned %d, sent %d, dropped %d, cancelled %d, ok %d, failed %d",
			where, e.Planned, e.Sent, e.Dropped, e.Cancelled, e.OK, e.Failed)
	}
	return nil
}

// VerdictError says that the recorded verdict of a run is not what its counts give.
type VerdictError struct{ Recorded, Recomputed replay.Verdict }

func (e *VerdictError) Error() string {
	return fmt.Sprintf("recorded verdict is %q, the counts give %q", e.Recorded, e.Recomputed)
}

// rejudge copies d with every threshold evaluated again from its counts.
func rejudge(d *replay.Document) (*replay.Document, error) {
	out := *d
	out.Endpoints = append([]replay.EndpointResult{}, d.Endpoints...)
	var err error
	if out.Thresholds, err = rejudgeAll("", d.Thresholds); err != nil {
		return nil, err
	}
	for i := range out.Endpoints {
		e := &out.Endpoints[i]
		if e.Thresholds, err = rejudgeAll(e.ID, e.Thresholds); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func rejudgeAll(id string, recorded []threshold.Result) ([]threshold.Result, error) {
	out := make([]threshold.Result, 0, len(recorded))
	for _, was := range recorded {
		is, err := evaluate(was)
		if err != nil {
			return nil, err
		}
		if is.Verdict != was.Verdict {
			return nil, &MismatchError{id, was.Expr, was.Verdict, is.Verdict, false}
		}
		if is.WithLag != was.WithLag {
			return nil, &MismatchError{id, was.Expr, was.WithLag, is.WithLag, true}
		}
		out = append(out, is)
	}
	return out, nil
}

func evaluate(r threshold.Result) (threshold.Result, error) {
	text := r.Expr
	if r.Scope != "" {
		text = r.Scope + ": " + r.Expr
	}
	t, err := threshold.Parse(text)
	if err != nil {
		return r, err
	}
	if err := checkBlocks(r.Blocks); err != nil {
		return r, fmt.Errorf("threshold %q: %w", text, err)
	}
	return t.Evaluate(r.Blocks, r.Observed), nil
}

// maxSamples keeps the sums of counts exact as float64 and far from overflow.
const maxSamples = 1 << 53

func checkBlocks(blocks []threshold.Block) error {
	var sum int64
	for i, b := range blocks {
		if b.N < 0 || b.N > maxSamples || min(b.X, b.XNoLag) < 0 || max(b.X, b.XNoLag) > b.N {
			return fmt.Errorf("block %d: counts %d of %d (%d less our own lag) cannot be", i+1, b.X, b.N, b.XNoLag)
		}
		if sum += b.N; sum > maxSamples {
			return fmt.Errorf("block %d: more than %d samples", i+1, int64(maxSamples))
		}
	}
	return nil
}
