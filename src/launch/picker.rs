//! `drygate` and `drygate runs` on a terminal: the list of runs, from which one is opened and to which it comes back.
//! Invariant: a screen that was opened has the terminal alone; the list never reads a journal in the thread that draws it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use super::terminal_session::{self, ScreenTerminalSession};
use super::{LaunchError, diff, export, print, replay, run_plan, screen, verify, watch};
use crate::cli::{DiffCommand, DiffSides, RunRef, RunsCommand, Settings};
use crate::journal::{DirectoryStore, RunIndex};
use crate::run::{CommandLine, RunId, RunRow, StopCode};
use crate::runner::clock::{Clock, SystemClock};
use crate::tui::model::Search;
use crate::tui::picker::{Picker, PickerMessage, PickerPage};
use crate::tui::picker_keys::{Asked, Opening};
use crate::tui::picker_loop::{PickerEnd, PickerRequest};
use crate::tui::{Ending, ScreenMessage};

/// Rows that were read are told together, so that the list is not put in order for each.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// Whether a screen was ended by a signal: the list does not come back after it. 130 is also the exit code of a screen that was left while its run worked.
fn is_ended_by_signal(exit_code: u8) -> bool {
    exit_code > 128 && exit_code != StopCode::StopInterrupted.exit_code()
}

/// Shows the list until it is left for good.
pub fn runs(settings: &Settings, command: &RunsCommand) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let call = &settings.call;
    let home = store.storage().root().display().to_string();
    let mut picker = Picker::new(home, terminal_session::theme(settings), SystemClock.now());
    picker.call = call.clone();
    picker.order = command.order;
    picker.filter = command.filters.first().copied().unwrap_or_default();
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
                return Err(LaunchError::Output {
                    doing: "cannot draw",
                    source,
                });
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

/// What came while another screen had the terminal. Keys that were meant for nothing on screen mean nothing.
fn catch_up(picker: &mut Picker, inbox: &Receiver<ScreenMessage>) {
    for messages in inbox.try_iter() {
        if let ScreenMessage::Runs(messages) = messages {
            picker.take(messages, SystemClock.now());
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
        Opening::Differences => {
            let command = DiffCommand {
                run,
                sides: DiffSides::Best,
                width: None,
                stat: false,
            };
            diff::diff(settings, &command)
        }
    }
}

fn named(name: &str) -> Result<RunId, LaunchError> {
    let parsed = name.parse::<RunId>();
    parsed.map_err(|error| LaunchError::Usage(error.to_string()))
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
    let (store, told, called) = (store.clone(), messages.clone(), call.clone());
    let done = match order {
        PickerRequest::LookAgain => look(&store, messages, reading),
        PickerRequest::Bring(name, asked) => {
            let bring = move || {
                let brought = bring(&store, &name, asked);
                let brought = brought
                    .unwrap_or_else(|error| PickerMessage::Notice(sentence(&error, &called)));
                let _ = told.send(ScreenMessage::Runs(brought));
            };
            let thread = std::thread::Builder::new().name("page".to_owned());
            thread
                .spawn(bring)
                .map(drop)
                .map_err(|source| LaunchError::Output {
                    doing: "cannot start to read",
                    source,
                })
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
            title: format!("VERIFY {}", run_id.short()),
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
            let written = export::exported(store, &run_id, &file).map_err(|error| {
                // The list asks for no name: a command does, which has no room in the answer to a key.
                match error {
                    LaunchError::Usage(why) => {
                        LaunchError::Usage(format!("{why}: export --output names one"))
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

/// Tells what the index knows, at once, and in a thread reads what it does not.
fn look(
    store: &DirectoryStore,
    messages: &Sender<ScreenMessage>,
    reading: &Arc<AtomicBool>,
) -> Result<(), LaunchError> {
    if reading.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let mut index = RunIndex::look(store)?;
    let rows: Vec<RunRow> = index.rows().cloned().collect();
    let unknown = index.len() - rows.len();
    let tell =
        |messages: &Sender<ScreenMessage>, told| drop(messages.send(ScreenMessage::Runs(told)));
    tell(messages, PickerMessage::Rows(rows, unknown));
    let (messages, reading) = (messages.clone(), reading.clone());
    let read = move || {
        let mut rows = Vec::new();
        let mut told = Instant::now();
        index.read_open(&mut |row, left| {
            rows.push(row.clone());
            if left == 0 || told.elapsed() > TOLD_EVERY {
                told = Instant::now();
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
        .map_err(|source| LaunchError::Output {
            doing: "cannot start to read the runs",
            source,
        })
}
