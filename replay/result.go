// Package replay issues a plan against a target and says what happened: one [Result] for every shot,
// tallies per endpoint, verdicts on thresholds, and the run folder that keeps them all.
package replay

import (
	"context"
	"time"

	"trafficreplay/replay/plan"
)

// Outcome is how a shot ended. Every planned shot has exactly one.
type Outcome uint8

// The outcomes: planned = sent + dropped + cancelled, sent = ok + failed. Whether a complete response is ok
// or failed depends on its status and the endpoint's expect rule, so the engine only says Answered.
const (
	Answered       Outcome = iota // a complete response was read
	Failed                        // sent, but no complete response; Err says why
	DroppedCeiling                // never begun: every in-flight slot was taken by the target
	DroppedLate                   // never begun: more than the late limit behind schedule, our own fault
	Cancelled                     // never begun: the run was stopped
)

// ErrKind names why a shot failed. An enum, so it can be counted and compared; String gives the JSON key.
type ErrKind uint8

// The kinds of failure.
const (
	ErrNone      ErrKind = iota
	ErrDial              // refused, unreachable, no connection
	ErrTLS               // handshake or record failure
	ErrTimeout           // no complete response in time, from the intended instant's send
	ErrReset             // connection reset or closed before the first byte of the response
	ErrTruncated         // closed inside a response
	ErrProtocol          // the response is not HTTP
	ErrOversize          // response header or body over its limit
	ErrGuard             // the dialled address is not allowed
	ErrResource          // no file descriptor or port was left: our own fault
	ErrAborted           // in flight when the run was killed or the drain ended
	NumErrKinds
)

var errKindNames = [NumErrKinds]string{"", "dial", "tls", "timeout", "reset", "truncated", "protocol", "oversize", "guard", "resource", "aborted"}

func (k ErrKind) String() string { return errKindNames[k] }

// Result is what became of one shot. All instants are on one monotonic clock, nanoseconds since the run
// began; an instant that was not reached is 0.
type Result struct {
	Seq                         uint64
	Endpoint                    uint32
	Intended, Sent, First, Done int64
	Status                      uint16 // 0 unless Outcome is Answered
	Outcome                     Outcome
	Err                         ErrKind
	Warmup                      bool
	NewConn                     bool  // a connection was opened for this shot
	ConnectNS                   int64 // time that opening it took, TLS handshake included; 0 when reused
	WaitNS                      int64 // time after Sent in the queue of a pool of connections (pool=N); 0 otherwise
	BytesIn, BytesOut           int64
}

// Latency is what a user would have waited: from the instant the request was due.
func (r *Result) Latency() time.Duration { return time.Duration(r.Done - r.Intended) }

// Service is the target's share of it: from the instant the request was sent.
func (r *Result) Service() time.Duration { return time.Duration(r.Done - r.Sent) }

// Lag is our own fault: how late the request was sent.
func (r *Result) Lag() time.Duration { return time.Duration(r.Sent - r.Intended) }

// Sink receives one result per shot. Record is called from the engine's own threads, for one worker index
// never concurrently; it must not block and must not keep r.
type Sink interface {
	Record(worker int, r *Result)
}

// Sender issues shots: the interface that every engine implements.
type Sender interface {
	// Workers is the number of worker indices the sender will report results under.
	Workers() int

	// Send issues each shot at start + Intended on the monotonic clock and reports exactly one Result for
	// each shot to sink, then returns; nothing it started still runs. shots yields batches in order of
	// Intended, read ahead of time; the receiver owns a batch. When stop is closed no further shot is begun:
	// the remaining shots are reported Cancelled, those in flight may finish until ctx ends. When ctx ends,
	// those in flight are reported Failed with ErrAborted at once. The error is trouble that ended the run
	// early (after which every shot has still been reported).
	Send(ctx context.Context, stop <-chan struct{}, start time.Time, shots <-chan []plan.Shot, sink Sink) error
}
