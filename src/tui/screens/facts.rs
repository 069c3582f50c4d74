//! Pane 2: the facts: pinned, now, what changed, the last PASS. One row for each fact, none left out.

use super::fact_row::{FactRow, SinceLastPass, all};
use super::pane::{PaneRow, PaneText};
use super::words;
use crate::run::SurveyPurpose;
use crate::survey::{FactKind, UtcTime, content_hex, is_surroundings};
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// Rows that the pane has on a screen of 80x24.
const ROWS_OF_24: usize = 12;

/// Widths of the columns; 0: the column is left out.
struct FactColumns {
    key: usize,
    pinned: usize,
    now: usize,
    change: usize,
    last: usize,
    from: usize,
}

impl FactColumns {
    fn of(width: usize) -> Option<Self> {
        let (key, pinned, now, change, last, from) = match width {
            111.. => (27, 23, 23, 15, 15, 8),
            96.. => (27, 23, 16, 11, 11, 8),
            73.. => (27, 22, 15, 9, 0, 0),
            _ => return None,
        };
        Some(Self {
            key,
            pinned,
            now,
            change,
            last,
            from,
        })
    }
}

/// The rows of the pane for an inner width.
pub(super) fn text(model: &Model, width: usize) -> PaneText {
    let width = width.saturating_sub(1);
    let rows = all(model);
    if rows.is_empty() {
        return PaneText {
            title: "LIVE FACTS",
            rows: vec![PaneRow::only(Text::inked(
                Ink::Dim,
                "No survey yet: G1 takes it in one snapshot.",
            ))],
            ..PaneText::default()
        };
    }
    let columns = FactColumns::of(width);
    let mut pane = PaneText {
        title: "LIVE FACTS",
        right: right(model, columns.as_ref()),
        ..PaneText::default()
    };
    if let Some(columns) = &columns {
        pane.head.push(head(model, columns));
    }
    let mut content = false;
    // In the narrow pane the content digests share one row, so that the other facts fit; enlarged, each has its own.
    let folded = columns.is_none() && !model.enlarged;
    for row in &rows {
        if folded && row.kind == FactKind::Content {
            continue;
        }
        if !model.enlarged && is_quiet(row) {
            continue;
        }
        if row.kind == FactKind::Content && !content {
            content = true;
            if columns.is_some() {
                pane.rows.push(PaneRow::only(Text::inked(
                    Ink::Dim,
                    "digests of contents ----------",
                )));
            }
        }
        let text = match &columns {
            Some(columns) => wide(model, row, columns),
            None => narrow(model, row, width),
        };
        // What `y` copies: the value in full, as the column shows digests shortened.
        let whole = row.now.as_deref().or(row.pinned.as_deref()).unwrap_or("");
        pane.rows
            .push(PaneRow::new(text, TextSubject::Fact(row.key.clone())).copying(whole));
    }
    if folded {
        pane.rows.extend(content_folded(model, &rows, width));
    }
    if !model.enlarged {
        pane.rows
            .extend(quiet_folded(model, &rows, width, columns.as_ref()));
    }
    // The facts themselves have the rows of a screen of 24 lines first.
    if columns.is_none() && pane.rows.len() < ROWS_OF_24 {
        pane.rows.push(PaneRow::only(Text::inked(
            Ink::Dim,
            "= pinned   * other than last PASS   ! drift",
        )));
    }
    pane
}

/// Whether the row is about what is around the rows and has nothing to say: such rows share one.
fn is_quiet(row: &FactRow) -> bool {
    let as_before = matches!(row.last_pass, SinceLastPass::NoPass | SinceLastPass::Equal);
    is_surroundings(&row.key) && !row.moved && !row.beside && as_before && row.pinned.is_some()
}

