//! Messages to the screen and requests from it. One unbounded channel, so that a slow terminal never delays a sender.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event as TerminalEvent;

use super::change_text::ChangeText;
use super::diff_view::DiffView;
use super::keymap::{Action, KeyScope, key_of};
use super::picker::PickerMessage;
use super::playback::{PlaybackCommand, ReplayFrame};
use crate::compare::{AlignedDocuments, Compare, ComparedFact, ReviewNote};
use crate::run::{
    Ask, DecisionContext, Event, History, KnownOutcome, LastPass, Progress, RecordedEvent,
};
use crate::survey::{Digest, FactKey};

/// Every message that the drawing thread receives.
#[derive(Debug, Clone)]
pub enum ScreenMessage {
    /// An event of the run is durable.
    Recorded(RecordedEvent),
    /// What a look at a run found that another process writes.
    Found(Box<RunSnapshot>),
    /// Long work goes on; replaces what was said of it before.
    Progress(Progress),
    /// A key, a paste, a resize.
    Terminal {
        /// The event of the terminal.
        event: TerminalEvent,
        /// When it was read, by the monotonic clock that the input thread was given: keys are judged by when they came, not by
        /// when they are handled.
        at: Duration,
    },
    /// What the terminal answered: whether its background is light.
    Background(bool),
    /// A signal that ends the screen.
    Signal(i32),
    /// A signal asks that the process stops until it is continued.
    Suspend,
    /// The process was stopped and goes on.
    Resumed,
    /// The terminal is gone.
    HungUp,
    /// Another machine took the run over: the screen shows it as a run of somebody else from now on.
    TakenOver,
    /// The runner ended; the screen stays until it is left.
    Ended {
        /// Exit code of the run.
        exit_code: u8,
        /// What is said to people after the screen, and shown in it.
        says: Vec<String>,
    },
    /// The documents behind a fact were opened.
    Opened {
        /// The comparison that the document belongs to.
        compare: Compare,
        /// The fact that the document belongs to.
        key: FactKey,
        /// The documents, or why they cannot be shown.
        result: Result<Arc<AlignedDocuments>, String>,
    },
    /// The approval sheet is to be opened, as by its key.
    OpenSheet,
    /// The rejection sheet is to be opened, as by its key.
    OpenRejectSheet,
    /// Everything is to be read again, as by its key.
    SurveyAgain,
    /// A process holds the run that nobody held.
    Held,
    /// A comparison to open with.
    Compared(Box<DiffView>),
    /// The last PASS of this profile and target.
    LastPass(Box<LastPass>),
    /// What came of the change, as it was looked at last.
    Outcome(KnownOutcome),
    /// All notes of the run.
    Notes(Vec<ReviewNote>),
    /// What became of what was asked of another process: a sentence where there is one, or why it was not taken.
    Answered {
        /// The request that is answered.
        ask: Ask,
        /// A sentence where there is one, or why it was refused.
        answer: Result<Option<String>, String>,
    },
    /// Names of those who watch, in order of arrival.
    Watchers(Vec<String>),
    /// A message for the list of runs.
    Runs(PickerMessage),
    /// A run as it was at one line.
    ReplayFrame(Box<ReplayFrame>),
    /// The screen that an approver had at a decision.
    Seen(Box<DecisionContext>),
    /// The reports of the run, name and text, to be shown.
    Reports(Arc<Vec<(String, String)>>),
    /// A file of the change was read.
    ChangeText {
        /// SHA-256 of the file.
        sha256: Digest,
        /// Its text, or why it cannot be shown.
        result: Result<Arc<ChangeText>, String>,
    },
    /// A sentence to show in the footer.
    Said(String),
    /// Whether the run store answers, through which the run is followed.
    StoreReach(StoreReach),
}

/// Whether the run store answers, through which a run is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreReach {
    /// It answers, or the run is of this machine alone.
    Reached,
    /// It does not: other machines may have gone on with the run.
    NotReached,
}

/// A run as it is now, for a screen that does not follow it event by event.
#[derive(Debug, Clone)]
pub struct RunSnapshot {
    /// The folded run.
    pub history: Arc<History>,
    /// The last PASS that the run compares itself with, if a new one was found.
    pub last_pass: Option<Box<LastPass>>,
    /// New events that an open sheet must see, in order: [`is_about_sheet`](super::update::is_about_sheet).
    pub sheet_events: Vec<Event>,
}

/// What the screen asks of its own process: the holder of the run has no part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalRequest {
    /// Open the documents behind a fact.
    OpenDocuments {
        /// The comparison that the document belongs to.
        compare: Compare,
        /// The fact whose documents are wanted.
        fact: Box<ComparedFact>,
    },
    /// Write a reviewer's note.
    Note {
        /// The fact it is about; `None`: the whole run.
        fact: Option<FactKey>,
        /// Text of the note.
        text: String,
    },
    /// The reports of the run.
    Reports,
    /// Read the file of the change that has this SHA-256.
    ChangeText(Digest),
    /// Move in a replay.
    Replay(PlaybackCommand),
}

/// What a run that nobody holds is to be taken up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeUp {
    /// To go on where it stands.
    Resume,
    /// To approve: the sheet opens.
    Approve,
    /// To reject: the sheet opens.
    Reject,
    /// To read everything again, and to take new evidence after drift or expiry.
    SurveyAgain,
}

/// Where the events come from: it changes the badge and the footer, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// This process holds the run.
    Live,
    /// Another process holds the run; its journal is followed.
    Watching,
    /// Nobody holds the run: it is shown as its journal has it, and nothing is written until it is taken up.
    Unheld,
    /// Nobody runs it: it is played back from its journal.
    Replay,
}

impl Source {
    /// The badge in the upper right corner.
    pub fn badge(&self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Watching => "WATCHING (read only)",
            Self::Unheld => "NOT TAKEN UP",
            Self::Replay => "<< REPLAY >>",
        }
    }

    /// Why nothing can be decided here; `None`: it can. From a watching screen a decision is handed to the holder.
    pub fn why_no_decision(&self) -> Option<&'static str> {
        match self {
            Self::Live | Self::Watching | Self::Unheld => None,
            Self::Replay => Some("Nothing here is live: a replay cannot be approved or rejected."),
        }
    }

    /// Why the facts cannot be read again from here; `None`: they can.
    pub fn why_no_survey(&self) -> Option<String> {
        match self {
            Self::Live | Self::Unheld => None,
            Self::Watching => {
                let reads = key_of(KeyScope::Run, Action::SurveyAgain);
                Some(format!(
                    "This screen only watches: {reads} is for the screen that holds the run."
                ))
            }
            Self::Replay => Some("Nothing here is live: a replay reads no facts.".to_owned()),
        }
    }
}
