//! `drygate runs` without a terminal. Invariant: nothing that lies among the runs is left out unless a filter says so; what waits for a person stands first.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{LaunchError, lookup, output, run_plan};
use crate::cli::{RunsCommand, Settings};
use crate::report::visible;
use crate::run::{Overview, RunRow, RunStatus, span};
use crate::runner::clock::{Clock, SystemClock};
use crate::survey::UtcTime;

/// Lists the runs.
pub fn runs(settings: &Settings, command: &RunsCommand) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let index = lookup::index(&store)?;
    let now = SystemClock.now();
    let mut rows: Vec<&RunRow> = index.rows().filter(|row| command.shows(row)).collect();
    command.order.apply(&mut rows);
    if settings.json() {
        let rows: Vec<Value> = rows.iter().map(|row| row_json(row, now)).collect();
        output::document(&json!({"schema": 1, "runs": rows}))?;
        return Ok(0);
    }
    if index.is_empty() {
        let home = visible(&store.storage().root().display().to_string());
        output::say(&format!(
            "No runs in {home} yet. {} shows one on a throwaway server; {} starts one.",
            settings.call.anywhere("demo"),
            settings.call.to("run")
        ));
    }
    output::print(&table(&rows, now))?;
    Ok(0)
}

fn row_json(row: &RunRow, now: UtcTime) -> Value {
    let mut document = json!({
        "run_id": row.name, "standing": row.standing.name(), "error": row.standing.reason(),
        "state": null, "stop_code": null, "waits_at": null, "result": null,
    });
    let RunStatus::Run(run) = &row.standing else {
        return document;
    };
    let approvals = run.approvals.iter();
    let approvals: Vec<Value> = approvals
        .map(|(gate, by, at)| json!({"gate": gate, "by": by, "at": at}))
        .collect();
    let (digest, expires_at) = run
        .evidence
        .as_ref()
        .map_or((None, None), |(digest, at)| (Some(digest), Some(at)));
    let said = json!({
        "state": run.state, "stop_code": run.stop_code, "waits_at": run.waits_at,
        "waiting_since": run.waiting_since(), "waiting_s": run.waits_for_s(now),
        "evidence": digest, "expires_at": expires_at,
        "result": run.result.as_ref().map(|(result, _)| result),
        "demo": run.demo, "drifted": run.drifted, "failed": run.failed(),
        "started_at": run.started_at, "last_at": run.last_at, "duration_s": run.lasted_s(),
        "records": run.records, "profile": run.profile, "target_label": run.target_label,
        "target": run.target, "started_by": run.started_by.0, "host": run.started_by.1,
        "approvals": approvals, "rejected_by": run.rejection.as_ref().map(|(by, _)| by),
        "reason": run.rejection.as_ref().map(|(_, reason)| reason),
    });
    if let (Value::Object(document), Value::Object(said)) = (&mut document, said) {
        document.extend(said);
    }
    document
}

/// Columns as wide as what is in them; what stands last in a line has no column.
fn table(rows: &[&RunRow], now: UtcTime) -> String {
    let lines: Vec<Vec<String>> = rows.iter().map(|row| cells(row, now)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        let columns = line.iter().take(line.len() - 1);
        for (width, cell) in widths.iter_mut().zip(columns) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut printed = String::new();
        for (width, cell) in widths.iter().zip(line) {
            let _ = write!(printed, "{cell:<width$}  ");
        }
        text.push_str(printed.trim_end());
        text.push('\n');
    }
    text
}

/// Where it stands, how long, which run, profile, target, who approved; of what is no run that reads, why.
fn cells(row: &RunRow, now: UtcTime) -> Vec<String> {
    let name = visible(&row.name);
    match &row.standing {
        RunStatus::Run(run) => vec![
            stands(run),
            span(run.waits_for_s(now).unwrap_or_else(|| run.lasted_s())),
            name,
            visible(&run.profile),
            visible(&format!("[{}] {}", run.target_label, run.target)),
            visible(&run.approvers()),
        ],
        other => vec![
            other.name().to_owned(),
            String::new(),
            name,
            visible(other.reason().unwrap_or_default()),
        ],
    }
}

fn stands(run: &Overview) -> String {
    let stands = match (run.result_word(), run.drifted) {
        (Some(word @ ("PASS" | "FAIL" | "INCOMPLETE")), true) => format!("{word}, drifted"),
        (Some(word), _) => word.to_owned(),
        (None, _) => return run.situation(),
    };
    let demo = if run.demo { "demo " } else { "" };
    format!("{demo}{stands}")
}
