//! The approval decisions of a run, each with the evidence sheet that was decided on.
//! Invariant: a decision stands only beside the sheet of its own gate and digest. Held by the filter in `decisions`.

use serde_json::{Value, json};

use super::PageInput;
use super::standing::effect_in_words;
use crate::run::{Approval, ApprovalStatus, Decision, EvidenceRecord, Subject, TeamWords};

/// Every evidence sheet that was taken, with the decisions of people about it.
pub(super) fn decisions(input: &PageInput<'_>) -> Vec<Value> {
    let run = input.report.run;
    input
        .history
        .surveys()
        .evidence
        .iter()
        .map(|seen| {
            let decided: Vec<Value> = run
                // Gate and digest together: the digest binds the decision to this very sheet.
                .approvals
                .iter()
                .filter(|approval| approval.evidence == seen.digest && approval.gate == seen.gate)
                .map(decision)
                .collect();
            json!({
                "gate": seen.gate.name(),
                "label": run.gate_label(seen.gate),
                "round": seen.sheet.round,
                "taken_at": seen.at.to_string(),
                "digest": seen.digest,
                "decisions": decided,
                // A drift has to be answered with new evidence first, so nothing waits on the old sheet.
                "waits": run.drift.is_none() && run.waits_at() == Some(seen.gate)
                    && run.evidence.as_ref().is_some_and(|waiting| waiting.digest == seen.digest),
                "sheet": sheet(run.words(), seen),
            })
        })
        .collect()
}

/// One decision, with its word and its colour.
fn decision(approval: &Approval) -> Value {
    // A withdrawal changes the status of the approval that it takes back, so an approval is described with its status.
    let (word, tone) = match (approval.decision, approval.status) {
        (Decision::Approve, ApprovalStatus::Consumed) => ("approved", "plain"),
        (Decision::Approve, ApprovalStatus::Void) => ("approved, void: the facts drifted", "drift"),
        (Decision::Approve, ApprovalStatus::Withdrawn) => ("approved, then withdrawn", "plain"),
        (Decision::Approve, _) => ("approved, has not taken effect", "due"),
        (Decision::Reject, _) => ("rejected", "bad"),
        (Decision::Withdraw, _) => ("withdrawn", "plain"),
    };
    let by = &approval.by;
    json!({
        "word": word,
        "tone": tone,
        "who": by.account(),
        "terminal": by.tty.as_deref().unwrap_or("none"),
        "at": approval.at.to_string(),
        "clock": approval.at.clock(),
        "signer": by.signer.name(),
        "reason": approval.reason.as_deref().unwrap_or(""),
    })
}

/// The contents of a sheet as pairs of a label and a text.
fn sheet(words: &TeamWords, seen: &EvidenceRecord) -> Vec<[String; 2]> {
    let [would, already] = &words.would;
    let sheet = &seen.sheet;
    let [pass, fail, not_checked, out_of_scope] = sheet.verdict_counts;
    let mut lines = Vec::new();
    let mut say = |what: &str, text: String| lines.push([what.to_owned(), text]);
    if !sheet.drifted.is_empty() {
        let named: Vec<&str> = sheet
            .drifted
            .iter()
            .map(|change| change.key.shown())
            .collect();
        say(
            "drifted before",
            format!("{}: {}", Subject::counted(&sheet.drifted), named.join(", ")),
        );
    }
    if let Some(predicted) = &sheet.predicted {
        say("a live run", effect_in_words(predicted));
    }
    if let (Some(live), Some(counts)) = (sheet.candidates, &sheet.predicted_counts) {
        say(
            "units",
            format!(
                "{live} live; {} would_insert, {} already_present, {} {would}, {} {already}",
                counts.would_insert,
                counts.already_present,
                counts.would_enact,
                counts.already_enacted
            ),
        );
    }
    let last = sheet.last_pass.as_ref();
    let named: Vec<String> = sheet
        .last_pass_differences
        .iter()
        .map(|difference| {
            let lines = difference
                .lines
                .map_or_else(String::new, |lines| format!(" ({lines} lines)"));
            format!("{}{lines}", difference.key)
        })
        .collect();
    let not_comparable = match sheet.last_pass_not_comparable.len() {
        0 => String::new(),
        n => format!(", {n} not comparable"),
    };
    say(
        "since the last PASS",
        match (last, named.is_empty()) {
            (None, _) => "there is no last PASS of this profile and target".to_owned(),
            (Some((run_id, at, _)), true) => {
                format!("nothing differs{not_comparable} ({run_id}, {at})")
            }
            (Some((run_id, at, _)), false) => {
                format!(
                    "{} differ: {}{not_comparable} ({run_id}, {at})",
                    named.len(),
                    named.join(", ")
                )
            }
        },
    );
    say(
        "checks so far",
        format!("{pass} PASS, {fail} FAIL, {not_checked} NOT CHECKED, {out_of_scope} OUT OF SCOPE"),
    );
    let claims: Vec<String> = sheet
        .claims
        .iter()
        .map(|claim| format!("{} {}", claim.name.name(), claim.verdict.name()))
        .collect();
    say("claims so far", claims.join(", "));
    say(
        "pinned",
        format!("{}, transaction {}", sheet.pinned_at, sheet.pin_nonce),
    );
    say("facts digest", sheet.facts_digest.to_string());
    say(
        "digest of the live units",
        sheet
            .candidate_digest
            .as_ref()
            .map_or_else(|| "NOT CHECKED".to_owned(), ToString::to_string),
    );
    say(
        "target",
        format!(
            "[{}] {}, PostgreSQL {}",
            sheet.target.label,
            sheet.target.address(),
            sheet.server.version
        ),
    );
    lines
}
