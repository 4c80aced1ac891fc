package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// cri is a part as containerd's and CRI-O's logs have it: P goes on, F is the last.
func cri(stream, flag, text string) string {
	return "2026-11-23T14:00:00.123456789Z " + stream + " " + flag + " " + text + "\n"
}

// docker is a part as Docker's json-file driver writes it.
func docker(stream, text string) string {
	return `{"log":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `","stream":"` + stream + `","time":"2026-11-23T14:00:00.123456789Z"}` + "\n"
}

// Parts are joined with what follows them in the same stream, every line is accounted for, and what is never finished
// is told.
func TestSplitLines(t *testing.T) {
	a, b, c := combined(1), combined(2), combined(3)
	for _, test := range []struct {
		name, log string
		targets   string
		src       string // of the last request
		skipped   map[string]int64
	}{
		{"CRI", cri("stdout", "F", a) + cri("stdout", "P", b[:20]) + cri("stdout", "P", b[20:60]) + cri("stdout", "F", b[60:]),
			"/items/1 /items/2", "x.log:4", map[string]int64{"continued": 2}},
		{"CRI, more tags", cri("stdout", "F", a) + cri("stdout", "P:x", b[:60]) + cri("stdout", "F:x", b[60:]),
			"/items/1 /items/2", "x.log:3", map[string]int64{"continued": 1}},
		{"CRI, an empty last part", cri("stdout", "F", a) + cri("stdout", "P", b) + cri("stdout", "F", ""),
			"/items/1 /items/2", "x.log:3", map[string]int64{"continued": 1}},
		{"CRI, streams alternate", cri("stdout", "P", a[:30]) + cri("stderr", "P", b[:40]) + cri("stderr", "F", b[40:]) + cri("stdout", "F", a[30:]) + cri("stdout", "F", c),
			"/items/1 /items/2 /items/3", "x.log:5", map[string]int64{"continued": 2}},
		{"CRI, never finished", cri("stdout", "F", a) + cri("stdout", "F", b) + cri("stdout", "P", c[:10]) + cri("stdout", "P", c[10:]),
			"/items/1 /items/2", "x.log:2", map[string]int64{"continued": 1, "partial-line": 1}},
		{"CRI, both streams never finished", cri("stdout", "F", a) + cri("stderr", "P", c[:10]) + cri("stdout", "P", c[:10]),
			"/items/1", "x.log:1", map[string]int64{"partial-line": 2}},
		{"Docker", docker("stdout", a+"\n") + docker("stdout", b[:20]) + docker("stdout", b[20:70]) + docker("stdout", b[70:]+"\n"),
			"/items/1 /items/2", "x.log:4", map[string]int64{"continued": 2}},
		{"Docker, streams alternate", docker("stdout", a[:30]) + docker("stderr", b[:40]) + docker("stderr", b[40:]+"\n") + docker("stdout", a[30:]+"\n"),
			"/items/1 /items/2", "x.log:3", map[string]int64{"continued": 2}},
		{"Docker, last words without a line end", docker("stdout", a+"\n") + docker("stdout", b[:30]) + docker("stdout", b[30:]),
			"/items/1 /items/2", "x.log:3", map[string]int64{"continued": 1}},
		{"Docker, a backslash and an n are no line end", docker("stdout", a+"\n") + docker("stdout", strings.TrimSuffix(b, `Mozilla/5.0"`)+`\n`) + docker("stdout", `"`+"\n"),
			"/items/1 /items/2", "x.log:3", map[string]int64{"continued": 1}},
		{"a collector that leaves all line ends out", strings.ReplaceAll(docker("stdout", a+"\n")+docker("stdout", b+"\n"), `\n`, ""),
			"/items/1 /items/2", "x.log:2", map[string]int64{}},
		{"something else between the parts", cri("stdout", "F", a) + cri("stdout", "P", b[:30]) + "\n" + cri("stdout", "F", b[30:]),
			"/items/1 /items/2", "x.log:4", map[string]int64{"continued": 1, "blank": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			limit := 1.0
			o := options(t, true)
			o.MaxSkipped = &limit
			got, s, err := read(t, []string{write(t, t.TempDir(), "x.log", []byte(test.log))}, o)
			if err != nil {
				t.Fatal(err)
			}
			var targets, src []string
			for _, q := range got {
				targets, src = append(targets, q.target), append(src, q.src)
			}
			l := s.Ledgers()[0]
			if strings.Join(targets, " ") != test.targets || !slices.Contains(src, test.src) || fmt.Sprint(l.Skipped) != fmt.Sprint(test.skipped) {
				t.Errorf("targets %s from %s, skipped %v, want %s with one from %s, %v", targets, src, l.Skipped, test.targets, test.src, test.skipped)
			}
			if l.Lines != int64(strings.Count(test.log, "\n")) || l.Bad() != test.skipped["partial-line"] {
				t.Errorf("%d lines, %d bad", l.Lines, l.Bad())
			}
		})
	}
}

