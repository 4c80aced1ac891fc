package capture

import (
	"maps"
	"slices"
)

// hostSet is the hosts of requests, and how many requests name none.
type hostSet struct {
	names    map[string]struct{} // in lower case, at most MaxHosts
	last     []byte              // the one that was seen last
	name     []byte              // the same in lower case
	hostless int64
	overflow bool // there are more, or longer ones
}

// maxHostName is the longest host that the metadata names: 253 bytes of DNS name, a port, some air.
const maxHostName = 300

func (s *hostSet) add(host []byte) {
	if len(host) == 0 {
		s.hostless++
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
		s.overflow = true
		return
	}
	if s.names == nil {
		s.names = map[string]struct{}{}
	}
	s.names[string(s.name)] = struct{}{}
}

// addAll adds what another set counted.
func (s *hostSet) addAll(o *hostSet) {
	for _, name := range o.sorted() {
		s.add([]byte(name))
	}
	s.hostless += o.hostless
	s.overflow = s.overflow || o.overflow
}

// sorted is the names in order; never nil.
func (s *hostSet) sorted() []string {
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
