//! How a process of this machine reaches the one that holds a run: what it asks, and the answers (`run_socket` is the other end).
//! Invariant: nothing is said of who asks; the holder sees it (`run_socket::seen`).

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::messages::DecisionReply;
use super::run_socket::SocketRequest;
use crate::run::Ask;

/// Time limit for the holder's first reply and for sending the request.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

/// Why a request could not be handed to the holder.
#[derive(Debug, Error)]
pub enum HandoverError {
    /// Nobody listens: exit 75.
    #[error("no process that holds the run listens")]
    Nobody,
    /// The holder does not answer: exit 75.
    #[error("the process that holds the run does not answer: {0}")]
    Silent(String),
    /// It was refused: exit 6.
    #[error("{0}")]
    Refused(String),
}

/// Hands a request to the holder that listens at `path`; gives exit code and JSON document once the run has stopped again. Who
/// asks is what the holder sees of this process.
/// `tell` hears what the holder says until then.
pub fn hand_over(
    path: &Path,
    asked: &Ask,
    tell: &mut dyn FnMut(&DecisionReply),
) -> Result<(u8, String), HandoverError> {
    let mut reader = BufReader::new(ask(path, asked)?);
    loop {
        let reply = answer(&mut reader)?;
        tell(&reply);
        match reply {
            // The request was taken. The answer comes after a survey, which has no time limit here.
            DecisionReply::Heard => reader.get_ref().set_read_timeout(None)?,
            DecisionReply::Durable { .. } | DecisionReply::Working { .. } => {}
            DecisionReply::Refused { why } => return Err(HandoverError::Refused(why)),
            DecisionReply::Stopped { exit_code, summary } => return Ok((exit_code, summary)),
        }
    }
}

/// Hands over a request whose effect is not waited for: see [`Ask::is_answered_by_the_next_stop`].
pub fn hand_over_unanswered(path: &Path, asked: &Ask) -> Result<(), HandoverError> {
    match answer(&mut BufReader::new(ask(path, asked)?))? {
        DecisionReply::Refused { why } => Err(HandoverError::Refused(why)),
        _ => Ok(()),
    }
}

/// Registers this process as a watcher for as long as the connection is kept. End of file on it: the holder is gone.
pub fn be_present(path: &Path) -> Result<UnixStream, HandoverError> {
    let holder = ask(path, &SocketRequest::Watch)?;
    holder.set_read_timeout(None)?;
    Ok(holder)
}

/// Sends one request, with read and write time limits of [`HEARD_WITHIN`].
fn ask(path: &Path, line: &impl Serialize) -> Result<UnixStream, HandoverError> {
    let mut stream = UnixStream::connect(path)?;
    for set in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
        set(&stream, Some(HEARD_WITHIN))?;
    }
    let mut bytes = serde_json::to_vec(line).map_err(std::io::Error::from)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)?;
    Ok(stream)
}

fn answer(reader: &mut BufReader<UnixStream>) -> Result<DecisionReply, HandoverError> {
    let mut text = String::new();
    if reader.read_line(&mut text)? == 0 {
        return Err(HandoverError::Silent(
            "it ended without an answer".to_owned(),
        ));
    }
    Ok(serde_json::from_str(&text).map_err(std::io::Error::from)?)
}

impl From<std::io::Error> for HandoverError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Self::Nobody,
            _ => Self::Silent(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{HandoverError, be_present};

    #[test]
    fn where_nobody_listens_nobody_is_asked() {
        let place = tempfile::tempdir().expect("a directory");
        let socket = place.path().join("run.sock");
        assert!(matches!(be_present(&socket), Err(HandoverError::Nobody)));
        drop(UnixListener::bind(&socket).expect("a socket"));
        assert!(
            matches!(be_present(&socket), Err(HandoverError::Nobody)),
            "the file of a holder that died"
        );
    }
}
