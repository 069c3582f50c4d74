//! Folding of equal rows, so that a diff shows changes with some context.
//! Invariant: every row is visible or counted in exactly one fold. Held by
//! the test `a_row_is_seen_or_counted_in_one_fold` of tests/align.rs.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Alignment;

/// Equal rows that stay visible before and behind a change.
const CONTEXT: usize = 3;

/// What is shown at a place of a folded alignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A visible row, by its number.
    Row(usize),
    /// A fold: equal rows that are hidden behind one line.
    Fold {
        /// Its number, by which it is opened.
        gap: usize,
        /// The rows that it hides.
        rows: Range<usize>,
    },
}

/// Which ranges of equal rows are folded, and at which item each row is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folding {
    opened: BTreeSet<usize>,
    /// Equal ranges and hunks in order.
    parts: Vec<FoldedPart>,
    items: usize,
}

/// A hunk or a range of equal rows: its first item, its rows, its number, and the rows that are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FoldedPart {
    item: usize,
    rows: Range<usize>,
    gap: usize,
    equal: bool,
    fold: Option<Range<usize>>,
}

impl Folding {
    /// Folds everything that is equal, but for a few rows around each change.
    pub fn of(alignment: &Alignment) -> Self {
        let mut folding = Self::default();
        folding.lay_out(alignment);
        folding
    }

    /// Opens a fold and keeps it open.
    pub fn open(&mut self, alignment: &Alignment, gap: usize) {
        self.opened.insert(gap);
        self.lay_out(alignment);
    }

    /// Folds an opened range again.
    pub fn close(&mut self, alignment: &Alignment, gap: usize) {
        self.opened.remove(&gap);
        self.lay_out(alignment);
    }

    /// How many items (rows and folds) are shown.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The item at a place; `None`: the place is not below [`Self::items`].
    pub fn item(&self, at: usize) -> Option<Item> {
        let nth = self.parts.partition_point(|part| part.item <= at);
        let part = self.parts.get(nth.checked_sub(1)?)?;
        let row = part.rows.start + (at - part.item);
        let Some(fold) = &part.fold else {
            return (row < part.rows.end).then_some(Item::Row(row));
        };
        if row < fold.start {
            return Some(Item::Row(row));
        }
        if row == fold.start {
            let (gap, rows) = (part.gap, fold.clone());
            return Some(Item::Fold { gap, rows });
        }
        // A fold of n rows takes one place, so n - 1 rows are skipped behind it.
        let behind = row - 1 + fold.len();
        (behind < part.rows.end).then_some(Item::Row(behind))
    }

    /// The place at which a row is shown; for a hidden row the place of its fold.
    pub fn place(&self, row: usize) -> usize {
        let nth = self.parts.partition_point(|part| part.rows.start <= row);
        let Some(part) = nth.checked_sub(1).and_then(|nth| self.parts.get(nth)) else {
            return 0;
        };
        let offset = row - part.rows.start;
        match &part.fold {
            Some(fold) if row >= fold.end => part.item + offset + 1 - fold.len(),
            Some(fold) if row >= fold.start => part.item + fold.start - part.rows.start,
            _ => part.item + offset,
        }
    }

    /// The number of the fold that hides a row; `None`: the row is visible.
    pub fn fold_over(&self, row: usize) -> Option<usize> {
        let nth = self.parts.partition_point(|part| part.rows.start <= row);
        let part = self.parts.get(nth.checked_sub(1)?)?;
        let hidden = part.fold.as_ref().is_some_and(|fold| fold.contains(&row));
        hidden.then_some(part.gap)
    }

    /// The number of the opened range that a row is in; `None`: it is in no opened range.
    pub fn opened_at(&self, row: usize) -> Option<usize> {
        let nth = self.parts.partition_point(|part| part.rows.start <= row);
        let part = self.parts.get(nth.checked_sub(1)?)?;
        (part.equal && self.opened.contains(&part.gap)).then_some(part.gap)
    }

    fn lay_out(&mut self, alignment: &Alignment) {
        self.parts.clear();
        self.items = 0;
        let mut row = 0;
        // Before each hunk, and behind the last one, lies a range of equal rows: it has the number of the hunk that follows.
        for gap in 0..=alignment.changes() {
            let change = alignment.change(gap);
            let end = change
                .as_ref()
                .map_or(alignment.rows(), |change| change.start);
            self.equal(row..end, gap, gap > 0, change.is_some());
            if let Some(change) = change {
                row = change.end;
                self.push(change, gap, false, None);
            }
        }
    }

    fn equal(&mut self, rows: Range<usize>, gap: usize, after: bool, before: bool) {
        // Context is kept only where a change is: not at the beginning and at the end of the document.
        let keep = |beside: bool| if beside { CONTEXT } else { 0 };
        let shown = rows.start + keep(after)..rows.end.saturating_sub(keep(before));
        // Without any change there is nothing to show around, so nothing is folded.
        let folds = !self.opened.contains(&gap) && (after || before);
        // A fold of one row takes the place of that row and saves nothing.
        let fold = (folds && shown.end > shown.start + 1).then_some(shown);
        if !rows.is_empty() {
            self.push(rows, gap, true, fold);
        }
    }

    fn push(&mut self, rows: Range<usize>, gap: usize, equal: bool, fold: Option<Range<usize>>) {
        let hidden = fold.as_ref().map_or(0, |fold| fold.len() - 1);
        let items = rows.len() - hidden;
        self.parts.push(FoldedPart {
            item: self.items,
            rows,
            gap,
            equal,
            fold,
        });
        self.items += items;
    }
}
