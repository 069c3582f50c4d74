//! Key presses on the run screen and its sheets.
//! Invariant: on a sheet no letter is a command (test `letters_are_no_commands_on_the_sheet` of tests/screens/flows.rs);
//! elsewhere the keymap decides.

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers};

use super::approve_sheet::{ApproveSheet, OwnSurvey};
use super::diff_view::DiffView;
use super::inbox::{LocalRequest, Source, TakeUp};
use super::keymap::{self, Action, KeyScope};
use super::model::{Model, Over, Pane, Search};
use super::navigation;
use super::open_text::{OpenText, TextSubject};
use super::reject_sheet::RejectSheet;
use super::replay_keys;
use super::screens;
use super::typing::{self, TypedKey};
use super::update::ScreenEffect;
use super::{change_text, diff_keys};
use crate::planted::{PlantedBug, planted};
use crate::run::{
    ApprovalGate, ApprovalRequest, Ask, Decision, Evidence, RunResult, Subject, TerminalSize,
};
use crate::survey::Digest;

/// Handles a key press; `at` is when it was read.
pub fn pressed(model: &mut Model, key: &KeyEvent, at: Duration, effects: &mut Vec<ScreenEffect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match &model.over {
        Over::Approving(_) => on_approve_sheet(model, key, at, effects),
        Over::Rejecting(_) => on_reject_sheet(model, key, at, effects),
        Over::Leaving => on_leaving(model, key, effects),
        Over::Diff(_) => diff_keys::pressed(model, key, effects),
        Over::GoingTo(_) => replay_keys::on_going_to(model, key, effects),
        Over::Seen(_) => replay_keys::on_seen(model, key, effects),
        // Only movement may repeat while a key is held: a held `a` or `q` must not act again in what it opened.
        Over::Nothing | Over::Reading(_) => {
            let typing = model.search.as_ref().is_some_and(|search| search.typing);
            if typing && !control {
                on_search(model, key);
            } else if key.kind == KeyEventKind::Press || is_movement(model, key) {
                model.notice = None;
                if let Some(action) = keymap::action(model.scope(), key) {
                    perform(model, action, at, effects);
                }
            }
        }
    }
}

/// Only movement may be repeated by holding a key.
fn is_movement(model: &Model, key: &KeyEvent) -> bool {
    matches!(
        keymap::action(model.scope(), key),
        Some(
            Action::Down
                | Action::Up
                | Action::PageDown
                | Action::PageUp
                | Action::HalfDown
                | Action::HalfUp
                | Action::NextMatch
                | Action::PreviousMatch
                | Action::StepForward
                | Action::StepBack
        )
    )
}

/// Keys that every sheet leaves to the program: suspend, draw anew.
fn control(action: Option<Action>, effects: &mut Vec<ScreenEffect>) -> bool {
    match action {
        Some(Action::Suspend) => effects.push(ScreenEffect::Suspend),
        Some(Action::Redraw) => effects.push(ScreenEffect::Redraw),
        _ => return false,
    }
    true
}

fn on_approve_sheet(
    model: &mut Model,
    key: &KeyEvent,
    at: Duration,
    effects: &mut Vec<ScreenEffect>,
) {
    let (room, lines) = match &model.over {
        Over::Approving(sheet) if sheet.reading().is_some() => {
            on_page_of_sheet(model, key, at, effects);
            return;
        }
        Over::Approving(sheet) => screens::approve_sheet::extent(model, sheet),
        _ => return,
    };
    let has_files = !change_text::files(model).is_empty();
    let Over::Approving(sheet) = &mut model.over else {
        return;
    };
    let last = lines.saturating_sub(room);
    // Six equal characters could come from one held key.
    if key.kind == KeyEventKind::Repeat && !planted(PlantedBug::AcceptKeyRepeat) {
        sheet.repeated(at);
        return;
    }
    if let Some(c) = typing::character(key) {
        sheet.character(c, at);
        return;
    }
    match keymap::action(KeyScope::Sheet, key) {
        Some(Action::Confirm) => {
            if sheet.enter(at) {
                let asked = ApprovalRequest::approve(sheet.gate, sheet.evidence.clone());
                effects.push(ScreenEffect::Ask(Ask::Decide(asked)));
            }
            return;
        }
        Some(Action::TakeBack) => {
            sheet.backspace(at);
            return;
        }
        Some(Action::Back | Action::Quit) => {
            model.over = Over::Nothing;
            return;
        }
        Some(Action::ChangeFiles) if has_files => {
            sheet.read(Some(OpenText::of(TextSubject::ChangeFile(0))), at);
            return;
        }
        Some(Action::Up) => sheet.top = sheet.top.min(last).saturating_sub(1),
        Some(Action::Down) => sheet.top = (sheet.top + 1).min(last),
        Some(Action::PageUp) => sheet.top = sheet.top.min(last).saturating_sub(room),
        Some(Action::PageDown) => sheet.top = (sheet.top + room).min(last),
        Some(Action::First) => sheet.top = 0,
        Some(Action::Last) => sheet.top = last,
        other => {
            control(other, effects);
        }
    }
    sheet.other_key(at);
}

