//! Every situation of the band, at every size. Invariant: the snapshot's name is the situation and the size.

use std::sync::Arc;

use crossterm::event::KeyCode;
use drygate::run::{
    ApprovalGate, ApprovalRefused, Check, CheckName, Decision, Event, Gate, Obstacle, Progress,
    RunResult, State, StopCode, SurveyPurpose, Verdict,
};
use drygate::tui::model::{Model, Rate};
use drygate::tui::{Colours, ScreenMessage, Theme, update::update};
use serde_json::json;

use crate::stage::{SIZES, Stage, drawn, model, plain, under};
use drygate::testing::values::person;
use drygate::testing::{ENACTED, ScriptedRun};

fn snap(name: &str, model: &mut Model) {
    for size in SIZES {
        let text = drawn(model, size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

fn snap_script(name: &str, script: &ScriptedRun, clock: &str) {
    snap(name, &mut model(script, clock, plain()));
}

#[test]
fn starting() {
    let mut model = model(&ScriptedRun::new(false), "09:14:02", plain());
    model.history = Arc::default();
    snap("starting", &mut model);
}

#[test]
fn running() {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility().checks(Gate::G1, 4);
    let mut model = model(&script, "09:14:09", plain());
    let progress = Progress {
        what: "Grant matrix".to_owned(),
        noun: "objects",
        done: 212_400,
        total: Some(337_671),
    };
    let _ = update(
        &mut model,
        ScreenMessage::Progress(progress),
        std::time::Duration::ZERO,
    );
    model.rate = Some(Rate {
        done: 182_000,
        passed_ms: 2_000,
    });
    snap("g1_running", &mut model);
}

#[test]
fn a_budget_that_is_nearly_spent_lets_live_reads_rest_and_says_so() {
    let rows = |rows_max| {
        let limit = drygate::run::RunBudget {
            rows_max: Some(rows_max),
            ..drygate::run::RunBudget::default()
        };
        model(
            &under(ScriptedRun::at_sg1(false), limit),
            "09:15:10",
            plain(),
        )
    };
    // A survey is 420 rows; five more and a live read must fit beside the one that was taken.
    for size in SIZES {
        let text = drawn(&mut rows(2_940), size);
        assert!(!text.contains("ive reads rest"), "{text}");
    }
    snap("sg1_live_reads_rest", &mut rows(2_939));
    snap("sg1_budget_spent", &mut rows(420));
}

#[test]
fn few_long_answers() {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility().checks(Gate::G1, 4);
    let mut model = model(&script, "09:14:09", plain());
    let mut told = |done, seconds| {
        let progress = Progress {
            what: "Role survey".to_owned(),
            noun: "answers",
            done,
            total: Some(16),
        };
        let now = std::time::Duration::from_secs(seconds);
        let _ = update(&mut model, ScreenMessage::Progress(progress), now);
        drawn(&mut model, (80, 24))
    };
    // An earlier survey of the run, then this one: its rate is its own.
    told(0, 100);
    told(16, 101);
    told(0, 300);
    let text = told(5, 310);
    assert!(
        text.contains("5 of 16 answers  [###---------]  0.5/s  22 s left"),
        "{text}"
    );
}

#[test]
fn waiting() {
    snap_script("sg1_waiting", &ScriptedRun::at_sg1(false), "09:15:10");
    let mut script = ScriptedRun::at_sg2(false);
    script.clock("09:31:15").live_read(false, &[], None);
    let mut model = model(&script, "09:31:15", plain());
    model.watchers = vec!["opb".to_owned()];
    snap("sg2_waiting", &mut model);
    snap_script(
        "sg2_nothing_predicted",
        &ScriptedRun::at_sg2(true),
        "09:31:15",
    );
}

/// A run that waits although nothing can make it PASS any more.
pub fn cannot_pass() -> ScriptedRun {
    let mut script = ScriptedRun::new(false);
    script.obstacles_of = |_| {
        vec![Obstacle {
            gate: Gate::G3,
            check: CheckName::VerifyEqualsPrediction,
            verdict: Verdict::Fail,
            subject: "~1 units are not as their source says: ICX-CONST-0001 content differs"
                .to_owned(),
        }]
    };
    script.until_sg1().until_sg2();
    script
}

#[test]
fn what_a_person_must_know_before_deciding() {
    snap_script("sg2_cannot_pass", &cannot_pass(), "09:18:00");
    let mut unread = ScriptedRun::at_sg1(false);
    unread.clock("09:16:00").live_read(false, &[], None);
    snap_script("sg1_facts_unread", &unread, "09:16:00");
    let four = [
        "icx_draft",
        "fn_iu_enact_md5",
        "unit_version",
        "grant_matrix_sha",
    ];
    let drifted = ScriptedRun::drifted_over(&four);
    snap_script("sg2_drifted_in_four", &drifted, "09:33:07");
}

#[test]
fn facts_moved_while_waiting() {
    let mut script = ScriptedRun::at_sg2(false);
    let changed = [("icx_draft", "59"), ("icx_enacted", "1")];
    script.clock("09:31:15").live_read(false, &changed, None);
    snap_script("sg2_facts_moved", &script, "09:31:15");
}

#[test]
fn drift() {
    snap_script("sg2_drifted", &ScriptedRun::drifted(), "09:33:07");
    snap_script("sg1_again_after_drift", &ScriptedRun::renewed(), "09:33:41");
}

#[test]
fn refused_expired_gone_pending() {
    let mut script = ScriptedRun::at_sg2(false);
    script.push(Event::ApprovalRefused(ApprovalRefused {
        gate: ApprovalGate::SG2,
        decision: Decision::Approve,
        evidence: None,
        reason: "The digest is of SG1, not SG2. Nothing was recorded as approved.".to_owned(),
        by: person("op_a"),
    }));
    snap_script("sg2_refused", &script, "09:31:00");
    snap_script("sg2_expired", &ScriptedRun::at_sg2(false), "17:17:30");
    snap_script("sg2_expires_soon", &ScriptedRun::at_sg2(false), "17:14:00");
    let mut script = ScriptedRun::at_sg2(false);
    script
        .clock("09:31:20")
        .live_read(false, &[], Some("connection refused"));
    snap_script("sg2_database_gone", &script, "09:31:20");
    let mut script = ScriptedRun::at_sg2(false);
    script
        .clock("09:33:05")
        .decides(Decision::Approve, "op_a", None);
    snap_script("sg2_pending", &script, "09:33:05");
}

pub fn rejected() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg2(false);
    script.decides(
        Decision::Reject,
        "opb",
        Some("ticket 412 is not merged yet"),
    );
    script.becomes(State::Rejected);
    script.stop(
        StopCode::StopApprovalRejected,
        Some(ApprovalGate::SG2),
        "Rejected.",
        "Nothing.",
    );
    script.returns(Some(StopCode::StopApprovalRejected));
    script.gate_finished(Gate::G3);
    script.ends(RunResult::Rejected, Some(StopCode::StopApprovalRejected));
    script
}

#[test]
fn finished() {
    let mut script = ScriptedRun::at_sg2(false);
    script.closes().seals(RunResult::Pass, None);
    snap_script("pass", &script, "09:52:10");

    let mut script = ScriptedRun::at_sg2(false);
    script.closes().somebody_changes(&ENACTED);
    let code = Some(StopCode::StopFactsDrifted);
    script.seals(RunResult::ChangedByOthers, code);
    snap_script("changed_by_others", &script, "09:52:10");

    snap_script("rejected", &rejected(), "09:52:10");
}

pub fn failed_at_g1() -> ScriptedRun {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    script.survey_taken(SurveyPurpose::Pin).checks(Gate::G1, 6);
    let says = "INSERT on public.unit_version is granted to context_pack_readonly.";
    let raw = json!({"ways": ["table privilege: INSERT on public.unit_version"]});
    script.check(
        Gate::G1,
        Check::evaluated(CheckName::RoleIsReadOnly, false, says, raw),
    );
    script.gate_finished(Gate::G1).becomes(State::Failed);
    script.stop(
        StopCode::StopGateFailed,
        None,
        "G1 failed.",
        "Take the grant back.",
    );
    script.returns(Some(StopCode::StopGateFailed));
    script.ends(RunResult::Fail, Some(StopCode::StopGateFailed));
    script
}

#[test]
fn failed_gate_names_gate_and_check() {
    snap_script("g1_failed", &failed_at_g1(), "09:52:10");
}

#[test]
fn enter_opens_the_check_that_failed() {
    let mut stage = Stage::new(&failed_at_g1(), "09:52:10", (80, 24));
    stage.key(KeyCode::Enter);
    let text = stage.text();
    let failed = text.find("role_is_read_only  FAIL");
    let passed = text.find("  PASS").unwrap_or(text.len());
    assert!(failed.is_some_and(|failed| failed < passed), "{text}");
}

#[test]
fn incomplete() {
    let mut script = ScriptedRun::new(false);
    script.gate_started(Gate::G0).checks(Gate::G0, 4);
    let none = Check::not_checked(
        CheckName::from("repository"),
        "none in the profile",
        "--repo DIR",
    );
    script.check(Gate::G0, none);
    script.gate_finished(Gate::G0).becomes(State::Prechecked);
    script
        .clock("09:14:05")
        .gate_started(Gate::G1)
        .pinned_and_seeded();
    script.waits(ApprovalGate::SG1);
    script.decides(Decision::Approve, "op_a", None);
    script.step(drygate::simulate::SimulatedStep::Cut, State::CutSimulated);
    script.step(drygate::simulate::SimulatedStep::Verify, State::Verified);
    script.waits(ApprovalGate::SG2).closes();
    script.seals(RunResult::Incomplete, None);
    assert_eq!(script.run.finished(Gate::G0), Some(Verdict::NotChecked));
    snap_script("incomplete", &script, "09:52:10");
}

#[test]
fn the_database_is_lost_during_work() {
    let mut script = ScriptedRun::new(false);
    script.up_to_feasibility();
    let message = "error connecting to server: Connection refused";
    let next = "check that the server is running and reachable, then resume";
    script.stop(StopCode::StopDatabaseUnavailable, None, message, next);
    snap_script("g1_database_lost", &script, "09:52:10");

    // Once work goes on, it is running again.
    script.survey_taken(SurveyPurpose::Pin);
    let text = drawn(&mut model(&script, "09:52:10", plain()), (80, 24));
    assert!(!text.contains("DATABASE UNAVAILABLE"), "{text}");
    assert!(text.contains("RUNNING"), "{text}");
}

#[test]
fn ended_without_a_seal() {
    for (name, code, says) in [
        (
            "evidence_corrupt",
            7,
            "journal.jsonl line 118 byte 40211 does not verify.",
        ),
        (
            "database_unavailable",
            69,
            "db1.example did not answer after 3 tries.",
        ),
        (
            "storage_failed",
            74,
            "The journal could not be made durable: no space left.",
        ),
    ] {
        let mut script = ScriptedRun::new(false);
        script.up_to_feasibility();
        let mut model = model(&script, "09:14:20", plain());
        let ended = ScreenMessage::Ended {
            exit_code: code,
            says: vec![says.to_owned(), "The run is kept.".to_owned()],
        };
        let _ = update(&mut model, ended, std::time::Duration::ZERO);
        insta::assert_snapshot!(format!("{name}_80x24"), drawn(&mut model, (80, 24)));
    }
}

#[test]
fn ascii_is_ascii() {
    let ascii = Theme::new(true, Colours::Off);
    for (name, script) in [
        ("ascii_sg2_waiting", ScriptedRun::at_sg2(false)),
        ("ascii_sg2_drifted", ScriptedRun::drifted()),
    ] {
        let mut model = model(&script, "09:33:07", ascii);
        snap(name, &mut model);
        for size in SIZES {
            assert!(drawn(&mut model, size).is_ascii(), "{name}");
        }
    }
}

#[test]
fn no_color_has_no_colour_and_loses_no_word() {
    use ratatui::style::Color;
    let script = ScriptedRun::drifted();
    let mut coloured = model(&script, "09:33:07", Theme::new(false, Colours::Sixteen));
    let mut bare = model(&script, "09:33:07", plain());
    for (width, height) in SIZES {
        let one = drygate::tui::event_loop::frame(&mut coloured, width, height);
        let two = drygate::tui::event_loop::frame(&mut bare, width, height);
        assert!(two.content.iter().all(|cell| cell.fg == Color::Reset));
        assert!(one.content.iter().any(|cell| cell.fg == Color::Magenta));
        assert!(one.content.iter().all(|cell| cell.bg == Color::Reset));
        let symbols = |b: &ratatui::buffer::Buffer| {
            b.content
                .iter()
                .map(|c| c.symbol().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(symbols(&one), symbols(&two));
    }
}

#[test]
fn replay_differs_only_in_badge_and_footer() {
    let script = ScriptedRun::at_sg2(false);
    let mut live = model(&script, "09:31:15", plain());
    let mut watched = model(&script, "09:31:15", plain());
    watched.source = drygate::tui::Source::Watching;
    let (one, two) = (drawn(&mut live, (160, 48)), drawn(&mut watched, (160, 48)));
    let differing: Vec<usize> = one
        .lines()
        .zip(two.lines())
        .enumerate()
        .filter(|(_, (one, two))| one != two)
        .map(|(nth, _)| nth)
        .collect();
    assert_eq!(differing, [0], "the badge");
}

#[test]
fn what_changed_beside_is_counted_and_takes_nothing_away() {
    let mut script = ScriptedRun::new(false);
    script.reads_around().until_sg1();
    script.somebody_changes_beside().until_sg2();
    assert_eq!(script.run.beside.len(), 1);
    snap_script("sg2_changed_beside", &script, "09:18:00");
    let mut model = model(&script, "09:18:00", plain());
    for size in SIZES {
        let text = drawn(&mut model, size);
        assert!(text.contains("1 changed beside"), "{text}");
        assert!(text.contains("ALLOW ENACT?"), "{text}");
    }
}
