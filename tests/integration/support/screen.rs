//! A screen as a grid of cells, from the emulated terminal or from ratatui's test backend, and the panes on it.
//! Invariant: positions are cells, not bytes; a wide character fills its first cell and leaves the next one empty.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its character with combining marks; empty behind a wide one.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// How a cell looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Style {
    /// Foreground.
    pub colour: vt100::Color,
    /// Bold, dim, italic, underlined, reversed.
    pub modifiers: Modifier,
}

/// What is to be seen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    rows: Vec<Vec<Cell>>,
}

/// A bordered region with its title in the upper border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// The whole upper border between its corners, title and right side.
    pub title: String,
    /// Left column and top row of the border.
    pub origin: (usize, usize),
    /// What is inside, row by row, without trailing blanks.
    pub lines: Vec<String>,
}

impl Screen {
    /// Reads the emulated terminal.
    pub fn from_vt(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let cell = |row, column| {
            let cell = screen.cell(row, column).expect("inside the screen");
            let text = match cell.contents() {
                "" if !cell.is_wide_continuation() => " ",
                text => text,
            };
            Cell {
                text: text.to_owned(),
                style: Style {
                    colour: cell.fgcolor(),
                    modifiers: modifiers(cell),
                },
            }
        };
        let row = |row| (0..columns.get()).map(|column| cell(row, column)).collect();
        Self {
            rows: (0..rows.get()).map(row).collect(),
        }
    }

    /// Reads what ratatui drew on its test backend.
    pub fn from_buffer(buffer: &Buffer) -> Self {
        let row = |y| {
            let mut covered = 0;
            (buffer.area.left()..buffer.area.right())
                .map(|x| {
                    let cell = &buffer[(x, y)];
                    let text = if covered > 0 { "" } else { cell.symbol() };
                    covered = (covered.max(text.width())).saturating_sub(1);
                    Cell {
                        text: text.to_owned(),
                        style: Style {
                            colour: colour(cell.fg),
                            modifiers: cell.modifier,
                        },
                    }
                })
                .collect()
        };
        Self {
            rows: (buffer.area.top()..buffer.area.bottom()).map(row).collect(),
        }
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.rows.first().map_or(0, Vec::len), self.rows.len())
    }

    /// One row, without trailing blanks.
    pub fn row(&self, row: usize) -> String {
        self.between(row, 0, self.size().0)
    }

    /// Whether the text stands in one row.
    pub fn contains(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Column and row where the text begins.
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.rows.iter().enumerate().find_map(|(y, row)| {
            (0..row.len())
                .filter(|x| !row[*x].text.is_empty())
                .find(|x| starts_with(&row[*x..], text))
                .map(|x| (x, y))
        })
    }

    /// How the first cell of the text looks.
    #[track_caller]
    pub fn style_of(&self, text: &str) -> &Style {
        let Some((x, y)) = self.find(text) else {
            panic!("no {text:?} on this screen:\n{self}");
        };
        &self.rows[y][x].style
    }

    /// The pane whose upper border holds the title, if it is there.
    pub fn find_pane(&self, title: &str) -> Option<Pane> {
        let (columns, rows) = self.size();
        (0..rows)
            .flat_map(|y| (0..columns).map(move |x| (x, y)))
            .filter_map(|(x, y)| self.pane_at(x, y))
            .find(|pane| pane.title.contains(title))
    }

    /// The pane whose upper border holds the title.
    #[track_caller]
    pub fn pane(&self, title: &str) -> Pane {
        self.find_pane(title)
            .unwrap_or_else(|| panic!("no pane titled {title:?} on this screen:\n{self}"))
    }

    /// Fails if a cell holds what could drive a terminal or reorder text: controls, bidi marks, unassigned formats.
    #[track_caller]
    pub fn assert_inert(&self) {
        for (y, row) in self.rows.iter().enumerate() {
            for (x, cell) in row.iter().enumerate() {
                let bad = cell.text.chars().find(|c| drives_a_terminal(*c));
                if let Some(bad) = bad {
                    panic!("{bad:?} at column {x}, row {y} of this screen:\n{self}");
                }
            }
        }
    }

    fn at(&self, x: usize, y: usize) -> &str {
        let row = self.rows.get(y);
        row.and_then(|row| row.get(x))
            .map_or("", |cell| cell.text.as_str())
    }

    fn between(&self, row: usize, from: usize, to: usize) -> String {
        let cells = self.rows.get(row).map_or(&[][..], |row| &row[from..to]);
        let text: String = cells.iter().map(|cell| cell.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    fn pane_at(&self, x: usize, y: usize) -> Option<Pane> {
        let (columns, rows) = self.size();
        let side = |x: usize, y: usize| "│┃║|".contains(self.at(x, y)) && !self.at(x, y).is_empty();
        let is = |x, y, corners: &str| !self.at(x, y).is_empty() && corners.contains(self.at(x, y));
        if !is(x, y, "┌┏╭╔+") || !side(x, y + 1) {
            return None;
        }
        let right = (x + 1..columns).find(|right| is(*right, y, "┐┓╮╗+") && side(*right, y + 1))?;
        let bottom = (y + 1..rows).find(|bottom| !side(x, *bottom))?;
        if !is(x, bottom, "└┗╰╚+") {
            return None;
        }
        let inside = (y + 1..bottom).map(|row| self.between(row, x + 1, right));
        Some(Pane {
            title: self.between(y, x + 1, right),
            origin: (x, y),
            lines: inside.collect(),
        })
    }
}

impl Pane {
    /// What is inside, one line after another.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The first line inside that contains the text.
    #[track_caller]
    pub fn line(&self, containing: &str) -> &str {
        let found = self.lines.iter().find(|line| line.contains(containing));
        found.unwrap_or_else(|| {
            panic!(
                "no {containing:?} in pane {:?}:\n{}",
                self.title,
                self.text()
            )
        })
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<String> = (0..self.rows.len()).map(|row| self.row(row)).collect();
        f.write_str(rows.join("\n").trim_end_matches('\n'))
    }
}

fn starts_with(cells: &[Cell], text: &str) -> bool {
    let mut rest = text;
    for cell in cells {
        if rest.is_empty() {
            return true;
        }
        match rest.strip_prefix(cell.text.as_str()) {
            Some(next) => rest = next,
            None => return cell.text.starts_with(rest),
        }
    }
    rest.is_empty()
}

fn drives_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn modifiers(cell: &vt100::Cell) -> Modifier {
    let worn = [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ];
    let worn = worn.into_iter().filter(|(is_worn, _)| *is_worn);
    worn.map(|(_, modifier)| modifier).collect()
}

fn colour(colour: Color) -> vt100::Color {
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Black => vt100::Color::Idx(0),
        Color::Red => vt100::Color::Idx(1),
        Color::Green => vt100::Color::Idx(2),
        Color::Yellow => vt100::Color::Idx(3),
        Color::Blue => vt100::Color::Idx(4),
        Color::Magenta => vt100::Color::Idx(5),
        Color::Cyan => vt100::Color::Idx(6),
        Color::Gray => vt100::Color::Idx(7),
        Color::DarkGray => vt100::Color::Idx(8),
        Color::LightRed => vt100::Color::Idx(9),
        Color::LightGreen => vt100::Color::Idx(10),
        Color::LightYellow => vt100::Color::Idx(11),
        Color::LightBlue => vt100::Color::Idx(12),
        Color::LightMagenta => vt100::Color::Idx(13),
        Color::LightCyan => vt100::Color::Idx(14),
        Color::White => vt100::Color::Idx(15),
        Color::Indexed(index) => vt100::Color::Idx(index),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
    }
}
