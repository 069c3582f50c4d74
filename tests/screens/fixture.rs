//! Scripted runs: legal lists of events as a runner would journal them. Invariant: every event is legal where it stands.

use std::sync::Arc;

use drygate::audit;
use drygate::run::{
    ApprovalGate, ApprovalRecorded, Check, CheckName, CheckRecorded, ContextPinned, ContextPins,
    Decision, DriftFound, EffectPredicted, Event, EvidenceRenewed, EvidenceSheet, EvidenceTaken,
    Gate, GateFinished, GateStarted, History, InvocationReturned, LastPassDifference, LedgerRef,
    LiveChange, LiveRead, Purpose, RenewalReason, RunResult, RunSealed, RunState, State,
    StateChanged, Stop, StopCode, SurveyPurpose, SurveyTaken, TransactionClosed, TransactionOpened,
    UnitsProgressed, Verdict,
};
use drygate::simulate::{PredictedEffect, SimulatedStep, StepCounts, TableEffect};
use drygate::survey::{
    Attribution, Digest, DocumentRef, Fact, FactChange, FactKey, FactKind, FactOrigins, Live,
    Observed, OriginKeys, Origins, RowChange, RowOrigin, Simulated, Snapshot, Survey, UtcTime,
};
use drygate::testing::values;
pub use drygate::testing::values::person;
use drygate::testing::values::{created, server};
use serde_json::json;

/// One durable event.
#[derive(Debug, Clone)]
pub struct Record {
    pub seq: u64,
    pub at: UtcTime,
    pub event: Arc<Event>,
}

/// A run being told.
#[derive(Debug, Clone)]
pub struct Script {
    pub run: RunState,
    pub history: History,
    pub records: Vec<Record>,
    now: UtcTime,
    enacted: bool,
    moved: Vec<(String, String)>,
}

/// A clock time of the day that every script plays on.
pub fn at(clock: &str) -> UtcTime {
    format!("2026-11-22T{clock}Z")
        .parse()
        .expect("a clock time")
}

/// What somebody changes who enacts a unit and replaces a function.
pub const ENACTED: [&str; 8] = [
    "icx_draft",
    "icx_enacted",
    "uv_enacted_at_nonnull",
    "lifecycle_log_rows",
    "fn_iu_enact_md5",
    "information_unit",
    "unit_version",
    "lifecycle_log",
];

fn fact(key: &str, kind: FactKind, value: &str, rows: Option<u64>) -> Fact {
    Fact {
        rows,
        ..values::fact(key, kind, value)
    }
}

fn md5(of: &str) -> String {
    Digest::of(of).as_str()[..32].to_owned()
}

impl Script {
    /// A run of 60 drafts, or of 60 enacted units.
    pub fn new(enacted: bool) -> Self {
        let mut script = Self {
            run: RunState::default(),
            history: History::default(),
            records: Vec::new(),
            now: at("09:14:02"),
            enacted,
            moved: Vec::new(),
        };
        script.push(Event::RunCreated(Box::new(created())));
        script
    }

    /// Lets the next events happen at a clock time.
    pub fn clock(&mut self, clock: &str) -> &mut Self {
        self.now = at(clock);
        self
    }

    /// Journals an event, which must be legal.
    pub fn push(&mut self, event: Event) -> &mut Self {
        let seq = self.records.len() as u64;
        let taken = self.history.take(seq, self.now, &event, &Digest::zero());
        taken.unwrap_or_else(|illegal| panic!("{illegal}"));
        self.run = self.history.run().clone();
        self.records.push(Record {
            seq,
            at: self.now,
            event: Arc::new(event),
        });
        self
    }