/// `9 more around the rows                =`: definitions, called code, privileges, names.
fn quiet_folded(
    model: &Model,
    rows: &[FactRow],
    width: usize,
    columns: Option<&FactColumns>,
) -> Option<PaneRow> {
    let quiet: Vec<&FactRow> = rows.iter().filter(|row| is_quiet(row)).collect();
    let first = quiet.first()?;
    let name = Text::plain(format!("{} more around the rows", quiet.len()));
    let at = match columns {
        Some(columns) => columns.key + columns.pinned,
        None => width.saturating_sub(marks(width)),
    };
    let mark = folded_mark(model, &quiet, width.saturating_sub(at));
    let subject = TextSubject::Fact(first.key.clone());
    Some(PaneRow::new(name.to_column(at).then(mark), subject))
}

/// `7 content digests                     =`
fn content_folded(model: &Model, rows: &[FactRow], width: usize) -> Option<PaneRow> {
    let content: Vec<&FactRow> = rows
        .iter()
        .filter(|r| r.kind == FactKind::Content)
        .collect();
    let mark = folded_mark(model, &content, marks(width));
    let name = Text::plain(crate::run::counted(content.len(), "content digest"));
    let text = name
        .to_column(width.saturating_sub(marks(width)))
        .then(mark);
    // Opens a table that moved, if there is one.
    let first = content.iter().find(|row| row.moved).or(content.first())?;
    Some(PaneRow::new(text, TextSubject::Fact(first.key.clone())))
}

/// What is said of rows that share one: how many moved, else when the one that was read longest ago was read.
fn folded_mark(model: &Model, rows: &[&FactRow], room: usize) -> Text {
    let moved = rows.iter().filter(|row| row.moved).count();
    if moved > 0 {
        return Text::inked(Ink::Drift, format!("! {moved}"));
    }
    if rows.iter().any(|row| row.read_at.is_none()) {
        return unread_mark(model);
    }
    let oldest = rows.iter().min_by_key(|row| row.read_at);
    oldest.map_or_else(Text::new, |row| {
        Text::first_fitting(equal_marks(model, row), room)
    })
}

/// That a fact was not read since the pin. Where none was, the title says it once.
fn unread_mark(model: &Model) -> Text {
    if model.run().has_read_again() {
        Text::inked(Ink::Dim, "unread")
    } else {
        Text::new()
    }
}

/// That a fact is equal, and when it was read where the title does not say it; the longest form first.
fn equal_marks(model: &Model, row: &FactRow) -> Vec<Text> {
    let Some(at) = read_before(model, row) else {
        return vec![Text::plain("=")];
    };
    let (clock, minutes) = (at.clock(), at.clock_minutes());
    let forms = [
        format!("= {clock}"),
        format!("= {minutes}"),
        format!("={minutes}"),
    ];
    forms.map(|mark| Text::inked(Ink::Dim, mark)).to_vec()
}

/// Columns of the marks in the narrow pane.
fn marks(width: usize) -> usize {
    if width >= 62 { 22 } else { 8 }
}

fn right(model: &Model, columns: Option<&FactColumns>) -> Text {
    let legend = match columns {
        None => now_title(model),
        Some(columns) if columns.last == 0 => "one snapshot   = same as pinned".to_owned(),
        Some(columns) if columns.from > 0 && columns.now > 20 => {
            "all from one snapshot   = same as pinned   * differs from last PASS".to_owned()
        }
        Some(_) => "= same as pinned   * differs from last PASS".to_owned(),
    };
    Text::plain(legend)
}

fn now_title(model: &Model) -> String {
    let run = model.run();
    let post = run
        .latest
        .as_ref()
        .is_some_and(|(purpose, _)| *purpose == SurveyPurpose::Post);
    let pinned = run.pin.as_ref().map(|pin| pin.snapshot.began_at);
    let (word, at) = match (post, run.has_read_again()) {
        (true, _) => ("post", run.last_read_at()),
        (false, true) => ("now", run.last_read_at()),
        (false, false) => ("not read since", pinned),
    };
    at.map_or_else(|| "now".to_owned(), |at| format!("{word} {}", at.clock()))
}

