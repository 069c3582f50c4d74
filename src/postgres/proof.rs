//! The proof of a transaction's end, as measured from inside.
//! Invariant: what the server refused to answer is listed in `unmeasured`, an answer that says nothing is a violation, and
//! neither becomes a number (`residue_of`).

use super::error::CallError;
use super::wire::AnswerRows;
use crate::survey::{Footprint, Residue, Snapshot, TransactionProof};

type ProofRows = Result<AnswerRows, CallError>;

/// Builds the proof from the answers of the closing batch: closing, locks, rollback, begin, residue, (wal), rollback.
pub(super) fn proof(
    opening: &Snapshot,
    backend_pid: Option<i32>,
    footprint: Footprint,
    answers: Vec<ProofRows>,
) -> TransactionProof {
    // The closing batch has seven calls on PostgreSQL 18 and newer, six before.
    let with_wal = answers.len() > 6;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Vec::new()));
    let (closing, locks, rollback) = (next(), next(), next());
    let (_begin, residue) = (next(), next());
    let wal = if with_wal { next() } else { Ok(Vec::new()) };
    let mut unmeasured = Vec::new();
    let mut measured = |what: &str, answer: ProofRows| {
        answer
            .map_err(|error| unmeasured.push(format!("{what}: {error}")))
            .ok()
    };
    let closing = measured("the values before the end", closing);
    let locks = measured("locks", locks);
    let residue = measured("what was left after ROLLBACK", residue);
    let end_was_read = closing.is_some();
    let mut cells = closing.unwrap_or_default().into_iter().flatten();
    let mut cell = || cells.next().flatten();
    let mut text = || cell().unwrap_or_default();
    let nonce_at_end = text();
    let virtual_xid_at_end = text();
    let server_time_at_end = text();
    let read_only = text() == "on";
    let (isolation, search_path, row_security) = (text(), text(), text());
    let xid_assigned = cell();
    let rows_written = cell().and_then(|rows| rows.parse().ok());
    let mut footprint = footprint;
    footprint.oldest_xmin = cell();
    footprint.xmin_age = cell().and_then(|age| age.parse().ok());
    let (residue, violation) =
        match residue.map(|rows| residue_of(rows, backend_pid, &opening.nonce)) {
            Some(Ok((residue, violation))) => (Some(residue), violation),
            Some(Err(unread)) => (None, Some(unread)),
            None => (None, None),
        };
    let ended_by = match (rollback, violation) {
        (Ok(_), None) => "ROLLBACK".to_owned(),
        (Ok(_), Some(violation)) => format!("ROLLBACK, {violation}"),
        (Err(error), _) => format!("ROLLBACK refused: {error}"),
    };
    TransactionProof {
        nonce: opening.nonce.clone(),
        nonce_at_end,
        virtual_xid: opening.virtual_xid.clone(),
        virtual_xid_at_end,
        server_time: opening.server_time.clone(),
        server_time_at_end,
        snapshot: opening.snapshot.clone(),
        // Without an answer `read_only` would read as off.
        read_only: end_was_read.then_some(read_only),
        isolation,
        search_path,
        row_security,
        xid_assigned,
        locks: locks.map_or_else(Vec::new, locks_of),
        rows_written,
        residue,
        backend_wal_bytes: wal.ok().and_then(number),
        ended_by,
        backend_pid,
        footprint,
        unmeasured,
        changed_while_read: Vec::new(),
    }
}

fn number(rows: AnswerRows) -> Option<u64> {
    rows.into_iter().flatten().next().flatten()?.parse().ok()
}

fn locks_of(rows: AnswerRows) -> Vec<String> {
    rows.into_iter()
        .map(|row| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            let kind = cells.next().unwrap_or_default();
            format!("{kind} x{}", cells.next().unwrap_or_default())
        })
        .collect()
}

/// The residue, and what is wrong with it; an error when it is no such answer. A ROLLBACK takes back the session setting that
/// the closing query made; a COMMIT keeps it.
fn residue_of(
    rows: AnswerRows,
    backend_pid: Option<i32>,
    nonce: &str,
) -> Result<(Residue, Option<String>), String> {
    let unread = || "residue not read".to_owned();
    let cells: Vec<String> = rows
        .into_iter()
        .flatten()
        .map(Option::unwrap_or_default)
        .collect();
    let [advisory, channels, temp, prepared, pid, kept] = cells.as_slice() else {
        return Err(unread());
    };
    let count = |text: &str| text.parse().map_err(|_| unread());
    let residue = Residue {
        advisory_locks: count(advisory)?,
        listening_channels: count(channels)?,
        temp_schema: temp != "false",
        prepared_transactions: count(prepared)?,
    };
    // A pooler in transaction mode may give the new transaction another backend.
    let violation = if backend_pid.is_some_and(|opened| pid.parse() != Ok(opened)) {
        Some("residue read in another backend".to_owned())
    } else if kept == nonce {
        Some("but its setting was committed".to_owned())
    } else {
        None
    };
    Ok((residue, violation))
}
