//! Sends requests over `wasi:http`, as components of other toolchains do.

use marine_sdk::marine;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

#[marine]
pub struct Request {
    pub method: String,
    pub authority: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How long to wait for the answer to begin, in milliseconds.
    pub patience: Option<u32>,
}

#[marine]
pub struct Answer {
    pub status: u16,
    pub server: Option<String>,
    pub body: String,
}

/// Sends one request over plain HTTP; the error is the code of `wasi:http`.
#[marine]
fn fetch(request: Request) -> Result<Answer, String> {
    read(wait(send(&request)?)?)
}

/// Sends all requests before it waits for any.
#[marine]
fn fetch_all(requests: Vec<Request>) -> Result<Vec<Answer>, String> {
    let sent = requests.iter().map(send).collect::<Result<Vec<_>, _>>()?;
    let answers = sent.into_iter().map(wait).collect::<Result<Vec<_>, _>>()?;
    answers.into_iter().map(read).collect()
}

/// Sends requests until one is refused, and keeps every answer unread; how many there were, and the code.
#[marine]
fn hoard(request: Request, times: u32) -> Result<(u32, String), String> {
    let mut hoarded = Vec::new();
    for count in 0..times {
        match wait(send(&request)?) {
            Ok(answer) => hoarded.push(answer),
            Err(code) => return Ok((count, code)),
        }
    }
    Ok((times, String::new()))
}

fn send(request: &Request) -> Result<FutureIncomingResponse, String> {
    let code = |error| format!("{error:?}");
    let headers = request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    let headers = Fields::from_list(&headers.collect::<Vec<_>>()).map_err(|error| format!("{error:?}"))?;
    let outgoing = OutgoingRequest::new(headers);
    let refused = |()| "not a request".to_owned();
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    };
    outgoing.set_method(&method).map_err(refused)?;
    outgoing.set_scheme(Some(&Scheme::Http)).map_err(refused)?;
    outgoing.set_authority(Some(&request.authority)).map_err(refused)?;
    outgoing.set_path_with_query(Some(&request.path)).map_err(refused)?;
    let options = RequestOptions::new();
    let patience = request.patience.map(|ms| u64::from(ms) * 1_000_000);
    options.set_first_byte_timeout(patience).map_err(refused)?;
    let body = outgoing.body().map_err(refused)?;
    let answer = handle(outgoing, Some(options)).map_err(code)?;
    let stream = body.write().map_err(refused)?;
    for part in request.body.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(part).map_err(|error| format!("{error:?}"))?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(code)?;
    Ok(answer)
}

fn wait(answer: FutureIncomingResponse) -> Result<IncomingResponse, String> {
    answer.subscribe().block();
    let answer = answer.get().ok_or("not ready")?.map_err(|()| "taken twice")?;
    answer.map_err(|code| format!("{code:?}"))
}

fn read(answer: IncomingResponse) -> Result<Answer, String> {
    let (status, headers) = (answer.status(), answer.headers());
    let server = headers.get("x-server").first().map(|value| String::from_utf8_lossy(value).into_owned());
    drop(headers);
    let body = answer.consume().map_err(|()| "consumed twice")?;
    let stream = body.stream().map_err(|()| "read twice")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    drop(stream);
    drop(IncomingBody::finish(body));
    Ok(Answer { status, server, body: String::from_utf8_lossy(&bytes).into_owned() })
}
