//! What is said of a command line that is not understood. Invariant: a word that is no command is never taken for a run by chance.

use clap::error::ErrorKind;

use super::{CliError, RunRef, clap_command};
use crate::profile::{nearest, printable};
use crate::run::CommandLine;

/// What clap refuses, as one sentence and a hint.
pub(super) fn clap_error(error: &clap::Error, call: &CommandLine) -> CliError {
    let text = error.render().to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return CliError::Information(text);
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let said = lines
        .iter()
        .take_while(|line| !line.starts_with("tip:") && !line.starts_with("For more"))
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    let tip = lines.iter().find_map(|line| line.strip_prefix("tip: "));
    let help = call.anywhere(format!("{}--help", usage_of(&text)));
    let hint = tip.map_or_else(
        || format!("`{help}` lists the commands and flags."),
        |tip| format!("{}; `{help}` lists what there is.", printable(tip)),
    );
    CliError::usage(
        printable(said.strip_prefix("error: ").unwrap_or(&said)),
        hint,
    )
}

/// The words of the command whose usage clap shows, each with a blank behind it: `profile check `.
fn usage_of(text: &str) -> String {
    let usage = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Usage: drygate "));
    let words = usage.unwrap_or_default().split(' ');
    let words = words.take_while(|word| word.bytes().all(|c| c.is_ascii_lowercase()));
    let mut command = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        command.push_str(word);
        command.push(' ');
    }
    command
}

/// A word without a command: a run, or a command that does not exist.
pub(super) fn bare_run(word: &str, call: &CommandLine) -> Result<RunRef, CliError> {
    if let Ok(run) = word.parse::<RunRef>()
        && run.is_clearly_a_run()
    {
        return Ok(run);
    }
    let clap = clap_command();
    let commands: Vec<&str> = clap
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let near =
        nearest(word, commands).map_or_else(String::new, |near| format!("Did you mean `{near}`? "));
    Err(CliError::usage(
        format!("\"{}\" is no command, and names no run", printable(word)),
        format!(
            "{near}`{}` lists the commands, `{}` the runs.",
            call.anywhere("--help"),
            call.to("runs")
        ),
    ))
}
