//! The checks of each gate, computed again. Invariant: a recorded verdict is accepted only if the same check computed from the journal has it, or its raw values give it.

use serde_json::Value;

use super::feasibility::QuerySeen;
use super::forbidden::from_journal;
use super::predict::{predict, same_rows};
use super::{Feasibility, g0, g1, g3, scope};
use crate::profile::Profile;
use crate::run::{Check, Gate, Mode, RunState, Signer, TransactionEnd, Verdict};
use crate::survey::Digest;

/// What does not follow in the checks of `gate`, which is about to be finished.
pub(super) fn gate_findings(run: &RunState, profile: Option<&Profile>, gate: Gate) -> Vec<String> {
    let Some(recorded) = run.gates.get(&gate).map(|g| g.checks.as_slice()) else {
        return Vec::new();
    };
    let mut found: Vec<String> = recorded
        .iter()
        .filter(|check| raw_answer(check).is_some_and(|holds| contradicts(check, holds)))
        .map(|check| {
            format!(
                "{gate} {} is {} against its raw values",
                check.name, check.verdict
            )
        })
        .collect();
    match gate {
        Gate::G0 => found.extend(profile.into_iter().flat_map(|p| precheck(run, p, recorded))),
        Gate::G1 => found.extend(
            profile
                .into_iter()
                .flat_map(|p| feasibility(run, p, recorded)),
        ),
        Gate::G2 => found.extend(seam(run, profile, recorded)),
        Gate::G3 => found.extend(
            profile
                .into_iter()
                .flat_map(|p| same_verdicts(gate, recorded, &scope(p, g3(run, p)))),
        ),
        Gate::G6 => found.extend(from_journal(run).into_iter().filter_map(|(name, verdict)| {
            let said = recorded.iter().find(|c| c.name == name)?;
            let excluded = said.verdict == Verdict::OutOfScope;
            (said.verdict != verdict && !excluded)
                .then(|| differs(gate, name, verdict, said.verdict))
        })),
        Gate::G4 | Gate::G5 => {}
    }
    if let Some(profile) = profile {
        found.extend(exclusions(gate, profile, recorded));
    }
    found
}

fn differs(gate: Gate, name: &str, computed: Verdict, said: Verdict) -> String {
    format!("{gate} {name} is {computed} by its evidence, not {said}")
}

/// A check that a recomputed gate has, and the journal has with another verdict or cause, or not at all.
fn same_verdicts(gate: Gate, recorded: &[Check], again: &[Check]) -> Vec<String> {
    again
        .iter()
        .filter_map(
            |computed| match recorded.iter().find(|check| check.name == computed.name) {
                None => Some(format!("{gate} {} is not recorded", computed.name)),
                Some(said) if said.verdict != computed.verdict || said.cause != computed.cause => {
                    Some(differs(
                        gate,
                        &computed.name,
                        computed.verdict,
                        said.verdict,
                    ))
                }
                Some(_) => None,
            },
        )
        .collect()
}

fn raw<'c>(recorded: &'c [Check], name: &str, field: &str) -> Option<&'c Value> {
    let check = recorded.iter().find(|check| check.name == name)?;
    let own = match check.verdict {
        Verdict::OutOfScope => check.raw.get("raw")?,
        _ => &check.raw,
    };
    own.get(field)
}

fn precheck(run: &RunState, profile: &Profile, recorded: &[Check]) -> Vec<String> {
    let Some(created) = &run.created else {
        return vec!["G0 of no run".to_owned()];
    };
    let documents = raw(recorded, "ssot_documents", "documents")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let ssot: Vec<(String, Result<Digest, String>)> = documents
        .iter()
        .filter_map(|document| {
            let sha256 =
                serde_json::from_value(document.get("sha256").cloned().unwrap_or_default());
            Some((
                document.get("name")?.as_str()?.to_owned(),
                sha256.map_err(|_| "missing".to_owned()),
            ))
        })
        .collect();
    let repository = super::repository_at_g0(run).ok_or_else(|| "none".to_owned());
    let again = g0(profile, &created.profile_sha256, &ssot, &repository);
    same_verdicts(Gate::G0, recorded, &scope(profile, again))
}

