//! The band under the header: whether a person is needed, and why. A pure function of the model: what happened, what would
//! change, what is different, stop and state, keys, in this order.

use ratatui::layout::Rect;

use super::{running, sealed, waiting};
use crate::run::{StopCode, exit};
use crate::tui::inbox::Source;
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::{Model, Over};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Shown, Text, Weight};

/// What a key of the band is for, and what it is said to do.
pub type BandKey = (Action, &'static str);

/// What the band says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Colour of border, title and right side.
    pub ink: Ink,
    /// `SG2   ALLOW ENACT?`
    pub title: String,
    /// What the gate carries, behind the title: `enacts ~60 of 60`. It is in no title of the terminal.
    pub carries: String,
    /// `WAITING FOR YOU since 09:17:24Z`
    pub right: String,
    /// Sentences, each on a line of its own where there is room.
    pub lines: Vec<Text>,
    /// Keys and what they do.
    pub keys: Vec<BandKey>,
    /// A person is needed: the terminal rings once.
    pub needs_person: bool,
}

impl Band {
    /// A band without keys that needs nobody.
    pub fn new(ink: Ink, title: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            ink,
            title: title.into(),
            carries: String::new(),
            right: right.into(),
            lines: Vec::new(),
            keys: Vec::new(),
            needs_person: false,
        }
    }

    /// The band with one more sentence.
    #[must_use]
    pub fn say(mut self, text: Text) -> Self {
        if !text.is_empty() {
            self.lines.push(text);
        }
        self
    }

    /// The band with what its gate carries, where that has room beside the rest of its edge.
    #[must_use]
    pub fn carrying(mut self, carries: String, width: u16) -> Self {
        let words = [&self.title, &carries, &self.right];
        let taken: usize = words.iter().map(|words| words.chars().count()).sum();
        // Corners, the blanks around both sides, and the gap.
        if taken + 12 <= usize::from(width) {
            self.carries = carries;
        }
        self
    }

    /// The band with keys.
    #[must_use]
    pub fn keys(mut self, keys: &[BandKey]) -> Self {
        self.keys = keys.to_vec();
        self
    }

    /// The band of a situation that waits for a person.
    #[must_use]
    pub fn needing_person(mut self) -> Self {
        self.needs_person = true;
        self
    }
}

/// What the band says now; `narrow` asks for the short words.
pub fn band(model: &Model, narrow: bool) -> Band {
    let run = model.run();
    if let Some((result, outcome, _)) = &run.sealed {
        return sealed::band(model, result, *outcome);
    }
    if let Some((code, says)) = &model.ended
        && let Some(ended) = ended(model, *code, says)
    {
        return ended;
    }
    // In order of urgency: the first situation that applies is the one that a person must know.
    let stands = run.drift.as_ref().filter(|drift| drift.gate.is_some());
    let band = if let Some(lost) = &run.database_lost {
        waiting::database_lost(model, lost)
    } else if run.renewal.is_some() {
        running::band(model, narrow)
    } else if let Some(drift) = stands {
        waiting::drifted(model, drift, narrow)
    } else if let (Some(gate), Some(_)) = (run.waits_at(), &run.evidence) {
        waiting::band(model, gate, narrow)
    } else {
        running::band(model, narrow)
    };
    if matches!(model.over, Over::Approving(_) | Over::Rejecting(_)) {
        return band.keys(&[(
            Action::Back,
            "leaves it waiting: on the sheet no letter is a command",
        )]);
    }
    match model.source {
        Source::Live | Source::Watching | Source::Unheld => band,
        Source::Replay => as_replayed(band),
    }
}

/// Which rows of the key table apply to the keys of the band.
pub fn scope(model: &Model) -> KeyScope {
    match model.over {
        Over::Approving(_) | Over::Rejecting(_) => KeyScope::Sheet,
        _ => model.scope(),
    }
}

/// Where nothing can be ordered, the keys that order are not offered; leaving leaves nothing waiting, and what an approver
/// saw is there itself.
fn as_replayed(mut band: Band) -> Band {
    band.keys.retain(|(does, _)| {
        !matches!(does, Action::Approve | Action::Reject | Action::SurveyAgain)
    });
    for key in &mut band.keys {
        match *key {
            (Action::Quit, _) => key.1 = "back",
            (Action::Evidence, waiting::APPROVER_SAW) => key.0 = Action::ApproversView,
            _ => {}
        }
    }
    band.needs_person = false;
    band
}

