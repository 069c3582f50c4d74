//! Tests of the Markdown reports over whole runs: that the lines of the source report are there in order, and what must not
//! appear.

use std::sync::Arc;

use serde_json::json;

use super::fixture::{
    GRANTS, at_sg1, begun, check, closed, ends, person, profile, rendered, report, run_with_change,
    source_run,
};
use super::{sidecar_state, summary};
use crate::profile::OutOfScope;
use crate::run::{
    ApprovalGate, ApprovalRefused, CheckName, Decision, DriftFound, Event, Gate, Purpose,
    RunResult, RunState, State, StopCode, SurveyPurpose, TestsDeclared, TransactionOpened,
    TransactionUnseen, Verdict,
};
use crate::survey::{Digest, FactChange, FactKey, Live, Observed, RowChange};

/// The lines of the source report that carry a figure or a verdict.
const SOURCE_LINES: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS
- G0 SSOT + repo: PASS.
- G1 O4 dry-run feasibility: PASS.
- G2 minimal O4 additions: PASS.
- G3 live dry-run orchestration: PASS.
- G4 resume/idempotency proof: PASS.
- G5 safety tests: PASS.
- G6 commit/report: PASS.
Local commit:
6625f76 feat(orchestrator): add O4 live dry-run orchestration
Branch:
feature/constitution-snapshot-mark-dryrun
Main unchanged:
main_HEAD=3d26a09
feature_HEAD=6625f76
- LiveReadOnlyDiscoverer can survey live production state and grant facts with read-only SQL.
- LiveDryRunDiscoverer can seed the existing simulator from live facts.
- The runner can execute the state machine end-to-end in Mode.DRYRUN:
    - SG1 pause.
    - SG1 resume.
    - SG2 pause.
    - SG2 resume.
    - closeout.
    - idempotent closeout resume.
- RunContext/context pins are built from live data.
- Local reporting artifacts are generated.
- Production state does not change.
role=context_pack_readonly
role_is_read_only=true
ICX-CONST total=60
ICX-CONST draft=0
ICX-CONST enacted=60
unit_version enacted_at non-null=60
lifecycle_log_rows=60
fn_iu_enact_md5=6ca9bc39e2d2be93dd8a71739fa80dc4
fn_iu_apply_edit_draft_md5=42e96b6c9e81a2d0a28b30644d178a26
grant_matrix_sha=45d25e38ac2dd440d0e7fdbdd6a5a20df11afbaef715002db4e46ea60bd2d600
run_id=ictr-20260521T021523Z-8a941203
r1=awaiting_cut_authorization / STOP_APPROVAL_REQUIRED
r2=awaiting_lifecycle_authorization / STOP_APPROVAL_REQUIRED
r3=closeout_reported / stop_code=None
r4=closeout_reported / stop_code=None
candidate_count_confirmed=60
lifecycle_enacted_count=60
sidecar_state_final=success
local_kb_markdown_files=13
Pre/post live read-only survey remained identical:
icx_total=60 -> 60
icx_draft=0 -> 0
icx_enacted=60 -> 60
uv_enacted_at_nonnull=60 -> 60
lifecycle_log_rows=60 -> 60
O4 targeted: 4/4 PASS
Full discover: 366/366 PASS
Mode.LIVE refused: PASS
execution_enabled=False
- Production mutation: NONE.
- Live CUT/VERIFY/enact mutation: NONE.
- Production execution kill-switch enabled: NO.
- Deploy/restart: NONE.
- Push/tag remote: NONE.
- source_document / source_version mutation: NONE.
- Hardcoded secrets/runtime IDs: NONE in repo code.
- StubSigning replaced by real crypto: NO.
- Fake PASS: NO; live read-only output and runner output recorded.
- 01-ssot-repo-precheck-2026-05-21.md
- 02-dryrun-feasibility-and-scope-2026-05-21.md
- 03-o4-implementation-summary-2026-05-21.md
- 04-live-dryrun-execution-result-2026-05-21.md
- 05-resume-idempotency-result-2026-05-21.md
- 06-test-safety-result-2026-05-21.md
- 07-final-o4-live-dryrun-report-2026-05-21.md
No OR or TD update needed: this task adds a repo-local O4 read-only/dry-run seam and does not change operating policy, production schema, deployment, or recurring automation.
STOP and route to GPT/User. No main fast-forward, push, tag, deploy, restart, or live production execution was performed.";

