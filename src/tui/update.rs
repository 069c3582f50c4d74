//! The update function: a message changes the model and gives effects back. It performs nothing itself; the event loop does.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event as TerminalEvent;
use ratatui::layout::Size;

use super::approve_sheet::OwnSurvey;
use super::inbox::{LocalRequest, RunSnapshot, ScreenMessage, Source, TakeUp};
use super::model::{Model, Over};
use super::open_text::{OpenText, TextSubject};
use super::theme::Background;
use super::{change_text, diff_keys, diff_scroll, keys, replay_keys, screens};
use crate::planted::{PlantedBug, planted};
use crate::run::{ApprovalRecorded, Ask, Decision, Event, EvidenceShown, LiveRead, RecordedEvent};

/// What the loop has to do for the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenEffect {
    /// Ask the holder of the run.
    Ask(Ask),
    /// Ask this process.
    Local(LocalRequest),
    /// Put a text on the clipboard.
    Copy(String),
    /// Stop this process until it is continued.
    Suspend,
    /// Draw every cell anew.
    Redraw,
    /// Leave the screen.
    Leave,
    /// Leave the screen and take up the run.
    TakeUp(TakeUp),
}

/// Applies a message to the model; `now` is the monotonic clock, `Duration` since any beginning.
pub fn update(model: &mut Model, message: ScreenMessage, now: Duration) -> Vec<ScreenEffect> {
    let mut effects = Vec::new();
    // Keys change no text of a pane; everything else may.
    if !matches!(message, ScreenMessage::Terminal { .. }) {
        model.panes.forget();
    }
    match message {
        ScreenMessage::Recorded(event) => recorded(model, &event),
        ScreenMessage::Found(snapshot) => found(model, *snapshot),
        ScreenMessage::Opened {
            compare,
            key,
            result,
        } => {
            if let Over::Diff(view) = &mut model.over
                && view.compare == compare
            {
                view.size = model.size;
                view.came(key, result);
            }
        }
        ScreenMessage::Compared(mut view) => {
            view.size = model.size;
            model.over = Over::Diff(view);
        }
        ScreenMessage::OpenSheet => keys::open_approve_sheet(model, now, &mut effects),
        ScreenMessage::OpenRejectSheet => keys::open_reject_sheet(model, now, &mut effects),
        ScreenMessage::SurveyAgain => keys::survey_again(model, &mut effects),
        ScreenMessage::Held => {
            if model.source == Source::Unheld {
                model.source = Source::Watching;
            }
        }
        ScreenMessage::LastPass(last) => model.last_pass = Some(last),
        ScreenMessage::Reports(reports) => open_reports(model, reports),
        ScreenMessage::Background(light) => model.theme = model.theme.on(Background::of(light)),
        ScreenMessage::Outcome(seen) => model.outcome = Some(seen),
        ScreenMessage::Notes(notes) => model.notes = notes,
        ScreenMessage::Progress(progress) => model.progressed(progress, now),
        ScreenMessage::Terminal { event, at } => terminal(model, &event, at, &mut effects),
        ScreenMessage::Suspend => effects.push(ScreenEffect::Suspend),
        ScreenMessage::Resumed => {
            disarm(model, now);
            ask_sheet_again(model, &mut effects);
            effects.push(ScreenEffect::Redraw);
        }
        ScreenMessage::Ended { exit_code, says } => {
            model.progress = None;
            close_sheets(model);
            model.ended = Some((exit_code, says));
        }
        ScreenMessage::Answered { ask, answer } => keys::answered(model, &ask, answer),
        ScreenMessage::Watchers(watchers) => model.watchers = watchers,
        // The list of runs has a screen of its own.
        ScreenMessage::Runs(_) => {}
        ScreenMessage::ReplayFrame(frame) => replay_keys::take_frame(model, *frame),
        ScreenMessage::Seen(seen) => replay_keys::seen(model, *seen),
        ScreenMessage::ChangeText { sha256, result } => model.change_texts.came(sha256, result),
        ScreenMessage::Said(sentence) => model.say(sentence),
        ScreenMessage::StoreReach(reach) => model.store_reach = reach,
        ScreenMessage::Signal(_) | ScreenMessage::HungUp | ScreenMessage::TakenOver => {
            effects.push(ScreenEffect::Leave);
        }
    }
    settle(model, now);
    compare_again(model, &mut effects);
    if let Some(wanted) = change_text::wanted(model) {
        effects.push(ScreenEffect::Local(LocalRequest::ChangeText(wanted)));
    }
    effects
}

