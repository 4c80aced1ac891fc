package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadingLine(t *testing.T) {
	for _, tt := range []struct {
		name         string
		total        int64
		known        bool
		bytes, lines int64
		elapsed      time.Duration
		want         string
	}{
		{"begin", 4e9, true, 131072, 4096, 100 * time.Millisecond, "  131 kB of 4.0 GB  0%  4,096 lines  40,960 lines/s"},
		{"middle", 4.5e9, true, 1.5e9, 8_000_000, 10 * time.Second, "  1.5 GB of 4.5 GB  33%  8,000,000 lines  800,000 lines/s  0:20 left"},
		{"hours", 900e9, true, 1e9, 8_000_000, 10 * time.Second, "  1.0 GB of 900 GB  0%  8,000,000 lines  800,000 lines/s  2:29:50 left"},
		{"all read", 4.5e9, true, 4.5e9, 24_000_000, 30 * time.Second, "  4.5 GB  100%  24,000,000 lines  800,000 lines/s  writing"},
		{"the file grew", 100, true, 200, 2, time.Second, "  0.2 kB  100%  2 lines  2 lines/s  writing"},
		{"standard input", 0, false, 2e6, 10_000, time.Second, "  2.0 MB  10,000 lines  10,000 lines/s"},
		{"capture file", 0, false, 0, 10_000, 2 * time.Second, "  10,000 lines  5,000 lines/s"},
		{"no time has passed", 100, true, 0, 0, 0, "  0.0 kB of 0.1 kB  0%  0 lines  0 lines/s"},
		{"widest", 999e9, true, 998e9, 9_999_999_999, 9999 * time.Second, "  998 GB of 999 GB  99%  9,999,999,999 lines  1,000,100 lines/s  0:11 left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reading{total: tt.total, known: tt.known}
			if ends := r.ends(tt.bytes); ends != (tt.known && tt.bytes >= tt.total) || r.ends(tt.bytes) {
				t.Errorf("ends = %v, or it ends twice", ends)
			}
			if got := r.line(tt.bytes, tt.lines, tt.elapsed); got != tt.want || len(got) > 80 {
				t.Errorf("line = %q (%d characters), want %q", got, len(got), tt.want)
			}
		})
	}
}

// On a terminal one line is rewritten at most four times a second; elsewhere there is a line each ten seconds, and
// with --quiet none. Nothing but the line's own moves of the cursor reaches a terminal.
func TestStatusPace(t *testing.T) {
	for _, tt := range []struct {
		name         string
		tty, quiet   bool
		lines, moves int
	}{
		{"terminal", true, false, 0, 4*30 + 2},
		{"elsewhere", false, false, 3, 0},
		{"quiet terminal", true, true, 0, 0},
		{"quiet elsewhere", false, true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				term := &terminal{err: &b, errTTY: tt.tty, quiet: tt.quiet}
				for range 30_001 {
					term.statusf("x\x1b[2J")
					time.Sleep(time.Millisecond)
				}
				term.done()
				lines, moves := strings.Count(b.String(), "\n"), strings.Count(b.String(), "\r\x1b[K")
				if lines != tt.lines || moves != tt.moves || strings.Contains(b.String(), "\x1b[2J") {
					t.Errorf("%d lines and %d moves, want %d and %d", lines, moves, tt.lines, tt.moves)
				}
			})
		})
	}
}

func TestClippedTo(t *testing.T) {
	for _, tt := range []struct {
		line  string
		width int
		want  string
	}{
		{"0:10  137.5/s", 20, "0:10  137.5/s"},
		{"0:10  137.5/s", 13, "0:10  137.5/s"},
		{"0:10  137.5/s", 4, "0:10"},
		{"äöü", 2, "äö"},
		{"no terminal", -1, "no terminal"},
	} {
		if got := clippedTo(tt.line, tt.width); got != tt.want {
			t.Errorf("clippedTo(%q, %d) = %q, want %q", tt.line, tt.width, got, tt.want)
		}
	}
}