    fn facts(&self) -> Vec<Fact> {
        use FactKind::{Boolean, Content, Integer, Md5, Sha256, Text};
        let (draft, enacted) = if self.enacted {
            ("0", "60")
        } else {
            ("60", "0")
        };
        let mut facts = vec![
            fact("role", Text, "context_pack_readonly", None),
            fact("role_is_read_only", Boolean, "true", None),
            fact("icx_total", Integer, "60", None),
            fact("icx_draft", Integer, draft, None),
            fact("icx_enacted", Integer, enacted, None),
            fact("uv_enacted_at_nonnull", Integer, enacted, None),
            fact("lifecycle_log_rows", Integer, enacted, None),
            fact("fn_iu_enact_md5", Md5, &md5("enact"), None),
            fact("fn_iu_apply_edit_draft_md5", Md5, &md5("edit"), None),
            fact(
                "grant_matrix_sha",
                Sha256,
                Digest::of("grants").as_str(),
                None,
            ),
        ];
        for (table, rows) in [
            ("source_document", 2),
            ("source_version", 3),
            ("information_unit", 60),
            ("unit_version", 60),
            ("lifecycle_log", 0),
        ] {
            let value = if rows == 0 {
                String::new()
            } else {
                Digest::of(table).to_string()
            };
            facts.push(fact(table, Content, &value, Some(rows)));
        }
        for (key, value) in &self.moved {
            for fact in facts.iter_mut().filter(|fact| fact.key.as_str() == key) {
                let kinds = [FactKind::Md5, FactKind::Sha256, FactKind::Content];
                fact.document = kinds.contains(&fact.kind).then(|| DocumentRef {
                    sha256: Digest::of(value),
                    lines: 60,
                });
                fact.observed = Observed::Live(Live::new(value.clone()));
            }
        }
        facts
    }

    fn survey(&self) -> Survey {
        let nth = self.run.transactions.len();
        let snapshot = Snapshot {
            snapshot: format!("{0}:{0}:", 745 + 53 * nth),
            ..values::snapshot(format!("nonce{nth}"), nth as u64, self.now)
        };
        values::survey(snapshot, self.facts())
    }

    fn counts(&self) -> StepCounts {
        values::simulation(self.enacted).counts
    }

    fn effect(&self) -> PredictedEffect {
        let n = if self.enacted { 0 } else { 60 };
        let table = |table: &str, insert, update| TableEffect {
            table: table.to_owned(),
            insert: Simulated::new(insert),
            update: Simulated::new(update),
            delete: Simulated::new(0),
        };
        PredictedEffect {
            tables: vec![
                table("information_unit", 0, n),
                table("unit_version", 0, n),
                table("lifecycle_log", n, 0),
                table("source_document", 0, 0),
                table("source_version", 0, 0),
            ],
        }
    }

    /// A transaction that was opened and seen to end.
    pub fn transaction(&mut self, purpose: Purpose) -> &mut Self {
        let id = self.run.transactions.len() as u64 + 1;
        let mut snapshot = values::snapshot(format!("nonce{id}"), id, self.now);
        "t".clone_into(&mut snapshot.server_time);
        let proof = Arc::new(values::proof(&snapshot));
        let nonce = snapshot.nonce;
        self.push(Event::TransactionOpened(TransactionOpened {
            id,
            purpose,
            nonce,
        }));
        self.push(Event::TransactionClosed(TransactionClosed { id, proof }))
    }

    /// A full survey for a purpose.
    pub fn survey_taken(&mut self, purpose: SurveyPurpose) -> &mut Self {
        self.transaction(Purpose::Survey);
        let survey = Arc::new(self.survey());
        let simulation = Arc::new(values::simulation(self.enacted));
        self.push(Event::SurveyTaken(SurveyTaken {
            purpose,
            survey,
            simulation,
        }))
    }

    pub fn gate_started(&mut self, gate: Gate) -> &mut Self {
        self.push(Event::GateStarted(GateStarted { gate }))
    }

    pub fn check(&mut self, gate: Gate, check: Check) -> &mut Self {
        self.push(Event::CheckRecorded(CheckRecorded { gate, check }))
    }

    /// So many checks that PASS.
    pub fn checks(&mut self, gate: Gate, number: usize) -> &mut Self {
        for nth in 0..number {
            let name = CheckName::from(format!("check_{nth}"));
            let raw = json!({"looked_at": nth});
            self.check(gate, Check::evaluated(name, true, "It holds.", raw));
        }
        self
    }

    pub fn gate_finished(&mut self, gate: Gate) -> &mut Self {
        let checks = &self.run.gates[&gate].checks;
        let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
        self.push(Event::GateFinished(GateFinished { gate, verdict }))
    }

