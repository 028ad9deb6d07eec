//! Builtin services `dist` (modules and blueprints) and `srv` (services and aliases).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cid::Cid;
use marine_air::execution::CallRequest;
use marine_manifest::{Blueprint, BlueprintModule, GrantRequests, Limits, MAX_BLUEPRINT_BYTES};
use marine_particle::PeerId;
use marine_runtime::MAX_MODULE_BYTES;
use serde_json::{Map, Value, json};

use super::{
    BUILTINS,
    args::{Args, DENIED, Fault, OWN, SHAPE},
    builtins::unknown_function,
    interface::describe,
    rights::Rights,
    services::{Entry, Services, blocking},
};
use crate::{dag_json, live::Live};

const DIST: &[&str] = &[
    "add_module",
    "default_module_config",
    "make_module_config",
    "add_module_from_vault",
    "add_module_bytes_from_vault",
    "load_module_config",
    "load_blueprint",
    "make_blueprint",
    "add_blueprint",
    "list_modules",
    "list_blueprints",
    "get_blueprint",
    "get_module_interface",
    "remove_module",
    "remove_blueprint",
];
/// What [`make_module_config`] takes after the name, in order.
const MODULE_OPTIONS: [&str; 8] = [
    "mem_pages_count",
    "max_heap_size",
    "logger_enabled",
    "preopened_files",
    "envs",
    "mapped_dirs",
    "mounted_binaries",
    "logging_mask",
];
const SRV: &[&str] = &[
    "list",
    "info",
    "create",
    "remove",
    "add_alias",
    "remove_alias",
    "resolve_alias",
    "resolve_alias_opt",
    "get_interface",
];

/// One call of `dist` or `srv`.
pub(crate) struct Deploy {
    rights: Arc<Rights>,
    services: Arc<Services>,
    live: Arc<Live>,
    /// The caller.
    init: PeerId,
    /// Names a service that this call creates: the same again after a crash.
    unique: [u8; 16],
    name: String,
    request: CallRequest,
}

impl Deploy {
    pub(crate) fn new(rights: Arc<Rights>, services: Arc<Services>, live: &Arc<Live>, request: &CallRequest) -> Self {
        let seed = [live.cid.to_bytes(), request.id.to_string().into_bytes()].concat();
        let hash = blake3::derive_key("marine-service-id-1", &seed);
        let mut unique = [0; 16];
        unique.copy_from_slice(&hash[..16]);
        Self {
            rights,
            services,
            live: live.clone(),
            init: live.particle.init(),
            unique,
            name: format!("{}.{}", request.service, request.function),
            request: request.clone(),
        }
    }

    pub(crate) async fn call(self) -> Result<Value, Fault> {
        let values = self.request.args.iter().map(Value::from).collect();
        let args = Args::new(&self.request.service, &self.request.function, values);
        match (&*self.request.service, &*self.request.function) {
            ("dist", "add_module") => self.add_module(args).await,
            ("dist", "default_module_config") => default_module_config(args),
            ("dist", "make_module_config") => make_module_config(args),
            ("dist", "add_module_from_vault") => self.add_module_from_vault(args).await,
            ("dist", "add_module_bytes_from_vault") => self.add_module_bytes_from_vault(args).await,
            ("dist", "load_module_config") => self.load_module_config(args).await,
            ("dist", "load_blueprint") => self.load_blueprint(args).await,
            ("dist", "make_blueprint") => self.make_blueprint(args).await,
            ("dist", "add_blueprint") => self.add_blueprint(args).await,
            ("dist", "list_modules") => self.list_modules(args),
            ("dist", "list_blueprints") => self.list_blueprints(args),
            ("dist", "get_blueprint") => self.get_blueprint(args),
            ("dist", "get_module_interface") => self.get_module_interface(args).await,
            ("dist", "remove_module") => self.remove_module(args).await,
            ("dist", "remove_blueprint") => self.remove_blueprint(args).await,
            ("srv", "list") => self.list(args),
            ("srv", "info") => self.info(args),
            ("srv", "create") => self.create(args).await,
            ("srv", "remove") => self.remove(args).await,
            ("srv", "add_alias") => self.add_alias(args).await,
            ("srv", "remove_alias") => self.remove_alias(args).await,
            ("srv", "resolve_alias") => self.resolve_alias(args, true),
            ("srv", "resolve_alias_opt") => self.resolve_alias(args, false),
            ("srv", "get_interface") => self.get_interface(args).await,
            (service, function) => {
                let names = if service == "dist" { DIST } else { SRV };
                Err(unknown_function(service, function, names.iter().copied()))
            }
        }
    }

