package accesslog

// epochs and fractions that Apache's %{...}t knows beside strftime, as layouts of scan.
const (
	layoutSec      = "%s"
	layoutMsec     = "%1"
	layoutUsec     = "%2"
	layoutMsecFrac = "%3"
	layoutUsecFrac = "%6"
	layoutNsecFrac = "%9"
)

// scan reads the parts of a stamp that layout (strftime) names from the beginning of v and tells how many
// bytes they took.
func (t *civil) scan(layout string, v []byte) (n int, msg string) {
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			if n >= len(v) || v[n] != layout[i] {
				return 0, msgTime
			}
			n++
			continue
		}
		i++
		m, msg := t.directive(layout[i], v[n:])
		if msg != "" {
			return 0, msg
		}
		n += m
	}
	return n, ""
}

// knownDirective reports whether scan can read the strftime directive c.
func knownDirective(c byte) bool {
	for _, k := range []byte("YmdeHIMSyjbBhaApTFDRzZsnt%") {
		if c == k {
			return true
		}
	}
	return false
}

func (t *civil) directive(c byte, v []byte) (n int, msg string) {
	switch c {
	case 'Y':
		n, msg = take(v, 4, &t.year)
	case 'y':
		n, msg = take(v, 2, &t.year)
		// POSIX: 69 to 99 are of the twentieth century.
		if t.year += 1900; t.year < 1969 {
			t.year += 100
		}
	case 'm':
		n, msg = take(v, 2, &t.month)
	case 'd', 'e':
		t.dated = true
		if len(v) > 1 && v[0] == ' ' {
			n, msg = take(v[1:], 1, &t.day)
			return n + 1, msg
		}
		n, msg = take(v, 2, &t.day)
	case 'H':
		n, msg = take(v, 2, &t.hour)
	case 'I':
		t.hour12 = true
		n, msg = take(v, 2, &t.hour)
	case 'M':
		n, msg = take(v, 2, &t.minute)
	case 'S':
		n, msg = take(v, 2, &t.second)
	case 'j':
		var day int
		n, msg = take(v, 3, &day)
	case 'p':
		return t.half(v)
	case 'z', 'Z':
		return t.zone(v)
	default:
		return t.compound(c, v)
	}
	return n, msg
}

// compound reads the directives that stand for several others, the names, and the epochs.
func (t *civil) compound(c byte, v []byte) (n int, msg string) {
	switch c {
	case 'T':
		return t.scan("%H:%M:%S", v)
	case 'R':
		return t.scan("%H:%M", v)
	case 'F':
		return t.scan("%Y-%m-%d", v)
	case 'D':
		return t.scan("%m/%d/%y", v)
	case 'b', 'B', 'h':
		return t.monthName(v)
	case 'a', 'A':
		return letters(v), ""
	case 's', '1', '2':
		return t.since1970(c, v)
	case '3', '6', '9':
		var f civil
		width := int(c - '0')
		if len(v) < width || f.fraction(v[:width]) != width {
			return 0, msgTime
		}
		t.ns, t.digits = f.ns, width
		return width, ""
	}
	for _, lit := range [...][2]byte{{'n', '\n'}, {'t', '\t'}, {'%', '%'}} {
		if c == lit[0] && len(v) > 0 && v[0] == lit[1] {
			return 1, ""
		}
	}
	return 0, msgTime
}

func (t *civil) since1970(c byte, v []byte) (n int, msg string) {
	for n < len(v) && n < 18 && v[n]-'0' <= 9 {
		n++
	}
	x, ok := integer(v[:n])
	if !ok {
		return 0, msgTime
	}
	switch c {
	case 's': // a fraction may have been read before
		t.epoch, t.at = true, x
	case '1':
		t.epochIn(x, millisecond, 3)
	default:
		t.epochIn(x, microsecond, 6)
	}
	return n, ""
}

func (t *civil) half(v []byte) (n int, msg string) {
	if len(v) < 2 || v[0]|' ' != 'a' && v[0]|' ' != 'p' || v[1]|' ' != 'm' {
		return 0, msgTime
	}
	t.pm = v[0]|' ' == 'p'
	return 2, ""
}

func (t *civil) monthName(v []byte) (n int, msg string) {
	if n = letters(v); n < 3 {
		return 0, msgMonth
	}
	if t.month = monthNumber(v[:3]); t.month == 0 {
		return 0, msgMonth
	}
	return n, ""
}

func letters(v []byte) (n int) {
	for n < len(v) && (v[n] >= 'A' && v[n] <= 'Z' || v[n] >= 'a' && v[n] <= 'z') {
		n++
	}
	return n
}

func take(v []byte, width int, to *int) (n int, msg string) {
	x, ok := digits(v, 0, width)
	if !ok {
		return 0, msgTime
	}
	*to = x
	return width, ""
}
