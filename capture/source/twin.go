package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"

	"trafficreplay/capture"
)

// Duplicates. A rotation that was cut short, a copy beside its original, an export that overlaps with the next: the
// same lines stand in two files. Two equal lines in one file are two requests, though, as stamps of a second cannot
// tell them apart. So a line counts as often as in the file that has it most, and is a duplicate beyond that. Equal
// lines have equal arrivals, and the Sorter gives those one after the other: what must be remembered is the lines of
// one instant.
//
// The digest of a line travels through the Sorter behind the request's Src, and so does its ledger.

// twins tells duplicates.
type twins struct {
	at    int64
	most  map[lineDigest]int // how often a line was kept: as in the file that has it most, so far
	count map[seenIn]int
	mark  []byte
	over  bool // there were too many lines in one instant
}

// lineDigest is the beginning of a line's SHA-256: those who write the lines must not be able to make two alike.
type lineDigest [16]byte

type seenIn struct {
	line   lineDigest
	ledger int
}

// maxTwins bounds the different lines of one instant that are remembered; what comes after them is kept.
const maxTwins = 200_000

// A mark is a tab, the digest in hexadecimal, a tab, the number of the ledger right-aligned.
const (
	markLedger = 10
	markSize   = 1 + 2*len(lineDigest{}) + 1 + markLedger
)

// digest is what a line is known by.
func digest(line []byte) (d lineDigest) {
	sum := sha256.Sum256(line)
	copy(d[:], sum[:])
	return d
}

// appendMark appends the mark of a line to src. ledger is -1 for what has no line.
func appendMark(src []byte, d lineDigest, ledger int) []byte {
	src = append(src, '\t')
	src = hex.AppendEncode(src, d[:])
	src = append(src, '\t')
	number := strconv.AppendInt(nil, int64(ledger), 10)
	src = append(src, bytes.Repeat([]byte{' '}, markLedger-len(number))...)
	return append(src, number...)
}

// cutMark takes the mark off a src.
func cutMark(src []byte) (rest []byte, d lineDigest, ledger int) {
	mark := src[len(src)-markSize:]
	_, _ = hex.Decode(d[:], mark[1:1+2*len(d)])
	ledger, _ = strconv.Atoi(string(bytes.TrimLeft(mark[markSize-markLedger:], " ")))
	return src[:len(src)-markSize], d, ledger
}

// marked gives q's Src with the mark of its line, in memory that the next call reuses.
func (t *twins) marked(q *capture.Request, d lineDigest, ledger int) []byte {
	t.mark = appendMark(append(t.mark[:0], q.Src...), d, ledger)
	return t.mark
}

// isDuplicate reports whether a request is one, given all before it in order of arrival.
func (t *twins) isDuplicate(at int64, d lineDigest, ledger int) bool {
	if t.most == nil || at != t.at {
		if t.most == nil {
			t.most, t.count = map[lineDigest]int{}, map[seenIn]int{}
		}
		clear(t.most)
		clear(t.count)
		t.at = at
	}
	if _, known := t.most[d]; !known && len(t.most) >= maxTwins {
		t.over = true
		return false
	}
	in := seenIn{d, ledger}
	t.count[in]++
	if t.count[in] <= t.most[d] {
		return true
	}
	t.most[d] = t.count[in]
	return false
}

// nextUnique is the next request out of the sorter that is no duplicate.
func (s *Set) nextUnique(q *capture.Request) error {
	for {
		err := s.sorter.Next(q)
		if err == io.EOF && s.twins.over {
			s.warn("more than " + strconv.Itoa(maxTwins) + " different lines at one instant: duplicates among those beyond were kept")
			s.twins.over = false
		}
		if err != nil {
			return err
		}
		src, d, ledger := cutMark(q.Src)
		q.Src = src
		if ledger < 0 || !s.twins.isDuplicate(q.At, d, ledger) {
			return nil
		}
		l := &s.ledger[ledger]
		l.Requests--
		l.Filter("duplicate")
	}
}
