//! Journals of whole runs for the tests. Every event is legal when it is pushed.

use std::sync::Arc;

use serde_json::json;

use super::fixture::{
    JournalRecord, again, at, change, created, live, probes, profile, refold, repository, rulings,
    simulation, survey,
};
use super::{
    DrySeams, Feasibility, Forbidden, ResumeResult, SecretScan, claims, forbidden, g0, g1, g2, g3,
    g3_so_far, g4, g5, main_and_tags_unchanged, non_mutation, predict, protected_tables,
    report_file, reports_render, result, result_name, step_effect,
};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, ApprovalRecorded, Check, CheckRecorded, ContextPinned, Decision, DriftFound,
    EffectPredicted, Event, EvidenceRenewed, EvidenceSheet, EvidenceTaken, Gate, GateFinished,
    GateStarted, History, InvocationReturned, LedgerRef, Purpose, RenewalReason, RunId, RunSealed,
    RunState, State, StateChanged, Stop, StopCode, SurveyPurpose, SurveyTaken, TransactionClosed,
    TransactionOpened, UnitsProgressed, Verdict,
};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Survey, compare};
use crate::testing::values::{context, person, proof};

/// The journal while it is written, with its fold.
#[derive(Clone)]
pub struct JournalFixture {
    /// Records.
    pub records: Vec<JournalRecord>,
    /// A copy of the history's state, which a test may change.
    pub run: RunState,
    history: History,
    profile: Profile,
}

impl JournalFixture {
    /// An empty journal.
    pub fn new() -> Self {
        Self {
            records: Vec::new(),
            run: RunState::default(),
            history: History::default(),
            profile: profile(),
        }
    }

    /// The number of the next record.
    pub fn seq(&self) -> u64 {
        self.records.len() as u64
    }

    /// Appends a legal event.
    pub fn push(&mut self, event: Event) {
        let seq = self.seq();
        let taken = self.history.take(seq, at(seq), &event, &Digest::zero());
        assert_eq!(taken, Ok(()), "record {seq}");
        self.run = self.history.run().clone();
        self.records.push((seq, at(seq), event));
    }

    /// Records and finishes a gate.
    pub fn gate(&mut self, gate: Gate, checks: Vec<Check>) {
        if self
            .run
            .gates
            .get(&gate)
            .is_none_or(|g| g.finished.is_some())
        {
            self.push(Event::GateStarted(GateStarted { gate }));
        }
        for check in checks {
            self.push(Event::CheckRecorded(CheckRecorded { gate, check }));
        }
        let verdict = Verdict::of_gate(self.run.gates[&gate].checks.iter().map(|c| c.verdict));
        self.push(Event::GateFinished(GateFinished { gate, verdict }));
    }

    fn to(&mut self, to: State) {
        let from = self.run.state;
        self.push(Event::StateChanged(StateChanged { from, to }));
    }

    /// Takes a survey in its own transaction.
    pub fn survey(&mut self, purpose: SurveyPurpose, damage: impl FnOnce(&mut Survey)) {
        let id = self.run.transactions.len() as u64 + 1;
        let mut survey = survey(id, self.seq());
        damage(&mut survey);
        let nonce = survey.snapshot.nonce.clone();
        self.push(Event::TransactionOpened(TransactionOpened {
            id,
            purpose: Purpose::Survey,
            nonce,
        }));
        let proof = proof(&survey.snapshot).into();
        self.push(Event::TransactionClosed(TransactionClosed { id, proof }));
        let (survey, simulation) = (Arc::new(survey), Arc::new(simulation()));
        self.push(Event::SurveyTaken(SurveyTaken {
            purpose,
            survey,
            simulation,
        }));
    }

    fn returned(&mut self, stop_code: Option<StopCode>) {
        let r = u32::try_from(self.run.returns.len()).expect("small") + 1;
        let state = self.run.state;
        self.push(Event::InvocationReturned(InvocationReturned {
            r,
            state,
            stop_code,
        }));
    }

