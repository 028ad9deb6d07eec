//! A service under somebody's hands: the commands of the REPL, and the one call of `marine call`.
//!
//! A [`Session`] takes a line and answers with a [`Reply`]; where lines come from and where answers go (terminal, script, transcript)
//! is the business of `run`, how lines are edited that of `editor`.

mod calls;
mod command;
mod complete;
mod composition;
mod editor;
mod expression;
mod interrupt;
mod place;
mod rebuild;
mod records;
mod run;
mod settings;
mod transcript;
mod views;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use marine_runtime::{Module, Service};
use serde_json::{Value, json};

pub(crate) use self::calls::{call_failure, parse, pretty};
use self::command::{Command, help, unknown};
use self::complete::Catalog;
use self::composition::Made;
pub(crate) use self::composition::{Composition, Extra};
use self::interrupt::Interrupt;
use self::rebuild::Rebuilder;
use self::records::Records;
pub(crate) use self::run::{Input, Options, run};
use self::settings::Settings;
pub(crate) use self::views::{camel, known_module};
use crate::exit::{Exit, Fail, Failure, Outcome};
use crate::ui::{Ui, count, micros};

/// How many exchanges `save` can write.
const MAX_EXCHANGES: usize = 10_000;

/// What a line led to.
#[derive(Debug)]
pub(crate) enum Next {
    /// An answer; then the next line.
    Reply(Reply),
    /// Nothing; the user is done.
    Quit,
}

/// The answer to a line.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// For people; empty if there is nothing to say.
    pub(crate) text: String,
    /// For programs.
    pub(crate) result: Value,
    /// How long the call took, if it was one.
    pub(crate) time: Option<Duration>,
}

/// One service and what was set for calling it.
pub(crate) struct Session {
    composition: Composition,
    made: Option<Made>,
    /// Call parameters that differ from the defaults.
    params: Value,
    settings: Settings,
    records: Records,
    interrupt: Interrupt,
    catalog: Arc<Mutex<Catalog>>,
    rebuilder: Option<Rebuilder>,
    /// Inputs so far with what they printed.
    exchanges: Vec<(String, String)>,
    /// How deep files that are sourced source others.
    depth: usize,
    interactive: bool,
    ui: Ui,
}

impl Reply {
    fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { result: json!(text), text, time: None }
    }

    fn view((text, result): (String, Value)) -> Self {
        Self { text, result, time: None }
    }
}

impl Session {
    /// A session with the service of `composition`.
    pub(crate) fn start(composition: Composition, interactive: bool, ui: Ui) -> Outcome<Self> {
        let mut session = Self {
            composition: composition.clone(),
            made: None,
            params: json!({}),
            settings: Settings::new(interactive || ui.verbose > 0),
            records: Records::new(ui),
            interrupt: Interrupt::listen(interactive)?,
            catalog: Arc::default(),
            rebuilder: None,
            exchanges: Vec::new(),
            depth: 0,
            interactive,
            ui,
        };
        session.become_made(composition)?;
        Ok(session)
    }

