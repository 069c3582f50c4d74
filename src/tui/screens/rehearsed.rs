//! What is said of a change: what may be copied, and what it did when it was rehearsed. Every rehearsed number prints its `#`.

use std::path::Path;

use super::change_pages;
use super::pane::PaneRow;
use crate::run::{
    ChangeEvidence, ChangeFile, RecordedChange, RehearsalOutcome, RehearsedTable, RunOnTop,
    RunState, TableToCopy, Verdict, counted,
};
use crate::survey::Rehearsed;
use crate::tui::keymap::{self, Action, KeyScope};
use crate::tui::open_text::TextSubject;
use crate::tui::theme::Ink;
use crate::tui::widgets::Text;

/// The sentence of the band: what would be copied, or what the change did; `None`: the run has no change. `short`: without the
/// tables.
pub(super) fn sentence(run: &RunState, short: bool) -> Option<Text> {
    let change = run.change_evidence()?;
    let Some(outcome) = &change.rehearsed else {
        return Some(not_rehearsed(&change));
    };
    if let Some(error) = &outcome.script.error {
        let error = named_in_short(&change.files, error);
        let says = format!("{} FAILED when it was rehearsed: {error}", change.subject());
        return Some(Text::inked(Ink::Bad, says));
    }
    if outcome.effect.is_empty() {
        return Some(Text::plain(change.sentence()));
    }
    let mut text = total(run, &change, outcome);
    let named = outcome.effect.iter();
    let named = named.filter(|table| !short || run.is_unexpected(table));
    for (nth, table) in named.enumerate() {
        text.push(Ink::Plain, if nth == 0 { ": " } else { ", " });
        text.push(
            ink(run, table),
            format!("{} {}", table.table, changed(table)),
        );
    }
    Some(text)
}

/// An error with the name of its file alone, so that the error itself has room: where the file lies is on the sheet.
fn named_in_short(files: &[ChangeFile], error: &str) -> String {
    let short = files.iter().find_map(|file| {
        let behind = error.strip_prefix(&file.path)?;
        let name = Path::new(&file.path).file_name()?.to_str()?;
        Some(format!("{name}{behind}"))
    });
    short.unwrap_or_else(|| error.to_owned())
}

/// How many rows it changed, in how many tables, and how many of these nobody expected; `None`: there is nothing to count.
pub(super) fn counts(run: &RunState) -> Option<Text> {
    let change = run.change_evidence()?;
    let outcome = change.rehearsed.as_ref()?;
    let tables = outcome.effect.iter();
    let unexpected = tables.filter(|table| run.is_unexpected(table)).count();
    let mut text = total(run, &change, outcome);
    if unexpected > 0 {
        text.push(Ink::Plain, "; ");
        text.push(Ink::Bad, format!("{unexpected} of them nobody expects"));
    }
    (outcome.script.error.is_none()).then_some(text)
}

fn total(run: &RunState, change: &ChangeEvidence, outcome: &RehearsalOutcome) -> Text {
    let mut text = Text::plain(format!("{} did, rehearsed: ", change.subject()))
        .with(Ink::Bold, outcome.rows().to_string())
        .with(
            Ink::Plain,
            format!(" rows in {}", counted(outcome.effect.len(), "table")),
        );
    let simulated = run.predicted.as_ref();
    let simulated = simulated.map(|(predicted, _)| predicted.rows());
    if let Some(simulated) = simulated.filter(|rows| *rows.get() > 0 && !change.first_phase) {
        text.push(Ink::Plain, " (simulated ");
        text.push(Ink::Simulated, simulated.to_string());
        text.push(Ink::Plain, ")");
    }
    text
}

fn not_rehearsed(change: &ChangeEvidence) -> Text {
    let holds = (change.checks.iter()).all(|check| check.verdict == Verdict::Pass);
    let ink = if holds { Ink::Plain } else { Ink::Bad };
    Text::inked(ink, change.to_be_copied())
}

/// `update #60`; of a table whose rows stay, what else happened to it.
fn changed(table: &RehearsedTable) -> String {
    let rows = table
        .rows_changed()
        .into_iter()
        .filter(|(_, rows)| *rows.get() > 0);
    let words: Vec<String> = rows.map(|(word, rows)| format!("{word} {rows}")).collect();
    match (words.is_empty(), table.redefined) {
        (true, true) => "defined anew".to_owned(),
        (true, false) => format!("same {}", table.touched),
        (false, _) => words.join(" "),
    }
}