/// A key while a page is read in the place of the sheet: what is typed counts nothing.
fn on_page_of_sheet(
    model: &mut Model,
    key: &KeyEvent,
    at: Duration,
    effects: &mut Vec<ScreenEffect>,
) {
    let Over::Approving(sheet) = &model.over else {
        return;
    };
    let Some(page) = sheet.reading().cloned() else {
        return;
    };
    let action = keymap::action(KeyScope::Sheet, key);
    let forward = action == Some(Action::Right);
    let turned = matches!(action, Some(Action::Left | Action::Right))
        .then(|| navigation::turned(model, &page, forward))
        .flatten();
    let (room, lines) = screens::text_page::room(model, &page.subject);
    let Over::Approving(sheet) = &mut model.over else {
        return;
    };
    if matches!(
        action,
        Some(Action::Back | Action::Quit | Action::ChangeFiles)
    ) && key.kind == KeyEventKind::Press
    {
        sheet.read(None, at);
        return;
    }
    if control(action, effects) {
        return;
    }
    let last = lines.saturating_sub(room);
    let moved = action.map_or(page.top, |action| {
        navigation::moved(action, page.top.min(last), room.max(1)).min(last)
    });
    let page = turned.unwrap_or(OpenText { top: moved, ..page });
    sheet.read_on(page, at);
}

fn on_reject_sheet(
    model: &mut Model,
    key: &KeyEvent,
    at: Duration,
    effects: &mut Vec<ScreenEffect>,
) {
    let Over::Rejecting(sheet) = &mut model.over else {
        return;
    };
    if let (Some(c), KeyEventKind::Press) = (typing::character(key), key.kind) {
        sheet.character(c, at);
        return;
    }
    match keymap::action(KeyScope::Sheet, key) {
        Some(Action::Confirm) if key.kind == KeyEventKind::Press && sheet.enter(at) => {
            let reason = sheet.reason.trim().to_owned();
            let asked = ApprovalRequest::reject(sheet.gate, sheet.evidence.clone(), reason);
            effects.push(ScreenEffect::Ask(Ask::Decide(asked)));
        }
        Some(Action::TakeBack) => sheet.backspace(at),
        Some(Action::Back | Action::Quit) => model.over = Over::Nothing,
        other => {
            control(other, effects);
        }
    }
}

fn on_leaving(model: &mut Model, key: &KeyEvent, effects: &mut Vec<ScreenEffect>) {
    match keymap::action(KeyScope::Run, key) {
        Some(Action::Quit) => effects.push(ScreenEffect::Leave),
        action => {
            if !control(action, effects) {
                model.over = Over::Nothing;
            }
        }
    }
}

fn on_search(model: &mut Model, key: &KeyEvent) {
    let Some(search) = &mut model.search else {
        return;
    };
    match typing::edit(&mut search.text, key) {
        TypedKey::Confirmed if !search.text.is_empty() => {
            search.typing = false;
            navigation::find(model, true);
        }
        TypedKey::Confirmed | TypedKey::Left => model.search = None,
        TypedKey::Edited | TypedKey::Nothing => {}
    }
}

