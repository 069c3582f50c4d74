//! A whole run from events, for tests. Invariant: every event was legal when it was applied.

use std::sync::Arc;

use serde_json::json;

use super::fixture_parts::{
    at, check, claims, context, created, forbidden, person, repository, run_id, simulation, survey,
};
use super::{FullDiscoverLine, RenderedReport, ReportInput, render};
use crate::audit::PROBES;
use crate::profile::{Profile, built_in};
use crate::run::{
    ApprovalGate, ApprovalRecorded, Check, CheckRecorded, ClaimVerdict, ContextPinned, Decision,
    EffectPredicted, Event, EvidenceSheet, EvidenceTaken, Gate, GateFinished, GateStarted, History,
    InvocationReturned, LedgerRef, NonMutation, NonMutationVerdict, Purpose, RunResult, RunSealed,
    RunState, State, StateChanged, Stop, StopCode, SurveyPurpose, SurveyTaken, TestsDeclared,
    TransactionClosed, TransactionOpened, UnitsProgressed, Verdict,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, FactChange, Survey, compare};
use crate::testing::values::proof;

/// A run that is being written.
pub(super) struct ReportedRun {
    /// A copy of the history's state, which a test may change.
    pub(super) run: RunState,
    history: History,
    seq: u64,
}

impl ReportedRun {
    pub(super) fn new() -> Self {
        let mut writer = Self {
            run: RunState::default(),
            history: History::default(),
            seq: 0,
        };
        writer.push(&Event::RunCreated(Box::new(created())));
        writer
    }

    /// Applies one event, one second after the one before.
    pub(super) fn push(&mut self, event: &Event) {
        let seconds = i64::try_from(self.seq).expect("few events");
        let taken = self
            .history
            .take(self.seq, at(seconds), event, &Digest::zero());
        taken.expect("a fixture is legal");
        self.run = self.history.run().clone();
        self.seq += 1;
    }

    pub(super) fn go(&mut self, to: State) {
        self.push(&Event::StateChanged(StateChanged {
            from: self.run.state,
            to,
        }));
    }

    pub(super) fn gate(&mut self, gate: Gate, checks: Vec<Check>) {
        self.push(&Event::GateStarted(GateStarted { gate }));
        self.finish(gate, checks);
    }

    fn finish(&mut self, gate: Gate, checks: Vec<Check>) {
        let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
        for check in checks {
            self.push(&Event::CheckRecorded(CheckRecorded { gate, check }));
        }
        self.push(&Event::GateFinished(GateFinished { gate, verdict }));
    }

    pub(super) fn survey(&mut self, purpose: SurveyPurpose, change: impl Fn(&mut Survey)) {
        let id = self.run.transactions.len() as u64 + 1;
        let seconds = i64::try_from(self.seq).expect("few events");
        let mut survey = survey(id, seconds);
        let proof = proof(&survey.snapshot);
        change(&mut survey);
        let nonce = survey.snapshot.nonce.clone();
        self.push(&Event::TransactionOpened(TransactionOpened {
            id,
            purpose: Purpose::Survey,
            nonce,
        }));
        self.push(&Event::TransactionClosed(TransactionClosed {
            id,
            proof: proof.into(),
        }));
        self.push(&Event::SurveyTaken(SurveyTaken {
            purpose,
            survey: Arc::new(survey),
            simulation: Arc::new(simulation()),
        }));
    }

    /// Up to `seeded`, G3 begun.
    pub(super) fn seed(&mut self, change: impl Fn(&mut Survey)) {
        self.gate(
            Gate::G0,
            vec![check("repository_present", Verdict::Pass, repository())],
        );
        self.go(State::Prechecked);
        self.survey(SurveyPurpose::Pin, change);
        self.gate(
            Gate::G1,
            vec![check("role_is_read_only", Verdict::Pass, json!(true))],
        );
        self.go(State::Surveyed);
        let pins = context(self.run.pin.as_ref().expect("a pin"));
        self.push(&Event::ContextPinned(ContextPinned {
            context: Box::new(pins),
            blob: Digest::of("context"),
        }));
        let predicted = simulation().predicted(&profile().lifecycle, &[]);
        self.push(&Event::EffectPredicted(EffectPredicted {
            round: 1,
            predicted,
            counts: simulation().counts,
        }));
        self.gate(
            Gate::G2,
            vec![check("mode_dryrun", Verdict::Pass, json!("Mode.DRYRUN"))],
        );
        self.go(State::Seeded);
        self.push(&Event::GateStarted(GateStarted { gate: Gate::G3 }));
    }

