//! A survey of 10,000 tables and 20 roles against the same SQL in psql: as a command, and in a process that ruled on the profile before.
//! Invariant: all ask the same server for the statements that it logged of one survey, by turns.
//!
//! `cargo bench --bench survey -- 500` asks fewer tables. It fails where a median is over 1.2 times that of psql.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use drygate::postgres::LiveReadOnlyDiscoverer;
use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::runner::target::Target as _;
use drygate::survey::TransactionProof;
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, median};
use support::{DATABASE, FULL, Memory, READER, block_on, discoverer, profile};

#[expect(
    dead_code,
    reason = "the hostile tests use the rest of what they share with this measure"
)]
#[path = "../tests/adversarial_sql/support.rs"]
mod support;

const ROLES: usize = 20;
const ROUNDS: usize = 7;
const BAR: MeasuredBar = MeasuredBar::AtMostTimes(1.2);

/// Tables with grants to twenty roles.
fn fill(cluster: &Cluster, tables: usize) {
    let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
    for role in &roles {
        cluster
            .load(DATABASE, &format!("CREATE ROLE {role}"))
            .expect("a role");
    }
    let grantees = roles.join(", ");
    for from in (0..tables).step_by(500) {
        let to = (from + 500).min(tables);
        let sql = format!(
            "DO $$ BEGIN FOR n IN {from}..{} LOOP
               EXECUTE format('CREATE TABLE public.bench_%s (id integer PRIMARY KEY, note text)', n);
               EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.bench_%s TO {grantees}', n);
             END LOOP; END $$",
            to - 1
        );
        cluster.load(DATABASE, &sql).expect("tables");
    }
    cluster.load(DATABASE, "VACUUM ANALYZE").expect("analysed");
}

/// One survey of a profile whose SQL was ruled on before, from connect to disconnect.
fn survey(discoverer: &mut LiveReadOnlyDiscoverer) -> (Duration, TransactionProof) {
    let mut witness = Memory::default();
    let began = Instant::now();
    let taken = block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
    let took = began.elapsed();
    assert_eq!(taken.survey.role.unanswered, Vec::<String>::new());
    assert_eq!(witness.closed.len(), 1, "one transaction");
    let proof = witness.closed.remove(0);
    assert_eq!(proof.violations(), Vec::<String>::new());
    (took, proof)
}

/// What the server says in its log that it executed for one survey, as a script for psql: as often, in the same order, with the same parameters.
fn script(log: &str) -> (String, usize) {
    // What is asked in the simple protocol is logged as a statement.
    let log = log.replace("LOG:  statement: ", "LOG:  execute simple: ");
    let entries: Vec<&str> = log.split("LOG:  execute ").skip(1).collect();
    let statements = entries.iter().filter_map(|entry| {
        let (_, text) = entry.split_once(": ")?;
        Some(with_parameters(continued(text), entry))
    });
    let statements: Vec<String> = statements.map(|sql| format!("{sql}\n;\n")).collect();
    (statements.concat(), entries.len())
}

/// The first line of a logged text and those that go on with it.
fn continued(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    lines
        .map_while(|line| line.strip_prefix('\t'))
        .fold(first.to_owned(), |text, line| text + "\n" + line)
}

/// Puts the logged parameters, which may hold quotes, commas and line breaks, into their places.
fn with_parameters(mut sql: String, entry: &str) -> String {
    let Some((_, logged)) = entry.split_once("DETAIL:  parameters: ") else {
        return sql;
    };
    let logged = continued(logged);
    let mut rest = logged.as_str();
    while let Some((name, value)) = rest.split_once(" = '") {
        // Quotes inside are doubled, so the first single one ends the value.
        let inside = value.replace("''", "  ");
        let end = inside.find('\'').expect("a logged value ends");
        sql = sql.replace(
            name.trim_start_matches(", "),
            &format!("'{}'", &value[..end]),
        );
        rest = &value[end + 1..];
    }
    sql
}

