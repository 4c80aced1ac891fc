package guard

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// zone is a resolver that answers from a table; a name with several answers gives the next one each time.
type zone struct {
	mu      sync.Mutex
	answers map[string][]string // name -> answers, each a list of addresses parted by commas
	asked   []string
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, host)
	list := z.answers[host]
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(list) > 1 {
		z.answers[host] = list[1:]
	}
	var addrs []netip.Addr
	for a := range strings.SplitSeq(list[0], ",") {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, nil
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The matrix: every spelling of a target, times what the name resolves to, times what was captured, times
// what the user allowed. What must come out follows from three properties of the columns.
var (
	spellings = []struct{ url, host string }{
		{"http://staging.example", "staging.example"},
		{"https://STAGING.example:8443/base/", "staging.example"},
		{"http://staging.example./", "staging.example"},
		{"http://bücher.example", "xn--bcher-kva.example"},
	}
	answers = []struct{ name, addrs, kind string }{
		{"loopback", "127.0.0.1", "loopback"}, {"loopback-6", "::1", "loopback"}, {"mapped-loopback", "::ffff:127.0.0.1", "loopback"},
		{"private", "10.1.2.3", "good"}, {"public", "203.0.113.7", "good"}, {"public-6", "2001:db8::7", "good"},
		{"production", "198.51.100.1", "production"}, {"production-among-others", "10.1.2.3,198.51.100.1", "production"},
		{"production-behind-nat64", "64:ff9b::198.51.100.1", "production"}, {"mapped-production", "::ffff:198.51.100.1", "production"},
		{"metadata", "169.254.169.254", "bad"}, {"metadata-6", "fd00:ec2::254", "bad"}, {"mapped-metadata", "::ffff:169.254.169.254", "bad"},
		{"metadata-behind-nat64", "64:ff9b::a9fe:a9fe", "bad"}, {"metadata-behind-6to4", "2002:a9fe:a9fe::1", "bad"}, {"alibaba-metadata", "100.100.100.200", "bad"},
		{"link-local", "169.254.7.7", "bad"}, {"link-local-6", "fe80::1", "bad"}, {"multicast", "224.0.0.1", "bad"}, {"multicast-6", "ff02::1", "bad"},
		{"unspecified", "0.0.0.0", "bad"}, {"unspecified-6", "::", "bad"}, {"this-network", "0.1.2.3", "bad"}, {"broadcast", "255.255.255.255", "bad"},
		{"bad-among-good", "10.1.2.3,169.254.169.254", "bad"}, {"loopback-behind-nat64", "64:ff9b::7f00:1", "bad"},
	}
	captures = []struct {
		name    string
		hosts   []string // SELF stands for a spelling of the target's own host
		unknown bool
	}{
		{"none", nil, false},
		{"shop", []string{"shop.example"}, false},
		{"shop-by-address", []string{"198.51.100.1:443"}, false},
		{"self", []string{"SELF"}, false},
		{"overflow", []string{"shop.example"}, true},
	}
	permissions = []struct {
		name         string
		allow, known []string
	}{
		{"nothing", nil, nil},
		{"allow-self", []string{"SELF"}, nil},
		{"allow-shop", []string{"SHOP.example", "198.51.100.1"}, nil},
		{"captured-host-shop", nil, []string{"shop.example"}},
		{"captured-host-unknown", nil, []string{"unknown"}},
	}
)

func TestMatrix(t *testing.T) {
	n := 0
	for _, s := range spellings {
		for _, a := range answers {
			for _, c := range captures {
				for _, p := range permissions {
					n++
					name := fmt.Sprintf("%s %s captured=%s %s", s.url, a.name, c.name, p.name)
					self := func(list []string) (out []string) {
						for _, h := range list {
							out = append(out, strings.ReplaceAll(h, "SELF", strings.ToUpper(s.host)+".:443"))
						}
						return out
					}
					policy := Policy{Targets: []*url.URL{parse(t, s.url)}, CapturedHosts: self(c.hosts), HostsUnknown: c.unknown, AllowCapturedHosts: self(p.allow), AcknowledgedHosts: p.known}
					z := &zone{answers: map[string][]string{s.host: {a.addrs, "169.254.169.254"}, "shop.example": {"198.51.100.1"}}}
					_, err := Resolve(t.Context(), policy, z)

					selfDenied := c.name == "self" && p.name != "allow-self"
					shopKnown := c.name == "shop" || c.name == "shop-by-address" || c.name == "overflow" || p.name == "captured-host-shop"
					silent := (c.hosts == nil || c.unknown) && p.known == nil
					want := ""
					switch {
					case selfDenied:
						want = "was captured"
					case a.kind == "bad":
						want = " is "
					case a.kind == "loopback":
					case silent:
						want = "cannot know production"
					case a.kind == "production" && shopKnown && p.name != "allow-shop":
						want = "also an address of the captured host"
					}
					check(t, name, err, want)
					if selfDenied && len(z.asked) > 0 {
						t.Errorf("%s: looked up %q before refusing the name", name, z.asked)
					}
				}
			}
		}
	}
	if n < 120 {
		t.Errorf("%d combinations, want at least 120", n)
	}
	t.Logf("%d combinations", n)
}

// check compares a refusal with the reason wanted; "" wants none.
func check(t *testing.T, name string, err error, want string) {
	t.Helper()
	refusal, is := errors.AsType[*Refusal](err)
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: Resolve = %v, want no refusal", name, err)
	case want != "" && (!is || !strings.Contains(refusal.Why, want)):
		t.Errorf("%s: Resolve = %v, want a refusal with %q", name, err, want)
	}
}

