//! What a rehearsal of the demo's change answers, in the words of a real one, without a shadow.

use drygate::run::{
    RehearsalCheck, RehearsalOutcome, RehearsedRow, RehearsedTable, RowOperation, ScriptEnd,
    SeededTable, SequenceMove, TableCounters, TableToCopy, Verdict, WriteCounters,
    production_check,
};
use drygate::runner::target::{RehearsalAnswer, RehearsalRequest};
use drygate::survey::{Digest, Rehearsed, TableDefinition, TransactionProof};

const UNITS: &str = "public.information_unit";
const LOG: &str = "public.lifecycle_log";

/// The preparation where nothing may be copied, else what the change did.
pub fn rehearsed(ask: &RehearsalRequest, proof: &TransactionProof) -> RehearsalAnswer {
    let mut checks = vec![
        passed(
            "programs",
            "production is PostgreSQL 15, the shadow 15 in /usr/lib/postgresql/15/bin, pg_dump /usr/bin/pg_dump",
        ),
        passed("isolation", "bubblewrap: 21 probes from inside held"),
        passed("schema", "12 relations"),
        production_check(proof),
    ];
    let outcome = ask.copy.is_some().then(outcome);
    checks.extend(outcome.iter().flat_map(|it| it.checks(&ask.role)));
    let listed = |(table, asked): (&str, bool)| TableToCopy {
        table: table.to_owned(),
        rows: Some(60),
        bytes: Some(16_384),
        asked,
    };
    let tables = [(UNITS, true), (LOG, false)].map(listed);
    RehearsalAnswer {
        checks,
        tables: match outcome {
            Some(_) => Vec::new(),
            None => tables.to_vec(),
        },
        outcome,
        ledger: None,
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

fn outcome() -> RehearsalOutcome {
    RehearsalOutcome {
        version: "15.18".to_owned(),
        passes: 2,
        seeded: vec![SeededTable {
            table: UNITS.to_owned(),
            rows: 60,
        }],
        script: ScriptEnd {
            succeeded: true,
            took_ms: 7,
            ..ScriptEnd::default()
        },
        effect: vec![
            changed(UNITS, RowOperation::Update, &["state", "updated_at"]),
            changed(LOG, RowOperation::Insert, &[]),
        ],
        effect_sha256: Some(Digest::of("effect")),
        sequences: vec![SequenceMove {
            sequence: "public.lifecycle_log_id_seq".to_owned(),
            before: Some(60),
            after: Some(62),
        }],
        schema_changes: vec!["+CREATE INDEX note_seen".to_owned()],
        sentinel_found: true,
        differences: vec!["PostgreSQL 15.17 in production, 15.18 here".to_owned()],
        counters: Some(WriteCounters {
            phases: vec![vec![
                counters("information_unit", 0, 2),
                counters("lifecycle_log", 2, 0),
            ]],
            blind: Vec::new(),
        }),
        definitions: vec![TableDefinition {
            schema: "public".to_owned(),
            table: "information_unit".to_owned(),
            sha256: Digest::of("as it was defined"),
        }],
        ..RehearsalOutcome::default()
    }
}

fn counters(table: &str, inserted: u64, updated: u64) -> TableCounters {
    TableCounters {
        schema: "public".to_owned(),
        table: table.to_owned(),
        inserted: Rehearsed::new(inserted),
        updated: Rehearsed::new(updated),
        deleted: Rehearsed::new(0),
    }
}

/// A table with two rows of one kind.
fn changed(table: &str, operation: RowOperation, columns: &[&str]) -> RehearsedTable {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let row = |nth: u32| RehearsedRow {
        key: Digest::of(format!("{table} {nth}")).to_string(),
        operation,
        columns: columns.clone(),
        values: Vec::new(),
    };
    let count = |kind| Rehearsed::new(if kind == operation { 2 } else { 0 });
    RehearsedTable {
        table: table.to_owned(),
        key: vec!["id".to_owned()],
        inserted: count(RowOperation::Insert),
        updated: count(RowOperation::Update),
        volatile: columns.last().cloned().into_iter().collect(),
        rows: vec![row(1), row(2)],
        columns,
        ..RehearsedTable::default()
    }
}