/// What follows from time and size alone: the end of the sheet is on screen, the sheet becomes READY.
pub fn settle(model: &mut Model, now: Duration) {
    let visible = match &model.over {
        Over::Approving(sheet) => screens::approve_sheet::end_is_visible(model, sheet),
        _ => false,
    };
    let expired = model.is_expired();
    if let Over::Approving(sheet) = &mut model.over {
        if visible {
            // A sheet counts as read once its last line was on screen, also when it is scrolled back.
            sheet.show_end();
        }
        if !expired {
            sheet.arm(now);
        }
    }
}

/// An open comparison follows the run and its notes, and asks for the document it shows.
fn compare_again(model: &mut Model, effects: &mut Vec<ScreenEffect>) {
    let Over::Diff(view) = &mut model.over else {
        return;
    };
    if view.is_stale {
        view.is_stale = false;
        view.refresh(&model.history, model.last_pass.as_deref());
    }
    if let Some((now, _)) = model.history.last() {
        model.notes.iter_mut().for_each(|note| note.head_is(now));
    }
    if view.notes != model.notes {
        view.notes.clone_from(&model.notes);
    }
    diff_keys::ask(view, effects);
}

fn terminal(
    model: &mut Model,
    event: &TerminalEvent,
    at: Duration,
    effects: &mut Vec<ScreenEffect>,
) {
    match event {
        TerminalEvent::Key(key) => keys::pressed(model, key, at, effects),
        // Bracketed paste arrives as one event, so it can be told from typing for certain.
        TerminalEvent::Paste(text) => match &mut model.over {
            Over::Approving(sheet) if planted(PlantedBug::AcceptPaste) => {
                text.chars().for_each(|c| sheet.character(c, at));
            }
            Over::Approving(sheet) => sheet.pasted(at),
            Over::Rejecting(sheet) => sheet.pasted(text, at),
            _ => {}
        },
        TerminalEvent::Resize(width, height) => {
            model.size = Size::new(*width, *height);
            if let Over::Diff(view) = &mut model.over {
                view.size = model.size;
                diff_scroll::laid_out_anew(view);
            }
            disarm(model, at);
        }
        TerminalEvent::FocusGained | TerminalEvent::FocusLost | TerminalEvent::Mouse(_) => {}
    }
}

/// Shows the reports that came, from the one that has every section and names the others.
fn open_reports(model: &mut Model, reports: Arc<Vec<(String, String)>>) {
    let mut names = reports.iter().map(|(name, _)| name);
    let first = names.position(|name| name.starts_with("07-")).unwrap_or(0);
    model.reports = reports;
    model.over = Over::Reading(OpenText::of(TextSubject::Report(first)));
}

fn disarm(model: &mut Model, now: Duration) {
    if let Over::Approving(sheet) = &mut model.over {
        sheet.disarm(now);
    }
}

/// After a suspension the facts are read again: nobody knows how long it was.
fn ask_sheet_again(model: &mut Model, effects: &mut Vec<ScreenEffect>) {
    let Over::Approving(sheet) = &mut model.over else {
        return;
    };
    if sheet.is_sent() || sheet.survey == OwnSurvey::Asked {
        return;
    }
    sheet.surveyed(OwnSurvey::Asked);
    let (gate, evidence) = (sheet.gate, sheet.evidence.clone());
    effects.push(ScreenEffect::Ask(keys::open_sheet(model, gate, evidence)));
}

fn close_sheets(model: &mut Model) {
    if matches!(model.over, Over::Approving(_) | Over::Rejecting(_)) {
        model.over = Over::Nothing;
    }
}

