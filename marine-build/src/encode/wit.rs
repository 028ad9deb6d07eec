//! The WIT text of a module, doc comments included.
//!
//! Every interface has its own types, so each gets them written out. Inside an interface types and functions share one space of
//! names: a type named like a function is renamed. Functions are sorted by name, since the linker's order of the items may differ
//! from build to build; types stand before their first use.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::EncodeError;
use super::items::{Case, Export, Field, Import, Items, Param, Type};
use super::names::{NameError, escaped, kebab_case, param_name};

/// The world of every module.
pub(super) const WORLD: &str = "module";
/// The interface of every module.
const API: &str = "api";
/// What is put behind the name of a type that is called like a function.
const TYPE_SUFFIX: &str = "-type";

/// What export and import have in common.
struct Function<'i> {
    /// The name in WIT.
    name: String,
    /// The name in Rust.
    rust: &'i str,
    docs: &'i str,
    params: &'i [Param],
    result: &'i Type,
}

/// The part of the text that others see: package and interface, without world and imports.
///
/// # Errors
/// [`EncodeError::Name`] and [`EncodeError::Collision`].
pub fn interface_text(module: &str, items: &Items) -> Result<String, EncodeError> {
    Ok(format!("package marine:{};\n\n{}", escaped(module), own_interface(items)?))
}

/// The whole text: the module's interface, its world, and the interfaces it imports as nested packages.
///
/// # Errors
/// [`EncodeError::Name`] and [`EncodeError::Collision`].
pub fn wit_text(module: &str, items: &Items) -> Result<String, EncodeError> {
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    let mut world = format!("world {WORLD} {{\n");
    for (id, mut functions) in imported(items)? {
        if id.package == format!("marine:{module}") {
            return Err(EncodeError::SelfImport(module.to_owned()));
        }
        let text = interface(&id.interface, &mut functions)?;
        writeln!(world, "  import {id};").expect("writing to a string succeeds");
        packages.entry(id.declaration()).or_default().push_str(&indented(&text));
    }
    writeln!(world, "  export {API};\n}}").expect("writing to a string succeeds");
    let mut wit = format!("package marine:{};\n\n{}\n{world}", escaped(module), own_interface(items)?);
    for (package, interfaces) in packages {
        write!(wit, "\n{package} {{\n{interfaces}}}\n").expect("writing to a string succeeds");
    }
    Ok(wit)
}

fn own_interface(items: &Items) -> Result<String, EncodeError> {
    let mut functions = Vec::with_capacity(items.exports.len());
    for export in &items.exports {
        let name = kebab_case(&export.name)?;
        let Export { name: rust, docs, params, result, .. } = export;
        functions.push(Function { name, rust, docs, params, result });
    }
    interface(API, &mut functions)
}

/// The interface id of an import's source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InterfaceId {
    /// `acme:store`.
    package: String,
    /// `api`.
    interface: String,
    /// `1.2.0`, or nothing.
    version: String,
}

impl InterfaceId {
    /// Reads a module name or an interface id such as `acme:store/api@1.2.0`.
    pub(super) fn of_source(source: &str) -> Result<InterfaceId, EncodeError> {
        let Some((namespace, rest)) = source.split_once(':') else {
            return Ok(InterfaceId {
                package: format!("marine:{}", kebab_case(source)?),
                interface: API.to_owned(),
                version: String::new(),
            });
        };
        let (path, version) = rest.split_once('@').unwrap_or((rest, ""));
        let Some((package, interface)) = path.split_once('/') else {
            let why = "an interface id reads `namespace:package/interface@version`";
            return Err(NameError { name: source.chars().take(60).collect(), why }.into());
        };
        for name in [namespace, package, interface] {
            super::names::check_label(name)?;
        }
        if !version.is_empty() && semver::Version::parse(version).is_err() {
            let why = "what follows `@` is not a version such as 1.2.0";
            return Err(NameError { name: source.chars().take(60).collect(), why }.into());
        }
        Ok(InterfaceId {
            package: format!("{namespace}:{package}"),
            interface: interface.to_owned(),
            version: version.to_owned(),
        })
    }

    /// The id as the core module's imports spell it.
    pub(super) fn core_name(&self) -> String {
        let InterfaceId { package, interface, version } = self;
        if version.is_empty() { format!("{package}/{interface}") } else { format!("{package}/{interface}@{version}") }
    }

    fn escaped_package(&self) -> String {
        self.package.split(':').map(escaped).collect::<Vec<_>>().join(":")
    }

    /// The head of the package that declares it.
    fn declaration(&self) -> String {
        let version = if self.version.is_empty() { String::new() } else { format!("@{}", self.version) };
        format!("package {}{version}", self.escaped_package())
    }
}

