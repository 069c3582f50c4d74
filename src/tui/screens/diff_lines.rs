//! The lines of two aligned documents, side by side or stacked.
//! Invariant: nothing is cut without a mark and a count, and what is equal and folded is counted (tests
//! `at_every_width_the_cells_give_both_sides_back` and `without_wrapping_what_is_cut_has_a_mark_and_a_count` of
//! tests/align.rs).

use std::ops::Range;

use crate::compare::AlignedDocuments;
use crate::survey::{
    AlignedRow, DocumentShape, Folding, InlineChanges, Item, Side, Sides, inline_changes,
};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::{Ink, Theme};
use crate::tui::widgets::{Atom, CELL_MIN, Text, cells, joined};

/// How documents are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffLayout {
    /// Columns; `usize::MAX`: no limit, and nothing is broken.
    pub width: usize,
    /// Side by side, where there is room.
    pub split: bool,
    /// Long lines go on below; else they are cut with a mark and a count.
    pub wrap: bool,
    /// Whether there are keys, so that the one that opens a fold is named.
    pub names_keys: bool,
}

/// One line of output, and which bytes of which line stand in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffLine {
    /// The text of the line.
    pub text: Text,
    /// For each side: the line of the document, and the bytes of it that stand here.
    pub cells: Sides<Option<(usize, Range<usize>)>>,
    /// Something in it is marked as different.
    pub marked: bool,
}

impl DiffLine {
    fn remark(text: Text) -> Self {
        Self {
            text,
            cells: Sides::default(),
            marked: false,
        }
    }
}

/// The widths that follow from a layout for these documents.
#[derive(Debug, Clone, Copy)]
struct DiffColumns {
    /// Width of each side; the right one only where split.
    sides: Sides<usize>,
    split: bool,
    /// Digits of line numbers; 0: none.
    digits: usize,
    /// Whether lines have numbers of their own: the fields of a row have none.
    numbered: bool,
}

impl DiffColumns {
    fn of(opened: &AlignedDocuments, layout: DiffLayout) -> Self {
        let lines = opened.alignment.lines();
        let digits = lines.before.max(lines.after).max(1).ilog10() as usize + 1;
        let half = layout.width.saturating_sub(1) / 2;
        let split =
            layout.split && opened.is_whole() && layout.width < usize::MAX && half > CELL_MIN + 1;
        let sides = if split {
            Sides::new(half, half)
        } else {
            Sides::new(layout.width, layout.width)
        };
        // Line numbers are left out first where columns are few.
        let numbered = sides.before.saturating_sub(digits + 2) >= 2 * CELL_MIN;
        Self {
            sides,
            split,
            digits: if numbered { digits } else { 0 },
            numbered: true,
        }
    }

    /// Columns before the text of a side.
    fn gutter(&self) -> usize {
        self.digits + 2
    }

    fn room(&self, side: Side) -> usize {
        self.sides
            .get(side)
            .saturating_sub(self.gutter())
            .max(CELL_MIN)
    }
}

/// Lines of the headings over a document.
pub(super) const HEADINGS: usize = 2;

/// What stands over the two sides: beside each other with a line below, or one under the other.
pub(super) fn headings(
    opened: &AlignedDocuments,
    layout: DiffLayout,
    sides: Sides<Text>,
    theme: Theme,
) -> Vec<Text> {
    let columns = DiffColumns::of(opened, layout);
    if !columns.split {
        let marked = |mark: &str, side: Text| Text::inked(Ink::Drift, mark).then(side);
        return vec![marked("- ", sides.before), marked("+ ", sides.after)];
    }
    let indent = Text::plain(" ".repeat(columns.gutter()));
    let one = indent.clone().then(sides.before);
    let two = indent
        .then(sides.after)
        .clip(columns.sides.after, theme.ellipsis());
    let across = theme.lines(false).across;
    let rule = format!(
        "{}{}{}",
        across.repeat(columns.sides.before),
        theme.crossing(),
        across.repeat(columns.sides.after)
    );
    vec![
        one.to_column(columns.sides.before)
            .with(Ink::Dim, theme.lines(false).down)
            .then(two),
        Text::inked(Ink::Dim, rule),
    ]
}

