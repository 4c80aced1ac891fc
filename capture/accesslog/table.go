package accesslog

import (
	"bytes"

	"trafficreplay/capture"
)

// table cuts lines into cells: of formats whose columns a header names, or whose documentation counts them.
// The columns are the format's sequence, one step each.
type table struct {
	sep      byte   // between cells
	trim     bool   // blanks around a cell are no part of it
	runs     bool   // several blanks and tabs count as one separator
	quotes   bool   // a cell may stand in "quotes": with runs as in CSV, else with backslashes
	brackets bool   // or in [brackets]
	need     int    // cells that a line must have
	more     bool   // it may have more than there are columns: newer servers append some
	absent   string // what else than "-" means that nothing was logged
	known    []sequence
	lastUsed sequence // of known, that of the line before

	// Of the lines below the last header: what they do not say themselves.
	day    civil // the date, where no column holds it
	clock  int   // the latest time of that day so far, in seconds
	offset int   // seconds east of UTC
}

// cells cuts line into cells and gives them their meaning.
func (p *Parser) cells(line []byte, q *capture.Request) bool {
	t := p.f.table
	n := p.cut(line)
	if n < 0 {
		return p.fail(reasonMisfit, line, "too many cells")
	}
	vals := p.vals[:n]
	seq := p.f.text
	if n < t.need || n > len(seq) && !t.more {
		if seq = t.guess(vals); seq == nil {
			return p.fail(reasonMisfit, line, "not as many cells as there are columns")
		}
		p.f.timed = p.f.timed || seq.has(kDur)
	}
	if t.day.dated {
		p.rec.parts = t.day
	}
	for i := range min(n, len(seq)) {
		s := &seq[i]
		if s.kind == kSkip || t.absent != "" && string(vals[i]) == t.absent {
			continue
		}
		if s.kind == kRequest && string(vals[i]) == "-" {
			continue
		}
		if !p.put(s, vals[i], q) {
			return false
		}
	}
	if t.day.dated && p.rec.clocked {
		t.midnight(&p.rec.parts)
	}
	p.rec.parts.offset = t.offset
	return true
}

// midnight goes on to the next day where the time of day falls back by more than half a day.
func (t *table) midnight(c *civil) {
	at := c.hour*3600 + c.minute*60 + c.second
	if at+12*3600 < t.clock {
		if t.day.day++; t.day.day > monthDays(t.day.year, t.day.month) {
			t.day.day = 1
			if t.day.month++; t.day.month > 12 {
				t.day.year, t.day.month = t.day.year+1, 1
			}
		}
		t.clock = 0
		c.year, c.month, c.day = t.day.year, t.day.month, t.day.day
	}
	t.clock = max(t.clock, at)
}

// cut puts the cells of line into p.vals and tells how many they are; -1: too many.
func (p *Parser) cut(line []byte) (n int) {
	t := p.f.table
	for rest := line; ; n++ {
		if t.runs {
			if rest = trimLeft(rest); len(rest) == 0 {
				return n
			}
		}
		if n == len(p.vals) {
			return -1
		}
		v, used, last := t.cell(rest)
		if t.quotes && t.runs && rest[0] == '"' && bytes.Contains(v, []byte(`""`)) {
			v = p.undouble(v)
		}
		if p.vals[n] = v; last {
			return n + 1
		}
		rest = rest[used:]
	}
}

// cell is the cell that rest begins with, and the bytes that it takes with its separator.
func (t *table) cell(rest []byte) (v []byte, used int, last bool) {
	if t.quotes && len(rest) > 1 && (rest[0] == '"' || rest[0] == '[' && t.brackets) {
		if n := t.closing(rest); n > 0 {
			return rest[1:n], min(n+2, len(rest)), n+1 == len(rest)
		}
	}
	i := bytes.IndexByte(rest, t.sep)
	if t.runs {
		if before := rest[:max(i, 0)]; i < 0 {
			i = bytes.IndexByte(rest, '\t')
		} else if tab := bytes.IndexByte(before, '\t'); tab >= 0 {
			i = tab
		}
	}
	if i < 0 {
		return t.bare(rest), len(rest), true
	}
	return t.bare(rest[:i]), i + 1, false
}

func (t *table) bare(v []byte) []byte {
	if t.trim {
		return bytes.TrimSpace(v)
	}
	return v
}

// closing is the index of the quote or bracket that ends the cell rest begins with: a separator or the end of the line
// follows it. 0: there is none.
func (t *table) closing(rest []byte) int {
	end := byte('"')
	if rest[0] == '[' {
		end = ']'
	}
	for i := 1; i < len(rest); i++ {
		j := bytes.IndexByte(rest[i:], end)
		if j < 0 {
			return 0
		}
		i += j
		if t.runs && i+1 < len(rest) && rest[i+1] == '"' {
			i++ // a quote inside, written twice
			continue
		}
		if !t.runs && hidden(rest, i) {
			continue
		}
		if i+1 == len(rest) || t.parts(rest[i+1]) {
			return i
		}
	}
	return 0
}

func (t *table) parts(c byte) bool { return c == t.sep || t.runs && c == '\t' }

// undouble is v with "" read as ".
func (p *Parser) undouble(v []byte) []byte {
	p.reserve(len(v))
	n := len(p.arena)
	for i := 0; i < len(v); i++ {
		if p.arena = append(p.arena, v[i]); v[i] == '"' && i+1 < len(v) && v[i+1] == '"' {
			i++
		}
	}
	return p.arena[n:len(p.arena):len(p.arena)]
}

// guess is the first known order of columns that the cells can be in, or nil.
func (t *table) guess(vals [][]byte) sequence {
	if len(vals) == len(t.lastUsed) && t.lastUsed.takes(vals) {
		return t.lastUsed
	}
	for _, seq := range t.known {
		if len(vals) == len(seq) && seq.takes(vals) {
			t.lastUsed = seq
			return seq
		}
	}
	return nil
}

// takes reports whether the cells that have a shape have it.
func (seq sequence) takes(vals [][]byte) bool {
	for i := range seq {
		v, ok := vals[i], true
		switch seq[i].kind {
		case kMethod:
			ok = string(v) == "-" || validMethod(v) && v[0]-'0' > 9
		case kStatus:
			_, ok = digits(v, 0, 3)
			ok = ok && len(v) == 3
		case kDate:
			ok = len(v) == 10 && v[4] == '-'
		case kDur, kSize, kWire, kHostPort:
			ok = len(v) > 0 && (v[0]-'0' <= 9 || v[0] == '-')
		}
		if !ok {
			return false
		}
	}
	return true
}

// columnsOf are the steps of columns by their names; meaning gives a name's step.
func columnsOf(names []string, meaning func(string) step) sequence {
	seq := make(sequence, len(names))
	for i, name := range names {
		seq[i] = meaning(name)
		seq[i].how, seq[i].label = whole, name
	}
	return seq
}

func (seq sequence) has(k kind) bool {
	for i := range seq {
		if seq[i].kind == k {
			return true
		}
	}
	return false
}

// ofTable is a format of cells.
func ofTable(t *table, columns sequence) *format {
	return &format{table: t, text: columns, timed: columns.has(kDur) || columns.has(kPart)}
}
