package accesslog

import (
	"fmt"
	"time"
)

// zones gives stamps without an offset their place in time. Where a clock was set back the same hour comes
// twice in the log: the order of the lines tells which of the two a stamp means. The zero value takes such
// stamps as UTC.
type zones struct {
	loc  *time.Location // nil: UTC
	last int64          // the stamp before, in seconds since the Unix epoch; 0: none yet

	zoneless int64 // stamps that carry no zone
	twice    int64 // of these, in an hour that came twice
	never    int64 // of these, in an hour that the clock left out
	back     int64 // of these, an hour before the one above
}

// local is the instant, in seconds since the Unix epoch, of a clock on the wall that shows wall (seconds as if in
// UTC).
func (z *zones) local(wall int64) int64 {
	z.zoneless++
	at := wall
	if z.loc != nil && z.loc != time.UTC {
		at = z.choose(wall)
	}
	if z.last != 0 && at < z.last-3300 && at > z.last-3900 {
		z.back++
	}
	z.last = at
	return at
}

// choose is local in a zone with transitions. A transition lies at most a day away, so the offsets of the day
// before and the day after are the only ones that can count.
func (z *zones) choose(wall int64) int64 {
	first, second := wall-z.offset(wall-86400), wall-z.offset(wall+86400)
	if first == second {
		return first
	}
	if first > second {
		first, second = second, first
	}
	a, b := first+z.offset(first) == wall, second+z.offset(second) == wall
	switch {
	case a && b:
		z.twice++
		if z.last != 0 && abs(second-z.last) < abs(first-z.last) {
			return second
		}
		return first
	case a:
		return first
	case b:
		return second
	}
	z.never++
	return first // by the offset after the hour that was left out
}

func (z *zones) offset(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(z.loc).Zone()
	return int64(offset)
}

func abs(n int64) int64 { return max(n, -n) }

// named is the instant of wall in a zone that the stamp names by its initials, or false where these mean nothing
// or several things. The zone that the user gave knows its own names first.
func (z *zones) named(wall int64, name []byte) (at int64, ok bool) {
	if z.loc != nil {
		for _, day := range [...]int64{-86400, 86400} {
			known, offset := time.Unix(wall+day, 0).In(z.loc).Zone()
			if known == string(name) {
				return wall - int64(offset), true
			}
		}
	}
	offset, ok := initials(name)
	return wall - int64(offset), ok
}

// initials is the offset of a zone's initials in seconds. Those that several zones share (IST, CST outside of
// RFC 822, BST) are left to the zone that the user gives, but for RFC 822's own.
func initials(name []byte) (offset int, ok bool) {
	const hour = 3600
	switch string(name) {
	case "UTC", "GMT", "UT", "Z", "WET":
		return 0, true
	case "WEST", "CET":
		return hour, true
	case "CEST", "EET":
		return 2 * hour, true
	case "EEST", "MSK":
		return 3 * hour, true
	case "JST", "KST":
		return 9 * hour, true
	case "AEST":
		return 10 * hour, true
	case "AEDT":
		return 11 * hour, true
	case "NZST":
		return 12 * hour, true
	case "NZDT":
		return 13 * hour, true
	case "EDT":
		return -4 * hour, true
	case "EST", "CDT":
		return -5 * hour, true
	case "CST", "MDT":
		return -6 * hour, true
	case "MST", "PDT":
		return -7 * hour, true
	case "PST":
		return -8 * hour, true
	}
	return 0, false
}

// notes says what is doubtful about stamps without a zone. utc: their format has them in UTC.
func (z *zones) notes(utc bool) (notes []string) {
	if z.loc == nil && z.zoneless > 0 && !utc {
		notes = append(notes, "stamps carry no zone and are taken as UTC (--timezone names another)")
		if z.back > 0 {
			notes = append(notes, fmt.Sprintf("stamps step back by an hour %d times, as where a clock is set back: --timezone tells the hours apart", z.back))
		}
	}
	if z.twice > 0 {
		notes = append(notes, fmt.Sprintf("%d stamps lie in an hour that came twice in %s: told apart by the order of the lines", z.twice, z.loc))
	}
	if z.never > 0 {
		notes = append(notes, fmt.Sprintf("%d stamps lie in an hour that the clock of %s left out: is --timezone right?", z.never, z.loc))
	}
	return notes
}
