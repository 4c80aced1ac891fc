package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/wire"
)

// sized answers a request for /N with N bytes.
func sized(w http.ResponseWriter, r *http.Request) {
	var n int64
	_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
	w.Header().Set("Content-Length", fmt.Sprint(n))
	_, _ = io.Copy(w, &pattern{size: n})
}

// Where the decoder is held up, bytes are left out and counted; what comes later on the same connection is recorded.
func TestFullTape(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(sized))
	defer up.Close()
	s := start(t, up.URL, nil)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	get := func(n int64) {
		t.Helper()
		resp, err := client.Get(fmt.Sprintf("http://%s/%d", s.Addr(), n))
		if err != nil {
			t.Fatal(err)
		}
		if err := same(resp.Body, n); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
	}
	get(10)
	waitFor(t, "the first request", func() bool { return s.shelf.isRead() && s.recorder.isDone() })
	s.recorder.mu.Lock()
	get(48 << 20)
	for range 3 {
		get(20)
	}
	if s.recorder.lost.Load() == 0 {
		t.Error("nothing was lost")
	}
	s.recorder.mu.Unlock()
	waitFor(t, "the tape to be read", s.recorder.isDone)
	for range 3 {
		get(30)
	}
	s.stop()
	if s.Ledger().LostBytes[reasonFull] == 0 {
		t.Error("no lost bytes in the ledger")
	}
	sizes := map[int64]int{}
	for _, q := range s.got {
		if want := fmt.Sprintf("/%d", q.RespSize); q.Status != 0 && q.RespSize != capture.Unknown && string(q.Target) != want {
			t.Errorf("%s has an answer of %d bytes", q.Target, q.RespSize)
		}
		sizes[q.RespSize]++
	}
	if sizes[10] != 1 || sizes[30] < 2 {
		t.Errorf("answers by their size: %v", sizes)
	}
}

// isRead reports whether nothing waits.
func (s *shelf) isRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used == 0
}

// isDone reports whether the tape was read to its end.
func (r *recorder) isDone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := true
	r.p.each(func(c *conn) { done = done && c.played == c.put.Load() })
	return done
}

// broken is a Sink on a disk that fails.
type broken struct{ memory }

var errDisk = errors.New("the disk is on fire")

func (b *broken) Write(q *capture.Request) error {
	if string(q.Target) == "/fail" {
		return errDisk
	}
	if string(q.Target) == "/mistake" {
		panic("no such thing")
	}
	if string(q.Target) == "/bad" {
		return &capture.SyntaxError{Reason: "too-long"}
	}
	return b.memory.Write(q)
}

// Where the recording fails, requests are passed on all the same, and the error comes at the end.
func TestFailedRecording(t *testing.T) {
	t.Run("disk", func(t *testing.T) { failRecording(t, "/fail", errDisk.Error(), nil) })
	t.Run("mistake in the writing", func(t *testing.T) { failRecording(t, "/mistake", "no such thing", nil) })
	t.Run("mistake in the decoding", func(t *testing.T) {
		failRecording(t, "/decode", "no such request", func(p *Proxy) {
			p.recorder.wire = wire.NewDecoder(wire.Options{Emit: func(q *capture.Request) {
				if string(q.Target) == "/decode" {
					panic("no such request")
				}
				p.shelf.put(q)
			}})
		})
	})
}

