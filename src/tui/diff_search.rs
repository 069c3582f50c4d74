//! Searching a document of any length between a key and its frame, on all processors.
//! Invariant: what is found is what a search row after row would find (test `what_is_far_is_found_as_what_is_near`).

use std::ops::Range;
use std::thread;

use crate::compare::AlignedDocuments;
use crate::survey::SearchPattern;

/// Rows (16,384) that are searched on this thread first, before the rest is given to all processors: most of what is looked for
/// is near.
const NEAR: usize = 1 << 14;

/// The first row from `row` on that holds `wanted` on a side.
pub(super) fn next(opened: &AlignedDocuments, wanted: &SearchPattern, row: usize) -> Option<usize> {
    let rows = opened.alignment.rows();
    let row = row.min(rows);
    let near = row.saturating_add(NEAR).min(rows);
    let documents = opened.documents.as_ref();
    let find = |rows| opened.alignment.find(documents, wanted, rows);
    find(row..near).or_else(|| {
        let found = side_by_side(near..rows, &find);
        found.into_iter().flatten().next()
    })
}

/// The last row before `row` that holds `wanted` on a side.
pub(super) fn last(opened: &AlignedDocuments, wanted: &SearchPattern, row: usize) -> Option<usize> {
    let row = row.min(opened.alignment.rows());
    let near = row.saturating_sub(NEAR);
    let documents = opened.documents.as_ref();
    let find = |rows| opened.alignment.find_back(documents, wanted, rows);
    find(near..row).or_else(|| {
        let found = side_by_side(0..near, &find);
        found.into_iter().flatten().next_back()
    })
}

/// Splits the rows into one range for each processor and searches them in parallel; the results are in the order of the rows.
fn side_by_side(
    rows: Range<usize>,
    find: &(dyn Fn(Range<usize>) -> Option<usize> + Sync),
) -> Vec<Option<usize>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let each = rows.len().div_ceil(workers).max(NEAR);
    let mut ranges = rows
        .clone()
        .step_by(each)
        .map(|from| from..(from + each).min(rows.end));
    let Some(first) = ranges.next() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let start = |rows: Range<usize>| {
            let searched = rows.clone();
            let started = thread::Builder::new().spawn_scoped(scope, move || find(searched));
            (started, rows)
        };
        let others: Vec<_> = ranges.map(start).collect();
        // This thread searches the first range itself, and each for which no thread could be started.
        let found = std::iter::once(find(first));
        let others = others.into_iter().map(|(started, rows)| {
            let Ok(started) = started else {
                return find(rows);
            };
            // A bug in a worker is a bug here: the panic hook must see it.
            let ended = started.join();
            ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
        });
        found.chain(others).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{NEAR, last, next};
    use crate::compare::AlignedDocuments;
    use crate::survey::{FactKind, SearchPattern, Sides};

    #[test]
    fn what_is_far_is_found_as_what_is_near() {
        let hits = [3, NEAR - 1, NEAR, 2 * NEAR + 7, 4 * NEAR, 5 * NEAR - 1];
        let line = |n: usize| match n {
            n if hits.contains(&n) => format!("row {n} is a stone\n"),
            n => format!("row {n}\n"),
        };
        let text: String = (0..5 * NEAR).map(line).collect();
        let opened =
            AlignedDocuments::of(Sides::new(Some(text.clone()), Some(text)), FactKind::Sha256);
        let wanted = SearchPattern::of("stone", &opened.documents.before);
        let beside = hits.iter().flat_map(|hit| [*hit, hit + 1]);
        for row in beside.chain((0..6 * NEAR).step_by(NEAR / 2)) {
            let after = hits.iter().copied().find(|hit| *hit >= row);
            let before = hits.iter().copied().rfind(|hit| *hit < row);
            assert_eq!(next(&opened, &wanted, row), after, "from {row}");
            assert_eq!(last(&opened, &wanted, row), before, "before {row}");
        }
        let absent = SearchPattern::of("pebble", &opened.documents.before);
        assert_eq!(next(&opened, &absent, 0), None);
        assert_eq!(last(&opened, &absent, 5 * NEAR), None);
    }
}
