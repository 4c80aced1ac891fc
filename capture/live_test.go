package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// liveFile is a live capture of n requests, flushed after every few of them, a minute of the clock after every
// frameOf flushes. flushed is the size and the number of requests after each flush.
func liveFile(t testing.TB, n, few, frameOf int, o WriterOptions) (file []byte, flushed []progress) {
	t.Helper()
	var out bytes.Buffer
	o.Live = true
	var ledger Ledger
	o.Ledgers = func() []Ledger { return []Ledger{ledger} }
	w, err := NewWriter(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_770_000_000, 0)
	for i := range n {
		q := like(i ^ 1) // pairs of neighbours change places
		q.clean = true
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
		ledger.Lines, ledger.Requests = int64(i+1), int64(i+1)
		if i%few != few-1 {
			continue
		}
		if (i/few)%frameOf == frameOf-1 {
			now = now.Add(frameAge)
		}
		if err := w.Flush(now); err != nil {
			t.Fatal(err)
		}
		flushed = append(flushed, w.settled())
	}
	w.SetSources([]Ledger{{Name: "stdin", Format: "combined", Lines: int64(n), Requests: int64(n)}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), flushed
}

// settled waits for the goroutine, which may be asked for its place only then.
func (w *Writer) settled() progress {
	b := <-w.empty
	w.empty <- b
	return w.safe
}

func TestLiveFileCutAtEveryByte(t *testing.T) {
	const n = 40
	file, flushed := liveFile(t, n, 4, 3, WriterOptions{Tool: "test"})
	var want []string
	for i := range n {
		want = append(want, string(like(i^1).AppendJSON(nil)))
	}
	given := 0
	for cut := range len(file) {
		var lines []string
		r, err := NewReader(bytes.NewReader(file[:cut]))
		if err == nil {
			lines, err = readAll(r)
			r.Close()
		}
		if !errors.Is(err, ErrTorn) || len(lines) < given || !slices.Equal(lines, want[:len(lines)]) {
			t.Fatalf("cut at %d of %d: %d requests after %d at the cut before, error %v", cut, len(file), len(lines), given, err)
		}
		given = len(lines)
		promised := 0
		for _, f := range flushed {
			if f.bytes <= int64(cut) {
				promised = int(f.requests)
			}
		}
		if given < promised {
			t.Fatalf("cut at %d: %d requests, %d had been flushed", cut, given, promised)
		}
		if bad, ok := errors.AsType[*FormatError](err); ok && given > 0 {
			whole := slices.ContainsFunc(flushed, func(f progress) bool { return f.bytes == int64(cut) })
			if whole && bad.Cut {
				t.Errorf("cut at %d, behind a flush: the reader says that part of a request is there", cut)
			}
		}
	}
	if given != n || len(flushed) != n/4 {
		t.Errorf("a file that lacks its last byte gives %d requests, want %d (%d flushes)", given, n, len(flushed))
	}
}

// A live file is read while it is being written: each flush can be seen, nothing that is half there can.
func TestReadWhileWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prod.cap.zst")
	w, err := Create(path, WriterOptions{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_770_000_000, 0)
	for i := range 100 {
		q := like(i)
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
		if i%10 != 9 {
			continue
		}
		now = now.Add(7 * time.Second)
		if err := w.Flush(now); err != nil {
			t.Fatal(err)
		}
		w.settled()
		r, err := Open(path + ".part")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := readAll(r)
		r.Close()
		bad, ok := errors.AsType[*FormatError](err)
		if len(lines) != i+1 || !ok || !errors.Is(err, ErrTorn) || bad.Cut || bad.Requests != int64(i+1) {
			t.Fatalf("after %d requests %d are read (%v)", i+1, len(lines), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if lines, err := readAll(r); err != nil || len(lines) != 100 {
		t.Errorf("%d requests in the finished file (%v), want 100", len(lines), err)
	}
	if err := r.CheckTable(); err != nil {
		t.Error(err)
	}
}

// What the header says of a live file holds when it is torn: its requests are redacted once, and it knows its series.
func TestTornLiveFileKnowsItself(t *testing.T) {
	file, _ := liveFile(t, 12, 4, 3, WriterOptions{Series: "abc", Part: 3})
	path := filepath.Join(t.TempDir(), "torn")
	if err := os.WriteFile(path, file[:len(file)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var q Request
	if err := r.Next(&q); err != nil || !q.clean {
		t.Errorf("Next = %v, clean %v, want a request that counts as redacted", err, q.clean)
	}
	if _, err := readAll(r); !errors.Is(err, ErrTorn) {
		t.Errorf("error %v, want ErrTorn", err)
	}
	if m, ok := r.Checkpoint(); !ok || len(m.Sources) != 1 || m.Sources[0].Balance() != nil || m.Requests != m.Sources[0].Requests {
		t.Errorf("checkpoint %+v, %v, want one whose ledger balances", m, ok)
	}
	if id, part := r.Series(); id != "abc" || part != 3 {
		t.Errorf("Series = %q, %d, want abc, 3", id, part)
	}
}

// A flipped bit anywhere in the seek table is seen by CheckTable, and changes no request.
func TestFlippedSeekTable(t *testing.T) {
	const n = 12
	for name, file := range map[string][]byte{"import": written(t, n, 4, nil), "live": first(liveFile(t, n, 2, 3, WriterOptions{}))} {
		table := bytes.LastIndex(file, binary.LittleEndian.AppendUint32(nil, seekFrame))
		for i := table; i < len(file); i++ {
			damaged := bytes.Clone(file)
			damaged[i] ^= 1 << (i % 8)
			r, err := NewReader(bytes.NewReader(damaged))
			if err != nil {
				t.Fatal(err)
			}
			lines, err := readAll(r)
			checked := r.CheckTable()
			r.Close()
			if err == nil && checked == nil || len(lines) != n {
				t.Errorf("%s: bit %d of byte %d of the table: nothing is said, or %d of %d requests", name, i%8, i-table, len(lines), n)
			}
		}
	}
}

func first(file []byte, _ []progress) []byte { return file }

// disk is a file that fails at will.
type disk struct {
	bytes.Buffer
	room   int // bytes until a write fails in its middle
	syncs  int // until one fails
	failed int // calls after a sync failed
}

func (d *disk) Write(b []byte) (int, error) {
	if d.syncs == 0 {
		d.failed++
	}
	n := min(len(b), d.room)
	d.room -= n
	d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func (d *disk) Sync() error {
	if d.syncs == 0 {
		d.failed++
		return errors.New("second sync")
	}
	if d.syncs--; d.syncs == 0 {
		return errors.New("input/output error")
	}
	return nil
}

// After a failed write or sync nothing more is asked of the file, and the caller learns of it with a later call.
func TestLiveWriterStopsAtFailure(t *testing.T) {
	for name, d := range map[string]*disk{"write": {room: 3000, syncs: 1 << 20}, "sync": {room: 1 << 20, syncs: 5}} {
		w, err := NewWriter(d, WriterOptions{Live: true})
		if err != nil {
			t.Fatal(err)
		}
		var failure error
		for i := 0; i < 10_000 && failure == nil; i++ {
			q := like(i)
			if failure = w.Write(q); failure == nil && i%5 == 4 {
				failure = w.Flush(time.Unix(int64(i), 0))
			}
		}
		safe := w.settled()
		if err := w.Close(); failure == nil || err == nil || d.failed > 0 {
			t.Errorf("%s: Write gave %v, Close %v, %d calls after the failed sync", name, failure, err, d.failed)
		}
		r, err := NewReader(bytes.NewReader(d.Bytes()[:safe.bytes]))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := readAll(r)
		r.Close()
		if bad, ok := errors.AsType[*FormatError](err); !ok || bad.Cut || int64(len(lines)) != safe.requests || safe.requests == 0 {
			t.Errorf("%s: up to the last sync %d requests (%v), want %d and no part of one", name, len(lines), err, safe.requests)
		}
	}
}

// What a killed live capture left, and what a stopped one finished, is never overwritten.
func TestNothingLiveIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "prod.cap.zst")
	killed := func(n int) {
		file, _ := liveFile(t, n, 2, 3, WriterOptions{})
		if err := os.WriteFile(path+".part", file[:len(file)*2/3], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 2 {
		killed(12)
		w, err := Create(path, WriterOptions{Live: round == 0})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(like(round)); err != nil {
			t.Fatal(err)
		}
		w.SetStopped()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	killed(0) // without requests it is nothing to keep
	w, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	want := "prod.cap.zst prod.kept-1.cap.zst prod.kept-1.cap.zst.part prod.kept-2.cap.zst.part"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("files are %s, want %s", got, want)
	}
}

// Of a live file that somebody removed nothing is said to be kept.
func TestRemovedLiveFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prod.cap.zst")
	w, err := Create(path, WriterOptions{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(like(1)), w.Flush(time.Unix(1, 0))); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if err := os.Remove(path + ".part"); err != nil {
		t.Skipf("skipped: this system removes no open file: %v", err)
	}
	err = w.Close()
	if loss, ok := errors.AsType[*LossError](err); !ok || loss.Kept != 0 || loss.Lost != 1 || !strings.Contains(err.Error(), "removed or replaced: nothing is kept") {
		t.Errorf("Close = %v, want that nothing is kept", err)
	}
}

// A live file that came to its end is sorted, and holds the same requests.
func TestCloseSorted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prod.cap.zst")
	w, err := Create(path, WriterOptions{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	for i := range n {
		q := like(n - i)
		q.clean = true
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
	}
	w.SetSources([]Ledger{{Name: "stdin", Lines: n, Requests: n}})
	if unsorted, err := w.CloseSorted(t.Context()); err != nil || unsorted != nil {
		t.Fatalf("CloseSorted = %v, %v", unsorted, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var q Request
	var last int64
	for i := 0; ; i++ {
		if err := r.Next(&q); err == io.EOF {
			if m, _ := r.Meta(); i != n || m.Disorder != 0 || len(m.Sources) != 1 {
				t.Errorf("%d requests, metadata %+v", i, m)
			}
			break
		} else if err != nil || q.At < last {
			t.Fatalf("request %d: %v, out of order %v", i, err, q.At < last)
		}
		last = q.At
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("%s are left", left)
	}
}
