package render

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// dump loads a page in a headless browser that has no network, and gives back the page's nodes once its
// scripts have run, without the bodies of style and script.
func dump(t *testing.T, page string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds: skipped with -short")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: the page is not tried in a browser")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--proxy-server=127.0.0.1:9",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=1280,1000", "--virtual-time-budget=2000", "--dump-dom",
		(&url.URL{Scheme: "file", Path: path}).String()).Output()
	if err != nil || len(out) == 0 {
		t.Skipf("chromium does not run here: %v", err)
	}
	return regexp.MustCompile(`(?s)<(script|style)([^>]*)>.*?</(script|style)>`).ReplaceAllString(string(out), "<$1$2></$1>")
}

// A policy that forbade the page's own script would leave it without read-outs, and no other test would tell.
func TestBrowserRunsThePagesScript(t *testing.T) {
	if dom := dump(t, rendered(t, HTML, shopReport(t))); !strings.Contains(dom, `class="js"`) {
		t.Error("the script did not run under the page's own policy")
	}
}

// A real parser sees no element more with hostile labels than with a plain one, and no script changes the title.
func TestBrowserHoldsHostileText(t *testing.T) {
	tags := func(s string) int { return strings.Count(dump(t, rendered(t, HTML, poisoned(t, s))), "<") }
	want := tags("plain")
	for from := 0; from < len(payloads); from += 30 {
		all := strings.Join(payloads[from:min(from+30, len(payloads))], " ")
		if got := tags(all); got != want {
			t.Errorf("payloads from %d on: %d tags, want %d", from, got, want)
		}
	}
}