/// When a fact was read last, where that is not when its column says.
fn read_before(model: &Model, row: &FactRow) -> Option<UtcTime> {
    let last = model.run().last_read_at();
    row.read_at.filter(|at| Some(*at) < last)
}

fn head(model: &Model, columns: &FactColumns) -> Text {
    let pinned = model.run().pin.as_ref().map_or_else(
        || "pinned".to_owned(),
        |pin| format!("pinned {}", pin.snapshot.began_at.clock()),
    );
    // The column of the pin beside it says when.
    let now = match model.run().latest {
        Some(_) if !model.run().has_read_again() => "not read again".to_owned(),
        _ => now_title(model),
    };
    let mut text = Text::inked(Ink::Dim, "fact")
        .to_column(columns.key)
        .then(Text::inked(Ink::Dim, pinned).to_column(columns.pinned))
        .then(Text::inked(Ink::Dim, now).to_column(columns.now))
        .then(Text::inked(Ink::Dim, "change").to_column(columns.change));
    if columns.last > 0 {
        text = text.then(Text::inked(Ink::Dim, "last PASS").to_column(columns.last));
    }
    if columns.from > 0 {
        text = text.then(Text::inked(Ink::Dim, "from").to_column(columns.from));
    }
    text
}

fn wide(model: &Model, row: &FactRow, columns: &FactColumns) -> Text {
    let name = match row.rows {
        Some(rows) => {
            let rows = format!("{rows} rows");
            let room = columns.key.saturating_sub(rows.len() + 2);
            Text::plain(row.key.shown())
                .to_column(room)
                .with(Ink::Plain, format!(" {rows} "))
        }
        None => Text::plain(row.key.shown())
            .to_column(columns.key.saturating_sub(1))
            .with(Ink::Plain, " "),
    };
    let now = match (&row.now, row.moved, row.read_at) {
        // Not part of the light reads while waiting: it is read again by the survey of the approval, or, in a run that ended,
        // never.
        (_, _, None) if model.run().ended_early() => Text::inked(Ink::Dim, "not read again"),
        (_, _, None) => Text::inked(Ink::Dim, "at approval"),
        (now, true, Some(_)) => value(now.as_deref(), row.kind, 14, Ink::Drift),
        (now, false, Some(_)) if row.beside => value(now.as_deref(), row.kind, 14, Ink::Plain),
        (now, false, Some(_))
            if row.kind == FactKind::Integer && read_before(model, row).is_none() =>
        {
            value(now.as_deref(), row.kind, 14, Ink::Plain)
        }
        (_, false, Some(_)) => match read_before(model, row) {
            Some(at) => Text::plain("= ").with(Ink::Dim, at.clock()),
            None => Text::plain("="),
        },
    };
    let change = if row.moved {
        Text::inked(Ink::Drift, format!("! {}", row.change))
    } else if row.beside {
        Text::plain("beside")
    } else {
        Text::new()
    };
    let mut text = name
        .then(value(row.pinned.as_deref(), row.kind, 14, Ink::Plain).to_column(columns.pinned))
        .then(now.to_column(columns.now))
        .then(change.to_column(columns.change));
    if columns.last > 0 {
        text = text.then(last(model, row, columns.last - 1).to_column(columns.last));
    }
    if columns.from > 0 {
        text = text.then(Text::inked(Ink::Dim, row.from).to_column(columns.from));
    }
    text
}

/// Numbers end at one column, digests are shortened, text stays on the left.
fn value(value: Option<&str>, kind: FactKind, width: usize, ink: Ink) -> Text {
    match (value, kind) {
        (None, _) => Text::inked(Ink::Bad, "unknown"),
        (Some(number), FactKind::Integer) => {
            Text::inked(ink, number).right(width.max(number.len()))
        }
        (Some(value), _) => Text::inked(ink, words::short_value(value)),
    }
}

