package tlskeys

import (
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"testing"
)

// scripted is one side's part of a made-up session: its bytes, and the words that they carry.
type scripted struct {
	wire  []byte
	words []string
}

func (s *scripted) say(p sealed, side string, n int, rnd *mrand.Rand) {
	for range n {
		w := fmt.Sprintf("<%s%d%s>", side, len(s.words), strings.Repeat(".", rnd.IntN(300)))
		s.words = append(s.words, w)
		s.wire = append(s.wire, p.record(recordData, w)...)
	}
}

// converse makes a session of a few key updates up, with early data in half of them. It gives both sides, and where
// each one's hello ends.
func converse(t *testing.T, m madeUp, rnd *mrand.Rand) (sides [2]scripted, hellos [2]int) {
	early, accepted := rnd.IntN(2) == 0, rnd.IntN(2) == 0
	client, server := &sides[0], &sides[1]
	answer, extension := []byte{0, 0}, []byte(nil)
	if early {
		extension = []byte{0, extensionEarlyData, 0, 0}
		if accepted {
			answer = []byte{0, 4, 0, extensionEarlyData, 0, 0}
		}
	}
	client.wire = m.hello(clientHello, extension...)
	server.wire = m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4)
	hellos = [2]int{len(client.wire), len(server.wire)}
	if early {
		client.say(m.ends[clientEarly], "early", 1+rnd.IntN(3), rnd)
		if accepted {
			client.wire = append(client.wire, m.ends[clientEarly].record(recordHandshake, string(handshakeMessage(endOfEarlyData, nil)))...)
		} else {
			client.words = nil // the client will say it once more
		}
	}
	done := string(handshakeMessage(finished, make([]byte, 32)))
	server.wire = append(server.wire, m.ends[serverHandshake].record(recordHandshake, string(handshakeMessage(encryptedExtensions, answer))+done)...)
	client.wire = append(client.wire, m.ends[clientHandshake].record(recordHandshake, done)...)
	for side, l := range []label{clientTraffic, serverTraffic} {
		p := m.ends[l]
		for range rnd.IntN(4) {
			sides[side].say(p, "late", rnd.IntN(30), rnd)
			sides[side].wire = append(sides[side].wire, p.record(recordHandshake, string(handshakeMessage(keyUpdate, []byte{0})))...)
			p = p.update(t)
		}
		sides[side].say(p, "late", 1+rnd.IntN(30), rnd)
	}
	return sides, hellos
}

// TestAtRandom takes bytes out of both sides of sessions: every word comes out whole and in order, or a gap stands in
// its place, and all bytes are accounted for.
func TestAtRandom(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	whole, total := 0, 0
	for seed := range rounds {
		rnd := mrand.New(mrand.NewPCG(uint64(seed), 1))
		known := []label{clientHandshake, serverHandshake, clientTraffic, serverTraffic, clientEarly}
		m := newMadeUp(t, known[:4+rnd.IntN(2)]...)
		sides, hellos := converse(t, m, rnd)
		var got collected
		d := NewDecryptor(m.keys)
		c := d.Open(&got, nil)
		c.Data(0, 1, sides[0].wire[:hellos[0]])
		c.Data(1, 1, sides[1].wire[:hellos[1]])
		given := int64(hellos[0] + hellos[1])
		rest, gaps := [2][]byte{sides[0].wire[hellos[0]:], sides[1].wire[hellos[1]:]}, rnd.IntN(4)
		for at := int64(2); len(rest[0])+len(rest[1]) > 0; at++ {
			side := rnd.IntN(2)
			n := min(len(rest[side]), 1+rnd.IntN(1460))
			if n == 0 {
				continue
			}
			if gaps > 0 && rnd.IntN(8) == 0 {
				gaps--
				n = min(n, 1+rnd.IntN(600))
				c.Gap(side, at, int64(n), "lost")
			} else {
				c.Data(side, at, rest[side][:n])
				given += int64(n)
			}
			rest[side] = rest[side][n:]
		}
		c.End(0, 1, false)
		c.End(1, 1, false)
		if tally := d.Tally(); got.n+tally.Overhead+tally.Unread != given || d.held != 0 {
			t.Fatalf("seed %d: %d bytes given, %d plain, %+v, %d held", seed, given, got.n, tally, d.held)
		}
		for side := range sides {
			n := checkWords(t, fmt.Sprintf("seed %d, side %d", seed, side), sides[side].words, got.text[side].String())
			whole, total = whole+n, total+len(sides[side].words)
		}
	}
	t.Logf("%d of %d words came out", whole, total)
	if whole < total/2 {
		t.Errorf("%d of %d words came out, want half of them at least", whole, total)
	}
}

// checkWords holds what came out to what was said, and counts the words that did.
func checkWords(t *testing.T, name string, words []string, text string) (n int) {
	t.Helper()
	next := 0
	for i, part := range strings.Split(text, "«") {
		if i > 0 {
			_, part, _ = strings.Cut(part, "»")
		}
		for first := true; part != ""; first = false {
			at := next
			for at < len(words) && !strings.HasPrefix(part, words[at]) {
				at++
			}
			switch {
			case at == len(words):
				t.Fatalf("%s: %.40q came out behind %d words, and was not said there", name, part, next)
			case at != next && (i == 0 || !first):
				t.Fatalf("%s: word %d behind word %d without a gap", name, at, next-1)
			}
			part = part[len(words[at]):]
			next = at + 1
			n++
		}
	}
	if next < len(words) && !strings.HasSuffix(text, "»") {
		t.Fatalf("%s: ends behind word %d of %d without a gap", name, next, len(words))
	}
	return n
}
