//! Differences: pinned, now, last PASS. Invariant: what differs comes first, and what is equal is counted and listed.

use super::fact_row::{FactRow, SinceLastPass, all};
use super::reading_screen::Page;
use super::words;
use crate::run::Drift;
use crate::survey::RowChange;
use crate::tui::model::Model;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// Rows of one changed document that are listed; the rest is counted.
const ROWS_MAX: usize = 200;

/// The page.
pub(super) fn page(model: &Model) -> Page {
    let run = &model.run;
    let mut lines = Vec::new();
    if let Some(drift) = &run.drift {
        drift_lines(&mut lines, "DRIFT: approved -> found", drift);
    }
    if let Some(drift) = &run.drifted_before {
        drift_lines(
            &mut lines,
            "DRIFTED BEFORE THIS EVIDENCE: approved -> found",
            drift,
        );
    }
    if let Some(judged) = run.non_mutation.as_ref().filter(|n| !n.changes.is_empty()) {
        let at = run.state_since.or(run.started_at);
        if let (None, Some(at)) = (&run.drift, at) {
            let drift = Drift {
                gate: None,
                changes: judged.changes.clone(),
                at,
            };
            drift_lines(
                &mut lines,
                "CHANGED BETWEEN PIN AND POST: pre -> post",
                &drift,
            );
        }
    }
    if let Some(found) = run.attribution.as_ref() {
        lines.push(Text::inked(
            Ink::Bold,
            "who and when, as far as it is visible",
        ));
        lines.extend(found.lines().into_iter().map(Text::plain));
        lines.push(Text::new());
    }
    let rows = all(model);
    facts(model, &mut lines, &rows);
    last_pass(model, &mut lines);
    Page {
        title: "DIFFERENCES  pinned | now | last PASS".to_owned(),
        lines,
        copies: None,
    }
}

fn drift_lines(lines: &mut Vec<Text>, heading: &str, drift: &Drift) {
    lines.push(Text::inked(
        Ink::Drift,
        format!("{heading}   found {}", drift.at.clock()),
    ));
    for change in &drift.changes {
        lines.push(
            Text::inked(Ink::Drift, "! ")
                .with(Ink::Bold, format!("{:<27} ", change.key.as_str()))
                .with(
                    Ink::Plain,
                    format!(
                        "{} -> {}",
                        words::value_or_unknown(change.approved.as_deref()),
                        words::value_or_unknown(change.found.as_deref())
                    ),
                ),
        );
        for row in change.rows.iter().take(ROWS_MAX) {
            row_lines(lines, row);
        }
        if change.rows.len() > ROWS_MAX {
            lines.push(Text::inked(
                Ink::Dim,
                format!("      {} more rows", change.rows.len() - ROWS_MAX),
            ));
        }
    }
    lines.push(Text::new());
}

fn row_lines(lines: &mut Vec<Text>, row: &RowChange) {
    lines.push(Text::plain(format!("      {}", row.key)));
    for (mark, side) in [("-", &row.approved), ("+", &row.found)] {
        if let Some(text) = side {
            lines.push(Text::plain(format!("        {mark} {text}")));
        }
    }
}

fn facts(model: &Model, lines: &mut Vec<Text>, rows: &[FactRow]) {
    let (moved, equal): (Vec<&FactRow>, Vec<&FactRow>) = rows.iter().partition(|row| row.moved);
    lines.push(Text::inked(
        Ink::Bold,
        format!(
            "{}: {} moved since pinned, {} equal or not read again",
            words::counted(rows.len(), "fact"),
            moved.len(),
            equal.len()
        ),
    ));
    for row in moved.into_iter().chain(equal) {
        let pinned = words::short_value(words::value_or_unknown(row.pinned.as_deref()));
        let now = match (row.moved, row.read_now) {
            (true, _) => words::short_value(words::value_or_unknown(row.now.as_deref())),
            (false, true) => "=".to_owned(),
            (false, false) => "at approval".to_owned(),
        };
        let ink = if row.moved { Ink::Drift } else { Ink::Plain };
        let mark = if row.moved { "! " } else { "  " };
        let last = match &row.last_pass {
            SinceLastPass::NoPass => "-".to_owned(),
            SinceLastPass::Equal => "=".to_owned(),
            SinceLastPass::Differs(differs) => {
                format!("{} {differs}", model.theme.glyph(Glyph::Other))
            }
        };
        lines.push(
            Text::inked(ink, mark)
                .then(Text::plain(row.key.as_str()).to_column(28))
                .then(Text::plain(pinned).to_column(24))
                .then(Text::inked(ink, now).to_column(18))
                .with(Ink::Plain, last),
        );
    }
    lines.push(Text::new());
}

fn last_pass(model: &Model, lines: &mut Vec<Text>) {
    let Some(evidence) = &model.run.evidence else {
        return;
    };
    let sheet = &evidence.sheet;
    let Some((run_id, at, _)) = &sheet.last_pass else {
        lines.push(Text::plain(
            "No PASS of this profile and target yet to compare with.",
        ));
        return;
    };
    lines.push(Text::inked(
        Ink::Bold,
        format!("LAST PASS {run_id}, sealed {} {}", at.date(), at.clock()),
    ));
    for difference in &sheet.last_pass_differences {
        lines.push(Text::plain(format!(
            "{} {:<27} {} -> {}{}",
            model.theme.glyph(Glyph::Other),
            difference.key.as_str(),
            words::value_or_unknown(difference.then.as_deref()),
            words::value_or_unknown(difference.now.as_deref()),
            difference
                .lines
                .map_or_else(String::new, |n| format!("   {n} lines"))
        )));
    }
    if sheet.last_pass_differences.is_empty() {
        lines.push(Text::plain(
            "Nothing differs: facts, profile and prediction are the same.",
        ));
    }
}
