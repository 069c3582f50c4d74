//! From arguments to a command, and from its end to an exit code. Every failure is printed once, with a hint, on standard error
//! (`tell`).

use std::process::ExitCode;
use std::time::Instant;

use super::{
    LaunchError, approve, archive, demo, diff, doctor, headless, lookup, output, print, recheck,
    rehearse, replay, run, runs, screen, store, survey, verify, watch,
};
use crate::cli;
use crate::cli::{Cli, Command, ConfigCommand, Environment, Settings};
use crate::documents::RunDocument;
use crate::run::{CommandLine, Decision, exit};
use crate::runner::causes;
use crate::survey::Digest;

/// The whole program: arguments of the process to exit code.
pub fn main() -> ExitCode {
    super::end_on_panic();
    cli::complete(lookup::run_names);
    let (json, call, ended) = match Environment::of_process() {
        Ok(environment) => begin(&environment),
        Err(error) => (wants_json(), CommandLine::default(), Err(error.into())),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // As with `| head`: nobody reads, and a message about it helps nobody.
            if !error.is_closed_output() {
                tell(json, &error, &call);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

/// Whether one document is wanted, how drygate is called here, and how the command ended.
fn begin(environment: &Environment) -> (bool, CommandLine, Result<u8, LaunchError>) {
    match cli::parse(std::env::args_os(), environment) {
        Ok(cli) => {
            let call = cli.settings.call.clone();
            (cli.settings.json(), call, logged(&cli))
        }
        Err(error) => {
            let ended = match error.to_stdout() {
                Some(text) => output::print(text).map(|()| exit::OK),
                None => Err(error.into()),
            };
            (wants_json(), environment.command_line(None), ended)
        }
    }
}

/// Carries a command out, with its log around it.
fn logged(cli: &Cli) -> Result<u8, LaunchError> {
    output::start_log(cli)?;
    let began = Instant::now();
    let ended = execute(cli);
    let took_ms = began.elapsed().as_millis();
    match &ended {
        Ok(exit_code) => tracing::info!(exit_code, %took_ms, "ended"),
        Err(error) => {
            let causes = causes(error);
            tracing::error!(exit_code = error.exit_code(), %took_ms, ?causes, "ended");
        }
    }
    ended
}

/// Whether one document is wanted by arguments that could not be read.
fn wants_json() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

/// Says a failure: as one document where that was asked for, and to people on standard error.
fn tell(json: bool, error: &LaunchError, call: &CommandLine) {
    let message = crate::report::visible(&error.to_string());
    let next = error
        .hint(call)
        .map_or_else(String::new, |hint| crate::report::visible(&hint));
    let code = error
        .stop_code()
        .map_or_else(String::new, |code| format!("{code}: "));
    output::say(&format!("drygate: {code}{message}"));
    if !next.is_empty() {
        output::say(&format!("  {next}"));
    }
    if json {
        let document = RunDocument {
            stop_code: error.stop_code(),
            message: Some(message),
            next: Some(next),
            ..RunDocument::default()
        };
        // Standard output may be closed; the sentence above has said it.
        let _ = output::document(&document);
    }
}

/// Carries a command out; gives its exit code.
pub fn execute(cli: &Cli) -> Result<u8, LaunchError> {
    let settings: &Settings = &cli.settings;
    // Before anything is written: SIGXFSZ would end the process.
    headless::survive_the_file_size_limit()?;
    match &cli.command {
        Command::Open { run } => screen::open(settings, run.as_ref()),
        Command::Demo {
            shows,
            scenario,
            print_sql,
        } => demo::demo(settings, shows.or(*scenario), *print_sql),
        Command::Run { change, role } => run::run(settings, change, role.as_deref()),
        Command::ResumeCopy { run } => run::resume_copy(settings, run),
        Command::Resume { run } => run::resume(settings, run),
        Command::Approve { run, gate, digest } => match digest {
            Some(digest) => {
                let digest: Digest = digest
                    .parse()
                    .map_err(|error| LaunchError::Usage(format!("--digest: {error}")))?;
                approve::decide(settings, run, *gate, Decision::Approve, Some(digest), None)
            }
            None if !settings.headless => screen::approve(settings, run, *gate),
            None => Err(LaunchError::Usage(
                "without a terminal an approval names its evidence: --digest <64 hex>".to_owned(),
            )),
        },
        Command::Reject { run, gate, reason } => {
            let reason = Some(reason.clone());
            approve::decide(settings, run, *gate, Decision::Reject, None, reason)
        }
        Command::Watch { run } => watch::command(settings, run),
        Command::Runs(command) if command.removal.is_some() => runs::remove(settings, command),
        Command::Runs(command) if settings.headless || command.since.is_some() => {
            runs::list(settings, command)
        }
        Command::Runs(command) => runs::pick(settings, command),
        Command::Replay(command) => replay::command(settings, command),
        Command::Verify {
            target,
            head,
            store,
        } => verify::verify(settings, target, head.as_ref(), *store),
        Command::Recheck { run, after } => recheck::recheck(settings, run, *after),
        Command::Guard {
            run,
            phase,
            parts,
            files,
        } => print::guard(settings, run, *phase, (*parts, files.as_deref())),
        Command::Rehearse {
            change,
            role,
            against,
            markdown,
        } => rehearse::rehearse(
            settings,
            (change, role.as_deref()),
            against.as_ref(),
            *markdown,
        ),
        Command::Shadow => {
            crate::rehearsal::shadow();
            Ok(exit::OK)
        }
        Command::Survey => survey::survey(settings),
        Command::Report { run } => print::report(settings, run),
        Command::Export { run, output } => archive::export(settings, run, output),
        Command::Import { file } => archive::import(settings, file),
        Command::Diff(command) => diff::diff(settings, command),
        Command::Profile(command) => print::profiles(settings, command),
        Command::Store(command) => store::command(command),
        Command::Doctor { sql: false } => doctor::doctor(settings),
        Command::Doctor { sql: true } => doctor::role_sql(settings),
        Command::Config(ConfigCommand::Show) => show_settings(settings),
        Command::Completions { shell } => {
            let script = cli::completions(*shell);
            output::bytes(&script.map_err(LaunchError::output("cannot make the completions"))?)?;
            Ok(exit::OK)
        }
        Command::Man {
            output: Some(directory),
            ..
        } => {
            let doing = "cannot write the manual pages";
            cli::write_manuals(directory).map_err(LaunchError::output(doing))?;
            Ok(exit::OK)
        }
        Command::Man { command, .. } => {
            let page =
                cli::manual(command).map_err(LaunchError::output("cannot make the manual"))?;
            let page = page.ok_or_else(|| {
                let words = crate::report::visible(&command.join(" "));
                LaunchError::Usage(format!("there is no command {words}"))
            })?;
            output::bytes(&page)?;
            Ok(exit::OK)
        }
    }
}

fn show_settings(settings: &Settings) -> Result<u8, LaunchError> {
    if settings.json() {
        output::document(&cli::config_document(settings))?;
    } else {
        output::print(&cli::config_text(settings))?;
    }
    Ok(exit::OK)
}
