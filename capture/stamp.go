package capture

const (
	nsPerSecond   = 1_000_000_000
	secondsPerDay = 86400
)

// appendStamp appends ns (since the Unix epoch) as RFC 3339 in UTC, with as many decimals as it needs.
// time.AppendFormat gives the same bytes in six times the time.
func appendStamp(dst []byte, ns int64) []byte {
	sec, frac := floorDiv(ns, nsPerSecond)
	days, rest := floorDiv(sec, secondsPerDay)
	y, m, d := civil(days)
	of := uint32(rest)
	t := [...]byte{0, 0, 0, 0, '-', 0, 0, '-', 0, 0, 'T', 0, 0, ':', 0, 0, ':', 0, 0}
	put2(t[0:], uint32(y)/100)
	put2(t[2:], uint32(y)%100)
	put2(t[5:], uint32(m))
	put2(t[8:], uint32(d))
	put2(t[11:], of/3600)
	put2(t[14:], of/60%60)
	put2(t[17:], of%60)
	dst = append(dst, t[:]...)
	if frac > 0 {
		var digits [10]byte
		digits[0] = '.'
		for i := 9; i > 0; i-- {
			digits[i] = byte('0' + frac%10)
			frac /= 10
		}
		n := 10
		for digits[n-1] == '0' {
			n--
		}
		dst = append(dst, digits[:n]...)
	}
	return append(dst, 'Z')
}

// put2 writes n, which is below 100, as two digits.
func put2(t []byte, n uint32) {
	t[0], t[1] = byte('0'+n/10), byte('0'+n%10)
}

// parseStamp reads an RFC 3339 instant: any number of decimals (those past nanoseconds are cut), a zone that
// must be there, and a space or a small t where the T belongs, since databases print one.
func parseStamp(b []byte) (ns int64, ok bool) {
	if len(b) < len("2006-01-02T15:04:05Z") || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' ||
		b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return 0, false
	}
	century, year, month, day := digits2(b), digits2(b[2:]), digits2(b[5:]), digits2(b[8:])
	hour, minute, second := digits2(b[11:]), digits2(b[14:]), digits2(b[17:])
	if century|year|month|day|hour|minute|second < 0 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	year += century * 100
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	frac, b, ok := parseFraction(b[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseZone(b)
	if !ok {
		return 0, false
	}
	sec := daysSinceEpoch(year, month, day)*secondsPerDay + int64(hour*3600+minute*60+second) - offset
	if sec < minAt/nsPerSecond || sec >= maxAt/nsPerSecond {
		return 0, false
	}
	return sec*nsPerSecond + frac, true
}

// parseFraction reads ".123" and gives nanoseconds and what follows.
func parseFraction(b []byte) (ns int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	unit := int64(nsPerSecond)
	i := 1
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		unit /= 10
		ns += int64(b[i]-'0') * unit
	}
	return ns, b[i:], i > 1
}

// parseZone reads Z or ±hh:mm and gives the seconds east of UTC.
func parseZone(b []byte) (offset int64, ok bool) {
	if len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if len(b) != len("+00:00") || b[3] != ':' || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	h, m := digits2(b[1:]), digits2(b[4:])
	if h|m < 0 || h > 23 || m > 59 {
		return 0, false
	}
	offset = int64(h*3600 + m*60)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// digits2 is the number in b's first two bytes, negative when they are not both digits. b has two bytes.
func digits2(b []byte) int {
	h, l := b[0]-'0', b[1]-'0'
	if h > 9 || l > 9 {
		return -1
	}
	return int(h)*10 + int(l)
}

// civil turns days since 1970-01-01 into a date of the Gregorian calendar, and daysSinceEpoch does the
// reverse. Both count years from March, so that the leap day is the last one of its year, and 400-year eras
// of 146,097 days (the algorithm of H. Hinnant, "chrono-compatible low-level date algorithms").
func civil(days int64) (year, month, day int) {
	era, doe := floorDiv(days+719468, 146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era, yoe := floorDiv(int64(year), 400)
	doy := int64((153*(month-3)+2)/5 + day - 1)
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// floorDiv is a/b rounded down, and what is left, which is never negative. b is positive.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient--
		rest += b
	}
	return quotient, rest
}
