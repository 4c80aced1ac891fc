package capture

import (
	"errors"
	"fmt"
)

// Basis says how a source's stamp became an arrival (docs/capture-logs.md).
type Basis string

// The three bases. Completion means that the stamp is the end of the request and no duration was logged,
// so that the arrival is only known to lie before it.
const (
	BasisStart            Basis = "start"
	BasisEndMinusDuration Basis = "end-minus-duration"
	BasisCompletion       Basis = "completion"
)

// Ledger accounts for one source. For logs: Lines = Requests + Σ Skipped + Filtered, exactly. For packets:
// Packets = Used + Σ Ignored and PayloadBytes = MessageBytes + Σ SkippedBytes, exactly, and Lines is 0. For a proxy the
// second of these.
type Ledger struct {
	Name       string           `json:"name"`
	Format     string           `json:"format"`
	Basis      Basis            `json:"arrival_basis"`
	Resolution string           `json:"resolution"` // of the stamps, as time.Duration prints it: 1s, 1ms
	SHA256     string           `json:"sha256,omitempty"`
	Bytes      int64            `json:"bytes"` // as read, before decompression
	Lines      int64            `json:"lines"`
	Packets    int64            `json:"packets"`
	Streams    int64            `json:"streams"`
	Requests   int64            `json:"requests"`
	Responses  int64            `json:"responses"`
	Skipped    map[string]int64 `json:"skipped"` // by reason; blank, comment and continued never count towards a limit
	Filtered   int64            `json:"filtered"`
	FilteredBy map[string]int64 `json:"filtered_by,omitempty"` // those of Filtered that have a name: a health check's, duplicate
	Late       int64            `json:"late"`                  // requests that arrived out of order past the reorder window; still kept
	Examples   []Example        `json:"examples,omitempty"`

	// Of packets only.
	Used         int64            `json:"used,omitempty"`          // packets that belong to a TCP connection
	Ignored      map[string]int64 `json:"ignored,omitempty"`       // other packets, by reason
	KernelDrops  int64            `json:"kernel_drops,omitempty"`  // packets that the capturing system lost; no part of Packets
	PayloadBytes int64            `json:"payload_bytes,omitempty"` // of TCP, as captured
	MessageBytes int64            `json:"message_bytes,omitempty"` // of them in messages that were recovered
	SkippedBytes map[string]int64 `json:"skipped_bytes,omitempty"` // the others, by reason
	LostBytes    map[string]int64 `json:"lost_bytes,omitempty"`    // bytes of connections that the packets do not hold, by reason
	Unkept       int64            `json:"unkept,omitempty"`        // bodies and messages of which not all is in a request
}

// Example is one skipped line, kept to be shown: at most three for each reason.
type Example struct {
	Reason string `json:"reason"`
	Src    string `json:"src"`  // file:line
	Part   string `json:"part"` // the offending part, escaped, at most 120 bytes
}

// Reasons that never count towards --max-skipped.
const (
	ReasonBlank     = "blank"
	ReasonComment   = "comment"
	ReasonContinued = "continued" // a part of a line that was put together again and is accounted for under its last part
)

// isHarmless reports whether a reason never counts towards --max-skipped.
func isHarmless(reason string) bool {
	return reason == ReasonBlank || reason == ReasonComment || reason == ReasonContinued
}

// Skip counts one skipped line and keeps it as an example if it is among the first three of its reason.
func (l *Ledger) Skip(reason, src, part string) {
	if l.Skipped == nil {
		l.Skipped = map[string]int64{}
	}
	l.Skipped[reason]++
	if l.Skipped[reason] <= 3 && !isHarmless(reason) {
		l.Examples = append(l.Examples, Example{reason, src, part})
	}
}

// Filter counts one line that the user excluded. why names what it was; empty: nothing more is known.
func (l *Ledger) Filter(why string) {
	l.Filtered++
	if why == "" {
		return
	}
	if l.FilteredBy == nil {
		l.FilteredBy = map[string]int64{}
	}
	l.FilteredBy[why]++
}

