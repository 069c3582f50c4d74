//! `drygate runs` and `drygate` alone: the list of runs, as a screen and as text. Nothing in the directory of runs is left out
//! of `all`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::run_plan::own_person;
use super::terminal_session::ScreenTerminalSession;
use super::{
    LaunchError, archive, diff, lookup, output, print, replay, run_plan, screen, terminal_session,
    verify, watch,
};
use crate::cli::{DiffCommand, RunRef, RunsCommand, RunsRemoval, Settings};
use crate::documents::{
    OtherRow, RemovedRow, RunApproval, RunsDocument, RunsEntry, RunsRow, SchemaVersion,
};
use crate::journal::{DirectoryStore, RemovedRun, RunIndex, RunStore};
use crate::report::visible;
use crate::run::{CommandLine, Overview, RunId, RunRow, RunStatus, StopCode, span};
use crate::runner::clock::{Clock, SystemClock};
use crate::survey::UtcTime;
use crate::tui::model::Search;
use crate::tui::picker::{Picker, PickerMessage, PickerPage};
use crate::tui::picker_keys::{Asked, Opening};
use crate::tui::picker_loop::{PickerEnd, PickerRequest};
use crate::tui::{Ending, ScreenMessage};

/// Prints the list of runs.
pub fn list(settings: &Settings, command: &RunsCommand) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let index = lookup::index(&store)?;
    let now = SystemClock.now();
    let since = command.since.map(|since| since.time(now));
    // What is no run that reads has no start: an auditor must not miss it.
    let wanted = |row: &RunRow| {
        let started = match &row.standing {
            RunStatus::Run(run) => Some(run.started_at),
            _ => None,
        };
        command.shows(row)
            && started
                .zip(since)
                .is_none_or(|(started, since)| started >= since)
    };
    let mut rows: Vec<&RunRow> = index.rows().filter(|row| wanted(row)).collect();
    command.order().apply(&mut rows);
    let mut removed = store.removed()?;
    removed.retain(|removed| {
        wanted(&RunRow {
            name: removed.run.run_id.to_string(),
            standing: RunStatus::Run(Box::new(removed.run.clone())),
        })
    });
    if settings.json() {
        let listed = rows.iter().map(|row| entry(row, now));
        let removed = removed.iter().map(|removed| removed_entry(removed, now));
        output::document(&RunsDocument {
            schema: SchemaVersion,
            runs: listed.chain(removed).collect(),
        })?;
        return Ok(0);
    }
    if index.is_empty() && removed.is_empty() {
        let home = visible(&store.storage().root().display().to_string());
        output::say(&format!(
            "No runs in {home} yet. {} shows one on a throwaway server; {} starts one.",
            settings.call.anywhere("demo"),
            settings.call.to("run")
        ));
    }
    output::print(&table(&rows, now))?;
    for removed in &removed {
        output::line(&removed_line(removed))?;
    }
    Ok(0)
}

/// `drygate runs remove`: one run, or all that were sealed long enough ago.
pub fn remove(settings: &Settings, command: &RunsCommand) -> Result<u8, LaunchError> {
    let Some(RunsRemoval::Remove { run, older_than }) = &command.removal else {
        return list(settings, command);
    };
    let store = run_plan::store(settings)?;
    let now = SystemClock.now();
    let resolved = run.as_ref().map(|meant| lookup::resolve(&store, meant));
    let meant = resolved.transpose()?;
    let before = older_than.map(|days| days.before(now));
    let cleared = store.clear_never_begun(&|run_id| {
        let old = run_id.started().zip(before);
        meant.as_ref() == Some(run_id) || old.is_some_and(|(at, before)| at <= before)
    })?;
    for row in cleared.iter().filter(|_| !settings.json()) {
        output::line(&format!("REMOVED  {}  it was never begun", row.name))?;
    }
    let old: Vec<RunId> = match (meant, before) {
        (Some(run_id), _) if cleared.is_empty() => {
            if !store.is_sealed(&run_id)? {
                return Err(LaunchError::Usage(format!(
                    "{run_id} is not sealed: only sealed runs can be removed"
                )));
            }
            vec![run_id]
        }
        (None, Some(before)) => {
            let index = lookup::index(&store)?;
            let ended = |row: &RunRow| match &row.standing {
                RunStatus::Run(run) if run.result.is_some() && run.last_at <= before => {
                    Some(run.run_id.clone())
                }
                _ => None,
            };
            index.rows().filter_map(ended).collect()
        }
        (Some(_) | None, _) => Vec::new(),
    };
    let mut removed = Vec::new();
    for run_id in old {
        if older_than.is_some() && !store.is_sealed(&run_id)? {
            output::say(&format!("{run_id} stays: it is not sealed."));
            continue;
        }
        removed.push(store.remove(&run_id, now, own_person()?)?);
        if let Some(removed) = removed.last().filter(|_| !settings.json()) {
            output::line(&removed_line(removed))?;
        }
    }
    if settings.json() {
        let cleared = cleared.iter().map(|row| entry(row, now));
        let removed = removed.iter().map(|run| removed_entry(run, now));
        output::document(&RunsDocument {
            schema: SchemaVersion,
            runs: cleared.chain(removed).collect(),
        })?;
    } else if removed.is_empty() && cleared.is_empty() {
        output::say("No sealed run is that old.");
    }
    Ok(0)
}