const SECTIONS: [&str; 12] = [
    "## Final result",
    "## Gate summary",
    "## Code outcome",
    "## What O4 proves",
    "## Live facts",
    "## Runner evidence",
    "## Production non-mutation proof",
    "## Tests",
    "## Forbidden-action audit",
    "## Reports uploaded",
    "## OR / TD note",
    "## Stop point",
];

#[test]
fn report_07_has_every_section_and_line_of_the_source_report_in_order() {
    let reports = rendered(&source_run(), &profile(), Some(GRANTS));
    let lines: Vec<&str> = report(&reports, 7).lines().collect();
    // Opening lines repeat the run id, so the search starts behind them.
    let mut from = lines
        .iter()
        .position(|line| *line == SECTIONS[0])
        .expect("a first section");
    for wanted in SOURCE_LINES.lines() {
        let found = lines[from..].iter().position(|line| *line == wanted);
        from += found.unwrap_or_else(|| panic!("not found, or out of order: {wanted}"));
    }
    let sections: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("## "))
        .collect();
    assert_eq!(sections, SECTIONS.iter().collect::<Vec<_>>());
    assert!(report(&reports, 7).contains("none left this machine"));
}

#[test]
fn report_07_of_the_source_run() {
    let reports = rendered(&source_run(), &profile(), Some(GRANTS));
    insta::assert_snapshot!("report_07_source_run", report(&reports, 7));
}

#[test]
fn the_same_run_gives_the_same_bytes_before_and_after_its_seal_is_written() {
    let run = source_run();
    let before = rendered(&run, &profile(), Some(GRANTS));
    let mut sealed = run.clone();
    sealed.reports = before
        .iter()
        .map(|report| (report.name.clone(), Digest::of(&report.text)))
        .collect();
    sealed.last = sealed.last.map(|(seq, at)| (seq, at.plus_seconds(9)));
    assert_eq!(before, rendered(&sealed, &profile(), Some(GRANTS)));
    assert_eq!(before.len(), 13);
    for report in &before {
        assert!(report.text.starts_with("# "), "{}", report.name);
        let ended_once = report.text.ends_with('\n') && !report.text.ends_with("\n\n");
        assert!(
            ended_once && !report.text.contains("\n\n\n"),
            "{}",
            report.name
        );
        assert!(
            report.text.contains("target=[PRODUCTION]"),
            "{}",
            report.name
        );
    }
}

#[test]
fn what_carries_the_proof_is_in_its_report() {
    let reports = rendered(&source_run(), &profile(), Some(GRANTS));
    let has = |number: usize, words: &str| {
        assert!(
            report(&reports, number).contains(words),
            "{number}: {words}"
        );
    };
    has(4, "would_enact=0 SIMULATED");
    has(4, "| insert (SIMULATED) |");
    has(8, "| `icx_total` | ICX-CONST total | `60` | LIVE |");
    has(
        8,
        "| `role_is_read_only` | role_is_read_only | `true` | DERIVED |",
    );
    has(9, "virtual_xid=3/4");
    has(10, "xid_assigned=None");
    has(
        10,
        "Cannot see: a change made and undone between the two reads; anything undeclared",
    );
    has(10, "statements=80");
    has(11, "public.unit_version context_pack_readonly\tSELECT");
    has(11, "- warning: EXECUTE on public.fn_iu_enact() via PUBLIC");
    has(12, "Approver identity is an OS account, not cryptographic");
    has(12, "signer=StubSigning (a stub: it signs nothing)");
    has(13, "Detector: a detector");
}

#[test]
fn a_document_that_is_gone_is_not_checked() {
    let reports = rendered(&source_run(), &profile(), None);
    let text = report(&reports, 11);
    assert!(text.contains("NOT CHECKED: the document behind the digest is not among the blobs"));
    assert!(!text.contains("lines, as read"));
}

