//! HTTP requests to the hosts that the manifest grants (`hosts`).
//!
//! ```no_run
//! #[marine_sdk::marine]
//! fn rate(currency: &str) -> marine_sdk::Result<String> {
//!     let url = format!("https://rates.example.com/{currency}");
//!     let response = marine_sdk::http::get(url).header("accept", "text/plain").timeout_ms(2000).send()?;
//!     Ok(response.error_for_status()?.text()?)
//! }
//! # fn main() {}
//! ```
//!
//! A host that is not granted is refused with [`HttpError::Denied`], which names what to grant. Redirects are followed to
//! granted hosts only. A request ends at the latest with the call in which it is made.

use std::fmt;

use crate::marine;

/// Why there is no answer.
#[marine(crate = "crate")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum HttpError {
    /// No grant covers this host (`scheme://host:port`).
    Denied(String),
    /// The host's name leads to no address.
    Dns,
    /// No connection, or it broke.
    Connect,
    /// The host could not prove who it is.
    Tls,
    /// No answer in time.
    Timeout,
    /// The answer is larger than this module's host accepts.
    TooLarge,
    /// The request or the answer is no HTTP; says why. Also a status that [`Response::error_for_status`] refused.
    Protocol(String),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Denied(host) => write!(f, "{host} is not granted to this module"),
            HttpError::Dns => f.write_str("the host's name leads to no address"),
            HttpError::Connect => f.write_str("no connection to the host"),
            HttpError::Tls => f.write_str("the host could not prove who it is"),
            HttpError::Timeout => f.write_str("no answer in time"),
            HttpError::TooLarge => f.write_str("the answer is too large"),
            HttpError::Protocol(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HttpError {}

/// A request that is being put together; [`Request::send`] sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout_ms: Option<u32>,
}

/// What came back, whatever its status.
#[marine(crate = "crate", name = "http-response")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Response {
    /// 200 and so on.
    pub status: u16,
    /// Names and values, in the order in which they arrived.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Asks for `url`.
pub fn get(url: impl Into<String>) -> Request {
    request("GET", url)
}

/// Asks for the headers of `url` only.
pub fn head(url: impl Into<String>) -> Request {
    request("HEAD", url)
}

/// Posts `body` to `url`.
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    request("POST", url).body(body)
}

/// Puts `body` at `url`.
pub fn put(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    request("PUT", url).body(body)
}

/// Changes what is at `url` as `body` says.
pub fn patch(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    request("PATCH", url).body(body)
}

/// Deletes what is at `url`.
pub fn delete(url: impl Into<String>) -> Request {
    request("DELETE", url)
}

/// A request of any method.
pub fn request(method: impl Into<String>, url: impl Into<String>) -> Request {
    Request { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: None }
}

impl Request {
    /// Adds a header; one name may be given several times.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Waits at most so long for the whole answer. Without it the call's own deadline counts.
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }

    /// Sends it and waits for the answer.
    ///
    /// # Errors
    /// See [`HttpError`]. An answer of any status is no error: see [`Response::error_for_status`].
    ///
    /// # Panics
    /// On native targets: hosts are granted to services only.
    pub fn send(self) -> Result<Response, HttpError> {
        platform::send(self)
    }
}

impl Response {
    /// Whether the status is one of 200..=299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The response, or an error if its status is 400 or more.
    ///
    /// # Errors
    /// [`HttpError::Protocol`] with the status and the beginning of the body.
    pub fn error_for_status(self) -> Result<Response, HttpError> {
        if self.status < 400 {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.trim().chars().take(200).collect();
        let separator = if body.is_empty() { "" } else { ": " };
        Err(HttpError::Protocol(format!("the answer has status {}{separator}{body}", self.status)))
    }

    /// The first value of a header; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(self) -> Result<String, std::string::FromUtf8Error> {
        String::from_utf8(self.body)
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::{HttpError, Request, Response};
    use crate::host::http as host;

    pub(super) fn send(request: Request) -> Result<Response, HttpError> {
        let Request { method, url, headers, body, timeout_ms } = request;
        match host::send(&host::Request { method, url, headers, body, timeout_ms }) {
            Ok(host::Response { status, headers, body }) => Ok(Response { status, headers, body }),
            Err(error) => Err(match error {
                host::HttpError::Denied(host) => HttpError::Denied(host),
                host::HttpError::Dns => HttpError::Dns,
                host::HttpError::Connect => HttpError::Connect,
                host::HttpError::Tls => HttpError::Tls,
                host::HttpError::Timeout => HttpError::Timeout,
                host::HttpError::TooLarge => HttpError::TooLarge,
                host::HttpError::Protocol(why) => HttpError::Protocol(why),
            }),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::{HttpError, Request, Response};

    pub(super) fn send(_: Request) -> Result<Response, HttpError> {
        panic!("`http::Request::send` can only be called inside a service")
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpError, Response, post};

    #[test]
    fn requests_are_put_together() {
        let request = post("https://a.example", "text").header("a", "1").header("a", "2").timeout_ms(7);
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", &b"text"[..]));
        assert_eq!(request.headers, [("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
        assert_eq!(request.timeout_ms, Some(7));
    }

    #[test]
    fn responses_are_asked() {
        let response = |status, body: &str| Response {
            status,
            headers: vec![("Content-Type".into(), "text/plain".into())],
            body: body.into(),
        };
        assert_eq!(response(200, "").header("content-type"), Some("text/plain"));
        assert_eq!(response(200, "").header("etag"), None);
        assert!(response(204, "").is_success() && !response(304, "").is_success());
        assert_eq!(response(200, "ok").text().as_deref(), Ok("ok"));
        assert!(response(304, "").error_for_status().is_ok());
        for (status, body, text) in
            [(404, " gone\n", "the answer has status 404: gone"), (500, "", "the answer has status 500")]
        {
            assert_eq!(response(status, body).error_for_status(), Err(HttpError::Protocol(text.into())));
        }
    }
}
