package accesslog

// What is wrong with a stamp.
const (
	msgTime   = "not a time"
	msgYear   = "year out of range"
	msgMonth  = "month out of range"
	msgDay    = "day out of range"
	msgClock  = "time of day out of range"
	msgZone   = "not a zone"
	firstYear = 1970
	lastYear  = 2261 // the last whole year that fits int64 nanoseconds
)

// clock reads stamps. The last one is kept: busy logs repeat it.
type clock struct {
	zones
	text   [40]byte // the last stamp
	n      int      // its length
	ns     int64    // what it meant
	digits int      // of the finest fraction of a second seen
}

// parse reads a complete stamp: 02/Jan/2006:15:04:05 -0700, ISO 8601, or a number of seconds, milliseconds,
// microseconds or nanoseconds since the Unix epoch, told apart by its size. The result is in nanoseconds.
func (c *clock) parse(v []byte) (ns int64, msg string) {
	// The digits of the seconds differ most often.
	if c.n > 19 && len(v) == c.n && v[19] == c.text[19] && string(v) == string(c.text[:c.n]) {
		return c.ns, ""
	}
	if ns, ok := c.sameMinute(v); ok {
		return ns, ""
	}
	var t civil
	n := 0
	switch {
	case len(v) > 11 && v[2] == '/':
		n, msg = t.clf(v)
	case len(v) > 10 && (v[4] == '-' || v[4] == '/'):
		n, msg = t.iso(v)
	default:
		n, msg = t.number(v)
	}
	if msg == "" && n != len(v) {
		msg = msgTime
	}
	if msg == "" {
		ns, msg = t.unix(&c.zones)
	}
	if msg != "" {
		return 0, msg
	}
	c.digits = max(c.digits, t.digits)
	if len(v) > 19 && len(v) <= len(c.text) {
		c.n, c.ns = copy(c.text[:], v), ns
	}
	return ns, ""
}

// clfSize is the size of 02/Jan/2006:15:04:05 -0700, clfSecond where its seconds stand.
const (
	clfSize   = 26
	clfSecond = 18
)

// sameMinute reads a stamp of the first form that differs from the last one in the seconds only.
func (c *clock) sameMinute(v []byte) (ns int64, ok bool) {
	if len(v) != clfSize || c.n != clfSize || c.text[2] != '/' || c.text[20] != ' ' || c.text[21] != '+' && c.text[21] != '-' || c.text[clfSecond] > '5' ||
		string(v[:clfSecond]) != string(c.text[:clfSecond]) || string(v[clfSecond+2:]) != string(c.text[clfSecond+2:clfSize]) {
		return 0, false
	}
	now, ok := digits(v, clfSecond, 2)
	before, _ := digits(c.text[:], clfSecond, 2)
	if !ok || now > 59 {
		return 0, false
	}
	c.ns += int64(now-before) * second
	c.text[clfSecond], c.text[clfSecond+1] = v[clfSecond], v[clfSecond+1]
	return c.ns, true
}

// civil is a time being put together.
type civil struct {
	year, month, day, hour, minute, second int
	ns                                     int64  // fraction of the second
	digits                                 int    // of that fraction
	offset                                 int    // seconds east of UTC
	initials                               []byte // of the zone, where the stamp names it so
	pm, hour12                             bool
	zoned, dated, epoch                    bool  // epoch: at holds the seconds
	at                                     int64 // seconds since the Unix epoch
}

// clf reads 02/Jan/2006:15:04:05[.999][ -0700].
func (t *civil) clf(v []byte) (n int, msg string) {
	if len(v) < 20 || v[2] != '/' || v[6] != '/' || v[11] != ':' {
		return 0, msgTime
	}
	var ok bool
	if t.day, ok = digits(v, 0, 2); !ok {
		return 0, msgTime
	}
	if t.month = monthNumber(v[3:6]); t.month == 0 {
		return 0, msgMonth
	}
	if t.year, ok = digits(v, 7, 4); !ok {
		return 0, msgTime
	}
	t.dated = true
	return t.timeOfDay(v, 12)
}

// iso reads 2006-01-02T15:04:05[.999][Z|-07:00|-0700] with T, t or a space in the middle; Caddy writes 2006/01/02.
func (t *civil) iso(v []byte) (n int, msg string) {
	if len(v) < 19 || v[4] != '-' && v[4] != '/' || v[7] != v[4] || v[10] != 'T' && v[10] != ' ' && v[10] != 't' {
		return 0, msgTime
	}
	var ok [3]bool
	t.year, ok[0] = digits(v, 0, 4)
	t.month, ok[1] = digits(v, 5, 2)
	t.day, ok[2] = digits(v, 8, 2)
	if ok != [3]bool{true, true, true} {
		return 0, msgTime
	}
	t.dated = true
	return t.timeOfDay(v, 11)
}

// timeOfDay reads 15:04:05[.999][ ][zone] from v[i:].
func (t *civil) timeOfDay(v []byte, i int) (n int, msg string) {
	if len(v) < i+8 || v[i+2] != ':' || v[i+5] != ':' {
		return 0, msgTime
	}
	var ok [3]bool
	t.hour, ok[0] = digits(v, i, 2)
	t.minute, ok[1] = digits(v, i+3, 2)
	t.second, ok[2] = digits(v, i+6, 2)
	if ok != [3]bool{true, true, true} {
		return 0, msgTime
	}
	if i += 8; i < len(v) && (v[i] == '.' || v[i] == ',') {
		n := t.fraction(v[i+1:])
		if n == 0 {
			return 0, msgTime
		}
		i += 1 + n
	}
	if i == len(v) {
		return i, ""
	}
	if v[i] == ' ' && i+1 < len(v) {
		i++
	}
	n, msg = t.zone(v[i:])
	return i + n, msg
}

