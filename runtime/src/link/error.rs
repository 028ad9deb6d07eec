//! Why modules do not link. Codes `M4xx` are never reused.

use std::fmt;

use crate::names;

/// The most modules of a service.
pub(crate) const MAX_MODULES: usize = 64;

/// Every reason why a service does not link; never empty.
#[derive(Debug)]
pub struct LinkErrors(pub(crate) Vec<LinkError>);

impl LinkErrors {
    /// The reasons, in the order of the modules.
    pub fn iter(&self) -> impl Iterator<Item = &LinkError> {
        self.0.iter()
    }
}

impl fmt::Display for LinkErrors {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(to, "{}{}", if index == 0 { "" } else { "\n" }, error.report())?;
        }
        Ok(())
    }
}

impl std::error::Error for LinkErrors {}

/// One reason why a service does not link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields hold")]
pub enum LinkError {
    #[error("`{importer}` imports `{import}`, but the service has no module `{module}`")]
    MissingModule { importer: String, import: String, module: String, nearest: Option<String> },
    #[error("`{provider}` has no function `{function}`, which `{importer}` imports")]
    MissingFunction { importer: String, provider: String, function: String, offered: Vec<String> },
    #[error("`{importer}` and `{provider}` disagree about `{function}`")]
    Mismatch { importer: String, provider: String, function: String, wanted: String, offered: String },
    #[error("modules import each other in a circle: {}", path.join(" -> "))]
    Cycle { path: Vec<String> },
    #[error("`{0}` imports itself")]
    SelfImport(String),
    #[error("two modules are called `{0}`")]
    Duplicate(String),
    #[error(
        "`{importer}` has more names for the types of `{function}` than `{provider}`: nothing of `{provider}` is left for `{wanted}`"
    )]
    TypeName { importer: String, provider: String, function: String, wanted: String },
    #[error("`{importer}` imports `{import}`: {cause}")]
    Host { importer: String, import: String, cause: String },
    #[error("`{importer}` imports `{import}`, which neither the host nor a module of the service offers")]
    Nobody { importer: String, import: String },
    #[error("`{module}` uses a {what} in `{function}` of `{interface}`, which cannot pass between modules")]
    Unsupported { module: String, interface: String, function: String, what: &'static str },
    #[error("several modules offer `{import}`, which `{importer}` imports: {}", names::list(providers.iter().map(String::as_str)))]
    Ambiguous { importer: String, import: String, providers: Vec<String> },
    #[error("the service has {0} modules; a service has 1 to {MAX_MODULES}")]
    Count(usize),
    #[error("`{module}` exports several interfaces, and none is called `marine:{module}/api`: {}", names::list(interfaces.iter().map(String::as_str)))]
    ManyInterfaces { module: String, interfaces: Vec<String> },
    #[error("the facade `{facade}` is not a module of the service")]
    Facade { facade: String, nearest: Option<String> },
    #[error("`{module}` wires `{import}` by hand, but {cause}")]
    Needs { module: String, import: String, cause: String },
    #[error("`{module}` starts with {initial} bytes of memory, more than its cap of {cap} bytes")]
    Memory { module: String, initial: u64, cap: u64 },
    #[error("`{module}` exports no interface `{interface}`; it exports {}", names::list(exported.iter().map(String::as_str)))]
    Interface { module: String, interface: String, exported: Vec<String> },
    #[error(
        "{} wants `{module}` {wanted}, but {}",
        importer.as_ref().map_or("the manifest".to_owned(), |name| format!("`{name}`")),
        found.as_ref().map_or("it does not say its version".to_owned(), |version| format!("it is {version}"))
    )]
    Version { module: String, importer: Option<String>, wanted: String, found: Option<String> },
    #[error("`{module}` runs the program `{program}`, which it is not granted")]
    NotGranted { module: String, program: String },
    #[error("`{module}` is granted the program `{program}`, but {path}: {cause}")]
    Program { module: String, program: String, path: String, cause: String },
    #[error("`{module}` is {found}, and {pinned} is pinned")]
    Pinned { module: String, found: String, pinned: String },
}

