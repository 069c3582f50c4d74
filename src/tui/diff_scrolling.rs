//! Moving through facts and documents, and finding in them. Invariant: the first line on screen is always one that exists.

use ratatui::layout::Size;

use super::diffing::{DiffPane, DiffView};
use super::keymap::Action;
use super::screens::{diff_areas, diff_layout, diff_lines, diff_page};
use super::theme::{Colours, Theme};
use crate::survey::{Item, Wanted};

/// Moves in the focused pane.
pub(super) fn scroll(view: &mut DiffView, action: Action) {
    let size = view.size;
    if let Some((page, top)) = view.page {
        let room = usize::from(diff_areas(size).document.height.saturating_sub(2));
        let last = diff_page(view, size).len().saturating_sub(room);
        let top = match action {
            Action::Down => top + 1,
            Action::Up => top.saturating_sub(1),
            Action::HalfDown | Action::PageDown => top + room,
            Action::HalfUp | Action::PageUp => top.saturating_sub(room),
            Action::First => 0,
            Action::Last => last,
            _ => top,
        };
        view.page = Some((page, top.min(last)));
        return;
    }
    match view.pane {
        DiffPane::Facts => choose(view, action, size),
        DiffPane::Document => document(view, action, size),
    }
}

fn choose(view: &mut DiffView, action: Action, size: Size) {
    let last = view.rows().saturating_sub(1);
    let page = usize::from(size.height / 2).max(1);
    let row = match action {
        Action::Down => view.row + 1,
        Action::Up => view.row.saturating_sub(1),
        Action::First => 0,
        Action::Last => last,
        Action::HalfDown | Action::PageDown => view.row + page,
        Action::HalfUp | Action::PageUp => view.row.saturating_sub(page),
        _ => return,
    };
    let row = row.min(last);
    if row != view.row {
        view.row = row;
        view.to_start();
    }
}

fn document(view: &mut DiffView, action: Action, size: Size) {
    let room = usize::from(diff_areas(size).document.height.saturating_sub(4)).max(1);
    match action {
        Action::Down => forward(view, 1, size),
        Action::Up => backward(view, 1, size),
        Action::HalfDown => forward(view, room / 2, size),
        Action::HalfUp => backward(view, room / 2, size),
        Action::PageDown => forward(view, room, size),
        Action::PageUp => backward(view, room, size),
        Action::First => (view.top, view.skip) = (0, 0),
        Action::Last => {
            (view.top, view.skip) = (view.folding.items().saturating_sub(1), 0);
            backward(view, room.saturating_sub(1), size);
        }
        _ => {}
    }
}

/// From the first line of a row to the first that is marked, then back by a few lines.
pub(super) fn to_mark(view: &mut DiffView, lines_before: usize) {
    let size = view.size;
    if let (Some(opened), Some(item)) = (view.opened(), view.folding.item(view.top)) {
        let lines = diff_lines(opened, &item, diff_layout(view, size), plain());
        view.skip = lines.iter().position(|line| line.marked).unwrap_or(0);
    }
    backward(view, lines_before, size);
}

/// The theme makes no difference to how many lines there are.
fn plain() -> Theme {
    Theme::new(false, Colours::Off)
}

/// How many lines an item takes.
fn height(view: &DiffView, item: usize, size: Size) -> usize {
    let (Some(opened), Some(item)) = (view.opened(), view.folding.item(item)) else {
        return 0;
    };
    let layout = diff_layout(view, size);
    diff_lines(opened, &item, layout, plain()).len()
}

fn forward(view: &mut DiffView, lines: usize, size: Size) {
    for _ in 0..lines {
        if view.skip + 1 < height(view, view.top, size) {
            view.skip += 1;
        } else if view.top + 1 < view.folding.items() {
            (view.top, view.skip) = (view.top + 1, 0);
        }
    }
}

fn backward(view: &mut DiffView, lines: usize, size: Size) {
    for _ in 0..lines {
        if view.skip > 0 {
            view.skip -= 1;
        } else if view.top > 0 {
            view.top -= 1;
            view.skip = height(view, view.top, size).saturating_sub(1);
        }
    }
}

/// Goes to the next match, or the one before: in the facts, or in the document.
pub(super) fn find(view: &mut DiffView, forward: bool) {
    let Some(wanted) = view.search.as_ref().map(|search| search.text.clone()) else {
        view.says = Some("Nothing is searched for; / begins.".to_owned());
        return;
    };
    let found = match view.pane {
        DiffPane::Facts => find_fact(view, &wanted, forward),
        DiffPane::Document => find_row(view, &wanted, forward),
    };
    if !found {
        view.says = Some(format!("No further match of \"{wanted}\"."));
    }
}

fn find_fact(view: &mut DiffView, wanted: &str, forward: bool) -> bool {
    let wanted = wanted.to_lowercase();
    let hits: Vec<usize> = view
        .facts()
        .iter()
        .enumerate()
        .filter(|(_, fact)| {
            let name = format!("{} {}", fact.key, fact.label).to_lowercase();
            name.contains(&wanted)
        })
        .map(|(nth, _)| nth)
        .collect();
    let next = if forward {
        hits.iter().find(|nth| **nth > view.row).or(hits.first())
    } else {
        hits.iter()
            .rev()
            .find(|nth| **nth < view.row)
            .or(hits.last())
    };
    match next {
        Some(row) => {
            view.row = *row;
            view.to_start();
            true
        }
        None => false,
    }
}

fn find_row(view: &mut DiffView, wanted: &str, forward: bool) -> bool {
    let Some(opened) = view.opened().cloned() else {
        return false;
    };
    let alignment = &opened.alignment;
    let seen = match view.folding.item(view.top) {
        Some(Item::Row(row)) => row,
        Some(Item::Fold { rows, .. }) => rows.start,
        None => 0,
    };
    let from = match (view.found, forward) {
        (Some(row), true) => row + 1,
        (Some(row), false) => row,
        (None, _) => seen,
    };
    let documents = opened.documents.as_ref();
    let wanted = Wanted::of(wanted, documents.before);
    let hit = if forward {
        alignment.find(documents, &wanted, from)
    } else {
        alignment.find_back(documents, &wanted, from)
    };
    let Some(row) = hit else {
        return false;
    };
    view.found = Some(row);
    view.show_row(row);
    true
}
