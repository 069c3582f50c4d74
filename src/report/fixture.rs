//! The run of the source report, for tests. Invariant: values are those of the source report wherever it names one.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{RenderedReport, ReportInput, render};
use crate::audit::PROBES;
use crate::profile::{Profile, built_in};
use crate::run::{
    ApprovalGate, ChangeFile, ChangeRehearsed, Check, CheckName, CopyListed, Event, Gate,
    NonMutationVerdict, Person, RehearsalOutcome, RehearsedTable, RepositoryState, RunChange,
    RunCreated, RunResult, RunState, ScriptEnd, State, TableToCopy, TestsDeclared, ToolIdentity,
    Verdict,
};
use crate::survey::{
    Digest, FactDocument, Live, Observed, Rehearsed, RoleFinding, Severity, Survey,
};
use crate::testing::{ScriptedRun, values};

pub(super) const GRANTS: &str = "public.information_unit context_pack_readonly\tSELECT\npublic.unit_version context_pack_readonly\tSELECT\n";

pub(super) fn person() -> Person {
    values::person("lan")
}

/// A run of sixty enacted units, begun.
pub(super) fn begun() -> ScriptedRun {
    let created = RunCreated {
        run_id: "ictr-20260521T021523Z-8a941203"
            .parse()
            .expect("well formed"),
        by: person(),
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: Some(Digest::of("binary")),
        },
        repository: Some("/srv/orchestrator".to_owned()),
        ..values::created()
    };
    let start = "2026-05-21T02:15:23Z".parse().expect("a valid time");
    let mut script = ScriptedRun::started(created, true, start, 1);
    script.checks_of = checks;
    script.context_of = values::context;
    script.others_finish = 0;
    for (key, label) in [
        ("icx_total", "ICX-CONST total"),
        ("icx_draft", "ICX-CONST draft"),
        ("icx_enacted", "ICX-CONST enacted"),
        ("uv_enacted_at_nonnull", "unit_version enacted_at non-null"),
    ] {
        label.clone_into(&mut script.fact(key).label);
    }
    for (key, value) in [
        ("fn_iu_enact_md5", "6ca9bc39e2d2be93dd8a71739fa80dc4"),
        (
            "fn_iu_apply_edit_draft_md5",
            "42e96b6c9e81a2d0a28b30644d178a26",
        ),
        (
            "grant_matrix_sha",
            "45d25e38ac2dd440d0e7fdbdd6a5a20df11afbaef715002db4e46ea60bd2d600",
        ),
        ("lifecycle_log", Digest::of("lifecycle_log").as_str()),
    ] {
        script.fact(key).observed = Observed::Live(Live::new(value.to_owned()));
    }
    let grants = FactDocument::new(GRANTS.to_owned());
    script.fact("grant_matrix_sha").document = Some(grants.reference().clone());
    script.database.role.findings = vec![RoleFinding {
        severity: Severity::Warn,
        kind: "function".to_owned(),
        object: "public.fn_iu_enact()".to_owned(),
        privilege: "EXECUTE".to_owned(),
        via: "PUBLIC".to_owned(),
        allowed: false,
    }];
    script
}

fn repository() -> Value {
    let head = "6625f76a0b1c2d3e4f5061728394a5b6c7d8e9f0";
    let main = "3d26a09b1c2d3e4f5061728394a5b6c7d8e9f0a1";
    json!({ "repository": RepositoryState {
        directory: "/srv/orchestrator".to_owned(),
        branch: Some("feature/constitution-snapshot-mark-dryrun".to_owned()),
        head: head.to_owned(),
        subject: "feat(orchestrator): add O4 live dry-run orchestration".to_owned(),
        main: Some(("main".to_owned(), main.to_owned())),
        feature_head: Some(head.to_owned()),
        clean: true,
        refs: Vec::new(),
        commands: vec!["git rev-parse HEAD".to_owned()],
    } })
}

pub(super) fn check(name: &str, verdict: Verdict, raw: Value) -> Check {
    Check {
        name: CheckName::from(name),
        verdict,
        says: format!("{name} was evaluated."),
        raw,
        cause: None,
        remedy: (verdict == Verdict::NotChecked).then(|| "pass --repo".to_owned()),
    }
}

/// The checks whose values stand in the source report.
fn checks(script: &ScriptedRun, gate: Gate) -> Vec<Check> {
    let pass = |name: &str, raw: Value| check(name, Verdict::Pass, raw);
    match gate {
        Gate::G0 => vec![pass("repository_present", repository())],
        Gate::G1 => vec![pass("role_is_read_only", json!(true))],
        Gate::G2 => vec![pass("mode_dryrun", json!("Mode.DRYRUN"))],
        Gate::G3 if script.run.state != State::CloseoutReported => Vec::new(),
        Gate::G3 => {
            let verdict = script.run.non_mutation.as_ref().expect("judged").verdict;
            let proven = Verdict::of(verdict == NonMutationVerdict::Proven);
            vec![check("non_mutation_proven", proven, json!(verdict))]
        }
        Gate::G4 => vec![pass("fold_from_disk_equal", json!({ "equal": true }))],
        Gate::G5 => {
            let probes = PROBES[..4].iter();
            let probes = probes.map(|name| pass(name.name(), json!("refused")));
            probes.collect()
        }
        Gate::G6 => {
            let mut checks = vec![
                pass("reports_render", json!(13)),
                pass("main_and_tags_unchanged", json!({ "moved": [] })),
            ];
            checks.extend(forbidden());
            checks
        }
    }
}

