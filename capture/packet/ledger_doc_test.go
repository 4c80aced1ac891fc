package packet

import (
	"os"
	"strings"
	"testing"
)

// TestReasonsAreDocumented: every key that a ledger may have is explained.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/capture-packets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{reasonNames[used+1:], skipNames[segmentUsed+1:], gapNames[:]} {
		for _, name := range names {
			if !strings.Contains(string(page), "\n| `"+name+"` |") {
				t.Errorf("docs/capture-packets.md does not explain %q", name)
			}
		}
	}
}
