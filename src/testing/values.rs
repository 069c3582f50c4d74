//! Sound values of a run against one server: people, server, facts, proof, pins. Invariant: all of them hold, so what a test
//! damages is the only thing wrong.

use crate::audit::CHECK_TABLE;
use crate::run::{
    ApprovalPolicy, ContextPins, Mode, Person, RunBudget, RunCreated, Signer, TargetIdentity,
    TeamWords, ToolIdentity,
};
use crate::simulate::{Simulation, StepCounts};
use crate::survey::{
    Derived, Digest, DriftRule, EvidenceFormat, Fact, FactKey, FactKind, Footprint, Live, Observed,
    Residue, RoleSurvey, ServerIdentity, Simulated, Snapshot, StreamDigest, Survey,
    TransactionProof, UtcTime, facts_digest,
};

const READER: &str = "context_pack_readonly";

/// Somebody at a terminal of `ops1`.
pub fn person(user: &str) -> Person {
    Person {
        user: user.to_owned(),
        uid: 1000,
        host: "ops1".to_owned(),
        tty: Some("pts/3".to_owned()),
        pid: 4242,
        signer: Signer::StubSigning,
        login_uid: None,
        account_doubt: None,
        store_role: None,
    }
}

/// How a run was started.
pub fn created() -> RunCreated {
    RunCreated {
        run_id: "ictr-20261122T091402Z-8a941203".parse().expect("a run id"),
        mode: Mode::Dryrun,
        profile: "icx-const".to_owned(),
        profile_file: None,
        profile_sha256: Digest::of("profile"),
        result_prefix: "O4_LIVE_DRYRUN_ORCHESTRATION".to_owned(),
        gate_labels: ["allow CUT".to_owned(), "allow ENACT".to_owned()],
        words: Some(TeamWords::of_older_runs().clone()),
        target: TargetIdentity {
            label: "PRODUCTION".to_owned(),
            color: "red".to_owned(),
            host: "db1.example".to_owned(),
            port: 5432,
            database: "kb".to_owned(),
            user: READER.to_owned(),
            reconnect: "host=db1.example dbname=kb".to_owned(),
        },
        by: person("op_a"),
        approvals: ApprovalPolicy::default(),
        budget: RunBudget::default(),
        demo: false,
        store_group: None,
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: None,
        },
        boot_id: "boot".to_owned(),
        uptime_ms: None,
        repository: None,
        check_table: CHECK_TABLE,
        change: None,
        without_units: false,
        policy_sha256: None,
        evidence_format: EvidenceFormat::NEWEST,
    }
}

/// The server.
pub fn server() -> ServerIdentity {
    ServerIdentity {
        version: "16.14".to_owned(),
        version_num: 160_014,
        system_identifier: Some("7301".to_owned()),
        timeline: Some("1".to_owned()),
        database: "kb".to_owned(),
        database_oid: None,
        postmaster_start: "2026-10-02 03:00:00+00".to_owned(),
        in_recovery: false,
        session_user: READER.to_owned(),
        current_user: READER.to_owned(),
        transport: "TLS verify-full".to_owned(),
    }
}

/// A fact that was read; what the server did not say itself is derived.
pub fn fact(key: &str, kind: FactKind, value: &str) -> Fact {
    let value = value.to_owned();
    let observed = if key == "role_is_read_only" {
        Observed::Derived(Derived::new(value))
    } else {
        Observed::Live(Live::new(value))
    };
    Fact {
        key: FactKey::new(key),
        label: key.to_owned(),
        kind,
        observed,
        rows: None,
        document: None,
        sql_sha256: Some(Digest::of(key)),
        live: !matches!(kind, FactKind::Content | FactKind::Sha256),
        drift: DriftRule::Any,
        parts: Vec::new(),
    }
}

/// What transaction `n` saw, in no time at all.
pub fn snapshot(nonce: String, n: u64, at: UtcTime) -> Snapshot {
    Snapshot {
        nonce,
        virtual_xid: format!("3/{n}"),
        snapshot: "745:745:".to_owned(),
        server_time: at.to_string(),
        began_at: at,
        ended_at: at,
    }
}

/// A whole survey with these facts, of 60 units.
pub fn survey(snapshot: Snapshot, facts: Vec<Fact>) -> Survey {
    let stream = |name: &str| {
        Some(StreamDigest {
            rows: 60,
            sha256: Digest::of(name),
        })
    };
    Survey {
        server: server(),
        snapshot,
        facts_digest: facts_digest(&facts),
        facts,
        role: RoleSurvey {
            role: READER.to_owned(),
            asked: vec![("table privilege".to_owned(), 412)],
            unanswered: Vec::new(),
            findings: Vec::new(),
            more: Vec::new(),
        },
        candidates: stream("candidates"),
        pieces: stream("pieces"),
        unread: Vec::new(),
    }
}

/// The clean proof of the transaction that saw this.
pub fn proof(snapshot: &Snapshot) -> TransactionProof {
    TransactionProof {
        nonce: snapshot.nonce.clone(),
        nonce_at_end: snapshot.nonce.clone(),
        virtual_xid: snapshot.virtual_xid.clone(),
        virtual_xid_at_end: snapshot.virtual_xid.clone(),
        server_time: snapshot.server_time.clone(),
        server_time_at_end: snapshot.server_time.clone(),
        snapshot: snapshot.snapshot.clone(),
        read_only: Some(true),
        isolation: "repeatable read".to_owned(),
        search_path: String::new(),
        row_security: "off".to_owned(),
        xid_assigned: None,
        locks: Vec::new(),
        rows_written: Some(0),
        residue: Some(Residue::default()),
        carried: None,
        backend_wal_bytes: None,
        ended_by: "ROLLBACK".to_owned(),
        backend_pid: Some(99),
        unmeasured: Vec::new(),
        changed_while_read: Vec::new(),
        footprint: Footprint {
            connections: 1,
            statements: 20,
            rows: 420,
            bytes: 90_000,
            transaction_us: 470_000,
            longest_us: 420_000,
            oldest_xmin: Some("745".to_owned()),
            xmin_age: Some(0),
        },
    }
}

/// The steps over 60 units that are all present: drafts, or enacted ones.
pub fn simulation(enacted: bool) -> Simulation {
    let (some, none) = (Simulated::new(60), Simulated::new(0));
    Simulation {
        counts: StepCounts {
            would_insert: none,
            already_present: some,
            verified: some,
            unverified: none,
            would_enact: if enacted { none } else { some },
            already_enacted: if enacted { some } else { none },
        },
        first_unverified: Vec::new(),
    }
}

/// The pins of a run that was started so.
pub fn context(created: &RunCreated, pin: &Survey) -> ContextPins {
    ContextPins {
        run_id: created.run_id.clone(),
        round: 1,
        mode: Mode::Dryrun,
        execution_enabled: Mode::Dryrun.execution_enabled(),
        signer: Signer::StubSigning,
        profile_sha256: created.profile_sha256.clone(),
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
