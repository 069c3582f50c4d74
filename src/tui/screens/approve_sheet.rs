//! The approval sheet, drawn.
//! Invariant: the whole digest stands on one unbroken line, and the sheet cannot arm where it does not fit (`end_is_visible`).

use ratatui::layout::Rect;

use super::{
    approve_input, proof, rehearsed, sheet_drift, sheet_edge, sheet_last_pass, sheet_people,
    target_address, words,
};
use crate::audit;
use crate::run::{ApprovalGate, Evidence, Obstacle, RunState, counted};
use crate::tui::approve_sheet::{ApproveSheet, OwnSurvey, PAUSE, SheetRemark};
use crate::tui::inbox::Source;
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::Model;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Columns of a digest and the frame around it.
const WIDTH_MIN: u16 = 66;
/// Rows that a sheet takes at most.
const HEIGHT_MAX: u16 = 36;
/// Row under header (2) and band (8) on a large screen.
const UNDER_BAND: u16 = 10;
/// Rows under the text: the input, a remark, the status.
const FIXED: u16 = 3;

/// Where the sheet goes: under the band where both have room, else over everything.
pub fn place(area: Rect) -> Rect {
    let width = area.width.min(92);
    let x = area.x + (area.width - width) / 2;
    if leaves_the_band(area) {
        let height = (area.height - UNDER_BAND - 1).min(HEIGHT_MAX);
        return Rect::new(x, area.y + UNDER_BAND, width, height);
    }
    let height = area.height.min(HEIGHT_MAX);
    Rect::new(x, area.y + (area.height - height) / 2, width, height)
}

/// Whether header and band stay on screen beside the sheet.
pub fn leaves_the_band(area: Rect) -> bool {
    area.width >= 110 && area.height >= 44
}

/// How the text of the sheet lies in its place: rows for it, and its lines.
pub fn extent(model: &Model, sheet: &ApproveSheet) -> (usize, usize) {
    let area = place(Rect::new(0, 0, model.size.width, model.size.height));
    (rows(model), lines(model, sheet, text_width(area)).len())
}

/// Rows for the text of a sheet on this screen.
fn rows(model: &Model) -> usize {
    let area = place(Rect::new(0, 0, model.size.width, model.size.height));
    usize::from(area.height.saturating_sub(2 + FIXED))
}

/// Whether the last line, the digest, is on screen.
pub fn end_is_visible(model: &Model, sheet: &ApproveSheet) -> bool {
    let area = place(Rect::new(0, 0, model.size.width, model.size.height));
    let (room, lines) = extent(model, sheet);
    if sheet.reading().is_some() {
        return false;
    }
    let sized = super::shape(model.size.width, model.size.height) != super::ScreenShape::TooSmall;
    sized && area.width >= WIDTH_MIN && room >= 3 && sheet.top + room >= lines
}

fn margin(area: Rect) -> u16 {
    u16::from(area.width >= WIDTH_MIN + 2)
}

fn text_width(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(2 + 2 * margin(area)))
}

/// A sheet is as high as its text, under the band where that stays on screen, else in the middle.
fn shrunk(screen: Rect, mut area: Rect, lines: usize) -> Rect {
    let needed = u16::try_from(lines).map_or(u16::MAX, |n| n.saturating_add(2 + FIXED));
    area.height = area.height.min(needed);
    if !leaves_the_band(screen) {
        area.y = screen.y + (screen.height - area.height) / 2;
    }
    area
}

