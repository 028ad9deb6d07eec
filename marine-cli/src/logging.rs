//! What the libraries tell by `tracing`, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts showing events at `level` and above; each `-v` shows more, `MARINE_LOG` (target=level, ..) says exactly what.
pub(crate) fn start(level: &str, verbose: u8) {
    let level = match verbose {
        0 => level,
        1 => "debug",
        _ => "trace",
    };
    let wanted = std::env::var("MARINE_LOG").ok().and_then(|text| text.parse().ok());
    let filter: Targets = wanted.unwrap_or_else(|| level.parse().unwrap_or_default());
    let events = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // A second start in one process finds the first one's subscriber in place, which is as good.
    let _ = tracing_subscriber::registry().with(events).with(filter).try_init();
}
