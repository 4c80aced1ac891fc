package redact

import "bytes"

// detect looks for secrets of any class in v, which is decoded already, and replaces them. It is linear:
// every look around a byte is bounded, or ends where the scan goes on.
func (m *Masker) detect(v view, c context) {
	b := v.b
	runEnd := 0 // the random-looking run up to here was judged
	for i := 0; i < len(b); {
		start, end, class := i, 0, ClassNone
		switch x := b[i]; {
		case kinds[x]&alnum != 0:
			if end, class = m.wordAt(b, i, c); end > 0 {
				break
			}
			if i >= runEnd {
				runEnd = i + runLength(b[i:], c)
				if class = m.judgeRun(b[i:runEnd], c); class != ClassNone && (class != ClassEntropy || !holdsMedia(b[:i])) {
					end = runEnd
					break
				}
			}
			for i++; i < len(b) && kinds[b[i]]&alnum != 0; i++ {
			}
			continue
		case x == '@':
			start, end = emailAt(b, i)
			class = ClassEmail
		case x == '+' || x == '(':
			if x == '(' || c.plus(v, i) {
				end, class = phoneAt(b, i), ClassPhone
			}
		case x == ':':
			start, end, class = m.colonAt(b, i, c)
		case x == '=':
			start, end, class = m.assignedAt(b, i, c)
		case x == '>':
			start, end, class = m.elementAt(b, i)
		case x == '-' && hasPrefix(b[i:], "-----BEGIN"):
			end, class = pemEnd(b, i), ClassPEM
		}
		if end <= i {
			i++
			continue
		}
		m.replace(v, start, end, class)
		if class == ClassUserinfo {
			end++ // the @ belongs to it, and the host behind it to nobody's e-mail address
		}
		i, runEnd = end, max(runEnd, end)
	}
}

// plus reports whether the + at v.b[i] is a plus, and not a space of a query.
func (c context) plus(v view, i int) bool {
	if i > 0 && kinds[v.b[i-1]]&alnum != 0 {
		return false
	}
	return !c.query || i == 0 || v.pos(i+1)-v.pos(i) > 1
}

// wordAt finds what can begin at the letter or digit b[i], the first of its run.
func (m *Masker) wordAt(b []byte, i int, c context) (int, Class) {
	if i > 0 && kinds[b[i-1]]&alnum != 0 {
		return 0, ClassNone
	}
	if end, class := keyAt(b, i); end > 0 {
		return end, class
	}
	if end := schemeAt(b, i); end > 0 {
		return end, ClassAuth
	}
	if kinds[b[i]] == digit {
		if end := cardAt(b, i, c); end > 0 {
			return end, ClassCard
		}
		if end := ipv4At(b, i, c); end > 0 {
			return end, ClassIP
		}
		if end := phoneNorthAmerica(b, i); end > 0 {
			return end, ClassPhone
		}
		if b[i] == '1' && i+2 < len(b) && (i == 0 || kinds[b[i-1]]&word == 0) && (b[i+1] == '-' || b[i+1] == ' ' || b[i+1] == '.') {
			if end := phoneNorthAmerica(b[i+2:], 0); end > 0 {
				return i + 2 + end, ClassPhone
			}
		}
	} else if end := ibanAt(b, i); end > 0 {
		return end, ClassIBAN
	}
	if unhex(b[i]) >= 0 && hexGroup(b[i:]) {
		if end := ipv6At(b, i); end > 0 {
			return end, ClassIP
		}
	}
	return 0, ClassNone
}

// hexGroup reports whether b begins with one to four hexadecimal digits and a colon.
func hexGroup(b []byte) bool {
	for i := 0; i < len(b) && i < 5; i++ {
		if b[i] == ':' {
			return i > 0
		}
		if unhex(b[i]) < 0 {
			return false
		}
	}
	return false
}

// runLength is the length of the run at the start of b that could be one generated value.
func runLength(b []byte, c context) int {
	n := 0
	for n < len(b) {
		k := kinds[b[n]]
		if k&word == 0 && (c.agent || b[n] != '+' && b[n] != '/' && b[n] != '=' && b[n] != '~') {
			break
		}
		if b[n] == '=' && n+1 < len(b) && kinds[b[n+1]]&word != 0 {
			break // name=value, not padding
		}
		n++
	}
	return n
}