// TestTargetForms is long because it is a table.
func TestTargetForms(t *testing.T) {
	z := &zone{answers: map[string][]string{"staging.example": {"10.1.2.3"}, "xn--bcher-kva.example": {"10.1.2.4"}, "localhost": {"127.0.0.1"}, "evil.localhost": {"10.1.2.3"}, "shop.example": {"198.51.100.1"}}}
	for _, c := range []struct{ url, want string }{
		{"http://staging.example", ""},
		{"https://staging.example:8443/a/b/", ""},
		{"http://10.1.2.3:80", ""},
		{"http://[2001:db8::5]:80", ""},
		{"http://localhost:8080", ""},
		{"http://127.9.9.9", ""},
		{"http://[::1]:8080", ""},
		{"http://[::ffff:127.0.0.1]", ""},
		{"ftp://staging.example", "only http and https"},
		{"file:///etc/passwd", "only http and https"},
		{"//staging.example", "only http and https"},
		{"http:staging.example", "names no host"},
		{"http:///x", "names no host"},
		{"http://user@staging.example", "no user"},
		{"http://user:hunter2@staging.example", "no user"},
		{"http://staging.example@shop.example", "no user"},
		{"http://staging.example?x=1", "no query"},
		{"http://staging.example/?", "no query"},
		{"http://staging.example/#x", "no fragment"},
		{"http://staging.example:0", "no port"},
		{"http://staging.example:99999", "no port"},
		{"http://staging.example:", "no port"},
		{"http://2130706433", "neither a host name nor an address"},
		{"http://0x7f000001", "neither a host name nor an address"},
		{"http://0x7f.1", "neither a host name nor an address"},
		{"http://0177.0.0.1", "neither a host name nor an address"},
		{"http://127.1", "neither a host name nor an address"},
		{"http://staging..example", "neither a host name nor an address"},
		{"http://-x.example", "neither a host name nor an address"},
		{"http://staging.example%00.shop.example", "neither a host name nor an address"},
		{"http://staging.example/a/../../b", "base path"},
		{"http://staging.example/a%2f..%2f..%2fb", "base path"},
		{"http://staging.example//b", "base path"},
		{"http://evil.localhost", "not on loopback"},
		{"http://shop.example", "was captured"},
		{"http://SHOP.EXAMPLE.:8080/x", "was captured"},
		{"http://ｓｈｏｐ.example", "was captured"},
		{"http://shop。example", "was captured"},
		{"http://sh\u00adop.example", "was captured"},
		{"http://198.51.100.1", "also an address"},
		{"http://[::ffff:198.51.100.1]", "also an address"},
		{"http://169.254.169.254/latest", "metadata"},
		{"http://[fd00:ec2::254]", "metadata"},
		{"http://[fe80::1%25eth0]", "link-local"},
		{"http://224.0.0.251", "multicast"},
		{"http://0.0.0.0:8080", "unspecified"},
		{"http://[::]:8080", "unspecified"},
		{"http://255.255.255.255", "broadcast"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			continue // never becomes a target
		}
		_, err = Resolve(t.Context(), Policy{Targets: []*url.URL{u}, CapturedHosts: []string{"shop.example"}}, z)
		check(t, c.url, err, c.want)
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: the error %q shows the password", c.url, err)
		}
	}
	_, err := Resolve(t.Context(), Policy{}, z)
	check(t, "no target", err, "no default target")
	if _, err = Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://nowhere.example")}}, z); err == nil || errors.As(err, new(*Refusal)) {
		t.Errorf("a name without an address: Resolve = %v, want an error that is no refusal", err)
	}
}

