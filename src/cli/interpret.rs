//! Turns the arguments that clap parsed into a `Command`. Invariant: a misspelt command is not taken for a part of a run id
//! (`bare_run`, `RunRef::is_clearly_a_run`).

use std::path::PathBuf;

use clap::error::ErrorKind;

use super::arguments::{CommandArguments, ConfigWord, ProfileWord, ReplayWords, RunsWords};
use super::{
    CliError, Command, DiffCommand, DiffSides, ProfileCommand, ReplayCommand, ReplayFile,
    ReplayFormat, RunPlace, RunRef, RunsCommand, clap_command,
};
use crate::profile::{nearest, printable};
use crate::run::{CommandLine, RunFilter, RunOrder};

/// A clap error as one sentence and a hint; help and version become `CliError::Information`.
pub(super) fn clap_error(error: &clap::Error, call: &CommandLine) -> CliError {
    let text = error.render().to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return CliError::Information(text);
    }
    // clap has its sentence and its tips only in the rendered text.
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
    let help = call.anywhere("--help");
    let hint = tip.map_or_else(
        || format!("`{help}` lists the commands and flags."),
        |tip| format!("{}; `{help}` lists what there is.", printable(tip)),
    );
    CliError::usage(
        printable(said.strip_prefix("error: ").unwrap_or(&said)),
        hint,
    )
}

/// The command of the parsed arguments; without a command word it opens a run or the list.
pub(super) fn command(
    word: Option<CommandArguments>,
    run: Option<&str>,
    call: &CommandLine,
) -> Result<Command, CliError> {
    let Some(word) = word else {
        return Ok(Command::Open {
            run: run.map(|word| bare_run(word, call)).transpose()?,
        });
    };
    Ok(match word {
        CommandArguments::Demo {
            scenario,
            print_sql,
        } => Command::Demo {
            scenario,
            print_sql,
        },
        CommandArguments::Run => Command::Run,
        CommandArguments::Resume { run } => Command::Resume { run },
        CommandArguments::Approve { run, gate, digest } => Command::Approve { run, gate, digest },
        CommandArguments::Reject { run, gate, reason } => Command::Reject { run, gate, reason },
        CommandArguments::Watch { run } => Command::Watch { run },
        CommandArguments::Runs(words) => Command::Runs(runs(&words)),
        CommandArguments::Replay(words) => Command::Replay(replay(words)),
        CommandArguments::Verify { target } => Command::Verify(run_place(target)),
        CommandArguments::Recheck { run, after } => Command::Recheck { run, after },
        CommandArguments::Survey => Command::Survey,
        CommandArguments::Report { run } => Command::Report {
            run: run_place(run),
        },
        CommandArguments::Export { run, output } => Command::Export { run, output },
        CommandArguments::Import { file } => Command::Import { file },
        CommandArguments::Diff {
            run,
            other,
            evidence,
            gates,
            last_pass,
            predicted,
            width,
            stat,
        } => Command::Diff(DiffCommand {
            run,
            sides: match (other, evidence) {
                (Some(other), _) => DiffSides::Other(other),
                (None, Some(gate)) => DiffSides::Evidence(gate),
                _ if gates => DiffSides::Gates,
                _ if last_pass => DiffSides::LastPass,
                _ if predicted => DiffSides::Predicted,
                _ => DiffSides::Best,
            },
            width,
            stat,
        }),
        CommandArguments::Profile { word } => Command::Profile(match word {
            ProfileWord::List => ProfileCommand::List,
            ProfileWord::Show { name } => ProfileCommand::Show { name },
            ProfileWord::Check { name } => ProfileCommand::Check { name },
            ProfileWord::Init { file } => ProfileCommand::Init { file },
        }),
        CommandArguments::Doctor => Command::Doctor,
        CommandArguments::Config {
            word: ConfigWord::Show,
        } => Command::ConfigShow,
        CommandArguments::Completions { shell } => Command::Completions(shell),
        CommandArguments::Man => Command::Man,
    })
}

/// The arguments of `replay`; the output file `-` is standard output.
fn replay(words: ReplayWords) -> ReplayCommand {
    let (width, height) = (words.width, words.height);
    let cast = words.cast.map(|output| (ReplayFormat::Cast, output));
    let svg = words.svg.map(|output| (ReplayFormat::Svg, output));
    ReplayCommand {
        run: run_place(words.run),
        at: words.at,
        file: cast.or(svg).map(|(format, output)| ReplayFile {
            format,
            output: (output.as_os_str() != "-").then_some(output),
            width,
            height,
        }),
    }
}

/// The arguments of `runs`.
fn runs(words: &RunsWords) -> RunsCommand {
    let asked = [
        (words.waiting, RunFilter::Waiting),
        (words.failed, RunFilter::Failed),
        (words.drifted, RunFilter::Drifted),
        (words.damaged, RunFilter::Damaged),
    ];
    RunsCommand {
        filters: asked
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, filter)| filter)
            .collect(),
        state: words.state,
        order: RunOrder {
            sort: words.sort.unwrap_or_default(),
            reversed: words.reverse,
        },
    }
}

/// A word without a command: a run, or a command that does not exist.
fn bare_run(word: &str, call: &CommandLine) -> Result<RunRef, CliError> {
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

/// A word that can only be a path is one; a file or directory here whose name could be a run's is written `./NAME`.
fn run_place(word: PathBuf) -> RunPlace {
    // A run id has no `/`, no `.` inside and only certain letters, so most paths fail to parse as one.
    match word.to_str().map(str::parse) {
        Some(Ok(run)) => RunPlace::Run(run),
        _ => RunPlace::Path(word),
    }
}
