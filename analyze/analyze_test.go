package analyze

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"trafficreplay/replay"
	"trafficreplay/replay/threshold"
)

// shop is the recorded run that the renderings' goldens come from.
func shop(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("render", "testdata", "shop", "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func folder(t testing.TB, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "run.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := folder(t, shop(t))
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Dir != dir || len(r.Endpoints) != 12 {
		t.Errorf("folder %q with %d endpoints, want %q with 12", r.Dir, len(r.Endpoints), dir)
	}
	if want := (Tally{11, 2, 2}); r.Verdicts != want || r.Verdicts.Total() != len(r.Checks) {
		t.Errorf("verdicts %+v of %d, want %+v", r.Verdicts, len(r.Checks), want)
	}
}

// What Load recomputes is what was recorded, to the last bit.
func TestJSONIsTheRecord(t *testing.T) {
	r, err := Load(folder(t, shop(t)))
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	b, err := json.Marshal(r.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(b, &got), json.Unmarshal(shop(t), &want)); err != nil {
		t.Fatal(err)
	}
	if got["schema"] != Schema {
		t.Errorf("schema %v, want %s", got["schema"], Schema)
	}
	got["schema"] = want["schema"]
	if !reflect.DeepEqual(got, want) {
		t.Error("the recomputed document differs from the recorded one")
	}
}

func TestLoadErrors(t *testing.T) {
	whole := shop(t)
	for _, tt := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "cut short after 0 bytes"},
		{"truncated", whole[:len(whole)/2], "cut short after"},
		{"more behind it", append(bytes.Clone(whole), "{}"...), "after top-level value"},
		{"not JSON", []byte("hello"), "invalid character"},
		{"no object", []byte("[1]"), "cannot unmarshal"},
		{"no schema", []byte("{}"), `schema "": want replay.run/1`},
		{"another schema", []byte(`{"schema":"replay.compare/1"}`), `schema "replay.compare/1": want replay.run/1`},
		{"newer schema of another shape", []byte(`{"schema":"replay.run/2","seed":"x"}`), "written by a newer replay; this one reads replay.run/1"},
		{"wrong type", []byte(`{"schema":"replay.run/1","sent":"x"}`), "sent"},
		{"bad number", []byte(`{"schema":"replay.run/1","series":{"p99_ms":["infinite"]}}`), "series"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(folder(t, tt.content))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "run.json") {
				t.Errorf("Load = %v, want %q of run.json", err, tt.want)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := Load(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v, want fs.ErrNotExist", err)
	}
}

func TestLoadNotAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "run.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("Load = %v, want not a regular file", err)
	}
}

// The file has a hole for its content, so that the ceiling costs nothing to try.
func TestLoadOversized(t *testing.T) {
	dir := folder(t, nil)
	if err := os.Truncate(filepath.Join(dir, "run.json"), maxRun+1); err != nil {
		t.Skipf("no file with a hole here: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "limit 268435456") {
		t.Errorf("Load = %v, want the limit", err)
	}
}

func TestLoadTamperedRun(t *testing.T) {
	_, err := Load(folder(t, changed(t, func(d *replay.Document) { d.Verdict = replay.Pass })))
	if e, ok := errors.AsType[*VerdictError](err); !ok || *e != (VerdictError{replay.Pass, replay.Fail}) {
		t.Errorf("Load = %v, want a verdict error", err)
	}
}

func TestLoadTampered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*replay.Document)
		want   MismatchError
	}{
		{"a failure called a pass", func(d *replay.Document) { endpoint(d, "POST /api/orders").Thresholds[0].Verdict = threshold.Pass },
			MismatchError{"POST /api/orders", "p99 < 300ms", threshold.Pass, threshold.Fail, false}},
		{"counts removed", func(d *replay.Document) {
			for i := range endpoint(d, "POST /api/orders").Thresholds[1].Blocks {
				endpoint(d, "POST /api/orders").Thresholds[1].Blocks[i].X = 0
			}
		}, MismatchError{"POST /api/orders", "error_rate < 1%", threshold.Fail, threshold.Pass, false}},
		{"limit moved", func(d *replay.Document) { d.Thresholds[0].Expr = "error_rate < 0.01%" },
			MismatchError{"", "error_rate < 0.01%", threshold.Pass, threshold.Fail, false}},
		{"less our own lag", func(d *replay.Document) { endpoint(d, "GET /").Thresholds[0].WithLag = threshold.Fail },
			MismatchError{"GET /", "p99 < 250ms", threshold.Fail, threshold.Pass, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(folder(t, changed(t, tt.change)))
			got, ok := errors.AsType[*MismatchError](err)
			if !ok || *got != tt.want {
				t.Fatalf("Load = %v, want %v", err, &tt.want)
			}
			if s := err.Error(); !strings.Contains(s, "run.json: threshold ") || !strings.Contains(s, tt.want.Threshold) {
				t.Errorf("message %q", s)
			}
		})
	}
}

