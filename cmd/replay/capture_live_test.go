package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// piped runs the program in this process with something on its standard input.
func piped(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, conversation bytes.Buffer
	code = run(t.Context(), args, stdin, &out, &conversation)
	return code, out.String(), conversation.String()
}

// liveLine is line i of a log with stamps in milliseconds.
func liveLine(i int) string {
	return fmt.Sprintf(`{"msec":"%d.%03d","request_time":"0.004","remote_addr":"10.0.0.%d","connection":"%d","request_method":"GET","request_uri":"/items/%d","status":"200"}`+"\n",
		1_770_000_000+i/1000, i%1000, i%7, 1+i%5, i)
}

// What comes through a pipe that ends is the file that an import makes: sorted, with the same ledger.
func TestPipedCaptureIsAnImport(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	for i := range 5000 {
		log.WriteString(liveLine(i ^ 63)) // 64 lines at a time are upside down
		if i%1000 == 500 {
			log.WriteString("\nnonsense\n")
		}
	}
	path := filepath.Join(dir, "access.log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	imported, live := filepath.Join(dir, "i.cap.zst"), filepath.Join(dir, "l.cap.zst")
	code, out, stderr := command(t, "capture", path, "--keep-secrets", "--json", "-o", imported)
	if code != exitOK {
		t.Fatal(stderr)
	}
	code, outLive, stderr := piped(t, strings.NewReader(log.String()), "capture", "-", "--keep-secrets", "--json", "-o", live)
	if code != exitOK {
		t.Fatal(stderr)
	}
	a, b := dump(t, imported), dump(t, live)
	if !bytes.Equal(a, bytes.ReplaceAll(b, []byte(`"stdin:`), []byte(`"access.log:`))) {
		t.Error("other requests, or in another order, than an import gives")
	}
	var want, got captureDocument
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(outLive), &got); err != nil {
		t.Fatal(err)
	}
	w, g := want.Sources[0], got.Sources[0]
	if g.Balance() != nil || g.Lines != w.Lines || g.Requests != 5000 || g.Skipped["blank"] != 5 || g.SHA256 != w.SHA256 || g.Format != w.Format || g.Bytes != w.Bytes {
		t.Errorf("ledger %+v, want that of the import %+v", g, w)
	}
	r, err := capture.Open(live)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, _ := r.Meta(); m.Disorder != 0 || m.Stopped {
		t.Errorf("metadata %+v, want requests in order of arrival", m)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("%s are left", left)
	}
}

// Nothing that could be read leaves no file; what fails late leaves its requests under the unfinished name.
func TestLiveCaptureThatFails(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "a.cap.zst")
	for _, test := range []struct {
		name, stdin, says string
		flags             []string
	}{
		{"nothing", "", "no requests", nil},
		{"no log", "lorem ipsum dolor sit amet\n", "no known log format", nil},
		{"only bad lines", `10.0.0.1 - - [31/Feb/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"` + "\n", "no requests: stdin: 1 lines, 1 bad-time", []string{"--format", "combined"}},
	} {
		code, _, stderr := piped(t, strings.NewReader(test.stdin), append([]string{"capture", "-", "-o", out}, test.flags...)...)
		if code != exitTrouble || !strings.Contains(stderr, test.says) {
			t.Errorf("%s: exit code %d, want 1 and %q:\n%s", test.name, code, test.says, stderr)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
			t.Errorf("%s: %s are left", test.name, left)
		}
	}
	code, _, stderr := piped(t, strings.NewReader(liveLine(1)+"nonsense\nnonsense\n"), "capture", "-", "--max-skipped", "5%", "-o", out)
	if code != exitTrouble || !strings.Contains(stderr, "the 1 requests before are in "+out+".part") {
		t.Errorf("exit code %d, want 1 and where the request is:\n%s", code, stderr)
	}
	if code, _, stderr = command(t, "inspect", "--verify", out+".part"); code != exitOK {
		t.Error(stderr)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"1GB": 1e9, "1.5MiB": 3 << 19, "100000B": 100000, "64KiB": 64 << 10, "2kB": 2000,
		"": 0, "1": 0, "GB": 0, "-1GB": 0, "1XB": 0, "1e300TB": 0, "NaNGB": 0, "1 GB": 0} {
		if got, ok := parseSize(s); got != want || ok != (want > 0) {
			t.Errorf("parseSize(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
}

// Secrets are gone before anything reaches the disk: also from what a live capture writes and never finishes.
func TestLiveCaptureRedacts(t *testing.T) {
	log, err := os.ReadFile(canaryLog(t))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "a.cap.zst")
	code, _, stderr := piped(t, bytes.NewReader(append(log, "nonsense hunter2-canary-password\n"...)), "capture", "-", "--max-skipped", "0", "-o", out)
	if code != exitTrouble {
		t.Fatalf("exit code %d, want the unfinished file to stay\n%s", code, stderr)
	}
	b := dump(t, out+".part")
	for _, c := range canaries {
		if bytes.Contains(b, []byte(c)) {
			t.Errorf("the unfinished file holds %q", c)
		}
	}
}

// A flipped byte in the seek table is seen, though every request is sound; so is each damaged frame.
func TestVerifyNamesTheDamage(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	for i := range 40_000 {
		log.WriteString(liveLine(i))
	}
	path := filepath.Join(dir, "a.cap.zst")
	if code, _, stderr := piped(t, strings.NewReader(log.String()), "capture", "-", "--keep-secrets", "-o", path); code != exitOK {
		t.Fatal(stderr)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(b []byte) []byte
		says   []string
	}{
		{"seek table", func(b []byte) []byte { b[len(b)-20] ^= 1; return b }, []string{"seek table does not fit"}},
		{"two frames", func(b []byte) []byte { b[len(b)*3/10] ^= 1; b[len(b)*7/10] ^= 1; return b }, []string{"damaged: block ", "damaged too: block ", "requests are sound in all frames"}},
		{"torn", func(b []byte) []byte { return b[:len(b)*3/5] }, []string{"torn tail only", "requests before it are sound"}},
	} {
		if err := os.WriteFile(path, test.change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := command(t, "inspect", "--verify", path)
		for _, says := range test.says {
			if code != exitTrouble || !strings.Contains(stderr, says) {
				t.Errorf("%s: exit code %d, want 1 and %q:\n%s", test.name, code, says, stderr)
			}
		}
	}
}

// What a live capture could not obey is refused before it begins, and not when it ends.
func TestLiveCaptureRefusesFlags(t *testing.T) {
	dir := t.TempDir()
	proxied := []string{"--proxy", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1", "-o", filepath.Join(dir, "x")}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"interface into a folder", []string{"--interface", "none0", "-o", dir}, dir + " is a folder"},
		{"interface to standard output", []string{"--interface", "none0", "-o", "-"}, "not standard output"},
		{"interface as a log", []string{"--interface", "none0", "--timezone", "UTC"}, "--interface: --format"},
		{"proxy as a log", append(proxied, "--dedupe"), "--proxy: --format"},
		{"proxy with secrets of TLS", append(proxied, "--tls-keys", "x"), "--proxy-cert"},
		{"proxy's own port", append(proxied, "--proxy", "127.0.0.1:65536"), "want HOST:PORT"},
		{"upstream's port", append(proxied, "--upstream", "http://127.0.0.1:65536"), "want a port from 1 to 65535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, said := command(t, append([]string{"capture"}, c.args...)...)
			if code != exitUsage || !strings.Contains(said, c.want) {
				t.Errorf("exit code %d, want %d; said %q, want %q", code, exitUsage, said, c.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}
