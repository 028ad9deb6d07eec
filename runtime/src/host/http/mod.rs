//! `marine:host/http`, bound to one module: requests to granted hosts, redirects included.

mod address;
mod client;
mod url;
mod wasi;

use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

pub(crate) use self::client::Trust;
use self::client::{Client, Denied, Patience};
pub(super) use self::url::Target;
use self::url::excerpt;
pub(crate) use self::wasi::WasiRequests;
use super::bindings::marine::host::http::{HttpError, Request as WitRequest, Response as WitResponse};
use super::poll::{Cancelled, TimedOut};
use super::reach::Reach;
use super::state::{Denials, State};

/// The most redirects that are followed.
const MAX_REDIRECTS: u32 = 5;
/// The largest body of an answer, in bytes.
const MAX_BODY: u64 = 64 * 1024 * 1024;
/// The most headers of a request.
const MAX_HEADERS: usize = 128;
/// How often a call that can be cancelled looks whether it was.
const CHECK: Duration = Duration::from_millis(10);
/// Headers that belong to the connection, which is the host's.
const OURS: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];
/// Headers that are meant for one origin alone.
const SECRET: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// The client of one module, made when it is first used.
#[derive(Debug, Default)]
pub(super) struct LazyClient(OnceLock<Client>);

/// Defines the interface in `to` for the module at `index`.
pub(super) fn define(to: &mut LinkerInstance<'_, State>, index: usize) -> wasmtime::Result<()> {
    to.func_wrap("send", move |store: StoreContextMut<'_, State>, (request,): (WitRequest,)| {
        Ok((send(store.data(), index, request)?,))
    })
}

/// The inner result is the guest's; an outer error ends the call.
fn send(state: &State, index: usize, request: WitRequest) -> wasmtime::Result<Result<WitResponse, HttpError>> {
    let denials = &state.modules[index].denials;
    let limit = request.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms.into()));
    let deadline = limit.map_or(state.call.deadline, |limit| limit.min(state.call.deadline));
    let request = match Outgoing::new(request) {
        Ok(request) => request,
        Err(why) => return Ok(Err(HttpError::Protocol(why))),
    };
    let (reach, trust) = (denials.reach.clone(), state.shared.trust.clone());
    let exchange = Exchange { reach, trust, deadline, patience: Patience::default() };
    let answer = match &state.call.cancel {
        None => exchange.run(request),
        Some(_) => apart(state, move || exchange.run(request))?,
    };
    match &answer {
        Err(HttpError::Denied(what)) => deny(denials, what),
        // The call's own end is no answer that a guest could go on with.
        Err(HttpError::Timeout) if Instant::now() >= state.call.deadline => return Err(TimedOut.into()),
        _ => {}
    }
    Ok(answer)
}

/// Notes that the module was refused `what`, an origin and perhaps why.
fn deny(denials: &Denials, what: &str) {
    let origin = what.split(',').next().unwrap_or(what);
    denials.deny(format_args!("the host {what}"), &format!("hosts = [{origin:?}]"));
}

/// Does `work` on a thread of its own, so that the call can be cancelled meanwhile; the thread ends at the work's deadline.
fn apart<T: Send + 'static>(state: &State, work: impl FnOnce() -> T + Send + 'static) -> wasmtime::Result<T> {
    let (sender, done) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(work())));
    loop {
        match done.recv_timeout(CHECK) {
            Ok(done) => return Ok(done),
            Err(mpsc::RecvTimeoutError::Timeout) if state.call.is_cancelled() => return Err(Cancelled.into()),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(wasmtime::Error::msg("the HTTP client failed")),
        }
    }
}

