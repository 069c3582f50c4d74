//! The lines below the list of runs: the chosen run whole, and what Enter does. Of a run that cannot be read it says why, and
//! what to do.

use ratatui::layout::Rect;

use super::picker_rows::mark;
use crate::run::{Overview, RunRow, RunStatus, span};
use crate::survey::UtcTime;
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::picker::Picker;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Draws the lines of the chosen run.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, picker: &Picker) {
    let Some(row) = picker.chosen_row() else {
        canvas.frame(area, Weight::Light, Ink::Dim, &Text::new(), &Text::new());
        return;
    };
    let theme = match &row.standing {
        RunStatus::Run(run) => picker.theme.with_target(&run.target_color),
        _ => picker.theme,
    };
    let mut canvas = canvas.in_theme(&theme);
    let title = Text::inked(Ink::Bold, &row.name);
    let does = Text::inked(
        Ink::Plain,
        format!("{} ", key_of(KeyScope::Runs, Action::Open)),
    )
    .with(Ink::Bold, does(row));
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &does);
    let width = inside.width.saturating_sub(2);
    let lines = match &row.standing {
        RunStatus::Run(run) => of_run(run, picker.now, mark(row).1, inside.height > 3),
        other => reason(other, mark(row).1),
    };
    let wrapped: Vec<Text> = lines.iter().flat_map(|l| l.wrap(width.into())).collect();
    let shown: Vec<Text> = if wrapped.len() <= inside.height.into() {
        wrapped
    } else {
        // A line that was left out would be missing without a mark.
        let clip = |line: Text| line.clip(width.into(), theme.ellipsis());
        lines.into_iter().map(clip).collect()
    };
    for (y, line) in (inside.y..inside.bottom()).zip(shown) {
        canvas.text(inside.x + 1, y, width, &line);
    }
}

/// What Enter does to it.
fn does(row: &RunRow) -> &'static str {
    match &row.standing {
        RunStatus::Run(run) if run.result.is_some() => "replays it",
        RunStatus::Run(run) if run.demo => "replays it, or watches it",
        RunStatus::Run(run) if run.waits_at.is_some() => "opens it to decide",
        RunStatus::Run(_) => "takes it up, or watches it",
        RunStatus::Foreign { .. } | RunStatus::NeverBegun { .. } => "says what it is",
        RunStatus::Damaged { .. } | RunStatus::Newer { .. } | RunStatus::Unreadable { .. } => {
            "verifies it"
        }
    }
}

fn reason(standing: &RunStatus, ink: Ink) -> Vec<Text> {
    let key = |action| key_of(KeyScope::Runs, action);
    let next = match standing {
        RunStatus::Damaged { .. } => format!(
            "Kept as it is, read only. {} says what else does not verify.",
            key(Action::Verify)
        ),
        RunStatus::Newer { .. } => {
            "Nothing is wrong with it: open it with the drygate that wrote it, or a newer one."
                .to_owned()
        }
        RunStatus::Foreign { .. } => {
            "drygate did not make it, reads nothing of it and will not remove it.".to_owned()
        }
        RunStatus::NeverBegun { .. } => "There is nothing to take up, nor to verify.".to_owned(),
        _ => format!(
            "Once it can be read, {} looks again.",
            key(Action::LookAgain)
        ),
    };
    let head = Text::inked(ink, standing.name()).with(Ink::Plain, ": ");
    let head = head.with(Ink::Plain, standing.reason().unwrap_or_default());
    vec![head, Text::plain(next)]
}

fn of_run(run: &Overview, now: UtcTime, ink: Ink, tall: bool) -> Vec<Text> {
    let stop = run.stop_code.map_or("stop_code=None", |code| code.name());
    let result = match &run.result {
        Some((result, _)) => Text::inked(ink, result),
        None => Text::inked(ink, run.situation()),
    };
    let mut first = result.with(Ink::Plain, format!("   {stop}"));
    if tall {
        first.push(Ink::Plain, format!("   {}", run.state));
    }
    if run.drifted {
        first.push(Ink::Drift, "   ! facts differed");
    }
    if let Some(came) = run.carried_out {
        first.push(Ink::Bold, format!("   the change: {}", came.words()));
    }
    let (user, host) = (run.started_by.name(), &run.started_by.host);
    let target = Text::inked(Ink::Target, format!("[{}]", run.target_label))
        .with(Ink::Plain, format!(" {}   ", run.target));
    let clock = |at: UtcTime| format!("{} {}", at.date(), at.clock());
    let lasted = format!(
        "started {} by {user}@{host}   last event {}   lasted {}   {} records",
        clock(run.started_at),
        run.last_at.clock(),
        span(run.lasted_s()),
        run.records
    );
    let mut lines = vec![first, people(run, now, tall)];
    if tall {
        let target = target.with(Ink::Plain, format!("profile {}", run.profile));
        lines.extend([target, Text::plain(lasted)]);
    } else {
        let who = format!("{}   {user}@{host}", run.profile);
        lines.push(target.with(Ink::Plain, who));
    }
    lines
}

/// Who decided, and since when it waits for whom.
fn people(run: &Overview, now: UtcTime, tall: bool) -> Text {
    let mut parts: Vec<String> = run
        .approvals
        .iter()
        .map(|(gate, by, at)| format!("{gate} approved by {} {}", by.name(), at.clock()))
        .collect();
    if let Some((user, reason)) = &run.rejection {
        parts.push(format!("rejected by {user}: {reason}"));
    }
    if let (Some(gate), Some(since)) = (run.waits_at, run.waiting_since()) {
        let waited = run.waits_for_s(now).map_or_else(String::new, span);
        parts.push(format!("{gate} waits since {} ({waited})", since.clock()));
    }
    if let Some((digest, expires_at)) = run
        .evidence
        .as_ref()
        .filter(|_| !run.demo && !run.drift_stands)
    {
        let expires = if *expires_at <= now {
            "expired"
        } else {
            "good until"
        };
        let clock = expires_at.clock_minutes();
        parts.push(if tall {
            let evidence = super::words::evidence_short(digest);
            format!("evidence {evidence} {expires} {clock}")
        } else {
            format!("{expires} {clock}")
        });
    }
    if parts.is_empty() {
        parts.push("nobody has decided anything".to_owned());
    }
    Text::plain(parts.join("   "))
}
