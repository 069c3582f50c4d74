//! Who wrote the lines of a run, as the store's own server stamped them, beside whom the lines name.
//! Invariant: a stamp is never taken from a client: members may not write these columns (assets/store/tables.sql).

use super::statements::AskLines;
use super::{StoreClient, StoreError};
use crate::journal::JournalEntry;
use crate::run::{Event, Person, RunId};

/// Something in a run that the store's stamps do not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampFinding {
    /// Number of the line, from 1.
    pub line: u64,
    /// What is wrong, in words.
    pub what: String,
}

/// Compares the entries of a run with the lines of the store: the same bytes, and each decision by the role that its person names.
/// Gives the findings and how many decisions were compared.
pub fn compare_stamps(
    client: &StoreClient,
    run_id: &RunId,
    entries: impl IntoIterator<Item = JournalEntry<Event>>,
) -> Result<(Vec<StampFinding>, u64), StoreError> {
    let (mut findings, mut decisions) = (Vec::new(), 0);
    let mut stored = Vec::new().into_iter();
    for entry in entries {
        let line = entry.seq + 1;
        let mut finding = |what: String| findings.push(StampFinding { line, what });
        if stored.len() == 0 {
            let from = entry.seq;
            let run_id = run_id.clone();
            stored = client
                .ask(client.patience(), AskLines { run_id, from })?
                .into_iter();
        }
        let Some(found) = stored.next().filter(|found| found.seq == entry.seq) else {
            finding("the run store does not have it".to_owned());
            break;
        };
        if crate::survey::Digest::of(&found.line) != entry.sha256 {
            finding("the run store has another line".to_owned());
            continue;
        }
        if let Some(by) = decided_by(&entry.event) {
            decisions += 1;
            let named = by.store_role.as_deref();
            if named != Some(found.written_by.as_str()) {
                let named = named.unwrap_or("nobody");
                let wrote = &found.written_by;
                finding(format!(
                    "a decision in the name of store role {named}, and role {wrote} wrote it"
                ));
            }
        }
    }
    Ok((findings, decisions))
}

/// The person who decided, if this is a decision.
fn decided_by(event: &Event) -> Option<&Person> {
    match event {
        Event::ApprovalRecorded(recorded) => Some(&recorded.by),
        _ => None,
    }
}