/// How the fact stands to the last PASS, in that room.
fn last(model: &Model, row: &FactRow, room: usize) -> Text {
    match &row.last_pass {
        SinceLastPass::NoPass => Text::inked(Ink::Dim, "-"),
        SinceLastPass::Equal => Text::plain("="),
        SinceLastPass::NotComparable => Text::inked(Ink::Dim, "not comparable"),
        SinceLastPass::Differs(differs) => differing(model, row, differs, room),
    }
}

/// The mark and what differs; of a digest for which there is no room its beginning, or nothing: the row opens the whole.
fn differing(model: &Model, row: &FactRow, differs: &str, room: usize) -> Text {
    let mark = model.theme.glyph(Glyph::Other);
    let is_digest = is_digest(row.kind);
    let whole = Text::inked(Ink::Bold, format!("{mark} {differs}"));
    match differs.split_once("..") {
        Some((begin, _)) if is_digest && whole.width() > room => {
            let cut = Text::inked(Ink::Bold, format!("{mark} {begin}.."));
            if cut.width() > room {
                Text::inked(Ink::Bold, mark)
            } else {
                cut
            }
        }
        _ => whole,
    }
}

/// `icx_total                  60         =       `
fn narrow(model: &Model, row: &FactRow, width: usize) -> Text {
    let marks = marks(width);
    let field = width.saturating_sub(marks + 1);
    // As wide as the column of the wide pane, but at least 8 columns are left for the value.
    let key = 27.min(field.saturating_sub(8));
    let shown = match (row.pinned.as_deref(), row.kind) {
        (Some(digest), FactKind::Md5 | FactKind::Sha256 | FactKind::Content)
            if content_hex(digest).len() > 10 =>
        {
            Text::plain(content_hex(digest).chars().take(8).collect::<String>() + "..")
        }
        (pinned, kind) => value(pinned, kind, 10, Ink::Plain),
    };
    let name = Text::plain(row.key.shown());
    let text = if shown.width() > field - key {
        let room = field.saturating_sub(shown.width() + 1);
        name.to_column(room).with(Ink::Plain, " ").then(shown)
    } else {
        // A blank stays between both, however long the name is.
        let name = name.to_column(key.saturating_sub(1));
        name.with(Ink::Plain, " ").then(shown)
    };
    let mark = narrow_mark(model, row, marks);
    text.to_column(field)
        .with(Ink::Plain, " ")
        .then(mark.clip(marks, model.theme.ellipsis()))
}

/// How the fact stands to the pin and to the last PASS, in the fullest form that fits.
fn narrow_mark(model: &Model, row: &FactRow, room: usize) -> Text {
    let bases = if row.moved {
        let moved = [format!("! {}", row.change), "!".to_owned()];
        moved.map(|mark| Text::inked(Ink::Drift, mark)).to_vec()
    } else if row.beside {
        vec![Text::plain("beside")]
    } else if row.read_at.is_none() {
        vec![unread_mark(model)]
    } else {
        equal_marks(model, row)
    };
    let SinceLastPass::Differs(differs) = &row.last_pass else {
        return Text::first_fitting(bases, room);
    };
    let other = model.theme.glyph(Glyph::Other);
    // A digest of then says nothing: the row opens both.
    let says = !is_digest(row.kind) || !differs.contains("..");
    let whole = says.then(|| format!(" {other} {differs}"));
    let short = [format!(" {other}"), other.to_owned()];
    let ends: Vec<String> = whole.into_iter().chain(short).collect();
    let forms = ends.iter().flat_map(|end| {
        let with_end = |base: &Text| base.clone().with(Ink::Bold, end);
        bases.iter().map(with_end).collect::<Vec<_>>()
    });
    Text::first_fitting(forms, room)
}

fn is_digest(kind: FactKind) -> bool {
    matches!(kind, FactKind::Md5 | FactKind::Sha256 | FactKind::Content)
}