impl LinkError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LinkError::MissingModule { .. } => "M401",
            LinkError::MissingFunction { .. } => "M402",
            LinkError::Mismatch { .. } => "M403",
            LinkError::Cycle { .. } => "M404",
            LinkError::SelfImport(_) => "M405",
            LinkError::Duplicate(_) => "M406",
            LinkError::TypeName { .. } => "M407",
            LinkError::Host { .. } => "M408",
            LinkError::Nobody { .. } => "M409",
            LinkError::Unsupported { .. } => "M410",
            LinkError::Ambiguous { .. } => "M411",
            LinkError::Count(_) => "M412",
            LinkError::ManyInterfaces { .. } => "M413",
            LinkError::Facade { .. } => "M414",
            LinkError::Needs { .. } => "M415",
            LinkError::Memory { .. } => "M416",
            LinkError::Interface { .. } => "M417",
            LinkError::Version { .. } => "M418",
            LinkError::NotGranted { .. } => "M419",
            LinkError::Program { .. } => "M420",
            LinkError::Pinned { .. } => "M421",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            LinkError::MissingModule { module, nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`? else add a `[[module]]` named `{module}`")
            }
            LinkError::MissingModule { module, .. } => format!("add a `[[module]]` named `{module}` to the manifest"),
            LinkError::MissingFunction { provider, function, offered, .. } => {
                let offers = names::list(offered.iter().map(String::as_str));
                match names::nearest(function, offered.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`? `{provider}` offers {offers}"),
                    None => format!("`{provider}` offers {offers}"),
                }
            }
            LinkError::Mismatch { importer, .. } => {
                format!("change the import block of `{importer}`, then build it again")
            }
            LinkError::Cycle { .. } | LinkError::SelfImport(_) => {
                "calls go one way: move what both need into a module of its own".to_owned()
            }
            LinkError::Duplicate(_) => "give one of them another name".to_owned(),
            LinkError::TypeName { importer, provider, .. } => {
                format!("use one name in `{importer}` for what is one type of `{provider}`; the fields already agree")
            }
            LinkError::Host { .. } => "build the module for what this host offers, or use a newer host".to_owned(),
            LinkError::Nobody { .. } => "add a module that exports it, or wire it with `needs`".to_owned(),
            LinkError::Unsupported { .. } => "pass plain values: numbers, texts, lists, records, variants".to_owned(),
            LinkError::Ambiguous { importer, import, .. } => {
                format!("choose one in `{importer}`: needs = {{ {import:?} = \"..\" }}")
            }
            LinkError::Count(0) => "list at least one `[[module]]`".to_owned(),
            LinkError::Count(_) => "split the service".to_owned(),
            LinkError::ManyInterfaces { module, .. } => {
                format!("choose one: `interface = \"..\"` in the module `{module}`")
            }
            LinkError::Facade { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            LinkError::Facade { .. } => "name one of the listed modules".to_owned(),
            LinkError::Needs { .. } => "remove the entry or correct it".to_owned(),
            LinkError::Memory { .. } => "raise `memory` of the module".to_owned(),
            LinkError::Interface { .. } => "name one of those in `interface`".to_owned(),
            LinkError::Version { .. } => "use another version of the module, or change the requirement".to_owned(),
            LinkError::NotGranted { module, program } => format!(
                "add to the module `{module}` of Marine.toml: binaries = {{ {program} = {{ path = {program:?}, args = [[\"<any>\"]] }} }}"
            ),
            LinkError::Program { .. } => "install the program, or correct `path`".to_owned(),
            LinkError::Pinned { module, .. } => {
                format!("find the pinned file again, or change `cid` of the module `{module}` if you trust this one")
            }
        }
    }

    /// Code, message, details and help, as shown to a user.
    pub fn report(&self) -> String {
        let details = match self {
            LinkError::Mismatch { importer, provider, function, wanted, offered } => {
                disagreement(importer, provider, function, wanted, offered)
            }
            _ => String::new(),
        };
        format!("error[{}]: {self}\n{details}help: {}", self.code(), self.help())
    }
}

/// Both signatures, one below the other, with a mark under the first difference.
fn disagreement(importer: &str, provider: &str, function: &str, wanted: &str, offered: &str) -> String {
    let width = importer.len().max(provider.len());
    let line = |who: &str, verb: &str, what: &str| format!("  {who:width$} {verb} {function}: {what}\n");
    let same = wanted.bytes().zip(offered.bytes()).take_while(|(a, b)| a == b).count();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'%';
    let start = offered.as_bytes()[..same].iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
    let word = |text: &str| text[start..].bytes().take_while(|byte| is_word(*byte)).count().max(1);
    let indent = 2 + width + " exports ".len() + function.len() + 2 + start;
    let word_of = |text: &str| text.get(start..start + word(text)).unwrap_or("nothing").to_owned();
    let (here, there) = (word_of(wanted), word_of(offered));
    let mark = format!("{:indent$}{} {here} here, {there} there\n", "", "^".repeat(word(offered)));
    line(importer, "imports", wanted) + &line(provider, "exports", offered) + &mark
}
