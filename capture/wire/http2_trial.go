package wire

// trial is what speaks for it that the frames of a side are read from the right place on. Until that is enough, what
// they said is withheld.
type trial struct {
	on      bool
	atStart bool // the present frame began with a Data
	split   bool // a Data began within a short frame
	frames  int  // that followed each other
	starts  int  // of them those that began with a Data, as most frames do
	bytes   int  // of them
	longest int
	renewed bool   // it began anew where two that began with a Data had followed each other
	latest  uint32 // http2.latest before it
	spoke   bool   // it has said, as what is known does, who is the client
}

// Bytes that look like frames may be a part of a body, which somebody uploads who has recorded traffic. So many of them
// are more than one frame of the body, whose next head would have shown between them: peers begin with a limit of
// 16 KiB, and those that are known to allow more seldom send more than this.
const trialBytes = 64<<10 + frameHeadBytes

// shortFrame is the length up to which a frame is expected to come in one piece.
const shortFrame = 1 << 10

// count adds a frame of n bytes.
func (t *trial) count(n int) {
	t.frames++
	t.bytes += n
	t.longest = max(t.longest, n)
	if t.atStart {
		t.starts++
	}
}

// aligned reports whether so many frames begin where a Data does, and none where it does not, that it cannot be chance.
func (t *trial) aligned(starts int) bool { return t.starts >= starts && !t.split }

// long reports whether so many frames followed each other that they cannot lie within one of a body.
func (t *trial) long() bool { return t.frames >= 3 && t.bytes >= max(trialBytes, t.longest) }

// try begins to try the frames of a side.
func (h *http2) try(f *http2Half) {
	f.state, f.trial = http2Head, trial{on: true, latest: h.latest}
}

// atStart notes whether a frame begins with a Data. What came before the second that does is given up: it may be the
// end of a body, which led to a true frame by chance.
func (h *http2) atStart(side int, starts bool) {
	f := &h.half[side]
	if t := &f.trial; t.on && starts && t.starts == 1 && !t.renewed && !f.block.open {
		h.convict(side)
		f.table.lose()
		h.try(f)
		t.starts, t.frames, t.renewed = 1, 1, true
	}
	f.trial.atStart = starts
}

// endTrial settles the trial of a side of which nothing more follows, or nothing for certain.
func (h *http2) endTrial(side int) {
	f := &h.half[side]
	whole := f.state == http2Head && f.n == 0 && !f.block.open
	switch t := &f.trial; {
	case t.aligned(2), whole && (t.aligned(1) || t.frames >= 2 && !t.split):
		h.acquit(side)
	default:
		h.convict(side)
	}
}

// acquit ends a side's trial: what its frames said is true.
func (h *http2) acquit(side int) {
	f := &h.half[side]
	f.trial.on, h.proved = false, true
	if !h.known {
		return
	}
	h.sure = h.sure || h.from == side || f.trial.spoke
	role := h.role(side)
	for st, next := h.streams.first, (*stream)(nil); st != nil; st = next {
		next = st.next
		st.acquit(role)
		h.settle(st)
	}
}

// agree notes that a side says, as what is known does, who is the client.
func (h *http2) agree(side int) {
	f := &h.half[side]
	f.trial.spoke = true
	if h.sure || f.trial.on {
		return
	}
	h.sure = true
	for st, next := h.streams.first, (*stream)(nil); st != nil; st = next {
		next = st.next
		h.settle(st)
	}
}

// convict ends a side's trial: it is as if its frames had said nothing.
func (h *http2) convict(side int) {
	f := &h.half[side]
	f.trial.on, f.trial.spoke = false, false
	if !h.known {
		return
	}
	if h.from == side && h.half[side^1].trial.spoke {
		h.from = side ^ 1
	}
	role := h.role(side)
	if role == 0 {
		h.latest = f.trial.latest
	}
	for st, next := h.streams.first, (*stream)(nil); st != nil; st = next {
		next = st.next
		st.convict(h.c, role)
		if !h.sure && h.from == side {
			st.convict(h.c, role^1)
		}
		if !st.asked && !st.e.answering {
			h.finish(st)
		}
	}
	h.known = h.sure || h.from != side
}
