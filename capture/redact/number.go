package redact

import "net/netip"

// Numbers that belong to somebody. Each function looks at b from i, where a number may begin, and gives
// the end of what it found, or 0. All of them look at a bounded stretch.

// cardAt finds a payment card number: an issuer's prefix and length and a valid Luhn sum (ISO/IEC 7812-1).
// Digits may stand in groups of two or more, parted by single spaces, dashes or pluses.
func cardAt(b []byte, i int, c context) int {
	var num [20]byte
	n, end := 0, i
	grouped, group := false, 0
	for j := i; j < len(b); j++ {
		switch x := b[j]; {
		case kinds[x] == digit:
			if n == 19 {
				return 0
			}
			num[n] = x - '0'
			n, group, end = n+1, group+1, j+1
			continue
		case (x == ' ' || x == '-' || x == '+') && group >= 2 && j+1 < len(b) && kinds[b[j+1]] == digit:
			if n >= 13 && issued(num[:n]) && luhn(num[:n]) {
				return j // what follows is another number, such as the card's expiry
			}
			grouped, group = true, 0
			continue
		}
		break
	}
	if n < 13 || !bounded(b, i, end) || !issued(num[:n]) || !luhn(num[:n]) {
		return 0
	}
	if c.path && n == 13 && !grouped {
		return 0 // an article number (EAN) has the same form
	}
	return end
}

// issued reports whether a number has the prefix and length of a card network.
func issued(d []byte) bool {
	p := int(d[0])*1000 + int(d[1])*100 + int(d[2])*10 + int(d[3])
	in := func(lo, hi int) bool { return p >= lo && p <= hi }
	switch n := len(d); {
	case in(4000, 4999): // Visa
		return n == 13 || n == 16 || n == 19
	case in(5100, 5599), in(2221, 2720): // Mastercard
		return n == 16
	case in(3400, 3499), in(3700, 3799): // American Express
		return n == 15
	case in(3000, 3059), in(3600, 3699), in(3800, 3999): // Diners Club
		return n == 14 || n == 16
	case in(6011, 6011), in(6440, 6599), in(6200, 6299), in(3528, 3589): // Discover, UnionPay, JCB
		return n >= 16
	}
	return false
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		x := int(d[len(d)-1-i])
		if i%2 == 1 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}

// ibanLengths by country (SWIFT IBAN registry).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
	"CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
	"KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31,
	"MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
	"SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// ibanAt finds an IBAN by country, length and check digits (ISO 13616, ISO 7064 mod 97-10); groups may be
// parted by single spaces, dashes or pluses, and letters may be lower case.
func ibanAt(b []byte, i int) int {
	if len(b)-i < 15 || kinds[b[i]]&(upper|lower) == 0 || kinds[b[i+1]]&(upper|lower) == 0 || kinds[b[i+2]] != digit || kinds[b[i+3]] != digit {
		return 0
	}
	var s [40]byte
	s[0], s[1] = b[i]&^0x20, b[i+1]&^0x20
	want := ibanLengths[string(s[:2])]
	if want == 0 {
		return 0
	}
	n, j := 2, i+2
	for ; j < len(b) && n < want; j++ {
		switch x := b[j]; {
		case kinds[x]&(upper|lower) != 0:
			s[n] = x &^ 0x20
			n++
		case kinds[x] == digit:
			s[n] = x
			n++
		case (x == ' ' || x == '-' || x == '+') && j+1 < len(b) && kinds[b[j+1]]&alnum != 0:
		default:
			return 0
		}
	}
	if n < want || !bounded(b, i, j) {
		return 0
	}
	mod := 0
	for k := range want {
		if x := s[(k+4)%want]; x >= 'A' {
			mod = (mod*100 + int(x-'A') + 10) % 97
		} else {
			mod = (mod*10 + int(x-'0')) % 97
		}
	}
	if mod != 1 {
		return 0
	}
	return j
}

// phoneAt finds a phone number: + and 10 to 15 digits (E.164) in groups, or the North American forms
// (212) 555-0123, 212-555-0123 and 212.555.0123.
func phoneAt(b []byte, i int) int {
	if b[i] != '+' {
		return phoneNorthAmerica(b, i)
	}
	if i+1 >= len(b) || b[i+1] < '1' || b[i+1] > '9' {
		return 0
	}
	n, end := 0, 0
	for j := i + 1; j < len(b) && j < i+32 && n <= 15; j++ {
		switch x := b[j]; {
		case kinds[x] == digit:
			n, end = n+1, j+1
			continue
		case (x == ' ' || x == '-' || x == '.' || x == '(' || x == ')' || x == '/') && j+1 < len(b) && (kinds[b[j+1]] == digit || b[j+1] == ' ' || b[j+1] == '('):
			continue
		}
		break
	}
	if n < 10 || n > 15 || end < len(b) && kinds[b[end]]&alnum != 0 {
		return 0
	}
	return end
}

