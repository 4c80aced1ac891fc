package send

import "math"

// deadlines holds one deadline for each slot, the nearest first. Moving a deadline later, which is what nearly
// every request does to its connection, costs one store: the entry is put right when it comes up.
type deadlines struct {
	heap []deadline
	pos  []int32 // by slot: index in heap, or none
	want []int64 // by slot: the true deadline
}

type deadline struct {
	at   int64
	slot int32
}

// set gives slot the deadline at.
func (d *deadlines) set(slot int32, at int64) {
	for int(slot) >= len(d.pos) {
		d.pos, d.want = append(d.pos, none), append(d.want, 0)
	}
	d.want[slot] = at
	switch i := d.pos[slot]; {
	case i == none:
		d.pos[slot] = int32(len(d.heap))
		d.heap = append(d.heap, deadline{at, slot})
		d.up(len(d.heap) - 1)
	case at < d.heap[i].at:
		d.heap[i].at = at
		d.up(int(i))
	}
}

// drop forgets slot's deadline.
func (d *deadlines) drop(slot int32) {
	if int(slot) >= len(d.pos) || d.pos[slot] == none {
		return
	}
	i, last := int(d.pos[slot]), len(d.heap)-1
	d.pos[slot] = none
	if i < last {
		d.heap[i] = d.heap[last]
		d.pos[d.heap[i].slot] = int32(i)
	}
	d.heap = d.heap[:last]
	if i < last {
		d.down(i)
		d.up(i)
	}
}

// next is an instant at or before the nearest deadline; MaxInt64 when there is none.
func (d *deadlines) next() int64 {
	if len(d.heap) == 0 {
		return math.MaxInt64
	}
	return d.heap[0].at
}

// expired removes and returns one slot whose deadline is not after now, or none.
func (d *deadlines) expired(now int64) int32 {
	for len(d.heap) > 0 && d.heap[0].at <= now {
		slot := d.heap[0].slot
		if at := d.want[slot]; at > now {
			d.heap[0].at = at
			d.down(0)
			continue
		}
		d.drop(slot)
		return slot
	}
	return none
}

func (d *deadlines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if d.heap[parent].at <= d.heap[i].at {
			return
		}
		d.swap(i, parent)
		i = parent
	}
}

func (d *deadlines) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(d.heap) {
			return
		}
		if child+1 < len(d.heap) && d.heap[child+1].at < d.heap[child].at {
			child++
		}
		if d.heap[i].at <= d.heap[child].at {
			return
		}
		d.swap(i, child)
		i = child
	}
}

func (d *deadlines) swap(i, j int) {
	d.heap[i], d.heap[j] = d.heap[j], d.heap[i]
	d.pos[d.heap[i].slot], d.pos[d.heap[j].slot] = int32(i), int32(j)
}
