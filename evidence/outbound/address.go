package outbound

import (
	"net/netip"
	"strings"
)

// reach says how far away an address is, which decides who may lead a connection to it. The zero reach is the refused one.
type reach int

const (
	// never is what nobody may name: link-local addresses and those at which clouds hand out credentials.
	never reach = iota
	// loopback is this machine.
	loopback
	// internal is a private or otherwise not public network.
	internal
	// public is the internet.
	public
)

// String is the word for messages.
func (r reach) String() string {
	return [...]string{"a link-local, multicast or cloud metadata address", "an address of this machine", "an address of a private network", "a public address"}[r]
}

// credentialServers hand out credentials of the machine to whoever asks. Those with link-local addresses are not listed.
// AWS over IPv6, Google over IPv6, Azure's wire server, Oracle, Alibaba.
var credentialServers = prefixes("fd00:ec2::/32", "fd20:ce::/32", "168.63.129.16/32", "192.0.0.192/32", "100.100.100.200/32")

// unroutable is never the address of a server: this network, multicast and reserved, Teredo.
var unroutable = prefixes("0.0.0.0/8", "224.0.0.0/3", "ff00::/8", "::/128", "2001::/32")

// special is not public, although package netip does not call it private: carrier-grade NAT, protocol assignments,
// benchmarks, documentation, the local NAT64 prefix, site-local.
var special = prefixes("100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
	"64:ff9b:1::/48", "2001:db8::/32", "fec0::/10")

// embedding are the prefixes whose addresses have an IPv4 address in them, and the byte at which it starts: NAT64
// (RFC 6052), 6to4 (RFC 3056), IPv4-compatible (RFC 4291).
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, netip.MustParsePrefix("2002::/16"): 2, netip.MustParsePrefix("::/96"): 12,
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// reachOf classifies an address, and one that has another in it by the inner one.
func reachOf(a netip.Addr) reach {
	a = a.WithZone("").Unmap()
	switch {
	case !a.IsValid(), a.IsLinkLocalUnicast(), a.IsMulticast(), within(unroutable, a), within(credentialServers, a):
		return never
	case a.IsLoopback():
		return loopback
	}
	if inner, ok := embedded(a); ok {
		return reachOf(inner)
	}
	if a.IsPrivate() || within(special, a) || !a.IsGlobalUnicast() {
		return internal
	}
	return public
}

func embedded(a netip.Addr) (netip.Addr, bool) {
	for p, at := range embedding {
		if p.Contains(a) {
			b := a.As16()
			return netip.AddrFrom4([4]byte(b[at : at+4])), true
		}
	}
	return netip.Addr{}, false
}

// IsLocal reports whether a host is spelt as this machine: localhost, or a loopback address. Names are not looked up.
func IsLocal(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return reachOf(a) == loopback
	}
	return strings.EqualFold(host, "localhost")
}
