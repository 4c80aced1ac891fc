package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

// taker is a Sink that keeps what it is given, and when.
type taker struct {
	src   []string
	at    []time.Duration
	began time.Time
	ticks int
	tick  func() error
}

func (k *taker) Write(q *capture.Request) error {
	k.src = append(k.src, string(q.Src))
	k.at = append(k.at, time.Since(k.began))
	return nil
}

func (k *taker) Tick(time.Time) error {
	k.ticks++
	if k.tick == nil {
		return nil
	}
	return k.tick()
}

func liveLine(n int) string {
	return fmt.Sprintf("10.0.0.1 - - [23/Nov/2026:14:00:%02d +0000] \"GET /a/%d HTTP/1.1\" 200 12 \"-\" \"curl/8\"\n", n%60, n)
}

// follow reads what write writes into a pipe.
func follow(t *testing.T, ctx context.Context, k *taker, waiting func(error), write func(w io.Writer)) (*Live, error) {
	t.Helper()
	r, w := io.Pipe()
	go func() {
		write(w)
		w.Close()
	}()
	l, err := NewLive(ctx, r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.IsLines(); err != nil || !ok {
		return l, errors.Join(errors.New("no lines"), err)
	}
	if err := l.Recognise(waiting); err != nil {
		return l, err
	}
	k.began = time.Now()
	return l, l.Copy(k)
}

// One line is enough to decide after a second; then every line is given as it comes, and ticks go on meanwhile.
func TestLiveSlowStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		k := &taker{}
		l, err := follow(t, ctx, k, nil, func(w io.Writer) {
			time.Sleep(time.Minute)
			for i := range 3 {
				io.WriteString(w, liveLine(i)[:50])
				io.WriteString(w, liveLine(i)[50:])
				time.Sleep(10 * time.Second)
			}
		})
		if err != nil || len(k.src) != 3 || k.src[2] != "stdin:3" {
			t.Fatalf("requests %v (%v), want three", k.src, err)
		}
		if d := k.began.Sub(began); d != time.Minute+time.Second {
			t.Errorf("recognised after %v, want a second after the first line", d)
		}
		if k.at[0] != 0 || k.at[1] != 9*time.Second || k.at[2] != 19*time.Second {
			t.Errorf("requests given at %v, want each as it was written", k.at)
		}
		if k.ticks < 29 {
			t.Errorf("%d ticks in half a minute, want one a second", k.ticks)
		}
		if c := l.Ledger(); c.Balance() != nil || c.Lines != 3 || c.Format != "combined" || c.SHA256 == "" {
			t.Errorf("ledger %+v", c)
		}
	})
}

// What is not recognised is waited for, said once, and given up at the end of the stream or 64 KiB.
func TestLiveUnknownFormat(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(w io.Writer)
		err   error
		told  int
	}{
		{"odd lines first", func(w io.Writer) {
			io.WriteString(w, "something that is no request at all\n")
			time.Sleep(5 * time.Second)
			io.WriteString(w, liveLine(1)+liveLine(2))
			time.Sleep(5 * time.Second)
		}, nil, 1},
		{"no log", func(w io.Writer) {
			for range 5 {
				io.WriteString(w, "something that is no request at all\n")
				time.Sleep(2 * time.Second)
			}
		}, accesslog.ErrUnknown, 1},
		{"no log that never ends", func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("something that is no request at all\n", 100))
			}
		}, accesslog.ErrUnknown, 0},
		{"no line that never ends", func(w io.Writer) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("something ", 1000))
			}
		}, accesslog.ErrUnknown, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				told := 0
				r, w := io.Pipe()
				go func() {
					test.write(w)
					w.Close()
				}()
				defer r.Close()
				l, err := NewLive(ctx, r, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if ok, err := l.IsLines(); !ok || err != nil {
					t.Fatalf("IsLines = %v, %v", ok, err)
				}
				k := &taker{}
				if err = l.Recognise(func(error) { told++ }); err == nil {
					err = l.Copy(k)
				}
				if !errors.Is(err, test.err) || told != test.told {
					t.Errorf("error %v, told %d times, want %v and %d", err, told, test.err, test.told)
				}
				if c := l.Ledger(); test.err == nil && (c.Requests != 2 || c.Lines != 3 || c.Balance() != nil) {
					t.Errorf("ledger %+v, want the odd line in it", c)
				}
			})
		})
	}
}

// An interrupt ends the reading of a silent stream at once.
func TestLiveInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("interrupted")
		r, w := io.Pipe()
		defer r.Close()
		go func() {
			io.WriteString(w, liveLine(1)+liveLine(2)+"10.0.0.1 - - [23/No")
			time.Sleep(10 * time.Second)
			cancel(why)
		}()
		l, err := NewLive(ctx, r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Recognise(nil); err != nil {
			t.Fatal(err)
		}
		k := &taker{}
		if err := l.Copy(k); !errors.Is(err, why) || len(k.src) != 2 {
			t.Errorf("Copy = %v after %d requests, want the cause and 2", err, len(k.src))
		}
		if c := l.Ledger(); c.Lines != 2 || c.Balance() != nil {
			t.Errorf("ledger %+v, want the two whole lines", c)
		}
	})
}

