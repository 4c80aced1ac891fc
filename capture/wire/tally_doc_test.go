package wire

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
	for _, name := range reasonNames[inMessage+1:] {
		if !strings.Contains(string(page), "\n| `"+name+"` |") {
			t.Errorf("docs/capture-packets.md does not explain %q", name)
		}
	}
}
