package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"trafficreplay/capture"
)

// h2Sent is an exchange of these tests; its number is in the path.
type h2Sent struct {
	method, path, body, respBody string
	status, trailers             int
	extra                        string // a request header whose value differs each time
}

func h2Exchanges(n int) []h2Sent {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]h2Sent, n)
	for i := range all {
		x := h2Sent{method: "GET", path: fmt.Sprintf("/%d/%s", i, repeat("p", i%40)), status: 200 + i%7, extra: fmt.Sprintf("v%d-%d", i, r.IntN(5))}
		if x.status == 204 || x.status == 205 {
			x.status = 418
		}
		switch i % 4 {
		case 1:
			x.method, x.body = "POST", randomText(r, r.IntN(500))
		case 2:
			x.method, x.body = "PUT", randomText(r, 3000+r.IntN(40_000))
		}
		switch i % 5 {
		case 1, 2:
			x.respBody = randomText(r, r.IntN(900))
		case 3:
			x.respBody, x.trailers = randomText(r, 70_000), 1
		}
		all[i] = x
	}
	return all
}

// randomText is n bytes of what bodies hold: text, and numbers with many zeros, which look like the heads of frames.
func randomText(r *rand.Rand, n int) string {
	b := make([]byte, 0, n+20)
	for len(b) < n {
		switch r.IntN(3) {
		case 0:
			b = append(b, 0, 0, byte(r.IntN(32)), byte(r.IntN(10)), byte(r.IntN(2)), 0, 0, 0, byte(r.IntN(8)))
		case 1:
			b = append(b, byte(r.IntN(256)))
		default:
			b = append(b, "text of no meaning\r\n"...)
		}
	}
	return string(b[:n])
}

// serve answers what an exchange says.
func serve(all []h2Sent) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var i int
		fmt.Sscanf(r.URL.Path, "/%d/", &i)
		x := all[i]
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Id", fmt.Sprint(i))
		if x.trailers > 0 {
			w.Header().Set("Trailer", "X-Sum")
		}
		if i%6 == 0 {
			w.Header().Set("Link", "</style.css>")
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.WriteHeader(x.status)
		io.WriteString(w, x.respBody)
		if x.trailers > 0 {
			w.Header().Set("X-Sum", fmt.Sprint(i))
		}
	}
}

// recordH2 has a client of net/http make all exchanges, so many at a time.
func recordH2(t testing.TB, all []h2Sent, atATime int) []*conversation {
	t.Helper()
	url, client, recorded := h2Server(t, serve(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atATime)
	for i, x := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			q, _ := http.NewRequest(x.method, url+x.path, strings.NewReader(x.body))
			q.Header.Set("X-Id", fmt.Sprint(i))
			q.Header.Set("X-Extra", x.extra)
			q.Header["Cookie"] = []string{"a=1", "b=2"}
			resp, err := client.Do(q)
			if err != nil {
				t.Errorf("request %d: %v", i, err)
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != x.respBody {
				t.Errorf("response %d: %d bytes, %v", i, len(b), err)
			}
		})
	}
	wg.Wait()
	return recorded.stop(client)
}

// sameAsH2 reports how a recovered request differs from what was sent.
func sameAsH2(all []h2Sent, q *capture.Request, whole bool) error {
	var i int
	if _, err := fmt.Sscanf(string(q.Target), "/%d/", &i); err != nil || i >= len(all) {
		return fmt.Errorf("no such request: %.200s", show(q))
	}
	x := all[i]
	wrong := func(what string, got, want any) error {
		return fmt.Errorf("request %d: %s %v, want %v", i, what, got, want)
	}
	if string(q.Method) != x.method || string(q.Target) != x.path || string(q.Proto) != "HTTP/2.0" || string(q.Scheme) != "http" {
		return wrong("line", show(q), x)
	}
	if whole && len(q.Host) == 0 || len(q.Host) > 0 && !bytes.HasPrefix(q.Host, []byte("127.0.0.1:")) {
		return wrong("host", string(q.Host), "127.0.0.1")
	}
	for name, want := range map[string]string{"x-id": fmt.Sprint(i), "x-extra": x.extra, "cookie": "a=1; b=2"} {
		if got := header(q.Headers, name); got != want && (whole || got != "") {
			return wrong(name, got, want)
		}
	}
	if err := sameBody(x.body, q.Body, q.BodySize); err != nil {
		return wrong("body", err, "")
	}
	if whole && (q.BodySize != int64(len(x.body)) || q.Status != x.status || q.RespSize != int64(len(x.respBody)) || len(q.Trailers) != x.trailers) {
		return wrong("answer", show(q)[:100], x.status)
	}
	if q.Status == 0 {
		return nil
	}
	if got := header(q.RespHeaders, "x-id"); q.Status != x.status || got != fmt.Sprint(i) && (whole || got != "") {
		return wrong("status", fmt.Sprint(q.Status, " of ", got), x.status)
	}
	if err := sameBody(x.respBody, q.RespBody, q.RespSize); err != nil {
		return wrong("response", err, "")
	}
	if got := header(q.Trailers, "x-sum"); len(q.Trailers) > x.trailers || got != "" && got != fmt.Sprint(i) {
		return wrong("trailers", q.Trailers, i)
	}
	return nil
}

