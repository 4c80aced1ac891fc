package redact

// Scan says whether a value of no known structure holds something that the detectors take for a secret
// or a person, and which class. Tokens are passed over, so that it is silent on redacted values.
func Scan(value []byte) (class string, ok bool) {
	m := New(nil)
	m.auditing = true
	m.Text(value)
	return m.found.String(), m.found != ClassNone
}

// Find is one value that the rules would replace.
type Find struct {
	Class  string
	Masked string // its shape: * for each character, but for what makes up addresses and the like
}

// Auditor finds what a Masker would replace, names included, and passes over what is a token already:
// it answers whether values were redacted. It is not safe for concurrent use.
type Auditor struct {
	m     *Masker
	finds []Find
}

// NewAuditor makes an Auditor by the default rules and the user's, which may be nil.
func NewAuditor(r *Rules) *Auditor {
	m := New(nil)
	a := &Auditor{m: m}
	m.Use(r)
	m.auditing, m.sink = true, a.add
	return a
}

// Header, Target and Body look at one value each. What they find stays valid until the next call.
func (a *Auditor) Header(name, value []byte) []Find {
	a.finds = a.finds[:0]
	if !a.m.rules.Drops(name) {
		a.m.Header(name, value)
	}
	return a.finds
}

// Target looks at a request target.
func (a *Auditor) Target(b []byte) []Find {
	a.finds = a.finds[:0]
	a.m.Target(b)
	return a.finds
}

// Body looks at a body, or at any text.
func (a *Auditor) Body(b, contentType []byte) []Find {
	a.finds = a.finds[:0]
	a.m.Body(b, contentType)
	return a.finds
}

func (a *Auditor) add(class Class, value []byte) {
	if class == ClassEntropy && random64(value) {
		return
	}
	a.finds = append(a.finds, Find{a.m.rules.className(class), masked(value, class)})
}

// random64 reports whether a generated value is one that files of ours hold and that is no secret: a digest as
// HTML and content security policies spell it, a histogram of an HdrHistogram log.
func random64(value []byte) bool {
	for _, begin := range [...]string{"sha256-", "sha384-", "sha512-", "HISTFAAA"} {
		if hasPrefix(value, begin) {
			return true
		}
	}
	return false
}

// maxMasked is how many characters of a masked value are shown.
const maxMasked = 24

// masked is the outline of a value: nothing that could be a part of the secret is in it.
func masked(value []byte, class Class) string {
	out := make([]byte, 0, maxMasked+3)
	for i, c := range value {
		if i == maxMasked {
			out = append(out, "..."...)
			break
		}
		switch {
		case class == ClassEmail && (c == '@' || c == '.'), class == ClassIP && (c == '.' || c == ':'), class == ClassCard && (c == ' ' || c == '-'):
			out = append(out, c)
		default:
			out = append(out, '*')
		}
	}
	return string(out)
}

// Binary reports whether b is no text, so that nothing is looked for in it.
func Binary(b []byte) bool { return len(b) > 0 && isBinary(b) }

// notice is told of every find while auditing or probing.
func (m *Masker) notice(value []byte, class Class) {
	if isToken(value, class == ClassNamed || class >= numClasses) {
		return
	}
	if m.found == ClassNone {
		m.found = class
	}
	if m.sink != nil && !m.probing {
		m.sink(class, value)
	}
}
