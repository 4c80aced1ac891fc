package source

import (
	"cmp"
	"slices"
)

// joinSeries puts the parts of each live capture behind the first of them that is named, in their order.
func joinSeries(ins []*input) []*input {
	var out []*input
	done := map[string]bool{}
	for _, in := range ins {
		if in.series == "" {
			out = append(out, in)
			continue
		}
		if done[in.series] {
			continue
		}
		done[in.series] = true
		at := len(out)
		for _, other := range ins {
			if other.series == in.series {
				out = append(out, other)
			}
		}
		slices.SortStableFunc(out[at:], func(a, b *input) int { return cmp.Compare(a.part, b.part) })
	}
	return out
}

// connsBefore is how many connections were numbered before an input: those of a live capture go on from one of its
// files to the next, so its later files are numbered from where its first was.
func (s *Set) connsBefore(in *input) int64 {
	if in.series == "" || in.series != s.series {
		s.series, s.seriesFrom = in.series, s.conns
	}
	return s.seriesFrom
}
