//! Moving, opening, finding and copying on the run screen. Back leads to the row that was left (test
//! `enter_opens_the_row_and_esc_comes_back_to_it` of tests/screens/flows.rs).

use std::sync::Arc;

use ratatui::layout::Rect;

use super::change_text;
use super::diff_view::{DiffPane, DiffView};
use super::keymap::{Action, key_of};
use super::keys::pane_of;
use super::model::{Model, Over, Pane};
use super::open_text::{OpenText, TextSubject};
use super::screens::{self, PaneText, kept_text, panes_on_screen, text_page};
use crate::survey::{FactKey, FactKind};

/// Performs a movement in the panes or the open page.
pub(super) fn perform(model: &mut Model, action: Action) {
    if matches!(model.over, Over::Reading(_)) {
        scroll(model, action);
        return;
    }
    match action {
        Action::Pane(digit) => {
            if let Some(pane) = pane_of(digit) {
                // The digit of the focused pane enlarges it, and the same digit again makes it small.
                model.enlarged = model.focus == pane && !model.enlarged;
                model.focus = pane;
            }
        }
        Action::NextPane => focus_by(model, 1),
        Action::PreviousPane => focus_by(model, Pane::ALL.len() - 1),
        Action::Left => beside(model, true),
        Action::Right => beside(model, false),
        Action::Open => open(model),
        Action::Back => {
            // Back undoes one thing at a time: first the search, then the enlarged pane.
            if model.search.take().is_none() {
                model.enlarged = false;
            }
        }
        Action::NextMatch => find(model, true),
        Action::PreviousMatch => find(model, false),
        _ => choose(model, action),
    }
}

fn focus_by(model: &mut Model, steps: usize) {
    let index = (model.focus.index() + steps) % Pane::ALL.len();
    model.focus = Pane::ALL[index];
    model.enlarged = false;
}

fn area(model: &Model) -> Rect {
    Rect::new(0, 0, model.size.width, model.size.height)
}

/// Whether a pane has room beside the others, or is the one that is enlarged.
pub(super) fn is_on_screen(model: &Model, pane: Pane) -> bool {
    let shown = panes_on_screen(model, area(model));
    shown.iter().any(|(there, _)| *there == pane)
}

/// The area of the focused pane.
fn place(model: &Model) -> Rect {
    panes_on_screen(model, area(model))
        .into_iter()
        .find(|(pane, _)| *pane == model.focus)
        .map_or_else(|| area(model), |(_, place)| place)
}

/// The nearest pane beside the focused one.
fn beside(model: &mut Model, left: bool) {
    let here = place(model);
    let next = panes_on_screen(model, area(model))
        .into_iter()
        .filter(|(_, there)| {
            // A neighbour shares at least one screen row and lies wholly on that side.
            let overlaps = there.y < here.bottom() && here.y < there.bottom();
            let aside = if left {
                there.right() <= here.x
            } else {
                there.x >= here.right()
            };
            overlaps && aside
        })
        .min_by_key(|(_, there)| there.x.abs_diff(here.x));
    if let Some((pane, _)) = next {
        model.focus = pane;
    }
}

/// What is in the focused pane, all of it, and which row is chosen.
fn content(model: &Model) -> (Arc<PaneText>, usize) {
    let width = usize::from(place(model).width.saturating_sub(2));
    let content = kept_text(model, model.focus, width, None);
    let chosen = model.views[model.focus.index()].chosen(content.rows.len(), content.rests_on);
    (content, chosen)
}

fn choose(model: &mut Model, action: Action) {
    let (count, here) = match model.focus {
        Pane::Events if !model.has_timeline() => {
            let count = screens::events_count(model);
            (count, model.views[Pane::Events.index()].chosen(count, 0))
        }
        _ => {
            let (content, here) = content(model);
            (content.rows.len(), here)
        }
    };
    let page = usize::from(place(model).height.saturating_sub(3)).max(1);
    let last = count.saturating_sub(1);
    let row = moved(action, here, page).min(last);
    // On its last row a list of events follows new ones; moving up stops that.
    let follow = matches!(model.focus, Pane::Events | Pane::Stops) && row == last;
    let view = &mut model.views[model.focus.index()];
    view.row = Some(row);
    view.follow = follow;
}

/// The row that a movement leads to; not held to how many there are.
pub(super) fn moved(action: Action, here: usize, page: usize) -> usize {
    match action {
        Action::Down => here + 1,
        Action::Up => here.saturating_sub(1),
        Action::First => 0,
        Action::Last => usize::MAX,
        Action::HalfDown => here + page / 2,
        Action::HalfUp => here.saturating_sub(page / 2),
        Action::PageDown => here + page,
        Action::PageUp => here.saturating_sub(page),
        _ => here,
    }
}

