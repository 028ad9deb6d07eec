//! The commands of the REPL as a table: parsing, `help`, completion and the book follow it.

use crate::exit::{Exit, Failure, Outcome};

/// What a command is called and takes.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// What follows the name.
    pub(crate) usage: &'static str,
    /// What it does, for the table of `help`.
    pub(crate) about: &'static str,
    /// More of it, for `help COMMAND`.
    pub(crate) more: &'static str,
    pub(super) takes: Takes,
}

/// What stands behind a command's name, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Module,
    ModuleOrFunction,
    File,
    Call,
    Params,
    Level,
    Setting,
    Command,
}

const fn command(name: &'static str, usage: &'static str, about: &'static str, takes: Takes) -> Command {
    Command { name, aliases: &[], usage, about, more: "", takes }
}

/// Every command.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        aliases: &["c"],
        more: "A first word that names a module is the module. ARGS is one JSON value: an array (by position), an object (by name), or\n\
               the only argument. PARAMS is an object of call parameters for this call alone. `-nr` prints no result.\n\
               For example: call till total [[{\"item\": \"tea\", \"cents\": 250}], null]",
        ..command("call", "[-nr] [MODULE] FN [ARGS] [PARAMS]", "call in words; ARGS is one JSON value", Takes::Call)
    },
    Command {
        more: "Merged by key into those set before; unknown keys are errors. Without an argument it shows them.\n\
               For example: params {\"particle\": {\"init_peer_id\": \"12D3Koo..\"}}",
        ..command("params", "[{..}|reset]", "call parameters for what follows", Takes::Params)
    },
    Command {
        aliases: &["i"],
        ..command(
            "interface",
            "[MODULE|FN] [--wit|--aqua]",
            "what can be called, with its documentation",
            Takes::ModuleOrFunction,
        )
    },
    Command {
        more: "The module is granted nothing. It may import from those that are there; if it needs one that is not, nothing changes.",
        ..command("load", "NAME PATH", "add a component as a module", Takes::File)
    },
    Command {
        more: "Refused while another module imports from it.",
        ..command("unload", "NAME", "take a module out", Takes::Module)
    },
    Command {
        more: "Without MANIFEST the service starts anew as it was described: nothing that was loaded, unloaded or kept in memory is left.\n\
               If it fails, the service that was there stays.",
        ..command("new", "[MANIFEST]", "start over, with this manifest or the same", Takes::File)
    },
    command("stats", "", "memory, calls and time, per module and function", Takes::Nothing),
    command("envs", "[MODULE]", "variables as the guest sees them; those of the host are masked", Takes::Module),
    command("fs", "[MODULE] [PATH]", "directories as the guest sees them", Takes::Module),
    command("grants", "[MODULE]", "what modules may touch, and why", Takes::Module),
    Command {
        more: "`-f` goes on until Ctrl-C. LEVEL shows records of that severity and above.",
        ..command("logs", "[-f] [LEVEL]", "what modules logged so far", Takes::Level)
    },
    Command {
        more: "timeout 5s|off     time that a call may take\n\
               log LEVEL          which records are shown while a call runs\n\
               values plain|air   how options in results are written\n\
               time on|off        whether the time of each call is shown",
        ..command("set", "[KEY VALUE]", "settings: timeout, log, values, time", Takes::Setting)
    },
    command("reset", "", "a new instance: memory is gone, volumes stay", Takes::Nothing),
    command("reload", "", "build again and take what changed", Takes::Nothing),
    Command {
        more: "Rebuilds as soon as a source changes, shows what changed in the interface, and takes the new service at the next command.\n\
               The state that modules kept in memory is lost then. `watch off` stops it.",
        ..command("watch", "[off]", "rebuild whenever a source changes", Takes::Nothing)
    },
    command("save", "FILE", "write the session so far as a transcript, which replays as a test", Takes::File),
    command("source", "FILE", "run commands or a transcript from a file", Takes::File),
    Command {
        aliases: &["h", "?"],
        ..command("help", "[COMMAND]", "this table, or more about one command", Takes::Command)
    },
    Command { aliases: &["exit", "q"], ..command("quit", "", "leave; Ctrl-D does as well", Takes::Nothing) },
];

impl Command {
    /// The command called `word`.
    pub(crate) fn find(word: &str) -> Option<&'static Command> {
        COMMANDS.iter().find(|command| command.name == word || command.aliases.contains(&word))
    }

    /// Its name with what follows it.
    pub(crate) fn synopsis(&self) -> String {
        format!("{} {}", self.name, self.usage).trim_end().to_owned()
    }

    /// Refuses `rest` for a command that takes nothing.
    pub(super) fn nothing(&self, rest: &str) -> Outcome<()> {
        if rest.is_empty() { Ok(()) } else { Err(self.misused(format!("`{}` takes no argument", self.name))) }
    }

    /// A failure that shows how the command is used.
    pub(super) fn misused(&self, what: impl std::fmt::Display) -> Failure {
        Failure::new(Exit::Call, format!("error[M602]: {what}")).help(format!("{}: {}", self.synopsis(), self.about))
    }
}

/// What `help` shows.
pub(crate) fn help(topic: &str) -> Outcome<String> {
    if topic.is_empty() {
        let width = COMMANDS.iter().map(|command| command.synopsis().len()).max().unwrap_or(0);
        let mut text = format!("{:width$}  call a function of the facade; arguments are JSON\n", "f(1, \"x\")");
        text += &format!("{:width$}  any module; arguments by name\n", "till.f(times: 2)");
        for command in COMMANDS {
            text += &format!("{:width$}  {}\n", command.synopsis(), command.about);
        }
        return Ok(text.trim_end().to_owned());
    }
    let command = Command::find(topic).ok_or_else(|| unknown(topic, std::iter::empty()))?;
    let mut text = format!("{}\n  {}", command.synopsis(), command.about);
    if !command.aliases.is_empty() {
        text += &format!(" (also `{}`)", command.aliases.join("`, `"));
    }
    for line in command.more.lines() {
        text += &format!("\n  {}", line.trim_start());
    }
    Ok(text)
}

/// Neither a command nor one of `functions`: with the nearest that is.
pub(super) fn unknown<'n>(word: &str, functions: impl Iterator<Item = &'n str>) -> Failure {
    let names = COMMANDS.iter().map(|command| command.name).chain(functions);
    let near = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    let near = near.filter(|(distance, _)| *distance <= (word.len() / 3).max(1)).map(|(_, name)| name);
    let help = near.map_or("`help` lists the commands, `interface` the functions".to_owned(), |near| {
        format!("did you mean `{near}`?")
    });
    Failure::new(Exit::Call, format!("error[M601]: there is no command or function `{word}`")).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_names_of_one_command() {
        let mut words: Vec<_> =
            COMMANDS.iter().flat_map(|command| command.aliases.iter().chain([&command.name])).collect();
        let before = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), before);
    }

    #[test]
    fn the_book_lists_every_command() {
        let page = include_str!("../../../docs/repl.md");
        for command in COMMANDS {
            let row = format!("| `{}` |", command.synopsis().replace('|', "\\|"));
            assert!(page.contains(&row), "docs/repl.md lacks a row that begins with {row}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered() {
        let failure = unknown("intreface", ["total"].into_iter());
        assert_eq!(failure.help.as_deref(), Some("did you mean `interface`?"));
        assert_eq!(unknown("totl", ["total"].into_iter()).help.as_deref(), Some("did you mean `total`?"));
    }
}
