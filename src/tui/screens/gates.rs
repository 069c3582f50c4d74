//! Pane 1: the gates, and under G3 approvals and simulated steps. A gate without a verdict shows none.

use super::pane::{PaneRow, PaneText};
use crate::audit::g3_count;
use crate::run::{
    ApprovalGate, ApprovalStatus, Decision, Gate, NonMutationVerdict, RunState, State, Verdict,
    counted,
};
use crate::simulate::{SimulatedStep, StepCounts};
use crate::survey::UtcTime;
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::{Glyph, Ink, Theme};
use crate::tui::widgets::Text;

/// What a row says that was still to come when the run ended.
const NOT_REACHED: &str = "not reached";

/// The rows of the pane for an inner width.
pub(super) fn text(model: &Model, width: usize) -> PaneText {
    let width = width.saturating_sub(2);
    let mut rows = Vec::new();
    for gate in Gate::ALL {
        rows.push(gate_row(model, gate, width));
        if gate == Gate::G3 {
            orchestration(model, width, &mut rows);
        }
    }
    // Below this height the rows of the pane itself need the room; the totals move to its frame.
    let roomy = model.size.height >= 44;
    if roomy {
        rows.push(PaneRow::default());
        rows.push(PaneRow::only(totals(model.run())));
        rows.push(PaneRow::only(Text::inked(
            Ink::Dim,
            format!(
                "{} opens a gate: its checks, raw values",
                key_of(model.scope(), Action::Open)
            ),
        )));
    }
    let (right, below) = if roomy {
        (Text::new(), Text::new())
    } else {
        totals_on_edges(model.run(), width)
    };
    PaneText {
        rests_on: rests_on(model.run(), &rows),
        title: "GATES",
        right,
        below,
        rows,
        ..PaneText::default()
    }
}

/// A run that ended otherwise than PASS rests on the gate that says why: Enter opens it.
fn rests_on(run: &RunState, rows: &[PaneRow]) -> usize {
    let ended = |verdict| {
        let of = |gate: &Gate| run.gates.get(gate).and_then(|run| run.finished);
        Gate::ALL
            .into_iter()
            .find(|gate| of(gate).is_some_and(|(found, _)| found == verdict))
    };
    let why = run
        .sealed
        .as_ref()
        // A failure explains the result better than a gap does.
        .and_then(|_| ended(Verdict::Fail).or_else(|| ended(Verdict::NotChecked)));
    let row = why.and_then(|gate| {
        let opens = Some(TextSubject::Gate(gate));
        rows.iter().position(|row| row.opens == opens)
    });
    row.unwrap_or(0)
}

fn mark(theme: Theme, glyph: Glyph, ink: Ink) -> Text {
    Text::inked(ink, theme.glyph(glyph))
}

/// Mark and colour of a verdict.
pub(super) fn verdict_mark(theme: Theme, verdict: Verdict) -> Text {
    match verdict {
        Verdict::Pass => mark(theme, Glyph::Done, Ink::Good),
        Verdict::Fail => mark(theme, Glyph::Alarm, Ink::Bad),
        Verdict::NotChecked | Verdict::OutOfScope => mark(theme, Glyph::Busy, Ink::Plain),
        Verdict::NotAsked => mark(theme, Glyph::Busy, Ink::Dim),
    }
}

/// How far a gate is, and its verdict.
fn gate_mark(model: &Model, gate: Gate) -> Text {
    match model.run().gates.get(&gate).map(|run| run.finished) {
        Some(Some((verdict, _))) => verdict_mark(model.theme, verdict),
        Some(None) => mark(model.theme, Glyph::Here, now_ink(model)),
        None => mark(model.theme, Glyph::Coming, Ink::Dim),
    }
}

/// All gates in one line, neighbours of one mark together: `G0-2 ✓  G3 ▸  G4-6 ·`.
pub(super) fn one_line(model: &Model) -> Text {
    let marks: Vec<(Gate, Text)> = Gate::ALL.map(|gate| (gate, gate_mark(model, gate))).into();
    let mut line = Text::new();
    for alike in marks.chunk_by(|(_, one), (_, next)| one == next) {
        let [(first, mark), ..] = alike else { continue };
        let gap = if line.is_empty() { "" } else { "  " };
        let name = match alike {
            [.., (last, _)] if last != first => {
                format!("{first}-{}", last.name().trim_start_matches('G'))
            }
            _ => first.to_string(),
        };
        line = line
            .with(Ink::Plain, format!("{gap}{name} "))
            .then(mark.clone());
    }
    line
}