/// A run that its runner left without sealing it.
fn ended(model: &Model, code: u8, says: &[String]) -> Option<Band> {
    let stop = StopCode::ALL
        .into_iter()
        .find(|stop| stop.exit_code() == code);
    let (ink, title, right) = match stop {
        Some(StopCode::StopApprovalRequired | StopCode::StopFactsDrifted) => return None,
        Some(StopCode::StopDatabaseUnavailable) => {
            (Ink::Needed, "DATABASE UNAVAILABLE", "STOPPED, RESUMABLE")
        }
        Some(StopCode::StopStorageFailed) => (Ink::Bad, "STORAGE FAILED", "STOPPED, RESUMABLE"),
        Some(StopCode::StopEvidenceCorrupt) => (Ink::Bad, "EVIDENCE CORRUPT", "READ ONLY"),
        Some(StopCode::StopRunLocked) => (Ink::Needed, "RUN LOCKED", "ANOTHER PROCESS OWNS IT"),
        Some(StopCode::StopInterrupted) => (Ink::Needed, "INTERRUPTED", "RESUMABLE"),
        Some(stop) => (Ink::Bad, stop.name(), "STOPPED"),
        None if code == exit::SHORTAGE => (Ink::Needed, "NO MORE FILES OR PROCESSES", "RESUMABLE"),
        None => (Ink::Bad, "UNEXPECTED ERROR", "RESUMABLE"),
    };
    let mut band = Band::new(ink, title, right).keys(&[
        (Action::Open, "opens the row"),
        (Action::Differences, "differences"),
        (Action::Quit, "leave"),
    ]);
    for line in says.iter().take(2) {
        band = band.say(Text::plain(line));
    }
    let code_name = stop.map_or("stop_code=None", StopCode::name);
    Some(band.say(state_line(model, code_name)))
}

/// `SG2 STOP_APPROVAL_REQUIRED   awaiting_lifecycle_authorization   evidence 5d0e7b21..c3f91a`
pub(super) fn state_line(model: &Model, stop_code: &str) -> Text {
    let run = model.run();
    let gate = run
        .waits_at()
        .map_or_else(String::new, |gate| format!("{gate} "));
    let gap = if model.size.width < 110 { "  " } else { "   " };
    let mut text = Text::inked(Ink::Bold, format!("{gate}{stop_code}"))
        .with(Ink::Plain, format!("{gap}{}", run.state));
    if let (Some(_), Some(evidence)) = (run.waits_at(), &run.evidence) {
        let digest = if model.size.width < 110 {
            format!("..{}", evidence.digest.last_six())
        } else {
            format!(
                "evidence {}",
                super::words::evidence_short(&evidence.digest)
            )
        };
        text.push(Ink::Plain, format!("{gap}{digest}"));
    }
    text
}

/// `SG2 ALLOW ENACT? [PRODUCTION] 8a941203 drygate`: escaped, since it goes to the terminal as it is.
pub fn terminal_title(model: &Model, band: &Band) -> String {
    let words: Vec<&str> = band.title.split_whitespace().collect();
    let mut title = words.join(" ");
    if let Some(created) = &model.run().created {
        let tail = created.run_id.tail();
        title = format!("{title} [{}] {tail}", created.target.label);
    }
    title.push_str(" drygate");
    Shown::of(title).as_str().to_owned()
}

/// Draws the band in its area.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, narrow: bool) {
    let band = band(model, narrow);
    let carries = match band.carries.as_str() {
        "" => String::new(),
        carries => format!("  {carries}"),
    };
    let title = Text::inked(band.ink, &band.title).with(Ink::Plain, carries);
    let right = Text::inked(band.ink, &band.right);
    let inside = canvas.frame(area, Weight::Heavy, band.ink, &title, &right);
    let margin: u16 = if narrow { 1 } else { 3 };
    let width = inside.width.saturating_sub(2 * margin);
    if width == 0 || inside.height == 0 {
        return;
    }
    let room = usize::from(inside.height) - 1;
    let lines = fitted(canvas, &band.lines, width, room);
    let mut y = inside.y;
    let spare = room.saturating_sub(lines.len());
    if !narrow && spare >= 2 {
        y += 1;
    }
    for line in &lines {
        canvas.text(inside.x + margin, y, width, line);
        y += 1;
    }
    let gap = if narrow { "  " } else { "     " };
    let keys: Vec<_> = band
        .keys
        .iter()
        .map(|(action, does)| (key_of(scope(model), *action), *does))
        .collect();
    let keys = keys_line(&keys, gap, width.into());
    canvas.text(inside.x + margin, inside.bottom() - 1, width, &keys);
}

/// The lines, wrapped into `room` rows: each has one at least, the first ones get what is left over, what is cut is marked and
/// counted.
fn fitted(canvas: &Canvas<'_>, lines: &[Text], width: u16, room: usize) -> Vec<Text> {
    let mut spare = room.saturating_sub(lines.len());
    let mut rows = Vec::with_capacity(room);
    for line in lines.iter().take(room) {
        let mut wrapped = line.wrap(width.into());
        let kept = wrapped.len().min(1 + spare);
        spare -= kept.saturating_sub(1);
        let cut = wrapped.split_off(kept.saturating_sub(1));
        rows.extend(wrapped);
        let rest = cut
            .into_iter()
            .reduce(|one, next| one.with(Ink::Plain, " ").then(next));
        rows.extend(rest.map(|rest| rest.clip(width.into(), canvas.theme().ellipsis())));
    }
    rows
}

/// `a approve     x reject`, with less space between where there is less room, and without the last keys where there is none.
fn keys_line(keys: &[(String, &str)], gap: &str, width: usize) -> Text {
    let line = |gap: &str| {
        let mut text = Text::new();
        for (nth, (key, does)) in keys.iter().enumerate() {
            text.push(Ink::Plain, if nth > 0 { gap } else { "" });
            text.push(Ink::Bold, key);
            text.push(Ink::Plain, format!(" {does}"));
        }
        text
    };
    for gap in [gap, "   ", "  "] {
        let text = line(gap);
        if text.width() <= width {
            return text;
        }
    }
    line("  ")
}