/// The column before the text of the left side, which is free for a cursor.
pub(super) fn cursor_column(opened: &AlignedDocuments, layout: DiffLayout) -> usize {
    DiffColumns::of(opened, layout).gutter() - 1
}

/// Draws an item of a folded alignment.
pub fn diff_lines(
    opened: &AlignedDocuments,
    item: &Item,
    layout: DiffLayout,
    theme: Theme,
) -> Vec<DiffLine> {
    let columns = DiffColumns::of(opened, layout);
    match item {
        Item::Fold { rows, .. } => {
            let noun = match (opened.shape, rows.len()) {
                (DocumentShape::Text, _) => "equal lines",
                (DocumentShape::Keyed, _) => "equal rows",
            };
            let words = format!("... {} {noun} ...", rows.len());
            let key = layout
                .names_keys
                .then(|| key_of(KeyScope::Diff, Action::Fold));
            vec![DiffLine::remark(fold_line(
                &columns,
                &words,
                key.as_deref(),
                theme,
            ))]
        }
        Item::Row(row) => {
            let row = opened.alignment.row(*row);
            match opened.fields(row) {
                Some(fields) => field_lines(opened, row, &fields, layout, &columns, theme),
                None => row_lines(opened, row, layout, &columns, theme),
            }
        }
    }
}

/// A row with fields: its key, and below it a field a line, what is equal in a long one folded.
fn field_lines(
    opened: &AlignedDocuments,
    row: AlignedRow,
    fields: &AlignedDocuments,
    layout: DiffLayout,
    columns: &DiffColumns,
    theme: Theme,
) -> Vec<DiffLine> {
    let key = |side: Side| {
        let number = row.line(side)?;
        let line = opened.documents.get(side).line(number);
        let name = line.split_once('\t').map_or(line, |(key, _)| key);
        let gutter = gutter(columns, row, side, true, Some(number));
        let room = columns.room(side);
        let name = Text::inked(Ink::Bold, name).clip(room, theme.ellipsis());
        let mut drawn = DiffLine::remark(gutter.then(name));
        *drawn.cells.get_mut(side) = Some((number, 0..line.len()));
        Some(drawn)
    };
    let (before, after) = (key(Side::Before), key(Side::After));
    let mut lines = match (columns.split, before, after) {
        (true, before, after) => beside(
            before.into_iter().collect(),
            after.into_iter().collect(),
            columns,
            theme,
        ),
        (false, Some(mut one), Some(two)) => {
            one.cells.after = two.cells.after;
            vec![one]
        }
        (false, one, two) => one.into_iter().chain(two).collect(),
    };
    let heads = lines.len();
    let columns = DiffColumns {
        numbered: false,
        ..*columns
    };
    let mut folding = Folding::of(&fields.alignment);
    if fields.alignment.changes() == 0 {
        folding.open(&fields.alignment, 0);
    }
    for item in (0..folding.items()).filter_map(|at| folding.item(at)) {
        match item {
            Item::Row(row) => {
                let row = fields.alignment.row(row);
                lines.extend(row_lines(fields, row, layout, &columns, theme));
            }
            Item::Fold { rows, .. } => {
                let words = format!("... {} equal lines ...", rows.len());
                lines.push(DiffLine::remark(fold_line(&columns, &words, None, theme)));
            }
        }
    }
    // The key stands for the whole row; its fields are lines of a document of their own.
    for line in lines.iter_mut().skip(heads) {
        line.cells = Sides::default();
    }
    lines
}

fn fold_line(columns: &DiffColumns, words: &str, key: Option<&str>, theme: Theme) -> Text {
    let indent = " ".repeat(columns.gutter());
    let two = Text::inked(Ink::Dim, format!("{indent}{words}"));
    let one = match key {
        Some(key) => two.clone().with(Ink::Dim, format!(" ({key} opens)")),
        None => two.clone(),
    };
    if !columns.split {
        return one.clip(columns.sides.before, theme.ellipsis());
    }
    let two = two.clip(columns.sides.after, theme.ellipsis());
    one.to_column(columns.sides.before)
        .with(Ink::Dim, theme.lines(false).down)
        .then(two)
}

