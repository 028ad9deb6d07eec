//! The commands, one file each: arguments, a call into a library, rendering.

mod add;
pub(crate) mod air;
mod aqua;
mod build;
mod call;
mod check;
mod completions;
mod config;
mod demo;
mod deploy;
mod doctor;
mod explain;
pub(crate) mod info;
mod key;
mod migrate;
mod new;
pub(crate) mod node;
mod particle;
pub(crate) mod permissions;
mod repl;
mod run;
mod test;
mod toolchain;
mod wit;

use clap::Subcommand;

use crate::exit::Outcome;
use crate::options::Options;
use crate::ui::Ui;

/// What `marine` can do. What a command is about stands at its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Add(add::Add),
    Build(build::Build),
    Check(check::Check),
    Test(test::Test),
    Call(call::Call),
    Repl(repl::Repl),
    Permissions(permissions::Permissions),
    Info(info::Info),
    Wit(wit::Wit),
    Migrate(migrate::Migrate),
    Node(node::Node),
    Deploy(deploy::Deploy),
    Run(run::Run),
    Particle(particle::Particle),
    Air(air::Air),
    Aqua(aqua::Aqua),
    Key(key::Key),
    Config(config::Config),
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
        Command::Add(command) => command.run(ui),
        Command::Build(command) => command.run(ui),
        Command::Check(command) => command.run(ui),
        Command::Test(command) => command.run(ui),
        Command::Call(command) => command.run(ui),
        Command::Repl(command) => command.run(ui),
        Command::Permissions(command) => command.run(ui),
        Command::Info(command) => command.run(ui),
        Command::Wit(command) => command.run(ui),
        Command::Migrate(command) => command.run(ui),
        Command::Node(command) => command.run(ui),
        Command::Deploy(command) => command.run(ui),
        Command::Run(command) => command.run(ui),
        Command::Particle(command) => command.run(ui),
        Command::Air(command) => command.run(ui),
        Command::Aqua(command) => command.run(ui),
        Command::Key(command) => command.run(ui),
        Command::Config(command) => command.run(ui),
        Command::Demo(command) => command.run(ui),
        Command::Doctor(command) => command.run(ui),
        Command::Toolchain(command) => command.run(ui),
        Command::Explain(command) => command.run(ui),
        Command::Completions(command) => command.run(ui),
    }
}
