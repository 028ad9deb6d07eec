//! Which arguments a program may be run with, and what they become: guest paths turn into paths of the host.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use marine_manifest::{ArgPolicy, ArgToken, HostGrant};

use crate::host::http::Target;
use crate::host::reach::Place;

/// The most arguments of one run.
const MAX_ARGS: usize = 256;
/// The most bytes of all arguments of one run together.
const MAX_BYTES: usize = 128 * 1024;

/// `args` as the program gets them.
///
/// # Errors
/// Which rule refuses them.
pub(super) fn check(
    policy: &ArgPolicy,
    args: &[String],
    places: &[Place],
    hosts: &BTreeSet<HostGrant>,
) -> Result<Vec<OsString>, String> {
    if args.len() > MAX_ARGS || args.iter().map(String::len).sum::<usize>() > MAX_BYTES {
        return Err(format!("a program gets at most {MAX_ARGS} arguments of {} KiB together", MAX_BYTES / 1024));
    }
    if args.iter().any(|arg| arg.contains('\0')) {
        return Err("an argument holds NUL".to_owned());
    }
    let ArgPolicy::Templates(templates) = policy else { return Ok(args.iter().map(OsString::from).collect()) };
    let mut refusal = String::new();
    for template in templates {
        match fit(template, args, places, hosts) {
            Ok(fitting) => return Ok(fitting),
            Err(why) => refusal = why,
        }
    }
    Err(match templates.as_slice() {
        [_] => format!("the arguments do not fit {policy}: {refusal}"),
        _ => format!("the arguments fit none of {policy}"),
    })
}

fn fit(
    template: &[ArgToken],
    args: &[String],
    places: &[Place],
    hosts: &BTreeSet<HostGrant>,
) -> Result<Vec<OsString>, String> {
    let open = template.last() == Some(&ArgToken::Rest);
    let fixed = if open { &template[..template.len() - 1] } else { template };
    if args.len() < fixed.len() || (args.len() > fixed.len() && !open) {
        return Err(format!(
            "it takes {}{} arguments, got {}",
            if open { "at least " } else { "" },
            fixed.len(),
            args.len()
        ));
    }
    let mut fitting = Vec::with_capacity(args.len());
    for (token, arg) in fixed.iter().zip(args) {
        fitting.push(one(token, arg, places, hosts)?);
    }
    fitting.extend(args[fixed.len()..].iter().map(OsString::from));
    Ok(fitting)
}

fn one(token: &ArgToken, arg: &str, places: &[Place], hosts: &BTreeSet<HostGrant>) -> Result<OsString, String> {
    let fits = match token {
        ArgToken::Any | ArgToken::Rest => true,
        ArgToken::Literal(text) => text == arg,
        ArgToken::Int => {
            arg.strip_prefix('-').unwrap_or(arg).bytes().all(|byte| byte.is_ascii_digit())
                && arg.len() < 40
                && arg.bytes().any(|byte| byte.is_ascii_digit())
        }
        ArgToken::Host => is_granted_host(arg, hosts),
        ArgToken::Path(dir) => return translate(dir, arg, places),
    };
    if fits { Ok(arg.into()) } else { Err(format!("{:?} is not `{token}`", excerpt(arg))) }
}

/// Whether `arg` is a host that may be reached, or a URL on one.
fn is_granted_host(arg: &str, hosts: &BTreeSet<HostGrant>) -> bool {
    let covered = |scheme, host: &str, port| hosts.iter().any(|grant| grant.covers(scheme, host, port));
    if arg.contains("://") {
        return Target::parse(arg).is_ok_and(|target| covered(target.scheme, &target.host, target.port));
    }
    let Ok(named) = arg.parse::<HostGrant>() else { return false };
    let host = named.host.to_string();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    !host.contains('*')
        && !arg.starts_with('-')
        && hosts.iter().any(|grant| {
            covered(grant.scheme, host, grant.port)
                && (named.port == grant.port || !arg.ends_with(&format!(":{}", named.port)))
        })
}

/// The host's path of `arg`, a path of the guest in its directory `dir`.
fn translate(dir: &str, arg: &str, places: &[Place]) -> Result<OsString, String> {
    let outside = || format!("{:?} does not lie in {dir}", excerpt(arg));
    let place = places.iter().find(|place| place.guest == dir).ok_or_else(|| format!("{dir} is not granted"))?;
    let inner = match arg.strip_prefix(dir) {
        Some("") => "",
        Some(rest) => rest.strip_prefix('/').ok_or_else(outside)?,
        None => return Err(outside()),
    };
    let inner = Path::new(inner);
    if inner.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let base = place.path.canonicalize().map_err(|cause| format!("{dir}: {cause}"))?;
    let path = resolved(&base.join(inner)).map_err(|cause| format!("{:?}: {cause}", excerpt(arg)))?;
    if path.starts_with(&base) { Ok(path.into_os_string()) } else { Err(outside()) }
}

