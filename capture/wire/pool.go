package wire

// pool lends buffers of a few sizes and keeps those that come back. Small ones are always to be had, so that a
// connection can hold a head; larger ones only within the budget, which is shared by all connections.
type pool struct {
	budget int
	lent   int // bytes in large buffers that are out
	small  int // bytes in small ones
	idle   int // bytes in free
	free   [poolClasses][][]byte
}

const (
	poolClasses = 13      // 1 KiB, 2 KiB, … 4 MiB
	smallBuffer = 4 << 10 // up to this size no budget is asked
	maxIdle     = 8 << 20 // bytes of buffers that are kept for use again
)

func classSize(class int) int { return 1 << (10 + class) }

// grow gives b room for n bytes more. It is false where there is none, and b is as it was.
func (p *pool) grow(b []byte, n int) ([]byte, bool) {
	if cap(b)-len(b) >= n {
		return b, true
	}
	class := 0
	for classSize(class) < len(b)+n {
		if class++; class == poolClasses {
			return b, false
		}
	}
	size := classSize(class)
	if size > smallBuffer && p.lent+size > p.budget {
		return b, false
	}
	var to []byte
	if last := len(p.free[class]) - 1; last >= 0 {
		to = p.free[class][last]
		p.free[class] = p.free[class][:last]
		p.idle -= size
	} else {
		to = make([]byte, 0, size)
	}
	*p.out(size) += size
	to = append(to, b...)
	p.put(b)
	return to, true
}

// keep is grow for what one can do without, as the body of a request: small buffers too have to be to spare.
func (p *pool) keep(b []byte, n int) ([]byte, bool) {
	if cap(b)-len(b) < n && p.lent+p.small > p.budget*5/2 {
		return b, false
	}
	return p.grow(b, n)
}

// out is what is out of buffers like one of size bytes.
func (p *pool) out(size int) *int {
	if size > smallBuffer {
		return &p.lent
	}
	return &p.small
}

// crowded reports whether there are so many small buffers out that nobody should keep what he can do without.
func (p *pool) crowded() bool { return p.small > p.budget/2 }

// put takes back a buffer that grow gave.
func (p *pool) put(b []byte) {
	size := cap(b)
	if size == 0 {
		return
	}
	*p.out(size) -= size
	if p.idle+size > maxIdle {
		return
	}
	for class := range poolClasses {
		if classSize(class) == size {
			p.free[class] = append(p.free[class], b[:0])
			p.idle += size
		}
	}
}
