//! The two streams (source pieces, live units), read through cursors in batches as the witness asks for them. Memory is a few
//! batches, whatever the contents are: the server hashes the long ones (`Statement::declare`).

use std::collections::VecDeque;

use super::error::{CallError, UnknownReason};
use super::profile_query::Query;
use super::session::Session;
use super::statement::{KEY_MAX, STATE_MAX, Statement};
use super::validate::Rulings;
use super::wire::{AnswerRows, Pending};
use crate::profile::Profile;
use crate::runner::target::{Progress, TargetError, Witness};
use crate::simulate::{Piece, Unit, Want};
use crate::survey::{Digest, FactKey, UnreadStream};

/// The digest of a content: of a short one from its text, of a long one from the hex digits of the server; of content that is
/// NULL that of bytes that no content is hashed from, because they are not UTF-8.
fn digest_of(short: Option<&str>, long: Option<&str>) -> Option<Digest> {
    match (short, long) {
        (Some(text), None) => Some(Digest::of(text)),
        (None, Some(hex)) => hex.parse().ok(),
        (None, None) => Some(Digest::of(b"\xffNULL")),
        (Some(_), Some(_)) => None,
    }
}

const NO_DIGEST: &str = "the server did not answer with the digest of a content";

/// Number of FETCHes in flight: the server reads the next batch while this one is hashed.
const AHEAD: usize = 2;

/// Why the streams were not read to their end.
enum StreamReadError {
    /// One of them failed; the transaction goes on.
    Stream(UnreadStream),
    /// The survey cannot go on.
    Survey(TargetError),
}

/// One stream, read ahead by [`AHEAD`] batches.
struct Batches {
    name: StreamName,
    fetch: Statement,
    pending: VecDeque<Pending>,
}

/// What a stream is called among the differences, and its query in the profile.
#[derive(Clone, Copy)]
struct StreamName {
    key: &'static str,
    query: &'static str,
}

const PIECES: StreamName = StreamName {
    key: "pieces",
    query: "source pieces",
};
const UNITS: StreamName = StreamName {
    key: "candidates",
    query: "live units",
};

/// Key and query of both streams.
pub(super) fn streams() -> impl Iterator<Item = (&'static str, &'static str)> {
    [PIECES, UNITS]
        .into_iter()
        .map(|name| (name.key, name.query))
}

impl StreamName {
    fn unread(self, reason: &UnknownReason) -> UnreadStream {
        UnreadStream {
            key: FactKey::new(self.key),
            query: self.query.to_owned(),
            reason: reason.to_string(),
        }
    }

    fn failed(self, reason: impl Into<UnknownReason>) -> StreamReadError {
        StreamReadError::Stream(self.unread(&reason.into()))
    }

    fn answered(
        self,
        answer: Result<AnswerRows, CallError>,
    ) -> Result<AnswerRows, StreamReadError> {
        answer.map_err(|error| match error.reading(self.query).of_the_value() {
            Ok(reason) => self.failed(reason),
            Err(error) => StreamReadError::Survey(error),
        })
    }
}

impl Batches {
    fn of(name: StreamName, fetch: Statement) -> Self {
        Self {
            name,
            fetch,
            pending: VecDeque::new(),
        }
    }

    async fn next(&mut self, session: &mut Session) -> Result<AnswerRows, StreamReadError> {
        while self.pending.len() < AHEAD {
            let pending = session.start(self.fetch.clone()).await;
            self.pending.push_back(pending);
        }
        match self.pending.pop_front() {
            Some(pending) => self.name.answered(session.finish(pending).await),
            None => Ok(Vec::new()),
        }
    }

    /// Takes the answers of what was asked for ahead: after a failure they are refusals, after the end they are empty.
    async fn drain(&mut self, session: &mut Session) -> Result<(), TargetError> {
        while let Some(pending) = self.pending.pop_front() {
            if let Err(lost @ CallError::Unavailable { .. }) = session.finish(pending).await {
                return Err(lost.into_target());
            }
        }
        Ok(())
    }
}

