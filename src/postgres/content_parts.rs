//! The content digest of a table too long for one statement, part by part through a cursor.
//! Invariant: all parts are of one snapshot, in order, and none is left out (`TableDigest::add`; test
//! `parts_that_are_missing_doubled_or_out_of_order_are_no_digest`).

use std::collections::VecDeque;

use super::error::{CallError, UnknownReason};
use super::session::Session;
use super::statement::Statement;
use super::table_digest::TableDigest;
use super::wire::Pending;
use crate::runner::target::{Progress, TargetError};
use crate::survey::EvidenceFormat;

/// How many parts are asked for at once: the server digests the next one while the answer of this one is on its way.
const AHEAD: usize = 2;

/// Reads the digest through a cursor. The inner error makes this fact unknown, the outer one ends the survey.
pub(super) async fn digest(
    session: &mut Session,
    key: &str,
    declare: Statement,
    format: EvidenceFormat,
    tell: &mut dyn FnMut(Progress),
) -> Result<Result<TableDigest, UnknownReason>, TargetError> {
    let calls = [Statement::SAVEPOINT.into(), declare.into()];
    let begun = session.batch(&calls, &mut |_| {}).await;
    let begun = begun.map_err(CallError::into_target)?;
    let read = match begun.into_iter().find_map(Result::err) {
        Some(refused) => Err(refused),
        None => parts(session, key, format, tell).await,
    };
    let end = [Statement::ROLLBACK_TO.into(), Statement::RELEASE.into()];
    let unknown = |error: CallError| error.reading(key).of_the_value();
    let read = match read {
        Ok(digest) => Ok(digest),
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

async fn parts(
    session: &mut Session,
    key: &str,
    format: EvidenceFormat,
    tell: &mut dyn FnMut(Progress),
) -> Result<TableDigest, CallError> {
    let mut pending: VecDeque<Pending> = VecDeque::new();
    let mut whole = TableDigest::new(format);
    let (mut done, mut total) = (0, None);
    let mut failed = None;
    loop {
        let wanted =
            failed.is_none() && total.is_none_or(|total| done + (pending.len() as u64) < total);
        if wanted && pending.len() < AHEAD {
            pending.push_back(session.start(Statement::FETCH_PART).await);
            continue;
        }
        // Whatever was asked for is answered before the savepoint is given back.
        let Some(next) = pending.pop_front() else {
            break;
        };
        let added = session
            .finish(next)
            .await
            .and_then(|rows| match rows.first() {
                Some(row) => whole.add(done, row).map(Some),
                None => Ok(None),
            });
        match added {
            Err(unavailable @ CallError::Unavailable { .. }) => return Err(unavailable),
            Err(refused) => failed = failed.or(Some(refused)),
            Ok(Some(last)) => {
                done += 1;
                total = Some(last + 1);
                tell(progress(key, done, total));
            }
            // Asked for before the first answer said how many there are.
            Ok(None) => total = total.or(Some(0)),
        }
    }
    match (failed, total) {
        (Some(refused), _) => Err(refused),
        (None, Some(total)) if total == done && done > 0 => Ok(whole),
        _ => {
            let reason = format!("only {done} parts of the table were digested");
            Err(CallError::Refused(reason.into()))
        }
    }
}

fn progress(key: &str, done: u64, total: Option<u64>) -> Progress {
    Progress {
        what: key.to_owned(),
        noun: "parts",
        done,
        total,
    }
}
