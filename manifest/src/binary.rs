//! Programs of the host that a module may run, and with which arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::grants::EnvValue;
use crate::names::{NameError, check_guest_path};

/// A granted program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryGrant {
    /// An absolute path, or a bare name that is looked up in `PATH`.
    pub path: String,
    /// With which arguments it may be run.
    pub args: ArgPolicy,
    /// Its variables; it gets none of the host's.
    pub env: BTreeMap<String, EnvValue>,
    /// A directory of the module to run in; none: a private, empty one.
    pub cwd: Option<String>,
    /// How long one run may take.
    pub timeout: Duration,
    /// Bytes of standard output, and of standard error, that are taken.
    pub max_output: u64,
    /// Bytes of address space that the program may use.
    pub memory: u64,
    /// What its file must hash to, in hex, checked at each run.
    pub blake3: Option<String>,
}

/// With which arguments a program may be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyText", into = "PolicyText")]
pub enum ArgPolicy {
    /// With any.
    Any,
    /// With those that match one of these templates.
    Templates(Vec<Vec<ArgToken>>),
}

/// One argument of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgToken {
    /// This text.
    Literal(String),
    /// `<any>`: any text.
    Any,
    /// `<int>`: a whole number.
    Int,
    /// `<rest>`: any number of arguments; only at the end.
    Rest,
    /// `<host>`: a host that the module may reach, or a URL on one.
    Host,
    /// `<path:/dir>`: a path in this directory of the module, which becomes the host's path.
    Path(String),
}

impl BinaryGrant {
    /// How long a run may take if nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// How many bytes of an output are taken if nothing is said.
    pub const MAX_OUTPUT: u64 = 16 << 20;
    /// How many bytes of address space a program may use if nothing is said.
    pub const MEMORY: u64 = 1 << 30;

    /// `path` with the defaults: any arguments, no variables, a private directory.
    pub fn new(path: impl Into<String>) -> BinaryGrant {
        BinaryGrant {
            path: path.into(),
            args: ArgPolicy::Any,
            env: BTreeMap::new(),
            cwd: None,
            timeout: BinaryGrant::TIMEOUT,
            max_output: BinaryGrant::MAX_OUTPUT,
            memory: BinaryGrant::MEMORY,
            blake3: None,
        }
    }
}

impl ArgPolicy {
    /// Whether whatever `wanted` allows is allowed by this policy too, as far as templates tell by themselves.
    pub fn includes(&self, wanted: &ArgPolicy) -> bool {
        match (self, wanted) {
            (ArgPolicy::Any, _) => true,
            (ArgPolicy::Templates(_), ArgPolicy::Any) => false,
            (ArgPolicy::Templates(ours), ArgPolicy::Templates(theirs)) => theirs.iter().all(|one| ours.contains(one)),
        }
    }
}

impl FromStr for ArgToken {
    type Err = NameError;

    fn from_str(text: &str) -> Result<ArgToken, NameError> {
        let Some(inner) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
            return if text.contains('\0') {
                Err(NameError("an argument cannot hold NUL".to_owned()))
            } else {
                Ok(ArgToken::Literal(text.to_owned()))
            };
        };
        match inner.split_once(':') {
            None if inner == "any" => Ok(ArgToken::Any),
            None if inner == "int" => Ok(ArgToken::Int),
            None if inner == "rest" => Ok(ArgToken::Rest),
            None if inner == "host" => Ok(ArgToken::Host),
            Some(("path", dir)) => {
                check_guest_path(dir)?;
                Ok(ArgToken::Path(dir.to_owned()))
            }
            _ => Err(NameError(format!(
                "`{text}` is no token: expected `<any>`, `<int>`, `<rest>`, `<host>`, `<path:/dir>` or a literal"
            ))),
        }
    }
}

impl fmt::Display for ArgToken {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgToken::Literal(text) => to.write_str(text),
            ArgToken::Any => to.write_str("<any>"),
            ArgToken::Int => to.write_str("<int>"),
            ArgToken::Rest => to.write_str("<rest>"),
            ArgToken::Host => to.write_str("<host>"),
            ArgToken::Path(dir) => write!(to, "<path:{dir}>"),
        }
    }
}

impl ArgPolicy {
    /// The policy of `templates`.
    ///
    /// # Errors
    /// What is wrong with which token.
    pub fn templates<T: AsRef<str>>(templates: &[Vec<T>]) -> Result<ArgPolicy, NameError> {
        let template = |tokens: &Vec<T>| {
            let tokens = tokens.iter().map(|token| token.as_ref().parse()).collect::<Result<Vec<ArgToken>, _>>()?;
            let rest = tokens.iter().position(|token| *token == ArgToken::Rest);
            match rest {
                Some(at) if at + 1 < tokens.len() => Err(NameError("`<rest>` stands at the end".to_owned())),
                _ => Ok(tokens),
            }
        };
        templates.iter().map(template).collect::<Result<_, _>>().map(ArgPolicy::Templates)
    }

    /// The directories that templates name.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let templates = match self {
            ArgPolicy::Any => [].as_slice(),
            ArgPolicy::Templates(templates) => templates,
        };
        templates.iter().flatten().filter_map(|token| match token {
            ArgToken::Path(dir) => Some(dir.as_str()),
            _ => None,
        })
    }
}

impl fmt::Display for ArgPolicy {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArgPolicy::Templates(templates) = self else { return to.write_str("any arguments") };
        for (index, template) in templates.iter().enumerate() {
            let words: Vec<String> = template.iter().map(ToString::to_string).collect();
            write!(to, "{}`{}`", if index == 0 { "" } else { " or " }, words.join(" "))?;
        }
        Ok(())
    }
}

/// How a policy is written: `"any"` or lists of tokens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum PolicyText {
    Any(String),
    Templates(Vec<Vec<String>>),
}

impl TryFrom<PolicyText> for ArgPolicy {
    type Error = NameError;

    fn try_from(text: PolicyText) -> Result<ArgPolicy, NameError> {
        match text {
            PolicyText::Any(word) if word == "any" => Ok(ArgPolicy::Any),
            PolicyText::Any(word) => Err(NameError(format!("`{word}` is no policy: expected \"any\" or templates"))),
            PolicyText::Templates(templates) => ArgPolicy::templates(&templates),
        }
    }
}

impl From<ArgPolicy> for PolicyText {
    fn from(policy: ArgPolicy) -> PolicyText {
        match policy {
            ArgPolicy::Any => PolicyText::Any("any".to_owned()),
            ArgPolicy::Templates(templates) => {
                let words = |tokens: Vec<ArgToken>| tokens.iter().map(ToString::to_string).collect();
                PolicyText::Templates(templates.into_iter().map(words).collect())
            }
        }
    }
}
