package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"trafficreplay/analyze/render"
)

// printer writes lines of an answer, escaped, and remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (t *terminal) printer() *printer { return &printer{w: t.out} }

func (p *printer) linef(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, render.Escape(fmt.Sprintf(format, args...)))
	}
}

// thousands prints 1234567 as 1,234,567.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func total(m map[string]int64) int64 {
	var n int64
	for _, c := range m {
		n += c
	}
	return n
}

// countsText lists counts by name: " a 3, b 1".
func countsText(m map[string]int64) string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s %s", k, thousands(m[k]))
	}
	return b.String()
}

// defaultOut names an output after its input: access.log.gz becomes access.cap.zst, in this folder.
func defaultOut(input, ext string) string {
	base := filepath.Base(input)
	if input == "-" {
		base = "stdin"
	}
	if i := strings.IndexByte(base, '.'); i > 0 {
		base = base[:i]
	}
	return strings.NewReplacer("*", "", "?", "", "[", "", "]", "").Replace(base) + ext
}
