package capture

import (
	"maps"
	"slices"
)

// HostSet is the hosts of requests, at most MaxHosts of them, and how many requests name none. The zero value is
// empty and ready to use. It is not safe for concurrent use.
type HostSet struct {
	Hostless int64
	Overflow bool // there are more hosts, or longer ones

	names map[string]struct{} // in lower case
	last  []byte              // the one that was seen last
	name  []byte              // the same in lower case
}

// maxHostName is the longest host that the metadata names: 253 bytes of DNS name, a port, some air.
const maxHostName = 300

// Add counts the host of a request; an empty one is none.
func (s *HostSet) Add(host []byte) {
	if len(host) == 0 {
		s.Hostless++
		return
	}
	if string(host) == string(s.last) {
		return
	}
	s.last = append(s.last[:0], host...)
	s.name = appendLower(s.name[:0], host)
	if _, ok := s.names[string(s.name)]; ok {
		return
	}
	if len(s.names) == MaxHosts || len(s.name) > maxHostName {
		s.Overflow = true
		return
	}
	if s.names == nil {
		s.names = map[string]struct{}{}
	}
	s.names[string(s.name)] = struct{}{}
}

// addAll adds what another set counted.
func (s *HostSet) addAll(o *HostSet) {
	for _, name := range o.Names() {
		s.Add([]byte(name))
	}
	s.Hostless += o.Hostless
	s.Overflow = s.Overflow || o.Overflow
}

// Names is the hosts in lower case, in order; never nil.
func (s *HostSet) Names() []string {
	names := slices.AppendSeq(make([]string, 0, len(s.names)), maps.Keys(s.names))
	slices.Sort(names)
	return names
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
