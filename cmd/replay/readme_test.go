package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// readmeTries is how often a run is repeated that a busy machine made INVALID.
const readmeTries = 3

// readme runs every command line of README.md, in its order and in a shell, as it is printed there, but for the address
// of the target, which is that of a server of this test: as slow in its search as the demo's. What README prints
// behind "$ echo $?" is the exit code that the line before must have.
func readme(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: readme FILE")
	}
	page, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/search") {
			select {
			case <-time.After(300 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	}))
	ts.Defer(slow.Close)
	ran := 0
	for _, c := range readmeCommands(string(page)) {
		line := regexp.MustCompile(`http://[^ ]+`).ReplaceAllLiteralString(c.line, slow.URL)
		got := exitInvalid
		for try := 0; try < readmeTries && got == exitInvalid; try++ {
			if try > 0 && strings.Contains(c.line, "-o runs/first") {
				ts.Check(os.RemoveAll(ts.MkAbs("runs/first")))
			}
			got = exitCode(ts, ts.Exec("sh", "-c", line))
		}
		if got == exitInvalid {
			ts.Logf("%s: %s\nis INVALID each time: this machine is too busy to run it, so its verdict is not looked at", args[0], c.line)
			got = c.exit
		}
		if got != c.exit {
			ts.Fatalf("%s: %s\nexit code %d, want %d", args[0], c.line, got, c.exit)
		}
		ran++
	}
	if ran < 10 {
		ts.Fatalf("%s: %d commands, want at least 10: are they still indented by four?", args[0], ran)
	}
}

// readmeCommand is a command line, and the exit code that the page promises.
type readmeCommand struct {
	line string
	exit int
}

// readmeCommands finds what is indented by four and begins with replay or feeds it. make is not run: it builds replay.
func readmeCommands(page string) (found []readmeCommand) {
	lines := strings.Split(page, "\n")
	for i, l := range lines {
		code, ok := strings.CutPrefix(l, "    ")
		code = strings.TrimPrefix(code, "$ ")
		switch {
		case !ok:
		case strings.HasPrefix(code, "replay "), strings.Contains(code, "| replay "):
			found = append(found, readmeCommand{line: code})
		case code == "echo $?" && len(found) > 0:
			_, _ = fmt.Sscan(lines[i+1], &found[len(found)-1].exit)
		}
	}
	return found
}

// pack compresses files and leaves them as they are: pack FILE...
func pack(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		plain, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err = z.Write(plain)
		ts.Check(err)
		ts.Check(z.Close())
		ts.Check(os.WriteFile(ts.MkAbs(name)+".gz", b.Bytes(), 0o600))
	}
}

// TestReadmeTargets looks for what README tells people to make.
func TestReadmeTargets(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^    make ([a-z]+)`).FindAllSubmatch(page, -1)
	if len(targets) == 0 {
		t.Error("README.md tells nothing to make")
	}
	for _, m := range targets {
		if !bytes.Contains(makefile, []byte("\n"+string(m[1])+":")) {
			t.Errorf("README.md: make %s: the Makefile has no such target", m[1])
		}
	}
}
