package render

import (
	"strings"
	"unicode/utf8"
)

// table aligns cells in columns two spaces apart. Cells are escaped already.
type table struct {
	head  []string
	right []bool // numbers align right
	rows  [][]string
}

func (tab *table) add(cells ...string) { tab.rows = append(tab.rows, cells) }

// write prints the table. Its last column holds verdicts, the only words that take colour.
func (tab *table) write(t text) {
	width := make([]int, len(tab.head))
	for _, row := range append([][]string{tab.head}, tab.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	t.linef("%s", tab.line(tab.head, width))
	for _, row := range tab.rows {
		word := row[len(row)-1]
		rest := strings.TrimSuffix(tab.line(row, width), word)
		t.linef("%s%s", rest, t.paint(word, wordTone(word)))
	}
}

func wordTone(word string) string {
	switch {
	case word == "FAIL":
		return "bad"
	case word == "pass":
		return "good"
	case strings.HasPrefix(word, "undecided"):
		return "doubt"
	}
	return ""
}

func (tab *table) line(row []string, width []int) string {
	var b strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
		if i > 0 {
			b.WriteString("  ")
		}
		if tab.right[i] {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
