//! Which modules are built, and cargo's usual flags.

use clap::Args;
use marine_build::BuildRequest;

/// What is given to cargo, and to which packages.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only the modules of this package (or the module of this name); may be given several times
    #[arg(short, long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Features to activate, separated by commas
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Cargo")]
    features: Vec<String>,
    /// Activate all features
    #[arg(long, help_heading = "Cargo")]
    all_features: bool,
    /// Do not activate default features
    #[arg(long, help_heading = "Cargo")]
    no_default_features: bool,
    /// Require that Cargo.lock stays as it is
    #[arg(long, help_heading = "Cargo")]
    locked: bool,
    /// Do not use the network
    #[arg(long, help_heading = "Cargo")]
    offline: bool,
    /// How many jobs run at a time
    #[arg(short, long, value_name = "N", help_heading = "Cargo")]
    jobs: Option<u32>,
    /// More arguments for cargo
    #[arg(last = true, value_name = "CARGO-ARGS")]
    cargo: Vec<String>,
}

impl Selection {
    /// Tells `request`.
    pub(crate) fn apply(&self, request: &mut BuildRequest) {
        request.packages = self.packages.clone();
        let flags = [
            ("--all-features", self.all_features),
            ("--no-default-features", self.no_default_features),
            ("--locked", self.locked),
            ("--offline", self.offline),
        ];
        let flags = flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned());
        let features = self.features.iter().flat_map(|features| ["--features".to_owned(), features.clone()]);
        let jobs = self.jobs.iter().flat_map(|jobs| ["--jobs".to_owned(), jobs.to_string()]);
        request.cargo_args = flags.chain(features).chain(jobs).chain(self.cargo.iter().cloned()).collect();
    }
}