    /// The right to deploy, and that no stranger's data steers the call.
    fn may_deploy(&self) -> Result<(), Fault> {
        self.rights.deploy(&self.init, &self.name)?;
        self.rights.untainted(&self.init, &self.request, &self.name)
    }

    /// Puts the function's name before a message.
    fn named(&self, fault: Fault) -> Fault {
        Fault { message: format!("{}: {}", self.name, fault.message), ..fault }
    }

    async fn add_module(&self, mut args: Args) -> Result<Value, Fault> {
        self.may_deploy()?;
        let bytes = match args.any()? {
            Value::String(text) => {
                STANDARD.decode(&text).map_err(|e| args.fault(SHAPE, format!("args[0]: not base64: {e}")))?
            }
            Value::Array(items) => Args::new("dist", "add_module", vec![Value::Array(items)]).bytes()?,
            _ => return Err(args.fault(SHAPE, "args[0]: expected bytes (a list of u8, or base64)")),
        };
        if bytes.len() as u64 > MAX_MODULE_BYTES {
            return Err(
                args.fault(OWN, format!("module of {} bytes is over the limit of {MAX_MODULE_BYTES}", bytes.len()))
            );
        }
        let name = configured_name(&mut args)?;
        args.end()?;
        self.keep_module(name, bytes).await
    }

    async fn add_module_from_vault(&self, mut args: Args) -> Result<Value, Fault> {
        self.may_deploy()?;
        let (path, name) = (args.string()?, configured_name(&mut args)?);
        args.end()?;
        self.keep_module(name, self.read_vault(path, MAX_MODULE_BYTES).await?).await
    }

    async fn add_module_bytes_from_vault(&self, mut args: Args) -> Result<Value, Fault> {
        self.may_deploy()?;
        let (name, path) = (args.string()?, args.string()?);
        args.end()?;
        self.keep_module(name, self.read_vault(path, MAX_MODULE_BYTES).await?).await
    }

    async fn keep_module(&self, name: String, bytes: Vec<u8>) -> Result<Value, Fault> {
        let cid = self.services.add_module(name, &self.init, bytes).await.map_err(|fault| self.named(fault))?;
        Ok(json!(cid.to_string()))
    }

    async fn read_vault(&self, path: String, limit: u64) -> Result<Vec<u8>, Fault> {
        self.services.vaults.read(&self.live, path, limit).await.map_err(|fault| self.named(fault))
    }

    /// The JSON of a file of the vault.
    async fn json_from_vault(&self, args: &Args, path: String) -> Result<Value, Fault> {
        let bytes = self.read_vault(path.clone(), MAX_BLUEPRINT_BYTES as u64).await?;
        serde_json::from_slice(&bytes).map_err(|error| args.fault(OWN, format!("{path} is no JSON: {error}")))
    }

    async fn load_module_config(&self, mut args: Args) -> Result<Value, Fault> {
        let path = args.string()?;
        let config = self.json_from_vault(&args, path.clone()).await?;
        args.end()?;
        // What was made for other tools has part of it in a table of its own, or not.
        let field =
            |name: &str| config.get(name).or_else(|| config.get("wasi")?.get(name)).filter(|value| !value.is_null());
        let option = |name: &str| field(name).map_or(Value::Null, |value| json!([value]));
        let name = field("name").cloned().unwrap_or_default();
        let values = [name].into_iter().chain(MODULE_OPTIONS.map(option)).collect();
        let made = make_module_config(Args::new("dist", "load_module_config", values));
        made.map_err(|fault| {
            Fault::new(OWN, format!("{} (of the fields of {path}: name, {})", fault.message, MODULE_OPTIONS.join(", ")))
        })
    }

    async fn load_blueprint(&self, mut args: Args) -> Result<Value, Fault> {
        let path = args.string()?;
        let value = self.json_from_vault(&args, path.clone()).await?;
        let blueprint =
            blueprint_of(value).map_err(|reason| args.fault(OWN, format!("{path} is no blueprint: {reason}")))?;
        args.end()?;
        Ok(Value::String(self.text_of(&blueprint)?.to_string()))
    }

