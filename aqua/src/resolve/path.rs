//! Paths of imports: text with `/` between its parts, resolved without touching any file system.

use crate::options::Options;

/// All places where `import` of the file `importer` may be, best first, except the bundled library.
pub(crate) fn candidates(importer: &str, import: &str, options: &Options) -> Vec<String> {
    let import = with_ending(import);
    let mut found = vec![join(folder(importer), &import)];
    let whole = join(&options.folder, importer);
    let fits = |rule: &&crate::options::ImportRule| whole.starts_with(&rule.from) && import.starts_with(&rule.import);
    let best = options.imports.iter().filter(fits).map(|rule| (rule.from.len(), rule.import.len())).max();
    for rule in options.imports.iter().filter(fits).filter(|rule| Some((rule.from.len(), rule.import.len())) == best) {
        let rest = import[rule.import.len()..].trim_start_matches('/');
        found.extend(rule.folders.iter().map(|folder| join(folder, rest)));
    }
    found.dedup();
    found
}

/// The path with `.aqua` behind it.
pub(crate) fn with_ending(path: &str) -> String {
    match path.ends_with(".aqua") {
        true => path.to_string(),
        false => format!("{path}.aqua"),
    }
}

/// All before the last `/`.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder })
}

/// `path` seen from `folder`, without `.` and `..` where they can be resolved.
pub(crate) fn join(folder: &str, path: &str) -> String {
    let absolute = path.starts_with('/') || (folder.starts_with('/') && !folder.is_empty());
    let mut parts: Vec<&str> = Vec::new();
    let whole = if path.starts_with('/') { "" } else { folder };
    for part in whole.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

/// The shortest way to write `path` in a file of the folder `from`.
pub(crate) fn relative(from: &str, path: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = vec![".."; from.len() - shared];
    [up, to[shared..].to_vec()].concat().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ImportRule;

    #[test]
    fn joins() {
        for (folder, path, want) in [
            ("", "a.aqua", "a.aqua"),
            ("x/y", "../a", "x/a"),
            ("x", "../../a", "../a"),
            ("/x", "./a", "/x/a"),
            ("x", "/a", "/a"),
            ("../x", "../a", "../a"),
        ] {
            assert_eq!(join(folder, path), want, "{folder} {path}");
        }
        assert_eq!([folder("/a"), folder("a"), folder("a/b/c")], ["/", "", "a/b"]);
        assert_eq!([relative("x/y", "x/z/a"), relative("", "b"), relative("x", "x/b")], ["../z/a", "b", "b"]);
    }

    #[test]
    fn the_longest_prefixes_win() {
        let rule = |from: &str, import: &str, folder: &str| ImportRule {
            from: from.to_string(),
            import: import.to_string(),
            folders: vec![folder.to_string()],
        };
        let imports = vec![rule("", "", "lib"), rule("", "@shop/", "shops"), rule("vendor/", "", "other")];
        let options = Options { imports, ..Options::default() };
        assert_eq!(candidates("src/a.aqua", "b", &options), ["src/b.aqua", "lib/b.aqua"]);
        assert_eq!(candidates("src/a.aqua", "@shop/b.aqua", &options), ["src/@shop/b.aqua", "shops/b.aqua"]);
        assert_eq!(candidates("vendor/a.aqua", "@shop/b", &options), ["vendor/@shop/b.aqua", "other/@shop/b.aqua"]);
        let imports = vec![rule("/home/", "", "/lib"), rule("/home/vendor/", "", "/other")];
        let options = Options { imports, folder: "/home/src".to_string(), ..Options::default() };
        assert_eq!(candidates("a.aqua", "b", &options), ["b.aqua", "/lib/b.aqua"]);
        assert_eq!(candidates("../vendor/a.aqua", "b", &options), ["../vendor/b.aqua", "/other/b.aqua"]);
        assert_eq!(candidates("/home/vendor/a.aqua", "b", &options), ["/home/vendor/b.aqua", "/other/b.aqua"]);
    }
}
