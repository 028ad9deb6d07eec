//! DAG-JSON of blueprints: the text form of DAG-CBOR in which they travel through scripts.
//!
//! Links are `{"/": "<cid>"}`, bytes `{"/": {"bytes": "<base64>"}}` (specification of DAG-JSON, IPLD).

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ipld_core::ipld::Ipld;
use serde_json::{Map, Value, json};

/// The DAG-JSON of canonical DAG-CBOR.
pub(crate) fn from_cbor(bytes: &[u8]) -> Result<Value, String> {
    let ipld: Ipld = serde_ipld_dagcbor::from_slice(bytes).map_err(|e| e.to_string())?;
    to_json(ipld)
}

/// The canonical DAG-CBOR of DAG-JSON.
pub(crate) fn to_cbor(value: Value) -> Result<Vec<u8>, String> {
    serde_ipld_dagcbor::to_vec(&to_ipld(value)?).map_err(|e| e.to_string())
}

fn to_json(ipld: Ipld) -> Result<Value, String> {
    Ok(match ipld {
        Ipld::Null => Value::Null,
        Ipld::Bool(value) => json!(value),
        Ipld::Integer(value) => match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => json!(value),
            (_, Ok(value)) => json!(value),
            _ => return Err(format!("integer {value} is out of range")),
        },
        Ipld::Float(value) => json!(value),
        Ipld::String(value) => json!(value),
        Ipld::Bytes(bytes) => json!({ "/": { "bytes": STANDARD_NO_PAD.encode(bytes) } }),
        Ipld::Link(cid) => json!({ "/": cid.to_string() }),
        Ipld::List(items) => Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Ipld::Map(map) => {
            let field = |(key, value)| Ok((key, to_json(value)?));
            Value::Object(map.into_iter().map(field).collect::<Result<Map<_, _>, String>>()?)
        }
    })
}

fn to_ipld(value: Value) -> Result<Ipld, String> {
    Ok(match value {
        Value::Null => Ipld::Null,
        Value::Bool(value) => Ipld::Bool(value),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(value), _, _) => Ipld::Integer(value.into()),
            (_, Some(value), _) => Ipld::Integer(value.into()),
            (_, _, Some(value)) => Ipld::Float(value),
            _ => return Err(format!("number {number} is out of range")),
        },
        Value::String(value) => Ipld::String(value),
        Value::Array(items) => Ipld::List(items.into_iter().map(to_ipld).collect::<Result<_, _>>()?),
        Value::Object(map) => object(map)?,
    })
}

fn object(map: Map<String, Value>) -> Result<Ipld, String> {
    match (map.len(), map.get("/")) {
        (1, Some(Value::String(cid))) => cid.parse().map(Ipld::Link).map_err(|e| format!("link `{cid}`: {e}")),
        (1, Some(Value::Object(inner))) if inner.len() == 1 && inner.contains_key("bytes") => {
            let text = inner.get("bytes").and_then(Value::as_str).ok_or("bytes: not base64 text")?;
            STANDARD_NO_PAD.decode(text).map(Ipld::Bytes).map_err(|e| format!("bytes: {e}"))
        }
        _ => {
            let field = |(key, value)| Ok((key, to_ipld(value)?));
            Ok(Ipld::Map(map.into_iter().map(field).collect::<Result<BTreeMap<_, _>, String>>()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let value = json!({
            "v": 1, "n": -3, "ok": true, "none": null, "list": [1, "a"],
            "cid": { "/": "bafyr4icokxxxpncac2inj63jn5vnoaep4ceqdork65anj3h2ypkcwcpdka" },
            "bytes": { "/": { "bytes": "aGk" } },
        });
        assert_eq!(from_cbor(&to_cbor(value.clone()).unwrap()).unwrap(), value);
    }

    #[test]
    fn bad_links_are_errors() {
        assert!(to_cbor(json!({ "/": "nonsense" })).is_err());
        assert!(to_cbor(json!({ "/": { "bytes": "***" } })).is_err());
        assert!(to_cbor(json!({ "/": { "bytes": 1 } })).is_err());
        assert!(to_cbor(json!({ "/": { "other": 1 } })).is_ok(), "an object like any other");
        assert!(from_cbor(b"\xff").is_err());
    }
}
