//! Hosts that a module may reach: `[scheme://]host[:port]`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::NameError;

/// The longest name of a host, in bytes (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;
/// The longest part of a name between dots, in bytes.
const MAX_LABEL: usize = 63;

/// A granted host with scheme and port; [`Display`](fmt::Display) writes the shortest form that reads back as the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostGrant {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Which hosts.
    pub host: HostPattern,
    /// On which port.
    pub port: u16,
}

/// How a host is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Encrypted and authenticated by certificate.
    Https,
}

/// Which hosts a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// `*`: every host with a public address.
    Any,
    /// `*.example.com`: every host below that name, not the name itself.
    Below(String),
    /// One name, in lower case.
    Name(String),
    /// One address; the only form that reaches addresses which are not public.
    Addr(IpAddr),
}

impl Scheme {
    /// How URLs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port where a URL names none.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl HostGrant {
    /// Whether requests to `host` (a name in any case, or an address without brackets) with this scheme and port are covered. That a
    /// name leads to an address that may be dialled is another question.
    pub fn covers(&self, scheme: Scheme, host: &str, port: u16) -> bool {
        self.scheme == scheme && self.port == port && self.host.covers(host)
    }
}

impl HostGrant {
    /// Whether whatever `wanted` covers is covered by this grant too. An address is only covered by the very address.
    pub fn includes(&self, wanted: &HostGrant) -> bool {
        let host = match (&self.host, &wanted.host) {
            (HostPattern::Any, HostPattern::Addr(_)) => false,
            (HostPattern::Any, _) => true,
            (HostPattern::Below(_), HostPattern::Name(name)) => self.host.covers(name),
            (HostPattern::Below(ours), HostPattern::Below(theirs)) => ours == theirs || self.host.covers(theirs),
            (ours, theirs) => ours == theirs,
        };
        host && (self.scheme, self.port) == (wanted.scheme, wanted.port)
    }
}

impl HostPattern {
    fn covers(&self, host: &str) -> bool {
        match self {
            HostPattern::Any => true,
            HostPattern::Name(name) => name.eq_ignore_ascii_case(host),
            HostPattern::Addr(granted) => host.parse::<IpAddr>().is_ok_and(|address| address == *granted),
            HostPattern::Below(name) => {
                let below = host.len().checked_sub(name.len() + 1).and_then(|at| host.split_at_checked(at));
                below.is_some_and(|(front, end)| {
                    !front.is_empty() && end.starts_with('.') && end[1..].eq_ignore_ascii_case(name)
                })
            }
        }
    }
}

impl FromStr for HostGrant {
    type Err = NameError;

    fn from_str(text: &str) -> Result<HostGrant, NameError> {
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Https, text),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some((other, _)) => return Err(wrong(format!("the scheme is `http` or `https`, not `{other}`"))),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(wrong("a grant is for a whole host: write `[scheme://]host[:port]`"));
        }
        let (host, port) = split_port(rest)?;
        Ok(HostGrant { scheme, host: pattern(host)?, port: port.unwrap_or(scheme.default_port()) })
    }
}

/// The host, without brackets, and the port.
fn split_port(text: &str) -> Result<(&str, Option<u16>), NameError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => return Ok((host, None)),
        Some((host, rest)) => {
            (host, rest.strip_prefix(':').ok_or_else(|| wrong("after `]` comes `:port` or nothing"))?)
        }
        None if text.parse::<Ipv6Addr>().is_ok() => return Err(wrong(format!("write the address as `[{text}]`"))),
        None => match text.rsplit_once(':') {
            None => return Ok((text, None)),
            Some(parts) => parts,
        },
    };
    match port.parse() {
        Ok(port) if port != 0 => Ok((host, Some(port))),
        _ => Err(wrong(format!("`{port}` is no port: expected 1 to 65535"))),
    }
}

fn pattern(host: &str) -> Result<HostPattern, NameError> {
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    if let Ok(address) = host.parse() {
        return Ok(HostPattern::Addr(address));
    }
    let (below, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    let name = name.to_ascii_lowercase();
    if !is_host_name(&name) {
        let help = if name.is_ascii() { "" } else { "; write other letters than a-z in their `xn--` form" };
        return Err(wrong(format!("expected a host such as `example.com`, `*.example.com`, `*` or `[::1]`{help}")));
    }
    Ok(if below { HostPattern::Below(name) } else { HostPattern::Name(name) })
}

fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last part of digits would be a shortened address: `127.1` is loopback to many resolvers.
    let ends_in_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= MAX_HOST && name.split('.').all(is_label) && !ends_in_number
}