fn feasibility(run: &RunState, profile: &Profile, recorded: &[Check]) -> Vec<String> {
    if let [only] = recorded
        && only.name == "database_can_be_surveyed"
        && only.verdict == Verdict::Fail
    {
        // The target was not fit to be surveyed: there is nothing that could be computed again.
        return Vec::new();
    }
    let Some(pin) = &run.pin else {
        return vec!["G1 without a survey".to_owned()];
    };
    let proof = run.transactions.iter().rev().find_map(|t| match &t.end {
        TransactionEnd::Closed(proof) if proof.nonce == pin.snapshot.nonce => Some(proof.as_ref()),
        _ => None,
    });
    let rulings: Vec<QuerySeen> = raw(recorded, "facts_are_plain_reads", "rulings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(ruling)
        .collect();
    let again = g1(&Feasibility {
        profile,
        survey: pin,
        proof,
        rulings: &rulings,
    });
    same_verdicts(Gate::G1, recorded, &scope(profile, again))
}

fn ruling(value: &Value) -> Option<QuerySeen> {
    let field = |name: &str| value.get(name).cloned().unwrap_or_default();
    Some(QuerySeen {
        query: serde_json::from_value(field("query")).ok()?,
        sql_sha256: serde_json::from_value(field("sql_sha256")).ok()?,
        refused: serde_json::from_value(field("refused")).ok()?,
        relations: serde_json::from_value(field("relations")).ok()?,
    })
}

fn seam(run: &RunState, profile: Option<&Profile>, recorded: &[Check]) -> Vec<String> {
    let (Some(pin), Some(context)) = (&run.pin, &run.context) else {
        return vec!["G2 without pin or context pins".to_owned()];
    };
    let predicted = run
        .predicted
        .as_ref()
        .zip(run.pin_simulation.as_ref())
        .zip(profile);
    let prediction = predicted.map(|(((effect, counts), simulation), profile)| {
        same_rows(effect, &predict(profile, simulation)) && *counts == simulation.counts
    });
    let holds = [
        ("mode_dryrun", Some(context.mode == Mode::Dryrun)),
        ("stub_signing", Some(context.signer == Signer::StubSigning)),
        ("execution_disabled", Some(!context.execution_enabled)),
        (
            "simulator_input_is_survey",
            Some(
                context.simulator_input_digest == pin.input_digest()
                    && context.pin_nonce == pin.snapshot.nonce,
            ),
        ),
        ("prediction_computed", prediction),
    ];
    holds
        .into_iter()
        .filter_map(|(name, holds)| {
            let said = recorded.iter().find(|c| c.name == name);
            match (said, holds) {
                (None, _) => Some(format!("G2 {name} is not recorded")),
                (Some(said), Some(holds)) if contradicts(said, holds) => {
                    Some(differs(Gate::G2, name, Verdict::of(holds), said.verdict))
                }
                _ => None,
            }
        })
        .collect()
}

fn contradicts(check: &Check, holds: bool) -> bool {
    match check.verdict {
        Verdict::Pass => !holds,
        Verdict::Fail => holds,
        Verdict::NotChecked | Verdict::OutOfScope => false,
    }
}

fn exclusions(gate: Gate, profile: &Profile, recorded: &[Check]) -> Vec<String> {
    recorded
        .iter()
        .filter(|check| check.verdict == Verdict::OutOfScope)
        .filter(|check| {
            let named = profile
                .out_of_scope
                .iter()
                .any(|out| out.check == check.name);
            !named || !super::may_exclude(&check.name)
        })
        .map(|check| {
            format!(
                "{gate} {} is OUT OF SCOPE, the profile does not or may not exclude it",
                check.name
            )
        })
        .collect()
}

/// The answer that the raw values of a check give by themselves, for the checks whose evidence is not in the journal otherwise.
fn raw_answer(check: &Check) -> Option<bool> {
    let field = |name: &str| check.raw.get(name);
    let same = |one: &str, two: &str| Some(field(one)? == field(two)?);
    let none = |name: &str| Some(field(name)?.as_array()?.is_empty());
    match check.name.as_str() {
        "refold_same_state" => field("equal")?.as_bool(),
        "refold_same_digests" => same("live", "refolded"),
        "resume_returns_the_same" => same("before", "resumed"),
        "resume_adds_no_transition" => Some(field("transitions_added")?.as_u64()? == 0),
        "context_pins_written" => {
            Some(same("file_sha256", "blob")? && same("facts_digest", "pin_facts_digest")?)
        }
        "nothing_written_outside" => none("outside"),
        "main_and_tags_unchanged" => Some(none("moved")? && same("main_before", "main_now")?),
        "reports_render" => {
            let reports = field("reports")?.as_array()?;
            Some(
                reports.len() == 13
                    && reports
                        .iter()
                        .all(|r| r.get(1).is_some_and(Value::is_string)),
            )
        }
        "forbidden_live_cut_verify_enact" => {
            Some(field("output")?.get("found")?.as_array()?.is_empty())
        }
        "forbidden_deploy_restart" => {
            let output = field("output")?;
            let now = output.get("binary_now")?;
            let binaries = output.get("binary_sha256")?.as_array()?;
            let starts = output.get("postmaster_start")?.as_array()?;
            let same = starts.len() > 1 && starts.iter().all(|start| *start == starts[0]);
            Some(same && !binaries.is_empty() && binaries.iter().all(|one| one == now))
        }
        "forbidden_push_tag" => {
            let output = field("output")?;
            let none = |name: &str| Some(output.get(name)?.as_array()?.is_empty());
            Some(none("moved")? && none("not_reading")?)
        }
        "forbidden_kill_switch" => Some(!field("output")?.get("execution_enabled")?.as_bool()?),
        "forbidden_hardcoded_secrets" | "forbidden_fake_pass" => {
            Some(field("output")?.get("findings")?.as_array()?.is_empty())
        }
        name if super::PROBES.contains(&name) => field("holds")?.as_bool(),
        _ => None,
    }
}
