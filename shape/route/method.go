package route

// methods numbers the request methods seen; number 0 stands for all that found no place.
type methods struct {
	names []string
	of    map[string]int32
}

func newMethods() *methods { return &methods{names: []string{""}, of: map[string]int32{}} }

func (m *methods) number(name []byte) int32 {
	if i, ok := m.of[string(name)]; ok {
		return i
	}
	if len(m.names) > maxMethods || !isToken(name) {
		return 0
	}
	i := int32(len(m.names))
	m.names = append(m.names, string(name))
	m.of[string(name)] = i
	return i
}

// isToken reports whether a method can stand in an endpoint's id.
func isToken(b []byte) bool {
	for _, c := range b {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' {
			continue
		}
		return false
	}
	return len(b) > 0 && len(b) <= maxMethod
}