// judgeRun says whether a run is a secret in itself, or base64 of a text that holds one.
func (m *Masker) judgeRun(run []byte, c context) Class {
	if len(run) < 16 || c.structure {
		return ClassNone
	}
	if bytes.IndexByte(run, '/') >= 0 && slashed(run) {
		return ClassNone
	}
	if !m.probing && !c.agent {
		if text, hit := m.encoded(run); hit {
			return ClassEncoded
		} else if text {
			return ClassNone // somebody's words, not a generated value
		}
	}
	if random(run, c) {
		return ClassEntropy
	}
	return ClassNone
}

// holdsMedia reports whether b ends where the bytes of a picture or the like begin (RFC 2397: data:image/png;base64,).
// Like bodies of that kind they are nobody's text.
func holdsMedia(b []byte) bool {
	const mark = ";base64,"
	if !hasSuffix(b, mark) {
		return false
	}
	b = b[max(0, len(b)-maxName) : len(b)-len(mark)]
	at := bytes.LastIndex(b, []byte("data:"))
	return at >= 0 && IsMedia(b[at+len("data:"):]) && !bytes.Contains(b[at:], []byte("xml"))
}

// slashed reports whether a run is a path rather than base64: it has a slash every few characters, or words.
func slashed(run []byte) bool {
	n := bytes.Count(run, []byte{'/'})
	return run[0] == '/' || n*8 > len(run) || wordy(run)
}

// emailAt finds the e-mail address around the @ at b[i].
func emailAt(b []byte, i int) (int, int) {
	s := i
	for s > 0 && i-s < 64 && (kinds[b[s-1]]&(word|dot) != 0 || b[s-1] == '+' || b[s-1] == '\'' || b[s-1] == '!' || b[s-1] >= 0x80) {
		s--
	}
	if n := bytes.LastIndex(b[s:i], []byte("''")); n >= 0 {
		s += n + 2 // filename*=UTF-8''jane@example.com
	}
	e := i + 1
	for e < len(b) && e-i < 255 && (kinds[b[e]]&alnum != 0 || b[e] == '-' || b[e] == '.' || b[e] >= 0x80) {
		if b[e] == '.' && (b[e-1] == '.' || b[e-1] == '@') {
			break
		}
		e++
	}
	for e > i+1 && (b[e-1] == '.' || b[e-1] == '-') {
		e--
	}
	last := i + bytes.LastIndexByte(b[i:e], '.')
	if last > i+1 && kinds[b[i+1]]&(lower|upper) != 0 && assetExtension(b[last+1:e]) { // jane@example.com.pdf, not logo@2x.min.js
		e = last
		last = i + bytes.LastIndexByte(b[i:e], '.')
	}
	if s == i || last <= i+1 || !topLevel(b[last+1:e]) || hasSuffix(b[i:e], reserved) {
		return 0, 0
	}
	return s, e
}

// topLevel reports whether b can be a top-level domain, and is not the extension of a file (logo@2x.png).
func topLevel(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	for _, x := range b {
		if kinds[x]&(lower|upper) == 0 && x < 0x80 && !hasPrefix(b, "xn--") {
			return false
		}
	}
	return !assetExtension(b)
}

// assetExtension reports whether b is the extension of a static file.
func assetExtension(b []byte) bool {
	if len(b) > 5 {
		return false
	}
	var buf [maxName]byte
	switch string(fold(b, &buf)) {
	case "js", "mjs", "min", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "bmp", "woff", "woff2", "ttf", "eot", "otf",
		"mp3", "mp4", "webm", "m4s", "ts", "m3u8", "wasm", "pdf", "json", "html", "htm", "xml", "txt", "gz", "zip":
		return true
	}
	return false
}

// colonAt finds what a colon can be part of: user:password@ behind ://, name: value, an IPv6 address.
func (m *Masker) colonAt(b []byte, i int, c context) (int, int, Class) {
	if hasPrefix(b[i:], "://") {
		if s, e := userinfoAt(b, i+3); e > 0 {
			return s, e, ClassUserinfo
		}
		return 0, 0, ClassNone
	}
	if hasPrefix(b[i:], "::") && (i == 0 || kinds[b[i-1]]&word == 0) {
		if e := ipv6At(b, i); e > 0 {
			return i, e, ClassIP
		}
	}
	if i+2 < len(b) && !c.agent && (b[i+1] == ' ' || isQuote(b[i+1]) || b[i+1] == '\\' || i > 0 && isQuote(b[i-1]) || c.lines && beginsLine(b, i)) {
		return m.assignedAt(b, i, c)
	}
	return 0, 0, ClassNone
}

