//! One run as a list of events, as a runner would journal them. Invariant: every event is legal where it stands.

use std::sync::Arc;

use serde_json::json;

use super::scripted_survey::{effect, facts};
use super::values;
use crate::audit;
use crate::run::{
    ApprovalGate, ApprovalRecorded, Check, CheckName, CheckRecorded, ContextPinned, ContextPins,
    Decision, EffectPredicted, Event, EvidenceSheet, EvidenceTaken, Gate, GateFinished,
    GateStarted, History, InvocationReturned, LedgerRef, Obstacle, Purpose, RunCreated, RunState,
    State, StateChanged, Stop, StopCode, SurveyPurpose, SurveyTaken, TransactionClosed,
    TransactionOpened, UnitsProgressed, Verdict,
};
use crate::simulate::{PredictedEffect, SimulatedStep};
use crate::survey::{Digest, Fact, Snapshot, Survey, UtcTime, differences, facts_digest};

/// One durable event.
#[derive(Debug, Clone)]
pub struct ScriptedRecord {
    /// Its number.
    pub seq: u64,
    /// When it was written.
    pub at: UtcTime,
    /// What it says.
    pub event: Arc<Event>,
}

/// A run while it is written.
#[derive(Debug, Clone)]
pub struct ScriptedRun {
    /// A copy of the state that the history folded, which a test may change.
    pub run: RunState,
    /// The fold.
    pub history: History,
    /// The journal.
    pub records: Vec<ScriptedRecord>,
    /// What the next survey sees; snapshot and digest are made when it is taken.
    pub database: Survey,
    /// The checks of a gate at this point of the run.
    pub checks_of: fn(&Self, Gate) -> Vec<Check>,
    /// What is pinned of the start and of the pin; the script adds the round.
    pub context_of: fn(&RunCreated, &Survey) -> ContextPins,
    /// What the sheets say against a PASS.
    pub obstacles_of: fn(&RunState) -> Vec<Obstacle>,
    /// How many transactions others finish between two surveys.
    pub others_finish: u64,
    pub(super) enacted: bool,
    now: UtcTime,
    beat_s: i64,
}

/// A clock time of the day that a script without a beat plays on.
pub fn at(clock: &str) -> UtcTime {
    format!("2026-11-22T{clock}Z")
        .parse()
        .expect("a clock time")
}

/// Checks of no meaning, as many as the program records.
fn made_up(script: &ScriptedRun, gate: Gate) -> Vec<Check> {
    made_up_checks(match gate {
        Gate::G0 => 6,
        Gate::G1 => 14,
        Gate::G2 => 7,
        Gate::G3 if script.run.state == State::Verified => 5,
        Gate::G3 if script.run.state == State::EnactSimulated => 0,
        Gate::G3 => 8,
        Gate::G4 => 4,
        Gate::G5 => 9,
        Gate::G6 => 3,
    })
}

fn made_up_checks(number: usize) -> Vec<Check> {
    let check = |nth| {
        let (name, raw) = (format!("check_{nth}"), json!({ "looked_at": nth }));
        Check::evaluated(CheckName::from(name), true, "It holds.", raw)
    };
    (0..number).map(check).collect()
}

fn context(created: &RunCreated, pin: &Survey) -> ContextPins {
    ContextPins {
        simulator_input_digest: Digest::of("input"),
        pin_nonce: "nonce1".to_owned(),
        ..values::context(created, pin)
    }
}

impl ScriptedRun {
    /// A run of 60 drafts, or of 60 enacted units, with made-up checks.
    pub fn new(enacted: bool) -> Self {
        Self::started(values::created(), enacted, at("09:14:02"), 0)
    }

    /// A run that was started so, with one event each `beat_s` seconds; at 0, time moves only by `clock`.
    pub fn started(created: RunCreated, enacted: bool, now: UtcTime, beat_s: i64) -> Self {
        let snapshot = values::snapshot(String::new(), 0, now);
        let mut script = Self {
            run: RunState::default(),
            history: History::default(),
            records: Vec::new(),
            database: values::survey(snapshot, facts(enacted)),
            checks_of: made_up,
            context_of: context,
            obstacles_of: audit::cannot_pass,
            others_finish: 53,
            enacted,
            now,
            beat_s,
        };
        script.push(Event::RunCreated(Box::new(created)));
        script
    }

    /// Lets the next events happen at a clock time, where the script has no beat.
    pub fn clock(&mut self, clock: &str) -> &mut Self {
        if self.beat_s == 0 {
            self.now = at(clock);
        }
        self
    }

    /// When the next event happens.
    pub(super) fn now(&self) -> UtcTime {
        self.now
    }

    /// Journals an event, which must be legal.
    pub fn push(&mut self, event: Event) -> &mut Self {
        let seq = self.records.len() as u64;
        let taken = self.history.take(seq, self.now, &event, &Digest::zero());
        taken.unwrap_or_else(|illegal| panic!("{illegal}"));
        self.run = self.history.run().clone();
        self.records.push(ScriptedRecord {
            seq,
            at: self.now,
            event: Arc::new(event),
        });
        self.now = self.now.plus_seconds(self.beat_s);
        self
    }

