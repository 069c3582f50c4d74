//! Decisions that another process of this machine hands to the one that holds the run. Invariant: the caller is who the kernel says, not who it says it is.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Plan;
use super::notice::{Answer, Command};
use crate::run::ApprovalRequest;

/// Longest request that is read.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// How long the holder may take to say that it heard.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

/// How long a runner that ends waits for callers to take their answers.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// One line from the holder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Line {
    Heard,
    Refused { why: String },
    Stopped { exit_code: u8, summary: String },
}

/// Why a decision could not be handed over.
#[derive(Debug, Error)]
pub enum HandoverError {
    /// The holder does not answer: exit 75.
    #[error("the process that holds the run does not answer: {0}")]
    Silent(String),
    /// It was refused: exit 6.
    #[error("{0}")]
    Refused(String),
}

/// The socket, removed when the runner ends.
pub struct Listener {
    path: PathBuf,
    task: JoinHandle<()>,
    /// Closed once every caller has had its answer.
    served: mpsc::Receiver<()>,
}

impl Listener {
    /// Lets the callers that were heard have their answers, then ends. A caller that does not read is not waited for long.
    pub async fn finish(mut self) {
        self.task.abort();
        let all = async { while self.served.recv().await.is_some() {} };
        let _ = tokio::time::timeout(ANSWERED_WITHIN, all).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
        // A socket that stays behind answers nobody, and the next holder replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens for decisions of other processes. `None`: no socket could be made; `approve` then waits for the lock instead.
pub(super) fn listen(plan: &Plan, commands: mpsc::Sender<Command>) -> Option<Listener> {
    let path = plan.socket.clone()?;
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).ok()?;
    let own_uid = plan.person.uid;
    let shared = plan.shared_with_group;
    let (serving, served) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let commands = commands.clone();
            let serving = serving.clone();
            tokio::spawn(async move {
                let _serving = serving;
                // A caller that breaks off has asked for nothing.
                let _ = serve(stream, own_uid, shared, commands).await;
            });
        }
    });
    Some(Listener { path, task, served })
}

async fn serve(
    stream: tokio::net::UnixStream,
    own_uid: u32,
    shared: bool,
    commands: mpsc::Sender<Command>,
) -> std::io::Result<()> {
    let peer = stream.peer_cred()?;
    let (reading, mut writing) = stream.into_split();
    let mut text = String::new();
    let mut reader = tokio::io::BufReader::new(reading.take(REQUEST_BYTES_MAX));
    reader.read_line(&mut text).await?;
    let mut refuse = async |why: &str| {
        say(
            &mut writing,
            &Line::Refused {
                why: why.to_owned(),
            },
        )
        .await
    };
    let Ok(mut request) = serde_json::from_str::<ApprovalRequest>(&text) else {
        return refuse("the request is malformed").await;
    };
    let known = peer.uid() == own_uid || peer.uid() == 0 || shared;
    if !known || request.by.uid != peer.uid() {
        return refuse("the caller is not who the request names").await;
    }
    if let Some(pid) = peer.pid() {
        request.by.pid = pid.unsigned_abs();
    }
    let (answer, answered) = oneshot::channel();
    let command = Command::Decide {
        request,
        answer: Some(answer),
    };
    if commands.try_send(command).is_err() {
        return refuse("the holder is busy").await;
    }
    say(&mut writing, &Line::Heard).await?;
    match answered.await {
        Ok(Answer::Refused(why)) => say(&mut writing, &Line::Refused { why }).await,
        Ok(Answer::Stopped { exit_code, summary }) => {
            say(&mut writing, &Line::Stopped { exit_code, summary }).await
        }
        Err(_) => Ok(()),
    }
}

async fn say(writing: &mut tokio::net::unix::OwnedWriteHalf, line: &Line) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    writing.write_all(&bytes).await
}

/// Hands a decision to the holder that listens at `path`; gives exit code and JSON document once the run has stopped again.
pub fn hand_over(path: &Path, request: &ApprovalRequest) -> Result<(u8, String), HandoverError> {
    let silent = |error: std::io::Error| HandoverError::Silent(error.to_string());
    let mut stream = UnixStream::connect(path).map_err(silent)?;
    stream
        .set_read_timeout(Some(HEARD_WITHIN))
        .map_err(silent)?;
    let mut bytes = serde_json::to_vec(request).map_err(|error| silent(error.into()))?;
    bytes.push(b'\n');
    stream.write_all(&bytes).map_err(silent)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut text = String::new();
        if reader.read_line(&mut text).map_err(silent)? == 0 {
            return Err(HandoverError::Silent(
                "it ended without an answer".to_owned(),
            ));
        }
        match serde_json::from_str(&text).map_err(|error| silent(error.into()))? {
            // It was heard: what follows takes as long as the survey does.
            Line::Heard => reader.get_ref().set_read_timeout(None).map_err(silent)?,
            Line::Refused { why } => return Err(HandoverError::Refused(why)),
            Line::Stopped { exit_code, summary } => return Ok((exit_code, summary)),
        }
    }
}
