package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"trafficreplay/capture"
)

// archive is a capture file, and what a filter excluded from it.
type archive struct {
	name    string
	r       *capture.Reader
	ordered bool // its requests come in order of arrival

	torn    *capture.FormatError // where it stops before its end
	unit    int64                // resolution of its arrivals so far, ns
	read    int64
	kept    int64
	dropped map[string]*drops // by the source that their Src names
}

// drops are requests that a filter excluded.
type drops struct {
	n  int64
	by map[string]int64 // those that have a name
}

// maxNames bounds the names of dropped, which the file makes up.
const maxNames = 10_000

// next gives the next request. A live file that is torn ends where its sound requests do; a torn import is an error,
// since it can be made again.
func (a *archive) next(q *capture.Request) error {
	err := a.r.Next(q)
	if torn, ok := errors.AsType[*capture.FormatError](err); ok && errors.Is(err, capture.ErrTorn) && a.r.Live() {
		a.torn = torn
		return io.EOF
	}
	if err != nil {
		return err
	}
	a.read++
	a.kept++
	for q.At%a.unit != 0 {
		a.unit /= 10
	}
	return nil
}

// warning is what must be said of a torn file; empty for a whole one. Its end was read.
func (a *archive) warning() string {
	if a.torn == nil {
		return ""
	}
	what := fmt.Sprintf("%s: torn, or still being written: %s", a.name, a.torn)
	if m, ok := a.r.Checkpoint(); ok {
		return fmt.Sprintf("%s; what else was read after the first %d is not known", what, m.Requests)
	}
	return what + "; what else was read is not known"
}

// drop counts q, the last request that was read, as excluded. why names what it was, or is empty.
func (a *archive) drop(q *capture.Request, why string) {
	a.kept--
	name := q.Src
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	d, ok := a.dropped[string(name)]
	if !ok && len(a.dropped) == maxNames {
		name = nil
		d, ok = a.dropped[""]
	}
	if a.dropped == nil {
		a.dropped = map[string]*drops{}
	}
	if !ok {
		d = &drops{by: map[string]int64{}}
		a.dropped[string(name)] = d
	}
	d.n++
	if why != "" {
		d.by[why]++
	}
}

// loadArchive reads a capture file into the sorter.
func (s *Set) loadArchive(in *input) error {
	if err := in.reopen(); err != nil {
		return err
	}
	a := in.archive
	before := s.connsBefore(in)
	var q capture.Request
	var top int64
	for {
		if s.lines%progressEvery == 0 {
			if err := s.tick(0); err != nil {
				return err
			}
		}
		err := a.next(&q)
		if err == io.EOF {
			s.conns = max(s.conns, before+top)
			s.ledger = append(s.ledger, a.ledgers(s.o.Redactor)...)
			s.redacted = append(s.redacted, a.r.Redactions()...)
			s.warn(a.warning())
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		s.lines++
		s.nameHost(&q)
		if !s.o.Filter.Keep(&q) {
			a.drop(&q, s.o.Filter.Why(&q))
			continue
		}
		if q.Conn > 0 {
			top = max(top, q.Conn)
			q.Conn += before
		}
		s.o.Redactor.Ensure(&q)
		if s.o.Dedupe {
			q.Src = s.twins.marked(&q, lineDigest{}, -1)
		}
		if err := s.sorter.Add(&q); err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
}

// ledgers are those in the file, less what was excluded. A file without any, or whose ledgers do not add up to what
// it holds, gets one of its own. r redacts their examples unless some other did. The end of the file was read.
func (a *archive) ledgers(r *capture.Redactor) []capture.Ledger {
	m, _ := a.r.Meta()
	if a.torn != nil {
		m.Sources = a.tornLedgers()
	}
	var sum int64
	for i := range m.Sources {
		sum += m.Sources[i].Requests
	}
	if sum != a.read || len(m.Sources) == 0 {
		m.Sources = []capture.Ledger{{
			Name: a.name, Format: "capture", Basis: capture.BasisStart, Resolution: "1ns", Lines: a.read,
			Requests: a.read, Skipped: map[string]int64{},
		}}
	}
	if latest := a.r.Redactions()[0]; latest == "" || latest == capture.NoRedaction {
		r.Examples(m.Sources)
	}
	return a.less(m.Sources)
}

// tornLedgers are those of a torn file: of its last checkpoint, with the requests that came after it. A file without
// any says the least about its stamps. A request that is cut off is a line that was skipped.
func (a *archive) tornLedgers() []capture.Ledger {
	l := capture.Ledger{Name: a.name, Format: "capture", Basis: capture.BasisCompletion, Resolution: time.Duration(a.unit).String()}
	if m, ok := a.r.Checkpoint(); ok && len(m.Sources) == 1 && m.Sources[0].Requests == m.Requests && m.Sources[0].Balance() == nil {
		l = m.Sources[0]
	}
	l.Lines += a.read - l.Requests
	l.Requests = a.read
	l.Skipped = maps.Clone(l.Skipped)
	if a.torn.Cut {
		l.Lines++
		l.Skip(reasonTorn, fmt.Sprintf("%s:byte %d", filepath.Base(a.name), a.torn.Offset), "")
	}
	if l.Skipped == nil {
		l.Skipped = map[string]int64{}
	}
	return []capture.Ledger{l}
}

// reasonTorn is why what is left of a request at the end of a torn capture file is skipped.
const reasonTorn = "torn"

// less is ledgers without what was excluded.
func (a *archive) less(sources []capture.Ledger) []capture.Ledger {
	ls := append([]capture.Ledger(nil), sources...)
	for i := range ls {
		if d := a.dropped[filepath.Base(ls[i].Name)]; d != nil {
			d.exclude(&ls[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.dropped)) {
		for i := range ls {
			a.dropped[name].exclude(&ls[i])
		}
	}
	return ls
}

// exclude moves requests, or as many as there are, to Filtered.
func (d *drops) exclude(l *capture.Ledger) {
	n := min(d.n, l.Requests)
	d.n -= n
	l.Requests -= n
	l.Filtered += n
	if n == 0 || len(d.by) == 0 {
		return
	}
	l.FilteredBy = maps.Clone(l.FilteredBy)
	if l.FilteredBy == nil {
		l.FilteredBy = map[string]int64{}
	}
	for _, why := range slices.Sorted(maps.Keys(d.by)) {
		named := min(n, d.by[why])
		n -= named
		if d.by[why] -= named; named > 0 {
			l.FilteredBy[why] += named
		}
	}
}
