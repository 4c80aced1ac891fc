package route

// Kind says what the values of a parameter look like. It is decided for every value by itself.
type Kind uint8

// The kinds, from the most particular to Any, which is everything else.
const (
	Any   Kind = iota
	Int        // digits
	UUID       // 8-4-4-4-12
	Hex        // at least 8 hexadecimal digits, one of them a figure
	Date       // begins like 2026-11-23
	Email      // with an @ and a dot after it
	Token      // at least 16 letters and digits, well mixed
	nKinds
)

// String is the name that a parameter of the kind has in a template.
func (k Kind) String() string {
	return [nKinds]string{"name", "id", "uuid", "hex", "date", "email", "token"}[k]
}

func (k Kind) accepts(s []byte) bool {
	if k == Any {
		return true
	}
	got := kindOf(s)
	return got == k || k == Hex && got == Int && len(s) >= 8 // a hash may be all digits
}

func kindOf(s []byte) Kind {
	if len(s) == 0 {
		return Any
	}
	if s[0] == 0 { // a stand-in for values that were joined
		return Kind(s[1] - '0')
	}
	var digits, letters, others, at int
	hex := true
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters++
			hex = hex && (c|0x20) <= 'f'
		default:
			others++
			if c == '@' && i > 0 {
				at = i
			}
		}
	}
	n := len(s)
	switch {
	case digits == n:
		return Int
	case digits == 0 && at == 0:
		return Any
	case n == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && digits+letters == 32 && hex:
		return UUID
	case n >= 8 && digits > 0 && others == 0 && hex:
		return Hex
	case at > 0 && dotAfter(s, at):
		return Email
	case n >= 10 && s[4] == '-' && s[7] == '-' && digits >= 8 && letters <= 2 && allDigits(s[:4]):
		return Date
	case n >= 16 && digits >= 2 && letters >= 2 && mixed(s):
		return Token
	}
	return Any
}

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

func dotAfter(s []byte, at int) bool {
	for i := at + 2; i < len(s)-1; i++ {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// mixed reports whether letters, capitals and digits alternate as in a random string.
func mixed(s []byte) bool {
	changes, last := 0, 0
	for _, c := range s {
		class := 0
		switch {
		case c == '.':
			return false
		case c >= '0' && c <= '9':
			class = 1
		case c >= 'a' && c <= 'z':
			class = 2
		case c >= 'A' && c <= 'Z':
			class = 3
		}
		if class != last && class != 0 && last != 0 {
			changes++
		}
		last = class
	}
	return changes >= 4
}
