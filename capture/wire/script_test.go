package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// piece is one call of a test: what a side sent, or lost.
type piece struct {
	side int
	text string
	gap  int64 // bytes lost, if text is empty
	end  bool  // the side was torn down
}

func c(text string) piece { return piece{side: 0, text: text} }
func s(text string) piece { return piece{side: 1, text: text} }

// lose is a gap of n bytes of a side.
func lose(side int, n int64) piece { return piece{side: side, gap: n} }

// start is the instant of the first piece; each comes a millisecond after the one before it.
const start = 1_700_000_000_000_000_000

var testEnds = [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:40001"), netip.MustParseAddrPort("[2001:db8::1]:80")}

// run gives pieces to a connection and returns its requests as text, one a line each, and its tally.
func run(t testing.TB, o Options, pieces ...piece) ([]*capture.Request, *Tally) {
	t.Helper()
	var got []*capture.Request
	o.Emit = func(q *capture.Request) {
		if err := q.CheckLimits(); err != nil {
			t.Errorf("request above a limit: %v", err)
		}
		got = append(got, q.Clone())
	}
	d := NewDecoder(o)
	conn := d.Open(testEnds)
	at := int64(start)
	for i, p := range pieces {
		conn.Frame = int64(i + 1)
		switch {
		case p.end:
			conn.End(p.side, at, true)
		case p.text == "":
			conn.Gap(p.side, at, p.gap, "lost")
		default:
			conn.Data(p.side, at, []byte(p.text))
		}
		at += 1_000_000
	}
	conn.End(0, at, false)
	conn.End(1, at, false)
	checkEnd(t, d)
	return got, d.Tally()
}

// checkEnd checks what has to hold once all connections have ended.
func checkEnd(t testing.TB, d *Decoder) {
	t.Helper()
	tally := d.Tally()
	if err := tally.Balance(); err != nil {
		t.Errorf("tally: %v: %+v", err, *tally)
	}
	if tally.Responses != tally.Requests-tally.Unanswered {
		t.Errorf("%d requests, %d of them without a response, but %d responses", tally.Requests, tally.Unanswered, tally.Responses)
	}
	if d.pool.lent+d.pool.small != 0 {
		t.Errorf("%d bytes of buffers are still lent", d.pool.lent+d.pool.small)
	}
}

// show is a request as text.
func show(q *capture.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s %s", q.Method, q.Host, q.Target, q.Proto)
	if q.BodySize != 0 {
		fmt.Fprintf(&b, " body=%s/%d", q.Body, q.BodySize)
	}
	fmt.Fprintf(&b, " -> %d", q.Status)
	if q.Status != 0 && (q.RespSize != 0 || len(q.RespBody) > 0) {
		fmt.Fprintf(&b, " %s/%d", q.RespBody, q.RespSize)
	}
	for _, h := range q.Trailers {
		fmt.Fprintf(&b, " %s=%s", h.Name, h.Value)
	}
	for _, m := range q.Messages {
		fmt.Fprintf(&b, " [%c %s %s]", m.Dir, m.Op, m.Data)
	}
	return b.String()
}

// shown is requests as text, and what was skipped.
func shown(qs []*capture.Request, t *Tally) string {
	var lines []string
	for _, q := range qs {
		lines = append(lines, show(q))
	}
	var skips []string
	for i, n := range t.skipped {
		if n > 0 {
			skips = append(skips, fmt.Sprintf("%s %d", reasonNames[i], n))
		}
	}
	if len(skips) > 0 {
		lines = append(lines, "skipped "+strings.Join(skips, ", "))
	}
	return strings.Join(lines, "\n")
}

func repeat(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }
