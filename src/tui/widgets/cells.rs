//! Lines broken into cells of a width. Invariant: the cells of a line joined are the line, byte for byte; none is wider than its column.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::Shown;

/// The narrowest column: the widest thing that is never broken, an escaped character, fits it.
pub const CELL_MIN: usize = 10;

/// What is never broken: a character as a person sees it, or the escape of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    /// Where it is in the line.
    pub range: Range<usize>,
    /// How it is shown.
    pub shown: Shown,
    /// Columns it takes.
    pub columns: usize,
}

/// The atoms of a line.
pub fn atoms(line: &str) -> Vec<Atom> {
    let mut atoms = Vec::with_capacity(line.len());
    for (at, grapheme) in line.grapheme_indices(true) {
        let atom = atom(at, grapheme);
        if atom.columns <= CELL_MIN {
            atoms.push(atom);
            continue;
        }
        // A letter under a heap of marks: each of its characters by itself.
        for (offset, c) in grapheme.char_indices() {
            let mut bytes = [0; 4];
            atoms.push(self::atom(at + offset, c.encode_utf8(&mut bytes)));
        }
    }
    atoms
}

fn atom(at: usize, text: &str) -> Atom {
    let shown = match text {
        "\t" => Shown::of("\\t"),
        text => Shown::of(text),
    };
    Atom {
        range: at..at + text.len(),
        columns: shown.width(),
        shown,
    }
}

/// The line broken into cells of at most `width` columns; an empty line is one empty cell.
pub fn cells(line: &str, width: usize) -> Vec<Vec<Atom>> {
    let width = width.max(CELL_MIN);
    let mut cells = vec![Vec::new()];
    let mut used = 0;
    for atom in atoms(line) {
        if used + atom.columns > width {
            cells.push(Vec::new());
            used = 0;
        }
        used += atom.columns;
        if let Some(cell) = cells.last_mut() {
            cell.push(atom);
        }
    }
    cells
}
