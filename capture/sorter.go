package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// SorterOptions settle what a Sorter may use.
type SorterOptions struct {
	Budget  int    // bytes of memory for requests; beyond it they go to temporary files; 0 means 48 MiB
	TempDir string // where those files go, in a folder of their own; empty means os.TempDir
}

// Sorter puts requests in order of arrival with bounded memory. Requests that arrived at the same instant
// keep the order in which they were added. Add them all, then call Next until io.EOF, then Close. The zero
// value is ready to use. It is not safe for concurrent use.
type Sorter struct {
	o       SorterOptions
	batch   []sorterEntry
	chunks  [][]byte // memory of the batch's lines
	chunk   int      // which of them is being filled
	size    int      // bytes of the batch
	scratch []byte
	ordered bool // the batch is in order as it was added
	added   int64

	dir    string   // of the runs; empty while all fits in memory
	runs   []string // each sorted, in the order in which their requests were added
	made   int      // runs ever made, which name the files
	enc    *zstd.Encoder
	dec    *zstd.Decoder
	out    *merger // of the runs
	sealed bool    // Next was called
	err    error   // sticky, from Next
}

type sorterEntry struct {
	at   int64
	seq  int
	line []byte
}

const (
	defaultBudget = 48 << 20
	chunkSize     = 1 << 20
	entrySize     = 80 // bytes of a sorterEntry, and as much again for the slice's growth
	maxRuns       = 64 // merged at once
)

// NewSorter makes a Sorter.
func NewSorter(o SorterOptions) *Sorter { return &Sorter{o: o} }

// Add takes a copy of q. It refuses a request that no Redactor has seen, since requests go to temporary
// files. A [*SyntaxError] means that q is above a limit and was left out.
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
	s.scratch = q.AppendJSON(s.scratch[:0])
	if len(s.scratch) > MaxRecord {
		return tooLong("request", nil, len(s.scratch), MaxRecord)
	}
	budget := s.o.Budget
	if budget == 0 {
		budget = defaultBudget
	}
	if s.size+len(s.scratch)+entrySize > budget && len(s.batch) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.ordered = len(s.batch) == 0 || s.ordered && q.At >= s.batch[len(s.batch)-1].at
	s.batch = append(s.batch, sorterEntry{q.At, len(s.batch), s.keep(s.scratch)})
	s.size += len(s.scratch) + entrySize
	s.added++
	return nil
}

// Len is how many requests were added.
func (s *Sorter) Len() int64 { return s.added }

// keep copies line into the batch's memory.
func (s *Sorter) keep(line []byte) []byte {
	for ; s.chunk < len(s.chunks); s.chunk++ {
		c := s.chunks[s.chunk]
		if cap(c)-len(c) >= len(line) {
			s.chunks[s.chunk] = append(c, line...)
			return s.chunks[s.chunk][len(c):]
		}
		s.size += cap(c) - len(c)
	}
	s.chunks = append(s.chunks, append(make([]byte, 0, max(chunkSize, len(line))), line...))
	return s.chunks[s.chunk]
}

func (s *Sorter) sortBatch() {
	if s.ordered {
		return
	}
	slices.SortFunc(s.batch, func(a, b sorterEntry) int {
		if a.at != b.at {
			if a.at < b.at {
				return -1
			}
			return 1
		}
		return a.seq - b.seq
	})
}

// spill writes the batch into a run and empties it.
func (s *Sorter) spill() error {
	s.sortBatch()
	w, err := s.newRun()
	if err != nil {
		return err
	}
	for i := range s.batch {
		if err := w.add(s.batch[i].at, s.batch[i].line); err != nil {
			return errors.Join(err, w.close())
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	s.runs = append(s.runs, w.path)
	clear(s.batch)
	s.batch, s.size, s.chunk = s.batch[:0], 0, 0
	for i := range s.chunks {
		s.chunks[i] = s.chunks[i][:0]
	}
	return nil
}

// newRun creates the file of a run. The first one makes the folder and the codec.
func (s *Sorter) newRun() (*runWriter, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp(s.o.TempDir, "replay-sort-")
		if err != nil {
			return nil, err
		}
		s.dir = dir
	}
	if s.enc == nil {
		var err error
		if s.enc, err = newFrameEncoder(); err != nil {
			return nil, err
		}
		if s.dec, err = newFrameDecoder(); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(s.dir, fmt.Sprintf("%06d.run", s.made))
	s.made++
	return newRunWriter(path, s.enc)
}

// Next gives the next request in order of arrival, whose slices stay valid until the next call. io.EOF at the
// end; after any error it returns that error for ever.
func (s *Sorter) Next(q *Request) error {
	if !s.sealed {
		s.sealed = true
		s.err = s.seal()
	}
	if s.err != nil {
		return s.err
	}
	line, err := s.nextLine()
	if err == nil {
		err = ParseJSON(line, q)
	}
	q.clean = err == nil
	s.err = err
	return err
}

func (s *Sorter) nextLine() ([]byte, error) {
	if s.out != nil {
		_, line, err := s.out.next()
		return line, err
	}
	if len(s.batch) == 0 {
		return nil, io.EOF
	}
	line := s.batch[0].line
	s.batch = s.batch[1:]
	return line, nil
}

// seal gets ready to give: the batch from memory if it is all there is, else the runs, merged until one merge
// is left to do.
func (s *Sorter) seal() error {
	if len(s.runs) == 0 {
		s.sortBatch()
		return nil
	}
	if len(s.batch) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.batch, s.chunks = nil, nil
	for len(s.runs) > maxRuns {
		if err := s.mergePass(); err != nil {
			return err
		}
	}
	var err error
	s.out, err = newMerger(s.runs, s.dec)
	return err
}

// mergePass merges neighbouring runs, up to maxRuns into one.
func (s *Sorter) mergePass() error {
	var merged []string
	for group := range slices.Chunk(s.runs, maxRuns) {
		path, err := s.mergeRuns(group)
		if err != nil {
			return err
		}
		merged = append(merged, path)
	}
	s.runs = merged
	return nil
}

// mergeRuns merges runs into a new one and removes them.
func (s *Sorter) mergeRuns(runs []string) (path string, err error) {
	m, err := newMerger(runs, s.dec)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	w, err := s.newRun()
	if err != nil {
		return "", err
	}
	for {
		at, line, err := m.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.add(at, line)
		}
		if err != nil {
			return "", errors.Join(err, w.close())
		}
	}
	for _, r := range runs {
		if err := os.Remove(r); err != nil {
			return "", errors.Join(err, w.close())
		}
	}
	return w.path, w.close()
}

// Close removes the temporary files.
func (s *Sorter) Close() error {
	var errs []error
	if s.out != nil {
		errs = append(errs, s.out.close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if s.enc != nil {
		errs = append(errs, s.enc.Close())
		s.dec.Close()
	}
	dead := Sorter{sealed: true, err: errors.New("sorter: closed")}
	*s = dead
	return errors.Join(errs...)
}
