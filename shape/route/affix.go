package route

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Affixes: the fixed part of a segment beside its value, as in ~user, news_12, data.json, shoes-p-12.html.
const (
	signs      = "~@!$+" // that may begin a value
	groupKids  = 5       // distinct words that an affix needs
	mostGroups = 6       // affixes at one position; more of them are values themselves
	gap        = 8       // times as many words as the next affix
	coreKids   = 4       // typed or rare stems that an extension needs
)

// extension is the file extension of a word, compressions included, or "".
func extension(s string) string {
	base := s
	for _, x := range []string{".gz", ".bz2", ".xz", ".zst", ".map"} {
		base = strings.TrimSuffix(base, x)
	}
	i := strings.LastIndexByte(base, '.')
	if i <= 0 || len(base)-i > 7 || len(base)-i <= 2 {
		return ""
	}
	ext := base[i+1:]
	if strings.ContainsAny(ext, "-_ ~,:@%") || ext[0] <= '9' || !strings.ContainsFunc(ext, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }) {
		return ""
	}
	return s[i:]
}

// asset reports whether a kid is a file that pages are made of; the names of such files are values.
func (d *decider) asset(k *kid) bool {
	switch strings.ToLower(extension(k.name)) {
	case ".css", ".js", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".bmp",
		".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".webm", ".ogg", ".pdf", ".zip", ".gz", ".tar.gz", ".jar":
		return k.kind == Any && !slices.ContainsFunc(k.ids, func(id int32) bool { return d.s.nodes[id].first != 0 })
	}
	return false
}

// leader is the part of a word before its value: a sign, or all up to the first digit.
func leader(s string) string {
	if strings.IndexByte(signs, s[0]) >= 0 {
		return s[:1]
	}
	if i := strings.IndexAny(s, "0123456789"); i > 0 && !(i == 1 && s[0]|0x20 == 'v') {
		return s[:i]
	}
	return ""
}

// marker is a short word and a number at the end of a stem, as in shoes-p-12 or title-page2: "-p-", "-page".
func marker(stem string) string {
	i := len(stem)
	for i > 0 && (stem[i-1] >= '0' && stem[i-1] <= '9' || stem[i-1] == '_' && i < len(stem)) {
		i--
	}
	if i == len(stem) {
		return ""
	}
	j := i
	for j > 0 && strings.IndexByte("-_,", stem[j-1]) >= 0 {
		j--
	}
	k := j
	for k > 0 && (stem[k-1]|0x20 >= 'a' && stem[k-1]|0x20 <= 'z') {
		k--
	}
	if k == j || j-k > 8 || k < 2 || strings.IndexByte("-_,", stem[k-1]) < 0 {
		return ""
	}
	return stem[k-1 : i]
}

// group joins siblings of one affix to a kid of its own, which is then judged like any other sibling.
func (p *position) group(ks []*kid) []*kid {
	var groups []*kid
	taken := map[*kid]bool{}
	var words []*kid
	assets := 0
	for _, k := range ks {
		if k.kind == Any && !k.forced {
			words = append(words, k)
			if p.d.asset(k) {
				assets++
			}
		}
	}
	files := assets >= groupKids
	marked, _ := splitMarked("", words)
	for _, g := range marked {
		groups = append(groups, g)
		for _, m := range g.members {
			taken[m] = true
		}
	}
	byExt, byLead, bySign := map[string][]*kid{}, map[string][]*kid{}, map[string][]*kid{}
	plain := 0 // values without an extension
	for _, k := range ks {
		ext := ""
		if k.kind == Any && (!k.forced || isStandIn(k.name)) && !taken[k] {
			if ext = extension(k.name); ext != "" {
				byExt[ext] = append(byExt[ext], k)
			}
			if l := leader(k.name); k.forced {
			} else if len(l) == 1 && strings.Contains(signs, l) {
				bySign[l] = append(bySign[l], k)
			} else if l != "" && !(files && p.d.asset(k)) {
				byLead[l] = append(byLead[l], k)
			}
		}
		if ext == "" && (k.kind != Any || k.n <= rare) {
			plain++
		}
	}
	if len(byExt) == 1 && plain < coreKids {
		for ext, g := range byExt { // every value has it: it tells nothing, but the stem may
			for _, k := range g {
				k.kind = kindOf([]byte(strings.TrimSuffix(k.name, ext)))
			}
		}
		byExt = nil
	}
	for ext, g := range byExt {
		byExt[ext] = p.core(ext, g)
	}
	groups = append(groups, p.take(bySign, taken, func(a string) (string, string) { return a, "" })...)
	groups = append(groups, p.take(byLead, taken, func(a string) (string, string) { return a, "" })...)
	groups = append(groups, p.take(byExt, taken, func(a string) (string, string) { return "", a })...)
	return append(slices.DeleteFunc(ks, func(k *kid) bool { return taken[k] }), groups...)
}

// outstanding returns, sorted, the affixes that many words have while hardly any word has another: those of
// titles and codes fall off gently.
func outstanding(by map[string][]*kid) []string {
	keys := make([]string, 0, len(by))
	for a, g := range by {
		if len(g) >= 2 {
			keys = append(keys, a)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(by[b]), len(by[a])), cmp.Compare(a, b))
	})
	for i := min(mostGroups, len(keys)) - 1; i >= 0; i-- {
		next := 1
		if i+1 < len(keys) {
			next = len(by[keys[i+1]])
		}
		if len(by[keys[i]]) >= gap*next {
			keys = keys[:i+1]
			slices.Sort(keys)
			return keys
		}
	}
	return nil
}

