//! The proof of a transaction's end, as measured from inside.
//! Invariant: what the server refused to answer is listed in `unmeasured`, an answer that says nothing is a violation, and
//! neither becomes a number (`residue_of`).

use super::error::CallError;
use super::wire::AnswerRows;
use crate::survey::{Footprint, Residue, Snapshot, TransactionProof};

/// How the look after the end is called where it was not made.
const LEFT: &str = "what was left after ROLLBACK";

type ProofRows = Result<AnswerRows, CallError>;

/// Builds the proof from the answers of the closing batch: closing, locks, rollback, begin, residue, (wal), rollback. `carried` is
/// what the backend had when the transaction began.
pub(super) fn proof(
    opening: &Snapshot,
    backend_pid: Option<i32>,
    carried: Option<Residue>,
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
    let left = measured(LEFT, residue);
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
    let (mut residue, mut violation) = (None, None);
    match left.map(residue_of) {
        // A pooler in transaction mode may give the new transaction another backend.
        Some(Ok(left)) if backend_pid.is_some_and(|opened| left.backend_pid != Some(opened)) => {
            let elsewhere = "read in another backend, as behind a pooler in transaction mode";
            unmeasured.push(format!("{LEFT}: {elsewhere}"));
        }
        Some(Ok(left)) => {
            if left.setting == opening.nonce {
                violation = Some("but its setting was committed");
            }
            residue = Some(left.residue);
        }
        Some(Err(unread)) => violation = Some(unread),
        None => {}
    }
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
        carried,
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

/// What the transaction began with that is no work of ours: a pooled backend keeps what another of its clients left. `None`: nothing.
pub(super) fn carried(rows: AnswerRows) -> Option<Residue> {
    let residue = residue_of(rows).ok()?.residue;
    (residue != Residue::default()).then_some(residue)
}

/// What is left of a session.
struct Left {
    residue: Residue,
    /// The backend that was asked.
    backend_pid: Option<i32>,
    /// A ROLLBACK takes back the session setting that the closing query made; a COMMIT keeps it.
    setting: String,
}

/// What a look for residue found; an error when it is no such answer.
fn residue_of(rows: AnswerRows) -> Result<Left, &'static str> {
    const UNREAD: &str = "residue not read";
    let cells: Vec<String> = rows
        .into_iter()
        .flatten()
        .map(Option::unwrap_or_default)
        .collect();
    let [advisory, channels, temp, prepared, pid, setting] = cells.as_slice() else {
        return Err(UNREAD);
    };
    let count = |text: &str| text.parse().map_err(|_| UNREAD);
    Ok(Left {
        residue: Residue {
            advisory_locks: count(advisory)?,
            listening_channels: count(channels)?,
            temp_schema: temp != "false",
            prepared_transactions: count(prepared)?,
        },
        backend_pid: pid.parse().ok(),
        setting: setting.clone(),
    })
}