// TestHTTP2Loopback holds what is recovered against what a client and a server of net/http did.
func TestHTTP2Loopback(t *testing.T) {
	all := h2Exchanges(60)
	for _, atATime := range []int{1, 20} {
		requests := 0
		for _, v := range recordH2(t, all, atATime) {
			got, tally := v.decode(t, packet{}, [2]int{})
			for _, q := range got {
				if err := sameAsH2(all, q, true); err != nil {
					t.Errorf("%d at a time: %v", atATime, err)
				}
				if q.FirstUS < 0 || q.DurUS < q.FirstUS || q.RespWire <= q.RespSize {
					t.Errorf("first byte after %d µs, last after %d, %d bytes on the wire for %d", q.FirstUS, q.DurUS, q.RespWire, q.RespSize)
				}
			}
			requests += len(got)
			skipped := tally.Skipped()
			delete(skipped, "http2-control")
			if len(skipped) > 0 || tally.Streams()["http2"] != 1 || tally.Responses != int64(len(got)) || tally.Interim != 10 {
				t.Errorf("%d at a time: skipped %v, streams %v, %d responses, %d interim", atATime, skipped, tally.Streams(), tally.Responses, tally.Interim)
			}
		}
		if requests != len(all) {
			t.Errorf("%d at a time: %d requests, want %d", atATime, requests, len(all))
		}
	}
}

