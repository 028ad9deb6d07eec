//! What the kernel is told about a program before it runs: a session of its own, limits, no new privileges, and which files it may touch.

#![cfg_attr(not(unix), expect(unused, reason = "other systems have none of this"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Files that a program may have open at once.
const OPEN_FILES: u64 = 256;

/// Bounds on a program.
pub(super) struct Bounds {
    /// Processor time.
    pub(super) time: Duration,
    /// Bytes of address space.
    pub(super) memory: u64,
    /// Where it may read.
    pub(super) readable: Vec<PathBuf>,
    /// Where it may write as well.
    pub(super) writable: Vec<PathBuf>,
}

/// Makes `command` start under `bounds`. Says what the kernel cannot enforce.
///
/// # Errors
/// If the kernel refuses what it offers.
#[cfg(unix)]
#[expect(unsafe_code, reason = "limits are set in the new process, between fork and exec")]
pub(super) fn confine(command: &mut Command, program: &Path, bounds: &Bounds) -> std::io::Result<Option<&'static str>> {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Resource, Rlimit, setrlimit, setsid};

    let (mut files, lacking) = files::prepare(program, bounds)?;
    let seconds = bounds.time.as_secs().saturating_add(2);
    let limits =
        [(Resource::Cpu, seconds), (Resource::As, bounds.memory), (Resource::Nofile, OPEN_FILES), (Resource::Core, 0)];
    let prepare = move || -> std::io::Result<()> {
        setsid()?;
        for (resource, limit) in limits {
            setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
        }
        files.restrict()
    };
    // SAFETY: `prepare` runs in the child after `fork`. It makes system calls only: everything it uses was allocated before, and it
    // takes no lock that another thread of the parent may have held.
    unsafe { command.pre_exec(prepare) };
    Ok(lacking)
}

#[cfg(not(unix))]
pub(super) fn confine(_: &mut Command, _: &Path, _: &Bounds) -> std::io::Result<Option<&'static str>> {
    Ok(Some("this system has no limits on programs"))
}

/// File access, confined by Landlock.
#[cfg(target_os = "linux")]
mod files {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
        RulesetStatus, Scope, path_beneath_rules,
    };

    use super::Bounds;

    /// What programs need of the system: libraries, their data, certificates, names of hosts.
    const SYSTEM: &[&str] = &["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc", "/opt", "/nix", "/gnu"];
    const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
    /// The rules that are asked for; older kernels apply those they know.
    const RULES: ABI = ABI::V6;

    pub(super) struct Files(Option<RulesetCreated>);

    pub(super) fn prepare(program: &Path, bounds: &Bounds) -> std::io::Result<(Files, Option<&'static str>)> {
        let rules = || -> Result<RulesetCreated, landlock::RulesetError> {
            Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(RULES))?
                .scope(Scope::Signal)?
                .create()?
                .add_rules(path_beneath_rules(SYSTEM, AccessFs::from_read(RULES)))?
                .add_rules(path_beneath_rules([program], AccessFs::from_read(RULES)))?
                .add_rules(path_beneath_rules(DEVICES, AccessFs::from_file(RULES)))?
                .add_rules(path_beneath_rules(&bounds.readable, AccessFs::from_read(RULES)))?
                .add_rules(path_beneath_rules(&bounds.writable, AccessFs::from_all(RULES)))
        };
        let rules = rules().map_err(std::io::Error::other)?;
        Ok((
            Files(Some(rules)),
            (!is_supported()).then_some("this kernel has no Landlock: file access is not confined"),
        ))
    }

    impl Files {
        /// Gives up access, and new privileges with it.
        pub(super) fn restrict(&mut self) -> std::io::Result<()> {
            // A closure that runs before `exec` runs once.
            match self.0.take().map(RulesetCreated::restrict_self) {
                Some(Err(_)) => Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied)),
                Some(Ok(_)) | None => Ok(()),
            }
        }
    }

    fn is_supported() -> bool {
        static SUPPORTED: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
            let tried = std::thread::spawn(|| {
                // On a thread of its own: what a thread gives up it does not get back.
                let rules = Ruleset::default().handle_access(AccessFs::from_all(ABI::V1));
                let status = rules.and_then(Ruleset::create).and_then(RulesetCreated::restrict_self);
                status.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
            });
            tried.join().unwrap_or(false)
        });
        *SUPPORTED
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod files {
    use std::path::Path;

    use super::Bounds;

    pub(super) struct Files;

    pub(super) fn prepare(_: &Path, _: &Bounds) -> std::io::Result<(Files, Option<&'static str>)> {
        Ok((Files, Some("file access of programs is not confined on this system")))
    }

    impl Files {
        pub(super) fn restrict(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
