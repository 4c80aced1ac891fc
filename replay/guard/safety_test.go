package guard

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreatsHaveTests: each row of the threat table in docs/safety.md names tests, and each of them exists.
func TestThreatsHaveTests(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/safety.md"))
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, pattern := range []string{"capture/*_test.go", "capture/redact/*_test.go", "capture/redact/rules/*_test.go", "capture/source/*_test.go", "replay/guard/*_test.go", "cmd/replay/*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(src, -1) {
				exists[string(m[1])] = true
			}
		}
	}
	rows := regexp.MustCompile(`(?m)^\| (T\d+[^|]*)\|[^|]*\|([^|]*)\|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 8 {
		t.Fatalf("%d rows in the threat table, want at least 8", len(rows))
	}
	for _, row := range rows {
		names := strings.Split(row[2], ",")
		for _, n := range names {
			if n = strings.TrimSpace(n); !exists[n] {
				t.Errorf("%s: there is no test %q", strings.TrimSpace(row[1]), n)
			}
		}
	}
}
