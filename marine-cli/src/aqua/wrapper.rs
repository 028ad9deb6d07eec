//! What stands around a function in its script, on the command line.

use clap::Args;
use marine_aqua::Options;

/// What stands around a function in its script.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Around each function")]
pub(crate) struct Wrapper {
    /// Ask for no relay: HOST_PEER_ID is the initial peer
    #[arg(long)]
    no_relay: bool,
    /// No handler that reports errors to the initial peer
    #[arg(long)]
    no_error_handler: bool,
    /// No ways back for errors
    #[arg(long)]
    no_error_routes: bool,
    /// --no-error-handler and --no-error-routes
    #[arg(long)]
    no_xor: bool,
    /// Answer even if the function has no result
    #[arg(long)]
    empty_response: bool,
    /// The most bytes that the script of one function may have [default: 8388608]
    #[arg(long, value_name = "BYTES")]
    max_air: Option<usize>,
}

impl Wrapper {
    /// The options with these.
    pub(crate) fn apply(&self, options: Options) -> Options {
        Options {
            relay: !self.no_relay,
            error_handler: !(self.no_error_handler || self.no_xor),
            error_routes: !(self.no_error_routes || self.no_xor),
            empty_response: self.empty_response,
            max_air: self.max_air.unwrap_or(options.max_air),
            ..options
        }
    }
}