func TestRefusalHints(t *testing.T) {
	z := &zone{answers: map[string][]string{"staging.example": {"198.51.100.1"}, "shop.example": {"198.51.100.1"}}}
	for _, c := range []struct {
		name string
		p    Policy
		hint string
	}{
		{"captured by name", Policy{Targets: []*url.URL{parse(t, "http://shop.example")}, CapturedHosts: []string{"shop.example"}}, "--allow-captured-host shop.example"},
		{"captured by address", Policy{Targets: []*url.URL{parse(t, "http://staging.example")}, CapturedHosts: []string{"shop.example"}}, "--allow-captured-host shop.example"},
		{"hostless", Policy{Targets: []*url.URL{parse(t, "http://staging.example")}}, "--captured-host NAME"},
	} {
		_, err := Resolve(t.Context(), c.p, z)
		r, ok := errors.AsType[*Refusal](err)
		if !ok || !strings.HasPrefix(r.Hint, c.hint) {
			t.Errorf("%s: Resolve = %#v, want the hint %q", c.name, err, c.hint)
		}
	}
}

// TestLookupsAreBounded plants thousands of captured hosts: names that attackers made up must not cost more than the bound.
func TestLookupsAreBounded(t *testing.T) {
	z := &zone{answers: map[string][]string{"staging.example": {"10.1.2.3"}}}
	var hosts []string
	for i := range 1000 {
		hosts = append(hosts, fmt.Sprintf("h%d.example", i), fmt.Sprintf("bad host %d", i))
	}
	if _, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://staging.example")}, CapturedHosts: hosts}, z); err != nil {
		t.Fatal(err)
	}
	if len(z.asked) != 1+maxLookups {
		t.Errorf("%d lookups, want %d", len(z.asked), 1+maxLookups)
	}
}

// TestRebinding: the answer that was pinned counts, whatever the name server says later.
func TestRebinding(t *testing.T) {
	z := &zone{answers: map[string][]string{"staging.example": {"127.0.0.1", "198.51.100.1", "169.254.169.254"}}}
	g, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://staging.example:8080")}, CapturedHosts: []string{"shop.example"}}, z)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.Addresses(0)); got != "[127.0.0.1:8080]" {
		t.Errorf("Addresses = %s, want [127.0.0.1:8080]", got)
	}
	for _, c := range []struct {
		network, address string
		allowed          bool
	}{
		{"tcp4", "127.0.0.1:8080", true}, {"tcp", "127.0.0.1:8080", true}, {"tcp6", "[::ffff:127.0.0.1]:8080", true},
		{"tcp4", "127.0.0.1:8081", false}, {"tcp4", "127.0.0.2:8080", false}, {"tcp4", "198.51.100.1:8080", false}, {"tcp4", "169.254.169.254:80", false},
		{"tcp6", "[::1]:8080", false}, {"udp4", "127.0.0.1:8080", false}, {"unix", "/run/x.sock", false}, {"tcp4", "staging.example:8080", false}, {"tcp4", "", false},
	} {
		if err := g.Control(c.network, c.address, nil); (err == nil) != c.allowed {
			t.Errorf("Control(%s, %q) = %v, want allowed: %v", c.network, c.address, err, c.allowed)
		}
	}
}

