//! Sound values for the tests: survey, proof, repository, people. All of them hold, so what a test changes is the only thing
//! wrong.

use std::sync::LazyLock;

use super::{ProbeResult, QueryCheck, Recomputed, recompute};
use crate::profile::{Profile, built_in};
use crate::run::{
    ApprovalPolicy, ContextPins, Event, History, Mode, Person, RepositoryState, RunBudget,
    RunCreated, RunId, RunState, Signer, TargetIdentity, ToolIdentity,
};
use crate::simulate::{Simulation, StepCounts};
use crate::survey::{
    Digest, Fact, FactKey, FactKind, Footprint, Live, Observed, Residue, RoleSurvey,
    ServerIdentity, Simulated, Snapshot, StreamDigest, Survey, TransactionProof, UtcTime,
    facts_digest,
};

/// One journal record.
pub type JournalRecord = (u64, UtcTime, Event);

const START: i64 = 1_795_339_442_000_000;

/// The built-in profile.
pub fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

/// The time of record `seq`.
pub fn at(seq: u64) -> UtcTime {
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
        database_oid: None,
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
        unread: Vec::new(),
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
        read_only: Some(true),
        isolation: "repeatable read".to_owned(),
        search_path: String::new(),
        row_security: "off".to_owned(),
        xid_assigned: None,
        locks: vec![
            "relation/AccessShareLock 12".to_owned(),
            "virtualxid/ExclusiveLock 1".to_owned(),
        ],
        rows_written: Some(0),
        residue: Some(Residue::default()),
        backend_wal_bytes: None,
        ended_by: "ROLLBACK".to_owned(),
        backend_pid: Some(99),
        unmeasured: Vec::new(),
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
pub fn rulings() -> Vec<QueryCheck> {
    let facts = profile()
        .facts
        .into_iter()
        .map(|f| format!("fact {}", f.key));
    facts
        .chain(["source pieces".to_owned(), "live units".to_owned()])
        .map(|query| QueryCheck {
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

/// Probes that all hold.
pub fn probes() -> Vec<ProbeResult> {
    super::PROBES
        .iter()
        .map(|name| ProbeResult {
            name: name.clone(),
            expected: "refused".to_owned(),
            saw: "refused".to_owned(),
            holds: true,
        })
        .collect()
}

/// How the run of the fixture was started.
pub fn created(run_id: RunId, profile_sha256: Digest) -> RunCreated {
    RunCreated {
        run_id,
        mode: Mode::Dryrun,
        profile: "icx-const".to_owned(),
        profile_file: None,
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
        budget: RunBudget::default(),
        demo: false,
        store_group: None,
        tool: tool(),
        boot_id: "boot".to_owned(),
        uptime_ms: Some(1_000),
        repository: Some("/srv/kb".to_owned()),
        check_table: super::CHECK_TABLE,
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
pub fn refold(records: &[JournalRecord]) -> RunState {
    let mut history = History::default();
    for (seq, at, event) in records {
        // What a test made illegal is left out, as by `verify`.
        let _ = history.take(*seq, *at, event, &Digest::zero());
    }
    history.into_run()
}

/// A journal recomputed under the built-in profile.
pub fn again(records: &[JournalRecord]) -> Recomputed {
    static PROFILE: LazyLock<Profile> = LazyLock::new(profile);
    static HEAD: LazyLock<Digest> = LazyLock::new(Digest::zero);
    recompute(
        Some(&PROFILE),
        records
            .iter()
            .map(|(seq, at, event)| (*seq, *at, event, &*HEAD)),
    )
}
