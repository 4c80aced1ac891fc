package guard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds on lookups.
const (
	targetTimeout   = 10 * time.Second
	capturedTimeout = 2 * time.Second
	maxLookups      = 100 // captured hosts that are looked up
	parallelLookups = 8
	maxAddresses    = 64 // of one name
)

// parseTarget checks the form of a target.
func parseTarget(u *url.URL) (target, error) {
	t := target{url: u}
	refuse := func(why string) (target, error) { return t, &Refusal{What: t.what(), Why: why} }
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("only http and https targets are allowed")
	case u.Opaque != "" || u.Host == "":
		return refuse("it names no host")
	case u.User != nil:
		return refuse("a target carries no user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return refuse("a target carries no query and no fragment")
	}
	t.name = canonical(u.Host)
	if _, err := netip.ParseAddr(t.name); err != nil && !hostname(t.name) {
		return refuse(fmt.Sprintf("%q is neither a host name nor an address", u.Host))
	}
	if portOf(u) == 0 {
		return refuse(fmt.Sprintf("%q is no port", u.Port()))
	}
	t.base = strings.TrimRight(u.EscapedPath(), "/")
	if t.base != "" {
		if reason, ok := Sendable([]byte("GET"), []byte(t.base)); !ok {
			return refuse("base path: " + reason)
		}
	}
	t.authority = t.name
	if strings.Contains(t.name, ":") {
		t.authority = "[" + t.name + "]"
	}
	if p := u.Port(); p != "" {
		t.authority += ":" + p
	}
	return t, nil
}

func portOf(u *url.URL) uint16 {
	if u.Port() == "" && !strings.HasSuffix(u.Host, ":") {
		if u.Scheme == "https" {
			return 443
		}
		return 80
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// hostname reports whether s, canonical, is a name and cannot be read as an address by anybody: 0x7f.1 and
// 2130706433 are addresses to some (WHATWG URL, "ends in a number").
func hostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			if c := l[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	if strings.HasPrefix(last, "0x") {
		return false
	}
	return strings.Trim(last, "0123456789") != ""
}

// loopbackName reports whether a canonical host is loopback by its name alone.
func loopbackName(name string) bool {
	if a, err := netip.ParseAddr(name); err == nil {
		return a.IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// metadata services of clouds outside of the link-local blocks.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true, // AWS
	netip.MustParseAddr("fd20:ce::254"):    true, // GCP
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle
	netip.MustParseAddr("168.63.129.16"):   true, // Azure
}

// refused says why no run may ever send to a, or "".
func refused(a netip.Addr) string {
	for _, x := range []netip.Addr{a, embedded(a)} {
		switch {
		case !x.IsValid():
		case x == netip.AddrFrom4([4]byte{169, 254, 169, 254}) || metadata[x]:
			return "a metadata service"
		case x.IsLinkLocalUnicast():
			return "link-local"
		case x.IsMulticast():
			return "multicast"
		case x.IsUnspecified() || x.Is4() && x.As4()[0] == 0:
			return "unspecified"
		case x == broadcast || x.Is4() && x.As4()[0] >= 240:
			return "broadcast or reserved"
		}
	}
	if e := embedded(a); e.IsValid() && e.IsLoopback() {
		return "loopback behind a translation"
	}
	return ""
}

// embedded is the IPv4 address inside an address of NAT64 (64:ff9b::/96), 6to4 (2002::/16) or the
// IPv4-compatible block (::/96), or the zero Addr.
func embedded(a netip.Addr) netip.Addr {
	if !a.Is6() || a.IsLoopback() || a.IsUnspecified() {
		return netip.Addr{}
	}
	b := a.As16()
	switch {
	case b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b, [12]byte(b[:12]) == [12]byte{}:
		return netip.AddrFrom4([4]byte(b[12:]))
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}

var errNoAddress = errors.New("no address")

// lookup gives the addresses of a canonical host, IPv4 in IPv6 unwrapped, duplicates removed.
func lookup(ctx context.Context, r Resolver, host string, timeout time.Duration) ([]netip.Addr, error) {
	found, err := []netip.Addr(nil), error(nil)
	if a, bad := netip.ParseAddr(host); bad == nil {
		found = []netip.Addr{a}
	} else {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if found, err = r.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	var addrs []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, a := range found {
		if a = a.Unmap().WithZone(""); a.IsValid() && !seen[a] {
			seen[a] = true
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, errNoAddress
	}
	return addrs, nil
}

// lookupAll maps the addresses of captured hosts to their hosts. A host that has no address any more, or
// does not answer in time, denies nothing. The work is bounded: maxLookups names, parallelLookups at once.
func lookupAll(ctx context.Context, r Resolver, hosts []string) map[netip.Addr]string {
	addrs := make([][]netip.Addr, len(hosts))
	slots := make(chan struct{}, parallelLookups)
	var wg sync.WaitGroup
	looked := 0
	for i, host := range hosts {
		if a, err := netip.ParseAddr(host); err == nil {
			addrs[i] = []netip.Addr{a}
			continue
		}
		if looked == maxLookups || !hostname(host) {
			continue
		}
		looked++
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			addrs[i], _ = lookup(ctx, r, host, capturedTimeout)
		})
	}
	wg.Wait()
	found := map[netip.Addr]string{}
	for i, list := range addrs {
		for _, a := range list {
			if _, ok := found[a]; !ok {
				found[a] = hosts[i]
			}
		}
	}
	return found
}
