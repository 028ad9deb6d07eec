//! `wasi:http`, bound to one module: what components of other toolchains send requests with.
//!
//! Requests take the way of `marine:host/http`, so grants, addresses and bounds are the same. As the interface has it, redirects are left to
//! the guest, whose next request needs a grant like the first. An answer is read whole before the guest sees it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::Semaphore;
use ureq::http::request::Parts;
use ureq::http::{Method, Request, Response};
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

use super::client::Patience;
use super::{Exchange, MAX_BODY, MAX_HEADERS, OURS, Outgoing, Target, Trust, deny, whole};
use crate::host::bindings::marine::host::http::{HttpError, Response as Answer};
use crate::host::state::Denials;

/// The most requests of one module that are on their way at a time; others wait.
const MAX_IN_FLIGHT: usize = 8;

/// What serves `wasi:http` for one module of an instance.
pub(crate) struct WasiRequests {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    denials: Denials,
    trust: Trust,
    /// The end of the call that is served.
    deadline: Instant,
    in_flight: Arc<Semaphore>,
    /// Bytes of answers that the guest has not let go of.
    held: Arc<AtomicU64>,
}

impl WasiRequests {
    pub(crate) fn new(denials: Denials, trust: Trust) -> WasiRequests {
        let (in_flight, held) = (Arc::new(Semaphore::new(MAX_IN_FLIGHT)), Arc::default());
        let hooks = Hooks { denials, trust, deadline: Instant::now(), in_flight, held };
        WasiRequests { context: WasiHttpCtx::new(), hooks }
    }

    /// The host of the interface while a call is served that ends at `deadline`.
    pub(in crate::host) fn view<'a>(
        &'a mut self,
        table: &'a mut ResourceTable,
        deadline: Instant,
    ) -> WasiHttpCtxView<'a> {
        self.hooks.deadline = deadline;
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }
}

/// What comes of a request: the answer, and what is left to do for its connection.
type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Hooks {
    /// The client below writes it.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let options = options.unwrap_or_default();
        let patience = Patience { connect: options.connect_timeout, answer: options.first_byte_timeout };
        let (reach, trust, deadline) = (self.denials.reach.clone(), self.trust.clone(), self.deadline);
        let exchange = Exchange { reach, trust, deadline, patience };
        let (denials, in_flight, held) = (self.denials.clone(), self.in_flight.clone(), self.held.clone());
        Box::new(async move {
            let permit = in_flight.acquire_owned().await.map_err(|_| Error::ConnectionLimitReached)?;
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, usize::try_from(MAX_BODY).unwrap_or(usize::MAX)).collect().await;
            let body = body.map_err(|_| Error::HttpRequestBodySize(None))?.to_bytes();
            let outgoing = outgoing(parts, body)?;
            let (sender, answer) = tokio::sync::oneshot::channel();
            let limit = MAX_BODY.saturating_sub(held.load(Ordering::Relaxed));
            // A thread of its own: it may take as long as the call, and those of the pool serve files.
            std::thread::spawn(move || {
                let answer = exchange.once(&outgoing).and_then(|response| whole(response, limit));
                drop(permit);
                let _ = sender.send(answer);
            });
            match answer.await.unwrap_or_else(|_| Err(HttpError::Protocol("the HTTP client failed".to_owned()))) {
                Ok(answer) => Ok((response(answer, &held)?, Box::new(async { Ok(()) }) as Box<_>)),
                Err(error) => {
                    if let HttpError::Denied(what) = &error {
                        deny(&denials, what);
                    }
                    Err(refusal(error))
                }
            }
        })
    }
}

fn outgoing(parts: Parts, body: Bytes) -> Result<Outgoing, Error> {
    if parts.method == Method::CONNECT {
        return Err(Error::HttpRequestMethodInvalid);
    }
    if parts.headers.len() > MAX_HEADERS {
        return Err(Error::HttpRequestHeaderSectionSize(None));
    }
    let target = Target::parse(&parts.uri.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut headers = parts.headers;
    OURS.iter().for_each(|name| drop(headers.remove(name)));
    Ok(Outgoing { method: parts.method, target, headers, body: body.into() })
}

/// The answer as the guest sees it; its bytes count as held until the guest has let it go.
fn response(answer: Answer, held: &Arc<AtomicU64>) -> Result<Response<WasiBody>, Error> {
    let length = Held::take(held, answer.body.len() as u64).ok_or(Error::HttpResponseBodySize(Some(MAX_BODY)))?;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body)).map_err(move |never| {
        let _ = &length;
        match never {}
    });
    response.body(body.boxed_unsync()).map_err(|_| Error::HttpProtocolError)
}

/// Bytes that count as held as long as this lives.
struct Held {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Held {
    /// `None` if too many would be held.
    fn take(all: &Arc<AtomicU64>, bytes: u64) -> Option<Held> {
        let add = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= MAX_BODY);
        all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Held { all: all.clone(), bytes })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn refusal(error: HttpError) -> Error {
    match error {
        HttpError::Denied(_) => Error::HttpRequestDenied,
        HttpError::Dns => Error::DnsError { rcode: None, info_code: None },
        HttpError::Connect => Error::ConnectionRefused,
        HttpError::Tls => Error::TlsCertificateError,
        HttpError::Timeout => Error::HttpResponseTimeout,
        HttpError::TooLarge => Error::HttpResponseBodySize(Some(MAX_BODY)),
        HttpError::Protocol(_) => Error::HttpProtocolError,
    }
}
