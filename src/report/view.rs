//! Collects everything that the templates may use into one JSON value. Invariant: text from the database or the profile reaches
//! a template as a value and never as Markdown, so `render::write_inline` escapes it (test
//! `hostile_text_of_the_database_stays_text`).

use serde_json::{Value, json};

use super::figures::{
    content_facts, full_discover_source, live_facts, pairs, runner_evidence, tests,
};
use super::gates::{gates, verdict_counts};
use super::surveys::{grants, survey};
use super::{
    ReportError, ReportInput, TEMPLATE_VERSION, approvals, audit_rows, hooks, names, proof, proves,
    rehearsal, repository, timeline,
};
use crate::run::RunCreated;

/// The values of a run for the templates; no text is escaped yet. Fails where the run has no `run_created`.
pub fn view(input: &ReportInput) -> Result<Value, ReportError> {
    let run = input.run;
    let created = run.created.as_deref().ok_or(ReportError::NotCreated)?;
    let result = run.sealed.as_ref().map_or_else(
        || "NOT CHECKED (the run is not sealed)".to_owned(),
        |(result, _, _)| result.clone(),
    );
    Ok(json!({
        "head": head(input, created, &result),
        "result": result,
        "exit_code": run.sealed.as_ref().map_or_else(|| "not reached".to_owned(), |(_, _, code)| code.to_string()),
        "state": run.state.name(),
        "gates": gates(run),
        "verdict_counts": verdict_counts(run),
        "code": repository::code_outcome(run),
        "proves": proves::proves(run),
        "live_facts": live_facts(run.pin.as_deref()),
        "content_facts": content_facts(run.pin.as_deref()),
        "evidence": runner_evidence(run),
        "pairs": pairs(run),
        "tests": tests(run),
        "full_discover": full_discover_source(run.declared_tests.as_ref()),
        "audit": audit_rows::audit_rows(run),
        "reports": names(run),
        "rehearsal": rehearsal::rehearsal(input),
        "hooks": hooks::hooks(run),
        "words": run.words(),
        "note": input.profile.note,
        "handover": input.profile.handover,
        "out_of_scope": out_of_scope(input),
        "profile": profile(input, created),
        "context": context(input),
        "timeline": timeline::timeline(run),
        "proof": proof::proof(input),
        "approvals": approvals::approvals(run),
        "pre": survey(run.pin.as_deref(), run.simulates()),
        "post": survey(run.post.as_deref(), run.simulates()),
        "grants": grants(input),
    }))
}

/// The header lines that every report begins with.
fn head(input: &ReportInput, created: &RunCreated, result: &str) -> Value {
    let target = &created.target;
    json!([
        format!("run_id={}", created.run_id),
        format!(
            "target=[{}] {} port {}",
            target.label,
            target.without_port(),
            target.port
        ),
        format!("mode={}", created.mode.name()),
        format!(
            "profile={} sha256 {}",
            created.profile, created.profile_sha256
        ),
        format!("result={result}"),
        format!("state={}", input.run.state),
        format!("template_version={TEMPLATE_VERSION}"),
        format!("drygate={}", created.tool.version),
    ])
}

fn out_of_scope(input: &ReportInput) -> Vec<Value> {
    input
        .profile
        .out_of_scope
        .iter()
        .map(|excluded| json!({ "check": excluded.check, "reason": excluded.reason }))
        .collect()
}

fn profile(input: &ReportInput, created: &RunCreated) -> Value {
    let profile = input.profile;
    let binary = created.tool.binary_sha256.as_ref();
    json!({
        "title": profile.title,
        "lines": [
            format!("name={}", profile.name),
            format!("collection={}", profile.collection),
            format!("expected_role={}", profile.target.expected_role),
            format!("result_prefix={}", created.result_prefix),
            format!("SG1={}", created.gate_labels[0]),
            format!("SG2={}", created.gate_labels[1]),
            format!("started_by={}", created.by),
            format!("repository={}", created.repository.as_deref().unwrap_or("NOT CHECKED (none given)")),
            format!("binary_sha256={}", binary.map_or("NOT CHECKED", |digest| digest.as_str())),
        ],
        "ssot": profile.ssot.iter().map(|document| document.name.clone()).collect::<Vec<_>>(),
        "facts": profile.facts.iter().map(|fact| fact.key.clone()).collect::<Vec<_>>(),
        "tables": profile.contents.iter().map(|c| format!("{}.{}", c.schema, c.table)).collect::<Vec<_>>(),
        "functions": profile.functions.iter().map(|f| format!("{}.{}", f.schema, f.name)).collect::<Vec<_>>(),
    })
}

/// The context pins as lines of JSON; empty where none were written.
fn context(input: &ReportInput) -> Vec<String> {
    let pins = input.run.context.as_deref().map(|pins| json!(pins));
    pins.map_or_else(Vec::new, |pins| super::gates::raw_lines(&pins))
}
