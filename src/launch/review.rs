//! Answers the diff screen: documents are read on other threads, notes are written. It writes nothing but notes.

use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};

use super::diff::{LoadedRun, SideDocuments};
use super::screen::send_journal;
use super::terminal_session::ScreenTerminalSession;
use super::{LaunchError, diff, lookup, print, run_plan, terminal_session};
use crate::cli::{DiffCommand, Settings};
use crate::compare::{AlignedDocuments, Compare, ComparedFact, Comparison, ReviewNote};
use crate::journal::{
    DirectoryStore, JournalEntry, JournalError, Review, ReviewStatus, Reviews, RunStore,
};
use crate::run::RunId;
use crate::runner::clock::{Clock, SystemClock};
use crate::runner::person;
use crate::survey::{Digest, FactKey};
use crate::tui::change_text::ChangeText;
use crate::tui::diff_view::DiffView;
use crate::tui::{Ending, LocalRequest, RequestRoutes, ScreenMessage, Source};

/// Answers the diff screen through its inbox.
#[derive(Clone)]
pub(super) struct DocumentLoader {
    reviews: Reviews,
    store: DirectoryStore,
    documents: SideDocuments,
    run_id: RunId,
    messages: Sender<ScreenMessage>,
    /// Why no note is taken here; `None`: it is.
    pub no_notes: Option<&'static str>,
}

impl DocumentLoader {
    /// A loader for the documents and notes of a run.
    pub fn of(
        store: &DirectoryStore,
        run_id: &RunId,
        messages: Sender<ScreenMessage>,
    ) -> Result<Self, LaunchError> {
        Ok(Self {
            reviews: reviews(store, run_id),
            documents: SideDocuments::of(store, run_id)?,
            store: store.clone(),
            run_id: run_id.clone(),
            messages,
            no_notes: None,
        })
    }

    /// Sends what lies beside the run to the screen: all notes, and what came of its change.
    pub fn tell_beside(&self) {
        self.tell_notes();
        if let Some(seen) = lookup::outcome(&self.store, &self.run_id) {
            let _ = self.messages.send(ScreenMessage::Outcome(seen));
        }
    }

    fn tell_notes(&self) {
        // Notes that cannot be read are named by `verify`; the comparison is shown without them.
        if let Ok(notes) = notes(&self.reviews) {
            let _ = self.messages.send(ScreenMessage::Notes(notes));
        }
    }

    /// Does what the diff screen asks for; `false`: it is asked for elsewhere, or failed at once.
    pub fn obey(&self, asked: LocalRequest) -> bool {
        match asked {
            LocalRequest::OpenDocuments { compare, fact } => {
                let compared = self.clone();
                // Reading and aligning long documents must not block the screen.
                let opening = std::thread::Builder::new().name("documents".to_owned());
                opening.spawn(move || compared.open(compare, &fact)).is_ok()
            }
            LocalRequest::Note { fact, text } => match self.no_notes {
                Some(why) => self
                    .messages
                    .send(ScreenMessage::Said(why.to_owned()))
                    .is_ok(),
                None => self.write(fact, text),
            },
            LocalRequest::Reports => {
                let read = self.clone();
                let opening = std::thread::Builder::new().name("documents".to_owned());
                opening.spawn(move || read.reports()).is_ok()
            }
            LocalRequest::ChangeText(sha256) => {
                let read = self.clone();
                let opening = std::thread::Builder::new().name("documents".to_owned());
                opening.spawn(move || read.change_text(sha256)).is_ok()
            }
            LocalRequest::Replay(_) => false,
        }
    }

    fn reports(&self) {
        let _ = self
            .messages
            .send(match print::rendered(&self.store, &self.run_id) {
                Ok(reports) => {
                    let named = reports.into_iter().map(|it| (it.name, it.text));
                    ScreenMessage::Reports(Arc::new(named.collect()))
                }
                Err(error) => ScreenMessage::Said(error.to_string()),
            });
    }

    /// Reads a file of the change from the blobs of the run, whose bytes are checked.
    fn change_text(&self, sha256: Digest) {
        let blobs = self.store.blobs(&self.run_id);
        let read = blobs.and_then(|blobs| blobs.get(&sha256));
        let result = read.map(|bytes| Arc::new(ChangeText::of(&bytes)));
        let result = result.map_err(|error| error.to_string());
        let _ = self
            .messages
            .send(ScreenMessage::ChangeText { sha256, result });
    }