    pub fn becomes(&mut self, to: State) -> &mut Self {
        let from = self.run.state;
        self.push(Event::StateChanged(StateChanged { from, to }))
    }

    /// Up to G1 working.
    pub fn up_to_feasibility(&mut self) -> &mut Self {
        self.gate_started(Gate::G0).checks(Gate::G0, 6);
        self.gate_finished(Gate::G0).becomes(State::Prechecked);
        self.clock("09:14:05").gate_started(Gate::G1)
    }

    /// G1 and G2, from the pin to the prediction.
    pub fn pinned_and_seeded(&mut self) -> &mut Self {
        self.survey_taken(SurveyPurpose::Pin);
        self.checks(Gate::G1, 14).gate_finished(Gate::G1);
        self.becomes(State::Surveyed).gate_started(Gate::G2);
        let context = Box::new(self.context());
        self.push(Event::ContextPinned(ContextPinned {
            context,
            blob: Digest::of("context"),
        }));
        let (round, predicted, counts) = (self.run.round, self.effect(), self.counts());
        self.push(Event::EffectPredicted(EffectPredicted {
            round,
            predicted,
            counts,
        }));
        self.checks(Gate::G2, 7).gate_finished(Gate::G2);
        self.becomes(State::Seeded).gate_started(Gate::G3)
    }

    fn context(&self) -> ContextPins {
        ContextPins {
            round: self.run.round,
            simulator_input_digest: Digest::of("input"),
            pin_nonce: "nonce1".to_owned(),
            ..values::context(&created(), &self.survey())
        }
    }