/// The nine rows with the answers of the source report.
pub(super) fn forbidden() -> Vec<Check> {
    [
        (
            "forbidden_production_mutation",
            "Production mutation",
            "NONE",
        ),
        (
            "forbidden_live_cut_verify_enact",
            "Live CUT/VERIFY/enact mutation",
            "NONE",
        ),
        (
            "forbidden_kill_switch",
            "Production execution kill-switch enabled",
            "NO",
        ),
        ("forbidden_deploy_restart", "Deploy/restart", "NONE"),
        ("forbidden_push_tag", "Push/tag remote", "NONE"),
        (
            "forbidden_source_mutation",
            "source_document / source_version mutation",
            "NONE",
        ),
        (
            "forbidden_hardcoded_secrets",
            "Hardcoded secrets/runtime IDs",
            "NONE in repo code",
        ),
        (
            "forbidden_signing_replaced",
            "StubSigning replaced by real crypto",
            "NO",
        ),
        (
            "forbidden_fake_pass",
            "Fake PASS",
            "NO; live read-only output and runner output recorded",
        ),
    ]
    .map(|(name, words, answer)| {
        let raw = json!({
            "words": words, "answer": answer, "detector": "a detector", "output": { "found": [] },
        });
        check(name, Verdict::Pass, raw)
    })
    .to_vec()
}

/// A run that waits at SG1.
pub(super) fn at_sg1() -> ScriptedRun {
    let mut script = begun();
    script.until_sg1();
    script
}

/// A full test run, G5, G6 and the seal.
pub(super) fn ends(mut script: ScriptedRun, outcome: RunResult) -> RunState {
    script.push(Event::TestsDeclared(TestsDeclared {
        passed: 366,
        failed: 0,
        file: "full.txt".to_owned(),
        sha256: Digest::of("366 passed, 0 failed\n"),
        age_s: 30,
    }));
    script.ends(outcome, None);
    script.run
}

/// A sealed run whose post survey was changed.
pub(super) fn closed(outcome: RunResult, change: impl FnOnce(&mut Survey)) -> RunState {
    let mut script = at_sg1();
    script.until_sg2().closes().post_surveyed(change);
    script.judged(None);
    ends(script, outcome)
}

/// The run of the source report.
pub(super) fn source_run() -> RunState {
    closed(RunResult::Pass, |_| {})
}

pub(super) fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
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
            let reference = Digest::of(GRANTS);
            grants.filter(|_| *digest == reference).map(str::to_owned)
        },
    };
    render(&input).expect("the reports render")
}

/// The report of a number, from 1.
pub(super) fn report(reports: &[RenderedReport], number: usize) -> &str {
    &reports[number - 1].text
}

/// A run whose change was rehearsed once and failed; its table has a name that wants to be Markdown.
pub(crate) fn run_with_change() -> RunState {
    let mut run = begun().run;
    let mut created = (**run.created.as_ref().expect("created")).clone();
    created.change = Some(RunChange {
        command: None,
        role: "migrator".to_owned(),
        files: vec!["/srv/0042.sql".to_owned()],
        expect: None,
        of_sg1: None,
        show: Vec::new(),
        bytes_per_second: None,
        valid_seconds: None,
        locks: None,
    });
    run.created = Some(Arc::new(created));
    run.change_files = Some(Arc::new(vec![ChangeFile {
        path: "/srv/0042.sql".to_owned(),
        sha256: Digest::of("change"),
    }]));
    let table = "public.a|b `# c`".to_owned();
    run.copy = Some(Arc::new(CopyListed {
        tables: vec![TableToCopy {
            table: table.clone(),
            rows: Some(60),
            bytes: Some(8_192),
            asked: true,
        }],
        checks: Vec::new(),
    }));
    let outcome = RehearsalOutcome {
        script: ScriptEnd {
            error: Some("0042.sql:3: ERROR: no".to_owned()),
            statement: Some("SELECT 1 / 0".to_owned()),
            ..ScriptEnd::default()
        },
        effect: vec![RehearsedTable {
            table,
            updated: Rehearsed::new(60),
            ..RehearsedTable::default()
        }],
        ..RehearsalOutcome::default()
    };
    run.rehearsals.push(Arc::new(ChangeRehearsed {
        gate: ApprovalGate::SG1,
        first_phase: false,
        checks: Vec::new(),
        outcome: Some(Box::new(outcome)),
        ledger: None,
        blob: Some(Digest::of("blob")),
        moved: Vec::new(),
    }));
    run
}