// fraction reads the digits behind the point; those past the ninth are dropped.
func (t *civil) fraction(v []byte) (n int) {
	t.ns = 0
	unit := second
	for n < len(v) && v[n]-'0' <= 9 {
		unit /= 10
		t.ns += int64(v[n]-'0') * unit
		n++
	}
	t.digits = min(n, 9)
	return n
}

// zone reads Z, +0330, +03:30, or the initials of a zone such as CEST.
func (t *civil) zone(v []byte) (n int, msg string) {
	t.zoned = true
	for n < len(v) && n < 6 && v[n] >= 'A' && v[n] <= 'Z' {
		n++
	}
	switch {
	case n == 1 && v[0] == 'Z', len(v) > 0 && v[0] == 'z':
		return 1, ""
	case n > 1:
		t.initials = v[:n]
		return n, ""
	case len(v) < 5 || v[0] != '+' && v[0] != '-':
		return 0, msgZone
	}
	n = 3
	if v[3] == ':' {
		n = 4
	}
	h, ok := digits(v, 1, 2)
	m, ok2 := digits(v, n, 2)
	if !ok || !ok2 || h > 23 || m > 59 {
		return 0, msgZone
	}
	t.offset = h*3600 + m*60
	if v[0] == '-' {
		t.offset = -t.offset
	}
	return n + 2, ""
}

// number reads an epoch with or without a point. What it counts follows from its size: below 1e11 seconds
// (the year 5138), below 1e14 milliseconds, below 1e17 microseconds.
func (t *civil) number(v []byte) (n int, msg string) {
	for n < len(v) && v[n]-'0' <= 9 {
		n++
	}
	if n == 0 || n > 19 {
		return 0, msgTime
	}
	var x int64
	for _, c := range v[:n] {
		x = x*10 + int64(c-'0')
	}
	switch {
	case x < 0:
		return 0, msgYear
	case x < 1e11:
		t.epochIn(x, second, 0)
	case x < 1e14:
		t.epochIn(x, millisecond, 3)
	case x < 1e17:
		t.epochIn(x, microsecond, 6)
	default:
		t.epochIn(x, nanosecond, 9)
	}
	if n == len(v) || v[n] != '.' {
		return n, ""
	}
	var f civil
	m := f.fraction(v[n+1:])
	if m == 0 {
		return 0, msgTime
	}
	scale := int64(1)
	for range t.digits {
		scale *= 10
	}
	t.ns += f.ns / scale
	t.digits = min(9, t.digits+f.digits)
	return n + 1 + m, ""
}

func (t *civil) epochIn(x, unit int64, digits int) {
	per := second / unit
	t.epoch, t.at, t.ns, t.digits = true, x/per, x%per*unit, digits
}

// unix checks t and turns it into nanoseconds since the Unix epoch. A leap second (:60) is the last
// nanosecond of its minute, so that it stays behind every :59 and before the next minute.
func (t *civil) unix(z *zones) (ns int64, msg string) {
	if t.epoch {
		if t.at >= (1<<63-1)/second {
			return 0, msgYear
		}
		return t.at*second + t.ns, ""
	}
	if msg := t.check(); msg != "" {
		return 0, msg
	}
	if t.second == 60 {
		t.second, t.ns = 59, second-1
	}
	return t.instant(z)
}

// instant is t after check, by its own zone or else by z.
func (t *civil) instant(z *zones) (ns int64, msg string) {
	sod := t.hour*3600 + t.minute*60 + t.second
	unix := daysSince1970(t.year, t.month, t.day)*86400 + int64(sod-t.offset)
	switch {
	case len(t.initials) > 0:
		ok := false
		if unix, ok = z.named(unix, t.initials); !ok {
			return 0, msgZone
		}
	case !t.zoned:
		unix = z.local(unix)
	}
	if unix < 0 {
		return 0, msgYear
	}
	return unix*second + t.ns, ""
}

func (t *civil) check() (msg string) {
	switch {
	case !t.dated || t.year < firstYear || t.year > lastYear:
		return msgYear
	case t.month < 1 || t.month > 12:
		return msgMonth
	case t.day < 1 || t.day > monthDays(t.year, t.month):
		return msgDay
	}
	if t.hour12 {
		if t.hour < 1 || t.hour > 12 {
			return msgClock
		}
		if t.hour %= 12; t.pm {
			t.hour += 12
		}
	}
	if t.hour > 23 || t.minute > 59 || t.second > 60 {
		return msgClock
	}
	return ""
}

// digits reads n digits at v[i:].
func digits(v []byte, i, n int) (x int, ok bool) {
	if len(v) < i+n {
		return 0, false
	}
	for _, c := range v[i : i+n] {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		x = x*10 + int(c)
	}
	return x, true
}

// monthNumber is 1 to 12, or 0 where v is not the English short name of a month.
func monthNumber(v []byte) int {
	switch string(v) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func monthDays(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts in the proleptic Gregorian calendar with years that begin in March
// (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil).
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	yoe := year % 400
	doy := (153*(month-3)+2)/5 + day - 1
	return int64(era*146097+yoe*365+yoe/4-yoe/100+doy) - 719468
}