fn psql(program: &Path, cluster: &Cluster, script: &Path) -> Duration {
    let began = Instant::now();
    let output = Command::new(program)
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-d",
            DATABASE,
            "-U",
            READER,
            "-o",
            "/dev/null",
        ])
        .arg("-h")
        .arg(cluster.socket_dir())
        .arg("-f")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .expect("psql runs");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    // The role may not read the control file: the survey is told so too.
    let failed = said
        .lines()
        .filter(|line| line.contains("ERROR:") && !line.contains("pg_control"));
    assert_eq!(failed.collect::<Vec<_>>(), Vec::<&str>::new());
    took
}

/// The script of what the server executes for one survey, from its log.
fn logged(cluster: &Cluster, survey: impl FnOnce()) -> (String, usize) {
    let log_statements = |how: &str| {
        let sql = format!("ALTER ROLE {READER} {how}");
        cluster.load(DATABASE, &sql).expect("an altered role");
    };
    log_statements("SET log_statement = 'all'");
    let before = fs::read_to_string(cluster.log_path()).expect("a log").len();
    survey();
    log_statements("RESET log_statement");
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    let (sql, statements) = script(&log[before..]);
    let begun = sql.matches("BEGIN ").count();
    assert!(
        begun >= 2,
        "{begun} transactions: the survey and its residue"
    );
    (sql, statements)
}

/// The survey as a command.
fn command(cluster: &Cluster) -> ProcessCost {
    let url = cluster.url(READER, DATABASE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
    let words = ["survey", "--json", "--profile", "icx-const"];
    command.args(words).args(["--database-url", &url]);
    ProcessCost::of(command.stdout(Stdio::null()), 0)
}

/// A script of what was asked, in a directory.
fn write(place: &Path, name: &str, sql: String) -> PathBuf {
    let path = place.join(name);
    fs::write(&path, sql).expect("a script");
    path
}

fn main() -> ExitCode {
    let tables = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let tables: usize = tables.unwrap_or(10_000);
    let binaries = ServerBinaries::find().expect("a PostgreSQL server");
    let program = binaries.psql();
    let cluster = Cluster::start(&ClusterOptions {
        settings: vec![("shared_buffers".to_owned(), "256MB".to_owned())],
        binaries: Some(binaries),
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Enacted)
        .expect("the scenario loads");
    fill(&cluster, tables);
    let place = tempfile::tempdir().expect("a folder");

    let mut discoverer = discoverer(&cluster.url(READER, DATABASE), profile());
    survey(&mut discoverer);
    let mut rows_read = 0;
    let (warm, of_warm) = logged(&cluster, || {
        rows_read = survey(&mut discoverer).1.footprint.rows;
    });
    let (whole, of_whole) = logged(&cluster, || {
        command(&cluster);
    });
    let warm = write(place.path(), "warm.sql", warm);
    let whole = write(place.path(), "whole.sql", whole);
    let (mut commands, mut surveys) = (Vec::new(), Vec::new());
    let (mut asked_whole, mut asked_warm) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        commands.push(command(&cluster));
        surveys.push(survey(&mut discoverer).0.as_secs_f64());
        if let Some(program) = &program {
            asked_whole.push(psql(program, &cluster, &whole).as_secs_f64());
            asked_warm.push(psql(program, &cluster, &warm).as_secs_f64());
        }
    }
    let theirs = |times: &[f64]| (!times.is_empty()).then(|| median(times));
    let of = format!("survey of {tables} tables and {ROLES} roles, {rows_read} rows");
    let row = |what: &str, how: &str, seconds: f64, theirs: Option<f64>| {
        MeasuredRow::new(
            &format!("{of}, {what}"),
            how,
            seconds,
            MeasuredUnit::Seconds,
        )
        .beside("psql, the same statements", theirs)
        .held_to(BAR)
    };
    let rows = [
        row(
            &format!("{of_whole} executed statements"),
            "drygate survey",
            ProcessCost::median(&commands).seconds,
            theirs(&asked_whole),
        ),
        row(
            &format!("its SQL ruled on before, {of_warm} executed statements"),
            "library: LiveReadOnlyDiscoverer::take",
            median(&surveys),
            theirs(&asked_warm),
        ),
    ];
    RowVerdict::exit_code(rows.iter().map(MeasuredRow::tell))
}
