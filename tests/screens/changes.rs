//! A run with a change: what may be copied, what the change did when it was rehearsed, and what it did otherwise at the approval.
//! Invariant: every rehearsed number of rows carries its `#`, at every size.

use crossterm::event::KeyCode;
use drygate::audit::CHECK_TABLE_WITH_CHANGE;
use drygate::run::{
    ApprovalGate, CarriedOut, ChangeFile, ChangeRead, ChangeRehearsed, CopyListed, Decision,
    DriftFound, Event, Gate, KnownOutcome, LockMode, LongestLock, Progress, Purpose,
    RecordedChange, RecordedStatement, RehearsalCheck, RehearsalOutcome, RehearsedTable, RunChange,
    RunCreated, RunResult, ScriptEnd, State, StopCode, SurveyPurpose, TableToCopy, TakenLock,
    TransactionState, Verdict,
};
use drygate::simulate::{ExpectedRows, SimulatedStep};
use drygate::survey::{Digest, Rehearsed};
use drygate::testing::{ScriptedRun, at, values};
use drygate::tui::{ScreenMessage, update::update};

use crate::stage::{SIZES, Stage, drawn, model, plain};

fn snap(name: &str, script: &ScriptedRun, clock: &str) {
    for size in SIZES {
        let text = drawn(&mut model(script, clock, plain()), size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

fn rows(json: &str) -> ExpectedRows {
    serde_json::from_str(json).expect("expected rows")
}

fn table(name: &str, inserted: u64, updated: u64, columns: &[&str]) -> RehearsedTable {
    RehearsedTable {
        table: name.to_owned(),
        inserted: Rehearsed::new(inserted),
        updated: Rehearsed::new(updated),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        ..RehearsedTable::default()
    }
}

fn passed(name: &str, says: &str) -> RehearsalCheck {
    RehearsalCheck {
        name: name.to_owned(),
        verdict: Verdict::Pass,
        says: says.to_owned(),
        next: None,
    }
}

/// Its statements: one that holds everybody up until the end, and one that writes rows.
fn recorded() -> RecordedChange {
    let lock = |relation: &str, mode, held_ms| TakenLock {
        relation: relation.to_owned(),
        mode,
        held_ms,
        sampled: false,
    };
    let altered = lock("public.note", LockMode::AccessExclusive, 2_974);
    let one = |text: &str, tag: &str, rows: Option<u64>, took_ms, locks| RecordedStatement {
        text: text.to_owned(),
        text_bytes: text.len() as u64,
        text_sha256: Digest::of(text),
        tags: vec![tag.to_owned()],
        rows: rows.map(Rehearsed::new),
        took_ms,
        error: None,
        transaction: TransactionState::Open,
        locks,
        safer: None,
        of_script: None,
    };
    let update = "UPDATE public.information_unit SET state = 'enacted' WHERE state = 'draft' AND id IN (SELECT unit_id FROM public.unit_version)";
    let mut alter = one(
        "ALTER TABLE public.note ADD COLUMN seen boolean",
        "ALTER TABLE",
        None,
        7,
        vec![altered.clone()],
    );
    alter.safer = Some("SET lock_timeout before it, and try again".to_owned());
    RecordedChange {
        phases: vec![vec![
            one("BEGIN", "BEGIN", None, 0, Vec::new()),
            alter,
            one(
                update,
                "UPDATE 60",
                Some(60),
                2_617,
                vec![lock(
                    "public.information_unit",
                    LockMode::RowExclusive,
                    2_960,
                )],
            ),
            one("COMMIT", "COMMIT", None, 11, Vec::new()),
        ]],
        commands: ["ALTER TABLE", "BEGIN", "COMMIT", "UPDATE"]
            .map(str::to_owned)
            .into(),
        locks: vec![LongestLock {
            lock: altered,
            phase: 1,
            statement: 2,
            text: "ALTER TABLE public.note ADD COLUMN seen boolean".to_owned(),
        }],
        ..RecordedChange::default()
    }
}

fn rehearsed(gate: ApprovalGate, notes: u64, error: Option<&str>) -> Event {
    let outcome = RehearsalOutcome {
        version: "15.18".to_owned(),
        script: ScriptEnd {
            succeeded: error.is_none(),
            error: error.map(str::to_owned),
            statement: error
                .map(|_| "SELECT public.fn_iu_enact('ICX-CONST-0042', 'all');".to_owned()),
            took_ms: 7,
        },
        effect: vec![
            table("public.information_unit", 0, 60, &["state", "updated_at"]),
            table("public.note", 0, notes, &["seen"]),
            table("public.search_outbox", 60, 0, &[]),
        ],
        schema_changes: vec!["+CREATE INDEX note_seen".to_owned()],
        sentinel_found: true,
        recorded: Some(recorded()),
        ..RehearsalOutcome::default()
    };
    Event::ChangeRehearsed(Box::new(ChangeRehearsed {
        gate,
        first_phase: false,
        checks: vec![passed(
            "isolation",
            "bubblewrap: 21 probes from inside held",
        )],
        outcome: Some(Box::new(outcome)),
        blob: Some(Digest::of("rows")),
        ledger: None,
        moved: Vec::new(),
    }))
}

/// A run with a change that waits at SG1.
pub fn at_sg1() -> ScriptedRun {
    at_sg1_of(false)
}

/// The same; `alone`: nothing is simulated.
fn at_sg1_of(alone: bool) -> ScriptedRun {
    let created = RunCreated {
        check_table: CHECK_TABLE_WITH_CHANGE,
        change: Some(RunChange {
            command: None,
            role: "kb_migrator".to_owned(),
            files: vec!["/srv/0042.sql".to_owned()],
            expect: Some(vec![
                rows(r#"{"table":"public.information_unit","update":60}"#),
                rows(r#"{"table":"public.note","update":"5..6"}"#),
            ]),
            of_sg1: None,
            show: Vec::new(),
            bytes_per_second: None,
            valid_seconds: None,
            locks: None,
        }),
        without_units: alone,
        ..values::created()
    };
    let mut script = ScriptedRun::started(created, false, at("09:14:02"), 0);
    script.push(Event::ChangeRead(ChangeRead {
        files: vec![ChangeFile {
            path: "/srv/0042.sql".to_owned(),
            sha256: Digest::of("change"),
        }],
    }));
    script.gate(Gate::G0).becomes(State::Prechecked);
    script.clock("09:14:05").gate_started(Gate::G1);
    script
        .survey_taken(SurveyPurpose::Pin)
        .checked(Gate::G1)
        .gate_finished(Gate::G1)
        .becomes(State::Surveyed)
        .gate_started(Gate::G2);
    let to_copy = |table: &str, rows: Option<u64>, asked| TableToCopy {
        table: table.to_owned(),
        rows,
        bytes: rows.map(|rows| rows * 150),
        asked,
    };
    script.push(Event::CopyListed(CopyListed {
        tables: vec![
            to_copy("public.information_unit", Some(60), true),
            to_copy("public.note", Some(5), true),
            to_copy("public.search_outbox", None, false),
        ],
        checks: vec![passed(
            "isolation",
            "bubblewrap: 21 probes from inside held",
        )],
    }));
    script.context_pinned();
    if !alone {
        script.effect_predicted();
    }
    script.checked(Gate::G2);
    script.gate_finished(Gate::G2).becomes(State::Seeded);
    script.gate_started(Gate::G3);
    script.clock("09:15:10").waits(ApprovalGate::SG1);
    script
}

/// The same, rehearsed, at SG2.
pub fn at_sg2(error: Option<&str>) -> ScriptedRun {
    let mut script = at_sg1();
    script
        .clock("09:17:20")
        .decides(Decision::Approve, "op_a", None)
        .survey_taken(SurveyPurpose::ApproveSg1)
        .push(rehearsed(ApprovalGate::SG1, 5, error));
    script
        .step(SimulatedStep::Cut, State::CutSimulated)
        .step(SimulatedStep::Verify, State::Verified)
        .checked(Gate::G3);
    script.clock("09:17:24").waits(ApprovalGate::SG2);
    script
}

#[test]
fn before_sg1_the_sheet_says_what_is_copied() {
    snap("change_sg1", &at_sg1(), "09:15:12");
}

#[test]
fn at_sg2_the_effect_is_rehearsed_and_what_nobody_expected_is_named() {
    let script = at_sg2(None);
    snap("change_sg2", &script, "09:17:30");
    for size in [(160, 48), (80, 24)] {
        let mut stage = Stage::new(&script, "09:17:30", size);
        stage.key(KeyCode::Char('a'));
        insta::assert_snapshot!(format!("change_sheet_{}x{}", size.0, size.1), stage.text());
    }
}

#[test]
fn of_a_change_alone_no_number_is_simulated() {
    let mut script = at_sg1_of(true);
    let said = |script: &ScriptedRun, time| {
        let frames = [(160, 48), (80, 24)].map(|size| Stage::new(script, time, size).text());
        let mut sheet = Stage::new(script, time, (160, 48));
        sheet.key(KeyCode::Char('a'));
        format!("{}\n{}\n{}", frames[0], frames[1], sheet.text())
    };
    let at_sg1 = said(&script, "09:15:12");
    script
        .clock("09:17:20")
        .decides(Decision::Approve, "op_a", None)
        .survey_taken(SurveyPurpose::ApproveSg1)
        .push(rehearsed(ApprovalGate::SG1, 5, None));
    script
        .becomes(State::CutSimulated)
        .becomes(State::Verified)
        .checked(Gate::G3);
    script.clock("09:17:24").waits(ApprovalGate::SG2);
    let at_sg2 = said(&script, "09:17:30");
    for frame in [&at_sg1, &at_sg2] {
        // The script's own stop speaks of units.
        let frame = frame.replace("A live run would change ~180 rows", "");
        assert!(
            !frame.contains('~') && !frame.contains("SIMULATED"),
            "{frame}"
        );
        assert!(!frame.contains("Nothing predicted"), "{frame}");
    }
    assert!(at_sg1.contains("Approving copies 2 tables"), "{at_sg1}");
    assert!(
        at_sg2.contains("#60") && at_sg2.contains("# = REHEARSED"),
        "{at_sg2}"
    );
}

#[test]
fn while_it_is_rehearsed_the_step_and_the_time_left_are_told_beside_gates_and_facts() {
    let mut script = at_sg1();
    script
        .clock("09:17:20")
        .decides(Decision::Approve, "op_a", None)
        .survey_taken(SurveyPurpose::ApproveSg1)
        .transaction(Purpose::Rehearsal);
    let mut model = model(&script, "09:17:30", plain());
    // Nobody tells its progress: it runs elsewhere, or its process was killed.
    let text = drawn(&mut model, (160, 48));
    assert!(
        text.contains("copied rows are on the disk of that machine"),
        "{text}"
    );
    let mut told = |done, seconds| {
        let progress = Progress {
            what: "copying public.note".to_owned(),
            noun: "rows",
            done,
            total: Some(90_000),
        };
        let now = std::time::Duration::from_secs(seconds);
        let _ = update(&mut model, ScreenMessage::Progress(progress), now);
    };
    told(0, 100);
    told(30_000, 103);
    for size in SIZES {
        let text = drawn(&mut model, size);
        for part in [
            "copying public.note",
            "30,000 of 90,000 rows",
            "10,000/s",
            "6 s",
            "GATES",
            "LIVE FACTS",
            "r1",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    script.push(rehearsed(ApprovalGate::SG1, 5, None));
    let text = drawn(&mut self::model(&script, "09:17:40", plain()), (160, 48));
    assert!(!text.contains("copied rows are on the disk"), "{text}");
}

#[test]
fn a_change_that_failed_says_so_with_its_statement() {
    let script = at_sg2(Some(
        "0042.sql:3: ERROR: P0001: unit ICX-CONST-0042 has no current version",
    ));
    snap("change_failed", &script, "09:17:30");
    let mut stage = Stage::new(&script, "09:17:30", (160, 48));
    stage.key(KeyCode::Char('a'));
    assert!(
        stage.says("fn_iu_enact('ICX-CONST-0042'"),
        "{}",
        stage.text()
    );
}

#[test]
fn another_effect_than_the_approved_one_is_drift() {
    let mut script = at_sg2(None);
    script
        .clock("09:33:05")
        .decides(Decision::Approve, "op_a", None)
        .survey_taken(SurveyPurpose::ApproveSg2)
        .push(rehearsed(ApprovalGate::SG2, 7, None));
    let (_, latest) = script.run.latest.clone().expect("a survey");
    let drift = script.run.differs(Vec::new(), &latest);
    assert_eq!(drift.len(), 1);
    let gate = Some(ApprovalGate::SG2);
    script.push(Event::DriftFound(DriftFound {
        gate,
        drift,
        nonce: latest.snapshot.nonce.clone(),
    }));
    let code = StopCode::StopFactsDrifted;
    script.stop(
        code,
        gate,
        "The rehearsed effect differs from the evidence.",
        "Take new evidence.",
    );
    script.returns(Some(code));
    snap("change_drift", &script, "09:33:10");
}

/// The run of the change, sealed as PASS.
pub fn passed_run() -> ScriptedRun {
    let mut script = at_sg2(None);
    script
        .clock("09:33:05")
        .decides(Decision::Approve, "op_a", None)
        .survey_taken(SurveyPurpose::ApproveSg2)
        .push(rehearsed(ApprovalGate::SG2, 5, None));
    script
        .step(SimulatedStep::Enact, State::EnactSimulated)
        .checked(Gate::G3)
        .seals(RunResult::Pass, None);
    script
}

#[test]
fn a_sealed_run_says_whether_its_change_was_carried_out() {
    let script = passed_run();
    let mut model = model(&script, "09:52:10", plain());
    let mut said = |seen: Option<(CarriedOut, &str)>| {
        model.outcome = None;
        if let Some((outcome, at)) = seen {
            let seen = KnownOutcome {
                outcome,
                at: at.parse().expect("a time"),
                by: "root".to_owned(),
            };
            let _ = update(
                &mut model,
                ScreenMessage::Outcome(seen),
                std::time::Duration::ZERO,
            );
        }
        SIZES.map(|size| drawn(&mut model, size))
    };
    // A narrow band has no room for the command itself.
    let is_next = |text: &str, command: &str| {
        let narrow = text.contains("y copies the next command");
        narrow || text.contains(&format!("drygate {command} 8a941203"))
    };
    let day = script.run.last.expect("a record").1.date();
    for text in said(None) {
        let words = "Approved: #125 rows in 3 tables; afterwards: nobody looked yet";
        assert!(text.contains(words), "{text}");
        assert!(is_next(&text, "guard"), "{text}");
    }
    for (outcome, words, next) in [
        (CarriedOut::CameTrue, "came true", "report"),
        (CarriedOut::NotCarriedOut, "not carried out", "guard"),
        (CarriedOut::DidNotComeTrue, "did not come true", "report"),
    ] {
        for text in said(Some((outcome, &format!("{day}T21:35:07Z")))) {
            let words = format!("{words}, seen 21:35Z by root");
            assert!(text.contains(&words), "{text}");
            assert!(is_next(&text, next), "{text}");
        }
        for text in said(Some((outcome, "2027-01-02T03:04:05Z"))) {
            let words = format!("{words}, seen 2027-01-02 03:04Z by root");
            assert!(text.contains(&words), "{text}");
        }
    }
}
