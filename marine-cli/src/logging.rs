//! What the libraries tell by `tracing`, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts showing events at `level` and above; each `-v` shows more, `MARINE_LOG` (target=level, ..) says exactly what.
pub(crate) fn start(level: &str, verbose: u8) {
    let level = match verbose {
        0 => level,
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("MARINE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // A second start in one process finds the first one's subscriber in place, which is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .try_init();
}
