package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// merger gives the requests of sorted runs in order: by arrival, then by run.
type merger struct {
	file    *spillFile
	dec     *zstd.Decoder
	cursors []*cursor // a heap, the first in order on top
	memory  [][]byte  // of decoded frames, for use again
	given   bool      // the line of the top was given away, so that its cursor must move on
}

// cursor is a place in a run, before a line. Frames are decoded only when one of their lines is asked for.
type cursor struct {
	run    *run
	number int // of the run
	frame  int
	lines  []byte // of the frame; nil: not decoded
	line   []byte // the next of them, with its end; whoever gets it may overwrite it
	rest   []byte // those behind it
	at     int64  // arrival of the next line
}

const (
	maxRuns = 32 // merged at once, where they overlap
	stampAt = len(`{"at":"`)
)

// merge merges runs until one merge is left to do, and begins it.
func (p *spiller) merge(ctx context.Context) (*merger, error) {
	var err error
	if p.dec, err = newFrameDecoder(); err != nil {
		return nil, err
	}
	for {
		most := fanIn(p.runs, p.shares.merge)
		if overlap(p.runs) <= most {
			return newMerger(p.file, p.dec, p.runs, p.freed), nil
		}
		if err := p.mergePass(ctx, most); err != nil {
			return nil, err
		}
	}
}

// fanIn is how many runs may be decoded at the same time within so many bytes.
func fanIn(runs []*run, memory int) int {
	largest := uint32(1)
	for _, r := range runs {
		for i := range r.frames {
			largest = max(largest, r.frames[i].size.plain)
		}
	}
	return max(2, min(maxRuns, memory/int(largest)))
}

// overlap is how many runs hold requests of one instant, at most.
func overlap(runs []*run) int {
	var begins, ends []int64
	for _, r := range runs {
		begins = append(begins, r.frames[0].first)
		ends = append(ends, r.frames[len(r.frames)-1].last)
	}
	slices.Sort(begins)
	slices.Sort(ends)
	most, ended := 0, 0
	for i, at := range begins {
		for ends[ended] < at {
			ended++
		}
		most = max(most, i+1-ended)
	}
	return most
}

// mergePass merges neighbouring runs, as many as may be decoded, into one each. They go to a new file.
func (p *spiller) mergePass(ctx context.Context, most int) (err error) {
	file, err := newSpillFile(p.file.dir)
	if err != nil {
		return err
	}
	old := p.file
	defer func() { err = errors.Join(err, old.close()) }()
	var merged []*run
	p.file = file
	for group := range slices.Chunk(p.runs, most) {
		r := p.newRun()
		m := newMerger(old, p.dec, group, p.freed)
		if err := m.copyTo(ctx, runSink{p, r}); err != nil {
			return err
		}
		p.freed = m.memory
		if err := p.seal(r); err != nil {
			return err
		}
		merged = append(merged, r)
	}
	p.runs = merged
	return nil
}

// sink is where a merge goes.
type sink interface {
	addLine(at int64, line []byte) error // with its end
	addFrame(packed []byte, f *runFrame) error
}

// runSink makes a run of a merge.
type runSink struct {
	p *spiller
	r *run
}

func (s runSink) addLine(at int64, line []byte) error { return s.p.extend(s.r, at, line) }

func (s runSink) addFrame(packed []byte, f *runFrame) error {
	if err := s.p.flush(s.r); err != nil {
		return err
	}
	copied := *f
	err := s.p.file.appendPacked(packed, int(f.size.plain), &copied)
	s.r.frames = append(s.r.frames, copied)
	return err
}

func newMerger(file *spillFile, dec *zstd.Decoder, runs []*run, memory [][]byte) *merger {
	m := &merger{file: file, dec: dec, memory: memory}
	for i, r := range runs {
		m.cursors = append(m.cursors, &cursor{run: r, number: i, at: r.frames[0].first})
	}
	for i := len(m.cursors)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m
}