    /// How the run was started.
    pub fn created(&self) -> &RunCreated {
        self.run.created.as_ref().expect("created")
    }

    /// The pin.
    pub fn pin(&self) -> &Survey {
        self.run.pin.as_ref().expect("a pin")
    }

    /// Since boot, where the run keeps it.
    fn uptime_ms(&self) -> Option<u64> {
        let kept = self.created().uptime_ms;
        kept.map(|start| start + 1_000 * self.records.len() as u64)
    }

    /// The database as transaction `id` sees it.
    pub fn survey(&self, id: u64) -> Survey {
        let next = 745 + self.others_finish * id;
        let snapshot = Snapshot {
            snapshot: format!("{next}:{next}:"),
            ..values::snapshot(format!("nonce{id}"), id, self.now)
        };
        Survey {
            snapshot,
            facts_digest: facts_digest(&self.database.facts),
            ..self.database.clone()
        }
    }

    /// A fact of the database.
    pub fn fact(&mut self, key: &str) -> &mut Fact {
        let mut facts = self.database.facts.iter_mut();
        let fact = facts.find(|fact| fact.key.as_str() == key);
        fact.expect("a scripted fact")
    }

    /// What the run is said to change.
    pub fn effect(&self) -> PredictedEffect {
        effect(self.enacted)
    }

    /// A transaction that was opened and seen to end.
    pub fn transaction(&mut self, purpose: Purpose) -> &mut Self {
        let id = self.run.transactions_opened() + 1;
        let snapshot = values::snapshot(format!("nonce{id}"), id, self.now);
        self.transaction_with(purpose, &snapshot)
    }

    fn transaction_with(&mut self, purpose: Purpose, snapshot: &Snapshot) -> &mut Self {
        let id = self.run.transactions_opened() + 1;
        let (proof, nonce) = (Arc::new(values::proof(snapshot)), snapshot.nonce.clone());
        self.push(Event::TransactionOpened(TransactionOpened {
            id,
            purpose,
            nonce,
        }));
        self.push(Event::TransactionClosed(TransactionClosed { id, proof }))
    }

    /// A full survey for a purpose.
    pub fn survey_taken(&mut self, purpose: SurveyPurpose) -> &mut Self {
        self.survey_damaged(purpose, |_| {})
    }

    /// A full survey that says something else than the database does.
    pub fn survey_damaged(
        &mut self,
        purpose: SurveyPurpose,
        damage: impl FnOnce(&mut Survey),
    ) -> &mut Self {
        let mut survey = self.survey(self.run.transactions_opened() + 1);
        damage(&mut survey);
        self.transaction_with(Purpose::Survey, &survey.snapshot);
        let pin = self.run.pin.as_ref();
        let pin = pin.filter(|_| purpose != SurveyPurpose::Pin);
        let beside = pin.map_or_else(Vec::new, |pin| differences(pin, &survey).beside);
        self.push(Event::SurveyTaken(SurveyTaken {
            purpose,
            survey: Arc::new(survey),
            beside,
            simulation: (self.run.simulates()).then(|| Arc::new(values::simulation(self.enacted))),
        }))
    }

    /// A gate begins.
    pub fn gate_started(&mut self, gate: Gate) -> &mut Self {
        self.push(Event::GateStarted(GateStarted { gate }))
    }

    /// One check.
    pub fn check(&mut self, gate: Gate, check: Check) -> &mut Self {
        self.push(Event::CheckRecorded(CheckRecorded { gate, check }))
    }

    /// So many checks that PASS.
    pub fn checks(&mut self, gate: Gate, number: usize) -> &mut Self {
        for check in made_up_checks(number) {
            self.check(gate, check);
        }
        self
    }

    /// The checks of the script for this gate, now.
    pub fn checked(&mut self, gate: Gate) -> &mut Self {
        for check in (self.checks_of)(self, gate) {
            self.check(gate, check);
        }
        self
    }

    /// A gate ends with the verdict of its checks.
    pub fn gate_finished(&mut self, gate: Gate) -> &mut Self {
        let checks = &self.run.gates[&gate].checks;
        let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
        self.push(Event::GateFinished(GateFinished { gate, verdict }))
    }

    /// A whole gate.
    pub fn gate(&mut self, gate: Gate) -> &mut Self {
        self.gate_started(gate).checked(gate).gate_finished(gate)
    }

    /// Another state.
    pub fn becomes(&mut self, to: State) -> &mut Self {
        let from = self.run.state;
        self.push(Event::StateChanged(StateChanged { from, to }))
    }

    /// The pins of the context.
    pub fn context_pinned(&mut self) -> &mut Self {
        let context = Box::new(ContextPins {
            round: self.run.round(),
            ..(self.context_of)(self.created(), self.pin())
        });
        let bytes = serde_json::to_vec(&context).expect("plain data");
        let blob = Digest::of(bytes);
        self.push(Event::ContextPinned(ContextPinned { context, blob }))
    }

