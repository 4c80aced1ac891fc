package accesslog

import (
	"strings"
	"time"
)

// time compiles %t and %{...}t.
func (a *apache) time(arg string) {
	arg, ends := strings.CutPrefix(arg, "end:")
	arg, begins := strings.CutPrefix(arg, "begin:")
	if arg == "" && !ends && !begins {
		a.b.text("[")
		a.b.value(step{kind: kTime, fixed: len("02/Jan/2006:15:04:05 -0700")})
		a.b.text("]")
		return
	}
	layout := arg
	switch arg {
	case "":
		layout = "[%d/%b/%Y:%T %z]"
	case "sec":
		layout = layoutSec
	case "msec":
		layout = layoutMsec
	case "usec":
		layout = layoutUsec
	case "msec_frac":
		layout = layoutMsecFrac
	case "usec_frac":
		layout = layoutUsecFrac
	default:
		for i := 0; i < len(layout); i++ {
			if layout[i] != '%' {
				continue
			}
			if i++; i == len(layout) || !knownDirective(layout[i]) {
				a.b.fail("%%{%s}t: unknown strftime directive", arg)
				return
			}
		}
	}
	a.part(layout, ends || a.endStamps && !begins)
}

// part adds a part of a stamp, or all of it.
func (a *apache) part(layout string, ends bool) {
	s := step{kind: kTimePart, layout: layout}
	if ends {
		s.rank = rankName
	}
	a.b.value(s)
}

// stamp chooses among %t, the parts of the request's start and those of its end: the start wins, parts
// that make a whole stamp win over %t, a lone fraction completes %t.
func (a *apache) stamp() {
	whole, dated, fraction := false, map[uint8]bool{}, map[uint8]int{}
	for _, s := range a.f.text {
		if s.kind == kTime {
			whole = true
		}
		if s.kind != kTimePart {
			continue
		}
		dated[s.rank] = dated[s.rank] || hasDate(s.layout)
		switch {
		case s.layout == layoutMsec, strings.Contains(s.layout, layoutMsecFrac):
			fraction[s.rank] = max(fraction[s.rank], 3)
		case s.layout == layoutUsec, strings.Contains(s.layout, layoutUsecFrac):
			fraction[s.rank] = max(fraction[s.rank], 6)
		}
	}
	rank := uint8(0) // of the parts that count
	if a.f.ends = !dated[0] && (a.endStamps || !whole && dated[rankName]); a.f.ends {
		rank = rankName
	}
	for i := range a.f.text {
		s := &a.f.text[i]
		if s.kind == kTimePart && s.rank != rank || s.kind == kTime && dated[rank] {
			s.kind = kSkip
		}
		a.f.partly = a.f.partly || s.kind == kTimePart
	}
	if !whole && !dated[rank] {
		for i := range a.f.text {
			if a.f.text[i].kind == kTimePart {
				a.f.text[i].kind = kSkip
			}
		}
		return
	}
	a.f.resolution = map[int]time.Duration{0: time.Second, 3: time.Millisecond, 6: time.Microsecond}[fraction[rank]]
}

// hasDate reports whether layout names a day or an epoch.
func hasDate(layout string) bool {
	for _, d := range []string{"%d", "%e", "%F", "%D", layoutSec, layoutMsec, layoutUsec} {
		if strings.Contains(layout, d) {
			return true
		}
	}
	return false
}
