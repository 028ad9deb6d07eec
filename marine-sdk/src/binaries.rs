//! Host programs that the manifest grants: `curl`, `ipfs`, `pdftotext`.
//!
//! The usual way is to declare them, so that `marine build` knows which grants the module wants:
//!
//! ```
//! use marine_sdk::{MountedBinaryResult, marine};
//!
//! #[marine]
//! #[host_import]
//! unsafe extern "C" {
//!     /// The program that the manifest grants as `pdftotext`.
//!     fn pdftotext(cmd: &[&str]) -> MountedBinaryResult;
//! }
//!
//! fn text_of(file: &str) -> marine_sdk::Result<String> {
//!     let result = pdftotext(&["-layout", file, "-"]);
//!     result.into_std().ok_or_else(|| marine_sdk::Error::new("the text is not UTF-8"))?.map_err(marine_sdk::Error::new)
//! }
//! # fn main() {}
//! ```
//!
//! A program is never started through a shell. It gets the arguments as they are, within what the grant's argument policy
//! allows, an empty environment and no input.

use crate::marine;

/// The code of a program that succeeded.
pub const BINARY_SUCCESS_CODE: i32 = 0;

/// What one run of a program gave.
#[marine(crate = "crate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountedBinaryResult {
    /// 0..=255: the program's own exit code. 100000 ended by a signal, 100001 could not be started, 100010 not granted or
    /// refused by the argument policy, 100011 timed out, 100012 too much output.
    pub ret_code: i32,
    /// Why, where `ret_code` is not the program's own; otherwise empty.
    pub error: String,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// A [`MountedBinaryResult`] whose output is text.
#[marine(crate = "crate")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountedBinaryStringResult {
    /// As in [`MountedBinaryResult`].
    pub ret_code: i32,
    /// As in [`MountedBinaryResult`].
    pub error: String,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl MountedBinaryResult {
    /// The result of a run that could not be made: code 100001 and `error`.
    pub fn from_error(error: impl Into<String>) -> Self {
        Self { ret_code: NOT_STARTED, error: error.into(), ..Self::default() }
    }

    /// Whether the program ran and ended with code 0.
    pub fn is_success(&self) -> bool {
        self.ret_code == BINARY_SUCCESS_CODE
    }

    /// Standard output of a program that succeeded, or else `error` and standard error as one text; `None` if that is not
    /// UTF-8.
    pub fn as_std(&self) -> Option<Result<String, String>> {
        self.clone().into_std()
    }

    /// As [`MountedBinaryResult::as_std`], without copying the output.
    pub fn into_std(self) -> Option<Result<String, String>> {
        if self.is_success() {
            return String::from_utf8(self.stdout).ok().map(Ok);
        }
        let stderr = String::from_utf8(self.stderr).ok()?;
        let parts = [self.error, stderr];
        let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty()).collect();
        Some(Err(parts.join("\n")))
    }

    /// The same with output as text; `None` if it is not UTF-8.
    pub fn stringify(self) -> Option<MountedBinaryStringResult> {
        let (stdout, stderr) = (String::from_utf8(self.stdout).ok()?, String::from_utf8(self.stderr).ok()?);
        Some(MountedBinaryStringResult { ret_code: self.ret_code, error: self.error, stdout, stderr })
    }
}

impl MountedBinaryStringResult {
    /// Whether the program ran and ended with code 0.
    pub fn is_success(&self) -> bool {
        self.ret_code == BINARY_SUCCESS_CODE
    }
}

/// The code of a program that could not be started.
const NOT_STARTED: i32 = 100_001;

/// Runs the program granted as `name` with `args`, and waits for its end: the form without a declaration, for names that
/// are known only at run time.
///
/// # Panics
/// On native targets: programs are granted to services only.
pub fn run(name: &str, args: &[impl AsRef<str>]) -> MountedBinaryResult {
    platform::run(name, args.iter().map(|arg| arg.as_ref().to_owned()).collect())
}

/// What a declared program takes; written by `#[marine]` around [`run`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "[M123] a mounted binary takes its arguments as one list of texts, not `{Self}`",
    label = "not a list of texts",
    note = "help: write `fn name(cmd: Vec<String>) -> MountedBinaryResult`; `&[String]` and `&[&str]` can stand for `Vec<String>`"
)]
pub trait BinaryArgs {
    /// The arguments, owned.
    fn into_args(self) -> Vec<String>;
}

impl BinaryArgs for Vec<String> {
    fn into_args(self) -> Vec<String> {
        self
    }
}

impl BinaryArgs for &[String] {
    fn into_args(self) -> Vec<String> {
        self.to_vec()
    }
}

impl BinaryArgs for &Vec<String> {
    fn into_args(self) -> Vec<String> {
        self.clone()
    }
}

impl BinaryArgs for &[&str] {
    fn into_args(self) -> Vec<String> {
        self.iter().map(|arg| (*arg).to_owned()).collect()
    }
}

/// What a declared program gives back.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "[M123] a mounted binary returns `MountedBinaryResult`, not `{Self}`",
    label = "not the result of a program",
    note = "help: write `fn name(cmd: Vec<String>) -> MountedBinaryResult`"
)]
pub trait BinaryOutcome {
    /// From what the program gave.
    fn from_run(result: MountedBinaryResult) -> Self;
}

impl BinaryOutcome for MountedBinaryResult {
    fn from_run(result: MountedBinaryResult) -> Self {
        result
    }
}

/// A call of a declared program.
#[doc(hidden)]
pub fn run_declared(name: &str, args: Vec<String>) -> MountedBinaryResult {
    platform::run(name, args)
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use super::MountedBinaryResult;
    use crate::host::binaries as host;

    pub(super) fn run(name: &str, args: Vec<String>) -> MountedBinaryResult {
        let host::MountedBinaryResult { ret_code, error, stdout, stderr } = host::run(name, &args);
        MountedBinaryResult { ret_code, error, stdout, stderr }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::MountedBinaryResult;

    pub(super) fn run(name: &str, _: Vec<String>) -> MountedBinaryResult {
        panic!("`host.{name}` can only be called inside a service")
    }
}

#[cfg(test)]
mod tests {
    use super::{MountedBinaryResult, MountedBinaryStringResult};

    fn result(ret_code: i32, error: &str, stdout: &[u8], stderr: &[u8]) -> MountedBinaryResult {
        MountedBinaryResult { ret_code, error: error.into(), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn output_as_a_result() {
        let cases = [
            (result(0, "", b"out\n", b"warning"), Some(Ok("out\n"))),
            (result(0, "", &[0xff], b""), None),
            (result(2, "", b"\xff", b"no such file\n"), Some(Err("no such file"))),
            (result(100_011, "timed out after 5 s", b"", b"so far\n"), Some(Err("timed out after 5 s\nso far"))),
            (result(1, "", b"", &[0xff]), None),
            (MountedBinaryResult::from_error("no such grant"), Some(Err("no such grant"))),
        ];
        for (result, expected) in cases {
            let expected = expected.map(|expected| expected.map(str::to_owned).map_err(str::to_owned));
            assert_eq!(result.as_std(), expected, "{result:?}");
            assert_eq!(result.clone().into_std(), expected, "{result:?}");
        }
    }

    #[test]
    fn output_as_text() {
        let text = MountedBinaryStringResult { ret_code: 3, error: "e".into(), stdout: "o".into(), stderr: "s".into() };
        assert_eq!(result(3, "e", b"o", b"s").stringify(), Some(text));
        assert_eq!(result(0, "", b"", &[0xff]).stringify(), None);
    }
}