    async fn make_blueprint(&self, mut args: Args) -> Result<Value, Fault> {
        let name = args.string()?;
        let cids = args.array()?;
        let cids = cids.iter().map(|cid| parse_cid(&args, cid)).collect::<Result<Vec<_>, _>>()?;
        if cids.is_empty() {
            return Err(args.fault(OWN, "a blueprint needs at least one module"));
        }
        args.end()?;
        let services = self.services.clone();
        let blueprint = blocking(move || {
            let module = |cid: Cid| {
                let interface = services.module_interface(&cid)?;
                let name = services.registry().modules.get(&cid).map(|row| row.name.clone()).unwrap_or_default();
                let (needs, grants) = (Default::default(), GrantRequests::default());
                Ok(BlueprintModule { name, cid, interface: interface.to_wit(), needs, grants })
            };
            let modules = cids.into_iter().map(module).collect::<Result<Vec<_>, Fault>>()?;
            let facade = modules.last().map(|module| module.name.clone()).unwrap_or_default();
            Ok(Blueprint::new(name, facade, Limits::default(), modules))
        });
        let blueprint = blueprint.await.map_err(|fault| self.named(fault))?;
        Ok(Value::String(self.text_of(&blueprint)?.to_string()))
    }

    fn text_of(&self, blueprint: &Blueprint) -> Result<Value, Fault> {
        let failed = |reason: String| self.named(Fault::new(OWN, reason));
        let bytes = blueprint.encode().map_err(|e| failed(e.to_string()))?;
        dag_json::from_cbor(&bytes).map_err(failed)
    }

    async fn add_blueprint(&self, mut args: Args) -> Result<Value, Fault> {
        self.may_deploy()?;
        let text = args.string()?;
        let malformed =
            |reason: String| args.fault(SHAPE, format!("args[0]: not the DAG-JSON of a blueprint: {reason}"));
        let value = serde_json::from_str(&text).map_err(|e| malformed(e.to_string()))?;
        let blueprint = blueprint_of(value).map_err(malformed)?;
        args.end()?;
        let cid = self.services.add_blueprint(&self.init, blueprint).await.map_err(|fault| self.named(fault))?;
        Ok(json!(cid.to_string()))
    }

    fn list_modules(&self, args: Args) -> Result<Value, Fault> {
        args.end()?;
        let registry = self.services.registry();
        let module = |(cid, row): (&Cid, &crate::store::ModuleRow)| json!({ "name": row.name, "hash": cid.to_string(), "config": { "name": row.name } });
        Ok(registry.modules.iter().map(module).collect())
    }

    fn list_blueprints(&self, args: Args) -> Result<Value, Fault> {
        args.end()?;
        let registry = self.services.registry();
        Ok(registry.blueprints.iter().map(|(cid, known)| brief(cid, &known.blueprint)).collect())
    }

    fn get_blueprint(&self, mut args: Args) -> Result<Value, Fault> {
        let cid = take_cid(&mut args)?;
        let registry = self.services.registry();
        let known =
            registry.blueprints.get(&cid).ok_or_else(|| args.fault(OWN, format!("blueprint {cid} is not here")))?;
        args.end()?;
        Ok(brief(&cid, &known.blueprint))
    }

    async fn get_module_interface(&self, mut args: Args) -> Result<Value, Fault> {
        let cid = take_cid(&mut args)?;
        args.end()?;
        let services = self.services.clone();
        let interface = blocking(move || services.module_interface(&cid)).await.map_err(|fault| self.named(fault))?;
        Ok(describe(&interface))
    }

    async fn remove_module(&self, mut args: Args) -> Result<Value, Fault> {
        let cid = take_cid(&mut args)?;
        let owner = self.services.registry().modules.get(&cid).map(|row| row.owner.clone());
        let owner = owner.ok_or_else(|| args.fault(OWN, format!("module {cid} is not here")))?;
        args.end()?;
        self.rights.own(&self.init, &owner, &self.name)?;
        self.services.remove_module(cid).await.map_err(|fault| self.named(fault))?;
        Ok(Value::Null)
    }

