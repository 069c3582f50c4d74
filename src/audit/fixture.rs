//! A whole run for the tests: 60 drafts, both approvals, PASS. Invariant: every event is legal, so what a test spoils is the only thing wrong.

use serde_json::json;

use super::{
    Feasibility, Forbidden, ProbeSeen, QuerySeen, Recomputed, ResumeSeen, Seam, SecretScan, claims,
    forbidden, g0, g1, g2, g3, g3_so_far, g4, g5, main_and_tags_unchanged, non_mutation, predict,
    protected_tables, recompute, report_file, reports_render, result, result_name, step_effect,
};
use crate::profile::{Profile, built_in};
use crate::run::{
    ApprovalGate, ApprovalPolicy, Check, ContextPins, Decision, Event, EvidenceSheet, Gate,
    LedgerRef, Mode, Person, Purpose, RepositoryState, RunCreated, RunId, RunState, Signer, State,
    Stop, StopCode, SurveyPurpose, TargetIdentity, ToolIdentity, Verdict, legal,
};
use crate::simulate::{Simulation, Step, StepCounts};
use crate::survey::{
    Digest, Fact, FactKey, FactKind, Footprint, Live, Observed, Residue, RoleSurvey,
    ServerIdentity, Simulated, Snapshot, StreamDigest, Survey, TransactionProof, UtcTime,
    facts_digest,
};

/// One journal record.
pub type Record = (u64, UtcTime, Event);

const START: i64 = 1_795_339_442_000_000;

/// The built-in profile.
pub fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

fn at(seq: u64) -> UtcTime {
    UtcTime::from_unix_micros(START + i64::try_from(seq).expect("small") * 1_000_000)
}

/// The operator.
pub fn person() -> Person {
    Person {
        user: "op_a".to_owned(),
        uid: 1000,
        host: "ops1".to_owned(),
        tty: Some("pts/3".to_owned()),
        pid: 4711,
        signer: Signer::StubSigning,
    }
}

/// The server.
pub fn server() -> ServerIdentity {
    ServerIdentity {
        version: "16.14".to_owned(),
        version_num: 160_014,
        system_identifier: Some("7420000000000000001".to_owned()),
        timeline: Some("1".to_owned()),
        database: "kb".to_owned(),
        postmaster_start: "2026-10-02 01:02:03+00".to_owned(),
        in_recovery: false,
        session_user: "context_pack_readonly".to_owned(),
        current_user: "context_pack_readonly".to_owned(),
        transport: "unix socket".to_owned(),
    }
}

fn fact(key: &str, value: &str) -> Fact {
    Fact {
        key: FactKey::new(key),
        label: key.to_owned(),
        kind: FactKind::Text,
        observed: Observed::Live(Live::new(value.to_owned())),
        rows: None,
        document: None,
        sql_sha256: None,
        live: false,
    }
}

/// A survey of transaction `n`, taken between the records `n` and `n`.
pub fn survey(n: u64, seq: u64) -> Survey {
    let profile = profile();
    let mut facts = vec![
        fact("role", "context_pack_readonly"),
        fact("role_is_read_only", "true"),
    ];
    let keys = profile.facts.iter().map(|f| &f.key);
    let keys = keys.chain(profile.functions.iter().map(|f| &f.key));
    let keys = keys.chain([&profile.grants.key]);
    let keys = keys.chain(profile.contents.iter().map(|c| &c.key));
    facts.extend(keys.map(|key| fact(key, &format!("value of {key}"))));
    let stream = |name: &str| StreamDigest {
        rows: 60,
        sha256: Digest::of(name),
    };
    Survey {
        server: server(),
        snapshot: Snapshot {
            nonce: format!("nonce-{n}"),
            virtual_xid: format!("3/{n}"),
            snapshot: format!("{0}:{0}:", 700),
            server_time: format!("2026-11-22 09:14:{n:02}+00"),
            began_at: at(seq),
            ended_at: at(seq),
        },
        facts_digest: facts_digest(&facts),
        facts,
        role: RoleSurvey {
            role: "context_pack_readonly".to_owned(),
            asked: vec![("table privilege".to_owned(), 12)],
            unanswered: Vec::new(),
            findings: Vec::new(),
        },
        candidates: Some(stream("units")),
        pieces: Some(stream("pieces")),
    }
}

