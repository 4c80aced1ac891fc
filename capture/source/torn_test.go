package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestTornGzip: a log that breaks off is one error, which says where; closing the stream adds nothing to it.
func TestTornGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for i := range 5000 {
		fmt.Fprintf(z, "10.0.0.1 - - [23/Nov/2026:14:%02d:%02d +0000] \"GET /a/%d HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n", i/60%60, i%60, i*7919)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "access.log.gz")
	if err := os.WriteFile(path, b.Bytes()[:b.Len()*3/4], 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), []string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var q capture.Request
	err = s.Next(&q)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the file ends in the middle") {
		t.Fatalf("Next = %v, want it to say that the file ends in the middle", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("Next = %q, want one line", err)
	}
}
