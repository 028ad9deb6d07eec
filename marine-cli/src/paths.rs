//! Where Marine keeps things of its own, by the conventions of the platform.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, choose_base_strategy};

use crate::exit::{Exit, Fail, Outcome};

/// Things that can be made again: sysroots, compiled code, the demo's build. `MARINE_CACHE_DIR` moves it.
pub(crate) fn cache() -> Outcome<PathBuf> {
    match moved("MARINE_CACHE_DIR") {
        Some(dir) => Ok(dir),
        None => Ok(strategy()?.cache_dir().join("marine")),
    }
}

/// Things that cannot: keys, history, a node's store. `MARINE_DATA_DIR` moves it.
pub(crate) fn data() -> Outcome<PathBuf> {
    match moved("MARINE_DATA_DIR") {
        Some(dir) => Ok(dir),
        None => Ok(strategy()?.data_dir().join("marine")),
    }
}

fn moved(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn strategy() -> Outcome<impl BaseStrategy> {
    choose_base_strategy().or_fail(Exit::Unexpected, "cannot find your home directory; set HOME")
}
