//! Messages from the runner (durable events, progress) and commands to it.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::run::{Event, Progress, Request};
use crate::survey::{Digest, UtcTime};

/// A message from the runner to the screen or printer of its process.
#[derive(Debug, Clone)]
pub enum RunnerMessage {
    /// An event is durable: its line is written and synced.
    Recorded {
        /// Sequence number of the journal line, from 0.
        seq: u64,
        /// Time of the event in the run.
        at: UtcTime,
        /// SHA-256 of the line: the head.
        head: Digest,
        /// The line itself, for `--events`.
        line: Arc<str>,
        /// The parsed event of that line.
        event: Arc<Event>,
    },
    /// Progress of a long read. Not recorded, and may be dropped.
    Progress(Progress),
}

/// A command to the runner while it holds the run.
#[derive(Debug)]
pub enum RunnerCommand {
    /// A person asks for something, on this screen or through the socket.
    Request {
        /// What is asked, and which person asks.
        request: Box<Request>,
        /// Where the answer goes, for another process that waits until the run has stopped again.
        answer: Option<oneshot::Sender<DecisionReply>>,
    },
    /// Stop the runner and leave the run as it is, resumable.
    Quit,
    /// A signal came: hooks that still run are ended.
    CutHooks,
}

impl From<Request> for RunnerCommand {
    /// Of the screen of this process, which sees what comes of it and needs no answer.
    fn from(request: Request) -> Self {
        Self::Request {
            request: Box::new(request),
            answer: None,
        }
    }
}

/// The reply to a decision of another process.
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

/// Receives every message. Must not block: it is called on the runner's thread.
pub type MessageSink = Box<dyn Fn(RunnerMessage) + Send>;