    fn evidence(&mut self, gate: ApprovalGate) {
        let created = self.run.created.clone().expect("created");
        let pin = self.run.pin.clone().expect("pinned");
        let (predicted, predicted_counts) = self.run.predicted.clone().expect("predicted");
        let sheet = EvidenceSheet {
            schema: 1,
            run_id: created.run_id.clone(),
            gate,
            round: self.run.round,
            pin_nonce: pin.snapshot.nonce.clone(),
            pinned_at: pin.snapshot.began_at,
            facts_digest: pin.facts_digest.clone(),
            candidate_digest: pin.candidates.as_ref().map(|c| c.sha256.clone()),
            candidates: 60,
            predicted,
            predicted_counts,
            simulated: None,
            context: self.run.context.as_deref().expect("seeded").clone(),
            profile_sha256: created.profile_sha256.clone(),
            target: created.target.clone(),
            server: pin.server.clone(),
            facts: pin.facts.clone(),
            claims: claims(&self.run),
            verdict_counts: self.run.verdict_counts(),
            last_pass: None,
            last_pass_differences: Vec::new(),
            drifted: self
                .run
                .drifted_before
                .as_ref()
                .map_or_else(Vec::new, |drift| drift.changes.clone()),
            tool_version: "0.1.0".to_owned(),
        };
        let evidence = Digest::of(sheet.bytes().expect("plain data"));
        self.push(Event::EvidenceTaken(EvidenceTaken {
            gate,
            round: self.run.round,
            evidence,
            sheet: Arc::new(sheet),
            expires_at: at(100_000),
            boot_id: "boot".to_owned(),
            uptime_ms: Some(1_000 * self.seq()),
        }));
        self.to(gate.waiting_state());
        self.stop(gate, StopCode::StopApprovalRequired);
    }

    fn stop(&mut self, gate: ApprovalGate, stop_code: StopCode) {
        let stop = Stop {
            stop_code,
            gate: Some(gate),
            state: self.run.state,
            evidence: None,
            message: "waits".to_owned(),
            next: "approve".to_owned(),
        };
        self.push(Event::StopRaised(stop));
        self.returned(Some(stop_code));
    }

