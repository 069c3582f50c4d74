//! Key presses on the diff screen. They change the view only; documents and notes are asked for with a `ScreenEffect` and come
//! back as messages.

use crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers};

use super::diff_scroll::{find, keep_in_view, laid_out_anew, scroll};
use super::diff_view::{DiffPage, DiffPane, DiffView, DocumentPlace, Loaded};
use super::inbox::LocalRequest;
use super::keymap::{self, Action, KeyScope};
use super::model::{Model, Over, Search};
use super::typing::{self, TypedKey};
use super::update::ScreenEffect;

/// Handles a key while the diff screen is open.
pub(super) fn pressed(model: &mut Model, key: &KeyEvent, effects: &mut Vec<ScreenEffect>) {
    // Taken out of the model, because `perform` needs both; put back unless the view was left or replaced.
    let Over::Diff(mut view) = std::mem::take(&mut model.over) else {
        return;
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    view.says = None;
    view.size = model.size;
    let stays = if view.typing.is_some() && !control {
        type_note(&mut view, key, effects);
        true
    } else if view.search.as_ref().is_some_and(|search| search.typing) && !control {
        type_search(&mut view, key);
        true
    } else {
        keymap::action(KeyScope::Diff, key)
            .is_none_or(|action| perform(model, &mut view, action, key.kind, effects))
    };
    if stays && model.over == Over::Nothing {
        ask(&mut view, effects);
        model.over = Over::Diff(view);
    }
}

/// What a key of this screen is called.
fn key_of(action: Action) -> String {
    keymap::key_of(KeyScope::Diff, action)
}

/// Asks for the document of the chosen fact, once.
pub(super) fn ask(view: &mut DiffView, effects: &mut Vec<ScreenEffect>) {
    let Some(fact) = view.fact().cloned() else {
        return;
    };
    if fact.opens() && !view.loaded.contains_key(&fact.key) {
        view.loaded.insert(fact.key.clone(), Loaded::Asked);
        effects.push(ScreenEffect::Local(LocalRequest::OpenDocuments {
            compare: view.compare.clone(),
            fact: Box::new(fact),
        }));
    }
}

/// Does what the key says; `false`: the view is left.
fn perform(
    model: &mut Model,
    view: &mut DiffView,
    action: Action,
    kind: KeyEventKind,
    effects: &mut Vec<ScreenEffect>,
) -> bool {
    match action {
        Action::NextChange => change(view, true),
        Action::PreviousChange => change(view, false),
        Action::NextFact => fact(view, true),
        Action::PreviousFact => fact(view, false),
        Action::ToggleEqual => {
            view.all = !view.all;
            view.row = view.row.min(view.rows().saturating_sub(1));
            view.to_start();
        }
        Action::ToggleWrap => {
            view.wrap = !view.wrap;
            laid_out_anew(view);
        }
        Action::ToggleStacked => {
            let now = view.stacked.unwrap_or(model.size.width < 100);
            view.stacked = Some(!now);
            laid_out_anew(view);
        }
        Action::Fold => fold(view),
        // A key that is held down would be typed into the note.
        Action::Note if kind == KeyEventKind::Press => view.typing = Some(String::new()),
        Action::Note => {}
        Action::HowRead => view.turn(DiffPage::HowRead),
        other => return common(model, view, other, effects),
    }
    true
}

fn common(
    model: &mut Model,
    view: &mut DiffView,
    action: Action,
    effects: &mut Vec<ScreenEffect>,
) -> bool {
    match action {
        Action::Pane(1) => focus(view, DiffPane::Facts),
        Action::Pane(2) if view.pane == DiffPane::Document => {
            view.whole = !view.whole;
            laid_out_anew(view);
        }
        Action::Pane(2) => focus(view, DiffPane::Document),
        Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => {
            let other = match view.pane {
                DiffPane::Facts => DiffPane::Document,
                DiffPane::Document => DiffPane::Facts,
            };
            focus(view, other);
        }
        Action::Open => open(model, view),
        Action::Back => return back(view, effects),
        Action::Quit if view.alone => effects.push(ScreenEffect::Leave),
        Action::Differences if view.alone => {}
        Action::Differences | Action::Quit => return false,
        Action::Search => {
            view.search = Some(Search {
                text: String::new(),
                typing: true,
            });
        }
        Action::NextMatch => find(view, true),
        Action::PreviousMatch => find(view, false),
        Action::Help => view.turn(DiffPage::Keys),
        Action::Copy => copy(view, effects),
        Action::Suspend => effects.push(ScreenEffect::Suspend),
        Action::Redraw => effects.push(ScreenEffect::Redraw),
        Action::Approve | Action::Reject | Action::SurveyAgain => {
            let back = key_of(Action::Back);
            view.says = Some(format!(
                "{back} goes back to the run; decisions are made there."
            ));
        }
        movement => scroll(view, movement),
    }
    true
}

/// Goes to a pane. A document of the whole width is laid out anew when it comes or goes.
fn focus(view: &mut DiffView, pane: DiffPane) {
    view.pane = pane;
    if view.whole {
        laid_out_anew(view);
    }
}

fn back(view: &mut DiffView, effects: &mut Vec<ScreenEffect>) -> bool {
    // Innermost first: page, search, document pane, screen.
    if view.page.take().is_some() || view.search.take().is_some() {
        return true;
    }
    if view.pane == DiffPane::Document {
        focus(view, DiffPane::Facts);
        return true;
    }
    if view.alone {
        effects.push(ScreenEffect::Leave);
        return true;
    }
    false
}

fn open(model: &Model, view: &mut DiffView) {
    match (view.pane, view.choice().cloned()) {
        (DiffPane::Facts, Some(compare)) => {
            let last_pass = model.last_pass.as_deref();
            view.choose(compare, &model.history, last_pass);
        }
        (DiffPane::Facts, None) => focus(view, DiffPane::Document),
        (DiffPane::Document, _) => fold(view),
    }
}

fn change(view: &mut DiffView, forward: bool) {
    let Some(opened) = view.opened() else {
        view.says = Some("No document is open.".to_owned());
        return;
    };
    let alignment = &opened.alignment;
    let last = alignment.changes().checked_sub(1);
    let row = view.row_at_cursor();
    let here = alignment.change_at(row);
    let next = if forward {
        Some(here.map_or(0, |nth| nth + 1))
    } else {
        // From within a change to its beginning, from there to the one before.
        let begins_here = here
            .and_then(|nth| alignment.change(nth))
            .is_some_and(|rows| rows.start == row);
        here.and_then(|nth| nth.checked_sub(usize::from(begins_here)))
    };
    match (next, last) {
        (Some(next), Some(last)) if next <= last => view.go_to_change(next),
        (_, None) => view.says = Some("Nothing differs in this document.".to_owned()),
        _ => {
            let next = key_of(Action::NextFact);
            view.says = Some(format!("No further change; {next} goes to the next fact."));
        }
    }
}

fn fact(view: &mut DiffView, forward: bool) {
    let last = view.facts().len().saturating_sub(1);
    let next = if forward {
        view.row + 1
    } else {
        view.row.saturating_sub(1)
    };
    view.row = next.min(last);
    view.to_start();
}

/// Opens the fold under the cursor; within an opened one, folds it again.
fn fold(view: &mut DiffView) {
    let Some(opened) = view.opened().cloned() else {
        return;
    };
    let row = view.row_at_cursor();
    if let Some(gap) = view.folding.fold_over(row) {
        view.folding.open(&opened.alignment, gap);
    } else if let Some(gap) = view.folding.opened_at(row) {
        view.folding.close(&opened.alignment, gap);
    } else {
        let (down, up) = (key_of(Action::Down), key_of(Action::Up));
        view.says = Some(format!(
            "No fold under the cursor; {down} and {up} go to one."
        ));
        return;
    }
    let above = view.cursor.item.saturating_sub(view.top.item);
    let item = view.folding.place(row);
    view.cursor = DocumentPlace::of(item);
    view.top = DocumentPlace::of(item.saturating_sub(above));
    keep_in_view(view, view.size);
}

fn copy(view: &mut DiffView, effects: &mut Vec<ScreenEffect>) {
    let Some(fact) = view.fact() else {
        return;
    };
    let value = |side: &Option<crate::compare::SideValue>| {
        let value = side.as_ref().and_then(|side| side.value.clone());
        value.unwrap_or_else(|| "unknown".to_owned())
    };
    let mut text = format!(
        "{}: {} | {}",
        fact.key,
        value(&fact.sides.before),
        value(&fact.sides.after)
    );
    if let (DiffPane::Document, Some(opened), Some(nth)) = (view.pane, view.opened(), view.change)
        && let Some(rows) = opened.alignment.change(nth)
    {
        text = crate::compare::explain_row(opened, rows.start);
    }
    view.says = Some(format!("copied, {} characters", text.chars().count()));
    effects.push(ScreenEffect::Copy(text));
}

fn type_note(view: &mut DiffView, key: &KeyEvent, effects: &mut Vec<ScreenEffect>) {
    let Some(text) = &mut view.typing else {
        return;
    };
    match typing::edit(text, key) {
        TypedKey::Left => view.typing = None,
        TypedKey::Confirmed => {
            let text = view.typing.take().unwrap_or_default().trim().to_owned();
            if text.is_empty() {
                view.says = Some("An empty note is not written.".to_owned());
                return;
            }
            let fact = view.fact().map(|fact| fact.key.clone());
            effects.push(ScreenEffect::Local(LocalRequest::Note { fact, text }));
        }
        TypedKey::Edited | TypedKey::Nothing => {}
    }
}

fn type_search(view: &mut DiffView, key: &KeyEvent) {
    let Some(search) = &mut view.search else {
        return;
    };
    match typing::edit(&mut search.text, key) {
        TypedKey::Confirmed if !search.text.is_empty() => {
            search.typing = false;
            find(view, true);
        }
        TypedKey::Confirmed | TypedKey::Left => view.search = None,
        TypedKey::Edited | TypedKey::Nothing => {}
    }
}