func isQuote(c byte) bool { return c == '"' || c == '\'' }

// userinfoAt finds user:password in the authority that begins at b[i].
func userinfoAt(b []byte, i int) (int, int) {
	n := bytes.IndexAny(b[i:min(len(b), i+512)], "/?# \"'<>\\\n")
	if n < 0 {
		n = min(len(b)-i, 512)
	}
	if at := bytes.LastIndexByte(b[i:i+n], '@'); at > 0 {
		return i, i + at
	}
	return 0, 0
}

// assignedAt finds the value behind the = or : at b[i] when the name before it is on the deny-list.
func (m *Masker) assignedAt(b []byte, i int, c context) (int, int, Class) {
	e := i
	for e > 0 && (b[e-1] == ' ' || isQuote(b[e-1]) || b[e-1] == '\\') && i-e < 3 {
		e--
	}
	s := nameStart(b, e)
	kind := m.sortAnywhere(b[s:e])
	if s == e || kind == plain || kind >= version {
		return 0, 0, ClassNone
	}
	vs, quote, escaped := i+1, byte(0), false
	for vs < len(b) && vs-i < 5 && (b[vs] == ' ' || isQuote(b[vs]) || b[vs] == '\\') {
		if quote == 0 && isQuote(b[vs]) {
			quote, escaped = b[vs], b[vs-1] == '\\'
		}
		vs++
	}
	v := b[vs:valueEnd(b[:min(len(b), vs+maxJudged)], vs, quote, escaped)]
	field := b[i] == ':' && quote == 0 && c.lines && beginsLine(b, s)
	prose := b[i] == ':' && quote == 0 && !field
	if !kind.condemned(v) || prose && (kind != secret || len(v) < 4 || wordy(v) && !bytes.ContainsAny(v, "0123456789")) {
		return 0, 0, ClassNone
	}
	if field {
		return vs, vs + lineEnd(b[vs:]), ClassNamed // all of it: Cookie: a=b; c=d
	}
	return vs, valueEnd(b, vs+len(v), quote, escaped), ClassNamed
}

// nameStart is where the name that ends at b[e] begins.
func nameStart(b []byte, e int) int {
	s := e
	for s > 0 && e-s < maxName && kinds[b[s-1]]&(word|dot) != 0 {
		s--
	}
	return s
}

// beginsLine reports whether nothing but a name stands before b[e] in its line.
func beginsLine(b []byte, e int) bool {
	s := nameStart(b, e)
	return s == 0 || b[s-1] == '\n'
}

// valueEnd is where the value that goes on at b[i] ends: at its quote, if it has one, which may be an escaped one.
func valueEnd(b []byte, i int, quote byte, escaped bool) int {
	for i < len(b) && b[i] != '\n' {
		switch {
		case quote == 0 && ends(b[i]), quote != 0 && b[i] == quote:
			return i
		case quote != 0 && b[i] == '\\' && escaped && i+1 < len(b) && b[i+1] == quote:
			return i
		case quote != 0 && b[i] == '\\' && !escaped:
			i++
		}
		i++
	}
	return min(i, len(b))
}

// ends reports whether c ends a value inside a text.
func ends(c byte) bool {
	switch c {
	case '&', ';', ',', ' ', '\t', '\r', '\n', '"', '\'', '<', '>', ')', '}', ']', '#':
		return true
	}
	return false
}

// elementAt finds the text of the XML element whose start tag ends at b[i], when its name is on the deny-list.
func (m *Masker) elementAt(b []byte, i int) (int, int, Class) {
	s := i
	for s > 0 && i-s < maxName && (kinds[b[s-1]]&(word|dot) != 0 || b[s-1] == ':') {
		s--
	}
	if s == 0 || b[s-1] != '<' {
		return 0, 0, ClassNone
	}
	n := bytes.IndexByte(b[i:min(len(b), i+4096)], '<')
	if n < 2 || !m.sortAnywhere(b[s:i]).condemned(bytes.TrimSpace(b[i+1:i+n])) {
		return 0, 0, ClassNone
	}
	return i + 1, i + n, ClassNamed
}

// pemEnd is the end of the PEM block that begins at b[i]; a block without an end goes to the end of b.
func pemEnd(b []byte, i int) int {
	end := bytes.Index(b[i:], []byte("-----END"))
	if end < 0 {
		return len(b)
	}
	if tail := bytes.Index(b[i+end+8:], []byte("-----")); tail >= 0 {
		return i + end + 8 + tail + 5
	}
	return len(b)
}
