package route

import (
	"strings"
)

// kindCount finds a name for a set of values.
type kindCount struct {
	of      [nKinds]float64
	total   float64
	hyphens float64
}

func (c *kindCount) add(value string, weight float64) {
	c.of[kindOf([]byte(value))] += weight
	c.total += weight
	if strings.ContainsAny(value, "-_") {
		c.hyphens += weight
	}
}

func (c *kindCount) name() string {
	n := c.of
	if n[Hex] > n[Int] {
		n[Hex] += n[Int]
	}
	for k := Int; k < nKinds; k++ {
		if n[k] >= 0.97*c.total {
			return k.String()
		}
	}
	if c.hyphens > 0.8*n[Any] && n[Any] > 0.5*c.total {
		return "slug"
	}
	return "name"
}

// parameter makes the segment of a pool: by the kind of its values, or by what they look like, with the
// beginning and the extension that all of them share.
func parameter(pool []*kid) string {
	ext, pre := extension(pool[0].name), ""
	if len(pool) >= groupKids {
		pre = pool[0].name
	}
	for _, k := range pool {
		if k.pat != nil {
			ext, pre = "", ""
			break
		}
		if isStandIn(k.name) || k.kind != Any { // a kind says more than a beginning, such as the year of dates
			pre = ""
		}
		if extension(k.name) != ext {
			ext = ""
		}
		for !strings.HasPrefix(k.name, pre) {
			pre = pre[:len(pre)-1]
		}
	}
	pre = pre[:strings.LastIndexAny(pre, "-_,.~@!$+=:")+1]
	var c kindCount
	for _, k := range pool {
		if k.pat != nil {
			for _, m := range k.members {
				c.add(m.name, m.distinct)
			}
			continue
		}
		stem := k.name
		if len(pre)+len(ext) < len(stem) {
			stem = stem[len(pre) : len(stem)-len(ext)]
		}
		c.add(stem, k.distinct)
	}
	return pre + "{" + c.name() + "}" + ext
}
