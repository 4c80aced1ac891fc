package session

// lru is a map of bounded size from keys to values that forgets the value unused for longest.
type lru[V any] struct {
	max   int
	index map[string]*entry[V]
	head  *entry[V] // most recently used; the list is a ring
	spare V
}

type entry[V any] struct {
	key        string
	value      V
	prev, next *entry[V]
}

func newLRU[V any](max int) *lru[V] { return &lru[V]{max: max, index: map[string]*entry[V]{}} }

// get finds the value of key, or makes a zero one and says so. gone is the value that was forgotten for
// it, valid until the next get.
func (l *lru[V]) get(key []byte) (v *V, fresh bool, gone *V) {
	e := l.index[string(key)]
	if e != nil {
		l.unlink(e)
		l.push(e)
		return &e.value, false, nil
	}
	if len(l.index) >= l.max {
		old := l.head.prev
		l.unlink(old)
		delete(l.index, old.key)
		l.spare = old.value
		gone = &l.spare
	}
	e = &entry[V]{key: string(key)}
	l.index[e.key] = e
	l.push(e)
	return &e.value, true, gone
}

// peek finds a value without using it.
func (l *lru[V]) peek(key []byte) *V {
	if e := l.index[string(key)]; e != nil {
		return &e.value
	}
	return nil
}

func (l *lru[V]) push(e *entry[V]) {
	if l.head == nil {
		e.prev, e.next = e, e
	} else {
		e.next, e.prev = l.head, l.head.prev
		e.prev.next, e.next.prev = e, e
	}
	l.head = e
}

func (l *lru[V]) unlink(e *entry[V]) {
	if e.next == e {
		l.head = nil
		return
	}
	e.prev.next, e.next.prev = e.next, e.prev
	if l.head == e {
		l.head = e.next
	}
}
