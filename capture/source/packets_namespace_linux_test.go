package source

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// namespaces makes network namespaces that end with the test.
func namespaces(t *testing.T, n int) []namespace {
	t.Helper()
	program(t, "ip")
	demand(t, setns != 0, "no namespace can be entered on "+runtime.GOARCH)
	var made []namespace
	for i := range n {
		ns := namespace(fmt.Sprintf("replay-%d-%d", os.Getpid(), i))
		out, err := exec.Command("ip", "netns", "add", string(ns)).CombinedOutput()
		demand(t, err == nil, fmt.Sprintf("no network namespace can be made here: %v %s", err, out))
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", string(ns)).Run() })
		made = append(made, ns)
	}
	for _, ns := range made {
		ns.do(t, "ip link set lo up")
	}
	return made
}

// do runs lines of commands in the namespace.
func (ns namespace) do(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := ns.command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s: %v\n%s", ns, line, err, out)
		}
	}
}

// lossyLink builds the tool that carries packets badly.
func lossyLink(t *testing.T) string {
	t.Helper()
	src := filepath.Join("..", "..", "..", "shared", "tools", "lossylink")
	if _, err := os.Stat(src); err != nil {
		t.Skip("the test tool lossylink is not there, so no link loses packets:", err)
	}
	bin := filepath.Join(t.TempDir(), "lossylink")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = src
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("lossylink cannot be built: %v\n%s", err, out)
	}
	return bin
}

// badLink joins two namespaces, 10.9.0.1 and 10.9.0.2, by two links that lose packets. Every tenth packet takes the
// slower one, so that it is overtaken, and every twentieth goes twice.
func badLink(t *testing.T, client, server namespace) {
	t.Helper()
	tool := lossyLink(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no tunnel device can be made here:", err)
	}
	for dev, delay := range map[string]string{"fast": "3ms", "slow": "8ms"} {
		background(t, exec.Command(tool, "-a", string(client)+":"+dev, "-b", string(server)+":"+dev, "-delay", delay, "-jitter", "1ms", "-loss", "0.01"), syscall.SIGKILL, "ready")
	}
	for ns, ends := range map[namespace][2]string{client: {"10.9.0.1", "10.9.0.2"}, server: {"10.9.0.2", "10.9.0.1"}} {
		ns.do(t, "sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0",
			"ip addr add "+ends[0]+"/32 dev lo", "ip link set fast up", "ip link set slow up",
			"ip route add "+ends[1]+" dev fast src "+ends[0], "ip route add "+ends[1]+" dev slow table 9", "ip rule add fwmark 9 table 9",
			"nft add table ip bad",
			"nft add chain ip bad out { type route hook output priority 0 ; }",
			"nft add rule ip bad out ip daddr "+ends[1]+" numgen random mod 10 == 0 meta mark set 9",
			"nft add chain ip bad twice { type filter hook postrouting priority 0 ; }",
			"nft add rule ip bad twice ip daddr "+ends[1]+" numgen random mod 20 == 0 dup to "+ends[1]+" device slow")
	}
}

// TestRealPacketsBadLink: packets are lost, late and duplicated on their way to the server, where they are recorded. TCP
// has repaired it for the server, and so do we.
func TestRealPacketsBadLink(t *testing.T) {
	ns := namespaces(t, 2)
	program(t, "nft")
	badLink(t, ns[0], ns[1])
	s := startNginx(t, ns[1], "10.9.0.2", "")
	record := sniff(t, ns[1], "any", s.port, filepath.Join(t.TempDir(), "bad.pcap"))
	l := &load{dial: func() (net.Conn, error) { return ns[0].dial("tcp", s.addr) }}
	l.run(t, 24, 1)
	log := s.lines(t, len(l.shots))
	record.finish(t)
	found, sources := recovered(t, Options{}, record.file)
	compare(t, log, l.shots, found)
	complete(t, sources)
	if n := sources.Ledgers()[0].Ignored; n["duplicate"] == 0 || n["retransmitted"] == 0 {
		t.Errorf("the link was not that bad: %v", n)
	}
}

// join makes a wire between two namespaces.
func (ns namespace) join(t *testing.T, dev string, other namespace, otherDev string) {
	t.Helper()
	ns.do(t, fmt.Sprintf("ip link add %s type veth peer name %s netns %s", dev, otherDev, other), "ip link set "+dev+" up")
	other.do(t, "ip link set "+otherDev+" up")
}

