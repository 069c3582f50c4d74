//! Values of the run of the source report, for tests. Where the source report has a figure, it is used here.

use serde_json::{Value, json};

use crate::run::{
    ApprovalPolicy, Check, CheckName, Claim, ClaimName, ClaimVerdict, ContextPins, Mode, Person,
    RepositoryState, RunBudget, RunCreated, RunId, Signer, TargetIdentity, ToolIdentity, Verdict,
};
use crate::simulate::{Simulation, StepCounts};
use crate::survey::{
    Derived, Digest, Fact, FactDocument, FactKey, FactKind, Footprint, Live, Observed, Residue,
    RoleFinding, RoleSurvey, ServerIdentity, Severity, Simulated, Snapshot, StreamDigest, Survey,
    TransactionProof, UtcTime, facts_digest,
};

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
        user: "lan".to_owned(),
        uid: 1000,
        host: "ops1".to_owned(),
        tty: Some("/dev/pts/3".to_owned()),
        pid: 4242,
        signer: Signer::StubSigning,
    }
}

pub(super) fn created() -> RunCreated {
    RunCreated {
        run_id: run_id(),
        mode: Mode::Dryrun,
        profile: "icx-const".to_owned(),
        profile_file: None,
        profile_sha256: Digest::of("profile"),
        result_prefix: "O4_LIVE_DRYRUN_ORCHESTRATION".to_owned(),
        gate_labels: ["allow CUT".to_owned(), "allow ENACT".to_owned()],
        target: TargetIdentity {
            label: "PRODUCTION".to_owned(),
            color: "red".to_owned(),
            host: "db1.example".to_owned(),
            port: 5432,
            database: "kb".to_owned(),
            user: "context_pack_readonly".to_owned(),
            reconnect: "host=db1.example dbname=kb".to_owned(),
        },
        by: person(),
        approvals: ApprovalPolicy::default(),
        budget: RunBudget::default(),
        demo: false,
        store_group: None,
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: Some(Digest::of("binary")),
        },
        boot_id: "boot-1".to_owned(),
        uptime_ms: None,
        repository: Some("/srv/orchestrator".to_owned()),
        check_table: crate::audit::CHECK_TABLE,
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
    let content = kind == FactKind::Content;
    Fact {
        key: FactKey::new(key),
        label: label.to_owned(),
        kind,
        observed: if kind == FactKind::Boolean {
            Observed::Derived(Derived::new(value.to_owned()))
        } else {
            Observed::Live(Live::new(value.to_owned()))
        },
        rows: content.then_some(60),
        document: None,
        sql_sha256: Some(Digest::of(key)),
        live: kind == FactKind::Integer,
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
    let facts = facts();
    Survey {
        server: ServerIdentity {
            version: "15.18".to_owned(),
            version_num: 150_018,
            system_identifier: Some("7300000000000000001".to_owned()),
            timeline: Some("1".to_owned()),
            database: "kb".to_owned(),
            database_oid: None,
            postmaster_start: "2026-05-01 00:00:00+00".to_owned(),
            in_recovery: false,
            session_user: "context_pack_readonly".to_owned(),
            current_user: "context_pack_readonly".to_owned(),
            transport: "TLS verify-full".to_owned(),
        },
        snapshot: Snapshot {
            nonce: format!("nonce-{id}"),
            virtual_xid: format!("3/{id}"),
            snapshot: "745:745:".to_owned(),
            server_time: at(seconds).to_string(),
            began_at: at(seconds),
            ended_at: at(seconds + 1),
        },
        facts_digest: facts_digest(&facts),
        facts,
        role: RoleSurvey {
            role: "context_pack_readonly".to_owned(),
            asked: vec![("table privilege".to_owned(), 5)],
            unanswered: Vec::new(),
            findings: vec![RoleFinding {
                severity: Severity::Warn,
                kind: "function".to_owned(),
                object: "public.fn_iu_enact()".to_owned(),
                privilege: "EXECUTE".to_owned(),
                via: "PUBLIC".to_owned(),
                allowed: false,
            }],
        },
        candidates: Some(StreamDigest {
            rows: 60,
            sha256: Digest::of("units"),
        }),
        pieces: Some(StreamDigest {
            rows: 60,
            sha256: Digest::of("pieces"),
        }),
        unread: Vec::new(),
    }
}

pub(super) fn proof(id: u64, seconds: i64) -> TransactionProof {
    TransactionProof {
        nonce: format!("nonce-{id}"),
        nonce_at_end: format!("nonce-{id}"),
        virtual_xid: format!("3/{id}"),
        virtual_xid_at_end: format!("3/{id}"),
        server_time: at(seconds).to_string(),
        server_time_at_end: at(seconds).to_string(),
        snapshot: "745:745:".to_owned(),
        read_only: Some(true),
        isolation: "repeatable read".to_owned(),
        search_path: String::new(),
        row_security: "off".to_owned(),
        xid_assigned: None,
        locks: vec!["relation/AccessShareLock 12".to_owned()],
        rows_written: Some(0),
        residue: Some(Residue::default()),
        backend_wal_bytes: None,
        ended_by: "ROLLBACK".to_owned(),
        backend_pid: Some(77),
        unmeasured: Vec::new(),
        footprint: Footprint {
            connections: 1,
            statements: 14,
            rows: 200,
            bytes: 4096,
            transaction_us: 120_000,
            longest_us: 42_000,
            oldest_xmin: Some("745".to_owned()),
            xmin_age: Some(0),
        },
    }
}

/// Sixty units, all present and enacted.
pub(super) fn counts() -> StepCounts {
    StepCounts {
        already_present: Simulated::new(60),
        verified: Simulated::new(60),
        already_enacted: Simulated::new(60),
        ..StepCounts::default()
    }
}

pub(super) fn simulation() -> Simulation {
    Simulation {
        counts: counts(),
        first_unverified: Vec::new(),
    }
}

pub(super) fn context(pin: &Survey) -> ContextPins {
    ContextPins {
        run_id: run_id(),
        round: 1,
        mode: Mode::Dryrun,
        execution_enabled: Mode::Dryrun.execution_enabled(),
        signer: Signer::StubSigning,
        profile_sha256: Digest::of("profile"),
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
