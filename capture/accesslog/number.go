package accesslog

const (
	nanosecond  int64 = 1
	microsecond int64 = 1e3
	millisecond int64 = 1e6
	second      int64 = 1e9
)

// maxDuration bounds logged durations: a year, so that no sum overflows.
const maxDuration = 366 * 24 * 3600 * second

// integer reads v, which must be 1 to 18 digits.
func integer(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	for _, c := range v {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

// decimal reads v in units of unit nanoseconds, cutting below one nanosecond. It uses no floats: 0.057 s
// must be 57,000,000 ns.
func decimal(v []byte, unit int64) (ns int64, ok bool) {
	whole := len(v)
	for i, c := range v {
		if c == '.' {
			whole = i
			break
		}
	}
	n, ok := integer(v[:whole])
	if !ok || n > maxDuration/unit || whole == len(v)-1 {
		return 0, false
	}
	ns = n * unit
	if whole == len(v) {
		return ns, true
	}
	for _, c := range v[whole+1:] {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		unit /= 10
		ns += int64(c) * unit
	}
	return ns, ns <= maxDuration
}

// units are the suffixes of durations that carry their own, as Go prints them.
var units = [...]struct {
	suffix string
	ns     int64
}{{"ms", millisecond}, {"µs", microsecond}, {"us", microsecond}, {"ns", nanosecond}, {"s", second}, {"m", 60 * second}, {"h", 3600 * second}}

// withUnit reads a duration such as 250ms or 1m2.5s; a bare number is in seconds if it has a point and in
// milliseconds if not.
func withUnit(v []byte) (ns int64, ok bool) {
	if len(v) == 0 {
		return 0, false
	}
	for len(v) > 0 {
		i := 0
		point := false
		for i < len(v) && (v[i] == '.' || v[i]-'0' <= 9) {
			point = point || v[i] == '.'
			i++
		}
		unit, n := suffix(v[i:])
		if i == len(v) && ns == 0 {
			unit = millisecond
			if point {
				unit = second
			}
		}
		if unit == 0 {
			return 0, false
		}
		part, good := decimal(v[:i], unit)
		if ns += part; !good || ns > maxDuration {
			return 0, false
		}
		v = v[i+n:]
	}
	return ns, true
}

func suffix(v []byte) (unit int64, n int) {
	for _, u := range units {
		if len(v) >= len(u.suffix) && string(v[:len(u.suffix)]) == u.suffix {
			return u.ns, len(u.suffix)
		}
	}
	return 0, 0
}

// sumList adds the members of an nginx $upstream_ list ("0.100, 0.004 : 0.010"): the tries followed each
// other. known is false when no member is a number.
func sumList(v []byte, unit int64) (ns int64, known, ok bool) {
	for i := 0; i < len(v); {
		if c := v[i]; c == ' ' || c == ',' || c == ':' || c == '-' {
			i++
			continue
		}
		n := i
		for n < len(v) && v[n] != ' ' && v[n] != ',' && v[n] != ':' {
			n++
		}
		one, good := decimal(v[i:n], unit)
		if ns += one; !good || ns > maxDuration {
			return 0, false, false
		}
		known, i = true, n
	}
	return ns, known, true
}