/// `REMOVED  2026-11-29  ictr-..  RESULT  head 57:ab12..`.
fn removed_line(removed: &RemovedRun) -> String {
    let result = removed.run.result.as_ref().map_or("", |(result, _)| result);
    visible(&format!(
        "REMOVED  {}  {result}  head {}:{}  {}  removed {} by {}",
        removed.run.run_id,
        removed.seq,
        removed.head,
        removed.run.approvers(),
        removed.removed_at,
        removed.removed_by.user,
    ))
}

fn removed_entry(removed: &RemovedRun, now: UtcTime) -> RunsEntry {
    RunsEntry::Removed(Box::new(RemovedRow {
        run: run_entry(removed.run.run_id.to_string(), "removed", &removed.run, now),
        head_seq: removed.seq,
        head_sha256: removed.head.clone(),
        manifest_sha256: removed.manifest_sha256.clone(),
        removed_at: removed.removed_at,
        removed_by: removed.removed_by.user.clone(),
        removed_by_uid: removed.removed_by.uid,
    }))
}

fn entry(row: &RunRow, now: UtcTime) -> RunsEntry {
    let run_id = row.name.clone();
    let standing = row.standing.name();
    let RunStatus::Run(run) = &row.standing else {
        return RunsEntry::Other(OtherRow {
            run_id,
            standing,
            error: row.standing.reason().map(str::to_owned),
            state: (),
            stop_code: (),
            waits_at: (),
            result: (),
        });
    };
    RunsEntry::Run(Box::new(run_entry(run_id, standing, run, now)))
}

fn run_entry(run_id: String, standing: &'static str, run: &Overview, now: UtcTime) -> RunsRow {
    let approvals = run.approvals.iter();
    let approvals = approvals.map(|(gate, by, at)| RunApproval {
        gate: *gate,
        by: by.user.clone(),
        uid: by.uid,
        login_uid: by.login_uid,
        host: by.host.clone(),
        at: *at,
    });
    let (evidence, expires_at) = run.evidence.clone().unzip();
    let (rejected_by, reason) = run.rejection.clone().unzip();
    RunsRow {
        run_id,
        standing,
        error: (),
        state: run.state,
        stop_code: run.stop_code,
        waits_at: run.waits_at,
        waiting_since: run.waiting_since(),
        waiting_s: run.waits_for_s(now),
        evidence,
        expires_at,
        result: run.result.as_ref().map(|(result, _)| result.clone()),
        outcome: run.result.as_ref().map(|(_, outcome)| *outcome),
        demo: run.demo,
        drifted: run.drifted,
        failed: run.failed(),
        copies_on_disk: run.copies_on_disk,
        started_at: run.started_at,
        last_at: run.last_at,
        duration_s: run.lasted_s(),
        records: run.records,
        head: run.head.clone(),
        profile: run.profile.clone(),
        target_label: run.target_label.clone(),
        target: run.target.clone(),
        started_by: run.started_by.user.clone(),
        started_by_uid: run.started_by.uid,
        started_by_login_uid: run.started_by.login_uid,
        host: run.started_by.host.clone(),
        approvals: approvals.collect(),
        rejected_by,
        reason,
        change: run.change.clone(),
        change_command: run.change_command.clone(),
        carried_out: run.carried_out,
    }
}

/// Columns as wide as what is in them; what stands last in a line has no column.
fn table(rows: &[&RunRow], now: UtcTime) -> String {
    let lines: Vec<Vec<String>> = rows.iter().map(|row| cells(row, now)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        let columns = line.iter().take(line.len() - 1);
        for (width, cell) in widths.iter_mut().zip(columns) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut printed = String::new();
        for (width, cell) in widths.iter().zip(line) {
            let _ = write!(printed, "{cell:<width$}  ");
        }
        text.push_str(printed.trim_end());
        text.push('\n');
    }
    text
}

