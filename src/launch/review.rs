//! What the diff screen asks for: documents opened apart from the drawing thread, notes written. Invariant: writes `reviews.jsonl` and nothing else.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::LaunchError;
use super::diff::SideDocuments;
use crate::compare::{AlignedDocuments, Compare, ComparedFact};
use crate::journal::{
    DirectoryStore, JournalEntry, JournalError, Review, ReviewStatus, Reviews, RunStore,
};
use crate::run::RunId;
use crate::runner::clock::{Clock, SystemClock};
use crate::runner::person;
use crate::survey::FactKey;
use crate::tui::diff_view::NoteShown;
use crate::tui::{ScreenMessage, ScreenRequest};

/// Answers the diff screen through its inbox.
#[derive(Clone)]
pub(super) struct DocumentLoader {
    reviews: Reviews,
    store: DirectoryStore,
    documents: SideDocuments,
    messages: Sender<ScreenMessage>,
    /// Why no note is taken here; `None`: it is.
    pub no_notes: Option<&'static str>,
}

impl DocumentLoader {
    /// The desk of a run.
    pub fn of(
        store: &DirectoryStore,
        run_id: &RunId,
        messages: Sender<ScreenMessage>,
    ) -> Result<Self, LaunchError> {
        Ok(Self {
            reviews: reviews(store, run_id),
            documents: SideDocuments::of(store, run_id)?,
            store: store.clone(),
            messages,
            no_notes: None,
        })
    }

    /// Tells the screen the notes there are.
    pub fn tell_notes(&self) {
        // Notes that cannot be read are named by `verify`; the comparison is shown without them.
        if let Ok(notes) = notes(&self.reviews) {
            let _ = self.messages.send(ScreenMessage::Notes(notes));
        }
    }

    /// Carries an order of the diff screen out; `false`: it is none, or it failed at once.
    pub fn obey(&self, order: ScreenRequest) -> bool {
        match order {
            ScreenRequest::OpenDocuments { compare, fact } => {
                let compared = self.clone();
                let opening = std::thread::Builder::new().name("documents".to_owned());
                opening.spawn(move || compared.open(compare, &fact)).is_ok()
            }
            ScreenRequest::Note { fact, text } => match self.no_notes {
                Some(why) => self
                    .messages
                    .send(ScreenMessage::Said(why.to_owned()))
                    .is_ok(),
                None => self.write(fact, text),
            },
            _ => false,
        }
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
        let written = self.reviews.write(at, person::own(), fact, text);
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
pub(super) fn notes(reviews: &Reviews) -> Result<Vec<NoteShown>, JournalError> {
    let entries = reviews.read()?;
    let standings = reviews.standings(&entries)?;
    let shown = entries.into_iter().zip(standings);
    Ok(shown
        .map(|(entry, standing)| note(entry, standing))
        .collect())
}

fn note(entry: JournalEntry<Review>, standing: ReviewStatus) -> NoteShown {
    let Review::NoteWritten {
        head_seq,
        head_sha256,
        fact,
        text,
        by,
    } = entry.event;
    let mut note = NoteShown {
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
