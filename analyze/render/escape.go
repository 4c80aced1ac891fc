// Package render writes a report for its readers: in goes a report of package analyze, out come text for a
// terminal, Markdown for the summary of a CI step, JUnit XML for its test view, and one HTML file for people.
// Names, targets and reasons come from captured traffic and are hostile: every one of them passes [Escape].
package render

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns s with everything visible that could move a cursor, reorder text or hide: control bytes
// other than newline and tab, C1 controls, bytes that are no UTF-8, bidirectional controls, line separators
// and zero-width characters appear as \x1b or \u202e. Printable text is returned as it is.
func Escape(s string) string {
	at := firstUnsafe(s)
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:at])
	for at < len(s) {
		r, n := utf8.DecodeRuneInString(s[at:])
		switch {
		case r == utf8.RuneError && n == 1, r < 0x80 && unsafeRune(r):
			fmt.Fprintf(&b, `\x%02x`, s[at])
		case unsafeRune(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[at : at+n])
		}
		at += n
	}
	return b.String()
}

// EscapeJSON returns a JSON document that means the same and shows everything that [Escape] would show: outside
// ASCII such characters stand in strings only, where JSON has an escape for each.
func EscapeJSON(doc []byte) []byte {
	if firstUnsafe(string(doc)) < 0 {
		return doc
	}
	out := make([]byte, 0, len(doc)+64)
	for _, r := range string(doc) {
		switch {
		case r < 0x7f || !unsafeRune(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

func firstUnsafe(s string) int {
	for i, r := range s {
		if unsafeRune(r) {
			return i
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

func unsafeRune(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x00ad, r == 0x034f, r == 0x061c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x180e, r == 0x3164, r == 0xffa0:
		return true // soft hyphen, Arabic letter mark, and letters that have no width
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true // byte order mark, annotations, tags and variation selectors
	}
	return false
}

// line is Escape for one line of output: newlines and tabs are shown as well.
func line(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Escape(s))
}

// clip is line of at most width characters, the rest replaced by an ellipsis.
func clip(s string, width int) string {
	s = line(s)
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
