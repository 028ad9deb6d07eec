//! What `marine new` writes: the directories of `templates/`, embedded in the binary.
//!
//! Files whose names end in `.jinja` are rendered with `name` (the service), `ident` (the same as Rust writes it), `sdk` and `test` (the
//! dependencies on marine-sdk and marine-test); all others are written as they are. `gitignore` becomes `.gitignore`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::exit::{Exit, Fail, Failure, Outcome};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// The checkout this binary was built from, if it is still there.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// One thing that `marine new` can start from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// Every template; the first is what `marine new` takes unless told otherwise.
pub(crate) const TEMPLATES: &[Template] = &[
    Template { name: "greeting", about: "one module with one function" },
    Template { name: "two-modules", about: "a facade that imports a second module, which alone may use a directory" },
    Template { name: "kv-counter", about: "counts that outlive restarts, in a key-value store" },
    Template { name: "http-wrap", about: "an HTTP API as a service with types" },
    Template { name: "bin-wrap", about: "a program of the host as a service" },
    Template { name: "sqlite", about: "SQLite as a module: notes with full-text search in a file" },
    Template { name: "python-module", about: "a module in Python, called from Rust" },
    Template { name: "aqua-workflow", about: "a workflow in Aqua, and the service that it calls at other peers" },
];

impl Template {
    /// Looks a template up by name.
    pub(crate) fn find(name: &str) -> Outcome<Self> {
        TEMPLATES.iter().find(|template| template.name == name).copied().ok_or_else(|| {
            let nearest = TEMPLATES.iter().max_by(|a, b| similarity(a, name).total_cmp(&similarity(b, name)));
            let hint =
                nearest.map(|template| format!("did you mean `{}`? `marine new --list` shows them all", template.name));
            Failure::new(Exit::Usage, format!("there is no template `{name}`")).help(hint.unwrap_or_default())
        })
    }

    /// Writes a project called `name` into `dir`. A file is touched only if its content changes, so that a build of the
    /// same project is not started anew.
    pub(crate) fn write(self, name: &str, dir: &Path) -> Outcome<Vec<PathBuf>> {
        let root = FILES
            .get_dir(self.name)
            .ok_or_else(|| Failure::new(Exit::Unexpected, format!("template `{}` is not embedded", self.name)))?;
        let mut written = Vec::new();
        for file in files(root) {
            let relative = file.path().strip_prefix(self.name).or_exit(Exit::Unexpected)?;
            let (path, content) = render(relative, file.contents(), name)?;
            put(&dir.join(&path), &content)
                .or_fail(Exit::Unexpected, format!("cannot write `{}`", dir.join(&path).display()))?;
            written.push(path);
        }
        if let Some(lock) = checkout_lock() {
            // Dependencies in the versions that Marine itself was built with: nothing has to be downloaded anew.
            let target = dir.join("Cargo.lock");
            if !target.exists() {
                put(&target, &lock).or_fail(Exit::Unexpected, format!("cannot write `{}`", target.display()))?;
            }
        }
        written.sort();
        Ok(written)
    }
}

/// Whether `name` can name a service, a Cargo package and a WIT interface alike.
pub(crate) fn check_name(name: &str) -> Outcome<()> {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if name.len() <= 64 && name.split('-').all(word) {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("`{name}` cannot name a service")).help(
        "use lower-case words of letters and digits joined by dashes, each beginning with a letter: `price-list`",
    ))
}

fn similarity(template: &Template, name: &str) -> f64 {
    strsim::jaro_winkler(template.name, name)
}

fn files<'a>(dir: &'a Dir<'a>) -> Vec<&'a include_dir::File<'a>> {
    dir.files().chain(dir.dirs().flat_map(files)).collect()
}

fn render(path: &Path, content: &[u8], name: &str) -> Outcome<(PathBuf, Vec<u8>)> {
    if path.extension().is_none_or(|extension| extension != "jinja") {
        let renamed = match path.file_name() {
            Some(file) if file == "gitignore" => path.with_file_name(".gitignore"),
            _ => path.to_path_buf(),
        };
        return Ok((renamed, content.to_vec()));
    }
    let source = str::from_utf8(content).or_exit(Exit::Unexpected)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().or_exit(Exit::Unexpected)?);
    let text = environment
        .render_str(source, context! { name, ident => name.replace('-', "_"), sdk => sdk_dependency(), test => dependency("marine-test") })
        .or_fail(Exit::Unexpected, format!("template file `{}`", path.display()))?;
    Ok((path.with_extension(""), text.into_bytes()))
}

/// What stands behind `marine-sdk =`.
pub(crate) fn sdk_dependency() -> String {
    dependency("marine-sdk")
}

/// What stands behind `<package> =`: the checkout's own package if there is a checkout, else the published version.
fn dependency(package: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match Path::new(CHECKOUT).join(package).canonicalize() {
        Ok(path) => format!("{{ path = {} }}", serde_json::Value::from(path.to_string_lossy().into_owned())),
        Err(_) => format!("\"{version}\""),
    }
}

/// Where our crate `package` lies, if there is a checkout.
pub(crate) fn checkout(package: &str) -> Option<PathBuf> {
    Path::new(CHECKOUT).join(package).canonicalize().ok()
}

fn checkout_lock() -> Option<Vec<u8>> {
    fs::read(Path::new(CHECKOUT).join("Cargo.lock")).ok()
}

fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_lists_what_is_embedded() {
        let embedded: BTreeSet<_> = FILES.dirs().filter_map(|dir| dir.path().to_str()).collect();
        assert_eq!(embedded, TEMPLATES.iter().map(|template| template.name).collect());
    }

    #[test]
    fn templates_render_and_their_readme_is_short() {
        for template in TEMPLATES {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let written = template.write("price-list", dir.path()).expect("rendered");
            assert!(
                written.contains(&PathBuf::from("Marine.toml")) && written.contains(&PathBuf::from(".gitignore")),
                "{written:?}"
            );
            let manifest = fs::read_to_string(dir.path().join("Marine.toml")).expect("a manifest");
            assert!(manifest.contains("name = \"price-list\""), "{manifest}");
            let readme = fs::read_to_string(dir.path().join("README.md")).expect("a readme");
            assert!(
                readme.lines().count() <= 40,
                "the README of {} has {} lines",
                template.name,
                readme.lines().count()
            );
        }
    }

    #[test]
    fn names_fit_cargo_and_wit() {
        for name in ["shop", "price-list", "a1-b2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "Shop", "price_list", "-a", "a--b", "1a", "a-1", "straße"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
