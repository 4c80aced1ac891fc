package accesslog

import (
	"bytes"

	"trafficreplay/capture"
)

// escape is how a format writes what cannot stand in its values.
type escape uint8

const (
	backslashes   escape = iota
	literally            // as it is
	pluses               // a blank as +, and a plus as itself
	plusAfter            // a blank as + behind a semicolon only: cookies
	percents             // %20 for a blank, and %25 for a percent sign
	percentsTwice        // likewise, done twice where the percent sign was encoded again: %2520
	percentOnce          // only the percent sign: %2520 for %20
)

// decode undoes the escapes of v.
func (p *Parser) decode(e escape, v []byte) []byte {
	telling := byte('%')
	switch e {
	case literally:
		return v
	case pluses, plusAfter:
		telling = '+'
	}
	if bytes.IndexByte(v, telling) < 0 {
		return v
	}
	p.reserve(len(v))
	n := len(p.arena)
	switch e {
	case pluses, plusAfter:
		p.arena = append(p.arena, v...)
		for i, c := range v {
			if c == '+' && (e == pluses || i > 0 && v[i-1] == ';') {
				p.arena[n+i] = ' '
			}
		}
	case percentOnce:
		p.arena = unpercentOnce(p.arena, v)
	default:
		twice := e == percentsTwice && bytes.Contains(v, []byte("%2520"))
		if p.arena = unpercent(p.arena, v); twice {
			once := p.arena[n:]
			p.arena = unpercent(p.arena[:n], once)
		}
	}
	return p.arena[n:len(p.arena):len(p.arena)]
}

// unpercent appends v to dst with %HH undone. dst may begin where v does.
func unpercent(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '%' {
			if x, ok := hex(v[i+1:], 2); ok {
				c = byte(x)
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unpercentOnce appends v to dst with %25HH read as %HH.
func unpercentOnce(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		dst = append(dst, v[i])
		if v[i] == '%' && i+4 < len(v) && v[i+1] == '2' && v[i+2] == '5' {
			if _, ok := hex(v[i+3:], 2); ok {
				i += 2
			}
		}
	}
	return dst
}

// escapeAgain is a target whose escapes were undone with what cannot stand in it escaped again: % and # cannot have been
// sent as they are. A question mark or ampersand that was escaped is lost.
func (p *Parser) escapeAgain(v []byte) []byte {
	clean := true
	for _, c := range v {
		clean = clean && c > ' ' && c < 0x7f && c != '%' && c != '#'
	}
	if clean {
		return v
	}
	p.reserve(3 * len(v))
	n := len(p.arena)
	const digits = "0123456789ABCDEF"
	for _, c := range v {
		if c > ' ' && c < 0x7f && c != '%' && c != '#' {
			p.arena = append(p.arena, c)
		} else {
			p.arena = append(p.arena, '%', digits[c>>4], digits[c&15])
		}
	}
	return p.arena[n:len(p.arena):len(p.arena)]
}

// part adds a part of the duration. A part that does not apply is -1, and then the whole is not known.
func (p *Parser) part(s *step, v []byte) bool {
	if string(v) == "-1" {
		p.rec.short = true
		return true
	}
	ns, ok := decimal(v, s.unit)
	if p.rec.sum += ns; !ok || p.rec.sum > maxDuration {
		return p.fail(reasonNumber, v, "not a duration")
	}
	p.rec.summed = true
	return true
}

// withoutRequest reports whether the line tells of something else than a request: of a connection that carried no
// HTTP, which then has no status either, or of what the server did by itself.
func (p *Parser) withoutRequest(q *capture.Request) bool {
	r := &p.rec
	if r.request != nil && string(bytes.TrimRight(r.request, " ")) != "- - -" {
		return false
	}
	if r.method != nil || r.target != nil || r.path != nil || r.proto != nil || r.owned&p.f.mark != p.f.mark {
		return false
	}
	return q.Status == 0 || p.f.without == reasonNone
}

// date reads 2006-01-02, 1/2/2006 or 01/02/06 (month first).
func (t *civil) date(v []byte) bool {
	t.dated = true
	if len(v) == 10 && v[4] == '-' && v[7] == '-' {
		var ok [3]bool
		t.year, ok[0] = digits(v, 0, 4)
		t.month, ok[1] = digits(v, 5, 2)
		t.day, ok[2] = digits(v, 8, 2)
		return ok == [3]bool{true, true, true}
	}
	month, rest, ok1 := number(v, 2)
	if !ok1 || len(rest) == 0 || rest[0] != '/' {
		return false
	}
	day, rest, ok2 := number(rest[1:], 2)
	if !ok2 || len(rest) == 0 || rest[0] != '/' {
		return false
	}
	year, rest, ok3 := number(rest[1:], 4)
	if t.year, t.month, t.day = year, month, day; year < 100 {
		if t.year += 1900; year < 69 { // as POSIX reads %y
			t.year += 100
		}
	}
	return ok3 && len(rest) == 0
}

// clock reads 15:04:05, 7:04:05 or 15:04:05.999.
func (t *civil) clock(v []byte) bool {
	hour, rest, ok := number(v, 2)
	if !ok || len(rest) < 6 || rest[0] != ':' || rest[3] != ':' {
		return false
	}
	var ok1, ok2 bool
	t.minute, ok1 = digits(rest, 1, 2)
	t.second, ok2 = digits(rest, 4, 2)
	t.hour, t.ns, t.digits = hour, 0, 0
	if rest = rest[6:]; len(rest) > 0 {
		if rest[0] != '.' || len(rest) == 1 || t.fraction(rest[1:]) != len(rest)-1 {
			return false
		}
	}
	return ok1 && ok2
}

// number reads one to most digits.
func number(v []byte, most int) (x int, rest []byte, ok bool) {
	n := 0
	for n < len(v) && n < most && v[n]-'0' <= 9 {
		x = x*10 + int(v[n]-'0')
		n++
	}
	return x, v[n:], n > 0
}
