package guard

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// canonical is the one form of a host in which two spellings of it are equal: no port, no brackets, no
// trailing dot, lower case, punycode for labels beyond ASCII, addresses as netip prints them. What is no
// host comes out as something that is equal to no host.
func canonical(host string) string {
	h := strings.TrimSpace(host)
	if a, err := netip.ParseAddrPort(h); err == nil {
		return a.Addr().Unmap().WithZone("").String()
	}
	if rest, ok := strings.CutPrefix(h, "["); ok {
		if end := strings.IndexByte(rest, ']'); end >= 0 {
			h = rest[:end]
		}
	}
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Unmap().WithZone("").String()
	}
	if i := strings.LastIndexByte(h, ':'); i >= 0 {
		h = h[:i]
	}
	h = strings.Map(fold, h)
	h = strings.TrimRight(h, ".")
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Unmap().WithZone("").String()
	}
	labels := strings.Split(h, ".")
	for i, l := range labels {
		labels[i] = punycode(l)
	}
	return strings.Join(labels, ".")
}

// fold maps the spellings of a rune that host names allow to one: case, full-width forms, ideographic dots, soft hyphens.
func fold(r rune) rune {
	switch {
	case r == '。' || r == '．' || r == '｡':
		return '.'
	case r >= '！' && r <= '～':
		r -= '！' - '!'
	case r == '\u00ad' || r == '\u200b' || r == '\u2060' || r == '\ufeff':
		return -1
	}
	return unicode.ToLower(r)
}

// punycode is label as it stands in the DNS (RFC 3492, RFC 5891), itself if it is ASCII.
func punycode(label string) string {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	var out []byte
	runes := []rune(label)
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	if len(out) == len(runes) || len(runes) > 256 {
		return label
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(128), 0, 72
	for h := basic; h < len(runes); {
		next := rune(unicode.MaxRune + 1)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (h + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, punyDigit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, punyDigit(q))
			bias = punyAdapt(delta, h+1, h == basic, base, tmin, tmax, skew, damp)
			delta = 0
			h++
		}
		delta++
		n++
	}
	return "xn--" + string(out)
}

func punyDigit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

func punyAdapt(delta, points int, first bool, base, tmin, tmax, skew, damp int) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (base-tmin)*tmax/2 {
		delta /= base - tmin
		k += base
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}
