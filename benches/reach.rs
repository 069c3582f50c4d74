//! What the resolving of what profile SQL can run costs at 5,000 tables: `profile check` as a command, against the same queries in
//! psql. Invariant: both are whole processes on the same server, by turns; the figure is printed and has no bar.
//!
//! `cargo bench --bench reach -- 500` asks fewer tables.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::profile::built_in;
use drygate::testing::{MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict};

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
const ROUNDS: usize = 5;
/// Tables of one query.
const EACH: usize = 10;

/// Tables of several kinds: plain, with an index over an expression, with a domain and an enum, partitioned.
fn fill(cluster: &Cluster, tables: usize) {
    let types = "CREATE TYPE public.bench_word AS ENUM ('low', 'high');
                 CREATE DOMAIN public.bench_name AS text CHECK (VALUE <> '')";
    cluster.load(DATABASE, types).expect("types");
    for from in (0..tables).step_by(500) {
        let to = (from + 500).min(tables) - 1;
        let sql = format!(
            "DO $$ BEGIN FOR n IN {from}..{to} LOOP
               EXECUTE format('CREATE TABLE public.bench_%s (id integer PRIMARY KEY, note text, word public.bench_word, name public.bench_name)', n);
               EXECUTE format('CREATE INDEX ON public.bench_%s (lower(note))', n);
               EXECUTE format('GRANT SELECT ON public.bench_%s TO {READER}', n);
             END LOOP; END $$"
        );
        cluster.load(DATABASE, &sql).expect("tables");
    }
    cluster.load(DATABASE, "VACUUM ANALYZE").expect("analysed");
}

/// A query for every ten tables.
fn queries(tables: usize) -> Vec<String> {
    let counts = |from: usize| {
        let one = |n| format!("(SELECT count(*) FROM public.bench_{n})");
        let counts: Vec<String> = (from..(from + EACH).min(tables)).map(one).collect();
        format!("SELECT ({})::text", counts.join(" + "))
    };
    (0..tables).step_by(EACH).map(counts).collect()
}

fn profile(queries: &[String]) -> String {
    let (_, text) = built_in("icx-const").expect("the built-in profile");
    let mut facts = String::new();
    for (nth, sql) in queries.iter().enumerate() {
        let _ = write!(
            facts,
            "[[facts]]\nkey = \"bench_{nth}\"\nlabel = \"bench {nth}\"\ntype = \"integer\"\nsql = \"{sql}\"\n\n"
        );
    }
    text.replacen("[[facts]]\n", &format!("{facts}[[facts]]\n"), 1)
}

fn main() -> ExitCode {
    let tables = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let tables: usize = tables.unwrap_or(5_000);
    let binaries = ServerBinaries::find().expect("a PostgreSQL server");
    let psql = binaries.psql();
    let cluster = Cluster::start(&ClusterOptions {
        settings: vec![("max_locks_per_transaction".to_owned(), "1024".to_owned())],
        binaries: Some(binaries),
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Enacted)
        .expect("the scenario loads");
    fill(&cluster, tables);
    let queries = queries(tables);
    let place = tempfile::tempdir().expect("a folder");
    let (checked, asked) = (
        place.path().join("many.toml"),
        place.path().join("many.sql"),
    );
    fs::write(&checked, profile(&queries)).expect("a profile");
    fs::write(&asked, queries.join(";\n")).expect("a script");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut check = Command::new(env!("CARGO_BIN_EXE_drygate"));
        check
            .args(["profile", "check"])
            .arg(&checked)
            .args(["--database-url", &cluster.url(READER, DATABASE)])
            .env("HOME", place.path())
            .stdout(Stdio::null());
        ours.push(ProcessCost::of(&mut check, 0));
        let ask = |psql| {
            let mut ask = Command::new(psql);
            ask.args(["-X", "-q", "-A", "-t", "-d", DATABASE, "-U", READER, "-h"])
                .arg(cluster.socket_dir())
                .arg("-f")
                .arg(&asked)
                .stdout(Stdio::null());
            ProcessCost::of(&mut ask, 0)
        };
        theirs.extend(psql.as_ref().map(ask));
    }
    let theirs = (!theirs.is_empty()).then(|| ProcessCost::median(&theirs).seconds);
    let what = format!(
        "what profile SQL can run: {} queries over {tables} tables",
        queries.len()
    );
    let row = MeasuredRow::new(
        &what,
        "drygate profile check",
        ProcessCost::median(&ours).seconds,
        MeasuredUnit::Seconds,
    );
    RowVerdict::exit_code([row.beside("psql, the same queries", theirs).tell()])
}