    /// Runs one line. Empty lines and those that begin with `#` do nothing.
    pub(crate) fn execute(&mut self, line: &str) -> Outcome<Next> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        if word.is_empty() || line.starts_with('#') {
            return Ok(Next::Reply(Reply::default()));
        }
        self.take_rebuilt()?;
        match Command::find(word) {
            Some(command) if command.name == "quit" => command.nothing(rest).map(|()| Next::Quit),
            Some(command) => self.command(command, rest).map(Next::Reply),
            None if line.contains(['(', '.']) => self.typed_call(line).map(Next::Reply),
            None => self.bare_word(word, line).map(Next::Reply),
        }
    }

    fn command(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        match command.name {
            "call" => self.words_call(command, rest),
            "params" => self.set_params(rest).map(Reply::view),
            "interface" => views::interface(self.service()?, command, rest).map(Reply::view),
            "load" => self.load(command, rest),
            "unload" => self.unload(command, rest),
            "new" => self.start_over(rest),
            "stats" => command.nothing(rest).and_then(|()| Ok(Reply::view(views::stats(self.service()?)))),
            "envs" => views::variables(self.made()?, self.named_module(rest)?).map(Reply::view),
            "fs" => views::files(self.made()?, rest).map(Reply::view),
            "grants" => views::grants(self.made()?, self.named_module(rest)?).map(Reply::view),
            "logs" => self.logs(command, rest),
            "set" => self.set(command, rest),
            "reset" => {
                command.nothing(rest)?;
                self.service()?.reset().map_err(call_failure)?;
                Ok(Reply::default())
            }
            "reload" => command.nothing(rest).and_then(|()| self.reload()),
            "watch" => self.watch(command, rest),
            "save" => self.save(command, rest),
            "source" => self.source(command, rest),
            "help" => help(rest).map(Reply::text),
            _ => Err(unknown(command.name, std::iter::empty())),
        }
    }

    /// A word alone that is no command: a call without arguments.
    fn bare_word(&mut self, word: &str, line: &str) -> Outcome<Reply> {
        let Some(made) = self.made.as_ref() else { return Err(unknown(word, std::iter::empty())) };
        let interface = made.service.interface();
        if word == line && interface.function(word).is_none() {
            let names: Vec<String> = interface.functions.iter().map(|function| snake(&function.name)).collect();
            return Err(unknown(word, names.iter().map(String::as_str)));
        }
        self.typed_call(line)
    }

    fn load(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        let Some((name, path)) = rest.split_once(char::is_whitespace) else {
            return Err(command.misused("`load` takes a name and the path of a component"));
        };
        if self.module(name).is_ok() {
            return Err(Failure::new(Exit::Call, format!("error[M604]: there is a module `{name}` already"))
                .help(format!("`unload {name}` takes it out, or give the new one another name")));
        }
        let path = PathBuf::from(path.trim());
        self.become_made(self.composition.loading(name, path))?;
        Ok(Reply::text(format!("loaded `{name}`")))
    }

    fn unload(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        if rest.is_empty() {
            return Err(command.misused("which module?"));
        }
        let name = self.module(rest)?.name().to_owned();
        let failed = |failure: Failure| failure.context(format!("`{name}` stays: the others cannot be without it"));
        self.become_made(self.composition.unloading(&name)).map_err(failed)?;
        Ok(Reply::text(format!("unloaded `{name}`")))
    }

    fn start_over(&mut self, rest: &str) -> Outcome<Reply> {
        let composition = match rest {
            "" => self.composition.afresh(),
            path => Composition::from_sources(&[PathBuf::from(path)])?.building(self.composition.build),
        };
        self.become_made(composition)?;
        Ok(Reply::text(self.described()))
    }

    fn reload(&mut self) -> Outcome<Reply> {
        let before = self.interfaces();
        self.become_made(self.composition.clone())?;
        Ok(Reply::text(views::changes(&before, &self.interfaces())))
    }

    fn logs(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        let (follow, level) = match rest.strip_prefix("-f") {
            Some(level) => (true, level.trim()),
            None => (false, rest),
        };
        let level = views::level(command, level)?;
        let (records, mut number) = self.records.behind(0, level);
        if !follow || !self.interactive {
            return Ok(Reply::view(views::records(&records)));
        }
        self.ui.result(views::records(&records).0);
        self.ui.note("(Ctrl-C ends)");
        self.interrupt.was_pressed();
        while !self.interrupt.was_pressed() {
            self.records.wait_behind(number, Duration::from_millis(200));
            let (records, last) = self.records.behind(number, level);
            records.iter().for_each(|record| self.ui.result(records::line(record)));
            number = last;
        }
        Ok(Reply::default())
    }

    fn set(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        if !rest.is_empty() {
            self.settings.set(command, rest, &self.records)?;
            return Ok(Reply::default());
        }
        Ok(Reply::text(self.settings.text(&self.records)))
    }

    fn watch(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        match rest {
            "off" => {
                self.rebuilder = None;
                return Ok(Reply::text("not watching"));
            }
            "" => {}
            _ => return Err(command.misused("`watch` takes nothing or `off`")),
        }
        let Some(manifest) = self.composition.manifest().map(Path::to_path_buf) else {
            return Err(Failure::new(
                Exit::Call,
                "error[M603]: there are no sources to watch: the service has no manifest",
            ));
        };
        if self.rebuilder.is_none() {
            self.rebuilder = Some(Rebuilder::start(manifest, self.interfaces(), self.ui)?);
        }
        Ok(Reply::text("watching; a change is built at once and taken at the next command"))
    }

    /// Takes a service that was built in the background.
    fn take_rebuilt(&mut self) -> Outcome<()> {
        if self.rebuilder.as_ref().is_some_and(Rebuilder::was_rebuilt) {
            self.become_made(self.composition.clone())?;
            let interfaces = self.interfaces();
            self.rebuilder.iter().for_each(|rebuilder| rebuilder.taken(&interfaces));
        }
        Ok(())
    }

    fn save(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        if rest.is_empty() {
            return Err(command.misused("where to?"));
        }
        let text = run::recorded(&self.exchanges);
        std::fs::write(rest, text).or_fail(Exit::Call, format!("cannot write `{rest}`"))?;
        Ok(Reply::text(format!("saved {} to {rest}", count(self.exchanges.len(), "command"))))
    }

    fn source(&mut self, command: &Command, rest: &str) -> Outcome<Reply> {
        const MAX_DEPTH: usize = 16;
        if rest.is_empty() {
            return Err(command.misused("which file?"));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Failure::new(
                Exit::Call,
                format!("error[M603]: files source each other more than {MAX_DEPTH} deep"),
            ));
        }
        let text = std::fs::read_to_string(rest).or_fail(Exit::Call, format!("cannot read `{rest}`"))?;
        self.depth += 1;
        let outcome = run::sourced(self, &text);
        self.depth -= 1;
        outcome.map(Reply::text)
    }

    /// Keeps what an input printed, for `save`.
    fn keep(&mut self, input: &str, output: String) {
        if self.exchanges.len() < MAX_EXCHANGES && !input.trim().is_empty() {
            self.exchanges.push((input.trim().to_owned(), output));
        }
    }

    /// Makes the service of `composition` and takes it; if that fails, everything stays as it is.
    fn become_made(&mut self, composition: Composition) -> Outcome<()> {
        let started = Instant::now();
        let prepared = composition.prepare(self.ui)?;
        // The old one goes first: stores and volumes have one user at a time.
        let old = self.made.take().map(|old| {
            old.service.close();
            old.prepared
        });
        match prepared.map(|prepared| prepared.start(self.records.sink())).transpose() {
            Ok(made) => (self.made, self.composition) = (made, composition),
            Err(failure) => {
                // It started before, so it does now; if not, the failure at hand is what to tell.
                self.made = old.and_then(|old| old.start(self.records.sink()).ok());
                return Err(failure);
            }
        }
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = self.offers();
        if self.interactive {
            self.ui.note(format_args!("{} in {}", self.described(), micros(started.elapsed())));
        }
        Ok(())
    }

    fn described(&self) -> String {
        match &self.made {
            None => "no module is loaded".to_owned(),
            Some(made) => {
                let modules: Vec<_> = made.service.modules().collect();
                format!("loaded `{}` ({})", made.service.name(), modules.join(", "))
            }
        }
    }

    fn offers(&self) -> Catalog {
        let Some(made) = &self.made else { return Catalog::default() };
        let plan = made.service.plan();
        let modules = plan.modules().map(|module| (module.name().to_owned(), module.interface().clone())).collect();
        Catalog { facade: plan.facade().name().to_owned(), modules }
    }

    fn interfaces(&self) -> Vec<(String, marine_runtime::Interface)> {
        self.offers().modules
    }

    fn name(&self) -> String {
        self.made.as_ref().map_or("marine".to_owned(), |made| made.service.name().to_owned())
    }

    fn made(&self) -> Outcome<&Made> {
        self.made.as_ref().ok_or_else(|| {
            Failure::new(Exit::Call, "error[M603]: no module is loaded")
                .help("`load NAME PATH` loads a component, `new MANIFEST` a service")
        })
    }

    fn service(&self) -> Outcome<&Service> {
        self.made().map(|made| &made.service)
    }

    /// The module called `name`; `None` for an empty name.
    fn named_module(&self, name: &str) -> Outcome<Option<&str>> {
        if name.is_empty() { Ok(None) } else { self.module(name).map(|module| Some(module.name())) }
    }

    fn module(&self, name: &str) -> Outcome<&Module> {
        views::module(self.service()?, name)
    }
}

/// Names as callers outside write them.
fn snake(name: &str) -> String {
    name.replace('-', "_")
}
