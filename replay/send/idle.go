package send

// none is the absent slot.
const none int32 = -1

// idleSet finds the connection that a client used last, and the one that nobody has used for longest. Members
// are slot numbers of the caller's own table; links live in one slice, so it allocates only when slots are added.
type idleSet struct {
	buckets        []int32
	shift          uint
	nodes          []idleNode
	newest, oldest int32
	n              int
}

type idleNode struct {
	client       uint64
	target       int32
	next, prev   int32 // within the bucket, the latest first
	newer, older int32 // among all
	in           bool
}

func newIdleSet() idleSet {
	const bits = 13
	s := idleSet{buckets: make([]int32, 1<<bits), shift: 64 - bits, newest: none, oldest: none}
	for i := range s.buckets {
		s.buckets[i] = none
	}
	return s
}

// mix spreads a client's identity over 64 bits (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *idleSet) bucket(client uint64, target int32) *int32 {
	return &s.buckets[mix(client+uint64(target)*0x9e3779b97f4a7c15)>>s.shift]
}

// put adds slot, which must not be in the set, as the latest.
func (s *idleSet) put(slot int32, client uint64, target int32) {
	for int(slot) >= len(s.nodes) {
		s.nodes = append(s.nodes, idleNode{})
	}
	head := s.bucket(client, target)
	s.nodes[slot] = idleNode{client: client, target: target, next: *head, prev: none, newer: none, older: s.newest, in: true}
	if *head != none {
		s.nodes[*head].prev = slot
	}
	*head = slot
	if s.newest != none {
		s.nodes[s.newest].newer = slot
	} else {
		s.oldest = slot
	}
	s.newest = slot
	s.n++
}

// take removes and returns the slot that was put last for client at target, or none.
func (s *idleSet) take(client uint64, target int32) int32 {
	for i := *s.bucket(client, target); i != none; i = s.nodes[i].next {
		if s.nodes[i].client == client && s.nodes[i].target == target {
			s.remove(i)
			return i
		}
	}
	return none
}

// remove takes slot out and reports whether it was in.
func (s *idleSet) remove(slot int32) bool {
	if int(slot) >= len(s.nodes) || !s.nodes[slot].in {
		return false
	}
	d := &s.nodes[slot]
	d.in = false
	s.n--
	if d.prev != none {
		s.nodes[d.prev].next = d.next
	} else {
		*s.bucket(d.client, d.target) = d.next
	}
	if d.next != none {
		s.nodes[d.next].prev = d.prev
	}
	if d.newer != none {
		s.nodes[d.newer].older = d.older
	} else {
		s.newest = d.older
	}
	if d.older != none {
		s.nodes[d.older].newer = d.newer
	} else {
		s.oldest = d.newer
	}
	return true
}

// has reports whether take would find one.
func (s *idleSet) has(client uint64, target int32) bool {
	for i := *s.bucket(client, target); i != none; i = s.nodes[i].next {
		if s.nodes[i].client == client && s.nodes[i].target == target {
			return true
		}
	}
	return false
}
