package redact

// Class says why a value was replaced.
type Class uint8

// The classes.
const (
	ClassNone     Class = iota
	ClassNamed          // the name of its header, parameter, field or cookie is on the deny-list
	ClassPathKey        // a path segment behind one such as /reset-password/
	ClassJWT            // JSON Web Token
	ClassKey            // key of a known issuer: AWS, GCP, GitHub, GitLab, Slack, Stripe and others
	ClassPEM            // PEM block
	ClassAuth           // Bearer or Basic credentials inside a text
	ClassUserinfo       // user:password@ in a URL
	ClassCard           // payment card number
	ClassIBAN           // bank account
	ClassEmail          // e-mail address
	ClassPhone          // phone number
	ClassIP             // IPv4 or IPv6 address
	ClassEntropy        // looks random: at least 20 characters, 4 bits each, three kinds of characters
	ClassEncoded        // base64 of a text that holds one of the above
	numClasses
)

var classNames = [numClasses]string{"", "named", "path-key", "jwt", "api-key", "pem", "credentials", "userinfo", "card", "iban", "email", "phone", "ip", "entropy", "base64"}

func (c Class) String() string { return classNames[c] }

// Kinds of bytes, as bits.
const (
	lower = 1 << iota
	upper
	digit
	dash // - _
	dot
	hot // bytes that only matter inside something that is worth a closer look

	alnum = lower | upper | digit
	word  = alnum | dash
)

// kinds of all bytes. It is never written to after it was made.
var kinds = func() (k [256]uint8) {
	for c := range k {
		switch {
		case c >= 'a' && c <= 'z':
			k[c] = lower
		case c >= 'A' && c <= 'Z':
			k[c] = upper
		case c >= '0' && c <= '9':
			k[c] = digit
		case c == '-' || c == '_':
			k[c] = dash
		case c == '.':
			k[c] = dot
		case c == '@' || c == '%' || c == '=' || c == ';' || c == ':' || c == '+' || c == '(' || c == '\\' || c == ' ' || c == '<':
			k[c] = hot
		}
	}
	return k
}()

// weights of all bytes count each kind in a field of its own, so that one addition for a byte counts all kinds.
// It is never written to after it was made.
var weights = func() (w [256]uint64) {
	for c := range w {
		for kind := range kindsCounted {
			w[c] |= uint64(kinds[c]>>kind&1) << (kind * countBits)
		}
	}
	return w
}()

// The fields of a sum of weights, from the lowest bit up, in the order of the kinds.
const (
	kindsCounted = 6
	countBits    = 10 // so a field counts up to maxCounted
	maxCounted   = 1<<countBits - 1

	someLower = maxCounted
	someUpper = maxCounted << countBits
	someDigit = maxCounted << (2 * countBits)
	someDot   = maxCounted << (4 * countBits)
	someHot   = maxCounted << (5 * countBits)
)

// suspicious is the gate before all detectors: false means that none of them can find anything in b.
func suspicious(b []byte) bool {
	var some uint64 // fields that counted something
	digits, dots := 0, 0
	for rest := b; len(rest) > 0; {
		n := min(len(rest), maxCounted)
		sum := weigh(rest[:n])
		if sum&someHot != 0 {
			return true
		}
		some |= sum
		digits += int(sum & someDigit >> (2 * countBits))
		dots += int(sum & someDot >> (4 * countBits))
		rest = rest[n:]
	}
	switch {
	case digits >= 10, digits >= 4 && dots >= 3:
		return true
	case len(b) < minKey, digits == 0 && (some&someLower == 0 || some&someUpper == 0):
		return false
	}
	return longRun(b, digits > 0 && some&someLower != 0 && some&someUpper != 0)
}

// weigh adds up the weights of b, four bytes at a time: bound by loads, not by the loop.
func weigh(b []byte) (sum uint64) {
	for len(b) >= 4 {
		sum += weights[b[0]] + weights[b[1]] + (weights[b[2]] + weights[b[3]])
		b = b[4:]
	}
	for _, c := range b {
		sum += weights[c]
	}
	return sum
}

// minKey is the shortest run of letters and digits that is worth a look for its length alone.
const minKey = 15

// longRun reports whether b holds a run that may be a key: 15 letters and digits, with dashes between
// them only if cases and digits mix, so that slugs pass. A run of that length covers every 15th byte,
// so only those are looked at first.
func longRun(b []byte, mixed bool) bool {
	in := uint8(alnum)
	if mixed {
		in = word
	}
	for i := minKey - 1; i < len(b); {
		if kinds[b[i]]&in == 0 {
			i += minKey
			continue
		}
		s, e := i, i+1
		for s > 0 && kinds[b[s-1]]&in != 0 && i-s < minKey {
			s--
		}
		for e < len(b) && kinds[b[e]]&in != 0 && e-s < minKey {
			e++
		}
		if e-s >= minKey {
			return true
		}
		i = e + minKey
	}
	return false
}
