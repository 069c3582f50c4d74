//! The content digest of a table too long for one statement, part by part through a cursor.
//! Invariant: all parts are of one snapshot, in order, and none is left out (`TableDigest::add`; test
//! `parts_that_are_missing_doubled_or_out_of_order_are_no_digest`).

use super::cursor::{self, AnswerTaker};
use super::error::{CallError, UnknownReason};
use super::session::Session;
use super::statement::Statement;
use super::table_digest::TableDigest;
use super::wire::AnswerRows;
use crate::runner::target::{Progress, TargetError};
use crate::survey::EvidenceFormat;

/// Reads the digest through a cursor. The inner error makes this fact unknown, the outer one ends the survey.
pub(super) async fn digest(
    session: &mut Session,
    key: &str,
    declare: Statement,
    format: EvidenceFormat,
    tell: &mut dyn FnMut(Progress),
) -> Result<Result<TableDigest, UnknownReason>, TargetError> {
    let mut parts = Parts {
        key,
        whole: TableDigest::new(format),
        done: 0,
        total: None,
        tell,
    };
    let read = cursor::read(session, key, declare, &Statement::FETCH_PART, &mut parts).await?;
    Ok(read.and_then(|()| parts.finish()))
}

/// The parts that were read so far.
struct Parts<'a> {
    key: &'a str,
    whole: TableDigest,
    done: u64,
    total: Option<u64>,
    tell: &'a mut dyn FnMut(Progress),
}

impl Parts<'_> {
    fn finish(self) -> Result<TableDigest, UnknownReason> {
        let done = self.done;
        if done > 0 && self.total == Some(done) {
            return Ok(self.whole);
        }
        Err(format!("only {done} parts of the table were digested").into())
    }
}

impl AnswerTaker for Parts<'_> {
    fn wants(&self, asked_for: usize) -> bool {
        self.total
            .is_none_or(|total| self.done + (asked_for as u64) < total)
    }

    fn take(&mut self, rows: AnswerRows) -> Result<(), CallError> {
        let Some(row) = rows.first() else {
            // Asked for before the first answer said how many there are.
            self.total = self.total.or(Some(0));
            return Ok(());
        };
        let last = self.whole.add(self.done, row)?;
        self.done += 1;
        self.total = Some(last + 1);
        (self.tell)(Progress {
            what: self.key.to_owned(),
            noun: "parts",
            done: self.done,
            total: self.total,
        });
        Ok(())
    }
}
