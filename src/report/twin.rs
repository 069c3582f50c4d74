//! `kb/report.json`, the machine-readable twin of the thirteen reports. Invariant: the same run gives the same bytes; every value has its provenance.

use serde_json::{Map, Value, json};

use super::{
    ReportInput, TEMPLATE_VERSION, approvals, audit_rows, counters, hooks, names, proof, repository,
};
use crate::run::{ClaimName, RunState};
use crate::survey::{FactChange, Observed, Survey};

/// The twin of the reports of a run.
pub fn json_twin(input: &ReportInput) -> Value {
    let run = input.run;
    let sealed = run.sealed.as_ref();
    let mut twin = json!({
        "schema": 1,
        "template_version": TEMPLATE_VERSION,
        "run_id": run.run_id(),
        "state": run.state.name(),
        "result": sealed.map(|(result, _, _)| result),
        "exit_code": sealed.map(|(_, _, code)| code),
        "target": run.created.as_ref().map(|created| json!({
            "label": created.target.label,
            "host": created.target.host,
            "port": created.target.port,
            "database": created.target.database,
            "user": created.target.user,
        })),
        "profile": run.created.as_ref().map(|created| json!({
            "name": created.profile, "sha256": created.profile_sha256,
        })),
        "tool": run.created.as_ref().map(|created| &created.tool),
        "context": run.context,
        "code": repository::code_outcome(run),
        "gates": gates(run),
        "facts": { "pre": facts(run.pin.as_deref()), "post": facts(run.post.as_deref()) },
        "facts_digest": {
            "pre": run.pin.as_ref().map(|survey| &survey.facts_digest),
            "post": run.post.as_ref().map(|survey| &survey.facts_digest),
        },
        "pairs": pairs(run),
        "predicted": run.predicted.as_ref().map(|(effect, counts)| json!({ "effect": effect, "counts": counts })),
        "counters": counters(run),
        "returns": returns(run),
        "tests": { "full_discover": input.full_discover },
        "approvals": approvals::approvals(run),
        "drift": drift(run),
        "non_mutation": non_mutation(run, true),
        "transactions": proof::proof(run)["transactions"],
        "footprint": proof::total(run),
        "audit": audit_rows::audit_rows(run),
        "or_td_note": { "value": input.profile.or_td_note, "provenance": "DECLARED" },
        "handover": { "value": input.profile.handover, "provenance": "DECLARED" },
        "reports": reports(run),
    });
    if !run.hooks.is_empty() {
        twin["hooks"] = json!(hooks::rows(run));
    }
    twin
}

fn gates(run: &RunState) -> Value {
    run.gates
        .iter()
        .map(|(gate, begun)| {
            json!({
                "gate": gate.name(),
                "title": gate.title(),
                "verdict": begun.finished.map(|(verdict, _)| verdict.word()),
                "checks": begun.checks,
            })
        })
        .collect()
}

/// Facts by key, each with value and provenance; an unknown one with its reason. `{}` without a survey.
pub(super) fn facts(survey: Option<&Survey>) -> Value {
    let facts = survey.map_or(&[][..], |survey| &survey.facts);
    let members = facts.iter().map(|fact| {
        let mut member = json!({
            "value": fact.json_value(),
            "provenance": fact.observed.provenance(),
        });
        if let Observed::Unknown { unknown } = &fact.observed {
            member["unknown"] = json!(unknown);
        }
        (fact.key.to_string(), member)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn pairs(run: &RunState) -> Value {
    let (Some(pin), Some(post)) = (&run.pin, &run.post) else {
        return json!([]);
    };
    pin.facts
        .iter()
        .map(|fact| {
            let after = post.fact(fact.key.as_str());
            let equal = fact.observed.value().is_some()
                && after.and_then(|after| after.observed.value()) == fact.observed.value();
            json!({
                "key": fact.key,
                "pre": fact.json_value(),
                "post": after.map(crate::survey::Fact::json_value),
                "equal": equal,
            })
        })
        .collect()
}

/// Returns as in the contract: `r`, `state`, `stop_code`.
pub(super) fn returns(run: &RunState) -> Value {
    run.returns
        .iter()
        .enumerate()
        .map(|(index, (state, stop_code, _))| {
            json!({ "r": index + 1, "state": state, "stop_code": stop_code })
        })
        .collect()
}

/// The drift that stands, or what differed at closeout.
pub(super) fn drift(run: &RunState) -> Value {
    let at_closeout = run.non_mutation.as_ref().map(|judged| &judged.changes);
    let standing = run.drift.as_ref().map(|drift| &drift.changes);
    let changes: &[FactChange] = standing.or(at_closeout).map_or(&[], Vec::as_slice);
    json!(changes)
}

/// Verdict and claims; `null` while the run is neither judged nor sealed.
pub(super) fn non_mutation(run: &RunState, raw: bool) -> Value {
    if run.non_mutation.is_none() && run.sealed.is_none() {
        return Value::Null;
    }
    let judged = proof::judgement(run);
    let claims = ClaimName::ALL.iter().filter_map(|name| {
        let claim = judged.claims.iter().find(|claim| claim.name == *name)?;
        let mut member = json!({
            "verdict": claim.verdict.word(),
            "says": name.says(),
            "measured": claim.measured,
            "cannot_see": name.cannot_see(),
        });
        if raw {
            member["raw"] = claim.raw.clone();
        }
        Some((name.name().to_owned(), member))
    });
    json!({
        "verdict": judged.verdict.word(),
        "claims": Value::Object(claims.collect::<Map<_, _>>()),
    })
}

/// The reports with their digests once `run_sealed` has them.
fn reports(run: &RunState) -> Value {
    let names = run
        .run_id()
        .map(|id| names(&id.date()))
        .into_iter()
        .flatten();
    names
        .map(|name| {
            let digest = run.reports.iter().find(|(known, _)| *known == name);
            json!({ "name": name, "sha256": digest.map(|(_, digest)| digest) })
        })
        .collect()
}
