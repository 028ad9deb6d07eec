//! `marine air simulate`

use std::path::{Path, PathBuf};

use clap::Args;
use marine_air::Limits;
use marine_air::sim::{Run, ScenarioFile, Unmet, Verdict};
use marine_air::syntax::Location;
use marine_air::trace::{decode_bundle, verify};
use serde_json::{Value, json};

use super::finding::{Counts, render_unmet, scenario};
use super::read_text;
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::{Progress, Ui, count};

/// Run workflows without a network, and compare with what is expected
///
/// Runs scenario files: a script, the peers that take part, stubs for their services, what the network does, and what is
/// expected. Peers are real ones and time is virtual: a seed is a run, byte for byte. Ends with code 3 if an expectation is
/// not met.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marine air simulate shop.toml
  marine air simulate tests/*.toml --seeds 1000
  marine air simulate shop.toml --seed 17 --trace
  marine air simulate shop.toml --bundle out && marine particle show out/shop-client.particle")]
pub(super) struct Simulate {
    /// The scenario files (- is standard input)
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Run once, with this seed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run with the seeds 1 to N instead of those that the scenario asks for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Show what happened when, and the trace that the initial peer has in the end
    #[arg(long)]
    trace: bool,
    /// Write the final bundle of each peer into this directory, as SCENARIO-PEER.particle
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

/// A scenario that is being run.
struct Simulation<'s> {
    path: &'s Path,
    text: String,
    file: ScenarioFile,
}

impl Simulate {
    pub(super) fn run(self, ui: Ui) -> Outcome {
        let (mut runs, mut failed) = (0, 0);
        for path in &self.scenarios {
            let text = read_text(path)?;
            let mut counts = Counts::default();
            let Some(file) = scenario(ui, path, &text, &mut counts) else {
                failed += 1;
                continue;
            };
            let simulation = Simulation { path, text, file };
            let (count, passed) = self.simulate(ui, &simulation)?;
            runs += count;
            failed += usize::from(!passed);
        }
        let verdict = match failed {
            0 => "all as expected".to_owned(),
            _ => format!("{failed} not as expected"),
        };
        ui.note(format_args!("{}, {}: {verdict}", count(self.scenarios.len(), "scenario"), count(runs, "run")));
        Ok(if failed > 0 { Exit::Findings } else { Exit::Done })
    }

    /// Runs a scenario with one seed after the other, up to the first that is not as expected. Returns how many runs there
    /// were, and whether all were as expected.
    fn simulate(&self, ui: Ui, simulation: &Simulation<'_>) -> Outcome<(usize, bool)> {
        let Simulation { path, file, .. } = simulation;
        let seeds = match (self.seed, self.seeds) {
            _ if file.is_scripted() => 1..=1,
            (Some(seed), _) => seed..=seed,
            (None, Some(seeds)) => 1..=seeds,
            (None, None) => file.seeds(),
        };
        let progress = ui.progress(format_args!("simulating {}", path.display()));
        let last = *seeds.end();
        let mut runs = 0;
        for seed in seeds {
            progress.detail(format_args!("seed {seed} of {last}"));
            let mut verdict = file
                .run(seed)
                .or_fail(Exit::Findings, format!("`{}` cannot be run with seed {seed}", path.display()))?;
            runs += 1;
            let passed = verdict.passed();
            if self.trace || !passed {
                self.tell(ui, &progress, simulation, &mut verdict, seed)?;
            }
            if !passed || seed == last {
                self.write_bundles(ui, path, &mut verdict.run)?;
                let unmet: Vec<Value> = verdict.unmet.iter().map(|unmet| simulation.document(unmet)).collect();
                let failed = (!passed).then_some(seed);
                ui.document(
                    "air.simulation",
                    json!({ "file": path, "runs": runs, "passed": passed, "seed": failed, "unmet": unmet }),
                );
            }
            if !passed {
                return Ok((runs, false));
            }
        }
        Ok((runs, true))
    }

    /// Shows a run: always what happened; what of it was not as expected, or the trace.
    fn tell(
        &self,
        ui: Ui,
        progress: &Progress,
        simulation: &Simulation<'_>,
        verdict: &mut Verdict,
        seed: u64,
    ) -> Outcome<()> {
        let Simulation { path, text, file } = simulation;
        let name = path.display();
        let title = if file.is_scripted() { format!("{name}") } else { format!("{name}, seed {seed}") };
        let unit = if file.is_scripted() { "step" } else { "ms" };
        let mut shown = format!("{title}\n{unit:>6} peer     event\n{}", verdict.run.timeline_text());
        for row in verdict.run.timeline.iter().filter(|_| self.trace) {
            ui.document(
                "air.event",
                json!({ "file": path, "seed": seed, "time": row.time, "peer": row.peer, "event": row.event }),
            );
        }
        for unmet in &verdict.unmet {
            shown += &format!("\n{}\n", render_unmet(path, text, unmet));
        }
        if self.trace {
            shown += &format!("\n{}\n", trace(&mut verdict.run)?);
        }
        if !verdict.passed() {
            let seed = if file.is_scripted() { String::new() } else { format!(" --seed {seed}") };
            shown += &format!("\nto repeat it: marine air simulate {name}{seed} --trace\n");
        }
        // The spinner must not stand between the lines.
        progress.pause(|| ui.result(shown.trim_end()));
        Ok(())
    }

    fn write_bundles(&self, ui: Ui, path: &Path, run: &mut Run) -> Outcome<()> {
        let Some(directory) = &self.bundle else { return Ok(()) };
        std::fs::create_dir_all(directory).or_fail(Exit::Usage, format!("cannot create `{}`", directory.display()))?;
        let stem =
            path.file_stem().filter(|stem| *stem != "-").map_or("scenario".into(), |stem| stem.to_string_lossy());
        let peers: Vec<String> = run.outcomes.keys().cloned().collect();
        for peer in peers {
            let file = directory.join(format!("{stem}-{peer}.particle"));
            let bundle = run.bundle(&peer).or_exit(Exit::Unexpected)?;
            std::fs::write(&file, bundle).or_fail(Exit::Usage, format!("cannot write `{}`", file.display()))?;
            ui.status("Wrote", file.display());
            ui.document("air.bundle", json!({ "file": file, "peer": peer }));
        }
        Ok(())
    }
}

impl Simulation<'_> {
    fn document(&self, unmet: &Unmet) -> Value {
        let at = unmet.place.map(|place| Location::of(&self.text, place.start));
        json!({
            "what": unmet.what,
            "line": at.map(|at| at.line),
            "expected": unmet.expected,
            "found": unmet.found,
        })
    }
}

/// What the initial peer can prove in the end, with the names of the scenario.
fn trace(run: &mut Run) -> Outcome<String> {
    let init = run.world.init().to_owned();
    let bundle = run.bundle(&init).or_exit(Exit::Unexpected)?;
    let decoded = decode_bundle(&bundle, &Limits::default()).or_exit(Exit::Unexpected)?;
    let trace = verify(&decoded.0.into(), decoded.1, &Limits::default())
        .map_err(|error| Failure::new(Exit::Unverified, error))?;
    let aliases = run.world.peers().iter().map(|(name, key)| (key.peer_id().to_base58(), name.to_owned()));
    let trace = trace.with_aliases(aliases).to_string();
    Ok(run.world.peers().with_names_in(&trace))
}
