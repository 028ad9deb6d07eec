//! The commands, one file each: arguments, a call into a library, rendering.

mod air;
mod aqua;
mod build;
mod call;
mod completions;
mod demo;
mod deploy;
mod doctor;
mod explain;
mod key;
mod new;
pub(crate) mod node;
mod particle;
mod repl;
mod run;
mod toolchain;

use clap::Subcommand;

use crate::exit::Outcome;
use crate::options::Options;
use crate::ui::Ui;

/// What `marine` can do. What a command is about stands at its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Build(build::Build),
    Call(call::Call),
    Repl(repl::Repl),
    Node(node::Node),
    Deploy(deploy::Deploy),
    Run(run::Run),
    Particle(particle::Particle),
    Air(air::Air),
    Aqua(aqua::Aqua),
    Key(key::Key),
    Demo(demo::Demo),
    Doctor(doctor::Doctor),
    Toolchain(toolchain::Toolchain),
    Explain(explain::Explain),
    Completions(completions::Completions),
}

/// Runs the command of `options`.
pub(crate) fn run(options: Options, ui: Ui) -> Outcome {
    options.enter_directory()?;
    match options.command {
        Command::New(command) => command.run(ui),
        Command::Build(command) => command.run(ui),
        Command::Call(command) => command.run(ui),
        Command::Repl(command) => command.run(ui),
        Command::Node(command) => command.run(ui),
        Command::Deploy(command) => command.run(ui),
        Command::Run(command) => command.run(ui),
        Command::Particle(command) => command.run(ui),
        Command::Air(command) => command.run(ui),
        Command::Aqua(command) => command.run(ui),
        Command::Key(command) => command.run(ui),
        Command::Demo(command) => command.run(ui),
        Command::Doctor(command) => command.run(ui),
        Command::Toolchain(command) => command.run(ui),
        Command::Explain(command) => command.run(ui),
        Command::Completions(command) => command.run(ui),
    }
}