    /// A person decides on the evidence that waits.
    pub fn decide(&mut self, gate: ApprovalGate, decision: Decision) {
        let evidence = self.run.evidence.as_ref().expect("waits").digest.clone();
        self.push(Event::ApprovalRecorded(ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason: Some("because".to_owned()),
            by: person("op_a"),
            boot_id: "boot".to_owned(),
            uptime_ms: Some(1_000 * self.seq()),
        }));
    }

    fn step(&mut self, step: SimulatedStep) {
        let counts = simulation().counts;
        let effect = step_effect(&self.profile, step, &counts);
        let file = format!("units/1-{}.jsonl", step.name());
        let ledger = LedgerRef {
            sha256: Digest::of(&file),
            file,
            rows: 60,
            bytes: 6000,
        };
        self.push(Event::UnitsProgressed(UnitsProgressed {
            round: self.run.round,
            step,
            counts,
            effect,
            ledger,
        }));
    }

    fn record_so_far(&mut self) {
        for check in g3_so_far(&self.run, &self.profile) {
            self.push(Event::CheckRecorded(CheckRecorded {
                gate: Gate::G3,
                check,
            }));
        }
    }

    /// From nothing to SG1.
    pub fn until_sg1(mut self) -> Self {
        let profile = self.profile.clone();
        let sha256 = Digest::of("profile");
        let run_id: RunId = "ictr-20261122T091402Z-8a941203"
            .parse()
            .expect("well formed");
        self.push(Event::RunCreated(Box::new(created(run_id, sha256.clone()))));
        let ssot = [("icx-const lifecycle".to_owned(), Ok(Digest::of("ssot")))];
        self.gate(Gate::G0, g0(&profile, &sha256, &ssot, &Ok(repository())));
        self.to(State::Prechecked);
        self.pin_and_seed(|_| {});
        self
    }

    /// G1 and G2 on a new pin, which `spoil` may change, up to SG1.
    fn pin_and_seed(&mut self, damage: impl FnOnce(&mut Survey)) {
        let profile = self.profile.clone();
        let started = self.run.created.clone().expect("created");
        self.push(Event::GateStarted(GateStarted { gate: Gate::G1 }));
        self.survey(SurveyPurpose::Pin, damage);
        let pin = self.run.pin.clone().expect("pinned");
        let proof = proof(&pin.snapshot);
        let rulings = rulings();
        self.gate(
            Gate::G1,
            g1(&Feasibility {
                profile: &profile,
                survey: &pin,
                proof: Some(&proof),
                rulings: &rulings,
            }),
        );
        self.to(State::Surveyed);
        let context = context(&started, &pin);
        let bytes = serde_json::to_vec(&context).expect("plain data");
        let blob = Digest::of(&bytes);
        self.push(Event::GateStarted(GateStarted { gate: Gate::G2 }));
        self.push(Event::ContextPinned(ContextPinned {
            context: Box::new(context.clone()),
            blob: blob.clone(),
        }));
        let simulation = simulation();
        let predicted = predict(&profile, &simulation);
        let counts = simulation.counts.clone();
        self.push(Event::EffectPredicted(EffectPredicted {
            round: self.run.round,
            predicted: predicted.clone(),
            counts: counts.clone(),
        }));
        let dry_seams = DrySeams {
            profile: &profile,
            pin: &pin,
            simulation: &simulation,
            context: &context,
            context_bytes: &bytes,
            context_blob: &blob,
            predicted: Some((&predicted, &counts)),
            data_directory: "/data",
            written: &["/data/runs/x/context.json".to_owned()],
        };
        self.gate(Gate::G2, g2(&dry_seams));
        self.to(State::Seeded);
        self.push(Event::GateStarted(GateStarted { gate: Gate::G3 }));
        self.evidence(ApprovalGate::SG1);
    }

    /// From SG1 to SG2; `spoil` changes the survey for the approval in the same way as the pin was.
    pub fn until_sg2_on(mut self, damage: impl FnOnce(&mut Survey)) -> Self {
        self.decide(ApprovalGate::SG1, Decision::Approve);
        self.survey(SurveyPurpose::ApproveSg1, damage);
        self.step(SimulatedStep::Cut);
        self.to(State::CutSimulated);
        self.step(SimulatedStep::Verify);
        self.to(State::Verified);
        self.record_so_far();
        self.evidence(ApprovalGate::SG2);
        self
    }

    /// From SG1 to SG2.
    pub fn until_sg2(self) -> Self {
        self.until_sg2_on(|_| {})
    }

    /// From SG2 to the post survey, which `spoil` may change.
    pub fn until_post(mut self, damage: impl FnOnce(&mut Survey)) -> Self {
        self.decide(ApprovalGate::SG2, Decision::Approve);
        self.survey(SurveyPurpose::ApproveSg2, |_| {});
        self.step(SimulatedStep::Enact);
        self.to(State::EnactSimulated);
        self.record_so_far();
        self.survey(SurveyPurpose::Post, damage);
        self.to(State::PostSurveyed);
        self
    }

    /// From SG2 over a drift of `icx_draft` back to SG1 on a new pin.
    pub fn drifts_at_sg2(mut self) -> Self {
        let moved = |survey: &mut Survey| change(survey, "icx_draft", live("59"));
        self.decide(ApprovalGate::SG2, Decision::Approve);
        self.survey(SurveyPurpose::ApproveSg2, moved);
        let (pin, latest) = (self.run.pin.clone(), self.run.latest.clone());
        let latest = latest.expect("surveyed").1;
        self.push(Event::DriftFound(DriftFound {
            gate: Some(ApprovalGate::SG2),
            drift: compare(&pin.expect("pinned"), &latest),
            nonce: latest.snapshot.nonce.clone(),
        }));
        self.stop(ApprovalGate::SG2, StopCode::StopFactsDrifted);
        self.push(Event::EvidenceRenewed(EvidenceRenewed {
            gate: ApprovalGate::SG2,
            reason: RenewalReason::Drift,
        }));
        self.pin_and_seed(moved);
        self
    }

    /// From the post survey to the seal.
    pub fn until_seal(mut self) -> Self {
        let profile = self.profile.clone();
        let judged = Box::new(non_mutation(&self.run));
        self.push(Event::NonMutationJudged(judged));
        self.to(State::CloseoutReported);
        self.returned(None);
        let checks = g3(&self.run, &profile);
        self.gate(Gate::G3, checks);
        let refolded = refold(&self.records);
        let seen = ResumeResult {
            state: State::CloseoutReported,
            stop_code: None,
            transitions_added: 0,
        };
        let checks = g4(&self.run, &refolded, Some(&seen));
        self.gate(Gate::G4, checks);
        self.returned(None);
        self.seal()
    }

    /// A person rejects at SG1, and the run is sealed.
    pub fn rejected(mut self) -> Self {
        let profile = self.profile.clone();
        self.decide(ApprovalGate::SG1, Decision::Reject);
        self.to(State::Rejected);
        self.returned(Some(StopCode::StopApprovalRejected));
        let checks = g3(&self.run, &profile);
        self.gate(Gate::G3, checks);
        self.seal()
    }

    /// G5, G6 and the last record.
    fn seal(mut self) -> Self {
        self.gate(Gate::G5, g5(&probes()));
        let checks = self.handover();
        self.gate(Gate::G6, checks);
        let outcome = result(&self.run);
        self.push(Event::RunSealed(RunSealed {
            result: result_name(&self.run),
            outcome,
            exit_code: outcome.exit_code(),
            stop_code: outcome.stop_code(),
            template_version: 1,
            reports: Vec::new(),
        }));
        self
    }

    /// The checks of G6.
    pub fn handover(&self) -> Vec<Check> {
        let repository = repository();
        let run_id = self.run.run_id().expect("created").clone();
        let reports: Vec<_> = super::REPORTS
            .iter()
            .map(|name| (report_file(name, &run_id), Ok(Digest::of(name))))
            .collect();
        let recomputed = again(&self.records);
        let mut scan = SecretScan::default();
        scan.profile("clean");
        scan.text("journal.jsonl", "clean");
        let mut checks = vec![
            main_and_tags_unchanged(Some(&repository), Some(&repository)),
            reports_render(&run_id, &reports),
        ];
        checks.extend(forbidden(&Forbidden {
            run: &self.run,
            profile: &self.profile,
            repository_before: Some(&repository),
            repository_now: Some(&repository),
            statements: Some(&["SELECT 1".to_owned()]),
            binary_now: Some(&Digest::of("binary")),
            execution_enabled: Some(false),
            secrets: Some(&scan),
            recomputed: Some(&recomputed),
        }));
        checks
    }
}

