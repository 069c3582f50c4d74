//! The figures of the source report as literal lines of text. A figure is read from the run; one that is absent prints as `NOT
//! CHECKED`, `not reached` or `unknown`.

use serde_json::{Value, json};

use super::names;
use crate::audit::probes_passed;
use crate::documents::{Counters, SidecarState};
use crate::run::{Check, CheckName, Gate, RunResult, RunState, TestsDeclared, Verdict};
use crate::simulate::SimulatedStep;
use crate::survey::{
    Derived, Fact, FactKind, RoleSurvey, Simulated, StreamDigest, Survey, differences,
};

const NOT_CHECKED: &str = "NOT CHECKED";
const NOT_REACHED: &str = "not reached";

/// `sidecar_state` of the contract, section 8: `success` only for PASS.
pub fn sidecar_state(run: &RunState) -> SidecarState {
    match run.sealed {
        Some((_, RunResult::Pass, _)) => SidecarState::Success,
        Some((_, RunResult::Rejected, _)) => SidecarState::Rejected,
        Some(_) => SidecarState::Failed,
        None if run.waits_at().is_some() => SidecarState::Waiting,
        None => SidecarState::Running,
    }
}

/// The four counters of the contract, section 3, each with its provenance; `null` where it is not reached.
pub fn counters(run: &RunState) -> Counters {
    let sealed = run.sealed.is_some();
    Counters {
        candidate_count_confirmed: candidate_count_confirmed(run),
        lifecycle_enacted_count: lifecycle_enacted_count(run),
        sidecar_state_final: sealed.then(|| Derived::new(sidecar_state(run))),
        local_kb_markdown_files: sealed.then(|| Derived::new(names(run).len())),
    }
}

fn candidate_count_confirmed(run: &RunState) -> Option<Simulated<u64>> {
    let done = run
        .steps
        .iter()
        .find(|done| done.step == SimulatedStep::Verify)?;
    Some(done.counts.verified)
}

/// Units that are enacted already or that the simulated ENACT would enact.
fn lifecycle_enacted_count(run: &RunState) -> Option<Simulated<u64>> {
    let counts = &run
        .steps
        .iter()
        .find(|done| done.step == SimulatedStep::Enact)?
        .counts;
    Some(Simulated::new(
        counts
            .would_enact
            .get()
            .saturating_add(*counts.already_enacted.get()),
    ))
}

/// `ICX-CONST total=60` and the like: role first, then the facts in the order of the profile, without content digests.
pub(super) fn live_facts(survey: Option<&Survey>) -> Vec<String> {
    let Some(survey) = survey else {
        return vec![format!("live facts: {NOT_CHECKED} (no survey was taken)")];
    };
    let mut lines = Vec::new();
    if survey.fact("role").is_none() {
        lines.push(format!("role={}", survey.role.role));
    }
    if survey.fact(RoleSurvey::READ_ONLY_FACT).is_none() {
        let derived = survey
            .role
            .is_read_only()
            .map_or_else(|| NOT_CHECKED.to_owned(), |read_only| read_only.to_string());
        lines.push(format!("{}={derived}", RoleSurvey::READ_ONLY_FACT));
    }
    // Content digests have their own section, see `content_facts`.
    let plain = survey.facts.iter().filter(|f| f.kind != FactKind::Content);
    lines.extend(plain.map(|fact| format!("{}={}", figure_name(fact), known(Some(fact)))));
    lines
}

/// `source_document=<digest>`: the protected tables.
pub(super) fn content_facts(survey: Option<&Survey>) -> Vec<String> {
    let facts = survey.map_or(&[][..], |survey| &survey.facts);
    facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Content)
        .map(|fact| format!("{}={}", fact.key, known(Some(fact))))
        .collect()
}

/// The name of a figure in the source report: a label for a number, the key for everything else.
fn figure_name(fact: &Fact) -> &str {
    if fact.kind == FactKind::Integer {
        &fact.label
    } else {
        fact.key.as_str()
    }
}

/// The value of a fact; `unknown` where there is no such fact or it could not be read.
fn known(fact: Option<&Fact>) -> String {
    fact.and_then(|fact| fact.observed.value())
        .map_or_else(|| "unknown".to_owned(), str::to_owned)
}

/// The lines of "Runner evidence".
pub(super) fn runner_evidence(run: &RunState) -> Vec<String> {
    let id = run.run_id().map_or_else(String::new, ToString::to_string);
    let mut lines = vec![format!("run_id={id}")];
    for (index, (state, stop_code, _)) in run.returns.iter().enumerate() {
        let stop = stop_code.map_or_else(|| "stop_code=None".to_owned(), |code| code.to_string());
        lines.push(format!("r{}={state} / {stop}", index + 1));
    }
    let count = |value: Option<Simulated<u64>>| {
        value.map_or_else(|| NOT_REACHED.to_owned(), |count| count.get().to_string())
    };
    lines.extend([
        format!(
            "candidate_count_confirmed={}",
            count(candidate_count_confirmed(run))
        ),
        format!(
            "lifecycle_enacted_count={}",
            count(lifecycle_enacted_count(run))
        ),
        format!("sidecar_state_final={}", sidecar_state(run).name()),
        format!("local_kb_markdown_files={}", names(run).len()),
    ]);
    lines
}

