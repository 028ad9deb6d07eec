//! Builtin service `kad`: which of the peers that this one knows are nearest to a key.
//!
//! The distance of two keys is the exclusive or of their SHA2-256 digests, as in Kademlia. There is no lookup over the network:
//! peers that this one never met and was not told of do not appear.

use marine_air::execution::CallRequest;
use marine_particle::PeerId;
use serde_json::{Value, json};

use super::{
    answer,
    args::{Args, Fault, OWN},
    builtins::{from_base58, unknown_function},
    hash::{digest, digest_in},
};
use crate::{
    core::Answering,
    net::{Contact, Net},
};

const FUNCTIONS: &[&str] = &["neighborhood", "neigh_with_addrs", "merge"];

/// How many peers are given unless told, and at most.
const COUNT: (usize, usize) = (20, 128);

/// Answers a call of `kad`.
pub(crate) fn call(net: Option<&Net>, request: CallRequest) -> Answering {
    let net = net.cloned();
    Answering::Later(Box::pin(async move {
        let args = Args::new("kad", &request.function, request.args.iter().map(Value::from).collect());
        answer(match &*request.function {
            "neighborhood" => neighborhood(net, args, |contact| json!(contact.peer.to_string())).await,
            "neigh_with_addrs" => neighborhood(net, args, super::peer::contact).await,
            "merge" => merge(args),
            other => Err(unknown_function("kad", other, FUNCTIONS.iter().copied())),
        })
    }))
}

async fn neighborhood(net: Option<Net>, mut args: Args, shown: fn(&Contact) -> Value) -> Result<Value, Fault> {
    let key = key(&mut args)?;
    let is_hash = args.option_bool()?.unwrap_or(false);
    let count = count(&mut args)?;
    let target = match is_hash {
        true => digest_in(&key).ok_or_else(|| args.fault(OWN, "args[0] is no multihash of sha2-256"))?,
        false => digest(&key),
    };
    args.end()?;
    let mut contacts = match net {
        Some(net) => net.reachable().await,
        None => Vec::new(),
    };
    contacts.sort_by_cached_key(|contact| distance(&target, &contact.peer));
    Ok(contacts.iter().take(count).map(shown).collect())
}

fn merge(mut args: Args) -> Result<Value, Fault> {
    let target = digest(&key(&mut args)?);
    let mut peers = [self::peers(&mut args)?, self::peers(&mut args)?].concat();
    let count = count(&mut args)?;
    args.end()?;
    peers.sort_by_cached_key(|peer| distance(&target, peer));
    peers.dedup();
    Ok(peers.iter().take(count).map(|peer| json!(peer.to_string())).collect())
}

fn key(args: &mut Args) -> Result<Vec<u8>, Fault> {
    from_base58(args)
}

fn count(args: &mut Args) -> Result<usize, Fault> {
    let (usual, most) = COUNT;
    Ok(args.option_u32()?.map_or(usual, |count| most.min(count as usize)))
}

fn peers(args: &mut Args) -> Result<Vec<PeerId>, Fault> {
    let items = args.array()?;
    let peer = |item: &Value| item.as_str().and_then(|text| text.parse().ok());
    let parsed = items.iter().map(|item| peer(item).ok_or_else(|| args.fault(OWN, format!("{item} is no peer id"))));
    parsed.collect()
}

fn distance(target: &[u8; 32], peer: &PeerId) -> [u8; 32] {
    let mut distance = digest(&peer.to_bytes());
    distance.iter_mut().zip(target).for_each(|(byte, other)| *byte ^= other);
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(values: Value) -> Args {
        let Value::Array(values) = values else { panic!("arguments are an array") };
        Args::new("kad", "merge", values)
    }

    #[test]
    fn lists_are_merged_by_distance() {
        let mut peers: Vec<PeerId> = (0..4).map(|_| PeerId::random()).collect();
        let key = b"some key";
        peers.sort_by_key(|peer| {
            let hash = digest(&peer.to_bytes());
            std::array::from_fn::<u8, 32, _>(|at| hash[at] ^ digest(key)[at])
        });
        let texts: Vec<String> = peers.iter().map(ToString::to_string).collect();
        let key = bs58::encode(key).into_string();
        let (left, right) = (json!([texts[3], texts[1], texts[0]]), json!([texts[1], texts[2]]));
        assert_eq!(merge(args(json!([key, left, right]))), Ok(json!(texts)));
        assert_eq!(merge(args(json!([key, left, right, [2]]))), Ok(json!(texts[..2])));
        assert_eq!(merge(args(json!([key, ["x"], []]))).unwrap_err().code, OWN);
        assert_eq!(merge(args(json!(["0", [], []]))).unwrap_err().code, OWN);
    }
}