/// Draws the sheet in its place.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, sheet: &ApproveSheet) {
    let area = shrunk(
        canvas.area(),
        area,
        lines(model, sheet, text_width(area)).len(),
    );
    canvas.blank(area);
    let label = model.run().gate_label(sheet.gate);
    let title = Text::inked(
        Ink::Bold,
        format!(
            "APPROVE {}: {label} ({}this run stays read only)",
            sheet.gate,
            if model.run().simulates() {
                "simulated; "
            } else {
                ""
            }
        ),
    );
    let ink = if matches!(sheet.survey, OwnSurvey::Moved(_)) {
        Ink::Drift
    } else {
        Ink::Needed
    };
    let inside = canvas.frame(area, Weight::Heavy, ink, &title, &Text::new());
    if inside.height <= FIXED {
        return;
    }
    let edge = sheet_edge::text(model, sheet, usize::from(area.width).saturating_sub(6));
    canvas.on_edge(area, area.bottom() - 1, &edge, &Text::new());
    let x = inside.x + margin(area);
    let width = inside.width.saturating_sub(2 * margin(area));
    let lines = lines(model, sheet, text_width(area));
    let room = usize::from(inside.height - FIXED);
    let top = sheet.top.min(lines.len().saturating_sub(room));
    let last = inside.bottom() - FIXED;
    for (y, line) in (inside.y..last).zip(lines.iter().skip(top)) {
        canvas.text(x, y, width, line);
    }
    let refusal = model.refusal();
    approve_input::draw(canvas, (x, last, width), sheet, refusal.as_deref());
    let below = lines.len().saturating_sub(top + room);
    let remark = if below > 0 {
        let lines = crate::run::counted(below, "more line");
        let (down, page) = (key(Action::Down), key(Action::PageDown));
        let more = format!("{lines} below: {down} or {page}.");
        let forms = if model.size.width < WIDTH_MIN {
            // It cannot arm here, however far it is read: the last line says what to do.
            [more.clone(), more]
        } else {
            [
                format!("{more} The sheet arms when the last was shown."),
                format!("{more} Read on to arm."),
            ]
        };
        Text::first_fitting(
            forms.map(|form| Text::inked(Ink::Needed, form)),
            width.into(),
        )
    } else {
        approve_input::remark(sheet)
    };
    canvas.text(x, last + 1, width, &remark);
    let status = match refusal {
        Some(_) if !sheet.is_sent() => Text::inked(Ink::Drift, "approving would be refused"),
        _ => status(model, sheet),
    };
    canvas.text(x, last + 2, width, &status);
    // What the sheet waits for is said whole; how to leave gives way to it.
    let back = key(Action::Back);
    let forms = [
        format!("{back} leaves it waiting"),
        format!("{back} leaves"),
    ];
    let room = usize::from(width).saturating_sub(status.width() + 2);
    let esc = Text::first_fitting(forms.map(|form| Text::inked(Ink::Dim, form)), room);
    if esc.width() <= room {
        canvas.text_right(x + width, last + 2, width, &esc);
    }
}

/// Name of the sheet's key for an action.
pub(super) fn key(action: Action) -> String {
    key_of(KeyScope::Sheet, action)
}

fn status(model: &Model, sheet: &ApproveSheet) -> Text {
    if sheet.is_sent() {
        return Text::inked(Ink::Running, "recording...");
    }
    if sheet.is_ready() {
        let text = Text::inked(Ink::Bold, "READY");
        return match sheet.remark {
            _ if sheet.enter_counts() => text.with(
                Ink::Bold,
                format!("  {} approves now", key(Action::Confirm)),
            ),
            _ if sheet.is_complete() => {
                let pause = PAUSE.as_secs_f32();
                text.with(
                    Ink::Plain,
                    format!(
                        "  {} counts after {pause} s of silence",
                        key(Action::Confirm)
                    ),
                )
            }
            Some(SheetRemark::EarlyDropped) => {
                text.with(Ink::Plain, "  (what was typed before READY was dropped)")
            }
            _ => text,
        };
    }
    match &sheet.survey {
        OwnSurvey::Asked | OwnSurvey::Reading => {
            Text::inked(Ink::Running, "not ready: all facts are being read again")
        }
        OwnSurvey::Moved(_) => Text::inked(Ink::Drift, "approving would be refused"),
        OwnSurvey::Failed(why) => {
            Text::inked(Ink::Bad, format!("not ready: facts not read: {why}"))
        }
        OwnSurvey::Equal(_) if model.size.width < WIDTH_MIN => Text::inked(
            Ink::Needed,
            format!("widen the terminal: the digest needs {WIDTH_MIN} columns"),
        ),
        OwnSurvey::Equal(_) if !sheet.end_was_shown() => {
            Text::inked(Ink::Needed, "not ready: read on to the last line")
        }
        OwnSurvey::Equal(_) => Text::inked(Ink::Running, "not ready yet: arming"),
    }
}

/// What keeps the run from ending as PASS leads the sheet, whatever else is on it.
fn cannot_pass(text: &mut Vec<Text>, model: &Model) {
    let against = audit::cannot_pass(model.run());
    let Some(at_best) = Obstacle::at_best(&against) else {
        return;
    };
    text.push(Text::inked(
        Ink::Bad,
        format!("THE RUN CAN NO LONGER END AS PASS: {at_best} at best"),
    ));
    for one in &against {
        text.push(Text::inked(Ink::Bad, format!("  {one}")));
    }
    text.push(Text::new());
}

