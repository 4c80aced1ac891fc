package shape

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const small = `schema: replay.workload/1
name: shop
seed: 7
provenance:
  window: {from: 2026-11-23T14:00:00Z, to: 2026-11-23T14:10:00Z}
  requests: 1000
  resolution: 1ms
  sources: []
arrivals:
  rate: 1.66/s
  peak: 2/s
  starts: 0.5/s
  curve:
    - {at: 0s, rate: 0.5/s}
    - {at: 10m, rate: 0.5/s}
  family: mmpp2
  terms:
    - {a: 3.5, s: 2/s}
  idc: []
  scale_law: []
sessions:
  count: 300
  timeout: 30m
  mean_length: 3.3
  semantics: timed
  pool: {file: shop.pool.zst, sessions: 0, requests: 0, sha256: ""}
connections:
  idle_timeout: 1m
safety:
  captured_hosts: [shop.example]
  hosts_unknown: false
  allow_writes: []
thresholds:
  - error_rate < 1%
endpoints:
  - id: GET /api/items/{id}
    share: 60%
    requests: 600
    observed: {n: 600, p50: 5ms, p90: 9ms, p99: 20ms}
    status: {200: 99%, 404: 1%}
    response: {n: 600, p50: 100B, p90: 200B, p99: 300B}
    expect: [200, 404]
    thresholds:
      - p99 < 250ms  # agreed with the team
  - id: "POST /a b\t\u202e"
    share: 0.4
    requests: 400
`

func TestDecode(t *testing.T) {
	w, err := decode("x.yaml", []byte(small), false)
	if err != nil {
		t.Fatal(err)
	}
	e := w.Endpoints[0]
	if w.Seed != 7 || e.Share != 0.6 || !slices.Equal(e.Expect, []int{200, 404}) || !slices.Equal(e.Thresholds, []string{"p99 < 250ms"}) || e.Route != "/api/items/{id}" {
		t.Errorf("read %+v", e)
	}
	if n := w.notes[noteKey(e.ID, "p99 < 250ms")]; n != "agreed with the team" {
		t.Errorf("comment %q", n)
	}
	if id := w.Endpoints[1].ID; id != "POST /a b\t\u202e" {
		t.Errorf("id %q", id)
	}
	again, err := decode("x.yaml", w.encode(nil), false)
	if err != nil {
		t.Fatalf("%v\n%s", err, w.encode(nil))
	}
	if !reflect.DeepEqual(w, again) {
		t.Errorf("written and read again:\n%+v\nwant\n%+v", again, w)
	}
}

// Each edit of the sound file above must be refused at its place.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "seed: 7", "seed: 7\nsed: 8", `x.yaml:4:1: unknown key "sed"`},
		{"unknown key below", "    requests: 600", "    request: 600", `x.yaml:38:5: unknown key "request"`},
		{"duplicate key", "seed: 7", "seed: 7\nseed: 8", `x.yaml:4:1: `},
		{"duplicate endpoint", `"POST /a b\t\u202e"`, "GET /api/items/{id}", "is there twice"},
		{"anchor", "name: shop", "name: &a shop", `x.yaml:2:7: "&"`},
		{"alias", "name: shop", "name: *a", `x.yaml:2:7: "*"`},
		{"tag", "name: shop", "name: !!str shop", `x.yaml:2:7: "!!str"`},
		{"merge", "name: shop", "<<: {a: b}", "x.yaml:2:1: "},
		{"two documents", "connections:", "---\nconnections:", "want one YAML document"},
		{"schema of the future", "workload/1", "workload/2", `x.yaml:1:9: schema "replay.workload/2": this build reads replay.workload/1`},
		{"no schema", "schema: replay.workload/1\n", "", "no schema"},
		{"duration without unit", "timeout: 30m", "timeout: 30", `x.yaml:23:12: "30" is not a length of time`},
		{"rate without unit", "peak: 2/s", "peak: 2", `x.yaml:11:9: "2" is not a number with the unit /s`},
		{"not a number", "a: 3.5", "a: NaN", `is not a number`},
		{"huge number", "requests: 1000", "requests: 1e400", "is not a whole number"},
		{"number past int64", "requests: 1000", "requests: 99999999999999999999", "is not a whole number"},
		{"share over one", "share: 60%", "share: 160%", "x.yaml:36:7: endpoints[0].share"},
		{"negative rate", "at: 0s, rate: 0.5/s", "at: 0s, rate: -1/s", "x.yaml:14:"},
		{"knots out of order", "at: 0s, rate: 0.5/s", "at: 11m, rate: 1/s", "arrivals.curve[0]: at 11m0s"},
		{"curve shorter than the window", "at: 10m", "at: 9m", "but the window is 10m0s long"},
		{"term too fast", "s: 2/s", "s: 1e9/s", "x.yaml:18:"},
		{"seed zero", "seed: 7", "seed: 0", "x.yaml:3:7: seed: must not be 0"},
		{"seed negative", "seed: 7", "seed: -7", "x.yaml:3:7: "},
		{"list for a mapping", "connections:\n  idle_timeout: 1m", "connections: [1m]", "want a mapping"},
		{"mapping for a list", "  idc: []", "  idc: {}", "want a list"},
		{"pool elsewhere", "file: shop.pool.zst", "file: ../shop.pool.zst", "want the name of a file beside this one"},
		{"not a status", "expect: [200, 404]", "expect: [20]", "20 is not a status"},
		{"not a boolean", "hosts_unknown: false", "hosts_unknown: maybe", "neither true nor false"},
		{"not an instant", "from: 2026-11-23T14:00:00Z", "from: yesterday", "is not an instant"},
		{"window backwards", "from: 2026-11-23T14:00:00Z", "from: 2026-11-24T14:00:00Z", "provenance.window"},
		{"tab indent", "  idle_timeout", "\tidle_timeout", "x.yaml:"},
		{"invalid UTF-8", "name: shop", "name: \xff", "not valid UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(small, c.from, c.to, 1)
			if text == small {
				t.Fatalf("%q is not in the file", c.from)
			}
			_, err := decode("x.yaml", []byte(text), false)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
		})
	}
}

func TestDecodeBoundsHostileFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "want one YAML document"},
		{"too long", strings.Repeat("#", maxFile+1), "limit 4194304"},
		{"deep flow", "a: " + strings.Repeat("[", 1000), "nested deeper than 64"},
		{"deep flow mappings", strings.Repeat("{a:\n", 1000), "nested deeper than 64"},
		{"long line", "a: b\n" + strings.Repeat("{}", 1<<20), "x.yaml:2:1: 2097152 bytes in one line, limit 8192"},
		{"many lines", strings.Repeat("\n", 1<<20), "1048576 lines, limit 100000"},
		{"deep block", deepBlock(100), "nested deeper than 64"},
		{"deep dashes", strings.Repeat("- ", 1000), "nested deeper than 64"},
		{"alias bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "anchors"},
		{"scalar", "hello", "want a mapping"},
		{"list", "- a", "want a mapping"},
	} {
		_, err := decode("x.yaml", []byte(c.text), false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %.200v, want %q in it", c.name, err, c.want)
		}
	}
}

func deepBlock(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("schema: replay.workload/1\nthresholds: [a, \"b\"]\nendpoints: [{id: x}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, partial := range []bool{false, true} {
			w, err := decode("x.yaml", data, partial)
			if err != nil {
				var s *syntaxError
				if !errors.As(err, &s) || w != nil {
					t.Fatalf("error %T %v with workload %v", err, err, w)
				}
				continue
			}
			if partial {
				continue
			}
			again, err := decode("x.yaml", w.encode(nil), false)
			if err != nil {
				t.Fatalf("what was written cannot be read: %v\n%s", err, w.encode(nil))
			}
			if string(again.encode(nil)) != string(w.encode(nil)) {
				t.Fatalf("written twice:\n%s\n%s", w.encode(nil), again.encode(nil))
			}
		}
	})
}

