//! A long read through a cursor, answer by answer, with one answer on its way while the one before is taken.
//! Invariant: whatever was asked for is answered before the savepoint is given back (`fetches`).

use std::collections::VecDeque;

use super::call::Call;
use super::error::{CallError, UnknownReason};
use super::session::Session;
use super::statement::Statement;
use super::wire::{AnswerRows, Pending};
use crate::runner::target::TargetError;

/// How many answers are asked for at once: the server works on the next one while this one is on its way.
const AHEAD: usize = 2;

/// Who takes the answers.
pub(super) trait AnswerTaker {
    /// Whether one more is needed beside those that were asked for.
    fn wants(&self, asked_for: usize) -> bool;

    /// Takes the next one.
    fn take(&mut self, rows: AnswerRows) -> Result<(), CallError>;
}

/// Reads through a cursor in a savepoint of its own. The inner error is about what is read, the outer one ends the survey.
pub(super) async fn read(
    session: &mut Session,
    name: &str,
    declare: impl Into<Call>,
    fetch: &Statement,
    taker: &mut dyn AnswerTaker,
) -> Result<Result<(), UnknownReason>, TargetError> {
    let calls = [Statement::SAVEPOINT.into(), declare.into()];
    let begun = session.batch(&calls, &mut |_| {}).await;
    let begun = begun.map_err(CallError::into_target)?;
    let read = match begun.into_iter().find_map(Result::err) {
        Some(refused) => Err(refused),
        None => fetches(session, fetch, taker).await,
    };
    let end = [Statement::ROLLBACK_TO.into(), Statement::RELEASE.into()];
    let unknown = |error: CallError| error.reading(name).of_the_value();
    let read = match read {
        Ok(()) => Ok(()),
        Err(error) => Err(unknown(error)?),
    };
    let ended = session.batch(&end, &mut |_| {}).await;
    let ended = ended.map_err(CallError::into_target)?;
    match ended.into_iter().find_map(Result::err) {
        Some(error) => {
            let reason = unknown(error)?;
            Ok(read.and(Err(reason)))
        }
        None => Ok(read),
    }
}

async fn fetches(
    session: &mut Session,
    fetch: &Statement,
    taker: &mut dyn AnswerTaker,
) -> Result<(), CallError> {
    let mut pending: VecDeque<Pending> = VecDeque::new();
    let mut failed = None;
    loop {
        if failed.is_none() && pending.len() < AHEAD && taker.wants(pending.len()) {
            pending.push_back(session.start(fetch.clone()).await);
            continue;
        }
        let Some(next) = pending.pop_front() else {
            break;
        };
        let answer = session.finish(next).await;
        match answer.and_then(|rows| taker.take(rows)) {
            Ok(()) => {}
            Err(
                lost @ CallError::Unavailable {
                    connected: false, ..
                },
            ) => return Err(lost),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}