/// The text of the sheet, wrapped.
fn lines(model: &Model, sheet: &ApproveSheet, width: usize) -> Vec<Text> {
    let Some(evidence) = model
        .run()
        .evidence
        .as_ref()
        // New evidence may have been taken while the sheet is open: its text must not be shown under the old sheet.
        .filter(|evidence| evidence.digest == sheet.evidence)
    else {
        return vec![Text::plain("This evidence is no longer current.")];
    };
    let mut text = Vec::new();
    cannot_pass(&mut text, model);
    sheet_last_pass::policy_changed(&mut text, evidence);
    identity(&mut text, evidence);
    sheet_drift::lines(&mut text, &evidence.sheet.drifted, width);
    text.extend(words::changed_beside(model.run()));
    if let Some(change) = &evidence.sheet.change {
        text.extend(rehearsed::sheet_lines(model.run(), change));
    }
    prediction(&mut text, model, evidence);
    sheet_last_pass::lines(&mut text, evidence);
    state_of_checks(&mut text, model, sheet, evidence);
    text.push(proof::one_line(model, width));
    runs(&mut text, evidence);
    sheet_people::lines(&mut text, model, evidence);
    let mut lines: Vec<Text> = text.iter().flat_map(|line| line.wrap(width)).collect();
    lines.push(Text::new());
    lines.push(Text::inked(Ink::Dim, "evidence sha256"));
    // 64 hex characters: a wrapped digest could be misread at the break.
    if width >= 64 {
        lines.push(
            // The last six characters are what the person types.
            Text::plain(&evidence.digest.as_str()[..58])
                .with(Ink::Bold, evidence.digest.last_six()),
        );
        lines.push(Text::inked(
            Ink::Bold,
            format!("{}{}", " ".repeat(58), "^".repeat(6)),
        ));
        lines.push(enter_does(model.run(), evidence.gate));
    } else {
        lines.push(Text::inked(
            Ink::Needed,
            format!("The digest needs {WIDTH_MIN} columns on one line: widen the terminal."),
        ));
    }
    without_blanks(lines, rows(model))
}

/// The lines, without the first blank ones where they do not fit: a sheet that is seen whole arms sooner.
fn without_blanks(mut lines: Vec<Text>, room: usize) -> Vec<Text> {
    let mut over = lines.len().saturating_sub(room);
    let blanks = lines.iter().filter(|line| line.is_empty()).count();
    // Where it has to be scrolled anyhow, it is read with its paragraphs.
    if over > blanks {
        return lines;
    }
    lines.retain(|line| {
        let drops = over > 0 && line.is_empty();
        over -= usize::from(drops);
        !drops
    });
    lines
}

fn identity(text: &mut Vec<Text>, evidence: &Evidence) {
    let sheet = &evidence.sheet;
    text.push(
        Text::plain(format!("{}   ", sheet.run_id))
            .with(Ink::Target, format!("[{}]", sheet.target.label))
            .with(
                Ink::Plain,
                format!(
                    " {}@{}",
                    sheet.target.user,
                    target_address::whole(&sheet.target)
                ),
            ),
    );
    text.push(Text::new());
}

fn prediction(text: &mut Vec<Text>, model: &Model, evidence: &Evidence) {
    let sheet = &evidence.sheet;
    let Some((predicted, counts)) = sheet
        .predicted
        .as_ref()
        .zip(sheet.predicted_counts.as_ref())
    else {
        let run = model.run();
        if !run.simulates() && run.change().is_none() {
            let facts = counted(run.compared(), "fact");
            text.push(Text::plain(format!(
                "{} Approved are {facts} as they are.",
                run.nothing_predicted()
            )));
            text.push(Text::new());
        }
        return;
    };
    let heading = Text::inked(Ink::Bold, "A LIVE RUN WOULD CHANGE").to_column(29);
    if words::predicts_nothing(predicted) {
        let present = counts.already_present;
        text.push(heading.with(Ink::Bold, "nothing").with(
            Ink::Plain,
            format!(": all {present} units are already present"),
        ));
        text.push(this_gate(model, evidence));
        text.push(Text::new());
        return;
    }
    let touched: Vec<_> = predicted.touched().collect();
    let deleted = predicted.deleted();
    let end = if *deleted.get() == 0 {
        Text::plain(", nothing deleted")
    } else {
        Text::plain(", ").with(Ink::Bad, format!("{deleted} DELETED"))
    };
    text.push(
        heading
            .with(Ink::Bold, predicted.rows().to_string())
            .with(
                Ink::Plain,
                format!(" rows in {}", crate::run::counted(touched.len(), "table")),
            )
            .then(end),
    );
    let name = touched
        .iter()
        .map(|t| t.table.chars().count())
        .max()
        .unwrap_or(0);
    let longest = touched.iter().map(|t| t.words().chars().count()).max();
    // Two in a row where neither is cut: a cell has 35 columns.
    let two = model.size.width >= 76 && name + 2 + longest.unwrap_or(0) <= 35;
    for pair in touched.chunks(if two { 2 } else { 1 }) {
        let mut line = Text::plain("  ");
        for table in pair {
            let cell = Text::plain(format!("{:<name$}  ", table.table))
                .with(Ink::Simulated, table.words());
            line = line.then(if two { cell.to_column(37) } else { cell });
        }
        text.push(line);
    }
    text.push(this_gate(model, evidence));
    text.push(Text::new());
}