/// `path` without links; what does not exist yet stays as it is.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let mut rest = Vec::new();
    let mut known = path;
    loop {
        match known.canonicalize() {
            Ok(real) => return Ok(rest.iter().rev().fold(real, |path, part| path.join(part))),
            // A dangling link leads to a place that cannot be judged.
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound || known.is_symlink() => return Err(cause),
            Err(cause) => match (known.parent(), known.file_name()) {
                (Some(parent), Some(name)) => {
                    rest.push(name);
                    known = parent;
                }
                _ => return Err(cause),
            },
        }
    }
}

pub(super) fn excerpt(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { cut + ".." } else { cut }
}

#[cfg(test)]
mod tests {
    use marine_manifest::Mode;

    use super::*;

    #[test]
    fn arguments_fit_a_template_or_are_refused_with_the_rule() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = dir.path().join("shelf");
        std::fs::create_dir(&shelf).unwrap();
        std::fs::write(shelf.join("note"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        #[cfg(unix)]
        for (target, link) in [("../secret", "out"), ("/etc", "etc"), ("note", "near"), ("/nowhere/at/all", "dangling")]
        {
            std::os::unix::fs::symlink(target, shelf.join(link)).unwrap();
        }
        let places = [Place { guest: "/in".into(), path: shelf.clone(), mode: Mode::ReadOnly }];
        let hosts = ["https://example.com", "http://[::1]:8080"].map(|host| host.parse().unwrap()).into();
        let run = |templates: &[&[&str]], args: &[&str]| {
            let templates: Vec<Vec<&str>> = templates.iter().map(|template| template.to_vec()).collect();
            let policy = ArgPolicy::templates(&templates).unwrap();
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            check(&policy, &args, &places, &hosts)
        };
        let host_path = |name: &str| shelf.canonicalize().unwrap().join(name).into_os_string();

        let one: &[&[&str]] = &[&["-n", "<path:/in>", "<int>"]];
        assert_eq!(run(one, &["-n", "/in/note", "-3"]), Ok(vec!["-n".into(), host_path("note"), "-3".into()]));
        assert_eq!(run(one, &["-n", "/in/new/file", "3"]).unwrap()[1], host_path("new/file"));
        let rest: &[&[&str]] = &[&["-v"], &["<any>", "<rest>"]];
        assert_eq!(run(rest, &["a", "b", "c"]).unwrap().len(), 3);
        assert!(run(&[&[]], &[]).is_ok() && run(&[], &[]).is_err());
        let path: &[&[&str]] = &[&["<path:/in>"]];
        #[cfg(unix)]
        assert_eq!(run(path, &["/in/near"]), Ok(vec![host_path("note")]));
        for outside in
            ["/in/../secret", "/in/out", "/in/etc/passwd", "/in/dangling", "/inside", "/etc/passwd", "note", "-rf"]
        {
            assert!(run(path, &[outside]).is_err(), "{outside}");
        }
        let host: &[&[&str]] = &[&["<host>"]];
        for granted in ["example.com", "example.com:443", "https://example.com/a?b#c", "http://[::1]:8080/"] {
            assert!(run(host, &[granted]).is_ok(), "{granted}");
        }
        for refused in [
            "example.org",
            "http://example.com",
            "https://example.com@evil.org/",
            "https://{example.com,evil.org}",
            "example.com:80",
            "-example.com",
            "*",
            "file:///etc/passwd",
            "https://example.com:8443/",
        ] {
            assert!(run(host, &[refused]).is_err(), "{refused}");
        }
        let refusals = [run(one, &["-n", "/in/note", "three"]), run(one, &["-n"]), run(rest, &[]), run(one, &["\0"])];
        insta::assert_snapshot!(refusals.map(Result::unwrap_err).join("\n"), @r#"
        the arguments do not fit `-n <path:/in> <int>`: "three" is not `<int>`
        the arguments do not fit `-n <path:/in> <int>`: it takes 3 arguments, got 1
        the arguments fit none of `-v` or `<any> <rest>`
        an argument holds NUL
        "#);
        let any: Vec<String> = vec!["x".repeat(MAX_BYTES + 1)];
        assert!(check(&ArgPolicy::Any, &any, &[], &hosts).is_err());
    }
}
