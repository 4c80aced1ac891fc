package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// sent is one exchange as its ends sent it.
type sent struct {
	request, response string
	method, target    string
	body              string
	status            int
	respBody          string
	trailers          int
}

// exchanges are known messages of every framing. Each request names its number in its target, each response in X-Id.
func exchanges() []sent {
	text := func(n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, "line %d of HTTP/1.1 text, GET /not HTTP/1.1\r\n", i)
		}
		return b.String()[:n]
	}
	chunked := func(body string, n int) string {
		var b strings.Builder
		for len(body) > 0 {
			k := min(n, len(body))
			fmt.Fprintf(&b, "%x;ext=\"a\"\r\n%s\r\n", k, body[:k])
			body = body[k:]
		}
		return b.String() + "0\r\n"
	}
	var all []sent
	for i := range 12 {
		x := sent{method: "GET", target: fmt.Sprintf("/item/%d?q=%s", i, text(i * 7)[:i]), status: 210 + i}
		x.target = strings.ReplaceAll(x.target, " ", "+")
		fields := fmt.Sprintf("Host: shop.example\r\nX-Id: %d\r\n", i)
		respFields := fmt.Sprintf("X-Id: %d\r\n", i)
		var sentBody, sentResp string
		switch i % 4 {
		case 1:
			x.method, x.body = "POST", text(100+i)
			fields += fmt.Sprintf("Content-Length: %d\r\n", len(x.body))
			sentBody = x.body
		case 2:
			x.method, x.body = "PUT", text(90)
			fields += "Transfer-Encoding: chunked\r\n"
			sentBody = chunked(x.body, 33) + "\r\n"
		case 3:
			x.method = "HEAD"
		}
		switch {
		case x.method == "HEAD":
			respFields += "Content-Length: 5000\r\n"
		case i%3 == 0:
			x.respBody, x.trailers = text(120), 1
			respFields += "Transfer-Encoding: chunked\r\n"
			sentResp = chunked(x.respBody, 50) + "X-Sum: 1\r\n\r\n"
		case i == 8:
			x.status = 304
		default:
			x.respBody = text(60 + 10*i)
			respFields += fmt.Sprintf("Content-Length: %d\r\n", len(x.respBody))
			sentResp = x.respBody
		}
		x.request = fmt.Sprintf("%s %s HTTP/1.1\r\n%s\r\n%s", x.method, x.target, fields, sentBody)
		x.response = fmt.Sprintf("HTTP/1.1 %d Fine\r\n%s\r\n%s", x.status, respFields, sentResp)
		if i == 5 {
			x.response = "HTTP/1.1 100 Continue\r\n\r\n" + x.response
		}
		all = append(all, x)
	}
	for i := range all[1:] { // who takes the response to a HEAD for one with a body loses just the next one, and finds his way again
		if all[i].method == "HEAD" {
			all[i].response = strings.Replace(all[i].response, "5000", fmt.Sprint(len(all[i+1].response)), 1)
		}
	}
	return all
}

// packet is what one call hands over.
type packet struct {
	side, from, to int // bytes of the side's stream
	at             int64
}

// conversation is what both sides sent, in packets.
type conversation struct {
	stream  [2]string
	packets []packet
}

// say adds bytes of a side in packets of n bytes at most.
func (v *conversation) say(side int, text string, n int, at int64) {
	for len(text) > 0 {
		k := min(n, len(text))
		from := len(v.stream[side])
		v.stream[side] += text[:k]
		v.packets = append(v.packets, packet{side, from, from + k, at})
		text = text[k:]
		at += 1000
	}
}

// converse puts exchanges on a connection, depth requests at a time.
func converse(all []sent, depth, size int) *conversation {
	v := &conversation{}
	at := int64(start)
	for i := 0; i < len(all); i += depth {
		group := all[i:min(i+depth, len(all))]
		for _, x := range group {
			v.say(0, x.request, size, at)
		}
		for _, x := range group {
			v.say(1, x.response, size, at+5_000_000)
		}
		at += 10_000_000
	}
	return v
}

