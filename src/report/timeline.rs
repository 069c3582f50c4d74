//! States with their times, simulated steps and the prediction, for report 04. Invariant: every count of a step prints with the
//! word SIMULATED (`count_lines`; the columns of affected rows are titled so in the template).

use serde_json::{Value, json};

use crate::documents::EventLine;
use crate::run::{RunState, TeamWords};
use crate::simulate::{PredictedEffect, StepCounts};

/// The values of report 04 except its gates.
pub(super) fn timeline(run: &RunState) -> Value {
    json!({
        "states": rows(run, &["state_changed"]),
        "resumes": rows(run, &["run_resumed", "torn_tail_set_aside"]),
        "resume_count": run.resumes,
        "rows_dropped": run.rows_dropped,
        "started_at": run.started_at.map_or_else(|| "not recorded".to_owned(), |at| at.to_string()),
        "round": run.round(),
        "predicted": run.predicted.as_ref().map_or(Value::Null, |(effect, counts)| {
            json!({ "rows": effect.rows().get(), "tables": tables(effect), "counts": count_lines(run.words(), counts) })
        }),
        "simulates": run.simulates(),
        "steps": run.steps.iter().map(|done| step(run, done)).collect::<Vec<_>>(),
        "returns": returns(run),
    })
}

/// The kept journal rows of these events: line number, time and text.
pub(super) fn rows(run: &RunState, names: &[&str]) -> Vec<EventLine> {
    run.rows
        .iter()
        .filter(|row| names.contains(&row.name))
        .map(|row| EventLine {
            seq: row.seq,
            at: row.at.to_string(),
            name: row.name,
            text: row.text.to_string(),
        })
        .collect()
}

fn step(run: &RunState, done: &crate::run::StepDone) -> Value {
    let same = run
        .predicted
        .as_ref()
        .map(|(_, counts)| *counts == done.counts);
    json!({
        "step": run.words().step(done.step),
        "round": done.round,
        "at": done.at.to_string(),
        "counts": count_lines(run.words(), &done.counts),
        "tables": tables(&done.effect),
        "prediction": match same {
            Some(true) => "counts equal the prediction",
            Some(false) => "counts DIFFER from the prediction",
            None => "NOT CHECKED: no prediction is recorded",
        },
        "ledger": [
            format!("file={}", done.ledger.file),
            format!("rows={}", done.ledger.rows),
            format!("bytes={}", done.ledger.bytes),
            format!("sha256={}", done.ledger.sha256),
        ],
    })
}

fn tables(effect: &PredictedEffect) -> Vec<Value> {
    effect
        .tables
        .iter()
        .map(|table| {
            json!({
                "table": table.table,
                "insert": table.insert.get(),
                "update": table.update.get(),
                "delete": table.delete.get(),
            })
        })
        .collect()
}

fn count_lines(words: &TeamWords, counts: &StepCounts) -> Vec<String> {
    [
        ("would_insert", &counts.would_insert),
        ("already_present", &counts.already_present),
        ("verified", &counts.verified),
        ("unverified", &counts.unverified),
        ("would_enact", &counts.would_enact),
        ("already_enacted", &counts.already_enacted),
    ]
    .map(|(name, count)| format!("{}={} SIMULATED", words.counter(name), count.get()))
    .to_vec()
}

fn returns(run: &RunState) -> Vec<Value> {
    run.returns
        .iter()
        .enumerate()
        .map(|(index, (state, stop_code, at))| {
            let stop = stop_code.map_or_else(|| "stop_code=None".to_owned(), |c| c.to_string());
            json!({ "r": index + 1, "state": state.name(), "stop": stop, "at": at.to_string() })
        })
        .collect()
}
