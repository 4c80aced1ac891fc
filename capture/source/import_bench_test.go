package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"trafficreplay/capture"
)

// inputs of the benchmarks: an hour of a combined log, as it is written, reversed, and in our own form.
func benchmarkInputs() map[string][]byte {
	const n = 100_000
	return map[string][]byte{
		"combined":          logOf(n, func(i int) int { return i / 28 }),
		"combined-reversed": logOf(n, func(i int) int { return (n - i) / 28 }),
		"ndjson":            []byte(ndjson(0, n)),
	}
}

// BenchmarkImport is the whole way from lines to a capture file, with the default redaction.
func BenchmarkImport(b *testing.B) {
	for name, log := range benchmarkInputs() {
		b.Run(name, func(b *testing.B) {
			path := write(b, b.TempDir(), "a.log", log)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				s, err := Open(b.Context(), []string{path}, Options{TempDir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				w, err := capture.NewWriter(io.Discard, capture.WriterOptions{})
				if err != nil {
					b.Fatal(err)
				}
				if err := errors.Join(s.CopyTo(w), w.Close(), s.Close()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(bytes.Count(log, []byte{'\n'}))*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkLines is the way from a file's lines to requests, without redaction.
func BenchmarkLines(b *testing.B) {
	for name, log := range benchmarkInputs() {
		b.Run(name, func(b *testing.B) {
			path := write(b, b.TempDir(), "a.log", log)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				if err := parseAll(b.Context(), path); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(bytes.Count(log, []byte{'\n'}))*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// parseAll makes requests of all lines of a log and drops them.
func parseAll(ctx context.Context, path string) error {
	s, err := Open(ctx, []string{path}, Options{})
	if err != nil {
		return err
	}
	in := s.inputs[0]
	l := &log{s: s, in: in, unit: 1e9}
	var q capture.Request
	for {
		line, err := in.stream.lines.next()
		if err == io.EOF {
			return s.Close()
		}
		if err == nil {
			err = l.parse(line, &q)
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
}