func TestLoadImpossible(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*replay.Document)
		want   string
	}{
		{"negative count", func(d *replay.Document) { d.Thresholds[0].Blocks[3].N = -1 }, "block 4"},
		{"more beyond than judged", func(d *replay.Document) { d.Thresholds[0].Blocks[0].X = 1 << 40 }, "cannot be"},
		{"overflow", func(d *replay.Document) {
			for i := range d.Thresholds[0].Blocks {
				d.Thresholds[0].Blocks[i].N = 1 << 52
			}
		}, "more than 9007199254740992 samples"},
		{"no threshold", func(d *replay.Document) { d.Thresholds[0].Expr = "p98 < 1s" }, "unknown metric"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Load(folder(t, changed(t, tt.change))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, want %q", err, tt.want)
			}
		})
	}
}

func changed(t testing.TB, change func(*replay.Document)) []byte {
	t.Helper()
	var d replay.Document
	if err := json.Unmarshal(shop(t), &d); err != nil {
		t.Fatal(err)
	}
	change(&d)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func endpoint(d *replay.Document, id string) *replay.EndpointResult {
	for i := range d.Endpoints {
		if d.Endpoints[i].ID == id {
			return &d.Endpoints[i]
		}
	}
	return nil
}

func TestNewLeavesTheDocumentAlone(t *testing.T) {
	var d, before replay.Document
	if err := errors.Join(json.Unmarshal(shop(t), &d), json.Unmarshal(shop(t), &before)); err != nil {
		t.Fatal(err)
	}
	r, err := New(&d)
	if err != nil {
		t.Fatal(err)
	}
	r.Document.Endpoints[0].ID, r.Document.Thresholds[0].Expr = "x", "x"
	if d.Endpoints[0].ID != before.Endpoints[0].ID || d.Thresholds[0].Expr != before.Thresholds[0].Expr {
		t.Error("New shares its tables with the document")
	}
}

func TestOrderOfTrouble(t *testing.T) {
	r, err := New(&replay.Document{Endpoints: []replay.EndpointResult{
		{ID: "quiet", Sent: 100, OK: 100, Judged: 100},
		{ID: "near", Sent: 100, OK: 100, Thresholds: []threshold.Result{judged(t, "max < 1s", 1000, 0), judged(t, "p50 < 1s", 1000, 400)}},
		{ID: "errors", Sent: 100, Failed: 9, OK: 91},
		{ID: "busy", Sent: 900, OK: 900, Judged: 900},
		{ID: "broken", Sent: 100, OK: 100, Thresholds: []threshold.Result{judged(t, "p99 < 1s", 1000, 20)}},
		{ID: "idle"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.Endpoints {
		got = append(got, e.ID)
	}
	if want := []string{"broken", "errors", "near", "busy", "quiet", "idle"}; !reflect.DeepEqual(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if c := r.Checks[0]; c.Endpoint != "broken" || c.Strain() != 2 || c.Beyond() != 20 {
		t.Errorf("first check %q, strain %v, %d beyond; want broken, 2, 20", c.Endpoint, c.Strain(), c.Beyond())
	}
}

func judged(t testing.TB, expr string, n, x int64) threshold.Result {
	t.Helper()
	th, err := threshold.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return th.Evaluate([]threshold.Block{{N: n, X: x, XNoLag: x}}, 1)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schema":"replay.run/1"}`))
	f.Add([]byte(`{"schema":"replay.run/1","endpoints":[{"id":"GET /","thresholds":[{"expr":"p99 < 1s","verdict":"undecided","with_lag":"undecided","blocks":[{"n":3,"x":1,"x_no_lag":0}]}]}]}`))
	f.Add([]byte(`{"schema":"replay.run/1","thresholds":[{"expr":"rate > 99%","verdict":"pass","with_lag":"pass","blocks":[{"n":9000}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decode(b)
		if err != nil {
			return
		}
		r, err := New(d)
		if err != nil {
			return
		}
		if _, err := json.Marshal(r.JSON()); err != nil {
			t.Fatalf("document of %q: %v", b, err)
		}
	})
}

func TestLoadCountsThatDoNotAddUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*replay.Document)
		want   string
	}{
		{"failures hidden in the whole run", func(d *replay.Document) { d.Failed-- }, "counts of the whole run do not add up"},
		{"an endpoint's failures called ok", func(d *replay.Document) { endpoint(d, "GET /").OK++ }, "counts of GET / do not add up"},
		{"an endpoint's shots left out", func(d *replay.Document) {
			e := endpoint(d, "GET /")
			e.Planned, e.Sent, e.OK = e.Planned-1, e.Sent-1, e.OK-1
		},
			"not the sum of its endpoints'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Load(folder(t, changed(t, tt.change))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, want %q", err, tt.want)
			}
		})
	}
}
