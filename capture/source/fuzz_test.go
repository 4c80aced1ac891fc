package source

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"trafficreplay/capture"
)

func FuzzSource(f *testing.F) {
	f.Add([]byte(ndjson(0, 3)))
	f.Add([]byte(combined(1) + "\n" + combined(2) + "\n\n"))
	f.Add(gzipped(ndjson(0, 3)))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00"))
	f.Add([]byte("\x04\x22\x4d\x18\x64\x40\xa7\x00\x00\x00\x00"))
	f.Add([]byte("BZh91AY&SY"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		s, err := Open(t.Context(), []string{"-"}, Options{Stdin: bytes.NewReader(b)})
		if err != nil {
			return
		}
		defer s.Close()
		var q capture.Request
		n := int64(0)
		for err = s.Next(&q); err == nil; err = s.Next(&q) {
			n++
		}
		for _, l := range s.Ledgers() {
			if err := l.Balance(); err != nil {
				t.Error(err)
			}
			n -= l.Requests
		}
		if err == io.EOF && n != 0 {
			t.Errorf("ledgers are off by %d requests", n)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		want := strings.Split(string(b), "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		l := newLineReader(&slow{b, int(step)%7 + 1})
		for i := 0; ; i++ {
			line, err := l.next()
			if err == io.EOF {
				if i != len(want) {
					t.Fatalf("%d lines, want %d", i, len(want))
				}
				return
			}
			if err != nil || i >= len(want) || string(line) != strings.TrimSuffix(want[i], "\r") {
				t.Fatalf("line %d is %q (%v), want %q", i, line, err, want)
			}
		}
	})
}

type slow struct {
	b []byte
	n int
}

func (s *slow) Read(p []byte) (int, error) {
	n := copy(p, s.b[:min(s.n, len(s.b))])
	s.b = s.b[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