    async fn remove_blueprint(&self, mut args: Args) -> Result<Value, Fault> {
        let cid = take_cid(&mut args)?;
        let owner = self.services.registry().blueprints.get(&cid).map(|known| known.owner.clone());
        let owner = owner.ok_or_else(|| args.fault(OWN, format!("blueprint {cid} is not here")))?;
        args.end()?;
        self.rights.own(&self.init, &owner, &self.name)?;
        self.services.remove_blueprint(cid).await.map_err(|fault| self.named(fault))?;
        Ok(Value::Null)
    }

    fn list(&self, args: Args) -> Result<Value, Fault> {
        args.end()?;
        let entries: Vec<_> = self.services.registry().services.values().cloned().collect();
        Ok(entries.iter().map(|entry| self.service(entry)).collect())
    }

    fn info(&self, mut args: Args) -> Result<Value, Fault> {
        let entry = self.take_service(&mut args)?;
        args.end()?;
        Ok(self.service(&entry))
    }

    fn service(&self, entry: &Entry) -> Value {
        json!({
            "id": entry.id,
            "blueprint_id": entry.blueprint.to_string(),
            "service_type": "service",
            "owner_id": entry.owner,
            "aliases": self.services.registry().aliases_of(&entry.id),
            "worker_id": self.rights.me().to_string(),
        })
    }

    async fn create(&self, mut args: Args) -> Result<Value, Fault> {
        self.may_deploy()?;
        let cid = take_cid(&mut args)?;
        args.end()?;
        let id = self.services.create(uuid(self.unique), self.init, cid).await.map_err(|fault| self.named(fault))?;
        Ok(json!(id))
    }

    async fn remove(&self, mut args: Args) -> Result<Value, Fault> {
        let entry = self.take_service(&mut args)?;
        args.end()?;
        self.rights.own(&self.init, &entry.owner, &self.name)?;
        self.services.remove(&entry).await.map_err(|fault| self.named(fault))?;
        Ok(Value::Null)
    }

    async fn add_alias(&self, mut args: Args) -> Result<Value, Fault> {
        let alias = args.string()?;
        check_alias(&alias).map_err(|reason| args.fault(OWN, reason))?;
        let entry = self.take_service(&mut args)?;
        args.end()?;
        self.rights.own(&self.init, &entry.owner, &self.name)?;
        let may = |owner: &str| self.rights.own(&self.init, owner, &self.name);
        // A refusal bears the function's name already.
        let named = |fault: Fault| if fault.code == DENIED { fault } else { self.named(fault) };
        self.services.add_alias(alias, entry.id.clone(), may).await.map_err(named)?;
        Ok(Value::Null)
    }

    async fn remove_alias(&self, mut args: Args) -> Result<Value, Fault> {
        let alias = args.string()?;
        args.end()?;
        let named = self.services.registry().aliases.get(&alias).cloned();
        let entry = named.and_then(|id| self.services.find(&id));
        let entry = entry.ok_or_else(|| Fault { code: OWN, ..self.named(self.services.unknown(&alias)) })?;
        self.rights.own(&self.init, &entry.owner, &self.name)?;
        self.services.remove_alias(alias).await.map_err(|fault| self.named(fault))?;
        Ok(Value::Null)
    }

    fn resolve_alias(&self, mut args: Args, must: bool) -> Result<Value, Fault> {
        let alias = args.string()?;
        args.end()?;
        match self.services.registry().aliases.get(&alias) {
            Some(id) if must => return Ok(json!(id)),
            Some(id) => return Ok(json!([id])),
            None if !must => return Ok(json!([])),
            None => {}
        }
        Err(Fault { code: OWN, ..self.named(self.services.unknown(&alias)) })
    }

    async fn get_interface(&self, mut args: Args) -> Result<Value, Fault> {
        let entry = self.take_service(&mut args)?;
        args.end()?;
        let services = self.services.clone();
        let interface =
            blocking(move || services.interface(&entry.blueprint)).await.map_err(|fault| self.named(fault))?;
        Ok(describe(&interface))
    }

    fn take_service(&self, args: &mut Args) -> Result<Arc<Entry>, Fault> {
        let name = args.string()?;
        let unknown = || Fault { code: OWN, ..self.named(self.services.unknown(&name)) };
        self.services.find(&name).ok_or_else(unknown)
    }
}