    /// What the simulator says of the pin.
    pub fn effect_predicted(&mut self) -> &mut Self {
        let (round, predicted) = (self.run.round(), self.effect());
        let counts = values::simulation(self.enacted).counts;
        self.push(Event::EffectPredicted(EffectPredicted {
            round,
            predicted,
            counts,
        }))
    }

    /// The sheet that a gate waits with.
    pub fn sheet(&self, gate: ApprovalGate) -> EvidenceSheet {
        let (created, pin) = (self.created(), self.pin());
        let (predicted, predicted_counts) = self.run.predicted.clone().unzip();
        let drift = self.run.drifted_before.as_ref();
        EvidenceSheet {
            schema: 1,
            run_id: created.run_id.clone(),
            gate,
            round: self.run.round(),
            pin_nonce: pin.snapshot.nonce.clone(),
            pinned_at: pin.snapshot.began_at,
            facts_digest: pin.facts_digest.clone(),
            candidate_digest: pin.candidates.as_ref().map(|units| units.sha256.clone()),
            candidates: Some(60),
            predicted,
            predicted_counts,
            simulated: None,
            context: self.run.context.as_deref().expect("pins").clone(),
            profile_sha256: created.profile_sha256.clone(),
            target: created.target.clone(),
            server: pin.server.clone(),
            facts: pin.facts.clone(),
            claims: audit::claims(&self.run),
            runs: Vec::new(),
            verdict_counts: self.run.verdict_counts(),
            last_pass: Some((
                "ictr-20261115T090112Z-11c0ffee".parse().expect("a run id"),
                "2026-11-15T09:20:00Z".parse().expect("a time"),
                Digest::of("last pass"),
            )),
            last_pass_differences: self.last_pass_differences(),
            last_pass_not_comparable: Vec::new(),
            drifted: drift.map_or_else(Vec::new, |drift| drift.changes.clone()),
            beside: self.run.beside.clone(),
            cannot_pass: (self.obstacles_of)(&self.run),
            change: self.run.change_evidence(),
            tool_version: "0.1.0".to_owned(),
        }
    }

    /// Evidence, the wait, the stop, the return.
    pub fn waits(&mut self, gate: ApprovalGate) -> &mut Self {
        self.evidence(gate).becomes(gate.waiting_state());
        self.stop(
            StopCode::StopApprovalRequired,
            Some(gate),
            "A live run would change ~180 rows.",
            "Read the evidence, then approve or reject.",
        );
        self.returns(Some(StopCode::StopApprovalRequired))
    }

    /// Evidence for a gate, good for 8 hours from the last survey on.
    pub fn evidence(&mut self, gate: ApprovalGate) -> &mut Self {
        let sheet = self.sheet(gate);
        let bytes = sheet.bytes().expect("plain data");
        self.push(Event::EvidenceTaken(EvidenceTaken {
            gate,
            round: sheet.round,
            evidence: Digest::of(bytes),
            sheet: Arc::new(sheet),
            expires_at: self.run.good_until(self.now),
            boot_id: self.created().boot_id.clone(),
            uptime_ms: self.uptime_ms(),
        }))
    }

    /// A stop, with the evidence that there is.
    pub fn stop(
        &mut self,
        stop_code: StopCode,
        gate: Option<ApprovalGate>,
        message: &str,
        next: &str,
    ) -> &mut Self {
        let evidence = self.run.evidence.as_ref().map(|e| e.digest.clone());
        let state = self.run.state;
        self.push(Event::StopRaised(Stop {
            stop_code,
            gate,
            state,
            evidence,
            message: message.to_owned(),
            next: next.to_owned(),
        }))
    }

    /// The invocation returns.
    pub fn returns(&mut self, stop_code: Option<StopCode>) -> &mut Self {
        let r = u32::try_from(self.run.returns.len()).expect("few") + 1;
        let state = self.run.state;
        self.push(Event::InvocationReturned(InvocationReturned {
            r,
            state,
            stop_code,
        }))
    }

    /// Somebody decides on the evidence that waits.
    pub fn decides(&mut self, decision: Decision, by: &str, reason: Option<&str>) -> &mut Self {
        let evidence = self.run.evidence.as_ref().expect("evidence");
        let (gate, evidence) = (evidence.gate, evidence.digest.clone());
        self.push(Event::ApprovalRecorded(ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason: reason.map(str::to_owned),
            by: values::person(by),
            boot_id: self.created().boot_id.clone(),
            uptime_ms: self.uptime_ms(),
        }))
    }

    /// A step over all units.
    pub fn step(&mut self, step: SimulatedStep, state: State) -> &mut Self {
        let (round, counts) = (self.run.round(), values::simulation(self.enacted).counts);
        let effect = if step == SimulatedStep::Enact {
            self.effect()
        } else {
            PredictedEffect::default()
        };
        self.push(Event::UnitsProgressed(UnitsProgressed {
            round,
            step,
            counts,
            effect,
            ledger: LedgerRef {
                file: format!("units/{round}-{}.jsonl", step.name()),
                rows: 60,
                bytes: 9_000,
                sha256: Digest::of(step.name()),
            },
        }));
        self.becomes(state)
    }
}
