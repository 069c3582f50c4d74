//! The rows of the list of runs. Columns have fixed places for a width; a value that is cut carries a mark.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::pane::first_row;
use super::picker::WIDE_FROM;
use crate::run::{Overview, RunFilter, RunResult, RunRow, RunStatus, State, span};
use crate::survey::UtcTime;
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::picker::Picker;
use crate::tui::theme::{Glyph, Ink, Theme};
use crate::tui::widgets::{Canvas, Text, Weight};

/// The columns of a width: started, run, stands, result, stop, lasted, target, profile, approved. 0: not shown.
struct RunColumns {
    started: usize,
    run: usize,
    stands: usize,
    result: usize,
    stop: usize,
    lasted: usize,
    target: usize,
    profile: usize,
    approved: usize,
}

impl RunColumns {
    fn of(width: u16) -> Self {
        let narrow = Self {
            started: 12,
            run: 11,
            stands: 18,
            result: 0,
            stop: 0,
            lasted: 12,
            target: 0,
            profile: 0,
            approved: 0,
        };
        let mut columns = match width {
            ..100 => narrow,
            100..WIDE_FROM => Self {
                started: 18,
                result: 18,
                approved: 13,
                ..narrow
            },
            _ => Self {
                started: 18,
                result: 18,
                stop: 24,
                profile: 11,
                approved: 13,
                ..narrow
            },
        };
        let taken = columns.started + columns.run + columns.stands + columns.result + columns.stop;
        let taken = taken + columns.lasted + columns.profile + columns.approved;
        columns.target = usize::from(width).saturating_sub(taken + 5);
        columns
    }
}

/// Draws filters, heading and rows.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, picker: &Picker) {
    let order = picker.order;
    let direction = if order.reversed {
        ", the other way round"
    } else {
        ""
    };
    let order = Text::inked(Ink::Dim, format!("by {}{direction}", order.sort.name()));
    let right = picker.search.as_ref().map_or_else(Text::new, |search| {
        Text::inked(Ink::Bold, format!("/{}", search.text))
            .with(Ink::Plain, format!("  {} fit", picker.shown_len()))
    });
    let inside = canvas.frame(
        area,
        Weight::Light,
        Ink::Dim,
        &tabs(picker, area.width),
        &right,
    );
    let columns = RunColumns::of(area.width);
    let width = inside.width.saturating_sub(1);
    canvas.text(inside.x + 1, inside.y, width, &heading(&columns));
    let room = usize::from(inside.height.saturating_sub(1));
    let top = first_row(picker.shown_len(), room, picker.place());
    for ((nth, row), y) in picker
        .shown_from(top)
        .enumerate()
        .zip(inside.y + 1..inside.bottom())
    {
        let chosen = top + nth == picker.place();
        if chosen {
            canvas.text(inside.x, y, 1, &Text::inked(Ink::Bold, ">"));
        }
        let theme = match &row.standing {
            RunStatus::Run(run) => picker.theme.with_target(&run.target_color),
            _ => picker.theme,
        };
        let line = line(row, &columns, picker.now, theme);
        canvas.in_theme(&theme).text(inside.x + 1, y, width, &line);
    }
    if picker.shown_len() == 0 && picker.count(RunFilter::All) > 0 {
        let nothing = Text::inked(
            Ink::Dim,
            format!(
                "nothing fits: {} shows all, {} ends the search",
                key_of(KeyScope::Runs, Action::Pane(1)),
                key_of(KeyScope::Runs, Action::Back)
            ),
        );
        canvas.text(
            inside.x + 3,
            inside.y + 1,
            width.saturating_sub(2),
            &nothing,
        );
    }
    let below = picker.shown_len().saturating_sub(top + room);
    let cut = match (top, below) {
        (0, 0) => String::new(),
        (0, below) => format!("{below} more below"),
        (above, 0) => format!("{above} more above"),
        (above, below) => format!("{above} above, {below} below"),
    };
    let last = area.bottom().saturating_sub(1);
    canvas.on_edge(area, last, &order, &Text::inked(Ink::Dim, cut));
}

/// The filters with their digits and counts; the one that is on stands in brackets.
fn tabs(picker: &Picker, width: u16) -> Text {
    let gap = if width < 100 { " " } else { "  " };
    let mut text = Text::new();
    for (nth, filter) in RunFilter::ALL.into_iter().enumerate() {
        let words = format!("{} {} {}", nth + 1, filter.name(), picker.count(filter));
        let before = if nth > 0 { gap } else { "" };
        text.push(Ink::Plain, before);
        if filter == picker.filter {
            text.push(Ink::Bold, format!("[{words}]"));
        } else {
            text.push(Ink::Plain, format!(" {words} "));
        }
    }
    text
}

fn heading(columns: &RunColumns) -> Text {
    let names = [
        ("started", columns.started),
        ("run", columns.run),
        ("state", columns.stands),
        ("result", columns.result),
        ("stop", columns.stop),
        ("ran/waits", columns.lasted),
        ("target", columns.target),
        ("profile", columns.profile),
        ("approved", columns.approved),
    ];
    let cells = names.into_iter().filter(|(_, width)| *width > 0);
    let line = cells.map(|(name, width)| Text::plain(name).to_column(width));
    let line = line.reduce(Text::then).unwrap_or_default();
    Text::plain("  ").then(line).all_in(Ink::Dim)
}

fn line(row: &RunRow, columns: &RunColumns, now: UtcTime, theme: Theme) -> Text {
    let (glyph, ink) = mark(row);
    let glyph = match glyph {
        Some(glyph) => theme.glyph(glyph),
        None => " ",
    };
    // Beside the mark of how it stands: its facts differed once, whatever came of it.
    let moved = matches!(&row.standing, RunStatus::Run(run) if run.drifted) && glyph != "!";
    let drift = theme.glyph(Glyph::Alarm);
    let start = Text::inked(ink, glyph).with(Ink::Drift, if moved { drift } else { " " });
    match &row.standing {
        RunStatus::Run(run) => start.then(cells(run, columns, now, ink)),
        other => {
            let name = Text::plain(&row.name);
            let id = row.name.parse::<crate::run::RunId>().ok();
            let (started, run) = match &id {
                Some(id) => (id.started().map(|at| started(at, columns)), id.short()),
                None => (None, String::new()),
            };
            let line = start
                .then(column(started.unwrap_or_default(), columns.started))
                .then(column(run, columns.run))
                .then(Text::inked(ink, other.name()).to_column(columns.stands));
            let line = if id.is_some() {
                line
            } else {
                line.then(name).with(Ink::Plain, "   ")
            };
            line.with(Ink::Plain, other.reason().unwrap_or_default())
        }
    }
}

fn cells(run: &Overview, columns: &RunColumns, now: UtcTime, ink: Ink) -> Text {
    let lasted = run.waits_for_s(now).unwrap_or_else(|| run.lasted_s());
    let result = run.result_word();
    // Without a column for the result it stands where the state would: a run that has one is over.
    let (stands, in_ink) = match result {
        Some(result) if columns.result == 0 => (result.to_owned(), ink),
        _ if run.waits_at.is_some() => (run.situation(), ink),
        _ => (run.situation(), Ink::Plain),
    };
    let label = format!("[{}] ", run.target_label);
    // The role is in the lines below the list.
    let (_, place) = run.target.split_once('@').unwrap_or(("", &run.target));
    let target = Text::inked(Ink::Target, label).with(Ink::Plain, place);
    column(started(run.started_at, columns), columns.started)
        .then(column(run.run_id.short(), columns.run))
        .then(padded(Text::inked(in_ink, stands), columns.stands))
        .then(padded(
            Text::inked(ink, result.unwrap_or_default()),
            columns.result,
        ))
        .then(column(
            run.stop_code.map_or("", |code| code.name()),
            columns.stop,
        ))
        .then(column(span(lasted), columns.lasted))
        .then(padded(target, columns.target))
        .then(column(&run.profile, columns.profile))
        .then(column(approvers(run), columns.approved))
}

/// Who approved SG1 and SG2; which of them is in the lines below the list.
fn approvers(run: &Overview) -> String {
    let users: Vec<&str> = run.approvals.iter().map(|(_, by, _)| by.name()).collect();
    users.join(", ")
}

/// A text in a column, with a space behind it.
fn column<'a>(text: impl Into<Cow<'a, str>>, width: usize) -> Text {
    padded(Text::plain(text), width)
}

fn padded(text: Text, width: usize) -> Text {
    let inner = width.saturating_sub(1);
    let gap = " ".repeat(width - inner);
    text.to_column(inner).with(Ink::Plain, gap)
}

/// `2026-11-22 09:14Z`, on a narrow screen `11-22 09:14`.
fn started(at: UtcTime, columns: &RunColumns) -> String {
    let (date, clock) = (at.date(), at.clock_minutes());
    if columns.started < 18 {
        format!("{} {}", &date[5..], clock.trim_end_matches('Z'))
    } else {
        format!("{date} {clock}")
    }
}

/// What is to be seen of it at a glance.
pub(super) fn mark(row: &RunRow) -> (Option<Glyph>, Ink) {
    let RunStatus::Run(run) = &row.standing else {
        let foreign = matches!(
            row.standing,
            RunStatus::Foreign { .. } | RunStatus::NeverBegun { .. }
        );
        return if foreign {
            (Some(Glyph::Coming), Ink::Dim)
        } else {
            (Some(Glyph::Alarm), Ink::Bad)
        };
    };
    match (&run.result, run.waits_at) {
        (Some((_, RunResult::Pass)), _) => (Some(Glyph::Done), Ink::Good),
        (Some((_, RunResult::ChangedByOthers)), _) => (Some(Glyph::Alarm), Ink::Drift),
        (Some((_, RunResult::Fail | RunResult::MutationSuspected)), _) => {
            (Some(Glyph::Alarm), Ink::Bad)
        }
        (Some((_, RunResult::Rejected | RunResult::Incomplete)), _) => {
            (Some(Glyph::Busy), Ink::Plain)
        }
        (None, Some(_)) if run.drift_stands => (Some(Glyph::Alarm), Ink::Drift),
        (None, Some(_)) if run.demo => (Some(Glyph::Coming), Ink::Plain),
        (None, Some(_)) => (Some(Glyph::Here), Ink::Needed),
        (None, None) if run.state == State::Failed => (Some(Glyph::Alarm), Ink::Bad),
        (None, None) => (Some(Glyph::Coming), Ink::Plain),
    }
}