fn gate_row(model: &Model, gate: Gate, width: usize) -> PaneRow {
    let run = model.run().gates.get(&gate);
    let words = model.run().words();
    let begun_mark = gate_mark(model, gate);
    let ink = if run.is_some() { Ink::Plain } else { Ink::Dim };
    let (title, gap) = if width >= 36 {
        (words.title(gate), "  ")
    } else {
        (words.short_title(gate), " ")
    };
    let count = count(gate, run, g3_count(model.run()));
    let tail = if width >= 36 { 8 } else { 5 };
    let left = begun_mark
        .with(ink, format!(" {gate}{gap}{title}"))
        .to_column(width.saturating_sub(tail));
    PaneRow::new(left.then(count.right(tail)), TextSubject::Gate(gate))
}

/// `6/6`; `5/8` where checks are still to come; a verdict word where it is not PASS.
fn count(gate: Gate, run: Option<&crate::run::GateRun>, total: usize) -> Text {
    let Some(run) = run else {
        return Text::inked(Ink::Dim, "-");
    };
    let passed = run
        .checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Pass | Verdict::OutOfScope))
        .count();
    let total = match gate {
        // The checks of G3 are recorded as the run goes on, so its total is known before they are.
        Gate::G3 if run.finished.is_none() && !run.checks.is_empty() => total,
        // What is not asked is in no count.
        _ => {
            let asked = |check: &&crate::run::Check| check.verdict != Verdict::NotAsked;
            run.checks.iter().filter(asked).count()
        }
    };
    let text = format!("{passed}/{total}");
    match run.finished.map(|(verdict, _)| verdict) {
        Some(Verdict::Fail) => Text::inked(Ink::Bad, text),
        Some(Verdict::Pass) => Text::inked(Ink::Good, text),
        None if run.checks.is_empty() => Text::plain("..."),
        _ => Text::plain(text),
    }
}

/// The colour of what is going on: amber where a person is waited for, magenta where facts drifted, else blue.
fn now_ink(model: &Model) -> Ink {
    let run = model.run();
    if run.drift.is_some() {
        Ink::Drift
    } else if run.waits_at().is_some() && run.pending_approval().is_none() {
        Ink::Needed
    } else {
        Ink::Running
    }
}

fn orchestration(model: &Model, width: usize, rows: &mut Vec<PaneRow>) {
    let changes = model.run().change().is_some();
    if !model.run().simulates() {
        for gate in [ApprovalGate::SG1, ApprovalGate::SG2] {
            rows.push(approval_row(model, gate, width));
            rows.extend(changes.then(|| rehearsal_row(model, gate, width)));
        }
        rows.push(closeout_row(model, width));
        return;
    }
    rows.push(approval_row(model, ApprovalGate::SG1, width));
    for step in [SimulatedStep::Cut, SimulatedStep::Verify] {
        rows.push(step_row(model, step, width));
    }
    rows.push(approval_row(model, ApprovalGate::SG2, width));
    if width >= 36 {
        rows.push(step_row(model, SimulatedStep::Enact, width));
        rows.push(closeout_row(model, width));
    } else {
        rows.push(enact_and_closeout(model));
    }
}

/// The last step and the closeout in one row, so that all gates have room on 24 lines.
/// The rehearsal that follows an approval.
fn rehearsal_row(model: &Model, gate: ApprovalGate, width: usize) -> PaneRow {
    let run = model.run();
    let done = run.rehearsal_of(gate);
    let outcome = done.and_then(|done| done.outcome.as_deref());
    let (glyph, ink, says) = match (done, outcome) {
        (None, _) if run.ended_early() => (Glyph::Coming, Ink::Dim, NOT_REACHED.to_owned()),
        (None, _) => (Glyph::Coming, Ink::Dim, format!("after {gate}")),
        (Some(_), None) => (Glyph::Alarm, Ink::Bad, "not rehearsed".to_owned()),
        (Some(_), Some(outcome)) if outcome.script.error.is_some() => {
            (Glyph::Alarm, Ink::Bad, "the change FAILED".to_owned())
        }
        (Some(_), Some(outcome)) => {
            let tables = counted(outcome.effect.len(), "table");
            let says = format!("{} rows in {tables}", outcome.rows());
            (Glyph::Done, Ink::Plain, says)
        }
    };
    let mut text = sub(model, glyph, ink, ink, "rehearsal");
    if width >= 36 {
        text = text.to_column(14).then(Text::inked(ink, says));
    }
    PaneRow::new(text, TextSubject::Rehearsal)
}