/// Where it stands, how long, which run, profile, target, who approved; of what is no run that reads, why.
fn cells(row: &RunRow, now: UtcTime) -> Vec<String> {
    let name = visible(&row.name);
    match &row.standing {
        RunStatus::Run(run) => vec![
            stands(run),
            span(run.waits_for_s(now).unwrap_or_else(|| run.lasted_s())),
            name,
            visible(&run.profile),
            visible(&format!("[{}] {}", run.target_label, run.target)),
            visible(&run.approvers()),
        ],
        other => vec![
            other.name().to_owned(),
            String::new(),
            name,
            visible(other.reason().unwrap_or_default()),
        ],
    }
}

fn stands(run: &Overview) -> String {
    let stands = match (run.result_word(), run.drifted) {
        (Some(word @ ("PASS" | "FAIL" | "INCOMPLETE")), true) => format!("{word}, drifted"),
        (Some(word), _) => word.to_owned(),
        (None, _) if run.copies_on_disk => {
            return format!("{}, copied rows on disk", run.situation());
        }
        (None, _) => return run.situation(),
    };
    let demo = if run.demo { "demo " } else { "" };
    let came = (run.carried_out).map_or_else(String::new, |came| format!(", {}", came.words()));
    format!("{demo}{stands}{came}")
}

/// Rows that were read within 100 ms are sent together, so that the list is not sorted for each.
const SENT_EVERY: Duration = Duration::from_millis(100);

/// Whether a signal ended a screen: no list after it. 130 is also the exit code of one that was left while its run worked.
fn is_ended_by_signal(exit_code: u8) -> bool {
    exit_code > 128 && exit_code != StopCode::StopInterrupted.exit_code()
}

/// Shows the list until it is left for good.
pub fn pick(settings: &Settings, command: &RunsCommand) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let call = &settings.call;
    let home = store.storage().root().display().to_string();
    let mut picker = Picker::new(home, terminal_session::theme(settings), SystemClock.now());
    picker.call = call.clone();
    picker.order = command.order();
    picker.filter = command.filters().next().unwrap_or_default();
    picker.search = command.state.map(|state| Search {
        text: format!("'{state}"),
        typing: false,
    });
    let (messages, inbox) = mpsc::channel();
    let reading = Arc::new(AtomicBool::new(false));
    look(&store, &messages, &reading)?;
    loop {
        catch_up(&mut picker, &inbox);
        let stage = ScreenTerminalSession::take(settings)?;
        let requests = |order| obey(&store, call, &messages, &reading, order);
        match stage.pick(&mut picker, Box::new(requests), &messages, &inbox)? {
            PickerEnd::Left(Ending::Failed(source)) => {
                return Err(LaunchError::output("cannot draw")(source));
            }
            PickerEnd::Left(ending) => return Ok(left(&ending)),
            PickerEnd::Open(name, opening) => match open(settings, &store, &name, opening) {
                Ok(code) if is_ended_by_signal(code) => return Ok(code),
                Ok(_) => picker.notice = None,
                Err(error) => picker.notice = Some(sentence(&error, call)),
            },
        }
        look(&store, &messages, &reading)?;
    }
}

fn left(ending: &Ending) -> u8 {
    match ending {
        Ending::Signal(signal) => u8::try_from(128 + signal).unwrap_or(130),
        Ending::HungUp => 129,
        _ => 0,
    }
}

/// Applies the messages that came while another screen had the terminal; keys among them are dropped.
fn catch_up(picker: &mut Picker, inbox: &Receiver<ScreenMessage>) {
    for message in inbox.try_iter() {
        if let ScreenMessage::Runs(message) = message {
            picker.take(message, SystemClock.now());
        }
    }
}

fn open(
    settings: &Settings,
    store: &DirectoryStore,
    name: &str,
    opening: Opening,
) -> Result<u8, LaunchError> {
    let run = RunRef::Part(name.to_owned());
    match opening {
        Opening::Fitting => screen::open(settings, Some(&run)),
        Opening::Replay => replay::replay(settings, store, &named(name)?),
        Opening::Watch => watch::watch(settings, store, &named(name)?, None),
        Opening::Differences => diff::diff(settings, &DiffCommand::best(run)),
    }
}