/// The blueprint of this DAG-JSON.
fn blueprint_of(value: Value) -> Result<Blueprint, String> {
    let bytes = dag_json::to_cbor(value)?;
    Blueprint::decode(&bytes).map_err(|error| error.to_string())
}

/// The name in the configuration of a module.
fn configured_name(args: &mut Args) -> Result<String, Fault> {
    let config = args.any()?;
    let name = config["name"].as_str().map(str::to_owned);
    name.ok_or_else(|| args.fault(SHAPE, "expected a config with a `name`"))
}

fn default_module_config(mut args: Args) -> Result<Value, Fault> {
    let name = args.string()?;
    args.end()?;
    Ok(json!({ "name": name }))
}

/// Only the name counts when a module is added; the rest is as other tools know it. What is not given is left out.
fn make_module_config(mut args: Args) -> Result<Value, Fault> {
    let mut config = Map::from_iter([("name".to_owned(), json!(args.string()?))]);
    let mut wasi = Map::new();
    set(&mut config, "mem_pages_count", args.option_u32()?);
    set(&mut config, "max_heap_size", args.option_string()?);
    set(&mut config, "logger_enabled", args.option_bool()?);
    for part in ["preopened_files", "envs", "mapped_dirs", "mounted_binaries"] {
        set(&mut wasi, part, args.option_array()?);
    }
    set(&mut config, "logging_mask", args.option_i32()?);
    set(&mut config, "wasi", (!wasi.is_empty()).then_some(wasi));
    args.end()?;
    Ok(Value::Object(config))
}

/// Sets a field of an optional value, as scripts have options.
fn set(object: &mut Map<String, Value>, field: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(field.to_owned(), Value::Array(vec![value.into()]));
    }
}

fn brief(cid: &Cid, blueprint: &Blueprint) -> Value {
    let dependencies: Vec<_> = blueprint.modules.iter().map(|module| module.cid.to_string()).collect();
    json!({ "id": cid.to_string(), "name": blueprint.name, "dependencies": dependencies })
}

fn take_cid(args: &mut Args) -> Result<Cid, Fault> {
    let text = args.any()?;
    parse_cid(args, &text)
}

fn parse_cid(args: &Args, value: &Value) -> Result<Cid, Fault> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| args.fault(SHAPE, format!("expected a CID, got {value}")))
}

fn check_alias(alias: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&alias.len())
        && alias.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b));
    if !fits {
        return Err(format!("alias `{alias}` does not fit: use 1 to 64 of a-z, 0-9, `_`, `.` and `-`"));
    }
    if BUILTINS.contains(&alias) {
        return Err(format!("alias `{alias}` is the name of a builtin service"));
    }
    Ok(())
}

/// The form of a UUID of version 8 (RFC 9562: custom content).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |range: std::ops::Range<usize>| bytes[range].iter().map(|b| format!("{b:02x}")).collect::<String>();
    [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases() {
        for (alias, fits) in
            [("shop", true), ("a.b-c_1", true), ("", false), ("Shop", false), ("op", false), ("self", false)]
        {
            assert_eq!(check_alias(alias).is_ok(), fits, "{alias}");
        }
    }

    #[test]
    fn configurations_hold_what_is_given() {
        let make = |values: Value| {
            let Value::Array(values) = values else { panic!("arguments are an array") };
            make_module_config(Args::new("dist", "make_module_config", values))
        };
        assert_eq!(make(json!(["shop"])), Ok(json!({ "name": "shop" })));
        let all = make(json!(["shop", 3, ["1 MiB"], [], null, [[["A", "b"]]], [], [], -1]));
        let wasi = json!([{ "envs": [[["A", "b"]]] }]);
        let expected = json!({ "name": "shop", "mem_pages_count": [3], "max_heap_size": ["1 MiB"], "logging_mask": [-1], "wasi": wasi });
        assert_eq!(all, Ok(expected));
        let wrong = make(json!(["shop", [], [], [], "dir"])).unwrap_err();
        assert_eq!(wrong.message, "dist.make_module_config: args[4]: expected ?[], got \"dir\"");
        assert_eq!(make(json!(["shop", -1])).unwrap_err().code, SHAPE);
    }

    #[test]
    fn uuids_have_their_form() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