fn row_lines(
    opened: &AlignedDocuments,
    row: AlignedRow,
    layout: DiffLayout,
    columns: &DiffColumns,
    theme: Theme,
) -> Vec<DiffLine> {
    let found = match row {
        AlignedRow::Changed { before, after } => inline_changes(
            opened.documents.before.line(before),
            opened.documents.after.line(after),
        ),
        _ => InlineChanges::default(),
    };
    let side = |side: Side| side_lines(opened, row, side, layout, columns, &found, theme);
    if columns.split {
        return beside(side(Side::Before), side(Side::After), columns, theme);
    }
    let mut lines = side(Side::Before);
    if let AlignedRow::Equal { before, after } = row {
        for line in &mut lines {
            let (_, range) = line.cells.before.clone().unwrap_or((before, 0..0));
            line.cells.after = Some((after, range));
        }
    } else {
        lines.extend(side(Side::After));
    }
    lines
}

/// The two sides on the same lines; the shorter one is filled up.
fn beside(
    before: Vec<DiffLine>,
    after: Vec<DiffLine>,
    columns: &DiffColumns,
    theme: Theme,
) -> Vec<DiffLine> {
    let height = before.len().max(after.len());
    let mut rows = (before.into_iter(), after.into_iter());
    (0..height)
        .map(|_| {
            let one = rows.0.next().unwrap_or_default();
            let two = rows.1.next().unwrap_or_default();
            DiffLine {
                text: one
                    .text
                    .to_column(columns.sides.before)
                    .with(Ink::Dim, theme.lines(false).down)
                    .then(two.text),
                cells: Sides::new(one.cells.before, two.cells.after),
                marked: one.marked || two.marked,
            }
        })
        .collect()
}

/// The lines of one side of a row, with marks below.
fn side_lines(
    opened: &AlignedDocuments,
    row: AlignedRow,
    side: Side,
    layout: DiffLayout,
    columns: &DiffColumns,
    marks: &InlineChanges,
    theme: Theme,
) -> Vec<DiffLine> {
    let Some(line) = row.line(side) else {
        return Vec::new();
    };
    let documents = opened.documents.get(side);
    let text = documents.line(line);
    let room = columns.room(side);
    let moved = opened.alignment.moved(side, line);
    let marked = marks.get(side);
    let ink = match row {
        AlignedRow::Equal { .. } => Ink::Plain,
        AlignedRow::Changed { .. } => Ink::Bold,
        _ => Ink::Drift,
    };
    let plain = text.len() <= room && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if plain && moved.is_none() && line + 1 < documents.count() {
        // Most lines are like this: nothing to break or to escape, a column for each byte.
        let gutter = gutter(columns, row, side, true, Some(line));
        let mut drawn = DiffLine::remark(plain_text(gutter, text, marked, ink));
        *drawn.cells.get_mut(side) = Some((line, 0..text.len()));
        drawn.marked = !marked.is_empty();
        let below = (!marked.is_empty()).then(|| {
            let indent = Text::plain(" ".repeat(columns.gutter()));
            DiffLine::remark(indent.with(Ink::Drift, plain_carets(marked)))
        });
        return std::iter::once(drawn).chain(below).collect();
    }
    let broken = if layout.wrap {
        cells(text, room)
    } else {
        cells(text, usize::MAX)
    };
    // Where the key of a row ends and its value begins: no part of either.
    let separator = (opened.shape == DocumentShape::Keyed)
        .then(|| text.find('\t'))
        .flatten();
    let mut lines = Vec::new();
    for (nth, cell) in broken.iter().enumerate() {
        let gutter = gutter(columns, row, side, nth == 0, (nth == 0).then_some(line));
        let body = inked(text, cell, marked, ink, separator).clip(room, theme.ellipsis());
        let start = cell.first().map_or(0, |atom| atom.range.start);
        let end = cell.last().map_or(start, |atom| atom.range.end);
        let mut drawn = DiffLine::remark(gutter.then(body));
        *drawn.cells.get_mut(side) = Some((line, start..end));
        drawn.marked = cell.iter().any(|atom| is_marked(atom, marked));
        lines.push(drawn);
        if let Some(carets) = carets(cell, marked) {
            let indent = " ".repeat(columns.gutter());
            let carets = Text::inked(Ink::Drift, carets).clip(room, theme.ellipsis());
            lines.push(DiffLine::remark(Text::plain(indent).then(carets)));
        }
    }
    // As `diff` says: a missing line break at the end is a difference that no character shows.
    let unended = opened.documents.get(side).is_unended()
        && line + 1 == opened.documents.get(side).count()
        && !matches!(row, AlignedRow::Equal { .. });
    let remarks = [
        moved.map(|other| format!("(moved: line {} on the other side)", other + 1)),
        unended.then(|| "(no line break at the end)".to_owned()),
    ];
    for remark in remarks.into_iter().flatten() {
        let indent = " ".repeat(columns.gutter());
        let remark = Text::inked(Ink::Dim, remark).clip(room, theme.ellipsis());
        lines.push(DiffLine::remark(Text::plain(indent).then(remark)));
    }
    lines
}