fn perform(model: &mut Model, action: Action, at: Duration, effects: &mut Vec<ScreenEffect>) {
    match action {
        Action::Approve => open_approve_sheet(model, at, effects),
        Action::Reject => open_reject_sheet(model, at, effects),
        Action::SurveyAgain => survey_again(model, effects),
        Action::TakeUp if model.source == Source::Unheld => {
            effects.push(ScreenEffect::TakeUp(TakeUp::Resume));
        }
        Action::TakeUp => model.notice = Some("The run is taken up already.".to_owned()),
        Action::Differences => {
            let last_pass = model.last_pass.as_deref();
            let view = DiffView::best(&model.history, last_pass, model.size);
            model.over = Over::Diff(Box::new(view));
        }
        Action::Evidence => read(model, TextSubject::Evidence),
        Action::ChangeFiles => match (change_text::files(model), model.run().change()) {
            (_, None) => model.notice = Some("This run has no change.".to_owned()),
            ([], _) => model.notice = Some("The files of the change are not read yet.".to_owned()),
            _ => read(model, TextSubject::ChangeFile(0)),
        },
        Action::Reports if model.run().sealed.is_some() => {
            effects.push(ScreenEffect::Local(LocalRequest::Reports));
        }
        Action::Reports => {
            model.notice = Some("The reports are written when the run is sealed.".to_owned());
        }
        Action::Help => read(model, TextSubject::Help),
        Action::Search => {
            model.search = Some(Search {
                text: String::new(),
                typing: true,
            });
        }
        Action::Copy => match navigation::copied(model) {
            Some(text) => {
                let length = text.chars().count();
                model.notice = Some(format!("copied, {length} characters"));
                effects.push(ScreenEffect::Copy(text));
            }
            None => match next_command(model) {
                Some(command) => {
                    model.notice = Some(format!("copied: {command}"));
                    effects.push(ScreenEffect::Copy(command));
                }
                None => model.notice = Some("This row has no value to copy.".to_owned()),
            },
        },
        Action::Quit => {
            if model.is_running() && model.source == Source::Live {
                model.over = Over::Leaving;
            } else {
                effects.push(ScreenEffect::Leave);
            }
        }
        Action::Suspend => effects.push(ScreenEffect::Suspend),
        Action::Redraw => effects.push(ScreenEffect::Redraw),
        other => {
            if !replay_keys::perform(model, other, effects) {
                navigation::perform(model, other);
            }
        }
    }
}

/// What a person types next after a run that is over; `None`: it is not.
pub(in crate::tui) fn next_command(model: &Model) -> Option<String> {
    let run = model.run();
    let (_, outcome, _) = run.sealed.as_ref()?;
    let tail = run.run_id()?.tail();
    let command = match outcome {
        // The database of a demo is gone with it.
        RunResult::Pass if run.is_demo() => "report",
        RunResult::Pass if run.has_guard(model.outcome.as_ref()) => "guard",
        RunResult::Pass if model.outcome.is_some() => "report",
        RunResult::Pass => "recheck",
        RunResult::ChangedByOthers => "diff",
        RunResult::Rejected
        | RunResult::Fail
        | RunResult::Incomplete
        | RunResult::MutationSuspected => "report",
    };
    Some(model.call.to(format!("{command} {tail}")))
}

fn read(model: &mut Model, subject: TextSubject) {
    let same = matches!(&model.over, Over::Reading(reading) if reading.subject == subject);
    model.over = if same {
        Over::Nothing
    } else {
        Over::Reading(OpenText::of(subject))
    };
}

/// What waits for a decision, or why nothing can be decided here.
fn decidable(model: &Model) -> Result<(ApprovalGate, &Evidence), String> {
    if let Some(why) = model.source.why_no_decision() {
        return Err(why.to_owned());
    }
    let run = model.run();
    let ended = model.ended.is_some();
    match (run.waits_at(), &run.evidence) {
        _ if ended => Err("The runner has ended. Resume the run to decide.".to_owned()),
        (Some(gate), Some(evidence)) if evidence.gate == gate && run.renewal.is_none() => {
            Ok((gate, evidence))
        }
        _ => Err("Nothing waits for a decision now.".to_owned()),
    }
}

/// Opens the approval sheet, or says why none can be opened.
pub(super) fn open_approve_sheet(model: &mut Model, at: Duration, effects: &mut Vec<ScreenEffect>) {
    let (gate, evidence) = match decidable(model) {
        Ok((gate, evidence)) => (gate, evidence.digest.clone()),
        Err(why) => {
            model.notice = Some(why);
            return;
        }
    };
    let run = model.run();
    let key = |action| keymap::key_of(KeyScope::Run, action);
    let renews = format!("{} takes new evidence.", key(Action::SurveyAgain));
    let why_not = if run.drift.is_some() || run.has_moved() {
        let shows = key(Action::Differences);
        let drifted = run.drift.as_ref().map(|drift| drift.changes.clone());
        let what = Subject::counted(&drifted.unwrap_or_else(|| run.moved()));
        Some(format!(
            "{what} moved: approving would be refused. {shows} shows it, {renews}"
        ))
    } else if run.pending_approval().is_some() {
        let pending =
            "An approval is recorded already; it takes effect once the facts are read again.";
        Some(pending.to_owned())
    } else if model.is_expired() {
        Some(format!(
            "The evidence expired: approving would be refused. {renews}"
        ))
    } else {
        None
    };
    if why_not.is_some() {
        model.notice = why_not;
        return;
    }
    if model.source == Source::Unheld {
        effects.push(ScreenEffect::TakeUp(TakeUp::Approve));
        return;
    }
    model.over = Over::Approving(ApproveSheet::open(gate, evidence.clone(), at));
    effects.push(ScreenEffect::Ask(open_sheet(model, gate, evidence)));
}