// People's words survive a second fit.
func TestRefitKeepsWhatPeopleWrote(t *testing.T) {
	m := synthetic{seed: 8, window: 200 * second, busy: 40, length: 3, think: 1}.make()
	path := filepath.Join(t.TempDir(), "shop.workload.yaml")
	save := func(o FitOptions) string {
		f := fit(t, m, o)
		if err := f.Workload.Save(path, f.Pool); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text := save(FitOptions{Name: "first"})
	for _, edit := range [][2]string{
		{"# Workload for replay", "# Owned by the shop team.\n# Workload for replay"},
		{"name: first", "name: checkout"},
		{"seed: 1\n", "seed: 99\n"},
		{"- error_rate < 1%", "- error_rate < 0.5%  # promised\n  - \"GET /**: p50 < 20ms\""},
		{"allow_writes: []", "allow_writes:\n    - POST /api/cart"},
		{"    - shop.example", "    - shop.example\n    - www.shop.example"},
		{"idle_timeout: 1m", "idle_timeout: 15s"},
		{"  - id: GET /api/items/{id}\n", "  # The page that sells.\n  - id: GET /api/items/{id}\n    expect: [200, 404]\n"},
		{"p99 < 80ms", "p99 < 45ms"},
	} {
		edited := strings.Replace(text, edit[0], edit[1], 1)
		if edited == text {
			t.Fatalf("%q is not in the file:\n%s", edit[0], text)
		}
		text = edited
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := save(FitOptions{Name: "first"})
	for _, want := range []string{
		"# Owned by the shop team.", "name: checkout", "seed: 99", "- error_rate < 0.5%  # promised", `"GET /**: p50 < 20ms"`,
		"- POST /api/cart", "- www.shop.example", "idle_timeout: 15s", "  # The page that sells.\n  - id: GET /api/items/{id}",
		"expect: [200, 404]", "- p99 < 45ms  # proposed",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q did not survive:\n%s", want, got)
		}
	}
	if again := save(FitOptions{Name: "first"}); again != got {
		t.Errorf("a third fit changed the file:\n%s\nwas\n%s", again, got)
	}
	if again := save(FitOptions{Seed: 5}); !strings.Contains(again, "seed: 5\n") {
		t.Error("a seed that the fit was given does not stand")
	}
	if err := os.WriteFile(path, []byte("precious: [notes"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := fit(t, m, FitOptions{})
	if err := f.Workload.Save(path, f.Pool); err == nil {
		t.Error("a file that is no workload was overwritten")
	}
}

func TestExtends(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "svc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := fit(t, synthetic{seed: 9, window: 100 * second, busy: 20, length: 2, think: 1}.make(), FitOptions{Name: "svc"})
	path := filepath.Join(dir, "svc", "svc.workload.yaml")
	if err := f.Workload.Save(path, f.Pool); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	write("svc/svc.workload.yaml", strings.Replace(string(b), "name: svc", "name: svc\nextends: ../team.workload.yaml", 1))
	write("team.workload.yaml", "schema: replay.workload/1\nthresholds: ['p99 < 1s']\nsafety: {captured_hosts: [a.example], allow_writes: [POST /x]}\n")
	w, _, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"p99 < 1s", "error_rate < 1%"}; !slices.Equal(w.Thresholds, want) {
		t.Errorf("thresholds %q, want %q", w.Thresholds, want)
	}
	if !slices.Equal(w.Safety.CapturedHosts, []string{"a.example", "shop.example"}) || !slices.Equal(w.Safety.AllowWrites, []string{"POST /x"}) {
		t.Errorf("safety %+v", w.Safety)
	}
	write("team.workload.yaml", "schema: replay.workload/1\nextends: more.yaml\n")
	if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), "one level") {
		t.Errorf("two levels: error %v", err)
	}
	write("team.workload.yaml", "schema: replay.workload/1\nthreshold: []\n")
	if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), `team.workload.yaml:2:1: unknown key "threshold"`) {
		t.Errorf("fault in the base: error %v", err)
	}
}

func TestLoadChecksThePool(t *testing.T) {
	f := fit(t, synthetic{seed: 9, window: 100 * second, busy: 20, length: 2, think: 1}.make(), FitOptions{Name: "x"})
	path := filepath.Join(t.TempDir(), "x.workload.yaml")
	pool := filepath.Join(filepath.Dir(path), "x.pool.zst")
	if err := f.Workload.Save(path, f.Pool); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(pool)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(pool, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), "do not belong together") {
		t.Errorf("a damaged pool: error %v", err)
	}
	if err := os.Remove(pool); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no pool: error %v", err)
	}
	if err := os.Symlink("/etc/hostname", pool); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(path); err == nil || strings.Contains(err.Error(), "do not belong together") {
		t.Errorf("a link out of the folder: error %v", err)
	}
}

// decodePool must stand any bytes, since a digest says only that nobody changed them since.
func FuzzDecodePool(f *testing.F) {
	w := &Workload{Endpoints: []Endpoint{{ID: "GET /a"}, {ID: "GET /b"}}}
	w.Provenance.To = w.Provenance.From.Add(1e9)
	f.Add([]byte(`{"schema":"replay.pool/1","endpoints":["GET /b"],"sessions":1,"requests":1}` + "\n" +
		`{"start_ns":5,"client":0,"requests":1}` + "\n" + `{"at":"1970-01-01T00:00:00Z","method":"GET","target":"/b","src":"0"}` + "\n"))
	f.Add([]byte(`{"schema":"replay.pool/1","endpoints":[],"sessions":999999999,"requests":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePool(strings.NewReader(string(data)), w)
		if err != nil {
			return
		}
		for i := range p.Sessions {
			for _, r := range p.Sessions[i].Requests {
				if int(r.Endpoint) >= len(w.Endpoints) || r.Request == nil || r.Offset < 0 {
					t.Fatalf("request %+v", r)
				}
			}
		}
	})
}
