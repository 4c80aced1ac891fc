package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/source"
)

// rollFlags say when a live capture goes on in another file.
type rollFlags struct {
	typed []string
	size  int64         // bytes; 0: never
	every time.Duration // 0: never
}

func (r *rollFlags) on() bool { return len(r.typed) > 0 }

// Bounds of --roll: below them a file is hardly begun.
const (
	minRollSize = 64 << 10
	minRollTime = time.Second
)

// parse turns what was typed into what it means.
func (r *rollFlags) parse() error {
	for _, s := range r.typed {
		if d, err := time.ParseDuration(s); err == nil {
			if d < minRollTime {
				return usage(fmt.Errorf("--roll %q: shorter than %v", s, minRollTime))
			}
			r.every = d
			continue
		}
		n, ok := parseSize(s)
		if !ok {
			return usage(fmt.Errorf("--roll %q: want a size such as 1GB or a time such as 1h", s))
		}
		if n < minRollSize {
			return usage(fmt.Errorf("--roll %q: smaller than 64KiB", s))
		}
		r.size = n
	}
	return nil
}

// parseSize reads a number of bytes with its unit: 1GB, 512MiB, 100000B.
func parseSize(s string) (n int64, ok bool) {
	digits := strings.TrimRight(s, "kKMGTiB")
	unit, ok := map[string]float64{
		"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[s[len(digits):]]
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v > 0 && v*unit < 1<<60) {
		return 0, false
	}
	return int64(v * unit), true
}

// liveSource is what a live capture reads: the lines of a log, or packets.
type liveSource interface {
	Copy(out source.Sink) error
	Ledger() capture.Ledger // of what was read since the last Cut
	Cut()
	Notes() []string
	Empty() error
}

// liveOut is where a live capture goes: a file, or one after the other. It is the source's Sink.
type liveOut struct {
	a    *app
	live liveSource
	o    capture.WriterOptions // of every file
	path string                // as -o names it
	roll *rollFlags

	w       *capture.Writer
	current string // the file's name once it is finished
	begun   time.Time
	flushed time.Time
	told    int    // of the writer's asides
	failed  error  // of the writer
	series  string // of rolled files
	files   []string
	meta    capture.Meta   // of all files
	total   capture.Ledger // likewise
}

// open begins a file.
func (l *liveOut) open() (err error) {
	l.begun = time.Now()
	l.current = l.path
	o := l.o
	if l.roll.on() {
		if l.series == "" {
			var id [8]byte
			if _, err := rand.Read(id[:]); err != nil {
				return err
			}
			l.series = hex.EncodeToString(id[:])
		}
		o.Series, o.Part = l.series, len(l.files)+1
	}
	l.told = 0
	for range maxNameTries {
		if l.roll.on() {
			if l.current, err = rolledName(l.path, l.begun); err != nil {
				return err
			}
		}
		if l.w, err = capture.Create(l.current, o); !l.roll.on() || !errors.Is(err, capture.ErrInUse) {
			break
		}
	}
	if err == nil {
		l.sayAsides()
	}
	return err
}

// maxNameTries is how often a rolled file is begun where other captures, which roll at the same instant, are quicker to
// take its name.
const maxNameTries = 10

// rolledName is the name of a file that begins at an instant, which no file has: NAME.20261123T140000Z.cap.zst.
func rolledName(path string, at time.Time) (string, error) {
	name, ok := strings.CutSuffix(path, ".cap.zst")
	end := ""
	if ok {
		end = ".cap.zst"
	}
	name += "." + at.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		full := name + end
		if n > 1 {
			full = fmt.Sprintf("%s_%d%s", name, n, end)
		}
		_, err := os.Lstat(full)
		_, errPart := os.Lstat(full + ".part")
		if err == nil || errPart == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: %w", full, cause(err))
		}
		return full, nil
	}
}

func (l *liveOut) Write(q *capture.Request) error {
	err := l.w.Write(q)
	if _, ok := errors.AsType[*capture.SyntaxError](err); err != nil && !ok {
		l.failed = l.w.Close()
	}
	return err
}

// flushEvery is how long a request may wait for the disk; a little less than the source's second.
const flushEvery = 900 * time.Millisecond

// Tick flushes what was written, and rolls the file when that is due.
func (l *liveOut) Tick(now time.Time) error {
	if now.Sub(l.flushed) >= flushEvery {
		l.flushed = now
		if err := l.w.Flush(now); err != nil {
			l.failed = l.w.Close()
			return err
		}
		l.a.term.statusf("  %s requests  %.1f MB in %s", thousands(l.meta.Requests+l.w.Requests()), float64(l.w.Size())/1e6, l.current)
	}
	if !l.due(now) {
		return nil
	}
	if l.failed = l.end(); l.failed != nil {
		return l.failed
	}
	l.live.Cut()
	l.failed = l.open()
	return l.failed
}

// due reports whether the file is to be followed by another. Times are those of the clock: --roll 1h rolls on the hour.
func (l *liveOut) due(now time.Time) bool {
	if !l.roll.on() || l.w.Requests() == 0 {
		return false
	}
	return l.roll.size > 0 && l.w.Size() >= l.roll.size ||
		l.roll.every > 0 && !now.Before(l.begun.Truncate(l.roll.every).Add(l.roll.every))
}

// end finishes the file as it is.
func (l *liveOut) end() error {
	l.account()
	if err := l.w.Close(); err != nil {
		return err
	}
	l.ended()
	return nil
}

// account gives the file its ledger.
func (l *liveOut) account() { l.w.SetSources([]capture.Ledger{l.live.Ledger()}) }

// ended counts a file that stands under its name.
func (l *liveOut) ended() {
	l.sayAsides()
	m := l.w.Meta()
	if len(l.files) == 0 {
		l.meta, l.total = m, m.Sources[0]
	} else {
		l.meta.Requests += m.Requests
		l.meta.First, l.meta.Last = min(l.meta.First, m.First), max(l.meta.Last, m.Last)
		l.total.Add(&m.Sources[0])
	}
	l.files = append(l.files, l.current)
}

// sayAsides tells of files that got other names, once.
func (l *liveOut) sayAsides() {
	asides := l.w.Asides()
	for _, name := range asides[l.told:] {
		l.a.term.warnf("what an earlier capture wrote is kept as %s", name)
	}
	l.told = len(asides)
}