/// What the holder is asked for when a sheet is on the screen.
pub(super) fn open_sheet(model: &Model, gate: ApprovalGate, evidence: Digest) -> Ask {
    let size = TerminalSize {
        columns: model.size.width,
        rows: model.size.height,
    };
    Ask::OpenSheet {
        gate,
        evidence,
        size: Some(size),
    }
}

/// Opens the rejection sheet, or says why none can be opened.
pub(super) fn open_reject_sheet(model: &mut Model, at: Duration, effects: &mut Vec<ScreenEffect>) {
    match decidable(model) {
        Ok(_) if model.source == Source::Unheld => {
            effects.push(ScreenEffect::TakeUp(TakeUp::Reject));
        }
        Ok((gate, evidence)) => {
            let digest = evidence.digest.clone();
            model.over = Over::Rejecting(RejectSheet::open(gate, digest, at));
        }
        Err(why) => model.notice = Some(why),
    }
}

/// Has everything read again, or says why not.
pub(super) fn survey_again(model: &mut Model, effects: &mut Vec<ScreenEffect>) {
    if let Some(why) = model.source.why_no_survey() {
        model.notice = Some(why);
        return;
    }
    if model.source == Source::Unheld {
        effects.push(ScreenEffect::TakeUp(TakeUp::SurveyAgain));
        return;
    }
    let run = model.run();
    if model.ended.is_none() && run.database_lost.is_some() {
        model.notice = Some("Trying again.".to_owned());
        effects.push(ScreenEffect::Ask(Ask::SurveyAgain));
        return;
    }
    let stands = run.drift.as_ref().is_some_and(|drift| drift.gate.is_some());
    if model.ended.is_some() || (run.waits_at().is_none() && !stands) {
        model.notice = Some("Nothing waits: the facts are read again at the next stop.".to_owned());
        return;
    }
    model.notice = Some(
        if stands || run.has_moved() || model.is_expired() {
            "Taking new evidence: it needs its own approval."
        } else {
            "Reading all facts again now; the evidence stays."
        }
        .to_owned(),
    );
    effects.push(ScreenEffect::Ask(Ask::SurveyAgain));
}

/// Shown when a request was not taken: the holder's inbox is full or gone.
pub(super) const NOT_TAKEN: &str = "The runner does not take orders now. Nothing was sent.";

/// The holder did not take what was asked: what it would have changed is taken back.
pub fn not_taken(model: &mut Model, ask: &Ask) {
    model.say(NOT_TAKEN.to_owned());
    match (&mut model.over, ask) {
        (Over::Approving(sheet), Ask::Decide(_)) => sheet.unsent(),
        (Over::Approving(sheet), Ask::OpenSheet { .. }) => {
            sheet.surveyed(OwnSurvey::Failed("the runner does not answer".to_owned()));
        }
        (Over::Rejecting(sheet), Ask::Decide(_)) => sheet.sent = false,
        _ => {}
    }
}

/// Another process answered. What it recorded comes through the journal; the sheet of what it refused is closed.
pub fn answered(model: &mut Model, ask: &Ask, answer: Result<Option<String>, String>) {
    let refused = answer.is_err();
    if let Some(says) = answer.unwrap_or_else(Some) {
        model.notice = Some(says);
    }
    let on_sheet = match &model.over {
        Over::Approving(sheet) => Some((Decision::Approve, &sheet.evidence)),
        Over::Rejecting(sheet) => Some((Decision::Reject, &sheet.evidence)),
        _ => None,
    };
    let asked = on_sheet.is_some_and(|(decision, shown)| match ask {
        Ask::OpenSheet { evidence, .. } => decision == Decision::Approve && evidence == shown,
        Ask::Decide(asked) => asked.decision == decision && asked.evidence.as_ref() == Some(shown),
        Ask::Renew {} | Ask::SurveyAgain => false,
    });
    if refused && asked {
        model.over = Over::Nothing;
    }
}

/// The pane of a digit.
pub(super) fn pane_of(digit: u8) -> Option<Pane> {
    Pane::ALL.get(usize::from(digit).checked_sub(1)?).copied()
}
