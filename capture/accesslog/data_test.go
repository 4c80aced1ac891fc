package accesslog

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dataRoot is the folder of the development data, which lies beside the repository.
func dataRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatal("no go.mod above the working directory")
		}
		dir = up
	}
	root := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(root); err != nil {
		tb.Skipf("development data is absent: %v", err)
	}
	return root
}

// dataFile is a file of the development data.
func dataFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(dataRoot(tb), name))
	if err != nil {
		tb.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			tb.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// dataLines is a file of the development data by lines.
func dataLines(tb testing.TB, name string) [][]byte {
	tb.Helper()
	return bytes.Split(bytes.TrimSuffix(dataFile(tb, name), []byte("\n")), []byte("\n"))
}
