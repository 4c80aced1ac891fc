package plan

// item is a shot on its way into order.
type item struct {
	at       int64  // nanoseconds since the window began, capture time
	ord      uint64 // order of reading: ties keep it
	copy     uint32
	endpoint uint32
	target   int
	client   uint64
	req      *Request
}

func (a *item) before(b *item) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.ord != b.ord {
		return a.ord < b.ord
	}
	return a.copy < b.copy
}

// queue is a binary min-heap of items. container/heap would box every one of them.
type queue []item

func (h *queue) push(it item) {
	*h = append(*h, it)
	q := *h
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if !q[i].before(&q[up]) {
			break
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (h *queue) pop() item {
	q := *h
	top := q[0]
	last := len(q) - 1
	q[0] = q[last]
	q[last] = item{} // lets go of the request
	q = q[:last]
	for i := 0; ; {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < last && q[c].before(&q[least]) {
				least = c
			}
		}
		if least == i {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	*h = q
	return top
}
