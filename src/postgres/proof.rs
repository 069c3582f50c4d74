//! The end of a transaction as measured from inside. Invariant: what was not answered is written down as a stain, never as a zero.

use super::error::CallError;
use super::wire::Rows;
use crate::survey::{Footprint, Residue, Snapshot, TransactionProof};

type Answer = Result<Rows, CallError>;

/// Builds the proof from the answers of the closing batch: closing, locks, rollback, begin, residue, (wal), rollback.
pub(super) fn proof(
    opening: &Snapshot,
    backend_pid: i32,
    footprint: Footprint,
    answers: Vec<Answer>,
) -> TransactionProof {
    let with_wal = answers.len() > 6;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Vec::new()));
    let (closing, locks, rollback) = (next(), next(), next());
    let (_begin, residue) = (next(), next());
    let wal = if with_wal { next() } else { Ok(Vec::new()) };
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
    let (residue, residue_stain) = residue_of(residue, backend_pid, &opening.nonce);
    let ended_by = match (rollback, residue_stain) {
        (Ok(_), None) => "ROLLBACK".to_owned(),
        (Ok(_), Some(stain)) => format!("ROLLBACK, {stain}"),
        (Err(error), _) => format!("ROLLBACK refused: {}", error.reason()),
    };
    TransactionProof {
        nonce: opening.nonce.clone(),
        nonce_at_end,
        virtual_xid: opening.virtual_xid.clone(),
        virtual_xid_at_end,
        server_time: opening.server_time.clone(),
        server_time_at_end,
        snapshot: opening.snapshot.clone(),
        read_only,
        isolation,
        search_path,
        row_security,
        xid_assigned,
        locks: locks_of(locks),
        rows_written: rows_written.unwrap_or(u64::MAX),
        residue,
        backend_wal_bytes: wal.ok().and_then(number),
        ended_by,
        backend_pid,
        footprint,
    }
}

fn number(rows: Rows) -> Option<u64> {
    rows.into_iter().flatten().next().flatten()?.parse().ok()
}

fn locks_of(answer: Answer) -> Vec<String> {
    match answer {
        Ok(rows) => rows
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let kind = cells.next().unwrap_or_default();
                format!("{kind} x{}", cells.next().unwrap_or_default())
            })
            .collect(),
        Err(error) => vec![format!("not read: {}", error.reason())],
    }
}

/// The residue, and what is wrong with it. A ROLLBACK takes back the session setting that the closing query made; a COMMIT keeps it.
fn residue_of(answer: Answer, backend_pid: i32, nonce: &str) -> (Residue, Option<String>) {
    let rows = match answer {
        Ok(rows) => rows,
        Err(error) => {
            let stain = format!("residue not read: {}", error.reason());
            return (Residue::default(), Some(stain));
        }
    };
    let cells: Vec<String> = rows
        .into_iter()
        .flatten()
        .map(Option::unwrap_or_default)
        .collect();
    let [advisory, channels, temp, prepared, pid, kept] = cells.as_slice() else {
        let stain = "residue not read".to_owned();
        return (Residue::default(), Some(stain));
    };
    let count = |text: &str| text.parse().unwrap_or(u64::MAX);
    let residue = Residue {
        advisory_locks: count(advisory),
        listening_channels: count(channels),
        temp_schema: temp != "false",
        prepared_transactions: count(prepared),
    };
    let stain = if pid.parse() != Ok(backend_pid) {
        Some("residue read in another backend".to_owned())
    } else if kept == nonce {
        Some("but its setting was committed".to_owned())
    } else {
        None
    };
    (residue, stain)
}
