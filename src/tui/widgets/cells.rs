//! Lines broken into cells of a width.
//! Invariant: the cells of a line joined are the line, byte for byte, and none is wider than its column (test
//! `at_every_width_the_cells_give_both_sides_back` of tests/align.rs).

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::Shown;

/// The narrowest column: the widest thing that is never broken, an escaped character, fits it.
pub const CELL_MIN: usize = 10;

/// The smallest piece that is never broken: a grapheme cluster, or the escape of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    /// Where it is in the line.
    pub range: Range<usize>,
    /// Columns it takes on screen.
    pub columns: usize,
    /// How it is shown, if not as it stands in the line.
    escaped: Option<Shown>,
}

/// How some atoms of `line` that follow each other are shown.
pub fn joined(line: &str, atoms: &[Atom]) -> String {
    let mut shown = String::with_capacity(atoms.len());
    for stretch in atoms.chunk_by(|one, two| one.escaped.is_none() && two.escaped.is_none()) {
        match stretch {
            [
                Atom {
                    escaped: Some(escaped),
                    ..
                },
            ] => shown.push_str(escaped.as_str()),
            [first, .., last] => shown.push_str(&line[first.range.start..last.range.end]),
            [only] => shown.push_str(&line[only.range.clone()]),
            [] => {}
        }
    }
    shown
}

/// The atoms of a line.
fn atoms(line: &str) -> Vec<Atom> {
    let mut atoms = Vec::with_capacity(line.len());
    // In ASCII each byte is a character, but for the one pair that is none of a line.
    if line.is_ascii() && !line.contains("\r\n") {
        atoms.extend((0..line.len()).map(|at| atom(at, &line[at..=at])));
        return atoms;
    }
    for (at, grapheme) in line.grapheme_indices(true) {
        let atom = atom(at, grapheme);
        // Unicode allows any number of combining marks on one letter.
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
    let range = at..at + text.len();
    if let [0x20..0x7f] = text.as_bytes() {
        return Atom {
            range,
            columns: 1,
            escaped: None,
        };
    }
    let shown = match text {
        "\t" => Shown::of("\\t"),
        text => Shown::of(text),
    };
    Atom {
        range,
        columns: shown.width(),
        escaped: (shown.as_str() != text).then_some(shown),
    }
}

/// The line broken into cells of at most `width` columns; an empty line is one empty cell.
pub fn cells(line: &str, width: usize) -> Vec<Vec<Atom>> {
    let width = width.max(CELL_MIN);
    let atoms = atoms(line);
    if atoms.iter().map(|atom| atom.columns).sum::<usize>() <= width {
        return vec![atoms];
    }
    let mut cells = vec![Vec::new()];
    let mut used = 0;
    for atom in atoms {
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
