//! The checks of each gate, computed again.
//! Invariant: a recorded check is accepted only if the same check computed from the journal has its verdict and raw values or,
//! where the journal has no more, its own raw values give its verdict (`unlike`, `by_raw`).

use serde_json::{Value, json};

use super::forbidden::{forbidden_rows, from_journal};
use super::recompute::proof_of;
use super::recompute_raw::{agrees, answer_fits, by_raw, found_verdict};
use super::scope::{is_excluded, scope};
use super::{
    DrySeams, Feasibility, FreshFold, FreshResume, ReportRendering, ResumeResult, g0, g1, g2, g3,
    g4, recorded_rulings, recorded_ssot, reports_of, reports_render,
};
use crate::planted::{PlantedBug, planted};
use crate::profile::Profile;
use crate::run::{Check, CheckName, Gate, RunState, Verdict};
use crate::survey::Digest;

/// A check computed again: the verdict counts where the journal has everything that it was computed from, else only the raw
/// values.
struct Again {
    check: Check,
    judges: bool,
}

impl Again {
    fn all(checks: Vec<Check>) -> Vec<Self> {
        let judged = |check| Self {
            check,
            judges: true,
        };
        checks.into_iter().map(judged).collect()
    }
}

/// What does not follow in a check of `gate`, as it is recorded.
pub(super) fn check_findings(
    run: &RunState,
    profile: Option<&Profile>,
    gate: Gate,
    check: &Check,
) -> Vec<String> {
    let empty = check.verdict == Verdict::Pass && check.raw.is_null();
    let empty = empty.then(|| format!("{} is PASS without raw values", check.name));
    // Those of G3 are recorded as the run goes on, and again at its end.
    let again = profile
        .filter(|_| gate == Gate::G3)
        .map(|profile| as_asked(run, profile, Again::all(g3(run, profile))));
    let unlike = again.and_then(|again| unlike(gate, check, &again));
    empty.into_iter().chain(unlike).collect()
}

/// What does not follow in the checks of `gate`, which is about to be finished.
pub(super) fn gate_findings(run: &RunState, profile: Option<&Profile>, gate: Gate) -> Vec<String> {
    let Some(recorded) = run.gates.get(&gate).map(|g| g.checks.as_slice()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let again = match (gate, profile) {
        (Gate::G0, Some(profile)) => precheck(run, profile, recorded),
        (Gate::G1, Some(profile)) => feasibility(run, profile, recorded),
        (Gate::G2, Some(profile)) => dry_seams(run, profile),
        (Gate::G4, _) => Ok(resumed(run)),
        (Gate::G6, profile) => Ok(closing(run, profile, recorded)),
        // The checks of G3 were judged as they were recorded; what the probes of G5 saw is in their raw values alone.
        (Gate::G3 | Gate::G5, _) | (_, None) => Ok(Vec::new()),
    };
    let mut again = again.unwrap_or_else(|what| {
        found.push(format!("{gate} {what}"));
        Vec::new()
    });
    if let Some(profile) = profile {
        again = as_asked(run, profile, again);
    }
    for check in recorded {
        found.extend(unlike(gate, check, &again));
        if !again.iter().any(|a| a.judges && a.check.name == check.name) {
            found.extend(by_raw(gate, check));
        }
        if forbidden_rows(run.words()).any(|(name, _)| check.name == *name) && !answer_fits(check) {
            let (name, verdict) = (&check.name, check.verdict);
            found.push(format!(
                "{gate} {name} is {verdict}, and its words say something else"
            ));
        }
        found.extend(profile.and_then(|profile| wrong_scope(gate, profile, check)));
    }
    found
}

/// The checks that the run's table has, as the profile asks for them. What it excludes stays as it was found.
fn as_asked(run: &RunState, profile: &Profile, again: Vec<Again>) -> Vec<Again> {
    let asked = |Again { check, judges }| {
        let mut scoped = scope(run, profile, vec![Check::clone(&check)]);
        let scoped = scoped.pop()?;
        if scoped.verdict == Verdict::OutOfScope {
            return Some(Again { check, judges });
        }
        Some(Again {
            judges: judges || scoped.verdict != check.verdict,
            check: scoped,
        })
    };
    again.into_iter().filter_map(asked).collect()
}

/// Why a recorded check is not what was computed again.
fn unlike(gate: Gate, said: &Check, again: &[Again]) -> Option<String> {
    let name = &said.name;
    let Again { check, judges } = again.iter().find(|again| again.check.name == *name)?;
    let check = if planted(PlantedBug::CompareWithItself) {
        said
    } else {
        check
    };
    let other_cause = said.verdict != Verdict::OutOfScope && said.cause != check.cause;
    if *judges && (found_verdict(said) != Some(check.verdict) || other_cause) {
        let (given, said) = (check.verdict, said.verdict);
        return Some(format!(
            "{gate} {name} is {given} by its evidence, not {said}"
        ));
    }
    let stands = *judges || said.verdict == Verdict::Pass;
    (stands && !agrees(said.own_raw(), &check.raw))
        .then(|| format!("{gate} {name}: its raw values are not those of the run"))
}

/// Why a check is in or out of scope against the profile.
fn wrong_scope(gate: Gate, profile: &Profile, check: &Check) -> Option<String> {
    let excluded = is_excluded(profile, &check.name);
    let name = &check.name;
    match (check.verdict == Verdict::OutOfScope, excluded) {
        (true, false) => Some(format!(
            "{gate} {name} is OUT OF SCOPE, the profile does not or may not exclude it"
        )),
        (false, true) => Some(format!(
            "{gate} {name} is {}, although the profile excludes it",
            check.verdict
        )),
        _ => None,
    }
}

fn raw<'c>(recorded: &'c [Check], name: &CheckName, field: &str) -> Option<&'c Value> {
    let check = recorded.iter().find(|check| check.name == *name)?;
    check.own_raw().get(field)
}