#[test]
fn a_full_test_run_that_failed_is_a_line_and_changes_no_verdict() {
    let mut run = source_run();
    run.declared_tests = Some(TestsDeclared {
        passed: 365,
        failed: 1,
        file: "full.txt".to_owned(),
        sha256: Digest::of("x"),
        age_s: 3,
    });
    let reports = rendered(&run, &profile(), None);
    assert!(report(&reports, 6).contains("Full discover: 365/366 FAIL"));
    assert!(report(&reports, 7).contains("- G5 safety tests: PASS."));
    run.declared_tests = None;
    let reports = rendered(&run, &profile(), None);
    assert!(report(&reports, 6).contains("\nFull discover: NOT CHECKED\n"));
}

#[test]
fn a_rejected_run_says_what_it_did_not_reach() {
    let mut writer = at_sg1();
    writer.decides(Decision::Reject, "lan", Some("wrong *window*"));
    writer.becomes(State::Rejected);
    writer.returns(Some(StopCode::StopApprovalRejected));
    let run = ends(writer, RunResult::Rejected);
    let reports = rendered(&run, &profile(), Some(GRANTS));
    let text = report(&reports, 7);
    for words in [
        "O4_LIVE_DRYRUN_ORCHESTRATION_REJECTED",
        "- G3 live dry-run orchestration: NOT CHECKED (begun, not finished).",
        "- G4 resume/idempotency proof: NOT CHECKED (not reached).",
        "r2=rejected / STOP_APPROVAL_REJECTED",
        "candidate_count_confirmed=not reached",
        "lifecycle_enacted_count=not reached",
        "sidecar_state_final=rejected",
        "Pre/post live read-only survey: NOT CHECKED (no post survey was taken).",
        "- NOT CHECKED or not PASS (non-mutation verdict PROVEN): Production state does not change.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("\n- Production state does not change."));
    assert!(report(&reports, 12).contains("reason=wrong *window*"));
    let proof = report(&reports, 10);
    assert!(
        proof.contains("### A: our sessions wrote nothing: HOLDS"),
        "{proof}"
    );
    assert!(
        proof.contains("different snapshots: NOT CHECKED"),
        "{proof}"
    );
    assert!(proof.contains("The run ended before closeout"), "{proof}");
    let summary = summary(&run, None, "");
    assert_eq!(summary.stop_code, Some(StopCode::StopApprovalRejected));
    let claims = summary.non_mutation.expect("it is sealed").claims;
    assert_eq!(claims["B"].verdict.name(), "NOT CHECKED");
    assert!(report(&reports, 9).contains("NOT CHECKED: no post survey was taken in this run."));
}

#[test]
fn a_run_that_failed_in_g1_has_all_thirteen_reports() {
    let mut writer = begun();
    let absent = check("repository_present", Verdict::NotChecked, json!(null));
    writer.gate_started(Gate::G0).check(Gate::G0, absent);
    writer.gate_finished(Gate::G0).becomes(State::Prechecked);
    let failing = check("role_is_read_only", Verdict::Fail, json!("INSERT"));
    writer.gate_started(Gate::G1).check(Gate::G1, failing);
    writer.gate_finished(Gate::G1);
    let code = StopCode::StopGateFailed;
    writer.stop(code, None, "A gate failed.", "Look at G1.");
    writer.becomes(State::Failed).returns(Some(code));
    let run = ends(writer, RunResult::Fail);
    let reports = rendered(&run, &profile(), None);
    assert_eq!(reports.len(), 13);
    let text = report(&reports, 7);
    for words in [
        "- G0 SSOT + repo: NOT CHECKED.",
        "- G1 O4 dry-run feasibility: FAIL.",
        "main_HEAD=NOT CHECKED",
        "live facts: NOT CHECKED (no survey was taken)",
        "sidecar_state_final=failed",
        "Verdict: UNPROVEN",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(report(&reports, 1).contains("What would check it: pass --repo"));
    let message = summary(&run, None, "").message;
    let message = message.expect("it is sealed");
    assert!(
        message.contains("G1 role_is_read_only is FAIL"),
        "{message}"
    );
    assert!(report(&reports, 10).contains("No transaction was opened in this run."));
}

#[test]
fn a_run_of_which_almost_nothing_is_recorded_says_so_nine_times() {
    let run = begun().run;
    let reports = rendered(&run, &profile(), None);
    let rows = report(&reports, 13)
        .matches("no detector recorded anything in this run")
        .count();
    assert_eq!(rows, 9);
    let text = report(&reports, 7);
    assert!(text.contains("O4 targeted: NOT CHECKED"));
    assert!(text.contains("Full discover: NOT CHECKED"));
    assert!(text.contains("Mode.LIVE refused: NOT CHECKED"));
    assert!(text.contains("Nothing: no check of this run covers any of it."));
    assert!(!text.contains("PASS."), "{text}");
}

#[test]
fn a_row_that_was_not_checked_never_says_none() {
    let line = |answer: &str| {
        let mut run = source_run();
        let gate = run.gates.get_mut(&Gate::G6).expect("G6");
        let named = |c: &&mut crate::run::Check| c.name == CheckName::ForbiddenPushTag;
        let checks = std::sync::Arc::make_mut(&mut gate.checks);
        let push = checks.iter_mut().find(named).expect("its check");
        push.verdict = Verdict::NotChecked;
        push.raw = json!({ "words": format!("Push/tag remote: {answer}."), "answer": answer, "output": null });
        let reports = rendered(&run, &profile(), None);
        let mut lines = report(&reports, 7).lines();
        lines
            .find(|line| line.contains("Push/tag"))
            .expect("its row")
            .to_owned()
    };
    let why = "NOT CHECKED (no repository)";
    assert_eq!(line(why), format!("- Push/tag remote: {why}."));
    assert_eq!(line("NONE"), "- Push/tag remote: NOT CHECKED.");
}

fn changed_run() -> RunState {
    closed(RunResult::ChangedByOthers, |survey| {
        survey.facts[4].observed = Observed::Live(Live::new("59".to_owned()));
    })
}

#[test]
fn a_change_by_others_is_shown_on_both_sides() {
    let run = changed_run();
    let reports = rendered(&run, &profile(), Some(GRANTS));
    let text = report(&reports, 7);
    assert!(text.contains("icx_enacted=60 -> 59"));
    assert!(text.contains("Pre/post live read-only survey differs in 1 value:"));
    assert!(report(&reports, 10).contains("| `icx_enacted` | `60` | `59` |"));
    assert_eq!(sidecar_state(&run).name(), "failed");
    let summary = summary(&run, None, "");
    assert_eq!(summary.stop_code, Some(StopCode::StopFactsDrifted));
    assert_eq!(summary.drift[0].found.as_deref(), Some("59"));
}

#[test]
fn drift_refusals_and_unseen_ends_are_told() {
    let mut writer = at_sg1();
    writer.push(Event::ApprovalRefused(ApprovalRefused {
        gate: ApprovalGate::SG2,
        decision: Decision::Approve,
        evidence: None,
        reason: "The run waits at SG1, not at SG2.".to_owned(),
        by: person(),
    }));
    writer.decides(Decision::Approve, "lan", None);
    writer.push(Event::TransactionOpened(TransactionOpened {
        id: 2,
        purpose: Purpose::LiveRead,
        nonce: "nonce-2".to_owned(),
    }));
    writer.push(Event::TransactionUnseen(TransactionUnseen {
        id: 2,
        reason: "the link was lost".to_owned(),
    }));
    writer.survey_taken(SurveyPurpose::ApproveSg1);
    writer.push(Event::DriftFound(DriftFound {
        gate: Some(ApprovalGate::SG1),
        drift: vec![FactChange {
            key: FactKey::new("grant_matrix_sha"),
            approved: Some("45d2".to_owned()),
            found: None,
            reason: None,
            rows: vec![RowChange {
                key: "public.t | PUBLIC".to_owned(),
                approved: None,
                found: Some("INSERT".to_owned()),
            }],
        }],
        nonce: "nonce-3".to_owned(),
    }));
    let gate = Some(ApprovalGate::SG1);
    writer.stop(StopCode::StopFactsDrifted, gate, "Drift.", "Renew.");
    let mut profile = profile();
    profile.out_of_scope.push(OutOfScope {
        check: CheckName::WorkTreeRecorded,
        reason: "generated files".to_owned(),
    });
    let reports = rendered(&writer.run, &profile, Some(GRANTS));
    let text = report(&reports, 12);
    for words in [
        "SG2 by lan: The run waits at SG1, not at SG2.",
        "### SG1 allow CUT: approve, void: the facts drifted",
        "### STOP_FACTS_DRIFTED,",
        "| `grant_matrix_sha` | `45d2` | `(none)` |",
        "| `public.t \\u{7c} PUBLIC` | `(none)` | `INSERT` |",
        "drift_found: 1 fact: grant_matrix_sha 45d2 -> unknown",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let text = report(&reports, 10);
    assert!(text.contains("3 in all: 2 clean, 0 NOT CLEAN, 1 whose end was not seen."));
    assert!(text.contains("end not seen: the link was lost"));
    let scope = report(&reports, 2);
    assert!(scope.contains("- OUT OF SCOPE: `work_tree_recorded`, because: generated files"));
    let summary = summary(&writer.run, None, "");
    assert_eq!(summary.stop_code, Some(StopCode::StopFactsDrifted));
    assert_eq!(summary.drift[0].rows[0].found.as_deref(), Some("INSERT"));
}

#[test]
fn hostile_text_of_the_database_stays_text() {
    let hostile = "a|b`c\n```\n# PASS\u{1b}[2J\u{202e}<script>";
    let mut writer = begun();
    let fact = writer.fact("icx_enacted");
    hostile.clone_into(&mut fact.label);
    fact.observed = Observed::Live(Live::new(hostile.to_owned()));
    hostile.clone_into(&mut writer.database.role.findings[0].object);
    writer.up_to_feasibility().pinned_and_seeded();
    let grants = "x\n```\n# PASS\n\u{1b}]0;y\u{7}\n";
    let mut run = writer.run;
    let pin = Arc::make_mut(run.pin.as_mut().expect("a pin"));
    pin.facts[9].document = Some(crate::survey::DocumentRef {
        sha256: Digest::of(GRANTS),
        lines: 2,
    });
    let reports = rendered(&run, &profile(), Some(grants));
    for report in &reports {
        let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!report.text.contains(bad), "{}", report.name);
        fences_close(&report.text);
    }
    let row = report(&reports, 8)
        .lines()
        .find(|line| line.starts_with("| `icx_enacted`"))
        .expect("its row");
    assert_eq!(row.replace("\\|", "").matches('|').count(), 8, "{row}");
    assert!(
        !row.replace("\\<", "")
            .replace("``", "")
            .starts_with("<script")
    );
    assert!(report(&reports, 11).contains("\\u{1b}]0;y\\u{7}"));
}

/// Checks code blocks as CommonMark reads them: one ends only at a line of at least as many backticks; none is left open.
fn fences_close(text: &str) {
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match open {
            None if ticks >= 3 => {
                assert_eq!(&line[ticks..], "text", "only our own fences open: {line}");
                open = Some(ticks);
            }
            Some(length) if ticks >= length && line.trim_end().len() == ticks => open = None,
            None => assert!(!line.starts_with("# PASS"), "a heading of others"),
            Some(_) => {}
        }
    }
    assert_eq!(open, None);
}

#[test]
fn a_run_with_a_change_has_a_report_of_its_rehearsals() {
    let reports = rendered(&run_with_change(), &profile(), None);
    assert_eq!(reports.len(), 14);
    let last = &reports[13];
    assert_eq!(last.name, "14-rehearsal-2026-05-21.md");
    for words in [
        "role=migrator",
        "about 60 rows, 8 kB",
        "#60",
        "ERROR: no",
        "SELECT 1 / 0",
        "`` public.a\\u{7c}b `# c` ``",
    ] {
        assert!(last.text.contains(words), "{words}:\n{}", last.text);
    }
    assert!(
        !last.text.contains("\n\n\n") && !last.text.ends_with("\n\n"),
        "{}",
        last.text
    );
}
