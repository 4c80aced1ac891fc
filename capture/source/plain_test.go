package source

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"trafficreplay/capture"
)

func TestPlain(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, path := range map[string]string{
		"plain":          write(t, dir, "plain", []byte("hello\n")),
		"compressed":     write(t, dir, "packed", packed.Bytes()),
		"standard input": "-",
	} {
		t.Run(name, func(t *testing.T) {
			in, err := Plain(path, strings.NewReader("hello\n"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(in)
			if string(got) != "hello\n" || err != nil || in.Close() != nil {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
	if _, err := Plain(dir+"/nowhere", nil); err == nil {
		t.Error("of no file: no error")
	}
	cut, err := Plain(write(t, dir, "cut", packed.Bytes()[:packed.Len()-6]), nil)
	if err == nil {
		_, err = io.ReadAll(cut)
	}
	if err == nil {
		t.Error("of a file that is cut off: no error")
	}
}

// Size is what Progress comes to at the end.
func TestSize(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, dir, "a", []byte(ndjson(0, 100))), write(t, dir, "b", []byte(ndjson(100, 50)))
	o := options(t, true)
	var read int64
	o.Progress = func(n, _ int64) { read = n }
	s, err := Open(t.Context(), []string{a, b}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size, known := s.Size()
	var q capture.Request
	for err = s.Next(&q); err == nil; err = s.Next(&q) {
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	if !known || size == 0 || size != read {
		t.Errorf("Size = %d, %v, and %d bytes were read", size, known, read)
	}
	o.Stdin = strings.NewReader(ndjson(0, 1))
	in, err := Open(t.Context(), []string{"-"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, known := in.Size(); known {
		t.Error("the size of standard input is known")
	}
}
