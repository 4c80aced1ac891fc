package redact

import "bytes"

// url redacts a URL or a request target: its path by segments, its query and fragment by parameters. An
// address for an authority stays when it is the request's own.
func (m *Masker) url(v view, own bool) {
	b := v.b
	path := 0
	if i := authority(b); i > 0 {
		path = i
		for path < len(b) && b[path] != '/' && b[path] != '?' && b[path] != '#' {
			path++
		}
		if !own {
			m.detect(v.sub(0, path), context{})
		}
	}
	end := path
	for end < len(b) && b[end] != '?' && b[end] != '#' {
		end++
	}
	if suspicious(b[path:end]) {
		m.path(v.sub(path, end))
	}
	if end < len(b) {
		m.queryAndFragment(v.sub(end+1, len(b)))
	}
}

func (m *Masker) queryAndFragment(query view) {
	if hash := bytes.IndexByte(query.b, '#'); hash >= 0 {
		m.query(query.sub(hash+1, len(query.b)))
		query = query.sub(0, hash)
	}
	m.query(query)
}

// authority is where the authority of an absolute URL begins, or 0.
func authority(b []byte) int {
	for i, c := range b[:min(len(b), 12)] {
		if kinds[c]&alnum != 0 || c == '+' || c == '-' || c == '.' {
			continue
		}
		if i > 0 && hasPrefix(b[i:], "://") {
			return i + 3
		}
		break
	}
	return 0
}

// path redacts the segments of a path, and the matrix parameters (;jsessionid=…) behind them.
func (m *Masker) path(v view) {
	var before []byte
	for s := 0; s < len(v.b); {
		e := s
		for e < len(v.b) && v.b[e] != '/' {
			e++
		}
		seg := v.sub(s, e)
		if semi := bytes.IndexByte(seg.b, ';'); semi >= 0 {
			m.query(seg.sub(semi+1, len(seg.b)))
			seg = seg.sub(0, semi)
		}
		m.segment(seg, before)
		if len(seg.b) > 0 {
			before = seg.b
		}
		s = e + 1
	}
}

func (m *Masker) segment(seg view, before []byte) {
	if !suspicious(seg.b) {
		return
	}
	depth := m.depth
	defer func() { m.depth = depth }()
	seg = m.unescape(seg)
	if len(seg.b) >= 16 && keyed(before) && mixed(seg.b) && !wordy(seg.b) && bytes.IndexByte(seg.b, '.') < 0 {
		m.replace(seg, 0, len(seg.b), ClassPathKey)
		return
	}
	if dot := bytes.LastIndexByte(seg.b, '.'); dot > 0 && assetExtension(seg.b[dot+1:]) {
		m.detect(seg, context{path: true, structure: true})
		return
	}
	m.detect(seg, context{path: true})
}

// keyed reports whether a path segment announces a credential.
func keyed(segment []byte) bool {
	var buf [maxName]byte
	switch string(fold(segment, &buf)) {
	case "reset", "resetpassword", "passwordreset", "newpassword", "setpassword", "recover", "recovery", "confirm", "confirmation", "confirmemail",
		"verify", "verification", "verifyemail", "activate", "activation", "invite", "invitation", "token", "tokens", "accesstoken",
		"magic", "magiclink", "magiclogin", "unsubscribe", "otp", "apikey", "session", "sid":
		return true
	}
	return false
}

// query redacts parameters that are parted by & or ;.
func (m *Masker) query(v view) {
	kind := plain // of the parameter at hand
	for s := 0; s < len(v.b); {
		e := s
		eq := -1
		for e < len(v.b) && v.b[e] != '&' && v.b[e] != ';' {
			if v.b[e] == '=' && eq < 0 {
				eq = e
			}
			e++
		}
		if eq < 0 {
			m.parameterValue(v.sub(s, e), kind)
		} else {
			kind = m.parameter(v.sub(s, eq), v.sub(eq+1, e))
		}
		if e < len(v.b) && v.b[e] == '&' {
			kind = plain // but behind a ; may come the rest of the value: password=a;b
		}
		s = e + 1
	}
}

// parameter redacts one parameter and gives its sort.
func (m *Masker) parameter(name, value view) sort {
	depth := m.depth
	n := m.unescape(name)
	kind := m.sortOf(m.place(), n.b)
	if kind == kept {
		m.spare(value, m.place(), n.b)
		m.depth = depth
		return plain
	}
	if suspicious(name.b) {
		m.detect(n, context{query: true}) // a name can be a value: ?jane@example.com=
	}
	m.depth = depth
	m.parameterValue(value, kind)
	return kind
}

func (m *Masker) parameterValue(value view, kind sort) {
	depth := m.depth
	m.value(m.unescape(value), kind, context{query: true, version: kind == version, id: kind == identifier})
	m.depth = depth
}

// value redacts one decoded value under a name of the given sort.
func (m *Masker) value(v view, kind sort, c context) {
	if kind.condemned(v.b) {
		m.named(v)
		return
	}
	if !suspicious(v.b) {
		return
	}
	if t := bytes.TrimSpace(v.b); len(t) > 1 && m.nest < maxNest {
		switch {
		case t[0] == '{' || t[0] == '[':
			m.nest++
			m.json(v)
			m.nest--
			return
		case looksXML(t):
			m.nest++
			m.xml(v)
			m.nest--
			return
		}
	}
	m.text(v, c)
}

// named replaces a whole value for its name's sake. An e-mail address becomes one of a reserved domain.
func (m *Masker) named(v view) {
	class := ClassNamed
	if at := bytes.IndexByte(v.b, '@'); at > 0 {
		if s, e := emailAt(v.b, at); s == 0 && e == len(v.b) {
			class = ClassEmail
		}
	}
	m.replace(v, 0, len(v.b), class)
}

// text redacts a value of no known structure. Where it is percent-encoded, what is decoded is looked at.
func (m *Masker) text(v view, c context) {
	depth := m.depth
	m.detect(m.unescape(v), c)
	m.depth = depth
}

// trimScheme is b behind http:// or https://.
func trimScheme(b []byte) []byte {
	for _, s := range [...]string{"http://", "https://"} {
		if hasPrefix(b, s) {
			return b[len(s):]
		}
	}
	return b
}

// Host removes the userinfo of a host that has some.
func (m *Masker) Host(b []byte) []byte { return m.dropUserinfo(b, 0) }

// dropUserinfo removes user:password@ from the authority that begins at b[i].
func (m *Masker) dropUserinfo(b []byte, i int) []byte {
	s, e := userinfoAt(b, i)
	if e == 0 {
		return b
	}
	if m.auditing {
		m.notice(b[s:e], ClassUserinfo)
		return b
	}
	m.hits[ClassUserinfo]++
	out := m.alloc(len(b) - (e + 1 - s))
	copy(out[copy(out, b[:s]):], b[e+1:])
	return out
}
