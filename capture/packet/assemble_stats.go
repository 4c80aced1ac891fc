package packet

// skip says why a segment or its bytes were not used.
type skip uint8

const (
	segmentUsed skip = iota
	skipRetransmitted
	skipOverlap
	skipLate
	skipKeepAlive
	skipOutOfWindow
	skipAfterClose
	skipNoRoom
	skipNoConnection
	skips
)

var skipNames = [skips]string{
	segmentUsed:       "used",
	skipRetransmitted: "retransmitted",
	skipOverlap:       "overlap",
	skipLate:          "late",
	skipKeepAlive:     "keep-alive",
	skipOutOfWindow:   "out-of-window",
	skipAfterClose:    "after-close",
	skipNoRoom:        "no-room",
	skipNoConnection:  "no-connection",
}

// gap says why bytes are not in what was delivered.
type gap uint8

const (
	gapLost gap = iota
	gapCut
	gapEvicted
	gapStart
	gapUnseen
	gaps
)

var gapNames = [gaps]string{gapLost: "lost", gapCut: "cut", gapEvicted: "evicted", gapStart: "start", gapUnseen: "unseen"}

// counts is the ledger as it is kept.
type counts struct {
	segments, used     int64
	payload, delivered int64
	ignored, skipped   [skips]int64
	missing            [gaps]int64
	conns, replaced    int64
	evicted            int64
	peakPages          int
}

// Stats is the ledger of an Assembler. After Flush
//
//	Segments     = Used + Σ Ignored
//	PayloadBytes = DeliveredBytes + Σ SkippedBytes
//
// hold exactly; before it, PayloadBytes also has the bytes that wait (WaitingBytes).
//
// Segments are ignored, and bytes skipped, as
// "retransmitted" (all of the segment was there before), "overlap" (this part of it was; what came first stays),
// "late" (its place had been given up as a gap), "keep-alive" (a probe one byte before the next),
// "out-of-window" (not near the known part of the stream), "after-close" (the side or the connection had ended),
// "no-room" (a segment larger than the memory it may wait in), "no-connection" (a reset of a connection that was
// not seen).
type Stats struct {
	Segments, Used int64
	Ignored        map[string]int64 // segments by reason

	PayloadBytes   int64 // in the capture
	DeliveredBytes int64
	WaitingBytes   int64
	SkippedBytes   map[string]int64 // by reason
	MissingBytes   map[string]int64 // not in the capture: the sum of all gaps by their reason

	Connections int64 // seen, also without bytes
	Replaced    int64 // of these: ended without a FIN or RST by another one between the same two ends
	Evicted     int64 // of these: ended early, since there were too many
	PeakBytes   int64 // the most memory that waiting segments took
}

// Stats gives the ledger so far. Reasons that did not occur are absent.
func (a *Assembler) Stats() Stats {
	n := &a.count
	s := Stats{
		Segments: n.segments, Used: n.used, Ignored: map[string]int64{},
		PayloadBytes: n.payload, DeliveredBytes: n.delivered, WaitingBytes: n.payload - n.delivered,
		SkippedBytes: map[string]int64{}, MissingBytes: map[string]int64{},
		Connections: n.conns, Replaced: n.replaced, Evicted: n.evicted, PeakBytes: int64(n.peakPages) * pageSize,
	}
	for why, name := range skipNames {
		s.WaitingBytes -= n.skipped[why]
		if n.ignored[why] != 0 {
			s.Ignored[name] = n.ignored[why]
		}
		if n.skipped[why] != 0 {
			s.SkippedBytes[name] = n.skipped[why]
		}
	}
	for why, name := range gapNames {
		if n.missing[why] != 0 {
			s.MissingBytes[name] = n.missing[why]
		}
	}
	return s
}
