//! Tests of `forbidden`: each test damages the input of a detector and sees its row change.

use std::sync::Arc;

use super::{Forbidden, forbidden};
use crate::audit::fixture::{again, change, live, profile, repository};
use crate::audit::journal_fixture::passed;
use crate::audit::{Recomputed, SecretScan, recompute::RecomputeFinding, result};
use crate::run::{
    Cause, Check, CheckName, Gate, HookEnd, HookOutcome, HookPoint, HookRun, NonMutationVerdict,
    ProgramFile, RepositoryState, RunResult, RunState, Signer, Verdict,
};
use crate::survey::{Digest, UtcTime};

struct ForbiddenInputs {
    run: RunState,
    now: Option<RepositoryState>,
    statements: Option<Vec<String>>,
    program: Option<ProgramFile>,
    enabled: Option<bool>,
    scan: Option<SecretScan>,
    recomputed: Option<Recomputed>,
}

fn rows(damage: impl FnOnce(&mut ForbiddenInputs)) -> Vec<Check> {
    let journal = passed();
    let mut scan = SecretScan::default();
    scan.profile("clean");
    scan.text("journal.jsonl", "clean");
    let mut world = ForbiddenInputs {
        recomputed: Some(again(&journal.records)),
        run: journal.run,
        now: Some(repository()),
        statements: Some(vec!["SELECT 1".to_owned()]),
        program: Some(ProgramFile::Sha256(Digest::of("binary"))),
        enabled: Some(false),
        scan: Some(scan),
    };
    damage(&mut world);
    forbidden(&Forbidden {
        run: &world.run,
        profile: &profile(),
        repository_before: Some(&repository()),
        repository_now: world.now.as_ref(),
        statements: world.statements.as_deref(),
        program_now: world.program.as_ref(),
        execution_enabled: world.enabled,
        secrets: world.scan.as_ref(),
        recomputed: world.recomputed.as_ref(),
    })
}

fn not_pass(damage: impl FnOnce(&mut ForbiddenInputs)) -> Vec<(String, Verdict, Option<Cause>)> {
    let bad = rows(damage)
        .into_iter()
        .filter(|c| c.verdict != Verdict::Pass);
    bad.map(|c| (c.name.to_string(), c.verdict, c.cause))
        .collect()
}

#[test]
fn a_clean_run_says_the_words_of_the_source_report() {
    let words: Vec<String> = rows(|_| {}).into_iter().map(|c| c.says).collect();
    assert_eq!(
        words,
        [
            "Production mutation: NONE.",
            "Live CUT/VERIFY/enact mutation: NONE.",
            "Production execution kill-switch enabled: NO.",
            "Deploy/restart: NONE.",
            "Push/tag remote: NONE.",
            "source_document / source_version mutation: NONE.",
            "Hardcoded secrets/runtime IDs: NONE.",
            "StubSigning replaced by real crypto: NO.",
            "Fake PASS: NO; live read-only output and runner output recorded.",
        ]
    );
}

#[test]
fn a_hook_that_ran_is_named_where_it_could_have_acted() {
    let hook = |outcome| HookRun {
        hook: HookPoint::OnWait,
        stop: 1,
        started: 2,
        at: UtcTime::from_unix_micros(0),
        program: "notify".to_owned(),
        outcome,
    };
    let named = |hook: HookRun| -> Vec<String> {
        let rows = rows(|world| world.run.hooks.push(hook));
        assert!(rows.iter().all(|row| row.verdict == Verdict::Pass));
        let named = rows
            .iter()
            .filter(|row| row.says.contains("hooks of the profile"));
        named.map(|row| row.says.clone()).collect()
    };
    let says = "NONE by drygate's own process; hooks of the profile ran once and are not watched.";
    assert_eq!(
        named(hook(None)),
        [
            format!("Deploy/restart: {says}"),
            format!("Push/tag remote: {says}")
        ]
    );
    let failed = HookEnd::NotStarted {
        why: "none".to_owned(),
    };
    let nobody = named(hook(Some(HookOutcome::bare(failed))));
    assert_eq!(nobody, Vec::<String>::new());
}

