package redact

import "bytes"

// Header redacts the value of a header field.
func (m *Masker) Header(name, value []byte) []byte {
	if len(value) == 0 || len(name) == 0 {
		return value
	}
	if m.rules != nil {
		return m.headerByRule(name, value)
	}
	return m.header(name, value)
}

func (m *Masker) header(name, value []byte) []byte {
	switch string(name) { // as access logs name them; what follows folds the name first
	case "User-Agent":
		return m.agent(value)
	case "Referer":
		return m.URL(value)
	}
	var buf [maxName]byte
	switch f := fold(name, &buf); string(f) {
	case "useragent":
		return m.agent(value)
	case "referer", "referrer", "location", "contentlocation", "origin", "destination", "xoriginalurl", "xrewriteurl":
		return m.URL(value)
	case "xforwardedproto", "xforwardedscheme", "xforwardedport": // nobody's, and servers obey them
		return m.structured(value)
	case "host":
		m.begin(value)
		s, e := userinfoAt(value, 0)
		m.replace(m.whole(value), s, e, ClassUserinfo)
		return m.end(value)
	case "contentlength", "date", "connection", "acceptencoding", "acceptlanguage", "transferencoding":
		return value
	case "authorization", "proxyauthorization":
		return m.authorization(value)
	case "cookie", "cookie2":
		return m.cookies(value, false)
	case "setcookie", "setcookie2":
		return m.cookies(value, true)
	case "etag", "ifnonematch", "ifmatch", "ifrange", "contenttype", "contentmd5", "digest", "contentdigest", "reprdigest", "secwebsocketkey", "secwebsocketaccept",
		"contentsecuritypolicy", "contentsecuritypolicyreportonly", "xamzcfid", "accept", "via", "server", "contentdisposition":
		return m.structured(value)
	}
	if headerSort(name) == secret {
		m.begin(value)
		if !trivial(value) {
			m.replace(m.whole(value), 0, len(value), ClassNamed)
		}
		return m.end(value)
	}
	if !suspicious(value) {
		return value
	}
	return m.cachedValue(cacheText, value, func() { m.value(m.whole(value), plain, context{}) })
}

func (m *Masker) agent(value []byte) []byte {
	return m.cachedValue(cacheAgent, value, func() { m.text(m.whole(value), context{agent: true}) })
}

func (m *Masker) structured(value []byte) []byte {
	if !suspicious(value) {
		return value
	}
	m.begin(value)
	m.text(m.whole(value), context{structure: true})
	return m.end(value)
}

// authorization keeps the scheme.
func (m *Masker) authorization(value []byte) []byte {
	m.begin(value)
	scheme := bytes.IndexByte(value, ' ') + 1
	if !isScheme(value[:max(scheme-1, 0)]) {
		scheme = 0
	}
	m.replace(m.whole(value), scheme, len(value), ClassNamed)
	return m.end(value)
}

// isScheme tells the name of a scheme (Bearer, AWS4-HMAC-SHA256) from credentials with a space behind them: its digits
// stand beside capitals, but for OAuth2.
func isScheme(b []byte) bool {
	var seen uint8
	for _, c := range b {
		if kinds[c]&(alnum|dash) == 0 {
			return false
		}
		seen |= kinds[c]
	}
	return len(b) <= maxScheme && (seen&digit == 0 || seen&lower == 0 && seen&upper != 0 || string(b) == "OAuth2")
}

const maxScheme = 24 // bytes

// cookies keeps the names, and of a Set-Cookie the attributes.
func (m *Masker) cookies(value []byte, set bool) []byte {
	m.begin(value)
	v := m.whole(value)
	for s := 0; s < len(value); {
		e := s
		for e < len(value) && value[e] != ';' {
			e++
		}
		name := s + bytes.IndexByte(value[s:e], '=') + 1
		for name < e && (value[name] == ' ' || value[name] == '"') {
			name++
		}
		if d := m.unescape(v.sub(name, e)); len(d.b) > 0 && !m.keepsCookie(v, s, name, d) {
			m.replace(d, 0, len(d.b), ClassNamed)
		}
		m.depth = 0
		s = e + 1
		if set {
			s = e + nextCookie(value[e:])
		}
		for s < len(value) && value[s] == ' ' {
			s++
		}
	}
	return m.end(value)
}

// nextCookie is where in the attributes of a cookie another one begins, or their end: some join the fields called
// Set-Cookie with line ends or commas. A comma within a date has no name and = behind it.
func nextCookie(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\n':
			return i + 1
		case ',':
			s := i + 1
			for s < len(b) && b[s] == ' ' {
				s++
			}
			e := s
			for e < len(b) && kinds[b[e]]&(word|dot) != 0 {
				e++
			}
			if e > s && e < len(b) && b[e] == '=' {
				return i + 1
			}
			i = e - 1
		}
	}
	return len(b)
}
