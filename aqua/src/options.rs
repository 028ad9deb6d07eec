//! [`Options`]: what a compilation may be told.

use std::sync::Arc;

/// What the compiler is told beside the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where imports are looked for, besides the folder of the importing file and the bundled library.
    pub imports: Vec<ImportRule>,
    /// The folder that relative paths of files start from, as [`ImportRule::from`] names it.
    pub folder: String,
    /// Constants from outside, as name and literal; each must match a `?=` constant.
    pub constants: Vec<(String, String)>,
    /// `--no-relay` turns it off: then `HOST_PEER_ID` is the init peer.
    pub relay: bool,
    /// The handler that reports errors to the init peer.
    pub error_handler: bool,
    /// The ways back of errors.
    pub error_routes: bool,
    /// Answers although the function has no results.
    pub empty_response: bool,
    /// Tells the init peer where calls of functions begin, end and fail: `tracingSrv.tracingEvent(<function>, "enter" | "exit" | <error>)`.
    pub tracing: bool,
    /// Warns of results of calls that nobody takes (A1901).
    pub warn_dropped_results: bool,
    /// The service that knows the arguments.
    pub data_service: Arc<str>,
    /// The service of callbacks and of the answer.
    pub callback_service: Arc<str>,
    /// The function that takes the answer.
    pub response_function: Arc<str>,
    /// The service that takes the error.
    pub error_service: Arc<str>,
    /// The function that takes the error.
    pub error_function: Arc<str>,
    /// The most bytes of one script.
    pub max_air: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            imports: Vec::new(),
            folder: String::new(),
            constants: Vec::new(),
            relay: true,
            error_handler: true,
            error_routes: true,
            empty_response: false,
            tracing: false,
            warn_dropped_results: false,
            data_service: "getDataSrv".into(),
            callback_service: "callbackSrv".into(),
            response_function: "response".into(),
            error_service: "errorHandlingSrv".into(),
            error_function: "error".into(),
            max_air: 8 << 20,
        }
    }
}

/// Imports that begin with `import`, in files whose path begins with `from`, are looked for in `folders`.
///
/// Of several rules that fit, the longest `from` wins, then the longest `import`. `import` is replaced by the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportRule {
    /// Prefix of the importing file's path.
    pub from: String,
    /// Prefix of the imported path.
    pub import: String,
    /// Where to look, in order.
    pub folders: Vec<String>,
}

impl ImportRule {
    /// The rule of `--import DIR`: every file, every import.
    #[must_use]
    pub fn everywhere(folder: impl Into<String>) -> Self {
        Self { folders: vec![folder.into()], ..Self::default() }
    }
}