fn named(name: &str) -> Result<RunId, LaunchError> {
    let parsed = name.parse::<RunId>();
    // A directory whose name is no run id is no run that drygate has made.
    parsed.map_err(|error| LaunchError::Corrupt(error.to_string()))
}

fn sentence(error: &LaunchError, call: &CommandLine) -> String {
    let hint = error
        .hint(call)
        .map_or_else(String::new, |hint| format!(" {hint}"));
    format!("{error}.{hint}")
}

fn obey(
    store: &DirectoryStore,
    call: &CommandLine,
    messages: &Sender<ScreenMessage>,
    reading: &Arc<AtomicBool>,
    order: PickerRequest,
) {
    let (store, answers, called) = (store.clone(), messages.clone(), call.clone());
    let done = match order {
        PickerRequest::LookAgain => look(&store, messages, reading),
        PickerRequest::Bring(name, asked) => {
            let bring = move || {
                let brought = bring(&store, &name, asked);
                let brought = brought
                    .unwrap_or_else(|error| PickerMessage::Notice(sentence(&error, &called)));
                let _ = answers.send(ScreenMessage::Runs(brought));
            };
            let thread = std::thread::Builder::new().name("page".to_owned());
            thread
                .spawn(bring)
                .map(drop)
                .map_err(LaunchError::shortage("cannot start to read"))
        }
    };
    if let Err(error) = done {
        let _ = messages.send(ScreenMessage::Runs(PickerMessage::Notice(sentence(
            &error, call,
        ))));
    }
}

/// What was asked for of a run.
fn bring(store: &DirectoryStore, name: &str, asked: Asked) -> Result<PickerMessage, LaunchError> {
    let run_id = named(name)?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    Ok(PickerMessage::Page(match asked {
        Asked::Verify => PickerPage {
            title: format!("VERIFICATION OF {}", run_id.short()),
            parts: vec![(String::new(), lines(&verify::summary_text(store, &run_id)?))],
            ..PickerPage::default()
        },
        Asked::Reports => {
            let reports = print::rendered(store, &run_id)?;
            // The report of reports first: it has every section and names the others.
            let first = reports
                .iter()
                .position(|report| report.name.starts_with("07-"));
            PickerPage {
                title: format!("REPORTS OF {}", run_id.short()),
                part: first.unwrap_or(0),
                parts: reports
                    .into_iter()
                    .map(|report| (report.name, lines(&report.text)))
                    .collect(),
                ..PickerPage::default()
            }
        }
        Asked::Export => {
            let file = PathBuf::from(format!("{run_id}.tar.gz"));
            let written = archive::exported(store, &run_id, &file).map_err(|error| {
                // The list asks for no name: a command does, which has no room in the answer to a key.
                match error {
                    LaunchError::NameTaken { .. } => {
                        LaunchError::Usage(format!("{error}: export --output names one"))
                    }
                    other => other,
                }
            })?;
            let place = std::path::absolute(&file).unwrap_or(file);
            return Ok(PickerMessage::Notice(format!(
                "Exported to {}, {} files. {}",
                place.display(),
                written.written.made,
                written.standing
            )));
        }
    }))
}

/// Sends what the index knows at once, and reads the other runs on a thread.
fn look(
    store: &DirectoryStore,
    messages: &Sender<ScreenMessage>,
    reading: &Arc<AtomicBool>,
) -> Result<(), LaunchError> {
    // One reader at a time: two would read the same journals.
    if reading.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let mut index = RunIndex::look(store)?;
    let rows: Vec<RunRow> = index.rows().cloned().collect();
    let unknown = index.len() - rows.len();
    let tell =
        |messages: &Sender<ScreenMessage>, rows| drop(messages.send(ScreenMessage::Runs(rows)));
    tell(messages, PickerMessage::Rows(rows, unknown));
    let (messages, reading) = (messages.clone(), reading.clone());
    let read = move || {
        let mut rows = Vec::new();
        let mut sent_at = Instant::now();
        index.read_changed(&mut |row, left| {
            rows.push(row.clone());
            if left == 0 || sent_at.elapsed() > SENT_EVERY {
                sent_at = Instant::now();
                tell(
                    &messages,
                    PickerMessage::Read(std::mem::take(&mut rows), left),
                );
            }
        });
        index.keep();
        reading.store(false, Ordering::SeqCst);
    };
    let thread = std::thread::Builder::new().name("index".to_owned());
    thread
        .spawn(read)
        .map(drop)
        .map_err(LaunchError::shortage("cannot start to read the runs"))
}
