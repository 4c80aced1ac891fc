package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"trafficreplay/analyze/render"
)

// terminal is the only way out: answers to stdout, the conversation to stderr. Everything that may hold bytes
// of an input is escaped here. It is safe for concurrent use.
type terminal struct {
	out, err io.Writer
	errTTY   bool
	colour   bool // of stdout
	quiet    bool
	dumb     bool // TERM=dumb: no cursor movement, no characters beyond ASCII in drawings

	mu     sync.Mutex
	status bool // a status line stands on stderr
	last   time.Time
}

// The pace of progress lines: on a terminal, and elsewhere.
const (
	redrawEvery = 250 * time.Millisecond
	statusEvery = 10 * time.Second
)

func newTerminal(out, err io.Writer, env func(string) string) *terminal {
	dumb := env("TERM") == "dumb"
	return &terminal{out: out, err: err, dumb: dumb, errTTY: isTTY(err) && !dumb, colour: isTTY(out) && !dumb && env("NO_COLOR") == ""}
}

func isTTY(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is how wide the terminal is that w writes to; 0 where it is none.
func columns(w any) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}

// levels are the characters of a sparkline.
func (t *terminal) levels() []string {
	if t.dumb {
		return sparkASCII
	}
	return sparkBlocks
}

func (t *terminal) say(prefix, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintf(t.err, "%s%s\n", prefix, render.Escape(strings.TrimSpace(fmt.Sprintf(format, args...))))
}

func (t *terminal) errorf(format string, args ...any) { t.say("replay: error: ", format, args...) }
func (t *terminal) warnf(format string, args ...any)  { t.say("replay: warning: ", format, args...) }
func (t *terminal) hintf(format string, args ...any)  { t.say("replay: hint: ", format, args...) }

// notef tells of something worth knowing that is no warning; --quiet silences it.
func (t *terminal) notef(format string, args ...any) {
	if !t.quiet {
		t.say("replay: ", format, args...)
	}
}

// statusf shows progress: one rewritten line on a terminal, at most four times a second, else a plain line every ten
// seconds. A caller may call it as often as it likes.
func (t *terminal) statusf(format string, args ...any) {
	if t.quiet {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	line := render.Escape(fmt.Sprintf(format, args...))
	now := time.Now()
	if t.errTTY && now.Sub(t.last) < redrawEvery {
		return
	}
	if t.errTTY {
		t.last = now
		fmt.Fprintf(t.err, "\r\x1b[K%s", clippedTo(line, columns(t.err)-1))
		t.status = true
		return
	}
	if now.Sub(t.last) >= statusEvery {
		if !t.last.IsZero() {
			fmt.Fprintln(t.err, line)
		}
		t.last = now
	}
}

// clippedTo is a line that a terminal of that width does not wrap, since only the last row of a wrapped one could be
// rewritten.
func clippedTo(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width])
}

// done ends the status line.
func (t *terminal) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	t.last = time.Time{}
}

func (t *terminal) clear() {
	if t.status {
		fmt.Fprint(t.err, "\r\x1b[K")
		t.status = false
	}
}