fn ink(run: &RunState, table: &RehearsedTable) -> Ink {
    if run.is_unexpected(table) {
        Ink::Bad
    } else {
        Ink::Plain
    }
}

/// The rows of the effect pane: each table, sequences, and how much of the schema differs.
pub(super) fn pane_rows(run: &RunState, width: usize, name: usize, number: usize) -> Vec<PaneRow> {
    let Some(change) = run.change_evidence() else {
        return Vec::new();
    };
    let Some(outcome) = &change.rehearsed else {
        // Below it stands what is simulated.
        if run.simulates() {
            return vec![PaneRow::only(not_rehearsed(&change))];
        }
        let lines = copy_lines(&change).into_iter();
        let wrapped = lines.flat_map(|line| line.wrap(width));
        return wrapped
            .map(|line| PaneRow::new(line, TextSubject::Rehearsal))
            .collect();
    };
    let mut rows = Vec::new();
    if let Some(error) = &outcome.script.error {
        rows.push(PaneRow::only(Text::inked(
            Ink::Bad,
            format!("FAILED: {error}"),
        )));
    }
    for table in &outcome.effect {
        let ink = ink(run, table);
        // Where the whole name has no room, the schema gives way.
        let whole = &table.table;
        let bare = whole
            .split_once('.')
            .map_or(whole.as_str(), |(_, bare)| bare);
        let shown = if whole.chars().count() < name {
            whole
        } else {
            bare
        };
        let mut text = Text::inked(ink, shown).to_column(name);
        for (word, count) in table.rows_changed() {
            let loud = word == "delete" && *count.get() > 0;
            let ink = if loud { Ink::Bad } else { ink };
            text = text.then(Text::inked(ink, count.to_string()).right(number));
        }
        rows.push(PaneRow::new(text, TextSubject::Rehearsal));
    }
    if outcome.effect.is_empty() {
        rows.push(PaneRow::only(Text::plain(
            "no row and no table was changed",
        )));
    }
    let schema = outcome.schema_lines().len();
    if schema > 0 {
        let lines = Rehearsed::new(schema as u64);
        let text = Text::plain(format!("schema lines that differ: {lines}"));
        rows.push(PaneRow::new(text, TextSubject::Rehearsal));
    }
    rows
}

/// Statements on the sheet.
const ON_SHEET: usize = 12;

/// The part of the approval sheet.
pub(super) fn sheet_lines(run: &RunState, change: &ChangeEvidence) -> Vec<Text> {
    let mut lines = Vec::new();
    lines.extend(
        change
            .command
            .iter()
            .map(|command| Text::inked(Ink::Bold, "COMMAND ").with(Ink::Plain, command.line())),
    );
    for file in change.listed_files() {
        lines.push(
            Text::inked(Ink::Bold, "CHANGE  ")
                .with(Ink::Plain, format!("{} ", file.path))
                .with(Ink::Dim, format!("sha256 {} ", file.sha256.short()))
                .with(Ink::Plain, format!("as {}", change.role)),
        );
    }
    lines.push(change_pages::on_sheet());
    let Some(outcome) = &change.rehearsed else {
        lines.extend(copy_lines(change));
        lines.push(Text::new());
        return lines;
    };
    let heading = Text::inked(Ink::Bold, "REHEARSED").to_column(29);
    lines.push(heading.with(Ink::Bold, outcome.rows().to_string()).with(
        Ink::Plain,
        format!(
            " rows in {}, on a throwaway copy",
            counted(outcome.effect.len(), "table")
        ),
    ));
    if let Some(error) = &outcome.script.error {
        lines.push(Text::inked(Ink::Bad, format!("  FAILED: {error}")));
        let statement = outcome
            .script
            .statement
            .iter()
            .flat_map(|text| text.lines());
        lines.extend(statement.map(|line| Text::inked(Ink::Bad, format!("    {line}"))));
    }
    for table in &outcome.effect {
        let text = format!("  {}  {}", table.table, table.shape());
        let line = Text::inked(ink(run, table), text);
        lines.push(line.with(Ink::Dim, expected(change, table)));
    }
    let schema = outcome.schema_lines().len();
    if schema > 0 {
        let count = Rehearsed::new(schema as u64);
        lines.push(Text::plain(format!("  schema lines that differ  {count}")));
    }
    for (nth, line) in outcome
        .recorded
        .iter()
        .flat_map(|recorded| recorded.listed(ON_SHEET))
        .enumerate()
    {
        if nth == 0 {
            let head = "  statement, time here, rows, text | locks that it took, and for how long";
            lines.push(Text::inked(Ink::Dim, head));
        }
        lines.push(Text::plain(format!("  {line}")));
    }
    let on_top = outcome.on_top.iter().map(RunOnTop::words);
    lines.extend(on_top.map(|words| Text::plain(format!("  {words}"))));
    let (leaves, shows) = (
        keymap::key_of(KeyScope::Sheet, Action::Back),
        keymap::key_of(KeyScope::Run, Action::Differences),
    );
    lines.push(Text::plain(format!(
        "  Row by row, and the schema: {leaves}, then {shows}."
    )));
    lines.extend(
        change
            .notes()
            .into_iter()
            .map(|note| Text::plain(format!("  {note}"))),
    );
    lines.push(Text::inked(
        Ink::Dim,
        "  Not seen: other sessions, production's disk and cache, other databases.",
    ));
    lines.push(Text::new());
    lines
}

