package capture

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// spiller sorts batch after batch into runs. Of what it has it writes the earlier part and holds the later one
// back, up to half a batch: requests that step back no further than that all end up in one run, and nothing is
// left to merge. It works in a goroutine of its own between start and finish or close; only swap may be called
// meanwhile.
type spiller struct {
	shares
	file *spillFile
	enc  *zstd.Encoder
	dec  *zstd.Decoder // once the runs are merged

	held  *batch   // in order
	freed [][]byte // memory of batches, for the merge
	next  *batch   // its new place
	spare []sortKey
	open  []*run // that may still grow, the last arrival of each before that of the one before it
	runs  []*run // all, in the order in which they began
	err   error  // of the goroutine

	full  chan *batch
	empty chan *batch
	wg    sync.WaitGroup
	ended bool
}

// maxOpen is how many runs may grow at the same time. Each keeps the lines of one frame in memory.
const maxOpen = 4

func newSpiller(dir string, parts shares) (*spiller, error) {
	file, err := newSpillFile(dir)
	if err != nil {
		return nil, err
	}
	enc, err := newFrameEncoder()
	if err != nil {
		return nil, errors.Join(err, file.close())
	}
	return &spiller{
		shares: parts, file: file, enc: enc, held: newBatch(parts.frame), next: newBatch(parts.frame),
		full: make(chan *batch), empty: make(chan *batch, 1),
	}, nil
}

func (p *spiller) start() {
	p.empty <- newBatch(p.frame)
	p.wg.Go(func() {
		for b := range p.full {
			if p.err == nil {
				p.err = p.take(b, p.hold)
			}
			b.reset()
			b.err = p.err
			p.empty <- b
		}
	})
}

// swap gives the goroutine a full batch and returns an empty one, which says what went wrong so far.
func (p *spiller) swap(b *batch) *batch {
	p.full <- b
	return <-p.empty
}

// finish ends the goroutine and writes what is left, the batch b included, so that the runs are whole.
func (p *spiller) finish(b *batch) error {
	p.stop()
	if p.err == nil {
		p.err = p.take(b, 0)
	}
	for _, done := range []*batch{b, p.held, p.next} {
		p.freed = append(p.freed, done.chunks...)
	}
	p.held, p.next, p.spare = nil, nil, nil
	for _, r := range p.open {
		if p.err == nil {
			p.err = p.seal(r)
		}
	}
	p.open = nil
	return p.err
}

func (p *spiller) stop() {
	if !p.ended {
		close(p.full)
		p.wg.Wait()
		p.ended = true
	}
}

// take adds b to what is held and writes the earliest of it, until no more than hold bytes are left.
func (p *spiller) take(b *batch, hold int) error {
	if b.ordered {
		return p.takeOrdered(b)
	}
	all := batch{keys: p.held.keys, chunks: append(p.held.chunks, b.chunks...), size: p.held.size + b.size}
	shift := uint64(len(p.held.chunks)) << 32
	for _, k := range b.keys {
		all.keys = append(all.keys, sortKey{k.at, k.ref + shift})
	}
	p.spare = all.sort(p.spare)
	i := 0
	for ; i < len(all.keys) && all.size > hold; i++ {
		line := all.line(all.keys[i].ref)
		all.size -= len(line) + keySize
		if err := p.write(all.keys[i].at, line); err != nil {
			return err
		}
	}
	for _, k := range all.keys[i:] {
		p.next.put(k.at, all.line(k.ref))
	}
	p.held.keys = all.keys
	p.held.reset()
	p.held, p.next = p.next, p.held
	return nil
}

// takeOrdered writes a batch that is in order, as are all batches before it: nothing is held, and each chunk is a
// frame of the only run.
func (p *spiller) takeOrdered(b *batch) error {
	for keys := b.keys; len(keys) > 0; {
		chunk, n := keys[0].ref>>32, 1
		for n < len(keys) && keys[n].ref>>32 == chunk {
			n++
		}
		r, err := p.runFor(keys[0].at)
		if err != nil {
			return err
		}
		r.part = runFrame{first: keys[0].at, last: keys[n-1].at, count: int64(n)}
		if err := p.pack(r, b.chunks[chunk]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// write appends a line to the first open run that it does not step back from. Lines of one instant come in the order
// in which they were added; since the last arrivals of open runs only grow, and runs are closed for good, none of
// them gets into a run before that of an earlier one, and a merge may go by the order of the runs.
func (p *spiller) write(at int64, line []byte) error {
	r, err := p.runFor(at)
	if err != nil {
		return err
	}
	return p.extend(r, at, line)
}

// extend appends a line to a run.
func (p *spiller) extend(r *run, at int64, line []byte) error {
	if len(r.tail) == 0 {
		r.part.first = at
	}
	r.tail = append(r.tail, line...)
	r.part.last = at
	r.part.count++
	if len(r.tail) < p.frame {
		return nil
	}
	return p.flush(r)
}

// runFor finds the run for a line, or begins one.
func (p *spiller) runFor(at int64) (*run, error) {
	for _, r := range p.open {
		if r.part.last <= at {
			return r, nil
		}
	}
	if len(p.open) == maxOpen {
		if err := p.seal(p.open[0]); err != nil {
			return nil, err
		}
		p.open = append(p.open[:0], p.open[1:]...)
	}
	r := p.newRun()
	p.open, p.runs = append(p.open, r), append(p.runs, r)
	return r, nil
}

// newRun makes a run with memory for the lines of a frame, and seal writes what is left of it and takes that memory
// back.
func (p *spiller) newRun() *run {
	if n := len(p.freed); n > 0 {
		memory := p.freed[n-1]
		p.freed = p.freed[:n-1]
		return &run{tail: memory[:0]}
	}
	return &run{tail: make([]byte, 0, roomFor(p.frame))}
}

func (p *spiller) seal(r *run) error {
	err := p.flush(r)
	p.freed = append(p.freed, r.tail)
	r.tail = nil
	return err
}

// flush writes the lines that a run has in memory as one frame.
func (p *spiller) flush(r *run) error {
	if len(r.tail) == 0 {
		return nil
	}
	err := p.pack(r, r.tail)
	r.tail = r.tail[:0]
	return err
}

// pack writes lines, of which r.part tells, as the next frame of a run.
func (p *spiller) pack(r *run, lines []byte) error {
	err := p.file.append(p.enc, lines, &r.part)
	r.frames = append(r.frames, r.part)
	r.part.count = 0
	return err
}

// close ends the goroutine and removes the file.
func (p *spiller) close() error {
	p.stop()
	if p.dec != nil {
		p.dec.Close()
	}
	return errors.Join(p.enc.Close(), p.file.close())
}