/// The pairs of last pin and post survey: numbers, then everything else, and the sentence above them.
pub(super) fn pairs(run: &RunState) -> Value {
    let (Some(pin), Some(post)) = (&run.pin, &run.post) else {
        let missing = if run.pin.is_none() { "pre" } else { "post" };
        return json!({
            "sentence": format!("Pre/post live read-only survey: {NOT_CHECKED} (no {missing} survey was taken)."),
            "numbers": [], "others": [],
        });
    };
    let pair = |fact: &Fact| {
        let after = post.fact(fact.key.as_str());
        format!("{}={} -> {}", fact.key, known(Some(fact)), known(after))
    };
    // The source report lists numbers first, then everything else.
    let of = |integer: bool| -> Vec<String> {
        let wanted = |fact: &&Fact| (fact.kind == FactKind::Integer) == integer;
        pin.facts.iter().filter(wanted).map(pair).collect()
    };
    let mut others = of(false);
    let streams = [
        ("pieces", &pin.pieces, &post.pieces),
        ("live_units", &pin.candidates, &post.candidates),
    ];
    for (name, one, two) in streams.into_iter().filter(|_| run.simulates()) {
        let digest = |stream: &Option<StreamDigest>| {
            stream
                .as_ref()
                .map_or_else(|| "unknown".to_owned(), |s| s.sha256.to_string())
        };
        others.push(format!("{name}={} -> {}", digest(one), digest(two)));
    }
    // The same comparison as that of claim B, so the sentence and the claim cannot disagree.
    let changes = differences(pin, post);
    let sentence = match changes.voids.len() {
        0 if !changes.beside.is_empty() => format!(
            "Pre/post live read-only survey remained identical but for what changed beside ({}):",
            crate::run::counted(changes.beside.len(), "value")
        ),
        0 => "Pre/post live read-only survey remained identical:".to_owned(),
        1 => "Pre/post live read-only survey differs in 1 value:".to_owned(),
        n => format!("Pre/post live read-only survey differs in {n} values:"),
    };
    json!({ "sentence": sentence, "numbers": of(true), "others": others })
}

/// The lines of "Tests".
pub(super) fn tests(run: &RunState) -> Vec<String> {
    let gate = run.gates.get(&Gate::G5);
    let probes = gate.map_or(&[][..], |gate| &gate.checks);
    let passed = if probes.is_empty() {
        NOT_CHECKED.to_owned()
    } else {
        probes_passed(probes)
    };
    vec![
        format!("{}: {passed}", run.words().probes),
        format!("Full discover: {}", full(run.declared_tests.as_ref())),
        format!("Mode.LIVE refused: {}", live_refused(probes)),
        format!("execution_enabled={}", execution_enabled(run)),
    ]
}

/// `366/366 PASS`: PASS only when there was something and all of it passed.
fn full(declared: Option<&TestsDeclared>) -> String {
    let Some(full) = declared else {
        return NOT_CHECKED.to_owned();
    };
    let all = full.passed.saturating_add(full.failed);
    let word = Verdict::of(full.failed == 0 && all > 0);
    format!("{}/{all} {word}", full.passed)
}

/// Verdict of the probe of G5 that asks for Mode.LIVE and expects a refusal.
fn live_refused(probes: &[Check]) -> String {
    probes
        .iter()
        .find(|probe| probe.name == CheckName::LiveRefused)
        .map_or_else(|| NOT_CHECKED.to_owned(), |probe| probe.verdict.to_string())
}

/// As Python writes a boolean, because the source report does.
fn execution_enabled(run: &RunState) -> &'static str {
    let mode = run.created.as_ref().map(|created| created.mode);
    match mode.map(crate::run::Mode::execution_enabled) {
        Some(false) => "False",
        Some(true) => "True",
        None => NOT_CHECKED,
    }
}

/// Where the line `Full discover` comes from.
pub(super) fn full_discover_source(full: Option<&TestsDeclared>) -> String {
    full.map_or_else(
        || format!("{NOT_CHECKED}: the profile names no result of a full test run that could be read"),
        |full| {
            format!(
                "DECLARED by {}, {} seconds old when it was read, sha256 {}; nothing here ran these tests",
                full.file, full.age_s, full.sha256
            )
        },
    )
}
