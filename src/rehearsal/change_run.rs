//! One run of a change in the shadow, phase by phase, and how it ended.
//! Invariant: a status of 0 is not believed before its last words were found (`run_phase`), and what this machine could not do is
//! never an error of the change.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::change_program::{last_words, not_seen, program};
use super::counters::CounterReading;
use super::kept_text::KnownTexts;
use super::program_end::is_done;
use super::recording_proxy::RecordingProxy;
use super::shadow_database::{FOREIGN, SENTINEL, ShadowDatabase};
use crate::run::{RecordedChange, ScriptEnd, ScriptStatements};

/// What of a script's errors is read, in bytes.
const SAID_MAX: usize = 64 << 10;

/// How a run ended, what was counted, and what was recorded.
pub(super) type ChangeRun = (ScriptEnd, CounterReading, Option<RecordedChange>);

/// Runs the change in the copy of the base, each phase as a transaction and a session of its own, and writes the sentinel behind it.
/// `proxy` records it.
pub(super) fn run(
    shadow: &ShadowDatabase,
    proxy: Option<&RecordingProxy>,
) -> Result<ChangeRun, String> {
    let mut end = ScriptEnd::default();
    let mut counters = CounterReading::default();
    let mut recorded = proxy.map(|_| RecordedChange::default());
    for files in &shadow.plan().phases {
        let logged = shadow.log_length();
        // Before it runs: what it leaves of its files is no script.
        let script = script_of(files)?;
        let (mut phase, said) = run_phase(shadow, proxy, files)?;
        if let (Some(proxy), Some(recorded)) = (proxy, &mut recorded) {
            let log = proxy.take(shadow.sessions_since(logged))?;
            let mut texts: Vec<_> = script
                .iter()
                .map(|it| String::from_utf8_lossy(it))
                .collect();
            texts.push(functions(shadow)?.into());
            let known = KnownTexts::of(&texts.join("\n"));
            let script = ScriptStatements::of(&script);
            let failed = log.failure_told_in(&said);
            phase = log.put(recorded, (&known, &script), phase);
            if shadow.plan().command.is_some() {
                phase = by_recorded(phase, recorded, failed);
            }
        }
        end = ScriptEnd {
            took_ms: end.took_ms.saturating_add(phase.took_ms),
            ..phase
        };
        if !end.succeeded {
            break;
        }
        counters.phase_ended(shadow)?;
    }
    sentinel(shadow, counters.phases())?;
    Ok((end, counters, recorded))
}

/// The end of a program of the team, which says what the server said in words of its own: the statement that failed.
fn by_recorded(end: ScriptEnd, recorded: &RecordedChange, failed: Option<usize>) -> ScriptEnd {
    let statements = recorded.phases.last();
    let failed = statements.zip(failed).and_then(|(all, nth)| all.get(nth));
    match failed.and_then(|it| Some((it.error.as_ref()?, it))) {
        Some((error, statement)) if !end.succeeded => ScriptEnd {
            error: Some(format!("{}:  {}", error.severity, error.message)),
            statement: Some(statement.text.clone()),
            ..end
        },
        _ => end,
    }
}

/// The bytes of the files of a phase.
fn script_of(files: &[(String, PathBuf)]) -> Result<Vec<Vec<u8>>, String> {
    let read = |(name, file): &(String, PathBuf)| {
        std::fs::read(file).map_err(|error| format!("{name}: {error}"))
    };
    files.iter().map(read).collect()
}

