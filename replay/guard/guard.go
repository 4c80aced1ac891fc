// Package guard takes what the user named as targets and what a capture saw of production, and says where
// a run may send and what: it pins the addresses of the targets, refuses those that may be production,
// and withholds requests that write.
//
// The order of a run is: [Resolve] before the first byte, which refuses or gives a [Guard]; [Sendable] and
// [Guard.Withhold] for each planned request; [Guard.Control] or [Guard.Allow] at every dial and
// [Guard.CheckCertificate] in every TLS handshake. The authority of a request is always that of its
// target ([Guard.Host], [Guard.Addresses]), never one that was captured.
package guard

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// Policy is what the user allowed and what the capture knows. The zero value allows nothing, since it has no target.
type Policy struct {
	Targets            []*url.URL // http or https, with an optional base path
	CapturedHosts      []string   // hosts seen in the capture, the most frequent first; a port is ignored
	HostsUnknown       bool       // the capture holds requests without a host, or more hosts than it names
	AllowCapturedHosts []string   // --allow-captured-host HOST
	AcknowledgedHosts  []string   // --captured-host NAME: production's name where the capture has none, or Unknown
	AllowWrites        []string   // --allow-writes[=GLOB], globs of endpoints or paths; "**" for all; none: withheld
}

// Unknown as an acknowledged host says that the user does not know which hosts were captured, and sends nevertheless.
const Unknown = "unknown"

// Refusal is the error of everything the guard does not allow: exit code 95, nothing was sent.
type Refusal struct {
	What string // the flag or thing that is refused, as the user wrote it
	Why  string
	Hint string // a flag that would allow it, or empty
}

func (r *Refusal) Error() string { return r.What + ": " + r.Why }

// Resolver looks up names; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Guard holds the decisions for one run. It never changes after Resolve and is safe for concurrent use.
type Guard struct {
	targets  []target
	pinned   map[netip.AddrPort]bool
	denied   []string // captured hosts that are not allowed, canonical
	loopback bool     // all targets are
	writes   []glob
}

type target struct {
	url       *url.URL
	name      string // canonical host
	authority string
	base      string
	addresses []netip.AddrPort
}

// Addresses are the pinned addresses of a target. The caller must not change them.
func (g *Guard) Addresses(target int) []netip.AddrPort { return g.targets[target].addresses }

// Host is what requests to a target name as their Host, :authority and, without the port, as TLS server name.
func (g *Guard) Host(target int) string { return g.targets[target].authority }

// ServerName is the name that a target's certificate has to be valid for.
func (g *Guard) ServerName(target int) string { return g.targets[target].name }

// AppendTarget appends the target of a request as it is sent, the base path before what was captured.
func (g *Guard) AppendTarget(dst []byte, target int, captured string) []byte {
	return append(append(dst, g.targets[target].base...), captured...)
}

// Allow refuses every address that is not pinned.
func (g *Guard) Allow(a netip.AddrPort) error {
	if u := netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()); g.pinned[u] {
		return nil
	}
	return &Refusal{What: "dial " + a.String(), Why: "not an address of a target"}
}

// Control is a net.Dialer.Control: it runs after every name is resolved and before the first packet.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" && network != "tcp" {
		return &Refusal{What: "dial " + network + " " + address, Why: "only TCP is allowed"}
	}
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Refusal{What: "dial " + address, Why: "not an address"}
	}
	return g.Allow(a)
}

// CheckCertificate refuses a certificate that is valid for a captured host, since its owner is likely to
// be production. Loopback is always allowed.
func (g *Guard) CheckCertificate(c *x509.Certificate) error {
	if g.loopback {
		return nil
	}
	for _, host := range g.denied {
		if c.VerifyHostname(host) == nil {
			return &Refusal{
				What: "certificate of " + c.Subject.CommonName,
				Why:  fmt.Sprintf("it is also valid for the captured host %q", host),
				Hint: "--allow-captured-host " + host,
			}
		}
	}
	return nil
}

