//! Values of the run of the source report, for tests. Where the source report has a figure, it is used here.

use serde_json::{Value, json};

use crate::run::{
    Check, CheckName, Claim, ClaimName, ClaimVerdict, ContextPins, Person, RepositoryState,
    RunCreated, RunId, ToolIdentity, Verdict,
};
use crate::simulate::Simulation;
use crate::survey::{
    Digest, Fact, FactDocument, FactKind, RoleFinding, Severity, Snapshot, StreamDigest, Survey,
    UtcTime,
};
use crate::testing::values;

pub(super) const GRANTS: &str = "public.information_unit context_pack_readonly\tSELECT\npublic.unit_version context_pack_readonly\tSELECT\n";

/// `seconds` after the run id of the source report.
pub(super) fn at(seconds: i64) -> UtcTime {
    let start: UtcTime = "2026-05-21T02:15:23Z".parse().expect("a valid time");
    start.plus_seconds(seconds)
}

pub(super) fn run_id() -> RunId {
    "ictr-20260521T021523Z-8a941203"
        .parse()
        .expect("well formed")
}

pub(super) fn person() -> Person {
    Person {
        tty: Some("/dev/pts/3".to_owned()),
        ..values::person("lan")
    }
}

pub(super) fn created() -> RunCreated {
    RunCreated {
        run_id: run_id(),
        by: person(),
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: Some(Digest::of("binary")),
        },
        boot_id: "boot-1".to_owned(),
        repository: Some("/srv/orchestrator".to_owned()),
        ..values::created()
    }
}

pub(super) fn repository() -> Value {
    json!({ "repository": RepositoryState {
        directory: "/srv/orchestrator".to_owned(),
        branch: Some("feature/constitution-snapshot-mark-dryrun".to_owned()),
        head: "6625f76a0b1c2d3e4f5061728394a5b6c7d8e9f0".to_owned(),
        subject: "feat(orchestrator): add O4 live dry-run orchestration".to_owned(),
        main: Some((
            "main".to_owned(),
            "3d26a09b1c2d3e4f5061728394a5b6c7d8e9f0a1".to_owned()
        )),
        feature_head: Some("6625f76a0b1c2d3e4f5061728394a5b6c7d8e9f0".to_owned()),
        clean: true,
        refs: Vec::new(),
        commands: vec!["git rev-parse HEAD".to_owned()],
    } })
}

fn fact(key: &str, label: &str, kind: FactKind, value: &str) -> Fact {
    Fact {
        label: label.to_owned(),
        rows: (kind == FactKind::Content).then_some(60),
        live: kind == FactKind::Integer,
        ..values::fact(key, kind, value)
    }
}

fn facts() -> Vec<Fact> {
    use FactKind::{Boolean, Content, Integer, Md5, Sha256, Text};
    let mut facts = vec![
        fact("role", "role", Text, "context_pack_readonly"),
        fact("role_is_read_only", "role_is_read_only", Boolean, "true"),
        fact("icx_total", "ICX-CONST total", Integer, "60"),
        fact("icx_draft", "ICX-CONST draft", Integer, "0"),
        fact("icx_enacted", "ICX-CONST enacted", Integer, "60"),
        fact(
            "uv_enacted_at_nonnull",
            "unit_version enacted_at non-null",
            Integer,
            "60",
        ),
        fact("lifecycle_log_rows", "lifecycle_log_rows", Integer, "60"),
        fact(
            "fn_iu_enact_md5",
            "fn_iu_enact_md5",
            Md5,
            "6ca9bc39e2d2be93dd8a71739fa80dc4",
        ),
        fact(
            "fn_iu_apply_edit_draft_md5",
            "fn_iu_apply_edit_draft_md5",
            Md5,
            "42e96b6c9e81a2d0a28b30644d178a26",
        ),
        fact(
            "grant_matrix_sha",
            "grant_matrix_sha",
            Sha256,
            "45d25e38ac2dd440d0e7fdbdd6a5a20df11afbaef715002db4e46ea60bd2d600",
        ),
        fact(
            "unit_version",
            "unit_version",
            Content,
            Digest::of("unit_version").as_str(),
        ),
    ];
    facts[9].document = Some(
        FactDocument {
            text: GRANTS.to_owned(),
        }
        .reference(),
    );
    facts
}

/// The survey read in transaction `id`, which began `seconds` after the start.
pub(super) fn survey(id: u64, seconds: i64) -> Survey {
    let snapshot = Snapshot {
        ended_at: at(seconds + 1),
        ..values::snapshot(format!("nonce-{id}"), id, at(seconds))
    };
    let mut survey = values::survey(snapshot, facts());
    survey.server.version = "15.18".to_owned();
    survey.server.version_num = 150_018;
    survey.candidates = survey.candidates.map(|units| StreamDigest {
        sha256: Digest::of("units"),
        ..units
    });
    survey.role.findings = vec![RoleFinding {
        severity: Severity::Warn,
        kind: "function".to_owned(),
        object: "public.fn_iu_enact()".to_owned(),
        privilege: "EXECUTE".to_owned(),
        via: "PUBLIC".to_owned(),
        allowed: false,
    }];
    survey
}

/// Sixty units, all present and enacted.
pub(super) fn simulation() -> Simulation {
    values::simulation(true)
}

pub(super) fn context(pin: &Survey) -> ContextPins {
    values::context(&created(), pin)
}

pub(super) fn claims(b: ClaimVerdict) -> Vec<Claim> {
    ClaimName::ALL
        .map(|name| Claim {
            name,
            verdict: if name == ClaimName::B {
                b
            } else {
                ClaimVerdict::Holds
            },
            measured: "4 of 4 transactions".to_owned(),
            raw: json!({ "transactions": 4 }),
        })
        .to_vec()
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