/// A run that was sealed with PASS.
pub fn passed() -> JournalFixture {
    JournalFixture::new()
        .until_sg1()
        .until_sg2()
        .until_post(|_| {})
        .until_seal()
}

/// A run after its post survey, which `spoil` may change.
pub fn post(damage: impl FnOnce(&mut Survey)) -> JournalFixture {
    JournalFixture::new()
        .until_sg1()
        .until_sg2()
        .until_post(damage)
}

#[test]
fn the_fixture_passes_and_its_recomputation_finds_nothing() {
    let journal = passed();
    let failing: Vec<_> = journal
        .run
        .checks()
        .filter(|(_, check)| check.verdict != Verdict::Pass)
        .map(|(gate, check)| json!([gate, check]))
        .collect();
    assert!(failing.is_empty(), "{failing:#?}");
    let sealed = journal.run.sealed.clone().expect("sealed");
    assert_eq!(sealed.0, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(again(&journal.records).findings, Vec::new());
    let count = |gate| journal.run.gates[&gate].checks.len();
    assert_eq!(
        [
            count(Gate::G0),
            count(Gate::G1),
            count(Gate::G2),
            count(Gate::G3)
        ],
        [6, 14, 7, 8]
    );
    assert_eq!(protected_tables(&profile()).len(), 5);
}

#[test]
fn a_drift_voids_both_approvals_and_its_recomputation_finds_nothing() {
    let moved = |survey: &mut Survey| change(survey, "icx_draft", live("59"));
    let journal = JournalFixture::new()
        .until_sg1()
        .until_sg2()
        .drifts_at_sg2();
    assert_eq!(again(&journal.records).findings, Vec::new());
    assert_eq!(journal.run.round, 2);
    let so_far = g3_so_far(&journal.run, &profile());
    assert!(so_far.is_empty(), "{so_far:#?}");
    let journal = journal.until_sg2_on(moved);
    assert_eq!(again(&journal.records).findings, Vec::new());
    assert_eq!(g3_so_far(&journal.run, &profile()).len(), 5);
}

#[test]
fn a_rejected_run_is_sealed_as_such_and_its_recomputation_finds_nothing() {
    let journal = JournalFixture::new().until_sg1().rejected();
    let sealed = journal.run.sealed.clone().expect("sealed");
    assert_eq!(
        (sealed.0.as_str(), sealed.2),
        ("O4_LIVE_DRYRUN_ORCHESTRATION_REJECTED", 5)
    );
    assert_eq!(again(&journal.records).findings, Vec::new());
    let failed = journal
        .run
        .checks()
        .find(|(_, c)| c.verdict == Verdict::Fail);
    assert_eq!(failed, None);
}
