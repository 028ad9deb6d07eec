//! Which modules of which services are built, and cargo's usual flags.

use std::path::{Path, PathBuf};

use clap::Args;
use marine_build::BuildRequest;
use marine_manifest::Manifest;

use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::project;

/// What is given to cargo, and to which packages.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only this service of a project; may be given several times
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
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
    /// The services of the project at `path` that were asked for, or all.
    pub(crate) fn members(&self, path: &Path) -> Outcome<Vec<PathBuf>> {
        let all = project::members(path)?;
        if self.services.is_empty() {
            return Ok(all);
        }
        let named = |path: PathBuf| {
            let file = if path.is_dir() { path.join(marine_manifest::FILE_NAME) } else { path.clone() };
            Manifest::read(&file).or_exit(Exit::Manifest).map(|found| (found.service.name, path))
        };
        let named = all.into_iter().map(named).collect::<Outcome<Vec<_>>>()?;
        if let Some(unknown) = self.services.iter().find(|wanted| !named.iter().any(|(name, _)| name == *wanted)) {
            let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
            return Err(Failure::new(Exit::Usage, format!("no service is called `{unknown}`"))
                .help(format!("there are {}", names.join(", "))));
        }
        Ok(named.into_iter().filter(|(name, _)| self.services.contains(name)).map(|(_, path)| path).collect())
    }

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
