//! What the runner is told and what it tells. Invariant: facts are never dropped, progress may be.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::run::{Event, Progress, Request};
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

/// What reaches the runner while it holds the run.
#[derive(Debug)]
pub enum RunnerCommand {
    /// A person asks for something.
    Request {
        /// What, and who.
        request: Request,
        /// Where the answer goes, for another process that waits until the run has stopped again.
        answer: Option<oneshot::Sender<DecisionReply>>,
    },
    /// Leave the run as it is.
    Quit,
    /// A signal came: hooks that still run are ended.
    CutHooks,
}

impl From<Request> for RunnerCommand {
    /// Of the screen of this process, which sees what comes of it and needs no answer.
    fn from(request: Request) -> Self {
        Self::Request {
            request,
            answer: None,
        }
    }
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
