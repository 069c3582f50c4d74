//! The differences as text: verdict, facts, documents. At a given width no line is longer; without one nothing is cut.

use super::LaunchError;
use super::diff::{LoadedRun, OpenComparison};
use crate::compare::{
    AlignedDocuments, Change, Compare, ComparedFact, Comparison, ReviewNote, explain_row,
};
use crate::survey::Folding;
use crate::tui::ansi::painted;
use crate::tui::screens::{DiffLayout, diff_lines};
use crate::tui::theme::{Ink, Theme};
use crate::tui::widgets::Text;

/// From this width on the two sides stand beside each other.
const SPLIT_MIN: usize = 100;
/// The widest name of a fact that the values are aligned behind.
const KEY_MAX: usize = 28;

/// How the text is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextLayout {
    /// Columns; `None`: no limit.
    pub width: Option<usize>,
    /// Print only counts (`--stat`).
    pub stat: bool,
    /// Glyphs and colours.
    pub theme: Theme,
    /// Whether escape sequences for colours are written.
    pub colour: bool,
}

/// Prints a comparison.
pub(super) fn text(
    read: &LoadedRun,
    compared: &OpenComparison,
    page: TextLayout,
) -> Result<String, LaunchError> {
    let theme = page.theme;
    let comparison = &compared.comparison;
    let mut lines = head(read, comparison);
    for fact in &comparison.facts {
        let opened = if fact.change.differs() {
            compared.open(fact)?
        } else {
            None
        };
        lines.push(fact_line(fact));
        let Some(opened) = opened else {
            lines.extend(recorded_rows(fact));
            continue;
        };
        if let Some(missing) = missing(&opened) {
            lines.push(Text::inked(Ink::Dim, format!("    {missing}")));
            lines.extend(recorded_rows(fact));
            continue;
        }
        lines.push(Text::plain(format!("    {}", opened.tally())));
        if let Some(first) = opened.first_difference() {
            lines.push(Text::plain(format!("    first: {first}")));
        }
    }
    for change in &comparison.method {
        lines.push(Text::inked(
            Ink::Drift,
            format!("* {}: {} | {}", change.what, change.before, change.after),
        ));
    }
    lines.extend(notes(read));
    let mut out = String::new();
    let mut put = |line: &Text| {
        let wrapped = match page.width {
            Some(width) => line.wrap(width),
            None => vec![line.clone()],
        };
        for line in wrapped {
            out.push_str(&painted(&line, theme, page.colour));
            out.push('\n');
        }
    };
    lines.iter().for_each(&mut put);
    if !page.stat {
        for fact in comparison.facts.iter().filter(|fact| fact.change.differs()) {
            if let Some(opened) = compared
                .open(fact)?
                .filter(|opened| missing(opened).is_none())
            {
                document(&mut out, fact, &opened, page, theme);
            }
        }
    }
    Ok(out)
}

fn head(read: &LoadedRun, comparison: &Comparison) -> Vec<Text> {
    let ink = if comparison.differs() {
        Ink::Drift
    } else {
        Ink::Good
    };
    let at = comparison.sources.as_ref().map(|source| {
        let at = source
            .read_at
            .map_or_else(String::new, |at| format!(" {}", at.clock()));
        format!("{}{at}", source.name)
    });
    let differing = comparison.differing_from_pin();
    let claims = comparison.claims.iter();
    let claims = claims.map(|claim| {
        let words = claim.words(differing);
        format!("{} {}", claim.name.name(), words.whole)
    });
    let claims: Vec<String> = claims.collect();
    // Between two runs they are those of the one on the right.
    let whose = match &comparison.compare {
        Compare::Runs(other) => other,
        _ => &read.run_id,
    };
    let said = &comparison.attribution;
    vec![
        Text::inked(Ink::Bold, read.run_id.to_string())
            .with(Ink::Plain, format!("  {} | {}", at.before, at.after)),
        Text::inked(ink, comparison.headline())
            .with(Ink::Plain, format!("  {}", comparison.tally())),
        Text::plain(format!(
            "claims of {}: {}",
            whose.short(),
            claims.join(", ")
        )),
        Text::plain(format!("what: {}", said.what)),
        Text::plain(format!("when: {}   who: {}", said.when, said.who)),
        Text::plain(format!("not us: {}", said.not_us)),
        Text::plain(format!("cannot see: {}", said.cannot_see)),
    ]
}

