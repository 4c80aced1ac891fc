package redact

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// suspiciousByByte is suspicious as it reads: the kinds of all bytes, one after the other.
func suspiciousByByte(b []byte) bool {
	var seen uint8
	digits, dots := 0, 0
	for _, c := range b {
		seen |= kinds[c]
		if kinds[c] == digit {
			digits++
		}
		if kinds[c] == dot {
			dots++
		}
	}
	switch {
	case seen&hot != 0, digits >= 10, digits >= 4 && dots >= 3:
		return true
	case len(b) < minKey, seen&alnum == lower, seen&alnum == upper:
		return false
	}
	return longRun(b, seen&alnum == alnum)
}

func TestSuspiciousCountsAllBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabets := []string{"abc", "ABC", "a1", "aB1-", "a.1/", "/_-", "aB/", "a\xffB", "a@", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa="}
	for range 20_000 {
		letters := alphabets[r.IntN(len(alphabets))]
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		if got, want := suspicious(b), suspiciousByByte(b); got != want {
			t.Fatalf("suspicious(%q) = %v, want %v", b, got, want)
		}
	}
	for _, n := range []int{maxCounted - 1, maxCounted, maxCounted + 1, 3 * maxCounted} {
		for _, end := range []string{"", "=", "1", "1111111111", "1.1.1.1", "B"} {
			b := append(bytes.Repeat([]byte("a/"), n)[:n], end...)
			if got, want := suspicious(b), suspiciousByByte(b); got != want {
				t.Errorf("suspicious(%d bytes and %q) = %v, want %v", n, end, got, want)
			}
		}
	}
	if suspicious([]byte(strings.Repeat("/", 5000))) {
		t.Error("slashes are suspicious")
	}
}
