// Command testsum turns the output of go test -json into what go test prints without flags, followed by
// the skipped tests with their reasons.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := summarise(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testsum: error:", err)
		os.Exit(1)
	}
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

// summarise copies from r to w what a reader of plain go test would see.
func summarise(r io.Reader, w io.Writer) error {
	said := map[string][]string{} // output of each test that has not ended
	var skipped []string
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				e = event{Action: "output", Output: string(line)} // of the go command itself
			}
			skipped = append(skipped, e.handle(w, said)...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(skipped) == 0 {
		fmt.Fprintln(w, "no test was skipped")
		return nil
	}
	fmt.Fprintf(w, "%d skipped:\n  %s\n", len(skipped), strings.Join(skipped, "\n  "))
	return nil
}

// handle prints what e has to say and returns the line of a skipped test.
func (e *event) handle(w io.Writer, said map[string][]string) []string {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Test != "" && !strings.HasPrefix(e.Output, "=== ") {
			said[key] = append(said[key], e.Output)
		} else if e.Test == "" && e.Output != "PASS\n" {
			fmt.Fprint(w, e.Output)
		}
	case "fail":
		// All of the package once it has failed: a test that a panic or a timeout cut off has no end of its own.
		for _, k := range slices.Sorted(maps.Keys(said)) {
			if k == key || e.Test == "" && strings.HasPrefix(k, key) {
				fmt.Fprint(w, strings.Join(said[k], ""))
				delete(said, k)
			}
		}
	case "skip":
		reason := why(said[key])
		delete(said, key)
		if e.Test != "" {
			return []string{key + ": " + reason}
		}
	case "pass":
		delete(said, key)
	}
	return nil
}

// position is the file:line: that t.Skip puts before its reason.
var position = regexp.MustCompile(`^\s+\S+\.go:\d+: `)

// why is what a skipped test said.
func why(output []string) string {
	var reason []string
	for _, line := range output {
		line = strings.TrimRight(line, "\n")
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "--- "), trimmed == "":
		default:
			reason = append(reason, strings.TrimSpace(position.ReplaceAllString(line, "")))
		}
	}
	if len(reason) == 0 {
		return "it does not say why"
	}
	return strings.Join(reason, " ")
}
