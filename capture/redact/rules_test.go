package redact

import (
	"errors"
	"strings"
	"testing"
)

// built makes rules and fails the test where they are refused.
func built(t *testing.T, steps ...func(*Rules) error) *Rules {
	t.Helper()
	r := &Rules{}
	for _, step := range steps {
		if err := step(r); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRules(t *testing.T) {
	r := built(t,
		func(r *Rules) error { return r.Redact(Headers, "X-Shop-Customer") },
		func(r *Rules) error { return r.Redact(Query, "voucher") },
		func(r *Rules) error { return r.Redact(Form, "ref_no") },
		func(r *Rules) error { return r.Redact(JSON, "customerNo") },
		func(r *Rules) error { return r.Keep(Headers, "X-Api-Key") },
		func(r *Rules) error { return r.Keep(Headers, "Referer") },
		func(r *Rules) error { return r.Keep(Query, "code") },
		func(r *Rules) error { return r.Keep(Form, "pin") },
		func(r *Rules) error { return r.Keep(JSON, "token") },
		func(r *Rules) error { return r.Keep(Cookies, "theme") },
		func(r *Rules) error { return r.Pattern(`CUST-[0-9]{6}`, AllParts, "customer") },
		func(r *Rules) error { return r.Pattern(`nr=(\d+)`, QueryString, "number") },
		func(r *Rules) error { return r.Path("/reset/{token}") },
		func(r *Rules) error { return r.Path("/u/*/mail/{address}/**") },
	)
	target := func(m *Masker, s string) string { return string(m.Target([]byte(s))) }
	body := func(m *Masker, s string) string { return string(m.Body([]byte(s), nil)) }
	header := func(name string) func(*Masker, string) string {
		return func(m *Masker, s string) string { return string(m.Header([]byte(name), []byte(s))) }
	}
	for _, tt := range []struct {
		name   string
		redact func(*Masker, string) string
		value  string
		stays  string // must be in what comes out
		gone   string // must not
	}{
		{"header by name", header("x-shop-customer"), "blue whale", " ", "blue"},
		{"query by name", target, "/a?voucher=abc&x=abc", "x=abc", "voucher=abc"},
		{"name in brackets", target, "/a?o[voucher]=abc", "/a?o[voucher]=", "abc"},
		{"a query's name is no form's", body, "voucher=abc&ref_no=zebra", "voucher=abc", "zebra"},
		{"json by name", body, `{"customerNo":4711,"other":4711}`, `"other":4711`, `No":4711`},
		{"kept header", header("X-Api-Key"), "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "~"},
		{"kept URL", header("Referer"), "https://h/?password=hunter22", "hunter22", "~"},
		{"kept query", target, "/a?code=aB3dE5fG7hJ9kL1mN2pQ&state=aB3dE5fG7hJ9kL1mN2pQ", "code=aB3dE5fG7hJ9kL1mN2pQ", "state=aB3"},
		{"kept form", body, "pin=1234&cvv=567", "pin=1234", "567"},
		{"kept json", body, `{"token":"jane@example.com","note":"jane@example.com"}`, `"token":"jane@example.com"`, `note":"jane`},
		{"kept json number", body, `{"token":4111111111111111,"pin":1234}`, "4111111111111111", ":1234"},
		{"kept below a secret", body, `{"auth":{"token":"abcdef","x":"ghijkl"}}`, "abcdef", "ghijkl"},
		{"kept cookie", header("Cookie"), "theme=dark; sid=abcdef", "theme=dark", "abcdef"},
		{"pattern in a path", target, "/c/CUST-123456/x", "/c/", "123456"},
		{"pattern, percent-encoded", target, "/c/CUST%2D123456/x", "/c/", "23456"},
		{"pattern in a query", target, "/c?x=CUST-123456", "/c?x=", "123456"},
		{"pattern in a header", header("X-Note"), "for CUST-123456", "for ", "123456"},
		{"pattern in an agent", header("User-Agent"), "app/1.0 CUST-123456", "app/1.0 ", "123456"},
		{"pattern in a body", body, `{"a":"CUST-123456"}`, `{"a":"`, "123456"},
		{"group of a pattern", target, "/c?nr=77&mr=77", "mr=77", "nr=77"},
		{"path", target, "/reset/abc", "/reset/", "abc"},
		{"path with a slash behind", target, "/reset/abc/", "/reset/", "abc"},
		{"path, encoded", target, "/%72eset/abc?x=1", "?x=1", "abc"},
		{"another path", target, "/reset/abc/done", "/reset/abc/done", "~"},
		{"shorter path", target, "/reset", "/reset", "~"},
		{"path with stars", target, "/u/7/mail/abc/x/y", "/u/7/mail/", "abc"},
		{"absolute target", target, "http://h.example/reset/abc?x=1", "http://h.example/reset/", "abc"},
		{"what no rule names", target, "/a?email=jane@example.com", "/a?email=", "jane"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := New(nil)
			m.Use(r)
			got := tt.redact(m, tt.value)
			if len(got) != len(tt.value) || !strings.Contains(got, tt.stays) || strings.Contains(got, tt.gone) {
				t.Errorf("%q became %q, want %q in it and %q gone", tt.value, got, tt.stays, tt.gone)
			}
			if again := tt.redact(m, tt.value); again != got {
				t.Errorf("%q became %q, then %q", tt.value, got, again)
			}
		})
	}
}

// What a rule keeps is counted where the default rules would have replaced it, and classes by their names.
func TestRulesAreCounted(t *testing.T) {
	r := built(t,
		func(r *Rules) error { return r.Keep(Query, "Code") },
		func(r *Rules) error { return r.Keep(Headers, "X-Api-Key") },
		func(r *Rules) error { return r.Pattern(`CUST-[0-9]{6}`, Path, "customer") },
		func(r *Rules) error { return r.Pattern(`MAIL-\S+`, HeaderValues, "email") },
	)
	m := New(nil)
	m.Use(r)
	m.Target([]byte("/CUST-123456?code=aB3dE5fG7hJ9kL1mN2pQ&code=US"))
	m.Header([]byte("X-Api-Key"), []byte("anything"))
	if got := string(m.Header([]byte("X-Note"), []byte("MAIL-jane@h.internal.example"))); !strings.HasSuffix(got, ".invalid") {
		t.Errorf("a pattern of class email gave %q, want a token of an address", got)
	}
	hits, spared := m.Hits(), m.Spared()
	if hits["customer"] != 1 || hits["email"] != 1 || len(hits) != 2 {
		t.Errorf("hits %v, want one customer and one email", hits)
	}
	if spared["query Code"] != 1 || spared["header X-Api-Key"] != 1 || len(spared) != 2 {
		t.Errorf("spared %v, want one of query Code and one of header X-Api-Key", spared)
	}
	if got := strings.Join(r.Kept(), ", "); got != "header X-Api-Key, query Code" {
		t.Errorf("Kept = %s", got)
	}
}

func TestRulesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		step func(*Rules) error
	}{
		{"no name", func(r *Rules) error { return r.Redact(Query, "--") }},
		{"long name", func(r *Rules) error { return r.Redact(Query, strings.Repeat("x", 65)) }},
		{"both", func(r *Rules) error { return errors.Join(r.Redact(JSON, "a_b"), r.Keep(JSON, "AB")) }},
		{"bad expression", func(r *Rules) error { return r.Pattern("(", AllParts, "c") }},
		{"long expression", func(r *Rules) error { return r.Pattern(strings.Repeat("x", 1025), AllParts, "c") }},
		{"large repeat", func(r *Rules) error { return r.Pattern("(a{500}){500}", AllParts, "c") }},
		{"empty match", func(r *Rules) error { return r.Pattern("x*", AllParts, "c") }},
		{"class", func(r *Rules) error { return r.Pattern("x", AllParts, "A b") }},
		{"path without a secret", func(r *Rules) error { return r.Path("/a/b") }},
		{"path in the middle", func(r *Rules) error { return r.Path("/a/**/{b}") }},
		{"part of a segment", func(r *Rules) error { return r.Path("/a/x{b}") }},
		{"relative path", func(r *Rules) error { return r.Path("a/{b}") }},
		{"no header", func(r *Rules) error { return r.Drop("") }},
	} {
		if err := tt.step(&Rules{}); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
	r := &Rules{}
	for range maxPatterns {
		if err := r.Pattern("x", AllParts, "c"); err != nil {
			t.Fatal(err)
		}
	}
	if r.Pattern("x", AllParts, "c") == nil {
		t.Error("one pattern too many: no error")
	}
}

// An audit says nothing that could be a part of a secret.
func TestAuditMasks(t *testing.T) {
	a := NewAuditor(nil)
	for _, s := range secrets {
		finds := append([]Find(nil), a.Body([]byte("x "+s+" y"), nil)...)
		finds = append(finds, a.Header([]byte("Cookie"), []byte("sid="+s))...)
		finds = append(finds, a.Target([]byte("/?password="+s))...)
		if len(finds) == 0 {
			t.Errorf("%s: nothing found", s)
		}
		for _, f := range finds {
			if strings.Trim(f.Masked, "*.@:- ") != "" || f.Class == "" {
				t.Errorf("%s: %+v shows a part of it", s, f)
			}
		}
	}
	if got := a.Body([]byte("<script integrity='sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='>"), nil); len(got) > 0 {
		t.Errorf("a digest is taken for a secret: %v", got)
	}
	kept := NewAuditor(built(t, func(r *Rules) error { return r.Keep(Query, "password") }, func(r *Rules) error { return r.Pattern("CUST-[0-9]+", AllParts, "customer") }))
	if got := kept.Target([]byte("/CUST-123?password=hunter22")); len(got) != 1 || got[0].Class != "customer" {
		t.Errorf("by rules: %v, want the customer alone", got)
	}
}