    fn open(&self, compare: Compare, fact: &ComparedFact) {
        let key = fact.key.clone();
        let result = self.opened(&compare, fact).map(Arc::new);
        let result = result.map_err(|error| error.to_string());
        let _ = self.messages.send(ScreenMessage::Opened {
            compare,
            key,
            result,
        });
    }

    fn opened(
        &self,
        compare: &Compare,
        fact: &ComparedFact,
    ) -> Result<AlignedDocuments, LaunchError> {
        let mut documents = self.documents.clone();
        match compare {
            Compare::Runs(other) => documents.blobs.after = vec![self.store.blobs(other)?],
            Compare::LastPass => {
                // The documents of the last PASS are in its own run, as long as that is kept.
                let runs = self.store.runs()?;
                let others = runs
                    .iter()
                    .rev()
                    .filter_map(|run| self.store.blobs(run).ok());
                documents.blobs.before.extend(others);
            }
            _ => {}
        }
        documents.open(fact)
    }

    fn write(&self, fact: Option<FactKey>, text: String) -> bool {
        let at = SystemClock.now();
        let own = person::own().map_err(|error| error.to_string());
        let written = own.and_then(|own| {
            let written = self.reviews.write(at, own, fact, text);
            written.map_err(|error| error.to_string())
        });
        self.tell_notes();
        let said = match written {
            Ok(_) => "The note was written, beside the run.".to_owned(),
            Err(error) => format!("The note was not written: {error}."),
        };
        self.messages.send(ScreenMessage::Said(said)).is_ok()
    }
}

/// The reviews of a run.
pub(super) fn reviews(store: &DirectoryStore, run_id: &RunId) -> Reviews {
    Reviews::new(store.storage().clone(), &DirectoryStore::run_path(run_id))
}

/// All notes of a run, as they are shown.
pub(super) fn notes(reviews: &Reviews) -> Result<Vec<ReviewNote>, JournalError> {
    let entries = reviews.read()?;
    let standings = reviews.standings(&entries)?;
    let shown = entries.into_iter().zip(standings);
    Ok(shown
        .map(|(entry, standing)| note(entry, standing))
        .collect())
}

fn note(entry: JournalEntry<Review>, standing: ReviewStatus) -> ReviewNote {
    let Review::NoteWritten {
        head_seq,
        head_sha256,
        fact,
        text,
        by,
    } = entry.event;
    let mut note = ReviewNote {
        by: format!("{} {}", by.user, entry.at.clock_minutes()),
        fact,
        text,
        head_seq,
        head_sha256,
        is_stale: false,
        is_foreign: false,
        since: None,
    };
    match standing {
        ReviewStatus::Current => {}
        ReviewStatus::WentOn { now } => note.head_is(now),
        ReviewStatus::Foreign => note.head_is_foreign(),
    }
    note
}

/// Shows the differences; the exit code is that of the comparison the screen was opened with.
pub(super) fn show(
    settings: &Settings,
    store: &DirectoryStore,
    read: &LoadedRun,
    command: &DiffCommand,
) -> Result<u8, LaunchError> {
    let comparison = diff::open_comparison(store, read, command)?.comparison;
    let exit_code = diff::exit_code(&comparison);
    stage(settings, store, read, comparison, exit_code)
}

/// Shows a comparison with a run and every other one that can be made of it; `exit_code` is given when a person leaves.
pub(super) fn stage(
    settings: &Settings,
    store: &DirectoryStore,
    read: &LoadedRun,
    comparison: Comparison,
    exit_code: u8,
) -> Result<u8, LaunchError> {
    let (messages, inbox) = mpsc::channel();
    send_journal(&store.reader(&read.run_id)?, &messages)?;
    if let Some(last) = read.last_pass() {
        let _ = messages.send(ScreenMessage::LastPass(Box::new(last)));
    }
    let mut choices = Comparison::available(&read.history);
    let compare = comparison.compare.clone();
    if !choices.contains(&compare) {
        choices.insert(0, compare.clone());
    }
    let view = DiffView::of(choices, compare, Ok(comparison), true);
    let _ = messages.send(ScreenMessage::Compared(Box::new(view)));
    let loader = DocumentLoader::of(store, &read.run_id, messages.clone())?;
    loader.tell_beside();
    let stage = ScreenTerminalSession::take(settings)?;
    let (screen_exit, _) = stage.play(
        terminal_session::theme(settings),
        (Source::Replay, run_plan::own_person()?),
        RequestRoutes::local(move |asked| loader.obey(asked)),
        messages,
        &inbox,
    )?;
    match screen_exit.ending {
        Ending::Quit | Ending::InboxClosed => Ok(exit_code),
        _ => terminal_session::finish(screen_exit),
    }
}