    /// Takes evidence of a gate and waits at it.
    pub(super) fn wait_at(&mut self, gate: ApprovalGate) {
        let sheet = self.sheet(gate);
        let evidence = Digest::of(sheet.bytes().expect("plain data"));
        self.push(&Event::EvidenceTaken(EvidenceTaken {
            gate,
            round: 1,
            evidence: evidence.clone(),
            sheet: Arc::new(sheet),
            expires_at: at(28_800),
            boot_id: "boot-1".to_owned(),
            uptime_ms: None,
        }));
        self.go(gate.waiting_state());
        self.stop(StopCode::StopApprovalRequired, Some(gate), Some(evidence));
        self.returned(Some(StopCode::StopApprovalRequired));
    }

    pub(super) fn stop(
        &mut self,
        code: StopCode,
        gate: Option<ApprovalGate>,
        evidence: Option<Digest>,
    ) {
        self.push(&Event::StopRaised(Stop {
            stop_code: code,
            gate,
            state: self.run.state,
            evidence,
            message: "A person has to decide.".to_owned(),
            next: "Approve or reject.".to_owned(),
        }));
    }

    fn returned(&mut self, stop_code: Option<StopCode>) {
        let r = u32::try_from(self.run.returns.len() + 1).expect("few returns");
        self.push(&Event::InvocationReturned(InvocationReturned {
            r,
            state: self.run.state,
            stop_code,
        }));
    }

