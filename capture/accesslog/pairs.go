package accesslog

import "bytes"

// pair reads lists such as [{"key":"http.method","value":{"stringValue":"GET"}}] (OpenTelemetry) and
// [{"name":"Host","value":"a"}] (AWS) as the objects that they stand for: it gives the path that the value would have
// there, nil for a key, and any other path as it is. A key must come before its value.
func (p *Parser) pair(path, v []byte) []byte {
	list := p.f.pairs
	if len(path) <= len(list) || path[len(list)] != '[' || string(path[:len(list)]) != list {
		return path
	}
	i := bytes.IndexByte(path, ']')
	if i < 0 {
		return path
	}
	switch member := path[i+1:]; {
	case string(member) == ".key" || string(member) == ".name":
		p.paired = append(append(append(p.paired[:0], list...), '.'), v...)
		p.key = len(p.paired)
		return nil
	case bytes.HasPrefix(member, []byte(".value")) && p.key > 0:
		p.key = 0
		return p.paired
	}
	return nil
}