/// Streams pieces and units until the witness wants nothing more. They have a savepoint of their own: whatever fails in them,
/// the transaction goes on and its end is measured. Gives the streams that failed.
pub(super) async fn stream(
    session: &mut Session,
    profile: &Profile,
    rulings: &Rulings,
    witness: &mut dyn Witness,
) -> Result<Vec<UnreadStream>, TargetError> {
    let Some(queries) = Query::of_streams(profile) else {
        return Ok(Vec::new());
    };
    let mut calls = vec![Statement::SAVEPOINT.into()];
    let mut refused = Vec::new();
    for (name, query) in [PIECES, UNITS].into_iter().zip(queries) {
        match query.permitted(rulings) {
            Ok(declare) => calls.push(declare.into()),
            Err(reason) => refused.push(name.unread(&reason)),
        }
    }
    // One stream without the other can be paired with nothing.
    if !refused.is_empty() {
        return Ok(refused);
    }
    let begun = session.batch(&calls, &mut |_| {}).await;
    let begun = begun.map_err(CallError::into_target)?;
    let mut pieces = Batches::of(PIECES, Statement::FETCH_PIECES);
    let mut units = Batches::of(UNITS, Statement::FETCH_UNITS);
    let read = match declared(begun) {
        Ok(()) => merge(session, &mut pieces, &mut units, witness).await,
        failed => failed,
    };
    let failed = match read {
        Ok(()) => Vec::new(),
        Err(StreamReadError::Stream(stream)) => vec![stream],
        Err(StreamReadError::Survey(error)) => return Err(error),
    };
    // Whatever was sent has to be answered before the savepoint is rolled back.
    pieces.drain(session).await?;
    units.drain(session).await?;
    // Also closes both cursors, which were declared behind the savepoint.
    let end = [Statement::ROLLBACK_TO.into(), Statement::RELEASE.into()];
    let ended = session.batch(&end, &mut |_| {}).await;
    let ended = ended.map_err(CallError::into_target)?;
    match ended.into_iter().find_map(Result::err) {
        Some(error) => Err(error.into_target()),
        None => Ok(failed),
    }
}

/// Whether both cursors are open, from the answers to SAVEPOINT and both DECLAREs.
fn declared(answers: Vec<Result<AnswerRows, CallError>>) -> Result<(), StreamReadError> {
    // An error of SAVEPOINT is reported for the first stream.
    for (name, answer) in [PIECES, PIECES, UNITS].into_iter().zip(answers) {
        name.answered(answer)?;
    }
    Ok(())
}

async fn merge(
    session: &mut Session,
    pieces: &mut Batches,
    units: &mut Batches,
    witness: &mut dyn Witness,
) -> Result<(), StreamReadError> {
    let mut read = 0_u64;
    loop {
        // The witness pairs both by key and says which one it lacks: neither stream runs ahead, however unlike they are.
        match witness.wants() {
            Want::Pieces => {
                let rows = pieces.next(session).await?;
                let batch = rows.into_iter().map(piece).collect::<Result<Vec<_>, _>>()?;
                let told = witness.pieces(batch);
                told.map_err(|error| PIECES.failed(error.message))?;
            }
            Want::Units => {
                let rows = units.next(session).await?;
                let batch = rows.into_iter().map(unit).collect::<Result<Vec<_>, _>>()?;
                read += batch.len() as u64;
                let told = witness.units(batch);
                told.map_err(|error| UNITS.failed(error.message))?;
                witness.progress(Progress {
                    what: "Live units".to_owned(),
                    noun: "rows",
                    done: read,
                    total: None,
                });
            }
            Want::Nothing => return Ok(()),
        }
    }
}

fn piece(row: Vec<Option<String>>) -> Result<Piece, StreamReadError> {
    let Ok([Some(key), short, long]) = <[Option<String>; 3]>::try_from(row) else {
        let why = format!("a key is NULL, or has more than {KEY_MAX} bytes");
        return Err(PIECES.failed(why));
    };
    let content = digest_of(short.as_deref(), long.as_deref());
    let content = content.ok_or_else(|| PIECES.failed(NO_DIGEST))?;
    Ok(Piece { key, content })
}

fn unit(row: Vec<Option<String>>) -> Result<Unit, StreamReadError> {
    let Ok([Some(key), short, long, Some(state)]) = <[Option<String>; 4]>::try_from(row) else {
        let why =
            format!("a key or a state is NULL, or has more than {KEY_MAX} and {STATE_MAX} bytes");
        return Err(UNITS.failed(why));
    };
    let content = digest_of(short.as_deref(), long.as_deref());
    let content = content.ok_or_else(|| UNITS.failed(NO_DIGEST))?;
    Ok(Unit {
        key,
        content,
        state,
    })
}
