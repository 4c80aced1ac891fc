package accesslog

import "bytes"

// client takes an address; of a list (X-Forwarded-For in its place) the first, who is the farthest.
func (p *Parser) client(s *step, v []byte) bool {
	v = firstOfList(v)
	if p.f.keys != nil || s.auto {
		v = withoutPort(v)
	}
	if s.layout != "" && among(s.layout, v) {
		return p.fail(reasonNone, v, "a request that the server made itself")
	}
	if p.f.text != nil && bytes.IndexByte(v, ' ') >= 0 {
		return p.fail(reasonMisfit, v, "not an address")
	}
	if p.rec.client == nil || s.rank >= p.rec.clientRank {
		p.rec.client, p.rec.clientRank = v, s.rank
	}
	return true
}

func firstOfList(v []byte) []byte {
	if i := bytes.IndexByte(v, ','); i >= 0 {
		v = v[:i]
	}
	return bytes.Trim(v, `" `)
}

// head reads "[vhost[:port]] [forwarded-for] client ident user", as far as the Common Log Format and its
// relatives agree: what stands before " - " is the client.
func (p *Parser) head(v []byte) bool {
	r := &p.rec
	var items [6][]byte
	n := 0
	if i := bytes.Index(v, []byte(" - ")); i >= 0 {
		if user := v[i+3:]; string(user) != "-" && string(user) != `""` && len(user) > 0 {
			r.user = p.clear(&step{}, user)
		}
		if bytes.IndexByte(v[:i], ' ') < 0 {
			r.client = v[:i]
			return i > 0
		}
		n = listItems(v[:i], items[:])
	} else {
		// The identity is given, as RFC 1413 has it.
		if n = listItems(v, items[:]) - 2; n < 1 || n > 3 {
			return false
		}
		if user := items[n+1]; string(user) != "-" {
			r.user = p.clear(&step{}, user)
		}
	}
	if n < 1 || n > 3 {
		return false
	}
	r.client = firstOfList(items[n-1])
	if n > 1 && items[0][0] != '"' {
		r.vhost = true
		p.virtualHost(items[0])
	}
	return len(r.client) > 0
}

// virtualHost takes %v:%p. The ports that the schemes imply are no part of a Host field.
func (p *Parser) virtualHost(v []byte) {
	if i := bytes.LastIndexByte(v, ':'); i > 0 {
		if s := schemeOfPort(v[i+1:]); s != nil {
			p.rec.scheme = s
			v = v[:i]
		}
	}
	p.rec.setHost(v, rankName)
}

// listItems splits v at spaces that do not follow a comma; it returns len(items)+1 where there are more.
func listItems(v []byte, items [][]byte) (n int) {
	start := 0
	for i := 0; i <= len(v); i++ {
		if i < len(v) && (v[i] != ' ' || i > 0 && v[i-1] == ',') {
			continue
		}
		if i > start {
			if n == len(items) {
				return n + 1
			}
			items[n] = v[start:i]
			n++
		}
		start = i + 1
	}
	return n
}
