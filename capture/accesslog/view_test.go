package accesslog

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// view is one log of a campaign and what it must give.
type view struct {
	name  string
	o     Options
	lines [][]byte
	known string // Detect says so; empty: is not asked
	agent bool   // it logs the User-Agent
	host  string // of every request; empty: none is logged

	unit  time.Duration // of the durations; 0: none are logged
	basis capture.Basis
	clock time.Duration // the server's clock may be this late or early beyond the stamp's resolution
	stale time.Duration // so long it waited for a processor once, with a clock that it had read before
	heads int64         // bytes by which the wire size may differ from what was seen
	said  int64         // messages of the server itself, not-this-format
	early bool          // the first request of a connection begins when the connection does
	quiet bool          // the figures have been printed
	torn  time.Duration // by which the arrival of a head in two parts is too late
}

// check compares a log with the campaign: every request is there once with what was sent and seen, nothing else is,
// and it arrived when it was sent.
func (v *view) check(t *testing.T, c *campaign) {
	t.Helper()
	if v.o.named() {
		p, err := New(v.o)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		v.read(t, p, c)
	}
	if v.known == "" {
		return
	}
	p, note, err := Detect(v.lines, Options{})
	if err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	if v.quiet = v.o.named(); p.Name() != v.known {
		t.Errorf("%s: Detect = %s (%s), want %s", v.name, p.Name(), note, v.known)
		return
	}
	v.read(t, p, c)
}

func (v *view) read(t *testing.T, p *Parser, c *campaign) {
	t.Helper()
	if p.Basis() != v.basis {
		t.Errorf("%s: basis %s, want %s", v.name, p.Basis(), v.basis)
	}
	requests, l := tally(t, p, v.lines)
	want := map[string]*exchange{}
	refused := int64(0)
	for _, x := range c.xs {
		if x.bad || x.status == http.StatusBadRequest || x.status == 0 {
			refused++
		}
		if !x.bad {
			want[x.method+" "+x.target] = x
		}
	}
	refused++ // the connection by which background looked
	if bad := l.Skipped[reasonRequest]; bad > refused || l.Bad() != bad+v.said {
		t.Errorf("%s: skipped %v, want at most %d times %s", v.name, l.Skipped, refused, reasonRequest)
	}
	var late []time.Duration
	for _, q := range requests {
		key := string(q.Method) + " " + string(q.Target)
		x := want[key]
		if x == nil {
			t.Errorf("%s: %.200s was not sent, or came twice", v.name, show(q))
			continue
		}
		delete(want, key)
		v.compare(t, x, q)
		if x.cold {
			continue
		}
		if d := q.Time().Sub(x.begun); x.torn {
			v.logf(t, "%s: a head in two parts %s apart arrives %s late", v.name, pause, d.Round(time.Millisecond))
			v.inTime(t, x, q, p.Resolution(), v.torn)
		} else {
			v.inTime(t, x, q, p.Resolution(), 0)
			if !v.early || x.idle == 0 {
				late = append(late, d.Abs())
			}
		}
	}
	for _, x := range want {
		if x.status != http.StatusBadRequest && x.status != 0 {
			t.Errorf("%s: %s %.60q (answer %d) is not there", v.name, x.method, x.target, x.status)
		}
	}
	slices.Sort(late)
	if n := len(late); n > 0 {
		if p50, limit := late[n/2], p.Resolution()+v.clock+v.unit+busy/2; p50 > limit {
			t.Errorf("%s: arrival error p50 %s, want at most %s", v.name, p50, limit)
		}
		v.logf(t, "%s: arrival error of %d requests: p50 %s, p99 %s, max %s (resolution %s)", v.name, n,
			late[n/2].Round(10*time.Microsecond), late[n*99/100].Round(10*time.Microsecond), late[n-1].Round(10*time.Microsecond), p.Resolution())
	}
}

func (v *view) logf(t *testing.T, format string, args ...any) {
	t.Helper()
	if !v.quiet {
		t.Logf(format, args...)
	}
}

// How late a process may see what happened on a machine with other work: half of the requests, and any.
const (
	busy    = 60 * time.Millisecond
	stalled = 700 * time.Millisecond
)

func (v *view) inTime(t *testing.T, x *exchange, q *capture.Request, resolution, torn time.Duration) {
	t.Helper()
	d := q.Time().Sub(x.begun)
	// A stamp of the end is cut, and a duration may have been cut too; a start by connection time would be -pause.
	early := resolution + v.unit + v.clock + v.stale + 2*time.Millisecond
	if v.early && x.idle > 0 {
		early += x.idle + busy
	}
	// A completion is no arrival: of a head in two parts it lies behind the second one.
	exact := v.unit < time.Second && v.basis != capture.BasisCompletion
	if d < -early || d > v.clock+v.unit+torn+stalled || x.torn && torn == 0 && exact && d > pause-busy/2 {
		t.Errorf("%s: %s %.60s arrives %s after it was sent (resolution %s, clock %s)", v.name, x.method, x.target, d, resolution, v.clock)
	}
}

func (v *view) compare(t *testing.T, x *exchange, q *capture.Request) {
	t.Helper()
	if q.Status != x.status && x.status != 0 {
		t.Errorf("%s: %.60s: status %d, want %d", v.name, x.target, q.Status, x.status)
	}
	if len(q.Proto) > 0 && string(q.Proto) != x.proto {
		t.Errorf("%s: %.60s: protocol %s, want %s", v.name, x.target, q.Proto, x.proto)
	}
	if got := string(q.Header("User-Agent")); v.agent && x.agent != "-" && x.status != http.StatusBadRequest && got != x.agent {
		t.Errorf("%s: %.60s: agent %q, want %q", v.name, x.target, got, x.agent)
	}
	if v.host != "" && x.status != http.StatusBadRequest && string(q.Host) != v.host {
		t.Errorf("%s: %.60s: host %q, want %q", v.name, x.target, q.Host, v.host)
	}
	if x.method != "HEAD" && x.status != http.StatusBadRequest && q.RespSize >= 0 && q.RespSize != x.size {
		t.Errorf("%s: %.60s: size %d, want %d", v.name, x.target, q.RespSize, x.size)
	}
	if x.status != http.StatusBadRequest && q.RespWire >= 0 && abs(q.RespWire-x.wireSize) > v.heads {
		t.Errorf("%s: %s %.60s: wire size %d, want %d", v.name, x.method, x.target, q.RespWire, x.wireSize)
	}
	if len(q.Client) > 0 && string(q.Client) != "127.0.0.1" && x.user == "" {
		t.Errorf("%s: %.60s: client %q", v.name, x.target, q.Client)
	}
	if v.unit == 0 {
		return
	}
	if v.early && x.idle > 0 {
		return
	}
	took, seen := time.Duration(q.DurUS)*time.Microsecond, x.end.Sub(x.begun)
	if q.DurUS < 0 || took > seen+v.unit+v.clock+stalled {
		t.Errorf("%s: %.60s: took %s, seen %s", v.name, x.target, took, seen)
	}
	if strings.HasPrefix(x.target, "/slow") && took < slowAnswer-v.unit-v.clock {
		t.Errorf("%s: %.60s: took %s, the answer alone %s", v.name, x.target, took, slowAnswer)
	}
}