fn open(model: &mut Model) {
    let (content, chosen) = content(model);
    let row = content.rows.get(chosen);
    match row.and_then(|row| row.opens.clone()) {
        Some(TextSubject::Fact(key)) => open_fact(model, key),
        Some(subject) => model.over = Over::Reading(OpenText::of(subject)),
        None => model.enlarged = !model.enlarged,
    }
}

/// A fact that moved, or that has a document behind it, is opened side by side; any other is a page of its own.
fn open_fact(model: &mut Model, key: FactKey) {
    let last_pass = model.last_pass.as_deref();
    let mut view = DiffView::best(&model.history, last_pass, model.size);
    let place = view.facts().iter().position(|fact| {
        let document = fact.opens() && fact.kind != FactKind::Boolean;
        fact.key == key && (fact.change.differs() || document)
    });
    model.over = match place {
        Some(row) => {
            view.row = row;
            view.pane = DiffPane::Facts;
            view.show_document();
            Over::Diff(Box::new(view))
        }
        None => Over::Reading(OpenText::of(TextSubject::Fact(key))),
    };
}

fn scroll(model: &mut Model, action: Action) {
    let Over::Reading(reading) = &model.over else {
        return;
    };
    let (room, lines) = text_page::room(model, &reading.subject);
    let last = lines.saturating_sub(room);
    let here = reading.top.min(last);
    match action {
        Action::Back => {
            if model.search.take().is_none() {
                model.over = Over::Nothing;
            }
            return;
        }
        Action::NextMatch => return find(model, true),
        Action::PreviousMatch => return find(model, false),
        Action::Left | Action::Right => {
            if let Some(page) = turned(model, reading, action == Action::Right) {
                model.over = Over::Reading(page);
            }
            return;
        }
        Action::Pane(digit) => {
            model.over = Over::Nothing;
            model.focus = pane_of(digit).unwrap_or(model.focus);
            return;
        }
        _ => {}
    }
    let top = moved(action, here, room.max(1)).min(last);
    if let Over::Reading(reading) = &mut model.over {
        reading.top = top;
    }
}

/// The report or file before or behind the one that is open; `None`: it is neither.
pub(super) fn turned(model: &Model, reading: &OpenText, forward: bool) -> Option<OpenText> {
    let (here, count) = match reading.subject {
        TextSubject::Report(nth) => (nth, model.reports.len()),
        TextSubject::ChangeFile(nth) => (nth, change_text::files(model).len()),
        _ => return None,
    };
    let nth = if forward {
        (here + 1).min(count.saturating_sub(1))
    } else {
        here.saturating_sub(1)
    };
    Some(OpenText::of(match reading.subject {
        TextSubject::Report(_) => TextSubject::Report(nth),
        _ => TextSubject::ChangeFile(nth),
    }))
}

/// What `y` copies: the whole value of the open page or of the chosen row.
pub(super) fn copied(model: &Model) -> Option<String> {
    if let Over::Reading(reading) = &model.over {
        return text_page::page(model, &reading.subject).copies;
    }
    let (content, chosen) = content(model);
    let row = content.rows.get(chosen)?;
    row.copies
        .clone()
        .or_else(|| text_page::page(model, row.opens.as_ref()?).copies)
}

/// Goes to the next match, or the one before, around the end.
pub(super) fn find(model: &mut Model, forward: bool) {
    let Some(search) = &model.search else {
        let searches = key_of(model.scope(), Action::Search);
        model.notice = Some(format!("Nothing is searched for: {searches} searches."));
        return;
    };
    let wanted = search.text.to_lowercase();
    let (lines, here): (Vec<String>, usize) = if let Over::Reading(reading) = &model.over {
        let page = text_page::page(model, &reading.subject);
        let lines = text_page::wrapped(&page, model.size.width);
        let (room, count) = text_page::room(model, &reading.subject);
        let top = reading.top.min(count.saturating_sub(room));
        (lines.iter().map(super::widgets::Text::flat).collect(), top)
    } else {
        let (content, here) = content(model);
        let lines = content.rows.iter().map(|row| row.text.flat());
        (lines.collect(), here)
    };
    let count = lines.len();
    // Begins behind the chosen line and goes around, so that a repeated search moves on.
    let hit = (1..=count)
        .map(|step| {
            if forward {
                (here + step) % count
            } else {
                (here + count - step) % count
            }
        })
        .find(|line| lines[*line].to_lowercase().contains(&wanted));
    let Some(line) = hit else {
        model.notice = Some(format!("No \"{}\" here.", search.text));
        return;
    };
    go_to(model, line);
}

fn go_to(model: &mut Model, line: usize) {
    if let Over::Reading(reading) = &mut model.over {
        reading.top = line;
        return;
    }
    let view = &mut model.views[model.focus.index()];
    view.row = Some(line);
    view.follow = false;
}
