//! Line alignment of two documents: which line stands beside which, as rows of a side-by-side diff. Only the hunks are stored;
//! rows of equal lines are computed when they are asked for.
//! Invariant: every line of each side is in exactly one row, in order. Held by
//! the test `every_line_of_each_side_is_in_one_row_in_order` of tests/align.rs.

use std::collections::HashMap;
use std::ops::Range;

use super::hunks::hunks;
use super::line_pairing::{Work, pair};
use super::{Lines, Side, Sides};

/// How lines of the two documents are paired inside a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentShape {
    /// Free text: two lines are paired if they are similar enough.
    Text,
    /// Rows of `key<TAB>value`: two lines are paired only if their keys are equal.
    Keyed,
}

/// One row of the side-by-side view. Line numbers begin at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlignedRow {
    /// The same line on both sides.
    Equal {
        /// Line on the left.
        before: usize,
        /// Line on the right.
        after: usize,
    },
    /// Two lines that were paired and differ.
    Changed {
        /// Line on the left.
        before: usize,
        /// Line on the right.
        after: usize,
    },
    /// A line that is only on the left.
    Removed {
        /// Line on the left.
        before: usize,
    },
    /// A line that is only on the right.
    Added {
        /// Line on the right.
        after: usize,
    },
}

impl AlignedRow {
    /// The line that this row shows on a side; `None`: the row is empty there.
    pub fn line(self, side: Side) -> Option<usize> {
        match (self, side) {
            (
                Self::Equal { before, .. }
                | Self::Changed { before, .. }
                | Self::Removed { before },
                Side::Before,
            ) => Some(before),
            (
                Self::Equal { after, .. } | Self::Changed { after, .. } | Self::Added { after },
                Side::After,
            ) => Some(after),
            _ => None,
        }
    }
}

/// One hunk: a range of lines on each side in which the documents differ.
#[derive(Debug, Clone)]
struct Hunk {
    before: Range<usize>,
    after: Range<usize>,
    /// The rows of paired lines; `None`: lines stand beside each other in order, and the rest of the longer side stands alone.
    rows: Option<Box<[AlignedRow]>>,
}

impl Hunk {
    fn rows(&self) -> usize {
        match &self.rows {
            Some(rows) => rows.len(),
            None => self.before.len().max(self.after.len()),
        }
    }

    fn row(&self, nth: usize) -> AlignedRow {
        if let Some(rows) = &self.rows {
            return rows[nth];
        }
        let (before, after) = (self.before.start + nth, self.after.start + nth);
        match (before < self.before.end, after < self.after.end) {
            (true, true) => AlignedRow::Changed { before, after },
            (true, false) => AlignedRow::Removed { before },
            _ => AlignedRow::Added { after },
        }
    }
}

impl Hunk {
    /// The lines of a side that a range of the hunk's rows shows.
    fn lines(&self, side: Side, rows: &Range<usize>) -> Range<usize> {
        let all = match side {
            Side::Before => self.before.clone(),
            Side::After => self.after.clone(),
        };
        let mut lines = rows.clone().filter_map(|nth| self.row(nth).line(side));
        // No row of the range has a line on this side: an empty range at the beginning of the hunk.
        let Some(first) = lines.next() else {
            return all.start..all.start;
        };
        // Rows keep the order of the lines, so the first and the last one bound the range.
        first..lines.next_back().unwrap_or(first) + 1
    }
}

