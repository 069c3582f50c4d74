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
                    "content of protected tables ----------",
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
        pane.rows.extend(content_folded(&rows, width));
    }
    if !model.enlarged {
        pane.rows
            .extend(quiet_folded(&rows, width, columns.as_ref()));
    }
    if columns.is_none() {
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
fn quiet_folded(rows: &[FactRow], width: usize, columns: Option<&FactColumns>) -> Option<PaneRow> {
    let quiet: Vec<&FactRow> = rows.iter().filter(|row| is_quiet(row)).collect();
    let first = quiet.first()?;
    let mark = if quiet.iter().all(|row| row.read_at.is_some()) {
        Text::plain("=")
    } else {
        Text::new()
    };
    let name = Text::plain(format!("{} more around the rows", quiet.len()));
    let at = match columns {
        Some(columns) => columns.key + columns.pinned,
        None => width.saturating_sub(8),
    };
    let subject = TextSubject::Fact(first.key.clone());
    Some(PaneRow::new(name.to_column(at).then(mark), subject))
}

/// `5 content digests                     =`
fn content_folded(rows: &[FactRow], width: usize) -> Option<PaneRow> {
    let content: Vec<&FactRow> = rows
        .iter()
        .filter(|r| r.kind == FactKind::Content)
        .collect();
    if content.is_empty() {
        return None;
    }
    let moved = content.iter().filter(|row| row.moved).count();
    let mark = if moved > 0 {
        Text::inked(Ink::Drift, format!("! {moved}"))
    } else if content.iter().all(|row| row.read_at.is_some()) {
        Text::plain("=")
    } else {
        Text::new()
    };
    let name = Text::plain(crate::run::counted(content.len(), "content digest"));
    let text = name.to_column(width.saturating_sub(8)).then(mark);
    // Opens a table that moved, if there is one.
    let first = content.iter().find(|row| row.moved).or(content.first())?;
    Some(PaneRow::new(text, TextSubject::Fact(first.key.clone())))
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
    let post = model
        .run()
        .latest
        .as_ref()
        .is_some_and(|(purpose, _)| *purpose == SurveyPurpose::Post);
    let word = if post { "post" } else { "now" };
    read_last_at(model).map_or_else(|| "now".to_owned(), |at| format!("{word} {}", at.clock()))
}

/// When facts were read last, in part or all.
fn read_last_at(model: &Model) -> Option<UtcTime> {
    let run = model.run();
    let latest = run.latest.as_ref();
    let surveyed_at = latest.map(|(_, survey)| survey.snapshot.ended_at);
    surveyed_at.max(run.live.as_ref().and_then(|live| live.read_at))
}

/// When a fact was read last, where that is not when its column says.
fn read_before(model: &Model, row: &FactRow) -> Option<UtcTime> {
    row.read_at.filter(|at| Some(*at) < read_last_at(model))
}

fn head(model: &Model, columns: &FactColumns) -> Text {
    let pinned = model.run().pin.as_ref().map_or_else(
        || "pinned".to_owned(),
        |pin| format!("pinned {}", pin.snapshot.began_at.clock()),
    );
    let mut text = Text::inked(Ink::Dim, "fact")
        .to_column(columns.key)
        .then(Text::inked(Ink::Dim, pinned).to_column(columns.pinned))
        .then(Text::inked(Ink::Dim, now_title(model)).to_column(columns.now))
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
            Text::plain(row.key.as_str())
                .to_column(room)
                .with(Ink::Plain, format!(" {rows} "))
        }
        None => Text::plain(row.key.as_str()).to_column(columns.key),
    };
    let now = match (&row.now, row.moved, row.read_at) {
        // Not part of the light reads while waiting: it is read again by the survey of the approval, or, in a run that ended,
        // never.
        (_, _, None) if model.run().ended_early() => Text::inked(Ink::Dim, "not read again"),
        (_, _, None) => Text::inked(Ink::Dim, "at approval"),
        (now, true, Some(_)) => value(now.as_deref(), row.kind, 14, Ink::Drift),
        (now, false, Some(_)) if row.beside => value(now.as_deref(), row.kind, 14, Ink::Plain),
        (now, false, Some(_)) if row.kind == FactKind::Integer => {
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
    let is_digest = matches!(
        row.kind,
        FactKind::Md5 | FactKind::Sha256 | FactKind::Content
    );
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
    let marks = 8;
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
    let name = Text::plain(row.key.as_str());
    let text = if shown.width() > field - key {
        let room = field.saturating_sub(shown.width() + 1);
        name.to_column(room).with(Ink::Plain, " ").then(shown)
    } else {
        name.to_column(key).then(shown)
    };
    let mut mark = if row.moved {
        Text::inked(Ink::Drift, format!("! {}", row.change))
    } else if row.beside {
        Text::plain("beside")
    } else if row.read_at.is_none() {
        Text::new()
    } else if let Some(at) = read_before(model, row) {
        Text::inked(Ink::Dim, format!("= {}", at.clock_minutes()))
    } else {
        Text::plain("=")
    };
    if let SinceLastPass::Differs(differs) = &row.last_pass {
        let room = marks.saturating_sub(mark.width() + 1);
        mark = mark
            .with(Ink::Plain, " ")
            .then(differing(model, row, differs, room));
    }
    text.to_column(field)
        .with(Ink::Plain, " ")
        .then(mark.clip(marks, model.theme.ellipsis()))
}