/// A request that is well-formed.
struct Outgoing {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Outgoing {
    fn new(request: WitRequest) -> Result<Outgoing, String> {
        let target = Target::parse(&request.url)?;
        let method = Method::from_bytes(request.method.to_ascii_uppercase().as_bytes());
        let method = method.map_err(|_| format!("{:?} is no method", excerpt(&request.method)))?;
        if method == Method::CONNECT {
            return Err("CONNECT is not offered".to_owned());
        }
        if request.headers.len() > MAX_HEADERS {
            return Err(format!("a request has at most {MAX_HEADERS} headers, this one {}", request.headers.len()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let wrong = || format!("the header {:?}", excerpt(name));
            let name: HeaderName = name.parse().map_err(|cause| format!("{}: {cause}", wrong()))?;
            if OURS.contains(&name) {
                return Err(format!("{} is set by the host", wrong()));
            }
            headers.append(name, HeaderValue::from_str(value).map_err(|cause| format!("{}: {cause}", wrong()))?);
        }
        Ok(Outgoing { method, target, headers, body: request.body })
    }

    /// The request that follows an answer of `status` to this one.
    fn redirected(mut self, status: StatusCode, location: &str) -> Result<Outgoing, String> {
        let target = self.target.join(location)?;
        let to_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if to_get {
            self.method = Method::GET;
            self.body = Vec::new();
            [header::CONTENT_TYPE, header::CONTENT_ENCODING].iter().for_each(|name| drop(self.headers.remove(name)));
        }
        if !target.same_origin(&self.target) {
            SECRET.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        self.target = target;
        Ok(self)
    }
}

/// What is needed to send requests of one module.
struct Exchange {
    reach: Arc<Reach>,
    trust: Trust,
    deadline: Instant,
    patience: Patience,
}

impl Exchange {
    /// Sends `request` and follows redirects, each of which needs a grant like the first.
    fn run(&self, mut request: Outgoing) -> Result<WitResponse, HttpError> {
        let mut redirects = 0;
        loop {
            let response = self.once(&request)?;
            let status = response.status();
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let location =
                location.filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)).map(str::to_owned);
            let Some(location) = location else { return whole(response, MAX_BODY) };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Err(HttpError::Protocol(format!("more than {MAX_REDIRECTS} redirects")));
            }
            request = request.redirected(status, &location).map_err(HttpError::Protocol)?;
        }
    }

    fn once(&self, request: &Outgoing) -> Result<Response<Body>, HttpError> {
        let Outgoing { method, target, headers, body } = request;
        let covered = |host: &marine_manifest::HostGrant| host.covers(target.scheme, &target.host, target.port);
        if !self.reach.hosts.iter().any(covered) {
            return Err(HttpError::Denied(target.origin()));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(HttpError::Timeout);
        }
        let client = self.reach.client.0.get_or_init(|| Client::new(self.reach.hosts.clone(), &self.trust));
        Ok(client.send(target, method, headers, body, left, &self.patience)?)
    }
}

/// The answer with its body, of at most `limit` bytes.
fn whole(mut response: Response<Body>, limit: u64) -> Result<WitResponse, HttpError> {
    let body = response.body_mut().with_config().limit(limit).read_to_vec()?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    Ok(WitResponse { status: response.status().as_u16(), headers: headers.collect(), body })
}

impl From<ureq::Error> for HttpError {
    fn from(error: ureq::Error) -> HttpError {
        match error {
            ureq::Error::Other(cause) => match cause.downcast::<Denied>() {
                Ok(denied) => HttpError::Denied(denied.0),
                Err(cause) => HttpError::Protocol(cause.to_string()),
            },
            ureq::Error::Timeout(_) => HttpError::Timeout,
            ureq::Error::HostNotFound => HttpError::Dns,
            ureq::Error::ConnectionFailed => HttpError::Connect,
            ureq::Error::Io(cause) => match cause.kind() {
                std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::HostUnreachable
                | std::io::ErrorKind::NetworkUnreachable => HttpError::Connect,
                // The TLS library reports its own failures as errors of the stream.
                _ if cause.get_ref().is_some_and(|inner| inner.to_string().contains("certificate")) => HttpError::Tls,
                _ => HttpError::Protocol(cause.to_string()),
            },
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => HttpError::Tls,
            ureq::Error::BodyExceedsLimit(_) => HttpError::TooLarge,
            other => HttpError::Protocol(other.to_string()),
        }
    }
}