fn enact_and_closeout(model: &Model) -> PaneRow {
    let judged = model.run().non_mutation.is_some();
    let mut steps = model.run().steps.iter();
    let done = steps.find(|done| done.step == SimulatedStep::Enact);
    let (glyph, mark_ink) = closeout_mark(model.run());
    let ink = if done.is_some() { Ink::Plain } else { Ink::Dim };
    let name = model.run().words().step(SimulatedStep::Enact);
    let text = sub(model, glyph, mark_ink, ink, name);
    let text = match done {
        Some(done) => {
            let (reached, units) = enacted(&done.counts);
            let ink = if reached == units {
                Ink::Simulated
            } else {
                Ink::Bad
            };
            text.with(Ink::Plain, " ")
                .with(ink, format!("~{reached}/{units}"))
        }
        None => text,
    };
    let opens = if judged {
        TextSubject::Claim(crate::run::ClaimName::B)
    } else {
        TextSubject::Step(SimulatedStep::Enact)
    };
    PaneRow::new(text.with(ink, ", closeout"), opens)
}

fn sub(model: &Model, glyph: Glyph, mark_ink: Ink, ink: Ink, name: &str) -> Text {
    Text::plain("  ")
        .with(mark_ink, model.theme.glyph(glyph))
        .with(ink, format!(" {name}"))
}

fn columns(width: usize, name: Text, middle: Text, last: Text) -> Text {
    if width >= 36 {
        // A label of the profile may be longer than those of the built-in one.
        let first = (name.width() + 1).max(21);
        name.to_column(first)
            .then(middle.to_column(8))
            .then(last.clip(width.saturating_sub(first + 8), "…"))
    } else {
        name.to_column(width.saturating_sub(6))
            .then(middle.right(6))
    }
}

fn approval_row(model: &Model, gate: ApprovalGate, width: usize) -> PaneRow {
    let run = model.run();
    let name = format!(
        "{gate}{}{}",
        if width >= 36 { "  " } else { " " },
        run.gate_label(gate)
    );
    let drifted = run.drift.as_ref().filter(|drift| drift.gate == Some(gate));
    let last = run
        .approvals
        .iter()
        .rev()
        // A withdrawn approval leaves the gate as if it had never been given.
        .find(|approval| approval.gate == gate && approval.status != ApprovalStatus::Withdrawn);
    let since = |at: Option<UtcTime>| Text::plain(at.map_or_else(String::new, UtcTime::clock));
    let (text, who, when) = if let Some(drift) = drifted {
        let text = sub(model, Glyph::Alarm, Ink::Drift, Ink::Plain, &name);
        (
            text,
            Text::inked(Ink::Drift, "drift"),
            since(Some(drift.at)),
        )
    } else if run.waits_at() == Some(gate) && run.pending_approval().is_none() {
        let text = sub(model, Glyph::Here, Ink::Needed, Ink::Bold, &name);
        (
            text,
            Text::inked(Ink::Needed, "YOU"),
            since(run.state_since),
        )
    } else {
        match last.filter(|approval| approval.status != ApprovalStatus::Void) {
            Some(approval) => {
                let (glyph, ink) = match (approval.decision, approval.status) {
                    (Decision::Reject, _) => (Glyph::Alarm, Ink::Needed),
                    (_, ApprovalStatus::Pending) => (Glyph::Here, Ink::Running),
                    _ => (Glyph::Done, Ink::Plain),
                };
                let text = sub(model, glyph, ink, Ink::Plain, &name);
                (
                    text,
                    Text::plain(approval.by.name()),
                    since(Some(approval.at)),
                )
            }
            None => (
                sub(model, Glyph::Coming, Ink::Dim, Ink::Dim, &name),
                Text::new(),
                Text::new(),
            ),
        }
    };
    PaneRow::new(columns(width, text, who, when), TextSubject::Approval(gate))
}