fn recorded(model: &mut Model, recorded: &RecordedEvent) {
    let event = &*recorded.event;
    let history = Arc::make_mut(&mut model.history);
    if let Err(illegal) = history.take_recorded(recorded) {
        model.say(illegal.to_string());
        return;
    }
    run_moved(model);
    match event {
        Event::RunCreated(created) => model.theme = model.theme.with_target(&created.target.color),
        Event::RunResumed(_) => model.ended = None,
        Event::EvidenceTaken(_)
        | Event::DriftFound(_)
        | Event::LiveRead(LiveRead { complete: true, .. }) => announced_has_come(model),
        Event::SurveyTaken(_)
        | Event::CopyListed(_)
        | Event::ChangeRehearsed(_)
        | Event::GateFinished(_)
        | Event::StateChanged(_)
        | Event::StopRaised(_) => model.progress = None,
        _ => {}
    }
    tell_sheet(model, event);
    close_settled_sheet(model);
}

/// Takes the run as it is now. A watching screen has no work of its own whose progress an event could end.
fn found(model: &mut Model, found: RunSnapshot) {
    model.history = found.history;
    if let Some(last) = found.last_pass {
        model.last_pass = Some(last);
    }
    if let Some(created) = &model.run().created {
        model.theme = model.theme.with_target(&created.target.color);
    }
    run_moved(model);
    for event in &found.sheet_events {
        tell_sheet(model, event);
    }
    close_settled_sheet(model);
}

/// What is computed from the run is to be computed anew.
fn run_moved(model: &mut Model) {
    if let Over::Diff(view) = &mut model.over {
        view.is_stale = true;
    }
    model.claims_stale = true;
}

/// What `r` announced is no longer said. Where `r` announces nothing, the answer to a decision stays until the next key.
fn announced_has_come(model: &mut Model) {
    if model.source.why_no_survey().is_none() {
        model.notice = None;
    }
}

/// Whether an open sheet must see an event: the sheet shows more than the folded run holds.
pub fn is_about_sheet(event: &Event) -> bool {
    matches!(
        event,
        Event::EvidenceShown(_)
            | Event::LiveRead(_)
            | Event::ProgramReplaced(_)
            | Event::RepositoryMoved(_)
            | Event::ChangeRead(_)
            | Event::ChangeMoved(_)
            | Event::CopyListed(_)
            | Event::ChangeRehearsed(_)
            | Event::ApprovalRecorded(_)
            | Event::ApprovalRefused(_)
    )
}

/// The open sheet follows its own survey, and closes when its question was answered.
fn tell_sheet(model: &mut Model, event: &Event) {
    if !is_about_sheet(event) {
        return;
    }
    let answered = match event {
        Event::ApprovalRefused(_) => true,
        Event::ApprovalRecorded(ApprovalRecorded { decision, .. }) => match &model.over {
            Over::Approving(_) => *decision != Decision::Withdraw,
            _ => *decision == Decision::Reject,
        },
        _ => false,
    };
    if answered {
        close_sheets(model);
    }
    let moved = model.run().moved().len();
    let Over::Approving(sheet) = &mut model.over else {
        return;
    };
    if moved > 0 {
        // Whatever was equal in the last read: server, code and program count as well.
        return sheet.surveyed(OwnSurvey::Moved(moved));
    }
    match event {
        Event::EvidenceShown(EvidenceShown { evidence, .. })
            if *evidence == sheet.evidence && sheet.survey == OwnSurvey::Asked =>
        {
            sheet.surveyed(OwnSurvey::Reading);
        }
        Event::LiveRead(LiveRead {
            complete,
            failed,
            read_at,
            ..
        }) => {
            // Only a full read that began after the sheet was journalled as shown; a read that was under way before is not the
            // sheet's own. What moved counts in any read.
            let own = *complete && sheet.survey != OwnSurvey::Asked;
            match failed {
                Some(why) if own => sheet.surveyed(OwnSurvey::Failed(why.clone())),
                None if own => sheet.surveyed(OwnSurvey::Equal(*read_at)),
                _ => {}
            }
        }
        _ => {}
    }
}

/// A sheet whose question is no longer open closes.
fn close_settled_sheet(model: &mut Model) {
    let (gate, evidence) = match &model.over {
        Over::Approving(sheet) => (sheet.gate, &sheet.evidence),
        Over::Rejecting(sheet) => (sheet.gate, &sheet.evidence),
        _ => return,
    };
    let current = model.run().evidence.as_ref().map(|e| &e.digest);
    if model.run().waits_at() != Some(gate) || current != Some(evidence) {
        model.over = Over::Nothing;
    }
}
