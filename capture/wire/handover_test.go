package wire

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"trafficreplay/capture"
)

// handOver gives a conversation as reassembly does that waits for lost packets: side behind comes up to lag packets later than it was
// sent, and a share of the packets not at all.
func (v *conversation) handOver(conn *Conn, rng *rand.Rand, behind, lag int, share float64) {
	var missing [2]int64
	var queue [2][]packet
	for _, p := range v.packets {
		queue[p.side] = append(queue[p.side], p)
	}
	for len(queue[0])+len(queue[1]) > 0 {
		late, early := queue[behind], queue[behind^1]
		side := behind
		if len(late) == 0 || len(early) > 0 && (early[0].at < late[0].at || rng.IntN(3) > 0 && early[0].at < late[0].at+int64(lag)*1_000_000) {
			side = behind ^ 1
		}
		p := queue[side][0]
		queue[side] = queue[side][1:]
		n := &missing[side]
		if rng.Float64() < share {
			*n += int64(p.to - p.from)
			continue
		}
		if *n > 0 {
			conn.Gap(side, p.at, *n, "lost")
			*n = 0
		}
		conn.Data(side, p.at, []byte(v.stream[side][p.from:p.to]))
	}
	last := v.packets[len(v.packets)-1].at
	for side, n := range missing {
		if n > 0 {
			conn.Gap(side, last, n, "lost")
		}
		conn.End(side, last, false)
	}
}

// TestHandOver has one side handed over later than the other, with and without losses, of clients that wait for each response and of
// such that do not. What is paired has to belong together.
func TestHandOver(t *testing.T) {
	all := exchanges()
	rng := rand.New(rand.NewPCG(3, 4))
	runs := 12_000
	if testing.Short() {
		runs = 2000
	}
	requests, paired := 0, 0
	for run := range runs {
		depth, lag, share := 1+run%2*2, rng.IntN(200), 0.0
		if run%3 == 0 {
			lag = rng.IntN(5)
		}
		if run%4 >= 2 {
			share = rng.Float64() / 5
		}
		v := converse(all, depth, 40+rng.IntN(200))
		for i := range v.packets {
			v.packets[i].at = start + int64(i)*1_000_000
		}
		d := NewDecoder(Options{Emit: func(q *capture.Request) {
			if err := sameAsSent(all, q); err != nil {
				t.Errorf("run %d, depth %d, lag %d, %.0f%% lost: %v", run, depth, lag, 100*share, err)
			}
			requests++
			paired += btoi(q.Status > 0)
		}})
		v.handOver(d.Open(testEnds), rng, run/4%2, lag, share)
		checkEnd(t, d)
		if t.Failed() {
			return
		}
	}
	t.Logf("of %d requests %d were recovered, %d with their response", runs*len(all), requests, paired)
	if 100*paired < 70*runs*len(all) {
		t.Error("fewer than 70% with their response")
	}
}

// TestFarBehind hands a request over behind more of its response than is held. It goes without one, and those behind it get their own.
func TestFarBehind(t *testing.T) {
	var got []string
	d := NewDecoder(Options{Emit: func(q *capture.Request) { got = append(got, fmt.Sprintf("%s %d", q.Target, q.Status)) }})
	conn := d.Open(testEnds)
	ask := func(i int) []byte { return fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i) }
	answer := func(i, n int) []byte {
		return fmt.Appendf(nil, "HTTP/1.1 20%d OK\r\nContent-Length: %d\r\n\r\n%s", i, n, repeat("x", n))
	}
	for _, p := range []struct {
		side int
		at   int64
		text []byte
	}{
		{0, 0, ask(0)}, {1, 1, answer(0, 5)}, {1, 3, answer(1, maxHeld)[:20]}, {1, 3, answer(1, maxHeld)[20:]}, {0, 2, ask(1)},
		{0, 4, ask(2)}, {1, 5, answer(2, 6)}, {0, 6, ask(3)}, {1, 7, answer(3, 7)},
	} {
		conn.Data(p.side, start+p.at, p.text)
	}
	conn.End(0, start+8, false)
	conn.End(1, start+8, false)
	checkEnd(t, d)
	if text := fmt.Sprint(got); text != "[/0 200 /1 0 /2 202 /3 203]" {
		t.Errorf("got %s", text)
	}
}