// Add counts what another ledger of the same source counted, behind what l has. Of each reason the first three
// examples stay.
func (l *Ledger) Add(o *Ledger) {
	for _, e := range o.Examples {
		if l.Skipped[e.Reason] < 3 {
			l.Examples = append(l.Examples, e)
		}
	}
	l.Bytes, l.Lines, l.Packets, l.Streams = l.Bytes+o.Bytes, l.Lines+o.Lines, l.Packets+o.Packets, l.Streams+o.Streams
	l.Requests, l.Responses, l.Filtered, l.Late = l.Requests+o.Requests, l.Responses+o.Responses, l.Filtered+o.Filtered, l.Late+o.Late
	l.Skipped, l.FilteredBy = addCounts(l.Skipped, o.Skipped), addCounts(l.FilteredBy, o.FilteredBy)
	l.Used, l.Ignored, l.KernelDrops = l.Used+o.Used, addCounts(l.Ignored, o.Ignored), l.KernelDrops+o.KernelDrops
	l.PayloadBytes, l.MessageBytes = l.PayloadBytes+o.PayloadBytes, l.MessageBytes+o.MessageBytes
	l.SkippedBytes, l.LostBytes = addCounts(l.SkippedBytes, o.SkippedBytes), addCounts(l.LostBytes, o.LostBytes)
	l.SHA256 = ""
}

func addCounts(to, from map[string]int64) map[string]int64 {
	if to == nil && len(from) > 0 {
		to = map[string]int64{}
	}
	for k, n := range from {
		to[k] += n
	}
	return to
}

// Counted is the number of lines of which too many may be bad: those that are no blank lines, comments or parts.
func (l *Ledger) Counted() int64 {
	return l.Lines - l.Skipped[ReasonBlank] - l.Skipped[ReasonComment] - l.Skipped[ReasonContinued]
}

// Bad is the number of skipped lines that count towards --max-skipped.
func (l *Ledger) Bad() int64 {
	var n int64
	for r, c := range l.Skipped {
		if !isHarmless(r) {
			n += c
		}
	}
	return n
}

// FormatProxy is the Format of what a recording proxy passed on. It has neither lines nor packets.
const FormatProxy = "proxy"

// OfConnections reports whether l accounts for the bytes of connections, not for lines.
func (l *Ledger) OfConnections() bool { return l.Packets > 0 || l.Format == FormatProxy }

// Balance checks the ledger's law and returns nil when it holds.
func (l *Ledger) Balance() error {
	if l.OfConnections() {
		return errors.Join(
			l.balance("packets", l.Packets, l.Used+sum(l.Ignored)),
			l.balance("payload bytes", l.PayloadBytes, l.MessageBytes+sum(l.SkippedBytes)))
	}
	return l.balance("lines", l.Lines, l.Requests+l.Filtered+sum(l.Skipped))
}

func (l *Ledger) balance(of string, have, accounted int64) error {
	if have != accounted {
		return fmt.Errorf("%s: ledger does not balance: %d %s, %d accounted for", l.Name, have, of, accounted)
	}
	return nil
}

func sum(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// SyntaxError says why one line (or record) is not a request. It is data, not a broken read: after one
// the caller counts it in the ledger and goes on.
type SyntaxError struct {
	Reason string // a ledger reason, such as bad-time
	Part   []byte // the offending part of the input, unescaped; may point into the line
	Msg    string // what is wrong with it
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s: %q: %s", e.Reason, e.Part, e.Msg) }

// Meta is what a capture file knows about itself, kept in skippable frames beside the requests.
type Meta struct {
	Schema        string   `json:"schema"` // replay.capture/1
	Tool          string   `json:"tool"`   // version of replay that wrote it
	Requests      int64    `json:"requests"`
	First         int64    `json:"first_ns"` // arrival of the first and last request, ns since the Unix epoch
	Last          int64    `json:"last_ns"`
	Disorder      int64    `json:"disorder_ns"` // 0: in order of arrival; else how far back an arrival may step
	Hosts         []string `json:"hosts"`       // the hosts that were captured, sorted, at most MaxHosts
	HostsOverflow bool     `json:"hosts_overflow,omitempty"`
	Hostless      int64    `json:"hostless"`  // requests that name no host
	Redaction     string   `json:"redaction"` // version of the rules that were applied, or "none" with --keep-secrets
	Sources       []Ledger `json:"sources"`

	// RedactedBefore are other rules that went over some of the requests when they were captured first, and may have
	// kept what these would not; at most 32, sorted.
	RedactedBefore []string `json:"redacted_before,omitempty"`

	Series  string `json:"series,omitempty"`  // of live files that went on from one to the next: the same in each
	Part    int    `json:"part,omitempty"`    // place in the series, from 1
	Stopped bool   `json:"stopped,omitempty"` // a live capture was ended by its user while its source went on
}

// NoRedaction is Meta.Redaction of requests that hold their secrets.
const NoRedaction = "none"

// MaxHosts is how many distinct hosts Meta names; more set HostsOverflow, which the guard treats as unknown hosts.
const MaxHosts = 1000
