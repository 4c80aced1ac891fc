//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package capture

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Of two Writers of one file the second is refused at once, and the first is unharmed, live or not.
func TestOneWriterAFile(t *testing.T) {
	for _, live := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "prod.cap.zst")
		first, err := Create(path, WriterOptions{Live: live})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if w, err := Create(path, WriterOptions{}); !errors.Is(err, ErrInUse) {
				t.Fatalf("live %v: second Create = %v, %v, want ErrInUse", live, w, err)
			}
		}
		if err := first.Write(like(1)); err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatalf("live %v: Close of the first = %v", live, err)
		}
		if m := metaOf(t, path); m.Requests != 1 {
			t.Errorf("live %v: %d requests, want 1", live, m.Requests)
		}
		next, err := Create(path, WriterOptions{})
		if err != nil {
			t.Fatalf("live %v: Create after the first was closed = %v", live, err)
		}
		if err := next.Abort(); err != nil {
			t.Error(err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 1 {
			t.Errorf("live %v: left behind: %v", live, names)
		}
	}
}

// What was left by a program that was killed while it sorted is in nobody's way, and goes.
func TestKilledSorting(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "prod.cap.zst")
	for _, left := range [][]string{{".sorted.part"}, {".sorted.part", ".part"}} {
		for _, end := range left {
			if err := os.WriteFile(path+end, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w, err := Create(path, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 0 {
			t.Errorf("of %v %v is left", left, names)
		}
	}
}

// However many want one file at once, those that get it write it whole, and nothing is left of the others.
func TestManyWritersOfOneFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "prod.cap.zst")
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for n := range 8 {
		wg.Go(func() {
			for range 20 {
				w, err := Create(path, WriterOptions{})
				if errors.Is(err, ErrInUse) {
					continue
				}
				if err == nil {
					err = errors.Join(w.Write(like(n)), w.Close())
				}
				mu.Lock()
				got++
				mu.Unlock()
				if err != nil {
					t.Errorf("a Writer that got the file: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if m := metaOf(t, path); got == 0 || m.Requests != 1 {
		t.Errorf("%d got the file, which holds %d requests, want 1", got, m.Requests)
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func metaOf(t *testing.T, path string) Meta {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := readAll(r); err != nil {
		t.Fatal(err)
	}
	m, _ := r.Meta()
	return m
}
