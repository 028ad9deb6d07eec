//! The JSON schema of `Marine.toml`, for editors, made from the table of keys.

use serde_json::{Map, Value, json};

use crate::keys::{Key, Kind, MANIFEST};
use crate::names;

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut schema = table(MANIFEST);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Marine.toml".into();
    schema["description"] =
        "What a service of Marine is made of, how much it may use, and what its modules may touch.".into();
    // One file holds a service or a project.
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("required");
        fields.insert("oneOf".to_owned(), json!([{ "required": ["module"] }, { "required": ["project"] }]));
    }
    schema
}

fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.default == "required").map(|key| key.name).collect();
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        table["required"] = required.into();
    }
    table
}

fn property(key: &Key) -> Value {
    let mut property = kind(key.kind);
    property["description"] = match key.default {
        "required" => key.about.to_owned(),
        default => format!("{} Default: {default}.", key.about),
    }
    .into();
    property
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Name => json!({ "type": "string", "pattern": names::PATTERN, "maxLength": names::MAX_NAME }),
        Kind::Size => json!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$" }),
        Kind::Rate => json!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)(/s)?$" }),
        Kind::Duration => json!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|min|h)$" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::OneOf(texts) => json!({ "enum": texts }),
        Kind::List(of) => json!({ "type": "array", "items": self::kind(*of) }),
        Kind::Map(of) => json!({ "type": "object", "additionalProperties": self::kind(*of) }),
        Kind::Table(keys) => table(keys),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(|of| self::kind(*of)).collect::<Vec<_>>() }),
    }
}