fn step_row(model: &Model, step: SimulatedStep, width: usize) -> PaneRow {
    let done = model.run().steps.iter().find(|done| done.step == step);
    let name = model.run().words().step(step);
    let text = match done {
        None => {
            let after = if step == SimulatedStep::Enact {
                "SG2"
            } else {
                "SG1"
            };
            let name = sub(
                model,
                Glyph::Coming,
                Ink::Dim,
                Ink::Dim,
                &format!("{name:<7}"),
            );
            if width >= 36 {
                let says = if model.run().ended_early() {
                    NOT_REACHED.to_owned()
                } else {
                    format!("simulated after {after}")
                };
                name.with(Ink::Dim, format!(" {says}"))
            } else {
                name
            }
        }
        Some(done) => {
            let counts = &done.counts;
            let [would, already] = &model.run().words().would;
            // All units of the simulation; each step must account for every one of them.
            let units = counts.verified.get() + counts.unverified.get();
            let (reached, says) = match step {
                SimulatedStep::Cut => (
                    counts.would_insert.get() + counts.already_present.get(),
                    match *counts.would_insert.get() {
                        0 => "all already_present".to_owned(),
                        _ => format!("{} would_insert", counts.would_insert),
                    },
                ),
                SimulatedStep::Verify => (
                    *counts.verified.get(),
                    match *counts.unverified.get() {
                        0 => "no gap, no double".to_owned(),
                        _ => format!("{} not equal", counts.unverified),
                    },
                ),
                SimulatedStep::Enact => (
                    enacted(counts).0,
                    match *counts.would_enact.get() {
                        0 => format!("all {already}"),
                        _ => format!("{} {would}", counts.would_enact),
                    },
                ),
            };
            let (glyph, ink) = if reached == units {
                (Glyph::Done, Ink::Plain)
            } else {
                (Glyph::Alarm, Ink::Bad)
            };
            let text = sub(model, glyph, ink, Ink::Plain, &format!("{name:<7} "))
                .with(Ink::Simulated, format!("~{reached}/{units}"));
            if width >= 36 {
                text.to_column(21)
                    .then(Text::plain(says).clip(width.saturating_sub(21), "…"))
            } else {
                text
            }
        }
    };
    PaneRow::new(text, TextSubject::Step(step))
}

/// Units that the step leaves enacted, and all units of the simulation.
fn enacted(counts: &StepCounts) -> (u64, u64) {
    (
        counts.would_enact.get() + counts.already_enacted.get(),
        counts.verified.get() + counts.unverified.get(),
    )
}

/// Mark of the closeout, and its colour.
fn closeout_mark(run: &RunState) -> (Glyph, Ink) {
    match run.non_mutation.as_ref().map(|judged| judged.verdict) {
        Some(NonMutationVerdict::Proven) => (Glyph::Done, Ink::Plain),
        Some(NonMutationVerdict::ChangedByOthers) => (Glyph::Alarm, Ink::Drift),
        Some(NonMutationVerdict::Unproven | NonMutationVerdict::MutationSuspected) => {
            (Glyph::Alarm, Ink::Bad)
        }
        None if matches!(run.state, State::EnactSimulated | State::PostSurveyed) => {
            (Glyph::Here, Ink::Running)
        }
        None => (Glyph::Coming, Ink::Dim),
    }
}

fn closeout_row(model: &Model, width: usize) -> PaneRow {
    let run = model.run();
    let (glyph, mark_ink) = closeout_mark(run);
    let says = match &run.non_mutation {
        Some(judged) => judged.verdict.name(),
        None if run.ended_early() => NOT_REACHED,
        None => "second survey",
    };
    let ink = if glyph == Glyph::Coming {
        Ink::Dim
    } else {
        Ink::Plain
    };
    let text = sub(model, glyph, mark_ink, ink, "closeout");
    let says_ink = if run.non_mutation.is_some() {
        Ink::Plain
    } else {
        Ink::Dim
    };
    let text = if width >= 36 {
        text.to_column(21).then(Text::inked(says_ink, says))
    } else {
        text
    };
    PaneRow::new(text, TextSubject::Claim(crate::run::ClaimName::B))
}

fn totals(run: &RunState) -> Text {
    let [pass, fail, not_checked, out_of_scope] = run.verdict_counts();
    let ink = |count, ink| if count > 0 { ink } else { Ink::Plain };
    let mut text = Text::inked(ink(pass, Ink::Good), format!("{pass} PASS"))
        .with(Ink::Plain, "   ")
        .with(ink(fail, Ink::Bad), format!("{fail} FAIL"))
        .with(Ink::Plain, format!("   {not_checked} NOT CHECKED"));
    if out_of_scope > 0 {
        text.push(Ink::Plain, format!("   {out_of_scope} OUT OF SCOPE"));
    }
    text
}

/// The same for the upper edge of the frame, without what is zero; where there is no room for all of it, what is not PASS
/// goes to the lower edge.
fn totals_on_edges(run: &RunState, width: usize) -> (Text, Text) {
    let [pass, fail, not_checked, _] = run.verdict_counts();
    let passed = Text::plain(format!("{pass} PASS"));
    let mut other = Text::new();
    if fail > 0 {
        other.push(Ink::Bad, format!("{fail} FAIL"));
    }
    if not_checked > 0 {
        let gap = if fail > 0 { "  " } else { "" };
        other.push(Ink::Plain, format!("{gap}{not_checked} NOT CHECKED"));
    }
    if other.is_empty() {
        return (passed, other);
    }
    let whole = passed.clone().with(Ink::Plain, "  ").then(other.clone());
    // Beside the title and what is drawn around both.
    if whole.width() + 12 <= width {
        (whole, Text::new())
    } else {
        (passed, other)
    }
}