// give hands a conversation over, without the bytes of a side from..to, split at a byte of a side's stream.
func (v *conversation) give(conn *Conn, lost packet, split [2]int) {
	for i, p := range v.packets {
		conn.Frame = int64(i + 1)
		text := v.stream[p.side]
		keep := func(from, to int) {
			if split[p.side] > from && split[p.side] < to {
				conn.Data(p.side, p.at, []byte(text[from:split[p.side]]))
				from = split[p.side]
			}
			if from < to {
				conn.Data(p.side, p.at, []byte(text[from:to]))
			}
		}
		if lost.to <= lost.from || p.side != lost.side || p.to <= lost.from || p.from >= lost.to {
			keep(p.from, p.to)
			continue
		}
		keep(p.from, max(p.from, lost.from))
		if p.to >= lost.to { // the gap is known once something behind it came
			conn.Gap(p.side, p.at, int64(lost.to-lost.from), "lost")
			keep(lost.to, p.to)
		}
	}
	last := v.packets[len(v.packets)-1].at
	conn.End(0, last, false)
	conn.End(1, last, false)
}

// decode gives the requests of a conversation.
func (v *conversation) decode(t *testing.T, lost packet, split [2]int) ([]*capture.Request, *Tally) {
	t.Helper()
	var got []*capture.Request
	d := NewDecoder(Options{Source: "x", Emit: func(q *capture.Request) { got = append(got, q.Clone()) }})
	v.give(d.Open(testEnds), lost, split)
	checkEnd(t, d)
	return got, d.Tally()
}

// TestSplitAnywhere gives the same conversation with one more cut at every byte of each side.
func TestSplitAnywhere(t *testing.T) {
	v := converse(exchanges(), 1, 1<<20)
	for i := range v.packets { // the instants of a message are those of its packet, however it is split
		v.packets[i].at = start + int64(i)*1_000_000
	}
	whole, tally := v.decode(t, packet{}, [2]int{})
	if len(whole) != len(exchanges()) || len(tally.Skipped()) != 0 {
		t.Fatalf("%d requests, skipped %v; want %d, none", len(whole), tally.Skipped(), len(exchanges()))
	}
	want := lines(whole)
	for side := range v.stream {
		for at := range v.stream[side] {
			split := [2]int{}
			split[side] = at
			got, _ := v.decode(t, packet{}, split)
			if text := lines(got); text != want {
				t.Fatalf("side %d split at %d:\n%s\nwant\n%s", side, at, text, want)
			}
		}
	}
	var bytewise conversation
	for _, p := range v.packets {
		bytewise.say(p.side, v.stream[p.side][p.from:p.to], 1, p.at)
	}
	for i := range bytewise.packets {
		bytewise.packets[i].at = bytewise.packets[i].at / 1_000_000 * 1_000_000
	}
	got, _ := bytewise.decode(t, packet{}, [2]int{})
	for i := range got {
		got[i].Src = whole[min(i, len(whole)-1)].Src
	}
	if text := lines(got); text != want {
		t.Errorf("byte by byte:\n%s\nwant\n%s", text, want)
	}
}

func lines(qs []*capture.Request) string {
	var b []byte
	for _, q := range qs {
		b = append(q.AppendJSON(b), '\n')
	}
	return string(b)
}

// TestGapAnywhere takes bytes out of a conversation at every place. What is recovered has to be what was sent, and the
// response of each request its own.
func TestGapAnywhere(t *testing.T) {
	all := exchanges()
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for _, depth := range []int{1, 3} {
		for _, size := range []int{64, 1 << 20} {
			v := converse(all, depth, size)
			recovered, paired, runs := 0, 0, 0
			for side := range v.stream {
				for _, n := range []int{1, 9, 70, 400, 2000} {
					for from := 0; from < len(v.stream[side]); from += stride + n/40 {
						to := min(from+n, len(v.stream[side]))
						got, _ := v.decode(t, packet{side: side, from: from, to: to}, [2]int{})
						for _, q := range got {
							if err := sameAsSent(all, q); err != nil {
								t.Fatalf("depth %d, packets of %d, side %d without %d..%d: %v", depth, size, side, from, to, err)
							}
							if q.Status > 0 {
								paired++
							}
						}
						recovered += len(got)
						runs++
					}
				}
			}
			t.Logf("depth %d, packets of %d: of %d requests a run %.2f were recovered, %.2f with their response (%d runs)",
				depth, size, len(all), float64(recovered)/float64(runs), float64(paired)/float64(runs), runs)
			if 10*recovered < 6*runs*len(all) {
				t.Errorf("depth %d, packets of %d: fewer than 60%% of the requests were recovered", depth, size)
			}
		}
	}
}

