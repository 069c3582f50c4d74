//! Key presses on the list of runs. They change how the list is looked at; what is to be opened or read is returned as a
//! `PickerEffect`.

use crossterm::event::{Event as TerminalEvent, KeyEvent, KeyEventKind, KeyModifiers};

use super::keymap::{Action, KeyScope, action, key_of};
use super::model::Search;
use super::navigation::moved;
use super::picker::{Picker, PickerOver};
use super::screens;
use super::typing::{self, TypedKey};
use crate::run::{RunFilter, RunSort, RunStatus};

/// A screen that a run can be opened in; the list is left for it and comes back after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// What fits: taken up, watched, replayed.
    Fitting,
    /// The diff screen of the run.
    Differences,
    /// The run screen, fed from the journal.
    Replay,
    /// The run screen, fed from another process.
    Watch,
}

/// Something to read that is asked for by the name of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Verify the run.
    Verify,
    /// The thirteen reports of the run.
    Reports,
    /// Write an archive of the run.
    Export,
}

/// What the loop has to do for the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickerEffect {
    /// Leave the list and the program.
    Leave,
    /// Open a run, and come back.
    Open(String, Opening),
    /// Bring something to read.
    Bring(String, Asked),
    /// Look at the runs again.
    LookAgain,
    /// Put a text on the clipboard.
    Copy(String),
    /// Stop this process until it is continued.
    Suspend,
    /// Draw every cell anew.
    Redraw,
}

/// Handles an event of the terminal.
pub fn on_event(picker: &mut Picker, event: &TerminalEvent) -> Option<PickerEffect> {
    match event {
        // A terminal may report the release of a key as well, which is no key press.
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => pressed(picker, key),
        TerminalEvent::Paste(text) => {
            if let Some(search) = picker.search.as_mut().filter(|search| search.typing) {
                // A paste may hold line breaks and escape sequences.
                search.text.extend(text.chars().filter(|c| !c.is_control()));
                picker.select();
            }
            None
        }
        _ => None,
    }
}

fn pressed(picker: &mut Picker, key: &KeyEvent) -> Option<PickerEffect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let typing = picker.search.as_ref().is_some_and(|search| search.typing);
    // While a search is typed letters are text; keys with Ctrl keep their meaning.
    if typing && !control && picker.over == PickerOver::Nothing && on_search(picker, key) {
        return None;
    }
    // A notice stays until the next key.
    picker.notice = None;
    let action = action(KeyScope::Runs, key)?;
    match action {
        Action::Suspend => return Some(PickerEffect::Suspend),
        Action::Redraw => return Some(PickerEffect::Redraw),
        _ => {}
    }
    match &picker.over {
        PickerOver::Nothing => perform(picker, action),
        PickerOver::Help(_) | PickerOver::Page(_) => {
            on_page(picker, action);
            None
        }
    }
}

/// A key while the search is typed; `false`: it means what it always means.
fn on_search(picker: &mut Picker, key: &KeyEvent) -> bool {
    let Some(search) = &mut picker.search else {
        return false;
    };
    match typing::edit(&mut search.text, key) {
        TypedKey::Edited => {}
        TypedKey::Confirmed => {
            search.typing = false;
            if search.text.trim().is_empty() {
                picker.search = None;
            }
            return true;
        }
        TypedKey::Left => picker.search = None,
        TypedKey::Nothing => return false,
    }
    picker.select();
    if picker.search.is_some() {
        picker.choose(0);
    }
    true
}

