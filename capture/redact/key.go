package redact

import "bytes"

// keyShape is the form of an issuer's keys: a prefix and at least min characters of the kinds after it.
type keyShape struct {
	prefix string
	min    int
	dots   bool // dots are part of the key
}

// keyShapes by their first byte.
var keyShapes = func() (t [256][]keyShape) {
	for _, k := range []keyShape{
		{"AKIA", 16, false}, {"ASIA", 16, false}, {"AROA", 16, false}, {"AIDA", 16, false}, {"ABIA", 16, false}, {"ACCA", 16, false},
		{"AIza", 30, false}, {"ya29.", 20, true}, {"GOCSPX-", 20, false}, {"1//0", 30, false},
		{"ghp_", 20, false}, {"gho_", 20, false}, {"ghu_", 20, false}, {"ghs_", 20, false}, {"ghr_", 20, false}, {"github_pat_", 20, false},
		{"glpat-", 16, false}, {"gldt-", 16, false}, {"glptt-", 16, false}, {"glrt-", 16, false},
		{"xoxa-", 8, false}, {"xoxb-", 8, false}, {"xoxp-", 8, false}, {"xoxo-", 8, false}, {"xoxr-", 8, false}, {"xoxs-", 8, false},
		{"xoxe-", 8, false}, {"xoxe.", 8, true}, {"xoxc-", 8, false}, {"xoxd-", 8, false}, {"xapp-", 8, false},
		{"sk_live_", 10, false}, {"sk_test_", 10, false}, {"rk_live_", 10, false}, {"rk_test_", 10, false}, {"whsec_", 16, false},
		{"sk-", 32, false}, {"sk-ant-", 20, false}, {"sk-proj-", 20, false}, {"SG.", 30, true}, {"key-", 32, false},
		{"npm_", 30, false}, {"pypi-", 30, false}, {"dop_v1_", 30, false}, {"hf_", 30, false}, {"shpat_", 30, false}, {"shpss_", 30, false},
		{"hvs.", 20, false}, {"hvb.", 20, false}, {"dckr_pat_", 20, false}, {"AGE-SECRET-KEY-1", 40, false}, {"EAAC", 40, false},
		{"sq0atp-", 20, false}, {"sq0csp-", 40, false}, {"NRAK-", 20, false}, {"lin_api_", 30, false}, {"ATATT3", 40, false},
	} {
		t[k.prefix[0]] = append(t[k.prefix[0]], k)
	}
	return t
}()

// maxJudged bounds what decides on a value where another one may begin inside it. What is found goes to its end.
const maxJudged = 256

// keyAt finds a JSON Web Token or the key of a known issuer.
func keyAt(b []byte, i int) (int, Class) {
	if b[i] == 'e' && hasPrefix(b[i:], "eyJ") {
		if j := tokenEnd(b, i, true); j-i >= 20 {
			return j, ClassJWT
		}
	}
	for _, k := range keyShapes[b[i]] {
		if !hasPrefix(b[i:], k.prefix) {
			continue
		}
		s := i + len(k.prefix)
		rest := b[s:tokenEnd(b[:min(len(b), s+maxJudged)], s, k.dots)]
		if len(rest) >= k.min && keyLike(rest, k.prefix) {
			return tokenEnd(b, s, k.dots), ClassKey
		}
	}
	return 0, ClassNone
}

// keyLike tells a key from a word that begins alike: it holds digits, and AWS ids hold capitals and digits alone.
func keyLike(rest []byte, prefix string) bool {
	var seen uint8
	for _, x := range rest {
		seen |= kinds[x]
	}
	if prefix[0] == 'A' && len(prefix) == 4 && prefix[1] != 'I' {
		return seen&(lower|dash) == 0
	}
	return seen&digit != 0 || !wordy(rest)
}

func tokenEnd(b []byte, i int, dots bool) int {
	for i < len(b) && (kinds[b[i]]&word != 0 || dots && b[i] == '.' && i+1 < len(b) && (kinds[b[i+1]]&word != 0 || b[i+1] == '.')) {
		i++
	}
	return i
}

// schemeAt finds credentials behind the name of their scheme, which is kept by what calls for it; inside
// a text both go.
func schemeAt(b []byte, i int) int {
	if c := b[i] | 0x20; c != 'b' && c != 't' && c != 'a' {
		return 0
	}
	for _, s := range [...]string{"bearer", "basic", "token", "apikey"} {
		if len(b)-i <= len(s)+8 || !equalFold(b[i:i+len(s)], s) || b[i+len(s)] != ' ' && b[i+len(s)] != '+' {
			continue
		}
		s0 := i + len(s) + 1
		j := credentialsEnd(b[:min(len(b), s0+maxJudged)], s0)
		if v := b[s0:j]; len(v) >= 8 && mixed(v) && (bytes.ContainsAny(v, "0123456789") || !wordy(v)) {
			return credentialsEnd(b, j)
		}
	}
	return 0
}

func credentialsEnd(b []byte, i int) int {
	for i < len(b) && (kinds[b[i]]&(word|dot) != 0 || b[i] == '+' || b[i] == '/' || b[i] == '=' || b[i] == '~') {
		i++
	}
	return i
}

func equalFold(b []byte, s string) bool {
	for i := range len(s) {
		if b[i]|0x20 != s[i] {
			return false
		}
	}
	return true
}
