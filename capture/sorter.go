package capture

import (
	"context"
	"errors"
	"io"
)

// SorterOptions settle what a Sorter may use.
type SorterOptions struct {
	Budget  int    // bytes of memory for requests; beyond it they go to a temporary file; 0 means 48 MiB
	TempDir string // where that file goes; empty means os.TempDir
}

// Sorter puts requests in order of arrival with bounded memory. Requests that arrived at the same instant
// keep the order in which they were added. Add them all, then call Next until io.EOF or CopyTo once, then Close.
// The zero value is ready to use. It is not safe for concurrent use. Once there are more requests than it may keep
// in memory it sorts and compresses in one goroutine of its own, which ends with the first Next, CopyTo or Close.
type Sorter struct {
	o       SorterOptions
	shares  shares
	fill    *batch // what is being added
	scratch []byte
	added   int64
	last    int64 // arrival of the request that was added last
	mixed   bool  // a request stepped back behind another one
	hosts   HostSet

	spiller *spiller // nil while all fits in memory
	merge   *merger  // of its runs
	pos     int      // in fill, once it is sorted
	sealed  bool     // Next or CopyTo was called
	err     error    // sticky, from then on
}

const defaultBudget = 48 << 20

// NewSorter makes a Sorter.
func NewSorter(o SorterOptions) *Sorter { return &Sorter{o: o} }

// shares are the parts of a budget, in bytes.
type shares struct {
	batch int // the requests that are being added, and as many that are being written to runs
	hold  int // what was held back of those before them, and as much for its new place
	frame int // lines of a frame of a run
	merge int // frames that are being merged, when there are no batches any more
}

// minFrame bounds the number of frames where the budget is small.
const minFrame = 4 << 10

func sharesOf(budget int) shares {
	if budget == 0 {
		budget = defaultBudget
	}
	frame := max(minFrame, min(frameTarget, budget/48))
	return shares{batch: budget / 3, hold: budget / 6, frame: frame, merge: max(2*budget/3, 16*minFrame)}
}

// Add takes a copy of q. It refuses a request that no Redactor has seen, since requests go to a temporary
// file. A [*SyntaxError] means that q is above a limit and was left out.
func (s *Sorter) Add(q *Request) error {
	switch {
	case s.sealed:
		return errors.New("sorter: request added after the first was taken")
	case !q.clean:
		return errors.New("sorter: request was not redacted")
	}
	if err := q.CheckLimits(); err != nil {
		return err
	}
	if s.fill == nil {
		s.shares = sharesOf(s.o.Budget)
		s.fill = newBatch(s.shares.frame)
	}
	if s.full() {
		if err := s.turn(); err != nil {
			return err
		}
	}
	if err := s.fill.add(q, &s.scratch); err != nil {
		return err
	}
	s.mixed = s.mixed || s.added > 0 && q.At < s.last
	s.last = q.At
	s.hosts.Add(q.Host)
	s.added++
	return nil
}

// full reports whether it is time to hand the batch over. As long as all requests come in order whole frames are, one
// by one once the first are too many to keep: they are compressed as they are, while the cache has them.
func (s *Sorter) full() bool {
	if s.mixed {
		return s.fill.size > s.shares.batch
	}
	return s.fill.whole() && (s.spiller != nil || s.fill.size > s.shares.batch)
}

// turn hands the full batch over and takes an empty one.
func (s *Sorter) turn() error {
	if s.spiller == nil {
		var err error
		if s.spiller, err = newSpiller(s.o.TempDir, s.shares); err != nil {
			return err
		}
		s.spiller.start()
	}
	s.fill.ordered = !s.mixed
	s.fill = s.spiller.swap(s.fill)
	return s.fill.err
}

// Len is how many requests were added.
func (s *Sorter) Len() int64 { return s.added }

// Next gives the next request in order of arrival, whose slices stay valid until the next call. io.EOF at the
// end; after any error it returns that error for ever.
func (s *Sorter) Next(q *Request) error {
	s.seal(context.Background())
	if s.err != nil {
		return s.err
	}
	line, err := s.nextLine()
	if err == nil {
		err = ParseJSON(line[:len(line)-1], q)
	}
	q.clean = err == nil
	s.err = err
	return err
}

// nextLine gives the next line with its end. It may be overwritten.
func (s *Sorter) nextLine() ([]byte, error) {
	switch {
	case s.merge != nil:
		return s.merge.nextLine()
	case s.fill == nil || s.pos == len(s.fill.keys):
		return nil, io.EOF
	}
	s.pos++
	return s.fill.line(s.fill.keys[s.pos-1].ref), nil
}

// CopyTo writes the requests that are left to w, in order of arrival, as Next and w.Write would. Sorted lines
// go from memory, and whole frames from the temporary file, as they are.
func (s *Sorter) CopyTo(ctx context.Context, w *Writer) error {
	s.seal(ctx)
	if s.err != nil {
		return s.err
	}
	s.err = s.copyTo(ctx, w)
	if s.err == nil {
		w.hosts.addAll(&s.hosts)
		s.err = io.EOF
		return nil
	}
	return s.err
}

func (s *Sorter) copyTo(ctx context.Context, w *Writer) error {
	if s.merge != nil {
		return s.merge.copyTo(ctx, w)
	}
	if s.fill == nil {
		return nil
	}
	for ; s.pos < len(s.fill.keys); s.pos++ {
		if s.pos%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k := s.fill.keys[s.pos]
		if err := w.addLine(k.at, s.fill.line(k.ref)); err != nil {
			return err
		}
	}
	return nil
}

// seal gets ready to give: the batch from memory if it is all there is, else the runs, merged until one merge is
// left to do.
func (s *Sorter) seal(ctx context.Context) {
	if s.sealed {
		return
	}
	s.sealed = true
	switch {
	case s.spiller != nil:
		s.fill.ordered = !s.mixed
		if s.err = s.spiller.finish(s.fill); s.err == nil {
			s.merge, s.err = s.spiller.merge(ctx)
		}
		s.fill = nil
	case s.fill != nil:
		s.fill.sort(nil)
	}
}

// Close ends what is under way and removes the temporary file.
func (s *Sorter) Close() error {
	var err error
	if s.spiller != nil {
		err = s.spiller.close()
	}
	dead := Sorter{sealed: true, err: errors.New("sorter: closed")}
	*s = dead
	return err
}