// TestRealPacketsBridge: the host of two containers sees each packet at both ends of its bridge and on it. So do two
// recordings that were merged, of the two ends.
func TestRealPacketsBridge(t *testing.T) {
	ns := namespaces(t, 3)
	client, host, server := ns[0], ns[1], ns[2]
	client.join(t, "eth0", host, "client")
	server.join(t, "eth0", host, "server")
	client.do(t, "ip addr add 10.9.0.1/24 dev eth0")
	server.do(t, "ip addr add 10.9.0.2/24 dev eth0")
	host.do(t, "ip link add bridge type bridge", "ip link set client master bridge", "ip link set server master bridge", "ip link set bridge up")

	s := startNginx(t, server, "10.9.0.2", "")
	dir := t.TempDir()
	records := map[namespace]*sniffer{}
	for i, ns := range ns {
		records[ns] = sniff(t, ns, "any", s.port, filepath.Join(dir, fmt.Sprint(i, ".pcap")))
	}
	l := &load{dial: func() (net.Conn, error) { return client.dial("tcp", s.addr) }}
	l.run(t, 4, 4)
	log := s.lines(t, len(l.shots))
	for _, r := range records {
		r.finish(t)
	}
	both := merge(t, records[client].file, records[server].file)
	for _, name := range []string{records[host].file, records[server].file, both} {
		found, sources := recovered(t, Options{}, name)
		compare(t, log, l.shots, found)
		complete(t, sources)
		if l := sources.Ledgers()[0]; name != records[server].file && l.Ignored["duplicate"] < l.Packets/2-20 {
			t.Errorf("%d packets, and only %d are duplicates", l.Packets, l.Ignored["duplicate"])
		}
	}
}

// merge makes one file of two, in order of time, as mergecap does.
func merge(t *testing.T, names ...string) string {
	t.Helper()
	const fileHead, packetHead = 24, 16
	var all []byte
	var packets [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all, b = b[:fileHead:fileHead], b[fileHead:]
		for len(b) > 0 {
			n := packetHead + binary.LittleEndian.Uint32(b[8:])
			packets, b = append(packets, b[:n]), b[n:]
		}
	}
	at := func(p []byte) uint64 {
		return uint64(binary.LittleEndian.Uint32(p))<<32 | uint64(binary.LittleEndian.Uint32(p[4:]))
	}
	slices.SortStableFunc(packets, func(a, b []byte) int { return cmp.Compare(at(a), at(b)) })
	name := filepath.Join(t.TempDir(), "merged.pcap")
	if err := os.WriteFile(name, append(all, bytes.Join(packets, nil)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestRealPacketsTranslated: the host publishes a port of a container, and sees each packet before and behind the
// translation of its address.
func TestRealPacketsTranslated(t *testing.T) {
	ns := namespaces(t, 3)
	program(t, "nft")
	client, host, server := ns[0], ns[1], ns[2]
	client.join(t, "eth0", host, "client")
	server.join(t, "eth0", host, "server")
	client.do(t, "ip addr add 10.9.1.2/24 dev eth0")
	server.do(t, "ip addr add 10.9.2.2/24 dev eth0", "ip route add default via 10.9.2.1")
	host.do(t, "ip addr add 10.9.1.1/24 dev client", "ip addr add 10.9.2.1/24 dev server", "sysctl -q -w net.ipv4.ip_forward=1")
	s := startNginx(t, server, "10.9.2.2", "")
	host.do(t, "nft add table ip published", "nft add chain ip published in { type nat hook prerouting priority -100 ; }",
		fmt.Sprintf("nft add rule ip published in ip daddr 10.9.1.1 tcp dport %d dnat to 10.9.2.2", s.port))
	record := sniff(t, host, "any", s.port, filepath.Join(t.TempDir(), "host.pcap"))
	published := fmt.Sprintf("10.9.1.1:%d", s.port)
	l := &load{dial: func() (net.Conn, error) { return client.dial("tcp", published) }}
	l.run(t, 4, 4)
	log := s.lines(t, len(l.shots))
	record.finish(t)
	found, sources := recovered(t, Options{}, record.file)
	compare(t, log, l.shots, found)
	complete(t, sources)
}
