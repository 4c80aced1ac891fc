package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestTruncation(t *testing.T) {
	const n = 40
	file := written(t, n, 10, nil)
	want := wantLines(n, nil)
	path := filepath.Join(t.TempDir(), "cut")
	last := 0
	for cut := range len(file) {
		var lines []string
		r, err := NewReader(bytes.NewReader(file[:cut]))
		if err == nil {
			lines, err = readAll(r)
			r.Close()
		}
		if !errors.Is(err, ErrTorn) {
			t.Fatalf("cut at %d of %d: error %v, want ErrTorn", cut, len(file), err)
		}
		if len(lines) < last || len(lines) > n || !slices.Equal(lines, want[:len(lines)]) {
			t.Fatalf("cut at %d: %d requests after %d at the cut before, or other ones", cut, len(lines), last)
		}
		if bad, ok := errors.AsType[*FormatError](err); ok && bad.Requests != int64(len(lines)) {
			t.Fatalf("cut at %d: error counts %d requests, %d were given", cut, bad.Requests, len(lines))
		}
		last = len(lines)
		if cut%17 != 0 {
			continue
		}
		if err := os.WriteFile(path, file[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		var again []string
		if err == nil {
			again, err = readAll(f)
			f.Close()
		}
		if !errors.Is(err, ErrTorn) || !slices.Equal(again, lines) {
			t.Fatalf("cut at %d: from a file %d requests (%v), from a stream %d", cut, len(again), err, len(lines))
		}
	}
	if last != n {
		t.Errorf("a file that lacks its last byte gives %d requests, want %d", last, n)
	}
}

func TestTornBlocks(t *testing.T) {
	const n = 3000
	file := written(t, n, n, nil)
	r, err := NewReader(bytes.NewReader(file[:len(file)*3/4]))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lines, err := readAll(r)
	if !errors.Is(err, ErrTorn) || len(lines) < n/3 || !slices.Equal(lines, wantLines(n, nil)[:len(lines)]) {
		t.Errorf("%d of %d requests out of three quarters of a frame (%v)", len(lines), n, err)
	}
}

func TestFlippedBits(t *testing.T) {
	const n = 6
	file := written(t, n, 3, nil)
	want := wantLines(n, nil)
	path := filepath.Join(t.TempDir(), "flip")
	for i := range file {
		damaged := bytes.Clone(file)
		damaged[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			continue
		}
		lines, err := readAll(r)
		r.Close()
		if len(lines) > n || !slices.Equal(lines, want[:len(lines)]) {
			t.Fatalf("bit %d of byte %d: other requests came out", i%8, i)
		}
		if err == nil && len(lines) != n {
			t.Fatalf("bit %d of byte %d: %d requests and no error, want %d", i%8, i, len(lines), n)
		}
	}
}

func TestDamageNamesItsPlace(t *testing.T) {
	file := written(t, 30, 10, nil)
	w := frameWalker{r: newBufio(file)}
	var offsets []int64
	for {
		offsets = append(offsets, w.off)
		if _, err := w.next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	// header, three frames of requests, metadata, seek table, end
	if len(offsets) != 7 {
		t.Fatalf("%d frames, want 6", len(offsets)-1)
	}
	newer := bytes.Clone(file)
	newer[8+len(mark)+1] = version + 1
	flip := func(at int64) []byte {
		b := bytes.Clone(file)
		b[at] ^= 1
		return b
	}
	for _, test := range []struct {
		name string
		file []byte
		want string
		is   error
	}{
		{"checksum", flip(offsets[3] - 1), fmt.Sprintf("block 2 at byte %d: checksum mismatch (10 requests before it are sound)", offsets[2]), nil},
		{"metadata", flip(offsets[5] - 1), fmt.Sprintf("frame at byte %d: checksum mismatch (30 requests before it are sound)", offsets[4]), nil},
		{"not a frame", flip(offsets[2]), fmt.Sprintf("byte %d: no frame begins with 0xfd2fb529 (10 requests before it are sound)", offsets[2]), nil},
		{"a frame is missing", slices.Concat(file[:offsets[2]], file[offsets[3]:]), "it promises 30 requests, 20 were read", nil},
		{"newer version", newer, "version 2, this build reads up to 1", ErrVersion},
		{"two captures in one file", slices.Concat(file, file), "another capture begins here (30 requests before it are sound)", nil},
		{"requests after the end", slices.Concat(file, file[offsets[1]:offsets[2]]), "requests after the end of the capture", nil},
		{"not a capture", []byte("GET / HTTP/1.1\r\n\r\n"), "not a capture file", nil},
		{"nothing", nil, "file ends before its first request", ErrTorn},
	} {
		r, err := NewReader(bytes.NewReader(test.file))
		if err == nil {
			_, err = readAll(r)
		}
		if _, ok := errors.AsType[*FormatError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want a *FormatError with %q", test.name, err, test.want)
		}
		if test.is != nil && !errors.Is(err, test.is) || test.is == nil && (errors.Is(err, ErrTorn) || errors.Is(err, ErrVersion)) {
			t.Errorf("%s: error %v, want it to be %v", test.name, err, test.is)
		}
	}
}

// Every damaged frame is found, also behind another, and what is sound in between is counted.
func TestFindDamage(t *testing.T) {
	file := written(t, 50, 10, nil)
	var offsets []int64
	w := frameWalker{r: newBufio(file)}
	for {
		offsets = append(offsets, w.off)
		if _, err := w.next(); err != nil {
			break
		}
	}
	path := filepath.Join(t.TempDir(), "a.cap.zst")
	for _, test := range []struct {
		name   string
		change func(b []byte)
		want   []string
		sound  int64
		lost   bool
	}{
		{"whole", func([]byte) {}, nil, 50, false},
		{"two checksums", func(b []byte) { b[offsets[2]-1] ^= 1; b[offsets[4]-1] ^= 1 }, []string{"block 1 at", "block 3 at"}, 30, false},
		{"a magic number", func(b []byte) { b[offsets[2]] ^= 1 }, []string{fmt.Sprintf("byte %d: no frame", offsets[2])}, 40, false},
		{"a magic number and a checksum behind it", func(b []byte) { b[offsets[2]] ^= 1; b[offsets[5]-1] ^= 1 }, []string{"no frame begins", "block 4 at"}, 30, false},
		{"a size that leads out of the file", func(b []byte) { b[offsets[2]+6] ^= 0x7f; b[offsets[2]+7] ^= 0x7f }, []string{fmt.Sprintf("byte %d: ", offsets[2])}, 40, false},
		{"metadata", func(b []byte) { b[offsets[7]-1] ^= 1 }, []string{"checksum mismatch"}, 50, false},
		{"a magic number and the seek table", func(b []byte) { b[offsets[2]] ^= 1; b[len(b)-1] ^= 1 }, []string{"no frame begins"}, 10, true},
	} {
		b := bytes.Clone(file)
		test.change(b)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := FindDamage(path)
		if err != nil || len(d.Frames) != len(test.want) || d.Sound != test.sound || d.Lost != test.lost {
			t.Errorf("%s: %+v (%v), want %d damaged frames, %d sound requests, lost %v", test.name, d, err, len(test.want), test.sound, test.lost)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(d.Frames[i].Error(), want) {
				t.Errorf("%s: frame %d: %v, want %q", test.name, i, d.Frames[i], want)
			}
		}
	}
}

func TestForeignFramesAreSkipped(t *testing.T) {
	file := written(t, 10, 5, nil)
	foreign := []byte{0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
	same := []byte{0x5A, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 'h', 'i'}
	w := frameWalker{r: newBufio(file)}
	mixed := []byte{}
	for {
		start := w.off
		if _, err := w.next(); err != nil {
			break
		}
		mixed = slices.Concat(mixed, file[start:w.off], foreign, same)
	}
	r, err := NewReader(bytes.NewReader(mixed))
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := readAll(r); err != nil || len(lines) != 10 {
		t.Errorf("%d requests (%v), want 10", len(lines), err)
	}
}

type failing struct{ n int }

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errors.New("disk is full")
	}
	return len(b), nil
}

func TestWriterReportsTheDisk(t *testing.T) {
	for _, room := range []int{0, 100, 20_000} {
		w, err := NewWriter(&failing{room}, WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20_000 {
			q := like(i)
			q.clean = true
			if err = w.Write(q); err != nil {
				break
			}
		}
		if closed := w.Close(); closed == nil || closed.Error() != "disk is full" {
			t.Errorf("room for %d bytes: Close = %v, want the disk's error (Write gave %v)", room, closed, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	whole := written(f, 6, 3, nil)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(written(f, 0, 1, nil))
	live, flushed := liveFile(f, 12, 2, 3, WriterOptions{Series: "abc", Part: 1})
	f.Add(live)
	f.Add(live[:flushed[4].bytes])
	f.Add(live[:flushed[4].bytes+5])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer r.Close()
		lines, err := readAll(r)
		if m, ok := r.Meta(); err == nil && (!ok || m.Requests != int64(len(lines))) {
			t.Errorf("a whole file of %d requests has metadata %+v, %v", len(lines), m, ok)
		}
		if err != nil && r.Next(new(Request)) != err {
			t.Errorf("the error %v did not stay", err)
		}
	})
}

func newBufio(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// TestHostileSizes: what a file claims is not believed before memory is taken.
func TestHostileSizes(t *testing.T) {
	header, err := appendHeaderFrame(nil, &fileHeader{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd}
	zeros := make([]byte, 1<<10)
	for _, test := range []struct {
		name, want string
		file       []byte
	}{
		{"window", "window of", slices.Concat(header, frame, []byte{0x00, 0xf8, 1, 0, 0}, zeros)},
		{"content size", "frame of", slices.Concat(header, frame, []byte{0xe0, 0, 0, 0, 0, 0, 1, 0, 0}, zeros)},
		{"block", "zstd block of", slices.Concat(header, frame, []byte{0x00, 0x58, 0xf8, 0xff, 0xff}, zeros)},
		{"repeated bytes", "decompressed size exceeds", slices.Concat(header, frame, []byte{0x00, 0x58},
			bytes.Repeat([]byte{2, 0, 0x10, ' '}, 100), []byte{3, 0, 0x10, ' '})},
		{"metadata", "metadata of", slices.Concat(header, []byte{0x5a, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff}, header[8:], zeros)},
		{"metadata within the limit that is not there", "file ends", slices.Concat(header, []byte{0x5a, 0x2a, 0x4d, 0x18, 0, 0, 0xf0, 0}, header[8:], zeros)},
		{"somebody's frame", "file ends", slices.Concat(header, []byte{0x53, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff}, zeros)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := NewReader(bytes.NewReader(test.file))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		_, err = readAll(r)
		r.Close()
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*FormatError](err); !ok || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want a *FormatError with %q", test.name, err, test.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 48<<20 {
			t.Errorf("%s: took %d MiB of memory, want less than 48", test.name, took>>20)
		}
	}
}
