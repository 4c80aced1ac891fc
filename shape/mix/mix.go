// Package mix takes requests that are already sorted into endpoints and gives what is known of each
// endpoint: its share of the traffic, its statuses, its latency and its sizes.
package mix

import (
	"cmp"
	"slices"

	"trafficreplay/capture"
	"trafficreplay/shape/stat"
)

// longPoll is the duration in microseconds above which an answer was held back on purpose, so that it says nothing about latency.
const longPoll = 30_000_000

// Endpoint is what is known of one endpoint. The zero value is empty.
type Endpoint struct {
	Requests int64
	Latency  stat.Histogram // microseconds from arrival to the last byte, where the source recorded it
	Held     int64          // requests left out of Latency: status 101, or longer than 30 s
	Size     stat.Histogram // response body bytes, where recorded
	statuses map[int]int64
}

// Add counts one request.
func (e *Endpoint) Add(q *capture.Request) {
	e.Requests++
	if q.Status > 0 {
		if e.statuses == nil {
			e.statuses = map[int]int64{}
		}
		e.statuses[q.Status]++
	}
	if q.RespSize >= 0 {
		e.Size.Add(q.RespSize)
	}
	switch {
	case q.DurUS < 0:
	case q.Status == 101 || q.DurUS > longPoll:
		e.Held++
	default:
		e.Latency.Add(q.DurUS)
	}
}

// Status is a status code and how often it was answered.
type Status struct {
	Code int
	N    int64
}

// Statuses are the statuses that were recorded, in order of code.
func (e *Endpoint) Statuses() []Status {
	var out []Status
	for code, n := range e.statuses {
		out = append(out, Status{code, n})
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.Code, b.Code) })
	return out
}