// Ledgers of consecutive files balance each, add up, and lines keep their numbers.
func TestLiveCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var l *Live
		var sum, bytes int64
		k := &taker{}
		k.tick = func() error {
			c := l.Ledger()
			if err := c.Balance(); err != nil {
				return err
			}
			sum, bytes = sum+c.Lines, bytes+c.Bytes
			l.Cut()
			return nil
		}
		r, w := io.Pipe()
		var all strings.Builder
		go func() {
			for i := range 20 {
				line := liveLine(i)
				if i%5 == 4 {
					line = "nonsense\n"
				}
				all.WriteString(line)
				io.WriteString(w, line)
				time.Sleep(700 * time.Millisecond)
			}
			w.Close()
		}()
		l, err := NewLive(ctx, r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Recognise(nil); err != nil {
			t.Fatal(err)
		}
		l.Ledger() // makes the log that tick needs
		if err := l.Copy(k); err != nil {
			t.Fatal(err)
		}
		c := l.Ledger()
		if sum += c.Lines; sum != 20 || bytes+c.Bytes != int64(all.Len()) || c.SHA256 != "" {
			t.Errorf("%d lines and %d bytes in all ledgers, want 20 and %d", sum, bytes+c.Bytes, all.Len())
		}
		if k.src[len(k.src)-1] != "stdin:19" || len(k.src) != 16 {
			t.Errorf("%d requests, the last from %s, want 16 and stdin:19", len(k.src), k.src[len(k.src)-1])
		}
	})
}

// What has an end is left to an import, from its first byte.
func TestLiveLeavesTheRest(t *testing.T) {
	for name, text := range map[string]string{
		"gzip": "\x1f\x8b\x08" + strings.Repeat("x", 100), "UTF-16": "\xff\xfe1\x000\x00" + strings.Repeat("x\x00", 100),
	} {
		l, err := NewLive(t.Context(), strings.NewReader(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ok, err := l.IsLines()
		if ok || err != nil {
			t.Errorf("%s: IsLines = %v, %v", name, ok, err)
		}
		if b, err := io.ReadAll(l); string(b) != text || err != nil {
			t.Errorf("%s: %q is left (%v)", name, b, err)
		}
	}
}

// liveCapture writes the lines from to to as a part of a live capture, each on its own connection modulo 3, and cuts bytes off its end.
func liveCapture(t *testing.T, path string, part, from, to, cut int) {
	t.Helper()
	ledger := capture.Ledger{Name: "stdin", Format: "nginx-json", Basis: capture.BasisEndMinusDuration, Resolution: "1ms"}
	w, err := capture.Create(path, capture.WriterOptions{Live: true, Series: "s", Part: part, Ledgers: func() []capture.Ledger { return []capture.Ledger{ledger} }})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_770_000_000, 0)
	for i := from; i < to; i++ {
		var q capture.Request
		q.Reset()
		q.At, q.Conn, q.Target, q.Method = now.UnixNano()+int64(i)*1e6, int64(1+i%3), fmt.Appendf(nil, "/%d", i), []byte("GET")
		if err := w.Write(&q); err != nil {
			t.Fatal(err)
		}
		ledger.Lines, ledger.Requests = ledger.Lines+1, ledger.Requests+1
		if err := w.Flush(now.Add(time.Duration(i) * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	w.SetSources([]capture.Ledger{ledger})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if cut == 0 {
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-cut], 0o600); err != nil {
		t.Fatal(err)
	}
}

// The files of one live capture read as one: connections go on. The last may be torn, and is warned of.
func TestSeriesReadsAsOne(t *testing.T) {
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "c.cap.zst.part"), filepath.Join(dir, "a.cap.zst"), filepath.Join(dir, "b.cap.zst")}
	liveCapture(t, names[1], 1, 0, 10, 0)
	liveCapture(t, names[2], 2, 10, 20, 0)
	liveCapture(t, names[0], 3, 20, 80, 900)
	s, err := Open(t.Context(), names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var q capture.Request
	n := 0
	for ; ; n++ {
		if err = s.Next(&q); err != nil {
			break
		}
		if string(q.Target) != fmt.Sprintf("/%d", n) || q.Conn != int64(1+n%3) {
			t.Fatalf("request %d is %s on connection %d, want connection %d", n, q.Target, q.Conn, 1+n%3)
		}
	}
	if err != io.EOF || n < 50 || n >= 80 {
		t.Errorf("%d requests (%v), want those of all files but for the end", n, err)
	}
	ls := s.Ledgers()
	if len(ls) != 3 || len(s.Warnings()) != 1 || !strings.Contains(s.Warnings()[0], "c.cap.zst.part: torn, or still being written") {
		t.Fatalf("%d ledgers, warnings %q, want 3 and one of the torn file", len(ls), s.Warnings())
	}
	var sum int64
	for i := range ls {
		if err := ls[i].Balance(); err != nil || ls[i].Resolution != "1ms" || ls[i].Basis != capture.BasisEndMinusDuration {
			t.Errorf("ledger %+v: %v, want what the checkpoint says of the stamps", ls[i], err)
		}
		sum += ls[i].Requests
	}
	if sum != int64(n) || ls[2].Skipped["torn"] > 1 {
		t.Errorf("ledgers hold %d requests, %d were read; the torn one %+v", sum, n, ls[2])
	}
}
