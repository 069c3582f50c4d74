//! The rows behind a difference. Invariant: rows come from two documents of one fact, nothing is left out without a count.

use super::{Digest, FactChange, FactDocument, RowChange, Survey, compare, compare_rows};

/// Rows named for each fact; the rest is counted.
const ROWS_MAX: usize = 50;

/// What differs between two surveys, with rows where both documents are at hand.
/// `then` finds a document of `before`; `now` are the documents of `after`.
pub fn changes_with_rows(
    before: &Survey,
    after: &Survey,
    then: &dyn Fn(&Digest) -> Option<String>,
    now: &[FactDocument],
) -> Vec<FactChange> {
    let mut changes = compare(before, after);
    for change in &mut changes {
        let rows = rows_of(change.key.as_str(), before, after, then, now);
        change.rows = capped(rows.unwrap_or_default());
    }
    changes
}

/// Every row that differs behind one fact. `None`: not both of its documents are at hand.
pub fn rows_of(
    key: &str,
    before: &Survey,
    after: &Survey,
    then: &dyn Fn(&Digest) -> Option<String>,
    now: &[FactDocument],
) -> Option<Vec<RowChange>> {
    let one = before.fact(key)?.document.as_ref()?;
    let two = after.fact(key)?.document.as_ref()?;
    if one.sha256 == two.sha256 {
        return Some(Vec::new());
    }
    let found = now
        .iter()
        .find(|document| document.reference().sha256 == two.sha256)?;
    Some(compare_rows(&then(&one.sha256)?, &found.text))
}

fn capped(mut rows: Vec<RowChange>) -> Vec<RowChange> {
    let more = rows.len().saturating_sub(ROWS_MAX);
    if more > 0 {
        rows.truncate(ROWS_MAX);
        rows.push(RowChange {
            key: format!("... {more} more rows differ"),
            approved: None,
            found: None,
        });
    }
    rows
}