/// The texts of the functions that the database has.
fn functions(shadow: &ShadowDatabase) -> Result<String, String> {
    let sql = format!(
        "SELECT p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {FOREIGN}"
    );
    let texts = shadow.ask(&shadow.plan().database, &sql)?;
    Ok(texts
        .into_iter()
        .flatten()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Runs one phase, through the proxy where there is one; gives how it ended and what the program said.
fn run_phase(
    shadow: &ShadowDatabase,
    proxy: Option<&RecordingProxy>,
    files: &[(String, PathBuf)],
) -> Result<(ScriptEnd, String), String> {
    let server = proxy.map_or(shadow.socket_dir(), RecordingProxy::directory);
    let own_time = || proxy.map_or(Duration::ZERO, RecordingProxy::own_time);
    let plan = shadow.plan();
    let said = shadow.scratch().join("said");
    let mut program = program(shadow, files, server)?;
    let said_to = File::create(&said).map_err(|error| error.to_string())?;
    program.stderr(said_to).process_group(0);
    let name = program.get_program().to_string_lossy().into_owned();
    let logged = shadow.log_length();
    let began = Instant::now();
    let mut child = program.spawn().map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let why = missing.then(|| not_seen(plan.command.as_ref()));
        format!(
            "{name} cannot be run in the shadow: {error}{}",
            why.unwrap_or_default()
        )
    })?;
    let limit = Duration::from_secs(plan.seconds_max);
    let took = || began.elapsed().saturating_sub(own_time());
    let ended = wait(&mut child, || took() > limit)?;
    let took_ms = u64::try_from(took().as_millis()).unwrap_or(u64::MAX);
    let words = std::fs::read(&said).unwrap_or_default();
    let text = without_paths(&words, shadow, server);
    let (mut error, statement) = match plan.command {
        Some(_) => (last_words(&text), None),
        None => errors(&text),
    };
    if ended == Some(true) && plan.command.is_none() {
        is_done(&words)?;
    }
    if ended == Some(false) && shadow.gave_out(logged) {
        let error = error.unwrap_or_default();
        return Err(format!(
            "this machine could not carry the change out: {error}"
        ));
    }
    shadow.end_sessions()?;
    if ended.is_none() {
        error = Some(format!("it did not end within {} s", plan.seconds_max));
    }
    let succeeded = ended == Some(true);
    if !succeeded && error.is_none() {
        error = Some(format!("{name} failed without a message"));
    }
    let end = ScriptEnd {
        succeeded,
        error: error.filter(|_| !succeeded),
        statement: statement.filter(|_| !succeeded),
        took_ms,
    };
    Ok((end, text))
}

/// Whether it succeeded; `None`: it had to be killed. What it started ends with it.
fn wait(child: &mut Child, is_late: impl Fn() -> bool) -> Result<Option<bool>, String> {
    let ended = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break Some(status.success());
        }
        if is_late() {
            break None;
        }
        thread::sleep(Duration::from_millis(3));
    };
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    if ended.is_none() {
        let _ = child.wait();
    }
    Ok(ended)
}

/// Writes a row, and waits until the counters know of it: those of the change were there before. So many were counted until now.
fn sentinel(shadow: &ShadowDatabase, counted: usize) -> Result<(), String> {
    let database = &shadow.plan().database;
    shadow.ask(
        database,
        &format!("INSERT INTO {SENTINEL}.written VALUES (1, 'arrived')"),
    )?;
    shadow.leave();
    shadow.wait_for_counters(counted + 1)
}

/// What a program said, with the names of files that people know, and without what is another path in each rehearsal: the same error
/// must read the same.
fn without_paths(said: &[u8], shadow: &ShadowDatabase, server: &Path) -> String {
    let mut text = String::from_utf8_lossy(&said[..said.len().min(SAID_MAX)]).into_owned();
    for (name, file) in shadow.plan().phases.iter().flatten() {
        text = text.replace(&*file.to_string_lossy(), name);
    }
    text = text.replace(&*server.to_string_lossy(), "(shadow)");
    text.replace(&*shadow.scratch().to_string_lossy(), "(scratch)")
}

/// The first error of psql and its statement.
fn errors(text: &str) -> (Option<String>, Option<String>) {
    let is_error =
        |line: &&str| line.contains("ERROR:") || line.contains("FATAL:") || line.contains("error:");
    let error = text
        .lines()
        .find(is_error)
        .map(|line| line.trim_start_matches("psql:").trim().to_owned());
    let statement = text.split_once("STATEMENT:").map(|(_, rest)| {
        let of_psql = |line: &&str| {
            let messages = ["psql:", "WARNING:", "NOTICE:", "ERROR:"];
            messages.iter().any(|message| line.starts_with(message))
        };
        let lines: Vec<&str> = rest.lines().take_while(|line| !of_psql(line)).collect();
        lines.join("\n").trim().to_owned()
    });
    (error, statement)
}
