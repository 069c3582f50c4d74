//! The change as it is read: each file whole and line by line, and a recorded statement with everything that is known of it.
//! Invariant: no line is cut: what is longer than the screen goes on below, character by character, so that nothing between two
//! words is lost (`numbered`).

use std::path::Path;

use super::text_page::TextPage;
use super::{band, rehearsed};
use crate::run::{ChangeFile, RecordedStatement, counted};
use crate::tui::change_text::{self, ChangeText};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::Model;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Text, cells, joined};

/// A file of the change; `width`: columns of the page.
pub(super) fn file(model: &Model, nth: usize, width: usize) -> TextPage {
    let files = change_text::files(model);
    let Some(file) = files.get(nth) else {
        return TextPage::default();
    };
    let name = Path::new(&file.path).file_name();
    let name = name.map_or(file.path.as_str().into(), |name| name.to_string_lossy());
    let all = files.len();
    let title = if all == 1 {
        format!("CHANGE  {name}")
    } else {
        let key = |action| key_of(band::scope(model), action);
        let (before, next) = (key(Action::Left), key(Action::Right));
        format!("CHANGE  {name}   {} of {all} ({before} {next})", nth + 1)
    };
    let mut lines = head(model, file);
    let mut copies = None;
    match model.change_texts.get(&file.sha256) {
        None => lines.push(Text::inked(Ink::Running, "It is being read.")),
        Some(Err(why)) => lines.push(Text::inked(Ink::Bad, why)),
        Some(Ok(text)) => {
            lines.extend(text_lines(text, file, width));
            copies = (text.left_out == 0 && text.is_utf8).then(|| text.text.clone());
        }
    }
    TextPage {
        title,
        lines,
        copies,
    }
}

/// Path, digest and role of a file.
fn head(model: &Model, file: &ChangeFile) -> Vec<Text> {
    let role = model.run().change().map_or("", |change| &change.role);
    let name = |name: &str| Text::inked(Ink::Dim, format!("{name:<8}"));
    vec![
        name("file").with(Ink::Plain, format!("{} as {role}", file.path)),
        name("sha256").with(Ink::Plain, file.sha256.as_str()),
    ]
}

fn text_lines(text: &ChangeText, file: &ChangeFile, width: usize) -> Vec<Text> {
    let count = text.lines().count();
    let bytes = counted(text.bytes, "byte");
    let mut says = format!("{}, {bytes}, as they were read", counted(count, "line"));
    if !text.is_utf8 {
        says.push_str("; not all of it is UTF-8");
    }
    let mut lines = vec![
        Text::inked(Ink::Dim, format!("{:<8}", "text")).with(Ink::Plain, says),
        Text::new(),
    ];
    lines.extend(numbered(text.lines(), width));
    if text.left_out > 0 {
        let more = counted(text.left_out, "more byte");
        let whole = format!("{more} are not shown: blobs/{} of this run", file.sha256);
        lines.push(Text::inked(Ink::Needed, whole));
    }
    lines
}

/// Lines with their numbers; a line that is longer than the screen goes on below without one.
fn numbered<'t>(lines: impl Iterator<Item = &'t str>, width: usize) -> Vec<Text> {
    const NUMBER: usize = 5;
    let room = width.saturating_sub(NUMBER + 2);
    let mut numbered = Vec::new();
    for (nth, line) in lines.enumerate() {
        for (row, cell) in cells(line, room).iter().enumerate() {
            let number = if row == 0 {
                (nth + 1).to_string()
            } else {
                String::new()
            };
            let number = Text::inked(Ink::Dim, format!("{number:>NUMBER$}  "));
            numbered.push(number.with(Ink::Plain, joined(line, cell)));
        }
    }
    numbered
}

/// A statement of the recorded change, by number of its phase and in the phase; `width`: columns of the page.
pub(super) fn statement(model: &Model, phase: usize, nth: usize, width: usize) -> TextPage {
    let recorded = rehearsed::recorded(model.run());
    let mut statements = recorded.iter().flat_map(|recorded| recorded.statements());
    let found = statements.find(|(of, number, _)| (*of, *number) == (phase, nth));
    let Some((_, _, statement)) = found else {
        return TextPage::default();
    };
    let several = recorded.is_some_and(|recorded| recorded.phases.len() > 1);
    let of_phase = if several {
        format!(" OF PHASE {phase}")
    } else {
        String::new()
    };
    let mut lines = measured(statement);
    lines.push(Text::new());
    lines.extend(numbered(statement.text.split('\n'), width));
    if statement.text_bytes > statement.text.len() as u64 {
        let bytes = statement.text_bytes;
        let says = format!("Recorded is the beginning of {bytes} bytes.");
        lines.push(Text::inked(Ink::Needed, says));
    }
    lines.push(Text::new());
    let reads = key_of(model.scope(), Action::ChangeFiles);
    let says = format!("{reads} reads the files of the change, whole.");
    lines.push(Text::inked(Ink::Dim, says));
    TextPage {
        title: format!("STATEMENT {nth}{of_phase}  REHEARSED"),
        lines,
        copies: Some(statement.text.clone()),
    }
}

/// What was measured of a statement: every number is of the rehearsal.
fn measured(statement: &RecordedStatement) -> Vec<Text> {
    let pair = |name: &str, value: String| {
        Text::inked(Ink::Dim, format!("{name:<8}")).with(Ink::Plain, value)
    };
    let mut lines = vec![pair("took", format!("#{} ms", statement.took_ms))];
    lines.extend(statement.rows.map(|rows| pair("rows", rows.to_string())));
    if let Some(error) = &statement.error {
        let says = format!("{} {}", error.code, error.message);
        lines.push(Text::inked(Ink::Dim, format!("{:<8}", "error")).with(Ink::Bad, says));
    }
    let locks = statement.takes();
    if !locks.is_empty() {
        lines.push(pair("locks", locks));
    }
    let safer = statement.safer.iter();
    lines.extend(safer.map(|safer| pair("safer", safer.clone())));
    lines
}

/// The way from the sheet to the files.
pub(super) fn on_sheet() -> Text {
    let reads = key_of(KeyScope::Sheet, Action::ChangeFiles);
    Text::plain(format!("  The whole text, line by line: {reads}."))
}
