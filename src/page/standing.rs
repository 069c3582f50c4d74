//! The head of the page: title, three sentences and a few figures.
//! Invariant: the tone `good` (green) is given to a sealed PASS alone. Held by `title`.

use serde_json::{Value, json};

use super::PageInput;
use crate::audit::first_failure;
use crate::report::judgement;
use crate::run::{Gate, RunResult, RunState, Subject, Verdict, counted};
use crate::simulate::PredictedEffect;
use crate::survey::{FactChange, compare, differences};

/// Title, tone, sentences and figures of the head.
pub(super) fn standing(input: &PageInput<'_>) -> Value {
    let run = input.report.run;
    let (title, badge, tone) = title(run);
    json!({
        "title": title,
        "badge": badge,
        "tone": tone,
        "sentences": [happened(run), would_change(run), equal(run)],
        "figures": figures(run),
    })
}

/// Title, badge and tone. Before the seal the badge says so, because nothing is proven yet.
fn title(run: &RunState) -> (String, String, &'static str) {
    let proof = judgement(run).verdict.name().replace('_', " ");
    if let Some((result, outcome, _)) = &run.sealed {
        let tone = match outcome {
            RunResult::Pass => "good",
            RunResult::ChangedByOthers => "drift",
            RunResult::Incomplete => "due",
            RunResult::Rejected | RunResult::Fail | RunResult::MutationSuspected => "bad",
        };
        return (result.clone(), proof, tone);
    }
    if let Some(drift) = &run.drift {
        let gate = drift.gate.map_or("closeout", |gate| gate.name());
        return (
            format!("Facts drifted at {gate}"),
            "NOT SEALED".to_owned(),
            "drift",
        );
    }
    match run.waits_at() {
        Some(gate) => {
            let title = format!("{gate} waits: {}?", run.gate_label(gate));
            (title, "NOT SEALED".to_owned(), "due")
        }
        None => (
            format!("At {}", run.state),
            "NOT SEALED".to_owned(),
            "running",
        ),
    }
}

/// What happened, in one sentence.
fn happened(run: &RunState) -> String {
    let changed = run
        .non_mutation
        .as_ref()
        .map_or(0, |judged| judged.changes.len());
    match run.sealed.as_ref().map(|(_, outcome, _)| outcome) {
        Some(RunResult::Pass) => {
            "No change was measured in the database, and our sessions wrote nothing.".to_owned()
        }
        Some(RunResult::ChangedByOthers) => {
            format!(
                "Somebody else changed {} during the run; our sessions wrote nothing.",
                counted(changed, "fact")
            )
        }
        Some(RunResult::MutationSuspected) => {
            "It is not shown that our sessions wrote nothing: claim A is false.".to_owned()
        }
        Some(RunResult::Rejected) => {
            let rejection = run.approvals.iter().rev().find(|a| a.reason.is_some());
            rejection.map_or_else(
                || "A person rejected it.".to_owned(),
                |a| {
                    format!(
                        "{} rejected {}: {}",
                        a.by.name(),
                        a.gate,
                        a.reason.as_deref().unwrap_or_default()
                    )
                },
            )
        }
        Some(RunResult::Fail) => first_failure(run).map_or_else(
            || "A check failed.".to_owned(),
            |(gate, check)| format!("{gate} {} is FAIL: {}", check.name, check.says),
        ),
        Some(RunResult::Incomplete) => {
            format!(
                "{} not checked, so nothing is claimed beyond what was.",
                was(run.verdict_counts()[2], "check")
            )
        }
        None => run.stops.last().map_or_else(
            || format!("The run was at {} when this page was made.", run.state),
            |raised| raised.stop.message.clone(),
        ),
    }
}

/// What the change did when it was rehearsed, and what a live run would change where that is simulated.
fn would_change(run: &RunState) -> String {
    let rehearsed = run
        .change_evidence()
        .map(|change| format!("{}: {}", run.passed_change().words(), change.sentence()));
    let predicted = run
        .predicted
        .as_ref()
        .map(|(effect, _)| effect_in_words(effect));
    let sentences: Vec<String> = rehearsed.into_iter().chain(predicted).collect();
    if sentences.is_empty() {
        return run.nothing_predicted().to_owned();
    }
    sentences.join(" ")
}

/// `A live run would change ~60 rows: unit_version ~60 updated, nothing deleted.`
pub(super) fn effect_in_words(effect: &PredictedEffect) -> String {
    let rows = effect.rows();
    if *rows.get() == 0 {
        return "A live run would change nothing.".to_owned();
    }
    let mut parts = Vec::new();
    for table in &effect.tables {
        for (count, word) in [
            (table.insert, "added"),
            (table.update, "updated"),
            (table.delete, "deleted"),
        ] {
            if *count.get() > 0 {
                parts.push(format!("{} {count} {word}", table.table));
            }
        }
    }
    // Zero deletions are said in words; other zeros are left out.
    if *effect.deleted().get() == 0 {
        parts.push("nothing deleted".to_owned());
    }
    format!("A live run would change {rows} rows: {}.", parts.join(", "))
}

