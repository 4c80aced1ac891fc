package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// written is a capture file of n requests, frames of them in blocks of their own.
func written(t testing.TB, n, perFrame int, change func(i int, q *Request)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		q := like(i)
		q.clean = true
		if change != nil {
			change(i, q)
		}
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
		if i%perFrame == perFrame-1 {
			w.send(true, false, nil)
		}
	}
	w.SetSources([]Ledger{{Name: "access.log", Format: "combined", Lines: int64(n), Requests: int64(n)}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readAll reads r to its end and gives what it held, as lines.
func readAll(r Stream) (lines []string, err error) {
	var q Request
	for {
		if err := r.Next(&q); err == io.EOF {
			return lines, nil
		} else if err != nil {
			return lines, err
		}
		lines = append(lines, string(q.AppendJSON(nil)))
	}
}

func wantLines(n int, change func(i int, q *Request)) (lines []string) {
	for i := range n {
		q := like(i)
		if change != nil {
			change(i, q)
		}
		lines = append(lines, string(q.AppendJSON(nil)))
	}
	return lines
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.cap.zst")
	w, err := Create(path, WriterOptions{Tool: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	for i := range n {
		q := like(i)
		switch i % 3 {
		case 1:
			q.Host = fmt.Appendf(nil, "H%d.example", i%7)
		case 2:
			q.Host = nil
		}
		q.clean = true
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
	}
	ledger := Ledger{Name: "access.log", Lines: n + 1, Requests: n, Skipped: map[string]int64{"blank": 1}}
	w.SetSources([]Ledger{ledger})
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there before Close (%v)", path, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Errorf("Abort after Close = %v, want nil", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, ok := r.Meta()
	if want := w.Meta(); !ok || !reflect.DeepEqual(m, want) {
		t.Errorf("Meta() = %+v, %v, want %+v", m, ok, want)
	}
	if want := []string{"h0.example", "h1.example", "h2.example", "h3.example", "h4.example", "h5.example", "h6.example", "shop.example"}; !slices.Equal(m.Hosts, want) {
		t.Errorf("hosts %q, want %q", m.Hosts, want)
	}
	if m.Requests != n || m.Hostless != n/3 || m.First != like(0).At || m.Last != like(n-1).At || m.Disorder != 0 {
		t.Errorf("metadata %+v", m)
	}
	for pass := range 2 {
		lines, err := readAll(r)
		if err != nil || len(lines) != n {
			t.Fatalf("pass %d: %d requests (%v), want %d", pass, len(lines), err, n)
		}
		if err := r.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommandsReadTheFile(t *testing.T) {
	for _, tool := range []string{"zstdcat", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	const n = 9000
	path := filepath.Join(t.TempDir(), "a.cap.zst")
	if err := os.WriteFile(path, written(t, n, 4000, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `zstdcat "$0" | jq -c '[.at,.target,.status]'`, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	q := like(0)
	want := fmt.Sprintf(`["%s","%s",200]`, appendStamp(nil, q.At), q.Target)
	if len(lines) != n || lines[0] != want {
		t.Errorf("zstdcat | jq: %d lines, first %s; want %d, first %s", len(lines), lines[0], n, want)
	}
	if out, err := exec.Command("zstd", "-t", path).CombinedOutput(); err != nil {
		t.Errorf("zstd -t: %v: %s", err, out)
	}
}

// TestTruncation cuts a file at every byte: what comes out is what went in, up to the cut, then the error.
// TestTornBlocks: of a frame of several blocks that the file ends in, the whole blocks are read.
// TestFlippedBits: a flipped bit never changes what is read without an error.
func TestReaderSorts(t *testing.T) {
	const n = 500
	change := func(i int, q *Request) { q.At -= int64(i*7919%100) * int64(time.Second) }
	file := written(t, n, 100, change)
	want := wantLines(n, change)
	slices.SortStableFunc(want, func(a, b string) int {
		var x, y Request
		_, _ = ParseJSON([]byte(a), &x), ParseJSON([]byte(b), &y)
		return int(x.At/1000 - y.At/1000)
	})
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, ok := r.Meta(); !ok || m.Disorder <= 0 {
		t.Errorf("Meta().Disorder = %d, %v, want more than 0", m.Disorder, ok)
	}
	got, err := readAll(r)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d requests (%v), want %d in order of arrival", len(got), err, len(want))
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.cap.zst")
	if err := os.WriteFile(path+".part", []byte("left by a killed program"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".part"); err != nil { // by hand: the lock goes with the file
		t.Fatal(err)
	}
	second, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err == nil || !strings.Contains(err.Error(), "removed or replaced") {
		t.Errorf("Close of a file that was removed = %v, want an error", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the replaced file was published (%v)", err)
	}
	if err := second.Abort(); err != nil {
		t.Errorf("Abort = %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v (%v), want nothing", names, err)
	}
	if err := second.Write(full()); err == nil {
		t.Error("Write after Abort = nil, want an error")
	}
	if _, err := Create(filepath.Join(dir, "none", "a"), WriterOptions{}); err == nil {
		t.Error("Create in a folder that does not exist = nil, want an error")
	}
}

// failing accepts n bytes.
func TestWriterRefusesWhatIsAboveALimit(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	long := like(1)
	long.Target = make([]byte, MaxTarget+1)
	many := like(1)
	many.Messages = []Message{{0, 'c', "text", make([]byte, MaxRecord)}}
	for _, q := range []*Request{long, many} {
		if bad, ok := errors.AsType[*SyntaxError](w.Write(q)); !ok || bad.Reason != ReasonTooLong {
			t.Errorf("Write of a request above a limit: %v, want %s", bad, ReasonTooLong)
		}
	}
	if err := w.Write(like(2)); err != nil {
		t.Errorf("Write after a refused request = %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := readAll(r); err != nil || len(lines) != 1 {
		t.Errorf("%d requests (%v), want 1", len(lines), err)
	}
}

func TestManyHosts(t *testing.T) {
	file := written(t, MaxHosts+5, 1<<20, func(i int, q *Request) { q.Host = fmt.Appendf(nil, "h%d.example", i) })
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Meta(); ok {
		t.Error("a stream has metadata before its end")
	}
	if _, err := readAll(r); err != nil {
		t.Fatal(err)
	}
	if m, ok := r.Meta(); !ok || len(m.Hosts) != MaxHosts || !m.HostsOverflow {
		t.Errorf("%d hosts, overflow %v, want %d and true", len(m.Hosts), m.HostsOverflow, MaxHosts)
	}
}

func TestWriteAllocations(t *testing.T) {
	w, err := NewWriter(io.Discard, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	q := like(1)
	q.clean = true
	if n := testing.AllocsPerRun(10_000, func() {
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Write allocates %v times, want 0", n)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMetaIsStable: the JSON keys of the metadata are a format.
func TestMetaIsStable(t *testing.T) {
	b, err := json.Marshal(Meta{Schema: schema, Hosts: []string{}, Sources: []Ledger{}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"replay.capture/1","tool":"","requests":0,"first_ns":0,"last_ns":0,"disorder_ns":0,"hosts":[],"hostless":0,"redaction":"","sources":[]}`
	if string(b) != want {
		t.Errorf("metadata prints as %s, want %s", b, want)
	}
}

// FuzzReader: any bytes give requests and then io.EOF or an error, and a file and a stream agree.
func BenchmarkWriter(b *testing.B) {
	qs := make([]*Request, 20_000)
	size := 0
	for i := range qs {
		qs[i] = like(i)
		qs[i].clean = true
		size += len(qs[i].AppendJSON(nil)) + 1
	}
	w, err := NewWriter(io.Discard, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size / len(qs)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := w.Write(qs[i]); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(qs) {
			i = 0
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkReader(b *testing.B) {
	const n = 20_000
	file := written(b, n, 1<<20, nil)
	path := filepath.Join(b.TempDir(), "a")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		b.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.ReportMetric(float64(len(file))/n, "B/request")
	b.ReportAllocs()
	var q Request
	for b.Loop() {
		err := r.Next(&q)
		if err == io.EOF {
			err = r.Rewind()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestKilledWriter kills a process that writes a capture file: no file appears under the name, and what
// there is under the other one reads up to its torn end. The test runs itself as that process.
func TestKilledWriter(t *testing.T) {
	const variable = "REPLAY_TEST_WRITER"
	if path := os.Getenv(variable); path != "" {
		w, err := Create(path, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100_000_000 {
			q := like(i)
			q.clean = true
			if err := w.Write(q); err != nil {
				t.Fatal(err)
			}
		}
		t.Fatal("nobody killed the writer")
	}
	for try := range 3 {
		path := filepath.Join(t.TempDir(), "a.cap.zst")
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), variable+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForSize(t, path+".part", int64(1+try*100_000))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is there after a kill (%v)", err)
		}
		r, err := Open(path + ".part")
		if err != nil {
			t.Fatal(err)
		}
		var q Request
		var n int64
		for err = r.Next(&q); err == nil; err = r.Next(&q) {
			if want := like(int(n)); q.At != want.At || !bytes.Equal(q.Target, want.Target) {
				t.Fatalf("request %d is %s, want %s", n, q.Target, want.Target)
			}
			n++
		}
		if !errors.Is(err, ErrTorn) || try > 0 && n == 0 {
			t.Errorf("%d requests, then %v, want some and ErrTorn", n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		again, err := Create(path, WriterOptions{})
		if err != nil {
			t.Fatalf("Create after a kill = %v", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// waitForSize waits until a file has more than n bytes.
func waitForSize(t *testing.T, path string, n int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if info, err := os.Stat(path); err == nil && info.Size() > n {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%s did not grow beyond %d bytes", path, n)
}
