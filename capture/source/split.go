package source

import (
	"bytes"

	"trafficreplay/capture"
)

// joiner puts lines together again that a container's runtime split, at 16 KiB or where it flushed: those of Kubernetes
// CRI, whose parts are marked P and the last one F, and of Docker's JSON, whose last part ends in a line end. Parts of
// stdout and stderr may alternate. It keeps at most one line of each.
type joiner struct {
	docker bool // else CRI
	open   [2]parts
}

// parts are those of one line so far.
type parts struct {
	line   []byte // as one part would hold them; empty: there are none
	tail   []byte // what goes behind the last one
	number int64  // of its line
	long   bool   // the line is too long: its parts are dropped
}

// reasonPartial is why a part is skipped whose line was never finished, as [accesslog.Parser] has it.
const reasonPartial = "partial-line"

// part is one line of a log that may be split.
type part struct {
	head, text, tail []byte // what stands around the text is the same for each part, but for stamps and the flag
	flag             int    // of CRI: where in head it stands
	stream           int    // 0: stdout
	more             bool   // the next line of the stream goes on
}

// join takes the next line. It gives the line itself, or what the parts before it and it make up, valid until the next
// call; nil while more is to come, and errLong behind the last part of a line that is too long.
func (j *joiner) join(line []byte, number int64) (whole []byte, err error) {
	p, ok := j.part(line)
	if !ok {
		return line, nil
	}
	o := &j.open[p.stream]
	if len(o.line) == 0 && !p.more {
		return line, nil
	}
	if len(o.line) == 0 {
		o.line, o.long = append(o.line, p.head...), false
		if !j.docker {
			o.line[p.flag] = 'F'
		}
	}
	o.number = number
	if o.long = o.long || len(o.line)+len(p.text)+len(p.tail) > capture.MaxLine; !o.long {
		o.line = append(o.line, p.text...)
	}
	if p.more {
		o.tail = append(o.tail[:0], p.tail...)
		return nil, nil
	}
	if !o.long {
		o.line = append(o.line, p.tail...)
	}
	whole, o.line = o.line, o.line[:0]
	if o.long {
		return nil, errLong
	}
	return whole, nil
}

// left are the lines whose last part never came, in the order of their last parts.
func (j *joiner) left() []*parts {
	var left []*parts
	for i := range j.open {
		if len(j.open[i].line) > 0 {
			left = append(left, &j.open[i])
		}
	}
	if len(left) == 2 && left[0].number > left[1].number {
		left[0], left[1] = left[1], left[0]
	}
	return left
}

func (j *joiner) part(line []byte) (p part, ok bool) {
	if j.docker {
		return dockerPart(line)
	}
	return criPart(line)
}

// Beginnings of lines.
var (
	dockerHead = []byte(`{"log":"`)
	criStreams = [2][]byte{[]byte(" stdout "), []byte(" stderr ")}
)

// dockerPart takes apart {"log":"TEXT\n","stream":"stdout","time":"…"}.
func dockerPart(line []byte) (p part, ok bool) {
	if !bytes.HasPrefix(line, dockerHead) {
		return p, false
	}
	rest := line[len(dockerHead):]
	end := 0
	for {
		i := bytes.IndexByte(rest[end:], '"')
		if i < 0 {
			return p, false
		}
		end += i
		if escapes(rest[:end])%2 == 0 {
			break
		}
		end++
	}
	p.head, p.text, p.tail = dockerHead, rest[:end], rest[end:]
	p.more = !bytes.HasSuffix(p.text, []byte(`\n`)) || escapes(p.text[:end-1])%2 == 0
	if bytes.Contains(p.tail, []byte(`"stream":"stderr"`)) {
		p.stream = 1
	}
	return p, true
}

// escapes is how many backslashes b ends in.
func escapes(b []byte) int { return len(b) - len(bytes.TrimRight(b, `\`)) }

// criPart takes apart 2016-10-06T00:17:09.669794202Z stdout F TEXT. A line of parts has the stamp of the first, and
// its flag says that it is whole.
func criPart(line []byte) (p part, ok bool) {
	i := bytes.IndexByte(line, ' ')
	if i < 20 || i > 40 || line[4] != '-' || line[10] != 'T' {
		return p, false
	}
	for n, name := range criStreams {
		if bytes.HasPrefix(line[i:], name) {
			p.stream, ok = n, true
		}
	}
	tags := i + len(criStreams[0])
	if !ok || len(line) < tags+2 || line[tags] != 'P' && line[tags] != 'F' {
		return p, false
	}
	end := bytes.IndexByte(line[tags:], ' ') // behind the flag there may be more tags, behind colons
	if end < 0 {
		return p, false
	}
	p.head, p.text, p.flag, p.more = line[:tags+end+1], line[tags+end+1:], tags, line[tags] == 'P'
	return p, true
}

// whole finds out whether a runtime may have split lines like those of the sample, and joins them. Docker's JSON is
// told from that of collectors, which leave the line end out of every line.
func whole(sample [][]byte) (*joiner, [][]byte) {
	for _, j := range []*joiner{{docker: true}, {}} {
		fit := 0
		for _, line := range sample {
			if p, ok := j.part(line); ok && (!j.docker || !p.more) {
				fit++
			}
		}
		if fit == 0 {
			continue
		}
		var lines [][]byte
		for n, line := range sample {
			if joined, err := j.join(line, int64(n)); joined != nil && err == nil {
				lines = append(lines, bytes.Clone(joined))
			}
		}
		if len(lines) == 0 {
			lines = sample
		}
		return &joiner{docker: j.docker}, lines
	}
	return nil, sample
}