// TestHTTP2Reset has clients that stop listening and servers that give up.
func TestHTTP2Reset(t *testing.T) {
	begun := make(chan struct{}, 1)
	url, client, recorded := h2Server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			begun <- struct{}{}
			<-r.Context().Done()
		case "/half":
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	q, _ := http.NewRequestWithContext(ctx, "GET", url+"/silent", nil)
	if _, err := client.Do(q); !errors.Is(err, context.Canceled) {
		t.Errorf("silent: %v", err)
	}
	resp, err := client.Get(url + "/half")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err == nil || string(b) != "half" {
		t.Errorf("half: %q, %v", b, err)
	}
	resp.Body.Close()
	var lines []string
	for _, v := range recorded.stop(client) {
		got, _ := v.decode(t, packet{}, [2]int{})
		for _, q := range got {
			lines = append(lines, fmt.Sprintf("%s -> %d %s/%d", q.Target, q.Status, q.RespBody, q.RespSize))
		}
	}
	slices.Sort(lines)
	if want := []string{"/half -> 200 half/4", "/silent -> 0 /-1"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// TestHTTP2EnteredAnywhere enters a recorded connection at every eleventh byte of each side. Of the requests that began after it, those
// that refer to nothing before it can be recovered. (PUT is not in the static table: no later one says it again.)
func TestHTTP2EnteredAnywhere(t *testing.T) {
	all := h2Exchanges(40)
	for i := range all { // every byte of the bodies need not be tried
		all[i].body, all[i].respBody = all[i].body[:min(len(all[i].body), 700)], all[i].respBody[:min(len(all[i].respBody), 900)]
	}
	for _, atATime := range []int{1, 8} {
		v := recordH2(t, all, atATime)[0]
		places := whereAsked(t, v)
		for side := range v.stream {
			runs, recovered, answered, possible, worst := 0, 0, 0, 0, 0
			step := 11
			if testing.Short() {
				step = 31
			}
			for at := 1; at < len(v.stream[side]); at += step {
				cut, from := v.enterAt(side, at)
				if len(cut.packets) == 0 {
					continue
				}
				got, _ := cut.decode(t, packet{}, [2]int{})
				for _, q := range got {
					if err := sameAsH2(all, q, false); err != nil {
						t.Fatalf("%d at a time, entered at byte %d of side %d: %v", atATime, at, side, err)
					}
					if q.Status > 0 {
						answered++
					}
				}
				missing := 0
				for i, place := range places {
					if place >= from[0] && all[i].method != "PUT" {
						missing++
					}
				}
				runs++
				possible += missing
				for _, q := range got {
					if string(q.Method) != "PUT" {
						recovered++
						missing--
					}
				}
				worst = max(worst, missing)
			}
			t.Logf("%d at a time, side %d: %d of %d requests were recovered, %d with their response (%d runs; %d missing in the worst)",
				atATime, side, recovered, possible, answered, runs, worst)
			switch {
			case side == 1 && worst > 1:
				t.Errorf("%d at a time: %d requests missing where the client is entered between two packets, want 1 at most", atATime, worst)
			case float64(recovered) < 0.85*float64(possible):
				t.Errorf("%d at a time: fewer than 85%% of the requests were recovered", atATime)
			}
		}
	}
}

// TestHTTP2GapAnywhere takes bytes out of a recorded connection.
func TestHTTP2GapAnywhere(t *testing.T) {
	all := h2Exchanges(40)
	for _, atATime := range []int{1, 8} {
		v := recordH2(t, all, atATime)[0]
		runs, recovered, answered := 0, 0, 0
		for side := range v.stream {
			for _, n := range []int{1, 9, 70, 1448, 20_000} {
				step := 1 + len(v.stream[side])/90
				if testing.Short() {
					step *= 5
				}
				for from := 0; from < len(v.stream[side]); from += step {
					to := min(from+n, len(v.stream[side]))
					got, _ := v.decode(t, packet{side: side, from: from, to: to}, [2]int{})
					for _, q := range got {
						if err := sameAsH2(all, q, false); err != nil {
							t.Fatalf("%d at a time, side %d without %d..%d: %v", atATime, side, from, to, err)
						}
						if q.Status > 0 {
							answered++
						}
					}
					runs++
					recovered += len(got)
				}
			}
		}
		possible := float64(runs * len(all))
		t.Logf("%d at a time: %.1f%% of the requests were recovered, %.1f%% with their response (%d runs)",
			atATime, 100*float64(recovered)/possible, 100*float64(answered)/possible, runs)
		if float64(recovered) < 0.9*possible {
			t.Errorf("%d at a time: fewer than 90%% of the requests were recovered", atATime)
		}
	}
}

// TestHTTP2InBodies enters a connection at every fourth packet whose bodies are themselves what clients of HTTP/2 sent, as a recording of
// traffic holds it that somebody uploads. (None ends with a whole frame: then nothing tells it from the connection.)
func TestHTTP2InBodies(t *testing.T) {
	inner := newPeer(0)
	var text strings.Builder
	for i := range 400 {
		text.WriteString(inner.headers(uint32(2*i+1), i%2 == 0, ":method=GET", ":scheme=http", ":authority=inner", fmt.Sprintf(":path=/inner/%d", i)).text)
		if i%2 == 1 {
			text.WriteString(inner.data(uint32(2*i+1), true, repeat("b", i)).text)
		}
	}
	all := h2Exchanges(9)
	for i := range all {
		all[i].method, all[i].body, all[i].respBody = "POST", text.String()[:3000*i], text.String()[200*i:text.Len()-5]
	}
	v := recordH2(t, all, 1)[0]
	runs, wrong, recovered := 0, 0, 0
	for i, p := range v.packets {
		if i%4 != 0 || testing.Short() && i%20 != 0 {
			continue
		}
		cut, _ := v.enterAt(p.side, p.from)
		got, _ := cut.decode(t, packet{}, [2]int{})
		runs++
		recovered += len(got)
		for _, q := range got {
			if err := sameAsH2(all, q, false); err != nil {
				wrong++
				if wrong < 4 {
					t.Errorf("entered at packet %d: %v", i, err)
				}
			}
		}
	}
	t.Logf("%d runs, %d requests recovered, %d wrong", runs, recovered, wrong)
	if recovered < 2*runs {
		t.Errorf("%d requests were recovered in %d runs, want 2 a run", recovered, runs)
	}
}