    pub(super) fn decide(&mut self, gate: ApprovalGate, decision: Decision, reason: Option<&str>) {
        let evidence = self.run.evidence.as_ref().expect("evidence").digest.clone();
        self.push(&Event::ApprovalRecorded(ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason: reason.map(str::to_owned),
            by: person(),
            boot_id: "boot-1".to_owned(),
            uptime_ms: None,
        }));
    }

    /// Approves a gate and simulates its steps.
    pub(super) fn approve(&mut self, gate: ApprovalGate) {
        self.decide(gate, Decision::Approve, None);
        let purpose = match gate {
            ApprovalGate::SG1 => SurveyPurpose::ApproveSg1,
            ApprovalGate::SG2 => SurveyPurpose::ApproveSg2,
        };
        self.survey(purpose, |_| {});
        for (step, state) in gate.steps() {
            self.progress(*step);
            self.go(*state);
        }
    }

    fn progress(&mut self, step: SimulatedStep) {
        let file = format!("units/1-{}.jsonl", step.name());
        let ledger = LedgerRef {
            sha256: Digest::of(&file),
            file,
            rows: 60,
            bytes: 6000,
        };
        let effect = simulation().predicted(&profile().lifecycle, &[]);
        self.push(&Event::UnitsProgressed(UnitsProgressed {
            round: 1,
            step,
            counts: simulation().counts,
            effect,
            ledger,
        }));
    }

    /// Post survey, judgement, G3 and G4; G3 fails through claim B where the post survey differs.
    pub(super) fn close(&mut self, change: impl Fn(&mut Survey)) {
        self.survey(SurveyPurpose::Post, change);
        self.go(State::PostSurveyed);
        let pin = self.run.pin.as_ref().expect("a pin");
        let changes: Vec<FactChange> = compare(pin, self.run.post.as_ref().expect("a post survey"));
        let b = if changes.is_empty() {
            ClaimVerdict::Holds
        } else {
            ClaimVerdict::False
        };
        let claims = claims(b);
        let verdict = NonMutationVerdict::of(&claims);
        self.push(&Event::NonMutationJudged(Box::new(NonMutation {
            verdict,
            claims,
            changes,
        })));
        self.go(State::CloseoutReported);
        self.returned(None);
        let proven = verdict == NonMutationVerdict::Proven;
        self.finish(
            Gate::G3,
            vec![check(
                "non_mutation_proven",
                Verdict::of(proven),
                json!(verdict),
            )],
        );
        self.push(&Event::GateStarted(GateStarted { gate: Gate::G4 }));
        self.returned(None);
        self.finish(
            Gate::G4,
            vec![check(
                "fold_from_disk_equal",
                Verdict::Pass,
                json!({ "equal": true }),
            )],
        );
    }

    /// G5, G6 and the seal.
    pub(super) fn seal(&mut self, outcome: RunResult) {
        self.push(&Event::TestsDeclared(TestsDeclared {
            passed: 366,
            failed: 0,
            file: "full.txt".to_owned(),
            sha256: Digest::of("366 passed, 0 failed\n"),
            age_s: 30,
        }));
        let probes = PROBES[..4].iter();
        let probes = probes.map(|name| check(name.name(), Verdict::Pass, json!("refused")));
        self.gate(Gate::G5, probes.collect());
        let mut checks = vec![
            check("reports_render", Verdict::Pass, json!(13)),
            check(
                "main_and_tags_unchanged",
                Verdict::Pass,
                json!({ "moved": [] }),
            ),
        ];
        checks.extend(forbidden());
        self.gate(Gate::G6, checks);
        self.push(&Event::RunSealed(RunSealed {
            result: format!("O4_LIVE_DRYRUN_ORCHESTRATION{}", outcome.suffix()),
            outcome,
            exit_code: outcome.exit_code(),
            stop_code: None,
            template_version: super::TEMPLATE_VERSION,
            reports: Vec::new(),
        }));
    }

    fn sheet(&self, gate: ApprovalGate) -> EvidenceSheet {
        let pin = self.run.pin.as_ref().expect("a pin");
        let (predicted, predicted_counts) = self.run.predicted.clone().expect("a prediction");
        EvidenceSheet {
            schema: 1,
            run_id: run_id(),
            gate,
            round: 1,
            pin_nonce: pin.snapshot.nonce.clone(),
            pinned_at: pin.snapshot.began_at,
            facts_digest: pin.facts_digest.clone(),
            candidate_digest: pin.candidates.as_ref().map(|stream| stream.sha256.clone()),
            candidates: 60,
            predicted,
            predicted_counts,
            simulated: None,
            context: context(pin),
            profile_sha256: Digest::of("profile"),
            target: created().target,
            server: pin.server.clone(),
            facts: pin.facts.clone(),
            claims: Vec::new(),
            verdict_counts: self.run.verdict_counts(),
            last_pass: None,
            last_pass_differences: Vec::new(),
            drifted: Vec::new(),
            tool_version: "0.1.0".to_owned(),
        }
    }
}

pub(super) fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

/// The run of the source report.
pub(super) fn source_run() -> RunState {
    let mut writer = ReportedRun::new();
    writer.seed(|_| {});
    writer.wait_at(ApprovalGate::SG1);
    writer.approve(ApprovalGate::SG1);
    writer.wait_at(ApprovalGate::SG2);
    writer.approve(ApprovalGate::SG2);
    writer.close(|_| {});
    writer.seal(RunResult::Pass);
    writer.run
}

/// Renders a run with these grant lines among its blobs.
pub(super) fn rendered(
    run: &RunState,
    profile: &Profile,
    grants: Option<&str>,
) -> Vec<RenderedReport> {
    let input = ReportInput {
        run,
        profile,
        blobs: &|digest| {
            let reference = Digest::of(super::fixture_parts::GRANTS);
            grants.filter(|_| *digest == reference).map(str::to_owned)
        },
        full_discover: FullDiscoverLine::recorded(run),
    };
    render(&input).expect("the reports render")
}

/// The report of a number, from 1.
pub(super) fn report(reports: &[RenderedReport], number: usize) -> &str {
    &reports[number - 1].text
}