fn fact_line(fact: &ComparedFact) -> Text {
    let value = |side: &Option<crate::compare::SideValue>| match side {
        None => "none".to_owned(),
        Some(side) => side.words(),
    };
    let key = Text::plain(fact.key.shown());
    let key = if key.width() < KEY_MAX {
        key.to_column(KEY_MAX)
    } else {
        key
    };
    match fact.change {
        Change::Equal => Text::plain("= ")
            .then(key)
            .with(Ink::Plain, format!(" {}", value(&fact.sides.before))),
        Change::NotRead => Text::inked(Ink::Dim, "  ")
            .then(key)
            .with(Ink::Dim, " not read again"),
        Change::NotComparable => Text::inked(Ink::Dim, "  ")
            .then(key)
            .with(Ink::Dim, " not comparable: digested in two formats"),
        Change::Beside | Change::Changed | Change::Added | Change::Removed | Change::Unknown => {
            let mark = match fact.change {
                Change::Beside => Text::plain("+ "),
                _ => Text::inked(Ink::Drift, "! "),
            };
            let sides = fact.sides.as_ref().map(value);
            mark.then(key)
                .with(Ink::Plain, format!(" {} | {}", sides.before, sides.after))
        }
    }
}

fn notes(read: &LoadedRun) -> Vec<Text> {
    let notes = match &read.notes {
        Ok(notes) => notes,
        Err(why) => return vec![Text::inked(Ink::Bad, format!("notes: {why}"))],
    };
    let line = |note: &ReviewNote| Text::plain(format!("note: {}", note.line()));
    notes.iter().map(line).collect()
}

/// The rows that the journal names, where no documents were kept.
fn recorded_rows(fact: &ComparedFact) -> Vec<Text> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    fact.rows
        .iter()
        .map(|row| {
            Text::plain(format!(
                "    {}: {} | {}",
                row.key,
                text(&row.approved),
                text(&row.found)
            ))
        })
        .collect()
}

fn missing(opened: &AlignedDocuments) -> Option<&'static str> {
    match (opened.present.before, opened.present.after) {
        (true, true) => None,
        (false, false) => Some("its documents were not kept"),
        _ => Some("the document of one side was not kept"),
    }
}

fn document(
    out: &mut String,
    fact: &ComparedFact,
    opened: &AlignedDocuments,
    page: TextLayout,
    theme: Theme,
) {
    let layout = DiffLayout {
        width: page.width.unwrap_or(usize::MAX),
        split: page.width.is_some_and(|width| width >= SPLIT_MIN),
        wrap: true,
        names_keys: false,
    };
    let mut put = |line: &Text| {
        out.push_str(&painted(line, theme, page.colour));
        out.push('\n');
    };
    put(&Text::new());
    let title = format!("{}   {}", fact.key, opened.tally());
    for line in Text::inked(Ink::Bold, title).wrap(page.width.unwrap_or(usize::MAX)) {
        put(&line);
    }
    let folding = Folding::of(&opened.alignment);
    let mut said = None;
    for at in 0..folding.items() {
        let Some(item) = folding.item(at) else {
            continue;
        };
        if let crate::survey::Item::Row(row) = item {
            let change = opened.alignment.change_at(row);
            let inside = change.and_then(|nth| opened.alignment.change(nth));
            if inside.is_some_and(|rows| rows.start == row) && said != change {
                said = change;
                let words = Text::inked(Ink::Dim, format!("@ {}", explain_row(opened, row)));
                words
                    .wrap(page.width.unwrap_or(usize::MAX))
                    .iter()
                    .for_each(&mut put);
            }
        }
        for line in diff_lines(opened, &item, layout, theme) {
            put(&line.text);
        }
    }
}