// core keeps of the words with one extension those that look like the ones with a typed or rare stem.
func (p *position) core(ext string, g []*kid) []*kid {
	typed := func(k *kid) bool { return isStandIn(k.name) || kindOf([]byte(strings.TrimSuffix(k.name, ext))) != Any }
	core, values := map[*kid]bool{}, 0.0
	h := newShaper(p.d.s, nearDepth)
	for _, k := range g {
		if typed(k) || k.n <= rare {
			core[k] = true
			values += k.distinct
		}
		h.shapes(k)
	}
	if values < coreKids {
		return nil
	}
	j := newJudge(g, len(h.keyword), p.d.all)
	for range 2 {
		j.fill(g, func(k *kid) bool { return core[k] })
		n := 0.0
		for _, k := range g {
			if core[k] {
				n += k.n
			}
		}
		c := math.Max(float64(len(core)), n/math.Log(float64(len(core))+3))
		next := map[*kid]bool{}
		for _, k := range g {
			cont, size := j.odds(k, core[k])
			if typed(k) || cont+size+math.Max(-4, math.Min(8, math.Log(c/(3*k.n)))) > 0 {
				next[k] = true
			}
		}
		core = next
	}
	return slices.DeleteFunc(slices.Clone(g), func(k *kid) bool { return !core[k] })
}

// take makes a group of every affix with enough words, unless there are too many such affixes.
func (p *position) take(by map[string][]*kid, taken map[*kid]bool, affix func(string) (pre, ext string)) []*kid {
	var keys []string
	for a, g := range by {
		if distinct(g) >= groupKids {
			keys = append(keys, a)
		}
	}
	if len(keys) > mostGroups {
		keys = outstanding(by)
	}
	slices.Sort(keys)
	var out []*kid
	for _, a := range keys {
		g := slices.DeleteFunc(slices.Clone(by[a]), func(k *kid) bool { return taken[k] })
		if distinct(g) < groupKids {
			continue
		}
		for _, k := range g {
			taken[k] = true
		}
		pre, ext := affix(a)
		out = append(out, p.split(pre, ext, g)...)
	}
	return out
}

// split divides a group by the markers at the end of its stems.
func (p *position) split(pre, ext string, g []*kid) []*kid {
	out, rest := splitMarked(pre, g)
	if len(rest) > 0 {
		out = append(out, newGroup(pre, "", ext, rest))
	}
	return out
}

// splitMarked makes groups of the words with an outstanding marker.
func splitMarked(pre string, words []*kid) (groups, rest []*kid) {
	by := [2]map[string][]*kid{{}, {}} // by whether a separator stands before the number
	of := make([]string, len(words))
	for i, k := range words {
		ext := extension(k.name)
		if len(pre)+len(ext) >= len(k.name) {
			continue
		}
		if m := marker(strings.TrimSuffix(k.name[len(pre):], ext)); m != "" {
			spaced := 0
			if strings.IndexByte("-_,", m[len(m)-1]) >= 0 {
				spaced = 1
			}
			of[i] = m + "\x00" + ext
			by[spaced][of[i]] = append(by[spaced][of[i]], k)
		}
	}
	var keys []string
	for _, b := range by {
		for _, m := range outstanding(b) {
			mark, ext, _ := strings.Cut(m, "\x00")
			groups = append(groups, newGroup(pre, mark, ext, b[m]))
			keys = append(keys, m)
		}
	}
	for i, k := range words {
		if !slices.Contains(keys, of[i]) {
			rest = append(rest, k)
		}
	}
	return groups, rest
}

// newGroup joins words to one kid whose pattern is pre{…}mark{…}ext.
func newGroup(pre, mark, ext string, g []*kid) *kid {
	if ext == "" && mark == "" {
		ext = commonExtension(g)
	}
	if pre == "" {
		pre = commonLead(g)
		for _, k := range g { // a lead that reaches into the marker leaves nothing before it
			if strings.LastIndex(strings.TrimSuffix(k.name[len(pre):], ext), mark) < 1 {
				mark = ""
				break
			}
		}
	}
	out := &kid{members: g}
	var kinds [2]kindCount
	for _, k := range g {
		out.ids = append(out.ids, k.ids...)
		out.n += k.n
		out.distinct += k.distinct
		stem := strings.TrimSuffix(k.name[len(pre):], ext)
		if mark != "" {
			i := strings.LastIndex(stem, mark)
			kinds[1].add(stem[i+len(mark):], 1)
			stem = stem[:i]
		}
		kinds[0].add(stem, k.distinct)
	}
	text := pre + "{" + kinds[0].name() + "}"
	if mark != "" {
		text += mark + "{" + kinds[1].name() + "}"
	}
	out.pat, _ = parsePattern(numberNames([]string{text + ext})[0])
	if slices.ContainsFunc(g, func(k *kid) bool { return !isStandIn(k.name) && !out.pat.match([]byte(k.name), true) }) {
		if pre != "" { // the affixes of some word overlap
			ext = ""
		}
		out.pat, _ = parsePattern(pre + "{name}" + ext)
	}
	out.name = out.pat.text
	out.ev.Reason = "affix"
	return out
}

func distinct(g []*kid) float64 {
	n := 0.0
	for _, k := range g {
		n += k.distinct
	}
	return n
}

func commonLead(g []*kid) string {
	l := leader(g[0].name)
	for _, k := range g {
		if leader(k.name) != l {
			return ""
		}
	}
	return l
}

func commonExtension(g []*kid) string {
	ext := extension(g[0].name)
	for _, k := range g {
		if extension(k.name) != ext {
			return ""
		}
	}
	return ext
}