// Resolve decides on p and looks up what it needs. The error is a *Refusal where the guard does not
// allow p, and otherwise trouble with a lookup.
func Resolve(ctx context.Context, p Policy, r Resolver) (*Guard, error) {
	if len(p.Targets) == 0 {
		return nil, &Refusal{What: "--target", Why: "there is no default target", Hint: "--target http://localhost:8080"}
	}
	g := &Guard{pinned: map[netip.AddrPort]bool{}, loopback: true, denied: deniedHosts(p)}
	for _, w := range p.AllowWrites {
		g.writes = append(g.writes, compile(w))
	}
	for _, u := range p.Targets {
		t, err := parseTarget(u)
		if err != nil {
			return nil, err
		}
		if slices.Contains(g.denied, t.name) && !loopbackName(t.name) {
			return nil, &Refusal{
				What: t.what(), Why: fmt.Sprintf("the host %q was captured, so it may be production", t.name),
				Hint: "--allow-captured-host " + t.name,
			}
		}
		g.targets = append(g.targets, t)
	}
	for i := range g.targets {
		if err := g.resolveTarget(ctx, r, &g.targets[i]); err != nil {
			return nil, err
		}
	}
	if g.loopback {
		return g, nil
	}
	if err := g.fence(ctx, p, r); err != nil {
		return nil, err
	}
	return g, nil
}

// deniedHosts are the captured and acknowledged hosts that are not allowed, canonical, in their order.
func deniedHosts(p Policy) []string {
	seen := map[string]bool{"": true, Unknown: true}
	for _, h := range p.AllowCapturedHosts {
		seen[canonical(h)] = true
	}
	var denied []string
	for _, h := range slices.Concat(p.AcknowledgedHosts, p.CapturedHosts) {
		if c := canonical(h); !seen[c] {
			seen[c] = true
			denied = append(denied, c)
		}
	}
	return denied
}

// resolveTarget pins t's addresses.
func (g *Guard) resolveTarget(ctx context.Context, r Resolver, t *target) error {
	addrs, err := lookup(ctx, r, t.name, targetTimeout)
	if err != nil {
		return fmt.Errorf("%s: %w", t.what(), err)
	}
	if len(addrs) > maxAddresses {
		addrs = addrs[:maxAddresses]
	}
	port := portOf(t.url)
	for _, a := range addrs {
		if why := refused(a); why != "" {
			return &Refusal{What: t.what(), Why: fmt.Sprintf("%s is %s", a, why)}
		}
		if !a.IsLoopback() {
			if loopbackName(t.name) {
				return &Refusal{What: t.what(), Why: fmt.Sprintf("%s is not on loopback, though its name says so", a)}
			}
			g.loopback = false
		}
		ap := netip.AddrPortFrom(a, port)
		t.addresses = append(t.addresses, ap)
		g.pinned[ap] = true
	}
	return nil
}

// fence keeps targets off loopback away from what was captured.
func (g *Guard) fence(ctx context.Context, p Policy, r Resolver) error {
	if (len(p.CapturedHosts) == 0 || p.HostsUnknown) && len(p.AcknowledgedHosts) == 0 {
		for _, t := range g.targets {
			if slices.ContainsFunc(t.addresses, offLoopback) {
				return &Refusal{
					What: t.what(), Why: "the capture does not name all hosts, so the guard cannot know production",
					Hint: "--captured-host NAME, the host that was captured, or --captured-host " + Unknown,
				}
			}
		}
	}
	production := lookupAll(ctx, r, g.denied)
	for _, t := range g.targets {
		for _, a := range t.addresses {
			host, ok := production[a.Addr()]
			if !ok {
				host, ok = production[embedded(a.Addr())]
			}
			if ok && !a.Addr().IsLoopback() {
				return &Refusal{
					What: t.what(), Why: fmt.Sprintf("%s is also an address of the captured host %q", a.Addr(), host),
					Hint: "--allow-captured-host " + host,
				}
			}
		}
	}
	return nil
}

func offLoopback(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }

func (t *target) what() string { return "--target " + strings.TrimSuffix(t.url.Redacted(), "/") }
