package redact

// Scan says whether a value of no known structure holds something that the detectors take for a secret
// or a person, and which class. Tokens are passed over, so that it is silent on redacted values.
func Scan(value []byte) (class string, ok bool) {
	m := New(nil)
	m.auditing = true
	m.Text(value)
	return m.found.String(), m.found != ClassNone
}

// Auditor finds what a Masker would replace, names included, and passes over what is a token already:
// it answers whether values were redacted. It is not safe for concurrent use.
type Auditor struct{ m *Masker }

// NewAuditor makes an Auditor.
func NewAuditor() *Auditor {
	m := New(nil)
	m.auditing = true
	return &Auditor{m}
}

// Header, Target and Body look at one value each and give the class of the first find, or "".
func (a *Auditor) Header(name, value []byte) string {
	a.m.Header(name, value)
	return a.take()
}

// Target looks at a request target.
func (a *Auditor) Target(b []byte) string {
	a.m.Target(b)
	return a.take()
}

// Body looks at a body.
func (a *Auditor) Body(b, contentType []byte) string {
	a.m.Body(b, contentType)
	return a.take()
}

func (a *Auditor) take() string {
	c := a.m.found
	a.m.found = ClassNone
	return c.String()
}
