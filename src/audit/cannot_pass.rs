//! What keeps a run that waits for a person from ending as PASS, said before anybody approves.
//! Invariant: computed from the recorded run and its profile alone, so that `verify` finds a sheet that left one out (test
//! `a_sheet_that_hides_what_keeps_the_run_from_passing_is_found`).

use super::rehearsal;
use super::scope::{is_excluded, is_unasked};
use crate::profile::Profile;
use crate::run::{
    Check, CheckName, Gate, Obstacle, RunState, SurveySummary, TransactionEnd, Verdict,
};

/// Units that are named one by one; the others are counted.
const NAMED: usize = 3;

/// What the sheet of a run says, as far as the run has come: recorded checks, then what the checks to come are going to say.
/// What fails comes first.
pub fn obstacles(run: &RunState, profile: &Profile) -> Vec<Obstacle> {
    let recorded = run.checks().filter_map(|(gate, check)| {
        let subject = match (check.verdict, &check.remedy) {
            (Verdict::Fail, _) | (Verdict::NotChecked, None) => check.says.clone(),
            (Verdict::NotChecked, Some(remedy)) => {
                format!("{}; would check it: {remedy}", check.says)
            }
            (Verdict::Pass | Verdict::OutOfScope | Verdict::NotAsked, _) => return None,
        };
        Some(Obstacle {
            gate,
            check: check.name.clone(),
            verdict: check.verdict,
            subject,
        })
    });
    let foreseen = unverified(run).into_iter().chain(program(run));
    let foreseen = foreseen.chain(audit(run)).chain(rehearsal::foreseen(run));
    let foreseen = foreseen
        .filter(|one| !is_excluded(profile, &one.check) && !is_unasked(run, profile, &one.check));
    ordered(recorded.chain(foreseen).chain(claims(run)).collect())
}

/// What keeps the run from ending as PASS now: what its sheet says, and what was found since.
pub fn cannot_pass(run: &RunState) -> Vec<Obstacle> {
    if run.sealed.is_some() {
        return Vec::new();
    }
    let sheet = run
        .evidence
        .iter()
        .flat_map(|e| e.sheet.cannot_pass.iter().cloned());
    let replaced = program(run).filter(|_| run.program_replaced.is_some());
    ordered(sheet.chain(replaced).chain(claims(run)).collect())
}

fn ordered(all: Vec<Obstacle>) -> Vec<Obstacle> {
    let mut once: Vec<Obstacle> = Vec::new();
    for one in all {
        if !once.iter().any(|known| known.check == one.check) {
            once.push(one);
        }
    }
    // Stable: within a verdict the order of the gates stays.
    once.sort_by_key(|one| one.verdict != Verdict::Fail);
    once
}

/// VERIFY of the pin found units that are not equal: that of G3 will find the same.
fn unverified(run: &RunState) -> Option<Obstacle> {
    let simulation = run.pin_simulation.as_ref()?;
    let count = *simulation.counts.unverified.get();
    if count == 0 {
        return None;
    }
    let named = simulation.first_unverified.iter().take(NAMED);
    let mut units: Vec<String> = named.map(|(key, what)| format!("{key} {what}")).collect();
    let more = count.saturating_sub(units.len() as u64);
    if more > 0 {
        units.push(format!("{more} more"));
    }
    Some(Obstacle {
        gate: Gate::G3,
        check: CheckName::VerifyEqualsPrediction,
        verdict: Verdict::Fail,
        subject: format!(
            "~{count} units are not as their source says: {}",
            units.join(", ")
        ),
    })
}

/// What the audit of G6 is going to find, where the profile keeps G1 from failing on it.
fn audit(run: &RunState) -> Vec<Obstacle> {
    let mut checks = run.checks().map(|(_, check)| check);
    let excluded = checks.find(|check| {
        check.name == CheckName::AuditHoldsAtPin && check.verdict == Verdict::OutOfScope
    });
    let Some(found) = excluded.map(Check::own_raw) else {
        return Vec::new();
    };
    let rows = [
        ("findings", CheckName::ForbiddenHardcodedSecrets),
        ("live", CheckName::ForbiddenLiveCutVerifyEnact),
        ("unlike", CheckName::ForbiddenFakePass),
    ];
    let foreseen = rows.into_iter().filter_map(|(field, check)| {
        let subject = found.get(field)?.as_array()?.first()?.as_str()?;
        Some(Obstacle {
            gate: Gate::G6,
            check,
            verdict: Verdict::Fail,
            subject: subject.to_owned(),
        })
    });
    foreseen.collect()
}

/// The program of the run is another one than at its start, or could not be read then.
fn program(run: &RunState) -> Option<Obstacle> {
    let unknown = run.created.as_ref()?.tool.binary_sha256.is_none();
    let (verdict, subject) = match &run.program_replaced {
        Some(found) => (
            Verdict::Fail,
            format!("drygate's own program was replaced during the run: {found}"),
        ),
        None if unknown => (
            Verdict::NotChecked,
            "drygate's own program could not be read at the start".to_owned(),
        ),
        None => return None,
    };
    Some(Obstacle {
        gate: Gate::G6,
        check: CheckName::ForbiddenDeployRestart,
        verdict,
        subject,
    })
}

/// Claims that no later measurement can make good: without them the verdict cannot be PROVEN.
fn claims(run: &RunState) -> Option<Obstacle> {
    let unproven = |subject| Obstacle {
        gate: Gate::G3,
        check: CheckName::NonMutationProven,
        verdict: Verdict::NotChecked,
        subject,
    };
    let (first, last) = (run.surveys.first()?, run.surveys.last()?);
    let moved = first.server.differences(&last.server);
    if !moved.is_empty() {
        return Some(unproven(format!("claim E is false: {}", moved.join("; "))));
    }
    let nameless = |survey: &&SurveySummary| {
        let server = &survey.server;
        server.system_identifier.is_none()
            || server.timeline.is_none()
            || server.postmaster_start.is_empty()
    };
    if run.surveys.iter().any(|survey| nameless(&survey)) {
        let why = "claim E: system identifier, timeline or start time could not be read";
        return Some(unproven(why.to_owned()));
    }
    let open_role = run
        .surveys
        .iter()
        .find(|survey| survey.read_only != Some(true));
    if let Some(survey) = open_role {
        let why = survey.ways_to_write.first().or(survey.unanswered.first());
        let why = why.map_or("not answered", String::as_str);
        return Some(unproven(format!("claim D does not hold: {why}")));
    }
    let unmeasured = run.transactions.iter().find_map(|t| match &t.end {
        TransactionEnd::Closed(proof) if !proof.is_clean() => Some(proof.unmeasured.join("; ")),
        TransactionEnd::Closed(_) | TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
    });
    unmeasured.map(|why| unproven(format!("claim A was not fully measured: {why}")))
}
