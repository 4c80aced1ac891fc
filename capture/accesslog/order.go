package accesslog

import "fmt"

// order compares two readings of a log's stamps from line to line. Servers write a line when its request has ended,
// so stamps of ends rise by themselves, and stamps of starts only with the durations added. Rank correlation would
// not do: over hours both readings correlate to 0.9999.
type order struct {
	stamp, end int64 // of the line above, nanoseconds; 0: there is none
	timed      int64 // lines with a duration
	alone      int64 // of these, whose stamp lies before that of the line above
	with       int64 // of these, whose stamp + duration does
}

// disorder is how far stamps may step back without being counted: workers write past each other.
const disorder = 10 * millisecond

// see takes the next line; dur is not negative. unit is the resolution of the stamps.
func (o *order) see(stamp, dur, unit int64) {
	o.timed++
	end := stamp + dur
	if o.stamp != 0 {
		if stamp+unit+disorder < o.stamp {
			o.alone++
		}
		if end+unit+disorder < o.end {
			o.with++
		}
	}
	o.stamp, o.end = stamp, end
}

// ends and starts report whether the lines say clearly which of the two the stamps are.
func (o *order) ends() bool   { return o.with >= 3 && 2*o.alone < o.with }
func (o *order) starts() bool { return o.alone >= 3 && 2*o.with < o.alone }

// notes says where the order of the lines contradicts what the stamps are taken for.
func (o *order) notes(ends bool) []string {
	taken, seen := "", ""
	switch {
	case ends && o.starts():
		taken, seen = "ends", "starts"
	case !ends && o.ends():
		taken, seen = "starts", "ends"
	default:
		return nil
	}
	return []string{fmt.Sprintf("warning: stamps are taken as %s of requests, but the order of the lines suggests %s (of %d lines, %d step back by their stamps, %d by stamp + duration)",
		taken, seen, o.timed, o.alone, o.with)}
}
