//! The values that the template of the page may use. Everything that the reports say as well is taken from their view, so that
//! page and reports cannot disagree.

use serde_json::{Value, json};

use super::{PageError, PageInput, decisions, differences, facts, moments, standing};
use crate::report;
use crate::run::StepDone;

/// All values of the page as one JSON object.
pub(super) fn view(input: &PageInput<'_>) -> Result<Value, PageError> {
    let run = input.report.run;
    let reports = report::view(&input.report)?;
    let created = run
        .created
        .as_deref()
        .ok_or(report::ReportError::NotCreated)?;
    let server = run.latest.as_ref().map_or_else(
        || "not reached".to_owned(),
        |(_, survey)| {
            format!(
                "PostgreSQL {}, {}",
                survey.server.version, survey.server.transport
            )
        },
    );
    let ended = run
        .sealed
        .as_ref()
        .and(run.last)
        .map_or_else(|| "not ended".to_owned(), |(_, at)| at.to_string());
    let predicted = &reports["timeline"]["predicted"];
    Ok(json!({
        "standing": standing::standing(input),
        "run_id": created.run_id,
        "title": input.report.profile.title,
        "target": { "label": created.target.label, "address": created.target.address() },
        "about": [
            ["run", created.run_id.to_string()],
            ["target", format!("{} port {}", created.target.without_port(), created.target.port)],
            ["server", server],
            ["profile", format!("{} ({})", created.profile, input.report.profile.collection)],
            ["mode", created.mode.name().to_owned()],
            ["started", run.started_at.map_or_else(String::new, |at| at.to_string())],
            ["by", created.by.to_string()],
            ["ended", ended],
            ["records", input.records.to_string()],
            ["head", input.head.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)],
            ["seal", if input.sealed { "sealed: manifest.sha256 names every file".to_owned() } else { "none: the run had not ended when this page was made".to_owned() }],
            ["drygate", created.tool.version.clone()],
        ],
        "time": moments::moments(input),
        "predicted": predicted,
        "nothing_predicted": run.nothing_predicted(),
        "steps": steps(input),
        "effect": run.predicted.as_ref().map(|(effect, _)| standing::effect_in_words(effect)),
        "facts": facts::facts(run),
        "differences": differences::differences(input),
        "decisions": decisions::decisions(input),
        "notes": input.notes.iter().map(|note| json!({
            "at": note.at.to_string(), "by": note.by, "text": note.text, "is_stale": note.is_stale,
            "about": note.fact.as_ref().map_or("the whole run", |fact| fact.as_str()),
        })).collect::<Vec<_>>(),
        "hooks": input.hooks,
        "reports": reports,
    }))
}

/// The counts of each simulated step, and whether they equal the prediction.
fn steps(input: &PageInput<'_>) -> Vec<Value> {
    let run = input.report.run;
    let words = run.words();
    let of = |done: &StepDone| {
        let counts = &done.counts;
        // Without a prediction nothing was compared, which is not the same as a difference.
        let equal = run
            .predicted
            .as_ref()
            .map(|(_, predicted)| *predicted == *counts);
        json!({
            "step": words.step(done.step),
            "at": done.at.to_string(),
            "counts": [
                ["would_insert", &counts.would_insert.to_string()],
                ["already_present", &counts.already_present.to_string()],
                ["verified", &counts.verified.to_string()],
                ["unverified", &counts.unverified.to_string()],
                [words.counter("would_enact"), &counts.would_enact.to_string()],
                [words.counter("already_enacted"), &counts.already_enacted.to_string()],
            ],
            "prediction": match equal {
                Some(true) => "equal",
                Some(false) => "DIFFERS",
                None => "NOT CHECKED",
            },
        })
    };
    run.steps.iter().map(of).collect()
}