// failRecording asks for a path that the recording cannot cope with.
func failRecording(t *testing.T, path, cause string, change func(p *Proxy)) {
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	u, err := ParseUpstream(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	warned := make(chan string, 10)
	p, err := Listen(t.Context(), "127.0.0.1:0", Options{Upstream: u, Warn: func(msg string) { warned <- msg }})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	out := new(broken)
	go func() { ended <- p.Copy(ctx, out) }()
	get := func(path string) {
		t.Helper()
		resp, err := http.Get("http://" + p.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	get("/one")
	get("/bad")
	get(path)
	if msg := <-warned; !strings.Contains(msg, cause) {
		t.Errorf("warned of %q", msg)
	}
	get("/two")
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), cause) {
		t.Errorf("ended with %v", err)
	}
	if l := p.Ledger(); len(out.got) != 1 || l.Requests != 1 || l.Skipped["too-long"] != 1 {
		t.Errorf("recorded %v, skipped %v", out.got, l.Skipped)
	}
}

// roller begins another ledger with each of its calls, and lets something happen between the end of the last file and that.
type roller struct {
	p       *Proxy
	between func()
	sum     capture.Ledger
	err     error
	files   int
}

func (r *roller) Write(*capture.Request) error { return nil }

func (r *roller) Tick(time.Time) error {
	r.end()
	r.between()
	r.p.Cut()
	return nil
}

func (r *roller) end() {
	l := r.p.Ledger()
	r.err = errors.Join(r.err, l.Balance())
	r.sum.Add(&l)
	r.files++
}

// A ledger counts from the last Cut on; together the ledgers are the whole, although connections go on meanwhile.
func TestCut(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(sized))
	defer up.Close()
	u, err := ParseUpstream(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Listen(t.Context(), "127.0.0.1:0", Options{Upstream: u})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	ask := func() {
		resp, err := http.Get(fmt.Sprintf("http://%s/%d", p.Addr(), asked))
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		asked++
	}
	r := &roller{p: p}
	r.between = func() {
		if asked == 20 {
			cancel()
			return
		}
		before := p.recorder.total()
		ask()
		waitFor(t, "the request", func() bool { return p.recorder.total().Responses > before.Responses })
	}
	go func() { // the first; the others come while files end
		resp, err := http.Get(fmt.Sprintf("http://%s/1", p.Addr()))
		if err == nil {
			resp.Body.Close()
		}
	}()
	if err := p.Copy(ctx, r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.end()
	l := &r.sum
	if r.err != nil || l.PayloadBytes != p.Counts().Bytes || l.Requests != int64(asked)+1 || l.Responses != l.Requests || l.Streams != p.Counts().Connections || r.files < 3 {
		t.Errorf("%d files: %+v, want %d requests and %+v (%v)", r.files, l, asked, p.Counts(), r.err)
	}
}

// Recording costs no allocation a request once it has begun.
func TestRecordingAllocatesNothing(t *testing.T) {
	u, _ := ParseUpstream("http://127.0.0.1:1")
	p, err := Listen(t.Context(), "127.0.0.1:0", Options{Upstream: u})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	end := netip.MustParseAddrPort("192.0.2.1:1")
	c := &conn{p: p, ends: [2]netip.AddrPort{end, end}}
	request := []byte("GET /a HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	var blocks []*block
	n := testing.AllocsPerRun(1000, func() {
		c.record(clientSide, request)
		c.record(upstreamSide, answer)
		blocks, _ = p.tape.take(blocks[:0])
		for _, b := range blocks {
			p.recorder.play(b)
			p.tape.giveBack(b)
		}
		ready, _ := p.shelf.take()
		if len(ready) != 1 {
			t.Fatalf("%d requests", len(ready))
		}
		for _, r := range ready {
			p.shelf.giveBack(r)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a request, want 0", n)
	}
}

// BenchmarkRecord is what the recording of a request costs, up to the Sink.
func BenchmarkRecord(b *testing.B) {
	u, _ := ParseUpstream("http://127.0.0.1:1")
	p, err := Listen(b.Context(), "127.0.0.1:0", Options{Upstream: u})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	end := netip.MustParseAddrPort("192.0.2.1:1")
	c := &conn{p: p, ends: [2]netip.AddrPort{end, end}}
	request := []byte("GET /api/items/42?page=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1\r\nAccept: */*\r\nCookie: sid=abcdefghijkl\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + strings.Repeat("x", 100))
	b.ReportAllocs()
	b.SetBytes(int64(len(request) + len(answer)))
	var blocks []*block
	for n := 0; b.Loop(); n++ {
		c.record(clientSide, request)
		c.record(upstreamSide, answer)
		if n%100 != 0 {
			continue
		}
		blocks, _ = p.tape.take(blocks[:0])
		for _, x := range blocks {
			p.recorder.play(x)
			p.tape.giveBack(x)
		}
		ready, _ := p.shelf.take()
		for _, r := range ready {
			p.shelf.giveBack(r)
		}
	}
}