#[test]
fn every_detector_goes_red() {
    type Damage = fn(&mut ForbiddenInputs);
    let judged = |w: &mut ForbiddenInputs, verdict| {
        Arc::make_mut(w.run.non_mutation.as_mut().expect("judged")).verdict = verdict;
    };
    let cases: [(&str, Damage); 11] = [
        ("live_cut_verify_enact", |w| {
            w.statements = Some(vec!["SELECT fn_iu_enact($1)".to_owned()]);
        }),
        ("live_cut_verify_enact", |w| {
            w.statements = Some(vec!["UPDATE t SET a = 1".to_owned()]);
        }),
        ("kill_switch", |w| w.enabled = Some(true)),
        ("kill_switch", |w| {
            Arc::make_mut(w.run.context.as_mut().expect("pinned")).execution_enabled = true;
        }),
        ("deploy_restart", |w| {
            w.program = Some(ProgramFile::Sha256(Digest::of("another")));
        }),
        ("deploy_restart", |w| w.program = Some(ProgramFile::Gone)),
        ("deploy_restart", |w| {
            // Put back before the end: it was replaced all the same.
            w.run.program_replaced = Some(ProgramFile::Gone);
        }),
        ("signing_replaced", |w| {
            Arc::make_mut(w.run.created.as_mut().expect("created"))
                .by
                .signer = Signer::Other("HardwareKey".to_owned());
        }),
        ("push_tag", |w| {
            w.now
                .as_mut()
                .expect("there")
                .refs
                .push(("refs/tags/v2".to_owned(), "x".to_owned()));
        }),
        ("hardcoded_secrets", |w| {
            w.scan
                .as_mut()
                .expect("there")
                .text("blobs/x", "PGPASSWORD=abc");
        }),
        ("fake_pass", |w| {
            let what = "forged".to_owned();
            w.recomputed
                .as_mut()
                .expect("there")
                .findings
                .push(RecomputeFinding { seq: 7, what });
        }),
    ];
    for (name, damage) in cases {
        assert_eq!(
            not_pass(damage),
            [(format!("forbidden_{name}"), Verdict::Fail, None)]
        );
    }
    let suspected = not_pass(|w| judged(w, NonMutationVerdict::MutationSuspected));
    assert_eq!(
        suspected,
        [(
            "forbidden_production_mutation".to_owned(),
            Verdict::Fail,
            None
        )]
    );
}

#[test]
fn what_others_changed_is_named_as_theirs() {
    let cause = Some(Cause::ChangedByOthers);
    for key in ["source_document", "source_version"] {
        let found = not_pass(|w| {
            change(
                Arc::make_mut(w.run.post.as_mut().expect("post")),
                key,
                live("else"),
            );
        });
        assert_eq!(
            found,
            [("forbidden_source_mutation".to_owned(), Verdict::Fail, cause)]
        );
    }
    let others = |w: &mut ForbiddenInputs| {
        Arc::make_mut(w.run.non_mutation.as_mut().expect("judged")).verdict =
            NonMutationVerdict::ChangedByOthers;
    };
    let found = not_pass(others);
    assert_eq!(
        found,
        [(
            "forbidden_production_mutation".to_owned(),
            Verdict::Fail,
            cause
        )]
    );
}

#[test]
fn a_detector_without_input_is_not_checked() {
    type Damage = fn(&mut ForbiddenInputs);
    let cases: [(&str, Damage); 13] = [
        ("production_mutation", |w| w.run.non_mutation = None),
        ("live_cut_verify_enact", |w| w.statements = None),
        ("live_cut_verify_enact", |w| w.statements = Some(Vec::new())),
        ("kill_switch", |w| w.enabled = None),
        ("deploy_restart", |w| w.program = None),
        ("deploy_restart", |w| {
            Arc::make_mut(&mut w.run.surveys).truncate(1);
        }),
        ("deploy_restart", |w| {
            Arc::make_mut(&mut w.run.surveys)[1].server.postmaster_start = "later".to_owned();
        }),
        ("push_tag", |w| w.now = None),
        ("source_mutation", |w| w.run.post = None),
        ("hardcoded_secrets", |w| w.scan = None),
        ("hardcoded_secrets", |w| {
            w.scan = Some(SecretScan::default());
        }),
        ("deploy_restart", |w| {
            Arc::make_mut(w.run.created.as_mut().expect("created"))
                .tool
                .binary_sha256 = None;
        }),
        ("fake_pass", |w| w.recomputed = Some(Recomputed::default())),
    ];
    for (name, damage) in cases {
        assert_eq!(
            not_pass(damage),
            [(format!("forbidden_{name}"), Verdict::NotChecked, None)]
        );
        assert_eq!(result_with(rows(damage)), RunResult::Incomplete, "{name}");
    }
    assert_eq!(result_with(rows(|_| {})), RunResult::Pass);
    let signing = rows(|w| w.run.created = None);
    let row = signing
        .iter()
        .find(|row| row.name == CheckName::ForbiddenSigningReplaced);
    assert_eq!(row.expect("a row").verdict, Verdict::NotChecked);
}

/// The result of a run that passes but for these rows of G6.
fn result_with(rows: Vec<Check>) -> RunResult {
    let mut run = passed().run;
    let gate = run.gates.get_mut(&Gate::G6).expect("G6 was run");
    for row in rows {
        let checks = Arc::make_mut(&mut gate.checks);
        let known = checks.iter_mut().find(|check| check.name == row.name);
        *known.expect("recorded") = row;
    }
    let verdict = Verdict::of_gate(gate.checks.iter().map(|check| check.verdict));
    gate.finished.as_mut().expect("finished").0 = verdict;
    result(&run)
}