impl std::fmt::Display for InterfaceId {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}/{}", self.escaped_package(), escaped(&self.interface))?;
        if self.version.is_empty() { Ok(()) } else { write!(to, "@{}", self.version) }
    }
}

/// Imported functions by interface. One function may be declared in several blocks if the declarations agree.
fn imported(items: &Items) -> Result<BTreeMap<InterfaceId, Vec<Function<'_>>>, EncodeError> {
    let mut interfaces: BTreeMap<InterfaceId, Vec<Function<'_>>> = BTreeMap::new();
    for import in &items.imports {
        let functions = interfaces.entry(InterfaceId::of_source(&import.source)?).or_default();
        let name = kebab_case(&import.name)?;
        let Import { name: rust, docs, params, result, .. } = import;
        let function = Function { name, rust, docs, params, result };
        match functions.iter().find(|other| other.name == function.name) {
            None => functions.push(function),
            Some(other) if other.agrees(&function) => {}
            Some(other) => {
                return Err(EncodeError::Collision {
                    what: format!("`{}` is imported from `{}` with two signatures", import.name, import.source),
                    first: other.shown(),
                    second: function.shown(),
                    help: "make the import blocks agree",
                });
            }
        }
    }
    Ok(interfaces)
}

impl Function<'_> {
    fn agrees(&self, other: &Function<'_>) -> bool {
        let pairs = self.params.iter().zip(other.params);
        self.params.len() == other.params.len()
            && pairs.into_iter().all(|(a, b)| a.name == b.name && a.ty.same(&b.ty))
            && self.result.same(other.result)
    }

    fn shown(&self) -> String {
        let params: Vec<_> = self.params.iter().map(|param| format!("{}: {}", param.name, param.ty.shown())).collect();
        let result = if *self.result == Type::Unit { String::new() } else { format!(" -> {}", self.result.shown()) };
        format!("fn {}({}){result}", self.rust, params.join(", "))
    }
}

/// The text of one interface.
fn interface(name: &str, functions: &mut [Function<'_>]) -> Result<String, EncodeError> {
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    let functions = &*functions;
    let mut types = Types::new(functions)?;
    let mut body = String::new();
    for function in functions {
        body.push('\n');
        write_docs(&mut body, 1, function.docs);
        let mut params = Vec::with_capacity(function.params.len());
        let mut seen: Vec<(String, &str)> = Vec::new();
        for param in function.params {
            let label = param_name(&param.name)?;
            distinct(&mut seen, &label, &param.name, &format!("parameters of `{}`", function.name))?;
            params.push(format!("{}: {}", escaped(&label), types.reference(&param.ty)?));
        }
        let result = match function.result {
            Type::Unit => String::new(),
            result => format!(" -> {}", types.reference(result)?),
        };
        writeln!(body, "  {}: func({}){result};", escaped(&function.name), params.join(", "))
            .expect("writing to a string succeeds");
    }
    let declared = types.text;
    let body = if declared.is_empty() { body.trim_start_matches('\n').to_owned() } else { body };
    Ok(format!("interface {} {{\n{}{body}}}\n", escaped(name), declared.trim_start_matches('\n')))
}

/// The named types of one interface, written out as they are met.
struct Types<'i> {
    functions: Vec<String>,
    /// WIT name, as derived from the name in Rust, to the type that has it.
    named: BTreeMap<String, &'i Type>,
    text: String,
}