// Wherever a line is split, the request is the same.
func TestSplitAnywhere(t *testing.T) {
	whole, line := combined(1), strings.Replace(combined(7), "items/7", `items/\x22é?q=\\n`, 1)
	want := ""
	for name, log := range map[string]func(i int) string{
		"CRI": func(i int) string {
			return cri("stdout", "F", whole) + cri("stdout", "P", line[:i]) + cri("stdout", "F", line[i:])
		},
		"Docker": func(i int) string {
			return docker("stdout", whole+"\n") + docker("stdout", line[:i]) + docker("stdout", line[i:]+"\n")
		},
	} {
		for i := range len(line) {
			got, _, err := read(t, []string{write(t, t.TempDir(), "x.log", []byte(log(i)))}, options(t, true))
			if err != nil || len(got) != 2 {
				t.Fatalf("%s split at %d: %v, %v", name, i, got, err)
			}
			if want == "" {
				want = got[1].target
			}
			if got[1].target != want {
				t.Errorf("%s split at %d: target %s, want %s", name, i, got[1].target, want)
			}
		}
	}
}

// A line of parts has the ceiling of any line, and no more of it is kept.
func TestSplitLineTooLong(t *testing.T) {
	piece := strings.Repeat("x", 16<<10)
	for _, test := range []struct {
		name string
		text int // bytes
		want map[string]int64
	}{
		{"at the limit", capture.MaxLine, map[string]int64{"continued": 64, "not-this-format": 1}},
		{"above it", capture.MaxLine + 1, map[string]int64{"continued": 64, "too-long": 1}},
		{"far above it", 5 * capture.MaxLine, map[string]int64{"continued": 320, "too-long": 1}},
	} {
		j := &joiner{}
		l := (&Set{o: options(t, true)}).newLog(&input{name: "x.log", split: j}, nil)
		l.in.parser = mustParser(t, combined(1))
		head := len(cri("stdout", "F", "")) - 1
		var q capture.Request
		text := test.text - head
		for ; text > 0; text -= len(piece) {
			if err := l.next([]byte(strings.TrimSuffix(cri("stdout", "P", piece[:min(len(piece), text)]), "\n")), nil, &q); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.next([]byte("2026-11-23T14:00:00.123456789Z stdout F "), nil, &q); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(l.ledger.Skipped) != fmt.Sprint(test.want) || l.ledger.Balance() != nil {
			t.Errorf("%s: skipped %v, want %v", test.name, l.ledger.Skipped, test.want)
		}
		if n := cap(l.parts.open[0].line); n > 2*capture.MaxLine {
			t.Errorf("%s: %d bytes are kept", test.name, n)
		}
	}
}

// In a live log the ledger balances while parts are waited for, and a file that is rolled away keeps them.
func TestLiveSplitLines(t *testing.T) {
	a, b := combined(1), combined(2)
	k := &taker{}
	var l *Live
	cuts := 0
	k.tick = func() error {
		if l != nil && l.log != nil && l.log.ledger.Lines == 2 && cuts == 0 {
			cuts++
			if c := l.Ledger(); c.Balance() != nil || c.Skipped[capture.ReasonContinued] != 1 {
				return fmt.Errorf("ledger %+v", c)
			}
			l.Cut()
		}
		return nil
	}
	r, w := io.Pipe()
	go func() {
		for _, line := range []string{cri("stdout", "F", a) + cri("stdout", "P", b[:30]), cri("stdout", "F", b[30:]), cri("stdout", "P", b)} {
			io.WriteString(w, line)
		}
		w.Close()
	}()
	l, err := NewLive(t.Context(), r, options(t, true))
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.IsLines(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	// Recognised from what is there after a second, or at the end.
	if err := l.Recognise(nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Copy(k); err != nil {
		t.Fatal(err)
	}
	c := l.Ledger()
	if len(k.src) != 2 || k.src[1] != "stdin:3" || c.Balance() != nil || c.Bad() != 1 || c.Skipped[reasonPartial] != 1 {
		t.Errorf("requests from %v, ledger %+v", k.src, c)
	}
}

func TestExplainSplitLine(t *testing.T) {
	a, b := combined(1), combined(2)
	path := write(t, t.TempDir(), "x.log", []byte(cri("stdout", "P", a[:30])+cri("stdout", "F", a[30:])+cri("stdout", "F", b)))
	for line, want := range map[int64]string{0: "", 1: reasonPartial, 2: "", 3: ""} {
		e, _, _, err := Explain(t.Context(), []string{path}, line, options(t, true))
		if err != nil || e.Skipped != want || len(e.Wrappers) != 1 {
			t.Errorf("line %d: skipped %q, wrappers %v (%v), want %q", line, e.Skipped, e.Wrappers, err, want)
		}
	}
}

// Joining takes no memory once it has some.
func TestJoinAllocations(t *testing.T) {
	for name, lines := range map[string][]string{
		"CRI":    {cri("stdout", "P", combined(1)[:40]), cri("stdout", "F", combined(1)[40:]), cri("stderr", "F", combined(2))},
		"Docker": {docker("stdout", combined(1)[:40]), docker("stdout", combined(1)[40:]+"\n"), docker("stderr", combined(2)+"\n")},
	} {
		j := &joiner{docker: name == "Docker"}
		var in [][]byte
		for _, l := range lines {
			in = append(in, []byte(strings.TrimSuffix(l, "\n")))
		}
		if n := testing.AllocsPerRun(100, func() {
			for i, line := range in {
				if whole, err := j.join(line, int64(i)); err != nil || (whole == nil) != (i == 0) {
					t.Fatal(errors.New("not joined"))
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func FuzzJoin(f *testing.F) {
	for _, log := range []string{cri("stdout", "P", "a") + cri("stdout", "F", "b"), docker("stderr", "a") + docker("stderr", "b\n"), "\n{\"log\":\"\\\"", cri("stderr", "P", "") + "x"} {
		f.Add(log, false)
		f.Add(log, true)
	}
	f.Fuzz(func(t *testing.T, log string, docker bool) {
		j := &joiner{docker: docker}
		var given, bytes int
		lines := strings.Split(log, "\n")
		for i, line := range lines {
			whole, err := j.join([]byte(line), int64(i))
			if err != nil && len(log) <= capture.MaxLine {
				t.Fatalf("line %d: %v", i, err)
			}
			given += len(whole)
			bytes += len(line)
		}
		for _, o := range j.left() {
			given += len(o.line)
		}
		if given > bytes {
			t.Errorf("%d bytes came out of %d", given, bytes)
		}
	})
}

func mustParser(t *testing.T, line string) *accesslog.Parser {
	t.Helper()
	p, _, err := accesslog.Detect([][]byte{[]byte(strings.TrimSuffix(cri("stdout", "F", line), "\n"))}, accesslog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
