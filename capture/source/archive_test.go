package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
)

func archived(t *testing.T, path string, names []string, o Options) {
	t.Helper()
	s, err := Open(t.Context(), names, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, err := capture.Create(path, capture.WriterOptions{Redactor: o.Redactor, Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var q capture.Request
	for {
		if err := s.Next(&q); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&q); err != nil {
			t.Fatal(err)
		}
	}
	w.SetSources(s.Ledgers())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCaptureFile(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a/access.log", []byte(ndjson(0, 1000)+"bad\n"))
	b := write(t, dir, "b/access.log", []byte(ndjson(500, 700)))
	first, second := filepath.Join(dir, "1.cap.zst"), filepath.Join(dir, "2.cap.zst")
	archived(t, first, []string{a, b}, options(t, false))
	archived(t, second, []string{b, a}, options(t, false))
	x, _ := os.ReadFile(first)
	y, _ := os.ReadFile(second)
	if !bytes.Equal(x, y) {
		t.Error("the same sources and key gave two different capture files")
	}
	got, s, err := read(t, []string{first}, options(t, false))
	if err != nil || len(got) != 1200 || s.alone == nil {
		t.Fatalf("%d requests (%v), want 1200 straight from the file", len(got), err)
	}
	if ls := s.Ledgers(); len(ls) != 2 || ls[0].Lines != 1001 || ls[0].Skipped["bad-json"] != 1 || ls[0].Name != a {
		t.Errorf("ledgers %+v, want those of the logs", ls)
	}

	o := options(t, false)
	if o.Filter, err = capture.ParseFilter(capture.FilterFlags{Host: "h0.example", Status: "2xx"}); err != nil {
		t.Fatal(err)
	}
	filtered, s, err := read(t, []string{first}, o)
	if err != nil || len(filtered) != 167+33 {
		t.Errorf("filtered: %d requests (%v), want 200", len(filtered), err)
	}
	var sum int64
	for _, l := range s.Ledgers() {
		sum += l.Filtered
	}
	if sum != 1000 {
		t.Errorf("%d requests filtered out, want 1000", sum)
	}

	// twice over, with a log beside it, and from a stream
	third := write(t, dir, "c.log", []byte(ndjson(2000, 2010)))
	both, s, err := read(t, []string{first, third}, options(t, false))
	if err != nil || len(both) != 1210 || len(s.Ledgers()) != 3 || both[0] != got[0] {
		t.Errorf("with a log: %d requests (%v), %d ledgers, want 1210 and 3", len(both), err, len(s.Ledgers()))
	}
	o = options(t, false)
	o.Stdin = bytes.NewReader(x)
	piped, s, err := read(t, []string{"-"}, o)
	if err != nil || !slices.Equal(piped, got) || len(s.Ledgers()) != 2 {
		t.Errorf("from a stream: %d requests (%v), want the same", len(piped), err)
	}
	o = options(t, true)
	o.Stdin = bytes.NewReader(x[:len(x)/2])
	if _, _, err := read(t, []string{"-"}, o); !errors.Is(err, capture.ErrTorn) {
		t.Errorf("half a capture file: error %v, want ErrTorn", err)
	}
}

func TestSecretsOfACaptureFile(t *testing.T) {
	dir := t.TempDir()
	log := write(t, dir, "a.log", []byte(strings.ReplaceAll(ndjson(0, 10), "page=2", "password=hunter2hunter2")))
	first := filepath.Join(dir, "1.cap.zst")
	archived(t, first, []string{log}, options(t, true))
	got, _, err := read(t, []string{first}, options(t, true))
	if err != nil || !strings.Contains(got[0].target, "hunter2") {
		t.Fatalf("kept secrets are not there: %v (%v)", got, err)
	}
	got, _, err = read(t, []string{first}, options(t, false))
	if err != nil || len(got) != 10 || strings.Contains(got[0].target, "hunter2") {
		t.Errorf("%v (%v), want no secret in it", got, err)
	}
	stop, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, false)
	o.Stdin = bytes.NewReader(stop)
	got, _, err = read(t, []string{"-"}, o)
	if err != nil || len(got) != 10 || strings.Contains(got[0].target, "hunter2") {
		t.Errorf("from a stream: %v (%v), want no secret in it", got, err)
	}
}

func TestSpillFilesHoldNoSecret(t *testing.T) {
	log := write(t, t.TempDir(), "a.log", []byte(strings.ReplaceAll(ndjson(0, 3000), "page=2", "password=hunter2hunter2")))
	o := options(t, false)
	s, err := Open(t.Context(), []string{log}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.sorter = capture.NewSorter(capture.SorterOptions{Budget: 64 << 10, TempDir: o.TempDir})
	var q capture.Request
	if err := s.Next(&q); err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Skip("no /proc: a temporary file without a name cannot be looked at")
	}
	found := false
	for _, link := range links {
		if name, err := os.Readlink(link); err != nil || !strings.Contains(name, o.TempDir) {
			continue
		}
		found = true
		b, err := os.ReadFile(link)
		if err != nil {
			t.Fatal(err)
		}
		z, err := capture.NewZstdReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(plain, []byte("password=")) || bytes.Contains(plain, []byte("hunter2")) || bytes.Contains(plain, []byte("10.0.0.")) {
			t.Errorf("%s holds a secret, or cannot be read (%v)", link, err)
		}
	}
	if !found {
		t.Error("no temporary file, want one")
	}
}

func TestHostOfSourcesThatNameNone(t *testing.T) {
	dir := t.TempDir()
	log := write(t, dir, "a", []byte(strings.ReplaceAll(ndjson(0, 10), `"host":"h1.example",`, "")))
	file := filepath.Join(dir, "a.cap.zst")
	archived(t, file, []string{log}, options(t, true))
	for _, names := range [][]string{{log}, {file}, {log, file}} {
		o := options(t, true)
		o.Accesslog.Host = "shop.example"
		var err error
		if o.Filter, err = capture.ParseFilter(capture.FilterFlags{Host: "shop.example"}); err != nil {
			t.Fatal(err)
		}
		if got, _, err := read(t, names, o); err != nil || len(got) != 5*len(names) {
			t.Errorf("%d of %s: %d requests (%v), want %d", len(names), names, len(got), err, 5*len(names))
		}
	}
}
