//! What a rehearsal of the demo's change answers, in the words of a real one, without a shadow.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use drygate::run::{
    LockMode, LongestLock, RecordedChange, RecordedStatement, RehearsalCheck, RehearsalOutcome,
    RehearsedRow, RehearsedTable, RowLedgerHead, RowLedgerLine, RowLedgerRow, RowLedgerTable,
    RowOperation, RunOnTop, ScriptEnd, ScriptStatements, SeededTable, SequenceMove, ShownValue,
    StatementError, TableCounters, TableToCopy, TakenLock, TransactionState, Verdict,
    WriteCounters, line_mark, production_check, row_mark, short_key, value_mark,
};
use drygate::runner::target::{RehearsalAnswer, RehearsalRequest};
use drygate::survey::{Digest, EvidenceFormat, Rehearsed, TableDefinition, TransactionProof};

const UNITS: &str = "public.information_unit";
const LOG: &str = "public.lifecycle_log";

/// The preparation where nothing may be copied, else what the change did. `fails_on_top`: on top of itself it fails, else it writes again.
pub fn rehearsed(
    ask: &RehearsalRequest,
    proof: &TransactionProof,
    fails_on_top: bool,
) -> RehearsalAnswer {
    let mut checks = vec![
        passed(
            "programs",
            "production is PostgreSQL 15, the shadow 15 in /usr/lib/postgresql/15/bin, pg_dump /usr/bin/pg_dump",
        ),
        passed("isolation", "bubblewrap: 21 probes from inside held"),
        passed("schema", "12 relations"),
        production_check(proof),
    ];
    let outcome = ask.copy.is_some().then(|| RehearsalOutcome {
        on_top: Some(on_top(fails_on_top)),
        recorded: Some(recorded(ask)),
        ..outcome(ask.keep_rows)
    });
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
        ledger: outcome.as_ref().filter(|_| ask.keep_rows).map(ledger),
        outcome,
    }
}

/// The columns of the two tables; the first is the key.
const COLUMNS: [&str; 3] = ["id", "state", "updated_at"];
const SALT: &str = "a salt";

/// The ledger that a real rehearsal writes of this outcome.
fn ledger(outcome: &RehearsalOutcome) -> File {
    let mut lines = vec![RowLedgerLine::Head(RowLedgerHead {
        version: outcome.version.clone(),
        phases: 1,
        schema_before: vec![line_mark(SALT, "CREATE TABLE note (")],
        schema_after: Some(vec![
            line_mark(SALT, "CREATE TABLE note ("),
            line_mark(SALT, "CREATE INDEX note_seen"),
        ]),
        schema_lines: [(
            line_mark(SALT, "CREATE INDEX note_seen"),
            "CREATE INDEX note_seen".to_owned(),
        )]
        .into(),
    })];
    for table in &outcome.effect {
        let name = table.table.strip_prefix("public.").expect("of public");
        let place = |column: &String| COLUMNS.iter().position(|it| it == column);
        let of = RowLedgerTable {
            schema: "public".to_owned(),
            table: name.to_owned(),
            holding: vec![("public".to_owned(), name.to_owned())],
            columns: COLUMNS.map(str::to_owned).to_vec(),
            key: table.key.clone(),
            volatile: table.volatile.iter().filter_map(place).collect(),
            changes_listed: true,
            others_listed: true,
        };
        lines.push(RowLedgerLine::Table(of));
        let seeded = outcome.seeded.iter().find(|it| it.table == table.table);
        let kept = seeded.map_or(0, |it| it.rows) - table.updated.get();
        let mut rows: Vec<RowLedgerRow> = table.rows.iter().map(ledger_row).collect();
        rows.extend((0..kept).map(|nth| other_row(&format!("{name} {nth}"))));
        rows.sort_by(|one, two| one.key.cmp(&two.key));
        lines.extend(rows.into_iter().map(RowLedgerLine::Row));
    }
    let mut file = tempfile::tempfile().expect("a file");
    for line in lines {
        let line = serde_json::to_string(&line).expect("plain data");
        writeln!(file, "{line}").expect("room");
    }
    file.rewind().expect("a file");
    file
}

fn ledger_row(row: &RehearsedRow) -> RowLedgerRow {
    let place = |column: &str| COLUMNS.iter().position(|it| *it == column).expect("there");
    let changed: Vec<usize> = row.columns.iter().map(|column| place(column)).collect();
    let mark = |at: usize, says| value_mark(SALT, &row.key, COLUMNS[at], &Digest::of(says));
    RowLedgerRow {
        key: short_key(&row.key).to_owned(),
        operation: Some(row.operation),
        by: Some(741),
        before: changed.iter().map(|at| mark(*at, "before")).collect(),
        changed,
        after: (0..COLUMNS.len()).map(|at| mark(at, "after")).collect(),
        name: Some(format!("id={}", &row.key[..4])),
        shown: (row.values.iter())
            .map(|it| (place(&it.column), it.before.clone(), it.after.clone()))
            .collect(),
    }
}

