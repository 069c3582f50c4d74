//! The section "What O4 proves" of report 07. Invariant: a sentence of the source report is marked as covered only where a
//! gate, an approval or the verdict of this run covers it (`proves`, `machine`).

use serde_json::{Value, json};

use crate::run::{
    ApprovalGate, ApprovalStatus, Check, CheckName, Gate, NonMutationVerdict, RunState, State,
    StopCode, Verdict,
};
use crate::simulate::SimulatedStep;

/// The sentences, each proven or not, and the steps of the state machine under the third.
pub(super) fn proves(run: &RunState) -> Value {
    let passed = |gate| run.finished(gate) == Some(Verdict::Pass);
    let machine = machine(run);
    // The sentence about the state machine needs every step under it, not the verdict of G3 alone.
    let whole = passed(Gate::G3) && machine.iter().all(|(_, covered)| *covered);
    let proven = run
        .non_mutation
        .as_ref()
        .is_some_and(|judged| judged.verdict == NonMutationVerdict::Proven);
    let sentences = [
        (
            "LiveReadOnlyDiscoverer can survey live production state and grant facts with read-only SQL.",
            run.pin.is_some() && passed(Gate::G1),
            "G1",
        ),
        (
            "LiveDryRunDiscoverer can seed the existing simulator from live facts.",
            run.pin.is_some() && passed(Gate::G2),
            "G2",
        ),
        (
            "The runner can execute the state machine end-to-end in Mode.DRYRUN:",
            whole,
            "G3, G4",
        ),
        (
            "RunContext/context pins are built from live data.",
            run.context.is_some() && passed(Gate::G2),
            "G2",
        ),
        (
            "Local reporting artifacts are generated.",
            reports_render(run),
            "G6",
        ),
        (
            "Production state does not change.",
            proven,
            "non-mutation verdict PROVEN",
        ),
    ];
    let sentences: Vec<Value> = sentences
        .into_iter()
        .map(|(says, covered, by)| json!({ "says": says, "covered": covered, "by": by, "steps": [] }))
        .enumerate()
        .map(|(index, mut sentence)| {
            if index == 2 {
                sentence["steps"] = machine
                    .iter()
                    .map(|(step, covered)| json!({ "says": step, "covered": covered }))
                    .collect();
            }
            sentence
        })
        .collect();
    json!(sentences)
}

/// The steps under the third sentence, each with whether the journal shows it. A pause is a stop that asked for an approval; a
/// resume is an approval that took effect and the simulated step that it allows.
fn machine(run: &RunState) -> [(&'static str, bool); 6] {
    let paused = |gate| {
        run.stops.iter().any(|raised| {
            raised.stop.stop_code == StopCode::StopApprovalRequired
                && raised.stop.gate == Some(gate)
        })
    };
    let resumed = |gate, step| {
        let consumed = run
            .approvals
            .iter()
            .any(|a| a.gate == gate && a.status == ApprovalStatus::Consumed);
        consumed && run.steps.iter().any(|done| done.step == step)
    };
    [
        ("SG1 pause.", paused(ApprovalGate::SG1)),
        (
            "SG1 resume.",
            resumed(ApprovalGate::SG1, SimulatedStep::Cut),
        ),
        ("SG2 pause.", paused(ApprovalGate::SG2)),
        (
            "SG2 resume.",
            resumed(ApprovalGate::SG2, SimulatedStep::Enact),
        ),
        ("closeout.", run.state == State::CloseoutReported),
        (
            "idempotent closeout resume.",
            run.finished(Gate::G4) == Some(Verdict::Pass),
        ),
    ]
}

/// Whether G6 found that the reports render.
fn reports_render(run: &RunState) -> bool {
    let rendered =
        |check: &Check| check.name == CheckName::ReportsRender && check.verdict == Verdict::Pass;
    let gate = run.gates.get(&Gate::G6);
    gate.is_some_and(|gate| gate.checks.iter().any(rendered))
}