impl<'i> Types<'i> {
    fn new(functions: &[Function<'_>]) -> Result<Types<'i>, EncodeError> {
        // They are sorted, so equal names are neighbours.
        if let Some([first, second]) = functions.array_windows().find(|[first, second]| first.name == second.name) {
            return Err(EncodeError::Collision {
                what: format!("two functions are called `{}` in WIT", first.name),
                first: first.shown(),
                second: second.shown(),
                help: "rename one with #[marine(name = \"..\")]",
            });
        }
        let functions = functions.iter().map(|function| function.name.clone()).collect();
        Ok(Types { functions, named: BTreeMap::new(), text: String::new() })
    }

    /// How a signature refers to `ty`; declares it before if it has a name.
    fn reference(&mut self, ty: &'i Type) -> Result<String, EncodeError> {
        Ok(match ty {
            Type::List(inner) | Type::Fixed(_, inner) => format!("list<{}>", self.reference(inner)?),
            Type::Option(inner) => format!("option<{}>", self.reference(inner)?),
            Type::Result(ok, err) => match (&**ok, &**err) {
                (Type::Unit, Type::Unit) => "result".to_owned(),
                (ok, Type::Unit) => format!("result<{}>", self.reference(ok)?),
                (ok, err) => format!("result<{}, {}>", self.reference(ok)?, self.reference(err)?),
            },
            Type::Tuple(types) => {
                let types = types.iter().map(|ty| self.reference(ty)).collect::<Result<Vec<_>, _>>()?;
                format!("tuple<{}>", types.join(", "))
            }
            Type::Record(name, ..) | Type::Enum(name, ..) | Type::Variant(name, ..) => self.declare(name, ty)?,
            Type::Unit => "_".to_owned(),
            scalar => scalar.scalar().unwrap_or_default().to_owned(),
        })
    }

    fn declare(&mut self, rust: &str, ty: &'i Type) -> Result<String, EncodeError> {
        let mut name = kebab_case(rust)?;
        while self.functions.contains(&name) {
            name.push_str(TYPE_SUFFIX);
        }
        match self.named.get(&name) {
            Some(known) if known.same(ty) => return Ok(escaped(&name)),
            Some(known) => {
                return Err(EncodeError::Collision {
                    what: format!("two types are called `{name}` in WIT"),
                    first: known.shown(),
                    second: ty.shown(),
                    help: "rename one with #[marine(name = \"..\")]",
                });
            }
            None => {
                self.named.insert(name.clone(), ty);
            }
        }
        let declaration = self.declaration(&escaped(&name), ty)?;
        // Types that this one uses were written while it was put together, so they stand before it.
        self.text.push('\n');
        self.text.push_str(&declaration);
        Ok(escaped(&name))
    }

    fn declaration(&mut self, name: &str, ty: &'i Type) -> Result<String, EncodeError> {
        let mut text = String::new();
        match ty {
            Type::Record(_, docs, fields) => {
                write_docs(&mut text, 1, docs);
                self.record(&mut text, name, fields)?;
            }
            Type::Enum(_, docs, cases) => {
                write_docs(&mut text, 1, docs);
                self.cases(&mut text, "enum", name, cases)?;
            }
            Type::Variant(_, docs, cases) => {
                write_docs(&mut text, 1, docs);
                self.cases(&mut text, "variant", name, cases)?;
            }
            _ => {}
        }
        Ok(text)
    }

    fn record(&mut self, text: &mut String, name: &str, fields: &'i [Field]) -> Result<(), EncodeError> {
        let mut seen = Vec::new();
        writeln!(text, "  record {name} {{").expect("writing to a string succeeds");
        for field in fields {
            let label = kebab_case(&field.name)?;
            distinct(&mut seen, &label, &field.name, &format!("fields of `{name}`"))?;
            write_docs(text, 2, &field.docs);
            let ty = self.reference(&field.ty)?;
            writeln!(text, "    {}: {ty},", escaped(&label)).expect("writing to a string succeeds");
        }
        text.push_str("  }\n");
        Ok(())
    }

    fn cases(&mut self, text: &mut String, kind: &str, name: &str, cases: &'i [Case]) -> Result<(), EncodeError> {
        let mut seen = Vec::new();
        writeln!(text, "  {kind} {name} {{").expect("writing to a string succeeds");
        for case in cases {
            let label = kebab_case(&case.name)?;
            distinct(&mut seen, &label, &case.name, &format!("cases of `{name}`"))?;
            write_docs(text, 2, &case.docs);
            let payload = match &case.ty {
                Type::Unit => String::new(),
                ty => format!("({})", self.reference(ty)?),
            };
            writeln!(text, "    {}{payload},", escaped(&label)).expect("writing to a string succeeds");
        }
        text.push_str("  }\n");
        Ok(())
    }
}

/// Records `label`, which no earlier name of the same list may have.
fn distinct<'n>(seen: &mut Vec<(String, &'n str)>, label: &str, rust: &'n str, among: &str) -> Result<(), EncodeError> {
    if let Some((_, other)) = seen.iter().find(|(known, _)| known == label) {
        return Err(EncodeError::Collision {
            what: format!("two {among} are called `{label}` in WIT"),
            first: (*other).to_owned(),
            second: rust.to_owned(),
            help: "rename one with #[marine(name = \"..\")]",
        });
    }
    seen.push((label.to_owned(), rust));
    Ok(())
}

/// Doc comments as WIT writes them. Control characters, which WIT refuses, are left out.
fn write_docs(text: &mut String, level: usize, docs: &str) {
    for line in docs.lines() {
        let line: String = line.chars().filter(|c| !c.is_control() && !is_bidi(*c)).collect();
        writeln!(text, "{:1$}{2}", "", level * 2, format!("/// {}", line.trim()).trim_end())
            .expect("writing to a string succeeds");
    }
}

/// Characters that reorder text, and a few deprecated ones: the WIT lexer refuses them wherever they stand.
fn is_bidi(c: char) -> bool {
    matches!(
        c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{149}' | '\u{673}' | '\u{f77}' | '\u{f79}' | '\u{17a3}' | '\u{17a4}'
            | '\u{17b4}' | '\u{17b5}'
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}