    /// The sheet that a gate waits with.
    pub fn sheet(&self, gate: ApprovalGate) -> EvidenceSheet {
        let pin = self.run.pin.as_ref().expect("a pin");
        let differences = if self.enacted {
            Vec::new()
        } else {
            vec![LastPassDifference {
                key: FactKey::new("fn_iu_enact_md5"),
                then: Some(md5("enact before")),
                now: Some(md5("enact")),
                lines: Some(3),
            }]
        };
        EvidenceSheet {
            schema: 1,
            run_id: created().run_id,
            gate,
            round: self.run.round,
            pin_nonce: pin.snapshot.nonce.clone(),
            pinned_at: pin.snapshot.began_at,
            facts_digest: pin.facts_digest.clone(),
            candidate_digest: Some(Digest::of("candidates")),
            candidates: 60,
            predicted: self.effect(),
            predicted_counts: self.counts(),
            simulated: None,
            context: self.context(),
            profile_sha256: Digest::of("profile"),
            target: created().target,
            server: server(),
            facts: pin.facts.clone(),
            claims: audit::claims(&self.run),
            verdict_counts: self.run.verdict_counts(),
            last_pass: Some((
                "ictr-20261115T090112Z-11c0ffee".parse().expect("a run id"),
                "2026-11-15T09:20:00Z".parse().expect("a time"),
                Digest::of("last pass"),
            )),
            last_pass_differences: differences,
            drifted: self
                .run
                .drifted_before
                .as_ref()
                .map_or_else(Vec::new, |drift| drift.changes.clone()),
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

    pub fn evidence(&mut self, gate: ApprovalGate) -> &mut Self {
        let sheet = self.sheet(gate);
        let bytes = sheet.bytes().expect("plain data");
        let expires_at = self.now.plus_seconds(8 * 3600);
        self.push(Event::EvidenceTaken(EvidenceTaken {
            gate,
            round: sheet.round,
            evidence: Digest::of(bytes),
            sheet: Arc::new(sheet),
            expires_at,
            boot_id: "boot".to_owned(),
            uptime_ms: None,
        }))
    }

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

    pub fn returns(&mut self, stop_code: Option<StopCode>) -> &mut Self {
        let r = u32::try_from(self.run.returns.len()).expect("few") + 1;
        let state = self.run.state;
        self.push(Event::InvocationReturned(InvocationReturned {
            r,
            state,
            stop_code,
        }))
    }

    pub fn decides(&mut self, decision: Decision, by: &str, reason: Option<&str>) -> &mut Self {
        let evidence = self.run.evidence.as_ref().expect("evidence");
        let (gate, evidence) = (evidence.gate, evidence.digest.clone());
        self.push(Event::ApprovalRecorded(ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason: reason.map(str::to_owned),
            by: person(by),
            boot_id: "boot".to_owned(),
            uptime_ms: None,
        }))
    }

    pub fn step(&mut self, step: SimulatedStep, state: State) -> &mut Self {
        let (round, counts) = (self.run.round, self.counts());
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

    /// A run that waits at SG1.
    pub fn at_sg1(enacted: bool) -> Self {
        let mut script = Self::new(enacted);
        script.up_to_feasibility().pinned_and_seeded();
        script.clock("09:15:10").waits(ApprovalGate::SG1);
        script
    }

    /// A run that waits at SG2.
    pub fn at_sg2(enacted: bool) -> Self {
        let mut script = Self::at_sg1(enacted);
        script
            .clock("09:17:20")
            .decides(Decision::Approve, "op_a", None);
        script.survey_taken(SurveyPurpose::ApproveSg1);
        script
            .clock("09:17:21")
            .step(SimulatedStep::Cut, State::CutSimulated);
        script
            .clock("09:17:22")
            .step(SimulatedStep::Verify, State::Verified);
        script.checks(Gate::G3, 5);
        script.clock("09:17:24").waits(ApprovalGate::SG2);
        script
    }

    /// A live read.
    pub fn live_read(
        &mut self,
        complete: bool,
        changed: &[(&str, &str)],
        failed: Option<&str>,
    ) -> &mut Self {
        if failed.is_none() {
            self.transaction(Purpose::LiveRead);
        }
        let read_at = self.now;
        self.push(Event::LiveRead(LiveRead {
            read_at,
            changed: changed
                .iter()
                .map(|(key, value)| LiveChange {
                    key: FactKey::new(*key),
                    value: Some((*value).to_owned()),
                    reason: None,
                    rows: Vec::new(),
                })
                .collect(),
            complete,
            failed: failed.map(str::to_owned),
        }))
    }

    /// Somebody else gives these facts other values.
    pub fn somebody_changes(&mut self, keys: &[&str]) -> &mut Self {
        let grants = Digest::of("grants after").to_string();
        let after = [
            ("icx_draft", "59".to_owned()),
            ("icx_enacted", "1".to_owned()),
            ("uv_enacted_at_nonnull", "1".to_owned()),
            ("lifecycle_log_rows", "1".to_owned()),
            ("fn_iu_enact_md5", md5("enact after")),
            ("information_unit", Digest::of("unit after").to_string()),
            ("unit_version", Digest::of("version after").to_string()),
            ("lifecycle_log", Digest::of("log after").to_string()),
            ("grant_matrix_sha", grants),
        ];
        let moved = after.into_iter().filter(|(key, _)| keys.contains(key));
        self.moved = moved.map(|(key, value)| (key.to_owned(), value)).collect();
        self
    }

    fn changes(&self) -> Vec<FactChange> {
        let pin = self.run.pin.as_ref().expect("a pin");
        let mut changes = drygate::survey::compare(pin, &self.survey());
        for change in &mut changes {
            let rows: &[&str] = match change.key.as_str() {
                "fn_iu_enact_md5" => &["line 12", "line 19"],
                "information_unit" | "unit_version" | "lifecycle_log" => &["ICX-CONST-0017"],
                "grant_matrix_sha" => &["table public.unit_version app_writer INSERT"],
                _ => &[],
            };
            let row = |key: &&str| RowChange {
                key: (*key).to_owned(),
                approved: Some("draft".to_owned()),
                found: Some("enacted".to_owned()),
            };
            change.rows = rows.iter().map(row).collect();
        }
        changes
    }

    /// Nonce of the last survey.
    fn found_by(&self) -> String {
        let (_, latest) = self.run.latest.as_ref().expect("a survey");
        latest.snapshot.nonce.clone()
    }

    /// Who changed the rows, as a survey of a server without commit times would tell it.
    fn attributed(&mut self, drift: &[FactChange]) -> &mut Self {
        let (_, found) = self.run.latest.clone().expect("a survey");
        let pin = self.run.pin.clone().expect("a pin");
        let origin = RowOrigin {
            xmin: (pin.snapshot.xmax().expect("it has one") + 1).to_string(),
            committed_at: None,
        };
        let origins = Origins {
            facts: vec![FactOrigins {
                key: FactKey::new("unit_version"),
                keys: OriginKeys::Rows,
                origins: [("ICX-CONST-0017".to_owned(), origin)].into(),
            }],
            ..Origins::default()
        };
        let found = Attribution::of(&pin, &found, drift, &origins);
        self.push(Event::ChangesAttributed(Box::new(found)))
    }

    /// The approval at SG2 finds drift: a unit enacted, a function replaced.
    pub fn drifted() -> Self {
        Self::drifted_over(&ENACTED)
    }

    /// The approval at SG2 finds that these facts have other values.
    pub fn drifted_over(keys: &[&str]) -> Self {
        let mut script = Self::at_sg2(false);
        script
            .clock("09:33:05")
            .decides(Decision::Approve, "op_a", None);
        script.somebody_changes(keys).clock("09:33:06");
        script.survey_taken(SurveyPurpose::ApproveSg2);
        let drift = script.changes();
        let differ = drift.len();
        script.attributed(&drift);
        script.push(Event::DriftFound(DriftFound {
            gate: Some(ApprovalGate::SG2),
            drift,
            nonce: script.found_by(),
        }));
        script.stop(
            StopCode::StopFactsDrifted,
            Some(ApprovalGate::SG2),
            &format!("{differ} of 15 facts differ from the evidence."),
            "Take new evidence.",
        );
        script.returns(Some(StopCode::StopFactsDrifted));
        script
    }

    /// New evidence after drift: SG1 again, its sheet led by the difference.
    pub fn renewed() -> Self {
        let mut script = Self::drifted();
        script
            .clock("09:33:40")
            .push(Event::EvidenceRenewed(EvidenceRenewed {
                gate: ApprovalGate::SG2,
                reason: RenewalReason::Drift,
            }));
        script.gate_started(Gate::G1).pinned_and_seeded_again();
        script.waits(ApprovalGate::SG1);
        script
    }

    fn pinned_and_seeded_again(&mut self) -> &mut Self {
        self.pinned_and_seeded()
    }

    /// Closeout, with the facts as they are now.
    pub fn closes(&mut self) -> &mut Self {
        self.clock("09:50:00")
            .decides(Decision::Approve, "opb", None);
        self.survey_taken(SurveyPurpose::ApproveSg2);
        self.clock("09:50:01")
            .step(SimulatedStep::Enact, State::EnactSimulated);
        self
    }

    /// Post survey, verdict, G3 to G6, seal.
    pub fn seals(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        self.clock("09:51:00").survey_taken(SurveyPurpose::Post);
        self.becomes(State::PostSurveyed);
        let mut judged = audit::non_mutation(&self.run);
        if !judged.changes.is_empty() {
            judged.changes = self.changes();
        }
        self.push(Event::NonMutationJudged(Box::new(judged)));
        self.becomes(State::CloseoutReported);
        self.returns(stop_code);
        self.checks(Gate::G3, 8).gate_finished(Gate::G3);
        self.gate_started(Gate::G4)
            .checks(Gate::G4, 4)
            .gate_finished(Gate::G4);
        self.returns(stop_code);
        self.ends(outcome, stop_code)
    }

    /// G5, G6, seal.
    pub fn ends(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        for (gate, number) in [(Gate::G5, 9), (Gate::G6, 3)] {
            self.gate_started(gate)
                .checks(gate, number)
                .gate_finished(gate);
        }
        self.sealed(outcome, stop_code)
    }

    pub fn sealed(&mut self, outcome: RunResult, stop_code: Option<StopCode>) -> &mut Self {
        self.clock("09:52:10").push(Event::RunSealed(RunSealed {
            result: format!("O4_LIVE_DRYRUN_ORCHESTRATION{}", outcome.suffix()),
            outcome,
            exit_code: outcome.exit_code(),
            stop_code,
            template_version: 1,
            reports: (1..=13)
                .map(|nth| (format!("{nth:02}.md"), Digest::of(nth.to_string())))
                .collect(),
        }))
    }
}
