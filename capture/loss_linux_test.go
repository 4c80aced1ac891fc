package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk is a folder on a file system of so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("skipped: a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillLive writes into a live file, with a flush after every few requests, until that fails. The ledger counts a line
// that was skipped for every request.
func fillLive(t *testing.T, w *Writer, ledger *Ledger) (last error) {
	t.Helper()
	for i := 0; i < 3_000_000; i++ {
		ledger.Lines++
		ledger.Skip(ReasonTooLong, "stdin:1", "")
		ledger.Lines++
		q := like(i)
		q.clean = true
		q.Target = fmt.Appendf(nil, "/items/%d/%x", i, uint64(i)*0x9e3779b97f4a7c15) // so that it does not pack well
		if err := w.Write(q); err != nil {
			return w.Close()
		}
		ledger.Requests++
		if i%1000 == 999 {
			if err := w.Flush(time.Unix(int64(i/1000), 0)); err != nil {
				return w.Close()
			}
		}
	}
	t.Fatal("the disk was never full")
	return nil
}

// A live file on a disk that gets full is finished in the room that was kept for that: whole, with an account of what
// is in it. One on a disk without so much room is cut off behind its last sync.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int
		whole bool
	}{{"room for the end", 4 << 20, true}, {"no room", 1 << 20, false}} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallDisk(t, c.size)
			path := filepath.Join(dir, "prod.cap.zst")
			var ledger Ledger
			w, err := Create(path, WriterOptions{Live: true, Ledgers: func() []Ledger {
				l := ledger
				l.Skipped = map[string]int64{ReasonTooLong: ledger.Skipped[ReasonTooLong]}
				return []Ledger{l}
			}})
			if err != nil {
				t.Fatal(err)
			}
			err = fillLive(t, w, &ledger)
			loss, ok := errors.AsType[*LossError](err)
			if !ok || !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "\n") || loss.Kept == 0 || loss.Lost == 0 || loss.Bytes < 100*loss.Lost {
				t.Fatalf("Close = %v, want what is kept and lost", err)
			}
			r, err := Open(path + ".part")
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			lines, err := readAll(r)
			if int64(len(lines)) != loss.Kept || c.whole != (err == nil) || !c.whole && !errors.Is(err, ErrTorn) {
				t.Errorf("%d requests, then %v, want %d, whole %v", len(lines), err, loss.Kept, c.whole)
			}
			if !c.whole {
				return
			}
			m, ok := r.Meta()
			if !ok || len(m.Sources) != 1 || m.Sources[0].Requests != loss.Kept || m.Sources[0].Balance() != nil {
				t.Errorf("metadata %+v, want a ledger that balances", m)
			}
			if err := r.CheckTable(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file stands under its final name (%v)", err)
			}
		})
	}
}

// What a finished file did not need of the room is given back.
func TestRoomIsGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prod.cap.zst")
	w, err := Create(path, WriterOptions{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := errors.Join(w.Write(like(i)), w.Flush(time.Unix(int64(i), 0))); err != nil {
			t.Fatal(err)
		}
	}
	w.settled()
	taken := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Blocks * 512
	}
	if n := taken(path + ".part"); n < keepsRoom {
		t.Skipf("skipped: this file system keeps no room: the file takes %d bytes", n)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := taken(path); n >= 64<<10 {
		t.Errorf("the finished file takes %d bytes of the disk", n)
	}
}

// An import that does not fit leaves nothing, and says how much was written.
func TestImportOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	w, err := Create(filepath.Join(dir, "prod.cap.zst"), WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil && i < 3_000_000; i++ {
		q := like(i)
		q.clean = true
		q.Target = fmt.Appendf(nil, "/items/%d/%x", i, uint64(i)*0x9e3779b97f4a7c15)
		err = w.Write(q)
	}
	if err == nil || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "nothing is kept of the ") || strings.Contains(err.Error(), ".part") {
		t.Errorf("Write = %v, want what was lost", err)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}
