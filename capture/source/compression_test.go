package source

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"trafficreplay/capture"
)

func gzipped(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, p)
		_ = w.Close()
	}
	return b.Bytes()
}

func TestCompressionsGiveTheSame(t *testing.T) {
	plain := ndjson(0, 300)
	dir := t.TempDir()
	files := map[string][]byte{
		"plain": []byte(plain),
		"crlf":  []byte(strings.ReplaceAll(plain, "\n", "\r\n")),
		"cut":   []byte(strings.TrimSuffix(plain, "\n")),
		"gzip":  gzipped(ndjson(0, 100), ndjson(100, 300)),
	}
	var b bytes.Buffer
	for _, part := range []string{ndjson(0, 100), ndjson(100, 300)} {
		z := lz4.NewWriter(&b)
		_, _ = io.WriteString(z, part)
		_ = z.Close()
	}
	files["lz4"] = bytes.Clone(b.Bytes())
	b.Reset()
	for _, part := range []string{ndjson(0, 100), ndjson(100, 300)} {
		x, err := xz.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(x, part)
		_ = x.Close()
		b.Write(make([]byte, 8)) // padding between streams
	}
	files["xz"] = bytes.Clone(b.Bytes())
	for _, tool := range []string{"zstd", "bzip2", "xz", "lz4"} {
		cmd := exec.Command(tool, "-c")
		cmd.Stdin = strings.NewReader(plain)
		out, err := cmd.Output()
		if err != nil {
			t.Logf("skipped: the command %s: %v", tool, err)
			continue
		}
		files[tool+" command"] = out
	}
	for name, content := range files {
		path := write(t, dir, name, content)
		got, s, err := read(t, []string{path}, options(t, true))
		if err != nil || len(got) != 300 || got[299].target != "/items/299?page=2" || got[299].src != name+":300" {
			t.Errorf("%s: %d requests, last %v (%v), want 300", name, len(got), got[max(0, len(got)-1):], err)
			continue
		}
		sum := sha256.Sum256(content)
		l := s.Ledgers()[0]
		if l.SHA256 != hex.EncodeToString(sum[:]) || l.Bytes != int64(len(content)) || l.Resolution != "1ms" || l.Format != "ndjson" {
			t.Errorf("%s: ledger %+v", name, l)
		}
		in, err := Open(t.Context(), []string{"-"}, Options{Stdin: bytes.NewReader(content)})
		if err != nil {
			t.Fatal(err)
		}
		var q capture.Request
		if err := in.Next(&q); err != nil || string(q.Src) != "stdin:1" {
			t.Errorf("%s from standard input: %s, %v", name, q.Src, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTruncatedCompression(t *testing.T) {
	plain := ndjson(0, 20)
	for _, tool := range []string{"gzip -c", "zstd -c", "bzip2 -c", "xz -c", "xz -c --block-size=1000", "lz4 -c", "lz4 -c -B4 -BD --no-frame-crc"} {
		args := strings.Fields(tool)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdin = strings.NewReader(plain)
		whole, err := cmd.Output()
		if err != nil {
			t.Logf("skipped: the command %s: %v", tool, err)
			continue
		}
		o := options(t, true)
		for cut := range len(whole) {
			if cut > 64 && cut < len(whole)-64 && cut%5 != 0 {
				continue // the headers are at the ends and, of many blocks, spread over all remainders
			}
			o.Stdin = bytes.NewReader(whole[:cut])
			s, err := Open(t.Context(), []string{"-"}, o)
			if err != nil {
				continue
			}
			var q capture.Request
			if err := s.Next(&q); err == nil || err == io.EOF || cut > 20 && errors.Is(err, ErrEmpty) {
				t.Errorf("%s cut at %d of %d: Next = %v, want an error that says so", tool, cut, len(whole), err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	path := write(t, t.TempDir(), "access.log.gz", gzipped(ndjson(0, 2000))[:4000])
	_, _, err := read(t, []string{path}, options(t, true))
	if err == nil || !strings.Contains(err.Error(), "the file ends in the middle") || !strings.Contains(err.Error(), "lines were read") ||
		!strings.HasPrefix(err.Error(), path+": line ") || !strings.Contains(err.Error(), "byte 4000 of the file") {
		t.Errorf("cut gzip: error %v", err)
	}
}

func TestHostileCompression(t *testing.T) {
	bomb := func() []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, 9)
		_, _ = io.WriteString(w, line(0)+"\n")
		zeros := make([]byte, 1<<20)
		for range 64 {
			_, _ = w.Write(zeros)
		}
		_ = w.Close()
		return b.Bytes()
	}()
	dictionary := []byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x28\x00\x00\x00\x00\x00\x00\x00")
	for _, test := range []struct {
		name, want string
		content    []byte
	}{
		{"gzip bomb", "decompresses to more than 1000 times its size", bomb},
		{"zstd window", "zstd window above the limit of 67108864 bytes", []byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00")},
		{"xz dictionary", "dictionary above the limit of 67108864 bytes", dictionary},
		{"garbage after gzip", "gzip: invalid header", append(gzipped(ndjson(0, 10)), "garbage that is long enough"...)},
	} {
		path := write(t, t.TempDir(), "a", test.content)
		_, _, err := read(t, []string{path}, options(t, true))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}
