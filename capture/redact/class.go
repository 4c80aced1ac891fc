package redact

import "math/bits"

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

const (
	kindsCounted = 6
	countBits    = 10 // a field counts up to maxCounted
	maxCounted   = 1<<countBits - 1
)

// count is how many bytes of one kind a sum of weights counts.
func count(sum uint64, kind uint8) int {
	return int(sum >> (bits.TrailingZeros8(kind) * countBits) & maxCounted)
}

// suspicious is the gate before all detectors: false means that none of them can find anything in b.
func suspicious(b []byte) bool {
	var seen uint8
	var digits, dots int
	for rest := b; len(rest) > 0; {
		n := min(len(rest), maxCounted)
		var sum uint64
		for _, c := range rest[:n] {
			sum += weights[c]
		}
		rest = rest[n:]
		if count(sum, hot) > 0 {
			return true
		}
		digits += count(sum, digit)
		dots += count(sum, dot)
		for _, kind := range [...]uint8{lower, upper, digit, dash} {
			if count(sum, kind) > 0 {
				seen |= kind
			}
		}
	}
	switch {
	case digits >= 10, digits >= 4 && dots >= 3:
		return true
	case len(b) < minKey, seen&alnum == lower, seen&alnum == upper:
		return false
	}
	return longRun(b, seen)
}

// minKey is the shortest run of letters and digits that is worth a look for its length alone.
const minKey = 15

// longRun reports whether b holds a run that may be a key: 15 letters and digits, with dashes between
// them only if cases and digits mix, so that slugs pass. A run of that length covers every 15th byte,
// so only those are looked at first.
func longRun(b []byte, seen uint8) bool {
	in := uint8(alnum)
	if seen&alnum == alnum {
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
