//! One run of a change in the shadow, phase by phase, and how it ended.
//! Invariant: a status of 0 is not believed before its last words were found (`run_phase`), and what this machine could not do is
//! never an error of the change.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::counters::CounterReading;
use super::kept_text::KnownTexts;
use super::program_end::{is_done, says_done};
use super::recording_proxy::RecordingProxy;
use super::shadow_database::{FOREIGN, SENTINEL, ShadowDatabase};
use crate::run::{RecordedChange, ScriptEnd};

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
        let mut phase = run_phase(shadow, proxy, files)?;
        if let (Some(proxy), Some(recorded)) = (proxy, &mut recorded) {
            let log = proxy.take(shadow.sessions_since(logged))?;
            let known = KnownTexts::of(&(script_of(files)? + &functions(shadow)?));
            phase = log.put(recorded, &known, phase);
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

/// The text of the files of a phase.
fn script_of(files: &[(String, PathBuf)]) -> Result<String, String> {
    let mut script = String::new();
    for (name, file) in files {
        let text = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
        script.push_str(&String::from_utf8_lossy(&text));
        script.push('\n');
    }
    Ok(script)
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

/// Runs one phase, through the proxy where there is one.
fn run_phase(
    shadow: &ShadowDatabase,
    proxy: Option<&RecordingProxy>,
    files: &[(String, PathBuf)],
) -> Result<ScriptEnd, String> {
    let server = proxy.map_or(shadow.socket_dir(), RecordingProxy::directory);
    let own_time = || proxy.map_or(Duration::ZERO, RecordingProxy::own_time);
    let plan = shadow.plan();
    let said = shadow.scratch().join("said");
    let mut psql = shadow.psql(&plan.role, &plan.database);
    psql.env("PGHOST", server);
    // Details can hold values of rows, and a context the text of functions.
    psql.args([
        "-1",
        "-b",
        "-v",
        "VERBOSITY=terse",
        "-v",
        "SHOW_CONTEXT=never",
    ]);
    for (_, file) in files {
        psql.arg("-f").arg(file);
    }
    says_done(&mut psql).stderr(Stdio::from(
        File::create(&said).map_err(|error| error.to_string())?,
    ));
    let logged = shadow.log_length();
    let began = Instant::now();
    let mut child = psql
        .spawn()
        .map_err(|error| format!("psql cannot be run: {error}"))?;
    let limit = Duration::from_secs(plan.seconds_max);
    let took = || began.elapsed().saturating_sub(own_time());
    let ended = wait(&mut child, || took() > limit)?;
    let took_ms = u64::try_from(took().as_millis()).unwrap_or(u64::MAX);
    let words = std::fs::read(&said).unwrap_or_default();
    let (mut error, statement) = errors(&words, shadow, server);
    if ended == Some(true) {
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
        error = Some("psql failed without a message".to_owned());
    }
    Ok(ScriptEnd {
        succeeded,
        error: error.filter(|_| !succeeded),
        statement: statement.filter(|_| !succeeded),
        took_ms,
    })
}

/// Whether it succeeded; `None`: it had to be killed.
fn wait(child: &mut Child, is_late: impl Fn() -> bool) -> Result<Option<bool>, String> {
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status.success()));
        }
        if is_late() {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(3));
    }
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

/// The first error and its statement, with the name of the file that people know.
fn errors(said: &[u8], shadow: &ShadowDatabase, server: &Path) -> (Option<String>, Option<String>) {
    let mut text = String::from_utf8_lossy(&said[..said.len().min(SAID_MAX)]).into_owned();
    for (name, file) in shadow.plan().phases.iter().flatten() {
        text = text.replace(&*file.to_string_lossy(), name);
    }
    // Another one in each rehearsal: the same error must read the same.
    text = text.replace(&*server.to_string_lossy(), "(shadow)");
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
