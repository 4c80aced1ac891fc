package tlskeys

import (
	"strings"
	"testing"
)

func TestKeyLog(t *testing.T) {
	r, s := strings.Repeat("ab", 32), strings.Repeat("cd", 48)
	for _, c := range []struct{ name, log, want string }{
		{"all kinds", "# comment\n\nCLIENT_RANDOM " + r + " " + s + "\r\nEXPORTER_SECRET " + r + " " + s + "\nRSA 00 00\n", ""},
		{"two fields", "CLIENT_RANDOM " + r, "k: line 1: not a line of a key log"},
		{"an unknown label", "WHATEVER " + r + " " + s + "\nCLIENT_RANDOM " + r + " " + s, ""},
		{"another file", "\nthis is text", "k: line 2: not a line of a key log"},
		{"a short random", "CLIENT_RANDOM abcd " + s, "k: line 1: not a line"},
		{"no hex", "CLIENT_RANDOM " + r + " " + strings.Repeat("zz", 48), "k: line 1: not a line"},
		{"a long secret", "CLIENT_RANDOM " + r + " " + s + "00", "k: line 1: not a line"},
		{"a long line", "CLIENT_RANDOM " + strings.Repeat("x", 5000), "k: line 1: bufio.Scanner: token too long"},
	} {
		var k Keys
		err := k.Read(strings.NewReader(c.log), "k")
		if c.want == "" && (err != nil || k.Len() != 1) {
			t.Errorf("%s: %v, %d sessions, want one", c.name, err, k.Len())
		}
		if c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s…", c.name, err, c.want)
		}
	}
}
