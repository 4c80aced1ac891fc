package source

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"trafficreplay/capture"
)

// TestExamplesOfKeptSecrets: the examples in a file whose secrets were kept do not get into one that says it is redacted.
func TestExamplesOfKeptSecrets(t *testing.T) {
	dir := t.TempDir()
	log := write(t, dir, "access.log", []byte(ndjson(0, 10)+`{"at":"\"mail\" jane.doe@example.com"}`+"\n"))
	second := write(t, dir, "b.log", []byte(ndjson(0, 10)))
	keep, err := capture.NewRedactor(capture.RedactOptions{KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "kept.cap.zst")
	archived(t, kept, []string{log}, Options{Redactor: keep})
	for _, names := range [][]string{{kept}, {kept, second}} {
		o := options(t, false)
		_, s, err := read(t, names, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(s.Ledgers())
		if err != nil || bytes.Contains(b, []byte("jane")) || !bytes.Contains(b, []byte(`\"mail\\\" `)) {
			t.Errorf("%d sources: the ledgers are %s (%v)", len(names), b, err)
		}
	}
	if b, _ := os.ReadFile(kept); len(b) == 0 {
		t.Error("the kept file is empty")
	}
}
