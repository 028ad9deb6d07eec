//! URLs of requests and redirects, in the parts that grants are about.

use std::fmt;

use marine_manifest::Scheme;
use ureq::http::Uri;
use ureq::http::uri::{self, Authority, PathAndQuery};

/// An absolute URL. Two are of one origin if all but the path is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host) struct Target {
    pub(in crate::host) scheme: Scheme,
    /// A name in lower case, or an address without brackets.
    pub(in crate::host) host: String,
    pub(in crate::host) port: u16,
    /// Path and query.
    pub(in crate::host) path: PathAndQuery,
}

impl Target {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::host) fn parse(text: &str) -> Result<Target, String> {
        // A fragment is not sent.
        let text = text.split('#').next().unwrap_or(text);
        let parsed: Uri = text.parse().map_err(|cause| format!("the URL {:?}: {cause}", excerpt(text)))?;
        let parts = parsed.into_parts();
        let scheme = match parts.scheme.as_ref().map(uri::Scheme::as_str) {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(format!("the URL {:?} does not start with http:// or https://", excerpt(text))),
        };
        let authority = parts.authority.ok_or_else(|| format!("the URL {:?} names no host", excerpt(text)))?;
        Target::new(scheme, &authority, parts.path_and_query)
    }

    pub(in crate::host) fn new(
        scheme: Scheme,
        authority: &Authority,
        path: Option<PathAndQuery>,
    ) -> Result<Target, String> {
        if authority.as_str().contains('@') {
            return Err("a URL with a user name is refused: send an `authorization` header".to_owned());
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("the URL names no host".to_owned());
        }
        // What follows the last colon outside of brackets.
        let after = authority.as_str().rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        let port = match after {
            None => scheme.default_port(),
            Some(text) => text.parse().map_err(|_| format!("{:?} is no port", excerpt(text)))?,
        };
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        // The bare query of `http://host?a=b` goes to `/`.
        let path = match path.as_str().starts_with('/') {
            true => path,
            false => format!("/{}", path.as_str()).parse().map_err(|cause| format!("the path: {cause}"))?,
        };
        Ok(Target { scheme, host: host.to_ascii_lowercase(), port, path })
    }

    /// Where a redirect to `location` from here leads (RFC 3986, section 5.2).
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::host) fn join(&self, location: &str) -> Result<Target, String> {
        let location = location.trim();
        let before_path = location.find(['/', '?', '#']).unwrap_or(location.len());
        if location[..before_path].contains(':') {
            return Target::parse(location);
        }
        if location.starts_with("//") {
            return Target::parse(&format!("{}:{location}", self.scheme.as_str()));
        }
        let relative = location.split('#').next().unwrap_or("");
        let path = match relative.chars().next() {
            None => self.path.to_string(),
            Some('/') => without_dots(relative),
            Some('?') => format!("{}{relative}", self.path.path()),
            Some(_) => {
                let directory = self.path.path().rfind('/').map_or("/", |end| &self.path.path()[..=end]);
                without_dots(&format!("{directory}{relative}"))
            }
        };
        let path = path.parse().map_err(|cause| format!("the redirect to {:?}: {cause}", excerpt(location)))?;
        Ok(Target { path, ..self.clone() })
    }

    pub(in crate::host) fn same_origin(&self, other: &Target) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// Host and port as the `host` header has them.
    pub(in crate::host) fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// `https://host:port`, as grants have it.
    pub(in crate::host) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.host_header())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}{}", self.origin(), self.path)
    }
}

/// `path` with its `.` and `..` resolved; it starts with `/`.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    let path = format!("/{}", kept.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

/// The beginning of a text, for messages.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: Result<Target, String>) -> Result<String, String> {
        target.map(|target| target.to_string())
    }

    #[test]
    fn urls() {
        let good = [
            ("https://Example.com", "https://example.com/"),
            ("https://example.com:443/a?b#c", "https://example.com/a?b"),
            ("http://example.com:8080", "http://example.com:8080/"),
            ("http://[::1]:80/", "http://[::1]/"),
            ("http://example.com?a=b", "http://example.com/?a=b"),
        ];
        for (text, expected) in good {
            assert_eq!(shown(Target::parse(text)), Ok(expected.to_owned()), "{text}");
        }
        for bad in [
            "example.com",
            "/path",
            "ftp://example.com",
            "https://ann@example.com/",
            "https://",
            "https://a b/",
            "https://a:/",
            "https://a:99999/",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects() {
        let from = Target::parse("https://example.com/a/b/c?q").unwrap();
        let cases = [
            ("http://other.org/x", "http://other.org/x"),
            ("//other.org", "https://other.org/"),
            ("/x/../y?z", "https://example.com/y?z"),
            ("x", "https://example.com/a/b/x"),
            ("../x#f", "https://example.com/a/x"),
            ("../../../../x", "https://example.com/x"),
            ("..", "https://example.com/a/"),
            ("?z", "https://example.com/a/b/c?z"),
            ("", "https://example.com/a/b/c?q"),
            ("x?u=http://a", "https://example.com/a/b/x?u=http://a"),
        ];
        for (location, expected) in cases {
            assert_eq!(shown(from.join(location)), Ok(expected.to_owned()), "{location}");
        }
        assert!(from.join("javascript:alert(1)").is_err() && from.join("ftp://a").is_err());
    }
}