/// What of it this gate carries, and what the other one does.
fn this_gate(model: &Model, evidence: &Evidence) -> Text {
    let counts = evidence.sheet.predicted_counts.as_ref();
    let run = model.run();
    let carries = words::carries(run.words(), evidence.gate, counts);
    let other = match evidence.gate {
        ApprovalGate::SG1 => {
            let then = words::carries(run.words(), ApprovalGate::SG2, counts);
            format!("{}, asked next, {then}", ApprovalGate::SG2)
        }
        ApprovalGate::SG2 => "nothing is asked after it".to_owned(),
    };
    let label = run.gate_label(evidence.gate);
    Text::inked(Ink::Bold, format!("  {} ({label})", evidence.gate))
        .with(Ink::Plain, format!(" {carries} units; {other}"))
}

/// What is done when this sheet is approved.
fn enter_does(run: &RunState, gate: ApprovalGate) -> Text {
    let enter = key(Action::Confirm);
    let [one, two, three] = &run.words().steps;
    // At 80 columns the line has room for nine letters of both steps; with the shorter end for fourteen.
    let next = if one.chars().count() + two.chars().count() > 9 {
        "then SG2"
    } else {
        "SG2 asks next"
    };
    let (first, last) = (
        format!("simulates {one}, {two}; {next}"),
        format!("simulates {three}, closes out, seals"),
    );
    let then = match (gate, run.change().is_some(), run.simulates()) {
        (ApprovalGate::SG1, false, true) => first.as_str(),
        (ApprovalGate::SG1, false, false) => "SG2 asks next",
        (ApprovalGate::SG1, true, _) => "copies rows, rehearses, asks SG2",
        (ApprovalGate::SG2, false, true) => last.as_str(),
        (ApprovalGate::SG2, false, false) => "closes out, seals",
        (ApprovalGate::SG2, true, _) => "rehearses again; if as above, seals",
    };
    Text::inked(Ink::Bold, enter).with(
        Ink::Plain,
        format!(": reads all facts again; if equal, {then}"),
    )
}

fn state_of_checks(text: &mut Vec<Text>, model: &Model, sheet: &ApproveSheet, evidence: &Evidence) {
    let [pass, fail, not_checked, out] = evidence.sheet.verdict_counts;
    let mut line = Text::plain(format!("{pass} PASS   "))
        .with(
            if fail > 0 { Ink::Bad } else { Ink::Plain },
            format!("{fail} FAIL"),
        )
        .with(Ink::Plain, format!("   {not_checked} NOT CHECKED"));
    if out > 0 {
        line.push(Ink::Plain, format!("   {out} OUT OF SCOPE"));
    }
    line.push(Ink::Plain, "    drift since pinned: ");
    match &sheet.survey {
        OwnSurvey::Equal(at) => line.push(Ink::Plain, format!("none ({})", at.clock())),
        OwnSurvey::Moved(n) => line.push(Ink::Drift, format!("{n} moved")),
        OwnSurvey::Failed(_) => line.push(Ink::Bad, "not read"),
        OwnSurvey::Asked | OwnSurvey::Reading => line.push(Ink::Running, "being read"),
    }
    text.push(line);
    if model.source == Source::Watching {
        text.push(Text::plain(
            "Read by the process that holds the run, not from this terminal; and once more before an approval takes effect.",
        ));
    }
}

/// The functions that queries of the profile can run and that are not PostgreSQL's own.
fn runs(text: &mut Vec<Text>, evidence: &Evidence) {
    let runs = &evidence.sheet.runs;
    if !runs.is_empty() {
        text.push(Text::plain(format!("runs    {}", runs.join(", "))));
    }
}
