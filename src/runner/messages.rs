//! Messages from the runner (durable events, progress) and commands to it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::run::{Progress, RecordedEvent, Request};

/// A message from the runner to the screen or printer of its process.
#[derive(Debug, Clone)]
pub enum RunnerMessage {
    /// An event is durable: its line is written and synced.
    Recorded {
        /// The event, with its place in the journal.
        recorded: RecordedEvent,
        /// The line itself, for `--events`.
        line: Arc<str>,
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

/// The reply to what another process asks: as JSON one line from the holder to the caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum DecisionReply {
    /// It has reached the runner, which has not done it yet.
    Heard,
    /// The decision is durable: it stands, whatever becomes of the connection.
    Durable {
        /// What was recorded: `approval of SG1 recorded at 2026-07-01T08:00:00Z`.
        says: String,
    },
    /// What the run does meanwhile, at most once a second.
    Working {
        /// What is done, and how far it has come.
        says: String,
    },
    /// It was refused.
    Refused {
        /// One sentence of why.
        why: String,
    },
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
