package tlskeys

import (
	"bytes"
	"crypto/tls"
	mrand "math/rand/v2"
	"strings"
	"testing"
)

// TestGaps takes bytes out anywhere: what comes out is a part of what was sent, in order, and where the connection
// goes on, so does its text.
func TestGaps(t *testing.T) {
	long := []string{"first", strings.Repeat("0123456789", 3000), "second", strings.Repeat("abcdefghij", 3000), "third", "the end"}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var log bytes.Buffer
		client, server := configs(certificate(t, false), version, 0, &log)
		pieces := exchange(t, client, server, long...)
		keys := keysOf(t, log.String())
		var handshake, total int
		for _, p := range pieces {
			if p.side == 1 {
				if total += len(p.b); total < 3000 {
					handshake = total
				}
			}
		}
		rnd := mrand.New(mrand.NewPCG(3, uint64(version)))
		recovered := 0
		const rounds = 300
		for range rounds {
			from := rnd.IntN(total)
			n := 1 + rnd.IntN(min(total-from, 20_000))
			got, given := withGap(t, keys, pieces, from, n)
			var sent string
			for i := 1; i < len(long); i += 2 {
				sent += long[i]
			}
			if strings.HasPrefix(got.text[1].String(), "\x16") {
				continue // the server's hello was not whole: it passes as it is
			}
			parts := split(got.text[1].String())
			rest := sent
			for _, p := range parts {
				_, after, ok := strings.Cut(rest, p)
				if !ok {
					t.Fatalf("%s: %d bytes lost at %d: got %.60q, which was not sent there", tls.VersionName(version), n, from, p)
				}
				rest = after
			}
			if strings.HasSuffix(got.text[1].String(), "the end") {
				recovered++
			} else if from > handshake+100 && from+n < total-5000 {
				t.Errorf("%s: %d of %d bytes lost at %d (handshake %d): it did not go on behind it", tls.VersionName(version), n, total, from, handshake)
			}
			_ = given
		}
		if recovered < rounds/2 {
			t.Errorf("%s: went on behind %d of %d gaps", tls.VersionName(version), recovered, rounds)
		}
	}
}

// withGap takes n bytes of side 1 out.
func withGap(t *testing.T, keys *Keys, pieces []piece, from, n int) (*collected, int64) {
	t.Helper()
	d := NewDecryptor(keys)
	var out collected
	c := d.Open(&out, nil)
	at, given := 0, int64(0)
	for _, p := range pieces {
		if p.side == 0 {
			c.Data(0, 1, p.b)
			given += int64(len(p.b))
			continue
		}
		for b := p.b; len(b) > 0; {
			k := min(len(b), 1460)
			if at < from {
				k = min(k, from-at)
			}
			if at >= from && at < from+n {
				k = min(k, from+n-at)
				if at == from {
					c.Gap(1, 1, int64(n), "lost")
				}
			} else {
				c.Data(1, 1, b[:k])
				given += int64(k)
			}
			at += k
			b = b[k:]
		}
	}
	c.End(0, 1, false)
	c.End(1, 1, false)
	if tally := d.Tally(); out.n+tally.Overhead+tally.Unread != given {
		t.Errorf("%d bytes given, %d accounted for (%d plain, %+v)", given, out.n+tally.Overhead+tally.Unread, out.n, tally)
	}
	return &out, given
}

// split parts text at its gaps.
func split(text string) (parts []string) {
	for text != "" {
		part, rest, ok := strings.Cut(text, "«")
		parts = append(parts, part)
		if !ok {
			return parts
		}
		_, text, _ = strings.Cut(rest, "»")
	}
	return parts
}