/// A text of one column for each byte, what is marked in its own ink.
fn plain_text(gutter: Text, text: &str, marks: &[Range<usize>], ink: Ink) -> Text {
    let mut drawn = gutter;
    let mut at = 0;
    for mark in marks {
        drawn.push(ink, &text[at..mark.start]);
        drawn.push(Ink::Drift, &text[mark.clone()]);
        at = mark.end;
    }
    drawn.push(ink, &text[at..]);
    drawn
}

/// `^` below what is marked of such a text.
fn plain_carets(marks: &[Range<usize>]) -> String {
    let mut carets = String::new();
    for mark in marks {
        carets.push_str(&" ".repeat(mark.start - carets.len()));
        carets.push_str(&"^".repeat(mark.len()));
    }
    carets
}

fn gutter(
    columns: &DiffColumns,
    row: AlignedRow,
    side: Side,
    marked: bool,
    line: Option<usize>,
) -> Text {
    let mark = match (row, side, columns.split) {
        (AlignedRow::Equal { .. }, _, _) => " ",
        (AlignedRow::Changed { .. }, _, true) => "!",
        (_, Side::Before, _) => "-",
        (_, Side::After, _) => "+",
    };
    let mark = Text::inked(Ink::Drift, if marked { mark } else { " " });
    if columns.digits == 0 {
        return mark.with(Ink::Plain, " ");
    }
    let line = line.filter(|_| columns.numbered);
    let number = line.map_or_else(String::new, |line| (line + 1).to_string());
    mark.with(
        Ink::Dim,
        format!("{number:>width$} ", width = columns.digits),
    )
}

fn is_marked(atom: &Atom, marks: &[Range<usize>]) -> bool {
    marks
        .iter()
        .any(|mark| mark.start < atom.range.end && atom.range.start < mark.end)
}

/// The cell in its inks; the tab at `separator` is a blank as wide as its escape.
fn inked(
    line: &str,
    cell: &[Atom],
    marks: &[Range<usize>],
    ink: Ink,
    separator: Option<usize>,
) -> Text {
    let separates = |atom: &Atom| Some(atom.range.start) == separator;
    let alike = |one: &Atom, two: &Atom| {
        is_marked(one, marks) == is_marked(two, marks) && separates(one) == separates(two)
    };
    let mut text = Text::new();
    for stretch in cell.chunk_by(alike) {
        let Some(first) = stretch.first() else {
            continue;
        };
        let ink = if is_marked(first, marks) {
            Ink::Drift
        } else {
            ink
        };
        if separates(first) {
            text.push(ink, " ".repeat(first.columns));
        } else {
            text.push(ink, joined(line, stretch));
        }
    }
    text
}

/// `^` below what is marked; nothing if nothing is.
fn carets(cell: &[Atom], marks: &[Range<usize>]) -> Option<String> {
    if !cell.iter().any(|atom| is_marked(atom, marks)) {
        return None;
    }
    let mut carets = String::new();
    for atom in cell {
        let mark = if is_marked(atom, marks) { "^" } else { " " };
        carets.push_str(&mark.repeat(atom.columns));
    }
    Some(carets.trim_end().to_owned())
}