fn wrong(text: impl Into<String>) -> NameError {
    NameError(text.into())
}

impl fmt::Display for HostGrant {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(to, ":{}", self.port) }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Any => to.write_str("*"),
            HostPattern::Below(name) => write!(to, "*.{name}"),
            HostPattern::Name(name) => to.write_str(name),
            HostPattern::Addr(IpAddr::V6(address)) => write!(to, "[{address}]"),
            HostPattern::Addr(address) => write!(to, "{address}"),
        }
    }
}

impl TryFrom<String> for HostGrant {
    type Error = NameError;

    fn try_from(text: String) -> Result<HostGrant, NameError> {
        text.parse()
    }
}

impl From<HostGrant> for String {
    fn from(grant: HostGrant) -> String {
        grant.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let cases = [
            ("example.com", Ok("https://example.com")),
            ("https://Example.com:443/", Ok("https://example.com")),
            ("http://example.com", Ok("http://example.com")),
            ("http://localhost:8080", Ok("http://localhost:8080")),
            ("*.example.com", Ok("https://*.example.com")),
            ("*", Ok("https://*")),
            ("127.0.0.1:8080", Ok("https://127.0.0.1:8080")),
            ("http://[::1]:80", Ok("http://[::1]")),
            ("ftp://example.com", Err("the scheme is `http` or `https`, not `ftp`")),
            ("example.com/path", Err("a grant is for a whole host: write `[scheme://]host[:port]`")),
            ("ann@example.com", Err("a grant is for a whole host: write `[scheme://]host[:port]`")),
            ("::1", Err("write the address as `[::1]`")),
            ("[::1]x", Err("after `]` comes `:port` or nothing")),
            ("example.com:0", Err("`0` is no port: expected 1 to 65535")),
            ("127.1", Err("expected a host such as `example.com`, `*.example.com`, `*` or `[::1]`")),
            ("a..b", Err("expected a host such as `example.com`, `*.example.com`, `*` or `[::1]`")),
            ("*.*", Err("expected a host such as `example.com`, `*.example.com`, `*` or `[::1]`")),
        ];
        for (text, expected) in cases {
            let read = text.parse::<HostGrant>().map(|grant| grant.to_string()).map_err(|error| error.to_string());
            assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
            if let Ok(canonical) = &read {
                assert_eq!(canonical.parse::<HostGrant>().ok(), text.parse().ok(), "{canonical}");
            }
        }
    }

    #[test]
    fn grants_include_narrower_ones() {
        let includes = |ours: &str, theirs: &str| match (ours.parse::<HostGrant>(), theirs.parse()) {
            (Ok(ours), Ok(theirs)) => ours.includes(&theirs),
            _ => panic!("{ours} {theirs}"),
        };
        for theirs in ["*.b.example.com", "*.example.com", "a.example.com"] {
            assert!(includes("*", theirs) && includes("*.example.com", theirs), "{theirs}");
        }
        for theirs in ["example.com", "*", "127.0.0.1", "http://a.example.com"] {
            assert!(!includes("*.example.com", theirs), "{theirs}");
        }
        assert!(!includes("*", "127.0.0.1") && includes("127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn coverage() {
        let covers = |grant: &str, scheme, host: &str, port| {
            grant.parse::<HostGrant>().is_ok_and(|grant| grant.covers(scheme, host, port))
        };
        assert!(covers("example.com", Scheme::Https, "EXAMPLE.com", 443));
        assert!(!covers("example.com", Scheme::Http, "example.com", 80));
        assert!(!covers("example.com", Scheme::Https, "example.com", 8443));
        assert!(!covers("example.com", Scheme::Https, "a.example.com", 443));
        assert!(covers("*.example.com", Scheme::Https, "a.b.example.com", 443));
        for host in ["example.com", ".example.com", "badexample.com", "example.com.evil.org"] {
            assert!(!covers("*.example.com", Scheme::Https, host, 443), "{host}");
        }
        assert!(covers("http://[::1]:8080", Scheme::Http, "0:0:0:0:0:0:0:1", 8080));
        assert!(covers("*", Scheme::Https, "anything.example", 443));
    }
}
