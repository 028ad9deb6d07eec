//! The bundled library: Aqua declarations of what nodes offer, and functions for programs over many peers.

/// Paths, without any prefix, and texts.
const FILES: &[(&str, &str)] = &[
    ("aqua-lib/builtin.aqua", include_str!("../aqua-lib/builtin.aqua")),
    ("aqua-lib/math.aqua", include_str!("../aqua-lib/math.aqua")),
    ("aqua-lib/marine.aqua", include_str!("../aqua-lib/marine.aqua")),
    ("aqua-lib/workers.aqua", include_str!("../aqua-lib/workers.aqua")),
    ("aqua-lib/subnet.aqua", include_str!("../aqua-lib/subnet.aqua")),
    ("marine/discovery.aqua", include_str!("../lib/discovery.aqua")),
    ("marine/election.aqua", include_str!("../lib/election.aqua")),
    ("marine/quorum.aqua", include_str!("../lib/quorum.aqua")),
    ("marine/replication.aqua", include_str!("../lib/replication.aqua")),
    ("marine/retry.aqua", include_str!("../lib/retry.aqua")),
];

/// Where the published library of that name is looked for.
const SCOPE: &str = "@fluencelabs/";

/// What stands before the path of a bundled file, so that it is no file of the project.
const PREFIX: &str = "bundled:";

/// The name under which a bundled file is known to a compilation, if there is one at this import path.
pub(crate) fn find(import: &str) -> Option<String> {
    let path = import.strip_prefix(SCOPE).unwrap_or(import);
    FILES.iter().any(|(name, _)| *name == path).then(|| format!("{PREFIX}{path}"))
}

/// The text of a bundled file.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    let path = path.strip_prefix(PREFIX)?;
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The import paths of all bundled files.
pub fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}
