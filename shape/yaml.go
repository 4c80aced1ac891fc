package shape

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"trafficreplay/capture/strictyaml"
)

// Limits of the form of a workload file. Ours nests six deep, and its longest line is one threshold. The
// parser takes time with the square of what stands on one line.
const (
	maxDepth = 64
	maxLine  = 8 << 10
	maxLines = 100000
)

// form is what a file is held to before it is parsed.
var form = strictyaml.Form{Of: "workload files", Bytes: maxFile, Line: maxLine, Header: true, Comments: true, Check: checkForm}

// syntaxError is a fault at a place in a file.
type syntaxError = strictyaml.SyntaxError

// reader reads a workload out of a YAML tree.
type reader struct {
	strictyaml.Reader
	heads map[string]int // lines of top-level keys and of endpoints, by their ID

	notes map[string]string // comments behind thresholds, by noteKey
}

func newReader(file string) *reader { return &reader{Reader: strictyaml.Reader{File: file}} }

// checkForm holds a document to its limits before the parser sees it.
func checkForm(data []byte) string {
	n := bytes.Count(data, []byte{'\n'})
	if !bytes.HasSuffix(data, []byte{'\n'}) {
		n++
	}
	if n > maxLines {
		return fmt.Sprintf("%d lines, limit %d", n, maxLines)
	}
	if nesting(data) > maxDepth {
		return fmt.Sprintf("nested deeper than %d", maxDepth)
	}
	return ""
}

// nesting is an upper bound of how deep a document nests, found before the parser recurses into it: open
// brackets plus the indents of block items that are still open. Brackets in strings may count; a file of
// ours has none that stay open.
func nesting(data []byte) int {
	var most, flow int
	var indents []int
	for line := range strings.SplitSeq(string(data), "\n") {
		text := strings.TrimLeft(line, " ")
		column := len(line) - len(text)
		if text == "" || text[0] == '#' {
			continue
		}
		for {
			for len(indents) > 0 && indents[len(indents)-1] >= column {
				indents = indents[:len(indents)-1]
			}
			indents = append(indents, column)
			if len(text) < 2 || (text[0] != '-' && text[0] != '?' && text[0] != ':') || text[1] != ' ' {
				break
			}
			rest := strings.TrimLeft(text[1:], " ")
			column += len(text) - len(rest)
			text = rest
		}
		for _, c := range []byte(text) {
			switch c {
			case '[', '{':
				flow++
				most = max(most, flow+len(indents))
			case ']', '}':
				flow = max(flow-1, 0)
			}
		}
		most = max(most, flow+len(indents))
	}
	return most
}

func (r *reader) strings(n strictyaml.Node) (out []string) {
	r.Items(n, func(_ int, v strictyaml.Node) { out = append(out, r.Text(v)) })
	return out
}

// number is a scalar with a unit behind it; the unit may be "".
func (r *reader) number(n strictyaml.Node, unit string) float64 {
	s := r.Text(n)
	if r.Err != nil {
		return 0
	}
	digits, ok := strings.CutSuffix(s, unit)
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		if unit == "" {
			r.Fail(n, "%q is not a number", s)
		} else {
			r.Fail(n, "%q is not a number with the unit %s", s, unit)
		}
		return 0
	}
	return v
}

// share is a percentage, or a number from 0 to 1.
func (r *reader) share(n strictyaml.Node) float64 {
	if s := r.Text(n); strings.HasSuffix(s, "%") {
		v := r.number(n, "%") / 100
		// 31.02/100 is not the number that 0.3102 is; the file has at most six digits.
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
		return v
	}
	return r.number(n, "")
}

func (r *reader) integer(n strictyaml.Node, unit string) int64 {
	s := r.Text(n)
	if r.Err != nil {
		return 0
	}
	digits, ok := strings.CutSuffix(s, unit)
	v, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		r.Fail(n, "%q is not a whole number", s)
	}
	return v
}

func (r *reader) duration(n strictyaml.Node) time.Duration {
	s := r.Text(n)
	if r.Err != nil {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || s == "0" {
		r.Fail(n, "%q is not a length of time with its unit, such as 250ms or 30m", s)
	}
	return d
}

func (r *reader) instant(n strictyaml.Node) time.Time {
	s := r.Text(n)
	if r.Err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1700 || t.Year() > 2200 {
		r.Fail(n, "%q is not an instant such as 2026-11-23T14:00:00Z", s)
		return time.Time{}
	}
	return t.UTC()
}

func (r *reader) boolean(n strictyaml.Node) bool {
	s := r.Text(n)
	if r.Err == nil && s != "true" && s != "false" {
		r.Fail(n, "%q is neither true nor false", s)
	}
	return s == "true"
}
