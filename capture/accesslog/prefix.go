package accesslog

import "bytes"

// peelCompose takes "web_1  | " off, with or without colours.
func peelCompose(line []byte) (inner []byte, ok bool) {
	v := afterColour(line)
	n := 0
	for n < len(v) && (nameByte(v[n]) || v[n] == '-' || v[n] == '.') {
		n++
	}
	rest := bytes.TrimLeft(v[n:], " ")
	if n == 0 || len(rest) == len(v[n:]) || len(rest) == 0 || rest[0] != '|' {
		return nil, false
	}
	rest = afterColour(rest[1:])
	if len(rest) == 0 || rest[0] != ' ' {
		return nil, false
	}
	return afterColour(rest[1:]), true
}

// afterColour is v behind the escape sequences of a terminal's colours that it begins with.
func afterColour(v []byte) []byte {
	for len(v) > 2 && v[0] == 0x1b && v[1] == '[' {
		i := bytes.IndexByte(v[:min(len(v), 24)], 'm')
		if i < 0 || len(bytes.Trim(v[2:i], "0123456789;")) > 0 {
			break
		}
		v = v[i+1:]
	}
	return v
}

// peelKubectl takes "[pod/web-7d4b9c-x2x9z/app] " off.
func peelKubectl(line []byte) (inner []byte, ok bool) {
	v, ok := bytes.CutPrefix(line, []byte("[pod/"))
	if !ok {
		return nil, false
	}
	return cutAfter(v, "] ")
}

func cutAfter(v []byte, sep string) (after []byte, ok bool) {
	_, after, ok = bytes.Cut(v, []byte(sep))
	return after, ok
}

// peelStern takes "web-7d4b9c-x2x9z app " off: the name of a pod, which ends in a suffix made by its controller, and of
// a container.
func peelStern(line []byte) (inner []byte, ok bool) {
	v := afterColour(line)
	pod, rest, ok := bytes.Cut(v, []byte(" "))
	pod = beforeColour(pod)
	if !ok || !label(pod) || !podSuffix(pod) {
		return nil, false
	}
	container, rest, ok := bytes.Cut(afterColour(rest), []byte(" "))
	if container = beforeColour(container); !ok || !label(container) || container[0] < 'a' || bytes.HasPrefix(rest, []byte("- ")) {
		return nil, false
	}
	return rest, true
}

func beforeColour(v []byte) []byte {
	if i := bytes.IndexByte(v, 0x1b); i >= 0 {
		return v[:i]
	}
	return v
}

// label reports whether v is a DNS label as Kubernetes writes it.
func label(v []byte) bool {
	for _, c := range v {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return len(v) > 0 && v[0] != '-' && v[len(v)-1] != '-'
}

// podSuffix reports whether v ends in a number, or in five characters as a controller makes them.
func podSuffix(v []byte) bool {
	i := bytes.LastIndexByte(v, '-')
	if i <= 0 {
		return false
	}
	_, number := integer(v[i+1:])
	return number || len(v)-i-1 == 5
}

// peelFluentd takes "2006-01-02T15:04:05+00:00<TAB>tag<TAB>" off a JSON object.
func peelFluentd(line []byte) (inner []byte, ok bool) {
	i := bytes.IndexByte(line, '\t')
	if i < 10 || i > 40 || line[0]-'0' > 9 {
		return nil, false
	}
	v, ok := cutAfter(line[i+1:], "\t")
	return v, ok && len(v) > 0 && v[0] == '{'
}

// peelLogcli takes "2006-01-02T15:04:05Z {job="web"} " off.
func peelLogcli(line []byte) (inner []byte, ok bool) {
	i := bytes.IndexByte(line, ' ')
	if i < 19 || i > 40 || line[4] != '-' || line[10] != 'T' || i+1 == len(line) || line[i+1] != '{' {
		return nil, false
	}
	for j := i + 2; j < len(line); j++ {
		switch line[j] {
		case '"':
			w := walker{rest: line[j+1:]}
			v, ok := w.quoted()
			if !ok {
				return nil, false
			}
			j += len(v) + 1
		case '}':
			v := bytes.TrimLeft(line[j+1:], " ")
			return v, len(v) > 0 && len(v) < len(line[j+1:])
		}
	}
	return nil, false
}

// peelQuotes takes the quotes from around a whole line: those inside are doubled, as in CSV, or stand behind a
// backslash.
func (p *Parser) peelQuotes(line []byte) (inner []byte, ok bool) {
	if len(line) < 3 || line[0] != '"' || line[len(line)-1] != '"' {
		return nil, false
	}
	v := line[1 : len(line)-1]
	doubled := false
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && !doubled {
			i++
			continue
		}
		if v[i] != '"' {
			continue
		}
		if i++; i == len(v) || v[i] != '"' {
			return nil, false
		}
		doubled = true
	}
	if !doubled {
		return p.plain(v), true
	}
	p.makeRoom(len(v))
	out := p.inner[:0]
	for i := 0; i < len(v); i++ {
		out = append(out, v[i])
		if v[i] == '"' {
			i++
		}
	}
	p.inner = out
	return out, true
}