fn precheck(run: &RunState, profile: &Profile, recorded: &[Check]) -> Result<Vec<Again>, String> {
    let created = run.created.as_ref().ok_or("of no run")?;
    let ssot = recorded_ssot(recorded);
    let repository = super::repository_at_g0(run).ok_or_else(|| "none".to_owned());
    let again = g0(profile, &created.profile_sha256, &ssot, &repository);
    Ok(Again::all(again))
}

fn feasibility(
    run: &RunState,
    profile: &Profile,
    recorded: &[Check],
) -> Result<Vec<Again>, String> {
    if recorded
        .iter()
        .any(|check| check.name == CheckName::DatabaseCanBeSurveyed)
    {
        // The target was not fit to be surveyed: there is nothing that could be computed again.
        return Ok(Vec::new());
    }
    let pin = run.pin.as_ref().ok_or("without a survey")?;
    let proof = proof_of(run, &pin.snapshot.nonce);
    let rulings = recorded_rulings(recorded);
    let checks = g1(&Feasibility {
        profile,
        survey: pin,
        proof,
        rulings: &rulings,
        statements: &[],
        secrets: None,
        recomputed: None,
    });
    // What was scanned then, the journal does not have: its raw values say what was found.
    let journalled = checks
        .into_iter()
        .filter(|check| check.name != CheckName::AuditHoldsAtPin);
    Ok(Again::all(journalled.collect()))
}

/// The checks of G2 from pin, context pins and prediction. What else was written, the journal does not have.
pub fn journalled_seams(run: &RunState, profile: &Profile) -> Result<Vec<Check>, String> {
    let (Some(pin), Some(context)) = (&run.pin, &run.context) else {
        return Err("without pin or context pins".to_owned());
    };
    let bytes = context.bytes().map_err(|error| error.to_string())?;
    let mut checks = g2(&DrySeams {
        profile,
        pin,
        simulation: run.pin_simulation.as_deref(),
        context,
        context_bytes: &bytes,
        context_blob: &Digest::of(&bytes),
        predicted: run
            .predicted
            .as_ref()
            .map(|(effect, counts)| (effect, counts)),
        data_directory: "",
        written: &[],
    });
    checks.retain(|check| check.name != CheckName::NothingWrittenOutside);
    Ok(checks)
}

/// G2 again. Which file the pins were read back from, the journal does not have.
fn dry_seams(run: &RunState, profile: &Profile) -> Result<Vec<Again>, String> {
    let journalled = journalled_seams(run, profile)?.into_iter();
    let again = journalled.map(|check| {
        let judges = check.name != CheckName::ContextPinsWritten;
        let check = if judges {
            check
        } else {
            without(check, &["file_sha256", "blob"])
        };
        Again { check, judges }
    });
    Ok(again.collect())
}

/// What G4 saw, if it saw no difference: whether it did, its raw values say.
fn resumed(run: &RunState) -> Vec<Again> {
    let Some((state, stop_code, _)) = run.returns.last() else {
        return Vec::new();
    };
    let seen = ResumeResult {
        state: *state,
        stop_code: *stop_code,
        transitions_added: 0,
    };
    let fresh = FreshResume::Answered(Box::new(FreshFold::of(run, Vec::new(), seen)));
    let journalled = g4(run, &fresh).into_iter().map(|check| {
        // Its numbers are of the record before the resume.
        let check = if check.name == CheckName::RefoldSameState {
            let state = json!({"state": run.state});
            Check {
                raw: json!({"live": state, "refolded": state}),
                ..check
            }
        } else {
            check
        };
        Again {
            check,
            judges: false,
        }
    });
    journalled.collect()
}

fn closing(run: &RunState, profile: Option<&Profile>, recorded: &[Check]) -> Vec<Again> {
    let mut again = Again::all(from_journal(run, profile, recorded));
    let reports = raw(recorded, &CheckName::ReportsRender, "reports").and_then(Value::as_array);
    if let (Some(run_id), Some(reports)) = (run.run_id(), reports) {
        let rendered: Vec<ReportRendering> = reports
            .iter()
            .filter_map(|report| {
                let text = |nth: usize| Some(report.get(nth)?.as_str()?.to_owned());
                let sha256 = text(1).and_then(|sha256| sha256.parse().ok());
                Some((text(0)?, sha256.ok_or_else(String::new)))
            })
            .collect();
        // Runs of 0.1.0 did not look for the documents.
        let lost = raw(recorded, &CheckName::ReportsRender, "lost").cloned();
        let lost: Vec<Digest> = lost
            .and_then(|lost| serde_json::from_value(lost).ok())
            .unwrap_or_default();
        again.extend(Again::all(vec![reports_render(
            &reports_of(run),
            run_id,
            &rendered,
            &lost,
        )]));
    }
    let main = super::repository_at_g0(run).and_then(|seen| seen.main);
    again.push(Again {
        check: Check::evaluated(
            CheckName::MainAndTagsUnchanged,
            true,
            "",
            json!({"main_before": main, "main_now": main}),
        ),
        judges: false,
    });
    again
}

fn without(mut check: Check, fields: &[&str]) -> Check {
    if let Value::Object(raw) = &mut check.raw {
        raw.retain(|field, _| !fields.contains(&field.as_str()));
    }
    check
}