/// The ranges that are declared for a table: inside of them the numbers may be other ones at the approval.
fn expected(change: &ChangeEvidence, table: &RehearsedTable) -> String {
    let mut expected = change.expect.iter().flatten();
    let Some(rows) = expected.find(|rows| rows.table == table.table) else {
        return String::new();
    };
    let ranges = [
        ("insert", rows.insert),
        ("update", rows.update),
        ("delete", rows.delete),
    ];
    let ranges = ranges.into_iter().filter(|(_, range)| !range.is_exact());
    let ranges: Vec<String> = ranges
        .map(|(word, range)| format!("{word} {range}"))
        .collect();
    if ranges.is_empty() {
        return String::new();
    }
    format!("  may be {}", ranges.join(", "))
}

fn copy_lines(change: &ChangeEvidence) -> Vec<Text> {
    let mut lines = vec![not_rehearsed(change)];
    let asked = change.copy.iter().filter(|table| table.asked);
    lines.extend(asked.map(|table| Text::plain(format!("  {}  {}", table.table, table.size()))));
    let others: Vec<_> = change.copy.iter().filter(|table| !table.asked).collect();
    if !others.is_empty() {
        let tables = counted(others.len(), "other table");
        let size = TableToCopy::size_of(others);
        let text = format!("  and only if it asks for them: {tables} of the same schemas, {size}");
        lines.push(Text::inked(Ink::Dim, text));
    }
    lines
}

/// The statements that were recorded last; `None`: none were.
pub(super) fn recorded(run: &RunState) -> Option<&RecordedChange> {
    let outcome = run.shown_rehearsal()?.outcome.as_ref()?;
    outcome.recorded.as_ref()
}

/// The page behind the rows of the pane: everything that is known of the change.
pub(super) fn page(run: &RunState) -> Vec<Text> {
    let Some(change) = run.change_evidence() else {
        return Vec::new();
    };
    let mut lines: Vec<Text> = change.lines().into_iter().map(Text::plain).collect();
    if let Some(outcome) = &change.rehearsed {
        let copied = outcome.seeded.iter();
        lines.extend(
            copied.map(|table| Text::plain(format!("copied {}: {} rows", table.table, table.rows))),
        );
        let schema = outcome.schema_changes.iter();
        lines.extend(schema.map(|line| Text::plain(format!("schema {line}"))));
        let others = outcome.differences.iter();
        lines.extend(others.map(|line| Text::plain(format!("the copy differs: {line}"))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::named_in_short;
    use crate::run::ChangeFile;
    use crate::survey::Digest;

    #[test]
    fn an_error_has_the_name_of_its_file_and_not_the_way_to_it() {
        let files = ["/srv/change/cut.sql", "/srv/change/enact.sql"].map(|path| ChangeFile {
            path: path.to_owned(),
            sha256: Digest::of(path),
        });
        let error = "/srv/change/enact.sql:5: ERROR:  no current version";
        assert_eq!(
            named_in_short(&files, error),
            "enact.sql:5: ERROR:  no current version"
        );
        let other = "it did not end within 300 s";
        assert_eq!(named_in_short(&files, other), other);
    }
}