/// The clean proof of the transaction of a survey.
pub fn proof(survey: &Survey) -> TransactionProof {
    let snapshot = &survey.snapshot;
    TransactionProof {
        nonce: snapshot.nonce.clone(),
        nonce_at_end: snapshot.nonce.clone(),
        virtual_xid: snapshot.virtual_xid.clone(),
        virtual_xid_at_end: snapshot.virtual_xid.clone(),
        server_time: snapshot.server_time.clone(),
        server_time_at_end: snapshot.server_time.clone(),
        snapshot: snapshot.snapshot.clone(),
        read_only: true,
        isolation: "repeatable read".to_owned(),
        search_path: String::new(),
        row_security: "off".to_owned(),
        xid_assigned: None,
        locks: vec![
            "relation/AccessShareLock 12".to_owned(),
            "virtualxid/ExclusiveLock 1".to_owned(),
        ],
        rows_written: 0,
        residue: Residue::default(),
        backend_wal_bytes: None,
        ended_by: "ROLLBACK".to_owned(),
        backend_pid: 99,
        footprint: Footprint::default(),
    }
}

/// 60 drafts, all present.
pub fn simulation() -> Simulation {
    Simulation {
        counts: StepCounts {
            already_present: Simulated::new(60),
            verified: Simulated::new(60),
            would_enact: Simulated::new(60),
            ..StepCounts::default()
        },
        first_unverified: Vec::new(),
    }
}

/// Rulings on every query of the profile.
pub fn rulings() -> Vec<QuerySeen> {
    let facts = profile()
        .facts
        .into_iter()
        .map(|f| format!("fact {}", f.key));
    facts
        .chain(["source pieces".to_owned(), "live units".to_owned()])
        .map(|query| QuerySeen {
            sql_sha256: Digest::of(&query),
            query,
            refused: None,
            relations: vec!["public.information_unit".to_owned()],
        })
        .collect()
}

/// A repository on a feature branch.
pub fn repository() -> RepositoryState {
    let (main, feature) = ("3".repeat(40), "6".repeat(40));
    RepositoryState {
        directory: "/srv/kb".to_owned(),
        branch: Some("feature/x".to_owned()),
        head: feature.clone(),
        subject: "feat: x".to_owned(),
        main: Some(("main".to_owned(), main.clone())),
        feature_head: Some(feature.clone()),
        clean: true,
        refs: vec![
            ("refs/heads/feature/x".to_owned(), feature),
            ("refs/heads/main".to_owned(), main.clone()),
            ("refs/tags/v1".to_owned(), main),
        ],
        commands: vec![
            "git -C DIR for-each-ref --format=%(refname)".to_owned(),
            "git status --porcelain".to_owned(),
        ],
    }
}

fn tool() -> ToolIdentity {
    ToolIdentity {
        version: "0.1.0".to_owned(),
        binary_sha256: Some(Digest::of("binary")),
    }
}

/// The journal while it is written, with its fold.
#[derive(Clone)]
pub struct Book {
    /// Records.
    pub records: Vec<Record>,
    /// The fold.
    pub run: RunState,
    profile: Profile,
}