/// A part of both documents: a range of equal lines, or a hunk.
#[derive(Debug, Clone)]
pub(super) struct AlignedPart {
    /// The range of lines on each side.
    pub lines: Sides<Range<usize>>,
    /// Whether the part is a hunk.
    pub differs: bool,
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlignmentCounts {
    /// Rows that are equal.
    pub equal: usize,
    /// Pairs of lines that differ.
    pub changed: usize,
    /// Lines only on the left.
    pub removed: usize,
    /// Lines only on the right.
    pub added: usize,
    /// Lines that are on both sides at different places; counted in `removed` and `added` too.
    pub moved: usize,
}

impl AlignmentCounts {
    /// Rows that are not equal: changed, removed and added.
    pub fn differing(&self) -> usize {
        self.changed + self.removed + self.added
    }
}

/// The rows of two documents. A row is found by its number without a list of all rows.
#[derive(Debug, Clone)]
pub struct Alignment {
    hunks: Vec<Hunk>,
    /// The row at which each hunk begins, in the order of `hunks`.
    first_rows: Vec<usize>,
    lines: Sides<usize>,
    /// Lines that moved: line on this side to line on the other.
    moved: Sides<HashMap<usize, usize>>,
    counts: AlignmentCounts,
}

impl Alignment {
    /// Aligns two documents line by line.
    pub fn of(documents: Sides<&Lines>, shape: DocumentShape) -> Self {
        let mut work = Work::default();
        let hunks: Vec<Hunk> = hunks(documents)
            .into_iter()
            .map(|Sides { before, after }| {
                let rows = pair(documents, &before, &after, shape, &mut work);
                Hunk {
                    before,
                    after,
                    rows,
                }
            })
            .collect();
        let mut alignment = Self {
            first_rows: Vec::with_capacity(hunks.len()),
            hunks,
            lines: documents.map(Lines::count),
            moved: Sides::default(),
            counts: AlignmentCounts::default(),
        };
        alignment.count();
        alignment.moved = alignment.find_moved(documents, shape);
        alignment.counts.moved = alignment.moved.before.len();
        alignment
    }

    fn count(&mut self) {
        let mut row = 0;
        let mut done = 0;
        for hunk in &self.hunks {
            // Between two hunks both sides have the same number of lines, one row each.
            row += hunk.before.start - done;
            self.counts.equal += hunk.before.start - done;
            done = hunk.before.end;
            self.first_rows.push(row);
            row += hunk.rows();
            for nth in 0..hunk.rows() {
                match hunk.row(nth) {
                    AlignedRow::Equal { .. } => self.counts.equal += 1,
                    AlignedRow::Changed { .. } => self.counts.changed += 1,
                    AlignedRow::Removed { .. } => self.counts.removed += 1,
                    AlignedRow::Added { .. } => self.counts.added += 1,
                }
            }
        }
        self.counts.equal += self.lines.before - done;
    }

    /// Lines that moved: removed at one place and added at another. A text that was removed twice is no move, because nobody
    /// can say which of the two lines moved.
    fn find_moved(
        &self,
        documents: Sides<&Lines>,
        shape: DocumentShape,
    ) -> Sides<HashMap<usize, usize>> {
        // What a line is recognised by: its key, or the whole line. Lines of at most three bytes, such
        // as `}`, are not followed.
        let name = |line: &'_ str| -> Option<usize> {
            match shape {
                DocumentShape::Keyed => line.find('\t'),
                DocumentShape::Text => (line.trim().len() > 3).then_some(line.len()),
            }
        };
        let mut lost: HashMap<&str, Option<usize>> = HashMap::new();
        let mut new = Vec::new();
        for row in self
            .hunks
            .iter()
            .flat_map(|hunk| (0..hunk.rows()).map(|nth| hunk.row(nth)))
        {
            match row {
                AlignedRow::Removed { before } => {
                    let line = documents.before.line(before);
                    if let Some(end) = name(line) {
                        lost.entry(&line[..end])
                            .and_modify(|known| *known = None)
                            .or_insert(Some(before));
                    }
                }
                AlignedRow::Added { after } => new.push(after),
                _ => {}
            }
        }
        let mut moved: Sides<HashMap<usize, usize>> = Sides::default();
        for after in new {
            let line = documents.after.line(after);
            let from = name(line).and_then(|end| lost.get(&line[..end]).copied().flatten());
            // The first added line of a text takes the removed one; further copies are plain additions.
            if let Some(before) = from
                && !moved.before.contains_key(&before)
            {
                moved.before.insert(before, after);
                moved.after.insert(after, before);
            }
        }
        moved
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> usize {
        self.counts.equal + self.counts.differing()
    }

    /// The row of a number below [`Self::rows`]. A larger number is not checked: the row names lines that do not exist.
    pub fn row(&self, row: usize) -> AlignedRow {
        // Binary search for the last hunk that begins at or before the row.
        let next = self.first_rows.partition_point(|first| *first <= row);
        let (row_base, before, after) = match next.checked_sub(1) {
            None => (0, 0, 0),
            Some(nth) => {
                let (hunk, first) = (&self.hunks[nth], self.first_rows[nth]);
                if row - first < hunk.rows() {
                    return hunk.row(row - first);
                }
                // Behind the hunk both sides go on line by line from its ends.
                (first + hunk.rows(), hunk.before.end, hunk.after.end)
            }
        };
        let offset = row - row_base;
        AlignedRow::Equal {
            before: before + offset,
            after: after + offset,
        }
    }

