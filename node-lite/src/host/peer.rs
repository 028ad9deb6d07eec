//! Builtin service `peer`: this peer's clock, timers, and what it knows of the network.

use std::time::Duration;

use libp2p::{Multiaddr, multiaddr::Protocol};
use marine_air::execution::CallRequest;
use marine_particle::PeerId;
use serde_json::{Value, json};

use super::{
    answer,
    args::{Args, Fault, OWN, SHAPE},
    builtins::unknown_function,
};
use crate::{
    clock,
    core::Answering,
    net::{Contact, Net},
};

const FUNCTIONS: &[&str] =
    &["timestamp_ms", "timestamp_sec", "timeout", "identify", "is_connected", "get_contact", "connect"];

/// Answers a call of `peer`.
pub(crate) fn call(net: Option<&Net>, request: CallRequest) -> Answering {
    let mut args = Args::new("peer", &request.function, request.args.iter().map(Value::from).collect());
    let result = match &*request.function {
        "timestamp_ms" => Ok(json!(clock::now())),
        "timestamp_sec" => Ok(json!(clock::now() / 1000)),
        "identify" => Ok(identify(net)),
        "is_connected" => is_connected(net, &mut args),
        "timeout" => match timeout(&mut args).and_then(|timer| args.end().map(|()| timer)) {
            Ok((pause, message)) => return timer(pause, message),
            Err(fault) => return Answering::Now(answer(Err(fault))),
        },
        "get_contact" => return get_contact(net, args),
        other => return Answering::Now(answer(Err(unknown_function("peer", other, FUNCTIONS.iter().copied())))),
    };
    Answering::Now(answer(result.and_then(|value| args.end().map(|()| value))))
}

fn timer(pause: Duration, message: String) -> Answering {
    Answering::Timer(Box::pin(async move {
        tokio::time::sleep(pause).await;
        answer(Ok(Value::String(message)))
    }))
}

fn timeout(args: &mut Args) -> Result<(Duration, String), Fault> {
    let ms = match args.any()? {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let ms = ms.ok_or_else(|| args.fault(SHAPE, "args[0]: expected milliseconds (u64)"))?;
    Ok((Duration::from_millis(ms), args.option_string()?.unwrap_or_default()))
}

fn identify(net: Option<&Net>) -> Value {
    let addresses: Vec<_> =
        net.map(|net| net.listening().iter().map(ToString::to_string).collect()).unwrap_or_default();
    json!({
        "external_addresses": addresses,
        "node_version": env!("CARGO_PKG_VERSION"),
        "air_version": env!("CARGO_PKG_VERSION"),
        "spell_version": "",
        "allowed_binaries": [],
        "vm_info": [],
    })
}

fn is_connected(net: Option<&Net>, args: &mut Args) -> Result<Value, Fault> {
    let peer = peer(args)?;
    Ok(json!(net.is_some_and(|net| net.is_connected(&peer))))
}

/// An option: nothing of a peer that is unknown.
fn get_contact(net: Option<&Net>, mut args: Args) -> Answering {
    let net = net.cloned();
    Answering::Later(Box::pin(async move {
        let peer = peer(&mut args).and_then(|peer| args.end().map(|()| peer));
        let known = match (&peer, net) {
            (Ok(_), Some(net)) => net.reachable().await,
            _ => Vec::new(),
        };
        answer(peer.map(|peer| known.iter().filter(|known| known.peer == peer).map(contact).collect()))
    }))
}

/// Connects to a peer, at the given addresses or at those that are known, and says whether it is connected. Whoever may have the node dial
/// any address is for the caller to check.
pub(super) async fn connect(net: Option<Net>, request: CallRequest) -> Result<Value, Fault> {
    let mut args = Args::new("peer", "connect", request.args.iter().map(Value::from).collect());
    let peer = peer(&mut args)?;
    let addresses = args.option_array()?.unwrap_or_default().into_iter().map(|text| address(&args, peer, &text));
    let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
    args.end()?;
    let Some(net) = net else { return Ok(json!(false)) };
    for address in addresses {
        net.hear(peer, address).await;
    }
    Ok(json!(net.connect(peer).await.is_ok()))
}

/// Where to dial `peer`.
fn address(args: &Args, peer: PeerId, text: &Value) -> Result<Multiaddr, Fault> {
    let parsed = text.as_str().and_then(|text| text.parse::<Multiaddr>().ok());
    let mut address = parsed.ok_or_else(|| args.fault(OWN, format!("{text} is no multiaddr")))?;
    match address.iter().last() {
        Some(Protocol::P2p(named)) if named != peer => {
            return Err(args.fault(OWN, format!("{text} is an address of another peer")));
        }
        Some(Protocol::P2p(_)) => _ = address.pop(),
        _ => {}
    }
    if address.is_empty() {
        return Err(args.fault(OWN, format!("{text} says of no place")));
    }
    Ok(address)
}

/// A peer and its addresses, as Aqua programs have them.
pub(super) fn contact(contact: &Contact) -> Value {
    let addresses: Vec<_> = contact.addresses.iter().map(ToString::to_string).collect();
    json!({ "peer_id": contact.peer.to_string(), "addresses": addresses })
}

fn peer(args: &mut Args) -> Result<PeerId, Fault> {
    let text = args.string()?;
    text.parse().map_err(|e| args.fault(OWN, format!("`{text}` is not a peer id: {e}")))
}
