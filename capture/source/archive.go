package source

import (
	"bytes"
	"path/filepath"

	"trafficreplay/capture"
)

// archive is a capture file, and what a filter excluded from it.
type archive struct {
	name    string
	r       *capture.Reader
	ordered bool // its requests come in order of arrival

	read    int64
	kept    int64
	dropped map[string]int64 // requests by the source that their Src names
}

// maxNames bounds the names of dropped, which the file makes up.
const maxNames = 10_000

func (a *archive) next(q *capture.Request) error {
	err := a.r.Next(q)
	if err == nil {
		a.read++
		a.kept++
	}
	return err
}

// drop counts q, the last request that was read, as excluded.
func (a *archive) drop(q *capture.Request) {
	a.kept--
	name := q.Src
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	if _, ok := a.dropped[string(name)]; !ok && len(a.dropped) == maxNames {
		name = nil
	}
	if a.dropped == nil {
		a.dropped = map[string]int64{}
	}
	a.dropped[string(name)]++
}

// ledgers are those in the file, less what was excluded. A file without any, or whose ledgers do not add up to what
// it holds, gets one of its own. The end of the file was read.
func (a *archive) ledgers() []capture.Ledger {
	m, _ := a.r.Meta()
	var sum int64
	for i := range m.Sources {
		sum += m.Sources[i].Requests
	}
	if sum != a.read || len(m.Sources) == 0 {
		return []capture.Ledger{{
			Name: a.name, Format: "capture", Basis: capture.BasisStart, Resolution: "1ns", Lines: a.read,
			Requests: a.kept, Skipped: map[string]int64{}, Filtered: a.read - a.kept,
		}}
	}
	ls := append([]capture.Ledger(nil), m.Sources...)
	left := a.read - a.kept
	for i := range ls {
		if name := filepath.Base(ls[i].Name); a.dropped[name] > 0 {
			n := exclude(&ls[i], a.dropped[name])
			a.dropped[name] -= n
			left -= n
		}
	}
	for i := range ls {
		left -= exclude(&ls[i], left)
	}
	return ls
}

// exclude moves n requests, or as many as there are, to Filtered and says how many.
func exclude(l *capture.Ledger, n int64) int64 {
	n = min(n, l.Requests)
	l.Requests -= n
	l.Filtered += n
	return n
}
