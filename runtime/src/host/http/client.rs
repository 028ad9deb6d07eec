//! One request to a granted host: the address that was checked is the address that is dialled.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use marine_manifest::HostGrant;
use ureq::config::Config;
use ureq::http::{HeaderMap, Method, Request, Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, AsSendBody, Body};

use super::address::may_dial;
use super::url::Target;

/// The most bytes of the headers of an answer.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Which authorities are trusted to certify hosts.
#[derive(Clone, Debug)]
pub(crate) struct Trust(RootCerts);

impl Trust {
    /// The authorities of `certificates` (DER) alone; those of Mozilla if there are none.
    pub(crate) fn new(certificates: &[Vec<u8>]) -> Trust {
        if certificates.is_empty() {
            return Trust(RootCerts::WebPki);
        }
        let certificates = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
        Trust(RootCerts::Specific(Arc::new(certificates.collect())))
    }
}

/// What one module sends requests with.
pub(super) struct Client {
    agent: Agent,
}

/// What a module is not granted.
#[derive(Debug)]
pub(super) struct Denied(pub(super) String);

impl Client {
    pub(super) fn new(hosts: BTreeSet<HostGrant>, trust: &Trust) -> Client {
        let tls = TlsConfig::builder().root_certs(trust.0.clone()).build();
        let config = Config::builder()
            .tls_config(tls)
            // Proxies of the host's environment are none of a guest's business, and redirects need grants, which are checked above.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent("marine")
            .accept("")
            .accept_encoding("")
            .max_response_header_size(MAX_HEADER_BYTES)
            .max_idle_connections(0);
        let resolver = Granted { hosts };
        Client { agent: Agent::with_parts(config.build(), DefaultConnector::default(), resolver) }
    }

    /// Sends one request to `target`, whose answer has to be complete within `left`.
    pub(super) fn send(
        &self,
        target: &Target,
        method: &Method,
        headers: &HeaderMap,
        body: &[u8],
        left: Duration,
        patience: &Patience,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut builder = Request::builder().method(method).uri(target.to_string());
        if let Some(all) = builder.headers_mut() {
            *all = headers.clone();
        }
        let sends_body = !body.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        if sends_body {
            return self.run(builder.body(body)?, left, patience);
        }
        self.run(builder.body(())?, left, patience)
    }

    fn run(
        &self,
        request: Request<impl AsSendBody>,
        left: Duration,
        patience: &Patience,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request).timeout_global(Some(left));
        let request = request.timeout_connect(patience.connect).timeout_recv_response(patience.answer);
        self.agent.run(request.build())
    }
}

/// Bounds on parts of an exchange, where a guest gives some.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Until a connection is there.
    pub(super) connect: Option<Duration>,
    /// Until the answer begins.
    pub(super) answer: Option<Duration>,
}

/// Finds the addresses of hosts, as far as they may be dialled.
#[derive(Debug)]
struct Granted {
    hosts: BTreeSet<HostGrant>,
}

impl Resolver for Granted {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let target = Target::parse(&uri.to_string()).map_err(ureq::Error::BadUri)?;
        let Target { scheme, host, port, .. } = &target;
        let found = addresses(host, *port, *timeout.after).ok_or(ureq::Error::Timeout(timeout.reason))?;
        let allowed = found.iter().filter(|found| may_dial(&self.hosts, *scheme, host, *port, found.ip()));
        let mut result = self.empty();
        for address in allowed.take(MAX_ADDRESSES) {
            result.push(*address);
        }
        match found.first() {
            None => Err(ureq::Error::HostNotFound),
            Some(first) if result.is_empty() => {
                let what = format!("{}, which is at {}, not a public address", target.origin(), first.ip());
                Err(ureq::Error::Other(Box::new(Denied(what))))
            }
            Some(_) => Ok(result),
        }
    }
}

/// As many as the client takes.
const MAX_ADDRESSES: usize = 16;

/// The addresses of `host`; `None` if they are not known in time.
fn addresses(host: &str, port: u16, patience: Duration) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(vec![SocketAddr::new(address, port)]);
    }
    let (sender, found) = std::sync::mpsc::channel();
    let host = host.to_owned();
    // The system's resolver cannot be told to stop; its thread ends when it does.
    std::thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        let _ = sender.send(found);
    });
    found.recv_timeout(patience).ok()
}

impl fmt::Display for Denied {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "not granted: {}", self.0)
    }
}

impl std::error::Error for Denied {}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").finish_non_exhaustive()
    }
}
