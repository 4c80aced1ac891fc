package accesslog

import (
	"fmt"
	"time"
)

// HAProxy's timers, in milliseconds (Configuration Manual, section 8.4): a request on a connection goes through
//
//	Th handshakes, Ti idle, TR receiving the head, Tw in queues, Tc connecting, Tr waiting for the answer, Td data
//
// Tq = Th+Ti+TR, Ta = TR+Tw+Tc+Tr+Td, Tt = Th+Ti+Ta. -1 is not reached; +n was logged before the end.
const (
	timerTh uint8 = iota + 1
	timerTi
	timerTR
	timerTq
	timerTw
	timerTc
	timerTr
	timerTa
	timerTt
	timerTd
	timerTu
	timersEnd
)

func timerNamed(name string) uint8 {
	for i, n := range [timersEnd]string{"", "Th", "Ti", "TR", "Tq", "Tw", "Tc", "Tr", "Ta", "Tt", "Td", "Tu"} {
		if n == name {
			return uint8(i)
		}
	}
	return 0
}

// timers are the times of a line plus 1, so that 0 is unknown.
type timers [timersEnd]int64

func (t *timers) known(i uint8) bool { return t[i] > 0 }

// ns is timer i in nanoseconds, 0 where it is unknown.
func (t *timers) ns(i uint8) int64 { return max(t[i]-1, 0) * millisecond }

// timer takes one timer of the line.
func (p *Parser) timer(s *step, v []byte) bool {
	open := v[0] == '+'
	if open {
		v = v[1:]
	}
	if len(v) == 2 && v[0] == '-' && v[1] == '1' {
		return true
	}
	n, ok := integer(v)
	if !ok || n > maxDuration/millisecond {
		return p.fail(reasonNumber, v, "not a timer")
	}
	if !open {
		p.rec.timers[s.rank] = n + 1
	}
	return true
}

// idle is the time from the accept to the first byte of the request, and whether it is known or, with a stamp of the
// accept, need not be.
func (t *timers) idle(accepts bool) (ns int64, knows bool) {
	switch {
	case t.known(timerTi):
		return t.ns(timerTh) + t.ns(timerTi), true
	case t.known(timerTq):
		return t.ns(timerTq) - min(t.ns(timerTq), t.ns(timerTR)), true // without TR: until all of the head was there
	}
	return 0, accepts
}

// elapse makes the arrival and the durations of the timers. accepts: the stamp is that of the connection, or on a
// connection that was used before the end of the request before; so the wait for the request comes first.
func (r *record) elapse(accepts bool) {
	t := &r.timers
	idle, knows := t.idle(accepts)
	if accepts {
		r.stamp += idle
	}
	switch {
	case t.known(timerTa):
		r.dur = t.ns(timerTa)
	case t.known(timerTt) && knows:
		r.dur = max(t.ns(timerTt)-idle, 0)
	}
	if t.known(timerTr) && t.known(timerTc) {
		r.first = t.ns(timerTR) + t.ns(timerTw) + t.ns(timerTc) + t.ns(timerTr)
	}
}

// haproxy17 is when the first HAProxy appeared whose httplog has the stamp and the time of the request, not of the
// connection (1.7.0, 25 November 2016).
var haproxy17 = time.Date(2016, time.November, 25, 0, 0, 0, 0, time.UTC)

// haproxy tells the httplog of HAProxy 1.7 and newer from that of older ones, which looks the same. The head of a
// request hardly takes a second to come; the wait for one on an open connection often does.
func (t *trial) haproxy() {
	long, last := 0, int64(0)
	for _, o := range t.lines {
		if o.wait >= second {
			long++
		}
		last = max(last, o.stamp)
	}
	why := ""
	switch {
	case len(t.lines) > 0 && last < haproxy17.UnixNano():
		why = "the lines are older than HAProxy 1.7"
	case 5*long > len(t.lines):
		why = fmt.Sprintf("the first timer is a second or more in %d of %d lines", long, len(t.lines))
	default:
		return
	}
	f, err := compileHAProxy(haproxyOld + haproxyTail)
	if err != nil {
		return // a test compiles every preset
	}
	t.p.name, t.p.f = haproxyOfOld, f
	for i := range t.lines {
		o := &t.lines[i]
		o.stamp += o.wait
	}
	t.note("%s: stamps are taken as those of connections, and the requests as having arrived when the first timer (Tq) ended", why)
}
