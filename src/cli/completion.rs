//! Completions: the shell asks drygate itself, which knows the runs, gates and profiles.

use std::ffi::OsStr;
use std::io;

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use clap_complete::env::{CompleteEnv, Shells};

use super::clap_command;
use crate::profile::BUILT_IN;

/// The variable by which a completion script asks.
const ASKED: &str = "DRYGATE_COMPLETE";

/// Answers a completion script and ends the process, where one asks. `runs` names the runs of the data directory.
pub fn complete(runs: fn() -> Vec<String>) {
    CompleteEnv::with_factory(move || with_values(clap_command(), runs))
        .var(ASKED)
        .complete();
}

/// The completion script of a shell.
pub fn completions(shell: Shell) -> io::Result<Vec<u8>> {
    let name = shell.to_string();
    let mut text = Vec::new();
    let shells = Shells::builtins();
    let known = shells.completer(&name).ok_or(io::ErrorKind::Unsupported)?;
    known.write_registration(ASKED, "drygate", "drygate", "drygate", &mut text)?;
    Ok(text)
}

fn with_values(command: Command, runs: fn() -> Vec<String>) -> Command {
    command
        .mut_args(|arg| with_value(arg, runs))
        .mut_subcommands(|command| with_values(command, runs))
}

fn with_value(arg: Arg, runs: fn() -> Vec<String>) -> Arg {
    let named = |names: Vec<String>| names.into_iter().map(CompletionCandidate::new).collect();
    let meant = arg.get_value_names().and_then(<[_]>::first);
    match meant.map(|name| name.as_str().to_owned()) {
        Some(name) if name.starts_with("RUN_ID") => {
            let with_files = name != "RUN_ID" && name != "RUN_ID2";
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                let mut fitting: Vec<CompletionCandidate> = named(runs());
                fitting.retain(|run| {
                    run.get_value()
                        .as_encoded_bytes()
                        .starts_with(typed.as_encoded_bytes())
                });
                if with_files {
                    fitting.extend(PathCompleter::any().complete(typed));
                }
                fitting
            }))
        }
        Some(name) if name == "SG1|SG2" => arg.add(ArgValueCandidates::new(move || {
            named(["SG1", "SG2"].map(str::to_owned).to_vec())
        })),
        Some(name) if name == "NAME|PATH" => {
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                let mut fitting: Vec<CompletionCandidate> =
                    named(BUILT_IN.map(|(name, _)| name.to_owned()).to_vec());
                fitting.retain(|name| {
                    name.get_value()
                        .as_encoded_bytes()
                        .starts_with(typed.as_encoded_bytes())
                });
                fitting.extend(PathCompleter::file().complete(typed));
                fitting
            }))
        }
        _ => arg,
    }
}
