//! Which addresses are public: everything that the registries of special-purpose addresses (RFC 6890 and what followed) do not
//! keep for hosts, links, sites, tunnels, tests or groups.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

const SPECIAL_V4: [&str; 15] = [
    "0.0.0.0/8",       // this network
    "10.0.0.0/8",      // private
    "100.64.0.0/10",   // shared behind carriers
    "127.0.0.0/8",     // loopback
    "169.254.0.0/16",  // link-local, where clouds keep their metadata
    "172.16.0.0/12",   // private
    "192.0.0.0/24",    // protocol assignments
    "192.0.2.0/24",    // documentation
    "192.88.99.0/24",  // relays of 6to4, of the past
    "192.168.0.0/16",  // private
    "198.18.0.0/15",   // benchmarks
    "198.51.100.0/24", // documentation
    "203.0.113.0/24",  // documentation
    "224.0.0.0/4",     // groups
    "240.0.0.0/4",     // reserved, and the broadcast
];

/// What of `2000::/3`, outside of which nothing is public, is special.
const SPECIAL_V6: [&str; 4] = [
    "2001::/23",     // protocol assignments, among them the tunnels of Teredo
    "2001:db8::/32", // documentation
    "2002::/16",     // 6to4
    "3fff::/20",     // documentation
];

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    static SPECIAL: LazyLock<Vec<Ipv4Net>> =
        LazyLock::new(|| SPECIAL_V4.iter().filter_map(|network| network.parse().ok()).collect());
    !SPECIAL.iter().any(|network| network.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    static SPECIAL: LazyLock<Vec<Ipv6Net>> =
        LazyLock::new(|| SPECIAL_V6.iter().filter_map(|network| network.parse().ok()).collect());
    if let Some(within) = embedded(address) {
        return is_public_v4(within);
    }
    let [first, ..] = address.octets();
    first >> 5 == 0b001 && !SPECIAL.iter().any(|network| network.contains(&address))
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291), or translated (RFC 6052).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = || match address.octets() {
        [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, within @ ..] => Some(Ipv4Addr::from(within)),
        _ => None,
    };
    address.to_ipv4_mapped().or_else(translated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    #[test]
    fn every_network_of_the_tables_is_read() {
        assert!(SPECIAL_V4.iter().all(|network| network.parse::<Ipv4Net>().is_ok()));
        assert!(SPECIAL_V6.iter().all(|network| network.parse::<Ipv6Net>().is_ok()));
    }

    #[test]
    fn public_addresses_are_public() {
        for address in ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "2a00::1"] {
            assert!(public(address), "{address}");
        }
        assert!(public("::ffff:8.8.8.8") && public("64:ff9b::808:808"));
    }

    #[test]
    fn addresses_of_hosts_links_sites_and_tunnels_are_not() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }
}
