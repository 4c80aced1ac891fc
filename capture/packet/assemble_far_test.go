package packet

import "testing"

// TestFarAhead: where the capture lost more than any window of one side, that side goes on behind a gap.
func TestFarAhead(t *testing.T) {
	const far = 501 + 40<<20
	for _, test := range []struct {
		name    string
		steps   []line
		want    string
		ignored string
	}{
		{"a long response", after(hello, line{3, 'c', 0, 101, 501, "GET", 0}, line{4, 's', 0, 501, 104, "200", 0},
			line{900, 's', 0, far, 104, "xx", 0}, line{901, 's', 0, far + 2, 104, "yy", 0}, line{902, 'c', 0, 104, far + 4, "", 0}, line{903, 's', 0, far + 4, 104, "zz", 0},
			line{1100, 'c', 0, 104, far + 6, "PUT", 0}, line{1101, 's', 0, far + 6, 107, "204", 0}),
			"handshake; 0@3 GET; 1@4 200; 1@901 gap 41943039 lost; 1@901 yy; 1@903 zz; 0@1100 PUT; 1@1101 204; 0@1101 reset; 1@1101 reset", "map[out-of-window:1]"},
		{"one stray", after(hello, line{3, 'c', 0, 101, 501, "GET", 0}, line{4, 's', 0, far, 104, "xx", 0}, line{5, 's', 0, 501, 104, "200", 0}),
			"handshake; 0@3 GET; 1@5 200; 0@5 reset; 1@5 reset", "map[out-of-window:1]"},
		{"two strays that do not follow each other", after(hello, line{3, 'c', 0, 101, 501, "GET", 0}, line{4, 's', 0, far, 104, "xx", 0}, line{4, 's', 0, far + 3, 104, "xx", 0}, line{5, 's', 0, 501, 104, "200", 0}),
			"handshake; 0@3 GET; 1@5 200; 0@5 reset; 1@5 reset", "map[out-of-window:2]"},
	} {
		got, stats := play(Options{}, test.steps)
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		checkCounts(t, test.name+": ignored", stats.Ignored, test.ignored)
	}
}

// TestUnseenForLong: of a side without packets every acknowledged byte is missing, also beyond a turn of the numbers.
func TestUnseenForLong(t *testing.T) {
	const step = 8 << 20
	steps := after(hello[:1], line{3, 'c', 0, 101, 501, "GET", 0})
	total := int64(0)
	for i := range 600 { // 4.7 GiB
		total += step
		steps = append(steps, line{int64(4 + i), 'c', 0, 104, uint32(501 + total), "", 0})
	}
	steps = append(steps, line{1000, 's', 0, uint32(501 + total), 104, "end", 0})
	_, stats := play(Options{}, steps)
	if got := stats.MissingBytes["unseen"] + stats.MissingBytes["start"] + stats.MissingBytes["lost"]; got != total || stats.DeliveredBytes != 6 {
		t.Errorf("missing %v, %d delivered; want %d missing and 6 delivered", stats.MissingBytes, stats.DeliveredBytes, total)
	}
}
