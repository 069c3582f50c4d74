//! `kb/report.json`, the machine-readable twin of the thirteen reports. Invariant: values are written with their provenance
//! (`FactValue`, `Counters`; test `the_twin_has_values_with_provenance_and_the_digests_of_the_reports`).

use std::collections::BTreeMap;

use super::{
    ReportInput, TEMPLATE_VERSION, approvals, audit_rows, counters, hooks, names, proof, repository,
};
use crate::documents::{
    ClaimDocument, DeclaredTestRuns, DeclaredTests, FactPair, FactValue, GateReport,
    NonMutationDocument, PrePost, PredictionReport, RehearsedChange, ReportDocument, ReportFile,
    ReportProfile, ReportTarget, RunReturn, SchemaVersion,
};
use crate::run::{ClaimName, RunState, TestsDeclared};
use crate::survey::{Declared, Fact, FactChange, Observed, Survey};

/// The twin of the reports of a run. Unlike the reports it can be made before `run_created`: what is absent is null or empty.
pub fn json_twin(input: &ReportInput) -> ReportDocument {
    let run = input.run;
    let sealed = run.sealed.as_ref();
    let created = run.created.as_deref();
    let digest = |survey: Option<&Survey>| survey.map(|survey| survey.facts_digest.clone());
    ReportDocument {
        schema: SchemaVersion,
        template_version: TEMPLATE_VERSION,
        run_id: run.run_id().cloned(),
        state: run.state,
        result: sealed.map(|(result, _, _)| result.clone()),
        exit_code: sealed.map(|(_, _, code)| *code),
        target: created.map(|created| ReportTarget {
            label: created.target.label.clone(),
            host: created.target.host.clone(),
            port: created.target.port,
            database: created.target.database.clone(),
            user: created.target.user.clone(),
        }),
        profile: created.map(|created| ReportProfile {
            name: created.profile.clone(),
            sha256: created.profile_sha256.clone(),
        }),
        tool: created.map(|created| created.tool.clone()),
        context: run.context.as_deref().cloned(),
        code: repository::code_outcome(run),
        gates: gates(run),
        facts: PrePost {
            pre: facts(run.pin.as_deref()),
            post: facts(run.post.as_deref()),
        },
        facts_digest: PrePost {
            pre: digest(run.pin.as_deref()),
            post: digest(run.post.as_deref()),
        },
        pairs: pairs(run),
        predicted: run
            .predicted
            .clone()
            .map(|(effect, counts)| PredictionReport { effect, counts }),
        change: change(run),
        counters: counters(run),
        returns: returns(run),
        tests: DeclaredTestRuns {
            full_discover: run.declared_tests.as_ref().map(declared),
        },
        approvals: approvals::approvals(run),
        drift: drift(run),
        beside: run.beside.clone(),
        non_mutation: non_mutation(run, true),
        transactions: proof::transactions(run),
        reads_not_listed: proof::not_listed(run),
        footprint: run.footprint(),
        audit: audit_rows::audit_rows(run),
        or_td_note: input.profile.note.clone().map(Declared::new),
        handover: Declared::new(input.profile.handover.clone()),
        reports: reports(run),
        hooks: hooks::rows(run),
    }
}

fn change(run: &RunState) -> Option<RehearsedChange> {
    let change = run.change_evidence()?;
    Some(RehearsedChange {
        role: change.role,
        files: change.files,
        expect: change.expect,
        copy: change.copy,
        rehearsals: run.rehearsals.iter().map(|one| (**one).clone()).collect(),
    })
}

fn declared(full: &TestsDeclared) -> DeclaredTests {
    DeclaredTests {
        passed: full.passed,
        failed: full.failed,
        file: full.file.clone(),
        sha256: full.sha256.clone(),
        age_seconds: full.age_s,
    }
}

fn gates(run: &RunState) -> Vec<GateReport> {
    run.gates
        .iter()
        .map(|(gate, begun)| GateReport {
            gate: *gate,
            title: run.words().title(*gate).to_owned(),
            verdict: begun.finished.map(|(verdict, _)| verdict),
            checks: begun.checks.to_vec(),
        })
        .collect()
}

/// Facts by key, each with value and provenance; an unknown one with its reason. `{}` without a survey.
pub(super) fn facts(survey: Option<&Survey>) -> BTreeMap<String, FactValue> {
    let facts = survey.map_or(&[][..], |survey| &survey.facts);
    let value = |fact: &Fact| FactValue {
        value: fact.json_value(),
        provenance: fact.observed.provenance(),
        unknown: match &fact.observed {
            Observed::Unknown { unknown } => Some(unknown.clone()),
            _ => None,
        },
    };
    let members = facts.iter().map(|fact| (fact.key.to_string(), value(fact)));
    members.collect()
}

fn pairs(run: &RunState) -> Vec<FactPair> {
    let (Some(pin), Some(post)) = (&run.pin, &run.post) else {
        return Vec::new();
    };
    pin.facts
        .iter()
        .map(|fact| {
            let after = post.fact(fact.key.as_str());
            // Two unknown values are not equal: nothing was compared.
            let equal = fact.observed.value().is_some()
                && after.and_then(|after| after.observed.value()) == fact.observed.value();
            FactPair {
                key: fact.key.clone(),
                pre: fact.json_value(),
                post: after.map(Fact::json_value),
                equal,
            }
        })
        .collect()
}

/// Returns as in the contract: `r`, `state`, `stop_code`.
pub(super) fn returns(run: &RunState) -> Vec<RunReturn> {
    run.returns
        .iter()
        .enumerate()
        .map(|(index, (state, stop_code, _))| RunReturn {
            r: index + 1,
            state: *state,
            stop_code: *stop_code,
        })
        .collect()
}

/// The drift that stands, or what differed at closeout.
pub(super) fn drift(run: &RunState) -> Vec<FactChange> {
    let at_closeout = run.non_mutation.as_ref().map(|judged| &judged.changes);
    let standing = run.drift.as_ref().map(|drift| &drift.changes);
    standing.or(at_closeout).cloned().unwrap_or_default()
}

/// Verdict and claims; `None` while the run is neither judged nor sealed. `raw` adds the raw values of each claim.
pub(super) fn non_mutation(run: &RunState, raw: bool) -> Option<NonMutationDocument> {
    if run.non_mutation.is_none() && run.sealed.is_none() {
        return None;
    }
    let judged = proof::judgement(run);
    let claims = ClaimName::ALL.iter().filter_map(|name| {
        let claim = judged.claims.iter().find(|claim| claim.name == *name)?;
        let member = ClaimDocument {
            verdict: claim.verdict,
            says: name.says(),
            measured: claim.measured.clone(),
            cannot_see: name.cannot_see(),
            raw: raw.then(|| claim.raw.clone()),
        };
        Some((name.name(), member))
    });
    Some(NonMutationDocument {
        verdict: judged.verdict,
        claims: claims.collect(),
    })
}

/// The reports with their digests once `run_sealed` has them.
fn reports(run: &RunState) -> Vec<ReportFile> {
    names(run)
        .into_iter()
        .map(|name| {
            let known = run.reports.iter().find(|(known, _)| *known == name);
            let sha256 = known.map(|(_, digest)| digest.clone());
            ReportFile { name, sha256 }
        })
        .collect()
}
