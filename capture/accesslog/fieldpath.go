package accesslog

import (
	"errors"
	"fmt"
	"strings"
)

// parsePath reads .a."b.c"[0] up to the colon before a unit. The walker knows no difference between a point in a key
// and one between keys, nor between a list and its first member.
func parsePath(s string) (path, unit string, err error) {
	var b strings.Builder
	i := 0
	for i < len(s) && s[i] != ':' {
		n := 0
		switch {
		case s[i] == '.' && i+1 < len(s) && s[i+1] == '"', strings.HasPrefix(s[i:], `["`), strings.HasPrefix(s[i:], `.["`):
			n, err = quotedKey(&b, s[i:])
		case s[i] == '.' && i+1 < len(s) && s[i+1] != '.' && s[i+1] != ':':
			n = 1 + bareKey(&b, s[i+1:])
		case s[i] == '[' || strings.HasPrefix(s[i:], ".["):
			n, err = index(&b, s[i:])
		default:
			err = errors.New("a path begins with a point: .key, .\"odd key\", .list[0]")
		}
		if err != nil {
			return "", "", err
		}
		i += n
	}
	if b.Len() == 0 || b.Len() > 256 {
		return "", "", fmt.Errorf("a path has 1 to 256 bytes, this one has %d", b.Len())
	}
	if i < len(s) {
		unit = s[i+1:]
	}
	return strings.TrimSuffix(b.String(), "[0]"), unit, nil
}

func bareKey(b *strings.Builder, s string) (n int) {
	if s[0] == '[' {
		return 0
	}
	n = strings.IndexAny(s, ".[:")
	if n < 0 {
		n = len(s)
	}
	join(b, s[:n])
	return n
}

func join(b *strings.Builder, key string) {
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(key)
}

// quotedKey reads ."key", ["key"] or .["key"]. Inside, \" and \\ are as in the log: the walker undoes nothing.
func quotedKey(b *strings.Builder, s string) (n int, err error) {
	open := strings.IndexByte(s, '"')
	for i := open + 1; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		if s[i] == '"' {
			join(b, s[open+1:i])
			if strings.IndexByte(s[:open], '[') < 0 {
				return i + 1, nil
			}
			if i+1 == len(s) || s[i+1] != ']' {
				return 0, errors.New("a bracket is not closed")
			}
			return i + 2, nil
		}
	}
	return 0, errors.New("a quote is not closed")
}

func index(b *strings.Builder, s string) (n int, err error) {
	open := strings.IndexByte(s, '[')
	n = strings.IndexByte(s, ']')
	if n < 0 {
		return 0, errors.New("a bracket is not closed")
	}
	if x, ok := integer([]byte(s[open+1 : n])); !ok || x >= maxMembers {
		return 0, fmt.Errorf("index %q of a list: want 0 to %d", s[open+1:n], maxMembers-1)
	}
	b.WriteString(s[open : n+1])
	return n + 1, nil
}
