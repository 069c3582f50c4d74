//! Moving through facts and documents of the diff screen, and finding in them.
//! Invariant: top and cursor are lines that exist, and the cursor is on screen (`keep_in_view`; test
//! `the_cursor_stays_on_screen_however_lines_are_laid_out` of tests/screens/diffs.rs).

use ratatui::layout::Size;

use super::diff_search;
use super::diff_view::{DiffPane, DiffView, DocumentPlace};
use super::keymap::{Action, KeyScope, key_of};
use super::screens::{DiffLine, diff_areas, diff_layout, diff_lines, diff_page, diff_room};
use super::theme::{Colours, Theme};
use crate::survey::SearchPattern;

/// Lines kept above a row that was gone to.
const LINES_BEFORE: usize = 4;

/// Scrolls the focused pane or the open page.
pub(super) fn scroll(view: &mut DiffView, action: Action) {
    let size = view.size;
    if let Some((page, top)) = view.page {
        let room = usize::from(diff_areas(view, size).document.height.saturating_sub(2));
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
    let room = diff_room(view, size);
    let rows = DocumentRows { view, size };
    let (top, cursor) = (view.top, view.cursor);
    let moved = |lines: usize, down: bool| {
        let go = |place| {
            if down {
                rows.forward(place, lines)
            } else {
                rows.backward(place, lines)
            }
        };
        (go(top), go(cursor))
    };
    let last = rows.last();
    (view.top, view.cursor) = match action {
        Action::Down => (top, rows.forward(cursor, 1)),
        Action::Up => (top, rows.backward(cursor, 1)),
        Action::HalfDown => moved(room / 2, true),
        Action::HalfUp => moved(room / 2, false),
        Action::PageDown => moved(room, true),
        Action::PageUp => moved(room, false),
        Action::First => (DocumentPlace::default(), DocumentPlace::default()),
        Action::Last => (last, last),
        _ => return,
    };
    keep_in_view(view, size);
}

/// Brings the cursor to the first marked line of a row, a few lines below the top.
pub(super) fn go_to_row(view: &mut DiffView, row: usize) {
    let size = view.size;
    let rows = DocumentRows { view, size };
    let mut cursor = DocumentPlace::of(view.folding.place(row));
    let marked = rows.lines(cursor.item).iter().position(|line| line.marked);
    cursor.line = marked.unwrap_or(0);
    let top = rows.backward(cursor, LINES_BEFORE);
    (view.cursor, view.top) = (cursor, top);
    keep_in_view(view, size);
}

/// Moves the top so that the cursor is on screen, and as many lines as there is room for.
pub(super) fn keep_in_view(view: &mut DiffView, size: Size) {
    let room = diff_room(view, size);
    let rows = DocumentRows { view, size };
    // The lowest top leaves no blank lines at the end; the highest still shows the cursor.
    let lowest = rows.backward(rows.last(), room - 1);
    let highest = rows.backward(view.cursor, room - 1);
    view.top = view.top.min(lowest).max(highest).min(view.cursor);
}

/// The same row, after lines took another height: where something is marked in it, there.
pub(super) fn laid_out_anew(view: &mut DiffView) {
    let row = view.row_at_cursor();
    go_to_row(view, row);
}

/// The document as lines on a screen of a size.
struct DocumentRows<'a> {
    view: &'a DiffView,
    size: Size,
}

impl DocumentRows<'_> {
    /// The lines of an item. The theme makes no difference to how many there are.
    fn lines(&self, item: usize) -> Vec<DiffLine> {
        let (Some(opened), Some(item)) = (self.view.opened(), self.view.folding.item(item)) else {
            return Vec::new();
        };
        let layout = diff_layout(self.view, self.size);
        diff_lines(opened, &item, layout, Theme::new(false, Colours::Off))
    }

    fn last_of(&self, item: usize) -> DocumentPlace {
        let line = self.lines(item).len().saturating_sub(1);
        DocumentPlace { item, line }
    }

    fn last(&self) -> DocumentPlace {
        self.last_of(self.view.folding.items().saturating_sub(1))
    }

    fn forward(&self, mut place: DocumentPlace, mut lines: usize) -> DocumentPlace {
        // Item by item: an item is laid out only when it is passed, so a step costs the same in a document of any length.
        while lines > 0 {
            let left = self.lines(place.item).len().saturating_sub(place.line + 1);
            if left >= lines || place.item + 1 >= self.view.folding.items() {
                place.line += left.min(lines);
                return place;
            }
            lines -= left + 1;
            place = DocumentPlace::of(place.item + 1);
        }
        place
    }

    fn backward(&self, mut place: DocumentPlace, mut lines: usize) -> DocumentPlace {
        while lines > 0 {
            if place.line >= lines || place.item == 0 {
                place.line = place.line.saturating_sub(lines);
                return place;
            }
            lines -= place.line + 1;
            place = self.last_of(place.item - 1);
        }
        place
    }
}

/// Goes to the next match, or the one before: in the facts, or in the document.
pub(super) fn find(view: &mut DiffView, forward: bool) {
    let Some(wanted) = view.search.as_ref().map(|search| search.text.clone()) else {
        let begins = key_of(KeyScope::Diff, Action::Search);
        view.says = Some(format!("Nothing is searched for; {begins} begins."));
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
    let here = view.row_at_cursor();
    // The match under the cursor is not found again.
    let from = here + usize::from(forward && view.found == Some(here));
    let wanted = SearchPattern::of(wanted, &opened.documents.before);
    let hit = if forward {
        diff_search::next(&opened, &wanted, from)
    } else {
        diff_search::last(&opened, &wanted, from)
    };
    let Some(row) = hit else {
        return false;
    };
    view.found = Some(row);
    view.show_row(row);
    true
}