func TestControlDials(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skipf("no listener on loopback: %v", err)
	}
	defer l.Close()
	g, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://"+l.Addr().String())}}, &zone{})
	if err != nil {
		t.Fatal(err)
	}
	d := net.Dialer{Control: g.Control, Timeout: 5 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("dial of the target: %v", err)
	}
	c.Close()
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if c, err := d.DialContext(t.Context(), "tcp", other.Addr().String()); err == nil || !errors.As(err, new(*Refusal)) {
		t.Errorf("dial of another address = %v, %v, want a refusal", c, err)
	}
	other.(*net.TCPListener).SetDeadline(time.Now())
	if c, err := other.Accept(); err == nil {
		t.Errorf("the refused dial reached the listener: %v", c.RemoteAddr())
	}
}

func TestCheckCertificate(t *testing.T) {
	z := &zone{answers: map[string][]string{"staging.example": {"10.1.2.3"}, "local.example": {"127.0.0.1"}}}
	for _, c := range []struct {
		name, target string
		names        []string
		captured     []string
		allow        []string
		refused      bool
	}{
		{"its own name", "https://staging.example", []string{"staging.example"}, []string{"shop.example"}, nil, false},
		{"production's name", "https://staging.example", []string{"staging.example", "shop.example"}, []string{"Shop.Example:443"}, nil, true},
		{"wildcard over production", "https://staging.example", []string{"*.shop.example"}, []string{"www.shop.example"}, nil, true},
		{"wildcard, allowed", "https://staging.example", []string{"*.shop.example"}, []string{"www.shop.example"}, []string{"www.shop.example"}, false},
		{"address of production", "https://staging.example", []string{"198.51.100.1"}, []string{"198.51.100.1"}, nil, true},
		{"loopback", "https://local.example", []string{"shop.example"}, []string{"shop.example"}, nil, false},
	} {
		g, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, c.target)}, CapturedHosts: c.captured, AllowCapturedHosts: c.allow}, z)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if err := g.CheckCertificate(certificate(t, c.names)); (err != nil) != c.refused {
			t.Errorf("%s: CheckCertificate = %v, want refused: %v", c.name, err, c.refused)
		}
	}
}

func certificate(t *testing.T, names []string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"Shop.Example", "shop.example"}, {"shop.example.", "shop.example"}, {"shop.example.:443", "shop.example"}, {" shop.example:80 ", "shop.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"}, {"xn--BCHER-kva.example", "xn--bcher-kva.example"}, {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"правда.рф", "xn--80aafi6cg.xn--p1ai"}, {"ليهمابتكلموشعربي؟", "xn--egbpdaj6bu4bxfgehfvwxn"}, {"他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"},
		{"[2001:DB8::1]:443", "2001:db8::1"}, {"[2001:db8:0:0::1]", "2001:db8::1"}, {"2001:db8::1", "2001:db8::1"}, {"[::ffff:10.0.0.1]:80", "10.0.0.1"}, {"10.0.0.1:80", "10.0.0.1"},
		{"fe80::1%eth0", "fe80::1"}, {"", ""},
	} {
		if got := canonical(c.host); got != c.want {
			t.Errorf("canonical(%q) = %q, want %q", c.host, got, c.want)
		}
	}
}

// A name with an address on loopback is off loopback all the same if another of its addresses is.
func TestMixedAddressesAreOffLoopback(t *testing.T) {
	z := &zone{answers: map[string][]string{"mixed.example": {"127.0.0.1,192.0.2.7"}}}
	_, err := Resolve(t.Context(), Policy{Targets: []*url.URL{parse(t, "http://mixed.example")}}, z)
	if r, ok := errors.AsType[*Refusal](err); !ok || !strings.Contains(r.Hint, "--captured-host") {
		t.Errorf("Resolve = %v, want a refusal that asks for --captured-host", err)
	}
}
