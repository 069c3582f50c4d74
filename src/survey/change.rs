//! The rows behind a changed fact, compared from the two documents of that fact.
//! Invariant: a list that is cut ends with a row that says how many are left out. Held by `capped`.

use super::{Digest, FactChange, FactDocument, RowChange, Survey, compare, compare_rows};

/// Rows listed for each fact.
const ROWS_MAX: usize = 50;

/// The facts that differ between two surveys, with the rows that differ where both documents are available.
/// `then` finds a document of `before` by its digest; `now` are the documents of `after`.
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

/// Every row that differs behind one fact. Empty: the documents are the same; `None`: one of them is missing.
pub fn rows_of(
    key: &str,
    before: &Survey,
    after: &Survey,
    then: &dyn Fn(&Digest) -> Option<String>,
    now: &[FactDocument],
) -> Option<Vec<RowChange>> {
    let one = before.fact(key)?.document.as_ref()?;
    let two = after.fact(key)?.document.as_ref()?;
    // Equal digests mean equal documents: nothing has to be read, but for what a document does not show.
    if one.sha256 == two.sha256 {
        let same = before.fact(key)?.value() == after.fact(key)?.value();
        return Some((!same).then(hidden_change).into_iter().collect());
    }
    let found = now
        .iter()
        .find(|document| document.reference().sha256 == two.sha256)?;
    Some(compare_rows(&then(&one.sha256)?, &found.text))
}

/// What stands for the rows where the values differ and the documents do not: only values that no document shows can differ.
fn hidden_change() -> RowChange {
    RowChange {
        key: "(hidden columns)".to_owned(),
        approved: Some("as approved".to_owned()),
        found: Some("hidden values differ".to_owned()),
    }
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