impl Book {
    /// An empty journal.
    pub fn new() -> Self {
        Self {
            records: Vec::new(),
            run: RunState::default(),
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
        assert_eq!(legal(&self.run, &event), Ok(()), "record {seq}");
        self.run.apply(seq, at(seq), &event);
        self.records.push((seq, at(seq), event));
    }

    /// Records and finishes a gate.
    pub fn gate(&mut self, gate: Gate, checks: Vec<Check>) {
        if !self.run.gates.contains_key(&gate) {
            self.push(Event::GateStarted { gate });
        }
        for check in checks {
            self.push(Event::CheckRecorded { gate, check });
        }
        let verdict = Verdict::of_gate(self.run.gates[&gate].checks.iter().map(|c| c.verdict));
        self.push(Event::GateFinished { gate, verdict });
    }

    fn to(&mut self, to: State) {
        let from = self.run.state;
        self.push(Event::StateChanged { from, to });
    }

    /// Takes a survey in its own transaction.
    pub fn survey(&mut self, purpose: SurveyPurpose, spoil: impl FnOnce(&mut Survey)) {
        let id = self.run.transactions.len() as u64 + 1;
        let mut survey = survey(id, self.seq());
        spoil(&mut survey);
        let nonce = survey.snapshot.nonce.clone();
        self.push(Event::TransactionOpened {
            id,
            purpose: Purpose::Survey,
            nonce,
        });
        let proof = Box::new(proof(&survey));
        self.push(Event::TransactionClosed { id, proof });
        let (survey, simulation) = (Box::new(survey), Box::new(simulation()));
        self.push(Event::SurveyTaken {
            purpose,
            survey,
            simulation,
        });
    }

    fn returned(&mut self, stop_code: Option<StopCode>) {
        let r = u32::try_from(self.run.returns.len()).expect("small") + 1;
        let state = self.run.state;
        self.push(Event::InvocationReturned {
            r,
            state,
            stop_code,
        });
    }

    fn evidence(&mut self, gate: ApprovalGate) {
        let created = self.run.created.clone().expect("created");
        let pin = self.run.pin.clone().expect("pinned");
        let (predicted, predicted_counts) = self.run.predicted.clone().expect("predicted");
        let sheet = EvidenceSheet {
            schema: 1,
            run_id: created.run_id.clone(),
            gate,
            round: 1,
            pin_nonce: pin.snapshot.nonce.clone(),
            pinned_at: pin.snapshot.ended_at,
            facts_digest: pin.facts_digest.clone(),
            candidate_digest: pin.candidates.as_ref().map(|c| c.sha256.clone()),
            candidates: 60,
            predicted,
            predicted_counts,
            simulated: None,
            context: *self.run.context.clone().expect("seeded"),
            profile_sha256: created.profile_sha256.clone(),
            target: created.target.clone(),
            server: pin.server.clone(),
            facts: pin.facts.clone(),
            claims: claims(&self.run),
            verdict_counts: self.run.verdict_counts(),
            last_pass: None,
            last_pass_differences: Vec::new(),
            drifted: Vec::new(),
            tool_version: "0.1.0".to_owned(),
        };
        let evidence = Digest::of(sheet.bytes().expect("plain data"));
        self.push(Event::EvidenceTaken {
            gate,
            round: 1,
            evidence,
            sheet: Box::new(sheet),
            expires_at: at(100_000),
            boot_id: "boot".to_owned(),
        });
        self.to(gate.waiting_state());
        let stop = Stop {
            stop_code: StopCode::StopApprovalRequired,
            gate: Some(gate),
            state: self.run.state,
            evidence: None,
            message: "waits".to_owned(),
            next: "approve".to_owned(),
        };
        self.push(Event::StopRaised(stop));
        self.returned(Some(StopCode::StopApprovalRequired));
    }

    /// A person decides on the evidence that waits.
    pub fn decide(&mut self, gate: ApprovalGate, decision: Decision) {
        let evidence = self.run.evidence.as_ref().expect("waits").digest.clone();
        self.push(Event::ApprovalRecorded {
            gate,
            decision,
            evidence,
            reason: Some("because".to_owned()),
            by: person(),
            boot_id: "boot".to_owned(),
        });
    }

    fn step(&mut self, step: Step) {
        let counts = simulation().counts;
        let effect = step_effect(&self.profile, step, &counts);
        let file = format!("units/1-{}.jsonl", step.name());
        let ledger = LedgerRef {
            sha256: Digest::of(&file),
            file,
            rows: 60,
            bytes: 6000,
        };
        self.push(Event::UnitsProgressed {
            round: 1,
            step,
            counts,
            effect,
            ledger,
        });
    }

    fn record_so_far(&mut self) {
        for check in g3_so_far(&self.run, &self.profile) {
            self.push(Event::CheckRecorded {
                gate: Gate::G3,
                check,
            });
        }
    }

    /// From nothing to SG1.
    pub fn to_sg1(mut self) -> Self {
        let profile = self.profile.clone();
        let sha256 = Digest::of("profile");
        let run_id: RunId = "ictr-20261122T091402Z-8a941203"
            .parse()
            .expect("well formed");
        self.push(Event::RunCreated(Box::new(created(
            run_id.clone(),
            sha256.clone(),
        ))));
        let ssot = [("icx-const lifecycle".to_owned(), Ok(Digest::of("ssot")))];
        self.gate(Gate::G0, g0(&profile, &sha256, &ssot, &Ok(repository())));
        self.to(State::Prechecked);
        self.push(Event::GateStarted { gate: Gate::G1 });
        self.survey(SurveyPurpose::Pin, |_| {});
        let pin = *self.run.pin.clone().expect("pinned");
        let proof = proof(&pin);
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
        let context = context(run_id, sha256, &pin);
        let bytes = serde_json::to_vec(&context).expect("plain data");
        let blob = Digest::of(&bytes);
        self.push(Event::GateStarted { gate: Gate::G2 });
        self.push(Event::ContextPinned {
            context: Box::new(context.clone()),
            blob: blob.clone(),
        });
        let simulation = simulation();
        let predicted = predict(&profile, &simulation);
        let counts = simulation.counts.clone();
        self.push(Event::EffectPredicted {
            round: 1,
            predicted: predicted.clone(),
            counts: counts.clone(),
        });
        let seam = Seam {
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
        self.gate(Gate::G2, g2(&seam));
        self.to(State::Seeded);
        self.push(Event::GateStarted { gate: Gate::G3 });
        self.evidence(ApprovalGate::SG1);
        self
    }

    /// From SG1 to SG2.
    pub fn to_sg2(mut self) -> Self {
        self.decide(ApprovalGate::SG1, Decision::Approve);
        self.survey(SurveyPurpose::ApproveSg1, |_| {});
        self.step(Step::Cut);
        self.to(State::CutSimulated);
        self.step(Step::Verify);
        self.to(State::Verified);
        self.record_so_far();
        self.evidence(ApprovalGate::SG2);
        self
    }

    /// From SG2 to the post survey, which `spoil` may change.
    pub fn to_post(mut self, spoil: impl FnOnce(&mut Survey)) -> Self {
        self.decide(ApprovalGate::SG2, Decision::Approve);
        self.survey(SurveyPurpose::ApproveSg2, |_| {});
        self.step(Step::Enact);
        self.to(State::EnactSimulated);
        self.survey(SurveyPurpose::Post, spoil);
        self.to(State::PostSurveyed);
        self
    }

    /// From the post survey to the seal.
    pub fn to_seal(mut self) -> Self {
        let profile = self.profile.clone();
        let judged = Box::new(non_mutation(&self.run));
        self.push(Event::NonMutationJudged(judged));
        self.to(State::CloseoutReported);
        self.returned(None);
        let checks = g3(&self.run, &profile);
        self.gate(Gate::G3, checks);
        let refolded = refold(&self.records);
        let seen = ResumeSeen {
            state: State::CloseoutReported,
            stop_code: None,
            transitions_added: 0,
        };
        let checks = g4(&self.run, &refolded, Some(&seen));
        self.gate(Gate::G4, checks);
        self.returned(None);
        self.gate(Gate::G5, g5(&probes()));
        let checks = self.handover();
        self.gate(Gate::G6, checks);
        let outcome = result(&self.run);
        self.push(Event::RunSealed {
            result: result_name(&self.run),
            outcome,
            exit_code: outcome.exit_code(),
            stop_code: None,
            template_version: 1,
            reports: Vec::new(),
        });
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

/// Probes that all hold.
pub fn probes() -> Vec<ProbeSeen> {
    super::PROBES
        .iter()
        .map(|name| ProbeSeen {
            name: (*name).to_owned(),
            expected: "refused".to_owned(),
            saw: "refused".to_owned(),
            holds: true,
        })
        .collect()
}

fn created(run_id: RunId, profile_sha256: Digest) -> RunCreated {
    RunCreated {
        run_id,
        mode: Mode::Dryrun,
        profile: "icx-const".to_owned(),
        profile_sha256,
        result_prefix: "O4_LIVE_DRYRUN_ORCHESTRATION".to_owned(),
        gate_labels: ["allow CUT".to_owned(), "allow ENACT".to_owned()],
        target: TargetIdentity {
            label: "PRODUCTION".to_owned(),
            color: "red".to_owned(),
            host: "db1.example".to_owned(),
            port: 5432,
            database: "kb".to_owned(),
            user: "context_pack_readonly".to_owned(),
            reconnect: String::new(),
        },
        by: person(),
        approvals: ApprovalPolicy::default(),
        tool: tool(),
        boot_id: "boot".to_owned(),
        repository: Some("/srv/kb".to_owned()),
    }
}

/// Context pins of a pin.
pub fn context(run_id: RunId, profile_sha256: Digest, pin: &Survey) -> ContextPins {
    ContextPins {
        run_id,
        round: 1,
        mode: Mode::Dryrun,
        execution_enabled: false,
        signer: Signer::StubSigning,
        profile_sha256,
        facts_digest: pin.facts_digest.clone(),
        simulator_input_digest: pin.input_digest(),
        pin_nonce: pin.snapshot.nonce.clone(),
        discoverers: [
            "LiveReadOnlyDiscoverer".to_owned(),
            "LiveDryRunDiscoverer".to_owned(),
        ],
        functions: Vec::new(),
        ssot: Vec::new(),
        heads: Vec::new(),
    }
}

/// A run that was sealed with PASS.
pub fn passed() -> Book {
    Book::new().to_sg1().to_sg2().to_post(|_| {}).to_seal()
}

/// A run after its post survey, which `spoil` may change.
pub fn post(spoil: impl FnOnce(&mut Survey)) -> Book {
    Book::new().to_sg1().to_sg2().to_post(spoil)
}

/// Gives a fact another value, and the survey the digest that belongs to it.
pub fn change(survey: &mut Survey, key: &str, observed: Observed) {
    let fact = survey.facts.iter_mut().find(|f| f.key.as_str() == key);
    fact.expect("a fact of the fixture").observed = observed;
    survey.facts_digest = facts_digest(&survey.facts);
}

/// A live value.
pub fn live(value: &str) -> Observed {
    Observed::Live(Live::new(value.to_owned()))
}

/// The fold of a journal.
pub fn refold(records: &[Record]) -> RunState {
    let mut run = RunState::default();
    for (seq, at, event) in records {
        run.apply(*seq, *at, event);
    }
    run
}

/// A journal recomputed under the built-in profile.
pub fn again(records: &[Record]) -> Recomputed {
    recompute(
        Some(&profile()),
        records.iter().map(|(seq, at, event)| (*seq, *at, event)),
    )
}

#[test]
fn the_fixture_passes_and_its_recomputation_finds_nothing() {
    let book = passed();
    let failing: Vec<_> = book
        .run
        .checks()
        .filter(|(_, check)| check.verdict != Verdict::Pass)
        .map(|(gate, check)| json!([gate, check]))
        .collect();
    assert!(failing.is_empty(), "{failing:#?}");
    let sealed = book.run.sealed.clone().expect("sealed");
    assert_eq!(sealed.0, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(again(&book.records).findings, Vec::new());
    let count = |gate| book.run.gates[&gate].checks.len();
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
