//! What the runner is told and what it tells. Invariant: facts are never dropped, progress may be.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::run::{ApprovalGate, ApprovalRequest, Event, Person, Progress};
use crate::survey::{Digest, UtcTime};

/// What the runner tells whoever watches it, once it is durable.
#[derive(Debug, Clone)]
pub enum RunnerMessage {
    /// An event is durable.
    Recorded {
        /// Journal line.
        seq: u64,
        /// When.
        at: UtcTime,
        /// SHA-256 of the line: the head.
        head: Digest,
        /// The line itself, for `--events`.
        line: Arc<str>,
        /// The event.
        event: Arc<Event>,
    },
    /// A long read goes on.
    Progress(Progress),
}

/// What a person, or the process of one, asks of the runner.
#[derive(Debug)]
pub enum RunnerCommand {
    /// A decision; the answer comes once the run has stopped again.
    Decide {
        /// What is decided.
        request: ApprovalRequest,
        /// Where the answer goes.
        answer: Option<oneshot::Sender<DecisionReply>>,
    },
    /// The sheet was opened: record that it was shown, and survey everything again.
    OpenSheet {
        /// Gate.
        gate: ApprovalGate,
        /// Digest that was shown.
        evidence: Digest,
        /// To whom.
        by: Person,
    },
    /// `r`: read everything again now; after drift or expiry take new evidence.
    SurveyAgain,
    /// `resume` of another process: take new evidence after drift or expiry, else nothing.
    Renew {
        /// Where the answer goes.
        answer: oneshot::Sender<DecisionReply>,
    },
    /// Leave the run as it is.
    Quit,
    /// A signal came: hooks that still run are ended.
    CutHooks,
}

/// How a decision went.
#[derive(Debug, Clone)]
pub enum DecisionReply {
    /// It was refused; the sentence says why.
    Refused(String),
    /// It was recorded, and the run stopped again or ended.
    Stopped {
        /// The exit code of whoever asked.
        exit_code: u8,
        /// The JSON document of the contract, section 10.
        summary: String,
    },
}

/// Where notices go. Never blocks.
pub type MessageSink = Box<dyn Fn(RunnerMessage) + Send>;