func phoneNorthAmerica(b []byte, i int) int {
	form := "ddd-ddd-dddd"
	switch {
	case b[i] == '(':
		form = "(ddd) ddd-dddd"
		if i+5 < len(b) && b[i+5] != ' ' && b[i+5] != '+' {
			form = "(ddd)ddd-dddd"
		}
	case i+3 < len(b) && b[i+3] == '.':
		form = "ddd.ddd.dddd"
	}
	if len(b)-i < len(form) {
		return 0
	}
	for k := range len(form) {
		x := b[i+k]
		if x == '+' {
			x = ' '
		}
		if f := form[k]; f == 'd' && kinds[x] != digit || f != 'd' && x != f {
			return 0
		}
	}
	area := i
	if b[i] == '(' {
		area++
	}
	if b[area] < '2' || !bounded(b, i, i+len(form)) {
		return 0
	}
	return i + len(form)
}

// ipv4At finds an IPv4 address that may be a person's: not 0.x, not loopback, and not a version number.
func ipv4At(b []byte, i int, c context) int {
	var octets [4]int
	j := i
	for k := range octets {
		s, o := j, 0
		for j < len(b) && j < s+3 && kinds[b[j]] == digit {
			o = o*10 + int(b[j]-'0')
			j++
		}
		if j == s || o > 255 || j-s > 1 && b[s] == '0' {
			return 0
		}
		octets[k] = o
		if k == 3 {
			break
		}
		if j >= len(b) || b[j] != '.' {
			return 0
		}
		j++
	}
	dotted := j+1 < len(b) && b[j] == '.' && kinds[b[j+1]]&alnum != 0
	if !bounded(b, i, j) || dotted || i > 0 && b[i-1] == '.' || octets[0] == 0 || octets[0] == 127 || isVersion(b, i, octets, c) {
		return 0
	}
	return j
}

// isVersion tells a version of four numbers from an address: by what stands before it.
func isVersion(b []byte, i int, octets [4]int, c context) bool {
	if c.version || octets[2] == 0 && octets[3] == 0 {
		return true
	}
	if c.path {
		return octets[0] < 10 // /dist/2.4.1.3/: among addresses these blocks are rare
	}
	if i == 0 {
		return false
	}
	switch b[i-1] {
	case '/': // Chrome/126.0.6478.36, but not //203.0.113.7 and not 10.0.0.1/203.0.113.7
		return i >= 2 && kinds[b[i-2]]&(lower|upper) != 0
	case ':':
		return i >= 3 && string(b[i-3:i]) == "rv:"
	case ' ', '_':
		return c.agent && versioned(b[:i-1])
	}
	return false
}

// versioned reports whether text ends in a word that a version follows.
func versioned(text []byte) bool {
	e := len(text)
	s := e
	for s > 0 && kinds[text[s-1]]&(lower|upper) != 0 && e-s < 16 {
		s--
	}
	var buf [maxName]byte
	switch string(fold(text[s:e], &buf)) {
	case "clr", "version", "v", "ver", "rv", "release", "build", "chrome", "firefox", "safari", "opera", "msie", "edge",
		"android", "os", "nt", "linux", "kernel", "webkit", "java", "player", "flash", "net", "ios", "app":
		return true
	}
	return false
}

// ipv6At finds an IPv6 address other than loopback. Times (10:20:30) and hardware addresses are none.
func ipv6At(b []byte, i int) int {
	j, colons := i, 0
	for j < len(b) && j < i+46 && (unhex(b[j]) >= 0 || b[j] == ':' || b[j] == '.') {
		if b[j] == ':' {
			colons++
		}
		j++
	}
	for j > i && (b[j-1] == '.' || b[j-1] == ':' && (j-2 < i || b[j-2] != ':')) {
		j-- // the end of a sentence
	}
	if colons < 2 || colons > 8 || j-i < 6 || b[i] == '0' || !bounded(b, i, j) {
		return 0
	}
	a, err := netip.ParseAddr(string(b[i:j]))
	if err != nil || a.IsLoopback() || a.IsUnspecified() {
		return 0
	}
	return j
}

// bounded reports whether b[s:e] stands by itself, not inside a longer word or number.
func bounded(b []byte, s, e int) bool {
	if s > 0 && (kinds[b[s-1]]&word != 0 || b[s-1] == '.' && s > 1 && kinds[b[s-2]] == digit) {
		return false
	}
	return e == len(b) || kinds[b[e]]&alnum == 0 && (kinds[b[e]] != dash || e+1 == len(b) || kinds[b[e+1]]&alnum == 0)
}