/// Whether the facts are the same as before, in one sentence.
fn equal(run: &RunState) -> String {
    // A drift without a gate was found at closeout; there is no approval to void then.
    if let Some(drift) = &run.drift {
        if drift.gate.is_none() {
            let differ = differ(drift.changes.len());
            return format!("{differ} between the survey that was pinned and the one at closeout.");
        }
        // The last decision at that gate is the one that the drift made void.
        let evidence = run
            .approvals
            .iter()
            .rev()
            .find(|a| Some(a.gate) == drift.gate);
        let approved =
            evidence.map_or_else(String::new, |a| format!(" that {} approved", a.by.name()));
        return format!(
            "{} from the evidence{approved}; that approval is void.",
            differs(&drift.changes)
        );
    }
    match (&run.pin, &run.post) {
        (Some(pin), Some(post)) => {
            let facts = run.compared();
            let found = differences(pin, post);
            match found.voids.len() {
                0 if !found.beside.is_empty() => format!(
                    "{} beside the change, which voids nothing; all else reads the same before and after.",
                    differ(found.beside.len())
                ),
                0 => format!("All {facts} facts read the same before and after."),
                changed => format!("{} between the two surveys.", differ(changed)),
            }
        }
        (Some(_), None) => format!(
            "{} of one snapshot; no second survey was taken.",
            counted(run.compared(), "fact")
        ),
        _ => "No survey was taken.".to_owned(),
    }
}

/// `2 facts differ`; where more than facts did: `The code differs`.
fn differs(changes: &[FactChange]) -> String {
    let what = Subject::counted(changes);
    match Subject::among(changes)[..] {
        [] | [Subject::Facts] => differ(changes.len()),
        [_] => format!("{}{} differs", what[..1].to_uppercase(), &what[1..]),
        _ => format!("{what} differ"),
    }
}

/// `1 fact differs`, `2 facts differ`.
fn differ(count: usize) -> String {
    if count == 1 {
        "1 fact differs".to_owned()
    } else {
        format!("{count} facts differ")
    }
}

/// `1 check was`, `2 checks were`.
fn was(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun} was")
    } else {
        format!("{count} {noun}s were")
    }
}

/// How many of these changes are of facts.
fn facts_of(changes: &[FactChange]) -> usize {
    let facts = changes
        .iter()
        .filter(|one| Subject::of(&one.key) == Subject::Facts);
    facts.count()
}

/// The figures below the sentences. REHEARSED, SIMULATED and LIVE ones are marked.
fn figures(run: &RunState) -> Value {
    let passed = Gate::ALL
        .iter()
        .filter(|gate| run.finished(**gate) == Some(Verdict::Pass))
        .count();
    let [pass, fail, not_checked, out_of_scope] = run.verdict_counts();
    let rehearsed = run.shown_rehearsal();
    let rehearsed = rehearsed.and_then(|rehearsal| rehearsal.outcome.as_deref());
    let (label, rows, how) = match (rehearsed, &run.predicted) {
        (Some(outcome), _) => ("rows rehearsed", outcome.rows().to_string(), "REHEARSED"),
        (None, Some((effect, _))) => ("rows predicted", effect.rows().to_string(), "SIMULATED"),
        (None, None) if run.simulates() => ("rows predicted", "-".to_owned(), "SIMULATED"),
        (None, None) => ("rows predicted", "-".to_owned(), "not asked"),
    };
    let moved = match (&run.drift, &run.pin, &run.post) {
        (Some(drift), ..) => facts_of(&drift.changes).to_string(),
        (None, Some(pin), Some(post)) => compare(pin, post).len().to_string(),
        _ => "-".to_owned(),
    };
    let facts = run.compared();
    let out = if out_of_scope > 0 {
        format!(", {out_of_scope} out of scope")
    } else {
        String::new()
    };
    let decisions = run.approvals.len();
    json!([
        { "label": "gates PASS", "value": format!("{passed} of {}", Gate::ALL.len()), "note": "" },
        { "label": "checks PASS", "value": pass.to_string(), "note": format!("{fail} FAIL, {not_checked} NOT CHECKED{out}") },
        { "label": label, "value": rows, "note": how },
        { "label": "facts that moved", "value": moved, "note": format!("of {facts}, LIVE") },
        { "label": "decisions of people", "value": decisions.to_string(), "note": "" },
    ])
}
