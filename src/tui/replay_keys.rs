//! Keys that control a replay, and the replay's answers. A key only sends a `PlaybackCommand`; the moment comes back as a
//! `ReplayFrame`.

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::layout::Size;

use super::approve_sheet::ApproveSheet;
use super::inbox::{LocalRequest, Source};
use super::keymap::{self, Action, KeyScope};
use super::model::{ApproverScreen, Model, Over, Pane};
use super::navigation;
use super::open_text::{OpenText, TextSubject};
use super::playback::{PlaybackCommand, ReplayFrame};
use super::screens;
use super::typing::{self, TypedKey};
use super::update::ScreenEffect;
use crate::run::{Decision, DecisionContext};

/// Sends the command of a key of the replay; `false`: the key is none of them.
pub(super) fn perform(model: &mut Model, action: Action, effects: &mut Vec<ScreenEffect>) -> bool {
    let command = match action {
        Action::PlayPause => PlaybackCommand::Toggle,
        Action::StepForward => PlaybackCommand::Step(1),
        Action::StepBack => PlaybackCommand::Step(-1),
        Action::NextStop => PlaybackCommand::Halt { forward: true },
        Action::PreviousStop => PlaybackCommand::Halt { forward: false },
        Action::Faster => PlaybackCommand::Faster,
        Action::Slower => PlaybackCommand::Slower,
        Action::ToggleWaits => PlaybackCommand::Waits,
        Action::ApproversView => PlaybackCommand::Seen,
        Action::GoTo => {
            model.over = Over::GoingTo(String::new());
            return true;
        }
        Action::ToggleTimeline => {
            // Where the pane is not on screen, the key brings it there.
            let is_shown = navigation::is_on_screen(model, Pane::Events);
            model.shows_timeline = !model.shows_timeline || !is_shown;
            if !is_shown {
                model.focus = Pane::Events;
                model.enlarged = false;
            }
            let events = &mut model.views[Pane::Events.index()];
            events.follow = true;
            return true;
        }
        _ => return false,
    };
    effects.push(ScreenEffect::Local(LocalRequest::Replay(command)));
    true
}

/// A key while a place to go to is typed.
pub(super) fn on_going_to(model: &mut Model, key: &KeyEvent, effects: &mut Vec<ScreenEffect>) {
    let Over::GoingTo(text) = &mut model.over else {
        return;
    };
    let quits = keymap::action(KeyScope::Replay, key) == Some(Action::Quit);
    match typing::edit(text, key) {
        TypedKey::Confirmed => {
            let text = std::mem::take(text);
            model.over = Over::Nothing;
            if !text.trim().is_empty() {
                effects.push(ScreenEffect::Local(LocalRequest::Replay(
                    PlaybackCommand::GoTo(text),
                )));
            }
        }
        TypedKey::Left => model.over = Over::Nothing,
        TypedKey::Nothing if quits => model.over = Over::Nothing,
        TypedKey::Edited | TypedKey::Nothing => {}
    }
}

/// A key while the approver's screen is looked at.
pub(super) fn on_seen(model: &mut Model, key: &KeyEvent, effects: &mut Vec<ScreenEffect>) {
    let Over::Seen(seen) = &mut model.over else {
        return;
    };
    let hidden = seen.model.size.height.saturating_sub(model.size.height - 1);
    match keymap::action(KeyScope::Replay, key) {
        Some(Action::Down) => seen.top = (seen.top + 1).min(hidden),
        Some(Action::Up) => seen.top = seen.top.saturating_sub(1),
        Some(Action::PageDown | Action::HalfDown | Action::Last) => seen.top = hidden,
        Some(Action::PageUp | Action::HalfUp | Action::First) => seen.top = 0,
        Some(Action::Suspend) => effects.push(ScreenEffect::Suspend),
        Some(Action::Redraw) => effects.push(ScreenEffect::Redraw),
        Some(Action::Back | Action::ApproversView | Action::Quit)
            if key.kind == KeyEventKind::Press =>
        {
            model.over = Over::Nothing;
        }
        _ => {}
    }
}

/// The replay stands at a moment.
pub(super) fn take_frame(model: &mut Model, frame: ReplayFrame) {
    let ReplayFrame {
        history,
        last_pass,
        playback,
    } = frame;
    let moved = model.history.last() != history.last();
    if let Some(created) = &history.run().created {
        model.theme = model.theme.with_target(&created.target.color);
    }
    model.now = playback.now;
    model.playback = Some(Box::new(playback));
    // Only speed or play state changed: nothing of the run has to be computed again.
    if !moved {
        return;
    }
    model.history = history;
    model.last_pass = last_pass;
    model.claims_stale = true;
    match &mut model.over {
        Over::Diff(view) => view.is_stale = true,
        Over::Seen(_) => model.over = Over::Nothing,
        _ => {}
    }
}

/// The screen of an approver, at its own size, with the sheet as it stood when Enter was pressed.
pub(super) fn seen(model: &mut Model, seen: DecisionContext) {
    let recorded = seen.size.filter(|size| size.can_be_drawn());
    let size = recorded.map_or(model.size, |size| Size::new(size.columns, size.rows));
    let word = match seen.decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
        Decision::Withdraw => "withdrawn",
    };
    let sheet = match (seen.decision, seen.equal_at) {
        (Decision::Approve, Some(at)) => {
            let sheet = ApproveSheet::decided(seen.gate, seen.evidence.clone(), at);
            Over::Approving(sheet)
        }
        (Decision::Reject, _) => Over::Nothing,
        // Who named a digest on a command line has read the document behind it, or not: no sheet was on a screen.
        _ => Over::Reading(OpenText::of(TextSubject::Evidence)),
    };
    let how = match (&sheet, recorded) {
        (Over::Approving(_), Some(size)) => format!("  on {}x{}", size.columns, size.rows),
        (Over::Approving(_), None) => "  (the size of that terminal was not recorded)".to_owned(),
        (Over::Nothing, _) => String::new(),
        _ => "  by command, which named this evidence".to_owned(),
    };
    let says = format!(
        "{} {word} by {} {}{how}",
        seen.gate,
        seen.by.name(),
        seen.at.clock()
    );
    let mut then = Model::new(Source::Replay, seen.by, model.theme, size, seen.at);
    then.history = seen.history;
    then.over = sheet;
    to_the_end(&mut then);
    then.refresh();
    model.over = Over::Seen(Box::new(ApproverScreen {
        says,
        model: then,
        top: 0,
    }));
}

/// The last line of the sheet was on screen, or it could not have approved.
fn to_the_end(then: &mut Model) {
    let last = match &then.over {
        Over::Approving(sheet) => {
            let (room, lines) = screens::approve_sheet::extent(then, sheet);
            lines.saturating_sub(room)
        }
        _ => return,
    };
    if let Over::Approving(sheet) = &mut then.over {
        sheet.top = last;
    }
}