// TestRandomGaps drops packets of both sides at random.
func TestRandomGaps(t *testing.T) {
	all := exchanges()
	rng := rand.New(rand.NewPCG(1, 2))
	recovered, runs := 0, 4000
	for run := range runs {
		depth := 1 + run%2*2
		v := converse(all, depth, 40+rng.IntN(200))
		var got []*capture.Request
		d := NewDecoder(Options{Emit: func(q *capture.Request) { got = append(got, q.Clone()) }})
		conn := d.Open(testEnds)
		var missing [2]int64
		share := rng.Float64() / 3
		for _, p := range v.packets {
			switch n := &missing[p.side]; {
			case rng.Float64() < share:
				*n += int64(p.to - p.from)
				continue
			case *n > 0:
				conn.Gap(p.side, p.at, *n, "lost")
				*n = 0
			}
			conn.Data(p.side, p.at, []byte(v.stream[p.side][p.from:p.to]))
		}
		for _, side := range []int{run & 1, run&1 ^ 1} {
			if missing[side] > 0 {
				conn.Gap(side, start, missing[side], "lost")
			}
			conn.End(side, start, false)
		}
		checkEnd(t, d)
		for _, q := range got {
			if err := sameAsSent(all, q); err != nil {
				t.Fatalf("run %d, depth %d, %.0f%% lost: %v", run, depth, 100*share, err)
			}
		}
		recovered += len(got)
	}
	t.Logf("%.1f of %d requests were recovered in a run", float64(recovered)/float64(runs), len(all))
}

// sameAsSent reports how a request differs from the one that was sent.
func sameAsSent(all []sent, q *capture.Request) error {
	var i int
	if _, err := fmt.Sscanf(string(q.Header("X-Id")), "%d", &i); err != nil || i >= len(all) {
		return fmt.Errorf("no such request: %s", show(q))
	}
	x := all[i]
	if string(q.Method) != x.method || string(q.Target) != x.target || len(q.Headers) != 2+btoi(x.body != "") {
		return fmt.Errorf("request %d: got %s", i, show(q))
	}
	if err := sameBody(x.body, q.Body, q.BodySize); err != nil {
		return fmt.Errorf("request %d: %v", i, err)
	}
	if q.Status == 0 {
		return nil
	}
	if id := header(q.RespHeaders, "X-Id"); q.Status != x.status || id != fmt.Sprint(i) {
		return fmt.Errorf("request %d was paired with status %d of response %s", i, q.Status, id)
	}
	if err := sameBody(x.respBody, q.RespBody, q.RespSize); err != nil {
		return fmt.Errorf("response %d: %v", i, err)
	}
	if n := len(q.Trailers); n > x.trailers {
		return fmt.Errorf("response %d has %d trailers", i, n)
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func header(hs []capture.Header, name string) string {
	for _, h := range hs {
		if string(h.Name) == name {
			return string(h.Value)
		}
	}
	return ""
}

// sameBody accepts a body that is whole, one of the true size of which a beginning is kept, and one of unknown size.
func sameBody(want string, got []byte, size int64) error {
	switch {
	case size == capture.Unknown && len(got) == 0:
	case size != int64(len(want)):
		return fmt.Errorf("size %d, want %d", size, len(want))
	case !bytes.HasPrefix([]byte(want), got):
		return fmt.Errorf("body %q, want the beginning of %q", got, want)
	}
	return nil
}
