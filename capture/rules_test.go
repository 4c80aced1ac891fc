package capture

import (
	"strings"
	"testing"

	"trafficreplay/capture/redact"
)

func TestUserRules(t *testing.T) {
	u := &redact.Rules{Name: "rules.yaml sha256:0123456789ab"}
	for _, err := range []error{
		u.Drop("X-Debug"), u.Keep(redact.Query, "code"), u.Redact(redact.Headers, "X-Shop"), u.Pattern("CUST-[0-9]+", redact.AllParts, "customer"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	fill := func() *Request {
		return &Request{
			Method: []byte("POST"), Target: []byte("/CUST-17/x?code=aB3dE5fG7hJ9kL1mN2pQ&email=jane@example.com"), Client: []byte("10.0.0.1"),
			Headers: []Header{{[]byte("X-Debug"), []byte("all")}, {[]byte("X-Shop"), []byte("blue")}, {[]byte("X-Debug"), []byte("more")}, {[]byte("Accept"), []byte("*/*")}},
			Body:    []byte("CUST-18"),
		}
	}
	check := func(r *Redactor, q *Request) {
		t.Helper()
		all := string(dump(q))
		for _, gone := range []string{"CUST-1", "jane@", "blue", "all", "more", "10.0.0.1"} {
			if strings.Contains(all, gone) {
				t.Errorf("%q is still in %s", gone, all)
			}
		}
		if !strings.Contains(all, "code=aB3dE5fG7hJ9kL1mN2pQ") || len(q.Headers) != 2 || string(q.Headers[1].Name) != "Accept" {
			t.Errorf("what shall stay is gone: %s", all)
		}
		if got := r.Spared()["query code"]; got != 1 {
			t.Errorf("%d values of query code spared, want 1", got)
		}
	}
	r, q := newRedactor(t, RedactOptions{Rules: u}), fill()
	r.Apply(q)
	check(r, q)
	if want := "1 + rules.yaml sha256:0123456789ab, keeps query code"; r.Version() != want {
		t.Errorf("Version = %q, want %q", r.Version(), want)
	}

	// What the default rules have been over gets the user's all the same, and keeps its pseudonym.
	r, q = newRedactor(t, RedactOptions{Rules: u}), fill()
	q.clean, q.Client = true, []byte("pseudonym")
	r.Ensure(q)
	check(r, q)
	if string(q.Client) != "pseudonym" {
		t.Errorf("client %q, want the pseudonym that it had", q.Client)
	}

	u.DropClient = true
	r, q = newRedactor(t, RedactOptions{Rules: u}), fill()
	r.Apply(q)
	if q.Client != nil || !strings.HasSuffix(r.Version(), ", drops clients") {
		t.Errorf("client %q, version %q", q.Client, r.Version())
	}
	q.clean, q.Client = true, []byte("pseudonym")
	if r.Ensure(q); q.Client != nil {
		t.Errorf("client %q of a clean request, want none", q.Client)
	}
}

// One key gives one client one pseudonym, in whichever capture and file; without a key two captures share none.
func TestKeyJoinsCaptures(t *testing.T) {
	pseudonym := func(key []byte, client string) string {
		q := &Request{Client: []byte(client)}
		newRedactor(t, RedactOptions{Key: key}).Apply(q)
		return string(q.Client)
	}
	a, b := []byte("0123456789abcdef0123456789abcdef"), []byte("another key of thirty-two bytes!")
	first, again, other := pseudonym(a, "10.0.0.1"), pseudonym(a, "10.0.0.1"), pseudonym(a, "10.0.0.2")
	if first != again || first == other || !IsPseudonym([]byte(first)) {
		t.Error("under one key equal clients differ, or different ones are equal")
	}
	random, anotherRandom := pseudonym(nil, "10.0.0.1"), pseudonym(nil, "10.0.0.1")
	if first == pseudonym(b, "10.0.0.1") || random == anotherRandom {
		t.Error("clients of different keys are equal")
	}
}
