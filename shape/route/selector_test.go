package route

import (
	"fmt"
	"testing"
)

// What people type or page through tells no endpoints apart, however few values there are; an operation does.
func TestSelectorsNameOperations(t *testing.T) {
	for _, c := range []struct {
		key    string
		values []string
		split  bool
	}{
		{"q", []string{"lamp", "chair", "desk"}, false},
		{"kind", []string{"oak+table", "blue+rug"}, false},
		{"id", []string{"1", "2", "3"}, false},
		{"action", []string{"login", "logout"}, true},
	} {
		l := NewLearner(Options{})
		for i := range 200 {
			l.Add([]byte("GET"), fmt.Appendf(nil, "/index.php?%s=%s", c.key, c.values[i%len(c.values)]), 200, 100)
		}
		split := false
		for _, e := range l.Learn().Endpoints() {
			split = split || e.Selector != ""
		}
		if split != c.split {
			t.Errorf("%s=%v: told apart %v, want %v", c.key, c.values, split, c.split)
		}
	}
}