    /// The row that shows a line of a side.
    pub fn row_of(&self, side: Side, line: usize) -> usize {
        let range = |hunk: &Hunk| match side {
            Side::Before => hunk.before.clone(),
            Side::After => hunk.after.clone(),
        };
        let next = self.hunks.partition_point(|hunk| range(hunk).start <= line);
        let Some(nth) = next.checked_sub(1) else {
            // Before the first hunk the number of the row is the number of the line.
            return line;
        };
        let (hunk, first) = (&self.hunks[nth], self.first_rows[nth]);
        if line < range(hunk).end {
            // Rows with a line on the other side only lie in between, so the row within a hunk has to be searched.
            let within = (0..hunk.rows()).find(|at| hunk.row(*at).line(side) == Some(line));
            return first + within.unwrap_or(0);
        }
        first + hunk.rows() + (line - range(hunk).end)
    }

    /// How many hunks there are.
    pub fn changes(&self) -> usize {
        self.hunks.len()
    }

    /// The rows of a hunk, by its number from 0; `None`: there is no such hunk.
    pub fn change(&self, nth: usize) -> Option<Range<usize>> {
        let first = *self.first_rows.get(nth)?;
        Some(first..first + self.hunks[nth].rows())
    }

    /// What a range of rows covers, in order: ranges of equal lines and hunks in turn.
    pub(super) fn parts_of(
        &self,
        rows: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = AlignedPart> {
        // Parts are numbered as in `part`: hunk n is part 2n + 1, the equal lines behind it are part 2n + 2.
        let first = self.change_at(rows.start).map_or(0, |nth| 2 * nth + 1);
        let last = self.change_at(rows.end).map_or(0, |nth| 2 * nth + 2);
        (first..=last).map(move |nth| self.part(nth, rows.clone()))
    }

    /// The part with this number, cut to `rows`. Part 0 is the equal lines before the first hunk, part 1 that hunk, part 2 the
    /// equal lines behind it, and so on.
    fn part(&self, nth: usize, rows: Range<usize>) -> AlignedPart {
        let differs = nth % 2 == 1;
        if differs {
            let (hunk, first) = (&self.hunks[nth / 2], self.first_rows[nth / 2]);
            let end = first + hunk.rows();
            // A whole hunk is known by its ranges; only a cut one has to look at its rows.
            if rows.start <= first && end <= rows.end {
                let lines = Sides::new(hunk.before.clone(), hunk.after.clone());
                return AlignedPart { lines, differs };
            }
            let clipped = rows.start.clamp(first, end) - first..rows.end.clamp(first, end) - first;
            let lines =
                Sides::new(Side::Before, Side::After).map(|side| hunk.lines(side, &clipped));
            return AlignedPart { lines, differs };
        }
        let behind = nth.checked_sub(2).map(|nth| nth / 2);
        let (first, from) = behind.map_or((0, Sides::new(0, 0)), |nth| {
            let hunk = &self.hunks[nth];
            (
                self.first_rows[nth] + hunk.rows(),
                Sides::new(hunk.before.end, hunk.after.end),
            )
        });
        let end = self.first_rows.get(nth / 2).copied().unwrap_or(self.rows());
        let clipped = rows.start.clamp(first, end) - first..rows.end.clamp(first, end) - first;
        let lines = from.map(|line| line + clipped.start..line + clipped.end);
        AlignedPart { lines, differs }
    }

    /// The hunk that a row is in, else the last one before it; `None`: no hunk begins at or before the row.
    pub fn change_at(&self, row: usize) -> Option<usize> {
        self.first_rows
            .partition_point(|first| *first <= row)
            .checked_sub(1)
    }

    /// Where a line of this side is on the other side; `None`: it did not move.
    pub fn moved(&self, side: Side, line: usize) -> Option<usize> {
        self.moved.get(side).get(&line).copied()
    }

    /// How many rows there are of each kind.
    pub fn counts(&self) -> AlignmentCounts {
        self.counts
    }

    /// How many lines each side has.
    pub fn lines(&self) -> Sides<usize> {
        self.lines
    }
}
