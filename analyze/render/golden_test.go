package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"trafficreplay/analyze"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGoldens(t *testing.T) {
	r := shopReport(t)
	for _, tt := range []struct {
		name  string
		write func(io.Writer, *analyze.Report) error
	}{
		{"shop/run.json", func(w io.Writer, r *analyze.Report) error { return writeJSON(w, r.Document) }},
		{"shop.analyze.json", func(w io.Writer, r *analyze.Report) error { return writeJSON(w, r.JSON()) }},
		{"shop.txt", func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{}) }},
		{"shop.colour.txt", func(w io.Writer, r *analyze.Report) error { return Text(w, r, TextOptions{Colour: true}) }},
		{"shop.md", Markdown},
		{"shop.xml", JUnit},
		{"shop.html", HTML},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.write(&got, r); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", filepath.FromSlash(tt.name)), got.Bytes())
		})
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs at byte %d from what was rendered; go test -update rewrites it", name, differ(got, want))
	}
}

func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