// copyTo gives everything that is left to out: frames that need no merging as they are, the others line by line.
func (m *merger) copyTo(ctx context.Context, out sink) error {
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c, err := m.head()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if c.lines == nil && m.alone(c) {
			n += checkEvery - 1 - n%checkEvery
			err = m.copyFrame(c, out)
		} else if err = m.decode(c); err == nil {
			err = out.addLine(c.at, c.line)
			m.given = true
		}
		if err != nil {
			return err
		}
	}
}

// checkEvery is how many lines pass between two looks at the context.
const checkEvery = 4096

// nextLine gives the next line with its end. It may be overwritten, and stays valid until the next call.
func (m *merger) nextLine() ([]byte, error) {
	c, err := m.head()
	if err == nil {
		err = m.decode(c)
	}
	if err != nil {
		return nil, err
	}
	m.given = true
	return c.line, nil
}

// head is the cursor before the next line; io.EOF at the end.
func (m *merger) head() (*cursor, error) {
	if m.given {
		m.given = false
		c := m.cursors[0]
		if err := m.moved(c); err != nil {
			return nil, err
		}
	}
	if len(m.cursors) == 0 {
		return nil, io.EOF
	}
	return m.cursors[0], nil
}

// moved puts c, the top, into its new place once its line or frame was given away.
func (m *merger) moved(c *cursor) error {
	switch {
	case len(c.rest) > 0:
		if err := c.step(); err != nil {
			return err
		}
	case c.frame+1 < len(c.run.frames):
		m.release(c)
		c.frame++
		c.at = c.run.frames[c.frame].first
	default:
		m.release(c)
		last := len(m.cursors) - 1
		m.cursors[0], m.cursors = m.cursors[last], m.cursors[:last]
	}
	m.down(0)
	return nil
}

// release takes back the memory of the frame at c.
func (m *merger) release(c *cursor) {
	if c.lines != nil {
		m.memory = append(m.memory, c.lines)
		c.lines, c.line = nil, nil
	}
}

// step goes on to the next line of the frame.
func (c *cursor) step() error {
	n := bytes.IndexByte(c.rest, '\n') + 1
	c.line, c.rest = c.rest[:n:n], c.rest[n:]
	var ok bool
	if c.at, ok = lineStamp(c.line); !ok {
		return errors.New("temporary file: line without its arrival")
	}
	return nil
}

// alone reports whether the frame that c, the top, is at comes before everything else.
func (m *merger) alone(c *cursor) bool {
	whole := cursor{number: c.number, at: c.run.frames[c.frame].last}
	for _, other := range m.cursors[min(1, len(m.cursors)):min(3, len(m.cursors))] {
		if other.before(&whole) {
			return false
		}
	}
	return true
}

func (m *merger) copyFrame(c *cursor, out sink) error {
	f := &c.run.frames[c.frame]
	packed, err := m.file.read(f)
	if err != nil {
		return err
	}
	if err := out.addFrame(packed, f); err != nil {
		return err
	}
	return m.moved(c)
}

// decode makes sure that the lines of the frame at c are there.
func (m *merger) decode(c *cursor) (err error) {
	if c.lines != nil {
		return nil
	}
	var memory []byte
	if n := len(m.memory); n > 0 {
		memory, m.memory = m.memory[n-1], m.memory[:n-1]
	}
	c.lines, err = m.file.decode(m.dec, &c.run.frames[c.frame], memory[:0])
	if err != nil {
		return err
	}
	c.rest = c.lines
	return c.step()
}

// lineStamp reads the arrival that a line begins with.
func lineStamp(line []byte) (at int64, ok bool) {
	if len(line) < stampAt {
		return 0, false
	}
	n := bytes.IndexByte(line[stampAt:], '"')
	if n < 0 {
		return 0, false
	}
	return parseStamp(line[stampAt : stampAt+n])
}

func (c *cursor) before(o *cursor) bool { return c.at < o.at || c.at == o.at && c.number < o.number }

func (m *merger) down(i int) {
	h := m.cursors
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
