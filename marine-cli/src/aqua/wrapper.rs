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
    /// Report the beginning and end of each call of a function to the initial peer
    #[arg(long)]
    tracing: bool,
    /// Call what the script asks the initial peer for otherwise; KEY is one of getDataSrv, callbackSrv, responseFnName, errorHandlingSrv,
    /// errorFnName
    #[arg(long = "name", value_name = "KEY=NAME", value_parser = name)]
    names: Vec<(Key, String)>,
    /// The most bytes that the script of one function may have [default: 8388608]
    #[arg(long, value_name = "BYTES")]
    max_air: Option<usize>,
}

/// What `--name` may name, as in descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Data,
    Callback,
    Response,
    Errors,
    Error,
}

impl Wrapper {
    /// The options with these.
    pub(crate) fn apply(&self, mut options: Options) -> Options {
        for (key, name) in &self.names {
            *match key {
                Key::Data => &mut options.data_service,
                Key::Callback => &mut options.callback_service,
                Key::Response => &mut options.response_function,
                Key::Errors => &mut options.error_service,
                Key::Error => &mut options.error_function,
            } = name.as_str().into();
        }
        Options {
            relay: !self.no_relay,
            error_handler: !(self.no_error_handler || self.no_xor),
            error_routes: !(self.no_error_routes || self.no_xor),
            empty_response: self.empty_response,
            tracing: self.tracing,
            max_air: self.max_air.unwrap_or(options.max_air),
            ..options
        }
    }
}

fn name(text: &str) -> Result<(Key, String), String> {
    let (key, name) = text.split_once('=').ok_or("write it as KEY=NAME")?;
    let key = match key {
        "getDataSrv" => Key::Data,
        "callbackSrv" => Key::Callback,
        "responseFnName" => Key::Response,
        "errorHandlingSrv" => Key::Errors,
        "errorFnName" => Key::Error,
        _ => return Err(format!("`{key}` has no other name")),
    };
    if name.is_empty() || name.contains(['"', '\n']) {
        return Err("a name is a text without quotes".to_owned());
    }
    Ok((key, name.to_owned()))
}