/// A row that the change leaves alone.
fn other_row(says: &str) -> RowLedgerRow {
    let key = Digest::of(says).to_string();
    let columns = COLUMNS.map(str::to_owned);
    let value = Digest::of(says);
    RowLedgerRow {
        after: vec![row_mark(SALT, &key, columns.iter().map(|it| (it, &value)))],
        key: short_key(&key).to_owned(),
        name: Some(format!("id={}", &key[..4])),
        ..RowLedgerRow::default()
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

/// Each rehearsal has times of its own.
fn outcome(last: bool) -> RehearsalOutcome {
    RehearsalOutcome {
        version: "15.18".to_owned(),
        passes: 2,
        seeded: [(UNITS, 60), (LOG, 3)]
            .map(|(table, rows)| SeededTable {
                table: table.to_owned(),
                rows,
            })
            .to_vec(),
        script: ScriptEnd {
            succeeded: true,
            took_ms: 7 + u64::from(last),
            ..ScriptEnd::default()
        },
        effect: vec![
            changed(UNITS, RowOperation::Update, &["state", "updated_at"]),
            changed(LOG, RowOperation::Insert, &[]),
        ],
        effect_sha256: Some(Digest::of("effect")),
        key_salt_sha256: Some(Digest::of(SALT)),
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
        definitions: ["information_unit", "lifecycle_log"]
            .map(|table| TableDefinition {
                schema: "public".to_owned(),
                table: table.to_owned(),
                sha256: Digest::of("as it was defined"),
                format: EvidenceFormat::NEWEST,
            })
            .to_vec(),
        ..RehearsalOutcome::default()
    }
}

/// What psql sent of the script of one file with one statement, a statement that the file makes of rows, and one that fails behind a
/// savepoint.
fn recorded(ask: &RehearsalRequest) -> RecordedChange {
    let script = std::str::from_utf8(&ask.phases[0][0].1).expect("text");
    let (_, of_script) = script.split_at(script.find("SELECT").expect("a statement"));
    let longer = u64::from(ask.keep_rows);
    let mut statements = vec![
        sent("BEGIN", "BEGIN"),
        sent(of_script.trim_end(), "SELECT 2"),
        sent(
            "CREATE INDEX note_seen ON public.note (seen)",
            "CREATE INDEX",
        ),
        sent(
            &RecordedStatement::withheld("DELETE FROM public.note WHERE id ="),
            "DELETE 1",
        ),
        sent("UPDATE public.note SET seen = now()", ""),
        sent("COMMIT", "COMMIT"),
    ];
    statements[2].locks.push(TakenLock {
        relation: "public.note".to_owned(),
        mode: LockMode::Share,
        held_ms: 3 + longer,
        sampled: false,
    });
    statements[2].safer = Some("CREATE INDEX CONCURRENTLY, outside of a transaction".to_owned());
    statements[3].text_bytes = 57;
    statements[4].tags.clear();
    statements[4].error = Some(StatementError {
        severity: "ERROR".to_owned(),
        code: "42703".to_owned(),
        message: "column \"seen\" of relation \"note\" does not exist".to_owned(),
        raised: false,
    });
    for (nth, statement) in (1..).zip(&mut statements) {
        statement.took_ms = nth + longer;
    }
    let texts = ask.phases[0].iter().map(|(_, text)| text);
    let not_sent = ScriptStatements::of(texts).place(&mut statements);
    assert_eq!(not_sent, 0, "the statement of the script was sent");
    RecordedChange {
        locks: vec![LongestLock {
            lock: statements[2].locks[0].clone(),
            phase: 1,
            statement: 3,
            text: statements[2].text.clone(),
        }],
        phases: vec![statements],
        commands: ["BEGIN", "COMMIT", "CREATE INDEX", "DELETE", "SELECT"]
            .map(str::to_owned)
            .to_vec(),
        not_sent: Some(not_sent),
        ..RecordedChange::default()
    }
}

fn sent(text: &str, tag: &str) -> RecordedStatement {
    let tags = vec![tag.to_owned()];
    RecordedStatement {
        text: text.to_owned(),
        text_bytes: text.len() as u64,
        text_sha256: Digest::of(text),
        of_script: None,
        rows: RecordedStatement::rows_of(&tags).map(Rehearsed::new),
        tags,
        took_ms: 0,
        error: None,
        transaction: TransactionState::Open,
        locks: Vec::new(),
        safer: None,
    }
}

/// The change on top of itself: it fails at what is there already, or does some of it again.
fn on_top(fails: bool) -> RunOnTop {
    if fails {
        let error = "psql:change.sql:4: ERROR:  relation \"note_seen\" already exists";
        return RunOnTop {
            error: Some(error.to_owned()),
            ..RunOnTop::default()
        };
    }
    RunOnTop {
        error: None,
        wrote: vec![
            counters("information_unit", 0, 2),
            counters("lifecycle_log", 2, 0),
        ],
        written_anew: vec![
            "public.note has other files: it is truncated, written anew, or other partitions are attached".to_owned(),
        ],
        schema_lines: Rehearsed::new(2),
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
    let row = |nth: u32| {
        let key = Digest::of(format!("{table} {nth}")).to_string();
        let id = Some(key[..4].to_owned());
        RehearsedRow {
            operation,
            columns: columns.clone(),
            values: vec![ShownValue {
                column: "id".to_owned(),
                before: id.clone().filter(|_| operation == RowOperation::Update),
                after: id,
            }],
            key,
        }
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
