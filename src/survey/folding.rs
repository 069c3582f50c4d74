//! Folding of equal stretches. Invariant: a folded stretch says how many rows it holds, and every row is either visible or counted in one fold.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Alignment;

/// Equal rows that stay visible beside a change.
const CONTEXT: usize = 3;

/// What is seen at a place of a folded alignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A row.
    Row(usize),
    /// A folded stretch of equal rows.
    Fold {
        /// Its number, to open it.
        gap: usize,
        /// The rows in it.
        rows: Range<usize>,
    },
}

/// Which stretches are folded, and where everything is then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folding {
    opened: BTreeSet<usize>,
    /// For each stretch: the item it begins at, its first row, the row behind it, what of it is folded.
    parts: Vec<FoldedPart>,
    items: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FoldedPart {
    item: usize,
    rows: Range<usize>,
    gap: usize,
    equal: bool,
    fold: Option<Range<usize>>,
}

impl Folding {
    /// Everything equal folded, but for a few rows around each change.
    pub fn of(alignment: &Alignment) -> Self {
        let mut folding = Self::default();
        folding.lay_out(alignment);
        folding
    }

    /// Opens a fold.
    pub fn open(&mut self, alignment: &Alignment, gap: usize) {
        self.opened.insert(gap);
        self.lay_out(alignment);
    }

    /// Folds a stretch again.
    pub fn close(&mut self, alignment: &Alignment, gap: usize) {
        self.opened.remove(&gap);
        self.lay_out(alignment);
    }

    /// How many items there are to see.
    pub fn items(&self) -> usize {
        self.items
    }

    /// What is seen at a place below [`Self::items`].
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
        let behind = row - 1 + fold.len();
        (behind < part.rows.end).then_some(Item::Row(behind))
    }

    /// Where a row is seen; within a fold, where the fold is.
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

    /// The fold that hides a row.
    pub fn fold_over(&self, row: usize) -> Option<usize> {
        let nth = self.parts.partition_point(|part| part.rows.start <= row);
        let part = self.parts.get(nth.checked_sub(1)?)?;
        let hidden = part.fold.as_ref().is_some_and(|fold| fold.contains(&row));
        hidden.then_some(part.gap)
    }

    /// The opened stretch that a row is in.
    pub fn opened_at(&self, row: usize) -> Option<usize> {
        let nth = self.parts.partition_point(|part| part.rows.start <= row);
        let part = self.parts.get(nth.checked_sub(1)?)?;
        (part.equal && self.opened.contains(&part.gap)).then_some(part.gap)
    }

    fn lay_out(&mut self, alignment: &Alignment) {
        self.parts.clear();
        self.items = 0;
        let mut row = 0;
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
        let keep = |beside: bool| if beside { CONTEXT } else { 0 };
        let shown = rows.start + keep(after)..rows.end.saturating_sub(keep(before));
        let folds = !self.opened.contains(&gap) && (after || before);
        // One row is not worth a fold: its line would take the same place.
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