fn perform(picker: &mut Picker, action: Action) -> Option<PickerEffect> {
    match action {
        Action::Quit => return Some(PickerEffect::Leave),
        Action::Help => picker.over = PickerOver::Help(0),
        Action::Search => {
            let text = picker
                .search
                .take()
                .map_or_else(String::new, |search| search.text);
            picker.search = Some(Search { text, typing: true });
        }
        Action::Back => {
            if picker.search.take().is_some() {
                picker.select();
            }
        }
        Action::Pane(digit) => {
            let filter = usize::from(digit).checked_sub(1);
            if let Some(filter) = filter.and_then(|nth| RunFilter::ALL.get(nth)) {
                set_filter(picker, *filter);
            }
        }
        Action::NextPane | Action::PreviousPane => {
            let step = if action == Action::NextPane {
                1
            } else {
                RunFilter::ALL.len() - 1
            };
            let next = after(&RunFilter::ALL, picker.filter, step);
            set_filter(picker, next);
        }
        Action::Sort | Action::SortReversed => {
            if action == Action::Sort {
                picker.order.sort = after(&RunSort::ALL, picker.order.sort, 1);
                picker.order.reversed = false;
            } else {
                picker.order.reversed = !picker.order.reversed;
            }
            picker.put_in_order();
        }
        Action::LookAgain => return Some(PickerEffect::LookAgain),
        Action::Approve | Action::Reject => {
            let opens = key_of(KeyScope::Runs, Action::Open);
            picker.notice = Some(format!(
                "Not here: decisions are made on the run screen. {opens} opens it."
            ));
        }
        Action::Copy => return Some(PickerEffect::Copy(picker.chosen_row()?.name.clone())),
        Action::Open => return open(picker),
        Action::Differences => return opened(picker, Opening::Differences),
        Action::Replay => return opened(picker, Opening::Replay),
        Action::Watch => return opened(picker, Opening::Watch),
        Action::Reports => return brought(picker, Asked::Reports),
        Action::Export => return brought(picker, Asked::Export),
        Action::Verify => return verify(picker),
        movement => {
            let page = screens::picker_room(picker.size).max(1);
            let place = moved(movement, picker.place(), page);
            picker.choose(place);
        }
    }
    None
}

fn after<T: Copy + PartialEq>(all: &[T], this: T, step: usize) -> T {
    let here = all.iter().position(|known| *known == this).unwrap_or(0);
    all[(here + step) % all.len()]
}

fn set_filter(picker: &mut Picker, filter: RunFilter) {
    picker.filter = filter;
    picker.select();
}

/// What fits: one that reads is opened, damage is verified.
fn open(picker: &mut Picker) -> Option<PickerEffect> {
    match &picker.chosen_row()?.standing {
        RunStatus::Run(_) => opened(picker, Opening::Fitting),
        _ => verify(picker),
    }
}

fn opened(picker: &mut Picker, opening: Opening) -> Option<PickerEffect> {
    Some(PickerEffect::Open(name_of_a_run(picker)?, opening))
}

fn brought(picker: &mut Picker, asked: Asked) -> Option<PickerEffect> {
    Some(PickerEffect::Bring(name_of_a_run(picker)?, asked))
}

/// The name of the chosen run, if it reads; else it is said why it does not.
fn name_of_a_run(picker: &mut Picker) -> Option<String> {
    let row = picker.chosen_row()?;
    if let Some(why) = row.standing.reason() {
        picker.notice = Some(format!("Not to be opened: {why}"));
        return None;
    }
    Some(row.name.clone())
}

/// What is no run cannot be verified; everything else can, and damage is what it is for.
fn verify(picker: &mut Picker) -> Option<PickerEffect> {
    let row = picker.chosen_row()?;
    if let RunStatus::Foreign { reason } = &row.standing {
        picker.notice = Some(format!("No run, so nothing to open: {reason}"));
        return None;
    }
    Some(PickerEffect::Bring(row.name.clone(), Asked::Verify))
}

fn on_page(picker: &mut Picker, action: Action) {
    let (room, lines) = screens::picker_page_extent(picker);
    let scroll = |top: &mut usize, movement| {
        let last = lines.saturating_sub(room);
        *top = moved(movement, (*top).min(last), room).min(last);
    };
    match (&mut picker.over, action) {
        (_, Action::Back | Action::Quit) | (PickerOver::Help(_), Action::Help) => {
            picker.over = PickerOver::Nothing;
        }
        (PickerOver::Page(page), Action::Left | Action::Right) => {
            // One step back around the end is one less than a full turn forward.
            let back = page.parts.len().saturating_sub(1);
            let step = if action == Action::Right { 1 } else { back };
            page.part = (page.part + step)
                .checked_rem(page.parts.len())
                .unwrap_or(0);
            page.top = 0;
        }
        (PickerOver::Page(page), movement) => scroll(&mut page.top, movement),
        (PickerOver::Help(top), movement) => scroll(top, movement),
        (PickerOver::Nothing, _) => {}
    }
}
