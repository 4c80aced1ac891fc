package capture

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"trafficreplay/capture/redact"
)

// Redactor removes secrets and personal data from requests before they reach a disk: header, query and
// field names that are known to hold them, and values that look like them. A client becomes a keyed
// pseudonym that keeps equality only. The tokens that stand for secrets follow the order of the calls of
// Apply, so that the same requests in the same order come out the same, but for their clients. It is not
// safe for concurrent use.
type Redactor struct {
	o       RedactOptions
	mask    *redact.Masker
	clients *pseudonyms
	dropped int64 // bodies and messages that could not be read

	contents Contents
}

// RedactOptions settle what a Redactor does; the zero value applies the default rules with a random key.
type RedactOptions struct {
	Key         []byte // of the client pseudonyms; nil: 32 random bytes that are thrown away with the Redactor
	KeepSecrets bool   // change nothing at all: the only way to keep secrets
	NoBodies    bool   // drop request and response bodies, and the messages of streams

	Rules *redact.Rules // the user's, on top of the default ones; nil: none
}

// NewRedactor makes a Redactor. The error is that of the system's source of randomness.
func NewRedactor(o RedactOptions) (*Redactor, error) {
	if o.Key == nil {
		o.Key = make([]byte, sha256.Size)
		if _, err := rand.Read(o.Key); err != nil {
			return nil, fmt.Errorf("redaction key: %w", err)
		}
	}
	r := &Redactor{o: o, mask: redact.New(o.Key), clients: newPseudonyms(o.Key)}
	r.mask.Use(o.Rules)
	return r, nil
}

// Apply redacts q in place and marks it clean. The rewritten slices belong to the Redactor and stay valid
// until its next Apply; no slice that q points to is written to, except the header lists' elements. With the
// default rules Src stays as it is, a Method, Scheme, Host and Proto that is one too, and so do all names of headers,
// parameters and cookies.
func (r *Redactor) Apply(q *Request) {
	q.clean = true
	if r.o.KeepSecrets {
		return
	}
	q.Client = r.pseudonym(q.Client)
	r.values(q)
}

// values redacts all of q but its client.
func (r *Redactor) values(q *Request) {
	r.mask.Reset()
	if r.o.Rules != nil {
		q.Headers, q.RespHeaders, q.Trailers = r.drop(q.Headers), r.drop(q.RespHeaders), r.drop(q.Trailers)
	}
	q.Method, q.Scheme, q.Proto = r.mask.Text(q.Method), r.mask.Text(q.Scheme), r.mask.Text(q.Proto) // what stands there may be none
	q.Host = r.mask.Host(q.Host)
	q.Target = r.mask.Target(q.Target)
	r.headers(q.Headers)
	r.headers(q.RespHeaders)
	r.headers(q.Trailers)
	if r.o.NoBodies {
		q.Body, q.RespBody = nil, nil
		for i := range q.Messages {
			q.Messages[i].Data = nil
		}
		return
	}
	r.bodies(q)
}

// drop takes out the headers that a rule leaves out. Their order stays.
func (r *Redactor) drop(hs []Header) []Header {
	return slices.DeleteFunc(hs, func(h Header) bool { return r.o.Rules.Drops(h.Name) })
}

func (r *Redactor) headers(hs []Header) {
	for i := range hs {
		hs[i].Value = r.mask.Header(hs[i].Name, hs[i].Value)
	}
}

// bodies redacts what q carries. What cannot be read while it may hold text goes; its size stays.
func (r *Redactor) bodies(q *Request) {
	q.Body, q.BodySize = r.body(q.Headers, q.Body, q.BodySize)
	q.RespBody, q.RespSize = r.body(q.RespHeaders, q.RespBody, q.RespSize)
	for i := range q.Messages {
		data, ok := r.contents.RewriteMessage(q, i, r.mask.Body)
		if !ok {
			r.dropped++
			data = nil
		}
		q.Messages[i].Data = data
	}
}

func (r *Redactor) body(hs []Header, b []byte, size int64) ([]byte, int64) {
	out, ok := r.contents.Rewrite(hs, b, r.mask.Body)
	if !ok {
		r.dropped++
		return nil, max(size, int64(len(b)))
	}
	if len(out) != len(b) {
		setLength(hs, len(b), len(out))
	}
	return out, size
}

// setLength makes the Content-Length of a body that was encoded again agree with it, so that who writes both as they
// are writes a message.
func setLength(hs []Header, old, now int) {
	for i := range hs {
		if len(hs[i].Name) == len("Content-Length") && bytes.EqualFold(hs[i].Name, []byte("Content-Length")) && string(hs[i].Value) == strconv.Itoa(old) {
			hs[i].Value = strconv.AppendInt(nil, int64(now), 10)
		}
	}
}

// pseudonym is what stands for client: nothing where a rule says so.
func (r *Redactor) pseudonym(client []byte) []byte {
	if len(client) == 0 {
		return client
	}
	if r.o.Rules != nil && r.o.Rules.DropClient {
		return nil
	}
	return r.clients.of(client)
}

// Hits is how many values were replaced or dropped so far, by class. The map belongs to the caller.
func (r *Redactor) Hits() map[string]int64 {
	h := r.mask.Hits()
	if r.dropped > 0 {
		h["encoded-body"] = r.dropped
	}
	return h
}

// Spared is how many values stayed for a user's rule although they look like secrets, by the rule's name: "query
// code". The map belongs to the caller.
func (r *Redactor) Spared() map[string]int64 { return r.mask.Spared() }

// Version names the rules, for the capture file's metadata: "1", or "none" when secrets are kept. A user's rules are
// added with their digest and all that they keep: "1 + rules.yaml sha256:0123456789ab, keeps query code".
func (r *Redactor) Version() string {
	if r.o.KeepSecrets {
		return NoRedaction
	}
	v := "1"
	if u := r.o.Rules; u != nil {
		v += " + " + u.Name
		if names := u.Kept(); len(names) > 0 {
			v += ", keeps " + strings.Join(names, ", keeps ")
		}
		if u.DropClient {
			v += ", drops clients"
		}
	}
	return v
}

// Redactions are the rules that went over the requests, the latest first, as the metadata names them. Of a stream and
// of a torn file they are whole once Next has returned an error.
func (r *Reader) Redactions() []string {
	m, ok := r.Meta()
	if !ok {
		m, _ = r.Checkpoint()
	}
	if m.Redaction == "" {
		m.Redaction = r.header.Redaction
	}
	return append([]string{m.Redaction}, m.RedactedBefore...)
}

// Bounds of Meta.RedactedBefore, whose entries come from files.
const (
	maxRules    = 32
	maxRuleText = 1 << 10 // bytes of an entry
)

// otherRules are the rules of users among those that went over requests, but for now's: what the default ones do, they
// do again.
func otherRules(rules []string, now string) []string {
	var others []string
	for _, v := range rules {
		if v != now && strings.Contains(v, " + ") {
			others = append(others, strings.ToValidUTF8(v[:min(len(v), maxRuleText)], ""))
		}
	}
	slices.Sort(others)
	others = slices.Compact(others)
	return others[:min(len(others), maxRules)]
}

// header is the value of the first field called name (compared without case), or nil.
func header(hs []Header, name string) []byte {
	for i := range hs {
		if len(hs[i].Name) == len(name) && bytes.EqualFold(hs[i].Name, []byte(name)) {
			return hs[i].Value
		}
	}
	return nil
}
