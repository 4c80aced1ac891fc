package main

import (
	"fmt"
	"math"
	"time"
)

// reading is how far the reading of sources has come.
type reading struct {
	began time.Time
	total int64 // bytes of all files
	known bool  // total is
	all   bool  // was read
}

// ends reports whether bytes are all that there is, the first time that it is so.
func (r *reading) ends(bytes int64) bool {
	first := !r.all && r.known && bytes >= r.total
	r.all = r.all || first
	return first
}

// line is the progress for people: at most 80 characters for anything under a terabyte.
func (r *reading) line(bytes, lines int64, elapsed time.Duration) string {
	rate := float64(lines) / max(elapsed.Seconds(), 1e-3)
	pace := fmt.Sprintf("%s lines  %s lines/s", thousands(lines), thousands(int64(rate)))
	switch {
	case !r.known && bytes == 0:
		return "  " + pace
	case !r.known || r.total == 0:
		return fmt.Sprintf("  %s  %s", bytesText(bytes), pace)
	case bytes >= r.total:
		return fmt.Sprintf("  %s  100%%  %s  writing", bytesText(bytes), pace)
	}
	s := fmt.Sprintf("  %s of %s  %d%%  %s", bytesText(bytes), bytesText(r.total), 100*bytes/r.total, pace)
	if elapsed < time.Second || bytes == 0 {
		return s // too early to say
	}
	left := elapsed.Seconds() * float64(r.total-bytes) / float64(bytes)
	return s + "  " + leftText(time.Duration(math.Ceil(left))*time.Second)
}

// leftText is a time that remains: 0:42 left, 3:07:00 left.
func leftText(d time.Duration) string {
	if d < time.Hour {
		return clock(d) + " left"
	}
	return fmt.Sprintf("%d:%02d:%02d left", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// bytesText is a number of bytes in three digits or so: 812 kB, 4.1 GB.
func bytesText(n int64) string {
	v, unit := float64(n)/1e3, "kB"
	for _, u := range []string{"MB", "GB", "TB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1e3, u
	}
	if v >= 9.95 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
