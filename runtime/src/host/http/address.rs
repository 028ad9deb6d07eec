//! Which addresses a name may lead to: public ones, and others only where the very address is granted.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use marine_manifest::{HostGrant, HostPattern, Scheme};

/// Whether a request that `grants` cover may be sent to `address`. `host` is what the URL names.
pub(super) fn may_dial(grants: &BTreeSet<HostGrant>, scheme: Scheme, host: &str, port: u16, address: IpAddr) -> bool {
    is_public(address)
        || grants.iter().filter(|grant| (grant.scheme, grant.port) == (scheme, port)).any(|grant| match &grant.host {
            HostPattern::Addr(granted) => *granted == address,
            HostPattern::Name(name) => name == "localhost" && name.eq_ignore_ascii_case(host) && address.is_loopback(),
            HostPattern::Any | HostPattern::Below(_) => false,
        })
}

/// Whether an address is one of the public internet: not of this machine, a private network, a link, or a cloud's machinery
/// (the special-purpose registries of IANA, RFC 6890 and later).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    /// Where Azure's machines reach their host; it looks public.
    const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    !special && address != AZURE
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped and translated addresses lead to the IPv4 address that they hold.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, benchmarking, ORCHID, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is handed out publicly.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        for public in
            ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1:2::",
            "::127.0.0.1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn other_addresses_need_the_very_address() {
        let dial = |grants: &[&str], host: &str, address: &str| {
            let grants = grants.iter().map(|grant| grant.parse().unwrap()).collect();
            may_dial(&grants, Scheme::Https, host, 443, address.parse().unwrap())
        };
        assert!(dial(&["*"], "example.com", "1.1.1.1"));
        assert!(!dial(&["*"], "example.com", "127.0.0.1") && !dial(&["*"], "127.0.0.1", "127.0.0.1"));
        assert!(!dial(&["intern.example.com"], "intern.example.com", "10.0.0.5"));
        assert!(dial(&["intern.example.com", "10.0.0.5"], "intern.example.com", "10.0.0.5"));
        assert!(dial(&["localhost"], "localhost", "::1") && !dial(&["localhost"], "localhost", "10.0.0.5"));
        assert!(!dial(&["http://127.0.0.1:443"], "127.0.0.1", "127.0.0.1"));
        assert!(dial(&["[::1]"], "::1", "::1"));
    }
}
